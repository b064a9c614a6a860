//! What the server says it serves: versions, groups, resources; legacy and aggregated.

use serde_json::{Value, json};

use super::request::Route;
use crate::demo::cluster::kinds::{KINDS, Kind};

const JSON: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Group, version, plural, kind, whether namespaced, verbs.
type Other = (&'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);

/// Kinds that are posted and never stored, and those that are only read.
const OTHERS: &[Other] = &[
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, &["create"]),
    ("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, &["get", "list"]),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true, &["get", "list"]),
];

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// `/version`.
pub fn version(version: &str) -> String {
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    json!({
        "major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor, "gitVersion": version,
        "gitCommit": "a57b6f7709f6c2722b92f07b8b4c48210a51fc40", "gitTreeState": "clean",
        "buildDate": "2025-06-17T18:32:32Z", "goVersion": "go1.24.4", "compiler": "gc", "platform": "linux/amd64",
    })
    .to_string()
}

/// Group and version of everything served, core first, each once, in a stable order.
fn group_versions() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> = KINDS.iter().map(|k| (k.group, k.version)).collect();
    all.extend(OTHERS.iter().map(|o| (o.0, o.1)));
    all.sort_unstable();
    all.dedup();
    all
}

fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn wants_aggregated(accept: &str) -> bool {
    accept.split(',').next().is_some_and(|first| first.contains("as=APIGroupDiscoveryList") && first.contains("v=v2"))
}

/// `/api`.
pub fn core_versions(accept: &str) -> Route {
    if wants_aggregated(accept) {
        return Route::Discovery(aggregated(true), AGGREGATED);
    }
    let text = json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}).to_string();
    Route::Discovery(text, JSON)
}

/// `/apis`.
pub fn groups(accept: &str) -> Route {
    if wants_aggregated(accept) {
        return Route::Discovery(aggregated(false), AGGREGATED);
    }
    let groups: Vec<_> =
        group_versions().into_iter().filter(|(g, _)| !g.is_empty()).map(|(g, v)| group_value(g, v)).collect();
    let text = json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}).to_string();
    Route::Discovery(text, JSON)
}

fn group_value(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": join(group, version), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

/// `/apis/GROUP`.
pub fn group(name: &str) -> Option<Route> {
    let (group, version) = group_versions().into_iter().find(|(g, _)| *g == name && !g.is_empty())?;
    let mut value = group_value(group, version);
    value["kind"] = json!("APIGroup");
    value["apiVersion"] = json!("v1");
    Some(Route::Discovery(value.to_string(), JSON))
}

/// `/api/v1`, `/apis/GROUP/VERSION`.
pub fn resources(group: &str, version: &str) -> Option<Route> {
    let mut list = Vec::new();
    for kind in KINDS.iter().filter(|k| k.group == group && k.version == version) {
        let mut entry = json!({
            "name": kind.plural, "singularName": kind.singular(), "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": VERBS,
        });
        if !kind.short.is_empty() {
            entry["shortNames"] = json!(kind.short);
        }
        if kind.all {
            entry["categories"] = json!(["all"]);
        }
        list.push(entry);
        for sub in kind.subresources {
            let (sub_group, sub_version, sub_kind, verbs) = subresource(kind, sub);
            let mut entry = json!({
                "name": format!("{}/{sub}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": sub_kind, "verbs": verbs,
            });
            if sub_group != group {
                entry["group"] = json!(sub_group);
                entry["version"] = json!(sub_version);
            }
            list.push(entry);
        }
    }
    for (_, _, plural, kind, namespaced, verbs) in OTHERS.iter().filter(|o| o.0 == group && o.1 == version) {
        list.push(json!({
            "name": plural, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind, "verbs": verbs,
        }));
    }
    if list.is_empty() {
        return None;
    }
    let value = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": join(group, version), "resources": list,
    });
    Some(Route::Discovery(value.to_string(), JSON))
}

/// Group, version, kind and verbs of a subresource.
fn subresource(kind: &Kind, sub: &str) -> (&'static str, &'static str, &'static str, &'static [&'static str]) {
    match sub {
        "scale" => ("autoscaling", "v1", "Scale", &["get", "patch", "update"]),
        "eviction" => ("policy", "v1", "Eviction", &["create"]),
        "log" => (kind.group, kind.version, kind.kind, &["get"]),
        "exec" => ("", "v1", "PodExecOptions", &["create", "get"]),
        "attach" => ("", "v1", "PodAttachOptions", &["create", "get"]),
        "portforward" => ("", "v1", "PodPortForwardOptions", &["create", "get"]),
        _ => (kind.group, kind.version, kind.kind, &["get", "patch", "update"]),
    }
}

/// `APIGroupDiscoveryList` (apidiscovery.k8s.io/v2) of the core group or of all others.
fn aggregated(core: bool) -> String {
    let mut items = Vec::new();
    for (group, version) in group_versions().into_iter().filter(|(g, _)| g.is_empty() == core) {
        let mut resources = Vec::new();
        let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
        for kind in KINDS.iter().filter(|k| k.group == group && k.version == version) {
            let subresources = kind.subresources.iter().map(|sub| {
                let (g, v, k, verbs) = subresource(kind, sub);
                json!({"subresource": sub, "responseKind": {"group": g, "version": v, "kind": k}, "verbs": verbs})
            });
            let mut entry = json!({
                "resource": kind.plural, "responseKind": {"group": group, "version": version, "kind": kind.kind},
                "scope": scope(kind.namespaced), "singularResource": kind.singular(), "verbs": VERBS,
                "subresources": subresources.collect::<Vec<_>>(),
            });
            if !kind.short.is_empty() {
                entry["shortNames"] = json!(kind.short);
            }
            if kind.all {
                entry["categories"] = json!(["all"]);
            }
            resources.push(entry);
        }
        for (_, _, plural, kind, namespaced, verbs) in OTHERS.iter().filter(|o| o.0 == group && o.1 == version) {
            resources.push(json!({
                "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind},
                "scope": scope(*namespaced), "singularResource": kind.to_lowercase(), "verbs": verbs,
            }));
        }
        let mut metadata = json!({"creationTimestamp": null});
        if !group.is_empty() {
            metadata["name"] = json!(group);
        }
        items.push(json!({
            "metadata": metadata,
            "versions": [{"version": version, "resources": resources, "freshness": "Current"}],
        }));
    }
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
    .to_string()
}
