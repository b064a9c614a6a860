//! Autoscalers and disruption budgets.

use super::*;

const SCALER: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";
const BUDGET: &str = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/db";

async fn scaler(spec: Value, status: Value) -> String {
    let whole = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "h1"}, "spec": spec, "status": status});
    let kind = key("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "web");
    lines_of(object(SCALER, whole, |_| None), kind).await
}

#[tokio::test]
async fn an_autoscalers_page_says_how_many_it_wants_and_by_which_numbers() {
    let percent = json!({"type": "Utilization", "averageUtilization": 80});
    let metrics = json!([
        {"type": "Resource", "resource": {"name": "cpu", "target": percent}},
        {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "500Mi"}}},
        {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "target": percent}},
        {"type": "Pods", "pods": {"metric": {"name": "packets"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
        {"type": "Object", "object": {"metric": {"name": "requests"}, "describedObject": {"kind": "Ingress", "name": "main"},
            "target": {"type": "Value", "value": "2k"}}},
        {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}}},
        {"type": "Dream", "dream": {}}
    ]);
    let behaviour = json!({"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"stabilizationWindowSeconds": 300,
        "selectPolicy": "Min", "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60},
            {"type": "Pods", "value": 4, "periodSeconds": 15}]}});
    let status = json!({"currentReplicas": 3, "desiredReplicas": 5, "lastScaleTime": "2026-01-02T03:05:00Z",
    "currentMetrics": [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 88, "averageValue": "65m"}}},
        {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "420Mi"}}},
        {"type": ""},
        {"type": "Pods", "pods": {"current": {"averageValue": "900"}}},
        {"type": "Object", "object": {"current": {"value": "1500"}}},
        {"type": "External", "external": {"current": {"averageValue": "45"}}}
    ]});
    let page = scaler(json!({"metrics": metrics, "behavior": behaviour}), status).await;
    has(
        &page,
        &[
            "~ pods: 3 current / 5 desired",
            "last scaled: 5m ago",
            "resource cpu on pods (as a percentage of request): 88% (65m) / 80%",
            "resource memory on pods: 420Mi / 500Mi",
            "?? resource cpu of container \"app\" on pods (as a percentage of request): <unknown> / 80%",
            "\"packets\" on pods: 900 / 1k",
            "\"requests\" on Ingress/main (target value): 1500 / 2k",
            "\"queue\" (target average value): 45 / 30",
            "?? metric: of unknown type \"Dream\"",
            "scale up: never: it is disabled",
            "scale down: after 300 s, at most 10 Percent in 60 s or 4 Pods in 15 s, the smaller",
        ],
    );
}

#[tokio::test]
async fn an_autoscaler_that_knows_nothing_yet_says_so() {
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]);
    let page = scaler(json!({"metrics": metrics}), json!({"currentReplicas": 2, "desiredReplicas": 2})).await;
    let unknown = "?? resource cpu on pods (as a percentage of request): <unknown> / <auto>";
    has(&page, &["pods: 2 current / 2 desired", "last scaled: never", unknown]);
}

async fn budget(selector: Value, status: Value, pods: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> String {
    let whole = json!({"metadata": {"name": "db", "namespace": "shop", "uid": "b1", "generation": 2},
        "spec": {"minAvailable": 2, "selector": selector}, "status": status});
    let answer =
        object(BUDGET, whole, move |asked| (asked.path == "/api/v1/namespaces/shop/pods").then(|| pods(asked)));
    lines_of(answer, key("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "db")).await
}

fn pod_of(name: &str, phase: &str, waits: &str) -> Value {
    let state = if waits.is_empty() { json!({"running": {}}) } else { json!({"waiting": {"reason": waits}}) };
    let ready = if waits.is_empty() && phase == "Running" { "True" } else { "False" };
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name}, "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "app", "ready": ready == "True", "state": state}]}})
}

#[tokio::test]
async fn a_budgets_page_says_what_it_allows_and_which_pods_hold_it_up() {
    let status = json!({"observedGeneration": 2, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 2,
        "expectedPods": 3});
    let going = {
        let mut pod = pod_of("db-2", "Running", "");
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:09:00Z");
        pod
    };
    let page = budget(json!({"matchLabels": {"app": "db"}}), status.clone(), move |asked| {
        assert_eq!(asked.query("labelSelector"), Some("app=db"));
        list(json!([
            pod_of("db-0", "Running", ""),
            pod_of("db-1", "Running", "CrashLoopBackOff"),
            going.clone(),
            pod_of("backup", "Succeeded", "")
        ]))
    })
    .await;
    has(&page, &["! allowed: 0", "!! healthy: 1 current, 2 desired, 3 total", "selector: app=db"]);
    assert!(page.contains("!! not healthy: pod/db-1 CrashLoopBackOff"), "{page}");
    assert!(page.contains("! not healthy: pod/db-2 Terminating"), "{page}");
    assert!(!page.contains("pod/db-0") && !page.contains("pod/backup") && !page.contains("not observed"), "{page}");

    let refused = |_: &Asked| scripted::status(403, "Forbidden", "pods is forbidden");
    let page = budget(json!({"matchLabels": {"app": "db"}}), status, refused).await;
    assert!(page.contains("?? its pods: not known: ") && page.contains("pods is forbidden"), "{page}");
}

#[tokio::test]
async fn a_budgets_selector_is_never_guessed() {
    let observed = json!({"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2,
        "expectedPods": 3});
    let unasked = |asked: &Asked| -> Response { panic!("{asked:?}") };
    let page = budget(Value::Null, observed.clone(), unasked).await;
    has(
        &page,
        &[
            "allowed: 1",
            "! selector: none: it covers no pod",
            "~ not observed: its controller has yet to see the last change",
        ],
    );
    let near = json!({"matchExpressions": [{"key": "app", "operator": "Near"}]});
    has(&budget(near, observed.clone(), unasked).await, &["?? selector: in words that are not known"]);
    let page = budget(json!({}), observed, |asked| {
        assert_eq!(asked.query("labelSelector"), None);
        list(json!([]))
    })
    .await;
    has(&page, &["selector: every pod of its namespace"]);
}
