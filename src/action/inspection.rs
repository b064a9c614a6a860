//! What a plan needs to know of a backend's object, read live.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Glance, Request, around, glance, object, resize, resources};
use crate::{
    model::{
        BackendId, Name,
        alert::Alert,
        gitops::Owner,
        helm::Release,
        image::NodeImages,
        kubernetes::{Revision, WorkloadKey, canary::Canary},
    },
    text::Clean,
};

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
        let request = Request::RollBack { workload: workload.clone(), to: None, alert: None };
        Box::pin(async move { self.inspect(&request).await })
    }
    /// A workload while it is watched: asked again and again, so without what only a plan needs. `None`: it is gone.
    fn glance<'a>(
        &'a self,
        workload: &'a WorkloadKey,
    ) -> futures::future::BoxFuture<'a, Result<Option<Glance>, crate::source::SourceError>> {
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
    /// The name of the cluster it was asked of.
    pub fn cluster(&self) -> Option<&BackendId> {
        match self {
            Self::Workload(found) => Some(&found.workload.key.cluster),
            Self::Object(found) => Some(&found.key.cluster),
            Self::Pod(found) => Some(&found.key.cluster),
            Self::PullRequest(_) | Self::Run(_) | Self::Alerts { .. } => None,
        }
    }

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
    pub(super) fn words(&self) -> impl Iterator<Item = Clean> {
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
    /// Environments, namespaces and contexts that the workflow file names; empty: it names none, or was not read whole.
    pub aims: Vec<Clean>,
}
