//! The rollback of a Helm release, through Helm's own history: the patch of a workload would be one that it does not know.

use super::{
    Check, CheckResult, WorkloadInspection, Write,
    audit::PastAct,
    checks::{self, Subject},
    plan::{Choice, Kept, Make, Plan, PlanStep, Refusal, StepKind, WatchFor},
    rollback,
};
use crate::{
    model::{
        helm::{Release, ReleaseBody, ReleaseKey, ReleaseRevision},
        kubernetes::WorkloadKey,
    },
    text::{Clean, quoted},
    time::age_of,
};

/// The revision to go to: the one asked for, else the newest before the live one that was deployed.
pub(super) fn target(release: &Release, to: Option<i64>) -> Result<&ReleaseRevision, Refusal> {
    let newest = release.newest().map_or(0, |newest| newest.number);
    let kept = || release.revisions.iter().map(|one| one.number.to_string()).collect::<Vec<_>>().join(", ");
    let live = release.deployed().map_or(newest, |deployed| deployed.number);
    match to {
        Some(to) => {
            release.revisions.iter().find(|one| one.number == to && one.number != live).ok_or_else(|| {
                Refusal(say!("release '{}' cannot go to revision {to}: kept are {}", release.key, kept()))
            })
        }
        None => release
            .revisions
            .iter()
            .find(|one| one.number < live && one.status == "superseded")
            .ok_or_else(|| Refusal(say!("release '{}' has no earlier revision that was deployed", release.key))),
    }
}

pub(super) fn write(release: &Release, to: i64) -> Write {
    let from = release.newest().map_or(0, |newest| newest.number);
    Write::HelmRollback { release: release.key.clone(), from, to }
}

pub(super) fn plan(make: &Make<'_>, key: &WorkloadKey, release: &Release, to: Option<i64>) -> Result<Plan, Refusal> {
    made(make, key, release, to, false)
}

/// `is_undo`: the release is as an act left it, so what came before is no stranger's hand.
fn made(
    make: &Make<'_>,
    key: &WorkloadKey,
    release: &Release,
    to: Option<i64>,
    is_undo: bool,
) -> Result<Plan, Refusal> {
    let inspection = rollback::inspected(make, key)?;
    let now = make.store.time_of(&key.cluster, make.now);
    let target = target(release, to)?;
    let newest = release.newest().ok_or_else(|| Refusal(say!("release '{}' has no revision", release.key)))?;
    let live = release.deployed().unwrap_or(newest);
    let title = say!("ROLL BACK {key}: release {} {} -> {}", release.key.name, live.number, target.number);
    let mut plan = make.empty(title, say!("{}/{}", key.cluster, key.namespace));
    plan.facts = vec![("FROM".into(), words(live, now)), ("TO".into(), words(target, now))];
    plan.choices = release
        .revisions
        .iter()
        .map(|one| Choice {
            revision: one.number,
            label: say!("{} {}", one.number, one.body.as_ref().map_or("", |body| &*body.chart)),
            note: one.status.clone(),
            is_live: one.number == live.number,
        })
        .collect();
    plan.chosen = Some(target.number);
    plan.diff = rendered(live, target);
    plan.last_change = checks::last_change(inspection, now);
    steps(inspection, release, target.number, &mut plan);
    let subject = Subject { make, inspection, now };
    plan.checks = vec![
        subject.place(),
        state(newest),
        owner(release, target),
        also(live, target),
        subject.nobody_else(true),
        subject.pipeline(true),
        checks::check(
            "B9",
            "not undone",
            CheckResult::NotChecked(
                "hooks of the chart run again; what they changed, and its data, are not undone".into(),
            ),
        ),
        subject.fresh(&plan),
    ];
    if is_undo {
        plan.checks.retain(|check| check.id != "B5");
    }
    let migration = inspection.live().and_then(|live| subject.migration(live, &[]));
    plan.checks.extend(migration.map(|runs| checks::check("B10", "database", runs)));
    plan.checks.extend(subject.warnings());
    plan.blocked = checks::gate(&subject, &plan);
    plan.keeps = Some(keeps(key, inspection, &release.key, (live.number, newest.number + 1)));
    plan.undo = say!("U: the release back to revision {}", live.number);
    plan.equivalent = vec![line(make, &release.key, target.number)];
    plan.weigh(make.settings.is_production(&key.cluster), vec![say!("{}", target.number)], &release.key.name);
    Ok(plan)
}

fn keeps(key: &WorkloadKey, inspection: &WorkloadInspection, release: &ReleaseKey, moved: (i64, i64)) -> Kept {
    let kept = Kept::of(key, inspection.template.clone(), serde_json::Value::Null);
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

fn steps(inspection: &WorkloadInspection, release: &Release, to: i64, plan: &mut Plan) {
    let key = &inspection.workload.key;
    plan.steps.push(PlanStep::keep_evidence(key));
    let next = release.newest().map_or(0, |newest| newest.number) + 1;
    plan.steps.push(PlanStep {
        says: say!("helm rollback {} {to} (becomes revision {next})", release.key.name),
        kind: StepKind::Write(write(release, to)),
    });
    plan.steps.push(PlanStep::watch(WatchFor::of(key, inspection.workload.desired, &format!("revision {to}"))));
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

/// Helm's own states: a pending one blocks every operation.
fn state(newest: &ReleaseRevision) -> Check {
    let result = match &*newest.status {
        "deployed" => CheckResult::Ok(say!("revision {} is deployed", newest.number)),
        "failed" => CheckResult::Look(say!("revision {} failed: what of it was applied is not known", newest.number)),
        status if newest.is_pending() => CheckResult::Stop(say!(
            "revision {} is {status}: another operation of Helm goes on, or was cut off. Helm refuses until it has ended",
            newest.number
        )),
        status => CheckResult::Look(say!("revision {} is {status}", newest.number)),
    };
    checks::check("B7", "release", result)
}

fn owner(release: &Release, target: &ReleaseRevision) -> Check {
    let says = match &target.body {
        Ok(body) => say!("Helm release '{}': its history gets one revision more, of {}", release.key, body.chart),
        Err(why) => {
            let says = say!("revision {} could not be read, so what it holds is not shown: {why}", target.number);
            return checks::check("B4", "owner", CheckResult::Look(says));
        }
    };
    checks::check("B4", "owner", CheckResult::Ok(says))
}

/// A release is more than one workload.
fn also(live: &ReleaseRevision, target: &ReleaseRevision) -> Check {
    let (Ok(from), Ok(to)) = (&live.body, &target.body) else {
        return checks::check(
            "B8",
            "also undone",
            CheckResult::NotChecked("a manifest of the two was not read".into()),
        );
    };
    let changed = similar::TextDiff::from_lines(&*from.manifest, &*to.manifest);
    let lines = changed.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal).count();
    let result = match lines {
        0 => CheckResult::Look("the two render the same: this changes nothing but the history".into()),
        lines => CheckResult::Look(say!(
            "{lines} lines of the rendered manifest, of all objects of the release: see the diff"
        )),
    };
    checks::check("B8", "also undone", result)
}

fn rendered(live: &ReleaseRevision, target: &ReleaseRevision) -> Option<Clean> {
    let (Ok(from), Ok(to)) = (&live.body, &target.body) else { return None };
    let names = (format!("revision {} (deployed)", live.number), format!("revision {}", target.number));
    let text = similar::TextDiff::from_lines(&*from.manifest, &*to.manifest)
        .unified_diff()
        .context_radius(3)
        .header(&names.0, &names.1)
        .to_string();
    Some(Clean::block(&text)).filter(|text| !text.is_empty())
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
    let mut plan = made(make, key, release, Some(before), true)?;
    plan.title = say!("UNDO {}", act.title);
    plan.undo = "U again".into();
    Ok(plan)
}
