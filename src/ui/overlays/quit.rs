//! "Really quit?"

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use crate::{
    app::Effect,
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// Asks before leaving, and says what goes on without anybody looking.
pub struct Quit;

impl Overlay for Quit {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        match key.code {
            KeyCode::Char('y' | 'Y') => Reply::Do(Effect::Quit),
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => Reply::Close,
            _ => Reply::Done,
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let mut lines = vec![Line::raw("Quit midwatch?")];
        let running: Vec<_> = view.acts.running().collect();
        if !running.is_empty() {
            lines.push(Line::raw(""));
            lines.push(Line::styled("Still going on. What was sent stays sent; nobody will watch it:", theme.wrong));
            lines.extend(
                running
                    .iter()
                    .take(6)
                    .map(|act| Line::raw(format!("  {:04} {}  {}", act.number, act.title, act.place))),
            );
        }
        lines.push(Line::raw(""));
        lines.push(Line::from(vec![
            ratatui::text::Span::styled("y", theme.key),
            ratatui::text::Span::styled(" quit   ", theme.key_word),
            ratatui::text::Span::styled("n", theme.key),
            ratatui::text::Span::styled(" stay", theme.key_word),
        ]));
        let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 6;
        let inside = dialog(Frame::new(theme, "QUIT"), area, width.max(30), lines.len() as u16 + 2, buf);
        for (index, line) in lines.iter().enumerate() {
            if let Some(spot) = row(inside, index as u16) {
                put_line(buf, spot, line, theme.glyphs.ellipsis);
            }
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("y".into(), "quit".into()), ("n".into(), "stay".into())]
    }
}
