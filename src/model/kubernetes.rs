//! Kubernetes: pods, workloads, revisions and events as compact rows.

pub mod canary;
mod deletion;
mod image;
pub mod named;
mod pod;
pub mod resource;
pub mod rights;
pub mod secret;
mod standing;
pub mod table;
pub mod told;
pub mod version;

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use deletion::deletion;
pub use image::{digest_words, is_same_image, may_be_image, repository_of, short_digest, short_image, tag_of};
pub use pod::{Container, ContainerRole, ContainerState, Pod, Termination};

use super::{BackendId, Level, Name, Part};
use crate::text::Clean;

/// Who we are in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "midwatch";
/// Annotation on a workload: who changed it last with midwatch.
pub const ACTOR: &str = "midwatch/actor";
/// Annotation on a workload: the alert for which its template was set with midwatch, by name and fingerprint.
pub const INCIDENT: &str = "midwatch/incident";
/// Annotation on a workload: why its template was set though a STOP stood in the plan.
pub const REASON: &str = "midwatch/reason";
/// kubectl's mark of a restart, an annotation of the template.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// The labels that the controllers of Deployments and of Rollouts add to each ReplicaSet's template.
pub const TEMPLATE_HASHES: [&str; 2] = ["pod-template-hash", "rollouts-pod-template-hash"];

/// A namespaced object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    pub cluster: BackendId,
    pub namespace: Name,
    pub name: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    /// Argo Rollouts' (`argoproj.io/v1alpha1`).
    Rollout,
}

impl WorkloadKind {
    pub const ALL: [Self; 4] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::Rollout];

    /// `deployment`, as in kubectl's `deployment/NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::Rollout => "rollout",
        }
    }

    /// `deploy`, `sts`, `ds`.
    pub fn short(self) -> &'static str {
        match self {
            Self::Deployment => "deploy",
            Self::StatefulSet => "sts",
            Self::DaemonSet => "ds",
            Self::Rollout => "ro",
        }
    }

    /// As in manifests: `Deployment`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
        }
    }

    /// The resource in API paths: `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Rollout => "rollouts",
        }
    }

    /// Its API group: `apps`.
    pub fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Rollout => "argoproj.io",
        }
    }

    /// Where it is served: `/apis/apps/v1`.
    pub fn api(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "/apis/apps/v1",
            Self::Rollout => "/apis/argoproj.io/v1alpha1",
        }
    }

    /// Its versions are ReplicaSets; else ControllerRevisions.
    pub fn has_replica_sets(self) -> bool {
        matches!(self, Self::Deployment | Self::Rollout)
    }

    /// Its rows among a cluster's sources.
    pub fn part(self) -> Part {
        match self {
            Self::Deployment => Part::Deployments,
            Self::StatefulSet => Part::StatefulSets,
            Self::DaemonSet => Part::DaemonSets,
            Self::Rollout => Part::Rollouts,
        }
    }

    /// Any of kubectl's names for the kind.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "deploy" | "deployment" | "deployments" => Some(Self::Deployment),
            "sts" | "statefulset" | "statefulsets" => Some(Self::StatefulSet),
            "ds" | "daemonset" | "daemonsets" => Some(Self::DaemonSet),
            "ro" | "rollout" | "rollouts" => Some(Self::Rollout),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadKey {
    pub cluster: BackendId,
    pub namespace: Name,
    pub kind: WorkloadKind,
    pub name: Name,
}

impl fmt::Display for WorkloadKey {
    /// `deploy/myapp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.kind.short(), self.name))
    }
}

/// The controller an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, `DaemonSet`, `Job`, …
    pub kind: Name,
    pub name: Name,
    pub uid: Name,
}

/// Who else sets a workload's fields, by the marks on the object (see Argo CD, Flux and Helm documentation).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manager {
    ArgoCd {
        application: Clean,
    },
    FluxKustomization {
        name: Clean,
        namespace: Clean,
    },
    FluxHelmRelease {
        name: Clean,
        namespace: Clean,
    },
    Helm {
        release: Clean,
        /// Where Helm keeps its history; its objects may stand elsewhere.
        #[serde(default)]
        namespace: Clean,
    },
    ConfigSync,
    /// Owned by another object: act on that one.
    Controller {
        kind: Clean,
        name: Clean,
    },
}

impl Manager {
    /// It puts back what git says, by itself.
    pub fn is_of_git(&self) -> bool {
        matches!(self, Self::ArgoCd { .. } | Self::FluxKustomization { .. } | Self::FluxHelmRelease { .. })
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArgoCd { application } => write!(f, "Argo CD application '{application}'"),
            Self::FluxKustomization { name, namespace } => write!(f, "Flux Kustomization '{namespace}/{name}'"),
            Self::FluxHelmRelease { name, namespace } => write!(f, "Flux HelmRelease '{namespace}/{name}'"),
            Self::Helm { release, .. } => write!(f, "Helm release '{release}'"),
            Self::ConfigSync => f.write_str("Config Sync"),
            Self::Controller { kind, name } => write!(f, "{kind} '{name}'"),
        }
    }
}

/// How far a rollout is, in the words of `kubectl rollout status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStatus {
    pub words: Clean,
    pub state: RolloutState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolloutState {
    Progressing,
    /// `ProgressDeadlineExceeded`.
    Failed,
    Done,
    /// kubectl gives no status (`OnDelete`).
    Unavailable,
}

/// A Deployment, StatefulSet, DaemonSet or Rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub key: WorkloadKey,
    pub uid: Name,
    pub created: Option<Timestamp>,
    pub desired: u32,
    /// Pods that exist, of any version.
    pub replicas: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    pub generation: i64,
    pub observed_generation: i64,
    pub paused: bool,
    /// Annotation `deployment.kubernetes.io/revision`, `rollout.argoproj.io/revision`. Others: unknown until their history
    /// is read.
    pub revision: Option<i64>,
    /// StatefulSet: `status.updateRevision`; Rollout: `status.currentPodHash`; others: none (their ReplicaSets tell).
    pub update_hash: Option<Name>,
    /// StatefulSet: `status.currentRevision`; Rollout: `status.stableRS`, the version that serves.
    pub current_hash: Option<Name>,
    /// Image of each container, in order.
    pub images: Box<[Name]>,
    pub rollout: RolloutStatus,
    /// Condition `Progressing`: reason, message, last update.
    pub progressing: Option<(Clean, Clean, Option<Timestamp>)>,
    /// Condition `ReplicaFailure`: the first thing to show when no pod appears.
    pub replica_failure: Option<Clean>,
    /// Seconds; 600 unless set.
    pub progress_deadline: u32,
    /// `25%` or a number, as written.
    pub max_unavailable: Option<Name>,
    pub recreates: bool,
    /// `spec.selector.matchLabels`.
    pub selector: Box<[(Name, Name)]>,
    pub managed_by: Vec<Manager>,
    pub change_cause: Option<Clean>,
    /// Field manager that last changed the pod template, and when (`metadata.managedFields`).
    pub changed_by: Option<(Clean, Option<Timestamp>)>,
    pub memory_limit: Option<u64>,
    pub level: Level,
    pub app: Option<Name>,
}

impl Workload {
    /// Pods of the version wanted are still to be made.
    pub fn lacks_pods(&self) -> bool {
        self.replicas < self.desired || self.updated < self.desired
    }

    /// When another template was set after this time, as far as the object tells: who set it may have set something else
    /// later, and a rollout tells of its progress and its end, so the earlier of both is nearer.
    pub fn rolled_out_since(&self, after: Timestamp) -> Option<Timestamp> {
        let set = self.changed_by.as_ref().and_then(|(_, at)| *at);
        let of_rollout = |reason: &str| matches!(reason, "ReplicaSetUpdated" | "NewReplicaSetAvailable");
        let moved = self.progressing.as_ref().filter(|(reason, ..)| of_rollout(reason)).and_then(|(.., at)| *at);
        [set, moved].into_iter().flatten().filter(|at| *at > after).min()
    }

    /// `OnDelete`: its controller replaces no pod. Of an Argo Rollout without a status that is not known.
    pub fn is_on_delete(&self) -> bool {
        self.rollout.state == RolloutState::Unavailable && self.key.kind != WorkloadKind::Rollout
    }

    /// `OnDelete`: pods of versions before, each replaced when somebody deletes it, as its controller counts them.
    pub fn pods_to_delete(&self) -> u32 {
        let is_counted = self.is_on_delete() && self.observed_generation >= self.generation;
        if is_counted { self.replicas.saturating_sub(self.updated) } else { 0 }
    }

    /// Somebody paused it: what mends it is not rolled out. Of a Rollout its controller says so itself.
    pub fn is_held(&self) -> bool {
        self.paused && self.key.kind == WorkloadKind::Deployment
    }

    /// How far the rollout is: kubectl's words; of `OnDelete`, for which it has none, and of what is paused, which it does
    /// not tell, what waits for somebody.
    pub fn rollout_words(&self) -> Cow<'_, str> {
        match self.pods_to_delete() {
            _ if self.is_held() && self.rollout.state == RolloutState::Done => {
                "paused: what is changed does not roll out".into()
            }
            _ if self.is_held() => format!("paused: {}", self.rollout.words).into(),
            _ if !self.is_on_delete() => self.rollout.words.as_str().into(),
            0 if self.observed_generation < self.generation => "OnDelete: not yet seen by its controller".into(),
            0 => "OnDelete: no old pods".into(),
            1 => "OnDelete: 1 old pod waits to be deleted".into(),
            many => format!("OnDelete: {many} old pods wait to be deleted").into(),
        }
    }
}

/// A ReplicaSet: one revision of a Deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaSet {
    pub key: ObjectKey,
    pub uid: Name,
    pub owner: Option<Owner>,
    pub revision: Option<i64>,
    /// It was gone back to: it served under a lower number before.
    #[serde(default)]
    pub is_reused: bool,
    pub hash: Option<Name>,
    pub desired: u32,
    pub replicas: u32,
    pub ready: u32,
    pub created: Option<Timestamp>,
    pub images: Box<[Name]>,
    pub change_cause: Option<Clean>,
}

/// An event, counted up by the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub key: ObjectKey,
    pub uid: Name,
    pub warning: bool,
    pub reason: Name,
    pub message: Clean,
    pub kind: Name,
    pub object: Name,
    pub object_uid: Option<Name>,
    pub component: Option<Name>,
    pub count: u32,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// What says why a controller makes no pods, of the events about it: the newest that is about making one. A Deployment has a
/// condition for it; others have nothing but this.
pub fn refused_pods<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<&'a Event> {
    let is_refused = |event: &Event| event.reason == *"FailedCreate";
    let about = events.into_iter().filter(|event| is_refused(event) || event.reason == *"SuccessfulCreate");
    let newest = about.max_by_key(|event| (event.last, is_refused(event)))?;
    is_refused(newest).then_some(newest)
}

/// One revision of a workload, from a ReplicaSet or a ControllerRevision, read in full for a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    pub number: i64,
    /// Name of the ReplicaSet or ControllerRevision.
    pub name: Name,
    pub hash: Option<Name>,
    pub created: Option<Timestamp>,
    pub change_cause: Option<Clean>,
    /// Field manager that set its template, where that is still known.
    #[serde(default)]
    pub by: Option<Clean>,
    pub images: Box<[Name]>,
    /// Pods that are ready, and all that are up. `None`: they could not be read, which is not that there are none.
    #[serde(default)]
    pub pods: Option<(u32, u32)>,
    /// ReplicaSets: pods that were wanted of the workload when this one was scaled last
    /// (`deployment.kubernetes.io/desired-replicas`).
    #[serde(default)]
    pub wanted: Option<u32>,
    pub is_live: bool,
    /// The pod template as raw JSON, without what its controller adds: the hash label, a ControllerRevision's `$patch`.
    pub template: serde_json::Value,
}

impl Revision {
    /// `4/9 up`
    pub fn up(&self) -> String {
        self.pods.map_or_else(|| "pods unknown".to_owned(), |(ready, all)| format!("{ready}/{all} up"))
    }
}
