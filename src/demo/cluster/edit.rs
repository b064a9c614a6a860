//! Changes that the story and its pipelines make, as clients of the API would.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster,
    deployment::{DESIRED, MAX, REVISION, REVISION_HISTORY, bare_template, revision},
    fields::{self, Writer},
    founding::WorkloadKind,
    json as js,
    kinds::Resource,
    store::Object,
    template::set_env,
};

/// A change of a workload's template, applied in one write: one new revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateChange {
    pub image: Option<String>,
    /// Name and value.
    pub env: Vec<(String, String)>,
    /// A quantity: `1Gi`.
    pub memory_limit: Option<String>,
    /// Annotation `kubernetes.io/change-cause` of the workload.
    pub change_cause: Option<String>,
}

/// Annotations that an undo keeps from the Deployment.
const KEPT: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

impl Cluster {
    /// Reads an object, lets `change` edit it, and writes it in the name of `manager`. False if it does not exist.
    pub fn edit(
        &mut self,
        now: Timestamp,
        resource: Resource,
        namespace: &str,
        name: &str,
        manager: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(old) = self.store.get(resource, namespace, name).map(Object::value) else {
            return false;
        };
        let mut new = old.clone();
        change(&mut new);
        if new != old {
            fields::record(Some(&old), &mut new, Writer { manager, subresource: "", at: now });
            self.write(resource, new);
        }
        true
    }

    /// Sets the first container's image, as `kubectl set image` by `manager` would. False if there is no such workload.
    pub fn set_image(&mut self, now: Timestamp, namespace: &str, deployment: &str, image: &str, manager: &str) -> bool {
        let change = TemplateChange { image: Some(image.to_owned()), ..TemplateChange::default() };
        self.apply_template_change(now, namespace, deployment, &change, manager)
    }

    /// Changes a Deployment's template: image, environment and memory limit in one revision.
    pub fn apply_template_change(
        &mut self,
        now: Timestamp,
        namespace: &str,
        deployment: &str,
        change: &TemplateChange,
        manager: &str,
    ) -> bool {
        // What a pipeline deploys, it has pushed before.
        if let Some(image) = &change.image {
            self.push(image);
        }
        self.edit(now, Resource::Deployments, namespace, deployment, manager, |value| {
            let container = &mut value["spec"]["template"]["spec"]["containers"][0];
            if let Some(image) = &change.image {
                container["image"] = json!(image);
            }
            if let Some(limit) = &change.memory_limit {
                js::set(container, "/resources/limits/memory", json!(limit));
            }
            for (name, to) in &change.env {
                set_env(container, json!({"name": name, "value": to}));
            }
            if let Some(cause) = &change.change_cause {
                js::set_annotation(value, "kubernetes.io/change-cause", cause);
            }
        })
    }

    /// `kubectl rollout undo`, as a pipeline's failure hook runs it. False if paused or without an older revision.
    pub fn undo(&mut self, now: Timestamp, namespace: &str, deployment: &str, manager: &str) -> bool {
        let Some(object) = self.store.get(Resource::Deployments, namespace, deployment) else { return false };
        if object.value()["spec"]["paused"] == true {
            return false;
        }
        let mut sets: Vec<_> = self.replica_sets(&object.facts().uid).iter().map(Object::value).collect();
        sets.sort_by_key(|set| std::cmp::Reverse(revision(set)));
        let Some(target) = sets.get(1) else { return false };
        let template = bare_template(&target["spec"]["template"]);
        self.edit(now, Resource::Deployments, namespace, deployment, manager, |value| {
            let mut annotations = json!({});
            for (key, text) in js::members(&value["metadata"]["annotations"]) {
                if KEPT.contains(&key.as_str()) {
                    annotations[key.as_str()] = text.clone();
                }
            }
            for (key, text) in js::members(&target["metadata"]["annotations"]) {
                if !KEPT.contains(&key.as_str()) {
                    annotations[key.as_str()] = text.clone();
                }
            }
            value["spec"]["template"] = template.clone();
            value["metadata"]["annotations"] = annotations;
        })
    }

    /// Sets `spec.replicas`.
    pub fn scale(
        &mut self,
        now: Timestamp,
        kind: WorkloadKind,
        namespace: &str,
        name: &str,
        to: u32,
        by: &str,
    ) -> bool {
        self.edit(now, kind.resource(), namespace, name, by, |value| js::set(value, "/spec/replicas", json!(to)))
    }

    /// Sets one key of a ConfigMap, which is made if need be.
    pub fn set_config(&mut self, now: Timestamp, namespace: &str, name: &str, key: &str, to: &str, manager: &str) {
        if self.store.get(Resource::ConfigMaps, namespace, name).is_none() {
            let mut value = json!({
                "kind": "ConfigMap", "apiVersion": "v1",
                "metadata": {
                    "name": name, "namespace": namespace, "uid": self.uid("cm", name),
                    "creationTimestamp": js::stamp(now),
                },
                "data": {key: to},
            });
            fields::record(None, &mut value, Writer { manager, subresource: "", at: now });
            self.write(Resource::ConfigMaps, value);
            return;
        }
        self.edit(now, Resource::ConfigMaps, namespace, name, manager, |value| value["data"][key] = json!(to));
    }
}
