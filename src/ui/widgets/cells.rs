//! Putting text into cells: widths as the terminal counts them, cutting with an ellipsis, never outside an area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A name's beginning in fewer cells, the ellipsis counted, tells nothing.
const LEAST_HEAD: u16 = 6;

/// Cells that `text` takes: two for East Asian wide characters and emoji, none for combining marks.
pub fn width(text: &str) -> u16 {
    u16::try_from(UnicodeWidthStr::width(text)).unwrap_or(u16::MAX)
}

/// Cells that a line takes.
pub fn line_width(line: &Line<'_>) -> u16 {
    u16::try_from(line.width()).unwrap_or(u16::MAX)
}

/// `text` in at most `most` cells; what is cut off is shown by the ellipsis.
pub fn fit<'a>(text: &'a str, most: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(width(ellipsis));
    let mut used = 0;
    let mut cut = String::new();
    for grapheme in text.graphemes(true) {
        used += width(grapheme);
        if used > room {
            break;
        }
        cut.push_str(grapheme);
    }
    if width(ellipsis) <= most {
        cut.push_str(ellipsis);
    }
    Cow::Owned(cut)
}

/// The end of `text` in at most `most` cells; what is cut off before it is shown by the ellipsis.
pub fn fit_end<'a>(text: &'a str, most: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(width(ellipsis));
    let (mut used, mut from) = (0, text.len());
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > room {
            break;
        }
        from = at;
    }
    let mark = if width(ellipsis) <= most { ellipsis } else { "" };
    Cow::Owned(format!("{mark}{}", &text[from..]))
}

/// Both ends of `text` in at most `most` cells: what it begins with, and its last part, from `:` or else `-` on, by which
/// tags of an image and pods of a template differ. Where there is no room for both, the end.
pub fn fit_ends<'a>(text: &'a str, most: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let Some(at) = text.rfind(':').or_else(|| text.rfind('-')) else { return fit(text, most, ellipsis) };
    let (head, tail) = text.split_at(at);
    let room = most.saturating_sub(width(tail));
    if room < LEAST_HEAD {
        return fit_end(text, most, ellipsis);
    }
    Cow::Owned(format!("{}{tail}", fit(head, room, ellipsis)))
}

/// The part of `area` that lies inside the buffer: what a widget may write to.
pub fn clip(area: Rect, buf: &Buffer) -> Rect {
    area.intersection(*buf.area())
}

/// Row `index` of an area, if it has one.
pub fn row(area: Rect, index: u16) -> Option<Rect> {
    (index < area.height && area.width > 0).then(|| Rect { y: area.y + index, height: 1, ..area })
}

/// Writes one grapheme and blanks the cells it hides. Returns the cells taken: none if it does not fit before `end`.
pub fn put_grapheme(buf: &mut Buffer, x: u16, y: u16, end: u16, symbol: &str, style: Style) -> u16 {
    let wide = width(symbol);
    if wide == 0 || x.saturating_add(wide) > end {
        return 0;
    }
    let Some(cell) = buf.cell_mut((x, y)) else { return 0 };
    cell.set_symbol(symbol).set_style(style);
    for hidden in x + 1..x + wide {
        if let Some(cell) = buf.cell_mut((hidden, y)) {
            cell.reset();
        }
    }
    wide
}

/// Empties an area, style and all: text that comes there must not take the style of what was.
pub fn clear(buf: &mut Buffer, area: Rect) {
    for position in clip(area, buf).positions() {
        buf[position].reset();
    }
}

/// Writes a line into the first row of `area`, cut with an ellipsis. Returns the cells used.
pub fn put_line(buf: &mut Buffer, area: Rect, line: &Line<'_>, ellipsis: &str) -> u16 {
    let area = clip(area, buf);
    if area.is_empty() {
        return 0;
    }
    let whole = line.width() <= usize::from(area.width);
    let end = area.right() - if whole { 0 } else { width(ellipsis).min(area.width) };
    let (mut x, mut last) = (area.x, line.style);
    for grapheme in line.styled_graphemes(Style::default()) {
        let taken = put_grapheme(buf, x, area.y, end, grapheme.symbol, grapheme.style);
        if taken == 0 && width(grapheme.symbol) > 0 {
            break;
        }
        x += taken;
        last = grapheme.style;
    }
    if !whole {
        x += put_text(buf, Rect { x, width: area.right() - x, ..area }, ellipsis, last);
    }
    x - area.x
}

/// Writes plain text into the first row of `area`, cut at its end without an ellipsis. Returns the cells used.
pub fn put_text(buf: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let area = clip(area, buf);
    if area.is_empty() {
        return 0;
    }
    let mut x = area.x;
    for grapheme in text.graphemes(true).filter(|grapheme| !grapheme.contains(char::is_control)) {
        let taken = put_grapheme(buf, x, area.y, area.right(), grapheme, style);
        if taken == 0 && width(grapheme) > 0 {
            break;
        }
        x += taken;
    }
    x - area.x
}

/// Writes a line at the right end of the first row of `area`. Returns where it begins, so that text may end before it.
pub fn put_right(buf: &mut Buffer, area: Rect, line: &Line<'_>, ellipsis: &str) -> u16 {
    let taken = line_width(line).min(area.width);
    let x = area.right() - taken;
    put_line(buf, Rect { x, width: taken, ..area }, line, ellipsis);
    x
}

/// Writes a line in the middle of the first row of `area`.
pub fn put_centred(buf: &mut Buffer, area: Rect, line: &Line<'_>, ellipsis: &str) {
    let taken = line_width(line).min(area.width);
    let x = area.x + (area.width - taken) / 2;
    put_line(buf, Rect { x, width: taken, ..area }, line, ellipsis);
}

/// The buffer as text, one string a row, blanks at the end left off: for tests and plain output.
pub fn rows_of(buf: &Buffer) -> Vec<String> {
    let area = *buf.area();
    (area.y..area.bottom())
        .map(|y| {
            let mut text = String::new();
            let mut hidden = 0;
            for x in area.x..area.right() {
                if hidden > 0 {
                    hidden -= 1;
                    continue;
                }
                let symbol = buf[(x, y)].symbol();
                text.push_str(symbol);
                hidden = width(symbol).saturating_sub(1);
            }
            text.trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Stylize;

    #[test]
    fn text_is_cut_by_cells_not_by_bytes() {
        assert_eq!(fit("rollback", 8, "…"), "rollback");
        assert_eq!(fit("rollback", 5, "…"), "roll…");
        assert_eq!(fit("日本語", 5, "…"), "日本…");
        assert_eq!(fit("日本語", 4, "…"), "日…");
        assert_eq!(fit("e\u{301}tude", 3, "~"), "e\u{301}t~");
        assert_eq!(fit("👩‍💻 dev", 4, "~"), "👩‍💻 ~");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit_end("myapp:412", 9, "…"), "myapp:412");
        assert_eq!(fit_end("recommendations:19", 10, "…"), "…ations:19");
        assert_eq!(fit_end("日本語", 4, "…"), "…語");
        assert_eq!(fit_end("abc", 0, "…"), "");
        assert_eq!(fit_ends("myapp:412", 9, "…"), "myapp:412");
        assert_eq!(fit_ends("recommendations:19", 10, "…"), "recomm…:19");
        assert_eq!(fit_ends("pod/myapp-7bfcc8f6d5-k8wdq", 20, "…"), "pod/myapp-7bf…-k8wdq");
        assert_eq!(fit_ends("image:2026.03.14-rc1", 12, "…"), "…6.03.14-rc1");
        assert_eq!(fit_ends("postgres", 5, "…"), "post…");
        assert_eq!(fit_ends("a-b", 0, "…"), "");
    }

    #[test]
    fn lines_keep_their_styles_and_never_leave_the_area() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 2));
        let line = Line::from(vec!["ab".bold(), "日本語".red()]);
        assert_eq!(put_line(&mut buf, Rect::new(1, 0, 6, 1), &line, "…"), 5);
        assert_eq!(rows_of(&buf), [" ab日…", ""]);
        assert_eq!(put_line(&mut buf, Rect::new(6, 1, 90, 9), &line, "…"), 2);
        assert_eq!(put_line(&mut buf, Rect::new(60, 1, 90, 9), &line, "…"), 0);
        assert_eq!(put_right(&mut buf, Rect::new(0, 1, 8, 1), &Line::from("now"), "…"), 5);
        assert_eq!(put_text(&mut buf, Rect::new(0, 0, 8, 1), "a\x1b[31mb", Style::new()), 6);
    }
}
