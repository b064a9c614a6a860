//! Which pods the Services of a namespace send to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{WorkloadInspector, answered, items, text};
use crate::{model::Name, source::kubernetes::client::segment, text::Clean};

/// Slices are read in one page of this size.
const MAX_SLICES: usize = 500;

impl WorkloadInspector {
    /// Names of the pods that are ready endpoints, by the EndpointSlices.
    pub(super) async fn endpoints(&self, namespace: &str) -> Result<BTreeSet<Name>, Clean> {
        let path =
            format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?limit={MAX_SLICES}", segment(namespace));
        let list = answered(self.cluster.get::<Value>(&path)).await?;
        if !text(&list, "/metadata/continue").is_empty() {
            return Err(Clean::own(format!("more than {MAX_SLICES} EndpointSlices: not asked")));
        }
        let all = items(&list).filter_map(|slice| slice.get("endpoints")?.as_array()).flatten();
        let serve = all.filter(|endpoint| is_serving(endpoint)).map(|endpoint| text(endpoint, "/targetRef/name"));
        Ok(serve.filter(|name| !name.is_empty()).map(Clean::line).collect())
    }
}

/// Without a word on it, it is ready. A terminating one that is ready all the same is published on purpose
/// (`publishNotReadyAddresses`).
fn is_serving(endpoint: &Value) -> bool {
    let is = |condition: &str| endpoint.pointer(&format!("/conditions/{condition}")).and_then(Value::as_bool);
    is("ready") != Some(false) && is("terminating") != Some(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::kubernetes::scripted;

    #[tokio::test]
    async fn ready_endpoints_serve_and_those_that_stop_do_not() {
        let server = scripted::serve(|asked| {
            assert_eq!(asked.path, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
            let endpoint = |name: &str, conditions: Value| json!({"targetRef": {"kind": "Pod", "name": name}, "conditions": conditions});
            let first = json!({"endpoints": [
                endpoint("a", json!({"ready": true})),
                endpoint("b", json!({"ready": false, "serving": true, "terminating": true})),
                endpoint("c", json!({"ready": true, "terminating": true})),
            ]});
            let second = json!({"endpoints": [endpoint("d", json!({})), {"addresses": ["10.0.0.1"]}]});
            scripted::json_answer(200, &json!({"metadata": {}, "items": [first, second, {"endpoints": null}]}))
        })
        .await;
        let found = WorkloadInspector::new(server.cluster.clone()).endpoints("shop").await.unwrap();
        assert_eq!(found.iter().map(Clean::as_str).collect::<Vec<_>>(), ["a", "d"]);
        let refused = scripted::serve(|_| scripted::status(403, "Forbidden", "endpointslices is forbidden")).await;
        let why = WorkloadInspector::new(refused.cluster.clone()).endpoints("shop").await.unwrap_err();
        assert!(why.contains("endpointslices is forbidden"), "{why}");
    }
}
