//! From the API's JSON straight to the cockpit's small rows: tolerant shapes with only the fields that are shown.

pub(super) mod bounds;
mod event;
pub(super) mod managed;
mod pod;
mod quantity;
mod rollout;
mod why;
mod wire;
mod workload;

#[cfg(test)]
mod pod_table;

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

pub use self::{pod::restarts_text, quantity::canonical, quantity::parse_bytes, quantity::parse_millis};
use crate::{
    model::{
        BackendId, Name,
        kubernetes::{Container, Event, ObjectKey, Owner, Pod, ReplicaSet, Workload, WorkloadKind},
    },
    secret::mask,
    text::Clean,
};

/// Most different strings that are shared; then it starts anew.
const MAX_SHARED: usize = 20_000;

/// Makes rows of one cluster. Strings that repeat (namespaces, nodes, images, reasons) are kept once.
#[derive(Debug)]
pub struct Rows {
    cluster: BackendId,
    shared: Mutex<HashSet<Clean>>,
}

impl Rows {
    pub fn new(cluster: &BackendId) -> Self {
        Self { cluster: cluster.clone(), shared: Mutex::default() }
    }

    /// A v1 Pod.
    pub fn pod<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Pod, D::Error> {
        wire::Pod::deserialize(from).map(|wire| pod::row(self, wire))
    }

    /// The ephemeral containers of a v1 Pod.
    pub fn ephemeral_containers<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Box<[Container]>, D::Error> {
        wire::Ephemeral::deserialize(from).map(|wire| pod::ephemeral(self, &wire))
    }

    /// An apps/v1 Deployment, StatefulSet or DaemonSet.
    pub fn workload<'de, D: Deserializer<'de>>(&self, kind: WorkloadKind, from: D) -> Result<Workload, D::Error> {
        wire::Workload::deserialize(from).map(|wire| workload::row(self, kind, &wire))
    }

    /// An apps/v1 ReplicaSet.
    pub fn replica_set<'de, D: Deserializer<'de>>(&self, from: D) -> Result<ReplicaSet, D::Error> {
        wire::Workload::deserialize(from).map(|wire| workload::replica_set(self, &wire))
    }

    /// A v1 Event.
    pub fn event<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Event, D::Error> {
        wire::Event::deserialize(from).map(|wire| event::row(self, &wire))
    }

    pub(super) fn cluster(&self) -> &BackendId {
        &self.cluster
    }

    /// A shared string.
    pub(super) fn name(&self, text: &str) -> Name {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(text) {
            return known.clone();
        }
        if shared.len() >= MAX_SHARED {
            shared.clear();
        }
        let name = Clean::line(text);
        shared.insert(name.clone());
        name
    }

    fn some(&self, text: Option<&str>) -> Option<Name> {
        text.filter(|text| !text.is_empty()).map(|text| self.name(text))
    }

    /// The key of an object, its namespace shared.
    pub(super) fn key(&self, namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { cluster: self.cluster.clone(), namespace: self.name(namespace), name: Clean::line(name) }
    }

    fn owner(&self, owners: Option<&Vec<wire::OwnerReference>>) -> Option<Owner> {
        let owner = owners?.iter().find(|owner| owner.controller == Some(true))?;
        Some(Owner { kind: self.name(&owner.kind), name: self.name(&owner.name), uid: self.name(&owner.uid) })
    }
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// Foreign prose: the last words of a program, of a registry or a probe may hold a credential, and rows are shown and kept
/// on the disk.
fn prose(text: &str) -> Clean {
    Clean::line(&mask(text))
}

/// The service an object belongs to, as its labels say.
fn app<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    ["app.kubernetes.io/name", "app", "app.kubernetes.io/instance"].into_iter().find_map(label)
}
