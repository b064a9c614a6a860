//! `midwatch show kube --kind KIND`: the objects of any kind, as the servers' own tables, read once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{report::time, rows::Row};
use crate::{
    command::nearest,
    headless::ask,
    model::{
        BackendId, BackendKind,
        kubernetes::{
            resource::{Resource, ResourceKey, Resources, Unresolved},
            table::{Judge, ObjectTable, TableColumn, TableRow},
        },
    },
    query::{Answer, Query, TableQuery},
    source::{Reader, SourceError, kubernetes::Cluster},
    time::{Clock, age_of},
    wire::Wired,
};

/// What was found, and what could not be read.
#[derive(Default)]
pub struct Objects {
    pub heads: Vec<String>,
    pub rows: Vec<Row>,
    pub failures: Vec<String>,
    pub notes: Vec<String>,
}

/// Of every cluster that serves the kind; fails if none does.
pub async fn read(kind: &str, wired: &Wired, clock: &Arc<dyn Clock>, within: Duration) -> Result<Objects> {
    let (found, failures) = tables(kind, wired, clock, within).await?;
    let mut objects = Objects { failures, ..Objects::default() };
    objects.fill(&found, wired, clock);
    Ok(objects)
}

async fn tables(kind: &str, wired: &Wired, clock: &Arc<dyn Clock>, within: Duration) -> Result<(Tables, Vec<String>)> {
    let clusters: Vec<&Arc<dyn Reader>> = (wired.readers.iter())
        .filter(|reader| wired.kinds.get(reader.backend()) == Some(&BackendKind::Kubernetes))
        .collect();
    let asked = clusters.iter().map(|reader| of_cluster(kind, &***reader, wired, clock, within));
    let (mut failures, mut why_none) = (Vec::new(), None);
    let mut found = Vec::new();
    for (reader, answer) in clusters.iter().zip(join_all(asked).await) {
        match answer {
            Ok(Found::Table(resource, table)) => found.push((reader.backend().clone(), resource, table)),
            Ok(Found::None(why)) => why_none = Some(why),
            Err(error) => failures.push(format!("'{}' could not be read: {}", reader.backend(), error.says)),
        }
    }
    match why_none {
        Some(why) if found.is_empty() && failures.is_empty() => return Err(eyre!(why)),
        None if clusters.is_empty() => return Err(eyre!("no cluster is open: nobody can be asked for '{kind}'")),
        _ => {}
    }
    Ok((found, failures))
}

/// The objects of a kind that have this name, and what could not be read. Fails where no cluster serves the kind.
pub async fn named(
    kind: &str,
    name: &str,
    wired: &Wired,
    clock: &Arc<dyn Clock>,
    within: Duration,
) -> Result<(Vec<ResourceKey>, Vec<String>)> {
    let (found, failures) = tables(kind, wired, clock, within).await?;
    let keys = found.iter().flat_map(|(cluster, resource, table)| {
        let named = table.rows.iter().filter(|row| row.name == *name);
        named.map(|row| ResourceKey {
            cluster: cluster.clone(),
            resource: resource.clone(),
            namespace: row.namespace.clone(),
            name: row.name.clone(),
        })
    });
    Ok((keys.collect(), failures))
}

type Tables = Vec<(BackendId, Arc<Resource>, Arc<ObjectTable>)>;

enum Found {
    Table(Arc<Resource>, Arc<ObjectTable>),
    /// Why the cluster has no such kind.
    None(String),
}

async fn of_cluster(
    kind: &str,
    reader: &dyn Reader,
    wired: &Wired,
    clock: &Arc<dyn Clock>,
    within: Duration,
) -> Result<Found, SourceError> {
    let cluster = reader.backend().clone();
    let Answer::Resources(served) = ask(reader, &Query::Resources(cluster.clone()), clock, within).await? else {
        return Ok(Found::None(format!("'{cluster}' does not say what it serves")));
    };
    let resource = match served.resolve(kind) {
        Ok(resource) => resource.clone(),
        Err(why) => return Ok(Found::None(why_not(kind, &why, &served))),
    };
    let namespaces = wired.clusters.get(&cluster).map(|cluster| cluster.namespaces().to_vec()).unwrap_or_default();
    let query = Query::Table(TableQuery { cluster, resource: resource.clone(), namespaces });
    Ok(match ask(reader, &query, clock, within).await? {
        Answer::Table(table) => Found::Table(resource, table),
        _ => Found::None("it answered with something else".to_owned()),
    })
}

fn why_not(kind: &str, why: &Unresolved, served: &Resources) -> String {
    match why {
        Unresolved::Ambiguous(names) => format!("'{kind}' names several kinds: write {}", names.join(" or ")),
        Unresolved::Unknown => {
            let near = nearest(&kind.to_lowercase(), served.names());
            let near = near.map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
            format!("no kind of object is called '{kind}'{near}")
        }
    }
}

impl Objects {
    fn fill(&mut self, found: &[(BackendId, Arc<Resource>, Arc<ObjectTable>)], wired: &Wired, clock: &Arc<dyn Clock>) {
        let mut columns: Vec<&TableColumn> = Vec::new();
        for column in found.iter().flat_map(|(.., table)| &table.columns) {
            if !column.is_wide && column.name != "Name" && !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        let own = ["CLUSTER", "NAMESPACE", "NAME"].map(str::to_owned);
        self.heads = own.into_iter().chain(columns.iter().map(|column| column.name.to_uppercase())).collect();
        let mut rows = Vec::new();
        for (cluster, resource, table) in found {
            let judge = Judge::of(&table.columns);
            let now = wired.clusters.get(cluster).map_or_else(|| clock.now().wall, Cluster::time);
            self.notes.extend(table.notes.iter().map(|note| format!("{cluster}: {note}")));
            for row in &table.rows {
                let cells: BTreeMap<&str, String> = (table.columns.iter().enumerate())
                    .map(|(index, column)| (column.name.as_str(), shown(table, index, row, now)))
                    .collect();
                let text = columns.iter().map(|column| cells.get(column.name.as_str()).cloned().unwrap_or_default());
                let head = [cluster.to_string(), row.namespace.to_string(), row.name.to_string()];
                let cells_shown = head.into_iter().chain(text).collect();
                let level = judge.level(row, now);
                rows.push((level, Row::new(json_of(cluster, resource, row, &cells), cells_shown)));
            }
        }
        // Trouble first, as on screen; else in the servers' order.
        rows.sort_by_key(|(level, _)| *level);
        self.rows.extend(rows.into_iter().map(|(_, row)| row));
    }
}

/// The server's age stands as it was written; ours is of the same moment as all others. `now`: by the cluster's clock.
fn shown(table: &ObjectTable, column: usize, row: &TableRow, now: Timestamp) -> String {
    match row.created.filter(|_| table.columns[column].name == "Age") {
        Some(created) => age_of(created, now),
        None => table.cell(row, column, now).into_owned(),
    }
}

fn json_of(cluster: &BackendId, resource: &Resource, row: &TableRow, cells: &BTreeMap<&str, String>) -> Value {
    let labels: Map<String, Value> =
        row.labels.iter().map(|(name, value)| (name.to_string(), value.as_str().into())).collect();
    json!({
        "kind": "object", "resource": resource.qualified(), "cluster": cluster,
        "namespace": Some(row.namespace.as_str()).filter(|name| !name.is_empty()), "name": row.name,
        "created": time(row.created), "labels": labels, "cells": cells,
    })
}
