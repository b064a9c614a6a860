//! The plan of a restart: the template's restart mark is set, and its pods are replaced one after the other.

use super::{
    CheckResult, Write,
    checks::{self, Subject},
    equivalent::{argo_rollouts, kubectl_on, resume_line},
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback, template,
};
use crate::model::kubernetes::{RolloutState, WorkloadKey, WorkloadKind, tag_of};

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let workload = &inspection.workload;
    if workload.paused {
        let resume = resume_line(make.settings, key);
        return Err(Refusal(say!("can't restart paused {} (run `{resume}` first)", key.kind.name())));
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
    // Whole seconds, as it is written.
    let at = jiff::Timestamp::from_second(make.now.wall.as_second()).unwrap_or(make.now.wall);
    let is_argo = key.kind == WorkloadKind::Rollout;
    plan.steps = vec![
        PlanStep::keep_evidence(key),
        PlanStep {
            says: if is_argo { "set its restart time".into() } else { "set the restart mark in the template".into() },
            kind: StepKind::Write(Write::Restart {
                workload: key.clone(),
                uid: workload.uid.clone(),
                live: inspection.template.clone(),
                at: make.now.wall,
            }),
        },
        PlanStep::watch(WatchFor {
            since: is_argo.then_some(at),
            ..WatchFor::of(key, workload.desired, tag_of(&image))
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
    if !is_argo {
        template::mark_restart(&mut left, &at.to_string());
    }
    plan.keeps = Some(Kept::of(key, inspection.template.clone(), left));
    plan.undo = "a restart is not undone: undoing it is one more restart".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![if is_argo {
        argo_rollouts(make.settings, key, "restart", "")
    } else {
        say!("{kubectl} rollout restart {object}")
    }];
    plan.weigh(make.settings.is_production(&key.cluster), vec![key.name.clone()], &key.name);
    Ok(plan)
}
