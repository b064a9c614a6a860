//! A simulated Kubernetes cluster: an object store with resource versions, and the controllers that act on it.

use jiff::Timestamp;

use super::story::Story;

/// One cluster.
pub struct Cluster {
    pub name: String,
    pub production: bool,
}

/// How a workload stands, for pipelines and telemetry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    pub desired: u32,
    pub updated: u32,
    pub available: u32,
    pub replicas: u32,
    pub observed: bool,
    pub deadline_exceeded: bool,
}

/// One pod, as telemetry needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct PodView {
    pub namespace: String,
    pub name: String,
    pub workload: String,
    /// Image of the first container, with its tag.
    pub image: String,
    /// `pod-template-hash` or `controller-revision-hash`.
    pub hash: String,
    pub node: String,
    pub ready: bool,
    pub ready_since: Option<Timestamp>,
    pub restarts: u32,
    pub last_termination: Option<(String, Timestamp)>,
}

impl Cluster {
    pub fn step(&mut self, _now: Timestamp, _story: &Story) {}

    /// Sets the first container's image, as `kubectl set image` by `manager` would. False if there is no such workload.
    pub fn set_image(
        &mut self,
        _now: Timestamp,
        _namespace: &str,
        _deployment: &str,
        _image: &str,
        _manager: &str,
    ) -> bool {
        false
    }

    /// `kubectl rollout undo`, as a pipeline's failure hook runs it.
    pub fn undo(&mut self, _now: Timestamp, _namespace: &str, _deployment: &str, _manager: &str) -> bool {
        false
    }

    pub fn scale(&mut self, _now: Timestamp, _namespace: &str, _name: &str, _replicas: u32, _manager: &str) -> bool {
        false
    }

    /// Kills a running container of the workload for memory: `OOMKilled`, exit code 137.
    pub fn oom_kill(&mut self, _now: Timestamp, _namespace: &str, _workload: &str) -> bool {
        false
    }

    pub fn rollout(&self, _namespace: &str, _deployment: &str) -> Option<Rollout> {
        None
    }

    /// The live pods, terminating ones left out.
    pub fn pods(&self) -> Vec<PodView> {
        Vec::new()
    }
}
