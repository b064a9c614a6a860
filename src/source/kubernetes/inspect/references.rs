//! What a pod template names and cannot run without: ConfigMaps, Secrets, service accounts, volume claims.

use std::collections::BTreeSet;

use serde_json::Value;

/// Names of objects a pod of this template needs, as `configmap/NAME`, `secret/NAME`, `serviceaccount/NAME`,
/// `persistentvolumeclaim/NAME`. Optional ones are left out.
pub fn references(template: &Value) -> BTreeSet<String> {
    let mut found = Found::default();
    let Some(spec) = template.get("spec") else { return found.0 };
    found.add("serviceaccount", spec.get("serviceAccountName"));
    for secret in array(spec, "imagePullSecrets") {
        found.add("secret", secret.get("name"));
    }
    for volume in array(spec, "volumes") {
        found.source("configmap", volume.get("configMap"), "name");
        found.source("secret", volume.get("secret"), "secretName");
        found.source("persistentvolumeclaim", volume.get("persistentVolumeClaim"), "claimName");
        for source in volume.get("projected").into_iter().flat_map(|projected| array(projected, "sources")) {
            found.source("configmap", source.get("configMap"), "name");
            found.source("secret", source.get("secret"), "name");
        }
    }
    for container in array(spec, "containers").chain(array(spec, "initContainers")) {
        for from in array(container, "envFrom") {
            found.source("configmap", from.get("configMapRef"), "name");
            found.source("secret", from.get("secretRef"), "name");
        }
        for from in array(container, "env").filter_map(|env| env.get("valueFrom")) {
            found.source("configmap", from.get("configMapKeyRef"), "name");
            found.source("secret", from.get("secretKeyRef"), "name");
        }
    }
    found.0
}

fn array<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[derive(Default)]
struct Found(BTreeSet<String>);

impl Found {
    fn add(&mut self, kind: &str, name: Option<&Value>) {
        if let Some(name) = name.and_then(Value::as_str).filter(|name| !name.is_empty()) {
            self.0.insert(format!("{kind}/{name}"));
        }
    }

    fn source(&mut self, kind: &str, source: Option<&Value>, name: &str) {
        let Some(source) = source else { return };
        if source.get("optional") != Some(&Value::Bool(true)) {
            self.add(kind, source.get(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_places_are_looked_at_and_optional_ones_left_out() {
        let template = json!({"spec": {
            "serviceAccountName": "web",
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [
                {"name": "a", "configMap": {"name": "files"}}, {"name": "b", "secret": {"secretName": "tls"}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "d", "emptyDir": {}},
                {"name": "e", "configMap": {"name": "maybe", "optional": true}},
                {"name": "f", "projected": {"sources": [{"secret": {"name": "p1"}}, {"configMap": {"name": "p2"}}, {"serviceAccountToken": {}}]}}],
            "initContainers": [{"envFrom": [{"configMapRef": {"name": "init"}}, {"secretRef": {"name": "no", "optional": true}}]}],
            "containers": [{"env": [{"name": "A", "value": "x"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}},
                {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "k"}}}]}]}});
        let found: Vec<String> = references(&template).into_iter().collect();
        assert_eq!(
            found,
            [
                "configmap/cfg",
                "configmap/files",
                "configmap/init",
                "configmap/p2",
                "persistentvolumeclaim/data",
                "secret/db",
                "secret/p1",
                "secret/pull",
                "secret/tls",
                "serviceaccount/web"
            ]
        );
        assert!(references(&json!({})).is_empty());
    }
}
