//! The DaemonSet controller: one pod on every node, replaced one node at a time.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, json as js, kinds::Resource, quota::Refusal, replicas::pod_from_template, store::Object};

const DS: Resource = Resource::DaemonSets;
const COMPONENT: &str = "daemonset-controller";

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
        let empty: Vec<_> = placed.iter().filter(|(_, pod)| pod.is_none()).map(|(node, _)| node.as_str()).collect();
        self.place(at, &object, &empty, &hash);
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
                self.tell(at, DS, &object, "SuccessfulDelete", message, COMPONENT);
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

    /// Creates the pods of nodes that have none, up to the first that is refused.
    fn place(&mut self, at: Timestamp, set: &Object, nodes: &[&str], hash: &str) {
        let (facts, value) = (set.facts(), set.value());
        let key = facts.key();
        let all = self.nodes.len();
        if nodes.is_empty() || self.refusal(at, DS, &key, (all - nodes.len(), all)).is_some() {
            return;
        }
        for (created, node) in nodes.iter().enumerate() {
            let name = self.pod_name(&facts.namespace, &facts.name);
            let pod = daemon_pod(&value, &name, node, hash);
            if let Err(why) = self.create_pod(at, pod, &facts.name) {
                let state = (all - nodes.len() + created, all);
                let wording = "Error creating";
                self.refuse(at, Refusal { kind: DS, owner: set, at: state, why, wording, component: COMPONENT });
                return;
            }
            self.tell(at, DS, set, "SuccessfulCreate", format!("Created pod: {name}"), COMPONENT);
        }
        self.allowed(DS, &key);
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
