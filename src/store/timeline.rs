//! One merged timeline of deploys, runs, merges, events, alerts and annotations, derived from the store.

use std::time::Duration;

use jiff::Timestamp;

use super::Store;
use crate::{
    model::{
        Level,
        alert::{Alert, AlertState},
        change::{Change, ChangeKind, Subject},
        code::Run,
        kubernetes::{Event, Workload},
    },
    text::Clean,
    time::Now,
};

/// Everything that happened within `window` before now, newest first.
pub fn timeline(store: &Store, now: Now, window: Duration) -> Vec<Change> {
    let oldest = now.wall.checked_sub(window).unwrap_or(Timestamp::MIN);
    let mut changes = Vec::new();
    for workload in store.kube.workloads.values() {
        deploys(store, workload, &mut changes);
    }
    changes.extend(store.kube.events.values().filter_map(|event| from_event(event)));
    changes.extend(store.runs.values().flat_map(from_run));
    changes.extend(store.pull_requests.values().filter_map(|pr| {
        Some(Change {
            at: pr.merged?,
            kind: ChangeKind::Merge,
            level: Level::Ok,
            text: Clean::own(format!("PR #{} {} ({})", pr.key.number, pr.title, pr.author)),
            subject: Subject::PullRequest(pr.key.clone()),
        })
    }));
    changes.extend(store.alerts.values().flat_map(from_alert));
    changes.extend(store.annotations.values().flatten().map(|note| Change {
        at: note.time,
        kind: ChangeKind::Note,
        level: Level::Ok,
        text: note.text.clone(),
        subject: Subject::None,
    }));
    changes.retain(|change| change.at >= oldest);
    changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.kind.cmp(&b.kind)).then_with(|| a.text.cmp(&b.text)));
    changes
}

/// A deploy is a new ReplicaSet: Kubernetes knows it even when no pipeline says so.
fn deploys(store: &Store, workload: &Workload, into: &mut Vec<Change>) {
    let sets = store.kube.sets_of(workload);
    for (index, set) in sets.iter().enumerate() {
        let (Some(at), Some(number)) = (set.created, set.revision) else { continue };
        let tag = |images: &[crate::model::Name]| {
            images.first().map(|image| crate::model::kubernetes::tag_of(image).to_owned())
        };
        let to = tag(&set.images).unwrap_or_default();
        let from = sets.get(index + 1).and_then(|older| tag(&older.images));
        let what = match from {
            Some(from) if from != to => format!("{} {from} -> {to} (rev {number})", workload.key.name),
            _ => format!("{} {to} (rev {number})", workload.key.name),
        };
        into.push(Change {
            at,
            kind: ChangeKind::Deploy,
            level: if index == 0 { workload.level } else { Level::Ok },
            text: Clean::own(what),
            subject: Subject::Workload(workload.key.clone()),
        });
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

fn from_event(event: &Event) -> Option<Change> {
    let is_told = TOLD.contains(&event.reason.as_str());
    if !is_told {
        return None;
    }
    let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
    Some(Change {
        at: event.last.or(event.first)?,
        kind: ChangeKind::Event,
        level: if event.warning { Level::Wrong } else { Level::Ok },
        text: Clean::own(format!("{} {}{times}: {}", event.object, event.reason, event.message)),
        subject: if event.kind == "Pod" {
            Subject::Pod(crate::model::kubernetes::ObjectKey { name: event.object.clone(), ..event.key.clone() })
        } else {
            Subject::None
        },
    })
}

fn from_run(run: &Run) -> impl Iterator<Item = Change> + use<> {
    let level = if run.state.is_bad() {
        Level::Broken
    } else if run.state.is_finished() {
        Level::Ok
    } else {
        Level::Progress
    };
    let name = format!("{} #{}", run.workflow, run.number);
    let change = |at, level, text: String| Change {
        at,
        kind: ChangeKind::Run,
        level,
        text: Clean::own(text),
        subject: Subject::Run(run.key.clone()),
    };
    let started =
        run.started.or(run.created).map(|at| change(at, Level::Ok, format!("{name} started by {}", run.actor)));
    let ended =
        run.updated.filter(|_| run.state.is_finished()).map(|at| change(at, level, format!("{name} {}", run.state)));
    started.into_iter().chain(ended)
}

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
    let fired = alert.starts.filter(|_| is_told).map(|at| entry(at, alert.priority.level(), "firing"));
    let resolved = match alert.state {
        AlertState::Resolved(at) if is_told => Some(entry(at, Level::Ok, "resolved")),
        _ => None,
    };
    fired.into_iter().chain(resolved)
}
