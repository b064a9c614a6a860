//! What a kubelet keeps of a pod and of its containers.

use jiff::Timestamp;
use serde_json::Value;

use crate::demo::story::Behaviour;

/// What a kubelet knows of one pod.
#[derive(Debug)]
pub struct PodRun {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// Name of the top owner, or the pod's own.
    pub workload: String,
    pub node: String,
    pub node_ip: String,
    pub ip: String,
    pub created: Timestamp,
    pub scheduled: Option<Timestamp>,
    /// When the first containers started.
    pub initialized: Option<Timestamp>,
    pub containers: Vec<ContainerRun>,
    pub restarts: bool,
    pub stopping: bool,
    /// A resize that was asked for and is not done.
    pub resizing: Option<Resizing>,
}

/// How far a resize is.
#[derive(Clone, Debug, PartialEq)]
pub enum Resizing {
    /// Reason and message of `PodResizePending`.
    Pending(&'static str, String),
    InProgress,
}

/// One container over all its starts.
#[derive(Clone, Debug)]
pub struct ContainerRun {
    pub name: String,
    pub image: String,
    pub probed: bool,
    pub life: Life,
    pub last: Option<Ending>,
    pub restarts: u32,
    /// `containerd://…` of the instance that runs or ran last.
    pub id: String,
    /// Seconds of the back-off that the next crash would wait.
    pub backoff: Option<i64>,
    /// That of its image, which could not be pulled.
    pub pull: Option<PullBackoff>,
    pub behaviour: Option<Behaviour>,
    /// Requests and limits that it has; the spec's, once a resize is done.
    pub resources: Value,
}

/// How long the kubelet waits before it pulls an image again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PullBackoff {
    pub seconds: i64,
    pub until: Timestamp,
}

/// The state of a container.
#[derive(Clone, Debug, PartialEq)]
pub enum Life {
    Waiting { reason: &'static str, message: Option<String> },
    Running { started: Timestamp, ready_since: Option<Timestamp> },
    Ended(Ending),
}

/// How one instance of a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub code: i32,
    pub reason: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub id: String,
}

/// One instance of a container, for its log.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    pub restart: u32,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub id: String,
}

impl ContainerRun {
    pub fn ready(&self) -> bool {
        matches!(self.life, Life::Running { ready_since: Some(_), .. })
    }

    /// The last instance that ended, also the present one.
    pub fn last_ending(&self) -> Option<&Ending> {
        if let Life::Ended(ending) = &self.life { Some(ending) } else { self.last.as_ref() }
    }

    /// The instance a plain log request reads: running, else ended, else the one before.
    pub fn present(&self) -> Option<Instance> {
        let of =
            |e: &Ending, restart| Instance { restart, started: e.started, ended: Some(e.finished), id: e.id.clone() };
        match &self.life {
            Life::Running { started, .. } => {
                Some(Instance { restart: self.restarts, started: *started, ended: None, id: self.id.clone() })
            }
            Life::Ended(ending) => Some(of(ending, self.restarts)),
            Life::Waiting { .. } => self.last.as_ref().map(|e| of(e, self.restarts)),
        }
    }

    /// The instance before the present one, for `previous=true`.
    pub fn previous(&self) -> Option<Instance> {
        let ending = self.last.as_ref()?;
        // While it waits in its back-off, the last ended instance is the previous one too; the count has not moved.
        let waiting = matches!(self.life, Life::Waiting { .. });
        let restart = if waiting { self.restarts } else { self.restarts.saturating_sub(1) };
        Some(Instance { restart, started: ending.started, ended: Some(ending.finished), id: ending.id.clone() })
    }
}
