//! The DaemonSet controller: one pod on every node, replaced one node at a time.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, json as js, kinds::Resource, replicas::pod_from_template, store::Object};

const DS: Resource = Resource::DaemonSets;

impl Cluster {
    pub(super) fn sync_daemonset(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(DS, namespace, name).cloned() else { return };
        let value = object.value();
        let revision = self.current_revision(at, DS, &value);
        let hash = revision.rsplit_once('-').map_or(revision.as_str(), |(_, hash)| hash).to_owned();
        let nodes = self.nodes.clone();
        let pods = self.store.owned(&object.facts().uid, Resource::Pods);
        let on = |node: &str| pods.iter().find(|pod| self.daemon_node(pod) == node).cloned();
        let placed: Vec<_> = nodes.iter().map(|node| (node.clone(), on(node))).collect();
        for (node, _) in placed.iter().filter(|(_, pod)| pod.is_none()) {
            let pod_name = self.pod_name(namespace, name);
            let pod = daemon_pod(&value, &pod_name, node, &hash);
            self.create_pod(at, pod, name);
            let message = format!("Created pod: {pod_name}");
            self.tell(at, DS, &object, "SuccessfulCreate", message, "daemonset-controller");
        }
        let unready =
            placed.iter().filter(|(_, pod)| !pod.as_ref().is_some_and(|p| p.facts().active() && p.facts().ready()));
        let old = |pod: &&Object| pod.facts().label("controller-revision-hash") != Some(hash.as_str());
        if js::text(&value, "/spec/updateStrategy/type") != "OnDelete" {
            let may = unready.count() == 0;
            let outdated = placed.iter().filter_map(|(_, pod)| pod.as_ref()).filter(old);
            let first =
                outdated.filter(|p| p.facts().active()).min_by_key(|p| (p.facts().ready(), p.facts().name.clone()));
            if let Some(pod) = first.filter(|pod| may || !pod.facts().ready()).cloned() {
                self.terminate(at, &pod, None);
                let message = format!("Deleted pod: {}", pod.facts().name);
                self.tell(at, DS, &object, "SuccessfulDelete", message, "daemonset-controller");
            }
        }
        let pods = self.store.owned(&object.facts().uid, Resource::Pods);
        let live: Vec<_> = pods.iter().filter(|pod| pod.facts().active()).collect();
        let ready = live.iter().filter(|pod| pod.facts().ready()).count();
        let updated = live.iter().filter(|pod| !old(pod)).count();
        self.prune_revisions(&value, &[&revision]);
        let mut status = json!({
            "currentNumberScheduled": live.len(), "numberMisscheduled": 0, "desiredNumberScheduled": nodes.len(),
            "numberReady": ready, "observedGeneration": value["metadata"]["generation"],
        });
        for (field, count) in [
            ("updatedNumberScheduled", updated),
            ("numberAvailable", ready),
            ("numberUnavailable", nodes.len().saturating_sub(ready)),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        let mut done = value;
        done["status"] = status;
        self.write(DS, done);
    }

    fn daemon_node(&self, pod: &Object) -> String {
        self.run(&pod.facts().uid).map(|run| run.node.clone()).unwrap_or_default()
    }
}

/// The pod of one node. It is bound to its node from the start.
pub fn daemon_pod(set: &Value, name: &str, node: &str, hash: &str) -> Value {
    let mut pod = pod_from_template(DS, set, &set["spec"]["template"], name);
    js::set(&mut pod, "/metadata/labels/controller-revision-hash", json!(hash));
    js::set(&mut pod, "/spec/nodeName", json!(node));
    pod
}
