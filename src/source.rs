//! Sources read the world and report facts. They know nothing of the screen.

pub mod alertmanager;
pub mod argocd;
pub mod github;
pub mod grafana;
pub mod http;
pub mod jenkins;
pub mod kubernetes;
pub mod prometheus;
pub mod recognise;
pub mod registry;
pub mod severity;
pub mod supervise;

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::{
    model::{
        BackendId, BackendInfo, Coverage, Quota, SourceId,
        alert::{Alert, AlertGroup, Silence},
        code::{PullRequest, RepoKey, Run},
        kubernetes::{Event, ObjectKey, Pod, ReplicaSet, Workload, WorkloadKey},
        metric::{Annotation, Dashboard},
    },
    query::{Answer, Query},
    secret::hide,
    text::Clean,
};

/// Most facts in one update, so that one message cannot hold the loop.
pub const MAX_FACTS: usize = 500;

/// When a source is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// Asked every so often; each call has a deadline.
    Every(Duration),
    /// `next` waits for pushed data. Longer silence than this heartbeat is a failure.
    Pushed(Duration),
}

impl Cadence {
    /// How old data may get before it is late.
    pub fn expected(self) -> Duration {
        match self {
            Self::Every(interval) | Self::Pushed(interval) => interval,
        }
    }
}

/// Reads one part of one backend. The supervisor owns cadence, jitter, deadline, back-off, cancellation and panics.
pub trait Source: Send + 'static {
    fn id(&self) -> SourceId;
    fn cadence(&self) -> Cadence;
    /// Asked again so soon, this once, in place of the cadence.
    fn soon(&self) -> Option<Duration> {
        None
    }
    /// Fetches once, or waits for the next pushed batch. May be dropped at any await. An empty batch says "still so".
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>>;
}

/// Change of a watched set. `Reset` begins a new complete list, `Synced` ends it: what was not seen between is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta<K, T> {
    Reset,
    Put(T),
    Gone(K),
    Synced,
}

/// One thing a source learned.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Info(BackendInfo),
    Quota(Quota),
    /// What part of it the source reads; `None`: all that was asked for.
    Coverage(Option<Coverage>),
    Pod(Delta<ObjectKey, Box<Pod>>),
    Workload(Delta<WorkloadKey, Box<Workload>>),
    ReplicaSet(Delta<ObjectKey, Box<ReplicaSet>>),
    Event(Delta<ObjectKey, Box<Event>>),
    /// All open pull requests of a repository, and those merged within the last day; of no repository: those of the
    /// searches "my review is asked for" and "mine".
    PullRequests {
        repo: Option<RepoKey>,
        list: Vec<PullRequest>,
    },
    /// Newest runs of a repository.
    Runs {
        repo: RepoKey,
        list: Vec<Run>,
    },
    /// All alerts the backend has now.
    Alerts {
        list: Vec<Alert>,
        groups: Vec<AlertGroup>,
    },
    Silences(Vec<Silence>),
    Dashboards(Vec<Dashboard>),
    Annotations(Vec<Annotation>),
}

/// Facts or a failure, with source and time.
#[derive(Clone, Debug)]
pub struct Update {
    pub from: SourceId,
    /// When the answer was complete, by our wall clock.
    pub at: Timestamp,
    /// Rises when the question changes; the store drops answers to older ones.
    pub generation: u64,
    pub body: Result<Vec<Fact>, SourceError>,
}

/// What kind of failure, which decides the advice and the back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// 401, 403, a login page, an expired exec plugin.
    Auth,
    Unreachable,
    TimedOut,
    Throttled,
    /// Not found, wrong types, HTML, 5xx: it answered, but not with what was asked.
    Unexpected,
    /// A panic of our own.
    Bug,
}

/// Why a source or query has no answer, in words for people: what happened, to what, what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{says}")]
pub struct SourceError {
    pub kind: ErrorKind,
    pub says: Clean,
    /// The server said when to ask again (`Retry-After`, quota reset).
    pub retry_at: Option<Timestamp>,
    /// `l` on this backend's pane can renew the login by running this command with the screen suspended.
    pub login: Option<Login>,
}

impl SourceError {
    pub fn new(kind: ErrorKind, says: impl AsRef<str>) -> Self {
        Self { kind, says: Clean::line(&hide(says.as_ref())), retry_at: None, login: None }
    }

    pub fn retry_at(mut self, at: Option<Timestamp>) -> Self {
        self.retry_at = at;
        self
    }
}

/// A program that renews a login interactively, as the kubeconfig names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub command: String,
    pub args: Vec<String>,
    /// May hold secrets.
    pub env: Vec<(String, String)>,
}

impl Login {
    /// Program and arguments, for people.
    pub fn words(&self) -> Clean {
        let words: Vec<&str> = std::iter::once(&self.command).chain(&self.args).map(String::as_str).collect();
        Clean::line(&words.join(" "))
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "Login({:?}, with {names:?})", self.words())
    }
}

/// An answer to a query, or the failure to get one. Followed queries send many.
#[derive(Clone, Debug)]
pub struct Answered {
    pub query: Query,
    pub generation: u64,
    pub at: Timestamp,
    pub body: Result<Answer, SourceError>,
}

/// Where a reader puts its answers. Waits when the App is busy; never drops.
#[derive(Clone)]
pub struct AnswerSink {
    pub query: Query,
    pub generation: u64,
    pub clock: std::sync::Arc<dyn crate::time::Clock>,
    pub to: mpsc::Sender<Answered>,
}

impl AnswerSink {
    /// False: nobody looks any more, stop.
    pub async fn send(&self, body: Result<Answer, SourceError>) -> bool {
        let answered =
            Answered { query: self.query.clone(), generation: self.generation, at: self.clock.now().wall, body };
        self.to.send(answered).await.is_ok()
    }
}

/// Answers queries: what must be read now because somebody looks at it.
pub trait Reader: Send + Sync {
    fn backend(&self) -> &BackendId;
    /// Drops what is kept of earlier answers: somebody asks for it anew.
    fn forget(&self) {}
    /// Reads once, every so often, or follows, as the query says; returns when there is no more to say. Dropped when
    /// nobody looks any more.
    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()>;
}
