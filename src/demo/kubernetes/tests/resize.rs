//! `pods/resize`, and what the kubelet makes of it.

use serde_json::{Value, json};

use super::{Served, serve};

const PODS: &str = "/api/v1/namespaces/production/pods";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn memory(quantity: &str) -> Value {
    json!({"limits": {"memory": quantity}, "requests": {"memory": quantity}})
}

/// A pod on a node of one's own choice, that runs.
async fn run(served: &Served, name: &str, resources: Value, policy: Value) {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": {"nodeName": "node-1",
        "containers": [{"name": "c", "image": "busybox", "resources": resources, "resizePolicy": policy}]}});
    let made = served.send("POST", PODS, "application/json", &pod).await;
    assert_eq!(made.code, 201, "{}", made.text);
    served.run(20);
}

async fn resize(served: &Served, name: &str, resources: Value) {
    let patch = json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
    let answer = served.send("PATCH", &format!("{PODS}/{name}/resize"), STRATEGIC, &patch).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
}

async fn status_of(served: &Served, name: &str) -> Value {
    served.get(&format!("{PODS}/{name}")).await.body["status"].clone()
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let all = status["conditions"].as_array().expect("conditions");
    all.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_container_restarts_only_where_its_policy_says_so() {
    let served = serve().await;
    let restart = json!([{"resourceName": "memory", "restartPolicy": "RestartContainer"}]);
    for (name, policy, restarts) in [("calm", json!([]), 0), ("jumpy", restart, 1)] {
        run(&served, name, memory("64Mi"), policy).await;
        resize(&served, name, memory("128Mi")).await;
        assert_eq!(status_of(&served, name).await["containerStatuses"][0]["resources"], memory("64Mi"), "not yet");
        served.run(1);
        assert_eq!(condition(&status_of(&served, name).await, "PodResizeInProgress")["status"], "True");
        served.run(20);
        let status = status_of(&served, name).await;
        assert_eq!(status["containerStatuses"][0]["resources"], memory("128Mi"));
        assert_eq!(status["containerStatuses"][0]["restartCount"], restarts, "{name}");
        assert_eq!(condition(&status, "PodResizeInProgress"), &Value::Null);
    }
}

#[tokio::test]
async fn it_waits_for_room_and_gets_it_when_another_leaves() {
    let served = serve().await;
    run(&served, "filler", memory("25Gi"), json!([])).await;
    run(&served, "small", memory("64Mi"), json!([])).await;
    resize(&served, "small", memory("20Gi")).await;
    served.run(5);
    assert_eq!(condition(&status_of(&served, "small").await, "PodResizePending")["reason"], "Deferred");
    served.send("DELETE", &format!("{PODS}/filler"), "application/json", &json!({"gracePeriodSeconds": 0})).await;
    served.run(20);
    let status = status_of(&served, "small").await;
    assert_eq!(condition(&status, "PodResizePending"), &Value::Null);
    assert_eq!(status["containerStatuses"][0]["resources"], memory("20Gi"));
    // What no node of this size can hold is never tried.
    resize(&served, "small", memory("900Gi")).await;
    served.run(5);
    let status = status_of(&served, "small").await;
    assert_eq!(condition(&status, "PodResizePending")["reason"], "Infeasible");
    assert_eq!(status["containerStatuses"][0]["resources"], memory("20Gi"));
}

#[tokio::test]
async fn a_body_with_other_containers_is_refused() {
    let served = serve().await;
    run(&served, "calm", memory("64Mi"), json!([])).await;
    let mut pod = served.get(&format!("{PODS}/calm")).await.body;
    for containers in [json!([]), json!([pod["spec"]["containers"][0], {"name": "more", "image": "x"}])] {
        pod["spec"]["containers"] = containers;
        let answer = served.send("PUT", &format!("{PODS}/calm/resize"), "application/json", &pod).await;
        assert_eq!(answer.code, 422, "{}", answer.text);
    }
}
