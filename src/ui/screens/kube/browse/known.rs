//! What the watches know of a table's rows that its cells do not say.

use std::{collections::BTreeMap, sync::Arc};

use super::super::super::{super::View, words};
use crate::{
    model::{
        Level, Name,
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind, table::ObjectTable},
    },
    query::TableQuery,
};

/// Running Jobs whose pods are refused, by uid, each with why.
pub type Refused = BTreeMap<Name, (ObjectKey, String)>;

/// How bad workloads are by themselves and by their pods: of each table, by namespace and name.
pub type Levels = Vec<BTreeMap<Name, BTreeMap<Name, Level>>>;

/// The server's columns do not tell: the events of these Jobs do.
pub fn refused(view: &View<'_>, tables: &[TableQuery], found: &[Option<Arc<ObjectTable>>]) -> Refused {
    let of_jobs = |query: &TableQuery| (&*query.resource.group, &*query.resource.plural) == ("batch", "jobs");
    if !tables.iter().any(of_jobs) {
        return BTreeMap::new();
    }
    let kube = &view.store.kube;
    let failed = kube.events.values().filter(|event| event.reason == *"FailedCreate" && event.kind == *"Job");
    let refused = failed.filter_map(|event| {
        let place = tables.iter().position(|query| of_jobs(query) && query.cluster == event.key.cluster)?;
        let table = found.get(place)?.as_ref()?;
        let row = table.find(&event.key.namespace, &event.object)?;
        let is_it = event.object_uid.as_ref() == Some(&row.uid) && table.is_running(row);
        let why = kube.refused(&event.key.cluster, &row.uid).filter(|_| is_it)?;
        let job = ObjectKey { name: row.name.clone(), ..event.key.clone() };
        Some((row.uid.clone(), (job, words::refusal(why).to_owned())))
    });
    refused.collect()
}

/// A workload that is watched has one mark, wherever it is listed.
pub fn levels(view: &View<'_>, tables: &[TableQuery], found: &[Option<Arc<ObjectTable>>]) -> Levels {
    let of = |(query, table): (&TableQuery, &Option<Arc<ObjectTable>>)| {
        let mut levels: BTreeMap<Name, BTreeMap<Name, Level>> = BTreeMap::new();
        let kind = WorkloadKind::parse(&query.resource.plural).filter(|kind| kind.group() == &*query.resource.group);
        let (Some(kind), Some(table)) = (kind, table) else { return levels };
        for row in &table.rows {
            let (namespace, name) = (row.namespace.clone(), row.name.clone());
            let key = WorkloadKey { cluster: query.cluster.clone(), namespace, kind, name };
            if let Some(workload) = view.store.kube.workloads.get(&key) {
                let level = view.store.kube.level_of(workload);
                levels.entry(key.namespace).or_default().insert(key.name, level);
            }
        }
        levels
    };
    tables.iter().zip(found).map(of).collect()
}
