//! The little of OpenAPI v3 that `kubectl apply` needs: that `fieldValidation` and `dryRun` are understood.

use serde_json::{Map, Value, json};

use crate::demo::cluster::kinds::{KINDS, Kind};

fn base(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}/{}", kind.group, kind.version)
    }
}

/// `/openapi/v3`: where each group's document is.
pub fn index() -> String {
    let paths: Map<_, _> = KINDS
        .iter()
        .map(|kind| (base(kind), json!({"serverRelativeURL": format!("/openapi/v3/{}?hash=1", base(kind))})))
        .collect();
    json!({"paths": paths}).to_string()
}

/// `/openapi/v3/GROUP-VERSION-PATH`.
pub fn document(path: &str) -> Option<String> {
    let mut paths = Map::new();
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    for kind in KINDS.iter().filter(|kind| base(kind) == path) {
        let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let operation = |action: &str| {
            json!({
                "operationId": format!("{action}{}", kind.kind),
                "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
                "responses": {"200": {"description": "OK"}}, "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": {"group": kind.group, "kind": kind.kind, "version": kind.version},
            })
        };
        paths.insert(format!("/{path}{scope}/{}", kind.plural), json!({"post": operation("post")}));
        paths.insert(
            format!("/{path}{scope}/{}/{{name}}", kind.plural),
            json!({"patch": operation("patch"), "put": operation("put")}),
        );
    }
    if paths.is_empty() {
        return None;
    }
    let info = json!({"title": "Kubernetes", "version": "v1.33.2"});
    let value: Value = json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}});
    Some(value.to_string())
}
