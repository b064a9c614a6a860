//! The plan that undoes an earlier act, from what the audit kept. It refuses when the live state is not what that act
//! left: somebody else has been there since.

use super::{
    Check, CheckResult, Inspection, Request, WorkloadInspection, Write,
    act::Outcome,
    audit::PastAct,
    canary,
    checks::{self, Subject},
    equivalent::{kubectl_on, rollout_undo},
    evidence::Undoing,
    gitops::{self, Back},
    history, object,
    plan::{Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    resize, rollback, scale, stuck, template,
};
use crate::{
    model::{
        helm::ReleaseRevision,
        kubernetes::{Revision, RolloutState, tag_of},
    },
    text::{Clean, counted, quoted},
    time::passed,
};

pub(super) fn plan(make: &Make<'_>, number: u64) -> Result<Plan, Refusal> {
    let Some(Undoing { act, kept, reread }) = &make.evidence.undoing else {
        return Err(Refusal(say!("the audit has no act {number}")));
    };
    let nothing = match act.outcome {
        None | Some(Outcome::Running) => {
            let process = act.begun.process;
            return Err(Refusal(say!("act {number} '{}' goes on in process {process}: wait for its end", act.title)));
        }
        Some(_) if !act.wrote => "changed nothing",
        // What it was about was done by somebody else (a hook of a run that it stopped), or not at all.
        Some(_) if act.begun.can_undo && !act.has_undo => "changed nothing that could be taken back",
        // Of an unknown outcome, the live state tells: it is what the act leaves, or this is refused below.
        Some(_) => "",
    };
    if !nothing.is_empty() {
        return Err(Refusal(say!("act {number} '{}' {nothing}", act.title)));
    }
    let Some(reread) = reread else { return back(make, act, kept.as_ref()) };
    let unfinished = unfinished_release(make, kept.as_ref());
    let found = reread.says();
    if unfinished.is_some_and(ReleaseRevision::is_pending) {
        return Err(Refusal(say!("act {number} '{}' has not ended. {found}", act.title)));
    }
    if reread.is_missing() && unfinished.is_none() && !act.has_sure_undo {
        return Err(Refusal(say!("act {number} '{}' left nothing to undo. {found}", act.title)));
    }
    let mut plan = back(make, act, kept.as_ref()).map_err(|Refusal(why)| Refusal(say!("{why}. {found}")))?;
    let of = plan.facts.iter().position(|(name, _)| *name == *"OF");
    plan.facts.insert(of.map_or(0, |of| of + 1), ("SENT".into(), found));
    Ok(plan)
}

/// The revision that a rollback of Helm began and did not bring to its end. Helm keeps it before it changes anything, so some
/// of it may be in force.
fn unfinished_release<'a>(make: &'a Make<'_>, kept: Option<&Kept>) -> Option<&'a ReleaseRevision> {
    let (wanted, _, left) = kept?.release.as_ref()?;
    let Inspection::Workload(found) = &make.evidence.subject else { return None };
    let release = found.release.as_ref()?.as_ref().ok().filter(|release| release.key == *wanted)?;
    let own = release.revisions.iter().find(|one| one.number == *left && !one.is_done())?;
    // Somebody else's operation may have taken its number.
    let is_rollback = own.body.as_ref().ok().is_none_or(|body| body.description.starts_with("Rollback"));
    is_rollback.then_some(own)
}

/// Back to what was before an act that wrote, or may have.
fn back(make: &Make<'_>, act: &PastAct, kept: Option<&Kept>) -> Result<Plan, Refusal> {
    if let Some((object, back)) = object::inverse(&act.request) {
        let mut plan = object::plan(make, object, back)?;
        plan.title = title(act, &plan.title);
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
        None => Err(Refusal(say!("act {} '{}' cannot be undone from here", act.number, act.title))),
    }
}

/// What the plan does: the title of what it undoes points the other way.
pub(super) fn title(act: &PastAct, does: &str) -> Clean {
    say!("UNDO act {}: {does}", act.number)
}

pub(super) fn facts(act: &PastAct, make: &Make<'_>) -> Vec<(Clean, Clean)> {
    vec![(
        "OF".into(),
        say!("act {} '{}' by {}, {} ago", act.number, act.title, act.actor, passed(act.at, make.now.wall)),
    )]
}

fn expire(make: &Make<'_>, act: &PastAct, silences: &[crate::model::alert::Silence]) -> Result<Plan, Refusal> {
    let live: Vec<_> =
        silences.iter().filter(|silence| act.silences.contains(&silence.key) && silence.state != "expired").collect();
    if live.is_empty() {
        return Err(Refusal(say!("the silences of act {} have ended already", act.number)));
    }
    let ends = format!("end {}", counted(live.len(), "silence"));
    let mut plan = make.empty(title(act, &ends), act.place.clone());
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
        Request::Silences(_) => "silence them again".into(),
        _ => "acknowledge again".into(),
    };
    plan.equivalent = live.iter().map(|silence| say!("amtool silence expire {}", quoted(&silence.key.id))).collect();
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
    let goes = format!("{key} {left} -> {before}");
    let mut plan = make.empty(title(act, &goes), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = facts(act, make);
    plan.facts.push(("FROM".into(), Clean::own(counted(left as usize, "replica"))));
    plan.facts.push(("TO".into(), Clean::own(counted(before as usize, "replica"))));
    plan.steps = scale::steps(inspection, before);
    let subject = Subject { make, inspection, now };
    plan.checks = scale::all_checks(&subject, before, &plan);
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(Kept {
        replicas: Some((left, before)),
        // A canary that was taken away is back.
        from_revision: kept.to_revision.clone(),
        to_revision: kept.from_revision.clone(),
        ..kept.clone()
    });
    plan.undo = "U again".into();
    let (kubectl, object) = kubectl_on(make.settings, key);
    plan.equivalent = vec![say!("{kubectl} scale {object} --replicas={before}")];
    plan.weigh(make.settings.is_production(&key.cluster), vec![say!("{before}")], &key.name);
    Ok(plan)
}

/// The plan of a rollback, to the template before.
fn template_back(make: &Make<'_>, act: &PastAct, kept: &Kept) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    let back = Back::of(inspection, kept)?;
    if !kept.owners.is_empty() && template::is_same(&inspection.template, &kept.before) {
        return on_again(make, act, kept, back.without_sync());
    }
    if !template::is_same(&inspection.template, &kept.left) {
        let who = checks::last_change(inspection, now).map(|who| format!(": {who}")).unwrap_or_default();
        return Err(Refusal(say!("{key} is not as act {} left it{who}. Nothing was sent", act.number)));
    }
    if inspection.workload.paused {
        return Err(Refusal(say!("{key} is paused: resume it first")));
    }
    let (live, _) = history::of_template(inspection, &inspection.template);
    let (target, is_kept) = history::of_template(inspection, &kept.before);
    let (from, to) = rollback::tags(&live, &target);
    let goes = format!("{key} {from} -> {to}");
    let mut plan = make.empty(title(act, &goes), say!("{}/{}", key.cluster, key.namespace));
    let image = template::telling_image(&kept.before, &inspection.template).map_or("", |(_, image)| image);
    plan.facts = facts(act, make);
    let version = |of: &Revision, beside: &Revision| history::version_words(inspection, of, beside);
    plan.facts.push(("FROM".into(), version(&live, &target).into()));
    plan.facts.push(("TO".into(), say!("{}   the template as it was before", version(&target, &live))));
    plan.diff = template::diff(&inspection.template, &kept.before, "live", &format!("before act {}", act.number));
    plan.last_change = checks::last_change(inspection, now);
    steps(make, act, (inspection, &back), (&live, &target), &mut plan);
    plan.away = inspection.live().map(|live| live.name.clone());
    let subject = Subject { make, inspection, now };
    let as_left = CheckResult::Ok(say!("the live template is the one that act {} left", act.number));
    let own = [back.check(&subject), checks::check("B7", "as left", as_left)];
    plan.checks = rollback::all_checks(&subject, (&live, &target), own, &plan);
    if let Some(check) = back.allowed() {
        plan.checks.retain(|other| (&other.id, &other.name) != (&check.id, &check.name));
        plan.checks.insert(0, check);
    }
    plan.checks.extend(back.stays(inspection));
    plan.checks.extend(back.also(&subject));
    if act.from_revision.is_some() {
        let clean = plan
            .checks
            .iter_mut()
            .find(|check| check.id == "B11" && matches!(check.result, CheckResult::Ok(_) | CheckResult::NotChecked(_)));
        if let Some(check) = clean {
            check.result = CheckResult::Look(checks::left_by(act, make.now.wall));
        }
        // Pods that just start say nothing for the version that was gone away from.
        let blamed =
            plan.checks.iter_mut().find(|check| check.id == "B2" && matches!(check.result, CheckResult::Ok(_)));
        if let Some(check) = blamed {
            let says =
                say!("whether this version is the cause is not scored: act {} went away from the other", act.number);
            check.result = CheckResult::NotChecked(says);
        }
    }
    plan.checks.extend(under_way(act, inspection));
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    let mut keeps = Kept {
        from_revision: kept.to_revision.clone(),
        to_revision: kept.from_revision.clone(),
        ..Kept::of(key, inspection.template.clone(), kept.before.clone())
    };
    back.keep(&mut keeps);
    plan.keeps = Some(keeps);
    plan.undo = "U again".into();
    plan.equivalent = lines(make, (inspection, &back), &kept.before, is_kept.then_some(target.number));
    // Its tag is what one must have read; an image without one is named by the act's number.
    let accepts = vec![if image.is_empty() { say!("{}", act.number) } else { Clean::line(tag_of(image)) }];
    plan.weigh_beside(make, key, accepts, &key.name);
    Ok(plan)
}

/// What is undone may not have come through yet: then it is turned round half way.
fn under_way(act: &PastAct, inspection: &WorkloadInspection) -> Option<Check> {
    let workload = &inspection.workload;
    let is_seen = workload.observed_generation >= workload.generation;
    if is_seen && workload.rollout.state != RolloutState::Progressing {
        return None;
    }
    let says = say!("act {} still rolls out, and is turned round: {}", act.number, workload.rollout.words);
    Some(checks::check("B7", "under way", CheckResult::Look(says)))
}

/// As a rollback's; what Argo CD synced is synced back, and the owners are switched on again when all else is done.
fn steps(
    make: &Make<'_>,
    act: &PastAct,
    (inspection, back): (&WorkloadInspection, &Back<'_>),
    (live, target): (&Revision, &Revision),
    plan: &mut Plan,
) {
    plan.steps.push(PlanStep::keep_evidence(&inspection.workload.key));
    rollback::stop_runs(make, inspection, &target.template, plan);
    plan.steps.extend(canary::abort_step(inspection));
    plan.steps.extend(back.before(&make.settings.me).into_iter().map(gitops::step));
    if !back.syncs() {
        let says = say!("template -> as before act {}", act.number);
        let cause = format!("midwatch: act {} undone by {}", act.number, make.settings.me);
        rollback::patch(make, inspection, target, (says, cause), plan);
    }
    plan.steps.extend(back.after(&make.settings.me).into_iter().map(gitops::step));
    // The watch ends an act's writes: it stands last.
    let now = make.store.time_of(&inspection.workload.key.cluster, make.now);
    let wanted = rollback::wanted(make.evidence, inspection, (live, target), now).told(target.hash.clone(), inspection);
    // What a sync sets need not be the same to the letter.
    let is_patched = !back.syncs() && wanted.hash.is_none();
    let sets = is_patched.then(|| target.template.clone());
    plan.steps.push(PlanStep::watch(WatchFor { sets, ..wanted }));
}

/// The same, to copy. A template that no revision has is in no history that kubectl could go back in.
fn lines(
    make: &Make<'_>,
    (inspection, back): (&WorkloadInspection, &Back<'_>),
    before: &serde_json::Value,
    revision: Option<i64>,
) -> Vec<Clean> {
    let mut lines = rollback::stop_lines(make, &inspection.workload.key);
    lines.extend(canary::abort_line(make, inspection));
    lines.extend(back.lines_off(make.settings));
    lines.push(match (back.line(), revision) {
        (Some(synced), _) => synced,
        (None, Some(revision)) if !back.syncs() => rollout_undo(make.settings, &inspection.workload.key, revision),
        _ if inspection.unread.revisions.is_some() => {
            "# its revisions could not be read: the earlier template is kept beside the audit".into()
        }
        _ => "# no history has it any more: the earlier template is kept beside the audit".into(),
    });
    if !back.syncs() {
        lines.extend(stuck::line(make.settings, inspection, before));
    }
    lines.extend(back.lines_on(make.settings));
    lines
}

/// An act that switched the owners off and changed nothing else: they are switched on again.
fn on_again(make: &Make<'_>, act: &PastAct, kept: &Kept, back: Back<'_>) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    let goes = format!("GitOps of {key} on again");
    let mut plan = make.empty(title(act, &goes), say!("{}/{}", key.cluster, key.namespace));
    plan.facts = facts(act, make);
    plan.facts.push(("TO".into(), "GitOps on again; the template is as it was".into()));
    plan.steps = back.after(&make.settings.me).into_iter().map(gitops::step).collect();
    if plan.steps.is_empty() {
        return Err(Refusal(say!("what act {} switched off is on again, and the template is as it was", act.number)));
    }
    let subject = Subject { make, inspection, now };
    plan.checks = vec![subject.place()];
    plan.checks.extend(back.allowed());
    plan.checks.push(back.check(&subject));
    plan.checks.extend(back.against_git(inspection, kept));
    plan.checks.push(subject.fresh(&plan));
    plan.blocked = checks::gate(&subject, &plan);
    plan.undo = "R on the workload".into();
    plan.equivalent = back.lines_on(make.settings);
    let name = &kept.owners[0].0.name;
    plan.weigh(make.settings.is_production(&key.cluster), vec![name.clone()], &key.name);
    Ok(plan)
}
