//! Times that a server printed as text: how long they are, and how long by now.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::time::{age, age_of, seconds_between};

/// The seconds of an age as it is printed: `5d3h`, `17s`, `5m ago`.
pub fn seconds(text: &str) -> Option<i64> {
    let (mut seconds, mut number) = (0_i64, None);
    for c in text.trim_end_matches(" ago").bytes() {
        let unit = match c {
            b'0'..=b'9' => {
                number = Some(number.unwrap_or(0_i64).checked_mul(10)?.checked_add(i64::from(c - b'0'))?);
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'y' => 31_536_000,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !text.is_empty()).then_some(seconds)
}

/// How long ago it is, of a cell that is a moment: `2026-03-14T03:10:00Z`. What is still to come stands as it is.
pub fn age_of_moment(text: &str, now: Timestamp) -> Option<String> {
    // Every cell of a table is asked: most are told apart by their ends.
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.ends_with('Z') {
        return None;
    }
    text.parse::<Timestamp>().ok().filter(|at| *at <= now).map(|at| age_of(at, now))
}

/// A time that was `text` when it was printed.
pub fn gone_on(text: &str, printed: Option<Timestamp>, now: Timestamp) -> Cow<'_, str> {
    let passed = printed.map_or(0, |printed| seconds_between(printed, now));
    match seconds(text) {
        Some(then) if passed > 0 => Cow::Owned(age(then.saturating_add(passed))),
        _ => Cow::Borrowed(text),
    }
}

/// `4 (2m ago)`, as the restarts of pods are printed.
pub fn gone_on_in_brackets(text: &str, printed: Option<Timestamp>, now: Timestamp) -> Cow<'_, str> {
    let Some((what, then)) = text.strip_suffix(" ago)").and_then(|text| text.split_once(" (")) else {
        return Cow::Borrowed(text);
    };
    match gone_on(then, printed, now) {
        Cow::Owned(then) => Cow::Owned(format!("{what} ({then} ago)")),
        Cow::Borrowed(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_ages_are_read() {
        for (text, expected) in [
            ("17s", Some(17)),
            ("5m30s", Some(330)),
            ("5m ago", Some(300)),
            ("2y15d", Some(2 * 31_536_000 + 15 * 86_400)),
            ("", None),
            ("5", None),
            ("m", None),
            ("<unknown>", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_moment_has_an_age_unless_it_is_to_come() {
        let now: Timestamp = "2026-03-14T03:14:00Z".parse().expect("a time");
        for (text, expected) in [
            ("2026-03-14T03:13:00Z", Some("60s")),
            ("2025-09-05T03:14:00Z", Some("190d")),
            ("2026-04-01T00:00:00Z", None),
            ("2026-03-14", None),
            ("8Z", None),
            ("5m", None),
        ] {
            assert_eq!(age_of_moment(text, now).as_deref(), expected, "{text}");
        }
    }
}
