//! The plan of a restart: the template's restart mark is set, and its pods are replaced one after the other.

use super::{
    CheckResult, Write,
    checks::{self, Subject},
    equivalent::kubectl_on,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback, template,
};
use crate::model::{
    Name,
    kubernetes::{RolloutState, WorkloadKey, tag_of},
};

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let workload = &inspection.workload;
    if workload.paused {
        return Err(Refusal(say!(
            "can't restart paused deployment (run `kubectl -n {} rollout resume {key}` first)",
            key.namespace
        )));
    }
    let now = make.store.time_of(&key.cluster, make.now);
    let mut plan = make.empty(say!("RESTART {key}"), say!("{}/{}", key.cluster, key.namespace));
    let image =
        template::images(&inspection.template).first().map_or_else(String::new, |(_, image)| (*image).to_owned());
    plan.facts = vec![
        (
            "NOW".into(),
            say!(
                "{}   {} of {} ready",
                crate::model::kubernetes::short_image(&image),
                workload.ready,
                workload.desired
            ),
        ),
        ("THEN".into(), "the same version, every pod replaced".into()),
    ];
    plan.last_change = checks::last_change(inspection, now);
    plan.steps = vec![
        PlanStep::keep_evidence(key),
        PlanStep {
            says: "set the restart mark in the template".into(),
            kind: StepKind::Write(Write::Restart {
                workload: key.clone(),
                uid: workload.uid.clone(),
                live: inspection.template.clone(),
                at: make.now.wall,
            }),
        },
        PlanStep::watch(WatchFor {
            workload: key.clone(),
            desired: workload.desired,
            version: Name::line(tag_of(&image)),
            hash: None,
            digest: None,
        }),
    ];
    let subject = Subject { make, inspection, now };
    let rollout = if workload.rollout.state == RolloutState::Progressing {
        CheckResult::Look(say!("a rollout is under way: {}", workload.rollout.words))
    } else {
        CheckResult::Ok("no rollout is under way".into())
    };
    let downtime = if workload.recreates {
        CheckResult::Look("strategy Recreate: all pods stop first".into())
    } else if workload.desired == 1 {
        CheckResult::Look("one replica: a moment of downtime".into())
    } else {
        CheckResult::Ok(say!("{} pods, one after the other", workload.desired))
    };
    plan.checks = vec![
        subject.place(),
        subject.allowed(&inspection.may_patch, "patch"),
        subject.nobody_else(false),
        subject.pipeline(false),
        checks::check("B7", "rollout", rollout),
        subject.capacity(&inspection.template),
        subject.fresh(&plan),
        checks::check("B15", "downtime", downtime),
    ];
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    let mut left = inspection.template.clone();
    // Whole seconds, as it is written.
    let at = jiff::Timestamp::from_second(make.now.wall.as_second()).unwrap_or(make.now.wall).to_string();
    template::mark_restart(&mut left, &at);
    plan.keeps = Some(Kept::of(key, inspection.template.clone(), left));
    plan.undo = "a restart is not undone: undoing it is one more restart".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![say!("{kubectl} rollout restart {object}")];
    plan.weigh(make.settings.is_production(&key.cluster), vec![key.name.clone()], &key.name);
    Ok(plan)
}
