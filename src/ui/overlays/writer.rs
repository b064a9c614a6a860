//! Sheet lines in the cockpit's styles: headings, fields, marks, times, differences.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::sheet::SheetLine;
use crate::{
    model::Level,
    text::Clean,
    ui::{
        screens::pane::{level_style, mark_of},
        target::Target,
        theme::Theme,
        widgets::diff_view::{DiffKind, DiffLine},
    },
};

/// Writes sheet lines in the cockpit's styles.
pub struct Writer<'t> {
    pub theme: &'t Theme,
    pub lines: Vec<SheetLine>,
    /// Width of the names of fields.
    label: usize,
}

impl<'t> Writer<'t> {
    pub fn new(theme: &'t Theme) -> Self {
        Self { theme, lines: Vec::new(), label: 14 }
    }

    #[must_use]
    pub fn label(mut self, width: usize) -> Self {
        self.label = width;
        self
    }

    /// A heading, with a blank line before it unless it is the first.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        if !self.lines.is_empty() {
            self.gap();
        }
        self.body(Line::styled(text.into(), self.theme.strong.patch(self.theme.accent)))
    }

    pub fn gap(&mut self) -> &mut Self {
        self.lines.push(SheetLine::default());
        self
    }

    pub fn body(&mut self, body: Line<'static>) -> &mut Self {
        self.lines.push(SheetLine { body, ..SheetLine::default() });
        self
    }

    pub fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.styled(text, self.theme.text)
    }

    pub fn styled(&mut self, text: impl Into<String>, style: Style) -> &mut Self {
        let text: String = text.into();
        for line in text.lines() {
            self.body(Line::styled(line.to_owned(), style));
        }
        self
    }

    /// `name  value`
    pub fn field(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.field_styled(name, value, self.theme.text)
    }

    pub fn field_styled(&mut self, name: &str, value: impl Into<String>, style: Style) -> &mut Self {
        let value: String = value.into();
        let mut lines = value.lines();
        let width = self.label;
        let head = Line::styled(format!("{name:width$}"), self.theme.dim);
        self.lines.push(SheetLine {
            head,
            body: Line::styled(lines.next().unwrap_or("").to_owned(), style),
            copy: Some(Clean::own(value.clone())),
            target: None,
        });
        for more in lines {
            self.lines.push(SheetLine {
                head: Line::raw(" ".repeat(width)),
                body: Line::styled(more.to_owned(), style),
                ..SheetLine::default()
            });
        }
        self
    }

    /// A field that is left out when there is nothing to say.
    pub fn field_if(&mut self, name: &str, value: Option<impl Into<String>>) -> &mut Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// `!! text`
    pub fn marked(&mut self, level: Level, text: impl Into<String>) -> &mut Self {
        let style = level_style(self.theme, level);
        self.marked_line(level, Line::styled(text.into(), style))
    }

    pub fn marked_line(&mut self, level: Level, body: Line<'static>) -> &mut Self {
        self.line_with_head(Line::from(self.theme.mark(mark_of(level))), body)
    }

    pub fn line_with_head(&mut self, head: Line<'static>, body: Line<'static>) -> &mut Self {
        self.lines.push(SheetLine { head, body, ..SheetLine::default() });
        self
    }

    /// `03:04  text`
    pub fn timed(&mut self, time: &str, spans: Vec<Span<'static>>) -> &mut Self {
        let head = Line::styled(format!("{time:5}"), self.theme.dim);
        self.line_with_head(head, Line::from(spans))
    }

    /// The line just written is about this object.
    pub fn about(&mut self, target: Target) -> &mut Self {
        if let Some(line) = self.lines.last_mut() {
            line.target = Some(target);
        }
        self
    }

    pub fn done(self) -> Vec<SheetLine> {
        self.lines
    }
}

/// Lines of a difference: the sign stays while the text scrolls. What is left out between changes is three dots.
pub fn diff_lines(theme: &Theme, lines: &[DiffLine]) -> Vec<SheetLine> {
    let of = |line: &DiffLine| {
        let (sign, style) = match line.kind {
            DiffKind::Same => (" ", theme.text),
            DiffKind::Add => ("+", theme.diff_add),
            DiffKind::Remove => ("-", theme.diff_remove),
            DiffKind::Hunk => (" ", theme.diff_hunk),
            DiffKind::Head => (" ", theme.strong),
        };
        let piece = |(changed, text): &(bool, String)| {
            Span::styled(text.clone(), if *changed { style.patch(theme.diff_word) } else { style })
        };
        let is_gap = line.kind == DiffKind::Hunk && line.pieces.iter().all(|(_, text)| text.is_empty());
        let body = if is_gap {
            Line::styled(theme.glyphs.dot.repeat(3), style)
        } else {
            Line::from(line.pieces.iter().map(piece).collect::<Vec<_>>())
        };
        SheetLine { head: Line::styled(sign, style), body, ..SheetLine::default() }
    };
    lines.iter().map(of).collect()
}

/// `HH:MM` in UTC.
pub fn clock(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string()
}

/// `HH:MM:SS` in UTC.
pub fn clock_seconds(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `2026-03-14 03:02 UTC`, with how long ago.
pub fn date(at: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    if at <= now {
        format!("{date}   {} ago", crate::time::age_of(at, now))
    } else {
        format!("{date}   in {}", crate::time::age_of(now, at))
    }
}
