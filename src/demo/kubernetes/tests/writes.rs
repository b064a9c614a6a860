//! PATCH, PUT, DELETE, POST and the subresources.

use serde_json::{Value, json};

use super::{Served, serve, status};

const DEPLOY: &str = "/apis/apps/v1/namespaces/production/deployments/myapp";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

async fn deployment(served: &Served) -> Value {
    served.get(DEPLOY).await.body
}

#[tokio::test]
async fn a_json_patch_with_a_failing_test_changes_nothing() {
    let served = serve().await;
    let before = deployment(&served).await;
    let patch = json!([
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "test", "path": "/metadata/uid", "value": "another"},
    ]);
    let answer = served.send("PATCH", DEPLOY, JSON_PATCH, &patch).await;
    let words = "the server rejected our request due to an error in our request";
    assert_eq!(status(&answer), (422, "Invalid", words));
    assert_eq!(deployment(&served).await, before);

    let mut template = before["spec"]["template"].clone();
    template["spec"]["containers"][0]["image"] = json!("registry.acme.example/myapp:410");
    let patch = json!([
        {"op": "test", "path": "/metadata/uid", "value": before["metadata"]["uid"]},
        {"op": "test", "path": "/spec/template", "value": before["spec"]["template"]},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]);
    let dry = served.send("PATCH", &format!("{DEPLOY}?dryRun=All&fieldManager=midwatch"), JSON_PATCH, &patch).await;
    assert_eq!(dry.code, 200, "{}", dry.text);
    assert_eq!(dry.body["spec"]["template"], template);
    assert_eq!(deployment(&served).await, before, "a dry run stores nothing");
    let real = served.send("PATCH", &format!("{DEPLOY}?fieldManager=midwatch"), JSON_PATCH, &patch).await.body;
    let managers: Vec<_> =
        real["metadata"]["managedFields"].as_array().unwrap().iter().map(|m| m["manager"].as_str().unwrap()).collect();
    assert!(managers.contains(&"midwatch"), "{managers:?}");
    assert_eq!(real["metadata"]["generation"].as_i64(), before["metadata"]["generation"].as_i64().map(|g| g + 1));
    let again = served.send("PATCH", DEPLOY, JSON_PATCH, &patch).await;
    assert_eq!(again.code, 422, "the template has changed since");
    served.run(2);
    assert_eq!(served.cluster(|c, _| c.revision("production", "myapp")), Some(14), "revision 12 was taken up again");
    let line = served.cluster(|c, _| c.audit.back().cloned().unwrap());
    assert_eq!((line.user.as_str(), line.verb.as_str(), line.code), ("ana", "patch", 422));
}

#[tokio::test]
async fn a_strategic_patch_merges_containers_by_name() {
    let served = serve().await;
    let patch = json!({"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "myapp"}],
        "containers": [{"name": "myapp", "env": [{"name": "A", "value": "1"}]}],
    }}}});
    let once = served.send("PATCH", DEPLOY, STRATEGIC, &patch).await.body;
    let container = &once["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "A", "value": "1"}]));
    assert_eq!(container["image"], "registry.acme.example/myapp:411");
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "myapp", "env": [{"name": "A", "$patch": "delete"}]},
        {"name": "side", "image": "x"},
    ]}}}});
    let twice = served.send("PATCH", DEPLOY, STRATEGIC, &patch).await.body;
    let containers = &twice["spec"]["template"]["spec"]["containers"];
    assert_eq!((containers.as_array().unwrap().len(), &containers[0]["env"]), (2, &json!([])));
    let patch = json!({"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "myapp"}},
        "spec": {"containers": [{"name": "only", "image": "y"}]}}}});
    let last = served.send("PATCH", DEPLOY, STRATEGIC, &patch).await.body;
    assert_eq!(last["spec"]["template"]["spec"], json!({"containers": [{"name": "only", "image": "y"}]}));
}

#[tokio::test]
async fn what_may_not_be_is_refused() {
    let served = serve().await;
    let yaml = served.send("PATCH", DEPLOY, "application/apply-patch+yaml", &json!({})).await;
    assert_eq!((status(&yaml).0, status(&yaml).1), (415, "UnsupportedMediaType"));
    let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}});
    let answer = served.send("PATCH", DEPLOY, MERGE, &stale).await;
    let words = "Operation cannot be fulfilled on deployments.apps \"myapp\": the object has been modified; please apply your changes to the latest version and try again";
    assert_eq!(status(&answer), (409, "Conflict", words));
    let mut whole = deployment(&served).await;
    served.cluster(|c, now| c.set_image(now, "production", "myapp", "registry.acme.example/myapp:413", "x"));
    whole["spec"]["replicas"] = json!(2);
    assert_eq!(served.send("PUT", DEPLOY, "application/json", &whole).await.code, 409);
    let answer =
        served.send("PATCH", DEPLOY, MERGE, &json!({"spec": {"selector": {"matchLabels": {"app": "z"}}}})).await;
    assert_eq!(status(&answer).0, 422);
    let answer =
        served.send("PATCH", DEPLOY, MERGE, &json!({"spec": {"template": {"spec": {"containers": []}}}})).await;
    assert_eq!(status(&answer).0, 422);
    assert_eq!(served.send("POST", DEPLOY, "application/json", &json!({})).await.code, 405);
}

#[tokio::test]
async fn scaling_goes_through_the_subresource() {
    let served = serve().await;
    let path = format!("{DEPLOY}/scale");
    let mut scale = served.get(&path).await.body;
    assert_eq!((scale["kind"].as_str(), scale["spec"]["replicas"].as_i64()), (Some("Scale"), Some(10)));
    assert_eq!(scale["status"]["selector"], "app=myapp");
    let patched = served.send("PATCH", &path, MERGE, &json!({"spec": {"replicas": 3}})).await.body;
    assert_eq!(patched["spec"]["replicas"], 3);
    scale["spec"]["replicas"] = json!(5);
    assert_eq!(served.send("PUT", &path, "application/json", &scale).await.code, 409);
    served.run(30);
    assert_eq!(served.cluster(|c, _| c.rollout("production", "myapp")).unwrap().replicas, 3);
    let negative = served.send("PATCH", &path, MERGE, &json!({"spec": {"replicas": -1}})).await;
    assert_eq!(status(&negative).0, 422);
}

#[tokio::test]
async fn deletions_keep_their_preconditions() {
    let served = serve().await;
    let path = "/api/v1/namespaces/production/pods/postgres-1";
    let wrong = json!({"preconditions": {"uid": "not-it"}});
    let answer = served.send("DELETE", path, "application/json", &wrong).await;
    assert_eq!((status(&answer).0, status(&answer).1), (409, "Conflict"));
    let uid = served.get(path).await.body["metadata"]["uid"].clone();
    let right = json!({"preconditions": {"uid": uid}, "gracePeriodSeconds": 5});
    let pod = served.send("DELETE", path, "application/json", &right).await.body;
    assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 5);
    served.run(30);
    assert_ne!(served.get(path).await.body["metadata"]["uid"], uid, "a new pod of the same name");
    let now = json!({"gracePeriodSeconds": 0});
    served.send("DELETE", "/api/v1/namespaces/production/pods/postgres-2", "application/json", &now).await;
    assert_eq!(served.get("/api/v1/namespaces/production/pods/postgres-2").await.code, 404);
}

#[tokio::test]
async fn an_eviction_asks_the_budget() {
    let served = serve().await;
    let budget = json!({"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": {"name": "pg"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "postgres"}}},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 3, "desiredHealthy": 3, "expectedPods": 3}});
    let made = served
        .send("POST", "/apis/policy/v1/namespaces/production/poddisruptionbudgets", "application/json", &budget)
        .await;
    assert_eq!(made.code, 201, "{}", made.text);
    let eviction = json!({"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "postgres-0"}});
    let path = "/api/v1/namespaces/production/pods/postgres-0/eviction";
    let answer = served.send("POST", path, "application/json", &eviction).await;
    let words = "Cannot evict pod as it would violate the pod's disruption budget.";
    assert_eq!(status(&answer), (429, "TooManyRequests", words));
    let cause = "The disruption budget pg needs 3 healthy pods and has 3 currently";
    assert_eq!(answer.body["details"]["causes"][0]["message"], cause);
    served
        .send("DELETE", "/apis/policy/v1/namespaces/production/poddisruptionbudgets/pg", "application/json", &json!({}))
        .await;
    assert_eq!(served.send("POST", path, "application/json", &eviction).await.code, 201);
}

#[tokio::test]
async fn a_pod_can_be_created_and_tried() {
    let served = serve().await;
    let path = "/api/v1/namespaces/production/pods";
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"generateName": "probe-"},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]}});
    let dry = served.send("POST", &format!("{path}?dryRun=All"), "application/json", &pod).await;
    assert_eq!(dry.code, 201);
    assert!(dry.body["metadata"]["name"].as_str().unwrap().starts_with("probe-"));
    let made = served.send("POST", path, "application/json", &pod).await.body;
    let name = made["metadata"]["name"].as_str().unwrap().to_owned();
    served.run(20);
    let pod = served.get(&format!("{path}/{name}")).await.body;
    assert_eq!(pod["status"]["phase"], "Running", "{pod}");
    let again = served
        .send(
            "POST",
            path,
            "application/json",
            &json!({"kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]}}),
        )
        .await;
    assert_eq!(status(&again).1, "AlreadyExists");
    let nowhere = served.send("POST", "/api/v1/namespaces/nowhere/pods", "application/json", &pod).await;
    assert_eq!(status(&nowhere).2, "namespaces \"nowhere\" not found");
}

#[tokio::test]
async fn a_pod_over_a_quota_is_forbidden() {
    let served = serve().await;
    let quotas = "/api/v1/namespaces/production/resourcequotas";
    let quota = json!({"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "team"},
        "spec": {"hard": {"pods": "13"}}});
    assert_eq!(served.send("POST", quotas, "application/json", &quota).await.code, 201);
    let path = "/api/v1/namespaces/production/pods";
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]}});
    let refused = served.send("POST", path, "application/json", &pod).await;
    let why = "pods \"probe\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=13, limited: pods=13";
    assert_eq!(status(&refused), (403, "Forbidden", why));
    let dry = served.send("POST", &format!("{path}?dryRun=All"), "application/json", &pod).await;
    assert_eq!(status(&dry), (403, "Forbidden", why), "a dry run is held to it, too");
    let raise = json!({"spec": {"hard": {"pods": 14}}});
    assert_eq!(served.send("PATCH", &format!("{quotas}/team"), MERGE, &raise).await.code, 200);
    assert_eq!(served.send("POST", path, "application/json", &pod).await.code, 201);
    served.run(1);
    let used = served.get(&format!("{quotas}/team")).await.body["status"].clone();
    assert_eq!(used, json!({"hard": {"pods": "14"}, "used": {"pods": "14"}}));
}
