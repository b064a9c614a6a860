//! The kinds that are watched: where they live, and how an object of theirs becomes a fact.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::collection::Collection;
use crate::{
    model::{
        Name, Part,
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    source::{
        Delta, Fact,
        kubernetes::{
            client::{Cluster, segment},
            failure::Failure,
            rows::Rows,
        },
    },
    text::Clean,
};

/// A kind that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    Pods,
    Workloads(WorkloadKind),
    ReplicaSets,
    /// Warnings only: they are few, and the rest is read with the object.
    Events,
}

impl Watched {
    /// All of them, the most wanted first.
    pub const ALL: [Self; 7] = [
        Self::Pods,
        Self::Workloads(WorkloadKind::Deployment),
        Self::Workloads(WorkloadKind::StatefulSet),
        Self::Workloads(WorkloadKind::DaemonSet),
        Self::Workloads(WorkloadKind::Rollout),
        Self::ReplicaSets,
        Self::Events,
    ];

    pub fn part(self) -> Part {
        match self {
            Self::Pods => Part::Pods,
            Self::Workloads(kind) => kind.part(),
            Self::ReplicaSets => Part::ReplicaSets,
            Self::Events => Part::Events,
        }
    }

    /// Group and version with its plural, to ask discovery whether it is served: a kind that not every cluster has.
    pub(super) fn optional(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Workloads(kind @ WorkloadKind::Rollout) => Some((kind.api(), kind.plural())),
            _ => None,
        }
    }

    /// Group and plural, as rights name them.
    pub(super) fn resource(self) -> (&'static str, &'static str) {
        match self {
            Self::Pods => ("", "pods"),
            Self::Workloads(kind) => (kind.api().split('/').nth(2).unwrap_or_default(), kind.plural()),
            Self::ReplicaSets => ("apps", "replicasets"),
            Self::Events => ("", "events"),
        }
    }

    pub(super) fn reset(self) -> Fact {
        match self {
            Self::Pods => Fact::Pod(Delta::Reset),
            Self::Workloads(_) => Fact::Workload(Delta::Reset),
            Self::ReplicaSets => Fact::ReplicaSet(Delta::Reset),
            Self::Events => Fact::Event(Delta::Reset),
        }
    }

    pub(super) fn synced(self) -> Fact {
        match self {
            Self::Pods => Fact::Pod(Delta::Synced),
            Self::Workloads(_) => Fact::Workload(Delta::Synced),
            Self::ReplicaSets => Fact::ReplicaSet(Delta::Synced),
            Self::Events => Fact::Event(Delta::Synced),
        }
    }
}

impl Collection for Watched {
    type Told = Fact;

    fn title(&self) -> &str {
        self.part().title()
    }

    fn path(&self, namespace: Option<&Name>) -> String {
        let (api, plural, only) = match self {
            Self::Pods => ("/api/v1", "pods", ""),
            Self::Workloads(kind) => (kind.api(), kind.plural(), ""),
            Self::ReplicaSets => ("/apis/apps/v1", "replicasets", ""),
            Self::Events => ("/api/v1", "events", "fieldSelector=type%21%3DNormal"),
        };
        match namespace {
            None => format!("{api}/{plural}?{only}"),
            Some(namespace) => format!("{api}/namespaces/{}/{plural}?{only}", segment(namespace)),
        }
    }

    fn put(&self, rows: &Rows, raw: &RawValue, told: &mut Vec<Fact>) -> serde_json::Result<()> {
        let from = &mut serde_json::Deserializer::from_str(raw.get());
        told.push(match self {
            Self::Pods => Fact::Pod(Delta::Put(Box::new(rows.pod(from)?))),
            Self::Workloads(kind) => Fact::Workload(Delta::Put(Box::new(rows.workload(*kind, from)?))),
            Self::ReplicaSets => Fact::ReplicaSet(Delta::Put(Box::new(rows.replica_set(from)?))),
            Self::Events => Fact::Event(Delta::Put(Box::new(rows.event(from)?))),
        });
        Ok(())
    }

    fn gone(&self, rows: &Rows, namespace: &str, name: &str) -> Fact {
        match self {
            Self::Pods => Fact::Pod(Delta::Gone(rows.key(namespace, name))),
            Self::Workloads(kind) => Fact::Workload(Delta::Gone(WorkloadKey {
                cluster: rows.cluster().clone(),
                namespace: rows.name(namespace),
                kind: *kind,
                name: rows.name(name),
            })),
            Self::ReplicaSets => Fact::ReplicaSet(Delta::Gone(rows.key(namespace, name))),
            Self::Events => Fact::Event(Delta::Gone(rows.key(namespace, name))),
        }
    }

    fn key_of(fact: &Fact) -> Option<(&Name, &Name)> {
        match fact {
            Fact::Pod(Delta::Put(row)) => Some((&row.key.namespace, &row.key.name)),
            Fact::Workload(Delta::Put(row)) => Some((&row.key.namespace, &row.key.name)),
            Fact::ReplicaSet(Delta::Put(row)) => Some((&row.key.namespace, &row.key.name)),
            Fact::Event(Delta::Put(row)) => Some((&row.key.namespace, &row.key.name)),
            _ => None,
        }
    }
}

/// Names of the namespaces, if they may be listed.
pub(super) async fn namespaces(cluster: &Cluster) -> Result<Vec<Name>, Failure> {
    #[derive(Deserialize)]
    struct List {
        items: Option<Vec<Named>>,
    }
    #[derive(Deserialize)]
    struct Named {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    let list: List = cluster.get("/api/v1/namespaces?limit=500").await?;
    Ok(list.items.into_iter().flatten().map(|named| Clean::line(&named.metadata.name)).collect())
}
