//! A page of a table on the wire (meta.k8s.io/v1), one row of it in a watch, or the plain list or object that a server
//! without tables answers.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::state::{self, Stated};
use crate::{
    model::kubernetes::{
        resource::OwnerReference,
        table::{CellKind, MAX_SHARED_CELL, TableColumn, TableRow},
    },
    source::kubernetes::{rows::Rows, watch::PageMeta},
    text::Clean,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<'a> {
    #[serde(default)]
    pub metadata: PageMeta,
    column_definitions: Option<Vec<Column>>,
    #[serde(borrow)]
    rows: Option<Vec<Row<'a>>>,
    #[serde(borrow)]
    items: Option<Vec<Partial<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    priority: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    cells: Vec<Value>,
    #[serde(borrow)]
    object: Option<Partial<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Partial<'a> {
    #[serde(default)]
    metadata: Metadata,
    /// Where the whole object was asked for; nothing else of it is taken.
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

/// What is taken of an object. Its annotations may hold what was applied, values of Secrets among it: not taken.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    creation_timestamp: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<Owner>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    api_version: String,
    kind: String,
    name: String,
    controller: Option<bool>,
}

/// How objects become rows.
pub struct Reading<'a> {
    pub rows: &'a Rows,
    /// With what its objects say of themselves.
    pub stated: Option<Stated>,
    /// When the server printed it, by its own clock.
    pub printed: Timestamp,
}

impl<'a> Page<'a> {
    /// The object of a change: a table of one row, or the plain object of a server without tables.
    pub fn of_change(raw: &'a RawValue) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Kind {
            kind: Option<String>,
        }
        if serde_json::from_str::<Kind>(raw.get())?.kind.as_deref() == Some("Table") {
            return serde_json::from_str(raw.get());
        }
        let object = serde_json::from_str(raw.get())?;
        Ok(Self { metadata: PageMeta::default(), column_definitions: None, rows: None, items: Some(vec![object]) })
    }

    /// Namespace, name and version of the first object.
    pub fn about(self) -> (Option<String>, Option<String>, Option<String>) {
        let of_rows = self.rows.into_iter().flatten().find_map(|row| row.object);
        let Some(object) = of_rows.or_else(|| self.items?.into_iter().next()) else {
            return (None, None, self.metadata.resource_version);
        };
        let own = object.metadata;
        let version = self.metadata.resource_version.filter(|version| !version.is_empty());
        (own.namespace, Some(own.name), version.or(own.resource_version))
    }

    /// Hands over each row. Returns the columns; of a watch only its first change has them.
    pub fn into_rows(self, reading: &Reading<'_>, mut take: impl FnMut(TableRow)) -> Option<Vec<TableColumn>> {
        let mut columns = self.column_definitions.map(|columns| {
            columns.iter().map(|column| reading.column(&column.name, &column.kind, column.priority)).collect::<Vec<_>>()
        });
        if let Some(columns) = columns.as_mut().filter(|columns| !columns.is_empty())
            && reading.stated.is_some_and(Stated::has_words)
        {
            columns.push(reading.column(state::COLUMN, "string", None));
        }
        for row in self.rows.into_iter().flatten() {
            take(reading.row(row));
        }
        let Some(items) = self.items else { return columns };
        for item in items {
            // The age is worked out of the creation time where it is shown.
            let cells = Box::new([Clean::line(&item.metadata.name), Clean::line("<unknown>")]);
            take(reading.of(item.metadata, cells));
        }
        Some(vec![reading.column("Name", "string", None), reading.column("Age", "date", None)])
    }
}

impl Reading<'_> {
    fn column(&self, name: &str, kind: &str, priority: Option<i32>) -> TableColumn {
        let kind = match (name, kind) {
            ("Age" | "Last Seen" | "First Seen" | "Last Schedule", _) | (_, "date") => CellKind::Since,
            ("Duration", _) => CellKind::Took,
            _ => CellKind::Printed,
        };
        TableColumn { name: self.rows.name(name), is_wide: priority.unwrap_or(0) > 0, kind }
    }

    fn row(&self, row: Row<'_>) -> TableRow {
        let object = row.object.unwrap_or_default();
        let stated = self.stated.filter(|stated| stated.has_words());
        let words = stated.map(|stated| self.rows.name(&stated.words(object.spec, object.status)));
        let cells = row.cells.iter().map(|cell| self.cell(cell)).chain(words).collect();
        let bounds = self.stated.and_then(|stated| stated.bounds(object.spec, object.status));
        TableRow { bounds: bounds.map(Box::new), ..self.of(object.metadata, cells) }
    }

    fn cell(&self, cell: &Value) -> Clean {
        let text: Cow<'_, str> = match cell {
            // As kubectl prints it.
            Value::Null => Cow::Borrowed(""),
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        };
        if text.len() <= MAX_SHARED_CELL { self.rows.name(&text) } else { Clean::line(&text) }
    }

    fn of(&self, metadata: Metadata, cells: Box<[Clean]>) -> TableRow {
        let rows = self.rows;
        let owners = metadata.owner_references.unwrap_or_default();
        let owner = owners.iter().find(|owner| owner.controller == Some(true)).or(owners.first());
        let name = if metadata.name.is_empty() {
            cells.first().cloned().unwrap_or_default()
        } else {
            Clean::line(&metadata.name)
        };
        TableRow {
            namespace: rows.name(metadata.namespace.as_deref().unwrap_or_default()),
            name,
            uid: Clean::line(metadata.uid.as_deref().unwrap_or_default()),
            created: metadata.creation_timestamp.and_then(|text| text.parse().ok()),
            owner: owner.map(|owner| OwnerReference {
                group: rows.name(owner.api_version.split_once('/').map_or("", |(group, _)| group)),
                kind: rows.name(&owner.kind),
                name: rows.name(&owner.name),
            }),
            labels: (metadata.labels.into_iter().flatten())
                .map(|(name, value)| (rows.name(&name), rows.name(&value)))
                .collect(),
            cells,
            printed: Some(self.printed),
            bounds: None,
        }
    }
}
