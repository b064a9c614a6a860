//! What pods request and may use, and what nodes can give.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    model::kubernetes::table::{Amount, Bounds},
    source::kubernetes::rows::{parse_bytes, parse_millis},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    containers: Vec<Container>,
    init_containers: Option<Vec<Container>>,
    /// Of the pod as a whole, where it says so.
    resources: Option<Resources>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    allocatable: Quantities,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    restart_policy: Option<String>,
    resources: Option<Resources>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Option<Quantities>,
    limits: Option<Quantities>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Quantities {
    cpu: Option<Value>,
    memory: Option<Value>,
}

impl Quantities {
    fn amount(&self) -> Amount {
        let read = |quantity: &Option<Value>, parse: fn(&str) -> Option<u64>| match quantity {
            Some(Value::String(text)) => parse(text).unwrap_or(0),
            Some(number @ Value::Number(_)) => parse(&number.to_string()).unwrap_or(0),
            _ => 0,
        };
        Amount { cpu_millis: read(&self.cpu, parse_millis), memory_bytes: read(&self.memory, parse_bytes) }
    }
}

fn amount(quantities: Option<&Quantities>) -> Amount {
    quantities.map(Quantities::amount).unwrap_or_default()
}

/// What of the pod's containers goes on as long as it lives. It has a limit only if all of them have one.
pub fn of_pod(spec: &PodSpec) -> Bounds {
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|init| init.restart_policy.as_deref() == Some("Always"));
    let each: Vec<Bounds> =
        (spec.containers.iter().chain(sidecars)).map(|container| of_resources(container.resources.as_ref())).collect();
    let sum = |part: fn(&Bounds) -> u64| each.iter().map(part).sum::<u64>();
    let all = |part: fn(&Bounds) -> u64| if each.iter().all(|one| part(one) > 0) { sum(part) } else { 0 };
    let own = of_resources(spec.resources.as_ref());
    let or = |own: u64, all: u64| if own > 0 { own } else { all };
    Bounds {
        requests: Amount {
            cpu_millis: or(own.requests.cpu_millis, sum(|one| one.requests.cpu_millis)),
            memory_bytes: or(own.requests.memory_bytes, sum(|one| one.requests.memory_bytes)),
        },
        limits: Amount {
            cpu_millis: or(own.limits.cpu_millis, all(|one| one.limits.cpu_millis)),
            memory_bytes: or(own.limits.memory_bytes, all(|one| one.limits.memory_bytes)),
        },
    }
}

fn of_resources(resources: Option<&Resources>) -> Bounds {
    let part = |part: fn(&Resources) -> Option<&Quantities>| amount(resources.and_then(part));
    Bounds { requests: part(|it| it.requests.as_ref()), limits: part(|it| it.limits.as_ref()) }
}

pub fn of_node(status: &NodeStatus) -> Bounds {
    Bounds { requests: Amount::default(), limits: status.allocatable.amount() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(spec: Value) -> (String, String) {
        let bounds = of_pod(&serde_json::from_value(spec).unwrap());
        (bounds.requests.words(), bounds.limits.words())
    }

    #[test]
    fn a_pod_may_use_what_all_its_containers_may() {
        let with = |requests: Value, limits: Value| json!({"resources": {"requests": requests, "limits": limits}});
        let app = with(json!({"cpu": "100m", "memory": "128Mi"}), json!({"cpu": 1, "memory": "256Mi"}));
        let sidecar = json!({"restartPolicy": "Always", "resources": {"limits": {"memory": "64Mi"}}});
        assert_eq!(of(json!({"containers": [app]})), ("100m 128Mi".to_owned(), "1000m 256Mi".to_owned()));
        let beside = json!({"containers": [app], "initContainers": [sidecar, with(json!({"cpu": "9"}), json!({}))]});
        assert_eq!(of(beside), ("100m 128Mi".to_owned(), "320Mi".to_owned()), "one container's CPU has no limit");
        let whole = json!({"containers": [app], "resources": {"limits": {"memory": "1Gi"}}});
        assert_eq!(of(whole), ("100m 128Mi".to_owned(), "1000m 1024Mi".to_owned()));
        assert_eq!(of(json!({"containers": [{}]})), (String::new(), String::new()));
    }
}
