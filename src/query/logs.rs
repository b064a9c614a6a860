//! Which log lines are wanted, and batches of them.

use std::fmt;

use jiff::Timestamp;

use super::ObjectRef;
use crate::{
    model::{
        BackendId, Name,
        kubernetes::{ObjectKey, WorkloadKey, resource::ResourceKey},
        log::LogLine,
    },
    text::Clean,
};

/// Whose logs: one pod's, or those of all pods of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogTarget {
    Pod(ObjectKey),
    Workload(WorkloadKey),
    /// Of any other kind that has pods: a Job, a CronJob (its newest Job), a ReplicaSet, a Service.
    Object(ResourceKey),
    Labels(LabelKey),
}

/// Pods by a label selector, in the API's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelKey {
    pub cluster: BackendId,
    /// Empty: of all namespaces.
    pub namespace: Name,
    pub selector: Name,
}

impl LogTarget {
    pub fn cluster(&self) -> &BackendId {
        match self {
            Self::Pod(pod) => &pod.cluster,
            Self::Workload(workload) => &workload.cluster,
            Self::Object(object) => &object.cluster,
            Self::Labels(labels) => &labels.cluster,
        }
    }

    /// Its name, or the selector.
    pub fn name(&self) -> &Name {
        match self {
            Self::Pod(pod) => &pod.name,
            Self::Workload(workload) => &workload.name,
            Self::Object(object) => &object.name,
            Self::Labels(labels) => &labels.selector,
        }
    }

    pub fn namespace(&self) -> &Name {
        match self {
            Self::Pod(pod) => &pod.namespace,
            Self::Workload(workload) => &workload.namespace,
            Self::Object(object) => &object.namespace,
            Self::Labels(labels) => &labels.namespace,
        }
    }
}

impl From<ObjectRef> for LogTarget {
    fn from(object: ObjectRef) -> Self {
        match object {
            ObjectRef::Pod(pod) => Self::Pod(pod),
            ObjectRef::Workload(workload) => Self::Workload(workload),
        }
    }
}

impl fmt::Display for LogTarget {
    /// `myapp-1`, `deploy/myapp`, `job/nightly-1`, `-l app=web`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(pod) => write!(f, "{}", pod.name),
            Self::Workload(workload) => write!(f, "{workload}"),
            Self::Object(object) => write!(f, "{object}"),
            Self::Labels(labels) => write!(f, "-l {}", labels.selector),
        }
    }
}

/// What a container is to its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerSort {
    Main,
    /// Sidecars too: init containers that go on.
    Init,
    Ephemeral,
}

/// Which containers of each pod. Without a word: of one pod its default one, of several all main ones; and of a pod that
/// initialises the init container it has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Containers {
    /// Of any sort: the one of this name; where none is called so, those whose name matches it as an expression.
    pub named: Option<Name>,
    /// All main ones, also of a single pod.
    pub main: bool,
    pub init: bool,
    pub ephemeral: bool,
}

impl Containers {
    pub const ALL: Self = Self { named: None, main: true, init: true, ephemeral: true };

    pub fn named(name: Name) -> Self {
        Self { named: Some(name), ..Self::default() }
    }
}

/// The state of a container, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerState {
    Running,
    Waiting,
    Terminated,
}

impl ContainerState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Terminated => "terminated",
        }
    }
}

/// Which of a target's pods: those of which all of it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodFilter {
    /// An expression that the name matches.
    pub name: Option<Name>,
    /// Expressions that the name does not match.
    pub not_names: Vec<Name>,
    /// A field selector in the API's words: `spec.nodeName=node-1`.
    pub fields: Option<Name>,
    /// A condition and its status: `Ready`, `False`.
    pub condition: Option<(Name, Name)>,
    /// Of a container, when it is seen first; empty: any.
    pub states: Vec<ContainerState>,
}

impl fmt::Display for PodFilter {
    /// `name web-.*, not name web-0, fields spec.nodeName=node-1, condition Ready=False, state running`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.iter().map(|name| format!("name {name}"));
        let not_names = self.not_names.iter().map(|name| format!("not name {name}"));
        let fields = self.fields.iter().map(|fields| format!("fields {fields}"));
        let condition = self.condition.iter().map(|(name, status)| format!("condition {name}={status}"));
        let states: Vec<&str> = self.states.iter().map(|state| state.name()).collect();
        let state = (!states.is_empty()).then(|| format!("state {}", states.join(" or ")));
        let all: Vec<String> = name.chain(not_names).chain(fields).chain(condition).chain(state).collect();
        write!(f, "{}", all.join(", "))
    }
}

/// Which details of the pods go with their lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WantedDetails {
    pub node: bool,
    pub labels: bool,
    pub annotations: bool,
}

impl WantedDetails {
    pub const ALL: Self = Self { node: true, labels: true, annotations: true };
}

/// Log lines of one pod, or of several merged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogQuery {
    pub target: LogTarget,
    pub pods: PodFilter,
    pub containers: Containers,
    /// The container's previous instance, once, not followed.
    pub previous: bool,
    /// Lines of at most this many seconds before now, at first.
    pub since_seconds: Option<u32>,
    /// No line logged later. A log with an end is not followed.
    pub until: Option<Timestamp>,
    /// Newest lines per container, at first.
    pub tail: Option<u32>,
    /// Bytes per container, of its lines without their times; the last line may be cut.
    pub most_bytes: Option<u64>,
    /// Seconds to wait at first for a container that runs.
    pub patience: Option<u32>,
    pub follow: bool,
    /// New lines wait for a slow reader, as those do that were logged before; else they are dropped and counted.
    pub keeps_all: bool,
    /// Connections at a time, if fewer than the reader's own bound.
    pub most_streams: Option<u16>,
    /// Private keys that a container wrote are not masked.
    pub has_keys: bool,
    /// Tabs are left in its lines: for standard output, not for a screen.
    pub has_tabs: bool,
    pub details: WantedDetails,
}

impl LogQuery {
    /// Followed, from the beginning.
    pub fn of(target: impl Into<LogTarget>) -> Self {
        Self {
            target: target.into(),
            pods: PodFilter::default(),
            containers: Containers::default(),
            previous: false,
            since_seconds: None,
            until: None,
            tail: None,
            most_bytes: None,
            patience: None,
            follow: true,
            keeps_all: false,
            most_streams: None,
            has_keys: false,
            has_tabs: false,
            details: WantedDetails::default(),
        }
    }
}

/// A batch of a followed log, ascending in time as far as the merge's hold-back allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch {
    pub lines: Vec<LogLine>,
    /// Streams open, and streams wanted (pods that have not started, or above the cap).
    pub open: u16,
    pub wanted: u16,
    /// Streams that are read to the end of their logs: their containers do not run.
    pub ended: u16,
    /// What was logged before is read: no lines now means that there are none.
    pub has_caught_up: bool,
    /// Lines dropped since the last batch because they came faster than they could be taken in.
    pub dropped: u64,
    /// What is wrong with single streams, newest last: "pod a: no get pods/log".
    pub troubles: Vec<Clean>,
    /// What can be chosen from: the containers of the pods, by sort.
    pub containers: Vec<(ContainerSort, Name)>,
}
