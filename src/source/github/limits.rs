//! The request budget of a host: what its headers say is left, and when it asked to be left alone.
//!
//! Headers: `x-ratelimit-limit|remaining|reset|resource` (reset in epoch seconds of the server's clock), `retry-after`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::{
    model::{Name, Quota},
    text::Clean,
    time::Now,
};

/// Wait after a secondary limit that names no time.
const SECONDARY_WAIT: Duration = Duration::from_mins(1);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Servers' and our clocks differ by more than the `Date` header tells.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// Who asks, which decides how deep into the budget it may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A poll: stops when a tenth of the budget is left.
    Poll,
    /// Somebody looks at the answer: may use the last tenth.
    Person,
}

/// Asking is of no use before `until`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// By our wall clock.
    pub until: Timestamp,
    pub why: String,
}

#[derive(Default)]
pub struct Limits {
    quotas: BTreeMap<Name, Quota>,
    pause: Option<(Instant, Wait)>,
    /// Secondary limits in a row.
    strikes: u32,
}

impl Limits {
    /// Refuses a request of `resource` (`core`, `graphql`) that must wait. `offset_ms`: the server's time minus ours.
    pub fn check(&self, resource: &str, caller: Caller, now: Now, offset_ms: i64) -> Result<(), Wait> {
        if let Some((until, wait)) = &self.pause
            && now.mono < *until
        {
            return Err(wait.clone());
        }
        let Some(quota) = self.quotas.get(resource) else { return Ok(()) };
        let reset = own_time(quota.resets, offset_ms);
        let reserve = if caller == Caller::Poll { quota.limit / 10 } else { 0 };
        if quota.remaining > reserve || now.wall >= reset {
            return Ok(());
        }
        let Quota { limit, remaining, .. } = quota;
        Err(Wait {
            until: reset,
            why: format!("{remaining} of {limit} '{resource}' requests are left; asking again when the hour is over"),
        })
    }

    /// Takes in the headers of any answer.
    pub fn note(&mut self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let (Some(limit), Some(remaining), Some(reset)) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
        else {
            return;
        };
        let Ok(resets) = Timestamp::from_second(reset) else { return };
        let resource = headers.get("x-ratelimit-resource").and_then(|value| value.to_str().ok()).unwrap_or("core");
        let small = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
        let quota = Quota { resource: Clean::line(resource), limit: small(limit), remaining: small(remaining), resets };
        if self.quotas.len() < 16 || self.quotas.contains_key(&quota.resource) {
            self.quotas.insert(quota.resource.clone(), quota);
        }
    }

    /// An answer that was no limit: secondary limits are forgotten.
    pub fn relax(&mut self) {
        self.strikes = 0;
    }

    /// The server refused for a limit. Sets a pause for all requests, unless only one resource's hour is used up.
    pub fn refused(&mut self, headers: &HeaderMap, resource: &str, now: Now, offset_ms: i64) -> Wait {
        if let Some(after) = retry_after(headers, now, offset_ms) {
            return self.pause(after, now, "too many requests: the server asked to wait (Retry-After)");
        }
        self.note(headers);
        match self.quotas.get(resource) {
            Some(quota) if quota.remaining == 0 => Wait {
                until: own_time(quota.resets, offset_ms),
                why: format!("all {} '{resource}' requests of this hour are used", quota.limit),
            },
            _ => {
                let wait = SECONDARY_WAIT * 2u32.saturating_pow(self.strikes.min(6));
                self.strikes += 1;
                self.pause(wait, now, "requests came too fast (secondary limit)")
            }
        }
    }

    fn pause(&mut self, after: Duration, now: Now, why: &str) -> Wait {
        let after = after.min(LONGEST_WAIT);
        let until = now.wall.checked_add(after).unwrap_or(Timestamp::MAX);
        let wait = Wait { until, why: why.to_owned() };
        if let Some(at) = now.mono.checked_add(after) {
            self.pause = Some((at, wait.clone()));
        }
        wait
    }

    pub fn quotas(&self) -> impl Iterator<Item = &Quota> {
        self.quotas.values()
    }
}

fn own_time(server: Timestamp, offset_ms: i64) -> Timestamp {
    server
        .checked_sub(SignedDuration::from_millis(offset_ms))
        .and_then(|time| time.checked_add(MARGIN))
        .unwrap_or(server)
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Now, offset_ms: i64) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = own_time(http_date(text)?, offset_ms);
    Duration::try_from(at.duration_since(now.wall)).ok()
}

/// `Sat, 21 Nov 2026 23:09:24 GMT`
pub fn http_date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock, TestClock};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn clock() -> TestClock {
        TestClock::at("2026-11-21T03:00:00Z".parse().unwrap())
    }

    fn left(remaining: u32, reset: &str) -> HeaderMap {
        let reset: Timestamp = reset.parse().unwrap();
        headers(&[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", &remaining.to_string()),
            ("x-ratelimit-reset", &reset.as_second().to_string()),
            ("x-ratelimit-resource", "core"),
        ])
    }

    #[test]
    fn polls_stop_at_a_tenth_and_people_at_nothing() {
        let (clock, mut limits) = (clock(), Limits::default());
        limits.note(&left(501, "2026-11-21T03:20:00Z"));
        assert_eq!(limits.check("core", Caller::Poll, clock.now(), 0), Ok(()));
        limits.note(&left(500, "2026-11-21T03:20:00Z"));
        let wait = limits.check("core", Caller::Poll, clock.now(), 0).unwrap_err();
        assert_eq!(wait.until, "2026-11-21T03:20:02Z".parse().unwrap());
        assert_eq!(limits.check("core", Caller::Person, clock.now(), 0), Ok(()));
        assert_eq!(limits.check("graphql", Caller::Poll, clock.now(), 0), Ok(()), "another bucket");
        limits.note(&left(0, "2026-11-21T03:20:00Z"));
        assert!(limits.check("core", Caller::Person, clock.now(), 0).is_err());
        clock.advance(Duration::from_secs(1203));
        assert_eq!(limits.check("core", Caller::Poll, clock.now(), 0), Ok(()), "the hour is over");
    }

    #[test]
    fn the_reset_is_by_the_servers_clock() {
        let (clock, mut limits) = (clock(), Limits::default());
        limits.note(&left(0, "2026-11-21T04:20:00Z"));
        let wait = limits.check("core", Caller::Poll, clock.now(), 3_600_000).unwrap_err();
        assert_eq!(wait.until, "2026-11-21T03:20:02Z".parse().unwrap());
    }

    #[test]
    fn retry_after_pauses_everything_and_ends() {
        let (clock, mut limits) = (clock(), Limits::default());
        limits.refused(&headers(&[("retry-after", "30")]), "core", clock.now(), 0);
        assert!(limits.check("graphql", Caller::Person, clock.now(), 0).is_err());
        clock.advance(Duration::from_secs(31));
        assert_eq!(limits.check("graphql", Caller::Person, clock.now(), 0), Ok(()));
        let dated = headers(&[("retry-after", "Sat, 21 Nov 2026 03:01:31 GMT")]);
        let wait = limits.refused(&dated, "core", clock.now(), 0);
        assert_eq!(wait.until, "2026-11-21T03:01:33Z".parse().unwrap());
    }

    #[test]
    fn secondary_limits_wait_longer_each_time() {
        let (clock, mut limits) = (clock(), Limits::default());
        let first = limits.refused(&HeaderMap::new(), "core", clock.now(), 0);
        let second = limits.refused(&HeaderMap::new(), "core", clock.now(), 0);
        assert_eq!(first.until, "2026-11-21T03:01:00Z".parse().unwrap());
        assert_eq!(second.until, "2026-11-21T03:02:00Z".parse().unwrap());
    }

    #[test]
    fn nonsense_headers_are_ignored() {
        let mut limits = Limits::default();
        limits.note(&headers(&[("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "-4")]));
        assert_eq!(limits.quotas().count(), 0);
        limits.note(&headers(&[
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-remaining", "-4"),
            ("x-ratelimit-reset", "99999999999999999"),
        ]));
        assert_eq!(limits.quotas().count(), 0);
    }
}
