//! One object of any kind, asked live for an act on it.

use serde_json::Value;

use super::{WorkloadInspector, answered, asked};
use crate::{
    action::{ObjectAct, object::ObjectInspection},
    json::text,
    model::kubernetes::resource::ResourceKey,
    source::{
        ErrorKind, SourceError,
        kubernetes::{rows::managed, table::object_path},
    },
    text::Clean,
};

/// Pods are counted up to here.
const MAX_PODS: usize = 500;

impl WorkloadInspector {
    pub(super) async fn object(&self, key: &ResourceKey, act: ObjectAct) -> Result<ObjectInspection, SourceError> {
        let path = object_path(key);
        let read = async {
            // The data of a Secret never leaves the server.
            if key.resource.is_secret() { self.cluster.metadata(&path).await } else { self.cluster.get(&path).await }
        };
        let silent = |says: Clean| SourceError::new(ErrorKind::TimedOut, format!("{key} could not be read: {says}"));
        let mut object: Value = asked(read).await.map_err(silent)??;
        let managed_by = managed::of(&key.resource, &object);
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let budgets = async {
            // An eviction asks them itself.
            let is_asked = act == ObjectAct::Delete && key.resource.is("", "Pod");
            if is_asked { Some(self.budgets(&key.namespace, &object).await) } else { None }
        };
        let (server, cluster_id, may, pods, budgets) =
            futures::join!(self.server(), self.cluster_id(), self.may_act(key, act), self.pods_on(key), budgets);
        Ok(ObjectInspection { key: key.clone(), object, managed_by, may, server, cluster_id, pods, budgets })
    }

    async fn may_act(&self, key: &ResourceKey, act: ObjectAct) -> Result<bool, Clean> {
        let (verb, group, resource, subresource) = act.right();
        let (group, resource) = if resource.is_empty() {
            (key.resource.group.as_str(), key.resource.plural.as_str())
        } else {
            (group, resource)
        };
        // What is created has no name yet.
        let name = if resource == key.resource.plural.as_str() { key.name.as_str() } else { "" };
        self.may(verb, group, resource, subresource, (&key.namespace, name)).await
    }

    /// How many pods run on a node; `None`: it is none.
    async fn pods_on(&self, key: &ResourceKey) -> Option<Result<usize, Clean>> {
        if !key.resource.is("", "Node") {
            return None;
        }
        let selector = super::super::selector::query([
            ("fieldSelector", &*format!("spec.nodeName={}", key.name)),
            ("limit", &MAX_PODS.to_string()),
        ]);
        let list = answered(self.cluster.get::<Value>(&format!("/api/v1/pods?{selector}"))).await;
        let has_ended = |pod: &&Value| matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        Some(list.map(|list| super::items(&list).filter(|pod| !has_ended(pod)).count()))
    }
}
