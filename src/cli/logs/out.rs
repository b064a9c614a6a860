//! How lines are written to standard output.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _, io::IsTerminal as _};

use crossterm::style::{Color, Stylize as _};
use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::{Value, json};

use super::{
    Logs,
    flags::{Form, Stamps, When},
    fold::Fold,
    keep::Keep,
    report,
    signatures::Messages,
    targets::Target,
    template::{self, Template},
};
use crate::{
    model::{BackendId, log::LogLine},
    query::LogTarget,
    secret::{MASK, mask},
    text::{inert_json, steady},
    ui::theme::{ColourDepth, TerminalEnv},
};

/// What stands before each line: nothing where only one pod can speak.
struct Prefix {
    pods: bool,
    clusters: bool,
    /// `[pod/NAME/CONTAINER]`
    is_kubectls: bool,
    /// The container has a colour of its own.
    tells_containers: bool,
}

impl Prefix {
    fn of(targets: &[Target], logs: &Logs) -> Self {
        let clusters: BTreeSet<&BackendId> = targets.iter().map(|target| target.of.cluster()).collect();
        let is_one = logs.is_one_container() && matches!(targets, [Target { of: LogTarget::Pod(_), .. }]);
        let is_wanted = logs.prefix();
        let clusters = clusters.len() > 1 && is_wanted != Some(false);
        Self {
            pods: is_wanted.unwrap_or(!is_one || clusters),
            clusters,
            is_kubectls: is_wanted == Some(true),
            tells_containers: logs.diff_container,
        }
    }

    fn words(&self, line: &LogLine, is_coloured: bool) -> Option<String> {
        if !self.pods {
            return None;
        }
        let origin = &line.origin;
        let (pod, container) = (&origin.pod.name, &origin.container);
        let cluster = if self.clusters { format!("{}/", origin.pod.cluster) } else { String::new() };
        let (before, after) = if self.is_kubectls { ("[", "]") } else { ("", "") };
        let kind = if self.is_kubectls { "pod/" } else { "" };
        let pod_words = format!("{before}{cluster}{kind}{pod}/");
        let container_words = format!("{container}{after}");
        Some(match (is_coloured, self.tells_containers) {
            (false, _) => format!("{pod_words}{container_words}"),
            (true, false) => format!("{pod_words}{container_words}").with(colour(pod)).to_string(),
            (true, true) => {
                format!("{}{}", pod_words.with(colour(pod)), container_words.with(colour(container)))
            }
        })
    }
}

/// One of the terminal's own colours, the same for a pod each time.
pub(super) fn colour(pod: &str) -> Color {
    const COLOURS: [Color; 6] =
        [Color::DarkCyan, Color::DarkGreen, Color::DarkYellow, Color::DarkBlue, Color::DarkMagenta, Color::DarkRed];
    COLOURS[steady(pod, COLOURS.len())]
}

pub(super) struct Out {
    keep: Keep,
    fold: Option<Fold>,
    /// In place of lines.
    messages: Option<Messages>,
    names: Prefix,
    form: Form,
    template: Option<Template>,
    timestamps: Stamps,
    zone: TimeZone,
    highlight: Vec<Regex>,
    /// The name stands there all the same.
    is_coloured: bool,
    is_unmasked: bool,
    /// Of instances before, for which a note is no line of a log: it says that there is none.
    is_previous: bool,
    /// Lines, or messages in their place, in which something was masked.
    pub(super) masked: u64,
    /// Lines that do not fit the template, and why the first does not.
    pub(super) unfit: Option<(u64, String)>,
}

impl Out {
    /// `new_tags`: those that the workloads read are to run.
    pub(super) fn new(logs: &Logs, targets: &[Target], new_tags: Vec<String>) -> Self {
        let is_coloured = match logs.color {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stdout().is_terminal() && TerminalEnv::from_process().depth() != ColourDepth::None,
        };
        Self {
            keep: Keep::new(logs),
            fold: logs.fold.then(Fold::default),
            messages: logs.signatures.then(|| Messages::new(new_tags)),
            names: Prefix::of(targets, logs),
            form: if logs.json { Form::Json } else { logs.output },
            template: logs.template(),
            timestamps: logs.timestamps,
            zone: logs.timezone.clone().unwrap_or(TimeZone::UTC),
            highlight: logs.highlight.clone(),
            is_coloured,
            is_unmasked: logs.unmasked,
            is_previous: logs.previous,
            masked: 0,
            unfit: None,
        }
    }

    /// What is to be written of these lines.
    pub(super) fn text(&mut self, lines: &[LogLine]) -> String {
        let mut text = String::new();
        for line in lines {
            if !self.keep.keeps(line) {
                continue;
            }
            if self.is_previous && line.is_note {
                report::aside(&format!("midwatch: pod {}: {}", line.origin.pod.name, mask(&line.text)));
                continue;
            }
            if let Some(messages) = &mut self.messages {
                messages.take_in(line);
                continue;
            }
            if let Some(fold) = &mut self.fold {
                if fold.is_repeat(line) {
                    continue;
                }
                for (note, repeats) in fold.begin(line) {
                    self.put(&note, Some(repeats), &mut text);
                }
            }
            self.put(line, None, &mut text);
        }
        text
    }

    /// What stands behind the last line.
    pub(super) fn end(&mut self) -> String {
        let mut text = String::new();
        for (note, repeats) in self.fold.as_mut().map(Fold::end).unwrap_or_default() {
            self.put(&note, Some(repeats), &mut text);
        }
        if let Some(messages) = &self.messages {
            if !self.is_unmasked {
                self.masked += messages.masked();
            }
            let is_json = !matches!(self.form, Form::Default | Form::Raw);
            text.push_str(&messages.text(is_json, self.is_unmasked));
        }
        text
    }

    /// `repeats`: of the note that says how often the line before came again.
    fn put(&mut self, line: &LogLine, repeats: Option<u64>, text: &mut String) {
        let message = self.message(line);
        let json = |value: Value| {
            let mut object = json_of(line, value);
            if let Some(repeats) = repeats {
                object["repeats"] = json!(repeats);
            }
            object
        };
        let shown = match (self.formed(line, &message), self.form) {
            (Some(formed), _) => formed,
            (None, Form::Json) => json(json!(message)).to_string(),
            // What a message's own JSON encodes is decoded here, and written again.
            (None, Form::Extjson) => inert_json(&json(parsed(&message)).to_string()),
            (None, Form::Ppextjson) => inert_json(&format!("{:#}", json(parsed(&message)))),
            (None, Form::Raw) => format!("{}{}", self.stamp(line), self.highlighted(&message)),
            (None, Form::Default) => self.line(line, &self.highlighted(&message)),
        };
        text.push_str(&shown);
        text.push('\n');
    }

    /// By the template, where a message that is shown begins with its time if that is asked for, as stern's does. A line
    /// that does not fit it stands as it is: none is lost.
    fn formed(&mut self, line: &LogLine, message: &str) -> Option<String> {
        let template = self.template.as_ref()?;
        let marked = format!("{}{}", self.stamp(line), self.highlighted(message));
        let (is_coloured, is_unmasked) = (self.is_coloured, self.is_unmasked);
        let formed = template.line(&template::Line { entry: line, message, marked: &marked, is_coloured, is_unmasked });
        Some(formed.unwrap_or_else(|why| {
            self.unfit.get_or_insert((0, why)).0 += 1;
            marked
        }))
    }

    fn message<'a>(&mut self, line: &'a LogLine) -> Cow<'a, str> {
        if self.is_unmasked {
            return Cow::Borrowed(&line.text);
        }
        let masked = mask(&line.text);
        // Of a private key the reader has masked it already.
        let is_key = line.continues && line.text.ends_with(MASK);
        self.masked += u64::from(is_key || masked.contains(MASK) && *masked != *line.text);
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

    /// When it was written and a blank; empty, unless that is asked for.
    fn stamp(&self, line: &LogLine) -> String {
        let form = match self.timestamps {
            Stamps::Default if self.zone == TimeZone::UTC => "%Y-%m-%dT%H:%M:%S%.9fZ ",
            Stamps::Default => "%Y-%m-%dT%H:%M:%S%.9f%:z ",
            Stamps::Short => "%m-%d %H:%M:%S ",
            Stamps::None => return String::new(),
        };
        line.at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    fn line(&self, line: &LogLine, message: &str) -> String {
        let mut text = self.stamp(line);
        if let Some(name) = self.names.words(line, self.is_coloured) {
            let gap = if self.names.is_kubectls { " " } else { "  " };
            let _ = write!(text, "{name}{gap}");
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{model::log::Origin, text::Clean, ui::testing};

    fn out(form: Form) -> Out {
        let names = Prefix { pods: false, clusters: false, is_kubectls: false, tells_containers: false };
        Out {
            keep: Keep::default(),
            fold: None,
            messages: None,
            names,
            form,
            template: None,
            timestamps: Stamps::None,
            zone: TimeZone::UTC,
            highlight: Vec::new(),
            is_coloured: false,
            is_unmasked: false,
            is_previous: false,
            masked: 0,
            unfit: None,
        }
    }

    fn log_line(text: &str) -> LogLine {
        let origin = Origin::new(testing::object("p"), "app".into(), "1".into());
        LogLine {
            origin: Arc::new(origin),
            at: testing::at("03:00"),
            level: None,
            text: text.into(),
            continues: false,
            is_note: false,
        }
    }

    fn written(mut out: Out, line: &LogLine) -> String {
        let mut text = String::new();
        out.put(line, None, &mut text);
        text
    }

    #[test]
    fn what_a_message_encodes_does_not_reach_the_terminal_decoded() {
        let line = log_line(r#"{"msg":"\u009b31mX\u202e\u007f"}"#);
        for form in [Form::Extjson, Form::Ppextjson] {
            let text = written(out(form), &line);
            assert!(Clean::block(&text) == *text, "{form:?}: {text:?}");
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read["text"]["msg"], "\u{9b}31mX\u{202e}\u{7f}");
        }
    }

    #[test]
    fn times_are_of_the_zone_that_is_asked_for() {
        for (timestamps, zone, expected) in [
            (Stamps::Default, TimeZone::UTC, "2026-03-14T03:00:00.000000000Z slow\n"),
            (Stamps::Default, TimeZone::fixed(jiff::tz::offset(1)), "2026-03-14T04:00:00.000000000+01:00 slow\n"),
            (Stamps::Short, TimeZone::fixed(jiff::tz::offset(-4)), "03-13 23:00:00 slow\n"),
        ] {
            assert_eq!(written(Out { timestamps, zone, ..out(Form::Default) }, &log_line("slow")), expected);
        }
    }

    #[test]
    fn times_stand_before_raw_lines_and_in_a_templates_message() {
        let stamped = |form, template: Option<&str>| {
            let template = template.map(|template| template.parse::<Template>().unwrap());
            written(Out { template, timestamps: Stamps::Short, ..out(form) }, &log_line(r#"{"msg":"slow"}"#))
        };
        assert_eq!(stamped(Form::Raw, None), "03-14 03:00:00 {\"msg\":\"slow\"}\n");
        let of = |template| stamped(Form::Default, Some(template));
        assert_eq!(of("{{.PodName}} {{.Message}}"), "p 03-14 03:00:00 {\"msg\":\"slow\"}\n");
        // What is read out of a message is read without it.
        assert_eq!(of("{{with $d := .Message | tryParseJSON}}{{$d.msg}}{{end}}"), "slow\n");
    }

    #[test]
    fn tabs_are_written_as_they_came() {
        let text = Clean::log_line("a\tpassword:\thunter22\tb\x0b", 0, true);
        let line = LogLine { text, ..log_line("") };
        assert_eq!(written(out(Form::Raw), &line), format!("a\tpassword:\t{MASK}\tb^K\n"));
        let json: Value = serde_json::from_str(&written(out(Form::Json), &line)).unwrap();
        assert_eq!(json["text"], format!("a\tpassword:\t{MASK}\tb^K"));
    }

    #[test]
    fn what_is_masked_in_counted_messages_is_counted_too() {
        for is_unmasked in [false, true] {
            let messages = Some(Messages::new(Vec::new()));
            let mut out = Out { messages, is_unmasked, ..out(Form::Default) };
            let lines = ["password=swordfishes lost", "password=swordfishes lost", "slow"].map(log_line);
            assert!(out.text(&lines).is_empty());
            let table = out.end();
            assert_eq!((table.contains("swordfishes"), out.masked), (is_unmasked, u64::from(!is_unmasked)), "{table}");
        }
    }

    #[test]
    fn containers_have_colours_of_their_own_if_asked_for() {
        let named = |tells_containers, is_coloured| {
            let names = Prefix { pods: true, clusters: false, is_kubectls: true, tells_containers };
            written(Out { names, is_coloured, ..out(Form::Default) }, &log_line("slow"))
        };
        assert_eq!(named(true, false), "[pod/p/app] slow\n");
        let colours = |text: String| text.matches("\u{1b}[38;5;").count();
        assert_eq!((colours(named(false, true)), colours(named(true, true))), (1, 2));
    }
}
