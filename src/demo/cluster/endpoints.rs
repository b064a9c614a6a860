//! The EndpointSlice controller: where a Service's ready pods are.

use serde_json::{Value, json};

use super::{Cluster, ids, json as js, kinds::Resource, replicas::owner_reference};

/// Endpoints in one slice, and the most that are kept of a Service (as the Endpoints API has it).
const IN_SLICE: usize = 100;
const MOST: usize = 1_000;

impl Cluster {
    pub(super) fn sync_endpoints(&mut self, namespace: &str, name: &str) {
        let Some(service) = self.store.get(Resource::Services, namespace, name).map(super::store::Object::value) else {
            return;
        };
        let selector = js::at(&service, "/spec/selector");
        if !selector.is_object() {
            return;
        }
        let chosen = |object: &&super::store::Object| {
            js::members(selector).all(|(key, value)| object.facts().label(key) == value.as_str())
        };
        let pods: Vec<_> =
            self.store.list(Resource::Pods, Some(namespace), None).filter(chosen).take(MOST).cloned().collect();
        let endpoints: Vec<Value> = pods
            .iter()
            .filter_map(|pod| {
                let facts = pod.facts();
                let run = self.runs.get(&facts.uid).filter(|run| !run.ip.is_empty())?;
                let (ready, stopping) = (facts.ready() && !facts.deleting, facts.deleting);
                Some(json!({
                    "addresses": [run.ip], "nodeName": run.node,
                    "conditions": {"ready": ready, "serving": facts.ready(), "terminating": stopping},
                    "targetRef": {"kind": "Pod", "name": facts.name, "namespace": namespace, "uid": facts.uid},
                }))
            })
            .collect();
        let ports: Vec<_> = js::list(&service, "/spec/ports")
            .iter()
            .map(|p| json!({"name": p["name"], "port": p["targetPort"], "protocol": p["protocol"]}))
            .collect();
        let uid = js::text(&service, "/metadata/uid");
        let count = endpoints.len().div_ceil(IN_SLICE).max(1);
        for index in 0..count {
            let slice = format!("{name}-{}", ids::suffix(self.seed, &format!("{namespace}/{name}/slice/{index}")));
            let part: Vec<_> = endpoints.iter().skip(index * IN_SLICE).take(IN_SLICE).cloned().collect();
            let old = self.store.get(Resource::EndpointSlices, namespace, &slice).map(super::store::Object::value);
            let mut value = old.unwrap_or_else(|| {
                json!({
                    "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1",
                    "metadata": {
                        "name": slice, "namespace": namespace, "uid": ids::uid(self.seed, &format!("slice/{uid}/{index}")),
                        "creationTimestamp": service["metadata"]["creationTimestamp"], "ownerReferences": owner_reference(Resource::Services, &service),
                        "labels": {
                            "kubernetes.io/service-name": name,
                            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                        },
                    },
                    "addressType": "IPv4",
                })
            });
            value["endpoints"] = json!(part);
            value["ports"] = json!(ports);
            self.write(Resource::EndpointSlices, value);
        }
        // Slices that became empty go.
        for old in self.store.owned(uid, Resource::EndpointSlices) {
            let kept = (0..count)
                .any(|i| old.facts().name.ends_with(&ids::suffix(self.seed, &format!("{namespace}/{name}/slice/{i}"))));
            if !kept {
                self.erase(Resource::EndpointSlices, &old.facts().key());
            }
        }
    }
}
