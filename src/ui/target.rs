//! What is selected: a key's meaning follows its kind, wherever it is shown.

use crate::{
    command::Kind,
    model::{
        BackendId,
        alert::{AlertKey, SilenceKey},
        change::Subject,
        code::{JobKey, PullRequestKey, RunKey},
        kubernetes::{ObjectKey, WorkloadKey, resource::ResourceKey},
        metric::PanelKey,
    },
};

/// The selected object, by identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    Pod(ObjectKey),
    Workload(WorkloadKey),
    /// Of any other kind.
    Object(ResourceKey),
    Run(RunKey),
    Job(JobKey),
    PullRequest(PullRequestKey),
    Alert(AlertKey),
    Silence(SilenceKey),
    Panel(PanelKey),
    /// By its number in the audit.
    Act(u64),
    Backend(BackendId),
}

impl Target {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pod(_) => Kind::Pod,
            Self::Workload(_) => Kind::Workload,
            Self::Object(_) => Kind::Object,
            Self::Run(_) => Kind::Run,
            Self::Job(_) => Kind::Job,
            Self::PullRequest(_) => Kind::PullRequest,
            Self::Alert(_) => Kind::Alert,
            Self::Silence(_) => Kind::Silence,
            Self::Panel(_) => Kind::Panel,
            Self::Act(_) => Kind::Act,
            Self::Backend(_) => Kind::Backend,
        }
    }

    /// What it is called: any other object by its own kind.
    pub fn word(&self) -> &str {
        match self {
            Self::Object(key) => &key.resource.singular,
            other => other.kind().word(),
        }
    }

    /// The number of an act.
    pub const fn act(&self) -> Option<u64> {
        match self {
            Self::Act(number) => Some(*number),
            _ => None,
        }
    }

    /// The backend it lives on.
    pub fn backend(&self) -> Option<&BackendId> {
        Some(match self {
            Self::Pod(key) => &key.cluster,
            Self::Workload(key) => &key.cluster,
            Self::Object(key) => &key.cluster,
            Self::Run(key) => &key.repo.host,
            Self::Job(key) => &key.run.repo.host,
            Self::PullRequest(key) => &key.repo.host,
            Self::Alert(key) => &key.backend,
            Self::Silence(key) => &key.backend,
            Self::Panel(key) => &key.dashboard.backend,
            Self::Backend(id) => id,
            Self::Act(_) => return None,
        })
    }

    /// The target of a timeline entry.
    pub fn of(subject: &Subject) -> Option<Self> {
        Some(match subject {
            Subject::Workload(key) => Self::Workload(key.clone()),
            Subject::Pod(key) => Self::Pod(key.clone()),
            Subject::Run(key) => Self::Run(key.clone()),
            Subject::PullRequest(key) => Self::PullRequest(key.clone()),
            Subject::Alert(key) => Self::Alert(key.clone()),
            Subject::None => return None,
        })
    }
}

impl std::fmt::Display for Target {
    /// `pod myapp-1`, `deploy/myapp`, `PR acme/api#12`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pod(key) => write!(f, "pod {}", key.name),
            Self::Workload(key) => write!(f, "{key}"),
            Self::Object(key) => write!(f, "{key}"),
            Self::Run(key) => write!(f, "run {} in {}", key.id, key.repo.name),
            Self::Job(key) => write!(f, "job {} in {}", key.id, key.run.repo.name),
            Self::PullRequest(key) => write!(f, "PR {}#{}", key.repo.name, key.number),
            Self::Alert(key) => write!(f, "alert {}", key.fingerprint),
            Self::Silence(key) => write!(f, "silence {}", key.id),
            Self::Panel(key) => write!(f, "panel {} of {}", key.id, key.dashboard.uid),
            Self::Act(number) => write!(f, "act {number}"),
            Self::Backend(id) => write!(f, "{id}"),
        }
    }
}
