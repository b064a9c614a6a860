//! Merges the lines of several containers by time, with a small hold-back, into batches. Nodes' clocks differ and answers
//! race, so the order is as good as the hold-back, not perfect.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::model::log::LogLine;

/// Most lines in one batch.
pub const MAX_BATCH: usize = 500;
/// Most bytes of lines in one batch, the last line apart: batches wait where their reader is slow.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Most lines held back; beyond it the older half goes out at once.
pub const MAX_HELD: usize = 20_000;
/// Most bytes of lines held back.
pub const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;

/// A line with its place in the merge: its own time, never before the line above it in its stream; a stack trace stays
/// at the time of its head, so that no other pod's line comes between.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub order: Timestamp,
    pub line: LogLine,
}

/// Lines held back.
#[derive(Debug, Default)]
pub struct Merger {
    held: BTreeMap<(Timestamp, usize, u64), (Instant, LogLine)>,
    bytes: usize,
    /// It was full, and gives out without waiting until half of it is gone.
    overflows: bool,
    sequence: u64,
    /// Lines up to this one were pushed before the mark, and so many of them are held.
    marked: u64,
    marked_left: usize,
}

impl Merger {
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What is held now is what was logged before.
    pub fn mark(&mut self) {
        (self.marked, self.marked_left) = (self.sequence, self.held.len());
    }

    /// All that was held at the mark was given out.
    pub fn is_past_mark(&self) -> bool {
        self.marked_left == 0
    }

    pub fn push(&mut self, stream: usize, lines: Vec<Placed>, arrived: Instant) {
        for placed in lines {
            self.sequence += 1;
            self.bytes += placed.line.cost();
            self.held.insert((placed.order, stream, self.sequence), (arrived, placed.line));
        }
    }

    /// The next batch: lines that have been held for `hold`, oldest first. Empty: none yet.
    pub fn ready(&mut self, now: Instant, hold: Duration) -> Vec<LogLine> {
        self.overflows |= self.is_full();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(first) = self.held.first_entry()
        {
            let held = now.saturating_duration_since(first.get().0);
            if held < hold && !self.overflows {
                break;
            }
            let ((_, _, sequence), (_, line)) = first.remove_entry();
            self.marked_left -= usize::from(sequence <= self.marked);
            self.bytes -= line.cost();
            bytes += line.cost();
            self.overflows &= self.held.len() > MAX_HELD / 2 || self.bytes > MAX_HELD_BYTES / 2;
            batch.push(line);
        }
        batch
    }

    /// Nothing more should be taken in before some is given out.
    pub fn is_full(&self) -> bool {
        self.held.len() >= MAX_HELD || self.bytes >= MAX_HELD_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{BackendId, kubernetes::ObjectKey, log::Origin},
        text::Clean,
        time::{Clock, SystemClock},
    };

    fn placed(order_ms: i64, text: &str) -> Placed {
        let at = Timestamp::from_millisecond(order_ms).unwrap();
        let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "n".into(), name: "p".into() };
        let origin = Arc::new(Origin::new(pod, "app".into(), "1".into()));
        let line = LogLine { origin, at, level: None, text: Clean::line(text), continues: false, is_note: false };
        Placed { order: at, line }
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_come_out_by_time_after_the_hold_back() {
        let start = SystemClock.now().mono;
        let ms = Duration::from_millis;
        let mut merger = Merger::default();
        merger.push(0, vec![placed(20, "b"), placed(20, "b2"), placed(40, "d")], start);
        merger.push(1, vec![placed(10, "a"), placed(30, "c")], start + ms(200));
        assert!(merger.ready(start + ms(299), ms(300)).is_empty());
        // "a" arrived later and stands before "b": it is waited for.
        assert!(merger.ready(start + ms(301), ms(300)).is_empty());
        assert_eq!(texts(&merger.ready(start + ms(500), ms(300))), ["a", "b", "b2", "c", "d"]);
        assert!(merger.is_empty());
    }

    #[test]
    fn what_was_held_at_the_mark_is_counted_and_what_comes_later_is_not() {
        let start = SystemClock.now().mono;
        let mut merger = Merger::default();
        assert!(merger.is_past_mark(), "nothing was held");
        merger.push(0, (0..700).map(|n| placed(n, "old")).collect(), start);
        merger.mark();
        // It stands before them, and came after.
        merger.push(1, vec![placed(-1, "late")], start);
        assert_eq!(merger.ready(start, Duration::ZERO).len(), MAX_BATCH);
        assert!(!merger.is_past_mark());
        merger.push(1, vec![placed(900, "new")], start);
        assert_eq!(merger.ready(start, Duration::ZERO).len(), 202);
        assert!(merger.is_past_mark());
        merger.push(1, vec![placed(901, "new")], start);
        assert!(merger.is_past_mark());
    }

    #[test]
    fn no_batch_is_larger_than_the_cap_and_memory_is_bounded() {
        let start = SystemClock.now().mono;
        let mut merger = Merger::default();
        merger.push(0, (0..25_000).map(|n| placed(n, "x")).collect(), start);
        assert!(merger.is_full());
        assert_eq!(given_out(&mut merger, start), 15_000, "the older ones, down to half");
    }

    #[test]
    fn long_lines_are_bounded_by_their_bytes() {
        let start = SystemClock.now().mono;
        let mut merger = Merger::default();
        let long = "x".repeat(16_000);
        merger.push(0, (0..1_500).map(|n| placed(n, &long)).collect(), start);
        assert!(merger.is_full());
        let out = given_out(&mut merger, start);
        assert!((1_500 - out) * long.len() <= MAX_HELD_BYTES / 2, "{out}");
        assert!(!merger.is_full() && !merger.is_empty());
    }

    /// How many come without being held long enough.
    fn given_out(merger: &mut Merger, now: Instant) -> usize {
        let batches = std::iter::repeat_with(|| merger.ready(now, Duration::from_secs(1)));
        batches
            .take_while(|batch| !batch.is_empty())
            .map(|batch| {
                let bytes: usize = batch.iter().map(LogLine::cost).sum();
                assert!(batch.len() <= MAX_BATCH && bytes < 2 * MAX_BATCH_BYTES);
                batch.len()
            })
            .sum()
    }
}
