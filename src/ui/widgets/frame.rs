//! A pane's frame: title on the left, information on the right, and how it looks when it has the focus.

use super::cells::{clear, clip, line_width, put_line, put_right, width};
use crate::ui::theme::{Lines, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// Where a list stands, for the bar on its frame's right border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scroll {
    /// Rows in all.
    pub len: usize,
    /// The first row shown.
    pub offset: usize,
    /// Rows shown.
    pub visible: usize,
}

/// A bordered pane. [`Frame::render`] returns the area inside, one column of air on each side.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    theme: &'a Theme,
    title: Line<'a>,
    info: Line<'a>,
    foot: Line<'a>,
    focused: bool,
    padding: u16,
    border: Option<Style>,
    keeps_info: bool,
    cuts_info: bool,
}

impl<'a> Frame<'a> {
    pub fn new(theme: &'a Theme, title: impl Into<Line<'a>>) -> Self {
        Self {
            theme,
            title: title.into(),
            info: Line::default(),
            foot: Line::default(),
            focused: false,
            padding: 1,
            border: None,
            keeps_info: false,
            cuts_info: false,
        }
    }

    /// Right of the title: ages, sums, filters, three blanks apart. Those for which there is no room are left out.
    #[must_use]
    pub fn info(mut self, info: impl Into<Line<'a>>) -> Self {
        self.info = info.into();
        self
    }

    /// The title gives way to the info, down to a third: where the info says where one is.
    #[must_use]
    pub const fn keeps_info(mut self) -> Self {
        (self.keeps_info, self.cuts_info) = (true, true);
        self
    }

    /// In the place of the info: why what is shown is old. It is cut rather than left out.
    #[must_use]
    pub fn warning(mut self, warning: impl Into<Line<'a>>) -> Self {
        self.info = warning.into();
        self.cuts_info = true;
        self
    }

    /// On the right of the lower border: what there is more.
    #[must_use]
    pub fn foot(mut self, foot: impl Into<Line<'a>>) -> Self {
        self.foot = foot.into();
        self
    }

    #[must_use]
    pub const fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// Columns of air between border and content: one unless said.
    #[must_use]
    pub const fn padding(mut self, padding: u16) -> Self {
        self.padding = padding;
        self
    }

    /// Another border style: a dialog that stops somebody.
    #[must_use]
    pub const fn border(mut self, style: Style) -> Self {
        self.border = Some(style);
        self
    }

    /// The area inside the frame, without drawing it.
    pub fn inner(&self, area: Rect) -> Rect {
        let side = 1 + self.padding;
        Rect {
            x: area.x.saturating_add(side.min(area.width)),
            y: area.y.saturating_add(1.min(area.height)),
            width: area.width.saturating_sub(2 * side),
            height: area.height.saturating_sub(2),
        }
    }

    /// Draws the frame and returns the area inside.
    pub fn render(self, area: Rect, buf: &mut Buffer) -> Rect {
        let area = clip(area, buf);
        let inner = self.inner(area);
        if area.width < 2 || area.height < 2 {
            return inner;
        }
        let theme = self.theme;
        // A focused frame differs by shape where colour cannot say it.
        let shaped = self.focused && (!theme.has_colour() || !theme.glyphs.braille);
        let lines = if shaped { theme.glyphs.lines_focused } else { theme.glyphs.lines };
        let style = self.border.unwrap_or(if self.focused { theme.border_focused } else { theme.border });
        outline(area, lines, style, buf);
        let title_style = match (self.border, self.focused) {
            (Some(border), _) => theme.title.patch(border),
            (None, true) => theme.title.patch(theme.accent),
            (None, false) => theme.title_quiet,
        };
        self.top(area, title_style, buf);
        if self.foot.width() > 0 && area.width > 8 {
            let mut foot = padded(self.foot);
            foot.style = theme.dim.patch(foot.style);
            let room = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width - 4, height: 1 };
            let taken = line_width(&foot).min(room.width);
            clear(buf, Rect { x: room.right() - taken, width: taken, ..room });
            put_right(buf, room, &foot, theme.glyphs.ellipsis);
        }
        inner
    }

    fn top(&self, area: Rect, title_style: Style, buf: &mut Buffer) {
        let ellipsis = self.theme.glyphs.ellipsis;
        let room = Rect { x: area.x + 2, y: area.y, width: area.width.saturating_sub(4), height: 1 };
        if room.width < 3 {
            return;
        }
        let mut title = self.title.clone();
        title.style = title_style.patch(title.style);
        let title = padded(title);
        let kept = if self.keeps_info && self.info.width() > 0 { self.info.width() as u16 + 3 } else { 0 };
        let most = Rect { width: room.width.saturating_sub(kept).max(room.width / 3), ..room };
        let taken = if title.width() > 2 {
            clear(buf, Rect { width: line_width(&title).min(most.width), ..most });
            put_line(buf, most, &title, ellipsis)
        } else {
            0
        };
        let left = room.width - taken;
        if self.info.width() == 0 || left < 10 {
            return;
        }
        // One piece of border stays between the two, and a blank on both sides.
        let whole = if self.cuts_info { Some(self.info.clone()) } else { whole_parts(&self.info, left - 3) };
        let Some(mut info) = whole else { return };
        info.style = self.theme.dim.patch(info.style);
        // What has a look of its own is as bright as elsewhere: a badge above all.
        for span in info.spans.iter_mut().filter(|span| span.style != Style::default()) {
            span.style = Style::new().remove_modifier(Modifier::DIM).patch(span.style);
        }
        let info = padded(info);
        let most = (left - 1).min(line_width(&info));
        let spot = Rect { x: room.right() - most, width: most, ..room };
        clear(buf, spot);
        put_line(buf, spot, &info, ellipsis);
    }
}

/// As many parts of a line as fit; `None`: not even the first.
fn whole_parts<'a>(line: &Line<'a>, most: u16) -> Option<Line<'a>> {
    if line_width(line) <= most {
        return Some(line.clone());
    }
    let text = line.to_string();
    let ends = text.match_indices("  ").map(|(end, _)| end).filter(|end| *end > 0);
    let mut left = ends.take_while(|end| width(&text[..*end]) <= most).last()?;
    let mut kept = Line { spans: Vec::new(), ..line.clone() };
    for span in &line.spans {
        let end = left.min(span.content.len());
        kept.spans.push(Span::styled(span.content[..end].to_owned(), span.style));
        left -= end;
    }
    Some(kept)
}

fn padded(mut line: Line<'_>) -> Line<'_> {
    line.spans.insert(0, " ".into());
    line.spans.push(" ".into());
    line
}

fn outline(area: Rect, lines: Lines, style: Style, buf: &mut Buffer) {
    let (left, right, top, bottom) = (area.x, area.right() - 1, area.y, area.bottom() - 1);
    let mut put = |x: u16, y: u16, symbol: &str| {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for x in left..=right {
        put(x, top, lines.horizontal);
        put(x, bottom, lines.horizontal);
    }
    for y in top..=bottom {
        put(left, y, lines.vertical);
        put(right, y, lines.vertical);
    }
    put(left, top, lines.top_left);
    put(right, top, lines.top_right);
    put(left, bottom, lines.bottom_left);
    put(right, bottom, lines.bottom_right);
}

/// Draws a thumb on the right border of `frame` when there is more than is shown.
pub fn scrollbar(frame: Rect, scroll: Scroll, theme: &Theme, buf: &mut Buffer) {
    let frame = clip(frame, buf);
    if frame.height < 4 || frame.width == 0 || scroll.len <= scroll.visible || scroll.visible == 0 {
        return;
    }
    let track = usize::from(frame.height - 2);
    let thumb = (track * scroll.visible / scroll.len).clamp(1, track - 1);
    let hidden = scroll.len - scroll.visible;
    let offset = scroll.offset.min(hidden);
    // Rounded inwards: the thumb touches an end only when there is nothing more beyond it.
    let free = track - thumb;
    let top = match offset {
        0 => 0,
        _ if offset == hidden => free,
        _ => (offset * free / hidden).clamp(1.min(free), free.saturating_sub(1).max(1.min(free))),
    };
    for y in top..top + thumb {
        let y = frame.y + 1 + u16::try_from(y).unwrap_or(0);
        if let Some(cell) = buf.cell_mut((frame.right() - 1, y)) {
            cell.set_symbol(theme.glyphs.scroll_thumb).set_style(theme.dim);
        }
    }
}

/// How many rows are out of sight, on the lower border: `3 more ^  8 more v`.
pub fn beyond(frame: Rect, (above, below): (usize, usize), theme: &Theme, buf: &mut Buffer) {
    let parts = [(above, theme.glyphs.up), (below, theme.glyphs.down)].into_iter().filter(|(count, _)| *count > 0);
    let words = parts.map(|(count, way)| format!("{count} more {way}")).collect::<Vec<_>>().join("  ");
    let frame = clip(frame, buf);
    if words.is_empty() || frame.height < 2 || frame.width < 9 {
        return;
    }
    let words = Line::styled(format!(" {words} "), theme.dim);
    let room = Rect { x: frame.x + 2, y: frame.bottom() - 1, width: frame.width - 4, height: 1 };
    let taken = line_width(&words).min(room.width);
    clear(buf, Rect { x: room.right() - taken, width: taken, ..room });
    put_right(buf, room, &words, theme.glyphs.ellipsis);
}

#[cfg(test)]
mod tests {
    use super::super::cells::rows_of;
    use super::super::testing::{ascii, dark, everywhere, plain};
    use super::*;

    #[test]
    fn title_and_information_share_the_border() {
        let theme = ascii();
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 3));
        let inner = Frame::new(&theme, "WORKLOADS 13").info("sort: trouble").render(buf.area, &mut buf);
        assert_eq!(inner, Rect::new(2, 1, 36, 1));
        assert_eq!(rows_of(&buf)[0], "+- WORKLOADS 13 ------- sort: trouble -+");
        let mut buf = Buffer::empty(Rect::new(0, 0, 28, 3));
        Frame::new(&theme, "WORKLOADS 13").info("sort: trouble").focused(true).render(buf.area, &mut buf);
        assert_eq!(rows_of(&buf)[0], "+= WORKLOADS 13 ===========+", "half a word is worse than none");
        let top = |frame: Frame<'_>| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 36, 3));
            frame.render(buf.area, &mut buf);
            rows_of(&buf)[0].clone()
        };
        let info = "filter web   sort: trouble";
        assert_eq!(top(Frame::new(&theme, "WORKLOADS 13").info(info)), "+- WORKLOADS 13 ------ filter web -+");
        assert_eq!(top(Frame::new(&theme, "WORKLOADS 13").warning(info)), "+- WORKLOADS 13 - filter web   so~-+");
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 3));
        Frame::new(&theme, "WORKLOADS 13").info("sort: trouble").foot("x").render(buf.area, &mut buf);
        assert_eq!(rows_of(&buf), ["+- WORKLO~-+", "|          |", "+------ x -+"]);
    }

    #[test]
    fn focus_is_seen_without_colour() {
        let draw = |focused| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 10, 3));
            Frame::new(&plain(), "A").focused(focused).render(buf.area, &mut buf);
            rows_of(&buf)
        };
        assert_eq!(draw(false), ["╭─ A ────╮", "│        │", "╰────────╯"]);
        assert_eq!(draw(true), ["┏━ A ━━━━┓", "┃        ┃", "┗━━━━━━━━┛"]);
    }

    #[test]
    fn a_badge_is_no_dimmer_in_a_frame_than_in_the_header() {
        let theme = plain();
        assert!(theme.dim.add_modifier.contains(Modifier::DIM), "without colour there is nothing else");
        let info = Line::from(vec![Span::raw("here "), Span::styled("PROD", theme.production)]);
        let mut buf = Buffer::empty(Rect::new(0, 0, 30, 3));
        Frame::new(&theme, "A").info(info).render(buf.area, &mut buf);
        let modifier = |letter: &str| {
            let cell = buf.content().iter().find(|cell| cell.symbol() == letter).expect("drawn");
            cell.modifier
        };
        assert!(modifier("h").contains(Modifier::DIM));
        assert!(!modifier("P").contains(Modifier::DIM));
    }

    #[test]
    fn the_thumb_touches_an_end_only_at_the_end() {
        let theme = dark();
        let thumb = |offset| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 3, 8));
            scrollbar(buf.area, Scroll { len: 100, offset, visible: 6 }, &theme, &mut buf);
            rows_of(&buf).iter().position(|row| row.contains('▐'))
        };
        assert_eq!(thumb(0), Some(1));
        assert_eq!(thumb(1), Some(2));
        assert_eq!(thumb(93), Some(5));
        assert_eq!(thumb(94), Some(6));
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| {
            let inner = Frame::new(theme, "title").info("info").foot("foot").focused(true).render(area, buf);
            assert!(inner.right() <= area.right().max(inner.x));
            scrollbar(area, Scroll { len: 9, offset: 3, visible: 2 }, theme, buf);
        });
    }
}
