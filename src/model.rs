//! The nouns: what sources report and screens show. No I/O, no library types, no wire shapes.

pub mod alert;
pub mod change;
pub mod code;
mod ending;
pub mod forward;
pub mod gitops;
pub mod helm;
pub mod image;
pub mod jenkins;
pub mod kubernetes;
pub mod log;
pub mod metric;
pub mod place;

use std::{fmt, ops::Deref};

pub use self::ending::Ending;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{text::Clean, time::Skew};

/// A short, shared, already clean name: namespaces, backends, nodes, repositories. Cheap to clone and compare.
pub type Name = Clean;

/// Name of a configured backend, unique among all: `prod-eu1`, `github.com`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackendId(pub Name);

impl BackendId {
    pub fn new(name: &str) -> Self {
        Self(Clean::line(name))
    }
}

impl Deref for BackendId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a backend speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    Kubernetes,
    GitHub,
    Grafana,
    Alertmanager,
    Prometheus,
}

impl BackendKind {
    /// The product's name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kubernetes => "Kubernetes",
            Self::GitHub => "GitHub",
            Self::Grafana => "Grafana",
            Self::Alertmanager => "Alertmanager",
            Self::Prometheus => "Prometheus",
        }
    }

    /// At most four letters, for the header's ages.
    pub fn short(self) -> &'static str {
        match self {
            Self::Kubernetes => "k8s",
            Self::GitHub => "gh",
            Self::Grafana => "graf",
            Self::Alertmanager => "am",
            Self::Prometheus => "prom",
        }
    }
}

/// What one source of a backend reads. Each has its own freshness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The heartbeat of a watched backend: `/readyz`, `/api/health`.
    Health,
    Pods,
    Deployments,
    StatefulSets,
    DaemonSets,
    Rollouts,
    ReplicaSets,
    Events,
    PullRequests,
    Runs,
    Dashboards,
    Annotations,
    Alerts,
    Silences,
}

impl Part {
    pub fn title(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Pods => "pods",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulsets",
            Self::DaemonSets => "daemonsets",
            Self::Rollouts => "rollouts",
            Self::ReplicaSets => "replicasets",
            Self::Events => "events",
            Self::PullRequests => "pull requests",
            Self::Runs => "runs",
            Self::Dashboards => "dashboards",
            Self::Annotations => "annotations",
            Self::Alerts => "alerts",
            Self::Silences => "silences",
        }
    }
}

/// One source: a part of a backend, and the namespace where a watch is narrower than the whole backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId {
    pub backend: BackendId,
    pub part: Part,
    /// Kubernetes: the namespace watched, if not all. GitHub: the repository, if a source reads one.
    pub scope: Option<Name>,
}

impl SourceId {
    pub fn new(backend: &BackendId, part: Part) -> Self {
        Self { backend: backend.clone(), part, scope: None }
    }

    pub fn scoped(backend: &BackendId, part: Part, scope: &str) -> Self {
        Self { backend: backend.clone(), part, scope: Some(Clean::line(scope)) }
    }
}

/// How bad something is. The order is the order on screen: worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// `!!` broken now.
    Broken,
    /// `!` wrong, not urgent.
    Wrong,
    /// `??` no fresh data.
    Unknown,
    /// `~` in progress.
    Progress,
    /// `ok`
    Ok,
}

impl Level {
    /// The worst first.
    pub const ALL: [Self; 5] = [Self::Broken, Self::Wrong, Self::Unknown, Self::Progress, Self::Ok];
}

/// What a backend says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackendInfo {
    pub version: Option<Clean>,
    /// Who the token belongs to: a login, a user, a service account.
    pub identity: Option<Clean>,
    /// Kubernetes: UID of namespace `kube-system`, else server URL and CA hash.
    pub cluster_id: Option<Clean>,
    /// Its own clock beside ours, from the `Date` header.
    pub clock: Option<Skew>,
    pub server: Option<Clean>,
    /// Things to know that are no failure: "narrow rights: namespaces a, b", "checks unreadable with this token".
    pub notes: Vec<Clean>,
    /// When what we log in with, or it shows us, ends. `None`: not said.
    pub endings: Option<Vec<Ending>>,
}

/// Which namespaces a source reads, where that is not all that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The namespaces that are read.
    pub read: Vec<Name>,
    /// What is left out, and why, for people.
    pub says: Clean,
    /// What is left out was asked for by name. Else all was asked for, and this is what one may read.
    pub is_failure: bool,
}

/// Remaining request budget, as a backend's headers state it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// GitHub: `core`, `graphql`, `search`.
    pub resource: Name,
    pub limit: u32,
    pub remaining: u32,
    pub resets: Timestamp,
}
