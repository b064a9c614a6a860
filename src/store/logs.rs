//! Kept lines of one open log.

use std::time::Instant;

use super::{ring::Ring, slot::Pulse};
use crate::{model::log::LogLine, query::LogBatch, text::Clean, time::Now};

/// Newest lines of one followed log, bounded in bytes.
#[derive(Clone, Debug)]
pub struct LogBuffer {
    pub lines: Ring<LogLine>,
    pub pulse: Pulse,
    pub open: u16,
    pub wanted: u16,
    /// What was logged before it was opened is here.
    pub has_caught_up: bool,
    /// What is wrong with single streams, newest last.
    pub troubles: Vec<Clean>,
    /// Lines ever dropped from the front: line numbers stay stable by adding it.
    pub first_line: u64,
    rate: Rate,
}

/// Lines taken in per second, over whole seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    since: Option<Instant>,
    lines: u32,
    per_second: u32,
}

const KEPT_TROUBLES: usize = 8;

impl LogBuffer {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            lines: Ring::new(max_bytes.max(64 * 1024)),
            pulse: Pulse::default(),
            open: 0,
            wanted: 0,
            has_caught_up: false,
            troubles: Vec::new(),
            first_line: 0,
            rate: Rate::default(),
        }
    }

    pub fn take_in(&mut self, batch: LogBatch, now: Now) {
        self.pulse.beat(now);
        (self.open, self.wanted, self.has_caught_up) = (batch.open, batch.wanted, batch.has_caught_up);
        self.count(batch.lines.len() as u32, now);
        for line in batch.lines {
            let cost = line.cost();
            self.first_line += self.lines.push(line, cost) as u64;
        }
        self.lines.count_dropped(batch.dropped);
        for trouble in batch.troubles {
            self.troubles.retain(|known| *known != trouble);
            self.troubles.push(trouble);
        }
        let over = self.troubles.len().saturating_sub(KEPT_TROUBLES);
        self.troubles.drain(..over);
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
