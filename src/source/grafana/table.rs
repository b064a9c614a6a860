//! A panel of type `table`: a frame's columns as rows of words.

use serde_json::Value;

use super::{
    display::Display,
    frame::{Cell, Field, Frame, Kind, Names},
    series::displayed,
};
use crate::{
    model::metric::{Table, TableCell, TableColumn},
    text::Clean,
};

/// Rows kept of one table; the rest is counted.
const MOST_ROWS: usize = 1_000;
/// Columns kept.
const MOST_COLUMNS: usize = 100;

/// The frame at `index`, as `options.frameIndex` chooses. `range`: least and largest of all numbers.
pub fn table(frames: &[Frame], index: usize, range: Option<(f64, f64)>) -> Option<Table> {
    let index = if index < frames.len() { index } else { 0 };
    let frame = frames.get(index)?;
    let names = Names::of(frames);
    let shown: Vec<usize> =
        (0..frame.fields.len()).filter(|at| !is_hidden(&frame.fields[*at])).take(MOST_COLUMNS).collect();
    let displays: Vec<Display> = shown.iter().map(|at| Display::of(&frame.fields[*at], range)).collect();
    let columns = shown.iter().map(|at| {
        let field = &frame.fields[*at];
        TableColumn {
            name: Clean::line(&displayed(&names.name(index, *at), field, &frame.name)),
            is_number: field.kind == Kind::Number,
            is_coloured: is_coloured(field),
        }
    });
    let columns: Vec<TableColumn> = columns.collect();
    let rows = (0..frame.len().min(MOST_ROWS)).map(|row| {
        let cells = shown.iter().zip(&displays).zip(&columns).map(|((at, display), column)| {
            cell(frame.fields[*at].values.get(row).unwrap_or(&Cell::Null), display, column)
        });
        cells.collect()
    });
    Some(Table { rows: rows.collect(), columns, more_rows: frame.len().saturating_sub(MOST_ROWS) })
}

fn cell(cell: &Cell, display: &Display, column: &TableColumn) -> TableCell {
    let shown = display.shown(cell);
    let color = if column.is_coloured { display.color(cell, &shown) } else { shown.color };
    TableCell { text: shown.text, number: cell.number(), color }
}

fn is_hidden(field: &Field) -> bool {
    let custom = field.config.get("custom").unwrap_or(&Value::Null);
    custom["hidden"].as_bool() == Some(true) || custom["hideFrom"]["viz"].as_bool() == Some(true)
}

/// `custom.cellOptions.type`, before version 10 `custom.displayMode`: whether the cells are judged.
fn is_coloured(field: &Field) -> bool {
    let custom = field.config.get("custom").unwrap_or(&Value::Null);
    let kind = custom["cellOptions"]["type"].as_str().or_else(|| custom["displayMode"].as_str()).unwrap_or_default();
    let is_bar = kind.contains("gauge") || kind == "lcd" || kind == "basic";
    is_bar || kind.starts_with("color-")
}
