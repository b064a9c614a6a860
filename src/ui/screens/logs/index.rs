//! Which kept lines are shown: by level and text, a head and its continuation lines as one, equal neighbours folded.
//! It is kept up with new lines only; line numbers count from the first line ever kept, so that dropped lines move nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use regex::Regex;

use crate::{
    model::log::{LogLevel, LogLine, Origin},
    store::logs::LogBuffer,
};

/// A text to look for: without case unless it has a capital.
pub(in super::super) fn needle(text: &str) -> Option<Regex> {
    if text.is_empty() {
        return None;
    }
    regex::RegexBuilder::new(&regex::escape(text)).case_insensitive(!text.chars().any(char::is_uppercase)).build().ok()
}

/// What is let through.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    /// `None`: every level.
    pub least: Option<LogLevel>,
    text: String,
    needle: Option<Regex>,
    is_negated: bool,
}

impl Sieve {
    /// `text`, or `!text` for lines without it.
    pub(super) fn set_text(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        let (is_negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        (self.needle, self.is_negated) = (needle(rest), is_negated);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A line that states no level counts as information.
    fn lets_level(&self, line: &LogLine) -> bool {
        line.is_note || self.least.is_none_or(|least| line.level.unwrap_or(LogLevel::Info) >= least)
    }

    fn keeps(&self, block: &Block) -> bool {
        block.is_note || block.has_level && (self.needle.is_none() || block.has_hit != self.is_negated)
    }
}

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
    has_level: bool,
    has_hit: bool,
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
    /// Who wrote, in the order of appearance: gives each its colour.
    writers: HashMap<Arc<Origin>, usize>,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, position: usize) -> Option<Entry> {
        self.entries.get(position).copied()
    }

    pub(super) fn last(&self) -> Option<Entry> {
        self.entries.back().copied()
    }

    /// The row that shows this line, or the next one after it.
    pub(super) fn position(&self, line: u64) -> usize {
        self.entries.partition_point(|entry| entry.last < line)
    }

    /// Rows between these positions, oldest first.
    pub(super) fn range(&self, positions: std::ops::Range<usize>) -> impl DoubleEndedIterator<Item = Entry> {
        self.entries.range(positions).copied()
    }

    pub(super) fn writers(&self) -> &HashMap<Arc<Origin>, usize> {
        &self.writers
    }

    /// Everything is looked at again: another sieve.
    pub(super) fn reset(&mut self) {
        self.entries.clear();
        (self.next, self.block) = (0, None);
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
        let from = (self.next - first) as usize;
        for (index, line) in buffer.lines.window(from..buffer.lines.len()).enumerate() {
            self.take(buffer, self.next + index as u64, line, sieve);
        }
        self.next = end;
        before != (self.entries.len(), self.entries.back().copied())
    }

    fn take(&mut self, buffer: &LogBuffer, at: u64, line: &LogLine, sieve: &Sieve) {
        if !self.writers.contains_key(&line.origin) {
            self.writers.insert(line.origin.clone(), self.writers.len());
        }
        let hit = sieve.needle.as_ref().is_some_and(|needle| needle.is_match(&line.text));
        let continues = line.continues && !line.is_note;
        match &mut self.block {
            Some(block) if continues && block.origin == line.origin => block.has_hit |= hit,
            _ => {
                self.block = Some(Block {
                    start: at,
                    origin: line.origin.clone(),
                    is_note: line.is_note,
                    has_level: sieve.lets_level(line),
                    has_hit: hit,
                    is_shown: false,
                    folded_into: None,
                });
            }
        }
        let Some(block) = &mut self.block else { return };
        match (block.is_shown, sieve.keeps(block)) {
            (true, true) => self.entries.push_back(Entry { first: at, last: at, count: 1 }),
            (false, true) => {
                block.is_shown = true;
                let start = block.start.max(buffer.first_line);
                block.folded_into = fold(&mut self.entries, buffer, start);
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
fn fold(entries: &mut VecDeque<Entry>, buffer: &LogBuffer, at: u64) -> Option<Entry> {
    let line = |at: u64| buffer.lines.get(usize::try_from(at.checked_sub(buffer.first_line)?).ok()?);
    if let (Some(entry), Some(new)) = (entries.back_mut(), line(at))
        && let Some(old) = line(entry.last)
        && !(old.continues || new.is_note)
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
