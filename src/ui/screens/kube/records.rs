//! Pods that have failed and stay until they are collected: one line for all that did for the same reason.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::super::super::View;
use crate::{
    model::kubernetes::{ContainerState, ObjectKey, Pod},
    time::age_of,
};

/// In a word. Behind STATUS `Error` there may stand an eviction.
fn reason(pod: &Pod) -> &str {
    pod.reason.as_deref().and_then(|reason| reason.split(':').next()).unwrap_or(&pod.status)
}

/// When its last container ended; else when it was made.
fn ended(pod: &Pod) -> Option<Timestamp> {
    let end = |state: &ContainerState| match state {
        ContainerState::Terminated(end) => end.finished,
        _ => None,
    };
    pod.containers.iter().filter_map(|container| end(&container.state)).max().or(pod.created)
}

/// The newest of each reason stands for the others: it, and how many they are with it.
pub(super) fn counted(mut records: Vec<&Pod>) -> Vec<(ObjectKey, usize)> {
    records.sort_by_key(|pod| Reverse(ended(pod)));
    let mut counts: Vec<(&Pod, usize)> = Vec::new();
    for pod in records {
        match counts.iter_mut().find(|(newest, _)| reason(newest) == reason(pod)) {
            Some((_, count)) => *count += 1,
            None => counts.push((pod, 1)),
        }
    }
    counts.into_iter().map(|(newest, count)| (newest.key.clone(), count)).collect()
}

/// `12 Evicted, newest 3h ago: The node was low on resource: memory.` `None`: the pod stands for itself alone.
pub(super) fn words(view: &View<'_>, count: usize, newest: &Pod) -> Option<String> {
    if count < 2 {
        return None;
    }
    let reason = reason(newest);
    let now = view.store.time_of(&newest.key.cluster, view.now);
    let age = ended(newest).map(|at| format!(", newest {} ago", age_of(at, now))).unwrap_or_default();
    let why = newest.why.strip_prefix(reason).unwrap_or(&newest.why).trim_start_matches(": ");
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Some(format!("{count} {reason}{age}{why}"))
}
