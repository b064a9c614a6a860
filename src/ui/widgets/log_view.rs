//! A window on lines of text: wrapped or scrolled sideways, with finds highlighted, from the top or from the newest line.

mod flow;

use super::cells::{clip, line_width, put_line, put_right, put_text, row};
use crate::ui::theme::Theme;
use flow::Flow;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use std::ops::Range;

/// Rows of one wrapped line that are looked at while following.
const LONGEST: u16 = 400;

/// One line as the owner hands it over.
#[derive(Debug, Clone, Default)]
pub struct LogLine<'a> {
    /// On a row of its own before the line: a day begins. Lines beside each other have it all or none.
    pub above: Line<'a>,
    /// Time, pod, level: stays where it is when the body wraps or moves sideways.
    pub head: Line<'a>,
    pub body: Line<'a>,
    /// At the right end of the first row: `x412 NEW`.
    pub tail: Line<'a>,
    /// Finds in the body, as byte ranges of its text.
    pub finds: Vec<Range<usize>>,
}

/// Where the window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The iterator begins with the line at the top and runs on to newer ones.
    Top,
    /// The iterator begins with the line at the bottom and runs back to older ones: following.
    Bottom,
}

/// How the lines are shown.
#[derive(Debug, Clone, Copy)]
pub struct LogView<'a> {
    theme: &'a Theme,
    anchor: Anchor,
    wrap: bool,
    x: u16,
    cursor: Option<usize>,
    current_find: Option<(usize, usize)>,
    column: usize,
}

/// What of the log is where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogHits {
    /// Areas of the lines shown, from the top, with each line's number in the iterator.
    pub lines: Vec<(Rect, usize)>,
}

impl LogHits {
    /// The line under the mouse, by its number in the iterator.
    pub fn at(&self, position: Position) -> Option<usize> {
        self.lines.iter().find(|(area, _)| area.contains(position)).map(|hit| hit.1)
    }

    /// Whether the iterator ran out before the window was full.
    pub fn is_everything(&self, area: Rect) -> bool {
        self.lines.iter().map(|hit| hit.0.height).sum::<u16>() < area.height
    }
}

impl<'a> LogView<'a> {
    pub const fn new(theme: &'a Theme, anchor: Anchor) -> Self {
        Self { theme, anchor, wrap: false, x: 0, cursor: None, current_find: None, column: 0 }
    }

    #[must_use]
    pub const fn wrap(mut self, wrap: bool) -> Self {
        self.wrap = wrap;
        self
    }

    /// Cells scrolled to the right; without meaning while lines wrap.
    #[must_use]
    pub const fn x(mut self, x: u16) -> Self {
        self.x = x;
        self
    }

    /// The line under the cursor, by its number in the iterator.
    #[must_use]
    pub const fn cursor(mut self, line: Option<usize>) -> Self {
        self.cursor = line;
        self
    }

    /// The find that `n` went to: line number in the iterator, and which of its finds.
    #[must_use]
    pub const fn current_find(mut self, find: Option<(usize, usize)>) -> Self {
        self.current_find = find;
        self
    }

    /// Where lines stand beside each other: the column with the cursor and the find that `n` went to.
    #[must_use]
    pub const fn column(mut self, column: usize) -> Self {
        self.column = column;
        self
    }

    /// Draws as many lines as fit, taking no more from the iterator than that.
    pub fn render<'l>(self, area: Rect, buf: &mut Buffer, lines: impl IntoIterator<Item = LogLine<'l>>) -> LogHits {
        self.column(0).render_beside([area], buf, lines.into_iter().map(|line| [line]))
    }

    /// The same with lines beside each other, each in its column: areas from left to right, of the same rows.
    pub fn render_beside<'l, const N: usize>(
        self,
        columns: [Rect; N],
        buf: &mut Buffer,
        lines: impl IntoIterator<Item = [LogLine<'l>; N]>,
    ) -> LogHits {
        let columns = columns.map(|column| clip(column, buf));
        let mut hits = LogHits::default();
        if columns.iter().any(|column| column.is_empty()) {
            return hits;
        }
        let area = columns.into_iter().reduce(Rect::union).unwrap_or_default();
        let mut lines = lines.into_iter().enumerate();
        let mut left = area.height;
        while left > 0 {
            let Some((number, lines)) = lines.next() else { break };
            let flows: [Flow; N] = std::array::from_fn(|at| self.flow(columns[at], (number, at), &lines[at]));
            let above = usize::from(lines.iter().any(|line| line.above.width() > 0));
            let needed = above + flows.iter().map(|flow| flow.rows.len()).max().unwrap_or(0);
            let rows = needed.min(usize::from(left)) as u16;
            let (y, skip) = match self.anchor {
                Anchor::Top => (area.bottom() - left, 0),
                // Cut at the top: the rows nearest the bottom are shown.
                Anchor::Bottom => (area.y + left - rows, needed - usize::from(rows)),
            };
            let spot = Rect { y, height: rows, ..area };
            for (at, column) in columns.iter().enumerate() {
                let ahead = above.saturating_sub(skip).min(usize::from(rows)) as u16;
                if ahead > 0 {
                    put_line(buf, Rect { y, height: 1, ..*column }, &lines[at].above, self.theme.glyphs.ellipsis);
                }
                let part = Rect { y: y + ahead, height: rows - ahead, ..*column };
                // Below the text: a find keeps its own background.
                if self.cursor == Some(number) {
                    let has_cursor = at == self.column;
                    buf.set_style(part, if has_cursor { self.theme.selection } else { self.theme.selection_quiet });
                }
                self.draw(part, buf, &lines[at], &flows[at], skip.saturating_sub(above));
            }
            hits.lines.push((spot, number));
            left -= rows;
        }
        if self.anchor == Anchor::Bottom {
            hits.lines.reverse();
            close_up(area, buf, left, &mut hits);
        }
        hits
    }

    fn flow(&self, area: Rect, (number, column): (usize, usize), line: &LogLine<'_>) -> Flow {
        let current = self.current_find.filter(|find| find.0 == number && column == self.column).map(|find| find.1);
        let head = head_width(area, line);
        let tail = tail_width(area, line);
        let room = area.width - head - tail;
        let styles = flow::Styles { find: self.theme.search_match, current: self.theme.search_current };
        if self.wrap {
            // From the bottom the last rows are shown, which are known only after the first.
            let most = if self.anchor == Anchor::Top { area.height } else { area.height.max(LONGEST) };
            Flow::wrapped(line, current, styles, room.max(1), most)
        } else {
            Flow::shifted(line, current, styles, self.x, room)
        }
    }

    fn draw(&self, spot: Rect, buf: &mut Buffer, line: &LogLine<'_>, flow: &Flow, skip: usize) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        let (head, tail) = (head_width(spot, line), tail_width(spot, line));
        for (index, text) in flow.rows.iter().enumerate().skip(skip) {
            let Some(area) = row(spot, (index - skip) as u16) else { break };
            let body = Rect { x: area.x + head, width: area.width - head - tail, ..area };
            let left = if index == 0 {
                let most = Rect { width: head.saturating_sub(1), ..area };
                put_line(buf, most, &line.head, glyphs.ellipsis);
                if tail > 0 {
                    put_right(buf, area, &line.tail, glyphs.ellipsis);
                }
                body
            } else {
                if head > 1 {
                    put_text(buf, Rect { x: body.x - 2, width: 1, ..area }, glyphs.wrapped, theme.dim);
                }
                body
            };
            put_line(buf, left, text, glyphs.ellipsis);
        }
    }
}

/// With fewer lines than rows, text stands at the top also while following.
fn close_up(area: Rect, buf: &mut Buffer, empty: u16, hits: &mut LogHits) {
    if empty == 0 {
        return;
    }
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            let from = y + empty;
            let cell = if from < area.bottom() { buf[(x, from)].clone() } else { ratatui::buffer::Cell::EMPTY };
            buf[(x, y)] = cell;
        }
    }
    for (spot, _) in &mut hits.lines {
        spot.y -= empty;
    }
}

/// Cells of the head with the gap behind it: at most half of the window.
fn head_width(area: Rect, line: &LogLine<'_>) -> u16 {
    let wide = line_width(&line.head);
    if wide == 0 { 0 } else { (wide + 1).min(area.width / 2) }
}

fn tail_width(area: Rect, line: &LogLine<'_>) -> u16 {
    let wide = line_width(&line.tail);
    if wide == 0 || wide + 2 > area.width / 3 { 0 } else { wide + 2 }
}

#[cfg(test)]
mod tests;
