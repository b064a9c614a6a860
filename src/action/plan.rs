//! A plan: what will be sent to what, why it may be, and what must be typed to send it.

use jiff::Timestamp;

use super::{Check, CheckResult, Request, Risk, Write};
use crate::{model::kubernetes::WorkloadKey, text::Clean};

/// One step of a plan, in order. On a refused or unknown step the rest stops.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanStep {
    pub says: Clean,
    pub kind: StepKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// Logs of failing pods, describe, events: what the act destroys, kept beside the audit.
    KeepEvidence(WorkloadKey),
    Write(Write),
    /// Wait (at most 20 s) for a cancelled run to end, then read the live template again: its hook may have mended it.
    Reread {
        workload: WorkloadKey,
        run: crate::model::code::RunKey,
    },
    /// Until A3, on screen.
    Watch(WorkloadKey),
}

/// Another target that left/right choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub revision: i64,
    pub label: Clean,
    /// "ran 26 h, 4 pods up", "live", "known bad".
    pub note: Clean,
}

/// Worked out, ready to show. It sends nothing until it is confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub request: Request,
    /// `ROLL BACK deploy/myapp`
    pub title: Clean,
    /// Cluster and namespace, host and repository: where it happens.
    pub place: Clean,
    pub production: bool,
    /// `FROM`, `TO` and the like.
    pub facts: Vec<(Clean, Clean)>,
    /// STOP and LOOK first.
    pub checks: Vec<Check>,
    pub steps: Vec<PlanStep>,
    /// Unified diff of what changes, if there is one, masked.
    pub diff: Option<Clean>,
    pub risk: Risk,
    /// What may be typed to confirm (Risk::Production), the full name (Risk::Stopped). The first is asked for.
    pub accepts: Vec<Clean>,
    pub undo: Clean,
    /// The same as `kubectl`, `gh` or `curl` lines, to copy.
    pub equivalent: Vec<Clean>,
    pub choices: Vec<Choice>,
    pub made: Timestamp,
    /// Why it cannot be sent at all: read-only mode, no operator.
    pub blocked: Option<Clean>,
}

/// There is no plan to show, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub Clean);

impl Plan {
    pub fn stops(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.result, CheckResult::Stop(_)))
    }

    pub fn is_pending(&self) -> bool {
        self.checks.iter().any(|check| check.result == CheckResult::Pending)
    }
}

/// A confirmed plan. Only the confirm step makes one, so skipping it does not compile.
#[derive(Debug)]
pub struct Approved {
    pub(super) plan: Plan,
    /// Asked for where a STOP stands.
    pub(super) reason: Option<String>,
}

impl Approved {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
