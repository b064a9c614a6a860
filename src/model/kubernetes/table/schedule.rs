//! When a CronJob is to run again. The controller reads its schedule as `github.com/robfig/cron` v3 does.

use cronexpr::{Crontab, parse_crontab};
use jiff::{SignedDuration, Timestamp};

/// Zones of the earth in minutes: where nothing names the schedule's, it is that of the controller, which nobody tells.
const ZONES: std::ops::RangeInclusive<i64> = -12 * 60..=14 * 60;
const BETWEEN_ZONES: usize = 30;

/// The first run after `last`, at the latest: where no zone is named, it may be any. `zone` is `spec.timeZone`. `None`:
/// the schedule cannot be read, or there is no such day.
pub fn due(schedule: &str, zone: Option<&str>, last: Timestamp) -> Option<Timestamp> {
    let (first, rest) = schedule.trim().split_once(char::is_whitespace).unwrap_or((schedule.trim(), ""));
    if first == "@every" {
        return last.checked_add(SignedDuration::from_secs(super::seconds(rest.trim())?)).ok();
    }
    match zone_of(schedule, zone) {
        (Some(zone), fields) => next(&read(fields, zone)?, last),
        (None, fields) => anywhere(&read(fields, "UTC")?, last),
    }
}

/// Whether a run is due after the first of two times, and by the second. `ran`: a run that was made, which tells the zone
/// where none is named. `Err`: why that is not known.
pub fn is_due_within(
    schedule: &str,
    zone: Option<&str>,
    ran: Option<Timestamp>,
    (since, until): (Timestamp, Timestamp),
) -> Result<bool, &'static str> {
    const UNREAD: &str = "its schedule cannot be read";
    let (zone_named, fields) = zone_of(schedule, zone);
    if zone_named.is_some() || fields.starts_with("@every") {
        return due(schedule, zone, since).map(|due| due <= until).ok_or(UNREAD);
    }
    let crontab = read(fields, "UTC").ok_or(UNREAD)?;
    let all: Vec<SignedDuration> = ZONES.step_by(BETWEEN_ZONES).map(SignedDuration::from_mins).collect();
    let is_run = |east: SignedDuration, at: Timestamp| {
        let before = at.checked_sub(SignedDuration::from_secs(1)).ok();
        before.and_then(|before| next_in(&crontab, east, before)) == Some(at)
    };
    let told: Vec<SignedDuration> =
        all.iter().copied().filter(|east| ran.is_some_and(|ran| is_run(*east, ran))).collect();
    // In none: the schedule was another one then.
    let zones = if told.is_empty() { all } else { told };
    let dues: Option<Vec<bool>> =
        zones.into_iter().map(|east| Some(next_in(&crontab, east, since)? <= until)).collect();
    let dues = dues.ok_or(UNREAD)?;
    match (dues.contains(&true), dues.contains(&false)) {
        (true, true) => Err("no time zone is named, and zones differ"),
        (is_due, _) => Ok(is_due),
    }
}

/// Its zone, and the fields. The older way to name one: `TZ=` or `CRON_TZ=` before the fields.
fn zone_of<'a>(schedule: &'a str, zone: Option<&'a str>) -> (Option<&'a str>, &'a str) {
    let schedule = schedule.trim();
    let (first, rest) = schedule.split_once(char::is_whitespace).unwrap_or((schedule, ""));
    match first.split_once("TZ=") {
        Some((_, zone)) => (Some(zone), rest.trim()),
        None => (zone, schedule),
    }
}

fn read(fields: &str, zone: &str) -> Option<Crontab> {
    let fields = match fields {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        fields => fields,
    };
    parse_crontab(&format!("{} {zone}", fields.replace('?', "*"))).ok()
}

fn next(crontab: &Crontab, last: Timestamp) -> Option<Timestamp> {
    crontab.find_next(last).ok().map(|next| next.timestamp())
}

fn anywhere(crontab: &Crontab, last: Timestamp) -> Option<Timestamp> {
    let zones = ZONES.step_by(BETWEEN_ZONES).map(SignedDuration::from_mins);
    zones.map(|east| next_in(crontab, east, last)).max().flatten()
}

/// So far east of UTC, of a schedule that was read as UTC's.
fn next_in(crontab: &Crontab, east: SignedDuration, last: Timestamp) -> Option<Timestamp> {
    next(crontab, last.checked_add(east).ok()?)?.checked_sub(east).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}Z").parse().unwrap()
    }

    /// Saturday, 14 March 2026, 03:14.
    #[test]
    fn a_schedule_in_a_zone_is_due_at_its_next_run() {
        for (schedule, zone, expected) in [
            ("* * * * *", "UTC", "2026-03-14T03:15:00"),
            ("*/5 * * * *", "UTC", "2026-03-14T03:15:00"),
            ("50,55 * * * *", "UTC", "2026-03-14T03:50:00"),
            ("0 */6 * * *", "UTC", "2026-03-14T06:00:00"),
            ("*/15 8-17 * * *", "UTC", "2026-03-14T08:00:00"),
            ("0 3 * * *", "UTC", "2026-03-15T03:00:00"),
            ("0 3 * * *", "America/New_York", "2026-03-14T07:00:00"),
            ("TZ=Europe/Berlin 0 3 * * *", "UTC", "2026-03-15T02:00:00"),
            ("CRON_TZ=Europe/Berlin  0 3 * * *", "UTC", "2026-03-15T02:00:00"),
            ("0 3 * * mon-fri", "UTC", "2026-03-16T03:00:00"),
            ("0 3 ? * MON-FRI", "UTC", "2026-03-16T03:00:00"),
            ("0 3 * * 0", "UTC", "2026-03-15T03:00:00"),
            ("0 3 31 * *", "UTC", "2026-03-31T03:00:00"),
            ("0 3 1 jan *", "UTC", "2027-01-01T03:00:00"),
            ("0 3 1 * sun", "UTC", "2026-03-15T03:00:00"),
            ("@hourly", "UTC", "2026-03-14T04:00:00"),
            ("@daily", "UTC", "2026-03-15T00:00:00"),
            ("@every 90m", "UTC", "2026-03-14T04:44:00"),
        ] {
            assert_eq!(due(schedule, Some(zone), at("2026-03-14T03:14:00")), Some(at(expected)), "{schedule} {zone}");
        }
    }

    /// A controller in Berlin runs `0 3 * * *` at 02:00 UTC, and rests at night at other hours than one in UTC.
    #[test]
    fn where_no_zone_is_named_it_is_due_when_it_is_due_anywhere() {
        for (schedule, last, expected) in [
            ("*/5 * * * *", "2026-03-14T03:10:00", "2026-03-14T03:15:00"),
            ("7 * * * *", "2026-03-14T03:07:00", "2026-03-14T04:07:00"),
            ("0 3 * * *", "2026-03-14T03:00:00", "2026-03-15T03:00:00"),
            ("0 3 * * *", "2026-03-14T02:00:00", "2026-03-15T02:00:00"),
            ("*/15 8-17 * * *", "2026-03-14T16:45:00", "2026-03-15T07:00:00"),
            ("@every 90m", "2026-03-14T03:14:00", "2026-03-14T04:44:00"),
        ] {
            assert_eq!(due(schedule, None, at(last)), Some(at(expected)), "{schedule}");
        }
    }

    #[test]
    fn whether_a_run_is_due_between_two_times_is_told_where_its_zone_is_or_was() {
        let within = |schedule: &str, zone: Option<&str>, ran: Option<&str>, since: &str, until: &str| {
            is_due_within(schedule, zone, ran.map(at), (at(since), at(until)))
        };
        let (three, next_three) = ("2026-03-14T03:00:00", "2026-03-15T03:00:00");
        let nightly = "0 3 * * *";
        assert_eq!(within(nightly, Some("UTC"), None, three, "2026-03-15T02:59:59"), Ok(false));
        assert_eq!(within(nightly, Some("UTC"), None, three, next_three), Ok(true));
        // The run at 03:00 UTC was made by a controller in UTC.
        assert_eq!(within(nightly, None, Some(three), three, "2026-03-15T02:59:59"), Ok(false));
        assert_eq!(within(nightly, None, Some(three), three, next_three), Ok(true));
        assert!(within(nightly, None, None, three, "2026-03-14T12:00:00").is_err(), "it may be anywhere");
        assert_eq!(within(nightly, None, None, three, "2026-03-16T03:00:00"), Ok(true), "due wherever it is");
        assert_eq!(within("*/5 * * * *", None, None, three, "2026-03-14T03:04:59"), Ok(false));
        assert_eq!(within("@every 90m", None, None, three, "2026-03-14T04:30:00"), Ok(true));
        assert_eq!(within("@reboot", None, None, three, next_three), Err("its schedule cannot be read"));
    }

    #[test]
    fn of_what_cannot_be_read_nothing_is_said() {
        for odd in
            ["", "0 3 * *", "61 * * * *", "0 3 * * foo", "*/0 * * * *", "5-3 * * * *", "@reboot", "0 3 30 2 *", "é é"]
        {
            assert_eq!(due(odd, None, at("2026-03-14T03:14:00")), None, "{odd}");
            assert_eq!(due(odd, Some("UTC"), at("2026-03-14T03:14:00")), None, "{odd}");
        }
        assert_eq!(due("0 3 * * *", Some("Nowhere/At_All"), at("2026-03-14T03:14:00")), None);
    }
}
