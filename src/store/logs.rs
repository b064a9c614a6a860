//! Kept lines of one open log.

pub mod signature;
pub mod signatures;

use std::{collections::VecDeque, time::Instant};

use self::signatures::Signatures;
use super::{ring::Ring, slot::Pulse};
use crate::{
    model::{Name, log::LogLine},
    query::{ContainerSort, LogBatch},
    text::Clean,
    time::Now,
};

/// Newest lines of one followed log, bounded in bytes.
#[derive(Clone, Debug)]
pub struct LogBuffer {
    pub lines: Ring<LogLine>,
    pub pulse: Pulse,
    pub open: u16,
    pub wanted: u16,
    /// Streams that are read to the end of their logs.
    pub ended: u16,
    /// What was logged before it was opened is here.
    pub has_caught_up: bool,
    /// What is wrong now, with the log or single streams of it; newest last.
    pub troubles: Vec<Clean>,
    /// The containers of its pods, to choose from.
    pub containers: Vec<(ContainerSort, Name)>,
    /// Lines ever dropped from the front: line numbers stay stable by adding it.
    pub first_line: u64,
    /// Every message since the log was opened, counted by version.
    pub signatures: Signatures,
    /// The signature of each kept line; `NO_SIGNATURE`: it has none.
    numbers: VecDeque<u32>,
    rate: Rate,
}

/// Lines taken in per second, over whole seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    since: Option<Instant>,
    lines: u32,
    per_second: u32,
}

const NO_SIGNATURE: u32 = u32::MAX;
/// Part of the bytes of a log that its table of messages may take beside them.
const SIGNATURES_SHARE: usize = 16;

impl LogBuffer {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            lines: Ring::new(max_bytes.max(64 * 1024)),
            pulse: Pulse::default(),
            open: 0,
            wanted: 0,
            ended: 0,
            has_caught_up: false,
            troubles: Vec::new(),
            containers: Vec::new(),
            first_line: 0,
            signatures: Signatures::new((max_bytes / SIGNATURES_SHARE).max(64 * 1024)),
            numbers: VecDeque::new(),
            rate: Rate::default(),
        }
    }

    pub fn take_in(&mut self, batch: LogBatch, now: Now) {
        self.pulse.beat(now);
        (self.open, self.wanted, self.ended) = (batch.open, batch.wanted, batch.ended);
        self.has_caught_up = batch.has_caught_up;
        self.count(batch.lines.len() as u32, now);
        for line in batch.lines {
            let cost = line.cost() + size_of::<u32>();
            self.numbers.push_back(self.signatures.take_in(&line).unwrap_or(NO_SIGNATURE));
            let gone = self.lines.push(line, cost);
            self.numbers.drain(..gone);
            self.first_line += gone as u64;
        }
        self.containers = batch.containers;
        self.lines.count_dropped(batch.dropped);
        self.troubles = batch.troubles;
    }

    /// The number of this line's signature, if it has one. Lines count as in `first_line`.
    pub fn signature(&self, line: u64) -> Option<u32> {
        let at = usize::try_from(line.checked_sub(self.first_line)?).ok()?;
        self.numbers.get(at).copied().filter(|number| *number != NO_SIGNATURE)
    }

    /// Lines per second, of the last whole second.
    pub fn rate(&self, now: Now) -> u32 {
        match self.rate.since {
            Some(since) if now.since(since).as_secs() < 3 => self.rate.per_second.max(self.rate.lines),
            _ => 0,
        }
    }

    fn count(&mut self, lines: u32, now: Now) {
        match self.rate.since {
            Some(since) if now.since(since).as_millis() < 1_000 => self.rate.lines += lines,
            _ => self.rate = Rate { since: Some(now.mono), lines, per_second: self.rate.lines },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock as _, TestClock};

    #[test]
    fn trouble_that_is_over_is_said_no_more() {
        let now = TestClock::at(crate::ui::testing::at("03:00")).now();
        let mut buffer = LogBuffer::new(1 << 20);
        let mut after = |troubles: &[&str]| {
            let troubles = troubles.iter().map(|says| Clean::line(says)).collect();
            buffer.take_in(LogBatch { troubles, ..LogBatch::default() }, now);
            buffer.troubles.clone()
        };
        assert_eq!(after(&["a waits", "b waits"]), ["a waits", "b waits"]);
        assert_eq!(after(&["b waits"]), ["b waits"]);
        assert_eq!(after(&[]), [""; 0]);
    }
}
