//! The rows of several clusters' tables under common columns.

mod measure;

use std::{borrow::Cow, cmp::Ordering, sync::Arc};

use jiff::Timestamp;

use super::super::super::super::View;
use super::{
    known::{Levels, Refused, are_levels, levels, refused},
    order::Key,
};
use crate::{
    model::{
        BackendId, Level, Name,
        kubernetes::{
            ObjectKey,
            table::{CellKind, Judge, ObjectTable, TableColumn, TableRow, age_of_moment},
        },
    },
    query::{Answer, Query, TableQuery},
    time::age_of,
};

/// From this width on the columns are shown that kubectl prints with `-o wide`.
const WIDE: u16 = 150;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Name,
    Namespace,
    Cluster,
    /// Of the creation time, by the cluster's own clock.
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
    /// What its cells are.
    pub kind: CellKind,
    pub is_wide: bool,
    /// Of the widest cell.
    pub width: u16,
    pub is_number: bool,
    /// No cell says anything.
    pub is_blank: bool,
    /// It says the same of all rows, where it says whose they are.
    pub is_common: bool,
    /// A row is marked for what it says.
    pub is_judged: bool,
}

/// A cell that says nothing.
pub fn is_blank(cell: &str) -> bool {
    matches!(cell, "" | "<none>" | "<unset>")
}

/// A row, told apart by whose it is; not by what it says.
#[derive(Clone, Debug)]
pub struct RowKey {
    pub cluster: BackendId,
    pub row: Arc<TableRow>,
}

impl RowKey {
    pub fn object(&self) -> ObjectKey {
        let (namespace, name) = (self.row.namespace.clone(), self.row.name.clone());
        ObjectKey { cluster: self.cluster.clone(), namespace, name }
    }
}

impl Ord for RowKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let of_cluster = self.cluster.cmp(&other.cluster);
        if of_cluster.is_eq() && Arc::ptr_eq(&self.row, &other.row) {
            return Ordering::Equal;
        }
        let (one, two) = (&self.row, &other.row);
        of_cluster.then_with(|| (&one.namespace, &one.name).cmp(&(&two.namespace, &two.name)))
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RowKey {}

/// What time it is: cells go on between two answers.
#[derive(Clone, Debug)]
pub struct Times {
    /// Ours.
    now: Timestamp,
    /// By the clock of each table's cluster.
    own: Vec<Timestamp>,
}

impl Times {
    /// By the clock of a table's cluster.
    fn of(&self, table: usize) -> Timestamp {
        self.own.get(table).copied().unwrap_or(self.now)
    }
}

/// Columns over the tables as they are now.
#[derive(Default)]
pub struct Rows {
    pub tables: Vec<TableQuery>,
    pub columns: Vec<Column>,
    found: Vec<Option<Arc<ObjectTable>>>,
    judges: Vec<Judge>,
    /// By table: the place of each column in it.
    cells: Vec<Vec<Option<usize>>>,
    refused: Refused,
    known: Levels,
}

fn table_of<'a>(view: &View<'a>, query: &TableQuery) -> Option<&'a Arc<ObjectTable>> {
    match view.store.answers.get(&Query::Table(query.clone()))?.value.as_ref()? {
        Answer::Table(table) => Some(table),
        _ => None,
    }
}

fn own_columns(table: Option<&Arc<ObjectTable>>) -> &[TableColumn] {
    table.map_or(&[], |table| &table.columns)
}

impl Rows {
    pub fn gather(view: &View<'_>, tables: Vec<TableQuery>) -> Self {
        let found: Vec<_> = tables.iter().map(|query| table_of(view, query).cloned()).collect();
        let columns = columns(&tables, &found);
        let place = |own: &[TableColumn], column: &Column| own.iter().position(|other| other.name == column.name);
        let places = |own: &[TableColumn]| columns.iter().map(|column| place(own, column)).collect();
        let cells = found.iter().map(|table| places(own_columns(table.as_ref()))).collect();
        let judges = found.iter().map(|table| Judge::of(own_columns(table.as_ref()))).collect();
        let (refused, known) = (refused(view, &tables, &found), levels(view, &tables, &found));
        let mut rows = Self { tables, columns, found, judges, cells, refused, known };
        rows.measure(view);
        rows
    }

    /// Whether the answers are still those that were gathered.
    pub fn are_of(&self, view: &View<'_>, tables: &[TableQuery]) -> bool {
        let is_same = |(query, known): (&TableQuery, &Option<Arc<ObjectTable>>)| match (table_of(view, query), known) {
            (Some(table), Some(known)) => Arc::ptr_eq(table, known),
            (None, None) => true,
            _ => false,
        };
        self.tables == tables
            && tables.iter().zip(&self.found).all(is_same)
            && self.refused == refused(view, tables, &self.found)
            && are_levels(&self.known, view, tables, &self.found)
    }

    /// Why pods of its rows are not made.
    pub fn refusals(&self) -> impl Iterator<Item = String> {
        self.refused.values().map(|(job, why)| format!("{}: no pods: {why}", job.name))
    }

    /// A table's rows stand by namespace.
    fn has_one_namespace(&self) -> bool {
        let tables = self.found.iter().flatten().map(|table| &table.rows);
        let mut ends = tables.flat_map(|rows| rows.first().into_iter().chain(rows.last())).map(|row| &row.namespace);
        let first = ends.next();
        ends.all(|namespace| Some(namespace) == first)
    }

    pub fn times(&self, view: &View<'_>) -> Times {
        let own = self.tables.iter().map(|table| view.store.time_of(&table.cluster, view.now)).collect();
        Times { now: view.now.wall, own }
    }

    /// How many there are, kept by a filter or not.
    pub fn len(&self) -> usize {
        self.found.iter().flatten().map(|table| table.rows.len()).sum()
    }

    /// All of them with their table's place, by cluster, namespace and name.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Arc<TableRow>)> {
        let tables = self.found.iter().enumerate();
        tables.filter_map(|(index, table)| Some((index, table.as_ref()?))).flat_map(|(index, table)| {
            let rows = table.rows.iter();
            rows.map(move |row| (index, row))
        })
    }

    /// The row as it is now; `None` if it is gone.
    pub fn current(&self, key: &RowKey) -> Option<(usize, &Arc<TableRow>)> {
        let index = self.tables.iter().position(|table| table.cluster == key.cluster)?;
        let row = self.found.get(index)?.as_ref()?.find(&key.row.namespace, &key.row.name)?;
        Some((index, row))
    }

    /// The table a cluster's rows are of.
    pub fn table_of(&self, cluster: &BackendId) -> Option<&TableQuery> {
        self.tables.iter().find(|table| table.cluster == *cluster)
    }

    /// What stands in a column of a row.
    pub fn cell<'a>(&'a self, times: &Times, table: usize, row: &'a TableRow, column: usize) -> Cow<'a, str> {
        let content = self.columns.get(column).map_or(Content::Cell, |column| column.content);
        self.text(times, table, row, content, column)
    }

    fn text<'a>(
        &'a self,
        times: &Times,
        table: usize,
        row: &'a TableRow,
        content: Content,
        column: usize,
    ) -> Cow<'a, str> {
        let now = times.of(table);
        match (content, row.created) {
            (Content::Name, _) => Cow::Borrowed(&row.name),
            (Content::Namespace, _) => Cow::Borrowed(&row.namespace),
            (Content::Cluster, _) => Cow::Borrowed(self.tables.get(table).map_or("", |table| &table.cluster)),
            (Content::Age, Some(created)) => Cow::Owned(age_of(created, now)),
            (Content::Age | Content::Cell, _) => {
                let own = self.own(table, column);
                let cell = own.map_or(Cow::Borrowed(""), |(table, place)| table.cell(row, place, now));
                age_of_moment(&cell, now).map_or(cell, Cow::Owned)
            }
        }
    }

    /// What a row is ordered by in a column.
    pub fn sort_key(&self, times: &Times, table: usize, row: &TableRow, column: usize) -> Key {
        let own = self.own(table, column);
        let used = own.and_then(|(table, place)| {
            let kind = table.columns[place].kind;
            match kind {
                CellKind::Cpu => table.used_by(row).map(|used| used.cpu_millis),
                CellKind::Memory => table.used_by(row).map(|used| used.memory_bytes),
                _ => table.share(row, kind).map(|share| share.percent),
            }
        });
        let printed = || {
            let cell = self.cell(times, table, row, column);
            let title = self.columns.get(column).map_or("", |column| &*column.title);
            let lacking = Some(&cell).filter(|_| matches!(title, "ready" | "completions"));
            lacking.and_then(|cell| Key::lacking(cell)).unwrap_or_else(|| Key::of(&cell))
        };
        used.map_or_else(printed, |used| Key::Number(used as f64))
    }

    /// A table and the place in it of a column.
    fn own(&self, table: usize, column: usize) -> Option<(&ObjectTable, usize)> {
        let place = *self.cells.get(table)?.get(column)?;
        Some((self.found.get(table)?.as_deref()?, place?))
    }

    /// The worst that a row's cells say, unless more is known of its object.
    pub fn level(&self, times: &Times, table: usize, row: &TableRow) -> Level {
        if let Some(known) = self.known.get(table).and_then(|known| known.get(&*row.namespace)?.get(&*row.name)) {
            return *known;
        }
        let said = self.judges.get(table).map_or(Level::Ok, |judge| judge.level(row, times.of(table)));
        if self.refused.contains_key(&row.uid) { said.min(Level::Wrong) } else { said }
    }

    /// What one of its cells says.
    pub fn level_of(&self, times: &Times, table: usize, row: &TableRow, column: usize) -> Level {
        let place = self.own(table, column).map(|(_, place)| place);
        place
            .zip(self.judges.get(table))
            .map_or(Level::Ok, |(place, judge)| judge.level_of(place, row, times.of(table)))
    }

    pub fn are_events(&self) -> bool {
        self.tables.first().is_some_and(is_of_events)
    }

    pub fn are_pods(&self) -> bool {
        self.tables.first().is_some_and(|table| (&*table.resource.group, &*table.resource.plural) == ("", "pods"))
    }

    pub fn are_autoscalers(&self) -> bool {
        self.tables.first().is_some_and(|table| &*table.resource.plural == "horizontalpodautoscalers")
    }

    /// Whose all of them are is said once, above them: what an event says is worth more, and any cell on a small screen.
    pub fn says_common_above(&self, view: &View<'_>) -> bool {
        self.are_events() || view.is_narrow()
    }

    /// The columns shown at this width, after the mark: `None` is the mark itself.
    pub fn shown(&self, view: &View<'_>) -> Vec<Option<usize>> {
        let is_quiet = |column: &Column| column.is_common && self.says_common_above(view);
        let is_shown = |column: &Column| (!column.is_wide || view.size.0 >= WIDE) && !is_quiet(column);
        let columns = self.columns.iter().enumerate().filter(|(_, column)| is_shown(column));
        std::iter::once(None).chain(columns.map(|(index, _)| Some(index))).collect()
    }
}

fn is_of_events(table: &TableQuery) -> bool {
    table.resource.kind == "Event"
}

/// Name, namespace where there may be several, then the server's own; cluster before the age where there are several.
fn columns(tables: &[TableQuery], found: &[Option<Arc<ObjectTable>>]) -> Vec<Column> {
    let own = |title: &str, content| Column {
        title: title.to_owned(),
        name: title.into(),
        content,
        kind: CellKind::Printed,
        is_wide: false,
        width: 0,
        is_number: false,
        is_blank: false,
        is_common: false,
        is_judged: false,
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
    let are_events = tables.first().is_some_and(is_of_events);
    for column in found.iter().flatten().flat_map(|table| &table.columns) {
        if column.name.eq_ignore_ascii_case("name") || columns.iter().any(|known| known.name == column.name) {
            continue;
        }
        let is_age = matches!(column.name.as_str(), "Age" | "Created At");
        let content = if is_age { Content::Age } else { Content::Cell };
        let title = if is_age { "age".to_owned() } else { column.name.to_lowercase() };
        // Of events the mark says it.
        let is_wide = column.is_wide || (are_events && title == "type");
        let (name, kind) = (column.name.clone(), column.kind);
        columns.push(Column { name, kind, is_wide, ..own(&title, content) });
    }
    // What is used stands before the age, as there is more to see in it.
    if let Some(age) = columns.iter().position(|column| column.content == Content::Age) {
        let (used, rest): (Vec<_>, Vec<_>) = columns.drain(age..).partition(|column| column.kind.is_usage());
        columns.extend(used.into_iter().chain(rest));
    }
    columns
}
