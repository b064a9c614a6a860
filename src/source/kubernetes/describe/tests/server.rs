//! The small API server: a pod in trouble with all that it belongs to, and objects of some other kinds.

use super::*;

pub fn world(asked: &Asked) -> axum::response::Response {
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
                "containerStatuses": [{"name": "app", "ready": false, "restartCount": 4, "imageID": "reg/checkout@sha256:aabbccdd00112233445566778899aabbccddeeff00112233445566778899aabb",
                    "containerID": "containerd://bb", "image": "x",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s pod=checkout-x_shop(8c1f)"}},
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
        "/api/v1/namespaces/shop/pods/done-x" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "done-x", "namespace": "shop", "uid": "p3"},
            "spec": {"containers": [{"name": "app", "image": "reg/job:1"}]},
            "status": {"phase": "Succeeded", "conditions": [
                    {"type": "Ready", "status": "False", "reason": "PodCompleted"},
                    {"type": "ContainersReady", "status": "False", "reason": "PodCompleted"}],
                "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0, "started": false,
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
        "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"name": "checkout", "namespace": "shop", "uid": "d1"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}, "template": template},
            "status": {"conditions": [
                {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": "spec.strategy: required"},
                {"type": "Paused", "status": "False", "reason": "RolloutResumed"}]}}),
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
        "/api/v1/namespaces/shop/events" if asked.query("fieldSelector") == Some("involvedObject.uid=p3") => {
            list(json!([]))
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
        "/api/v1/namespaces/shop/events"
            if asked.query("fieldSelector") == Some("involvedObject.kind=Pod,type=Warning") =>
        {
            let warning = |pod: &str, reason: &str, count: u32, last: &str, message: &str| {
                json!({"type": "Warning", "reason": reason, "count": count, "message": message,
                    "lastTimestamp": format!("2026-01-02T03:{last}Z"), "involvedObject": {"kind": "Pod", "name": pod, "uid": pod}})
            };
            list(json!([
                warning("a", "BackOff", 3, "09:00", "older"),
                warning("b", "BackOff", 4, "09:50", "Back-off restarting"),
                warning("a", "Unhealthy", 1, "08:00", "Readiness probe failed"),
                warning("foreign", "FailedMount", 9, "09:55", "no volume")
            ]))
        }
        "/api/v1/namespaces/shop/events" => list(json!([
            {"metadata": {"name": "e1"}, "type": "Normal", "reason": "Pulled", "message": "ok", "lastTimestamp": "2026-01-02T03:09:55Z",
                "involvedObject": {"kind": "Pod", "name": "checkout-x"}},
            {"metadata": {"name": "e2"}, "type": "Warning", "reason": "BackOff", "message": "Back-off restarting in pod checkout-x_shop(8c1f)", "count": 14,
                "lastTimestamp": "2026-01-02T03:09:50Z", "involvedObject": {"kind": "Pod", "name": "checkout-x"}}])),
        "/api/v1/namespaces/shop/pods" => list(json!([
            of_template("a", "6c", "aaaaaa1111110000"),
            of_template("b", "6c", "aaaaaa1111110000"),
            of_template("c", "6c", "bbbbbb2222220000"),
            of_template("d", "5b", "cccccc3333330000")
        ])),
        "/api/v1/nodes/node-9" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "node-9"}, "status": {"allocatable": {"cpu": "4", "memory": "8388608Ki", "pods": "110"},
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
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {"pod-template-hash": hash}},
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
