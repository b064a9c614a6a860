//! Which kept lines are shown: what the sieve lets through. It is kept up with new lines; with another sieve it looks at all
//! again, a slice at a time from what is on the screen outwards, so that no key waits for a whole log. Line numbers count
//! from the first line ever kept, so that dropped lines move nothing.

use std::{collections::HashSet, sync::Arc};

pub(super) use super::rows::Entry;
use super::{
    rows::{Rows, Sifting},
    sieve::Sieve,
    tail::line_at,
};
use crate::{model::log::Origin, store::logs::LogBuffer};

/// Lines and bytes of text looked at in one step.
#[derive(Clone, Copy, Debug)]
struct Slice {
    lines: usize,
    bytes: usize,
}

impl Default for Slice {
    /// A few milliseconds.
    fn default() -> Self {
        Self { lines: 5_000, bytes: 1024 * 1024 }
    }
}

impl Slice {
    fn half(self) -> Self {
        Self { lines: self.lines / 2, bytes: self.bytes / 2 }
    }

    /// Another line is part of it. False: it is full.
    fn take(&mut self, bytes: usize) -> bool {
        let has_room = self.lines > 0 && self.bytes > 0;
        (self.lines, self.bytes) = (self.lines.saturating_sub(1), self.bytes.saturating_sub(bytes));
        has_room
    }
}

/// Rows shown of one log: those of the lines from `low` to before `next`.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: Rows,
    low: u64,
    /// The next line to look at.
    next: u64,
    /// Where looking begins anew: the line, or the newest.
    anchor: Option<u64>,
    is_sifting: bool,
    slice: Slice,
    /// Who wrote.
    writers: HashSet<Arc<Origin>>,
    /// Lines of the log, and notes of midwatch's own, behind the rows; worked out only while something is left out.
    shown: u64,
    notes: u64,
    /// How often rows came that are not behind those that were there.
    epoch: u64,
    /// How often all was to be looked at again.
    resets: u64,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.rows.entries.len()
    }

    /// Lines of the log behind the rows, while the sieve leaves some out. A note is none: it matches nothing.
    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    /// Notes behind the rows, while the sieve leaves lines out: all that were looked at, for it leaves out none of them.
    pub(super) fn notes(&self) -> u64 {
        self.notes
    }

    pub(super) fn get(&self, position: usize) -> Option<Entry> {
        self.rows.entries.get(position).copied()
    }

    /// The row that shows this line, or the next one after it.
    pub(super) fn position(&self, line: u64) -> usize {
        self.rows.entries.partition_point(|entry| entry.last < line)
    }

    /// Rows between these positions, oldest first.
    pub(super) fn range(&self, positions: std::ops::Range<usize>) -> impl DoubleEndedIterator<Item = Entry> {
        self.rows.entries.range(positions).copied()
    }

    pub(super) fn writers(&self) -> &HashSet<Arc<Origin>> {
        &self.writers
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn resets(&self) -> u64 {
        self.resets
    }

    /// Rows of lines before this one stay as they are, but that the oldest are dropped.
    pub(super) fn unsettled(&self) -> u64 {
        self.rows.unsettled(self.next)
    }

    /// Some kept lines are still to be looked at.
    pub(super) fn is_sifting(&self) -> bool {
        self.is_sifting
    }

    /// Everything is looked at again, from this line outwards, or from the newest back: another sieve.
    pub(super) fn reset(&mut self, around: Option<u64>) {
        self.rows = Rows::default();
        self.anchor = Some(around.unwrap_or(u64::MAX));
        self.epoch += 1;
        self.resets += 1;
    }

    /// There is no log.
    pub(super) fn stop(&mut self) {
        self.is_sifting = false;
    }

    /// More lines came since last time than are looked at in a few steps; of a log not looked at yet, in one. Not so within
    /// the newest block, however long: looking anew would begin at its head again, and never come to its end.
    pub(super) fn is_far_behind(&self, buffer: &LogBuffer) -> bool {
        let (first, end) = span(buffer);
        let steps = if self.next <= first { 1 } else { 4 };
        self.anchor.is_none()
            && end.saturating_sub(self.next.max(first)) > steps * self.slice.lines as u64
            && head(buffer, end) > self.next
    }

    /// Looks at lines that came since last time; then, of older ones that were not looked at yet, at the newest.
    pub(super) fn sync(&mut self, buffer: &LogBuffer, sieve: &Sieve) {
        let (first, end) = span(buffer);
        if self.anchor.is_none() && end < self.next {
            // Another buffer: the log was opened anew.
            self.reset(None);
            self.writers.clear();
        }
        if let Some(around) = self.anchor.take() {
            let is_kept = around < end;
            let at =
                if is_kept { slice_before(buffer, around.max(first), self.slice.half()) } else { head(buffer, end) };
            (self.low, self.next) = (at, at);
        }
        while self.rows.entries.front().is_some_and(|entry| entry.last < first) {
            self.rows.entries.pop_front();
        }
        (self.low, self.next) = (self.low.max(first), self.next.max(first));
        let signature = sieve.message.as_ref().and_then(|message| buffer.signatures.number(message));
        let by = Sifting { buffer, sieve, signature };
        self.go_on(by);
        if self.next == end && self.low > first {
            self.go_back(by);
        }
        self.is_sifting = self.next < end || self.low > first;
        (self.shown, self.notes) = if sieve.is_active() { self.rows.counted() } else { (0, 0) };
    }

    fn go_on(&mut self, by: Sifting<'_>) {
        let (first, mut slice) = (by.buffer.first_line, self.slice);
        let from = (self.next - first) as usize;
        for line in by.buffer.lines.window(from..by.buffer.lines.len()) {
            if !slice.take(line.text.len()) {
                break;
            }
            note_writer(&mut self.writers, &line.origin);
            self.rows.take(self.next, line, by);
            self.next += 1;
        }
    }

    fn go_back(&mut self, by: Sifting<'_>) {
        let first = by.buffer.first_line;
        let from = slice_before(by.buffer, self.low, self.slice);
        let mut older = Rows::default();
        let lines = by.buffer.lines.window((from - first) as usize..(self.low - first) as usize);
        for (at, line) in (from..).zip(lines) {
            note_writer(&mut self.writers, &line.origin);
            older.take(at, line, by);
        }
        self.rows.put_before(older, by.buffer, by.sieve.is_unfolded);
        self.low = from;
        self.epoch += 1;
    }
}

fn note_writer(writers: &mut HashSet<Arc<Origin>>, origin: &Arc<Origin>) {
    if !writers.contains(origin) {
        writers.insert(origin.clone());
    }
}

/// Numbers of the first kept line and of the next one to come.
fn span(buffer: &LogBuffer) -> (u64, u64) {
    (buffer.first_line, buffer.first_line + buffer.lines.len() as u64)
}

/// The line with which a slice begins that ends before `end`; it is a head.
fn slice_before(buffer: &LogBuffer, end: u64, mut slice: Slice) -> u64 {
    let mut at = end;
    while at > buffer.first_line && slice.take(line_at(buffer, at - 1).map_or(0, |line| line.text.len())) {
        at -= 1;
    }
    head(buffer, at)
}

/// The head that this line belongs to; what is still to come may continue the last one.
fn head(buffer: &LogBuffer, at: u64) -> u64 {
    let (first, end) = span(buffer);
    let mut at = at.min(end.saturating_sub(1)).max(first);
    while at > first
        && let (Some(before), Some(line)) = (line_at(buffer, at - 1), line_at(buffer, at))
        && line.continues
        && !line.is_note
        && line.origin == before.origin
    {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::log::LogLine,
        query::LogBatch,
        store::ring::Ring,
        time::{Clock as _, TestClock},
        ui::testing,
    };

    type Sort = (usize, usize, u8);

    fn line((pod, text, kind): Sort) -> LogLine {
        LogLine {
            origin: Arc::new(Origin::new(testing::object(["a", "b"][pod]), "app".into(), "1".into())),
            at: testing::at("03:00"),
            level: None,
            text: ["boom", "secret", "at x"][text].into(),
            continues: kind == 0,
            is_note: kind == 1,
        }
    }

    fn take_in(buffer: &mut LogBuffer, lines: &[Sort]) {
        let lines = lines.iter().copied().map(line).collect();
        buffer.take_in(LogBatch { lines, ..LogBatch::default() }, TestClock::at(testing::at("03:00")).now());
    }

    fn small(lines: usize) -> Index {
        Index { slice: Slice { lines, bytes: usize::MAX }, ..Index::default() }
    }

    fn rows(index: &Index) -> Vec<Entry> {
        index.range(0..index.len()).collect()
    }

    /// Looks on as a log is followed. False: it does not come to an end.
    fn follows_to_the_end(index: &mut Index, buffer: &LogBuffer, sieve: &Sieve) -> bool {
        (0..200).any(|_| {
            if index.is_far_behind(buffer) {
                index.reset(None);
            }
            index.sync(buffer, sieve);
            !index.is_sifting()
        })
    }

    /// Long blocks.
    fn blocks(most: usize) -> impl Strategy<Value = Vec<Sort>> {
        let kind = prop_oneof![9 => Just(0_u8), 1 => 1_u8..5];
        prop::collection::vec((0_usize..2, 0_usize..3, kind), 0..most)
    }

    fn sorts(most: usize) -> impl Strategy<Value = Vec<Sort>> {
        prop::collection::vec((0_usize..2, 0_usize..3, 0_u8..5), 0..most)
    }

    proptest! {
        /// From wherever it begins, and while lines come, the rows are in the end those of all lines at once.
        #[test]
        fn slices_add_up(
            first in sorts(60),
            later in prop::collection::vec(sorts(6), 0..6),
            filter in 0_usize..4,
            lines in 1_usize..8,
            around in prop::option::of(0_u64..60),
        ) {
            let mut sieve = Sieve::default();
            sieve.set_text(["", "boom", "!secret", "boom & !secret"][filter]);
            let (mut buffer, mut whole, mut sliced) = (LogBuffer::new(1 << 20), Index::default(), small(lines));
            take_in(&mut buffer, &first);
            sliced.reset(around);
            for batch in &later {
                sliced.sync(&buffer, &sieve);
                take_in(&mut buffer, batch);
            }
            sliced.sync(&buffer, &sieve);
            while sliced.is_sifting() {
                sliced.sync(&buffer, &sieve);
            }
            whole.sync(&buffer, &sieve);
            prop_assert!(!whole.is_sifting());
            prop_assert_eq!(rows(&sliced), rows(&whole));
            prop_assert_eq!((sliced.shown(), sliced.writers()), (whole.shown(), whole.writers()));
            // And they go on in step.
            take_in(&mut buffer, &first);
            for index in [&mut whole, &mut sliced] {
                index.sync(&buffer, &sieve);
                while index.is_sifting() {
                    index.sync(&buffer, &sieve);
                }
            }
            prop_assert_eq!(rows(&sliced), rows(&whole));
        }

        /// Of long blocks, and while lines are dropped that were looked at, or were not yet.
        #[test]
        fn every_log_is_looked_at_to_its_end(
            batches in prop::collection::vec(blocks(60), 1..8),
            filter in 0_usize..4,
            lines in 1_usize..8,
            around in prop::option::of(0_u64..60),
        ) {
            let mut sieve = Sieve::default();
            sieve.set_text(["", "boom", "!secret", "boom & !secret"][filter]);
            let (mut buffer, mut index) = (LogBuffer::new(0), small(lines));
            // About forty lines.
            buffer.lines = Ring::new(5_000);
            index.reset(around);
            for batch in &batches {
                take_in(&mut buffer, batch);
                index.sync(&buffer, &sieve);
                let rows = rows(&index);
                prop_assert!(rows.is_sorted_by(|one, next| one.last < next.last), "{rows:?}");
                prop_assert!(rows.iter().all(|row| row.last >= buffer.first_line), "{rows:?}");
            }
            prop_assert!(follows_to_the_end(&mut index, &buffer, &sieve));
        }
    }

    #[test]
    fn a_block_longer_than_a_few_steps_is_followed_to_its_end() {
        let mut buffer = LogBuffer::new(1 << 20);
        take_in(&mut buffer, &[(0, 0, 4); 30]);
        take_in(&mut buffer, &[(0, 2, 0); 100]);
        let mut index = small(10);
        index.reset(None);
        assert!(follows_to_the_end(&mut index, &buffer, &Sieve::default()));
        assert_eq!(index.get(index.len() - 1).map(|row| row.last), Some(129));
    }

    #[test]
    fn a_step_is_a_slice_and_begins_at_what_is_on_the_screen() {
        let mut buffer = LogBuffer::new(1 << 20);
        take_in(&mut buffer, &(0..100).map(|at| (0, at % 3, 4)).collect::<Vec<_>>());
        let sieve = Sieve::default();
        let lines = |index: &Index| rows(index).iter().map(|entry| entry.last).collect::<Vec<_>>();
        let mut newest = small(10);
        newest.reset(None);
        newest.sync(&buffer, &sieve);
        assert!(newest.is_sifting());
        assert_eq!(lines(&newest), (89..100).collect::<Vec<u64>>());
        let mut middle = small(10);
        middle.reset(Some(50));
        middle.sync(&buffer, &sieve);
        assert_eq!(lines(&middle), (45..55).collect::<Vec<u64>>());
    }

    #[test]
    fn a_log_that_is_far_ahead_is_looked_at_from_its_newest_line() {
        let mut buffer = LogBuffer::new(1 << 20);
        let mut index = small(10);
        for most in [10, 40] {
            take_in(&mut buffer, &vec![(0, 0, 4); most]);
            assert!(!index.is_far_behind(&buffer), "{most}");
            take_in(&mut buffer, &[(0, 0, 4)]);
            assert!(index.is_far_behind(&buffer), "{most}");
            index.reset(None);
            assert!(!index.is_far_behind(&buffer), "{most}");
            index.sync(&buffer, &Sieve::default());
            while index.is_sifting() {
                index.sync(&buffer, &Sieve::default());
            }
        }
    }
}
