//! Time: an injected clock, and durations for people.

mod skew;

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use jiff::Timestamp;

pub use skew::{Skew, SkewMeter};

/// One moment: monotonic for deadlines, freshness and guards; wall for the audit and the screen.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub mono: Instant,
    pub wall: Timestamp,
}

impl Now {
    /// Time since `earlier`, zero if that lies ahead.
    pub fn since(&self, earlier: Instant) -> Duration {
        self.mono.saturating_duration_since(earlier)
    }

    /// What a clock shows now that stands so to ours.
    pub fn by(self, skew: Option<Skew>) -> Timestamp {
        // A `Date` header has whole seconds, so less than two seconds is no skew.
        skew.filter(|skew| skew.offset_ms(self).abs() >= 2_000).map_or(self.wall, |skew| skew.time(self))
    }
}

/// Where the time comes from. Sleeping is tokio's; only reading the clock goes through here.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
}

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place where the real clock is read
    fn now(&self) -> Now {
        Now { mono: Instant::now(), wall: Timestamp::now() }
    }
}

/// A clock for tests, moved by hand.
pub struct TestClock(Mutex<Now>);

impl TestClock {
    /// Starts at `wall`.
    pub fn at(wall: Timestamp) -> Self {
        Self(Mutex::new(Now { mono: SystemClock.now().mono, wall }))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().expect("no test panics while holding it");
        now.mono += by;
        now.wall += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        *self.0.lock().expect("no test panics while holding it")
    }
}

/// Whole seconds from `earlier` to `later`; negative if `earlier` lies ahead.
pub fn seconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_second() - earlier.as_second() - i64::from(later.subsec_nanosecond() < earlier.subsec_nanosecond())
}

/// A duration as kubectl prints it in AGE (`HumanDuration` of k8s.io/apimachinery `pkg/util/duration`), truncating.
pub fn age(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let two = |big: i64, unit: char, small: i64, part: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{part}") }
    };
    match seconds {
        i64::MIN..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(seconds / MINUTE, 'm', seconds % MINUTE, 's'),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(seconds / HOUR, 'h', seconds % HOUR / MINUTE, 'm'),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(seconds / DAY, 'd', seconds % DAY / HOUR, 'h'),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(seconds / YEAR, 'y', seconds % YEAR / DAY, 'd'),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// The age of something at `now`, as kubectl prints it.
pub fn age_of(since: Timestamp, now: Timestamp) -> String {
    age(seconds_between(since, now))
}

/// As [`age_of`], of what has happened: it does not lie ahead, whatever the clocks of two computers say.
pub fn passed(since: Timestamp, now: Timestamp) -> String {
    age(seconds_between(since, now).max(0))
}

/// An age in coarse steps, for things that should not tick on screen: `now`, `10s`, `1m`, `5m`, `1h`, `2d`.
pub fn coarse(age: Duration) -> String {
    match age.as_secs() {
        0..10 => "now".to_owned(),
        s @ 10..60 => format!("{}s", s / 10 * 10),
        s @ 60..3600 => format!("{}m", s / 60),
        s @ 3600..172_800 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_kubectls() {
        for (seconds, words) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (185, "3m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (14_700, "4h5m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(age(seconds), words, "{seconds} s");
        }
    }

    #[test]
    fn what_has_happened_does_not_lie_ahead() {
        let at = |text: &str| text.parse::<Timestamp>().expect("valid");
        let (early, late) = (at("2026-01-10T03:14:00Z"), at("2026-01-10T03:14:20Z"));
        assert_eq!(
            (passed(early, late), passed(late, early), age_of(late, early)),
            ("20s".into(), "0s".into(), "<invalid>".into())
        );
    }

    #[test]
    fn whole_seconds_truncate() {
        let at = |text: &str| text.parse::<Timestamp>().expect("valid");
        assert_eq!(seconds_between(at("2026-01-01T00:00:00.9Z"), at("2026-01-01T00:00:02.1Z")), 1);
        assert_eq!(seconds_between(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:02Z")), 2);
    }
}
