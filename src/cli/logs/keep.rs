//! Which lines are written.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use regex::Regex;

use super::Logs;
use crate::{
    model::log::{LogLevel, LogLine, Origin},
    source::kubernetes::log_field::Field,
};

/// Containers whose last head is remembered; pods come and go for as long as a log is followed.
const MOST_HEADS: usize = 20_000;

/// A line that goes on (a stack trace) is kept or left out with the line it belongs to.
#[derive(Debug, Default)]
pub(super) struct Keep {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    fields: Vec<Field>,
    exclude_container: Vec<Regex>,
    least: Option<LogLevel>,
    since: Option<Timestamp>,
    has_notes: bool,
    /// Of each container, whether its last head was kept: another one's lines may stand between it and what continues it.
    heads: HashMap<Arc<Origin>, bool>,
}

impl Keep {
    pub(super) fn new(logs: &Logs) -> Self {
        Self {
            include: logs.include.clone(),
            exclude: logs.exclude.clone(),
            fields: logs.field.clone(),
            exclude_container: logs.exclude_container.clone(),
            least: logs.level,
            since: logs.since_time,
            has_notes: !logs.only_log_lines,
            heads: HashMap::new(),
        }
    }

    /// Asked line by line, in the order they are written.
    pub(super) fn keeps(&mut self, line: &LogLine) -> bool {
        if line.continues {
            return self.heads.get(&line.origin).copied().unwrap_or(true);
        }
        let is_kept = self.keeps_head(line);
        if self.heads.len() >= MOST_HEADS {
            self.heads.clear();
        }
        self.heads.insert(line.origin.clone(), is_kept);
        is_kept
    }

    fn keeps_head(&self, line: &LogLine) -> bool {
        let any = |all: &[Regex], text: &str| all.iter().any(|regex| regex.is_match(text));
        if any(&self.exclude_container, &line.origin.container) {
            return false;
        }
        if line.is_note {
            return self.has_notes;
        }
        self.since.is_none_or(|since| line.at >= since)
            && self.least.is_none_or(|least| line.level_or_info() >= least)
            && (self.include.is_empty() || any(&self.include, &line.text))
            && !any(&self.exclude, &line.text)
            && self.fields.iter().all(|field| field.is_in(&line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    fn line(container: &str, time: &str, text: &str) -> LogLine {
        let level = LogLevel::named(text.split(' ').next().unwrap_or_default());
        let origin = Origin::new(testing::object("p"), container.into(), "1".into());
        let continues = text.starts_with(' ');
        LogLine { origin: Arc::new(origin), at: testing::at(time), level, text: text.into(), continues, is_note: false }
    }

    #[test]
    fn one_include_is_enough_and_one_exclude_too_much() {
        let all = |words: &[&str]| words.iter().map(|word| Regex::new(word).unwrap()).collect::<Vec<_>>();
        let mut keep = Keep {
            include: all(&["err", "warn"]),
            exclude: all(&["health"]),
            fields: Vec::new(),
            exclude_container: all(&["^proxy"]),
            least: Some(LogLevel::Info),
            since: Some(testing::at("03:00")),
            has_notes: true,
            heads: HashMap::new(),
        };
        for (container, time, text, expected) in [
            ("app", "03:00", "err 1", true),
            ("app", "03:00", "  at its trace", true),
            ("app", "03:01", "warn 2", true),
            ("app", "03:01", "info 3", false),
            ("app", "03:01", "  at info's trace, err", false),
            ("app", "03:01", "err in /health", false),
            ("app", "02:59", "err before", false),
            ("app", "03:01", "debug err", false),
            ("app", "03:01", "an err without a level", true),
            ("proxy-1", "03:01", "err", false),
        ] {
            assert_eq!(keep.keeps(&line(container, time, text)), expected, "{text}");
        }
        let note = LogLine { is_note: true, ..line("app", "03:01", "container app restarted") };
        assert!(keep.keeps(&note));
        keep.has_notes = false;
        assert!(!keep.keeps(&note));
    }

    #[test]
    fn every_field_is_one_of_the_lines() {
        let fields = [("status", "5.."), ("user", "bob")].map(|(name, value)| Field::new(name, value, "").unwrap());
        let mut keep = Keep { fields: fields.into(), ..Keep::default() };
        for (text, expected) in [
            (r#"{"status":503,"user":"bob"}"#, true),
            ("GET / status=500 user=bob", true),
            ("  at its trace", true),
            ("GET / status=200 user=bob", false),
            (r#"{"status":503}"#, false),
        ] {
            assert_eq!(keep.keeps(&line("app", "03:00", text)), expected, "{text}");
        }
    }

    #[test]
    fn a_trace_goes_with_the_head_of_its_own_container() {
        let mut keep = Keep { least: Some(LogLevel::Error), ..Keep::default() };
        let lines = [("a", "error boom"), ("b", "info fine"), ("a", "  at boom")];
        let kept = lines.map(|(container, text)| keep.keeps(&line(container, "03:00", text)));
        assert_eq!(kept, [true, false, true]);
    }
}
