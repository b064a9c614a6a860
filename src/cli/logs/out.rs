//! How lines are written to standard output.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _, io::IsTerminal as _};

use crossterm::style::{Color, Stylize as _};
use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use super::{Form, Keep, Logs, Template, When, report};
use crate::{
    model::{BackendId, log::LogLine},
    query::LogTarget,
    secret::{MASK, mask},
    ui::theme::{ColourDepth, TerminalEnv},
};

/// What stands before each line: nothing where only one pod can speak.
pub(super) struct Prefix {
    pods: bool,
    clusters: bool,
}

impl Prefix {
    fn of(targets: &[LogTarget], is_one_container: bool) -> Self {
        let clusters: BTreeSet<&BackendId> = targets.iter().map(LogTarget::cluster).collect();
        let is_one = is_one_container && matches!(targets, [LogTarget::Pod(_)]);
        Self { pods: !is_one, clusters: clusters.len() > 1 }
    }
}

/// One of the terminal's own colours, the same for a pod each time.
fn colour(pod: &str) -> Color {
    const COLOURS: [Color; 6] =
        [Color::DarkCyan, Color::DarkGreen, Color::DarkYellow, Color::DarkBlue, Color::DarkMagenta, Color::DarkRed];
    let sum: usize = pod.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

pub(super) struct Out {
    keep: Keep,
    names: Prefix,
    form: Form,
    template: Option<Template>,
    timestamps: bool,
    highlight: Vec<Regex>,
    /// The name stands there all the same.
    is_coloured: bool,
    is_unmasked: bool,
    /// Lines in which something was masked.
    pub(super) masked: u64,
}

impl Out {
    pub(super) fn new(logs: &Logs, targets: &[LogTarget], now: Timestamp) -> Self {
        let is_one_container = !(logs.all_containers || logs.init_containers || logs.ephemeral_containers);
        let is_coloured = match logs.color {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stdout().is_terminal() && TerminalEnv::from_process().depth() != ColourDepth::None,
        };
        Self {
            keep: Keep::new(logs, now),
            names: Prefix::of(targets, is_one_container),
            form: if logs.json { Form::Json } else { logs.output },
            template: logs.template.clone(),
            timestamps: logs.timestamps,
            highlight: logs.highlight.clone(),
            is_coloured,
            is_unmasked: logs.unmasked,
            masked: 0,
        }
    }

    pub(super) fn write(&mut self, lines: &[LogLine]) -> std::io::Result<()> {
        let mut text = String::new();
        for line in lines {
            if !self.keep.keeps(line) {
                continue;
            }
            let message = self.message(line);
            let shown = match (&self.template, self.form) {
                (Some(template), _) => template.line(line, &self.highlighted(&message)),
                (None, Form::Json) => json_of(line, json!(message)).to_string(),
                (None, Form::Extjson) => json_of(line, parsed(&message)).to_string(),
                (None, Form::Ppextjson) => format!("{:#}", json_of(line, parsed(&message))),
                (None, Form::Raw) => self.highlighted(&message).into_owned(),
                (None, Form::Default) => self.line(line, &self.highlighted(&message)),
            };
            text.push_str(&shown);
            text.push('\n');
        }
        if text.is_empty() { Ok(()) } else { report::print(&text) }
    }

    fn message<'a>(&mut self, line: &'a LogLine) -> Cow<'a, str> {
        if self.is_unmasked {
            return Cow::Borrowed(&line.text);
        }
        let masked = mask(&line.text);
        self.masked += u64::from(masked.contains(MASK) && *masked != *line.text);
        Cow::Owned(masked)
    }

    fn highlighted<'a>(&self, message: &'a str) -> Cow<'a, str> {
        if !self.is_coloured {
            return Cow::Borrowed(message);
        }
        self.highlight.iter().fold(Cow::Borrowed(message), |text, regex| {
            let marked = |found: &regex::Captures<'_>| match &found[0] {
                "" => String::new(),
                found => found.reverse().to_string(),
            };
            Cow::Owned(regex.replace_all(&text, marked).into_owned())
        })
    }

    fn line(&self, line: &LogLine, message: &str) -> String {
        let mut text = String::new();
        if self.timestamps {
            text.push_str(&line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string());
        }
        let origin = &line.origin;
        if self.names.clusters {
            let _ = write!(text, "{}/", origin.pod.cluster);
        }
        if self.names.pods || self.names.clusters {
            let name = format!("{}/{}", origin.pod.name, origin.container);
            let _ = if self.is_coloured {
                write!(text, "{}  ", name.with(colour(&origin.pod.name)))
            } else {
                write!(text, "{name}  ")
            };
        }
        if line.is_note {
            text.push_str("-- ");
        }
        text.push_str(message);
        text
    }
}

/// A line that is a JSON object, as one; else its text. Masked before: a credential may span what is taken apart.
fn parsed(message: &str) -> Value {
    serde_json::from_str(message).ok().filter(Value::is_object).unwrap_or_else(|| json!(message))
}

fn json_of(line: &LogLine, text: Value) -> Value {
    let origin = &line.origin;
    json!({
        "at": line.at.to_string(), "cluster": origin.pod.cluster, "namespace": origin.pod.namespace,
        "pod": origin.pod.name, "container": origin.container, "version": origin.version,
        "level": line.level.map(crate::model::log::LogLevel::name), "text": text, "continues": line.continues,
        "note": line.is_note,
    })
}
