//! How long a log waits before it asks again.

use std::{hash::Hash, time::Duration};

use jiff::Timestamp;

use super::Limits;
use crate::{source::supervise::jittered, time::Now};

/// Longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_hours(1);

/// `own`, or as long as the server asked for; for each of many streams a little different, so that they do not ask in step.
pub fn pause(own: Duration, retry_at: Option<Timestamp>, of: &impl Hash, now: Now) -> Duration {
    let said = retry_at.and_then(|at| Duration::try_from(at.duration_since(now.wall)).ok()).unwrap_or_default();
    // Up to a tenth is taken off again, and it must not be before the time said.
    jittered(own.max((said + said / 8).min(LONGEST)), of, now)
}

/// How the connections of one stream went of late, which says how soon the next is opened.
#[derive(Debug, Default)]
pub struct Pace {
    /// So many in a row broke off or were refused, without a new line.
    pub failures: u32,
    /// So many in a row brought lines and ended soon.
    hasty: u32,
}

impl Pace {
    /// A connection ended, after so long.
    pub fn ended(&mut self, has_new: bool, lasted: Duration, limits: &Limits) {
        if has_new {
            self.failures = 0;
        }
        self.hasty = if has_new && lasted < limits.eof_grace { self.hasty.saturating_add(1) } else { 0 };
    }

    /// Until the next. Two tries at once, then seldom, as stern does. Where lines come and every answer is closed soon
    /// (some proxies do), only the first is asked for at once: each costs the server a request.
    pub fn rest(&self, limits: &Limits) -> Duration {
        if self.failures > 2 {
            return limits.retry;
        }
        let at_once = limits.retry / 100;
        let doubled = at_once.saturating_mul(1_u32 << self.hasty.saturating_sub(1).min(16));
        doubled.min(limits.eof_grace.max(at_once))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_closed_soon_are_asked_for_ever_more_slowly() {
        let limits = Limits::default();
        let mut pace = Pace::default();
        let mut soon = |has_new| {
            pace.ended(has_new, Duration::from_millis(5), &limits);
            pace.rest(&limits).as_millis()
        };
        let rests: [u128; 8] = std::array::from_fn(|_| soon(true));
        assert_eq!(rests, [200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000]);
        assert_eq!((soon(false), soon(true)), (200, 200), "the end of a log has a grace of its own");
        assert_eq!((0..1_000).map(|_| soon(true)).max(), Some(8_000));
        pace.ended(true, Duration::from_mins(4), &limits);
        assert_eq!(pace.rest(&limits).as_millis(), 200, "it was idle for long, or rotated");
    }

    #[test]
    fn what_fails_is_tried_twice_at_once() {
        let limits = Limits::default();
        let rests = [1, 2, 3].map(|failures| Pace { failures, hasty: 0 }.rest(&limits).as_millis());
        assert_eq!(rests, [200, 200, 20_000]);
        let mut pace = Pace { failures: 3, hasty: 0 };
        pace.ended(true, Duration::from_millis(5), &limits);
        assert_eq!(pace.rest(&limits).as_millis(), 200);
    }
}
