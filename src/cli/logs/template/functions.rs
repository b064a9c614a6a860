//! stern's functions, and the few of Go's that lines of logs are written with.

use std::ops::RangeInclusive;

use crossterm::style::Color;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::de::IgnoredAny;
use serde_json::{Value as Json, json};

use super::{
    layout,
    value::{Line, Value},
};

/// Columns that a value is filled up to at most.
const MOST_WIDE: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Json,
    ParseJson,
    TryParseJson,
    ExtractParts,
    TryExtractParts,
    PrettyJson,
    ExtJson,
    ToRfc3339,
    ToUtc,
    ToTimestamp,
    Color,
    Paint(Color),
    LevelColor,
    BunyanLevelColor,
    Eq,
    Ne,
    Not,
    And,
    Or,
    Len,
    Index,
    Print,
    Printf,
}

const FUNCTIONS: [(&str, Function); 30] = [
    ("json", Function::Json),
    ("parseJSON", Function::ParseJson),
    ("tryParseJSON", Function::TryParseJson),
    ("extractJSONParts", Function::ExtractParts),
    ("tryExtractJSONParts", Function::TryExtractParts),
    ("prettyJSON", Function::PrettyJson),
    ("extjson", Function::ExtJson),
    ("toRFC3339Nano", Function::ToRfc3339),
    ("toUTC", Function::ToUtc),
    ("toTimestamp", Function::ToTimestamp),
    ("color", Function::Color),
    ("colorBlack", Function::Paint(Color::Black)),
    ("colorRed", Function::Paint(Color::DarkRed)),
    ("colorGreen", Function::Paint(Color::DarkGreen)),
    ("colorYellow", Function::Paint(Color::DarkYellow)),
    ("colorBlue", Function::Paint(Color::DarkBlue)),
    ("colorMagenta", Function::Paint(Color::DarkMagenta)),
    ("colorCyan", Function::Paint(Color::DarkCyan)),
    ("colorWhite", Function::Paint(Color::Grey)),
    ("levelColor", Function::LevelColor),
    ("bunyanLevelColor", Function::BunyanLevelColor),
    ("eq", Function::Eq),
    ("ne", Function::Ne),
    ("not", Function::Not),
    ("and", Function::And),
    ("or", Function::Or),
    ("len", Function::Len),
    ("index", Function::Index),
    ("print", Function::Print),
    ("printf", Function::Printf),
];

pub(super) fn named(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

pub(super) fn names() -> [&'static str; FUNCTIONS.len()] {
    FUNCTIONS.map(|(name, _)| name)
}

/// How many arguments it takes, what is piped counted.
pub(super) fn takes(function: Function) -> RangeInclusive<usize> {
    match function {
        Function::Color => 2..=2,
        Function::ToTimestamp => 2..=3,
        Function::ExtractParts | Function::TryExtractParts | Function::Eq | Function::Index => 2..=usize::MAX,
        Function::Ne => 2..=2,
        Function::And | Function::Or | Function::Print | Function::Printf => 1..=usize::MAX,
        _ => 1..=1,
    }
}

pub(super) fn call(function: Function, arguments: &[Value], line: &Line<'_>) -> Result<Value, String> {
    let [first, rest @ ..] = arguments else { return Err("an argument is missing".to_owned()) };
    let text = |value: &Value| line.plain(value).into_owned();
    let fit = |value: &Value| line.fit(value).into_owned();
    Ok(match function {
        Function::Json => Value::Text(match first {
            Value::Line => line.json().to_string(),
            Value::Json(json) => line.foreign(&json.to_string()),
            Value::Texts(texts) => json!(texts).to_string(),
            Value::Nil => "null".to_owned(),
            other => Json::String(text(other)).to_string(),
        }),
        Function::ParseJson => Value::Json(object(&text(first)).map_err(|why| format!("parseJSON: {why}"))?),
        Function::TryParseJson => object(&text(first)).map_or(Value::Nil, Value::Json),
        Function::ExtractParts => {
            let object = object(&text(first)).map_err(|why| format!("extractJSONParts: {why}"))?;
            Value::Text(parts(&object, rest, line))
        }
        Function::TryExtractParts => match object(&text(first)) {
            Ok(object) => Value::Text(parts(&object, rest, line)),
            Err(_) => first.clone(),
        },
        Function::PrettyJson => match first {
            Value::Json(json @ Json::Object(_)) => Value::Text(line.foreign(&format!("{json:#}"))),
            other => object(&text(other))
                .map_or_else(|_| other.clone(), |json| Value::Text(line.foreign(&format!("{json:#}")))),
        },
        Function::ExtJson => Value::Text(match serde_json::from_str::<IgnoredAny>(&text(first)) {
            Ok(_) => line.shown(first),
            Err(_) => Json::String(fit(first)).to_string(),
        }),
        Function::ToRfc3339 => Value::Text(time(first, line)?.to_string()),
        Function::ToUtc => Value::Time(time(first, line)?),
        Function::ToTimestamp => {
            let zone = rest.get(1).map(text).filter(|zone| !zone.is_empty());
            let zone = zone.map_or(Ok(TimeZone::UTC), |zone| {
                TimeZone::get(&zone).map_err(|_| format!("toTimestamp: there is no time zone '{zone}'"))
            })?;
            Value::Text(layout::format(&time(first, line)?.to_zoned(zone), &fit(&rest[0])))
        }
        Function::Color => match first {
            Value::Colour(colour) => line.coloured(&line.shown(&rest[0]), *colour),
            _ => return Err("color takes .PodColor or .ContainerColor, and a text".to_owned()),
        },
        Function::Paint(colour) => line.coloured(&line.shown(first), colour),
        Function::LevelColor => painted(line, first, colour_of_level(&text(first))),
        Function::BunyanLevelColor => painted(line, first, text(first).parse().ok().and_then(colour_of_bunyan)),
        Function::Eq => Value::Json(rest.iter().any(|other| text(other) == text(first)).into()),
        Function::Ne => Value::Json((text(&rest[0]) != text(first)).into()),
        Function::Not => Value::Json((!first.is_true(line)).into()),
        Function::And => {
            arguments.iter().find(|value| !value.is_true(line)).or(arguments.last()).unwrap_or(first).clone()
        }
        Function::Or => {
            arguments.iter().find(|value| value.is_true(line)).or(arguments.last()).unwrap_or(first).clone()
        }
        Function::Len => Value::Json(length(first, line)?.into()),
        Function::Index => rest.iter().try_fold(first.clone(), |value, key| index(value, &text(key)))?,
        Function::Print => Value::Text(arguments.iter().map(|value| line.shown(value)).collect()),
        Function::Printf => Value::Text(printf(&fit(first), rest, line)?),
    })
}

/// Go's `%s`, `%v`, `%d`, `%q` and `%%`, with a width (`%-20s`, `%5d`).
fn printf(form: &str, values: &[Value], line: &Line<'_>) -> Result<String, String> {
    let (mut text, mut values, mut rest) = (String::new(), values.iter(), form);
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let end = after.find(|letter: char| !(letter.is_ascii_digit() || letter == '-')).unwrap_or(after.len());
        let (width, verb) = (&after[..end], after[end..].chars().next());
        if verb == Some('%') {
            text.push('%');
        } else {
            let value =
                values.next().ok_or_else(|| format!("printf: '{form}' has more places than there are values"))?;
            let shown = match verb {
                Some('s' | 'v' | 'd') => line.shown(value),
                Some('q') => Json::String(line.fit(value).into_owned()).to_string(),
                _ => return Err(format!("printf: of '{form}' %s, %v, %d, %q and a width are known")),
            };
            let wide: usize = width.trim_start_matches('-').parse().unwrap_or(0);
            let gap = " ".repeat(wide.min(MOST_WIDE).saturating_sub(shown.chars().count()));
            text.push_str(&if width.starts_with('-') { shown + &gap } else { gap + &shown });
        }
        rest = &after[end + verb.map_or(0, char::len_utf8)..];
    }
    Ok(text + rest)
}

fn object(text: &str) -> Result<Json, String> {
    let read = serde_json::from_str(text).ok().filter(Json::is_object);
    read.ok_or_else(|| "the line is no JSON object; tryParseJSON and tryExtractJSONParts take any".to_owned())
}

/// The values of these keys, those of an object's own only.
fn parts(object: &Json, keys: &[Value], line: &Line<'_>) -> String {
    let part = |key: &Value| match object.get(line.plain(key).as_ref()) {
        None | Some(Json::Null) => "<nil>".to_owned(),
        Some(value) => line.shown(&Value::Json(value.clone())),
    };
    keys.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn painted(line: &Line<'_>, value: &Value, colour: Option<Color>) -> Value {
    let text = if *value == Value::Nil { String::new() } else { line.shown(value) };
    colour.map_or(Value::Text(text.clone()), |colour| line.coloured(&text, colour))
}

fn colour_of_level(level: &str) -> Option<Color> {
    Some(match level.to_ascii_lowercase().as_str() {
        "debug" => Color::DarkMagenta,
        "info" => Color::DarkBlue,
        "warn" | "warning" => Color::DarkYellow,
        "error" | "dpanic" | "panic" => Color::DarkRed,
        "fatal" | "critical" => Color::DarkCyan,
        _ => return None,
    })
}

fn colour_of_bunyan(level: i64) -> Option<Color> {
    Some(match level {
        ..30 => Color::DarkMagenta,
        30..40 => Color::DarkBlue,
        40..50 => Color::DarkYellow,
        50..60 => Color::DarkRed,
        60..100 => Color::DarkCyan,
        _ => return None,
    })
}

fn length(value: &Value, line: &Line<'_>) -> Result<usize, String> {
    match value {
        Value::Json(Json::Array(list)) => Ok(list.len()),
        Value::Json(Json::Object(object)) => Ok(object.len()),
        Value::Texts(texts) => Ok(texts.len()),
        Value::Message | Value::Text(_) | Value::Json(Json::String(_)) => Ok(line.plain(value).len()),
        _ => Err("len takes a text, a list or an object".to_owned()),
    }
}

fn index(value: Value, key: &str) -> Result<Value, String> {
    match value {
        Value::Json(Json::Object(mut object)) => Ok(object.remove(key).map_or(Value::Nil, Value::Json)),
        Value::Texts(mut texts) => Ok(Value::Text(texts.remove(key).unwrap_or_default())),
        Value::Json(Json::Array(list)) => {
            let found = key.parse::<usize>().ok().and_then(|at| list.get(at).cloned());
            found.map(Value::Json).ok_or_else(|| format!("index: the list has no {key}"))
        }
        Value::Nil => Ok(Value::Nil),
        _ => Err("index takes a list or an object".to_owned()),
    }
}

/// A time: one as it is written in logs, or seconds since 1970.
fn time(value: &Value, line: &Line<'_>) -> Result<Timestamp, String> {
    if let Value::Time(time) = value {
        return Ok(*time);
    }
    let text = line.plain(value);
    let text = text.trim();
    let wrong = || format!("'{}' is no time", crate::text::Clean::line(text));
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
        let whole = seconds.floor();
        let nanoseconds = ((seconds - whole) * 1e9) as i32;
        return Timestamp::new(whole as i64, nanoseconds).map_err(|_| wrong());
    }
    let written = text.parse::<Timestamp>().or_else(|_| {
        let with_zone = Timestamp::strptime("%Y-%m-%d %H:%M:%S%.f %z", text);
        with_zone.or_else(|_| text.parse::<DateTime>().and_then(|time| Ok(time.to_zoned(TimeZone::UTC)?.timestamp())))
    });
    let mail = || jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp());
    written.or_else(|_| mail()).map_err(|_| wrong())
}
