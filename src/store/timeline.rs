//! One merged timeline of deploys, runs, merges, events, alerts and annotations, derived from the store.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    time::Duration,
};

use jiff::Timestamp;

use super::Store;
use crate::{
    model::{
        BackendId, Level, Name,
        alert::{Alert, AlertState},
        change::{Change, ChangeKind, Subject},
        code::{Run, RunState},
        kubernetes::{
            Event, ObjectKey, ReplicaSet, Workload, WorkloadKey, WorkloadKind, tag_of,
            told::{is_echo, said},
        },
    },
    text::Clean,
    time::{Now, seconds_between},
};

/// Most entries kept: a person reads a few screens of them.
const MOST: usize = 1_000;

/// Everything that happened within `window` before now, newest first; at most a thousand entries.
pub fn timeline(store: &Store, now: Now, window: Duration) -> Vec<Change> {
    let oldest = store.time(now).checked_sub(window).unwrap_or(Timestamp::MIN);
    let mut changes = Vec::new();
    for workload in store.kube.workloads.values() {
        changes.extend(
            deploys_of(store, workload)
                .into_iter()
                .filter(|deploy| deploy.at >= oldest)
                .map(|deploy| from_deploy(workload, &deploy)),
        );
    }
    changes.extend(folded_events(store, oldest));
    changes.extend(store.runs.values().flat_map(|run| from_run(run, oldest)));
    changes.extend(store.pull_requests.values().filter_map(|pr| {
        let at = pr.merged.filter(|at| *at >= oldest)?;
        Some(Change {
            at,
            kind: ChangeKind::Merge,
            level: Level::Ok,
            text: Clean::own(format!("PR #{} {} ({})", pr.key.number, pr.title, pr.author)),
            subject: Subject::PullRequest(pr.key.clone()),
        })
    }));
    changes.extend(store.alerts.values().flat_map(from_alert).filter(|change| change.at >= oldest));
    changes.extend(store.annotations.values().flatten().filter(|note| note.time >= oldest).map(|note| Change {
        at: note.time,
        kind: ChangeKind::Note,
        level: Level::Ok,
        text: note.text.clone(),
        subject: Subject::None,
    }));
    changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.kind.cmp(&b.kind)).then_with(|| a.text.cmp(&b.text)));
    changes.dedup();
    changes.truncate(MOST);
    changes
}

/// A version of a workload that went live.
#[derive(Clone, Debug, PartialEq)]
pub struct Deploy {
    pub at: Timestamp,
    /// Tag before, where it is known and another.
    pub from: Option<Clean>,
    pub to: Clean,
    pub revision: Option<i64>,
    /// An older version came back.
    pub is_return: bool,
    /// It is what the workload runs now.
    pub is_live: bool,
}

impl Deploy {
    /// `411 -> 412`, or the tag alone.
    pub fn tags(&self) -> String {
        match &self.from {
            Some(from) => format!("{from} -> {}", self.to),
            None => self.to.to_string(),
        }
    }
}

/// The deploys of a workload that the cluster still knows of, newest first. Kubernetes knows them even when no pipeline
/// and no annotation says so.
pub fn deploys_of(store: &Store, workload: &Workload) -> Vec<Deploy> {
    if !workload.key.kind.has_replica_sets() {
        return changed_template(workload).into_iter().collect();
    }
    let mut sets: Vec<&ReplicaSet> =
        store.kube.sets_of(workload).into_iter().filter(|set| set.created.is_some()).collect();
    sets.sort_by_key(|set| set.created);
    let live = sets.iter().filter_map(|set| set.revision).max();
    let mut found: Vec<Deploy> = Vec::new();
    let mut returned = None;
    for (index, set) in sets.iter().enumerate() {
        let Some(at) = set.created else { continue };
        // Where two versions went back and forth, the newest-made may be the one that came back last.
        let was_reused = set.is_reused || sets[index + 1..].iter().any(|later| later.revision < set.revision);
        let (from, to) = tags(index.checked_sub(1).and_then(|before| sets.get(before)).map(|set| &*set.images), set);
        if was_reused && set.revision == live {
            returned = Some(*set);
        } else if was_reused {
            found.extend(returned_before(store, workload, &sets, index));
        }
        found.push(Deploy {
            at,
            from,
            to,
            // A version that came back has a new number; the one it had then is not known.
            revision: set.revision.filter(|_| !was_reused),
            is_return: false,
            is_live: set.revision == live && !was_reused,
        });
    }
    if let Some(set) = returned
        && let Some(at) = returned_at(store, workload, set, sets.last().and_then(|last| last.created))
    {
        let before = sets.iter().filter(|other| other.revision != set.revision).max_by_key(|other| other.revision);
        let (from, to) = tags(before.map(|set| &*set.images), set);
        found.push(Deploy { at, from, to, revision: set.revision, is_return: true, is_live: true });
    }
    found.sort_by_key(|deploy| std::cmp::Reverse(deploy.at));
    found
}

/// The tag that is another than before, and what it was.
fn tags(before: Option<&[Name]>, set: &ReplicaSet) -> (Option<Clean>, Clean) {
    let tag = |image: &Name| Clean::own(tag_of(image));
    let differs =
        set.images.iter().enumerate().find_map(|(index, image)| {
            before?.get(index).filter(|old| *old != image).map(|old| (tag(old), tag(image)))
        });
    match differs {
        Some((from, to)) => (Some(from).filter(|from| *from != to), to),
        None => (None, set.images.first().map(tag).unwrap_or_default()),
    }
}

/// A version that came back, and was left again since: only the event tells when, while the cluster keeps it.
fn returned_before(store: &Store, workload: &Workload, sets: &[&ReplicaSet], index: usize) -> Option<Deploy> {
    let (set, next) = (sets.get(index)?, sets.get(index + 1)?);
    // As long as none was made after it, it came up for the first time.
    let at = scaled_up_at(store, workload, set).filter(|at| Some(*at) > next.created)?;
    let before = sets[index + 1..].iter().rfind(|other| other.created < Some(at));
    let (from, to) = tags(before.map(|set| &*set.images), set);
    Some(Deploy { at, from, to, revision: set.revision, is_return: true, is_live: false })
}

/// When a ReplicaSet was scaled up last, by the events that are kept.
fn scaled_up_at(store: &Store, workload: &Workload, set: &ReplicaSet) -> Option<Timestamp> {
    let words = format!("Scaled up replica set {} ", set.key.name);
    let events = store.kube.events_of(&workload.key.cluster, &workload.uid);
    let event = events.into_iter().find(|event| event.message.starts_with(&words))?;
    event.first.or(event.last)
}

/// When an older ReplicaSet was scaled up again: its event while the cluster keeps it, else when the template changed.
/// `last`: when the newest of them was made, before which it cannot have come back.
fn returned_at(store: &Store, workload: &Workload, set: &ReplicaSet, last: Option<Timestamp>) -> Option<Timestamp> {
    scaled_up_at(store, workload, set)
        .filter(|at| Some(*at) > set.created)
        .or_else(|| workload.rolled_out_since(last?))
        .or_else(|| workload.changed_by.as_ref().and_then(|(_, at)| *at))
}

/// StatefulSets and DaemonSets keep their history where no watch reads it: only the last change is known.
fn changed_template(workload: &Workload) -> Option<Deploy> {
    let at = workload.changed_by.as_ref().and_then(|(_, at)| *at)?;
    if workload.created.is_some_and(|created| seconds_between(created, at) < 60) {
        return None;
    }
    let to = workload.images.first().map(|image| Clean::own(tag_of(image))).unwrap_or_default();
    Some(Deploy { at, from: None, to, revision: workload.revision, is_return: false, is_live: true })
}

fn from_deploy(workload: &Workload, deploy: &Deploy) -> Change {
    let mut text = format!("{} {}", workload.key.name, deploy.tags());
    if deploy.is_return {
        text.push_str(", back again");
    }
    if let Some(revision) = deploy.revision {
        let _ = write!(text, " (rev {revision})");
    }
    Change {
        at: deploy.at,
        kind: ChangeKind::Deploy,
        level: if deploy.is_live { workload.level } else { Level::Ok },
        text: Clean::own(text),
        subject: Subject::Workload(workload.key.clone()),
    }
}

/// Reasons that say what happened; the rest (Pulled, Created, Started, …) is noise on a timeline.
const TOLD: &[&str] = &[
    "BackOff",
    "Failed",
    "FailedScheduling",
    "FailedMount",
    "FailedCreate",
    "FailedCreatePodSandBox",
    "Unhealthy",
    "Evicted",
    "Preempted",
    "OOMKilling",
    "SystemOOM",
    "NodeNotReady",
    "Rebooted",
    "ProgressDeadlineExceeded",
    "SuccessfulRescale",
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "DeploymentRollback",
];

/// One entry per object and reason: the newest event's words, and how often in all.
fn folded_events(store: &Store, oldest: Timestamp) -> impl Iterator<Item = Change> {
    let mut folded: HashMap<(&BackendId, &Name, &Name, &Name, &Name), Folded<'_>> = HashMap::new();
    for event in store.kube.events.values() {
        let Some(at) = event.last.or(event.first).filter(|at| *at >= oldest) else { continue };
        if !TOLD.contains(&event.reason.as_str()) {
            continue;
        }
        // Ten pods of one workload that crash are one thing that happened.
        let pod = ObjectKey { name: event.object.clone(), ..event.key.clone() };
        let workload = match store.kube.pods.get(&pod) {
            Some(pod) => store.kube.workload_of(pod),
            None if event.kind == "Pod" => store.kube.workload_of_gone(&pod),
            None => None,
        };
        let whose = workload.map_or(&event.object, |workload| &workload.key.name);
        let gone = workload.filter(|_| store.kube.pods.get(&pod).is_none()).map(|workload| &workload.key);
        let folded = folded
            .entry((&event.key.cluster, &event.key.namespace, &event.kind, whose, &event.reason))
            .or_insert_with(|| Folded { newest: event, cause: None, times: 0, objects: BTreeSet::new(), whose, gone });
        folded.times = folded.times.saturating_add(event.count.max(1));
        folded.objects.insert(&event.object);
        if folded.newest.last.or(folded.newest.first) < Some(at) {
            (folded.newest, folded.gone) = (event, gone);
        }
        let told = |event: &Event| event.last.or(event.first);
        if !is_echo(event) && folded.cause.is_none_or(|cause| told(cause) <= Some(at)) {
            folded.cause = Some(event);
        }
    }
    folded.into_values().filter_map(from_event)
}

/// Events of one reason on one object, or on the pods of one workload.
struct Folded<'a> {
    newest: &'a Event,
    /// The newest that says why, not only that it is so still.
    cause: Option<&'a Event>,
    times: u32,
    objects: BTreeSet<&'a Name>,
    /// The object, or the workload of several pods.
    whose: &'a Name,
    /// The workload in the place of the newest event's pod, which is gone.
    gone: Option<&'a WorkloadKey>,
}

fn from_event(folded: Folded<'_>) -> Option<Change> {
    let event = folded.newest;
    let times = if folded.times > 1 { format!(" x{}", folded.times) } else { String::new() };
    let object_words = match folded.objects.len() {
        1 => event.object.to_string(),
        pods => format!("{} {pods} pods", folded.whose),
    };
    let object = |kind| WorkloadKey {
        cluster: event.key.cluster.clone(),
        namespace: event.key.namespace.clone(),
        kind,
        name: event.object.clone(),
    };
    Some(Change {
        at: event.last.or(event.first)?,
        kind: ChangeKind::Event,
        level: if event.warning { Level::Wrong } else { Level::Ok },
        text: Clean::own(format!("{object_words} {}{times}: {}", event.reason, said(folded.cause.unwrap_or(event)))),
        subject: if let Some(workload) = folded.gone {
            Subject::Workload(workload.clone())
        } else if event.kind == "Pod" {
            Subject::Pod(ObjectKey { name: event.object.clone(), ..event.key.clone() })
        } else {
            WorkloadKind::parse(&event.kind).map_or(Subject::None, |kind| Subject::Workload(object(kind)))
        },
    })
}

/// A finished run is one entry, at its end; one that deploys also has its start, which is what things broke after.
fn from_run(run: &Run, oldest: Timestamp) -> impl Iterator<Item = Change> + use<> {
    let name = format!("{} #{}", run.workflow, run.number);
    let change = |at, level, text: String| Change {
        at,
        kind: ChangeKind::Run,
        level,
        text: Clean::own(text),
        subject: Subject::Run(run.key.clone()),
    };
    let start = run.started.or(run.created).filter(|at| *at >= oldest);
    let end = run.updated.filter(|at| run.state.is_finished() && *at >= oldest);
    let started = start.filter(|_| run.deploys || end.is_none()).map(|at| {
        let level = if run.state.is_finished() { Level::Ok } else { Level::Progress };
        change(at, level, format!("{name} started by {}", run.actor))
    });
    let ended = end.map(|at| {
        let took = run.started.map(|start| format!(" after {}", crate::time::age(seconds_between(start, at).max(0))));
        let stage = run.stage.as_ref().filter(|_| run.state.is_bad()).map(|stage| format!(" in {stage}"));
        let level = match &run.state {
            state if state.is_bad() && run.deploys => Level::Broken,
            state if state.is_bad() => Level::Wrong,
            RunState::Other(_) => Level::Unknown,
            _ => Level::Ok,
        };
        let words = format!("{name} {}{}{}", run.state, stage.unwrap_or_default(), took.unwrap_or_default());
        change(at, level, words)
    });
    started.into_iter().chain(ended)
}

/// Pending, firing and resolved, as far as the backend says when.
fn from_alert(alert: &Alert) -> impl Iterator<Item = Change> + use<> {
    let about = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
    let entry = |at, level, words: &str| Change {
        at,
        kind: ChangeKind::Alert,
        level,
        text: Clean::own(format!("{}{about} {words}", alert.name)),
        subject: Subject::Alert(alert.key.clone()),
    };
    let is_told = !alert.is_watchdog;
    let has_fired = alert.state != AlertState::Pending;
    let starts = alert.starts.filter(|_| is_told && has_fired);
    let pending = alert
        .active_since
        .or(alert.starts.filter(|_| !has_fired))
        .filter(|at| is_told && starts.is_none_or(|fired| *at < fired))
        .map(|at| entry(at, Level::Progress, "pending"));
    let fired = starts.map(|at| entry(at, alert.priority.level(), "firing"));
    let resolved = match alert.state {
        AlertState::Resolved(at) if is_told => Some(entry(at, Level::Ok, "resolved")),
        AlertState::Resolved(at) => Some(entry(at, Level::Broken, "is gone")),
        _ => None,
    };
    pending.into_iter().chain(fired).chain(resolved)
}

#[cfg(test)]
mod tests;
