//! Actions: a request is planned over live evidence, shown with its checks, confirmed, and only then executed, step by
//! step, each audited before it is sent.

/// A [`Clean`] text of our own, written as with `format!`.
macro_rules! say {
    ($($part:tt)*) => { $crate::text::Clean::own(format!($($part)*)) };
}

pub mod act;
mod applications;
pub mod around;
pub mod audit;
mod canary;
mod checks;
pub mod confirm;
pub mod engine;
pub mod equivalent;
pub mod evidence;
pub mod executor;
mod gitops;
mod glance;
mod helm;
mod history;
mod limits;
pub mod object;
pub mod plan;
mod pull_request;
pub mod registry;
pub mod resize;
pub mod resources;
mod restart;
mod rollback;
mod room;
mod run;
mod scale;
mod silence;
mod stuck;
mod template;
#[cfg(test)]
pub(crate) mod testing;
mod undo;

pub use applications::Applications;
pub use glance::Glance;
pub use object::ObjectAct;
pub use resources::Limits;
pub use template::{is_same as is_same_template, readable};

pub use evidence::{Beside, Evidence, beside, changed};
pub use plan::plan;
pub use registry::Registry;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{
        BackendId, Name,
        alert::{ACKNOWLEDGED_BY, Alert, AlertKey, Matcher, SilenceKey},
        code::{MergeMethod, PullRequestKey, RepoKey, RunKey},
        gitops::{Owner, OwnerKey},
        helm::{Release, ReleaseKey},
        image::NodeImages,
        kubernetes::{ObjectKey, Revision, WorkloadKey, canary::Canary, resource::ResourceKey},
    },
    text::Clean,
};

/// An action somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// To a revision number, or to the last known good one.
    RollBack {
        workload: WorkloadKey,
        to: Option<i64>,
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

/// How much the person must do to confirm; grows with what can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// Sent at once; ends by itself.
    Quiet,
    /// `y`.
    Reversible,
    /// Type the value one must have read.
    Production,
    /// Full name and a reason: a STOP stands in the plan.
    Stopped,
}

/// Result of one check. Enter is dead while one is pending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckResult {
    Pending,
    Ok(Clean),
    Look(Clean),
    Stop(Clean),
    /// Shown, never left out.
    NotChecked(Clean),
}

impl CheckResult {
    fn words(&self) -> Option<&Clean> {
        match self {
            Self::Pending => None,
            Self::Ok(says) | Self::Look(says) | Self::Stop(says) | Self::NotChecked(says) => Some(says),
        }
    }

    /// The same in other words.
    fn with_words(&self, says: Clean) -> Self {
        match self {
            Self::Pending => Self::Pending,
            Self::Ok(_) => Self::Ok(says),
            Self::Look(_) => Self::Look(says),
            Self::Stop(_) => Self::Stop(says),
            Self::NotChecked(_) => Self::NotChecked(says),
        }
    }
}

/// One line of a plan's checks. `id` is the name in the docs: `B1` … `B16`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: Clean,
    /// `right place`, `owner`, `history`.
    pub name: Clean,
    pub result: CheckResult,
}

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
    /// Sets `kubectl.kubernetes.io/restartedAt` in the template.
    Restart {
        workload: WorkloadKey,
        uid: Name,
        live: serde_json::Value,
        at: Timestamp,
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
            Self::CancelRun { run, .. } | Self::RerunRun { run, .. } => &run.repo.host,
            Self::Review { pull_request, .. }
            | Self::Comment { pull_request, .. }
            | Self::Merge { pull_request, .. } => &pull_request.repo.host,
            Self::CreateSilence { backend, .. } => backend,
            Self::ExpireSilence { silence } => &silence.backend,
        }
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

/// What is found of a write whose answer is lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    InForce(Done),
    /// It is not there, or not yet: "the template is not in force".
    Missing(Clean),
}

/// Why a write was not done, or that nobody knows.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum ActionError {
    /// It moved since it was looked at; nothing was sent, or the server's guard refused it. Says who and when, if known.
    #[error("{0}")]
    Moved(Clean),
    /// The server said no: rights, rules, validation. Nothing changed.
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
    /// Reads again what a write was about whose answer is lost. `Err`: it could not be read; `None`: reading cannot tell.
    fn look<'a>(&'a self, _write: &'a Write) -> futures::future::BoxFuture<'a, Option<Result<Found, Clean>>> {
        Box::pin(std::future::ready(None))
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

/// Reads live what a plan needs to know of one backend's object: gathered fresh, never from the store.
pub trait Inspector: Send + Sync {
    fn backend(&self) -> &BackendId;
    /// How its clock stands to ours, if its answers tell.
    fn skew(&self) -> Option<crate::time::Skew> {
        None
    }
    /// Names of the pods that Services of a namespace send to; `Err`: why that could not be read.
    fn serving<'a>(&'a self, _namespace: &'a str) -> futures::future::BoxFuture<'a, Result<BTreeSet<Name>, Clean>> {
        Box::pin(std::future::ready(Ok(BTreeSet::new())))
    }
    fn inspect<'a>(
        &'a self,
        request: &'a Request,
    ) -> futures::future::BoxFuture<'a, Result<Inspection, crate::source::SourceError>>;
    /// A workload that goes back with `own`, by its release: what is the cluster's, the release's or the namespace's is not
    /// read once more.
    fn kin<'a>(
        &'a self,
        _own: &'a WorkloadInspection,
        workload: &'a WorkloadKey,
    ) -> futures::future::BoxFuture<'a, Result<Inspection, crate::source::SourceError>> {
        let request = Request::RollBack { workload: workload.clone(), to: None };
        Box::pin(async move { self.inspect(&request).await })
    }
    /// A workload while it is watched: asked again and again, so without what only a plan needs.
    fn glance<'a>(
        &'a self,
        workload: &'a WorkloadKey,
    ) -> futures::future::BoxFuture<'a, Result<Glance, crate::source::SourceError>> {
        Box::pin(std::future::ready(Err(glance::no_workloads(&workload.cluster))))
    }
}

/// What was asked live for a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Inspection {
    Workload(Box<WorkloadInspection>),
    Object(Box<object::ObjectInspection>),
    Pod(Box<resize::PodInspection>),
    PullRequest(Box<PullRequestInspection>),
    Run(Box<RunInspection>),
    /// The alerts as they are now, and the silences.
    Alerts {
        alerts: Vec<Alert>,
        silences: Vec<crate::model::alert::Silence>,
    },
}

impl Inspection {
    /// Which cluster it was asked of, where that told.
    pub fn cluster_id(&self) -> Option<&Clean> {
        match self {
            Self::Workload(found) => found.cluster_id.as_ref(),
            Self::Object(found) => found.cluster_id.as_ref(),
            Self::Pod(found) => found.cluster_id.as_ref(),
            Self::PullRequest(_) | Self::Run(_) | Self::Alerts { .. } => None,
        }
    }
}

/// A workload as its API server has it now.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadInspection {
    pub workload: crate::model::kubernetes::Workload,
    /// The live pod template, raw.
    pub template: serde_json::Value,
    /// `metadata.annotations`, for change-cause and for the undo.
    pub annotations: BTreeMap<String, String>,
    pub revisions: Vec<Revision>,
    pub pods: Vec<crate::model::kubernetes::Pod>,
    /// Which of them could not be read: none were read is not that there are none.
    pub unread: Unread,
    /// Server URL, version and cluster id, asked now.
    pub server: Clean,
    pub cluster_id: Option<Clean>,
    /// SelfSubjectAccessReview: may patch this workload / its scale / delete its pods; `Err`: why it could not be asked.
    pub may_patch: Result<bool, Clean>,
    pub may_scale: Result<bool, Clean>,
    pub may_delete_pods: Result<bool, Clean>,
    /// ConfigMaps, Secrets, ServiceAccounts and PVCs that templates name, by `kind/name`: exists, is gone, or could not
    /// be asked. For every kept revision's template.
    pub references: BTreeMap<String, Result<bool, Clean>>,
    /// HPA that scales it.
    pub autoscaler: Result<Option<around::Autoscaler>, Clean>,
    /// Pods that a new template may bring beside those that are wanted.
    pub surge: u32,
    /// A StatefulSet whose controller waits for each pod in its turn (`podManagementPolicy: OrderedReady`).
    pub is_ordered: bool,
    /// Of a StatefulSet: pods with a lower number keep what they run (`rollingUpdate.partition`, counted from its first).
    pub partition: u64,
    pub quotas: Result<Vec<around::Quota>, Clean>,
    /// What stands around it, where a rollback is asked for.
    pub around: Option<Box<around::Around>>,
    /// Marks on the object.
    pub warnings: Vec<Clean>,
    /// Last changes of the template by field manager, newest first.
    pub changes: Vec<(Clean, Timestamp)>,
    /// Its owner in git's name, and what stands above that one and would switch it on again; `Err`: why it could not be
    /// read. Empty: it has none.
    pub owners: Result<Vec<Owner>, Clean>,
    /// The canary it is or has; `Err`: why that could not be read.
    pub canary: Result<Option<Canary>, Clean>,
    /// The Helm release it is of, where Helm alone owns it.
    pub release: Option<Result<Release, Clean>>,
    /// What its containers use and may have, where limits are asked for.
    pub resources: Option<Box<resources::ResourceInspection>>,
    /// Images of the kept revisions' repositories that nodes hold, if nodes may be read.
    pub image_nodes: Result<NodeImages, Clean>,
    /// What sets the newest image by marks on the workload itself (Keel).
    pub updater: Option<Clean>,
}

/// Why a workload's revisions or pods could not be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unread {
    pub revisions: Option<Clean>,
    pub pods: Option<Clean>,
}

impl Unread {
    /// `pods could not be read: ...`
    fn words(&self) -> impl Iterator<Item = Clean> {
        let all = [("revisions", &self.revisions), ("pods", &self.pods)];
        all.into_iter().filter_map(|(what, why)| Some(say!("{what} could not be read: {}", why.as_ref()?)))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PullRequestInspection {
    pub pull_request: crate::model::code::PullRequest,
    pub detail: crate::model::code::PullRequestDetail,
    /// The token may push to the repository (`viewerPermission`).
    pub may_write: Result<bool, Clean>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunInspection {
    pub run: crate::model::code::Run,
    pub jobs: Vec<crate::model::code::Job>,
    pub may_write: Result<bool, Clean>,
    /// Steps of the workflow that run when it fails or is cancelled (`if: always()`, `failure()`, `cancelled()`), as the
    /// workflow file has them; `Err`: why it could not be read.
    pub hooks: Result<Vec<Clean>, Clean>,
}
