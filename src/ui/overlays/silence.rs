//! `e` in the plan of a silence: its matchers, its end and its comment, and what it matches now.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::describe::matches;
use crate::{
    action::{MAX_SILENCE_MINUTES, Request, SilenceDraft},
    model::{
        BackendId, Level,
        alert::{Alert, AlertState, Matcher},
    },
    store::Changes,
    ui::{
        Overlay, Reply, View,
        screens::pane::mark_of,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
        },
    },
};

/// Offered lengths, in minutes; the second is preset.
const LENGTHS: [(u32, &str); 4] = [(15, "15m"), (60, "1h"), (240, "4h"), (MAX_SILENCE_MINUTES, "24h")];
/// Matched alerts listed.
const LISTED: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Focus {
    Matchers,
    Length,
    Comment,
    Send,
}

/// The form.
pub struct SilenceForm {
    backend: BackendId,
    /// Each, and whether it is part of the silence.
    matchers: Vec<(Matcher, bool)>,
    cursor: usize,
    length: usize,
    comment: TextInput,
    focus: Focus,
    /// What it matches now: level, words; and how many in all.
    found: Vec<(Level, String)>,
    count: usize,
    asked: Option<Request>,
}

impl SilenceForm {
    /// To change this silence. What it matches is looked up with the first preview.
    pub fn new(draft: &SilenceDraft, view: &View<'_>) -> Self {
        let chosen = LENGTHS.iter().position(|(minutes, _)| *minutes >= draft.minutes);
        let mut form = Self {
            backend: draft.backend.clone(),
            matchers: draft.matchers.iter().map(|matcher| (matcher.clone(), true)).collect(),
            cursor: 0,
            length: chosen.unwrap_or(LENGTHS.len() - 1),
            comment: TextInput::new(&draft.comment),
            focus: Focus::Matchers,
            found: Vec::new(),
            count: 0,
            asked: None,
        };
        form.preview(view);
        form
    }

    fn matchers(&self) -> Vec<Matcher> {
        self.matchers.iter().filter(|(_, is_on)| *is_on).map(|(matcher, _)| matcher.clone()).collect()
    }

    fn preview(&mut self, view: &View<'_>) {
        let matchers = self.matchers();
        let found: Vec<&Alert> = view
            .store
            .alerts
            .values()
            .filter(|alert| alert.key.backend == self.backend && !matches!(alert.state, AlertState::Resolved(_)))
            .filter(|alert| matches(&matchers, alert))
            .collect();
        self.count = found.len();
        self.found = found
            .into_iter()
            .take(LISTED)
            .map(|alert| {
                let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
                (alert.priority.level(), format!("{} {}{subject}", alert.priority.name(), alert.name))
            })
            .collect();
    }

    fn send(&mut self) -> Reply {
        let matchers = self.matchers();
        if matchers.is_empty() {
            return Reply::Say("a silence without matchers would hold everything: mark at least one".into());
        }
        let comment = self.comment.text().trim().to_owned();
        if comment.is_empty() {
            return Reply::Say("a silence needs a comment".into());
        }
        let draft = SilenceDraft { backend: self.backend.clone(), matchers, minutes: LENGTHS[self.length].0, comment };
        let request = Request::Silence(draft);
        self.asked = Some(request.clone());
        Reply::Ask(request)
    }

    fn move_focus(&mut self, forward: bool) {
        self.focus = match (self.focus, forward) {
            (Focus::Matchers, true) | (Focus::Comment, false) => Focus::Length,
            (Focus::Length, true) | (Focus::Send, false) => Focus::Comment,
            (Focus::Comment, true) | (Focus::Matchers, false) => Focus::Send,
            (Focus::Send, true) | (Focus::Length, false) => Focus::Matchers,
        };
    }

    fn on_matchers(&mut self, code: KeyCode, view: &View<'_>) {
        let last = self.matchers.len().saturating_sub(1);
        match code {
            KeyCode::Down | KeyCode::Char('j') => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Char(' ') => {
                if let Some((_, is_on)) = self.matchers.get_mut(self.cursor) {
                    *is_on = !*is_on;
                }
                self.preview(view);
            }
            _ => {}
        }
    }

    fn on_length(&mut self, code: KeyCode) {
        match code {
            KeyCode::Left | KeyCode::Down | KeyCode::Char('h' | 'j') => self.length = self.length.saturating_sub(1),
            KeyCode::Right | KeyCode::Up | KeyCode::Char('l' | 'k' | ' ') => {
                self.length = (self.length + 1).min(LENGTHS.len() - 1);
            }
            _ => {}
        }
    }

    fn lengths(&self, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        let mut spans = vec![Span::styled("for       ", theme.dim)];
        for (index, (_, word)) in LENGTHS.iter().enumerate() {
            let is_chosen = index == self.length;
            let style = match (is_chosen, self.focus == Focus::Length) {
                (true, true) => theme.selection.patch(theme.strong),
                (true, false) => theme.strong,
                _ => theme.dim,
            };
            let text = if is_chosen { format!("[{word}]") } else { format!(" {word} ") };
            spans.push(Span::styled(text, style));
            spans.push(Span::raw(" "));
        }
        let ends = view.time().checked_add(jiff::SignedDuration::from_mins(i64::from(LENGTHS[self.length].0)));
        if let Ok(ends) = ends {
            let ends = ends.to_zoned(jiff::tz::TimeZone::UTC).strftime("until %H:%M UTC").to_string();
            spans.push(Span::styled(format!("  {ends}"), theme.dim));
        }
        Line::from(spans)
    }

    fn draw_matchers(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let top = (self.cursor + 1).saturating_sub(usize::from(area.height));
        for (index, (matcher, is_on)) in self.matchers.iter().enumerate().skip(top) {
            let Some(spot) = row(area, (index - top) as u16) else { break };
            let (mark, style) = if *is_on { ("[x] ", theme.text) } else { ("[ ] ", theme.dim) };
            let line = Line::from(vec![Span::styled(mark, style), Span::styled(matcher.to_string(), style)]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            if index == self.cursor && self.focus == Focus::Matchers {
                buf.set_style(spot, theme.selection);
            }
        }
    }

    fn draw_found(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let words = match self.count {
            0 => "matches nothing now".to_owned(),
            1 => "matches 1 alert now:".to_owned(),
            count => format!("matches {count} alerts now:"),
        };
        let style = if self.count == 1 { theme.text } else { theme.wrong };
        if let Some(spot) = row(area, 0) {
            put_line(buf, spot, &Line::styled(words, style), theme.glyphs.ellipsis);
        }
        for (index, (level, words)) in self.found.iter().enumerate() {
            let Some(spot) = row(area, index as u16 + 1) else { break };
            let line = Line::from(vec![theme.mark(mark_of(*level)), Span::raw(" "), Span::raw(words.as_str())]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
        }
    }
}

impl Overlay for SilenceForm {
    fn owns_keys(&self) -> bool {
        true
    }

    fn asked(&self) -> Option<&Request> {
        self.asked.as_ref()
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        match (key.code, self.focus) {
            (KeyCode::Esc, _) => return Reply::Close,
            (KeyCode::BackTab, _) => self.move_focus(false),
            (KeyCode::Enter, Focus::Send) => return self.send(),
            (KeyCode::Tab | KeyCode::Enter, _) => self.move_focus(true),
            (_, Focus::Comment) => {
                self.comment.handle(key);
            }
            (KeyCode::Char('y'), _) => return self.send(),
            (KeyCode::Char('q'), _) => return Reply::Close,
            (code, Focus::Matchers) => self.on_matchers(code, view),
            (code, Focus::Length) => self.on_length(code),
            (_, Focus::Send) => {}
        }
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        if self.focus == Focus::Comment {
            self.comment.insert(text);
        }
    }

    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::ALERTS) {
            self.preview(view);
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let found = 1 + self.found.len() as u16;
        let fixed = 5 + found;
        let room = area.height.saturating_sub(fixed + 2).max(1);
        let labels = (self.matchers.len() as u16).min(room);
        let frame = Frame::new(theme, "EDIT THE SILENCE").info(self.backend.to_string());
        let inside = dialog(frame, area, 96, labels + fixed + 2, buf);
        let at = |y: u16, height: u16| Rect {
            y: inside.y + y.min(inside.height),
            height: height.min(inside.height.saturating_sub(y)),
            ..inside
        };
        self.draw_matchers(view, at(0, labels), buf);
        if let Some(spot) = row(at(labels + 1, 1), 0) {
            put_line(buf, spot, &self.lengths(view), theme.glyphs.ellipsis);
        }
        let mut cursor = None;
        if let Some(spot) = row(at(labels + 2, 1), 0) {
            let used = put_line(buf, spot, &Line::styled("comment   ", theme.dim), "");
            let field = Rect { x: spot.x + used, width: spot.width.saturating_sub(used), ..spot };
            let at = self.comment.render(field, "why, for whoever finds it", theme, buf);
            cursor = at.filter(|_| self.focus == Focus::Comment);
        }
        self.draw_found(view, at(labels + 3, found), buf);
        if let Some(spot) = row(at(labels + 4 + found, 1), 0) {
            let style = if self.focus == Focus::Send { theme.selection } else { Style::new() };
            put_line(buf, spot, &Line::styled("[ Plan ]", style), "");
        }
        cursor
    }

    fn hints(&self) -> Vec<(String, String)> {
        let own: &[(&str, &str)] = match self.focus {
            Focus::Matchers => &[("j/k", "matcher"), ("space", "match it or not"), ("y", "its plan")],
            Focus::Length => &[("left/right", "how long"), ("y", "its plan")],
            Focus::Comment => &[("enter", "on")],
            Focus::Send => &[("enter", "its plan")],
        };
        own.iter()
            .chain(&[("tab", "next field"), ("esc", "nothing is sent")])
            .map(|(key, word)| ((*key).to_owned(), (*word).to_owned()))
            .collect()
    }
}
