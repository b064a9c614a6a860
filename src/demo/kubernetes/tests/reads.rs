//! Discovery, GET, LIST, tables, access.

use super::{got, serve, status};

const PODS: &str = "/api/v1/namespaces/production/pods";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let served = serve().await;
    let answer = got(served.client.get(format!("{}/version", served.base))).await;
    assert_eq!(status(&answer), (401, "Unauthorized", "Unauthorized"));
    let answer = got(served.client.get(format!("{}{PODS}", served.base)).bearer_auth("wrong")).await;
    assert_eq!(answer.code, 401);
    let answer = got(served.client.get(format!("{}/as/t/version", served.base))).await;
    assert_eq!(answer.body["gitVersion"], "v1.33.5", "the token may also be in the path");
}

#[tokio::test]
async fn discovery_in_both_forms() {
    let served = serve().await;
    let legacy = served.get("/apis/apps/v1").await;
    let names: Vec<_> = legacy.body["resources"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert!(names.contains(&"deployments/scale".into()), "{names:?}");
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let response = served.request("GET", "/apis").header("accept", accept).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let groups = served.get("/apis").await;
    assert_eq!(groups.body["kind"], "APIGroupList");
    assert_eq!(status(&served.get("/apis/nowhere.io/v1").await).0, 404);
    assert_eq!(served.get("/readyz").await.text, "ok");
}

#[tokio::test]
async fn items_of_a_list_have_no_kind_but_a_get_has() {
    let served = serve().await;
    let list = served.get(PODS).await.body;
    assert_eq!(list["kind"], "PodList");
    let first = &list["items"][0];
    assert!(first.get("kind").is_none());
    let name = first["metadata"]["name"].as_str().unwrap();
    let pod = served.get(&format!("{PODS}/{name}")).await.body;
    assert_eq!((pod["kind"].as_str(), pod["apiVersion"].as_str()), (Some("Pod"), Some("v1")));
    let answer = served.get(&format!("{PODS}/nobody")).await;
    assert_eq!(status(&answer), (404, "NotFound", "pods \"nobody\" not found"));
    let answer = served.get("/apis/apps/v1/namespaces/production/deployments/x").await;
    assert_eq!(status(&answer).2, "deployments.apps \"x\" not found");
    assert_eq!(answer.body["details"]["group"], "apps");
}

#[tokio::test]
async fn a_list_is_paged_and_its_token_expires() {
    let served = serve().await;
    let (mut names, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = served.get(&format!("/api/v1/pods?limit=7&continue={next}")).await.body;
        names.extend(page["items"].as_array().unwrap().iter().map(|p| p["metadata"]["name"].to_string()));
        pages += 1;
        match page["metadata"]["continue"].as_str() {
            Some(token) => token.clone_into(&mut next),
            None => break,
        }
        assert_eq!(page["metadata"]["remainingItemCount"], 22 - names.len());
    }
    assert_eq!((names.len(), pages), (22, 4));
    names.dedup();
    assert_eq!(names.len(), 22);
    let cached = served.get("/api/v1/pods?limit=7&resourceVersion=0").await.body;
    assert_eq!(cached["items"].as_array().unwrap().len(), 22, "the cache ignores the limit");
    served.cluster(|cluster, _| cluster.store.compact());
    let answer = served.get(&format!("/api/v1/pods?limit=7&continue={next}")).await;
    assert_eq!((status(&answer).0, status(&answer).1), (410, "Expired"));
    let future = served.get("/api/v1/pods?resourceVersion=999999999").await;
    assert_eq!((status(&future).0, status(&future).1), (504, "Timeout"));
}

#[tokio::test]
async fn selectors_choose() {
    let served = serve().await;
    let count = async |query: &str| {
        let list = served.get(&format!("/api/v1/pods?{query}")).await;
        assert_eq!(list.code, 200, "{}", list.text);
        list.body["items"].as_array().unwrap().len()
    };
    assert_eq!(count("labelSelector=app%3Dmyapp").await, 10);
    assert_eq!(count("labelSelector=app%20in%20(myapp,postgres)").await, 13);
    assert_eq!(count("labelSelector=app%20notin%20(myapp),app").await, 12);
    assert_eq!(count("labelSelector=!app").await, 0);
    assert_eq!(count("labelSelector=app!%3Dmyapp").await, 12);
    assert_eq!(count("fieldSelector=spec.nodeName%3Dnode-1,status.phase%3DRunning").await, 4);
    assert_eq!(count("fieldSelector=metadata.name%3Dpostgres-0").await, 1);
    let answer = served.get("/api/v1/pods?fieldSelector=spec.image%3Dx").await;
    assert_eq!(status(&answer), (400, "BadRequest", "field label not supported: spec.image"));
}

#[tokio::test]
async fn tables_have_the_servers_columns() {
    let served = serve().await;
    let table = served.get_as(TABLE, &format!("{PODS}?limit=1&labelSelector=app%3Dmyapp")).await.body;
    let names: Vec<_> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"]
    );
    let cells: Vec<_> =
        table["rows"][0]["cells"].as_array().unwrap()[1..5].iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(cells, ["1/1", "Running", "0", "26h"]);
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert!(table["metadata"]["continue"].is_string());
    let path = "/apis/apps/v1/namespaces/production/deployments?includeObject=None";
    let table = served.get_as(TABLE, path).await.body;
    assert!(table["rows"][0].get("object").is_none());
    assert_eq!(table["rows"][0]["cells"][1], "10/10");
    for path in [
        "/api/v1/nodes",
        "/api/v1/namespaces",
        "/api/v1/events",
        "/api/v1/services",
        "/api/v1/configmaps",
        "/api/v1/secrets",
        "/api/v1/serviceaccounts",
        "/apis/apps/v1/replicasets",
        "/apis/apps/v1/statefulsets",
        "/apis/apps/v1/daemonsets",
        "/apis/apps/v1/controllerrevisions",
        "/apis/batch/v1/jobs",
        "/apis/batch/v1/cronjobs",
        "/apis/policy/v1/poddisruptionbudgets",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
    ] {
        let table = served.get_as(TABLE, path).await.body;
        let columns = table["columnDefinitions"].as_array().unwrap().len();
        for row in table["rows"].as_array().unwrap() {
            assert_eq!(row["cells"].as_array().unwrap().len(), columns, "{path}");
        }
    }
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let list = served.get_as(accept, PODS).await.body;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert!(list["items"][0].get("spec").is_none());
    assert_eq!(status(&served.get_as("application/vnd.kubernetes.protobuf", PODS).await).0, 406);
}

#[tokio::test]
async fn a_viewer_reads_one_namespace_and_changes_nothing() {
    let served = serve().await;
    let as_viewer = async |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        got(served.client.request(method, format!("{}{path}", served.base)).bearer_auth("v")).await
    };
    assert_eq!(as_viewer("GET", PODS).await.code, 200);
    let all = as_viewer("GET", "/api/v1/pods").await;
    let words = "pods is forbidden: User \"vera\" cannot list resource \"pods\" in API group \"\" at the cluster scope";
    assert_eq!(status(&all), (403, "Forbidden", words));
    let patch = as_viewer("PATCH", "/apis/apps/v1/namespaces/production/deployments/myapp").await;
    let words = "deployments.apps \"myapp\" is forbidden: User \"vera\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"production\"";
    assert_eq!(status(&patch).2, words);
}

#[tokio::test]
async fn reviews_say_who_one_is_and_what_one_may() {
    let served = serve().await;
    let ask = async |token: &str, kind: &str, spec: serde_json::Value| {
        let group = if kind == "selfsubjectreviews" { "authentication" } else { "authorization" };
        let url = format!("{}/apis/{group}.k8s.io/v1/{kind}", served.base);
        got(served.client.post(url).bearer_auth(token).json(&serde_json::json!({"spec": spec}))).await.body["status"]
            .clone()
    };
    let may = serde_json::json!({"resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "production"}});
    assert_eq!(ask("t", "selfsubjectaccessreviews", may.clone()).await["allowed"], true);
    assert_eq!(ask("v", "selfsubjectaccessreviews", may).await["allowed"], false);
    assert_eq!(ask("v", "selfsubjectreviews", serde_json::json!({})).await["userInfo"]["username"], "vera");
    let rules = ask("v", "selfsubjectrulesreviews", serde_json::json!({"namespace": "production"})).await;
    assert_eq!(rules["resourceRules"][0]["verbs"][0], "get");
}

#[tokio::test]
async fn usage_is_measured() {
    let served = serve().await;
    let list = served.get("/apis/metrics.k8s.io/v1beta1/namespaces/production/pods").await.body;
    assert_eq!(list["kind"], "PodMetricsList");
    assert_eq!(list["items"].as_array().unwrap().len(), 13);
    assert!(list["items"][0]["containers"][0]["usage"]["memory"].as_str().unwrap().ends_with("Ki"));
    let nodes = served.get("/apis/metrics.k8s.io/v1beta1/nodes").await.body;
    assert_eq!(nodes["items"].as_array().unwrap().len(), 6);
    let memory = async || {
        let node = served.get("/apis/metrics.k8s.io/v1beta1/nodes/node-4").await.body;
        node["usage"]["memory"].as_str().unwrap().trim_end_matches("Ki").parse::<f64>().unwrap() / 31_629_840.0
    };
    assert!(memory().await < 0.5);
    served.cluster(|cluster, now| cluster.press(now, "node-4"));
    assert!((0.92..0.94).contains(&memory().await), "it says that it is short of memory");
}
