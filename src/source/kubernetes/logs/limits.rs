//! What bounds a log reader: times, streams, room.

use std::time::Duration;

/// How long and how much; tests shorten the times.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Lines are held back so long, to sort those of other pods in before them.
    pub hold: Duration,
    /// At most one round of batches in this time.
    pub tick: Duration,
    /// A stream silent for so long has delivered what was logged before.
    pub quiet: Duration,
    /// At first, batches wait at most so long for all streams to catch up.
    pub settle: Duration,
    /// A silent stream of a running container is opened anew: rotation can lose a follow.
    pub idle: Duration,
    /// After the end of a stream, so long may the status take to say that the container ended.
    pub eof_grace: Duration,
    /// Between tries, after the first two.
    pub retry: Duration,
    /// Between looks at a pod that may not be watched.
    pub poll: Duration,
    /// Between turns of a stream that has no connection of its own.
    pub turn: Duration,
    /// For a watch to begin.
    pub deadline: Duration,
    /// Streams at a time.
    pub max_streams: usize,
    /// Chunks between streams and merge.
    pub channel: usize,
}

impl Limits {
    /// A stream that is not answered for so long has nothing to deliver, where the pods were there after `listed`: on a
    /// slow connection an answer takes as long as that did, whatever stands in the log.
    pub fn unanswered(&self, listed: Duration) -> Duration {
        listed.saturating_mul(2).min(self.settle).max(self.quiet)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(300),
            tick: Duration::from_millis(100),
            quiet: Duration::from_millis(200),
            settle: Duration::from_secs(2),
            idle: Duration::from_mins(1),
            eof_grace: Duration::from_secs(8),
            retry: Duration::from_secs(20),
            poll: Duration::from_secs(5),
            turn: Duration::from_secs(2),
            deadline: Duration::from_secs(10),
            max_streams: 50,
            channel: 256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_connection_gets_longer_to_answer() {
        let ms = Duration::from_millis;
        let limits = Limits::default();
        for (listed, expected) in [(0, 200), (20, 200), (300, 600), (60_000, 2_000)] {
            assert_eq!(limits.unanswered(ms(listed)), ms(expected), "{listed} ms");
        }
    }
}
