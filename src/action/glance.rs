//! A workload at a glance.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    model::{
        BackendId,
        kubernetes::{Pod, Workload},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// A workload as its API server has it now, with no more than what is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    pub workload: Workload,
    /// The live pod template, raw.
    pub template: Value,
    /// `Err`: why they could not be read.
    pub pods: Result<Vec<Pod>, Clean>,
    /// StatefulSets: pods below this number keep what they run. Else 0.
    pub partition: u64,
    /// Last changes of the template by field manager, newest first.
    pub changes: Vec<(Clean, Timestamp)>,
}

/// The answer of a backend that is no cluster.
pub(super) fn no_workloads(backend: &BackendId) -> SourceError {
    SourceError::new(ErrorKind::Bug, format!("'{backend}' was asked about a workload, and has none"))
}
