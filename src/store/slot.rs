//! The last good value beside the last failure, so that panes show old data, marked old.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{source::SourceError, time::Now};

/// What failed last, since when, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub error: SourceError,
    /// When the first of this row of failures came.
    pub since: Timestamp,
    pub tries: u32,
}

/// When a source or query last had an answer, and what failed since.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// When the last good answer came.
    pub as_of: Option<(Instant, Timestamp)>,
    pub failure: Option<Failure>,
}

/// How fresh something is.
#[derive(Clone, Debug, PartialEq)]
pub enum Freshness {
    /// No answer yet, and no failure.
    Loading,
    Live,
    /// Older than twice its interval, or failing with data still young: `??` and why.
    Stale {
        age: Duration,
    },
    /// Older than five times its interval, or never had: actions that rely on it are blocked.
    Down {
        age: Option<Duration>,
        tries: u32,
    },
}

impl Freshness {
    /// Data this old may be acted on.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Live | Self::Stale { .. })
    }

    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

impl Pulse {
    pub fn beat(&mut self, now: Now) {
        self.as_of = Some((now.mono, now.wall));
        self.failure = None;
    }

    pub fn fail(&mut self, error: SourceError, now: Now) {
        let (since, tries) = self.failure.as_ref().map_or((now.wall, 0), |failure| (failure.since, failure.tries));
        self.failure = Some(Failure { error, since, tries: tries + 1 });
    }

    pub fn age(&self, now: Now) -> Option<Duration> {
        self.as_of.map(|(mono, _)| now.since(mono))
    }

    /// `expected`: the poll interval, or a watch's heartbeat.
    pub fn freshness(&self, now: Now, expected: Duration) -> Freshness {
        let tries = self.failure.as_ref().map_or(0, |failure| failure.tries);
        match self.age(now) {
            None if tries == 0 => Freshness::Loading,
            None => Freshness::Down { age: None, tries },
            Some(age) if age > expected * 5 => Freshness::Down { age: Some(age), tries },
            Some(age) if age > expected * 2 || tries > 0 => Freshness::Stale { age },
            Some(_) => Freshness::Live,
        }
    }
}

/// A value and its pulse.
#[derive(Clone, Debug)]
pub struct Slot<T> {
    pub value: Option<T>,
    pub pulse: Pulse,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: None, pulse: Pulse::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::ErrorKind,
        time::{Clock, TestClock},
    };

    #[test]
    fn freshness_follows_age_and_failures() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let every = Duration::from_secs(10);
        let mut pulse = Pulse::default();
        assert_eq!(pulse.freshness(clock.now(), every), Freshness::Loading);
        pulse.fail(SourceError::new(ErrorKind::Unreachable, "refused"), clock.now());
        assert_eq!(pulse.freshness(clock.now(), every), Freshness::Down { age: None, tries: 1 });
        pulse.beat(clock.now());
        assert_eq!(pulse.freshness(clock.now(), every), Freshness::Live);
        clock.advance(Duration::from_secs(21));
        assert_eq!(pulse.freshness(clock.now(), every), Freshness::Stale { age: Duration::from_secs(21) });
        clock.advance(Duration::from_secs(30));
        assert!(!pulse.freshness(clock.now(), every).is_usable());
    }

    #[test]
    fn a_failure_keeps_its_beginning() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut pulse = Pulse::default();
        pulse.beat(clock.now());
        for _ in 0..3 {
            pulse.fail(SourceError::new(ErrorKind::TimedOut, "no answer"), clock.now());
            clock.advance(Duration::from_secs(5));
        }
        let failure = pulse.failure.as_ref().expect("it failed");
        assert_eq!((failure.since, failure.tries), (Timestamp::UNIX_EPOCH, 3));
        assert_eq!(
            pulse.freshness(clock.now(), Duration::from_mins(1)),
            Freshness::Stale { age: Duration::from_secs(15) }
        );
    }
}
