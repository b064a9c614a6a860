//! What a plan on an object says of it, and what speaks against the act.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Budget, ObjectAct, ObjectInspection, text};
use crate::{
    action::{Check, CheckResult, checks::check},
    model::kubernetes::{Manager, deletion, table::is_due_within, tag_of},
    text::{Clean, counted},
    time::age_of,
};

/// Kinds whose deletion takes more with it than they look like, and what.
const TAKES_MORE: [(&str, &str, &str); 7] = [
    ("", "Namespace", "everything in it is deleted too"),
    ("", "PersistentVolumeClaim", "its volume and the data on it may be deleted too"),
    ("", "PersistentVolume", "the data on it may be lost"),
    ("", "Node", "its pods are deleted, and the machine goes on running: cordon and drain it instead"),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "every object of this kind is deleted too"),
    ("apps", "StatefulSet", "its pods are deleted too: its data is served by nobody"),
    ("", "Secret", "what it holds is kept nowhere else, and pods that name it do not start any more"),
];

pub(super) fn facts(found: &ObjectInspection, act: ObjectAct, now: Timestamp) -> Vec<(Clean, Clean)> {
    let object = &found.object;
    let made = text(object, "/metadata/creationTimestamp").parse();
    let age = made.map_or_else(|_| "of unknown age".to_owned(), |at| format!("{} old", age_of(at, now)));
    let mut facts = vec![("WHAT".into(), say!("{}   {age}", found.key.words()))];
    if let Some(words) = state(found) {
        facts.push(("NOW".into(), Clean::own(words)));
    }
    let owners = owners(object);
    if !owners.is_empty() {
        facts.push(("OF".into(), Clean::own(owners.join(", "))));
    }
    match act {
        ObjectAct::Cordon | ObjectAct::Uncordon => {
            let pods = match &found.pods {
                Some(Ok(count)) => counted(*count, "pod"),
                Some(Err(why)) => format!("not known: {why}"),
                None => "not asked".to_owned(),
            };
            facts.push(("RUNS".into(), Clean::own(pods)));
        }
        ObjectAct::Suspend | ObjectAct::Unsuspend | ObjectAct::RunNow => {
            let schedule = Clean::line(text(object, "/spec/schedule"));
            let runs = match active(object) {
                0 => "no Job of it runs now".to_owned(),
                going => going_on(going),
            };
            facts.push(("WHEN".into(), say!("{schedule}   {runs}")));
        }
        _ => {}
    }
    facts
}

/// Of a pod whether it serves, its node and version; of a workload its pods.
fn state(found: &ObjectInspection) -> Option<String> {
    let (object, resource) = (&found.object, &found.key.resource);
    if resource.is("", "Pod") {
        return Some(pod_state(object));
    }
    if !matches!(resource.group.as_str(), "apps" | "argoproj.io") {
        return None;
    }
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let wanted = number("/spec/replicas")?;
    let (ready, all) = (number("/status/readyReplicas").unwrap_or(0), number("/status/replicas").unwrap_or(0));
    Some(format!("{wanted} wanted, {ready} ready, {}", counted(usize::try_from(all).unwrap_or(0), "pod")))
}

/// `0/1 CrashLoopBackOff, node-3, 412`
fn pod_state(object: &Value) -> String {
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let statuses = list("/status/containerStatuses");
    let ready = statuses.iter().filter(|one| one["ready"] == true).count();
    let mut waits = statuses.iter().map(|one| text(one, "/state/waiting/reason"));
    let word = waits.find(|reason| !reason.is_empty()).unwrap_or_else(|| text(object, "/status/phase"));
    let word = if text(object, "/metadata/deletionTimestamp").is_empty() { word } else { "Terminating" };
    let count = format!("{ready}/{} {word}", list("/spec/containers").len());
    let image = Some(text(object, "/spec/containers/0/image")).filter(|image| !image.is_empty());
    let words = [count.trim_end(), text(object, "/spec/nodeName"), image.map_or("", tag_of)];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Clean::line(&words.join(", ")).to_string()
}

/// What else speaks for or against it.
pub(super) fn checks(found: &ObjectInspection, act: ObjectAct, is_production: bool, now: Timestamp) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(says) = deletion(&found.object, now) {
        checks.push(check("B7", "deleted", CheckResult::Stop(says)));
    }
    checks.push(check("B8", "effect", effect(found, act, is_production, now)));
    let finalizers = found.object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let finalizers: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    if act == ObjectAct::Delete && !finalizers.is_empty() {
        let says = say!("it stays until these are done: {}", Clean::line(&finalizers.join(", ")));
        checks.push(check("B13", "finalizers", CheckResult::Look(says)));
    }
    checks.extend(found.budgets.as_ref().map(|budgets| check("B12", "budget", budget(found, budgets, is_production))));
    checks
}

/// What the disruption budgets say of a deletion, which asks none of them. A pod that is not ready counts for none.
fn budget(found: &ObjectInspection, budgets: &Result<Vec<Budget>, Clean>, is_production: bool) -> CheckResult {
    const ROUND: &str = "a deletion goes round it (:evict asks it)";
    let budgets = match budgets {
        Err(why) => return CheckResult::NotChecked(say!("disruption budgets could not be read: {why}")),
        Ok(budgets) => budgets,
    };
    let Some(tight) = budgets.iter().min_by_key(|budget| budget.allowed) else {
        return CheckResult::Ok("no disruption budget covers it".into());
    };
    let Budget { name, healthy, needed, allowed } = tight;
    if *allowed > 0 {
        return CheckResult::Look(say!("disruption budget '{name}' allows {allowed}: {ROUND}"));
    }
    let has = format!("disruption budget '{name}' needs {needed} healthy and has {healthy}: it allows none");
    if !is_ready(&found.object) {
        CheckResult::Look(say!("{has}, but this pod is not ready and not counted: {ROUND}"))
    } else if is_production {
        CheckResult::Stop(say!("{has}, and {ROUND}"))
    } else {
        CheckResult::Look(say!("{has}, and {ROUND}"))
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

fn effect(found: &ObjectInspection, act: ObjectAct, is_production: bool, now: Timestamp) -> CheckResult {
    match act {
        ObjectAct::Pause => pause(&found.object),
        ObjectAct::Resume => CheckResult::Look("what was changed while it was paused rolls out now".into()),
        ObjectAct::Cordon => {
            CheckResult::Ok("nothing new is put on it; what runs there stays (`kubectl drain` empties it)".into())
        }
        ObjectAct::Uncordon => CheckResult::Ok("new pods may be put on it again; none moves by itself".into()),
        ObjectAct::Suspend => match active(&found.object) {
            0 => CheckResult::Look("no run is started until it is unsuspended".into()),
            going => CheckResult::Look(say!("no run is started until it is unsuspended; {}", going_on(going))),
        },
        ObjectAct::Unsuspend => unsuspend(&found.object, now),
        ObjectAct::RunNow => run_now(&found.object),
        ObjectAct::Delete | ObjectAct::Evict => removal(found, is_production),
    }
}

/// `Deployment web`
fn owners(object: &Value) -> Vec<String> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let words = |owner: &Value| format!("{} {}", Clean::line(text(owner, "/kind")), Clean::line(text(owner, "/name")));
    owners.into_iter().flatten().map(words).collect()
}

/// Jobs of a CronJob that run.
fn active(object: &Value) -> usize {
    object.pointer("/status/active").and_then(Value::as_array).map_or(0, Vec::len)
}

fn going_on(runs: usize) -> String {
    format!("{} on", counted(runs, "run") + if runs == 1 { " goes" } else { " go" })
}

/// The controller starts the last run that it missed since its last one, if its deadline has not passed.
fn unsuspend(object: &Value, now: Timestamp) -> CheckResult {
    let time = |pointer: &str| text(object, pointer).parse::<Timestamp>().ok();
    let unknown =
        |why: &str| CheckResult::Look(say!("whether it would start a missed run at once is not known: {why}"));
    let ran = time("/status/lastScheduleTime");
    let Some(last) = ran.or_else(|| time("/metadata/creationTimestamp")) else {
        return unknown("it does not say when it ran last");
    };
    let deadline = object.pointer("/spec/startingDeadlineSeconds").and_then(Value::as_i64);
    let oldest = deadline.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    let since = oldest.map_or(last, |oldest| oldest.max(last));
    let zone = Some(text(object, "/spec/timeZone")).filter(|zone| !zone.is_empty());
    match is_due_within(text(object, "/spec/schedule"), zone, ran, (since, now)) {
        Err(why) => unknown(why),
        Ok(true) => CheckResult::Look(match (text(object, "/spec/concurrencyPolicy"), active(object)) {
            ("Forbid", 1..) => {
                "a run was missed: it would start one when what runs has ended (concurrencyPolicy Forbid)".into()
            }
            ("Replace", 1..) => {
                "a run was missed: it would start one at once, in place of what runs (concurrencyPolicy Replace)".into()
            }
            _ => "a run was missed: it would start one at once".into(),
        }),
        Ok(false) => CheckResult::Ok(match deadline {
            Some(seconds) => say!("no run was missed in its last {seconds} s: it would not start one at once"),
            None => "no run was missed: it would not start one at once".into(),
        }),
    }
}

fn pause(object: &Value) -> CheckResult {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let (updated, wanted) = (number("/status/updatedReplicas"), number("/spec/replicas"));
    let until = "neither a deploy nor a rollback nor a restart rolls until it is resumed";
    CheckResult::Look(if updated < wanted {
        say!("its rollout stays at {updated} of {wanted} updated, and {until}")
    } else {
        until.into()
    })
}

fn run_now(object: &Value) -> CheckResult {
    let policy = text(object, "/spec/concurrencyPolicy");
    match active(object) {
        0 if super::is_on(object, "/spec/suspend") => {
            CheckResult::Look("it is suspended: this runs it once nevertheless".into())
        }
        0 => CheckResult::Ok("no run goes on beside it".into()),
        going if matches!(policy, "Forbid" | "Replace") => CheckResult::Stop(say!(
            "{} already, and its policy is {policy}: two must not run beside each other",
            going_on(going)
        )),
        going => CheckResult::Look(say!("{} already: it runs beside", going_on(going))),
    }
}

/// Whether somebody makes the object anew, and what goes with it.
fn removal(found: &ObjectInspection, is_production: bool) -> CheckResult {
    let resource = &found.key.resource;
    let owners = owners(&found.object);
    if resource.is("", "Pod") {
        let Some(owner) = owners.first() else {
            return CheckResult::Stop("nobody makes another: it has no owner".into());
        };
        return match owner.split(' ').next() {
            Some("Job") => CheckResult::Look(say!("{owner} counts it as a failure, and may start another")),
            Some("StatefulSet") => {
                CheckResult::Look(say!("{owner} makes it anew with its volume; until then it serves nothing"))
            }
            Some("Node") => CheckResult::Look("a static pod: the kubelet makes it anew".into()),
            _ => CheckResult::Ok(say!("{owner} makes another")),
        };
    }
    if let Some((.., more)) = TAKES_MORE.iter().find(|(group, kind, _)| resource.is(group, kind)) {
        return CheckResult::Stop((*more).into());
    }
    let alone = match (owners.first(), found.managed_by.first()) {
        (Some(owner), _) => return CheckResult::Look(say!("{owner} may make it anew")),
        (None, Some(helm @ Manager::Helm { .. })) => {
            say!("owned by {helm}, which makes it anew at its next upgrade; what it owns is deleted with it")
        }
        (None, Some(owner)) => {
            return CheckResult::Look(say!("owned by {owner}, which makes it anew while git has it"));
        }
        (None, None) => "nobody makes another, and what it owns is deleted with it".into(),
    };
    if is_production { CheckResult::Stop(alone) } else { CheckResult::Look(alone) }
}
