//! A page of a table on the wire (meta.k8s.io/v1), or of the plain list that a server without tables answers.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::Value;

use super::state::{self, Spec, Stated, Status};
use crate::{
    model::kubernetes::{
        resource::OwnerReference,
        table::{TableColumn, TableRow},
    },
    source::kubernetes::rows::Rows,
    text::Clean,
};

/// Longest cell that is kept once for all rows that have it.
const SHARED: usize = 48;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    #[serde(default)]
    metadata: ListMeta,
    column_definitions: Option<Vec<Column>>,
    rows: Option<Vec<Row>>,
    items: Option<Vec<Partial>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
    remaining_item_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    priority: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct Row {
    cells: Vec<Value>,
    object: Option<Partial>,
}

#[derive(Debug, Default, Deserialize)]
struct Partial {
    #[serde(default)]
    metadata: Metadata,
    /// Where the whole object was asked for; nothing else of it is taken.
    #[serde(default, deserialize_with = "state::if_readable")]
    spec: Spec,
    #[serde(default, deserialize_with = "state::if_readable")]
    status: Status,
}

/// What is taken of an object. Its annotations may hold what was applied, values of Secrets among it: not taken.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    uid: Option<String>,
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

impl Page {
    /// Where the list goes on; empty: this was the last page.
    pub fn take_continue(&mut self) -> String {
        self.metadata.next.take().unwrap_or_default()
    }

    /// Hands over each row. Returns the columns, and how many objects are left, if the server said.
    /// `stated`: with a column more, of what its objects say of themselves.
    pub fn into_rows(
        self,
        rows: &Rows,
        stated: Option<Stated>,
        mut take: impl FnMut(TableRow),
    ) -> (Vec<TableColumn>, Option<u64>) {
        let columns = self.column_definitions.unwrap_or_default();
        let mut columns: Vec<TableColumn> = columns
            .iter()
            .map(|column| TableColumn { name: rows.name(&column.name), is_wide: column.priority.unwrap_or(0) > 0 })
            .collect();
        if stated.is_some() && !columns.is_empty() {
            columns.push(TableColumn { name: rows.name(state::COLUMN), is_wide: false });
        }
        for row in self.rows.into_iter().flatten() {
            let object = row.object.unwrap_or_default();
            let state = stated.map(|kind| Clean::line(&kind.words(&object.spec, &object.status)));
            let cells: Box<[Clean]> = row.cells.iter().map(|cell| clean(rows, cell)).chain(state).collect();
            take(of(rows, object.metadata, cells));
        }
        let Some(items) = self.items else { return (columns, self.metadata.remaining_item_count) };
        for item in items {
            let cells = Box::new([Clean::line(&item.metadata.name), age_cell()]);
            take(of(rows, item.metadata, cells));
        }
        let plain = |name: &str| TableColumn { name: rows.name(name), is_wide: false };
        (vec![plain("Name"), plain("Age")], self.metadata.remaining_item_count)
    }
}

/// The age is worked out of the creation time where it is shown.
fn age_cell() -> Clean {
    Clean::line("<unknown>")
}

fn clean(rows: &Rows, cell: &Value) -> Clean {
    let text: Cow<'_, str> = match cell {
        // As kubectl prints it.
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    };
    if text.len() <= SHARED { rows.name(&text) } else { Clean::line(&text) }
}

fn of(rows: &Rows, metadata: Metadata, cells: Box<[Clean]>) -> TableRow {
    let owners = metadata.owner_references.unwrap_or_default();
    let owner = owners.iter().find(|owner| owner.controller == Some(true)).or(owners.first());
    let name =
        if metadata.name.is_empty() { cells.first().cloned().unwrap_or_default() } else { Clean::line(&metadata.name) };
    TableRow {
        namespace: rows.name(metadata.namespace.as_deref().unwrap_or_default()),
        name,
        uid: Clean::line(metadata.uid.as_deref().unwrap_or_default()),
        created: metadata.creation_timestamp.and_then(|text| text.parse().ok()),
        owner: owner.map(|owner| OwnerReference {
            group: rows.name(owner.api_version.split_once('/').map_or("", |(group, _)| group)),
            kind: rows.name(&owner.kind),
            name: Clean::line(&owner.name),
        }),
        labels: (metadata.labels.into_iter().flatten())
            .map(|(name, value)| (rows.name(&name), rows.name(&value)))
            .collect(),
        cells,
    }
}
