//! `=` What a rollback would change: the live pod template against another revision's, secrets masked.

use std::hash::{BuildHasher as _, RandomState};

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};
use serde_json::Value;

use super::{
    evidence::answer,
    sheet::{Sheet, Writer, diff_lines},
};
use crate::{
    action::Request,
    command::Command,
    model::kubernetes::{Revision, WorkloadKey, short_image},
    query::{Answer, Query},
    secret::{MASK, mask},
    store::Changes,
    text::Clean,
    time::age_of,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            diff_view::between,
            frame::Frame,
        },
    },
};

/// Unchanged lines around each change.
const CONTEXT: usize = 3;
/// Revisions listed above the difference at most.
const LISTED: usize = 8;

/// Picks a revision and shows what it would change.
pub struct Revisions {
    workload: WorkloadKey,
    /// Newest first.
    list: Vec<Revision>,
    chosen: usize,
    sheet: Sheet,
    hashes: RandomState,
}

impl Revisions {
    pub fn new(workload: WorkloadKey) -> Self {
        Self { workload, list: Vec::new(), chosen: 0, sheet: Sheet::default(), hashes: RandomState::new() }
    }

    fn live(&self) -> Option<&Revision> {
        self.list.iter().find(|revision| revision.is_live)
    }

    fn chosen(&self) -> Option<&Revision> {
        self.list.get(self.chosen)
    }

    fn fill(&mut self, view: &View<'_>) {
        let mut writer = Writer::new(view.theme);
        match answer(view, &Query::Revisions(self.workload.clone())) {
            Ok(Answer::Revisions(list)) => {
                let was = self.chosen().map(|revision| revision.number);
                self.list.clone_from(list);
                self.list.sort_by_key(|revision| std::cmp::Reverse(revision.number));
                let before_live = self.list.iter().position(|revision| !revision.is_live);
                self.chosen = was
                    .and_then(|number| self.list.iter().position(|revision| revision.number == number))
                    .or(before_live)
                    .unwrap_or(0);
                self.write(&mut writer);
            }
            Ok(_) => {}
            Err(error) => super::evidence::no_answer(&mut writer, error),
        }
        self.sheet.set(writer.done());
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let theme = writer.theme;
        let (Some(live), Some(chosen)) = (self.live(), self.chosen()) else {
            writer.styled("no revision is kept", theme.dim);
            return;
        };
        if live.number == chosen.number {
            writer.styled("this is the live revision: n and N choose another", theme.dim);
            return;
        }
        let lines = between(&self.text(&live.template), &self.text(&chosen.template), CONTEXT);
        if lines.is_empty() {
            writer.styled("nothing differs", theme.dim);
        }
        writer.lines.extend(diff_lines(theme, &lines));
    }

    fn text(&self, template: &Value) -> String {
        let mut text = String::new();
        self.yaml(template, "", 0, false, &mut text);
        text
    }

    /// As YAML for reading; what looks secret is masked, with a mark by which two values can be told apart.
    fn yaml(&self, value: &Value, name: &str, depth: usize, in_list: bool, out: &mut String) {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(map) if !map.is_empty() => {
                let hides = map.get("name").and_then(Value::as_str).is_some_and(is_secret_name);
                for (index, (key, value)) in map.iter().enumerate() {
                    let lead = if in_list && index == 0 { "" } else { &indent };
                    out.push_str(lead);
                    out.push_str(key);
                    out.push(':');
                    let name = if hides && key == "value" { "secret" } else { key.as_str() };
                    match value {
                        Value::Object(inner) if !inner.is_empty() => {
                            out.push('\n');
                            self.yaml(value, name, depth + 1, false, out);
                        }
                        Value::Array(inner) if !inner.is_empty() => {
                            out.push('\n');
                            self.yaml(value, name, depth, false, out);
                        }
                        leaf => {
                            out.push(' ');
                            out.push_str(&self.leaf(leaf, name));
                            out.push('\n');
                        }
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    out.push_str(&indent);
                    out.push_str("- ");
                    match item {
                        Value::Object(map) if !map.is_empty() => self.yaml(item, name, depth + 1, true, out),
                        leaf => {
                            out.push_str(&self.leaf(leaf, name));
                            out.push('\n');
                        }
                    }
                }
            }
            leaf => {
                out.push_str(&self.leaf(leaf, name));
                out.push('\n');
            }
        }
    }

    fn leaf(&self, value: &Value, name: &str) -> String {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // Foreign text: it has not passed `Clean` inside a raw template.
        let text = Clean::line(&text).to_string();
        let is_secret = is_secret_name(name) && name != "secretName" && value.is_string() && !text.is_empty();
        let masked = if is_secret { MASK.to_owned() } else { mask(&text) };
        if masked == text { text } else { format!("{masked} #{:04x}", self.hashes.hash_one(&text) & 0xffff) }
    }

    fn choose(&mut self, by: isize, view: &View<'_>) {
        let last = self.list.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.sheet.rewind();
        self.fill(view);
    }

    fn picker(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let now = view.store.time_of(&self.workload.cluster, view.now);
        let top = self.chosen.saturating_sub(usize::from(area.height).saturating_sub(1));
        for (index, revision) in self.list.iter().enumerate().skip(top) {
            let Some(spot) = row(area, (index - top) as u16) else { break };
            let images: Vec<&str> = revision.images.iter().map(|image| short_image(image)).collect();
            let age = revision.created.map(|at| age_of(at, now)).unwrap_or_default();
            let live = if revision.is_live { "live" } else { "" };
            let cause = revision.change_cause.as_ref().map(ToString::to_string).unwrap_or_default();
            let line = Line::from(vec![
                Span::styled(format!("rev {:<5} ", revision.number), theme.strong),
                Span::styled(format!("{:28} ", images.join(", ")), theme.text),
                Span::styled(format!("{age:>6}  {}/{} up  ", revision.ready, revision.replicas), theme.dim),
                Span::styled(format!("{live:5}"), theme.ok),
                Span::styled(cause, theme.dim),
            ]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            if index == self.chosen {
                buf.set_style(spot, theme.selection);
            }
        }
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "api_key", "apikey", "api-key", "credential", "private_key"]
        .iter()
        .any(|word| name.contains(word))
}

impl Overlay for Revisions {
    fn owns_keys(&self) -> bool {
        self.sheet.owns_keys()
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        self.sheet.key(key);
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        self.sheet.paste(text);
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        match command {
            Command::NextMatch | Command::NextPane if !self.sheet.is_finding() => self.choose(1, view),
            Command::PreviousMatch | Command::PreviousPane if !self.sheet.is_finding() => self.choose(-1, view),
            Command::DiffRevisions => return Reply::Close,
            Command::Enter => {}
            // What is looked at is what is meant.
            Command::RollBack => {
                return match self.chosen().filter(|revision| !revision.is_live) {
                    Some(revision) => Reply::Many(vec![
                        Reply::Close,
                        Reply::Ask(Request::RollBack { workload: self.workload.clone(), to: Some(revision.number) }),
                    ]),
                    None => Reply::Say("choose a revision that is not live".into()),
                };
            }
            command if self.sheet.run(command) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::ANSWERS) {
            self.fill(view);
        }
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        vec![Query::Revisions(self.workload.clone())]
    }

    fn selected(&self) -> Option<Target> {
        Some(Target::Workload(self.workload.clone()))
    }

    fn scroll(&mut self, lines: i32, _view: &View<'_>) -> Reply {
        self.sheet.scroll(lines);
        Reply::Done
    }

    fn copied(&self) -> Option<Clean> {
        self.sheet.copied()
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let key = &self.workload;
        let prod = if view.settings.is_production(&key.cluster) { "PROD " } else { "" };
        let place = format!("{prod}{}/{}", key.cluster, key.namespace);
        let inside = dialog(
            Frame::new(view.theme, format!("REVISIONS {key}")).info(place).foot("n N choose   R roll back to it"),
            area,
            area.width,
            area.height,
            buf,
        );
        let listed = (self.list.len().min(LISTED) as u16).min(inside.height / 3);
        self.picker(view, Rect { height: listed, ..inside }, buf);
        let mut rest = Rect { y: inside.y + listed, height: inside.height.saturating_sub(listed), ..inside };
        if let (Some(live), Some(chosen), Some(spot)) = (self.live(), self.chosen(), row(rest, 0))
            && !chosen.is_live
        {
            let words = format!("- live, rev {}   + rev {}", live.number, chosen.number);
            let rule = view.theme.glyphs.rule.repeat(usize::from(spot.width));
            put_line(buf, spot, &Line::styled(rule, view.theme.border), "");
            put_line(
                buf,
                Rect { x: spot.x + 2, width: spot.width.saturating_sub(2), ..spot },
                &Line::styled(format!(" {words} "), view.theme.dim),
                "",
            );
            rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
        }
        self.sheet.render(view, rest, buf)
    }
}
