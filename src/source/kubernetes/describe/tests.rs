//! Pages against a small API server.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    model::{
        BackendId,
        kubernetes::{
            ObjectKey, WorkloadKey, WorkloadKind,
            resource::{Resource, ResourceKey},
        },
    },
    source::kubernetes::scripted::{self, Asked},
    time::TestClock,
};

fn world(asked: &Asked) -> axum::response::Response {
    let list = |items: Value| scripted::json_answer(200, &json!({ "items": items }));
    let template = json!({"spec": {"containers": [{"name": "app", "image": "reg/checkout:v42"}]}});
    match asked.path.as_str() {
        "/api/v1/namespaces/shop/pods/checkout-x" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "checkout-x", "namespace": "shop", "uid": "p1", "creationTimestamp": "2026-01-02T03:00:00Z",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-6c", "uid": "r1", "controller": true}]},
            "spec": {"nodeName": "node-7", "containers": [{"name": "app", "image": "reg/checkout:v42",
                "resources": {"limits": {"memory": "512Mi"}},
                "readinessProbe": {"httpGet": {"port": 8080, "path": "/ready"}},
                "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LOG_LEVEL", "value": "debug"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}},
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
                "envFrom": [{"configMapRef": {"name": "web"}, "prefix": "WEB_"}],
                "volumeMounts": [{"name": "conf", "mountPath": "/etc/web", "readOnly": true},
                    {"name": "data", "mountPath": "/data", "subPath": "cache"}, {"name": "tmp", "mountPath": "/tmp"},
                    {"name": "kube-api-access-x", "mountPath": "/var/run/secrets"}]}],
                "volumes": [{"name": "conf", "configMap": {"name": "web"}}, {"name": "tmp", "emptyDir": {}},
                    {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
            "status": {"phase": "Running", "conditions": [
                    {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-01-02T03:09:41Z"},
                    {"type": "PodResizePending", "status": "True", "reason": "Deferred", "message": "no room\u{1b}[31m now"},
                    {"type": "PodScheduled", "status": "True"}],
                "containerStatuses": [{"name": "app", "ready": false, "restartCount": 4, "imageID": "reg/checkout@sha256:aabbccdd00",
                    "containerID": "containerd://bb", "image": "x",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-01-02T03:09:00Z",
                        "finishedAt": "2026-01-02T03:09:41Z", "message": "heap\u{1b}[31m full"}}}]}}),
        ),
        "/api/v1/namespaces/shop/pods/slow-x" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "slow-x", "namespace": "shop", "uid": "p2"},
            "spec": {"containers": [{"name": "app", "image": "reg/slow:1"}],
                "ephemeralContainers": [{"name": "debugger", "image": "busybox:1", "targetContainerName": "app",
                    "stdin": true, "tty": true}, {"name": "old", "image": "busybox:1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
                    "started": true, "state": {"running": {"startedAt": "2026-01-02T03:00:00Z"}}}],
                "ephemeralContainerStatuses": [
                    {"name": "debugger", "ready": false, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-02T03:05:00Z"}}},
                    {"name": "old", "ready": false, "restartCount": 0,
                        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-01-02T03:04:00Z"}}}]}}),
        ),
        "/apis/apps/v1/namespaces/shop/replicasets/checkout-6c" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "checkout-6c", "uid": "r1", "creationTimestamp": "2026-01-02T03:03:00Z",
                "annotations": {"deployment.kubernetes.io/revision": "8", "kubernetes.io/change-cause": "v42"},
                "ownerReferences": [{"kind": "Deployment", "name": "checkout", "uid": "d1", "controller": true}]}}),
        ),
        "/apis/apps/v1/namespaces/shop/deployments/checkout" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "checkout", "namespace": "shop", "uid": "d1"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}, "template": template},
            "status": {"replicas": 2, "updatedReplicas": 2, "conditions": [{"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}]}}),
        ),
        "/apis/apps/v1/namespaces/shop/replicasets" => list(json!([{"metadata": {"name": "checkout-6c",
            "annotations": {"deployment.kubernetes.io/revision": "8"}, "ownerReferences": [{"uid": "d1", "controller": true}]},
            "spec": {"template": template}}])),
        "/api/v1/nodes/node-7" => scripted::status(403, "Forbidden", "nodes is forbidden"),
        "/api/v1/namespaces/shop/events" if asked.query("fieldSelector") == Some("involvedObject.uid=p2") => {
            list(json!([
            {"metadata": {"name": "e3"}, "type": "Warning", "reason": "Unhealthy", "count": 9,
                "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
                "lastTimestamp": "2026-01-02T03:09:50Z", "involvedObject": {"kind": "Pod", "name": "slow-x", "uid": "p2"}}]))
        }
        "/api/v1/namespaces/shop/events" if asked.query("fieldSelector") == Some("involvedObject.uid=r1") => {
            list(json!([
            {"metadata": {"name": "e4"}, "type": "Warning", "reason": "FailedCreate", "message": "exceeded quota",
                "lastTimestamp": "2026-01-02T03:09:00Z", "involvedObject": {"kind": "ReplicaSet", "name": "checkout-6c"}}]))
        }
        "/api/v1/namespaces/shop/events" if asked.query("fieldSelector") == Some("involvedObject.uid=d1") => {
            list(json!([
            {"metadata": {"name": "e5"}, "type": "Normal", "reason": "ScalingReplicaSet", "message": "to 2",
                "lastTimestamp": "2026-01-02T03:08:00Z", "involvedObject": {"kind": "Deployment", "name": "checkout"}}]))
        }
        "/api/v1/namespaces/shop/events" => list(json!([
            {"metadata": {"name": "e1"}, "type": "Normal", "reason": "Pulled", "message": "ok", "lastTimestamp": "2026-01-02T03:09:55Z",
                "involvedObject": {"kind": "Pod", "name": "checkout-x"}},
            {"metadata": {"name": "e2"}, "type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 14,
                "lastTimestamp": "2026-01-02T03:09:50Z", "involvedObject": {"kind": "Pod", "name": "checkout-x"}}])),
        "/api/v1/namespaces/shop/pods" => list(json!([
            of_template("a", "6c", "aaaaaa11"),
            of_template("b", "6c", "aaaaaa11"),
            of_template("c", "6c", "bbbbbb22"),
            of_template("d", "5b", "cccccc33")
        ])),
        "/api/v1/nodes/node-9" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "node-9"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}]}}),
        ),
        "/api/v1/pods" if asked.query("fieldSelector") == Some("spec.nodeName=node-9") => {
            let pod = |name: &str, phase: &str, waits: &str| {
                json!({"metadata": {"name": name, "namespace": "shop", "uid": name},
                "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]},
                "status": {"phase": phase, "containerStatuses": [{"name": "app", "ready": waits.is_empty(), "state":
                    if waits.is_empty() { json!({"running": {}}) } else { json!({"waiting": {"reason": waits}}) }}]}})
            };
            list(json!([
                pod("fine", "Running", ""),
                pod("done", "Succeeded", ""),
                pod("crashes", "Running", "CrashLoopBackOff"),
                pod("on-nine", "Running", "ImagePullBackOff")
            ]))
        }
        "/api/v1/namespaces/shop/pods/on-nine" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "on-nine", "namespace": "shop", "uid": "on-nine"},
                "spec": {"nodeName": "node-9", "containers": [{"name": "app"}]}, "status": {"phase": "Running"}}),
        ),
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web" => held(&[
            ("AbleToScale", "False", "FailedGetScale"),
            ("ScalingActive", "False", "FailedGetResourceMetric"),
            ("ScalingLimited", "True", "TooManyReplicas"),
        ]),
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/idle" => held(&[
            ("AbleToScale", "True", "ReadyForNewScale"),
            ("ScalingActive", "False", "ScalingDisabled"),
            ("ScalingLimited", "True", "TooFewReplicas"),
        ]),
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web" => {
            held(&[("DisruptionAllowed", "False", "InsufficientPods")])
        }
        "/api/v1/namespaces/default/events" => list(json!([])),
        _ => scripted::status(404, "NotFound", "not found"),
    }
}

/// A pod of a template, and the digest that it runs.
fn of_template(name: &str, hash: &str, digest: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "labels": {"pod-template-hash": hash}},
        "spec": {"containers": [{"name": "app", "image": if hash == "6c" { "reg/checkout:v42" } else { "reg/checkout:v41" }}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "app", "ready": true, "imageID": format!("reg/checkout@sha256:{digest}"), "state": {"running": {}}}]}})
}

fn held(conditions: &[(&str, &str, &str)]) -> axum::response::Response {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status, reason)| json!({"type": kind, "status": status, "reason": reason}))
        .collect();
    scripted::json_answer(200, &json!({"metadata": {"name": "x", "uid": "x1"}, "status": {"conditions": conditions}}))
}

/// The page of an object of any kind: its fields with how bad they are.
async fn fields_of(
    group: &str,
    version: &str,
    plural: &str,
    kind: &str,
    name: &str,
) -> Vec<(String, String, Option<Level>)> {
    let resource = Resource {
        group: group.into(),
        version: version.into(),
        plural: plural.into(),
        singular: kind.to_lowercase().into(),
        kind: kind.into(),
        short_names: Box::default(),
        is_namespaced: kind != "Node",
    };
    let (cluster, resource) = (BackendId::new("c"), Arc::new(resource));
    let key = ResourceKey { cluster, resource, namespace: "shop".into(), name: name.into() };
    let clock = TestClock::at("2026-01-02T03:10:00Z".parse().unwrap());
    let server = scripted::serve_at(world, Arc::new(clock)).await;
    let page = any::page(&server.cluster, &Rows::new(&BackendId::new("c")), &key).await.unwrap();
    let field = |line| match line {
        PageLine::Field(name, value, level) => Some((name.to_string(), value.to_string(), level)),
        _ => None,
    };
    page.into_iter().filter_map(field).collect()
}

#[tokio::test]
async fn conditions_that_hold_up_a_scaling_or_a_drain_are_marked() {
    for (group, version, plural, kind, name, expected) in [
        (
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            "web",
            vec![("AbleToScale", true), ("ScalingActive", true), ("ScalingLimited", true)],
        ),
        (
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            "idle",
            vec![("AbleToScale", false), ("ScalingActive", false), ("ScalingLimited", false)],
        ),
        ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "web", vec![("DisruptionAllowed", true)]),
    ] {
        let fields = fields_of(group, version, plural, kind, name).await;
        for (condition, is_marked) in expected {
            let (_, words, level) = fields.iter().find(|(field, ..)| field == condition).expect(condition);
            assert_eq!(*level, is_marked.then_some(Level::Wrong), "{name}: {condition}: {words}");
        }
    }
}

#[tokio::test]
async fn a_node_says_what_is_requested_of_it_and_which_of_its_pods_fail() {
    let fields = fields_of("", "v1", "nodes", "Node", "node-9").await;
    let of = |name: &str| -> Vec<(&str, Option<Level>)> {
        let all = fields.iter().filter(|(field, ..)| field == name);
        all.map(|(_, words, level)| (words.as_str(), *level)).collect()
    };
    assert_eq!(of("requested"), [("cpu 1500m (37 %), memory 3Gi (37 %)", None)]);
    assert_eq!(of("pods"), [("3 of 110", None)], "what has ended takes no room");
    let failing = of("fails on it");
    assert_eq!(failing.len(), 2, "{failing:?}");
    assert_eq!(failing[0], ("shop/crashes CrashLoopBackOff: keeps ending", Some(Level::Broken)));
    // A pod on it names its neighbours, not itself.
    let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "on-nine".into() };
    let text = text_of(ObjectRef::Pod(pod)).await;
    assert!(text.contains("requested: cpu 1500m (37 %)") && text.contains("fails on it: shop/crashes"), "{text}");
    assert!(!text.contains("fails on it: shop/on-nine"), "{text}");
}

async fn text_of(object: ObjectRef) -> String {
    let clock = TestClock::at("2026-01-02T03:10:00Z".parse().unwrap());
    let server = scripted::serve_at(world, Arc::new(clock)).await;
    let rows = Rows::new(&BackendId::new("c"));
    let page = page(&server.cluster, &rows, &object).await.unwrap();
    let lines = page.iter().map(|line| match line {
        PageLine::Heading(text) => format!("# {text}"),
        PageLine::Field(name, value, _) => format!("{name}: {value}"),
        PageLine::Text(text) => text.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_pods_page_begins_with_what_is_wrong_and_shows_no_secret() {
    let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "checkout-x".into() };
    let text = text_of(ObjectRef::Pod(pod)).await;
    for line in [
        "status: CrashLoopBackOff",
        "restarts: 4",
        "state: waiting, CrashLoopBackOff: back-off 1m20s",
        "last state: OOMKilled, exit 137, after 41s, 19s ago",
        "its last words: heap full",
        "image: reg/checkout:v42",
        "runs: sha256:aabbcc",
        "resources: limits: memory 512Mi",
        "readiness: http-get :8080/ready delay=0s timeout=1s period=10s #failure=3",
        "env: DB_PASSWORD set in the template, masked",
        "env: LOG_LEVEL=debug",
        "env: TOKEN from secret db/token",
        "env: POD_IP from field status.podIP",
        "env: all of configmap web, each as WEB_...",
        "mount: /etc/web from configmap web, read-only",
        "mount: /data from claim data/cache",
        "mount: /tmp from an empty directory, gone with the pod",
        "Ready: False: ContainersNotReady (19s ago)",
        "PodResizePending: True: Deferred: no room now",
        "replicaset: checkout-6c, revision 8, made 7m ago, because: v42",
        "deployment: checkout",
        "10s ago BackOff x14: pod/checkout-x: Back-off restarting",
        "60s ago FailedCreate: replicaset/checkout-6c: exceeded quota",
        "2m ago ScalingReplicaSet: deployment/checkout: to 2",
    ] {
        assert!(text.lines().any(|shown| shown == line), "'{line}' is not in\n{text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("PodScheduled"), "{text}");
    assert!(text.contains("node-7: not known: "), "{text}");
    assert!(text.find("BackOff x14").unwrap() < text.find("Pulled").unwrap(), "warnings first\n{text}");
}

#[tokio::test]
async fn a_pods_page_tells_its_failing_probe_and_its_ephemeral_containers() {
    let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "slow-x".into() };
    let text = text_of(ObjectRef::Pod(pod)).await;
    for line in [
        "why: readiness: HTTP 503; 'app' runs but is not ready",
        "ready: 0/1",
        "# container debugger (ephemeral)",
        "looks into: app",
        "state: running for 5m",
        "# container old (ephemeral)",
        "state: Completed, exit 0, 6m ago",
    ] {
        assert!(text.lines().any(|shown| shown == line), "'{line}' is not in\n{text}");
    }
    assert_eq!(text.matches("image: busybox:1").count(), 2, "{text}");
}

#[tokio::test]
async fn a_workloads_page_has_its_rollout_revisions_and_conditions() {
    let key = WorkloadKey {
        cluster: BackendId::new("c"),
        namespace: "shop".into(),
        kind: WorkloadKind::Deployment,
        name: "checkout".into(),
    };
    let text = text_of(ObjectRef::Workload(key)).await;
    for part in [
        "# deploy/checkout",
        "rollout to finish: 0 of 2 updated replicas are available...",
        "replicas: 0/2 ready, 2 of the new version, 0 available, 2 exist",
        "Available: False: MinimumReplicasUnavailable",
        "8: reg/checkout:v42, made at an unknown time, live",
        "runs: sha256:aaaaaa in 2 pods, sha256:bbbbbb in 1 pod: pods of one template differ",
    ] {
        assert!(text.contains(part), "'{part}' is not in\n{text}");
    }
}
