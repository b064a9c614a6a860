//! What a pod template names: ConfigMaps, Secrets, service accounts, volume claims.

use std::collections::BTreeSet;

use serde_json::Value;

/// Names of objects a pod of this template needs, as `configmap/NAME`, `secret/NAME`, `serviceaccount/NAME`,
/// `persistentvolumeclaim/NAME`. Optional ones are left out, and Secrets that only pulls of its images take.
pub fn references(template: &Value) -> BTreeSet<String> {
    let mut found = Found::default();
    let Some(spec) = template.get("spec") else { return found.names };
    found.add("serviceaccount", spec.get("serviceAccountName"));
    for volume in array(spec, "volumes") {
        found.source("persistentvolumeclaim", volume.get("persistentVolumeClaim"), "claimName");
    }
    found.config(spec);
    found.names
}

/// Secrets that its images are pulled with, as `secret/NAME`: without one the kubelet warns
/// (`FailedToRetrieveImagePullSecret`), and pulls without it.
pub fn pull_secrets(template: &Value) -> BTreeSet<String> {
    let mut found = Found::default();
    for secret in template.get("spec").into_iter().flat_map(|spec| array(spec, "imagePullSecrets")) {
        found.add("secret", secret.get("name"));
    }
    found.names
}

/// ConfigMaps and Secrets that containers of this template read, as `configmap/NAME` and `secret/NAME`: optional ones too.
pub fn config(template: &Value) -> BTreeSet<String> {
    let mut found = Found { takes_optional: true, ..Found::default() };
    if let Some(spec) = template.get("spec") {
        found.config(spec);
    }
    found.names
}

fn array<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[derive(Default)]
struct Found {
    names: BTreeSet<String>,
    takes_optional: bool,
}

impl Found {
    fn config(&mut self, spec: &Value) {
        for volume in array(spec, "volumes") {
            self.source("configmap", volume.get("configMap"), "name");
            self.source("secret", volume.get("secret"), "secretName");
            for source in volume.get("projected").into_iter().flat_map(|projected| array(projected, "sources")) {
                self.source("configmap", source.get("configMap"), "name");
                self.source("secret", source.get("secret"), "name");
            }
        }
        for container in array(spec, "containers").chain(array(spec, "initContainers")) {
            for from in array(container, "envFrom") {
                self.source("configmap", from.get("configMapRef"), "name");
                self.source("secret", from.get("secretRef"), "name");
            }
            for from in array(container, "env").filter_map(|env| env.get("valueFrom")) {
                self.source("configmap", from.get("configMapKeyRef"), "name");
                self.source("secret", from.get("secretKeyRef"), "name");
            }
        }
    }

    fn add(&mut self, kind: &str, name: Option<&Value>) {
        if let Some(name) = name.and_then(Value::as_str).filter(|name| !name.is_empty()) {
            self.names.insert(format!("{kind}/{name}"));
        }
    }

    fn source(&mut self, kind: &str, source: Option<&Value>, name: &str) {
        let Some(source) = source else { return };
        if self.takes_optional || source.get("optional") != Some(&Value::Bool(true)) {
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
                "secret/tls",
                "serviceaccount/web"
            ]
        );
        assert!(references(&json!({})).is_empty());
        assert_eq!(pull_secrets(&template), ["secret/pull".to_owned()].into());
        assert!(pull_secrets(&json!({})).is_empty());
        let read: Vec<String> = config(&template).into_iter().collect();
        assert_eq!(
            read,
            [
                "configmap/cfg",
                "configmap/files",
                "configmap/init",
                "configmap/maybe",
                "configmap/p2",
                "secret/db",
                "secret/no",
                "secret/p1",
                "secret/tls"
            ]
        );
    }
}
