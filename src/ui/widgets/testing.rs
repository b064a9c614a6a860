//! What the widgets' tests share.

use super::cells::rows_of;
use crate::ui::theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Dark, true colour, box drawing.
pub fn dark() -> Theme {
    Theme::new(ThemeChoice::Dark, Background::Dark, ColourDepth::True, GlyphSet::Unicode)
}

/// No colour, box drawing.
pub fn plain() -> Theme {
    Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::True, GlyphSet::Unicode)
}

/// No colour, ASCII.
pub fn ascii() -> Theme {
    Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::None, GlyphSet::Ascii)
}

/// Draws into a fresh buffer and returns its rows as text.
pub fn drawn(width: u16, height: u16, draw: impl FnOnce(Rect, &mut Buffer)) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    draw(area, &mut buf);
    rows_of(&buf)
}

/// Draws in every small size, away from the origin and partly outside the buffer, and checks that ASCII themes draw
/// ASCII only and that nothing is drawn outside the area.
pub fn everywhere(mut draw: impl FnMut(&Theme, Rect, &mut Buffer)) {
    for theme in [dark(), plain(), ascii()] {
        for (width, height) in (0..9).flat_map(|w| (0..7).map(move |h| (w, h))).chain([(40, 1), (1, 40), (33, 9)]) {
            let area = Rect::new(3, 2, width, height);
            let mut buf = Buffer::empty(Rect::new(0, 0, 50, 50));
            draw(&theme, area, &mut buf);
            for y in 0..50 {
                for x in 0..50 {
                    let cell = &buf[(x, y)];
                    let inside = area.contains((x, y).into());
                    assert!(inside || cell.symbol() == " ", "'{}' at {x},{y} outside {area}", cell.symbol());
                    let glyph = cell.symbol().is_ascii() || "日本語".contains(cell.symbol());
                    assert!(theme.glyphs.lines.vertical != "|" || glyph, "{}", cell.symbol());
                }
            }
            draw(&theme, area, &mut Buffer::empty(Rect::new(0, 0, 5, 4)));
            draw(&theme, area, &mut Buffer::empty(Rect::ZERO));
        }
    }
}
