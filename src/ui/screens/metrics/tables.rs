//! A table panel: its first rows beside other panels, all of them, sorted and scrolled, when it is open.

use std::cmp::Ordering;

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

use crate::{
    command::Command,
    model::metric::{Table, TableCell},
    ui::{
        View,
        widgets::{
            cells::{put_line, row, width},
            virtual_table::{Column, Row, Sort, TableState, VirtualTable},
        },
    },
};

/// Widest a column is by itself.
const MOST: u16 = 40;
/// Rows measured for the columns' widths.
const MEASURED: usize = 50;

/// What is remembered of the open table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    cursor: usize,
    state: TableState,
    /// Column, and whether the largest is first; `None`: as it came.
    sort: Option<(usize, bool)>,
    height: usize,
}

impl Rows {
    /// Moves, scrolls and sorts.
    pub fn run(&mut self, command: Command, table: &Table) -> bool {
        let last = table.rows.len().saturating_sub(1);
        let page = self.height.max(2) - 1;
        self.cursor = match command {
            Command::Down => self.cursor + 1,
            Command::Up => self.cursor.saturating_sub(1),
            Command::PageDown => self.cursor + page,
            Command::PageUp => self.cursor.saturating_sub(page),
            Command::HalfDown => self.cursor + page / 2 + 1,
            Command::HalfUp => self.cursor.saturating_sub(page / 2 + 1),
            Command::Top => 0,
            Command::Bottom => last,
            Command::Right | Command::Left => {
                self.state.scroll_x(if command == Command::Right { 8 } else { -8 });
                self.cursor
            }
            Command::SortNext | Command::SortPrevious => {
                self.resort(command == Command::SortNext, table.columns.len());
                0
            }
            _ => return false,
        }
        .min(last);
        true
    }

    /// The next column; after the last the same from the other end.
    fn resort(&mut self, forward: bool, columns: usize) {
        if columns == 0 {
            return;
        }
        self.sort = match (self.sort, forward) {
            (None, true) => Some((0, false)),
            (None, false) => Some((columns - 1, false)),
            (Some((column, turned)), true) if column + 1 == columns => Some((column, !turned)),
            (Some((column, turned)), true) => Some((column + 1, turned)),
            (Some((0, _)), false) => None,
            (Some((column, turned)), false) => Some((column - 1, turned)),
        };
    }
}

/// The rows' order.
fn order(table: &Table, sort: Option<(usize, bool)>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    let Some((column, turned)) = sort else { return order };
    let cell = |row: usize| table.rows[row].get(column);
    order.sort_by(|a, b| {
        let by = cell(*a).zip(cell(*b)).map_or(Ordering::Equal, |(a, b)| compare(a, b));
        if turned { by.reverse() } else { by }
    });
    order
}

fn compare(a: &TableCell, b: &TableCell) -> Ordering {
    match (a.number, b.number) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.text.cmp(&b.text),
    }
}

/// `rows`: of the open table.
pub(super) fn render(view: &View<'_>, table: &Table, rows: Option<&mut Rows>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let is_open = rows.is_some();
    let mut closed = Rows::default();
    let rows = rows.unwrap_or(&mut closed);
    let widths: Vec<u16> = (0..table.columns.len()).map(|column| wanted(table, column)).collect();
    let columns: Vec<Column<'_>> = table
        .columns
        .iter()
        .zip(&widths)
        .enumerate()
        .map(|(at, (column, width))| {
            let priority = 100_u8.saturating_sub(u8::try_from(at).unwrap_or(100));
            let head = Column::new(&column.name, *width, priority).min((*width).min(8));
            let head = if column.is_number { head.right() } else { head };
            let sorted = rows.sort.filter(|(sorted, _)| *sorted == at);
            head.sorted(sorted.map(|(_, turned)| if turned { Sort::Descending } else { Sort::Ascending }))
        })
        .collect();
    let more = u16::from(table.more_rows > 0);
    let inside = Rect { height: area.height.saturating_sub(more), ..area };
    rows.height = usize::from(inside.height.saturating_sub(1));
    let order = order(table, rows.sort);
    let cursor = is_open.then_some(rows.cursor);
    VirtualTable::new(theme, &columns, order.len())
        .cursor(cursor)
        .focused(is_open)
        .pinned(1)
        .fills()
        .empty(Line::styled("no rows", theme.dim))
        .render(inside, buf, &mut rows.state, |index| {
            let cells = table.rows[order[index]].iter().map(|cell| Line::styled(cell.text.as_str(), style(view, cell)));
            Row::item(cells.collect())
        });
    if let Some(spot) = row(area, area.height.saturating_sub(1)).filter(|_| more > 0) {
        let words = format!("and {} more rows: o opens them in the browser", table.more_rows);
        put_line(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
    }
}

fn style(view: &View<'_>, cell: &TableCell) -> Style {
    cell.color.as_ref().map_or(view.theme.text, |color| view.theme.named(color))
}

/// Cells that a column's head and first rows need.
fn wanted(table: &Table, column: usize) -> u16 {
    let cells = table.rows.iter().take(MEASURED).filter_map(|row| row.get(column)).map(|cell| width(&cell.text));
    cells.chain([width(&table.columns[column].name)]).max().unwrap_or(1).clamp(1, MOST)
}
