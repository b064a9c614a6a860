//! The rows of several clusters' tables under common columns, filtered and in order.

use std::{cmp::Ordering, collections::BTreeMap};

use super::super::super::super::{View, filter::Filter, widgets::cells::width};
use super::order::compare;
use crate::{
    model::{
        BackendId, Level, Name,
        kubernetes::{
            ObjectKey,
            table::{ObjectTable, TableColumn, TableRow, level_of_cell},
        },
    },
    query::{Answer, Query, TableQuery},
    time::age_of,
};

/// Cells that are measured for their column.
const LOOKED_AT: usize = 300;
/// From this width on the columns are shown that kubectl prints with `-o wide`.
const WIDE: u16 = 150;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Name,
    Namespace,
    Cluster,
    /// Of the creation time: the server's own age would stand still.
    Age,
    /// Cell by the tables' own column of this title.
    Cell,
}

/// A column over all tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// As shown, in lower case.
    pub title: String,
    pub name: Name,
    pub content: Content,
    pub is_wide: bool,
    /// Of the widest cell.
    pub width: u16,
    pub is_number: bool,
}

/// Columns, and where each row is found.
#[derive(Default)]
pub struct Rows {
    pub tables: Vec<TableQuery>,
    pub columns: Vec<Column>,
    /// By table: the place of each column in it.
    cells: Vec<Vec<Option<usize>>>,
    /// Table and row of each object.
    places: BTreeMap<ObjectKey, (usize, usize)>,
}

fn table_of<'a>(view: &View<'a>, query: &TableQuery) -> Option<&'a ObjectTable> {
    match view.store.answers.get(&Query::Table(query.clone()))?.value.as_ref()? {
        Answer::Table(table) => Some(table),
        _ => None,
    }
}

fn row_at<'a>(found: &[Option<&'a ObjectTable>], (table, row): (usize, usize)) -> Option<(usize, &'a TableRow)> {
    Some((table, (*found.get(table)?)?.rows.get(row)?))
}

impl Rows {
    pub fn gather(view: &View<'_>, tables: Vec<TableQuery>) -> Self {
        let mut rows = Self { tables, ..Self::default() };
        let found = rows.found(view);
        rows.columns = columns(&rows.tables, &found);
        for (index, table) in found.iter().enumerate() {
            let Some(table) = table else {
                rows.cells.push(Vec::new());
                continue;
            };
            let place = |column: &Column| table.columns.iter().position(|other| other.name == column.name);
            rows.cells.push(rows.columns.iter().map(place).collect());
            for (nth, row) in table.rows.iter().enumerate() {
                let cluster = rows.tables[index].cluster.clone();
                let key = ObjectKey { cluster, namespace: row.namespace.clone(), name: row.name.clone() };
                rows.places.insert(key, (index, nth));
            }
        }
        rows.measure(view);
        rows
    }

    fn measure(&mut self, view: &View<'_>) {
        let mut columns = std::mem::take(&mut self.columns);
        let found = self.found(view);
        for (index, column) in columns.iter_mut().enumerate() {
            let cells = self.places.iter().take(LOOKED_AT).filter_map(|(key, place)| {
                let (table, row) = row_at(&found, *place)?;
                let cell = self.cell(view, key, table, row, column.content, index);
                Some((width(&cell), cell.parse::<f64>().is_ok()))
            });
            let (mut widest, mut numbers, mut all) = (0, 0, 0);
            for (width, is_number) in cells {
                (widest, numbers, all) = (widest.max(width), numbers + usize::from(is_number), all + 1);
            }
            (column.width, column.is_number) = (widest, all > 0 && numbers == all);
        }
        self.columns = columns;
    }

    /// The tables as they are now.
    fn found<'a>(&self, view: &View<'a>) -> Vec<Option<&'a ObjectTable>> {
        self.tables.iter().map(|query| table_of(view, query)).collect()
    }

    /// The row as it is now; `None` if the answer has changed since.
    pub fn row<'a>(&self, view: &View<'a>, key: &ObjectKey) -> Option<(usize, &'a TableRow)> {
        let place = *self.places.get(key)?;
        let (index, row) = row_at(&self.found(view), place)?;
        (row.name == key.name && row.namespace == key.namespace).then_some((index, row))
    }

    /// The table a cluster's rows are of.
    pub fn table_of(&self, cluster: &BackendId) -> Option<&TableQuery> {
        self.tables.iter().find(|table| table.cluster == *cluster)
    }

    /// What stands in a column of a row.
    pub fn cell(
        &self,
        view: &View<'_>,
        key: &ObjectKey,
        table: usize,
        row: &TableRow,
        content: Content,
        column: usize,
    ) -> String {
        match content {
            Content::Name => key.name.to_string(),
            Content::Namespace => key.namespace.to_string(),
            Content::Cluster => key.cluster.to_string(),
            Content::Age => match row.created {
                Some(created) => age_of(created, view.store.time_of(&key.cluster, view.now)),
                None => self.own_cell(table, row, column).to_owned(),
            },
            Content::Cell => self.own_cell(table, row, column).to_owned(),
        }
    }

    fn own_cell<'a>(&self, table: usize, row: &'a TableRow, column: usize) -> &'a str {
        let place = self.cells.get(table).and_then(|cells| *cells.get(column)?);
        place.and_then(|place| row.cells.get(place)).map_or("", |cell| cell.as_str())
    }

    /// The worst that a row's cells say.
    pub fn level(&self, table: usize, row: &TableRow) -> Level {
        let cells = self.columns.iter().enumerate().filter(|(_, column)| column.content == Content::Cell);
        cells
            .map(|(index, column)| level_of_cell(&column.name, self.own_cell(table, row, index)))
            .min()
            .unwrap_or(Level::Ok)
    }

    /// The objects that the filter keeps, in order, each with how bad it is.
    pub fn sorted(
        &self,
        view: &View<'_>,
        filter: &Filter,
        sort: Option<usize>,
        is_reversed: bool,
    ) -> Vec<(ObjectKey, Level)> {
        let found = self.found(view);
        let rows = self.places.iter().filter_map(|(key, place)| {
            let (table, row) = row_at(&found, *place)?;
            Some((key, table, row))
        });
        let mut kept: Vec<(&ObjectKey, usize, &TableRow, Level)> = rows
            .filter(|(key, _, row)| is_kept(filter, key, row))
            .map(|(key, table, row)| (key, table, row, self.level(table, row)))
            .collect();
        match sort.and_then(|index| Some((index, self.columns.get(index)?.content))) {
            None => {
                let seen = self.columns.iter().position(|column| column.title == "last seen");
                kept.sort_by(|one, two| {
                    let by_seen = seen.map_or(Ordering::Equal, |column| {
                        compare(self.own_cell(one.1, one.2, column), self.own_cell(two.1, two.2, column))
                    });
                    one.3.cmp(&two.3).then(by_seen)
                });
            }
            // The youngest have the smallest age.
            Some((_, Content::Age)) => kept.sort_by_key(|(_, _, row, _)| std::cmp::Reverse(row.created)),
            Some((_, Content::Name)) => kept.sort_by(|one, two| compare(&one.0.name, &two.0.name)),
            Some((_, Content::Namespace)) => kept.sort_by(|one, two| one.0.namespace.cmp(&two.0.namespace)),
            Some((_, Content::Cluster)) => {}
            Some((column, Content::Cell)) => kept
                .sort_by(|one, two| compare(self.own_cell(one.1, one.2, column), self.own_cell(two.1, two.2, column))),
        }
        if is_reversed {
            kept.reverse();
        }
        kept.into_iter().map(|(key, _, _, level)| (key.clone(), level)).collect()
    }

    pub fn are_events(&self) -> bool {
        self.tables.first().is_some_and(|table| table.resource.kind == "Event")
    }

    /// The columns shown at this width, after the mark: `None` is the mark itself.
    pub fn shown(&self, view: &View<'_>) -> Vec<Option<usize>> {
        let is_shown = |column: &Column| !column.is_wide || view.size.0 >= WIDE;
        let columns = self.columns.iter().enumerate().filter(|(_, column)| is_shown(column));
        std::iter::once(None).chain(columns.map(|(index, _)| Some(index))).collect()
    }
}

fn is_kept(filter: &Filter, key: &ObjectKey, row: &TableRow) -> bool {
    if filter.is_all() {
        return true;
    }
    let cells = row.cells.iter().map(crate::text::Clean::as_str).collect::<Vec<_>>().join(" ");
    let text = format!("{} {} {} {cells}", key.cluster, key.namespace, key.name);
    filter.keeps(&text, |name| row.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str()))
}

/// Name, namespace where there may be several, then the server's own; cluster before the age where there are several.
fn columns(tables: &[TableQuery], found: &[Option<&ObjectTable>]) -> Vec<Column> {
    let own = |title: &str, content| Column {
        title: title.to_owned(),
        name: title.into(),
        content,
        is_wide: false,
        width: 0,
        is_number: false,
    };
    // Events have names that say nothing: there they are for wide screens only.
    let is_name = |column: &&TableColumn| column.name.eq_ignore_ascii_case("name");
    let is_quiet =
        found.iter().flatten().flat_map(|table| &table.columns).find(is_name).is_some_and(|name| name.is_wide);
    let mut columns = vec![Column { is_wide: is_quiet, ..own("name", Content::Name) }];
    if tables.iter().any(|table| table.resource.is_namespaced && table.namespaces.len() != 1) {
        columns.push(own("namespace", Content::Namespace));
    }
    if tables.len() > 1 {
        columns.push(own("cluster", Content::Cluster));
    }
    for column in found.iter().flatten().flat_map(|table| &table.columns) {
        if column.name.eq_ignore_ascii_case("name") || columns.iter().any(|known| known.name == column.name) {
            continue;
        }
        let content = if column.name == "Age" { Content::Age } else { Content::Cell };
        let title = column.name.to_lowercase();
        columns.push(Column { name: column.name.clone(), is_wide: column.is_wide, ..own(&title, content) });
    }
    columns
}
