//! Helm releases, as the Secrets of their history tell.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    BackendId, Name,
    kubernetes::{WorkloadKey, WorkloadKind},
};
use crate::text::Clean;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseKey {
    pub cluster: BackendId,
    pub namespace: Name,
    pub name: Name,
}

impl fmt::Display for ReleaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    pub key: ReleaseKey,
    /// Newest first.
    pub revisions: Vec<ReleaseRevision>,
    /// SelfSubjectAccessReview: may keep one more of them, as a Secret.
    pub may_keep: Result<bool, Clean>,
}

impl Release {
    /// The newest, whatever became of it.
    pub fn newest(&self) -> Option<&ReleaseRevision> {
        self.revisions.first()
    }

    /// What runs, as Helm believes.
    pub fn deployed(&self) -> Option<&ReleaseRevision> {
        self.revisions.iter().find(|revision| revision.status == "deployed")
    }

    /// What the kept revisions made of a workload.
    pub fn templates_of<'a>(&'a self, key: &WorkloadKey) -> impl Iterator<Item = &'a Value> + use<'a> {
        let key = key.clone();
        let bodies = self.revisions.iter().filter_map(|revision| revision.body.as_ref().ok());
        bodies.filter_map(move |body| body.rendered(&key)?.template.as_ref())
    }

    /// What the kept revisions made of all their workloads.
    pub fn templates(&self) -> impl Iterator<Item = &Value> {
        let bodies = self.revisions.iter().filter_map(|revision| revision.body.as_ref().ok());
        bodies.flat_map(|body| &body.objects).filter_map(|object| object.template.as_ref())
    }
}

/// One revision of a release, without the values it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseRevision {
    pub number: i64,
    /// `deployed`, `superseded`, `failed`, `pending-upgrade`...
    pub status: Clean,
    pub body: Result<ReleaseBody, Clean>,
}

impl ReleaseRevision {
    /// It was deployed, and may have been superseded since.
    pub fn is_done(&self) -> bool {
        matches!(&*self.status, "deployed" | "superseded")
    }

    /// Helm refuses every operation on such a release.
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReleaseBody {
    /// `redis-18.1.0`
    pub chart: Clean,
    pub app_version: Clean,
    pub updated: Option<Timestamp>,
    pub description: Clean,
    /// What was rendered, several documents, its secrets masked.
    pub manifest: Clean,
    /// Tells two manifests apart, by all of their text: masked, another value of a Secret is no difference.
    pub sum: u64,
    /// The objects of it.
    pub objects: Vec<Rendered>,
    pub hooks: Vec<Hook>,
    /// Documents that could not be read, and why.
    pub unread: Vec<Clean>,
}

impl ReleaseBody {
    /// What it makes of a workload.
    pub fn rendered(&self, key: &WorkloadKey) -> Option<&Rendered> {
        self.objects.iter().find(|object| {
            object.workload() == Some(key.kind) && object.namespace == key.namespace && object.name == key.name
        })
    }
}

/// One object of a manifest.
#[derive(Clone, PartialEq)]
pub struct Rendered {
    /// Of its API, without the version; empty: the core's.
    pub group: Name,
    /// `Deployment`
    pub kind: Name,
    /// The release's own where none is written.
    pub namespace: Name,
    pub name: Name,
    /// Helm never deletes it (`helm.sh/resource-policy: keep`).
    pub is_kept: bool,
    /// Tells two versions of the object apart.
    pub sum: u64,
    /// A workload's pod template, raw: never shown unmasked.
    pub template: Option<Value>,
    pub replicas: Option<u32>,
}

impl Rendered {
    pub fn workload(&self) -> Option<WorkloadKind> {
        WorkloadKind::ALL.into_iter().find(|kind| kind.kind() == &*self.kind && kind.group() == &*self.group)
    }

    /// The same object, whatever it says.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.group, &self.kind, &self.namespace, &self.name)
            == (&other.group, &other.kind, &other.namespace, &other.name)
    }
}

impl fmt::Display for Rendered {
    /// `configmap/myapp`, `deploy/myapp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workload() {
            Some(kind) => write!(f, "{}/{}", kind.short(), self.name),
            None => write!(f, "{}/{}", self.kind.to_ascii_lowercase(), self.name),
        }
    }
}

impl fmt::Debug for Rendered {
    /// Without the template, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rendered({self})")
    }
}

/// An object that Helm makes before or after an operation, and that no rollback takes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    pub kind: Name,
    pub name: Name,
    /// `pre-upgrade`, `post-rollback`...
    pub events: Box<[Name]>,
    /// Its name or its command says that it changes a schema.
    pub migrates: bool,
}

impl fmt::Display for Hook {
    /// `job/myapp-migrate`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_ascii_lowercase(), self.name)
    }
}
