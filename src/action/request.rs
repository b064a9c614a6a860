//! What somebody asks for.

use serde::{Deserialize, Serialize};

use super::{Limits, ObjectAct};
use crate::model::{
    BackendId, Name,
    alert::{ACKNOWLEDGED_BY, Alert, AlertKey, Matcher, SilenceKey},
    code::{MergeMethod, PullRequestKey, RunKey},
    kubernetes::{ObjectKey, WorkloadKey, resource::ResourceKey},
};

/// An action somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// To a revision number, or to the last known good one.
    RollBack {
        workload: WorkloadKey,
        to: Option<i64>,
        /// The alert that it was asked for on: the incident.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertKey>,
    },
    Restart {
        workload: WorkloadKey,
    },
    Scale {
        workload: WorkloadKey,
        replicas: u32,
    },
    /// Anything else that is done to one object of a cluster.
    Object {
        object: ResourceKey,
        act: ObjectAct,
    },
    Review {
        pull_request: PullRequestKey,
        head_sha: Name,
        verdict: Verdict,
        body: String,
    },
    Comment {
        pull_request: PullRequestKey,
        body: String,
    },
    Merge {
        pull_request: PullRequestKey,
        head_sha: Name,
        method: MergeMethod,
    },
    Rerun {
        run: RunKey,
        attempt: u32,
        only_failed: bool,
    },
    Cancel {
        run: RunKey,
        attempt: u32,
    },
    /// `a`: silences of 15 minutes on exactly these alerts' labels. Sent at once.
    Acknowledge {
        alerts: Vec<AlertKey>,
    },
    Silence(SilenceDraft),
    /// Of several alerts at once, each its own.
    Silences(Vec<SilenceDraft>),
    ExpireSilence {
        silence: SilenceKey,
    },
    /// Other limits of a container, in the workload's template.
    Limits {
        workload: WorkloadKey,
        limits: Limits,
    },
    /// Other limits of a container of one running pod, in place.
    Resize {
        pod: ObjectKey,
        limits: Limits,
    },
    /// Switches the GitOps owner of a workload on again that was switched off for a rollback.
    ResumeSync {
        workload: WorkloadKey,
    },
    /// Undo an earlier act, by its number in the audit.
    Undo {
        act: u64,
    },
    /// A program of the user's own, or a shell, that midwatch handed a row to. Audited, never planned.
    Outside {
        backend: Option<BackendId>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Approve,
    RequestChanges,
}

/// A silence to be made. It always ends, within 24 hours, and always has a comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceDraft {
    pub backend: BackendId,
    pub matchers: Vec<Matcher>,
    pub minutes: u32,
    pub comment: String,
}

impl SilenceDraft {
    /// An hour's silence of exactly this alert: what `s` offers.
    pub fn of(alert: &Alert, me: &str) -> Self {
        let by = if me.is_empty() { String::new() } else { format!(" by {me}") };
        Self {
            backend: alert.key.backend.clone(),
            matchers: alert.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect(),
            minutes: SILENCE_MINUTES,
            comment: format!("{} is being worked on{by}", alert.name),
        }
    }

    /// An acknowledgement of an alert that Alertmanager has not got yet: read first, since nothing there can be compared
    /// with it.
    pub fn acknowledging(alert: &Alert, me: &str) -> Self {
        let comment = format!("{ACKNOWLEDGED_BY}{me} with midwatch");
        Self { minutes: ACK_MINUTES, comment, ..Self::of(alert, me) }
    }
}

/// Longest silence, in minutes.
pub const MAX_SILENCE_MINUTES: u32 = 24 * 60;
/// What `s` offers, in minutes.
pub const SILENCE_MINUTES: u32 = 60;
/// What `a` sends, in minutes.
pub const ACK_MINUTES: u32 = 15;
