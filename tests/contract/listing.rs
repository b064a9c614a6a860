//! Watched kinds of a cluster in the same words twice: as a LIST of the server has their objects, and as the store does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use midwatch::{
    model::{
        BackendId, Name,
        kubernetes::{ObjectKey, Pod, Workload, WorkloadKind},
    },
    store::Store,
};
use serde_json::Value;

/// What is known of each object, by `NAMESPACE/NAME`.
pub type Rows = BTreeMap<String, String>;

/// A watched kind.
pub struct Kind {
    /// In `kubectl get`.
    pub name: &'static str,
    /// Where it is listed.
    pub path: &'static str,
    object: fn(&Value) -> String,
    rows: fn(&Store, &BackendId) -> Rows,
}

pub const KINDS: [Kind; 7] = [
    Kind {
        name: "pods",
        path: "/api/v1/pods",
        object: pod,
        rows: |store, of| {
            let pods = store.kube.pods.values().filter(|pod| pod.key.cluster == *of);
            let row = |pod: &Pod| {
                let images: Vec<&str> = pod.containers.iter().map(|container| container.image.as_str()).collect();
                let node = pod.node.as_deref().unwrap_or_default();
                let counts = format!("{}/{} ready, {} restarts", pod.ready, pod.total, pod.restarts);
                format!("{} {counts}, ready: {}, on '{node}', {}", pod.uid, pod.is_ready, images.join(" "))
            };
            pods.map(|pod| (name(&pod.key), row(pod))).collect()
        },
    },
    Kind {
        name: "deployments.apps",
        path: "/apis/apps/v1/deployments",
        object: |object| workload(object, &REPLICAS),
        rows: |store, of| workloads(store, of, WorkloadKind::Deployment),
    },
    Kind {
        name: "statefulsets.apps",
        path: "/apis/apps/v1/statefulsets",
        object: |object| workload(object, &REPLICAS),
        rows: |store, of| workloads(store, of, WorkloadKind::StatefulSet),
    },
    Kind {
        name: "daemonsets.apps",
        path: "/apis/apps/v1/daemonsets",
        object: |object| workload(object, &SCHEDULED),
        rows: |store, of| workloads(store, of, WorkloadKind::DaemonSet),
    },
    Kind {
        name: "rollouts.argoproj.io",
        path: "/apis/argoproj.io/v1alpha1/rollouts",
        object: |object| workload(object, &REPLICAS),
        rows: |store, of| workloads(store, of, WorkloadKind::Rollout),
    },
    Kind {
        name: "replicasets.apps",
        path: "/apis/apps/v1/replicasets",
        object: |object| {
            let [desired, replicas, ready] =
                ["/spec/replicas", "/status/replicas", "/status/readyReplicas"].map(|at| number(object, at));
            let revision = revision(object).map(|revision| revision.to_string());
            let revision = revision.unwrap_or_default();
            format!("{} revision {revision}, {ready} of {replicas} ready, {desired} wanted", uid(object))
        },
        rows: |store, of| {
            let sets = store.kube.replica_sets.values().filter(|set| set.key.cluster == *of);
            sets.map(|set| {
                let revision = set.revision.map(|revision| revision.to_string()).unwrap_or_default();
                let counts = format!("{} of {} ready, {} wanted", set.ready, set.replicas, set.desired);
                (name(&set.key), format!("{} revision {revision}, {counts}", set.uid))
            })
            .collect()
        },
    },
    Kind {
        name: "events --field-selector=type!=Normal",
        path: "/api/v1/events?fieldSelector=type%21%3DNormal",
        object: |event| {
            let [kind, object] = ["kind", "name"].map(|part| text(event, &format!("/involvedObject/{part}")));
            let last: Option<Timestamp> = text(event, "/lastTimestamp").parse().ok();
            let (count, message) = (number(event, "/count").max(1), text(event, "/message"));
            format!("{} {} {kind}/{object} x{count} {last:?}: {message}", uid(event), text(event, "/reason"))
        },
        rows: |store, of| {
            let events = store.kube.events.values().filter(|event| event.key.cluster == *of);
            events
                .map(|event| {
                    let what = format!("{} {}/{} x{}", event.reason, event.kind, event.object, event.count);
                    (name(&event.key), format!("{} {what} {:?}: {}", event.uid, event.last, event.message))
                })
                .collect()
        },
    },
];

impl Kind {
    /// As a LIST has them.
    pub fn listed(&self, list: &Value) -> Rows {
        let items = list["items"].as_array().unwrap_or_else(|| panic!("no list of {}: {list}", self.name));
        let name =
            |object: &Value| format!("{}/{}", text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        items.iter().map(|object| (name(object), (self.object)(object))).collect()
    }

    /// As the store has them.
    pub fn held(&self, store: &Store, cluster: &BackendId) -> Rows {
        (self.rows)(store, cluster)
    }
}

/// Desired, replicas, ready, updated, available.
const REPLICAS: [&str; 5] = [
    "/spec/replicas",
    "/status/replicas",
    "/status/readyReplicas",
    "/status/updatedReplicas",
    "/status/availableReplicas",
];
const SCHEDULED: [&str; 5] = [
    "/status/desiredNumberScheduled",
    "/status/currentNumberScheduled",
    "/status/numberReady",
    "/status/updatedNumberScheduled",
    "/status/numberAvailable",
];

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

fn name(key: &ObjectKey) -> String {
    format!("{}/{}", key.namespace, key.name)
}

fn revision(object: &Value) -> Option<i64> {
    let names = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];
    names.iter().find_map(|name| object["metadata"]["annotations"][name].as_str()).and_then(|text| text.parse().ok())
}

fn images(object: &Value, pointer: &str) -> String {
    list(object, pointer).map(|container| text(container, "/image")).collect::<Vec<_>>().join(" ")
}

fn pod(object: &Value) -> String {
    let ready = list(object, "/status/containerStatuses").filter(|status| status["ready"] == true).count();
    let total = list(object, "/spec/containers").count();
    let restarts: u64 = list(object, "/status/containerStatuses").map(|status| number(status, "/restartCount")).sum();
    let is_ready = list(object, "/status/conditions")
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let (node, images) = (text(object, "/spec/nodeName"), images(object, "/spec/containers"));
    format!("{} {ready}/{total} ready, {restarts} restarts, ready: {is_ready}, on '{node}', {images}", uid(object))
}

fn workload(object: &Value, counts: &[&str; 5]) -> String {
    let counts = counts.map(|at| number(object, at));
    let (generation, images) =
        (number(object, "/metadata/generation"), images(object, "/spec/template/spec/containers"));
    format!("{} generation {generation}, revision {:?}, {counts:?}, {images}", uid(object), revision(object))
}

fn workloads(store: &Store, of: &BackendId, kind: WorkloadKind) -> Rows {
    let all = store.kube.workloads.values().filter(|one| one.key.cluster == *of && one.key.kind == kind);
    let row = |one: &Workload| {
        let counts = [one.desired, one.replicas, one.ready, one.updated, one.available];
        let images: Vec<&str> = one.images.iter().map(Name::as_str).collect();
        let known = format!("generation {}, revision {:?}, {counts:?}", one.generation, one.revision);
        format!("{} {known}, {}", one.uid, images.join(" "))
    };
    all.map(|one| (format!("{}/{}", one.key.namespace, one.key.name), row(one))).collect()
}

/// Objects that one of them has otherwise, or not at all.
pub fn differences(listed: &Rows, held: &Rows) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = listed.keys().chain(held.keys()).collect();
    let differ = names.into_iter().filter(|name| listed.get(*name) != held.get(*name));
    differ.map(|name| format!("{name}: listed {:?}, held {:?}", listed.get(name), held.get(name))).collect()
}
