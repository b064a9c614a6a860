//! Pods that are not ready hold up an `OrderedReady` StatefulSet: its controller waits for each of them before it goes on,
//! so a new template never reaches a broken one. They are deleted once it is set (kubernetes.io: "Forced rollback").

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    CheckResult, WorkloadInspection, Write,
    equivalent::kubectl_on,
    plan::{Plan, PlanStep, StepKind},
    template,
};
use crate::{
    app::settings::Settings,
    model::{Name, kubernetes::Pod},
    text::Clean,
};

/// The version that is wanted, if its revision is kept.
pub(super) fn version<'a>(inspection: &'a WorkloadInspection, target: &Value) -> Option<&'a Name> {
    inspection.revisions.iter().find(|revision| template::is_same(&revision.template, target))?.hash.as_ref()
}

/// What could not be read without which it is not known who waits for whom.
fn unread(inspection: &WorkloadInspection) -> Option<Clean> {
    inspection.unread.words().next()
}

/// Pods of other versions that are not ready, or are being replaced. Those below a partition come back as they were.
fn unsettled<'a>(inspection: &'a WorkloadInspection, target: &Value) -> Vec<&'a Pod> {
    let wanted = version(inspection, target);
    let is_unsettled = |pod: &&Pod| !pod.is_ready || pod.deleting_since.is_some();
    let is_other = |pod: &&Pod| pod.hash.is_some() && pod.hash.as_ref() != wanted;
    let is_known = inspection.is_ordered && unread(inspection).is_none();
    let of = inspection.pods.iter().filter(|pod| is_known && !pod.is_below(inspection.partition));
    of.filter(is_unsettled).filter(is_other).collect()
}

/// Names of the pods that its controller waits for, and that no template reaches.
fn held(inspection: &WorkloadInspection) -> Vec<Clean> {
    let below = inspection.pods.iter().filter(|pod| pod.is_below(inspection.partition));
    below.filter(|pod| !pod.is_ready && pod.deleting_since.is_none()).map(|pod| pod.key.name.clone()).collect()
}

/// Names of the pods that its controller waits for now.
fn names(inspection: &WorkloadInspection, target: &Value) -> Vec<Clean> {
    let pods = unsettled(inspection, target).into_iter().filter(|pod| pod.deleting_since.is_none());
    pods.map(|pod| pod.key.name.clone()).collect()
}

/// Which of the pods that have to go stay until somebody takes their finalizers off; empty: none.
fn staying(inspection: &WorkloadInspection, target: &Value) -> String {
    let words = |pod: &Pod| Some(format!("{} stays until these are done: {}", pod.key.name, pod.held_by()?));
    unsettled(inspection, target).into_iter().filter_map(words).collect::<Vec<_>>().join("; ")
}

/// Deletes them, whichever they are by then: while a rollout goes on, others come.
pub(super) fn write(inspection: &WorkloadInspection, target: &Value) -> Option<Write> {
    if inspection.may_delete_pods == Ok(false) || unsettled(inspection, target).is_empty() {
        return None;
    }
    let wanted = version(inspection, target);
    let others = inspection.revisions.iter().filter_map(|revision| revision.hash.clone());
    let of: BTreeSet<Name> = others.filter(|hash| Some(hash) != wanted).collect();
    let (workload, uid) = (inspection.workload.key.clone(), inspection.workload.uid.clone());
    (!of.is_empty()).then_some(Write::DeleteUnready { workload, uid, of })
}

pub(super) fn step(inspection: &WorkloadInspection, target: &Value) -> Option<PlanStep> {
    let now = names(inspection, target);
    let now = if now.is_empty() { "none now".to_owned() } else { listed(&now) };
    let says = say!("delete what is not ready and blocks its order: {now}");
    write(inspection, target).map(|write| PlanStep { says, kind: StepKind::Write(write) })
}

/// The line that does the same, for those of now.
pub(super) fn line(settings: &Settings, inspection: &WorkloadInspection, target: &Value) -> Option<Clean> {
    let (kubectl, _) = kubectl_on(settings, &inspection.workload.key);
    let now = names(inspection, target);
    (!now.is_empty()).then(|| say!("{kubectl} delete pod {}", spaced(&now)))
}

/// B13. `plan`: with its steps.
pub(super) fn check(settings: &Settings, inspection: &WorkloadInspection, target: &Value, plan: &Plan) -> CheckResult {
    let (now, held) = (names(inspection, target), held(inspection));
    let staying = staying(inspection, target);
    let also = if staying.is_empty() { String::new() } else { format!("; {staying}") };
    let is_delete = |step: &PlanStep| matches!(step.kind, StepKind::Write(Write::DeleteUnready { .. }));
    if !inspection.is_ordered {
        CheckResult::Ok("no pod waits for another".into())
    } else if let Some(unread) = unread(inspection) {
        CheckResult::NotChecked(say!("whether a broken pod blocks the order: {unread}"))
    } else if !held.is_empty() {
        CheckResult::Look(say!(
            "its controller waits for {}: not ready below the partition, where no template and no deletion mends it",
            listed(&held)
        ))
    } else if now.is_empty() && !staying.is_empty() {
        CheckResult::Look(say!("its controller waits for the end of what is deleted: {staying}"))
    } else if now.is_empty() {
        CheckResult::Ok("no broken pod blocks the order".into())
    } else if plan.steps.iter().any(is_delete) {
        let names = listed(&now);
        CheckResult::Look(say!(
            "its controller waits for broken pods, so a new template is not enough: {names} deleted after it{also}"
        ))
    } else {
        let why = if inspection.may_delete_pods == Ok(false) { ", and you may not delete pods" } else { "" };
        let line = line(settings, inspection, target).unwrap_or_default();
        CheckResult::Look(say!("its controller waits for {}{why}: `{line}` must follow{also}", listed(&now)))
    }
}

fn listed(names: &[Clean]) -> String {
    names.iter().map(Clean::as_str).collect::<Vec<_>>().join(", ")
}

/// As a command takes them.
fn spaced(names: &[Clean]) -> String {
    names.iter().map(Clean::as_str).collect::<Vec<_>>().join(" ")
}
