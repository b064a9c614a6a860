//! Pods that have failed and stay until they are collected: one line for all that did for the same reason.

use std::{cmp::Reverse, collections::BTreeSet};

use jiff::Timestamp;

use super::super::super::{View, list::Entry};
use crate::{
    model::kubernetes::{ContainerState, ObjectKey, Pod, Workload},
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

/// The newest of each reason stands for the others.
pub(super) fn entries(mut records: Vec<&Pod>) -> impl Iterator<Item = Entry<ObjectKey>> {
    records.sort_by_key(|pod| Reverse(ended(pod)));
    let mut seen = BTreeSet::new();
    records.retain(|pod| seen.insert(reason(pod)));
    records.into_iter().map(|pod| Entry::Item(pod.key.clone()))
}

/// `12 Evicted, newest 3h ago: The node was low on resource: memory.` `None`: the pod stands for itself alone.
pub(super) fn words(view: &View<'_>, workload: &Workload, newest: &Pod) -> Option<String> {
    if !newest.is_record() {
        return None;
    }
    let reason = reason(newest);
    let is_same = |pod: &&Pod| pod.is_record() && self::reason(pod) == reason;
    let count = view.store.kube.pods_of(workload).into_iter().filter(is_same).count();
    if count < 2 {
        return None;
    }
    let now = view.store.time_of(&newest.key.cluster, view.now);
    let age = ended(newest).map(|at| format!(", newest {} ago", age_of(at, now))).unwrap_or_default();
    let why = newest.why.strip_prefix(reason).unwrap_or(&newest.why).trim_start_matches(": ");
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Some(format!("{count} {reason}{age}{why}"))
}
