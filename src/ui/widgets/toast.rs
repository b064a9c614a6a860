//! Short messages over the lower right corner, newest at the bottom.

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

/// Draws as many of the newest messages as fit, each on one line, and returns where they are.
pub fn toasts(messages: &[Toast<'_>], area: Rect, theme: &Theme, buf: &mut Buffer) -> Vec<(Rect, usize)> {
    let area = clip(area, buf);
    let rows = usize::from(area.height).min(messages.len());
    let first = messages.len() - rows;
    let mut hits = Vec::new();
    for (line, (index, message)) in messages.iter().enumerate().skip(first).enumerate() {
        let mut spans =
            vec![" ".into(), theme.mark(message.mark), Span::styled(format!(" {} ", message.text), theme.strong)];
        if !message.hint.is_empty() {
            spans.push(Span::styled(format!(" {} ", message.hint), theme.key));
        }
        let text = Line::from(spans);
        let taken = line_width(&text).min(area.width);
        let y = area.bottom() - (rows - line) as u16;
        let spot = Rect { x: area.right() - taken, y, width: taken, height: 1 };
        Clear.render(spot, buf);
        put_line(buf, spot, &text, theme.glyphs.ellipsis);
        buf.set_style(spot, theme.selection_quiet);
        hits.push((spot, index));
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    const SENT: Toast<'static> = Toast { mark: Mark::Ok, text: "acked PD-4471", hint: "" };
    const FAILED: Toast<'static> = Toast { mark: Mark::Broken, text: "ack of PD-4472 refused: 403", hint: "x why" };

    #[test]
    fn the_newest_stay() {
        let rows = drawn(50, 3, |area, buf| drop(toasts(&[SENT, FAILED], area, &ascii(), buf)));
        assert_eq!(rows[0], "");
        assert_eq!(rows[1].trim(), "ok acked PD-4471");
        assert_eq!(rows[2].trim(), "!! ack of PD-4472 refused: 403  x why");
        let rows = drawn(20, 1, |area, buf| drop(toasts(&[SENT, FAILED], area, &ascii(), buf)));
        assert_eq!(rows, [" !! ack of PD-4472 ~"]);
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| drop(toasts(&[SENT, FAILED, SENT], area, theme, buf)));
    }
}
