//! The plan of a restart: the template's restart mark is set, and its pods are replaced one after the other.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Request, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::{argo_rollouts, kubectl_on, resume_line},
    history,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback, stuck, template,
};
use crate::model::kubernetes::{WorkloadKey, WorkloadKind, short_image, tag_of};

/// The template that a restart leaves. Of an Argo Rollout it stays.
pub(super) fn target(inspection: &WorkloadInspection, at: Timestamp) -> Value {
    let mut target = inspection.template.clone();
    if inspection.workload.key.kind != WorkloadKind::Rollout {
        template::mark_restart(&mut target, &at.to_string());
    }
    target
}

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
    let subject = Subject { make, inspection, now };
    let is_argo = key.kind == WorkloadKind::Rollout;
    let split = history::split(inspection);
    let runs = split.clone().unwrap_or_else(|| short_image(&image).to_owned());
    // A rollback that is not wholly sent leads away from what is live now.
    let leads = make.evidence.acts.iter().flatten().find_map(|act| {
        let is_sent = act.outcome.is_none() && matches!(act.request, Request::RollBack { .. });
        let (_, version) = act.title.rsplit_once(" -> ").filter(|_| is_sent)?;
        Some(format!("{version} once act {} has written it", act.number))
    });
    let then = match (leads, &split) {
        (Some(leads), _) => leads,
        (None, None) => "the same version".to_owned(),
        // Argo Rollouts leaves each pod its version.
        (None, Some(_)) if is_argo => "each on its own version".to_owned(),
        (None, Some(_)) => tag_of(&image).to_owned(),
    };
    plan.facts = vec![
        ("NOW".into(), say!("{runs}   {} of {} ready", workload.ready, workload.desired)),
        ("THEN".into(), say!("{then}, {}", subject.replaced())),
    ];
    plan.last_change = checks::last_change(inspection, now);
    // Whole seconds of the cluster's clock, as it is written: its controller compares it with when pods were made.
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let target = target(inspection, at);
    plan.steps = vec![
        PlanStep::keep_evidence(key),
        PlanStep {
            says: if is_argo { "set its restart time".into() } else { "set the restart mark in the template".into() },
            kind: StepKind::Write(Write::Restart {
                workload: key.clone(),
                uid: workload.uid.clone(),
                live: inspection.template.clone(),
                at: now,
                by: make.settings.me.clone(),
            }),
        },
    ];
    plan.steps.extend(stuck::step(inspection, &target));
    let version = if is_argo && split.is_some() { "" } else { tag_of(&image) };
    let wanted = WatchFor { sets: Some(target.clone()), ..WatchFor::of(key, workload.desired, version) };
    plan.steps.push(PlanStep::watch(if is_argo {
        WatchFor { since: Some(at), ..wanted }
    } else {
        // Its version has a mark that none had before: whatever its pods are of now is old.
        WatchFor { others: inspection.hashes(), ..wanted }
    }));
    plan.checks = vec![
        subject.place(),
        subject.allowed(&inspection.may_patch, "patch"),
        subject.nobody_else(false),
        subject.pipeline(false),
        subject.calm(),
        subject.capacity(&inspection.template),
        subject.stuck(&target, &plan),
        subject.fresh(&plan),
        subject.downtime(),
    ];
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept::of(key, inspection.template.clone(), target.clone()));
    plan.undo = "a restart is not undone: undoing it is one more restart".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![if is_argo {
        argo_rollouts(make.settings, key, "restart", "")
    } else {
        say!("{kubectl} rollout restart {object}")
    }];
    plan.equivalent.extend(stuck::line(make.settings, inspection, &target));
    plan.weigh(make.settings.is_production(&key.cluster), vec![key.name.clone()], &key.name);
    Ok(plan)
}
