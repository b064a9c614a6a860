//! Durations and dates as Grafana writes them.

use jiff::{Timestamp, tz::TimeZone};

use super::{Written, number::to_fixed};

/// Name and seconds of the units of a duration in words.
const WORDS: [(&str, f64); 8] = [
    ("year", 31_536_000.0),
    ("month", 2_592_000.0),
    ("week", 604_800.0),
    ("day", 86_400.0),
    ("hour", 3_600.0),
    ("minute", 60.0),
    ("second", 1.0),
    ("millisecond", 0.001),
];

/// Below `limit`, divided by `divisor`, with this suffix. The last row has no limit.
type Step = (f64, f64, &'static str);

// The years and the minutes' weeks are Grafana's own oddities, kept so that both screens say the same.
const NANO: &[Step] = &[
    (1e3, 1.0, " ns"),
    (1e6, 1e3, " µs"),
    (1e9, 1e6, " ms"),
    (6e10, 1e9, " s"),
    (36e11, 6e10, " min"),
    (864e11, 36e11, " hour"),
    (f64::INFINITY, 864e11, " day"),
];
const MICRO: &[Step] = &[(1e3, 1.0, " µs"), (1e6, 1e3, " ms"), (f64::INFINITY, 1e6, " s")];
const MILLI: &[Step] = &[
    (1e3, 1.0, " ms"),
    (6e4, 1e3, " s"),
    (36e5, 6e4, " min"),
    (864e5, 36e5, " hour"),
    (31_536e6, 864e5, " day"),
    (f64::INFINITY, 31_536e6, " year"),
];
const SECOND: &[Step] = &[
    (1e-6, 1e-9, " ns"),
    (1e-3, 1e-6, " µs"),
    (1.0, 1e-3, " ms"),
    (60.0, 1.0, " s"),
    (3_600.0, 60.0, " min"),
    (86_400.0, 3_600.0, " hour"),
    (604_800.0, 86_400.0, " day"),
    (31_536e3, 604_800.0, " week"),
    (f64::INFINITY, 31_556_900.0, " year"),
];
const MINUTE: &[Step] = &[
    (60.0, 1.0, " min"),
    (1_440.0, 60.0, " hour"),
    (10_080.0, 1_440.0, " day"),
    (604_800.0, 10_080.0, " week"),
    (f64::INFINITY, 525_948.0, " year"),
];
const HOUR: &[Step] =
    &[(24.0, 1.0, " hour"), (168.0, 24.0, " day"), (8_760.0, 168.0, " week"), (f64::INFINITY, 8_760.0, " year")];
const DAY: &[Step] = &[(7.0, 1.0, " day"), (365.0, 7.0, " week"), (f64::INFINITY, 365.0, " year")];

/// `None`: the unit is none of time.
pub fn written(id: &str, value: f64, decimals: Option<u8>) -> Option<Written> {
    let steps = match id {
        "ns" => NANO,
        "µs" | "μs" => MICRO,
        "ms" => MILLI,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "timeticks" => return Some(stepped(SECOND, value / 100.0, decimals, false)),
        "dtdurations" => return Some(words(value, decimals, 1.0, "seconds")),
        "dtdurationms" => return Some(words(value, decimals, 0.001, "milliseconds")),
        "dthms" => return Some(hours_minutes(value)),
        "dtdhms" => return Some(days_hours(value)),
        "clockms" => return Some(clock(value, decimals)),
        "clocks" => return Some(clock(value * 1000.0, decimals)),
        "dateTimeAsUS" | "dateTimeAsUSNoDateIfToday" => return Some(date(value, "MM/DD/YYYY h:mm:ss a")),
        _ if id.starts_with("dateTime") => return Some(date(value, "YYYY-MM-DD HH:mm:ss")),
        _ => return id.strip_prefix("time:").map(|pattern| date(value, pattern)),
    };
    // The unit's own row takes no plural, except that a day does.
    Some(stepped(steps, value, decimals, id == "d"))
}

fn stepped(steps: &[Step], value: f64, decimals: Option<u8>, own_plural: bool) -> Written {
    if value == 0.0 && std::ptr::eq(steps, SECOND) {
        return Written::with("0".to_owned(), " s");
    }
    let (_, divisor, suffix) =
        steps.iter().find(|(limit, ..)| value.abs() < *limit).or(steps.last()).expect("no table is empty");
    // Multiplying by a power of ten is what the browser does for the small ones; the last digit can differ.
    let scaled = if *divisor < 1.0 { value * (1.0 / divisor).round() } else { value / divisor };
    let is_word = matches!(*suffix, " min" | " hour" | " day" | " week" | " year");
    let may = own_plural || (*divisor - 1.0).abs() > f64::EPSILON;
    let plural = if is_word && may && scaled.abs() > 1.0 { "s" } else { "" };
    Written::with(to_fixed(scaled, decimals), format!("{suffix}{plural}"))
}

/// Largest unit first, `decimals` further units after it.
fn words(value: f64, decimals: Option<u8>, seconds: f64, zero: &str) -> Written {
    if value == 0.0 {
        return Written::with("0".to_owned(), format!(" {zero}"));
    }
    if !value.is_finite() {
        return Written::plain(to_fixed(value, None));
    }
    if value < 0.0 {
        let mut ahead = words(-value, decimals, seconds, zero);
        ahead.after.push_str(" ago");
        return ahead;
    }
    let mut rest = value * (seconds * 1000.0);
    let mut room = decimals.unwrap_or(0) + 1;
    let mut parts = Vec::new();
    for (name, length) in WORDS {
        let length = length * 1000.0;
        let times = rest / length;
        if room > 0 && (times >= 1.0 || !parts.is_empty()) {
            let whole = times.floor() as u64;
            parts.push(format!("{whole} {name}{}", if whole == 1 { "" } else { "s" }));
            rest %= length;
            room -= 1;
        }
    }
    Written::plain(parts.join(", "))
}

fn hours_minutes(value: f64) -> Written {
    let size = value.abs();
    let text =
        format!("{:02}:{:02}:{:02}", (size / 3600.0).floor(), (size % 3600.0 / 60.0).floor(), (size % 60.0).floor());
    Written::with(text, if value < 0.0 { " ago" } else { "" })
}

fn days_hours(value: f64) -> Written {
    let size = value.abs();
    let days = (size / 86_400.0).floor();
    let rest = hours_minutes(size - days * 86_400.0).text;
    let text = if days > 0.0 { format!("{days} d {rest}") } else { rest };
    Written::with(text, if value < 0.0 { " ago" } else { "" })
}

/// `25h:01m:01s:000ms`, cut from the right by `decimals`.
fn clock(milliseconds: f64, decimals: Option<u8>) -> Written {
    if !milliseconds.is_finite() {
        return Written::plain(to_fixed(milliseconds, None));
    }
    let whole = milliseconds.trunc() as i128;
    let millis = format!("{:03}ms", whole.rem_euclid(1000));
    let seconds = format!("{:02}s", whole.div_euclid(1000).rem_euclid(60));
    let minutes = format!("{:02}m", whole.div_euclid(60_000).rem_euclid(60));
    let parts = if milliseconds < 1e3 {
        return Written::plain(millis);
    } else if milliseconds < 6e4 {
        vec![seconds, millis]
    } else if milliseconds < 36e5 {
        vec![minutes, seconds, millis]
    } else {
        vec![format!("{}h", whole / 3_600_000), minutes, seconds, millis]
    };
    let kept = decimals.map_or(parts.len(), |decimals| usize::from(decimals) + 1).min(parts.len());
    Written::plain(parts[..kept].join(":"))
}

/// moment.js to strftime, the longest token first.
const TOKENS: [(&str, &str); 24] = [
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSS", "%3f"),
    ("A", "%p"),
    ("a", "%P"),
    ("ZZ", "%z"),
    ("Z", "%:z"),
    ("X", "%s"),
];

/// Epoch milliseconds by a pattern of moment.js, in UTC.
fn date(milliseconds: f64, pattern: &str) -> Written {
    let Ok(at) = Timestamp::from_millisecond(milliseconds as i64) else {
        return Written::plain("Invalid date");
    };
    let at = at.to_zoned(TimeZone::UTC);
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix('[')
            && let Some((literal, after)) = inside.split_once(']')
        {
            text.push_str(literal);
            rest = after;
        } else if let Some((token, ours)) = TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            text.push_str(&at.strftime(ours).to_string());
            rest = &rest[token.len()..];
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Written::plain(text)
}
