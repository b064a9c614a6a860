//! A structured line for people: its message, and the few of its fields worth a place on the line. Worked out when a line
//! is drawn; what is kept and searched is the raw line.

use serde_json::{Map, Value};

use super::{is_json_level_key, level_of, level_word, stated_level};
use crate::{model::log::LogLevel, text::Clean};

/// Most fields shown after a message.
const MAX_FIELDS: usize = 8;
/// Longest value shown, in characters.
const MAX_VALUE: usize = 120;

/// A line taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Readable {
    pub level: Option<LogLevel>,
    pub message: Clean,
    /// Errors and outcomes first, then the rest in the line's order; the logger's own noise left out.
    pub fields: Vec<(Clean, Clean)>,
}

impl Readable {
    /// `message  key=value key=value`
    pub fn line(&self) -> String {
        let mut line = self.message.to_string();
        for (index, (key, value)) in self.fields.iter().enumerate() {
            line.push_str(if index == 0 && !line.is_empty() { "  " } else { " " });
            line.push_str(key);
            line.push('=');
            line.push_str(value);
        }
        line.trim_start().to_owned()
    }
}

/// Takes a JSON, logfmt or klog line apart; any other line is its own message.
pub fn readable(text: &str) -> Readable {
    readable_with(text, &[])
}

/// As [`readable`], with these fields alone, in this order, where there are any: `user.id` is one inside of another.
pub fn readable_with(text: &str, names: &[String]) -> Readable {
    let trimmed = text.trim();
    json(trimmed, names).or_else(|| logfmt(trimmed, names)).or_else(|| klog(trimmed)).unwrap_or_else(|| Readable {
        level: level_of(trimmed),
        message: Clean::line(text),
        fields: Vec::new(),
    })
}

fn json(text: &str, names: &[String]) -> Option<Readable> {
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let message_key = ["msg", "message", "@message", "@m", "@mt", "short_message", "log", "event", "text"]
        .into_iter()
        .find(|key| object.get(*key).is_some_and(Value::is_string));
    let level = object.iter().find(|(key, _)| is_json_level_key(key)).and_then(|(_, value)| stated_level(value));
    let message = Clean::line(message_key.and_then(|key| object[key].as_str()).unwrap_or_default());
    if !names.is_empty() {
        let value = |name: &str| object.get(name).or_else(|| inside(&object, name)).map(shown);
        return Some(Readable { level, message, fields: named(names, value) });
    }
    let fields = object
        .iter()
        .filter(|(key, _)| Some(key.as_str()) != message_key && !is_json_level_key(key))
        .map(|(key, value)| (key.as_str(), shown(value)));
    Some(Readable { level, message, fields: chosen(fields) })
}

/// `user.id` in `{"user": {"id": 7}}`
fn inside<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let (first, rest) = name.split_once('.')?;
    let inner = object.get(first)?.as_object()?;
    inner.get(rest).or_else(|| inside(inner, rest))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Object(object) => object
            .get("message")
            .or_else(|| object.get("msg"))
            .and_then(Value::as_str)
            .map_or_else(|| value.to_string(), |message| message.lines().next().unwrap_or_default().to_owned()),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn logfmt(text: &str, names: &[String]) -> Option<Readable> {
    if !text.contains("msg=") && !text.contains("message=") {
        return None;
    }
    let pairs = pairs(text)?;
    let message = pairs.iter().find(|(key, _)| matches!(*key, "msg" | "message"))?.1.clone();
    let level =
        pairs.iter().find(|(key, _)| is_json_level_key(key)).and_then(|(_, value)| level_word(value.as_bytes()));
    if !names.is_empty() {
        let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        return Some(Readable { level, message: Clean::line(&message), fields: named(names, value) });
    }
    let fields = pairs.into_iter().filter(|(key, _)| !matches!(*key, "msg" | "message") && !is_json_level_key(key));
    Some(Readable { level, message: Clean::line(&message), fields: chosen(fields) })
}

/// All `key=value` pairs; `None` if the line is not made of them.
fn pairs(text: &str) -> Option<Vec<(&str, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let equals = rest.find('=')?;
        let key = &rest[..equals];
        if key.is_empty() || key.contains(char::is_whitespace) || key.contains('"') {
            return None;
        }
        rest = &rest[equals + 1..];
        let (value, after) = if rest.starts_with('"') { quoted(rest)? } else { bare(rest) };
        found.push((key, value));
        rest = after.trim_start();
    }
    Some(found)
}

fn bare(rest: &str) -> (String, &str) {
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    (rest[..end].to_owned(), &rest[end..])
}

fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &rest[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push(' '),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

fn klog(text: &str) -> Option<Readable> {
    if !text.starts_with(['I', 'W', 'E', 'F']) || !super::is_klog(text.as_bytes()) {
        return None;
    }
    let (head, message) = text.split_once("] ")?;
    let place = head.rsplit(' ').next()?;
    Some(Readable {
        level: super::klog_level(text.as_bytes()[0]),
        message: Clean::line(message),
        fields: vec![(Clean::line("at"), Clean::line(place))],
    })
}

/// The fields asked for that the line has.
fn named(names: &[String], value: impl Fn(&str) -> Option<String>) -> Vec<(Clean, Clean)> {
    let field = |name: &String| Some((Clean::line(name), short(value(name).filter(|value| !value.is_empty())?)));
    names.iter().filter_map(field).take(MAX_FIELDS).collect()
}

fn short(value: String) -> Clean {
    Clean::line(&match value.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value,
    })
}

fn chosen<K: AsRef<str>>(fields: impl Iterator<Item = (K, String)>) -> Vec<(Clean, Clean)> {
    let mut kept: Vec<(u8, Clean, Clean)> = fields
        .filter(|(key, value)| !value.is_empty() && !is_noise(key.as_ref()))
        .map(|(key, value)| (rank(key.as_ref()), Clean::line(key.as_ref()), short(value)))
        .collect();
    kept.sort_by_key(|(rank, ..)| *rank);
    kept.into_iter().take(MAX_FIELDS).map(|(_, key, value)| (key, value)).collect()
}

/// What the screen shows already, or nobody reads at night.
fn is_noise(key: &str) -> bool {
    matches!(
        key,
        "ts" | "time"
            | "timestamp"
            | "@timestamp"
            | "@t"
            | "t"
            | "date"
            | "datetime"
            | "asctime"
            | "hostname"
            | "host"
            | "pid"
            | "v"
            | "@version"
            | "level_value"
            | "thread"
            | "thread_name"
            | "threadName"
            | "process"
            | "stream"
            | "stacktrace"
            | "stack"
            | "stack_trace"
    )
}

fn rank(key: &str) -> u8 {
    match key {
        "error" | "err" | "exception" | "cause" | "reason" | "@x" => 0,
        "status" | "code" | "status_code" | "statusCode" | "method" | "path" | "url" | "route" => 1,
        "duration" | "duration_ms" | "latency" | "elapsed" | "took" => 2,
        "logger" | "logger_name" | "caller" | "source" | "component" | "module" | "target" => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_becomes_its_message_and_what_matters() {
        let line = readable(
            r#"{"time":"2026-01-02T03:04:05Z","pid":7,"user":"bob","level":"error","msg":"save failed","err":{"message":"no route\nat x"},"status":500}"#,
        );
        assert_eq!(line.level, Some(LogLevel::Error));
        assert_eq!(line.line(), "save failed  err=no route status=500 user=bob");
    }

    #[test]
    fn logfmt_and_klog_lose_their_frame() {
        let line = readable(r#"ts=1 level=warn msg="slow \"query\"" duration=3s user=bob"#);
        assert_eq!((line.level, line.line().as_str()), (Some(LogLevel::Warn), "slow \"query\"  duration=3s user=bob"));
        let line = readable("E0102 03:04:05.123456       1 reflector.go:12] watch failed");
        assert_eq!((line.level, line.line().as_str()), (Some(LogLevel::Error), "watch failed  at=reflector.go:12"));
    }

    #[test]
    fn of_chosen_fields_those_the_line_has_are_shown_in_their_order() {
        let names = ["user.id", "thread", "http.status.code", "none", "a.b"].map(str::to_owned);
        let line = r#"{"msg":"m","a.b":1,"err":"x","thread":"main","user":{"id":7},"http":{"status.code":503}}"#;
        assert_eq!(readable_with(line, &names).line(), "m  user.id=7 thread=main http.status.code=503 a.b=1");
        let line = r#"msg=m err=x a.b="1 2" thread=main"#;
        assert_eq!(readable_with(line, &names).line(), "m  thread=main a.b=1 2");
        assert_eq!(readable_with("plain thread=main", &names).line(), "plain thread=main");
    }

    #[test]
    fn what_is_not_structured_stays_as_it_is() {
        for text in ["plain msg=half \"quote", "{not json}", "{\"cut\":", "a b=c msg=d", "{}x"] {
            assert_eq!(readable(text).line(), text);
        }
        // Foreign text inside JSON is cleaned too.
        assert_eq!(readable("{\"msg\":\"\\u001b[31mred\\u0007\"}").line(), "red^G");
    }
}
