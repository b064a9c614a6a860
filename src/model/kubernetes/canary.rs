//! Canaries: a version that has a part of the traffic, and who decides on the rest.

use super::WorkloadKey;
use crate::{model::Name, text::Clean};

/// How a workload is, or has, a canary.
#[derive(Clone, Debug, PartialEq)]
pub enum Canary {
    /// An update of an Argo Rollout that is not promoted: `status.currentPodHash` is not `status.stableRS`.
    Rollout {
        /// Hash of the version that serves the rest, and of the one that is tried.
        stable: Name,
        current: Name,
        /// `step 2 of 5`, `weight 20`
        at: Clean,
        is_aborted: bool,
        /// `patch rollouts/status`
        may_abort: Result<bool, Clean>,
    },
    /// The template of a Rollout is in another object (`spec.workloadRef`).
    Elsewhere { kind: Name, name: Name },
    /// Flagger tries what this Deployment runs, and copies it to `NAME-primary` when it is good.
    Flagger(Flagger),
    /// A Deployment of a few pods beside another one of the same app, which serves the rest.
    Beside { stable: WorkloadKey, desired: u32, ready: u32 },
}

/// A Canary of Flagger (`flagger.app/v1beta1`) and the Deployment that serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Flagger {
    pub name: Name,
    /// `status.phase`: `Progressing`, `Succeeded`, …
    pub phase: Name,
    /// `status.canaryWeight`, in percent.
    pub weight: u32,
    /// Flagger promotes without trying first (`spec.skipAnalysis`).
    pub skips_analysis: bool,
    /// `spec.suspend`: it does nothing.
    pub is_suspended: bool,
    /// `NAME-primary`, and the pods wanted of it.
    pub primary: WorkloadKey,
    pub primary_desired: u32,
    /// What serves: the images of the primary, by container in order.
    pub serves: Box<[Name]>,
}

impl Flagger {
    /// It is trying a version now.
    pub fn is_trying(&self) -> bool {
        ["Progressing", "Waiting", "WaitingPromotion", "Promoting"].contains(&self.phase.as_str())
    }
}
