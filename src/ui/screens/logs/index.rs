//! Which kept lines are shown: what the sieve lets through, a head and its continuation lines as one, equal neighbours folded.
//! It is kept up with new lines only; line numbers count from the first line ever kept, so that dropped lines move nothing.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::sieve::Sieve;
use crate::{
    model::log::{LogLine, Origin},
    store::logs::LogBuffer,
};

/// One row: a line, or equal lines one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub first: u64,
    /// The newest of the equal lines: the one that is shown.
    pub last: u64,
    pub count: u32,
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

/// Rows shown of one log.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: VecDeque<Entry>,
    /// The next line to look at.
    next: u64,
    block: Option<Block>,
    /// Who wrote.
    writers: HashSet<Arc<Origin>>,
    /// The number of the sieve's message in this buffer.
    signature: Option<u32>,
    /// Lines behind the rows; worked out only while something is left out.
    shown: u64,
    /// How often everything was looked at again.
    epoch: u64,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Lines behind the rows, while the sieve leaves some out.
    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    pub(super) fn get(&self, position: usize) -> Option<Entry> {
        self.entries.get(position).copied()
    }

    /// The row that shows this line, or the next one after it.
    pub(super) fn position(&self, line: u64) -> usize {
        self.entries.partition_point(|entry| entry.last < line)
    }

    /// Rows between these positions, oldest first.
    pub(super) fn range(&self, positions: std::ops::Range<usize>) -> impl DoubleEndedIterator<Item = Entry> {
        self.entries.range(positions).copied()
    }

    pub(super) fn writers(&self) -> &HashSet<Arc<Origin>> {
        &self.writers
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Rows of lines before this one stay as they are, but that the oldest are dropped.
    pub(super) fn unsettled(&self) -> u64 {
        let last = self.entries.back().map_or(self.next, |entry| entry.last);
        self.block.as_ref().map_or(last, |block| {
            let folded = block.folded_into.map_or(last, |entry| entry.last);
            last.min(block.start).min(folded)
        })
    }

    /// Everything is looked at again: another sieve.
    pub(super) fn reset(&mut self) {
        self.entries.clear();
        (self.next, self.block) = (0, None);
        self.epoch += 1;
    }

    /// Looks at the lines that came since last time. True if rows came or went.
    pub(super) fn sync(&mut self, buffer: &LogBuffer, sieve: &Sieve) -> bool {
        let (first, end) = (buffer.first_line, buffer.first_line + buffer.lines.len() as u64);
        if end < self.next {
            // Another buffer: the log was opened anew.
            self.reset();
            self.writers.clear();
        }
        let before = (self.entries.len(), self.entries.back().copied());
        while self.entries.front().is_some_and(|entry| entry.last < first) {
            self.entries.pop_front();
        }
        self.next = self.next.max(first);
        self.signature = sieve.message.as_ref().and_then(|message| buffer.signatures.number(message));
        let from = (self.next - first) as usize;
        for (index, line) in buffer.lines.window(from..buffer.lines.len()).enumerate() {
            self.take(buffer, self.next + index as u64, line, sieve);
        }
        self.next = end;
        self.shown = if sieve.is_active() { self.entries.iter().map(|entry| u64::from(entry.count)).sum() } else { 0 };
        before != (self.entries.len(), self.entries.back().copied())
    }

    fn take(&mut self, buffer: &LogBuffer, at: u64, line: &LogLine, sieve: &Sieve) {
        if !self.writers.contains(&line.origin) {
            self.writers.insert(line.origin.clone());
        }
        let continues = line.continues && !line.is_note;
        match &mut self.block {
            Some(block) if continues && block.origin == line.origin => block.hits |= sieve.hits(line, false),
            _ => {
                self.block = Some(Block {
                    start: at,
                    origin: line.origin.clone(),
                    is_note: line.is_note,
                    is_wanted: sieve.lets_level(line)
                        && (sieve.message.is_none()
                            || buffer.signature(at).is_some_and(|its| Some(its) == self.signature)),
                    hits: sieve.hits(line, true),
                    is_shown: false,
                    folded_into: None,
                });
            }
        }
        let Some(block) = &mut self.block else { return };
        let keeps = block.is_note || block.is_wanted && sieve.lets(block.hits);
        match (block.is_shown, keeps) {
            (true, true) => self.entries.push_back(Entry { first: at, last: at, count: 1 }),
            (false, true) => {
                block.is_shown = true;
                let start = block.start.max(buffer.first_line);
                block.folded_into = fold(&mut self.entries, buffer, start, sieve.is_unfolded);
                self.entries.extend((start + 1..=at).map(|line| Entry { first: line, last: line, count: 1 }));
            }
            (true, false) => {
                block.is_shown = false;
                let start = block.start;
                while self.entries.back().is_some_and(|entry| entry.last >= start) {
                    self.entries.pop_back();
                }
                self.entries.extend(block.folded_into.take());
            }
            (false, false) => {}
        }
    }
}

/// Adds a head: into the row before if that says the same of the same container. Returns that row as it was.
fn fold(entries: &mut VecDeque<Entry>, buffer: &LogBuffer, at: u64, is_unfolded: bool) -> Option<Entry> {
    let line = |at: u64| buffer.lines.get(usize::try_from(at.checked_sub(buffer.first_line)?).ok()?);
    if let (Some(entry), Some(new)) = (entries.back_mut(), line(at))
        && let Some(old) = line(entry.last)
        && !(is_unfolded || old.continues || new.is_note)
        && old.text == new.text
        && old.origin == new.origin
    {
        let before = *entry;
        (entry.last, entry.count) = (at, entry.count + 1);
        return Some(before);
    }
    entries.push_back(Entry { first: at, last: at, count: 1 });
    None
}
