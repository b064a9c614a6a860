//! What keeps a workload as git says: Flux's Kustomizations and HelmReleases, and Argo CD's Applications.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BackendId, Name};
use crate::text::Clean;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OwnerKind {
    Kustomization,
    HelmRelease,
    Application,
}

impl OwnerKind {
    pub fn group(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomize.toolkit.fluxcd.io",
            Self::HelmRelease => "helm.toolkit.fluxcd.io",
            Self::Application => "argoproj.io",
        }
    }

    pub fn plural(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomizations",
            Self::HelmRelease => "helmreleases",
            Self::Application => "applications",
        }
    }

    /// What it is called where its kind must be told.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
            Self::Application => "Application",
        }
    }

    pub fn is_flux(self) -> bool {
        self != Self::Application
    }
}

/// One owner, and the API version its server prefers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwnerKey {
    pub cluster: BackendId,
    pub kind: OwnerKind,
    /// `v1`, `v2`, `v1alpha1`.
    pub version: Name,
    pub namespace: Name,
    pub name: Name,
    /// Argo CD's server, where that is asked in the cluster's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<BackendId>,
}

impl OwnerKey {
    /// Who is asked about it, and told to change it.
    pub fn backend(&self) -> &BackendId {
        self.via.as_ref().unwrap_or(&self.cluster)
    }

    /// The same object, whatever version of the API it is read in.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.cluster, self.kind, &self.namespace, &self.name)
            == (&other.cluster, other.kind, &other.namespace, &other.name)
    }
}

impl fmt::Display for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An owner as its API server has it now.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    pub key: OwnerKey,
    pub uid: Name,
    /// Its `spec`, raw: the guard of each write. May hold secrets (a HelmRelease's values): never shown, never audited.
    pub spec: Value,
    /// It puts back what git says. False: suspended, or synced by hand only.
    pub is_active: bool,
    /// How it acts and where it stands: `main@sha1:5f1c2ab, Ready, every 10m`.
    pub says: Clean,
    pub may_patch: Result<bool, Clean>,
    /// What writes the newest image into what it applies; `Err`: why that could not be read.
    pub updater: Result<Option<Clean>, Clean>,
    /// What switches it on again although it was switched off, and cannot be switched off itself.
    pub barrier: Option<Clean>,
    pub git: Git,
    /// Argo CD: the revisions that git is at, one of each source, which it syncs to by itself. Empty: not told.
    pub revisions: Vec<Name>,
    /// Argo CD: what it was synced to, newest first (`status.history`).
    pub history: Vec<Synced>,
    /// Argo CD: an operation that goes on.
    pub busy: Option<Clean>,
    /// Argo CD: other workloads it syncs: a rollback of the application is theirs too.
    pub others: Vec<Clean>,
}

impl Owner {
    /// Where the switch of its reconciliation is, as a JSON pointer.
    pub fn switch(&self) -> &'static str {
        switch(self.key.kind)
    }

    /// The switch as it is; `None`: it is not written.
    pub fn setting(&self) -> Option<&Value> {
        self.spec.pointer(self.switch().trim_start_matches("/spec"))
    }
}

/// Where an owner's reconciliation is switched, as a JSON pointer.
pub fn switch(kind: OwnerKind) -> &'static str {
    if kind.is_flux() { "/spec/suspend" } else { "/spec/syncPolicy/automated" }
}

/// Whether a switch that is set so puts back what git says. Argo CD: `automated: {}` is on, `enabled: false` switches it off
/// (3.1).
pub fn is_on(kind: OwnerKind, setting: Option<&Value>) -> bool {
    match kind {
        OwnerKind::Application => setting
            .filter(|automated| automated.is_object())
            .is_some_and(|automated| automated.get("enabled") != Some(&Value::Bool(false))),
        OwnerKind::Kustomization | OwnerKind::HelmRelease => setting != Some(&Value::Bool(true)),
    }
}

/// The revision that Argo CD syncs to; of several sources the first's.
pub fn revision(sync: &Value) -> &str {
    let revision = sync.get("revision").and_then(Value::as_str).filter(|revision| !revision.is_empty());
    revision.or_else(|| sync.pointer("/revisions/0")?.as_str()).unwrap_or_default()
}

/// The revisions that Argo CD syncs to, one of each source.
pub fn revisions(sync: &Value) -> Vec<&str> {
    let several = sync.get("revisions").and_then(Value::as_array);
    let several: Vec<&str> = several.into_iter().flatten().filter_map(Value::as_str).collect();
    if !several.is_empty() {
        return several;
    }
    Some(revision(sync)).filter(|one| !one.is_empty()).into_iter().collect()
}

/// What Argo CD syncs from, by a sync or by an application's `spec`: beside several sources, the one is an empty shell.
pub fn sources(of: &Value) -> Option<&Value> {
    let several = of.get("sources").filter(|all| all.as_array().is_some_and(|all| !all.is_empty()));
    several.or_else(|| of.get("source"))
}

/// Seven digits of a commit; a chart's version and the like as they are.
pub fn short(revision: &str) -> &str {
    if revision.len() > 10 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()) { &revision[..7] } else { revision }
}

/// Live against git, as far as the owner knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Git {
    Equal(Clean),
    Differs(Clean),
    /// Git has moved, and whether it says now what is live cannot be told from the cluster.
    Unknown(Clean),
}

impl Git {
    pub fn words(&self) -> &Clean {
        match self {
            Self::Equal(words) | Self::Differs(words) | Self::Unknown(words) => words,
        }
    }
}

/// One entry of an Application's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Synced {
    pub id: i64,
    pub revision: Clean,
    pub started: Option<Timestamp>,
    pub deployed: Option<Timestamp>,
    /// `source`/`sources`, `revision`/`revisions` of it, as an operation takes them.
    pub sync: Value,
}

/// Where an owner stands, for whoever waits to switch it on again.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub is_active: bool,
    pub git: Git,
}
