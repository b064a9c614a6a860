//! A plan: what will be sent to what, why it may be, and what must be typed to send it.

mod marks;
mod moved;
mod step;
mod wanted;

use jiff::Timestamp;

pub use super::confirm::Approved;
use super::{
    Check, CheckResult, Evidence, Limits, Request, Risk, Write, checks,
    evidence::binding,
    gitops, limits, object, pull_request,
    resize::{self, KeptPod, ResizeFor},
    restart, rollback, run, scale, silence, undo,
};
use crate::{
    app::settings::Settings,
    model::{
        BackendId, Name,
        gitops::OwnerKey,
        helm::ReleaseKey,
        kubernetes::{ObjectKey, WorkloadKey},
        metric::PanelKey,
    },
    store::Store,
    text::Clean,
    time::Now,
};
pub use step::first_number;
pub use wanted::{JobFor, WantedImage, WatchFor};

/// Panels of a service whose values are kept.
const MOST_PANELS: usize = 4;

/// One step of a plan, in order. On a refused or unknown step the rest stops.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanStep {
    pub says: Clean,
    pub kind: StepKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// Logs of failing pods, describe, events, panels: what the act destroys, kept beside the audit.
    KeepEvidence {
        workload: Option<WorkloadKey>,
        /// The pod that goes; else those of the workload that are worst off.
        pod: Option<ObjectKey>,
        /// Bound to the workload's service.
        panels: Vec<PanelKey>,
    },
    Write(Write),
    /// Wait (at most 20 s) for a cancelled run to end, then read the live template again: its hook may have mended it.
    Reread {
        workload: WorkloadKey,
        run: crate::model::code::RunKey,
        /// The template as the plan saw it: anything else but the target stops the act.
        live: serde_json::Value,
        target: serde_json::Value,
    },
    /// Until it is there, on screen.
    Watch(Box<Watched>),
}

/// What is waited for when all is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// Until A3.
    Rollout(WatchFor),
    /// A job that was started, to its end, and until A3.
    Job(JobFor),
    /// Each of a release's workloads, until A3.
    Release(Vec<WatchFor>),
    Resize(ResizeFor),
}

/// Another target that left/right choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub revision: i64,
    pub label: Clean,
    /// "ran 26 h, 4 pods up", "live", "known bad".
    pub note: Clean,
    /// It is what runs now: not a target.
    pub is_live: bool,
}

/// Worked out, ready to show. It sends nothing until it is confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub request: Request,
    /// `ROLL BACK deploy/myapp`
    pub title: Clean,
    /// Cluster and namespace, host and repository: where it happens.
    pub place: Clean,
    /// Which cluster that is, where it told.
    pub cluster_id: Option<Clean>,
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
    /// Revision that the plan goes to, among the choices.
    pub chosen: Option<i64>,
    /// When its evidence was asked for.
    pub made: Timestamp,
    /// Why it cannot be sent at all: read-only mode, no operator, a gate that is shut.
    pub blocked: Option<Clean>,
    /// What undo needs: kept in a file of its own before anything is sent.
    pub keeps: Option<Kept>,
    /// Name of the ReplicaSet or ControllerRevision that it rolls away from: one that comes back is told.
    pub away: Option<Name>,
    /// Name of the one that it goes to, where that is known.
    pub to: Option<Name>,
    /// Who changed the target last, and when, for the words when it moved.
    pub last_change: Option<Clean>,
}

/// State before an act and what the act leaves, kept for its undo. May hold literal secrets: never shown unmasked.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// `None`: it is of a pod.
    pub workload: Option<WorkloadKey>,
    /// Template before; of a pod its container's resources.
    pub before: serde_json::Value,
    /// Template that the act leaves, or resources; undo refuses when the live one is another.
    pub left: serde_json::Value,
    /// Name of the ReplicaSet or ControllerRevision that was live: a version rolled away from is known bad.
    pub from_revision: Option<Name>,
    pub to_revision: Option<Name>,
    /// Replicas before and after, of a scale.
    pub replicas: Option<(u32, u32)>,
    /// Owners that the act switches off, and how they were set (`Null`: not written).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<(OwnerKey, serde_json::Value)>,
    /// Argo CD: what the application was synced to before, and is again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<serde_json::Value>,
    /// Helm: the release with the revision before and the one that the act leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<(ReleaseKey, i64, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<KeptPod>,
}

impl Kept {
    /// Of an act that changes a template and nothing else.
    pub fn of(workload: &WorkloadKey, before: serde_json::Value, left: serde_json::Value) -> Self {
        Self { workload: Some(workload.clone()), ..Self::states(before, left) }
    }

    /// Of something whose state is that.
    pub(super) fn states(before: serde_json::Value, left: serde_json::Value) -> Self {
        Self {
            workload: None,
            before,
            left,
            from_revision: None,
            to_revision: None,
            replicas: None,
            owners: Vec::new(),
            synced: None,
            release: None,
            pod: None,
        }
    }

    /// Where what it is about is, and the request that has it looked at.
    pub(super) fn look(&self) -> Option<(&BackendId, Request)> {
        match (&self.pod, &self.workload) {
            (Some(KeptPod { key, container, .. }), _) => {
                Some((&key.cluster, Request::Resize { pod: key.clone(), limits: Limits::of(container) }))
            }
            (None, Some(key)) if self.replicas.is_some() => {
                Some((&key.cluster, Request::Restart { workload: key.clone() }))
            }
            (None, Some(key)) => {
                Some((&key.cluster, Request::RollBack { workload: key.clone(), to: None, alert: None }))
            }
            (None, None) => None,
        }
    }

    /// By the name that the workload's cluster is asked by now, its owners there are found again.
    pub(super) fn rename_cluster(&mut self, name: &BackendId) {
        let Some(old) = self.workload.as_ref().map(|workload| &workload.cluster) else { return };
        for (owner, _) in self.owners.iter_mut().filter(|(owner, _)| owner.cluster == *old) {
            owner.cluster = name.clone();
        }
    }

    pub(super) fn workload(&self) -> Result<&WorkloadKey, Refusal> {
        self.workload.as_ref().ok_or_else(|| Refusal("what was kept names no workload".into()))
    }
}

/// There is no plan to show, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub Clean);

/// Works out the plan of a request from its evidence. Pure: the same evidence gives the same plan.
pub fn plan(
    request: &Request,
    evidence: &Evidence,
    store: &Store,
    settings: &Settings,
    now: Now,
) -> Result<Plan, Refusal> {
    // A command may plan before its cluster was watched: whether that is production is known by its id alone, perhaps.
    let told = evidence.subject.cluster().zip(evidence.subject.cluster_id());
    let knowing = told.and_then(|(cluster, id)| settings.knowing(cluster, id));
    let made = Make { request, evidence, store, settings: knowing.as_ref().unwrap_or(settings), now };
    let mut plan = match request {
        Request::RollBack { workload, to, .. } => rollback::plan(&made, workload, *to),
        Request::Restart { workload } => restart::plan(&made, workload),
        Request::Limits { workload, limits } => limits::plan(&made, workload, limits),
        Request::Resize { pod, limits } => resize::plan(&made, pod, limits),
        Request::Scale { workload, replicas } => scale::plan(&made, workload, *replicas),
        Request::Object { object, act } => object::plan(&made, object, *act),
        Request::Review { .. } | Request::Comment { .. } | Request::Merge { .. } => pull_request::plan(&made),
        Request::Rerun { .. } | Request::Cancel { .. } => run::plan(&made),
        Request::Acknowledge { .. } | Request::Silence(_) | Request::Silences(_) | Request::ExpireSilence { .. } => {
            silence::plan(&made)
        }
        Request::ResumeSync { workload } => gitops::resume(&made, workload),
        Request::Undo { act } => undo::plan(&made, *act),
        Request::Outside { .. } => Err(Refusal("what runs outside of midwatch has no plan".into())),
    }?;
    for step in &mut plan.steps {
        if let StepKind::KeepEvidence { workload: Some(workload), .. } = &step.kind {
            let panels = made.panels(workload);
            step.keep_panels(panels);
        }
    }
    plan.blocked = plan.blocked.take().or_else(|| made.blocked(&plan));
    plan.checks.sort_by_key(|check| (severity(&check.result), !checks::is_known_bad(&check.result)));
    Ok(plan)
}

/// What planning looks at.
pub(super) struct Make<'a> {
    pub request: &'a Request,
    pub evidence: &'a Evidence,
    pub store: &'a Store,
    pub settings: &'a Settings,
    pub now: Now,
}

impl Make<'_> {
    /// A plan with nothing in it yet.
    pub fn empty(&self, title: Clean, place: Clean) -> Plan {
        Plan {
            request: self.request.clone(),
            title,
            place,
            cluster_id: self.evidence.subject.cluster_id().cloned(),
            production: false,
            facts: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            diff: None,
            risk: Risk::Reversible,
            accepts: Vec::new(),
            undo: Clean::default(),
            equivalent: Vec::new(),
            choices: Vec::new(),
            chosen: None,
            made: self.evidence.asked,
            blocked: None,
            keeps: None,
            away: None,
            to: None,
            last_change: None,
        }
    }

    /// Whether this backend is written to; in read-only mode, whether it would be: the plan is the same.
    pub fn reaches(&self, backend: &BackendId) -> bool {
        !self.settings.read_only_backends.contains_key(backend)
            && (self.settings.read_only.is_some() || self.evidence.writable.contains(backend))
    }

    /// The panels that are bound to a workload's service.
    fn panels(&self, workload: &WorkloadKey) -> Vec<PanelKey> {
        let known = self.store.kube.workloads.get(workload);
        let service = binding(workload, known.and_then(|known| known.app.as_ref()), self.settings);
        service.into_iter().flat_map(|service| &service.panels).take(MOST_PANELS).cloned().collect()
    }

    fn blocked(&self, plan: &Plan) -> Option<Clean> {
        // What is sent at once has no dialog: then nothing is there to be shown.
        let is_shown = !matches!(self.request, Request::Acknowledge { .. });
        let shown = if is_shown { ". This is what would be done" } else { "" };
        for step in &plan.steps {
            let StepKind::Write(write) = &step.kind else { continue };
            let backend = write.backend();
            if let Some(why) = self.settings.read_only_reason(backend) {
                return Some(say!("read-only: {why}{shown}"));
            }
            if !self.evidence.writable.contains(backend) {
                return Some(say!("'{backend}' cannot be written to from here{shown}"));
            }
        }
        self.evidence.audit.as_ref().err().map(|why| say!("the audit file cannot be written ({why}): nothing is sent"))
    }
}

pub(super) const SEVERITIES: usize = 5;

/// STOP, LOOK, pending, not checked, ok.
pub(super) fn severity(result: &CheckResult) -> u8 {
    match result {
        CheckResult::Stop(_) => 0,
        CheckResult::Look(_) => 1,
        CheckResult::Pending => 2,
        CheckResult::NotChecked(_) => 3,
        CheckResult::Ok(_) => 4,
    }
}

impl Plan {
    /// The steps, each with the number by which it is called.
    pub fn numbered_steps(&self) -> impl Iterator<Item = (usize, &PlanStep)> {
        (first_number(self.steps.first().map(|step| &step.says))..).zip(&self.steps)
    }

    pub fn stops(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.result, CheckResult::Stop(_)))
    }

    pub fn is_pending(&self) -> bool {
        self.checks.iter().any(|check| check.result == CheckResult::Pending)
    }

    /// Sets the risk by what stands in the checks: production asks for `accepts`, a STOP for the full name.
    pub(super) fn weigh(&mut self, is_production: bool, accepts: Vec<Clean>, name: &str) {
        self.production = is_production;
        (self.risk, self.accepts) = if self.stops().next().is_some() {
            (Risk::Stopped, vec![Clean::line(name)])
        } else if is_production {
            (Risk::Production, accepts)
        } else {
            (Risk::Reversible, Vec::new())
        };
    }

    /// As [`Self::weigh`], of a workload: a run that is stopped for it weighs as what it deploys to.
    pub(super) fn weigh_beside(&mut self, make: &Make<'_>, key: &WorkloadKey, accepts: Vec<Clean>, name: &str) {
        let is_production = make.settings.is_production(&key.cluster);
        let stops = |step: &PlanStep| matches!(step.kind, StepKind::Write(Write::CancelRun { .. }));
        let is_heavy = self.steps.iter().any(stops) && checks::stops_production(make, key);
        self.weigh(is_production || is_heavy, accepts, name);
        self.production = is_production;
    }
}

#[cfg(test)]
mod tests;
