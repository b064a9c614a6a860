//! One pod, asked live for a resize in place: what it has, and what its node has for it.

use serde_json::Value;

use super::{MAX_NODES, WorkloadInspector, answered, asked, items, text};
use crate::{
    action::{
        resize::{PodInspection, Room},
        resources::{Usage, requested},
    },
    model::kubernetes::ObjectKey,
    source::{
        ErrorKind, SourceError,
        kubernetes::{
            client::segment,
            discovery,
            rows::{parse_bytes, parse_millis},
            selector,
        },
    },
    text::Clean,
};

impl WorkloadInspector {
    /// `Null` in place of a pod that is gone.
    pub(super) async fn pod(&self, key: &ObjectKey) -> Result<PodInspection, SourceError> {
        let path = format!("/api/v1/namespaces/{}/pods/{}", segment(&key.namespace), segment(&key.name));
        let silent =
            |says: Clean| SourceError::new(ErrorKind::TimedOut, format!("pod/{} could not be read: {says}", key.name));
        let found: Option<Value> = asked(self.cluster.get_opt(&path)).await.map_err(silent)??;
        let mut object = found.unwrap_or_default();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let (server, cluster_id, serves, may, resources, room) = futures::join!(
            self.server(),
            self.cluster_id(),
            answered(discovery::core_takes(&self.cluster, "pods/resize", "patch")),
            self.may("patch", "", "pods", "resize", (&*key.namespace, &*key.name)),
            self.resources(&key.namespace, |pod| key.name == *pod),
            self.room(&object),
        );
        Ok(PodInspection { key: key.clone(), object, serves, may, server, cluster_id, resources, room })
    }

    /// What the pod's node has, and what the other pods on it request.
    async fn room(&self, pod: &Value) -> Result<Room, Clean> {
        let name = text(pod, "/spec/nodeName");
        if name.is_empty() {
            return Err("it is on no node yet".into());
        }
        let on_node = selector::query([("fieldSelector", &*format!("spec.nodeName={name}")), ("limit", MAX_NODES)]);
        let (node_path, pods_path) = (format!("/api/v1/nodes/{}", segment(name)), format!("/api/v1/pods?{on_node}"));
        let (node, pods) = futures::join!(
            answered(self.cluster.get::<Value>(&node_path)),
            answered(self.cluster.get::<Value>(&pods_path)),
        );
        let (node, pods) = (node?, pods?);
        if !text(&pods, "/metadata/continue").is_empty() {
            return Err(Clean::own(format!("more than {MAX_NODES} pods are on it")));
        }
        let allocatable = Usage {
            cpu_millis: parse_millis(text(&node, "/status/allocatable/cpu")).unwrap_or(0),
            memory_bytes: parse_bytes(text(&node, "/status/allocatable/memory")).unwrap_or(0),
        };
        let is_other = |other: &&Value| {
            text(other, "/metadata/uid") != text(pod, "/metadata/uid")
                && !matches!(text(other, "/status/phase"), "Succeeded" | "Failed")
        };
        let others = items(&pods).filter(is_other).map(|other| requested(&other["spec"]));
        let others = others.fold(Usage::default(), |all, one| Usage {
            cpu_millis: all.cpu_millis.saturating_add(one.cpu_millis),
            memory_bytes: all.memory_bytes.saturating_add(one.memory_bytes),
        });
        Ok(Room { node: Clean::line(name), allocatable, others })
    }
}
