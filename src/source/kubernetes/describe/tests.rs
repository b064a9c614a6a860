//! Pages against a small API server.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    model::{
        BackendId,
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind},
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
            "metadata": {"name": "checkout-6c", "creationTimestamp": "2026-01-02T03:03:00Z",
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
        "/api/v1/namespaces/shop/events" => list(json!([
            {"metadata": {"name": "e1"}, "type": "Normal", "reason": "Pulled", "message": "ok", "lastTimestamp": "2026-01-02T03:09:55Z",
                "involvedObject": {"kind": "Pod", "name": "checkout-x"}},
            {"metadata": {"name": "e2"}, "type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 14,
                "lastTimestamp": "2026-01-02T03:09:50Z", "involvedObject": {"kind": "Pod", "name": "checkout-x"}}])),
        "/api/v1/namespaces/default/events" | "/api/v1/namespaces/shop/pods" => list(json!([])),
        _ => scripted::status(404, "NotFound", "not found"),
    }
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
    ] {
        assert!(text.contains(part), "'{part}' is not in\n{text}");
    }
}
