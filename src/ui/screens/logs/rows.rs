//! Rows of a stretch of lines: a head and its continuation lines as one, equal neighbours folded.

use std::{collections::VecDeque, sync::Arc};

use super::{sieve::Sieve, tail::line_at};
use crate::{
    model::log::{LogLine, Origin},
    store::logs::LogBuffer,
};

/// Notes of several pods are one thing to know within so many seconds: a container that fails again waits longer.
const TOGETHER: i64 = 5;

/// One row: a line, or equal lines one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub first: u64,
    /// The newest of the equal lines: the one that is shown.
    pub last: u64,
    pub count: u32,
    /// Notes of midwatch's own: known here, so that counting looks no line up.
    pub is_note: bool,
}

impl Entry {
    const fn of(line: u64, is_note: bool) -> Self {
        Self { first: line, last: line, count: 1, is_note }
    }
}

/// A head and the lines that continue it.
#[derive(Debug)]
struct Block {
    start: u64,
    origin: Arc<Origin>,
    is_note: bool,
    /// Its level and its message are wanted.
    is_wanted: bool,
    /// Terms of the sieve that one of its lines fulfils.
    hits: u32,
    is_shown: bool,
    /// The row that its head was folded into, as it was before.
    folded_into: Option<Entry>,
}

/// What lines are held against.
#[derive(Clone, Copy)]
pub(super) struct Sifting<'a> {
    pub buffer: &'a LogBuffer,
    pub sieve: &'a Sieve,
    /// The number of the sieve's message in this buffer.
    pub signature: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    pub entries: VecDeque<Entry>,
    block: Option<Block>,
}

impl Rows {
    /// Takes in the line behind those taken so far.
    pub(super) fn take(&mut self, at: u64, line: &LogLine, by: Sifting<'_>) {
        let Sifting { buffer, sieve, signature } = by;
        let continues = line.continues && !line.is_note;
        match &mut self.block {
            Some(block) if continues && block.origin == line.origin => block.hits |= sieve.hits(line, false),
            _ => {
                self.block = Some(Block {
                    start: at,
                    origin: line.origin.clone(),
                    is_note: line.is_note,
                    is_wanted: sieve.lets_level(line)
                        && (sieve.message.is_none() || buffer.signature(at).is_some_and(|its| Some(its) == signature)),
                    hits: sieve.hits(line, true),
                    is_shown: false,
                    folded_into: None,
                });
            }
        }
        let Some(block) = &mut self.block else { return };
        let keeps = block.is_note || block.is_wanted && sieve.lets(block.hits);
        match (block.is_shown, keeps) {
            (true, true) => self.entries.push_back(Entry::of(at, line.is_note)),
            (false, true) => {
                block.is_shown = true;
                let start = block.start.max(buffer.first_line);
                block.folded_into = fold(&mut self.entries, buffer, start, sieve.is_unfolded);
                // No note continues what is before it.
                self.entries.extend((start + 1..=at).map(|line| Entry::of(line, false)));
            }
            (true, false) => {
                block.is_shown = false;
                let start = block.start;
                while self.entries.back().is_some_and(|entry| entry.last >= start) {
                    self.entries.pop_back();
                }
                // Unless what it was before is kept no more.
                self.entries.extend(block.folded_into.take().filter(|entry| entry.last >= buffer.first_line));
            }
            (false, false) => {}
        }
    }

    /// Puts the rows of the lines right before these in front. These begin with a head.
    pub(super) fn put_before(&mut self, mut older: Self, buffer: &LogBuffer, is_unfolded: bool) {
        if let (Some(old), Some(new)) = (older.entries.back().copied(), self.entries.front().copied())
            && is_repeat(buffer, old.last, new.first, is_unfolded)
        {
            let joined = |entry: Entry| Entry { first: old.first, count: old.count + entry.count, ..entry };
            if let Some(block) = self.block.as_mut().filter(|block| block.is_shown && block.start <= new.last) {
                // Its head is in the row that is joined: what that was before is joined too.
                block.folded_into = Some(block.folded_into.map_or(old, joined));
            }
            older.entries.pop_back();
            self.entries[0] = joined(new);
        }
        for entry in older.entries.into_iter().rev() {
            self.entries.push_front(entry);
        }
    }

    /// Lines of the log behind the rows, and notes.
    pub(super) fn counted(&self) -> (u64, u64) {
        self.entries.iter().fold((0, 0), |(lines, notes), entry| {
            let count = u64::from(entry.count);
            if entry.is_note { (lines, notes + count) } else { (lines + count, notes) }
        })
    }

    /// Rows of lines before this one stay as they are. `next`: the next line to be taken in.
    pub(super) fn unsettled(&self, next: u64) -> u64 {
        let last = self.entries.back().map_or(next, |entry| entry.last);
        self.block.as_ref().map_or(last, |block| {
            let folded = block.folded_into.map_or(last, |entry| entry.last);
            last.min(block.start).min(folded)
        })
    }
}

/// The head `new` says the same of the same container as the row before, which ends with `old`; a note the same of
/// another at that time: what eight pods have not is one thing to know.
fn is_repeat(buffer: &LogBuffer, old: u64, new: u64, is_unfolded: bool) -> bool {
    let (Some(old), Some(new)) = (line_at(buffer, old), line_at(buffer, new)) else { return false };
    let is_of_same = old.origin == new.origin;
    let is_together = (new.at.as_second() - old.at.as_second()).abs() < TOGETHER;
    !(is_unfolded || old.continues || new.continues)
        && old.is_note == new.is_note
        && old.text == new.text
        && if new.is_note { !is_of_same && is_together } else { is_of_same }
}

/// Adds a head: into the row before if that says the same of the same container. Returns that row as it was.
fn fold(entries: &mut VecDeque<Entry>, buffer: &LogBuffer, at: u64, is_unfolded: bool) -> Option<Entry> {
    if let Some(entry) = entries.back_mut()
        && is_repeat(buffer, entry.last, at, is_unfolded)
    {
        let before = *entry;
        (entry.last, entry.count) = (at, entry.count + 1);
        return Some(before);
    }
    entries.push_back(Entry::of(at, line_at(buffer, at).is_some_and(|line| line.is_note)));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        query::LogBatch,
        time::{Clock as _, TestClock},
        ui::testing,
    };

    fn line(pod: &str, text: &str, is_note: bool) -> LogLine {
        LogLine {
            origin: Arc::new(Origin::new(testing::object(pod), "app".into(), "1".into())),
            at: testing::at("03:00"),
            level: None,
            text: text.into(),
            continues: text == "at x",
            is_note,
        }
    }

    #[test]
    fn notes_and_lines_are_told_apart_without_the_log() {
        let lines = vec![
            line("a", "boom", false),
            line("a", "boom", false),
            line("a", "restarted", true),
            line("b", "restarted", true),
            line("b", "at x", false),
            line("b", "boom", false),
        ];
        let (mut buffer, sieve) = (LogBuffer::new(1 << 20), Sieve::default());
        buffer.take_in(LogBatch { lines, ..LogBatch::default() }, TestClock::at(testing::at("03:00")).now());
        let rows_of = |lines: std::ops::Range<usize>| {
            let by = Sifting { buffer: &buffer, sieve: &sieve, signature: None };
            let mut rows = Rows::default();
            for at in lines {
                rows.take(at as u64, buffer.lines.get(at).expect("it is kept"), by);
            }
            rows
        };
        let whole = rows_of(0..6);
        assert_eq!((whole.entries.len(), whole.counted()), (4, (4, 2)));
        // Also where older ones are put in front: the notes of both pods are one row.
        let mut newer = rows_of(3..6);
        newer.put_before(rows_of(0..3), &buffer, false);
        assert_eq!(newer.entries, whole.entries);
    }
}
