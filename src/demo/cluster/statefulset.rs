//! The StatefulSet controller, and the ControllerRevisions that StatefulSets and DaemonSets keep.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster, ids, json as js,
    kinds::Resource,
    quota::Refusal,
    replicas::{owner_reference, pod_from_template},
    store::Object,
};

const STS: Resource = Resource::StatefulSets;
const COMPONENT: &str = "statefulset-controller";
const PARTITION: &str = "/spec/updateStrategy/rollingUpdate/partition";

impl Cluster {
    /// The ControllerRevision that holds the owner's present template, made or renumbered if need be. Returns its name.
    pub(super) fn current_revision(&mut self, at: Timestamp, resource: Resource, owner: &Value) -> String {
        let mut template = owner["spec"]["template"].clone();
        js::remove(&mut template, "/metadata/creationTimestamp");
        template["$patch"] = json!("replace");
        let data = json!({"spec": {"template": template}});
        let uid = js::text(owner, "/metadata/uid");
        let all: Vec<_> = self.store.owned(uid, Resource::ControllerRevisions).iter().map(Object::value).collect();
        let highest = all.iter().map(|r| js::int(r, "/revision")).max().unwrap_or_default();
        if let Some(same) = all.iter().find(|r| r["data"] == data) {
            let mut value = same.clone();
            if js::int(same, "/revision") < highest {
                value["revision"] = json!(highest + 1);
            }
            copy_cause(owner, &mut value);
            self.write(Resource::ControllerRevisions, value);
            return js::text(same, "/metadata/name").to_owned();
        }
        let (namespace, name) = (js::text(owner, "/metadata/namespace"), js::text(owner, "/metadata/name"));
        let hash = ids::template_hash(&js::canonical(&data));
        let full = format!("{name}-{hash}");
        let mut labels = owner["spec"]["selector"]["matchLabels"].clone();
        js::set(&mut labels, "/controller.kubernetes.io~1hash", json!(hash));
        if resource == Resource::DaemonSets {
            js::set(&mut labels, "/controller-revision-hash", json!(hash));
        }
        let mut value = json!({
            "kind": "ControllerRevision", "apiVersion": "apps/v1",
            "metadata": {
                "name": full, "namespace": namespace, "uid": self.uid("revision", &full), "labels": labels,
                "creationTimestamp": js::stamp(at), "ownerReferences": owner_reference(resource, owner),
            },
            "revision": highest + 1, "data": data,
        });
        copy_cause(owner, &mut value);
        self.write(Resource::ControllerRevisions, value);
        full
    }

    /// Removes the oldest ControllerRevisions beyond `revisionHistoryLimit`, of those that nothing runs and nothing wants.
    pub(super) fn prune_revisions(&mut self, owner: &Value, wanted: &[&str]) {
        let limit = owner.pointer("/spec/revisionHistoryLimit").and_then(Value::as_u64).unwrap_or(10) as usize;
        let uid = js::text(owner, "/metadata/uid");
        let pods = self.store.owned(uid, Resource::Pods);
        // A StatefulSet's pods have the whole name, a DaemonSet's only its hash.
        let runs = |name: &str| {
            let hashes = pods.iter().filter_map(|pod| pod.facts().label("controller-revision-hash"));
            hashes.into_iter().any(|hash| name == hash || name.rsplit_once('-').is_some_and(|(_, end)| end == hash))
        };
        let all = self.store.owned(uid, Resource::ControllerRevisions);
        let mut unused: Vec<_> = all
            .iter()
            .filter(|one| !wanted.contains(&one.facts().name.as_str()) && !runs(&one.facts().name))
            .map(|one| (js::int(&one.value(), "/revision"), one.facts().key()))
            .collect();
        unused.sort();
        let surplus = unused.len().saturating_sub(limit);
        for (_, key) in &unused[..surplus] {
            self.erase(Resource::ControllerRevisions, key);
        }
    }

    /// The template a ControllerRevision holds.
    fn revision_template(&self, namespace: &str, name: &str) -> Option<Value> {
        let value = self.store.get(Resource::ControllerRevisions, namespace, name)?.value();
        let mut template = value["data"]["spec"]["template"].clone();
        js::remove(&mut template, "/$patch");
        Some(template)
    }

    pub(super) fn sync_statefulset(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(STS, namespace, name).cloned() else { return };
        let value = object.value();
        let update = self.current_revision(at, STS, &value);
        let mut current = js::text(&value, "/status/currentRevision").to_owned();
        if current.is_empty() {
            current.clone_from(&update);
        }
        let wanted = js::int(&value, "/spec/replicas").max(0) as usize;
        let mut pods: Vec<(usize, Object)> = self
            .store
            .owned(&object.facts().uid, Resource::Pods)
            .into_iter()
            .filter_map(|pod| Some((pod.facts().name.rsplit_once('-')?.1.parse().ok()?, pod)))
            .collect();
        pods.sort_by_key(|(ordinal, _)| *ordinal);
        self.move_statefulset(at, &value, &object, &pods, wanted, &current, &update);

        let pods = self.store.owned(&object.facts().uid, Resource::Pods);
        let live: Vec<_> = pods.iter().filter(|pod| pod.facts().active()).collect();
        let at_revision = |revision: &str| {
            live.iter().filter(|p| p.facts().label("controller-revision-hash") == Some(revision)).count()
        };
        let ready = live.iter().filter(|p| p.facts().ready()).count();
        if current != update && at_revision(&update) == wanted && ready == wanted {
            current.clone_from(&update);
        }
        self.prune_revisions(&value, &[&current, &update]);
        let mut status = json!({
            "observedGeneration": value["metadata"]["generation"], "replicas": live.len(),
            "availableReplicas": ready, "currentRevision": current, "updateRevision": update, "collisionCount": 0,
        });
        for (field, count) in [
            ("readyReplicas", ready),
            ("currentReplicas", at_revision(&current)),
            ("updatedReplicas", at_revision(&update)),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        let mut done = value;
        done["status"] = status;
        self.write(STS, done);
    }

    /// At most one step: create the next pod in order, remove the last, or replace one of an old revision. `OrderedReady`
    /// waits for each pod before the next step: one that never gets ready holds up everything, a new template too.
    #[expect(clippy::too_many_arguments, reason = "all of what one look at the set has found out")]
    fn move_statefulset(
        &mut self,
        at: Timestamp,
        set: &Value,
        object: &Object,
        pods: &[(usize, Object)],
        wanted: usize,
        current: &str,
        update: &str,
    ) {
        let facts = object.facts();
        let is_ordered = js::text(set, "/spec/podManagementPolicy") != "Parallel";
        let is_healthy = |pod: &Object| pod.facts().active() && pod.facts().ready();
        for ordinal in 0..wanted {
            match pods.iter().find(|(n, _)| *n == ordinal) {
                None => {
                    let revision = if keeps(set, ordinal) { current } else { update };
                    self.create_ordinal(at, set, object, ordinal, revision, (pods.len(), wanted));
                    return;
                }
                Some((_, pod)) if is_ordered && !is_healthy(pod) => return,
                Some(_) => {}
            }
        }
        let delete = |c: &mut Self, pod: &Object| {
            let message = format!("delete Pod {} in StatefulSet {} successful", pod.facts().name, facts.name);
            c.terminate(at, pod, None);
            c.tell(at, STS, object, "SuccessfulDelete", message, COMPONENT);
        };
        if let Some((_, pod)) = pods.iter().rev().find(|(n, _)| *n >= wanted) {
            if pod.facts().active() {
                delete(self, pod);
            }
            return;
        }
        if js::text(set, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        let partition = js::int(set, PARTITION) as usize;
        for (_, pod) in pods.iter().rev().filter(|(n, _)| *n >= partition) {
            if pod.facts().label("controller-revision-hash") != Some(update) && !pod.facts().deleting {
                delete(self, pod);
                return;
            }
            if !is_healthy(pod) {
                return;
            }
        }
    }

    /// Creates the pod of one ordinal, if it may.
    fn create_ordinal(
        &mut self,
        at: Timestamp,
        set: &Value,
        object: &Object,
        ordinal: usize,
        revision: &str,
        state: (usize, usize),
    ) {
        let facts = object.facts();
        let key = facts.key();
        if self.refusal(at, STS, &key, state).is_some() {
            return;
        }
        let doing = format!("create Pod {0}-{ordinal} in StatefulSet {0}", facts.name);
        let pod = self.stateful_pod(set, ordinal, revision);
        if let Err(why) = self.create_pod(at, pod, &facts.name) {
            let wording = format!("{doing} failed error");
            let refusal = Refusal { kind: STS, owner: object, at: state, why, wording: &wording, component: COMPONENT };
            self.refuse(at, refusal);
            return;
        }
        self.allowed(STS, &key);
        self.tell(at, STS, object, "SuccessfulCreate", format!("{doing} successful"), COMPONENT);
    }

    /// The pod of one ordinal at one revision.
    pub(super) fn stateful_pod(&self, set: &Value, ordinal: usize, revision: &str) -> Value {
        let (namespace, name) = (js::text(set, "/metadata/namespace"), js::text(set, "/metadata/name"));
        let template = self.revision_template(namespace, revision).unwrap_or_else(|| set["spec"]["template"].clone());
        let pod_name = format!("{name}-{ordinal}");
        let mut pod = pod_from_template(STS, set, &template, &pod_name);
        js::set(&mut pod, "/metadata/labels/controller-revision-hash", json!(revision));
        js::set(&mut pod, "/metadata/labels/apps.kubernetes.io~1pod-index", json!(ordinal.to_string()));
        js::set(&mut pod, "/metadata/labels/statefulset.kubernetes.io~1pod-name", json!(pod_name));
        js::set(&mut pod, "/spec/hostname", json!(pod_name));
        js::set(&mut pod, "/spec/subdomain", set["spec"]["serviceName"].clone());
        pod
    }
}

/// Whether a pod that is made anew is of the revision before the update: below the partition, or, where the set has none,
/// among those that the update has not reached (kubernetes `stateful_set_utils.go`, `newVersionedStatefulSetPod`).
fn keeps(set: &Value, ordinal: usize) -> bool {
    if js::text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return false;
    }
    let has_rolling = set.pointer("/spec/updateStrategy/rollingUpdate").is_some_and(Value::is_object);
    ordinal < js::int(set, if has_rolling { PARTITION } else { "/status/currentReplicas" }) as usize
}

/// CHANGE-CAUSE travels from the owner to its present revision.
fn copy_cause(owner: &Value, revision: &mut Value) {
    const CAUSE: &str = "kubernetes.io/change-cause";
    let cause = js::annotation(owner, CAUSE);
    if !cause.is_empty() {
        js::set_annotation(revision, CAUSE, cause);
    }
}
