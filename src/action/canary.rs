//! Canaries in a rollback: what is aborted first, what will be tried anew, and the plain one whose pods are taken away.

use jiff::Timestamp;

use super::{
    Check, CheckResult, WorkloadInspection, Write,
    checks::{self, Subject},
    equivalent::{argo_rollouts, kubectl_on},
    history,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback, scale, template,
};
use crate::{
    app::settings::Settings,
    model::{
        Name,
        kubernetes::{
            Revision, WorkloadKey, WorkloadKind,
            canary::{Canary, Flagger},
            tag_of,
        },
    },
    text::{Clean, counted},
};

fn of(inspection: &WorkloadInspection) -> Option<&Canary> {
    inspection.canary.as_ref().ok().and_then(Option::as_ref)
}

/// Why there is no template here to roll back.
pub(super) fn refusal(inspection: &WorkloadInspection) -> Option<Refusal> {
    let Some(Canary::Elsewhere { kind, name }) = of(inspection) else { return None };
    let key = &inspection.workload.key;
    Some(Refusal(say!("the template of {key} is that of {kind} '{name}' (spec.workloadRef): roll that one back")))
}

/// The version that serves while another one is tried: what its controller itself would go back to.
pub(super) fn stable(inspection: &WorkloadInspection) -> Option<&Revision> {
    let Some(Canary::Rollout { stable, .. }) = of(inspection) else { return None };
    inspection.revisions.iter().find(|revision| revision.hash.as_ref() == Some(stable))
}

/// Argo Rollouts' update is ended before the template goes back: the stable version has all of the traffic at once.
pub(super) fn abort(inspection: &WorkloadInspection) -> Option<Write> {
    match of(inspection)? {
        Canary::Rollout { current, is_aborted: false, may_abort, .. } if *may_abort != Ok(false) => {
            Some(Write::AbortRollout {
                workload: inspection.workload.key.clone(),
                uid: inspection.workload.uid.clone(),
                hash: current.clone(),
            })
        }
        _ => None,
    }
}

pub(super) fn abort_step(inspection: &WorkloadInspection) -> Option<PlanStep> {
    let says = "abort the update: the stable version serves".into();
    abort(inspection).map(|write| PlanStep { says, kind: StepKind::Write(write) })
}

fn is_abort(step: &PlanStep) -> bool {
    matches!(step.kind, StepKind::Write(Write::AbortRollout { .. }))
}

/// The line that does the same as the abort.
pub(super) fn abort_line(make: &Make<'_>, inspection: &WorkloadInspection) -> Option<Clean> {
    abort(inspection).map(|_| argo_rollouts(make.settings, &inspection.workload.key, "abort", ""))
}

/// What tries the version that this goes back to, before everybody has it. `plan`: with its steps.
pub(super) fn check(subject: &Subject<'_>, target: &Revision, plan: &Plan) -> Option<Check> {
    let (inspection, settings) = (subject.inspection, subject.make.settings);
    let key = &inspection.workload.key;
    let says = match (&inspection.canary, key.kind) {
        (Err(why), _) => CheckResult::Look(say!("not checked: whether it has a canary could not be read: {why}")),
        (Ok(Some(Canary::Rollout { stable, at, is_aborted, may_abort, .. })), _) => {
            let until = match (is_aborted, may_abort) {
                (true, _) => "its update is aborted already".to_owned(),
                (false, _) if plan.steps.iter().any(is_abort) => format!("its update ({at}) is aborted first"),
                (false, Ok(false)) => "you may not abort its update (`patch rollouts/status`)".to_owned(),
                (false, _) => format!("its update ({at}) is not aborted first"),
            };
            if target.hash.as_ref() == Some(stable) {
                CheckResult::Look(say!("{until}; rev {} is the stable version: no step is waited for", target.number))
            } else {
                CheckResult::Look(say!(
                    "{until}; rev {} is not the stable version: {}",
                    target.number,
                    by_steps(settings, key)
                ))
            }
        }
        (Ok(_), WorkloadKind::Rollout) => CheckResult::Look(say!("rev {} {}", target.number, by_steps(settings, key))),
        (Ok(Some(Canary::Flagger(flagger))), _) => by_flagger(flagger, target),
        (Ok(Some(Canary::Beside { stable, desired, ready })), _) => {
            CheckResult::Look(say!("a canary of {stable} ({ready} of {desired} ready)"))
        }
        (Ok(_), _) => return None,
    };
    Some(checks::check("B4", "canary", says))
}

fn by_steps(settings: &Settings, key: &WorkloadKey) -> String {
    let promote = argo_rollouts(settings, key, "promote", "--full");
    format!("goes out by its steps, pauses and all. To skip them: `{promote}`")
}

fn by_flagger(flagger: &Flagger, target: &Revision) -> CheckResult {
    let Flagger { name, phase, weight, primary, .. } = flagger;
    if flagger.is_suspended {
        return CheckResult::Stop(say!("Flagger's canary '{name}' is suspended: nothing would reach {primary}"));
    }
    if !flagger.serves.is_empty() && flagger.serves == target.images {
        let ends = if flagger.is_trying() {
            format!("; its analysis ({phase}, {weight} % of the traffic) goes on, with this version on both sides")
        } else {
            String::new()
        };
        return CheckResult::Look(say!(
            "{primary} serves these images: Flagger's canary '{name}' takes it for a rollback by hand and tries nothing anew{ends}"
        ));
    }
    let now = if flagger.is_trying() {
        format!("gives what runs here {weight} % of the traffic ({phase}): it starts anew, all goes to {primary}")
    } else {
        format!("({phase}) serves from {primary}")
    };
    let then = if flagger.skips_analysis {
        "promoted without analysis"
    } else {
        "analysed before it is promoted (`skipAnalysis: true` promotes at once)"
    };
    CheckResult::Look(say!("Flagger's canary '{name}' {now}; this version is {then}"))
}

/// Flagger is done when what serves runs the version, which is another Deployment, and no pod of what was tried is left: that
/// has a part of the traffic until then. Where the `image` is that of both versions, what serves is told by its age.
pub(super) fn watched(
    inspection: &WorkloadInspection,
    wanted: WatchFor,
    image: Option<&str>,
    now: Timestamp,
) -> WatchFor {
    let Some(Canary::Flagger(flagger)) = of(inspection) else { return wanted };
    let is_of_both = image.is_some_and(|image| inspection.workload.images.iter().any(|live| **live == *image));
    let serves = WatchFor {
        since: is_of_both.then_some(now),
        image: image.map(Clean::line),
        images: wanted.images.clone(),
        ..WatchFor::of(&flagger.primary, flagger.primary_desired, &wanted.version)
    };
    WatchFor { serves: Some(Box::new(serves)), ..wanted }
}

/// A plain canary is taken away: its pods go, and the Deployment beside it serves all.
pub(super) fn is_taken_away(inspection: &WorkloadInspection, to: Option<i64>) -> bool {
    to.is_none() && inspection.workload.desired > 0 && matches!(of(inspection), Some(Canary::Beside { .. }))
}

pub(super) fn take_away(make: &Make<'_>, key: &WorkloadKey) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let Some(Canary::Beside { stable, desired, ready }) = of(inspection) else {
        return Err(Refusal(say!("{key} is no canary")));
    };
    let now = make.store.time_of(&key.cluster, make.now);
    let from = inspection.workload.desired;
    let tag = template::images(&inspection.template).first().map_or("", |(_, image)| tag_of(image));
    let mut plan = make.empty(say!("TAKE CANARY {key} AWAY {from} -> 0"), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = vec![
        ("FROM".into(), say!("{tag}   {}, {} ready", counted(from as usize, "pod"), inspection.workload.ready)),
        ("TO".into(), say!("{stable} serves alone: {ready} of {desired} ready")),
    ];
    if let Some(live) = inspection.live() {
        plan.choices = history::choices(inspection, live, make.evidence, now);
    }
    plan.last_change = checks::last_change(inspection, now);
    plan.steps = scale::steps(inspection, 0);
    let subject = Subject { make, inspection, now };
    plan.checks = vec![
        subject.place(),
        subject.allowed(&inspection.may_scale, "scale"),
        checks::check("B4", "canary", stands(stable, *desired, *ready)),
        subject.owner(),
        subject.nobody_else(false),
        subject.pipeline(false),
        checks::check("B12", "autoscaler", scale::scaler(inspection, 0)),
        subject.fresh(&plan),
    ];
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept {
        replicas: Some((from, 0)),
        from_revision: inspection.live().map(|live| live.name.clone()),
        ..Kept::of(key, serde_json::Value::Null, serde_json::Value::Null)
    });
    plan.undo = say!("U: back to {}. left/right: its template instead", counted(from as usize, "pod"));
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![say!("{kubectl} scale {object} --current-replicas={from} --replicas=0")];
    let accepts: Vec<Name> = if tag.is_empty() { vec!["0".into()] } else { vec!["0".into(), Clean::line(tag)] };
    plan.weigh(make.settings.is_production(&key.cluster), accepts, &key.name);
    Ok(plan)
}

/// Whether the Deployment beside can serve alone.
fn stands(stable: &WorkloadKey, desired: u32, ready: u32) -> CheckResult {
    if ready == 0 {
        CheckResult::Stop(say!("no pod of {stable} is ready: nobody would serve"))
    } else if ready < desired {
        CheckResult::Look(say!("only {ready} of {desired} pods of {stable} are ready: they serve alone then"))
    } else {
        CheckResult::Ok(say!("{stable} serves alone then, {ready} of {desired} ready"))
    }
}
