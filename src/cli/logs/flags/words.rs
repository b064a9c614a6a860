//! Flags whose values are more than a name, in kubectl's and stern's words.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use regex::Regex;

use super::super::template::Template;
use crate::{
    model::{Name, log::LogLevel},
    query::ContainerState,
    source::kubernetes::log_field::{Field, named_value},
    text::Clean,
};

/// `90`, `30s`, `5m`, `2h`, `1d`, `1h30m`
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}' is no time: write 30s, 5m, 2h, 1h30m or 1d");
    let (mut rest, mut sum) = (text, 0_u32);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u32 = rest[..end].parse().map_err(|_| wrong())?;
        let (factor, unit) = match rest[end..].chars().next() {
            Some('s') => (1, 1),
            Some('m') => (60, 1),
            Some('h') => (3_600, 1),
            Some('d') => (86_400, 1),
            None if end == text.len() => (1, 0),
            _ => return Err(wrong()),
        };
        sum = number.checked_mul(factor).and_then(|more| sum.checked_add(more)).ok_or_else(wrong)?;
        rest = &rest[end + unit..];
    }
    if sum > 0 { Ok(sum) } else { Err(wrong()) }
}

/// `--tail`; `None`: all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail(pub(super) Option<u32>);

pub(super) fn tail(text: &str) -> Result<Tail, String> {
    let wrong = || format!("'{text}' is no number of lines: write 100, or -1 for all");
    Ok(Tail(if text == "-1" { None } else { Some(text.parse().map_err(|_| wrong())?) }))
}

/// `--until`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Until {
    At(Timestamp),
    /// Seconds before now.
    Ago(u32),
}

pub(super) fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(at) => Ok(Until::At(at)),
        Err(_) => seconds(text).map(Until::Ago),
    }
}

pub(super) fn expression(text: &str) -> Result<String, String> {
    Regex::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// `--field`
pub(super) fn field(text: &str) -> Result<Field, String> {
    let (name, value) =
        named_value(text).ok_or_else(|| format!("'{text}' is no field: write NAME=VALUE, as status=500"))?;
    Field::new(name, value, text).map_err(|_| format!("{value} is no regular expression"))
}

pub(super) fn level(text: &str) -> Result<LogLevel, String> {
    LogLevel::named(text).ok_or_else(|| format!("'{text}' is no level: trace, debug, info, warn, error or fatal"))
}

/// `--condition`: its name and its status.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition(pub(super) Name, pub(super) Name);

/// `ready`, `Ready=false`
pub(super) fn condition(text: &str) -> Result<Condition, String> {
    const NAMES: [&str; 6] =
        ["ContainersReady", "Initialized", "Ready", "PodScheduled", "DisruptionTarget", "PodReadyToStartContainers"];
    const STATUS: [&str; 3] = ["True", "False", "Unknown"];
    let of = |known: &[&str], what: &str, word: &str| {
        let found = known.iter().find(|name| name.eq_ignore_ascii_case(word)).map(|name| Clean::line(name));
        found.ok_or_else(|| format!("'{word}' is no {what}: {}", known.join(", ")))
    };
    let (name, status) = text.split_once('=').unwrap_or((text, "True"));
    Ok(Condition(of(&NAMES, "condition of a pod", name)?, of(&STATUS, "status of a condition", status)?))
}

/// `--container-state`; `None`: all.
pub(super) type State = Option<ContainerState>;

pub(super) fn state(text: &str) -> Result<State, String> {
    use ContainerState::{Running, Terminated, Waiting};
    if text == "all" {
        return Ok(None);
    }
    let found = [Running, Waiting, Terminated].into_iter().find(|state| state.name() == text);
    found.map(Some).ok_or_else(|| format!("'{text}' is no state: running, waiting, terminated or all"))
}

/// `--timezone`, whose `Local` is this computer's.
pub(super) fn time_zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("local") {
        return Ok(TimeZone::system());
    }
    TimeZone::get(name)
        .map_err(|_| format!("there is no time zone '{name}': write Local, UTC or a name as Europe/Berlin"))
}

/// `--template-file`
pub(super) fn template_file(path: &str) -> Result<Template, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| error.to_string())?;
    text.trim_end_matches('\n').parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kubectls() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("1h30m5s"), Ok(5_405));
        for wrong in ["", "0s", "m", "5 m", "-3s", "99999999d", "é", "1h30", "5é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!((tail("-1"), tail("20")), (Ok(Tail(None)), Ok(Tail(Some(20)))));
        assert!(tail("-2").is_err() && tail("x").is_err());
        assert_eq!(until("5m"), Ok(Until::Ago(300)));
        assert_eq!(until("2026-03-14T03:00:00Z"), Ok(Until::At("2026-03-14T03:00:00Z".parse().unwrap())));
        assert!(until("yesterday").is_err());
    }

    #[test]
    fn conditions_and_states_are_sterns() {
        assert_eq!(condition("ready"), Ok(Condition("Ready".into(), "True".into())));
        assert_eq!(condition("containersready=FALSE"), Ok(Condition("ContainersReady".into(), "False".into())));
        assert!(condition("happy").unwrap_err().starts_with("'happy' is no condition of a pod: ContainersReady, "));
        assert!(condition("ready=maybe").unwrap_err().starts_with("'maybe' is no status of a condition: True, "));
        assert_eq!((state("all"), state("waiting")), (Ok(None), Ok(Some(ContainerState::Waiting))));
        assert!(state("asleep").is_err());
        assert!(field("status=500").is_ok_and(|field| field.is_in("status=500")));
        assert_eq!(field("status").unwrap_err(), "'status' is no field: write NAME=VALUE, as status=500");
        assert_eq!(field("status=5(").unwrap_err(), "5( is no regular expression");
        assert!(time_zone("Mars/Base").unwrap_err().starts_with("there is no time zone 'Mars/Base'"));
        assert!(time_zone("local").is_ok());
    }
}
