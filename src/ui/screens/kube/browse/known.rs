//! What the watches know of a table's rows that its cells do not say.

use std::{collections::BTreeMap, sync::Arc};

use super::super::super::{super::View, words};
use crate::{
    model::{
        Level, Name,
        kubernetes::{ObjectKey, Pod, WorkloadKey, WorkloadKind, table::ObjectTable},
    },
    query::TableQuery,
};

/// Running Jobs whose pods are refused, by uid, each with why.
pub type Refused = BTreeMap<Name, (ObjectKey, String)>;

/// How bad workloads are by themselves and by their pods, and how bad pods are: of each table, by namespace and name.
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

/// A workload or pod that is watched has one mark, wherever it is listed.
pub fn levels(view: &View<'_>, tables: &[TableQuery], found: &[Option<Arc<ObjectTable>>]) -> Levels {
    let of = |(query, table): (&TableQuery, &Option<Arc<ObjectTable>>)| {
        let mut levels: BTreeMap<Name, BTreeMap<Name, Level>> = BTreeMap::new();
        for (namespace, name, level) in each(view, query, table.as_ref()) {
            levels.entry(namespace).or_default().insert(name, level);
        }
        levels
    };
    tables.iter().zip(found).map(of).collect()
}

/// Whether [`levels`] still says the same. It is asked with each change of any pod, so nothing is built for it.
pub fn are_levels(known: &Levels, view: &View<'_>, tables: &[TableQuery], found: &[Option<Arc<ObjectTable>>]) -> bool {
    let mut all = tables.iter().zip(found).zip(known);
    known.len() == tables.len().min(found.len())
        && all.all(|((query, table), known)| {
            let mut count = 0;
            let is_same = each(view, query, table.as_ref()).all(|(namespace, name, level)| {
                count += 1;
                known.get(&namespace).and_then(|names| names.get(&name)) == Some(&level)
            });
            is_same && count == known.values().map(BTreeMap::len).sum::<usize>()
        })
}

/// The workloads of a table's rows that are watched, or its pods that are not well: the cells may not tell all, as of one
/// that was killed of late and runs again.
fn each<'a>(
    view: &'a View<'_>,
    query: &'a TableQuery,
    table: Option<&'a Arc<ObjectTable>>,
) -> impl Iterator<Item = (Name, Name, Level)> {
    let kind = WorkloadKind::parse(&query.resource.plural).filter(|kind| kind.group() == &*query.resource.group);
    let rows = kind.zip(table).into_iter().flat_map(|(kind, table)| table.rows.iter().map(move |row| (kind, row)));
    let kube = &view.store.kube;
    let workloads = rows.filter_map(move |(kind, row)| {
        let (namespace, name) = (row.namespace.clone(), row.name.clone());
        let key = WorkloadKey { cluster: query.cluster.clone(), namespace, kind, name };
        let level = kube.level_of(kube.workloads.get(&key)?);
        Some((key.namespace, key.name, level))
    });
    let are_pods = (&*query.resource.group, &*query.resource.plural) == ("", "pods");
    let now = view.store.time_of(&query.cluster, view.now);
    let pods = table.filter(|_| are_pods).into_iter().flat_map(move |table| {
        let judged = kube.pods_beside_trouble(&query.cluster).map(move |pod| (pod, pod.standing(now).0));
        let is_listed = |pod: &Pod| table.find(&pod.key.namespace, &pod.key.name).is_some();
        judged.filter(move |(pod, level)| *level < Level::Ok && is_listed(pod))
    });
    workloads.chain(pods.map(|(pod, level)| (pod.key.namespace.clone(), pod.key.name.clone(), level)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::kubernetes::{Container, Termination, resource::Resource, table::TableRow},
        ui::testing::{World, at, cluster, deployment, pod, running},
    };

    #[test]
    fn levels_are_compared_as_they_would_be_built() {
        let resource = Resource::v1(("apps", "deployments", "Deployment"), true);
        let tables = [TableQuery { cluster: cluster(), resource: Arc::new(resource), namespaces: Vec::new() }];
        let row = |name: &str| {
            Arc::new(TableRow { namespace: "production".into(), name: name.into(), ..TableRow::default() })
        };
        let table = ObjectTable { rows: vec![row("myapp"), row("unwatched"), row("web")], ..ObjectTable::default() };
        let found = [Some(Arc::new(table))];
        let world = |list: &[(&str, u32)]| {
            let mut world = World::live();
            world.workloads(list.iter().map(|(name, ready)| deployment(name, "a:1", *ready, 2)));
            world
        };
        let first = world(&[("myapp", 2), ("web", 2)]);
        let known = levels(&first.view(), &tables, &found);
        assert_eq!(known[0].values().map(BTreeMap::len).sum::<usize>(), 2);
        for (list, is_same) in [
            (&[("myapp", 2), ("web", 2)][..], true),
            (&[("myapp", 2), ("web", 1)][..], false),
            (&[("myapp", 2)][..], false),
            (&[("myapp", 2), ("web", 2), ("unwatched", 2)][..], false),
            (&[("myapp", 2), ("web", 2), ("unlisted", 1)][..], true),
        ] {
            let world = world(list);
            assert_eq!(are_levels(&known, &world.view(), &tables, &found), is_same, "{list:?}");
            assert_eq!(levels(&world.view(), &tables, &found) == known, is_same, "{list:?}");
        }
    }

    /// It runs again, so that the server's own columns say nothing of it.
    #[test]
    fn a_pod_that_was_killed_of_late_is_marked_in_the_table_of_pods_as_beside_its_workload() {
        let tables = [TableQuery {
            cluster: cluster(),
            resource: Arc::new(Resource::v1(("", "pods", "Pod"), true)),
            namespaces: Vec::new(),
        }];
        let row = |name: &str| {
            Arc::new(TableRow { namespace: "production".into(), name: name.into(), ..TableRow::default() })
        };
        let rows = vec![row("db-1-a"), row("db-1-b"), row("web-1-a")];
        let found = [Some(Arc::new(ObjectTable { rows, ..ObjectTable::default() }))];
        let end = Termination {
            reason: "OOMKilled".into(),
            exit_code: 137,
            signal: None,
            message: None,
            started: Some(at("03:00")),
            finished: Some(at("03:10")),
        };
        let killed = Container { restarts: 3, last: Some(end), ..running("app") };
        let mut world = World::live();
        world.pods([
            Pod { containers: Box::new([killed]), ..pod("db-1", "a", None) },
            pod("db-1", "b", None),
            pod("db-1", "unlisted", None),
            pod("web-1", "a", None),
        ]);
        let known = levels(&world.view(), &tables, &found);
        let said = |name: &str| known[0].get("production").and_then(|names| names.get(name)).copied();
        assert_eq!(["db-1-a", "db-1-b", "web-1-a"].map(said), [Some(Level::Wrong), None, None]);
        assert!(are_levels(&known, &world.view(), &tables, &found));
        world.clock.advance(std::time::Duration::from_mins(15));
        assert!(!are_levels(&known, &world.view(), &tables, &found), "it has run for long enough");
    }
}
