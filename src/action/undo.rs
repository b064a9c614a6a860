//! The plan that undoes an earlier act, from what the audit kept. It refuses when the live state is not what that act
//! left: somebody else has been there since.

use std::collections::BTreeMap;

use super::{
    CheckResult, Inspection, Request, WorkloadInspection, Write,
    act::Outcome,
    audit::PastAct,
    checks::{self, Subject},
    equivalent::kubectl_on,
    evidence::Undoing,
    gitops, object,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    resize, rollback, scale, template,
};
use crate::{
    model::kubernetes::{ACTOR, tag_of},
    text::Clean,
    time::age_of,
};

pub(super) fn plan(make: &Make<'_>, number: u64) -> Result<Plan, Refusal> {
    let Some(Undoing { act, kept }) = &make.evidence.undoing else {
        return Err(Refusal(say!("the audit has no act {number}")));
    };
    let nothing = match act.outcome {
        None | Some(Outcome::Running) => "has no outcome yet: look at what it left",
        Some(_) if !act.wrote => "changed nothing",
        // Of an unknown outcome, the live state tells: it is what the act leaves, or this is refused below.
        Some(_) => "",
    };
    if !nothing.is_empty() {
        return Err(Refusal(say!("act {number} '{}' {nothing}", act.title)));
    }
    if let Some((object, back)) = object::inverse(&act.request) {
        let mut plan = object::plan(make, object, back)?;
        plan.title = say!("UNDO {}", act.title);
        plan.facts.splice(0..0, facts(act, make));
        plan.undo = "do it again".into();
        return Ok(plan);
    }
    if let Inspection::Alerts { silences, .. } = &make.evidence.subject {
        return expire(make, act, silences);
    }
    match kept {
        Some(kept) if let Some(pod) = &kept.pod => resize::undo(make, act, kept, pod),
        Some(kept) if kept.replicas.is_some() => scale_back(make, act, kept),
        Some(kept) if kept.release.is_some() => super::helm::undo(make, act, kept),
        Some(kept) => template_back(make, act, kept),
        None => Err(Refusal(say!("act {number} '{}' cannot be undone from here", act.title))),
    }
}

pub(super) fn facts(act: &PastAct, make: &Make<'_>) -> Vec<(Clean, Clean)> {
    vec![(
        "UNDOES".into(),
        say!("act {} '{}' by {}, {} ago", act.number, act.title, act.actor, age_of(act.at, make.now.wall)),
    )]
}

fn expire(make: &Make<'_>, act: &PastAct, silences: &[crate::model::alert::Silence]) -> Result<Plan, Refusal> {
    let live: Vec<_> =
        silences.iter().filter(|silence| act.silences.contains(&silence.key) && silence.state != "expired").collect();
    if live.is_empty() {
        return Err(Refusal(say!("the silences of act {} have ended already", act.number)));
    }
    let mut plan = make.empty(say!("UNDO {}", act.title), act.place.clone());
    plan.facts = facts(act, make);
    plan.steps = live
        .iter()
        .map(|silence| PlanStep {
            says: say!(
                "end silence {}",
                silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            ),
            kind: StepKind::Write(Write::ExpireSilence { silence: silence.key.clone() }),
        })
        .collect();
    plan.checks = vec![checks::check("S1", "pages", CheckResult::Look("what it held may page again".into()))];
    plan.undo = match act.request {
        Request::Silence(_) => "silence it again".into(),
        _ => "acknowledge again".into(),
    };
    plan.weigh(false, Vec::new(), &act.title);
    Ok(plan)
}

fn scale_back(make: &Make<'_>, act: &PastAct, kept: &Kept) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let (before, left) = kept.replicas.unwrap_or_default();
    let workload = &inspection.workload;
    if workload.desired != left {
        return Err(Refusal(say!(
            "{key} has {} replicas now, not the {left} that act {} left: somebody else scaled it. Nothing was sent",
            workload.desired,
            act.number
        )));
    }
    let now = make.store.time_of(&key.cluster, make.now);
    let mut plan = make.empty(say!("UNDO {}", act.title), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = facts(act, make);
    plan.facts.push(("THEN".into(), say!("{left} -> {before} replicas")));
    plan.steps = scale::steps(inspection, before);
    let subject = Subject { make, inspection, now };
    plan.checks = vec![subject.place(), subject.allowed(&inspection.may_scale, "scale"), subject.fresh(&plan)];
    if before == 0 {
        plan.checks.push(checks::check("B7", "number", CheckResult::Stop("no pod would be left".into())));
    }
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept { replicas: Some((left, before)), ..kept.clone() });
    plan.undo = "U again".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![say!("{kubectl} scale {object} --replicas={before}")];
    plan.weigh(make.settings.is_production(&key.cluster), vec![say!("{before}")], &key.name);
    Ok(plan)
}

fn template_back(make: &Make<'_>, act: &PastAct, kept: &Kept) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    if !kept.owners.is_empty() && template::is_same(&inspection.template, &kept.before) {
        return on_again(make, act, kept);
    }
    if !template::is_same(&inspection.template, &kept.left) {
        let who = checks::last_change(inspection, now).map(|who| format!(": {who}")).unwrap_or_default();
        return Err(Refusal(say!("{key} is not as act {} left it{who}. Nothing was sent", act.number)));
    }
    if inspection.workload.paused {
        return Err(Refusal(say!("{key} is paused: resume it first")));
    }
    let mut plan = make.empty(say!("UNDO {}", act.title), say!("{}/{}", key.cluster, key.namespace));
    let image = template::telling_image(&kept.before, &inspection.template).map_or("", |(_, image)| image);
    plan.facts = facts(act, make);
    plan.facts
        .push(("TO".into(), say!("{}   the template as it was before", crate::model::kubernetes::short_image(image))));
    plan.diff = template::diff(&inspection.template, &kept.before, "live", &format!("before act {}", act.number));
    plan.last_change = checks::last_change(inspection, now);
    let annotations = BTreeMap::from([
        (
            "kubernetes.io/change-cause".to_owned(),
            format!("midwatch: act {} undone by {}", act.number, make.settings.me),
        ),
        (ACTOR.to_owned(), make.settings.me.to_string()),
    ]);
    let back = inspection.revisions.iter().find(|revision| template::is_same(&revision.template, &kept.before));
    plan.steps = vec![
        PlanStep::keep_evidence(key),
        PlanStep {
            says: say!("template -> as before act {}", act.number),
            kind: StepKind::Write(Write::PatchTemplate {
                workload: key.clone(),
                uid: inspection.workload.uid.clone(),
                live: inspection.template.clone(),
                target: kept.before.clone(),
                annotations,
            }),
        },
        PlanStep::watch(WatchFor {
            hash: back.and_then(|back| back.hash.clone()),
            away: Some(inspection.template.clone()),
            ..WatchFor::of(key, inspection.workload.desired, tag_of(image))
        }),
    ];
    with_owners(make, inspection, kept, &mut plan);
    plan.away = inspection.live().map(|live| live.name.clone());
    let subject = Subject { make, inspection, now };
    let owner = if kept.owners.is_empty() && kept.synced.is_none() { subject.owner() } else { switched_back(kept) };
    plan.checks = vec![
        subject.place(),
        subject.allowed(&inspection.may_patch, "patch"),
        owner,
        subject.pipeline(false),
        checks::check(
            "B7",
            "as left",
            CheckResult::Ok(say!("the live template is the one that act {} left", act.number)),
        ),
        subject.fresh(&plan),
    ];
    if act.from_revision.is_some() {
        let bad = "this goes back to the version that was rolled away from";
        plan.checks.push(checks::check("B11", "image", CheckResult::Look(bad.into())));
    }
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept {
        from_revision: kept.to_revision.clone(),
        to_revision: kept.from_revision.clone(),
        ..Kept::of(key, inspection.template.clone(), kept.before.clone())
    });
    plan.undo = "U again".into();
    let line = "# kubectl has no line for this: the earlier template is kept beside the audit";
    plan.equivalent = vec![Clean::from(line)];
    // Its tag is what one must have read; an image without one is named by the act's number.
    let accepts = vec![if image.is_empty() { say!("{}", act.number) } else { Clean::line(tag_of(image)) }];
    plan.weigh(make.settings.is_production(&key.cluster), accepts, &key.name);
    Ok(plan)
}

fn switched_back(kept: &Kept) -> super::Check {
    let names: Vec<String> = kept.owners.iter().map(|(owner, _)| format!("'{owner}'")).collect();
    let says = say!("GitOps is switched on again afterwards: {}", names.join(", "));
    checks::check("B4", "owner", CheckResult::Look(says))
}

/// What Argo CD synced is synced back, and the owners are switched on again when all else is done.
fn with_owners(make: &Make<'_>, inspection: &WorkloadInspection, kept: &Kept, plan: &mut Plan) {
    if let Some(sync) = gitops::sync_back(inspection, kept, &make.settings.me)
        && let Some(patch) =
            plan.steps.iter().position(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. })))
    {
        plan.steps[patch] = gitops::step(sync);
    }
    plan.steps.extend(gitops::back_on(inspection, kept, &make.settings.me).into_iter().map(gitops::step));
    // The watch ends an act's writes: it stands last.
    if let Some(watch) = plan.steps.iter().position(|step| matches!(step.kind, StepKind::Watch(_))) {
        let watch = plan.steps.remove(watch);
        plan.steps.push(watch);
    }
}

/// An act that switched the owners off and changed nothing else: they are switched on again.
fn on_again(make: &Make<'_>, act: &PastAct, kept: &Kept) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    let mut plan = make.empty(say!("UNDO {}", act.title), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = facts(act, make);
    plan.facts.push(("TO".into(), "GitOps on again; the template is as it was".into()));
    plan.steps = gitops::back_on(inspection, kept, &make.settings.me).into_iter().map(gitops::step).collect();
    if plan.steps.is_empty() {
        return Err(Refusal(say!("what act {} switched off is on again, and the template is as it was", act.number)));
    }
    let subject = Subject { make, inspection, now };
    plan.checks = vec![subject.place(), switched_back(kept), subject.fresh(&plan)];
    plan.blocked = checks::gate(&subject, &plan);
    plan.undo = "R on the workload".into();
    let name = &kept.owners[0].0.name;
    plan.weigh(make.settings.is_production(&key.cluster), vec![name.clone()], &key.name);
    Ok(plan)
}
