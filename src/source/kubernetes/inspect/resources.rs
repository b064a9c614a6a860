//! What containers use (metrics.k8s.io/v1beta1) and what LimitRanges (v1) allow them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{WorkloadInspector, answered, items, text};
use crate::{
    action::resources::{Bound, ResourceInspection, Usage},
    source::kubernetes::{
        client::segment,
        rows::{parse_bytes, parse_millis},
    },
    text::Clean,
};

const METRICS: &str = "/apis/metrics.k8s.io/v1beta1";

impl WorkloadInspector {
    /// Of the containers of some pods of a namespace.
    pub(super) async fn resources(&self, namespace: &str, is_meant: impl Fn(&str) -> bool) -> ResourceInspection {
        let of = segment(namespace);
        let metrics = format!("{METRICS}/namespaces/{of}/pods");
        let ranges = format!("/api/v1/namespaces/{of}/limitranges");
        let (used, bounds) = futures::join!(
            answered(self.cluster.get::<Value>(&metrics)),
            answered(self.cluster.get::<Value>(&ranges)),
        );
        ResourceInspection {
            used: used.map(|list| most_used(&list, is_meant)),
            bounds: bounds.map(|list| of_containers(&list)),
        }
    }
}

/// By container: the most that any of the pods uses.
fn most_used(list: &Value, is_meant: impl Fn(&str) -> bool) -> BTreeMap<String, Usage> {
    let mut most: BTreeMap<String, Usage> = BTreeMap::new();
    for pod in items(list).filter(|pod| is_meant(text(pod, "/metadata/name"))) {
        for container in pod.get("containers").and_then(Value::as_array).into_iter().flatten() {
            let usage = most.entry(text(container, "/name").to_owned()).or_default();
            let cpu = parse_millis(text(container, "/usage/cpu")).unwrap_or(0);
            let memory = parse_bytes(text(container, "/usage/memory")).unwrap_or(0);
            (usage.cpu_millis, usage.memory_bytes) = (usage.cpu_millis.max(cpu), usage.memory_bytes.max(memory));
        }
    }
    most
}

/// What LimitRanges say of containers.
fn of_containers(list: &Value) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for range in items(list) {
        let limits = range.pointer("/spec/limits").and_then(Value::as_array);
        for limit in limits.into_iter().flatten().filter(|limit| limit["type"] == "Container") {
            for resource in ["memory", "cpu"] {
                let of = |part: &str| limit.get(part)?.get(resource)?.as_str().map(Clean::line);
                let (max, min) = (of("max"), of("min"));
                if max.is_some() || min.is_some() {
                    let range = Clean::line(text(range, "/metadata/name"));
                    bounds.push(Bound { range, resource: resource.into(), max, min });
                }
            }
        }
    }
    bounds
}
