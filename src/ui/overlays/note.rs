//! Stand-in while an overlay is being built.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use crate::ui::{Overlay, View};

pub struct Note(pub String);

impl Overlay for Note {
    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        buf.set_string(area.x, area.y, &self.0, view.theme.text);
        None
    }
}
