//! What a container's log line says: its time stamp, its level, whether it goes on from the line before, and, for
//! drawing, the message inside JSON or logfmt. The hot path (stamp, level, joining) never runs a regular expression and
//! parses JSON only where a line begins with `{`.

mod joiner;
mod private_key;
mod readable;

pub use joiner::Joiner;
pub use private_key::PrivateKey;
pub use readable::{Readable, readable, readable_with};

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::{model::log::LogLevel, time::seconds_between};

/// How far into a line a level is looked for, in bytes: what stands later is prose.
const LEVEL_WITHIN: usize = 160;

/// The kubelet's stamp (`timestamps=true`: RFC 3339, nine digits, one space) and the text after it. `None`: the line has
/// no stamp; it inherits the one before it.
pub fn split_stamp(line: &[u8]) -> (Option<Timestamp>, &[u8]) {
    // "2026-01-02T03:04:05Z" is the shortest; "2026-01-02T03:04:05.123456789+00:00" the longest.
    let Some(end) = line.iter().take(40).position(|byte| *byte == b' ') else {
        // An empty line has its stamp and perhaps no space.
        return match stamp(line) {
            Some(at) => (Some(at), &[]),
            None => (None, line),
        };
    };
    match stamp(&line[..end]) {
        Some(at) => (Some(at), &line[end + 1..]),
        None => (None, line),
    }
}

fn stamp(word: &[u8]) -> Option<Timestamp> {
    let plausible = (20..=35).contains(&word.len()) && word[4] == b'-' && word[10] == b'T' && word[0].is_ascii_digit();
    if !plausible {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The level a line states, in whichever of the common ways: JSON, logfmt, klog, a word near its beginning.
pub fn level_of(text: &str) -> Option<LogLevel> {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'{' => json_level(text).unwrap_or_else(|_| worded_level(bytes)),
        b'I' | b'W' | b'E' | b'F' if is_klog(bytes) => klog_level(bytes[0]),
        _ => opening_level(text).or_else(|| worded_level(bytes)),
    }
}

/// `E0102 03:04:05.123456       1 file.go:12] message`
fn is_klog(bytes: &[u8]) -> bool {
    bytes.len() > 14 && bytes[1..5].iter().all(u8::is_ascii_digit) && bytes[5] == b' ' && bytes[8] == b':'
}

fn klog_level(letter: u8) -> Option<LogLevel> {
    match letter {
        b'I' => Some(LogLevel::Info),
        b'W' => Some(LogLevel::Warn),
        b'E' => Some(LogLevel::Error),
        b'F' => Some(LogLevel::Fatal),
        _ => None,
    }
}

/// The text without the level that it begins with, where that is this one: `FATAL no db`, `[error] no db`, `Warning: no db`.
pub fn without_level(text: &str, level: LogLevel) -> &str {
    let start = text.trim_start();
    let is_bracketed = start.starts_with('[');
    let word = start.trim_start_matches('[');
    let end = word.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(word.len());
    let (word, rest) = word.split_at(end);
    let is_its =
        word.eq_ignore_ascii_case(level.name()) || (level == LogLevel::Warn && word.eq_ignore_ascii_case("warning"));
    let rest = match (is_bracketed, rest.as_bytes().first()) {
        (true, Some(b']')) => rest[1..].trim_start_matches(':'),
        (false, Some(b':')) => &rest[1..],
        (false, Some(b' ')) if word.bytes().all(|byte| byte.is_ascii_uppercase()) => rest,
        _ => return text,
    };
    if is_its && rest.starts_with(' ') && !rest.trim_start().is_empty() { rest.trim_start() } else { text }
}

/// Seconds that a program's own stamp may be off the kubelet's and still be the same moment.
const SAME_MOMENT: i64 = 5;

/// The text without the date and time that it begins with, where that is about the moment of its line, which stands beside
/// it: `2026-01-02 03:04:05.678 UTC [7] FATAL: no db`.
pub fn without_stamp(text: &str, at: Timestamp) -> &str {
    let start = text.trim_start();
    let inside = start.strip_prefix('[');
    let Some((said, rest)) = date_time(inside.unwrap_or(start)) else { return text };
    let rest = if inside.is_some() { rest.strip_prefix(']') } else { Some(rest) };
    let rest = rest.filter(|rest| rest.starts_with(' ')).map(str::trim_start).filter(|rest| !rest.is_empty());
    let is_its = (-SAME_MOMENT..=SAME_MOMENT).contains(&seconds_between(said, at));
    rest.filter(|_| is_its).unwrap_or(text)
}

/// A date and time without a zone, or in UTC, and what follows it: `2026-01-02T03:04:05,678`, `2026/01/02 03:04:05 UTC`.
fn date_time(text: &str) -> Option<(Timestamp, &str)> {
    const LENGTH: usize = "2026-01-02 03:04:05".len();
    let is_dated = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let (date, time) = (text.get(..10).filter(|_| is_dated)?, text.get(11..LENGTH)?);
    let said = format!("{}T{time}Z", date.replace('/', "-")).parse().ok()?;
    let rest = text.get(LENGTH..)?;
    let rest = rest.strip_prefix(['.', ',']).map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = ["Z", " UTC", " GMT", "+00:00"].into_iter().find_map(|zone| rest.strip_prefix(zone));
    Some((said, zone.unwrap_or(rest)))
}

/// Words that runtimes print when a program dies.
fn opening_level(text: &str) -> Option<LogLevel> {
    if text.starts_with("panic:") || text.starts_with("fatal error:") {
        Some(LogLevel::Fatal)
    } else if text.starts_with("Traceback (most recent call last)")
        || text.starts_with("Exception in thread")
        || text.starts_with("Unhandled exception")
        || (text.starts_with("thread '") && text.contains(" panicked at "))
        || undated(text).starts_with("http: panic serving ")
    {
        Some(LogLevel::Error)
    } else {
        None
    }
}

/// Without the date and the time that Go's logger writes first: `2026/01/02 03:04:05 `.
fn undated(text: &str) -> &str {
    const DATE: usize = "2026/01/02 03:04:05 ".len();
    let is_dated = text.as_bytes().get(4) == Some(&b'/') && text.as_bytes().get(DATE - 1) == Some(&b' ');
    text.get(DATE..).filter(|_| is_dated).unwrap_or(text)
}

/// `level=error`, `"level":"error"`, `[error]`, `error: …`, or an upper-case word.
fn worded_level(bytes: &[u8]) -> Option<LogLevel> {
    let bytes = &bytes[..bytes.len().min(LEVEL_WITHIN)];
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            at += 1;
        }
        let word = &bytes[start..at];
        if !(3..=8).contains(&word.len()) {
            continue;
        }
        if is_level_key(word)
            && let Some(value) = value_after(&bytes[at..])
            && let Some(level) = level_word(value)
        {
            return Some(level);
        }
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(at).copied();
        // A path, a host name or a key is no level: `/ERROR.html`, `error-service`, `ERROR=1`.
        let alone =
            !matches!(before, Some(b'/' | b'-' | b'.' | b'@')) && !matches!(after, Some(b'/' | b'-' | b'.' | b'='));
        let stated = word.iter().all(u8::is_ascii_uppercase)
            || (before == Some(b'[') && after == Some(b']'))
            || (start == 0 && after == Some(b':'));
        if alone
            && stated
            && let Some(level) = level_word(word)
        {
            return Some(level);
        }
    }
    None
}

fn is_level_key(word: &[u8]) -> bool {
    matches!(word, b"level" | b"lvl" | b"severity" | b"Level" | b"LEVEL" | b"loglevel")
}

/// The word after `=` or `":`.
fn value_after(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let rest = match rest.first()? {
        b'=' | b':' => &rest[1..],
        _ => return None,
    };
    let start = rest.iter().position(|byte| !matches!(byte, b' ' | b'"' | b'\''))?;
    let rest = &rest[start..];
    let end = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// A level's word, in any case.
pub(super) fn level_word(word: &[u8]) -> Option<LogLevel> {
    let mut lower = [0_u8; 9];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" => Some(LogLevel::Trace),
        b"debug" | b"dbg" | b"fine" => Some(LogLevel::Debug),
        b"info" | b"inf" | b"notice" => Some(LogLevel::Info),
        b"warn" | b"warning" | b"wrn" => Some(LogLevel::Warn),
        b"error" | b"err" | b"severe" => Some(LogLevel::Error),
        b"fatal" | b"critical" | b"crit" | b"panic" | b"ftl" | b"alert" | b"emerg" | b"dpanic" => Some(LogLevel::Fatal),
        _ => None,
    }
}

/// bunyan's and pino's numbers.
pub(super) fn level_number(number: u64) -> Option<LogLevel> {
    match number {
        10..20 => Some(LogLevel::Trace),
        20..30 => Some(LogLevel::Debug),
        30..40 => Some(LogLevel::Info),
        40..50 => Some(LogLevel::Warn),
        50..60 => Some(LogLevel::Error),
        60..=100 => Some(LogLevel::Fatal),
        _ => None,
    }
}

fn is_json_level_key(key: &str) -> bool {
    matches!(
        key,
        "level"
            | "severity"
            | "lvl"
            | "loglevel"
            | "log.level"
            | "@level"
            | "@l"
            | "Level"
            | "LEVEL"
            | "levelname"
            | "logLevel"
    )
}

/// The level of a JSON line, without building its tree; an error where it is none, or was cut.
fn json_level(text: &str) -> Result<Option<LogLevel>, serde_json::Error> {
    struct Walk;
    impl<'de> Visitor<'de> for Walk {
        type Value = Option<LogLevel>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if found.is_none() && is_json_level_key(&key) {
                    found = map.next_value::<StatedLevel>()?.0;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Walk)
}

struct StatedLevel(Option<LogLevel>);

impl<'de> serde::Deserialize<'de> for StatedLevel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(stated_level(&serde_json::Value::deserialize(from)?)))
    }
}

pub(super) fn stated_level(value: &serde_json::Value) -> Option<LogLevel> {
    match value {
        serde_json::Value::String(word) => level_word(word.trim().as_bytes()),
        serde_json::Value::Number(number) => number.as_u64().and_then(level_number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LogLevel::{Debug, Error, Fatal, Info, Trace, Warn};

    #[test]
    fn levels_are_read_from_every_common_shape() {
        for (text, level) in [
            (r#"{"time":"2026-01-02T03:04:05Z","level":"error","msg":"no db"}"#, Some(Error)),
            (r#"{"severity":"WARNING","message":"slow"}"#, Some(Warn)),
            (r#"{"level":50,"msg":"pino"}"#, Some(Error)),
            (r#"{"lvl":"dbg"}"#, Some(Debug)),
            (r#"{"msg":"level: error inside"}"#, None),
            (r#"{"level":"error","msg":"cut of"#, Some(Error)),
            ("time=2026-01-02T03:04:05Z level=warn msg=\"slow query\"", Some(Warn)),
            ("ts=1 lvl=info msg=hi", Some(Info)),
            ("E0102 03:04:05.123456       1 main.go:12] boom", Some(Error)),
            ("I0102 03:04:05.123456       1 main.go:12] ERROR inside", Some(Info)),
            ("2026-01-02 03:04:05,123 ERROR [main] c.e.App - no db", Some(Error)),
            ("2026/01/02 03:04:05 [warn] 7#7: upstream timed out", Some(Warn)),
            ("INFO handled ERROR page", Some(Info)),
            ("error: no such file", Some(Error)),
            ("WARNING:root:careful", Some(Warn)),
            ("npm ERR! missing script", Some(Error)),
            ("panic: runtime error: index out of range", Some(Fatal)),
            ("Traceback (most recent call last):", Some(Error)),
            ("thread 'main' panicked at src/main.rs:3:5:", Some(Error)),
            ("2026/01/02 03:04:05 http: panic serving 10.0.0.1:4711: boom", Some(Error)),
            ("TRACE poll", Some(Trace)),
            ("GET /ERROR.html 200", None),
            ("calling error-service", None),
            ("an error of mine", None),
            ("", None),
        ] {
            assert_eq!(level_of(text), level, "{text}");
        }
    }

    #[test]
    fn a_level_that_is_said_already_is_left_out() {
        for (text, level, rest) in [
            ("FATAL no db", Fatal, "no db"),
            ("  [error]: no db", Error, "no db"),
            ("Warning: no db", Warn, "no db"),
            ("error: no db", Error, "no db"),
            // It says more, or another level, or nothing else.
            ("panic: no db", Fatal, "panic: no db"),
            ("INFO no db", Error, "INFO no db"),
            ("error of mine", Error, "error of mine"),
            ("ERROR-7 no db", Error, "ERROR-7 no db"),
            ("[error", Error, "[error"),
            ("ERROR", Error, "ERROR"),
            ("ERROR  ", Error, "ERROR  "),
        ] {
            assert_eq!(without_level(text, level), rest);
        }
    }

    #[test]
    fn the_stamp_is_parsed_in_any_offset_and_never_invented() {
        let (at, text) = split_stamp(b"2026-01-02T05:04:05.123456789+02:00 hello  world");
        assert_eq!(at, Some("2026-01-02T03:04:05.123456789Z".parse().unwrap()));
        assert_eq!(text, b"hello  world");
        assert_eq!(
            split_stamp(b"2026-01-02T03:04:05.000000001Z "),
            (at_of("2026-01-02T03:04:05.000000001Z"), &b""[..])
        );
        assert_eq!(split_stamp(b"2026-01-02T03:04:05.000000001Z"), (at_of("2026-01-02T03:04:05.000000001Z"), &b""[..]));
        for odd in ["no stamp here", "", " leading", "2026-13-02T03:04:05.000000001Z x", "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(split_stamp(odd.as_bytes()), (None, odd.as_bytes()));
        }
    }

    #[test]
    fn a_stamp_of_the_lines_own_moment_is_left_out() {
        let at = "2026-01-02T03:04:06.1Z".parse().unwrap();
        for (text, rest) in [
            ("2026-01-02 03:04:05.678 UTC [7] FATAL:  no db", "[7] FATAL:  no db"),
            ("2026-01-02T03:04:05,678Z no db", "no db"),
            ("2026-01-02T03:04:05+00:00 no db", "no db"),
            ("2026/01/02 03:04:05 no db", "no db"),
            ("[2026-01-02 03:04:06] no db", "no db"),
            // Another moment, or another zone, is told.
            ("2026-01-02 02:04:05 no db", "2026-01-02 02:04:05 no db"),
            ("2026-01-02T05:04:05+02:00 no db", "2026-01-02T05:04:05+02:00 no db"),
            ("[2026-01-02 03:04:06 no db", "[2026-01-02 03:04:06 no db"),
            ("2026-01-02 03:04:06", "2026-01-02 03:04:06"),
            ("2026-01-02 no db at all today", "2026-01-02 no db at all today"),
            (
                "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9} no db",
                "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9} no db",
            ),
        ] {
            assert_eq!(without_stamp(text, at), rest);
        }
    }

    fn at_of(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }
}
