//! Short messages at the right end of a line, the newest last.

use super::cells::{clip, line_width, put_line};
use crate::ui::theme::{Mark, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

/// One message: what happened, to what, and the key that takes it back.
#[derive(Debug, Clone, Copy)]
pub struct Toast<'a> {
    pub mark: Mark,
    pub text: &'a str,
    /// What may be done about it: `U undo`.
    pub hint: &'a str,
}

/// Draws as many of the newest messages as fit beside each other, and returns the room that is left of them. The newest is
/// there in any case, cut if need be.
pub fn toasts(messages: &[Toast<'_>], area: Rect, theme: &Theme, buf: &mut Buffer) -> Rect {
    const GAP: u16 = 1;
    let area = clip(area, buf);
    let mut left = Rect { height: area.height.min(1), ..area };
    for (age, message) in messages.iter().rev().enumerate() {
        let mut spans = Vec::new();
        if message.mark != Mark::Blank {
            spans.extend([" ".into(), theme.mark(message.mark)]);
        }
        spans.push(Span::styled(format!(" {} ", message.text), theme.strong));
        if !message.hint.is_empty() {
            spans.push(Span::styled(format!(" {} ", message.hint), theme.key));
        }
        let text = Line::from(spans);
        if age > 0 && line_width(&text) > left.width {
            break;
        }
        let taken = line_width(&text).min(left.width);
        let spot = Rect { x: left.right() - taken, width: taken, ..left };
        Clear.render(spot, buf);
        put_line(buf, spot, &text, theme.glyphs.ellipsis);
        buf.set_style(spot, theme.selection_quiet);
        left.width = left.width.saturating_sub(taken + GAP);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    const SENT: Toast<'static> = Toast { mark: Mark::Ok, text: "acked PD-4471", hint: "" };
    const FAILED: Toast<'static> = Toast { mark: Mark::Broken, text: "ack of PD-4472 refused: 403", hint: "x why" };

    #[test]
    fn the_newest_stay() {
        let mut left = Rect::ZERO;
        let mut draw =
            |width| drawn(width, 1, |area, buf| left = toasts(&[SENT, FAILED], area, &ascii(), buf)).remove(0);
        assert_eq!(draw(70), "             ok acked PD-4471   !! ack of PD-4472 refused: 403  x why");
        assert_eq!(draw(50).trim(), "!! ack of PD-4472 refused: 403  x why");
        assert_eq!(draw(20), " !! ack of PD-4472 ~");
        assert_eq!(left.width, 0);
        let plain = Toast { mark: Mark::Blank, ..SENT };
        let row = drawn(16, 1, |area, buf| left = toasts(&[plain], area, &ascii(), buf)).remove(0);
        assert_eq!(row.trim_end(), "  acked PD-4471", "nothing stands where its mark would");
        drawn(50, 1, |area, buf| left = toasts(&[], area, &ascii(), buf));
        assert_eq!(left, Rect::new(0, 0, 50, 1));
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| {
            let left = toasts(&[SENT, FAILED, SENT], area, theme, buf);
            assert!(left.right() <= area.right() && left.height <= 1);
        });
    }
}
