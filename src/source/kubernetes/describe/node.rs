//! A node as its pods see it: what it has room for, what of that is used and requested, and which of its pods fail.

use serde::Deserialize as _;
use serde_json::Value;

use super::{Page, items, text};
use crate::{
    model::{
        Level,
        kubernetes::{Pod, resource::ResourceKey, table::Amount},
    },
    source::kubernetes::{
        client::Cluster,
        failure::Failure,
        rows::{Rows, parse_bytes},
        selector::query,
        table::bounds::{self, PodSpec},
        usage,
    },
    text::memory_text,
};

/// Pods are read in one page: a node runs far fewer.
const MAX_PODS: &str = "500";
/// Most of its failing pods that are named.
const MAX_FAILING: usize = 10;

/// What the page of a node tells besides.
pub async fn describe(cluster: &Cluster, rows: &Rows, key: &ResourceKey, raw: &Value, page: &mut Page) {
    let (used, on) = futures::join!(usage::of_node(cluster, key), pods_on(cluster, rows, &key.name));
    room(page, raw, used.as_ref(), on.as_ref().ok());
    failing(page, on, "");
}

/// The pods that are bound to a node.
pub struct OnNode {
    requested: Amount,
    running: usize,
    /// The worst first.
    failing: Vec<Pod>,
}

pub async fn pods_on(cluster: &Cluster, rows: &Rows, node: &str) -> Result<OnNode, Failure> {
    let selector = format!("spec.nodeName={node}");
    let list: Value =
        cluster.get(&format!("/api/v1/pods?{}", query([("fieldSelector", &*selector), ("limit", MAX_PODS)]))).await?;
    let mut on = OnNode { requested: Amount::default(), running: 0, failing: Vec::new() };
    for object in items(&list) {
        // What has ended takes no room.
        if !matches!(text(object, "/status/phase"), "Succeeded" | "Failed") {
            on.running += 1;
            let spec = object.get("spec").and_then(|spec| PodSpec::deserialize(spec).ok()).unwrap_or_default();
            on.requested = on.requested.plus(bounds::of_pod(&spec).requests);
        }
        let pod = rows.pod(object).ok().filter(|pod| pod.level < Level::Unknown && !pod.is_record());
        on.failing.extend(pod);
    }
    on.failing.sort_by(|one, other| (one.level, &one.key).cmp(&(other.level, &other.key)));
    Ok(on)
}

/// What there is for pods, and what keeps them away.
fn room(page: &mut Page, raw: &Value, used: Option<&Amount>, on: Option<&OnNode>) {
    let room = |what: &str| text(raw, &format!("/status/allocatable/{what}"));
    let of = |used: Option<String>, room: String| match used {
        Some(used) => format!("{used} used of {room}"),
        None => room,
    };
    page.heading("room for pods");
    let (cpu, memory) = (room("cpu"), parse_bytes(room("memory")));
    page.field("cpu", &of(used.map(|used| used.cpu_of(cpu)), cpu.to_owned()));
    page.field("memory", &of(used.map(|used| used.memory_of(memory)), memory.map(memory_text).unwrap_or_default()));
    requested(page, raw, on);
    page.field("pods", &on.map_or_else(|| room("pods").to_owned(), |on| format!("{} of {}", on.running, room("pods"))));
    for taint in raw.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten() {
        let value = text(taint, "/value");
        let value = if value.is_empty() { String::new() } else { format!("={value}") };
        let words = format!("{}{value}:{}", text(taint, "/key"), text(taint, "/effect"));
        page.levelled("taint", &words, Some(Level::Wrong));
    }
}

/// `cpu 7910m, memory 30.2Gi`: all that there is for pods.
pub fn allocatable(raw: &Value) -> String {
    let room = |what: &str| text(raw, &format!("/status/allocatable/{what}"));
    let memory = parse_bytes(room("memory")).map_or_else(|| room("memory").to_owned(), memory_text);
    format!("cpu {}, memory {memory}", room("cpu"))
}

/// By it pods are placed, not by what is used.
pub fn requested(page: &mut Page, raw: &Value, on: Option<&OnNode>) {
    let room = |what: &str| text(raw, &format!("/status/allocatable/{what}"));
    let words = |on: &OnNode| {
        let (cpu, memory) = (on.requested.cpu_of(room("cpu")), on.requested.memory_of(parse_bytes(room("memory"))));
        format!("cpu {cpu}, memory {memory}")
    };
    page.field("requested", &on.map(words).unwrap_or_default());
}

/// Its pods in trouble, without the one that the page is about.
pub fn failing(page: &mut Page, on: Result<OnNode, Failure>, but: &str) {
    let on = match on {
        Ok(on) => on,
        Err(failure) => return page.missing("pods on it", &failure),
    };
    let others: Vec<&Pod> = on.failing.iter().filter(|pod| pod.uid != *but).collect();
    for pod in others.iter().take(MAX_FAILING) {
        let why = if pod.why.is_empty() { String::new() } else { format!(": {}", pod.why) };
        let name = format!("{}/{}", pod.key.namespace, pod.key.name);
        page.levelled("fails on it", &format!("{name} {}{why}", pod.status), Some(pod.level));
    }
    if others.len() > MAX_FAILING {
        page.text(&format!("and {} more", others.len() - MAX_FAILING));
    }
}
