//! The plan of other limits for a container of a workload: its template is patched, and its pods are replaced.

use serde_json::Value;

use super::{
    Check, CheckResult, Limits, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::kubectl_on,
    history,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    resources::{self, Changed},
    rollback, stuck, template,
};
use crate::{
    model::kubernetes::{Manager, Pod, WorkloadKey, tag_of},
    text::quoted,
};

/// The template with other limits.
pub(super) fn target(inspection: &WorkloadInspection, limits: &Limits) -> Result<(Value, Changed), Refusal> {
    let spec = inspection.template.get("spec").cloned().unwrap_or_default();
    let changed = resources::changed(&spec, limits)?;
    let mut target = inspection.template.clone();
    target["spec"] = resources::with(&spec, changed.index, &changed.after);
    Ok((target, changed))
}

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey, limits: &Limits) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let workload = &inspection.workload;
    if workload.paused {
        let says = "it is paused, so no pod would get them: resume it first (x, resume)";
        return Err(Refusal(say!("{key}: {says}")));
    }
    let (target, changed) = target(inspection, limits)?;
    let Some(asked) = &inspection.resources else { return Err(Refusal("what it uses was not asked".into())) };
    let now = make.store.time_of(&key.cluster, make.now);
    let words = changed.words.join(", ");
    let mut plan = make.empty(say!("LIMITS {key}"), say!("{}/{}", key.cluster, key.namespace));
    let killed = oom(inspection, &limits.container);
    let subject = Subject { make, inspection, now };
    // Where a rollout is under way all come to the template's.
    let version = match template::images(&target).first() {
        Some((_, image)) if history::split(inspection).is_some() => tag_of(image),
        _ => "the same version",
    };
    plan.facts = vec![
        ("NOW".into(), say!("container '{}'{killed}", limits.container)),
        ("THEN".into(), say!("{words}; {version}, {}", subject.replaced())),
    ];
    plan.diff = template::diff(&inspection.template, &target, "live", "with other limits");
    plan.last_change = checks::last_change(inspection, now);
    plan.steps = steps(make, inspection, &target, &words);
    plan.checks = vec![
        subject.place(),
        subject.allowed(&inspection.may_patch, "patch"),
        owner(&subject),
        subject.nobody_else(false),
        subject.pipeline(false),
        subject.calm(),
        subject.capacity(&target),
        subject.stuck(&target, &plan),
        subject.fresh(&plan),
        subject.downtime(),
    ];
    plan.checks.extend(resources::checks(limits, &changed, asked)?);
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept::of(key, inspection.template.clone(), target));
    plan.undo = "U: back to the limits before".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    let values: Vec<String> = [("memory", &limits.memory), ("cpu", &limits.cpu)]
        .into_iter()
        .filter_map(|(resource, value)| Some(format!("{resource}={}", value.as_ref()?)))
        .collect();
    let container = quoted(&limits.container);
    plan.equivalent =
        vec![say!("{kubectl} set resources {object} -c {container} --limits={}", quoted(&values.join(",")))];
    let accepts = limits.memory.iter().chain(&limits.cpu).map(|value| say!("{value}")).collect();
    plan.weigh(make.settings.is_production(&key.cluster), accepts, &key.name);
    Ok(plan)
}

/// Helm puts nothing back until somebody upgrades: more memory may be had before that.
fn owner(subject: &Subject<'_>) -> Check {
    let workload = &subject.inspection.workload;
    match workload.managed_by.first() {
        Some(Manager::Helm { release, .. }) => {
            let says = say!(
                "of Helm release '{release}': the next upgrade brings the old limit back. Put it in its values too"
            );
            checks::check("B4", "owner", CheckResult::Look(says))
        }
        _ => subject.owner(),
    }
}

/// When its container was last killed for want of memory.
fn oom(inspection: &WorkloadInspection, container: &str) -> String {
    let of = |pod: &&Pod| pod.containers.iter().any(|one| one.name == *container) && pod.last_oom().is_some();
    match inspection.pods.iter().filter(of).count() {
        0 => String::new(),
        killed => format!(", OOMKilled in {}", crate::text::counted(killed, "pod")),
    }
}

fn steps(make: &Make<'_>, inspection: &WorkloadInspection, target: &Value, words: &str) -> Vec<PlanStep> {
    let workload = &inspection.workload;
    let key = &workload.key;
    let cause = format!("midwatch: {words} by {}", make.settings.me);
    let write = Write::PatchTemplate {
        workload: key.clone(),
        uid: workload.uid.clone(),
        live: inspection.template.clone(),
        target: target.clone(),
        annotations: make.marks(inspection, cause),
    };
    let version = template::images(target).first().map_or("", |(_, image)| tag_of(image));
    let mut steps =
        vec![PlanStep::keep_evidence(key), PlanStep { says: say!("template: {words}"), kind: StepKind::Write(write) }];
    steps.extend(stuck::step(inspection, target));
    let hash = stuck::version(inspection, target).cloned();
    let wanted = WatchFor::of(key, workload.desired, version).told(hash, inspection);
    steps.push(PlanStep::watch(WatchFor { sets: Some(target.clone()), ..wanted }));
    steps
}
