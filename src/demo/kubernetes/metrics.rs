//! `metrics.k8s.io/v1beta1`: what `kubectl top` reads.

use axum::{http::StatusCode, response::Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Server,
    answer::{Failure, json_value},
    request::Query,
    selector::Selector,
};
use crate::demo::{
    cluster::{
        Cluster, json as js,
        kinds::Resource,
        kubelet::{ContainerRun, Life, PodRun},
        store::Object,
    },
    story::{Behaviour, ContainerRef, Story},
};

pub fn answer(server: &Server, path: &[String], query: &Query) -> Result<Response, Failure> {
    let labels = query.get("labelSelector").unwrap_or_default();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let world = server.lock();
    let (cluster, story, now) = (&world.clusters[server.cluster], &world.story, world.now);
    let (namespace, plural, name) = match path.as_slice() {
        ["namespaces", namespace, "pods"] => (Some(*namespace), "pods", None),
        ["namespaces", namespace, "pods", name] => (Some(*namespace), "pods", Some(*name)),
        [plural] => (None, *plural, None),
        ["nodes", name] => (None, "nodes", Some(*name)),
        _ => return Err(Failure::path_not_found()),
    };
    let (kind, resource) = match plural {
        "pods" => ("PodMetrics", Resource::Pods),
        "nodes" => ("NodeMetrics", Resource::Nodes),
        _ => return Err(Failure::path_not_found()),
    };
    let selector = Selector::parse(resource, labels, "")?;
    let wanted = |object: &&Object| selector.matches(object) && name.is_none_or(|n| n == object.facts().name);
    let objects = cluster.store.list(resource, namespace, None).filter(wanted);
    let items: Vec<Value> = objects
        .filter_map(|object| match resource {
            Resource::Pods => pod(cluster, story, now, object),
            _ => Some(node(cluster, story, now, object)),
        })
        .collect();
    drop(world);
    if let Some(name) = name {
        let missing = || Failure::not_found(resource.kind(), name);
        let mut item = items.into_iter().next().ok_or_else(missing)?;
        item["kind"] = json!(kind);
        item["apiVersion"] = json!("metrics.k8s.io/v1beta1");
        return Ok(json_value(StatusCode::OK, &item));
    }
    let list = json!({
        "kind": format!("{kind}List"), "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items,
    });
    Ok(json_value(StatusCode::OK, &list))
}

fn behaviour(cluster: &Cluster, story: &Story, now: Timestamp, run: &PodRun, it: &ContainerRun) -> Option<Behaviour> {
    let Life::Running { started, .. } = it.life else { return None };
    let of = ContainerRef {
        cluster: &cluster.name,
        namespace: &run.namespace,
        workload: &run.workload,
        pod: &run.name,
        container: &it.name,
        image: &it.image,
        restart: it.restarts,
        started,
    };
    Some(story.behaviour(&of, now))
}

fn usage(cpu_millis: f64, memory_mib: f64) -> Value {
    json!({"cpu": format!("{}n", (cpu_millis * 1e6) as i64), "memory": format!("{}Ki", (memory_mib * 1024.0) as i64)})
}

fn head(object: &Object, now: Timestamp) -> Value {
    let facts = object.facts();
    let mut meta = json!({"name": facts.name, "creationTimestamp": js::stamp(now)});
    if !facts.namespace.is_empty() {
        meta["namespace"] = json!(facts.namespace);
    }
    let labels: serde_json::Map<_, _> = facts.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    meta["labels"] = Value::Object(labels);
    // A scrape every 15 s.
    let scraped = Timestamp::from_second(now.as_second() / 15 * 15).unwrap_or(now);
    json!({"metadata": meta, "timestamp": js::stamp(scraped), "window": "15.1s"})
}

/// A pod's usage; none for pods whose containers do not run.
fn pod(cluster: &Cluster, story: &Story, now: Timestamp, object: &Object) -> Option<Value> {
    let run = cluster.run(&object.facts().uid)?;
    let containers: Vec<_> = run
        .containers
        .iter()
        .filter_map(|it| {
            let b = behaviour(cluster, story, now, run, it)?;
            Some(json!({"name": it.name, "usage": usage(b.cpu_millis, b.memory_mib)}))
        })
        .collect();
    let mut value = head(object, now);
    value["containers"] = json!(containers);
    (!containers.is_empty()).then_some(value)
}

/// What a pod uses at the moment: CPU in thousandths of a core, memory in MiB.
pub fn used(cluster: &Cluster, story: &Story, now: Timestamp, object: &Object) -> (f64, f64) {
    let Some(run) = cluster.run(&object.facts().uid) else { return (0.0, 0.0) };
    let all = run.containers.iter().filter_map(|it| behaviour(cluster, story, now, run, it));
    all.fold((0.0, 0.0), |sum, b| (sum.0 + b.cpu_millis, sum.1 + b.memory_mib))
}

/// How much of its memory is used on a node that is short of it.
const PRESSED: f64 = 0.93;

/// A node's usage: that of its pods, and some for the system; of one that is short of memory, most of what it has.
fn node(cluster: &Cluster, story: &Story, now: Timestamp, object: &Object) -> Value {
    let (mut cpu, mut memory) = (180.0, 1200.0);
    for run in cluster.runs().filter(|run| run.node == object.facts().name) {
        for b in run.containers.iter().filter_map(|it| behaviour(cluster, story, now, run, it)) {
            cpu += b.cpu_millis;
            memory += b.memory_mib;
        }
    }
    let stored = object.value();
    if js::condition(&stored, "MemoryPressure").is_some_and(|pressure| js::text(pressure, "/status") == "True") {
        let room = js::text(&stored, "/status/allocatable/memory").trim_end_matches("Ki").parse::<f64>();
        memory = memory.max(room.unwrap_or_default() / 1024.0 * PRESSED);
    }
    let mut value = head(object, now);
    value["usage"] = usage(cpu, memory);
    value
}
