//! The pane of messages: how often each version writes each, per 1,000 of its lines, new ones first. It is sorted anew with
//! each batch of lines, never when it is drawn; the cursor stays on its message.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{super::super::View, beside::new_tags};
use crate::{
    command::Command,
    model::log::LogLevel,
    query::LogQuery,
    secret::mask,
    source::kubernetes::log_line::without_level,
    store::logs::{
        LogBuffer,
        signatures::{Message, rate},
    },
    text::{grouped, truncate},
    ui::{
        theme::Theme,
        widgets::{
            cells::{put_centred, put_line, row},
            frame::{Frame, Scroll, scrollbar},
        },
    },
};

/// Cells of a rate or a count.
const NUMBER: usize = 8;
const LEVEL: usize = 5;
/// Rows of the pane around its list: borders and heads.
const AROUND: u16 = 3;

#[derive(Debug)]
struct Row {
    message: Message,
    new: u64,
    old: u64,
    all: u64,
    is_new: bool,
}

#[derive(Debug)]
pub(super) struct Versions {
    pub is_focused: bool,
    rows: Vec<Row>,
    /// The message under the cursor; `None`: the first.
    cursor: Option<Message>,
    offset: usize,
    /// Tags and lines of both sides; empty: there is nothing to compare with.
    new: (String, u64),
    old: (String, u64),
    uncounted: u64,
    /// Why there is no row.
    missing: &'static str,
    height: usize,
}

const READING: &str = "no messages yet: the log is being read";

/// Why a log has no message to count: an empty list would not say.
fn missing(buffer: &LogBuffer) -> &'static str {
    match (buffer.lines.is_empty(), buffer.has_caught_up) {
        _ if buffer.pulse.failure.is_some() => "?? no messages: the log could not be read",
        (_, false) => READING,
        (true, true) => "no messages: nothing was logged",
        (false, true) if buffer.lines.window(0..buffer.lines.len()).all(|line| line.is_note) => {
            "no messages: only notes of midwatch's own, no line of the log"
        }
        (false, true) => "no messages: no line that begins one",
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            is_focused: true,
            rows: Vec::new(),
            cursor: None,
            offset: 0,
            new: (String::new(), 0),
            old: (String::new(), 0),
            uncounted: 0,
            missing: READING,
            height: 1,
        }
    }
}

impl Versions {
    /// Counts and order as they are now.
    pub(super) fn sync(&mut self, buffer: &LogBuffer, query: &LogQuery, view: &View<'_>) {
        let compared = buffer.signatures.compared(&new_tags(query, view).unwrap_or_default());
        self.rows = compared
            .rows
            .iter()
            .map(|row| Row {
                message: row.signature.message.clone(),
                new: row.new,
                old: row.old,
                all: row.all,
                is_new: row.is_new(),
            })
            .collect();
        self.new = (compared.new, compared.new_lines);
        self.old = (compared.old, compared.old_lines);
        self.uncounted = buffer.signatures.uncounted();
        if self.rows.is_empty() {
            self.missing = missing(buffer);
        }
    }

    fn position(&self) -> usize {
        self.cursor.as_ref().and_then(|at| self.rows.iter().position(|row| row.message == *at)).unwrap_or(0)
    }

    /// The message under the cursor.
    pub(super) fn picked(&self) -> Option<Message> {
        self.rows.get(self.position()).map(|row| row.message.clone())
    }

    /// Moves by a movement command. False: it was none.
    pub(super) fn navigate(&mut self, command: Command) -> bool {
        let (at, last) = (self.position(), self.rows.len().saturating_sub(1));
        let page = self.height.max(2) - 1;
        let to = match command {
            Command::Down => at + 1,
            Command::Up => at.saturating_sub(1),
            Command::PageDown | Command::HalfDown => at + page,
            Command::PageUp | Command::HalfUp => at.saturating_sub(page),
            Command::Top => 0,
            Command::Bottom => last,
            _ => return false,
        };
        self.cursor = self.rows.get(to.min(last)).map(|row| row.message.clone());
        true
    }

    /// Rows it takes from the screen: all where there is little room.
    pub(super) fn height(&self, view: &View<'_>, area: Rect) -> u16 {
        if view.is_narrow() {
            return if self.is_focused { area.height } else { 0 };
        }
        let wanted = u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_add(AROUND);
        wanted.clamp(AROUND + 1, (area.height * 2 / 5).max(AROUND + 1))
    }

    fn is_compared(&self) -> bool {
        self.new.1 > 0 && self.old.1 > 0
    }

    fn title(&self) -> String {
        if self.is_compared() {
            format!("MESSAGES {} against {}", self.new.0, self.old.0)
        } else {
            "MESSAGES".to_owned()
        }
    }

    fn info(&self, theme: &Theme) -> Line<'static> {
        let mut words = Vec::new();
        if self.is_compared() {
            // The unit of the numbers below first: the rest may be left out.
            words.push(Span::styled("per 1,000 lines", theme.dim));
            let of = |(tag, lines): &(String, u64)| format!("{tag}: {}", grouped(*lines));
            words.push(Span::styled(format!("   {}  {} lines", of(&self.new), of(&self.old)), theme.dim));
        }
        if self.uncounted > 0 {
            words
                .push(Span::styled(format!("   {} lines not counted: too many messages", self.uncounted), theme.wrong));
        }
        Line::from(words)
    }

    fn heads(&self) -> String {
        let level = "level";
        if self.is_compared() {
            let (new, old) = (truncate(&self.new.0, NUMBER, ""), truncate(&self.old.0, NUMBER, ""));
            format!("{new:>NUMBER$} {old:>NUMBER$}  {level:<LEVEL$} message")
        } else {
            format!("{:>NUMBER$}  {level:<LEVEL$} message", "lines")
        }
    }

    fn line(&self, line: &Row, theme: &Theme) -> Line<'static> {
        let numbers = if self.is_compared() {
            let of = |lines, (_, all): &(String, u64)| rate(lines, *all);
            format!("{:>NUMBER$} {:>NUMBER$}", of(line.new, &self.new), of(line.old, &self.old))
        } else {
            format!("{:>NUMBER$}", line.all)
        };
        let level = line.message.level;
        let style = match level {
            Some(LogLevel::Fatal | LogLevel::Error) => theme.broken,
            Some(LogLevel::Warn) => theme.wrong,
            _ => theme.dim,
        };
        let word = level.map_or("", LogLevel::name);
        let mut spans = vec![Span::styled(numbers, theme.text), Span::styled(format!("  {word:<LEVEL$} "), style)];
        if line.is_new {
            spans.push(Span::styled("NEW ", theme.new));
        }
        let text = mask(&line.message.text);
        let text = level.map_or(&*text, |level| without_level(&text, level)).to_owned();
        spans.push(Span::styled(text, theme.text));
        Line::from(spans)
    }

    pub(super) fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        if area.height < AROUND {
            return;
        }
        let theme = view.theme;
        let frame = Frame::new(theme, self.title()).info(self.info(theme)).focused(self.is_focused);
        let inside = frame.render(area, buf);
        if let Some(spot) = row(inside, 0) {
            put_line(buf, spot, &Line::styled(self.heads(), theme.dim), theme.glyphs.ellipsis);
        }
        if self.rows.is_empty()
            && let Some(spot) = row(inside, 1)
        {
            put_centred(buf, spot, &Line::styled(self.missing, theme.dim), theme.glyphs.ellipsis);
        }
        self.height = usize::from(inside.height.saturating_sub(1));
        let at = self.position();
        self.offset = self.offset.min(at).max((at + 1).saturating_sub(self.height));
        let style = if self.is_focused { theme.selection } else { theme.selection_quiet };
        for (index, line) in self.rows.iter().enumerate().skip(self.offset).take(self.height) {
            let Some(spot) = row(inside, 1 + (index - self.offset) as u16) else { break };
            put_line(buf, spot, &self.line(line, theme), theme.glyphs.ellipsis);
            if index == at {
                buf.set_style(spot.intersection(*buf.area()), style);
            }
        }
        scrollbar(area, Scroll { len: self.rows.len(), offset: self.offset, visible: self.height }, theme, buf);
    }
}
