//! The mouse: tabs, rows, footer keys and the wheel.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{App, Effect};
use crate::{command::ScreenId, time::Now, ui::Reply};

impl App {
    pub(super) fn mouse_event(&mut self, event: MouseEvent, now: Now) -> Vec<Effect> {
        let at = Position { x: event.column, y: event.row };
        let reply = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at, now),
            MouseEventKind::ScrollDown => self.wheel(at, 3, now),
            MouseEventKind::ScrollUp => self.wheel(at, -3, now),
            _ => return Vec::new(),
        };
        self.reply(reply, None, now)
    }

    fn click(&mut self, at: Position, now: Now) -> Reply {
        if let Some(command) = self.hits.command_at(at) {
            return Reply::Run(command);
        }
        if !self.overlays.is_empty() {
            return self.on_overlay(now, |overlay, view| overlay.click(at, view)).unwrap_or(Reply::Ignored);
        }
        if let Some(index) = self.hits.tab_at(at) {
            return Reply::Go(ScreenId::ALL[index], None);
        }
        self.on_screen(now, |screen, view| screen.click(at, view))
    }

    fn wheel(&mut self, at: Position, lines: i32, now: Now) -> Reply {
        if !self.overlays.is_empty() {
            return self.on_overlay(now, |overlay, view| overlay.scroll(lines, view)).unwrap_or(Reply::Ignored);
        }
        self.on_screen(now, |screen, view| screen.scroll(at, lines, view))
    }
}
