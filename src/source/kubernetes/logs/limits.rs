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
