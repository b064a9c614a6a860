//! Queries: reads that are wanted only while somebody looks at their answer.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    model::{
        BackendId, Name,
        code::{Job, JobKey, JobLog, PullRequestDetail, PullRequestKey, RunKey},
        gitops::{OwnerKey, Standing},
        kubernetes::{
            ObjectKey, Revision, WorkloadKey,
            resource::{Resource, ResourceKey, Resources},
            rights::Rights,
            secret::{Revealed, SecretKey},
            table::{ObjectTable, Used},
        },
        log::LogLine,
        metric::{DashboardKey, PanelData, PanelKey, Variable},
    },
    text::Clean,
};

/// A read wanted now: once, every so often, or followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Query {
    /// Followed.
    Logs(LogQuery),
    /// Once: a describe-like page.
    Describe(ObjectRef),
    /// Once: an object as YAML, managedFields folded.
    Yaml(ObjectRef),
    /// Once: the same with them.
    ManagedYaml(ObjectRef),
    /// Once, and again whenever the workload's generation moves.
    Revisions(WorkloadKey),
    /// Every 15 s.
    PullRequest(PullRequestKey),
    /// Every 10 s while the run goes on.
    Jobs(RunKey),
    /// Once: the log of a finished job.
    JobLog(JobKey),
    /// Every 15 s (or the dashboard's own refresh, if slower).
    Panel(PanelQuery),
    /// Every minute: a dashboard's template variables and what they offer.
    Variables(VariablesQuery),
    /// Now and then: the kinds a cluster serves.
    Resources(BackendId),
    /// Watched, or where that is refused every 5 s and large ones less often: the objects of a kind.
    Table(TableQuery),
    /// Once: a describe-like page of an object of any kind.
    DescribeAny(ResourceKey),
    /// Once: the same as YAML.
    YamlAny(ResourceKey),
    /// Once: the same with managedFields.
    ManagedYamlAny(ResourceKey),
    /// Every 15 s, of many pods less often: what the pods of a namespace use.
    Usage(UsageQuery),
    /// Every 2 minutes: what one may do in a namespace.
    Rights(RightsQuery),
    /// Every 15 s: where the owner of something rolled back stands.
    Standing(OwnerKey),
    /// Once: the keys of a Secret.
    SecretKeys(ResourceKey),
    /// Once: a value of a Secret, forgotten as soon as nobody looks.
    SecretValue(SecretKey),
}

impl Query {
    /// It is asked again and again by itself, and `r` asks it now.
    pub fn is_asked_anew(&self) -> bool {
        matches!(self, Self::Resources(_) | Self::Table(_) | Self::Usage(_))
    }

    pub fn backend(&self) -> &BackendId {
        match self {
            Self::Logs(logs) => logs.target.cluster(),
            Self::Describe(object) | Self::Yaml(object) | Self::ManagedYaml(object) => object.cluster(),
            Self::Revisions(workload) => &workload.cluster,
            Self::PullRequest(key) => &key.repo.host,
            Self::Jobs(run) => &run.repo.host,
            Self::JobLog(job) => &job.run.repo.host,
            Self::Panel(panel) => &panel.panel.dashboard.backend,
            Self::Variables(variables) => &variables.dashboard.backend,
            Self::Resources(cluster) => cluster,
            Self::Table(table) => &table.cluster,
            Self::DescribeAny(object)
            | Self::YamlAny(object)
            | Self::ManagedYamlAny(object)
            | Self::SecretKeys(object) => &object.cluster,
            Self::Usage(usage) => &usage.cluster,
            Self::Rights(rights) => &rights.cluster,
            Self::Standing(owner) => owner.backend(),
            Self::SecretValue(secret) => &secret.object.cluster,
        }
    }
}

/// What the pods of a namespace use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageQuery {
    pub cluster: BackendId,
    pub namespace: Name,
}

/// Rights in a namespace; empty: on objects of the cluster itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RightsQuery {
    pub cluster: BackendId,
    pub namespace: Name,
}

/// A pod or a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectRef {
    Pod(ObjectKey),
    Workload(WorkloadKey),
}

impl ObjectRef {
    pub fn cluster(&self) -> &BackendId {
        match self {
            Self::Pod(pod) => &pod.cluster,
            Self::Workload(workload) => &workload.cluster,
        }
    }

    pub fn namespace(&self) -> &Name {
        match self {
            Self::Pod(pod) => &pod.namespace,
            Self::Workload(workload) => &workload.namespace,
        }
    }

    pub fn name(&self) -> &Name {
        match self {
            Self::Pod(pod) => &pod.name,
            Self::Workload(workload) => &workload.name,
        }
    }
}

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

impl std::fmt::Display for LogTarget {
    /// `myapp-1`, `deploy/myapp`, `job/nightly-1`, `-l app=web`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

impl std::fmt::Display for PodFilter {
    /// `name web-.*, not name web-0, fields spec.nodeName=node-1, condition Ready=False, state running`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// Connections at a time, if fewer than the reader's own bound.
    pub most_streams: Option<u16>,
    /// Private keys that a container wrote are not masked.
    pub has_keys: bool,
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
            most_streams: None,
            has_keys: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PanelQuery {
    pub panel: PanelKey,
    /// Seconds up to now.
    pub range_seconds: u32,
    /// Points wanted: twice the plot's columns.
    pub points: u16,
    /// Template variables set by the user, over the dashboard's own; several values of one stand one after another.
    pub variables: Vec<(Name, Clean)>,
}

/// What the variables of a dashboard offer, given what the user set: those that depend on it offer something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariablesQuery {
    pub dashboard: DashboardKey,
    /// Seconds up to now.
    pub range_seconds: u32,
    pub variables: Vec<(Name, Clean)>,
}

/// The objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableQuery {
    pub cluster: BackendId,
    pub resource: Arc<Resource>,
    /// None: all, or those that may be read.
    pub namespaces: Vec<Name>,
}

/// What a query brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Logs(LogBatch),
    Page(Vec<PageLine>),
    Revisions(Vec<Revision>),
    PullRequest(Box<PullRequestDetail>),
    Jobs(Vec<Job>),
    JobLog(Box<JobLog>),
    Panel(Box<PanelData>),
    Variables(Box<Variables>),
    Resources(Arc<Resources>),
    Table(Arc<ObjectTable>),
    /// Empty where it is not measured.
    Usage(Arc<Used>),
    Rights(Arc<Rights>),
    Standing(Standing),
    /// Names, and sizes of values in bytes.
    SecretKeys(Vec<(Name, usize)>),
    SecretValue(Revealed),
}

/// The variables of a dashboard, and what could not be resolved, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Variables {
    pub list: Vec<Variable>,
    pub notes: Vec<Clean>,
}

/// A batch of a followed log, ascending in time as far as the merge's hold-back allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch {
    pub lines: Vec<LogLine>,
    /// Streams open, and streams wanted (pods that have not started, or above the cap).
    pub open: u16,
    pub wanted: u16,
    /// What was logged before is read: no lines now means that there are none.
    pub has_caught_up: bool,
    /// Lines dropped since the last batch because they came faster than they could be taken in.
    pub dropped: u64,
    /// What is wrong with single streams, newest last: "pod a: no get pods/log".
    pub troubles: Vec<Clean>,
    /// What can be chosen from: the containers of the pods, by sort.
    pub containers: Vec<(ContainerSort, Name)>,
}

/// One line of a describe-like page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageLine {
    Heading(Clean),
    /// Name and value; the level colours the value.
    Field(Clean, Clean, Option<crate::model::Level>),
    Text(Clean),
}
