//! What the scenario says: services, how each image behaves, and what happens when.

use jiff::Timestamp;

use std::sync::Arc;

use super::{cluster::Cluster, code::Code, scenario::Scenario};

/// The scenario being played.
pub struct Story {
    pub scenario: Arc<Scenario>,
    /// From it come all names, hashes and chances.
    pub seed: u64,
    /// The moment the servers open: what the scenario's times are relative to.
    pub start: Timestamp,
}

/// How a container of one image behaves; the cluster's kubelet asks once per container start.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Seconds from container start to passing its readiness probe; `None`: never.
    pub ready_after: Option<f64>,
    /// How the container ends by itself, if it does.
    pub crash: Option<Crash>,
    /// Working set in MiB and CPU in millicores, for usage and limits.
    pub memory_mib: f64,
    pub cpu_millis: f64,
}

/// The end of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Crash {
    /// Seconds from container start.
    pub after: f64,
    pub exit_code: i32,
    /// `Error`, `OOMKilled`, `Completed`.
    pub reason: String,
}

/// Which container is meant, when the cluster asks about one.
#[derive(Clone, Debug)]
pub struct ContainerRef<'a> {
    pub cluster: &'a str,
    pub namespace: &'a str,
    /// Name of the top owner (Deployment, StatefulSet, DaemonSet), or the pod's own name.
    pub workload: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
    pub image: &'a str,
    /// 0 for the first start.
    pub restart: u32,
    pub started: Timestamp,
}

impl Story {
    pub fn new(scenario: Arc<Scenario>, seed: u64, start: Timestamp) -> Self {
        Self { scenario, seed, start }
    }

    /// Plays what the script has for the time up to `now`: merges, pushes, pages.
    pub fn step(&mut self, _now: Timestamp, _clusters: &mut [Cluster], _code: &mut Code) {}

    /// How this container, started now, will behave.
    pub fn behaviour(&self, _of: &ContainerRef<'_>, _now: Timestamp) -> Behaviour {
        Behaviour { ready_after: Some(5.0), crash: None, memory_mib: 120.0, cpu_millis: 80.0 }
    }

    /// What this container instance writes between two moments (from inclusive, to exclusive), oldest first. A pure
    /// function of its arguments and the story so far, so that any client may read it twice.
    pub fn log_lines(
        &self,
        _of: &ContainerRef<'_>,
        _ended: Option<Timestamp>,
        _from: Timestamp,
        _to: Timestamp,
    ) -> Vec<(Timestamp, String)> {
        Vec::new()
    }
}
