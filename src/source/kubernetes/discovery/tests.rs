use serde_json::{Value, json};

use super::*;
use crate::source::kubernetes::scripted::{Asked, json_answer, serve, status};

fn names(resources: &Resources) -> Vec<String> {
    resources.list.iter().map(|resource| resource.qualified()).collect()
}

fn discovered(resource: &str, kind: &str, verbs: &[&str]) -> Value {
    json!({"resource": resource, "responseKind": {"group": "", "version": "v1", "kind": kind}, "scope": "Namespaced",
        "singularResource": kind.to_lowercase(), "verbs": verbs, "shortNames": [format!("{}x", &resource[..1])],
        "subresources": [{"subresource": "status", "verbs": ["get"]}]})
}

fn group(name: &str, versions: &Value) -> Value {
    json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
}

fn aggregated_list(items: &[Value]) -> Value {
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items})
}

#[tokio::test]
async fn two_questions_tell_all_kinds() {
    let fake = serve(|asked: &Asked| {
        assert!(asked.accept.starts_with("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"));
        let all = &["get", "list", "watch"][..];
        json_answer(200, &match asked.path.as_str() {
            "/api" => {
                let resources = json!([discovered("pods", "Pod", all), discovered("bindings", "Binding", &["create"])]);
                aggregated_list(&[group("", &json!([{"version": "v1", "freshness": "Current", "resources": resources}]))])
            }
            _ => aggregated_list(&[
                group("apps", &json!([{"version": "v1", "resources": [discovered("deployments", "Deployment", all)]}])),
                group("batch", &json!([
                    {"version": "v1", "resources": [discovered("jobs", "Job", all)]},
                    {"version": "v1beta1", "resources": [discovered("jobs", "Job", all), discovered("old", "Old", all)]},
                ])),
                group("metrics.k8s.io", &json!([{"version": "v1beta1", "freshness": "Stale", "resources": null}])),
            ]),
        })
    })
    .await;
    let found = read(&fake.cluster).await.unwrap();
    assert_eq!(names(&found), ["pods", "deployments.apps", "jobs.batch", "old.batch"]);
    assert_eq!(found.list[2].version, "v1", "the version that the server prefers");
    assert_eq!(found.list[3].version, "v1beta1");
    assert_eq!(found.troubles, ["group metrics.k8s.io/v1beta1: its API service does not answer"]);
    assert_eq!(found.resolve("PX").unwrap().kind, "Pod");
    assert_eq!(fake.asked().len(), 2);
}

fn old_server(asked: &Asked, refuses: bool) -> axum::response::Response {
    if refuses && asked.accept.contains("apidiscovery") {
        return status(406, "NotAcceptable", "only the following media types are accepted: application/json");
    }
    let list = |resources: Value| json!({"kind": "APIResourceList", "apiVersion": "v1", "resources": resources});
    let entry = |name: &str, kind: &str| json!({"name": name, "singularName": "", "namespaced": false, "kind": kind, "verbs": ["list"]});
    let version = |name: &str| json!({"groupVersion": format!("x/{name}"), "version": name});
    json_answer(
        200,
        &match asked.path.as_str() {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
                {"name": "apps", "versions": [version("v1beta1"), version("v1")], "preferredVersion": version("v1")},
                {"name": "stale.example.org", "versions": [version("v1")], "preferredVersion": version("v1")},
            ]}),
            "/api/v1" => list(json!([entry("nodes", "Node"), entry("nodes/status", "Node")])),
            "/apis/apps/v1" | "/apis/apps/v1beta1" => list(json!([entry("deployments", "Deployment")])),
            _ => return status(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
        },
    )
}

#[tokio::test]
async fn an_older_server_is_asked_group_by_group_and_one_that_fails_is_said() {
    for refuses in [true, false] {
        let fake = serve(move |asked: &Asked| old_server(asked, refuses)).await;
        let found = read(&fake.cluster).await.unwrap();
        assert_eq!(names(&found), ["nodes", "deployments.apps"]);
        assert_eq!((found.list[0].singular.as_str(), found.list[1].version.as_str()), ("node", "v1"));
        assert_eq!(found.troubles.len(), 1);
        assert!(found.troubles[0].starts_with("group stale.example.org/v1: "), "{:?}", found.troubles);
    }
}

#[tokio::test]
async fn one_root_is_enough_and_none_is_a_failure() {
    let fake = serve(|asked: &Asked| match asked.path.as_str() {
        "/apis" => status(403, "Forbidden", "no"),
        _ => old_server(asked, true),
    })
    .await;
    let found = read(&fake.cluster).await.unwrap();
    assert_eq!(names(&found), ["nodes"]);
    assert!(found.troubles[0].starts_with("groups: "), "{:?}", found.troubles);
    let fake = serve(|_: &Asked| status(403, "Forbidden", "anonymous may not")).await;
    assert!(read(&fake.cluster).await.unwrap_err().is(403));
}

#[tokio::test]
async fn the_list_is_kept_until_it_is_forgotten() {
    let fake = serve(|asked: &Asked| match asked.path.as_str() {
        "/api" => aggregated_list_answer(),
        _ => json_answer(200, &aggregated_list(&[])),
    })
    .await;
    let discovery = Discovery::new(fake.cluster.clone());
    let first = discovery.resources().await.unwrap();
    assert!(Arc::ptr_eq(&first, &discovery.resources().await.unwrap()));
    assert_eq!(fake.asked().len(), 2);
    discovery.forget();
    discovery.resources().await.unwrap();
    assert_eq!(fake.asked().len(), 4);
}

fn aggregated_list_answer() -> axum::response::Response {
    let pods = json!([discovered("pods", "Pod", &["list"])]);
    json_answer(200, &aggregated_list(&[group("", &json!([{"version": "v1", "resources": pods}]))]))
}
