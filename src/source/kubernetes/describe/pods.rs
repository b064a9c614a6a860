//! The pods of an object on its page: how many are how, what ails them, what they are warned of.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{Page, items, pod};
use crate::{
    model::{
        Level,
        kubernetes::{Event, Pod},
    },
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        rows::Rows,
        selector::query,
    },
    text::counted,
};

/// Warnings about pods of a namespace are read in one page.
const MAX_EVENTS: &str = "500";
/// Most different troubles that are told.
const MAX_TOLD: usize = 5;

pub fn describe(page: &mut Page, pods: &[Pod]) {
    for (status, level, count) in pod::tally(pods) {
        page.levelled("pods", &format!("{count} {status}"), Some(level));
    }
    let restarts: u64 = pods.iter().map(|pod| u64::from(pod.restarts)).sum();
    if restarts > 0 {
        let last = page.ago(pods.iter().filter_map(|pod| pod.last_restart).max());
        page.levelled("restarts", &format!("{restarts}, the last {last}"), Some(Level::Wrong));
    }
    let mut whys: BTreeMap<(Level, &str), Vec<&Pod>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.why.is_empty()) {
        whys.entry((pod.standing(page.now).0, pod.why.as_str())).or_default().push(pod);
    }
    for ((level, why), of) in whys.iter().take(MAX_TOLD) {
        let who = if let [only] = of.as_slice() { only.key.name.to_string() } else { counted(of.len(), "pod") };
        page.levelled("why", &format!("{why} ({who})"), Some(*level));
    }
}

/// Warnings about pods of a namespace, whoever's they are.
pub async fn warnings(cluster: &Cluster, rows: &Rows, namespace: &str) -> Result<Vec<Event>, Failure> {
    let asked = query([("fieldSelector", "involvedObject.kind=Pod,type=Warning"), ("limit", MAX_EVENTS)]);
    let list: Value = cluster.get(&format!("/api/v1/namespaces/{}/events?{asked}", segment(namespace))).await?;
    Ok(items(&list).filter_map(|event| rows.event(event).ok()).collect())
}

/// Those about these pods, each reason once.
pub fn warned(page: &mut Page, pods: &[Pod], read: Result<Vec<Event>, Failure>) {
    let events = match read {
        Ok(events) => events,
        Err(failure) => return page.missing("warnings of its pods", &failure),
    };
    let uids: BTreeSet<&str> = pods.iter().map(|pod| pod.uid.as_str()).collect();
    let mut reasons: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.object_uid.as_ref().is_some_and(|uid| uids.contains(uid.as_str())))
    {
        reasons.entry(event.reason.as_str()).or_default().push(event);
    }
    let mut newest: Vec<(&Event, Vec<&Event>)> =
        reasons.into_values().filter_map(|all| Some((*all.iter().max_by_key(|event| event.last)?, all))).collect();
    if newest.is_empty() {
        return;
    }
    newest.sort_by_key(|(event, _)| Reverse(event.last));
    page.heading("warnings of its pods");
    for (event, all) in newest.iter().take(MAX_TOLD) {
        let count: u64 = all.iter().map(|event| u64::from(event.count)).sum();
        let who: BTreeSet<&str> = all.iter().map(|event| event.object.as_str()).collect();
        let who = if who.len() == 1 { format!("pod/{}", event.object) } else { counted(who.len(), "pod") };
        let times = if count > 1 { format!(" x{count}") } else { String::new() };
        let name = format!("{} {}{times}", page.ago(event.last), event.reason);
        page.levelled(&name, &format!("{who}: {}", event.message), Some(Level::Wrong));
    }
}
