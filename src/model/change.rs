//! Changes: one entry of the merged timeline of deploys, runs, merges, events, alerts and annotations.

use jiff::Timestamp;

use super::{
    Level,
    alert::AlertKey,
    code::{PullRequestKey, RunKey},
    kubernetes::{ObjectKey, WorkloadKey},
};
use crate::text::Clean;

/// What kind of thing happened; each has a word, so that no colour is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    Deploy,
    Run,
    Merge,
    Event,
    Alert,
    Note,
    /// Something midwatch did.
    Act,
}

impl ChangeKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Run => "run",
            Self::Merge => "merge",
            Self::Event => "k8s",
            Self::Alert => "alert",
            Self::Note => "note",
            Self::Act => "you",
        }
    }
}

/// What `enter` opens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Workload(WorkloadKey),
    Pod(ObjectKey),
    Run(RunKey),
    PullRequest(PullRequestKey),
    Alert(AlertKey),
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: Timestamp,
    pub kind: ChangeKind,
    pub level: Level,
    pub text: Clean,
    pub subject: Subject,
}
