//! The words below a chart: times, and what changed when. Who comes first has the room.

use super::super::cells::{put_text, width};
use super::plot;
use crate::ui::theme::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Centred below its column.
    Under,
    /// With an arrow below its column, the words beside it.
    Pointing,
    First,
    Last,
}

/// One word on the x axis.
#[derive(Debug, Clone)]
pub(super) struct Label {
    at: i64,
    text: String,
    style: Style,
    place: Place,
}

impl Label {
    pub(super) const fn under(at: i64, text: String, style: Style) -> Self {
        Self { at, text, style, place: Place::Under }
    }

    pub(super) fn pointing(at: i64, text: &str, style: Style) -> Self {
        Self { at, text: text.to_owned(), style, place: Place::Pointing }
    }

    pub(super) const fn first(text: String, style: Style) -> Self {
        Self { at: 0, text, style, place: Place::First }
    }

    pub(super) const fn last(at: i64, text: String, style: Style) -> Self {
        Self { at, text, style, place: Place::Last }
    }

    /// Columns from the left, and the text as it stands there.
    fn spot(&self, room: u16, range: (i64, i64), glyphs: &Glyphs) -> Option<(u16, String)> {
        let text = self.text.clone();
        let taken = width(&text);
        match self.place {
            Place::First => Some((0, text)),
            Place::Last => Some((room.checked_sub(taken)?, text)),
            Place::Under => {
                let column = plot::column(self.at, range, room)?;
                Some((column.saturating_sub(taken / 2).min(room.checked_sub(taken)?), text))
            }
            Place::Pointing => {
                let column = plot::column(self.at, range, room)?;
                if column + 1 + taken <= room {
                    Some((column, format!("{}{text}", glyphs.marker_foot)))
                } else {
                    Some((column.checked_sub(taken)?, format!("{text}{}", glyphs.marker_foot)))
                }
            }
        }
    }
}

/// Draws the labels in order of importance; one that has no room is left out.
pub(super) fn draw(area: Rect, buf: &mut Buffer, labels: &[Label], range: (i64, i64), glyphs: &Glyphs) {
    let mut taken: Vec<(u16, u16)> = Vec::new();
    for label in labels {
        let Some((x, text)) = label.spot(area.width, range, glyphs) else { continue };
        let end = x + width(&text);
        if end > area.width || taken.iter().any(|(from, to)| x < to + 1 && *from < end + 1) {
            continue;
        }
        put_text(buf, Rect { x: area.x + x, width: end - x, ..area }, &text, label.style);
        taken.push((x, end));
    }
}
