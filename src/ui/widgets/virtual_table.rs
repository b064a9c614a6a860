//! A table of any length that touches only the rows it shows: the owner keeps the rows and draws one when asked.

mod columns;

pub use columns::{Align, Column, Placed, Sort, place, place_all};

use super::cells::{clear, clip, fit_ends, put_centred, put_line, put_right, put_text, row as row_of, width};
use super::frame::Scroll;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Columns before the first cell: cursor, mark, air.
const GUTTER: u16 = 3;

/// One row as the owner hands it over.
#[derive(Debug, Clone)]
pub enum Row<'a> {
    /// A row of cells, one for each column of the table, also of those that do not fit.
    Item { cells: Vec<Line<'a>>, marked: bool, style: Style },
    /// The head of a group, drawn across: `-- NEEDS YOU ------`.
    Group(Line<'a>),
    /// Text across all columns, at the first column: what is known beside the cells.
    Wide(Line<'a>),
}

impl<'a> Row<'a> {
    /// A row of cells that is not marked.
    pub const fn item(cells: Vec<Line<'a>>) -> Self {
        Self::Item { cells, marked: false, style: Style::new() }
    }
}

/// What a table remembers between frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableState {
    /// The first row shown.
    pub offset: usize,
    /// Cells scrolled to the right.
    pub x: u16,
}

impl TableState {
    /// Moves the window so that `cursor` is seen, with up to two rows beyond it.
    pub fn follow(&mut self, cursor: Option<usize>, len: usize, height: usize) {
        if height == 0 {
            return;
        }
        let last = len.saturating_sub(height);
        if let Some(cursor) = cursor {
            let margin = (height.saturating_sub(1) / 4).min(2);
            if cursor < self.offset + margin {
                self.offset = cursor.saturating_sub(margin);
            } else if cursor + margin >= self.offset + height {
                self.offset = cursor + margin + 1 - height;
            }
        }
        self.offset = self.offset.min(last);
    }

    /// Scrolls sideways by `cells`; the right end is found when drawing.
    pub const fn scroll_x(&mut self, cells: i32) {
        self.x = self.x.saturating_add_signed(cells as i16);
    }
}

/// What of a table is where, for the mouse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableHits {
    /// The rows shown.
    pub rows: Vec<(Rect, usize)>,
    /// The heads of the columns shown, by the column's index.
    pub heads: Vec<(Rect, usize)>,
    /// For the frame's scrollbar.
    pub scroll: Option<Scroll>,
}

/// What lies under the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableHit {
    Row(usize),
    Head(usize),
}

impl TableHits {
    pub fn at(&self, position: Position) -> Option<TableHit> {
        let find = |areas: &[(Rect, usize)]| areas.iter().find(|(area, _)| area.contains(position)).map(|hit| hit.1);
        find(&self.rows).map(TableHit::Row).or_else(|| find(&self.heads).map(TableHit::Head))
    }
}

/// A table about to be drawn.
#[derive(Debug, Clone)]
pub struct VirtualTable<'a> {
    theme: &'a Theme,
    columns: &'a [Column<'a>],
    len: usize,
    cursor: Option<usize>,
    focused: bool,
    header: bool,
    pinned: usize,
    fills: bool,
    above: Option<Line<'a>>,
    empty: Line<'a>,
}

impl<'a> VirtualTable<'a> {
    /// `len`: rows in all, group heads counted.
    pub fn new(theme: &'a Theme, columns: &'a [Column<'a>], len: usize) -> Self {
        let (cursor, above, empty) = (None, None, Line::default());
        Self { theme, columns, len, cursor, focused: true, header: true, pinned: 0, fills: false, above, empty }
    }

    /// So many of the first columns stay when the rest is scrolled sideways: whose row it is.
    #[must_use]
    pub const fn pinned(mut self, columns: usize) -> Self {
        self.pinned = columns;
        self
    }

    /// Columns that had no room come back where others leave some over.
    #[must_use]
    pub const fn fills(mut self) -> Self {
        self.fills = true;
        self
    }

    /// The row under the cursor.
    #[must_use]
    pub const fn cursor(mut self, cursor: Option<usize>) -> Self {
        self.cursor = cursor;
        self
    }

    #[must_use]
    pub const fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    #[must_use]
    pub const fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// A note at the right of the head line: `2 new above`.
    #[must_use]
    pub fn above(mut self, note: Option<impl Into<Line<'a>>>) -> Self {
        self.above = note.map(Into::into);
        self
    }

    /// What stands there when there are no rows. Say why: no rows, none that match, or not known.
    #[must_use]
    pub fn empty(mut self, text: impl Into<Line<'a>>) -> Self {
        self.empty = text.into();
        self
    }

    /// Draws the visible rows, asking `row` for those only, and moves `state` so that the cursor is seen.
    pub fn render<'r>(
        self,
        area: Rect,
        buf: &mut Buffer,
        state: &mut TableState,
        mut row: impl FnMut(usize) -> Row<'r>,
    ) -> TableHits {
        let area = clip(area, buf);
        let mut hits = TableHits::default();
        if area.is_empty() {
            return hits;
        }
        let view = area.width.saturating_sub(GUTTER);
        // Once scrolled sideways, every column is there at its ideal width and the window moves over them.
        let full = columns::full_width(self.columns);
        state.x = state.x.min(full.saturating_sub(view));
        let placed = match state.x {
            0 if self.fills => place_all(self.columns, view),
            0 => place(self.columns, view),
            _ => place(self.columns, full.max(view)),
        };
        let head = u16::from(self.header && area.height > 1);
        if head == 1 {
            self.draw_head(area, buf, &placed, state.x, &mut hits);
        }
        let body = Rect { y: area.y + head, height: area.height - head, ..area };
        let height = usize::from(body.height);
        state.follow(self.cursor, self.len, height);
        if self.len == 0 {
            let line = self.empty.clone().patch_style(self.theme.dim);
            let spot = row_of(body, body.height / 3).unwrap_or_default();
            put_centred(buf, spot, &line, self.theme.glyphs.ellipsis);
            return hits;
        }
        for (line, index) in (state.offset..self.len.min(state.offset + height)).enumerate() {
            let Some(spot) = row_of(body, line as u16) else { break };
            self.draw_row(spot, buf, &placed, state.x, index, row(index));
            hits.rows.push((spot, index));
        }
        hits.scroll = Some(Scroll { len: self.len, offset: state.offset, visible: height });
        hits
    }

    fn draw_head(&self, area: Rect, buf: &mut Buffer, placed: &[Placed], x: u16, hits: &mut TableHits) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        let area = Rect { height: 1, ..area };
        let cells: Vec<Line<'_>> = self
            .columns
            .iter()
            .map(|column| match column.sort {
                Some(sort) => {
                    let arrow = if sort == Sort::Ascending { glyphs.sorted_up } else { glyphs.sorted_down };
                    Line::styled(format!("{}{arrow}", column.title), theme.strong)
                }
                None => Line::styled(column.title, theme.dim),
            })
            .collect();
        self.draw_cells(area, buf, placed, x, &cells);
        let moved = (self.pin(placed, area.width.saturating_sub(GUTTER)), self.behind(placed));
        let (pin, behind) = if x == 0 { (0, 0) } else { moved };
        for place in placed {
            let (x, from) = if place.x < behind { (0, 0) } else { (x + behind - pin, pin) };
            let left = (area.x + GUTTER + place.x).saturating_sub(x).max(area.x + GUTTER + from);
            let right = (area.x + GUTTER + place.x + place.width).saturating_sub(x).min(area.right());
            if right > left {
                hits.heads.push((Rect { x: left, width: right - left, ..area }, place.column));
            }
        }
        if x > 0 {
            put_text(buf, Rect { width: 1.min(area.width), ..area }, glyphs.left, theme.accent);
        }
        if let Some(note) = &self.above {
            let mut note = note.clone().patch_style(theme.new);
            note.spans.insert(0, format!("  {} ", glyphs.up).into());
            let taken = (note.width() as u16).min(area.width);
            clear(buf, Rect { x: area.right() - taken, width: taken, ..area });
            put_right(buf, area, &note, glyphs.ellipsis);
        }
    }

    fn draw_row(&self, area: Rect, buf: &mut Buffer, placed: &[Placed], x: u16, index: usize, row: Row<'_>) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        let under_cursor = self.cursor == Some(index);
        match row {
            Row::Item { cells, marked, style } => {
                buf.set_style(area, style);
                self.draw_cells(area, buf, placed, x, &cells);
                if marked && area.width > 1 {
                    let spot = Rect { x: area.x + 1, width: 1, ..area };
                    put_text(buf, spot, glyphs.marked, theme.accent);
                }
            }
            Row::Group(name) => self.draw_group(area, buf, name),
            Row::Wide(line) => {
                let left = GUTTER.min(area.width);
                let spot = Rect { x: area.x + left, width: area.width - left, ..area };
                put_line(buf, spot, &line, glyphs.ellipsis);
            }
        }
        if under_cursor {
            let (pointer, behind) = if self.focused {
                (theme.accent.patch(theme.strong), theme.selection)
            } else {
                (theme.dim, theme.selection_quiet)
            };
            put_text(buf, Rect { width: 1, ..area }, glyphs.cursor, pointer);
            buf.set_style(area, behind);
        }
    }

    fn draw_group(&self, area: Rect, buf: &mut Buffer, name: Line<'_>) {
        let (theme, rule) = (self.theme, self.theme.glyphs.rule);
        put_text(buf, area, &rule.repeat(usize::from(area.width)), theme.border);
        let mut name = name;
        name.style = theme.strong.patch(name.style);
        name.spans.insert(0, " ".into());
        name.spans.push(" ".into());
        let left = (GUTTER - 1).min(area.width);
        let spot = Rect { x: area.x + left, width: area.width.saturating_sub(left + 1), ..area };
        clear(buf, Rect { width: (name.width() as u16).min(spot.width), ..spot });
        put_line(buf, spot, &name, theme.glyphs.ellipsis);
    }

    fn draw_cells(&self, area: Rect, buf: &mut Buffer, placed: &[Placed], x: u16, cells: &[Line<'_>]) {
        let view = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
        if view.is_empty() {
            return;
        }
        if x == 0 {
            return self.draw_placed(view, buf, placed, cells);
        }
        // Sideways: draw the whole row aside and copy the part that is seen.
        let whole = placed.last().map_or(0, |place| place.x + place.width);
        let mut aside = Buffer::empty(Rect::new(0, 0, whole, 1));
        self.draw_placed(*aside.area(), &mut aside, placed, cells);
        let (pin, behind) = (self.pin(placed, view.width), self.behind(placed));
        let first = behind + x;
        for (first, end, at) in [(0, pin, 0), (first, whole, pin)] {
            let right = if at < pin { pin } else { view.width };
            let mut column = first;
            while column < end && column - first + at < right {
                let cell = &aside[(column, 0)];
                let wide = width(cell.symbol()).max(1);
                let target = at + column - first;
                if target + wide <= right && !cell.symbol().is_empty() {
                    buf[(view.x + target, view.y)].set_symbol(cell.symbol()).set_style(cell.style());
                }
                column += wide;
            }
        }
        // What is cut is seen to be, and is apart from what stays.
        let cut = |at: u16| at > 0 && at < whole && [at - 1, at].iter().all(|at| aside[(*at, 0)].symbol() != " ");
        let mut put = |at: u16, symbol: &str| {
            buf[(view.x + at, view.y)].set_symbol(symbol);
        };
        if pin < behind && pin > 1 {
            put(pin - 1, " ");
            if cut(pin - 1) {
                put(pin - 2, self.theme.glyphs.ellipsis);
            }
        }
        if pin < view.width && cut(first) {
            put(pin, self.theme.glyphs.ellipsis);
        }
        if pin < view.width && cut(first + view.width - pin) {
            put(view.width - 1, self.theme.glyphs.ellipsis);
        }
    }

    /// Where the columns that move begin.
    fn behind(&self, placed: &[Placed]) -> u16 {
        placed.get(self.pinned).filter(|_| self.pinned > 0).map_or(0, |place| place.x)
    }

    /// Cells of the columns that stay, with the gap behind them: never more than two thirds, so that something moves.
    fn pin(&self, placed: &[Placed], view: u16) -> u16 {
        self.behind(placed).min(view * 2 / 3)
    }

    /// Cells that a column which spills may take of the next one.
    fn free_beside(&self, placed: &[Placed], at: usize, cells: &[Line<'_>]) -> u16 {
        let is_right = |next: &&Placed| self.columns[next.column].align == Align::Right;
        let Some(next) = placed.get(at + 1).filter(is_right) else { return 0 };
        let taken = cells.get(next.column).map_or(0, Line::width);
        let spills = self.columns[placed[at].column].spills;
        if spills { usize::from(next.width).saturating_sub(taken) as u16 } else { 0 }
    }

    fn draw_placed(&self, view: Rect, buf: &mut Buffer, placed: &[Placed], cells: &[Line<'_>]) {
        let ellipsis = self.theme.glyphs.ellipsis;
        for (at, place) in placed.iter().enumerate() {
            let Some(cell) = cells.get(place.column) else { continue };
            let wide = place.width + self.free_beside(placed, at, cells);
            let spot = Rect { x: view.x + place.x, width: wide.min(view.width - place.x.min(view.width)), ..view };
            match self.columns[place.column].align {
                Align::Left => put_line(buf, spot, cell, ellipsis),
                Align::Right => put_right(buf, spot, cell, ellipsis),
                Align::Ends => put_line(buf, spot, &with_ends(cell, spot.width, ellipsis), ellipsis),
            };
        }
    }
}

/// The last part of a cell cut so that both its ends stay, what stands before it whole: `PROD prod-e…-1`.
fn with_ends<'a>(cell: &'a Line<'_>, most: u16, ellipsis: &str) -> Line<'a> {
    let Some((last, before)) = cell.spans.split_last() else { return Line::default() };
    let taken = before.iter().map(Span::width).sum::<usize>() as u16;
    let mut spans: Vec<Span<'a>> = before.iter().map(|span| Span::styled(&*span.content, span.style)).collect();
    spans.push(Span::styled(fit_ends(&last.content, most.saturating_sub(taken), ellipsis), last.style));
    Line::from(spans).style(cell.style)
}

#[cfg(test)]
mod tests;
