//! How long a schedule of a CronJob leaves at most between two runs. The controller reads it as
//! `github.com/robfig/cron` v3 does.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// In seconds, rather too many than too few; `None`: it cannot be read.
pub fn longest_gap(schedule: &str) -> Option<i64> {
    let schedule = schedule.to_lowercase();
    let mut fields = schedule.split_whitespace().filter(|field| !field.contains("tz="));
    let first = fields.next()?;
    match first {
        "@hourly" => return Some(HOUR),
        "@daily" | "@midnight" => return Some(DAY),
        "@weekly" => return Some(7 * DAY),
        "@monthly" => return Some(31 * DAY),
        "@yearly" | "@annually" => return Some(366 * DAY),
        "@every" => return super::seconds(fields.next()?),
        _ => {}
    }
    let minutes = field(first, 0, 59, &[])?;
    let hours = field(fields.next()?, 0, 23, &[])?;
    let (days, months, weekdays) = (fields.next()?, fields.next()?, fields.next()?);
    let within_a_day = within_a_day(minutes, hours);
    let days = widest_of_days(days, months, weekdays)?;
    Some(if days == 1 { within_a_day } else { days * DAY })
}

fn within_a_day(minutes: u64, hours: u64) -> i64 {
    let (first, last) = (i64::from(minutes.trailing_zeros()), i64::from(minutes.ilog2()));
    let within_an_hour = widest(minutes, 60) * MINUTE;
    // From the last minute of an hour to the first of the next hour that counts.
    let between_hours = widest(hours, 24) * HOUR - (last - first) * MINUTE;
    if minutes.count_ones() > 1 {
        between_hours.max(within_an_hour.min((last - first) * MINUTE))
    } else {
        between_hours
    }
}

/// Days between two that count. A day counts by either field where both say something.
fn widest_of_days(days: &str, months: &str, weekdays: &str) -> Option<i64> {
    let is_any = |field: &str| matches!(field, "*" | "?");
    let (of_month, of_week) = (field(days, 1, 31, &[])?, field(weekdays, 0, 7, &DAYS)?);
    field(months, 1, 12, &MONTHS)?;
    if !is_any(months) {
        return Some(366);
    }
    let last = of_month.ilog2();
    // A month without its 29th, 30th or 31st is passed over.
    let by_month =
        if of_month.trailing_zeros() > 28 { 62 } else { widest(of_month >> 1, 31).max(31 - i64::from(last)) };
    // Sunday is 0 and 7.
    let by_week = widest((of_week | (of_week >> 7)) & 0x7f, 7);
    Some(match (is_any(days), is_any(weekdays)) {
        (true, true) => 1,
        (false, true) => by_month,
        (true, false) => by_week,
        (false, false) => by_month.min(by_week),
    })
}

/// The longest way from one of them to the next, round a circle of so many.
fn widest(of: u64, around: u32) -> i64 {
    let all: Vec<i64> = (0..around).filter(|at| of & (1 << at) != 0).map(i64::from).collect();
    let next = all.iter().skip(1).copied().chain(all.first().map(|first| first + i64::from(around)));
    all.iter().zip(next).map(|(at, next)| next - at).max().unwrap_or_else(|| i64::from(around))
}

/// The values of a field: `*`, `*/5`, `1-5`, `1-9/2`, `3`, `3/10`, `mon-fri`, and lists of them.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let value = |text: &str| match names.iter().position(|name| *name == text) {
        Some(at) => Some(at as u32 + u32::from(least == 1)),
        None => text.parse().ok().filter(|value| (least..=most).contains(value)),
    };
    let mut all = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (value(from)?, value(to)?),
            None if range == "*" || range == "?" => (least, most),
            None => (value(range)?, if step.is_some() { most } else { value(range)? }),
        };
        let step: u32 = step.map_or(Some(1), |step| step.parse().ok()).filter(|step| *step > 0)?;
        all |= (from..=to).step_by(step as usize).fold(0, |all, value| all | (1 << value));
    }
    Some(all).filter(|all| *all != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_leaves_so_much_between_two_runs() {
        for (schedule, gap) in [
            ("* * * * *", MINUTE),
            ("*/5 * * * *", 5 * MINUTE),
            ("0,10,40 * * * *", 30 * MINUTE),
            ("50,55 * * * *", 55 * MINUTE),
            ("7 * * * *", HOUR),
            ("0 */6 * * *", 6 * HOUR),
            ("*/15 8-17 * * *", 14 * HOUR + 15 * MINUTE),
            ("0 3 * * *", DAY),
            ("TZ=Europe/Berlin 0 3 * * *", DAY),
            ("0 3 * * mon-fri", 3 * DAY),
            ("0 3 * * 1-5", 3 * DAY),
            ("0 3 * * 7", 7 * DAY),
            ("0 3 1 * *", 31 * DAY),
            ("0 3 31 * *", 62 * DAY),
            ("0 3 1,15 * *", 17 * DAY),
            ("0 3 1 jan *", 366 * DAY),
            ("0 3 1 * sun", 7 * DAY),
            ("@hourly", HOUR),
            ("@every 90m", 90 * MINUTE),
        ] {
            assert_eq!(longest_gap(schedule), Some(gap), "{schedule}");
        }
        for odd in ["", "0 3 * *", "61 * * * *", "0 3 * * foo", "*/0 * * * *", "5-3 * * * *", "@reboot"] {
            assert_eq!(longest_gap(odd), None, "{odd}");
        }
    }
}
