//! Another computer's clock beside ours, learnt from the `Date` of its answers: how far it is ahead, and whether it runs
//! at another speed. A real one never does; a world of practice may.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Now;

/// `Date` has whole seconds, and answers take their time: less than this is no difference.
const NOISE_MS: f64 = 2_500.0;
/// Two readings this far apart tell a speed.
const BASE_MS: f64 = 3_000.0;
/// When to read again while the speed is not sure.
const SOON: Duration = Duration::from_secs(3);

/// How another clock stands to ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    /// Its time minus ours, in milliseconds, at `at`.
    offset_ms: f64,
    /// What it gains on ours, in milliseconds per millisecond; 0: it runs as ours.
    gain: f64,
    at: Instant,
}

impl Skew {
    /// A clock that runs as ours.
    pub fn steady(offset_ms: i64, now: Now) -> Self {
        Self { offset_ms: offset_ms as f64, gain: 0.0, at: now.mono }
    }

    /// Its time minus ours, in milliseconds, now.
    pub fn offset_ms(&self, now: Now) -> i64 {
        (self.offset_ms + self.gain * millis(self.at, now.mono)).round() as i64
    }

    /// What it shows now.
    pub fn time(&self, now: Now) -> Timestamp {
        now.wall.checked_add(SignedDuration::from_millis(self.offset_ms(now))).unwrap_or(now.wall)
    }

    /// Whether `later` is news to one who knows this.
    pub fn is_moved_by(&self, later: &Self) -> bool {
        let expected = self.offset_ms + self.gain * millis(self.at, later.at);
        (expected - later.offset_ms).abs() > 1_500.0
    }
}

/// Learns a [`Skew`] from readings. Robust against single jumps: a clock that was set does not run faster.
#[derive(Clone, Copy, Debug, Default)]
pub struct SkewMeter {
    newest: Option<Reading>,
    /// First reading of the straight line that later ones lie on.
    from: Option<Reading>,
    /// Readings on that line, at least [`BASE_MS`] from its first, which counts too.
    readings: u8,
    gain: f64,
    /// Length of the line that the gain was taken of, in milliseconds.
    base: f64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    offset_ms: f64,
}

impl SkewMeter {
    /// An answer that came now has this `Date`.
    pub fn note(&mut self, date: Timestamp, now: Now) {
        // Cut to whole seconds: on average half a second is missing.
        let offset_ms = (date.as_millisecond() + 500 - now.wall.as_millisecond()) as f64;
        let reading = Reading { at: now.mono, offset_ms };
        self.newest = Some(reading);
        let Some(from) = self.from else { return self.begin(reading) };
        let length = millis(from.at, reading.at);
        let slope = (offset_ms - from.offset_ms) / length.max(1.0);
        let miss = (offset_ms - from.offset_ms - self.gain * length).abs();
        let slack = if self.gain == 0.0 { NOISE_MS } else { NOISE_MS * (1.0 + length / self.base.max(BASE_MS)) };
        if length < BASE_MS {
            // Too near to tell a jump from a speed.
        } else if miss <= slack {
            self.readings = self.readings.saturating_add(1);
            if self.gain != 0.0 {
                (self.gain, self.base) = (slope, length);
            }
        } else if self.readings < 2 {
            (self.gain, self.base, self.readings) = (slope, length, 2);
        } else {
            // A jump, or another speed: the next reading tells. A speed that was sure is likely to last.
            self.gain = if self.readings > 2 { self.gain } else { 0.0 };
            self.begin(reading);
        }
    }

    fn begin(&mut self, reading: Reading) {
        (self.from, self.readings) = (Some(reading), 1);
    }

    pub fn skew(&self) -> Option<Skew> {
        let Reading { at, offset_ms } = self.newest?;
        Some(Skew { offset_ms, gain: self.gain, at })
    }

    /// Another reading is wanted so soon, since the speed is not sure yet.
    pub fn soon(&self) -> Option<Duration> {
        let enough = if self.gain == 0.0 { 2 } else { 3 };
        (self.newest.is_some() && self.readings < enough).then_some(SOON)
    }
}

fn millis(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock as _, TestClock, seconds_between};

    /// Another clock beside ours: its speed, and its `Date` in whole seconds.
    struct Two {
        ours: TestClock,
        /// Its time and speed.
        theirs: (Timestamp, f64),
        meter: SkewMeter,
    }

    impl Two {
        fn new(ahead: i64, speed: f64) -> Self {
            let start: Timestamp = "2026-11-21T03:14:00.3Z".parse().unwrap();
            let theirs = start.checked_add(SignedDuration::from_secs(ahead)).unwrap();
            Self { ours: TestClock::at(start), theirs: (theirs, speed), meter: SkewMeter::default() }
        }

        fn pass(&mut self, seconds: f64) {
            self.ours.advance(Duration::from_secs_f64(seconds));
            let passed = SignedDuration::try_from_secs_f64(seconds * self.theirs.1).unwrap();
            self.theirs.0 = self.theirs.0.checked_add(passed).unwrap();
        }

        fn read(&mut self) {
            self.meter.note(Timestamp::from_second(self.theirs.0.as_second()).unwrap(), self.ours.now());
        }

        /// Seconds between what it shows and what we believe.
        fn error(&self) -> i64 {
            seconds_between(self.theirs.0, self.meter.skew().unwrap().time(self.ours.now())).abs()
        }
    }

    #[test]
    fn a_clock_that_is_off_stays_off() {
        let mut two = Two::new(-95, 1.0);
        two.read();
        assert_eq!(two.meter.soon(), Some(SOON));
        for _ in 0..20 {
            two.pass(14.7);
            assert!(two.error() <= 1, "{}", two.error());
            two.read();
        }
        assert_eq!((two.meter.soon(), two.meter.gain), (None, 0.0));
    }

    #[test]
    fn a_fast_clock_is_followed_between_readings() {
        for speed in [60.0, 10.0, 2.0, 1.2, 0.0] {
            let mut two = Two::new(0, speed);
            // As asked: soon, until it is sure.
            for _ in 0..4 {
                two.read();
                two.pass(two.meter.soon().map_or(1.0, |soon| soon.as_secs_f64()));
            }
            let mut worst = 0;
            for _ in 0..20 {
                two.read();
                for _ in 0..15 {
                    two.pass(1.0);
                    worst = worst.max(two.error());
                }
            }
            assert!(worst <= 4, "at speed {speed}: {worst} s");
            assert_eq!(two.meter.soon(), None, "at speed {speed}");
        }
    }

    #[test]
    fn a_clock_that_is_set_does_not_run_faster() {
        for speed in [1.0, 60.0] {
            let mut two = Two::new(0, speed);
            for _ in 0..8 {
                two.read();
                two.pass(5.0);
            }
            two.theirs.0 = two.theirs.0.checked_add(SignedDuration::from_secs(600)).unwrap();
            two.read();
            two.pass(15.0);
            assert!(two.error() <= 4, "at speed {speed}: {}", two.error());
        }
    }

    #[test]
    fn another_speed_is_learnt_soon() {
        let mut two = Two::new(0, 1.0);
        for _ in 0..5 {
            two.read();
            two.pass(15.0);
        }
        two.theirs.1 = 30.0;
        two.pass(10.0);
        two.read();
        for _ in 0..3 {
            two.pass(two.meter.soon().unwrap_or(SOON).as_secs_f64());
            two.read();
        }
        two.pass(15.0);
        assert!(two.error() <= 4, "{}", two.error());
    }

    /// Two servers behind one address, three seconds apart.
    #[test]
    fn clocks_that_disagree_are_no_speed() {
        let mut two = Two::new(0, 1.0);
        for turn in 0..40_i64 {
            let date = two.theirs.0.as_second() + if turn % 3 == 0 { 3 } else { 0 };
            two.meter.note(Timestamp::from_second(date).unwrap(), two.ours.now());
            two.pass(15.0);
            assert!(two.error() <= 8, "{}", two.error());
        }
    }
}
