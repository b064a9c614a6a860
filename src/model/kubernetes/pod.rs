//! A pod and its containers, and how they ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ObjectKey, Owner, table::Bounds};
use crate::{
    model::{Level, Name},
    text::Clean,
};

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`, …
    pub reason: Clean,
    pub exit_code: i32,
    pub signal: Option<i32>,
    pub message: Option<Clean>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
}

impl Termination {
    /// The kernel killed it for memory.
    pub fn is_oom(&self) -> bool {
        self.reason == "OOMKilled"
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ContainerState {
    Waiting {
        reason: Clean,
        message: Clean,
    },
    Running {
        since: Option<Timestamp>,
    },
    Terminated(Termination),
    /// No state reported.
    Unknown,
}

/// One container of a pod, main or sidecar or init.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    pub name: Name,
    pub role: ContainerRole,
    /// `spec` image, with its tag.
    pub image: Name,
    /// The digest that really runs (`sha256:…`), from `status.containerStatuses[].imageID`.
    pub digest: Option<Name>,
    /// `containerID`: log streams are keyed by it.
    pub instance: Option<Name>,
    pub ready: bool,
    pub restarts: u32,
    pub state: ContainerState,
    pub last: Option<Termination>,
    /// `resources.limits.memory` in bytes.
    pub memory_limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerRole {
    Main,
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    /// Put into a running pod to look into it (`kubectl debug`). No row counts it: only a pod's page shows it.
    Ephemeral,
}

/// One pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    pub key: ObjectKey,
    pub uid: Name,
    /// The STATUS column, exactly as the server prints it.
    pub status: Name,
    /// READY: `ready/total`.
    pub ready: u16,
    pub total: u16,
    pub restarts: u32,
    pub last_restart: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub deleting_since: Option<Timestamp>,
    /// When its grace is over.
    #[serde(default)]
    pub deleting_by: Option<Timestamp>,
    /// What keeps its object after its deletion until somebody takes them off.
    #[serde(default)]
    pub finalizers: Box<[Name]>,
    /// Its phase is `Failed`: evicted, or run to a bad end.
    #[serde(default)]
    pub has_failed: bool,
    pub node: Option<Name>,
    pub owner: Option<Owner>,
    /// Label `pod-template-hash`, `rollouts-pod-template-hash` or `controller-revision-hash`.
    pub hash: Option<Name>,
    /// Condition `Ready` is True, and since when.
    pub is_ready: bool,
    pub ready_since: Option<Timestamp>,
    /// `status.reason` and `status.message`: an eviction hides behind STATUS `Error`.
    pub reason: Option<Clean>,
    /// Why it is Pending, crashing or not ready, in one line for people; empty when fine.
    pub why: Clean,
    pub level: Level,
    /// What it requests and may use.
    #[serde(default)]
    pub bounds: Bounds,
    pub containers: Box<[Container]>,
    /// Annotation `kubectl.kubernetes.io/default-container`: the one that is meant where none is named.
    #[serde(default)]
    pub default_container: Option<Name>,
    /// Labels that tie it to a service: `app`, `app.kubernetes.io/name`, `app.kubernetes.io/instance`.
    pub app: Option<Name>,
}

impl Pod {
    /// The containers that run, the one that is most likely meant first: the annotated one, as with `kubectl`, then the main
    /// ones before what runs beside them.
    pub fn running_containers(&self) -> Vec<&Container> {
        let runs = |one: &&Container| matches!(one.state, ContainerState::Running { .. });
        let mut running: Vec<&Container> = self.containers.iter().filter(runs).collect();
        running
            .sort_by_key(|one| (self.default_container.as_ref() != Some(&one.name), one.role != ContainerRole::Main));
        running
    }

    /// What it is held by once it is deleted: `a.example/x, b.example/y`; `None`: nothing holds it.
    pub fn held_by(&self) -> Option<String> {
        let names: Vec<&str> = self.finalizers.iter().map(Name::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// Its number in its StatefulSet is smaller than this one.
    pub fn is_below(&self, number: u64) -> bool {
        self.key.name.rsplit_once('-').and_then(|(_, own)| own.parse().ok()).is_some_and(|own: u64| own < number)
    }

    /// Newest OOM kill of any container, running again or not.
    pub fn last_oom(&self) -> Option<&Termination> {
        self.containers
            .iter()
            .flat_map(|container| {
                let now = match &container.state {
                    ContainerState::Terminated(end) => Some(end),
                    _ => None,
                };
                now.into_iter().chain(container.last.as_ref())
            })
            .filter(|end| end.is_oom())
            .max_by_key(|end| end.finished)
    }
}
