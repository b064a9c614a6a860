//! Evidence: what was asked live for one request, all of it before its plan is made. Plans read nothing else that could
//! be out of date, apart from what the store says about freshness and bindings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    ActionError, Found, Inspection, Request, RunInspection, WorkloadInspection, Write,
    audit::PastAct,
    canary, checks,
    executor::Executor,
    gitops, helm, history,
    jobs::JobInspection,
    limits, object,
    plan::{Kept, PlanStep, StepKind},
    record::Record,
    registry, resize, restart, scale, stuck, template,
};
use crate::{
    app::settings::{ServiceBinding, Settings},
    model::{
        BackendId, Name,
        code::RunKey,
        jenkins::JenkinsJob,
        kubernetes::{Manager, Workload, WorkloadKey},
    },
    store::Store,
    text::Clean,
};

/// What the engine found out for a request.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// When it was begun to be asked for, by our wall clock.
    pub asked: Timestamp,
    pub subject: Inspection,
    /// Deploying runs that go on beside it.
    pub races: Vec<(RunKey, Result<RunInspection, Clean>)>,
    /// The run that deployed what is live, as it ended.
    pub made: Option<Result<RunInspection, Clean>>,
    /// The server's word on each write, kept nothing of (`dryRun=All`). `None`: it cannot be asked.
    pub rehearsals: Vec<(Write, Option<Result<Clean, ActionError>>)>,
    /// The server's word on a pod of each template that may be gone back to.
    pub pods: Vec<(Value, Result<Vec<Clean>, ActionError>)>,
    /// The other workloads of a Helm release that goes back, each with what was asked of it alone.
    pub members: Vec<(WorkloadKey, Result<Box<Self>, Clean>)>,
    /// How earlier versions did.
    pub record: Record,
    /// A registry's word on each image that may be gone back to. Those of no configured registry are left out.
    pub registry: Vec<registry::Asked>,
    /// The jobs that may carry a rollback out.
    pub jobs: Vec<(JenkinsJob, Result<JobInspection, Clean>)>,
    /// Acts on the same thing from the audit, newest first.
    pub acts: Result<Vec<PastAct>, Clean>,
    /// Of an undo: what is undone.
    pub undoing: Option<Undoing>,
    /// Backends that have an operator.
    pub writable: BTreeSet<BackendId>,
    /// The audit can be appended to.
    pub audit: Result<(), Clean>,
}

/// An act to be undone, with what was kept for it.
#[derive(Clone, Debug)]
pub struct Undoing {
    pub act: PastAct,
    pub kept: Option<Kept>,
    /// What was sent last, if no answer to it is known.
    pub reread: Option<Reread>,
}

/// What was read again of a step whose answer nobody knows.
#[derive(Clone, Debug)]
pub struct Reread {
    pub step: Clean,
    /// `Err`: why it cannot be known.
    pub found: Result<Found, Clean>,
}

impl Reread {
    pub fn says(&self) -> Clean {
        let step = &self.step;
        match &self.found {
            Ok(Found::InForce(done)) => say!("'{step}' had no answer; read again just now: {}", done.says),
            Ok(Found::Failed(says)) => say!("'{step}' had no answer; read again just now: it failed: {says}"),
            Ok(Found::InPart(says)) => {
                say!("'{step}' had no answer; read again just now: {says}. What of it was applied is not known")
            }
            Ok(Found::Missing(says)) => {
                say!("'{step}' had no answer; read again just now: {says}. It did not arrive, or was taken back since")
            }
            Err(why) => say!("'{step}' had no answer; whether it arrived cannot be known: {why}"),
        }
    }

    /// It is not in force, as far as can be read. Of what failed some may be.
    pub const fn is_missing(&self) -> bool {
        matches!(self.found, Ok(Found::Missing(_)))
    }
}

impl Evidence {
    /// Nothing but its subject.
    pub fn of(subject: Inspection, asked: Timestamp) -> Self {
        Self {
            asked,
            subject,
            races: Vec::new(),
            made: None,
            rehearsals: Vec::new(),
            pods: Vec::new(),
            members: Vec::new(),
            record: Record::default(),
            registry: Vec::new(),
            jobs: Vec::new(),
            acts: Ok(Vec::new()),
            undoing: None,
            writable: BTreeSet::new(),
            audit: Ok(()),
        }
    }

    /// Revisions (by name) that somebody rolled away from, and nobody back to, by the audit.
    pub(super) fn known_bad(&self) -> BTreeSet<Name> {
        history::known_bad(self.acts.as_deref().unwrap_or_default())
    }

    /// The server's word on a pod of this template, if it was asked.
    pub(super) fn pod_of(&self, template: &Value) -> Option<&Result<Vec<Clean>, ActionError>> {
        self.pods.iter().find(|(asked, _)| template::is_same(asked, template)).map(|(_, said)| said)
    }

    /// The rehearsal of this write, if it was asked.
    pub(super) fn rehearsed(&self, write: &Write) -> Option<&Option<Result<Clean, ActionError>>> {
        self.rehearsals.iter().find(|(asked, _)| is_same_write(asked, write)).map(|(_, said)| said)
    }
}

/// Annotations and times do not matter to the server's answer.
fn is_same_write(one: &Write, other: &Write) -> bool {
    match (one, other) {
        (Write::PatchTemplate { live, target, .. }, Write::PatchTemplate { live: l, target: t, .. }) => {
            live == l && target == t
        }
        (Write::Restart { live, .. }, Write::Restart { live: l, .. }) => live == l,
        (Write::SwitchSync { owner, spec, to, .. }, Write::SwitchSync { owner: o, spec: s, to: t, .. }) => {
            owner == o && spec == s && to == t
        }
        (Write::SyncTo { owner, sync, .. }, Write::SyncTo { owner: o, sync: s, .. }) => owner == o && sync == s,
        _ => one == other,
    }
}

/// Writes that should be rehearsed for a request, and the templates of which a pod should be: which executor carries it out,
/// and so to which template, is the plan's to choose.
pub(super) fn drafts(
    request: &Request,
    evidence: &Evidence,
    beside: &Beside,
    now: Timestamp,
) -> (Vec<Write>, Vec<(WorkloadKey, Value)>) {
    let none = Vec::new;
    let inspection = match (&evidence.subject, request) {
        (Inspection::Workload(inspection), _) => inspection,
        (Inspection::Object(found), Request::Object { act, .. }) => return (vec![object::write(found, *act)], none()),
        (Inspection::Object(found), Request::Undo { .. }) => {
            let undone = evidence.undoing.as_ref().and_then(|undoing| object::inverse(&undoing.act.request));
            return (undone.map(|(_, act)| object::write(found, act)).into_iter().collect(), none());
        }
        (Inspection::Pod(found), Request::Resize { limits, .. }) => {
            return (resize::draft(found, limits).into_iter().collect(), none());
        }
        (Inspection::Pod(found), Request::Undo { .. }) => {
            let kept = evidence.undoing.as_ref().and_then(|undoing| undoing.kept.as_ref());
            return (kept.and_then(|kept| resize::draft_back(found, kept)).into_iter().collect(), none());
        }
        _ => return (Vec::new(), none()),
    };
    let (workload, uid) = (inspection.workload.key.clone(), inspection.workload.uid.clone());
    let to_template = |target: Value| {
        let write = Write::PatchTemplate {
            workload: workload.clone(),
            uid: uid.clone(),
            live: inspection.template.clone(),
            target: target.clone(),
            annotations: BTreeMap::new(),
        };
        (vec![write], vec![(workload.clone(), target)])
    };
    match request {
        Request::RollBack { to, .. } if canary::is_taken_away(inspection, *to) => {
            (writes_of(&scale::steps(inspection, 0)), none())
        }
        Request::RollBack { .. } | Request::Undo { .. } if let Some(goal) = helm::goal(request, evidence) => {
            let (mut writes, mut pods) = helm::drafts(evidence, inspection, goal);
            let back = match request {
                Request::RollBack { to, .. } if beside.by_revision() => {
                    history::target(inspection, evidence, *to, now).ok()
                }
                _ => None,
            };
            let Some(back) = back else { return (writes, pods) };
            let (patch, own) = to_template(back.template.clone());
            if beside.patches {
                writes.extend(patch);
                writes.extend(stuck::write(inspection, &back.template));
            }
            if !pods.iter().any(|(_, template)| template::is_same(template, &back.template)) {
                pods.extend(own);
            }
            (writes, pods)
        }
        // No revision to go back to: the plan says so.
        Request::RollBack { .. } if matches!(inspection.release, Some(Ok(_))) && !beside.by_revision() => {
            (Vec::new(), none())
        }
        Request::RollBack { to, .. } => match history::target(inspection, evidence, *to, now) {
            Ok(target) => {
                let route = gitops::route(inspection, target);
                let (patch, pods) = to_template(target.template.clone());
                let mut writes = route.writes(&Clean::default());
                writes.extend(canary::abort(inspection));
                if route.patches() || beside.patches {
                    writes.extend(patch);
                    writes.extend(stuck::write(inspection, &target.template));
                }
                (writes, pods)
            }
            Err(_) => (Vec::new(), none()),
        },
        Request::ResumeSync { .. } => {
            let kept = evidence.undoing.as_ref().and_then(|undoing| undoing.kept.as_ref());
            (gitops::resumes(inspection, kept, &Clean::default()), none())
        }
        Request::Restart { .. } => {
            let waited_for = stuck::write(inspection, &restart::target(inspection, now));
            let by = Clean::default();
            let write = Write::Restart { workload, uid, live: inspection.template.clone(), at: now, by };
            ([write].into_iter().chain(waited_for).collect(), none())
        }
        Request::Limits { limits, .. } => match limits::target(inspection, limits) {
            Ok((target, _)) => {
                let waited_for = stuck::write(inspection, &target);
                let (mut writes, pods) = to_template(target);
                writes.extend(waited_for);
                (writes, pods)
            }
            Err(_) => (Vec::new(), none()),
        },
        Request::Scale { replicas, .. } => {
            (vec![Write::Scale { workload, uid, from: inspection.workload.desired, to: *replicas }], none())
        }
        Request::Undo { .. } => match evidence.undoing.as_ref().and_then(|undoing| undoing.kept.as_ref()) {
            Some(Kept { replicas: Some((from, to)), .. }) => {
                (vec![Write::Scale { workload, uid, from: *to, to: *from }], none())
            }
            Some(Kept { release: Some(_), .. }) => (Vec::new(), none()),
            Some(kept) => {
                // Owners that cannot be read: the plan says so.
                let Ok(back) = gitops::Back::of(inspection, kept) else { return (Vec::new(), none()) };
                let mut writes = back.before(&Clean::default());
                writes.extend(back.after(&Clean::default()));
                writes.extend(canary::abort(inspection));
                let (patch, pods) = to_template(kept.before.clone());
                // What was never patched is not patched back.
                if !back.syncs() && !template::is_same(&inspection.template, &kept.before) {
                    writes.extend(patch);
                    writes.extend(stuck::write(inspection, &kept.before));
                }
                (writes, pods)
            }
            None => (Vec::new(), none()),
        },
        _ => (Vec::new(), none()),
    }
}

fn writes_of(steps: &[PlanStep]) -> Vec<Write> {
    let writes = steps.iter().filter_map(|step| match &step.kind {
        StepKind::Write(write) => Some(write.clone()),
        _ => None,
    });
    writes.collect()
}

/// What must be looked at beside a request, as far as the settings and the store tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// Deploys that go on of the same workload, or of what goes back with it.
    pub runs: Vec<RunKey>,
    /// The run that deployed what is live.
    pub made: Option<RunKey>,
    /// Its `[[service]]` names `patch` among those who roll it back.
    pub patches: bool,
    /// It names a workflow or a job.
    pub starts: bool,
    /// The jobs that it names.
    pub jobs: Vec<JenkinsJob>,
    /// How its earlier versions did.
    pub record: Record,
}

impl Beside {
    /// Somebody may take it back to a revision of the cluster's, though it is of a Helm release.
    pub(super) fn by_revision(&self) -> bool {
        self.patches || self.starts
    }
}

/// The workload that a request takes from one version to another. An undo is of what an act before it did; `of`: what the act
/// of this number was asked to do.
pub fn changed<'a>(
    request: &'a Request,
    number: u64,
    of: &impl Fn(u64) -> Option<&'a Request>,
) -> Option<&'a WorkloadKey> {
    match request {
        Request::RollBack { workload, .. } | Request::Limits { workload, .. } => Some(workload),
        // Always of an earlier one: this ends.
        Request::Undo { act } if *act < number => changed(of(*act)?, *act, of),
        _ => None,
    }
}

/// What must be looked at beside a request. `undone`: the workload that an undo changes, which goes back like another.
pub fn beside(request: &Request, undone: Option<&WorkloadKey>, store: &Store, settings: &Settings) -> Beside {
    let (workload, goes_back) = match (request, undone) {
        (Request::RollBack { workload, .. }, _) | (Request::Undo { .. }, Some(workload)) => (workload, true),
        (Request::Restart { workload }, _) => (workload, false),
        _ => return Beside::default(),
    };
    let known = store.kube.workloads.get(workload);
    let app = known.and_then(|known| known.app.as_ref());
    let executors = binding(workload, app, settings).map(|service| &*service.rollback).unwrap_or_default();
    let release = known.and_then(|known| known.managed_by.first()).filter(|by| matches!(by, Manager::Helm { .. }));
    let release = release.filter(|_| goes_back);
    let goes_too = |other: &&Workload| {
        other.key != *workload
            && other.key.cluster == workload.cluster
            && release.is_some_and(|release| other.managed_by.first() == Some(release))
    };
    let mut all = vec![(workload, app)];
    let others = store.kube.workloads.values().map(|other| &**other).filter(goes_too);
    all.extend(others.map(|other| (&other.key, other.app.as_ref())));
    let runs = store
        .runs
        .values()
        .filter(|run| run.deploys && !run.state.is_finished())
        .filter(|run| all.iter().any(|(key, app)| feeds(&run.key.repo.name, Some(&run.path), key, *app, settings)))
        .map(|run| run.key.clone())
        .collect();
    let starts = executors.iter().any(|executor| matches!(executor, Executor::Workflow(_) | Executor::Job(_)));
    let is_rollback = matches!(request, Request::RollBack { .. });
    let jobs = executors.iter().filter_map(Executor::job).filter(|_| is_rollback).cloned().collect();
    let record = if goes_back { Record::of(workload, store, settings) } else { Record::default() };
    let made = if goes_back { checks::deployed_by(workload, store, settings) } else { None };
    Beside { runs, made, patches: executors.contains(&Executor::Patch), starts, jobs, record }
}

/// The binding of a workload: its `[[service]]`, else the one of its name or app label.
pub(super) fn binding<'a>(
    workload: &WorkloadKey,
    app: Option<&Name>,
    settings: &'a Settings,
) -> Option<&'a ServiceBinding> {
    settings
        .service_of(workload)
        .or_else(|| settings.service_named(&workload.name).filter(|service| service.workload.is_none()))
        .or_else(|| app.and_then(|app| settings.service_named(app)).filter(|service| service.workload.is_none()))
}

/// Whether a repository feeds the workload: by its binding, else by the repository's name. `path`: by this workflow of it.
pub(super) fn feeds(
    repo: &str,
    path: Option<&str>,
    workload: &WorkloadKey,
    app: Option<&Name>,
    settings: &Settings,
) -> bool {
    let last = repo.rsplit('/').next().unwrap_or(repo);
    match binding(workload, app, settings).filter(|service| service.repository.is_some()) {
        Some(service) => {
            let is_file = |path: &str| {
                let is_it = |own: &String| path == own || path.ends_with(&format!("/{own}"));
                service.workflows.is_empty() || service.workflows.iter().any(is_it)
            };
            service.repository.as_ref().is_some_and(|own| own == repo) && path.is_none_or(is_file)
        }
        None => workload.name == last || app.is_some_and(|app| app == last),
    }
}

/// Workloads that a repository feeds.
pub(super) fn fed_by<'a>(repo: &str, store: &'a Store, settings: &Settings) -> Vec<&'a Workload> {
    let all = store.kube.workloads.values().map(|workload| &**workload);
    all.filter(|workload| feeds(repo, None, &workload.key, workload.app.as_ref(), settings)).collect()
}

impl WorkloadInspection {
    /// The revision that is live.
    pub(super) fn live(&self) -> Option<&crate::model::kubernetes::Revision> {
        self.revisions.iter().find(|revision| revision.is_live)
    }

    /// The hashes of all versions that are known.
    pub(super) fn hashes(&self) -> BTreeSet<Name> {
        let kept = self.revisions.iter().filter_map(|revision| revision.hash.clone());
        kept.chain(self.pods.iter().filter_map(|pod| pod.hash.clone())).collect()
    }
}
