//! A window over everything else, in the middle, with nothing shining through.

use super::cells::clip;
use super::frame::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget as _};

/// A `width` by `height` area in the middle of `area`, smaller if it must be.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Clears the middle of `area`, draws `frame` there, and returns the area inside for the content. What stands right of the
/// title, the place, is not cut for it.
pub fn dialog(frame: Frame<'_>, area: Rect, width: u16, height: u16, buf: &mut Buffer) -> Rect {
    let window = centred(clip(area, buf), width, height);
    Clear.render(window, buf);
    // A wide character that the window cuts in half would shift the rest of its row.
    for y in window.y..window.bottom() {
        let before = window.x.checked_sub(1).filter(|x| *x >= buf.area().x);
        if let Some(cell) = before.and_then(|x| buf.cell_mut((x, y)))
            && super::cells::width(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }
    frame.focused(true).keeps_info().render(window, buf)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    #[test]
    fn it_covers_what_is_below_and_cuts_wide_characters_whole() {
        let theme = ascii();
        let rows = drawn(14, 5, |area, buf| {
            for y in 0..5 {
                buf.set_string(0, y, "a日本語日本b", ratatui::style::Style::new());
            }
            assert_eq!(dialog(Frame::new(&theme, "ASK"), area, 10, 3, buf), Rect::new(4, 2, 6, 1));
        });
        assert_eq!(rows, ["a日本語日本b", "a += ASK ==+", "a |        |", "a +========+", "a日本語日本b"]);
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| {
            dialog(Frame::new(theme, "ASK"), area, 20, 5, buf);
        });
    }
}
