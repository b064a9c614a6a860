//! What the columns' cells need of them, by some of the rows: very many are not all looked at.

use std::sync::Arc;

use super::{Column, Content, Rows, Times, is_blank};
use crate::{
    model::{Level, kubernetes::table::TableRow},
    ui::{View, screens::pane::cluster_width, widgets::cells::width},
};

/// Rows that are measured for their columns.
const LOOKED_AT: usize = 300;

/// An age that has seconds: `9m59s`.
const SECONDS: u16 = 5;

impl Column {
    /// As wide as both need it, and saying what the cells of both say.
    fn joined(&self, other: &Self) -> Self {
        Self {
            width: self.width.max(other.width),
            is_number: self.is_number && other.is_number,
            is_blank: self.is_blank && other.is_blank,
            is_judged: self.is_judged || other.is_judged,
            ..self.clone()
        }
    }
}

impl Rows {
    /// By the first rows as they are listed.
    pub(super) fn measure(&mut self, view: &View<'_>) {
        let (mut columns, times) = (std::mem::take(&mut self.columns), self.times(view));
        let widest_cluster = self.tables.iter().map(|table| cluster_width(view, &table.cluster)).max();
        for (index, column) in columns.iter_mut().enumerate() {
            *column = self.looked_at(&times, index, column, self.all());
            column.is_common = match column.content {
                Content::Cluster => self.found.iter().flatten().filter(|table| !table.rows.is_empty()).count() < 2,
                Content::Namespace => self.has_one_namespace(),
                _ => false,
            };
            if column.content == Content::Cluster {
                column.width = widest_cluster.unwrap_or(column.width);
            }
        }
        self.columns = columns;
    }

    /// The columns by the first of the rows shown, too: what is wrong stands first there, wherever it is listed.
    pub fn measured_by<'a>(
        &'a self,
        times: &Times,
        shown: impl Iterator<Item = (usize, &'a Arc<TableRow>)> + Clone,
    ) -> Vec<Column> {
        let are_all_known = self.len() <= LOOKED_AT || shown.clone().next().is_none();
        let columns = self.columns.iter().enumerate();
        let measured = columns.map(|(index, column)| {
            if are_all_known {
                return column.clone();
            }
            column.joined(&self.looked_at(times, index, column, shown.clone()))
        });
        measured.collect()
    }

    /// The columns, no narrower than those of the same names were.
    pub fn as_wide_as(&self, before: &[Column]) -> Vec<Column> {
        let known = |column: &Column| before.iter().find(|known| known.name == column.name);
        self.columns
            .iter()
            .map(|column| known(column).map_or_else(|| column.clone(), |known| column.joined(known)))
            .collect()
    }

    /// A column by its cells in the first of these rows.
    fn looked_at<'a>(
        &'a self,
        times: &Times,
        index: usize,
        column: &Column,
        rows: impl Iterator<Item = (usize, &'a Arc<TableRow>)>,
    ) -> Column {
        let (mut widest, mut numbers, mut blanks, mut all, mut is_judged) = (0, 0, 0, 0, false);
        for (table, row) in rows.take(LOOKED_AT) {
            let cell = self.text(times, table, row, column.content, index);
            // `4 (2m ago)` goes on to `4 (12m ago)` without being measured again.
            let more = if cell.ends_with(" ago)") { 2 } else { 0 };
            // So does `2m7s` to `2m45s`.
            let least = if column.content == Content::Age && cell.ends_with('s') { SECONDS } else { 0 };
            widest = widest.max(width(&cell) + more).max(least);
            numbers += usize::from(cell.parse::<f64>().is_ok());
            blanks += usize::from(is_blank(&cell));
            all += 1;
            is_judged |= self.level_of(times, table, row, index) < Level::Ok;
        }
        Column {
            width: widest,
            is_number: all > 0 && numbers == all,
            is_blank: all > 0 && blanks == all,
            is_judged,
            ..column.clone()
        }
    }
}
