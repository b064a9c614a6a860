//! Which part of a log is read: from when, until when, and how many of the newest lines.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

use super::Logs;
use crate::{
    query::{LogQuery, LogTarget},
    store::logs::LogBuffer,
    text::{Clean, grouped},
    ui::{Reply, View},
};

/// Starts that `T` goes through, in seconds; `None`: all.
const STARTS: [Option<u32>; 4] = [Some(300), Some(900), Some(3600), None];

/// A log is opened so many seconds back.
const BACK: u32 = 900;
/// It reaches so far behind the moment it is opened for, in seconds, and no further back than a day.
const BEFORE: i64 = 300;
const LONGEST: u32 = 86_400;

/// Seconds to read back, so that a moment is in sight: 15 minutes, or a doubling of it, so that the same log is asked for
/// a while.
fn reach(at: Timestamp, now: Timestamp) -> u32 {
    let needed = now.as_second() - at.as_second() + BEFORE;
    let mut doubled = std::iter::successors(Some(BACK), |back| Some(back * 2)).take_while(|back| *back < LONGEST);
    match doubled.find(|back| i64::from(*back) >= needed) {
        Some(back) => back,
        None if needed <= i64::from(LONGEST) => LONGEST,
        None => BACK,
    }
}

/// No less, in whole minutes or, beyond an hour, whole hours: that is said, and stands in a command line.
fn rounded(seconds: i64) -> u32 {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let unit = if seconds <= 3_600 { 60 } else { 3_600 };
    u32::try_from(seconds.next_multiple_of(unit)).unwrap_or(u32::MAX)
}

/// The log of this, as it is opened: followed, from so far back that what it is opened for is in it.
pub fn opened(target: LogTarget, at: Option<Timestamp>, previous: bool, view: &View<'_>) -> LogQuery {
    let clock = view.store.time_of(target.cluster(), view.now);
    LogQuery {
        previous,
        since_seconds: (!previous).then(|| reach(at.unwrap_or(clock), clock)),
        tail: previous.then_some(2_000),
        follow: !previous,
        ..LogQuery::of(target)
    }
}

/// `15m`, `2h`, `90s`
pub fn ago(seconds: u32) -> String {
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// `since 15m until 03:10:00 tail 500`
pub(super) fn words(query: &LogQuery) -> String {
    let since = since_words(query).unwrap_or_else(|| "since all".to_owned());
    let rest = until_words(query).into_iter().chain(tail_words(query));
    rest.fold(since, |words, next| format!("{words} {next}"))
}

/// As much of it as there are cells for, its end first: without that a log that is over looks like a quiet one.
pub(super) fn words_within(query: &LogQuery, cells: usize) -> Option<String> {
    if query.previous {
        return None;
    }
    let whole = words(query);
    if whole.len() <= cells {
        return Some(whole);
    }
    let parts = [until_words(query), since_words(query), tail_words(query)].into_iter().flatten();
    let fitting = parts.fold(String::new(), |said, next| {
        let more = if said.is_empty() { next } else { format!("{said} {next}") };
        if more.len() <= cells { more } else { said }
    });
    Some(fitting).filter(|said| !said.is_empty())
}

fn since_words(query: &LogQuery) -> Option<String> {
    query.since_seconds.map(|since| format!("since {}", ago(since)))
}

fn until_words(query: &LogQuery) -> Option<String> {
    query.until.map(|until| format!("until {}", until.strftime("%H:%M:%S")))
}

fn tail_words(query: &LogQuery) -> Option<String> {
    query.tail.map(|tail| format!("tail {}", grouped(tail.into())))
}

/// Its times are of more than an hour: minutes and seconds alone would not say when.
pub(super) fn passes_an_hour(query: &LogQuery, buffer: Option<&LogBuffer>, now: Timestamp) -> bool {
    const HOUR: u32 = 3_600;
    let oldest = buffer.and_then(|buffer| buffer.lines.get(0));
    query.since_seconds.is_none_or(|since| since >= HOUR)
        || oldest.is_some_and(|line| now.as_second() - line.at.as_second() >= i64::from(HOUR))
}

/// `5m`, `2h`, `30s`, `1d`, in seconds.
fn seconds(text: &str) -> Option<u32> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(unit).filter(|seconds| *seconds > 0)
}

/// A time, one of the last day (`03:10`, `03:10:30`, in UTC), or how long ago (`5m`).
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = seconds(text) {
        return now.checked_sub(SignedDuration::from_secs(ago.into())).ok();
    }
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let time = Time::strptime("%H:%M:%S", text).or_else(|_| Time::strptime("%H:%M", text)).ok()?;
    let today = now.to_zoned(TimeZone::UTC).date().to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp();
    if today <= now { Some(today) } else { today.checked_sub(SignedDuration::from_hours(24)).ok() }
}

impl Logs {
    /// `:since 10m`: reads the log shown anew, from that long ago.
    pub fn since(&mut self, text: &str) -> Reply {
        match (text, seconds(text)) {
            // How many lines are read stays as `:tail` set it: one says from when, the other how many, as for kubectl.
            ("all", _) => self.reopen(|query| query.since_seconds = None),
            (_, Some(since)) => self.reopen(|query| query.since_seconds = Some(since)),
            _ => Reply::Say(Clean::own(format!("'{text}' is no time: write 5m, 15m, 1h or all"))),
        }
    }

    /// `:until 03:10`: reads the log shown anew, up to then; `:until now` follows it again.
    pub fn until(&mut self, text: &str, view: &View<'_>) -> Reply {
        let Some(tail) = self.tail() else { return Reply::Say("no log is open".into()) };
        let now = view.store.time_of(tail.query.target.cluster(), view.now);
        let start = tail.query.since_seconds.map(|since| now - SignedDuration::from_secs(since.into()));
        match (text, moment(text, now)) {
            ("now", _) => self.reopen(|query| (query.until, query.follow) = (None, true)),
            // Nothing would be found in it, which would look like silence.
            (_, Some(at)) if start.is_some_and(|start| at <= start) => Reply::Say(Clean::own(format!(
                "until {} is before {}: choose an earlier start first, with :since",
                at.strftime("%H:%M:%S"),
                words(&LogQuery { until: None, tail: None, ..tail.query.clone() })
            ))),
            (_, Some(at)) => self.reopen(|query| (query.until, query.follow) = (Some(at), false)),
            _ => Reply::Say(Clean::own(format!("'{text}' is no time: write 03:10, 03:10:30 (UTC), 5m or now"))),
        }
    }

    /// `:tail 500`: reads of each container of the log shown its newest lines anew.
    pub fn newest(&mut self, text: &str) -> Reply {
        match (text, text.parse()) {
            ("all", _) => self.reopen(|query| query.tail = None),
            (_, Ok(lines)) => self.reopen(|query| query.tail = Some(lines)),
            _ => Reply::Say(Clean::own(format!("'{text}' is no number of lines: write 500 or all"))),
        }
    }

    /// The log shown at this moment; read anew where it does not reach that far. False: none is open.
    pub fn show_time(&mut self, at: Timestamp, view: &View<'_>) -> bool {
        let Some(tail) = self.tail() else { return false };
        let query = &tail.query;
        let now = view.store.time_of(query.target.cluster(), view.now);
        let is_kept = tail.buffer(view).and_then(|buffer| buffer.lines.get(0)).is_some_and(|line| line.at <= at);
        let is_after = query.until.is_some_and(|until| until < at);
        let ago = now.as_second() - at.as_second();
        let is_before = query.tail.is_some() || query.since_seconds.is_some_and(|since| i64::from(since) < ago);
        if !query.previous && (is_after || is_before && !is_kept) {
            let since = rounded(ago.max(0) + BEFORE).max(BACK);
            self.reopen(|query| {
                (query.since_seconds, query.tail) = (Some(since), None);
                (query.until, query.follow) = (None, true);
            });
        }
        if let Some(tail) = self.tail_mut() {
            tail.wanted = Some(at);
            tail.sync(view);
        }
        true
    }

    fn reopen(&mut self, change: impl FnOnce(&mut LogQuery)) -> Reply {
        let Some(tail) = self.tail() else { return Reply::Say("no log is open".into()) };
        if tail.query.previous {
            return Reply::Say("the previous container's log is read whole".into());
        }
        let mut query = tail.query.clone();
        change(&mut query);
        let says = format!("reading {}", words(&query));
        self.replace(query);
        Reply::Say(Clean::own(says))
    }

    /// `T`
    pub(super) fn next_start(&mut self) -> Reply {
        let now = self.tail().and_then(|tail| STARTS.iter().position(|start| *start == tail.query.since_seconds));
        let start = STARTS[now.map_or(0, |at| (at + 1) % STARTS.len())];
        self.reopen(|query| query.since_seconds = start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_reaches_back_behind_what_it_is_opened_for() {
        let now: Timestamp = "2026-03-14T12:00:00Z".parse().unwrap();
        for (minutes, expected) in [(-5, 900), (0, 900), (10, 900), (11, 1_800), (55, 3_600), (56, 7_200)] {
            assert_eq!(reach(now - SignedDuration::from_mins(minutes), now), expected, "{minutes}");
        }
        for (hours, expected) in [(17, 86_400), (23, 86_400), (24, 900), (900, 900)] {
            assert_eq!(reach(now - SignedDuration::from_hours(hours), now), expected, "{hours}");
        }
    }

    #[test]
    fn how_far_back_a_log_is_read_is_said_in_few_words() {
        for (seconds, expected) in [(1_871, "32m"), (1_920, "32m"), (3_600, "1h"), (3_601, "2h"), (30_354, "9h")] {
            assert_eq!(ago(rounded(seconds)), expected, "{seconds}");
        }
        assert_eq!((rounded(-1), rounded(i64::MAX)), (0, u32::MAX));
    }

    #[test]
    fn a_moment_is_a_time_of_the_last_day_or_so_long_ago() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-03-14T03:14:22Z");
        for (text, expected) in [
            ("03:10", Some("2026-03-14T03:10:00Z")),
            ("03:10:30", Some("2026-03-14T03:10:30Z")),
            ("23:50", Some("2026-03-13T23:50:00Z")),
            ("5m", Some("2026-03-14T03:09:22Z")),
            ("2026-03-01T00:00:00Z", Some("2026-03-01T00:00:00Z")),
            ("25:00", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(moment(text, now), expected.map(at), "{text}");
        }
    }
}
