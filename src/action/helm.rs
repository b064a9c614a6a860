//! The rollback of a Helm release, through Helm's own history: the patch of a workload would be one that it does not know.
//! What is checked of a workload's rollback is checked of every workload that goes back with it.

mod checks;
mod drift;
mod parts;

pub(super) use drift::{Drift, is_own_deploy};
pub(super) use parts::{Parts, members, revision, seen};

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Check, Evidence, Inspection, Request, WorkloadInspection, Write,
    audit::PastAct,
    checks::{Subject, gate, in_order, last_change},
    history::CLEAN_RUN,
    plan::{Choice, Kept, Make, Plan, PlanStep, Refusal, StepKind},
    rollback, template, undo,
};
use crate::{
    model::{
        Name,
        helm::{Release, ReleaseBody, ReleaseKey, ReleaseRevision, Rendered},
        kubernetes::WorkloadKey,
    },
    text::{Clean, quoted},
    time::{age_of, seconds_between},
};

/// What runs: the newest, even where Helm saw it fail; not one that is still under way.
fn live(release: &Release) -> Option<&ReleaseRevision> {
    release.newest().filter(|newest| !newest.is_pending()).or_else(|| release.deployed()).or_else(|| release.newest())
}

/// The revision to go to: the one asked for, else the last known good before the live one. That is the newest that ran long
/// enough; if none did, the newest that was deployed. Where somebody set by hand what is live, it is the deployed revision
/// itself, if that one was good.
pub(super) fn target<'a>(
    release: &'a Release,
    found: &WorkloadInspection,
    to: Option<i64>,
) -> Result<&'a ReleaseRevision, Refusal> {
    let kept = || release.revisions.iter().map(|one| one.number.to_string()).collect::<Vec<_>>().join(", ");
    let deployed = live(release);
    let live = deployed.map_or(0, |live| live.number);
    let drift = Drift::of(found, release);
    if let Some(to) = to {
        return release
            .revisions
            .iter()
            .find(|one| one.number == to && (one.number != live || drift.is_some()))
            .ok_or_else(|| Refusal(say!("release '{}' cannot go to revision {to}: kept are {}", release.key, kept())));
    }
    if let Some(deployed) = deployed.filter(|_| drift.as_ref().is_some_and(|drift| drift.is_deployed_enough(release))) {
        return Ok(deployed);
    }
    // Gone back to by hand, an earlier one is what is live.
    let back = drift.and_then(|drift| drift.back);
    let before = back.map_or(live, |back| back.number);
    let is_live_by_hand =
        |one: &ReleaseRevision| back.and_then(rendered).is_some_and(|live| rendered(one) == Some(live));
    let is_before = |one: &&ReleaseRevision| one.number < before && one.is_done() && !is_live_by_hand(one);
    let all: Vec<&ReleaseRevision> =
        release.revisions.iter().filter(is_before).filter(|one| !is_left_behind(release, one)).collect();
    let clean = all.iter().find(|one| ran(release, one).is_none_or(|ran| ran >= CLEAN_RUN));
    clean.or(all.first()).copied().ok_or_else(|| none_before(release, &found.workload.key))
}

/// Kept they may be: why none of them is chosen for somebody.
fn none_before(release: &Release, key: &WorkloadKey) -> Refusal {
    let numbers: Vec<String> = release.revisions.iter().map(|one| one.number.to_string()).collect();
    let undone =
        if release.revisions.iter().all(ReleaseRevision::is_done) { "" } else { ", or one that was never deployed" };
    let why = match release.revisions.as_slice() {
        [only] => format!("only revision {} of release '{}' is kept", only.number, release.key),
        _ => format!(
            "each of {} of release '{}' is the live one, or one that was rolled away from{undone}: name one to go there \
             (--to REV)",
            numbers.join(", "),
            release.key
        ),
    };
    Refusal(say!("no revision to roll {key} back to: {why}"))
}

fn rendered(revision: &ReleaseRevision) -> Option<u64> {
    revision.body.as_ref().ok().map(|body| body.sum)
}

/// The number that a rollback of Helm went to, by its own description.
fn rolled_to(revision: &ReleaseRevision) -> Option<i64> {
    revision.body.as_ref().ok()?.description.strip_prefix("Rollback to ")?.trim().parse().ok()
}

/// It renders what is live, or a rollback went back past it.
fn is_left_behind(release: &Release, one: &ReleaseRevision) -> bool {
    let is_live_again = live(release).and_then(rendered).is_some_and(|live| rendered(one) == Some(live));
    let is_past = |later: &ReleaseRevision| {
        later.number > one.number && later.is_done() && rolled_to(later).is_some_and(|to| to < one.number)
    };
    is_live_again || release.revisions.iter().any(is_past)
}

/// For how long it was the deployed one, in seconds.
fn ran(release: &Release, one: &ReleaseRevision) -> Option<i64> {
    let at = |one: &ReleaseRevision| one.body.as_ref().ok()?.updated;
    let next = release.revisions.iter().filter(|other| other.number > one.number).min_by_key(|other| other.number)?;
    Some(seconds_between(at(one)?, at(next)?))
}

/// The release and the revision that a request takes its workload back to.
pub(super) fn goal<'a>(request: &Request, evidence: &'a Evidence) -> Option<(&'a Release, &'a ReleaseRevision)> {
    let Inspection::Workload(found) = &evidence.subject else { return None };
    let release = found.release.as_ref()?.as_ref().ok()?;
    let to = match request {
        Request::RollBack { to, .. } => *to,
        Request::Undo { .. } => Some(evidence.undoing.as_ref()?.kept.as_ref()?.release.as_ref()?.1),
        _ => return None,
    };
    Some((release, target(release, found, to).ok()?))
}

/// What should be rehearsed: the writes, and a pod of the request's own workload.
pub(super) fn drafts<'a>(
    evidence: &'a Evidence,
    found: &'a WorkloadInspection,
    (release, target): (&'a Release, &'a ReleaseRevision),
) -> (Vec<Write>, Vec<(WorkloadKey, Value)>) {
    let parts = Parts::of(evidence, found, release, target);
    let mut writes = vec![write(release, target.number)];
    writes.extend(parts.delete_unready().into_iter().filter_map(|step| match step.kind {
        StepKind::Write(write) => Some(write),
        _ => None,
    }));
    let pod = parts
        .own(&found.workload.key)
        .and_then(|part| Some((part.key.clone(), part.target.as_ref()?.template.clone())));
    (writes, pod.into_iter().collect())
}

pub(super) fn write(release: &Release, to: i64) -> Write {
    let from = release.newest().map_or(0, |newest| newest.number);
    Write::HelmRollback { release: release.key.clone(), from, to }
}

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey, release: &Release, to: Option<i64>) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    let target = target(release, inspection, to)?;
    let live = live(release).ok_or_else(|| Refusal(say!("release '{}' has no revision", release.key)))?;
    let newest = release.newest().unwrap_or(live);
    let drift = Drift::of(inspection, release);
    let by_hand = if drift.is_some() { " (changed by hand)" } else { "" };
    let title = say!("ROLL BACK {key}: release {} {}{by_hand} -> {}", release.key.name, live.number, target.number);
    let mut plan = make.empty(title, say!("{}/{}", key.cluster, key.namespace));
    let from = drift.as_ref().map_or_else(|| words(live, now), |drift| drift.says(now));
    plan.facts = vec![("FROM".into(), from), ("TO".into(), words(target, now))];
    plan.choices = release
        .revisions
        .iter()
        .map(|one| Choice {
            revision: one.number,
            label: say!("{} {}", one.number, one.body.as_ref().map_or("", |body| &*body.chart)),
            note: one.status.clone(),
            is_live: one.number == live.number && drift.is_none(),
        })
        .collect();
    plan.chosen = Some(target.number);
    plan.last_change = last_change(inspection, now);
    let parts = Parts::of(make.evidence, inspection, release, target);
    plan.diff = changes(live, target, &parts.by_hand());
    plan.to = parts.own(key).and_then(|part| Some(part.target.as_ref()?.name.clone()));
    steps(make, inspection, (release, target), &parts, &mut plan);
    let subject = Subject { make, inspection, now };
    plan.checks = all_checks(&subject, release, (live, target), &parts, &plan);
    plan.blocked = gate(&subject, &plan);
    plan.keeps = Some(keeps(key, inspection, &release.key, (live.number, newest.number + 1)));
    let not_by_hand = if drift.is_some() { ", not to what was set by hand" } else { "" };
    plan.undo = say!("U: the release back to revision {}{not_by_hand}", live.number);
    plan.equivalent = rollback::stop_lines(make, key);
    plan.equivalent.push(line(make, &release.key, target.number));
    plan.equivalent.extend(parts.lines(make.settings));
    plan.weigh_beside(make, key, vec![say!("{}", target.number)], &release.key.name);
    Ok(plan)
}

/// Of the release as a whole, and of each workload that it takes back.
fn all_checks(
    subject: &Subject<'_>,
    release: &Release,
    (live, target): (&ReleaseRevision, &ReleaseRevision),
    parts: &Parts<'_>,
    plan: &Plan,
) -> Vec<Check> {
    let newest = release.newest().unwrap_or(live);
    let mut all = vec![
        subject.place(),
        checks::may_keep(release),
        checks::owner(release, target),
        subject.pipeline(true),
        checks::state(newest),
        checks::objects(live, target, &subject.inspection.workload.key),
        checks::hooks(live, target),
        subject.fresh(plan),
    ];
    // Something newer than that rollback is under way: B7 says what.
    all.extend(checks::rolled_back(subject, live, target).filter(|_| !newest.is_pending()));
    all.extend(checks::unread(live, target));
    all.extend(parts.checks(subject, plan));
    in_order(&mut all);
    all
}

fn keeps(key: &WorkloadKey, inspection: &WorkloadInspection, release: &ReleaseKey, moved: (i64, i64)) -> Kept {
    let kept = Kept::of(key, inspection.template.clone(), Value::Null);
    Kept {
        from_revision: inspection.live().map(|live| live.name.clone()),
        release: Some((release.clone(), moved.0, moved.1)),
        ..kept
    }
}

fn line(make: &Make<'_>, release: &ReleaseKey, to: i64) -> Clean {
    let context = quoted(make.settings.context_of(&release.cluster));
    say!("helm --kube-context {context} -n {} rollback {} {to}", quoted(&release.namespace), quoted(&release.name))
}

fn steps(
    make: &Make<'_>,
    inspection: &WorkloadInspection,
    (release, target): (&Release, &ReleaseRevision),
    parts: &Parts<'_>,
    plan: &mut Plan,
) {
    let key = &inspection.workload.key;
    plan.steps.push(PlanStep::keep_evidence(key));
    let own = parts.own(key).and_then(|part| part.target.as_ref());
    rollback::stop_runs(make, inspection, own.map_or(&Value::Null, |own| &own.template), plan);
    let next = release.newest().map_or(0, |newest| newest.number) + 1;
    plan.steps.push(PlanStep {
        says: say!("helm rollback {} {} (becomes revision {next})", release.key.name, target.number),
        kind: StepKind::Write(write(release, target.number)),
    });
    plan.steps.extend(parts.delete_unready());
    let now = make.store.time_of(&key.cluster, make.now);
    plan.steps.extend(PlanStep::watch_all(parts.wanted(now), &say!("revision {}", target.number)));
}

fn words(revision: &ReleaseRevision, now: jiff::Timestamp) -> Clean {
    match &revision.body {
        Ok(ReleaseBody { chart, app_version, updated, description, .. }) => {
            let age = updated.map(|at| format!("   {} ago", age_of(at, now))).unwrap_or_default();
            say!("revision {}   {chart}  app {app_version}   {}{age}   {description}", revision.number, revision.status)
        }
        Err(why) => say!("revision {}   {}   ({why})", revision.number, revision.status),
    }
}

/// What was set by hand goes first, from what is live. Of the manifests, where the rest of the release changes too.
fn changes(
    live: &ReleaseRevision,
    target: &ReleaseRevision,
    by_hand: &[(&WorkloadKey, Option<Clean>)],
) -> Option<Clean> {
    let manifests = || {
        let (Ok(from), Ok(to)) = (&live.body, &target.body) else { return None };
        let rest = |body: &ReleaseBody| -> BTreeSet<(Name, String, u64)> {
            let is_own = |one: &&Rendered| {
                by_hand.iter().any(|(key, _)| body.rendered(key).is_some_and(|rendered| rendered.is_same(one)))
            };
            let others = body.objects.iter().filter(|one| !is_own(one));
            others.map(|one| (one.namespace.clone(), one.to_string(), one.sum)).collect()
        };
        if !by_hand.is_empty() && rest(from) == rest(to) {
            return None;
        }
        let names = (format!("revision {} (deployed)", live.number), format!("revision {}", target.number));
        template::unified(&from.manifest, &to.manifest, &names.0, &names.1)
    };
    let all: Vec<Clean> = by_hand.iter().filter_map(|(_, diff)| diff.clone()).chain(manifests()).collect();
    let text: Vec<&str> = all.iter().map(|diff| diff.trim_end_matches('\n')).collect();
    (!text.is_empty()).then(|| Clean::block(&format!("{}\n", text.join("\n"))))
}

/// Back to the revision before an act.
pub(super) fn undo(make: &Make<'_>, act: &PastAct, kept: &Kept) -> Result<Plan, Refusal> {
    let key = kept.workload()?;
    let inspection = rollback::inspected(make, key)?;
    let (wanted, before, left) = kept.release.clone().ok_or_else(|| Refusal("no release was kept".into()))?;
    let release = match &inspection.release {
        Some(Ok(release)) if release.key == wanted => release,
        Some(Err(why)) => return Err(Refusal(say!("release '{wanted}' could not be read: {why}"))),
        _ => return Err(Refusal(say!("{key} is not of release '{wanted}' any more"))),
    };
    let newest = release.newest().map_or(0, |newest| newest.number);
    if newest != left {
        return Err(Refusal(say!(
            "release '{wanted}' is at revision {newest}, not the {left} that act {} left: somebody else was there. Nothing \
             was sent",
            act.number
        )));
    }
    let mut plan = plan(make, key, release, Some(before))?;
    plan.title = undo::title(act, &plan.title);
    plan.undo = "U again".into();
    Ok(plan)
}
