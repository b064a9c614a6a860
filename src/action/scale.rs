//! The plan of a scale: a number of replicas, against the autoscaler and against zero.

use super::{
    Check, CheckResult, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::kubectl_on,
    history,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback, template,
};
use crate::{
    model::kubernetes::{Manager, WorkloadKey, WorkloadKind, tag_of},
    text::{Clean, counted},
};

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey, to: u32) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let (workload, from) = (&inspection.workload, inspection.workload.desired);
    if key.kind == WorkloadKind::DaemonSet {
        return Err(Refusal(say!("{key} is a DaemonSet: it has one pod per node and cannot be scaled")));
    }
    if from == to {
        return Err(Refusal(say!("{key} has {} already", counted(to as usize, "replica"))));
    }
    let is_production = make.settings.is_production(&key.cluster);
    let now = make.store.time_of(&key.cluster, make.now);
    let mut plan = make.empty(say!("SCALE {key} {from} -> {to}"), say!("{}/{}", key.cluster, key.namespace));
    let replicas = |number: u32| counted(number as usize, "replica");
    let split = history::split(inspection).map_or_else(String::new, |split| format!(": {split}"));
    plan.facts = vec![
        ("FROM".into(), say!("{}, {} ready{split}", replicas(from), workload.ready)),
        ("TO".into(), Clean::own(replicas(to))),
    ];
    plan.steps = steps(inspection, to);
    let subject = Subject { make, inspection, now };
    plan.checks = all_checks(&subject, to, &plan);
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps =
        Some(Kept { replicas: Some((from, to)), ..Kept::of(key, serde_json::Value::Null, serde_json::Value::Null) });
    plan.undo = say!("U: back to {}", replicas(from));
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![say!("{kubectl} scale {object} --current-replicas={from} --replicas={to}")];
    plan.weigh(is_production, vec![say!("{to}")], &key.name);
    Ok(plan)
}

/// Every check of another number, asked for or gone back to.
pub(super) fn all_checks(subject: &Subject<'_>, to: u32, plan: &Plan) -> Vec<Check> {
    let inspection = subject.inspection;
    let mut all = vec![
        subject.place(),
        subject.allowed(&inspection.may_scale, "scale"),
        subject.nobody_else(false),
        checks::check("B7", "number", number(subject, to)),
        checks::check("B12", "autoscaler", scaler(inspection, to)),
        subject.fresh(plan),
    ];
    all.extend(others(subject, to));
    all.extend(subject.warnings());
    all
}

/// What fewer pods, or more, mean.
fn number(subject: &Subject<'_>, to: u32) -> CheckResult {
    let (key, from) = (&subject.inspection.workload.key, subject.inspection.workload.desired);
    match (to, key.kind) {
        (0, WorkloadKind::StatefulSet) => {
            CheckResult::Stop("no pod of a StatefulSet is left: its data is served by nobody".into())
        }
        (0, _) if subject.make.settings.is_production(&key.cluster) => {
            CheckResult::Stop("no pod is left: this takes it out of production".into())
        }
        (0, _) => CheckResult::Look("no pod is left".into()),
        _ if to < from => {
            CheckResult::Look(say!("the same traffic on {} instead of {from}", counted(to as usize, "pod")))
        }
        _ if key.kind == WorkloadKind::StatefulSet => {
            CheckResult::Look("each pod more of a StatefulSet brings its own volume".into())
        }
        _ => CheckResult::Ok(say!("{} more", counted(to.saturating_sub(from) as usize, "pod"))),
    }
}

/// Who may set another number, and room for pods more.
fn others(subject: &Subject<'_>, to: u32) -> Vec<Check> {
    let more = to.saturating_sub(subject.inspection.workload.desired);
    let room = (more > 0).then(|| subject.capacity_for(more));
    [checks::check("B4", "owner", owner(subject.inspection)), subject.pipeline(false)].into_iter().chain(room).collect()
}

fn owner(inspection: &WorkloadInspection) -> CheckResult {
    match inspection.workload.managed_by.first() {
        None => CheckResult::Ok("not Argo, Flux or Helm: nobody sets it back".into()),
        Some(owner @ Manager::Helm { .. }) => {
            CheckResult::Look(say!("owned by {owner}: its next upgrade sets the chart's number"))
        }
        Some(owner @ Manager::Controller { .. }) => {
            CheckResult::Look(say!("owned by {owner}, which may set its own number: scale that one"))
        }
        Some(owner) => CheckResult::Look(say!("owned by {owner}: if git names the replicas, it sets them back")),
    }
}

/// What the autoscaler makes of another number.
pub(super) fn scaler(inspection: &WorkloadInspection, to: u32) -> CheckResult {
    match &inspection.autoscaler {
        Ok(Some(scaler)) if let Some(keda) = &scaler.keda => CheckResult::Look(say!(
            "KEDA's ScaledObject '{keda}' (HPA {scaler}) sets its own number within seconds: annotate it \
             `autoscaling.keda.sh/paused-replicas={to}` instead"
        )),
        Ok(Some(scaler)) if to == 0 => {
            CheckResult::Look(say!("0 switches the autoscaler '{}' off until it is scaled up by hand", scaler.name))
        }
        Ok(Some(scaler)) if !(scaler.min..=scaler.max).contains(&to) => CheckResult::Stop(say!(
            "the autoscaler '{}' keeps {} to {}: {to} is never reached. Change its bounds instead",
            scaler.name,
            scaler.min,
            scaler.max
        )),
        Ok(Some(scaler)) => CheckResult::Look(say!(
            "the autoscaler '{}' ({}-{}) sets its own number within seconds: change its minimum instead",
            scaler.name,
            scaler.min,
            scaler.max
        )),
        Ok(None) => CheckResult::Ok("no autoscaler".into()),
        Err(why) => CheckResult::Look(say!("whether an autoscaler sets its own number could not be read: {why}")),
    }
}

/// Sets the number, then looks until as many are ready; nothing is looked for where none is wanted. Pods that go take their
/// logs with them.
pub(super) fn steps(inspection: &WorkloadInspection, to: u32) -> Vec<PlanStep> {
    let workload = &inspection.workload;
    let from = workload.desired;
    let sent = Write::Scale { workload: workload.key.clone(), uid: workload.uid.clone(), from, to };
    let mut steps: Vec<PlanStep> = (to < from).then(|| PlanStep::keep_evidence(&workload.key)).into_iter().collect();
    steps.push(PlanStep { says: say!("replicas {from} -> {to}"), kind: StepKind::Write(sent) });
    if to > 0 {
        // Pods of every version there is count.
        let version = match history::split(inspection) {
            Some(_) => "",
            None => template::images(&inspection.template).first().map_or("", |(_, image)| tag_of(image)),
        };
        steps.push(PlanStep::watch(WatchFor { is_scale: true, ..WatchFor::of(&workload.key, to, version) }));
    }
    steps
}
