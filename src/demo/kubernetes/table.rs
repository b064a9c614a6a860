//! Server-side tables: the cells that `kubectl get` prints.

mod columns;
mod printer_columns;
mod storage;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, answer::Failure, list, pod_columns, request::Query};
use crate::demo::cluster::{json as js, kinds::Resource, store::Object};

/// How much of each object a row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    pub fn parse(query: &Query) -> Result<Self, Failure> {
        match query.get("includeObject") {
            None | Some("" | "Metadata") => Ok(Self::Metadata),
            Some("None") => Ok(Self::None),
            Some("Object") => Ok(Self::Object),
            Some(other) => Err(Failure::bad_request(format!("includeObject is invalid: '{other}'"))),
        }
    }
}

/// A Table of rows; `columns` are left out of all but the first event of a watch.
pub fn table(resource: Resource, rows: &[Value], metadata: &Value, columns: bool) -> Value {
    let definitions = if columns { columns::definitions(resource) } else { Value::Null };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// One object as a row.
pub fn row(resource: Resource, object: &Object, now: Timestamp, include: Include) -> Value {
    let value = object.value();
    let mut row = json!({"cells": cells(resource, &value, now)});
    match include {
        Include::None => {}
        Include::Metadata => row["object"] = list::partial(object),
        Include::Object => row["object"] = value,
    }
    row
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

/// `app=myapp,tier=web`, or `<none>`.
fn pairs(map: &Value) -> String {
    let all: Vec<_> = js::members(map).map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    or_none(&all.join(","))
}

fn containers(resource: Resource, value: &Value) -> (String, String) {
    let path = match resource {
        Resource::CronJobs => "/spec/jobTemplate/spec/template/spec/containers",
        _ => "/spec/template/spec/containers",
    };
    let all = js::list(value, path);
    let join = |field| all.iter().map(|c| js::text(c, field)).collect::<Vec<_>>().join(",");
    (join("/name"), join("/image"))
}

/// The cells of an object, in the order of its columns.
fn cells(resource: Resource, value: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(js::text(value, "/metadata/name"));
    let age = json!(age::since(js::time(value, "/metadata/creationTimestamp"), now));
    let count = |path: &str| json!(js::int(value, path));
    let (container, images) = containers(resource, value);
    let selector = pairs(js::at(value, "/spec/selector/matchLabels"));
    let of = |ready: &str, all: &str| json!(format!("{}/{}", js::int(value, ready), js::int(value, all)));
    match resource {
        Resource::Pods => pod(value, name, age, now),
        Resource::Deployments => vec![
            name,
            of("/status/readyReplicas", "/spec/replicas"),
            count("/status/updatedReplicas"),
            count("/status/availableReplicas"),
            age,
            json!(container),
            json!(images),
            json!(selector),
        ],
        Resource::ReplicaSets => vec![
            name,
            count("/spec/replicas"),
            count("/status/replicas"),
            count("/status/readyReplicas"),
            age,
            json!(container),
            json!(images),
            json!(selector),
        ],
        Resource::StatefulSets => {
            vec![name, of("/status/readyReplicas", "/spec/replicas"), age, json!(container), json!(images)]
        }
        Resource::DaemonSets => vec![
            name,
            count("/status/desiredNumberScheduled"),
            count("/status/currentNumberScheduled"),
            count("/status/numberReady"),
            count("/status/updatedNumberScheduled"),
            count("/status/numberAvailable"),
            json!(pairs(js::at(value, "/spec/template/spec/nodeSelector"))),
            age,
            json!(container),
            json!(images),
            json!(selector),
        ],
        Resource::Events => event(value, now),
        Resource::Nodes => node(value, name, age),
        Resource::Namespaces => vec![name, json!(js::text(value, "/status/phase")), age],
        Resource::Services => service(value, name, age),
        Resource::ConfigMaps => vec![name, json!(js::members(&value["data"]).count()), age],
        Resource::Secrets => {
            vec![name, json!(js::text(value, "/type")), json!(js::members(&value["data"]).count()), age]
        }
        Resource::ServiceAccounts => vec![name, json!(js::list(value, "/secrets").len()), age],
        Resource::ControllerRevisions => {
            let owner = &value["metadata"]["ownerReferences"][0];
            let kind = js::text(owner, "/kind").to_lowercase();
            let group = js::text(owner, "/apiVersion").split('/').next().unwrap_or_default();
            let controller = json!(format!("{kind}.{group}/{}", js::text(owner, "/name")));
            vec![name, controller, count("/revision"), age]
        }
        Resource::Jobs => job(value, name, age, now, &container, &images),
        Resource::CronJobs => {
            let last = js::time(value, "/status/lastScheduleTime");
            let last = last.map_or_else(|| "<none>".to_owned(), |t| age::since(Some(t), now));
            let suspended = if value["spec"]["suspend"] == true { "True" } else { "False" };
            vec![
                name,
                json!(js::text(value, "/spec/schedule")),
                json!(or_none(js::text(value, "/spec/timeZone"))),
                json!(suspended),
                json!(js::list(value, "/status/active").len()),
                json!(last),
                age,
                json!(container),
                json!(images),
            ]
        }
        Resource::Autoscalers => autoscaler(value, name, age),
        Resource::ResourceQuotas => storage::quota(value, name, age),
        Resource::VolumeClaims => storage::claim(value, name, age),
        Resource::Volumes => storage::volume(value, name, age),
        Resource::Ingresses => ingress(value, name, age),
        Resource::EndpointSlices => endpoints(value, name, age),
        Resource::LimitRanges | Resource::CustomDefinitions => {
            vec![name, value["metadata"]["creationTimestamp"].clone()]
        }
        Resource::Rollouts
        | Resource::Applications
        | Resource::ApplicationSets
        | Resource::Kustomizations
        | Resource::GitRepositories
        | Resource::HelmReleases
        | Resource::ImageUpdateAutomations
        | Resource::Canaries => std::iter::once(name).chain(printer_columns::cells(resource, value, now)).collect(),
        Resource::DisruptionBudgets => {
            let bound = |path: &str| match js::at(value, path) {
                Value::Null => json!("N/A"),
                Value::String(text) => json!(text),
                other => json!(other.to_string()),
            };
            vec![
                name,
                bound("/spec/minAvailable"),
                bound("/spec/maxUnavailable"),
                count("/status/disruptionsAllowed"),
                age,
            ]
        }
    }
}

fn pod(value: &Value, name: Value, age: Value, now: Timestamp) -> Vec<Value> {
    let cells = pod_columns::cells(value, now);
    let gates = js::list(value, "/spec/readinessGates");
    let passed = gates.iter().filter(|gate| {
        let kind = js::text(gate, "/conditionType");
        js::condition(value, kind).is_some_and(|c| js::text(c, "/status") == "True")
    });
    let gates = if gates.is_empty() { "<none>".to_owned() } else { format!("{}/{}", passed.count(), gates.len()) };
    vec![
        name,
        json!(cells.ready),
        json!(cells.status),
        json!(cells.restarts),
        age,
        json!(or_none(js::text(value, "/status/podIP"))),
        json!(or_none(js::text(value, "/spec/nodeName"))),
        json!(or_none(js::text(value, "/status/nominatedNodeName"))),
        json!(gates),
    ]
}

fn event(value: &Value, now: Timestamp) -> Vec<Value> {
    let first = js::time(value, "/firstTimestamp").or_else(|| js::time(value, "/eventTime"));
    let last = js::time(value, "/series/lastObservedTime").or_else(|| js::time(value, "/lastTimestamp")).or(first);
    let count = value.pointer("/series/count").or_else(|| value.get("count")).and_then(Value::as_i64).unwrap_or(1);
    let kind = js::text(value, "/involvedObject/kind").to_lowercase();
    let about = js::text(value, "/involvedObject/name");
    let about = if about.is_empty() { kind } else { format!("{kind}/{about}") };
    let component = js::text(value, "/source/component");
    let host = js::text(value, "/source/host");
    let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        json!(age::since(last, now)),
        json!(js::text(value, "/type")),
        json!(js::text(value, "/reason")),
        json!(about),
        json!(js::text(value, "/involvedObject/fieldPath")),
        json!(source),
        json!(js::text(value, "/message").trim()),
        json!(age::since(first, now)),
        json!(count),
        json!(js::text(value, "/metadata/name")),
    ]
}

fn node(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = js::condition(value, "Ready").map(|c| js::text(c, "/status"));
    let mut status = match ready {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if value["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<_> = js::members(&value["metadata"]["labels"])
        .filter_map(|(key, v)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role.to_owned()),
            _ if key == "kubernetes.io/role" => v.as_str().map(str::to_owned),
            _ => None,
        })
        .collect();
    roles.sort();
    let address = |kind: &str| {
        let found = js::list(value, "/status/addresses").iter().find(|a| js::text(a, "/type") == kind);
        json!(or_none(found.map(|a| js::text(a, "/address")).unwrap_or_default()))
    };
    let info = |field: &str| json!(js::text(value, &format!("/status/nodeInfo/{field}")));
    vec![
        name,
        json!(status),
        json!(or_none(&roles.join(","))),
        age,
        info("kubeletVersion"),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn service(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let ports: Vec<_> = js::list(value, "/spec/ports")
        .iter()
        .map(|p| {
            let node = js::int(p, "/nodePort");
            let node = if node > 0 { format!(":{node}") } else { String::new() };
            format!("{}{node}/{}", js::int(p, "/port"), js::text(p, "/protocol"))
        })
        .collect();
    vec![
        name,
        json!(js::text(value, "/spec/type")),
        json!(or_none(js::text(value, "/spec/clusterIP"))),
        json!("<none>"),
        json!(or_none(&ports.join(","))),
        age,
        json!(pairs(js::at(value, "/spec/selector"))),
    ]
}

fn ingress(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let hosts: Vec<_> = js::list(value, "/spec/rules").iter().map(|rule| js::text(rule, "/host")).collect();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
    let addresses: Vec<_> =
        js::list(value, "/status/loadBalancer/ingress").iter().map(|a| js::text(a, "/ip")).collect();
    let ports = if js::list(value, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    let class = or_none(js::text(value, "/spec/ingressClassName"));
    vec![name, json!(class), json!(hosts), json!(addresses.join(",")), json!(ports), age]
}

fn endpoints(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let ports: Vec<_> = js::list(value, "/ports").iter().map(|p| js::int(p, "/port").to_string()).collect();
    let ports = if ports.is_empty() { "<unset>".to_owned() } else { ports.join(",") };
    let all: Vec<_> = js::list(value, "/endpoints").iter().flat_map(|e| js::list(e, "/addresses")).collect();
    let mut shown = all.iter().take(3).filter_map(|a| a.as_str()).collect::<Vec<_>>().join(",");
    if all.len() > 3 {
        shown = format!("{shown} + {} more...", all.len() - 3);
    }
    let shown = if all.is_empty() { "<unset>".to_owned() } else { shown };
    vec![name, value["addressType"].clone(), json!(ports), json!(shown), age]
}

fn job(value: &Value, name: Value, age: Value, now: Timestamp, container: &str, images: &str) -> Vec<Value> {
    let is = |kind: &str| js::condition(value, kind).is_some_and(|c| js::text(c, "/status") == "True");
    let deleting = value.pointer("/metadata/deletionTimestamp").is_some();
    let status = if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if deleting {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let succeeded = js::int(value, "/status/succeeded");
    let parallel = js::int(value, "/spec/parallelism");
    let completions = match value.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        None => format!("{succeeded}/1"),
    };
    let duration = js::time(value, "/status/startTime").map_or_else(String::new, |start| {
        age::since(Some(start), js::time(value, "/status/completionTime").unwrap_or(now))
    });
    let selector = pairs(js::at(value, "/spec/selector/matchLabels"));
    let cells =
        [json!(status), json!(completions), json!(duration), age, json!(container), json!(images), json!(selector)];
    std::iter::once(name).chain(cells).collect()
}

fn autoscaler(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let target = &value["spec"]["scaleTargetRef"];
    let current = js::list(value, "/status/currentMetrics");
    let metrics = js::list(value, "/spec/metrics").iter().enumerate().map(|(index, metric)| {
        let now = current.get(index).and_then(|c| c.pointer("/resource/current/averageUtilization"));
        let now = now.and_then(Value::as_i64).map_or_else(|| "<unknown>".to_owned(), |n| format!("{n}%"));
        let resource = js::text(metric, "/resource/name");
        format!("{resource}: {now}/{}%", js::int(metric, "/resource/target/averageUtilization"))
    });
    let all: Vec<_> = metrics.collect();
    let mut targets = all.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > 2 {
        targets = format!("{targets} + {} more...", all.len() - 2);
    }
    vec![
        name,
        json!(format!("{}/{}", js::text(target, "/kind"), js::text(target, "/name"))),
        json!(or_none(&targets)),
        json!(js::int(value, "/spec/minReplicas").to_string()),
        json!(js::int(value, "/spec/maxReplicas").to_string()),
        json!(js::int(value, "/status/currentReplicas")),
        age,
    ]
}
