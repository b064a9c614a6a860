//! The plan of a rollback: to the last known good revision, or the one chosen, with everything that speaks against it.

use super::{
    Check, Evidence, Inspection, RunInspection, WorkloadInspection, Write, canary,
    checks::{self, Subject},
    digests,
    equivalent::{repository, resume_line, rollout_undo},
    executor::{self, Chosen, Executor, by_job, by_workflow},
    gitops::{self, Route},
    helm, history,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    stuck, template,
};
use crate::{
    model::kubernetes::{Revision, WorkloadKey, tag_of},
    text::{Clean, counted},
    time::{age_of, seconds_between},
};

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey, to: Option<i64>) -> Result<Plan, Refusal> {
    let inspection = inspected(make, key)?;
    if let Some(refusal) = canary::refusal(inspection) {
        return Err(refusal);
    }
    if canary::is_taken_away(inspection, to) {
        return canary::take_away(make, key);
    }
    let now = make.store.time_of(&key.cluster, make.now);
    let wanted = history::target(inspection, make.evidence, to, now);
    let (by, passed) = executor::choose(make, inspection, wanted.as_ref().ok().copied());
    if let (Some(Ok(release)), Chosen::Owner | Chosen::Here(Executor::Helm) | Chosen::None) = (&inspection.release, &by)
    {
        let mut plan = helm::plan(make, key, release, to)?;
        plan.checks.extend(executor::check(&by, &passed));
        let accepts = std::mem::take(&mut plan.accepts);
        plan.weigh_beside(make, key, accepts, &release.key.name);
        return Ok(plan);
    }
    if inspection.workload.paused {
        let resume = resume_line(make.settings, key);
        return Err(Refusal(say!(
            "you cannot roll back a paused {}: resume it first with `{resume}`",
            key.kind.name()
        )));
    }
    let target = wanted.map_err(|refusal| with_change(refusal, inspection, now))?;
    let live = inspection.live().ok_or_else(|| {
        let says = "the live template is not among its revisions yet: its controller has not seen it. Try again";
        with_change(Refusal(say!("{key}: {says}")), inspection, now)
    })?;
    let (live_tag, target_tag) = tags(live, target);
    let mut plan =
        make.empty(say!("ROLL BACK {key} {live_tag} -> {target_tag}"), say!("{}/{}", key.cluster, key.namespace));
    let route = match by {
        // Somebody else's hands, or a patch whoever owns it: what puts it back is a STOP then.
        Chosen::Here(Executor::Patch) | Chosen::Workflow(..) | Chosen::Job(..) => Route::Patch,
        _ => gitops::route(inspection, target),
    };
    plan.facts = facts(make, inspection, (live, target), now);
    let image = template::telling_image(&live.template, &target.template).map(|(_, image)| image);
    plan.facts.extend(route.fact(image, now));
    plan.choices = history::choices(inspection, live, make.evidence, now);
    plan.chosen = Some(target.number);
    plan.diff = template::diff(
        &live.template,
        &target.template,
        &format!("rev {} (live)", live.number),
        &format!("rev {}", target.number),
    );
    plan.last_change = checks::last_change(inspection, now);
    steps(make, inspection, target, &route, &mut plan);
    (plan.away, plan.to) = (Some(live.name.clone()), Some(target.name.clone()));
    plan.equivalent = stop_lines(make, key);
    let back = ((make.evidence, inspection), (target, live));
    match &by {
        Chosen::Workflow(repo, workflow) => {
            by_workflow(&mut plan, back, (repo.clone(), workflow), now);
        }
        Chosen::Job(job, found) => by_job(&mut plan, back, (job, found), now),
        _ => by_own_hand(make, inspection, (target, live), &route, &mut plan),
    }
    let subject = Subject { make, inspection, now };
    plan.checks = all_checks(&subject, (live, target), [route.check(&subject), subject.history(target)], &plan);
    plan.checks.extend(route.also(&subject));
    plan.checks.extend(subject.warnings());
    if let Some(check) = route.allowed() {
        plan.checks.retain(|other| other.id != check.id);
        plan.checks.insert(0, check);
    }
    if let Some(check) = executor::check(&by, &passed) {
        if matches!(by, Chosen::Workflow(..) | Chosen::Job(..)) {
            // It writes with rights of its own.
            plan.checks.retain(|other| other.id != check.id);
        }
        plan.checks.push(check);
    }
    plan.blocked = checks::gate(&subject, &plan);
    let accepts = accepts(inspection, live, target);
    plan.weigh_beside(make, key, accepts, &key.name);
    Ok(plan)
}

/// What undo needs is kept, and the same as lines to copy.
fn by_own_hand(
    make: &Make<'_>,
    inspection: &WorkloadInspection,
    (target, live): (&Revision, &Revision),
    route: &Route<'_>,
    plan: &mut Plan,
) {
    let key = &inspection.workload.key;
    let mut kept = Kept {
        from_revision: Some(live.name.clone()),
        to_revision: Some(target.name.clone()),
        ..Kept::of(key, inspection.template.clone(), target.template.clone())
    };
    route.keep(&mut kept);
    let and_on = if kept.owners.is_empty() { "" } else { ", and GitOps on again" };
    plan.keeps = Some(kept);
    plan.undo = if route.patches() {
        say!("U: back to rev {}'s template, kept beside the audit{and_on}", live.number)
    } else {
        say!("U: synced back to what rev {} was synced from{and_on}", live.number)
    };
    plan.equivalent.extend(route.equivalent(make.settings));
    plan.equivalent.extend(canary::abort_line(make, inspection));
    if route.patches() {
        plan.equivalent.push(rollout_undo(make.settings, key, target.number));
        plan.equivalent.extend(stuck::line(make.settings, inspection, &target.template));
    }
}

/// The evidence's workload.
pub(super) fn inspected<'a>(make: &Make<'a>, key: &WorkloadKey) -> Result<&'a WorkloadInspection, Refusal> {
    match &make.evidence.subject {
        Inspection::Workload(inspection) if inspection.workload.key == *key => Ok(inspection),
        _ => Err(Refusal(say!("{key} was not read: ask again"))),
    }
}

/// A revision that is gone was moved by somebody: say by whom.
fn with_change(refusal: Refusal, inspection: &WorkloadInspection, now: jiff::Timestamp) -> Refusal {
    match checks::last_change(inspection, now) {
        Some(change) if !inspection.revisions.is_empty() => {
            Refusal(say!("{}. Last: {change}. Nothing was sent", refusal.0))
        }
        _ => refusal,
    }
}

/// What tells live and target apart: tags, or revisions where the tags are the same.
pub(super) fn tags(live: &Revision, target: &Revision) -> (String, String) {
    let tag = |of: &Revision, beside: &Revision| {
        template::telling_image(&of.template, &beside.template)
            .map_or_else(String::new, |(_, image)| tag_of(image).to_owned())
    };
    let (from, to) = (tag(live, target), tag(target, live));
    // A template that no kept revision has.
    let rev = |of: &Revision| if of.number == 0 { "as before".to_owned() } else { format!("rev {}", of.number) };
    if from == to || from.is_empty() || to.is_empty() { (rev(live), rev(target)) } else { (from, to) }
}

/// When the live version was made, or set again: it keeps what was made for it the first time.
fn live_since(make: &Make<'_>, inspection: &WorkloadInspection, live: &Revision) -> Option<jiff::Timestamp> {
    let made = live.created.filter(|created| inspection.revisions.iter().all(|other| other.created <= Some(*created)));
    let sets = make.store.kube.sets_of(&inspection.workload);
    // A manager has one time for all that it set: replicas alone move it, too.
    if made.is_some() && !sets.iter().any(|set| set.is_reused && set.key.name == live.name) {
        return made;
    }
    let is_again =
        |at: &jiff::Timestamp| live.created.is_some_and(|created| seconds_between(created, *at) > checks::SAME_DEPLOY);
    inspection.changes.first().map(|(_, at)| *at).filter(is_again).or(made)
}

fn facts(
    make: &Make<'_>,
    inspection: &WorkloadInspection,
    (live, target): (&Revision, &Revision),
    now: jiff::Timestamp,
) -> Vec<(Clean, Clean)> {
    let since = live_since(make, inspection, live);
    let since = since.map_or_else(String::new, |since| format!("   live {}", age_of(since, now)));
    let pods = history::pods_of(inspection, live).map_or_else(
        || "its pods could not be read".to_owned(),
        |(all, ready)| format!("{}, {ready} ready", counted(all, "pod")),
    );
    let are = |up| if up == 1 { "is" } else { "are" };
    let still = match history::pods_of(inspection, target) {
        None => "its pods could not be read".to_owned(),
        Some((0, _)) => "no pod of it is up".to_owned(),
        Some((up, ready)) if up == ready => format!("{up} of its pods {} up", are(up)),
        Some((up, ready)) => format!("{up} of its pods {} up, {ready} ready", are(up)),
    };
    vec![
        (
            "FROM".into(),
            say!("rev {}   {}{since}   {pods}", live.number, history::version_words(inspection, live, target)),
        ),
        (
            "TO".into(),
            say!(
                "rev {}   {}   {}; {still}",
                target.number,
                history::version_words(inspection, target, live),
                history::ran_words(inspection, &make.evidence.record, target, now)
            ),
        ),
    ]
}

/// The revision, its tag where it means nothing else, its digest.
fn accepts(inspection: &WorkloadInspection, live: &Revision, target: &Revision) -> Vec<Clean> {
    let mut accepts = vec![say!("{}", target.number)];
    let Some((container, image)) = template::telling_image(&target.template, &live.template) else { return accepts };
    let (tag, (_, live_tag)) = (tag_of(image), ("", tags(live, target).0));
    let is_a_revision = inspection.revisions.iter().any(|other| other.number.to_string() == tag);
    if tag != live_tag && !is_a_revision && !image.contains('@') && !template::is_mutable(image) {
        accepts.push(Clean::line(tag));
    }
    let digest = history::digest(inspection, target, container);
    if let Some(digest) = digest.filter(|digest| history::digest(inspection, live, container).as_ref() != Some(digest))
    {
        accepts.push(digest);
    }
    accepts
}

fn steps(make: &Make<'_>, inspection: &WorkloadInspection, target: &Revision, route: &Route<'_>, plan: &mut Plan) {
    plan.steps.push(PlanStep::keep_evidence(&inspection.workload.key));
    stop_runs(make, inspection, &target.template, plan);
    plan.steps.extend(route.writes(&make.settings.me).into_iter().map(gitops::step));
    plan.steps.extend(canary::abort_step(inspection));
    if route.patches() {
        let next = inspection.revisions.iter().map(|revision| revision.number).max().unwrap_or(0) + 1;
        let says = say!("template -> rev {} (becomes rev {next})", target.number);
        let cause = format!("midwatch: rolled back to revision {} by {}", target.number, make.settings.me);
        patch(make, inspection, target, (says, cause), plan);
    }
    let live = inspection.live().unwrap_or(target);
    let now = make.store.time_of(&inspection.workload.key.cluster, make.now);
    plan.steps.push(PlanStep::watch(wanted(make.evidence, inspection, (live, target), now)));
}

/// Runs that race with it are stopped first. What their hooks did meanwhile is looked at.
pub(super) fn stop_runs(make: &Make<'_>, inspection: &WorkloadInspection, target: &serde_json::Value, plan: &mut Plan) {
    for run in checks::stoppable(make, &inspection.workload.key) {
        plan.steps.push(PlanStep {
            says: say!("stop {} #{}", run.run.workflow, run.run.number),
            kind: StepKind::Write(Write::CancelRun { run: run.run.key.clone(), attempt: run.run.attempt }),
        });
        plan.steps.push(PlanStep {
            says: say!("wait for its end (20 s at most), read the live template again"),
            kind: StepKind::Reread {
                workload: inspection.workload.key.clone(),
                run: run.run.key.clone(),
                live: inspection.template.clone(),
                target: target.clone(),
            },
        });
    }
}

/// The lines that stop them: the others alone would race with them.
pub(super) fn stop_lines(make: &Make<'_>, workload: &WorkloadKey) -> Vec<Clean> {
    let line = |run: &RunInspection| say!("gh run cancel {} -R {}", run.run.key.id, repository(&run.run.key.repo));
    checks::stoppable(make, workload).into_iter().map(line).collect()
}

/// What its pods are in the end.
pub(super) fn wanted(
    evidence: &Evidence,
    inspection: &WorkloadInspection,
    (live, target): (&Revision, &Revision),
    now: jiff::Timestamp,
) -> WatchFor {
    let image = template::telling_image(&target.template, &live.template);
    let version = image.map_or_else(|| target.number.to_string(), |(_, image)| tag_of(image).to_owned());
    let image_name = image.map(|(_, image)| image);
    let wanted = WatchFor {
        hash: target.hash.clone(),
        images: digests::wanted(evidence, inspection, live, target),
        // A template that no kept revision has gets a hash that nobody knows yet.
        image: image_name.filter(|_| target.hash.is_none()).map(Clean::line),
        away: Some(live.template.clone()),
        ..WatchFor::of(&inspection.workload.key, inspection.workload.desired, &version)
    };
    canary::watched(inspection, wanted, image_name, now)
}

/// Sets the template; a StatefulSet's broken pods follow. `says`: the step's words, and the change cause.
pub(super) fn patch(
    make: &Make<'_>,
    inspection: &WorkloadInspection,
    target: &Revision,
    (says, cause): (Clean, String),
    plan: &mut Plan,
) {
    plan.steps.push(PlanStep {
        says,
        kind: StepKind::Write(Write::PatchTemplate {
            workload: inspection.workload.key.clone(),
            uid: inspection.workload.uid.clone(),
            live: inspection.template.clone(),
            target: target.template.clone(),
            annotations: make.marks(inspection, cause),
        }),
    });
    plan.steps.extend(stuck::step(inspection, &target.template));
}

/// Every check of a template that goes back, by a patch or by what owns it. `own`: what the way says of the owner (B4) and of
/// the history (B7).
pub(super) fn all_checks(
    subject: &Subject<'_>,
    (live, target): (&Revision, &Revision),
    own: [Check; 2],
    plan: &Plan,
) -> Vec<Check> {
    let mut all = of_workload(subject, (live, target), plan);
    all.extend(own);
    all.extend([subject.place(), subject.pipeline(true), subject.fresh(plan)]);
    checks::in_order(&mut all);
    all.extend(canary::check(subject, target, plan));
    all.extend(subject.updater());
    all
}

/// The checks of [`of_workload`], by id and name.
pub(super) const OF_WORKLOAD: [(&str, &str); 11] = [
    ("B2", "right suspect"),
    ("B3", "allowed"),
    ("B5", "other hands"),
    ("B8", "also undone"),
    ("B9", "not undone"),
    ("B10", "database"),
    ("B11", "image"),
    ("B12", "capacity"),
    ("B13", "stuck pods"),
    ("B15", "will it run"),
    ("B16", "also on it"),
];

/// Those of one workload, of which a plan may have several.
pub(super) fn of_workload(subject: &Subject<'_>, (live, target): (&Revision, &Revision), plan: &Plan) -> Vec<Check> {
    vec![
        checks::check("B2", "right suspect", subject.suspect(live, target)),
        subject.allowed(&subject.inspection.may_patch, "patch"),
        subject.nobody_else(true),
        Subject::also_undone(live, target),
        checks::check("B9", "not undone", subject.not_undone(target)),
        checks::check("B10", "database", subject.database(live, target)),
        subject.image(live, target),
        subject.capacity_back(live, target),
        subject.stuck(&target.template, plan),
        subject.will_run(target),
        checks::check("B16", "also on it", subject.also_on(live, target)),
    ]
}
