//! Helm releases, as the Secrets of their history tell.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackendId, Name};
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
}

/// One revision of a release, without its values.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseRevision {
    pub number: i64,
    /// `deployed`, `superseded`, `failed`, `pending-upgrade`...
    pub status: Clean,
    pub body: Result<ReleaseBody, Clean>,
}

impl ReleaseRevision {
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
}
