//! What pods request and may use, and what nodes can give.

use serde::Deserialize;

use crate::{
    model::kubernetes::table::{Amount, Bounds},
    source::kubernetes::rows::bounds::{self, Quantities, Resources},
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

/// What of the pod's containers goes on as long as it lives.
pub fn of_pod(spec: &PodSpec) -> Bounds {
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|init| init.restart_policy.as_deref() == Some("Always"));
    let each = spec.containers.iter().chain(sidecars).map(|container| container.resources.as_ref());
    bounds::of_pod(each, spec.resources.as_ref())
}

pub fn of_node(status: &NodeStatus) -> Bounds {
    Bounds { requests: Amount::default(), limits: status.allocatable.amount() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
