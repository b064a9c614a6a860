//! What is sent to backends, what becomes of it, and who sends it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Verdict, object, resize};
use crate::{
    model::{
        BackendId, Name,
        alert::{Matcher, SilenceKey},
        code::{MergeMethod, PullRequestKey, RepoKey, RunKey},
        gitops::OwnerKey,
        helm::ReleaseKey,
        jenkins::JenkinsJob,
        kubernetes::WorkloadKey,
    },
    text::Clean,
};

/// What exactly is sent to a backend. Nothing else writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Write {
    /// JSON patch with `test` on uid and live template, then `replace` (Deployments), or a strategic merge patch of a
    /// ControllerRevision's data guarded by a fresh compare (StatefulSets, DaemonSets).
    PatchTemplate {
        workload: WorkloadKey,
        uid: Name,
        /// The pod template as read when the plan was made, raw.
        live: serde_json::Value,
        target: serde_json::Value,
        /// Annotations to set on the object: change cause, actor, act number.
        annotations: BTreeMap<String, String>,
    },
    /// Deletes, each by its uid, the pods that an OrderedReady StatefulSet waits for when this is sent: those that are not
    /// ready, of these versions.
    DeleteUnready {
        workload: WorkloadKey,
        uid: Name,
        /// `controller-revision-hash` of each version that is left.
        of: BTreeSet<Name>,
    },
    Scale {
        workload: WorkloadKey,
        uid: Name,
        from: u32,
        to: u32,
    },
    /// Argo Rollouts: ends an update (`status.abort`), so that the stable version has all of the traffic.
    AbortRollout {
        workload: WorkloadKey,
        uid: Name,
        /// Hash of the version that is taken back, as it was read: the guard.
        hash: Name,
    },
    /// Sets `kubectl.kubernetes.io/restartedAt` in the template, and who did in the object's annotations.
    Restart {
        workload: WorkloadKey,
        uid: Name,
        live: serde_json::Value,
        at: Timestamp,
        by: Clean,
    },
    Object(object::ObjectWrite),
    /// `pods/NAME/resize`: JSON patch with `test` on uid, container and its resources, then `add`.
    ResizePod(resize::PodResize),
    /// Switches an owner's reconciliation off or on: `spec.suspend` of Flux's, `spec.syncPolicy.automated` of Argo CD's.
    SwitchSync {
        owner: OwnerKey,
        uid: Name,
        /// Its `spec` as read when the plan was made: the guard.
        spec: serde_json::Value,
        to: Switch,
        /// Who does it, for whoever finds the owner so.
        by: Clean,
    },
    /// Argo CD: asks for a sync (`operation` of the Application) to an entry of its history. Only without auto-sync.
    SyncTo {
        owner: OwnerKey,
        uid: Name,
        /// `revision`/`revisions` and `source`/`sources`, as the history has them.
        sync: serde_json::Value,
        by: Clean,
    },
    /// `helm rollback`, from the revision that is deployed.
    HelmRollback {
        release: ReleaseKey,
        /// Revision that must be the newest when it is sent.
        from: i64,
        to: i64,
    },
    /// Starts a workflow on the repository's default branch (`workflow_dispatch`).
    DispatchWorkflow {
        repo: RepoKey,
        /// Its file's name: `rollback.yml`.
        file: Name,
        inputs: BTreeMap<String, String>,
    },
    /// Starts a build of a Jenkins job.
    StartJob {
        job: JenkinsJob,
        parameters: BTreeMap<String, String>,
    },
    CancelRun {
        run: RunKey,
        attempt: u32,
    },
    RerunRun {
        run: RunKey,
        attempt: u32,
        only_failed: bool,
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
    CreateSilence {
        backend: BackendId,
        matchers: Vec<Matcher>,
        starts: Timestamp,
        ends: Timestamp,
        comment: String,
        created_by: String,
    },
    ExpireSilence {
        silence: SilenceKey,
    },
}

impl Write {
    pub fn backend(&self) -> &BackendId {
        match self {
            Self::PatchTemplate { workload, .. }
            | Self::Scale { workload, .. }
            | Self::DeleteUnready { workload, .. }
            | Self::AbortRollout { workload, .. }
            | Self::Restart { workload, .. } => &workload.cluster,
            Self::Object(write) => &write.object.cluster,
            Self::ResizePod(resize) => &resize.pod.cluster,
            Self::SwitchSync { owner, .. } | Self::SyncTo { owner, .. } => owner.backend(),
            Self::HelmRollback { release, .. } => &release.cluster,
            Self::DispatchWorkflow { repo, .. } => &repo.host,
            Self::StartJob { job, .. } => &job.server,
            Self::CancelRun { run, .. } | Self::RerunRun { run, .. } => &run.repo.host,
            Self::Review { pull_request, .. }
            | Self::Comment { pull_request, .. }
            | Self::Merge { pull_request, .. } => &pull_request.repo.host,
            Self::CreateSilence { backend, .. } => backend,
            Self::ExpireSilence { silence } => &silence.backend,
        }
    }

    /// It only clears the way for what an act is about: of that there is nothing to take back.
    pub const fn clears_the_way(&self) -> bool {
        matches!(self, Self::DeleteUnready { .. } | Self::CancelRun { .. })
    }
}

/// What an owner's reconciliation is switched to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Switch {
    Off,
    /// As it was before it was switched off; `Null`: the setting was not written.
    On(serde_json::Value),
}

/// A write that was done, as the backend answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What changed, in words: "template is rev 13's, now rev 15".
    pub says: Clean,
    /// New silence id, run id, generation: whatever undo or watching needs.
    pub reference: Option<Name>,
}

/// What whoever looks at an object is told of an act on it, beside the act itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub workload: WorkloadKey,
    pub uid: Name,
    /// One word, as controllers write theirs: `RolledBack`.
    pub reason: &'static str,
    pub message: Clean,
    /// By the cluster's clock.
    pub at: Timestamp,
}

/// What is found of a write whose answer is lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    InForce(Done),
    /// It arrived, was tried, and failed: why.
    Failed(Clean),
    /// It was begun; what of it is in force cannot be read: how it stands.
    InPart(Clean),
    /// It is not there, or not yet: "the template is not in force".
    Missing(Clean),
}

/// Why a write was not done, or that nobody knows.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum ActionError {
    /// It moved since it was looked at; nothing was sent, or the server's guard refused it. Says who and when, if known.
    #[error("{0}")]
    Moved(Clean),
    /// The server said no: rights, rules, validation. Nothing changed. Or it tried, and says that it failed.
    #[error("{0}")]
    Refused(Clean),
    /// Never reached the server. Nothing changed.
    #[error("{0}")]
    NotSent(Clean),
    /// Sent, and no answer: it may have happened. Says what to look at.
    #[error("{0}")]
    Unknown(Clean),
}

/// Writes to one backend. Re-checks, then writes once. Never retries by itself. In read-only mode none is built.
pub trait Operator: Send + Sync {
    fn backend(&self) -> &BackendId;
    /// Asks the server to do everything but keep it (`dryRun=All`), where it can; `None`: it cannot.
    fn rehearse<'a>(&'a self, write: &'a Write) -> futures::future::BoxFuture<'a, Option<Result<Clean, ActionError>>>;
    fn execute<'a>(&'a self, write: &'a Write) -> futures::future::BoxFuture<'a, Result<Done, ActionError>>;
    /// Reads again what a write was about whose answer is lost. `sent`: when, by the clock of what it was about. `Err`: it
    /// could not be read; `None`: reading cannot tell.
    fn look<'a>(
        &'a self,
        _write: &'a Write,
        _sent: Timestamp,
    ) -> futures::future::BoxFuture<'a, Option<Result<Found, Clean>>> {
        Box::pin(std::future::ready(None))
    }
    /// Leaves word of an act on the object itself, where that is done at all. `Err`: why it could not be.
    fn notify<'a>(&'a self, _notice: &'a Notice) -> futures::future::BoxFuture<'a, Result<(), Clean>> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Asks the server to create a pod of this template and not keep it: quota, Pod Security and policy webhooks speak.
    /// What is to be known of it (the server's warnings, what is injected); `Refused`: why such a pod would not come up;
    /// `None`: it cannot be asked.
    fn rehearse_pod<'a>(
        &'a self,
        _workload: &'a WorkloadKey,
        _template: &'a serde_json::Value,
    ) -> futures::future::BoxFuture<'a, Option<Result<Vec<Clean>, ActionError>>> {
        Box::pin(std::future::ready(None))
    }
}
