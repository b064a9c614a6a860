//! Queries: reads that are wanted only while somebody looks at their answer.

mod logs;

use std::sync::Arc;

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
        metric::{DashboardKey, PanelData, PanelKey, Variable},
    },
    text::Clean,
};

pub use self::logs::{
    ContainerSort, ContainerState, Containers, LabelKey, LogBatch, LogQuery, LogTarget, PodFilter, WantedDetails,
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

/// One line of a describe-like page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageLine {
    Heading(Clean),
    /// Name and value; the level colours the value.
    Field(Clean, Clean, Option<crate::model::Level>),
    Text(Clean),
}
