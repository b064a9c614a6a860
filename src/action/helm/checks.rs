//! What speaks against a rollback of a release as a whole.

use jiff::Timestamp;

use super::rolled_to;
use crate::{
    action::{
        Check, CheckResult,
        checks::{HANDS, Subject, check},
    },
    model::{
        helm::{Hook, Release, ReleaseBody, ReleaseRevision, Rendered},
        kubernetes::WorkloadKey,
    },
    text::{Clean, counted},
    time::{age_of, seconds_between},
};

/// Most that are named.
const NAMED: usize = 4;
/// Kinds whose deletion takes data, or everything in them.
const TAKE_MORE: [&str; 5] =
    ["Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "StatefulSet"];

/// B7, by Helm's own states: a pending one blocks every operation.
pub(super) fn state(newest: &ReleaseRevision) -> Check {
    let result = match &*newest.status {
        "deployed" => CheckResult::Ok(say!("revision {} is deployed", newest.number)),
        "failed" => CheckResult::Look(say!("revision {} failed: what of it was applied is not known", newest.number)),
        status if newest.is_pending() => CheckResult::Stop(say!(
            "revision {} is {status}: another operation of Helm goes on, or was cut off. Helm refuses until it has ended",
            newest.number
        )),
        status => CheckResult::Look(say!("revision {} is {status}", newest.number)),
    };
    check("B7", "release", result)
}

/// B3: Helm keeps its history in Secrets.
pub(super) fn may_keep(release: &Release) -> Check {
    let namespace = &release.key.namespace;
    let result = match &release.may_keep {
        Ok(true) => {
            CheckResult::Ok(say!("you may create secrets in '{namespace}', where Helm keeps its history (asked)"))
        }
        Ok(false) => CheckResult::Stop(say!(
            "Helm keeps its history in Secrets, which you may not create in '{namespace}': ask for `create secrets`"
        )),
        Err(why) => CheckResult::Look(say!("whether you may keep a revision of it could not be asked: {why}")),
    };
    check("B3", "history", result)
}

/// B4
pub(super) fn owner(release: &Release, target: &ReleaseRevision) -> Check {
    let result = match &target.body {
        Ok(body) => CheckResult::Ok(say!(
            "Helm release '{}': its history gets one revision more, of {}",
            release.key,
            body.chart
        )),
        Err(why) => CheckResult::Look(say!(
            "revision {} could not be read, so what it holds is not shown: {why}",
            target.number
        )),
    };
    check("B4", "owner", result)
}

/// B5: what is live is a rollback of somebody's already. To apply the same once more goes no further back.
pub(super) fn rolled_back(subject: &Subject<'_>, live: &ReleaseRevision, target: &ReleaseRevision) -> Option<Check> {
    let at: Timestamp = live.body.as_ref().ok()?.updated?;
    let to = rolled_to(live)?;
    let is_undone = subject.make.evidence.undoing.is_some();
    (!is_undone && target.number != live.number && seconds_between(at, subject.now) < HANDS).then(|| {
        let says = say!(
            "it was rolled back already: revision {} went back to {to} {} ago. Sent again, it goes further back",
            live.number,
            age_of(at, subject.now)
        );
        check("B5", "release", CheckResult::Stop(says))
    })
}

/// Both bodies, or why one is missing.
fn bodies<'a>(
    live: &'a ReleaseRevision,
    target: &'a ReleaseRevision,
) -> Result<(&'a ReleaseBody, &'a ReleaseBody), Clean> {
    let body = |of: &'a ReleaseRevision| {
        of.body.as_ref().map_err(|why| say!("revision {} could not be read: {why}", of.number))
    };
    Ok((body(live)?, body(target)?))
}

/// B8: a release is more than its workloads.
pub(super) fn objects(live: &ReleaseRevision, target: &ReleaseRevision, own: &WorkloadKey) -> Check {
    let result = match bodies(live, target) {
        Err(why) => CheckResult::NotChecked(why),
        Ok(_) if live.number == target.number => CheckResult::NotChecked(say!(
            "revision {} is applied once more: what else of its objects was set by hand goes back too, and was not read",
            live.number
        )),
        Ok((from, to)) if from.sum == to.sum => {
            CheckResult::Look("the two render the same: this changes nothing but the history".into())
        }
        Ok((from, to)) => changed(from, to, own),
    };
    check("B8", "objects", result)
}

fn changed(from: &ReleaseBody, to: &ReleaseBody, own: &WorkloadKey) -> CheckResult {
    let without = |all: &[Rendered], one: &Rendered| !all.iter().any(|other| other.is_same(one));
    let deleted: Vec<&Rendered> = from.objects.iter().filter(|one| !one.is_kept && without(&to.objects, one)).collect();
    let made: Vec<&Rendered> = to.objects.iter().filter(|one| without(&from.objects, one)).collect();
    let is_changed = |one: &&Rendered| from.objects.iter().any(|before| before.is_same(one) && before.sum != one.sum);
    let back: Vec<&Rendered> = to.objects.iter().filter(|one| one.workload().is_none()).filter(is_changed).collect();
    let mut words = Vec::new();
    for (verb, all) in [("deletes", &deleted), ("makes", &made), ("also takes back", &back)] {
        if !all.is_empty() {
            words.push(format!("{verb} {}", names(all)));
        }
    }
    let is_own =
        |one: &&Rendered| one.workload() == Some(own.kind) && one.namespace == own.namespace && one.name == own.name;
    let takes_more = |one: &&Rendered| TAKE_MORE.contains(&&*one.kind) || is_own(one);
    if words.is_empty() {
        CheckResult::Ok("nothing else of the release changes".into())
    } else if deleted.iter().any(takes_more) {
        CheckResult::Stop(say!("Helm {}", words.join(", ")))
    } else {
        CheckResult::Look(say!("Helm {}", words.join(", ")))
    }
}

fn names<T: ToString>(all: &[T]) -> String {
    let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
    let named: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    format!("{}{more}", named.join(", "))
}

/// B8: documents that midwatch could not read, and Helm can.
pub(super) fn unread(live: &ReleaseRevision, target: &ReleaseRevision) -> Option<Check> {
    let (from, to) = bodies(live, target).ok()?;
    let other: &[Clean] = if live.number == target.number { &[] } else { &to.unread };
    let all: Vec<&Clean> = from.unread.iter().chain(other).collect();
    let first = all.first()?;
    let says = say!("{} not read: {first}", counted(all.len(), "document"));
    Some(check("B8", "manifest", CheckResult::NotChecked(says)))
}

/// B10: what the charts run around an operation, which no rollback takes back.
pub(super) fn hooks(live: &ReleaseRevision, target: &ReleaseRevision) -> Check {
    let result = match bodies(live, target) {
        Err(why) => CheckResult::NotChecked(say!("which hooks run is not known: {why}")),
        Ok((from, to)) => {
            let at = |hook: &&Hook, of: &[&str]| hook.events.iter().any(|event| of.contains(&&**event));
            let ran: Vec<&Hook> = from
                .hooks
                .iter()
                .filter(|_| live.number != target.number)
                .filter(|hook| at(hook, &["pre-install", "post-install", "pre-upgrade", "post-upgrade"]))
                .collect();
            let runs: Vec<&Hook> =
                to.hooks.iter().filter(|hook| at(hook, &["pre-rollback", "post-rollback"])).collect();
            let mut words = Vec::new();
            if !runs.is_empty() {
                words.push(format!("{} of revision {} runs with it", names(&runs), target.number));
            }
            if !ran.is_empty() {
                words.push(format!("what {} did for revision {} stays done", names(&ran), live.number));
            }
            if ran.iter().chain(&runs).any(|hook| hook.migrates) {
                words.push(format!("the schema may be ahead of revision {}", target.number));
            }
            if words.is_empty() {
                CheckResult::Ok("neither revision has a hook that ran or runs".into())
            } else {
                CheckResult::Look(say!("{}", words.join("; ")))
            }
        }
    };
    check("B10", "hooks", result)
}
