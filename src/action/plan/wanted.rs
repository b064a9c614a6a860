//! What is waited for when all is sent: how the new pods are told from those of before.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    action::WorkloadInspection,
    model::{Name, jenkins::JenkinsJob, kubernetes::WorkloadKey},
    text::Clean,
};

/// What the pods of a changed workload should be in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchFor {
    pub workload: WorkloadKey,
    /// Pods wanted.
    pub desired: u32,
    /// Tag of the version wanted, for the words. Empty: pods of several versions count.
    pub version: Clean,
    /// `pod-template-hash` or `controller-revision-hash` of the version wanted, where it is known beforehand.
    pub hash: Option<Name>,
    /// A3: what its containers run. Empty: nothing is said of digests.
    pub images: Vec<WantedImage>,
    /// Its telling image, where neither hash nor digest can tell.
    pub image: Option<Name>,
    /// Only pods made since count: a restart that leaves the version as it is.
    pub since: Option<Timestamp>,
    /// Hashes of the versions there were before, where that of the version wanted is not known: their pods are old.
    pub others: BTreeSet<Name>,
    /// Only the number of pods changes: another than the one wanted is somebody else's.
    pub is_scale: bool,
    /// Template that the act takes away: where it is set again, nothing more is waited for.
    pub away: Option<serde_json::Value>,
    /// Template that the act sets, where the version that it makes has no name beforehand: pods of one that somebody else
    /// sets meanwhile are not its own.
    pub sets: Option<serde_json::Value>,
    /// What serves in its place and must run the version too: Flagger's primary.
    pub serves: Option<Box<WatchFor>>,
}

/// A job that carries out a rollback, and what it should come to.
#[derive(Clone, Debug, PartialEq)]
pub struct JobFor {
    pub job: JenkinsJob,
    pub rollout: WatchFor,
}

/// What one container runs in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedImage {
    pub container: Name,
    /// All digests that its image goes by. Empty: known nowhere, so that it cannot be checked.
    pub digests: BTreeSet<Name>,
}

impl WatchFor {
    /// With what tells its pods: the hash of its version, else the hashes of all others. Where the revisions could not be
    /// read, one of the hashes that pods have may be its own.
    pub(in crate::action) fn told(self, hash: Option<Name>, inspection: &WorkloadInspection) -> Self {
        let is_unknown = hash.is_none() && inspection.unread.revisions.is_none();
        let others = if is_unknown { inspection.hashes() } else { BTreeSet::new() };
        Self { hash, others, ..self }
    }

    /// As many pods of a version that nothing but the rollout's end tells apart.
    pub fn of(workload: &WorkloadKey, desired: u32, version: &str) -> Self {
        Self {
            workload: workload.clone(),
            desired,
            version: Clean::line(version),
            hash: None,
            images: Vec::new(),
            image: None,
            since: None,
            others: BTreeSet::new(),
            is_scale: false,
            away: None,
            sets: None,
            serves: None,
        }
    }
}
