//! The Deployment controller: ReplicaSets, revisions, the arithmetic of rolling updates, conditions.

mod status;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster, condition::set_condition, ids, json as js, kinds::Resource, replicas::owner_reference, store::Object,
};

pub const REVISION: &str = "deployment.kubernetes.io/revision";
pub const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations that the controller does not copy to ReplicaSets.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];
const COMPONENT: &str = "deployment-controller";
const RS: Resource = Resource::ReplicaSets;

/// A template without the label that the controller adds.
pub fn bare_template(template: &Value) -> Value {
    let mut bare = template.clone();
    js::remove(&mut bare, "/metadata/labels/pod-template-hash");
    // The API leaves it null; its absence means the same.
    js::remove(&mut bare, "/metadata/creationTimestamp");
    bare
}

/// A revision annotation, 0 if there is none.
pub fn revision(value: &Value) -> u64 {
    js::annotation(value, REVISION).parse().unwrap_or_default()
}

/// `maxSurge` and `maxUnavailable` as numbers: percentages round up and down.
pub fn bounds(deployment: &Value) -> (i64, i64) {
    if js::text(deployment, "/spec/strategy/type") == "Recreate" {
        return (0, js::int(deployment, "/spec/replicas"));
    }
    let desired = js::int(deployment, "/spec/replicas");
    let read = |field: &str, up: bool| {
        let value = js::at(deployment, &format!("/spec/strategy/rollingUpdate/{field}"));
        let percent = match value {
            Value::Number(n) => return n.as_i64().unwrap_or_default(),
            Value::String(s) => s.trim_end_matches('%').parse::<i64>().unwrap_or(25),
            _ => 25,
        };
        if up { (desired * percent + 99) / 100 } else { desired * percent / 100 }
    };
    let (surge, unavailable) = (read("maxSurge", true), read("maxUnavailable", false));
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(desired)) }
}

/// One ReplicaSet while its Deployment is looked at.
struct Set {
    value: Value,
    spec: i64,
    available: i64,
}

impl Set {
    fn new(object: &Object) -> Self {
        let value = object.value();
        Self { spec: js::int(&value, "/spec/replicas"), available: js::int(&value, "/status/availableReplicas"), value }
    }
    fn name(&self) -> &str {
        js::text(&self.value, "/metadata/name")
    }
    fn status(&self, field: &str) -> i64 {
        js::int(&self.value, &format!("/status/{field}"))
    }
}

impl Cluster {
    /// A Deployment's ReplicaSets, oldest first.
    pub(super) fn replica_sets(&self, deployment_uid: &str) -> Vec<Object> {
        let mut sets = self.store.owned(deployment_uid, RS);
        sets.sort_by_key(|set| (set.facts().created, set.facts().name.clone()));
        sets
    }

    pub(super) fn sync_deployment(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(Resource::Deployments, namespace, name).cloned() else { return };
        let mut deployment = object.value();
        let paused = deployment["spec"]["paused"] == true;
        let sets = self.replica_sets(&object.facts().uid);
        let wanted = bare_template(&deployment["spec"]["template"]);
        let mut old = Vec::new();
        let mut new = None;
        for set in &sets {
            let set = Set::new(set);
            if new.is_none() && bare_template(&set.value["spec"]["template"]) == wanted {
                new = Some(set);
            } else {
                old.push(set);
            }
        }
        let highest = old.iter().map(|set| revision(&set.value)).max().unwrap_or_default();
        if !paused {
            new = Some(match new {
                Some(set) => self.adopt(at, &mut deployment, &set, highest),
                None => self.create_set(at, &object, &mut deployment, highest + 1),
            });
        }
        let scaled = old.iter().chain(&new).any(|set| {
            set.spec > 0 && js::annotation(&set.value, DESIRED).parse() != Ok(js::int(&deployment, "/spec/replicas"))
        });
        if paused || scaled {
            self.proportion(at, &deployment, &mut old, new.as_mut());
        } else if let Some(new) = &mut new {
            if js::text(&deployment, "/spec/strategy/type") == "Recreate" {
                self.recreate(at, &deployment, &mut old, new);
            } else {
                self.roll(at, &deployment, &mut old, new);
            }
        }
        self.prune(&deployment, &old);
        // The sets were written to: read them again for the counts.
        let fresh = |c: &Self, set: &Set| c.store.get(RS, namespace, set.name()).map(Set::new);
        let old: Vec<_> = old.iter().filter_map(|set| fresh(self, set)).collect();
        let new = new.and_then(|set| fresh(self, &set));
        self.deployment_status(at, deployment, &old, new.as_ref(), paused);
    }

    /// An existing ReplicaSet serves the template: it becomes the newest revision.
    fn adopt(&mut self, at: Timestamp, deployment: &mut Value, set: &Set, highest: u64) -> Set {
        let mut value = set.value.clone();
        let current = revision(&value);
        if current <= highest {
            let mut history = js::annotation(&value, REVISION_HISTORY).to_owned();
            if current > 0 {
                if !history.is_empty() {
                    history.push(',');
                }
                history.push_str(&current.to_string());
                js::set_annotation(&mut value, REVISION_HISTORY, &history);
            }
            js::set_annotation(&mut value, REVISION, &(highest + 1).to_string());
        }
        for (key, text) in js::members(&deployment["metadata"]["annotations"].clone()) {
            if !NOT_COPIED.contains(&key.as_str()) {
                js::set_annotation(&mut value, key, text.as_str().unwrap_or_default());
            }
        }
        let revision_now = js::annotation(&value, REVISION).to_owned();
        let object = self.write(RS, value);
        js::set_annotation(deployment, REVISION, &revision_now);
        if js::condition(deployment, "Progressing").is_none() {
            let message = format!("Found new replica set \"{}\"", set.name());
            set_condition(deployment, at, "Progressing", true, "FoundNewReplicaSet", &message);
        }
        Set::new(&object)
    }

    fn create_set(&mut self, at: Timestamp, object: &Object, deployment: &mut Value, number: u64) -> Set {
        let facts = object.facts();
        let mut template = bare_template(&deployment["spec"]["template"]);
        let mut hash = ids::template_hash(&js::canonical(&template));
        while self.store.get(RS, &facts.namespace, &format!("{}-{hash}", facts.name)).is_some() {
            hash = ids::template_hash(&format!("{hash}{number}"));
        }
        let name = format!("{}-{hash}", facts.name);
        js::set(&mut template, "/metadata/labels/pod-template-hash", json!(hash));
        let mut selector = deployment["spec"]["selector"].clone();
        js::set(&mut selector, "/matchLabels/pod-template-hash", json!(hash));
        let desired = js::int(deployment, "/spec/replicas");
        let mut value = json!({
            "kind": "ReplicaSet", "apiVersion": "apps/v1",
            "metadata": {
                "name": name, "namespace": facts.namespace, "uid": self.uid("rs", &name),
                "creationTimestamp": js::stamp(at), "labels": template["metadata"]["labels"],
                "annotations": {}, "ownerReferences": owner_reference(Resource::Deployments, deployment),
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        for (key, text) in js::members(&deployment["metadata"]["annotations"]) {
            if !NOT_COPIED.contains(&key.as_str()) {
                js::set_annotation(&mut value, key, text.as_str().unwrap_or_default());
            }
        }
        js::set_annotation(&mut value, REVISION, &number.to_string());
        js::set_annotation(&mut value, DESIRED, &desired.to_string());
        js::set_annotation(&mut value, MAX, &(desired + bounds(deployment).0).to_string());
        js::set_annotation(deployment, REVISION, &number.to_string());
        let message = format!("Created new replica set \"{name}\"");
        set_condition(deployment, at, "Progressing", true, "NewReplicaSetCreated", &message);
        Set::new(&self.write(RS, value))
    }

    fn scale_set(&mut self, at: Timestamp, deployment: &Value, set: &mut Set, to: i64) {
        let desired = js::int(deployment, "/spec/replicas");
        let most = desired + bounds(deployment).0;
        let from = set.spec;
        let mut value = set.value.clone();
        js::set(&mut value, "/spec/replicas", json!(to));
        js::set_annotation(&mut value, DESIRED, &desired.to_string());
        js::set_annotation(&mut value, MAX, &most.to_string());
        set.value = self.write(RS, value).value();
        set.spec = to;
        if from == to {
            return;
        }
        let key = (js::text(deployment, "/metadata/namespace"), js::text(deployment, "/metadata/name"));
        let Some(object) = self.store.get(Resource::Deployments, key.0, key.1).cloned() else { return };
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", set.name());
        self.tell(at, Resource::Deployments, &object, "ScalingReplicaSet", message, COMPONENT);
    }

    /// A rolling update: up as far as surge allows, down as far as availability allows.
    fn roll(&mut self, at: Timestamp, deployment: &Value, old: &mut [Set], new: &mut Set) {
        let desired = js::int(deployment, "/spec/replicas");
        let (surge, unavailable) = bounds(deployment);
        let total: i64 = old.iter().map(|set| set.spec).sum::<i64>() + new.spec;
        if new.spec > desired {
            self.scale_set(at, deployment, new, desired);
            return;
        }
        if new.spec < desired && total < desired + surge {
            let up = (desired + surge - total).min(desired - new.spec);
            let to = new.spec + up;
            self.scale_set(at, deployment, new, to);
            return;
        }
        let least = desired - unavailable;
        let mut room = total - least - (new.spec - new.available);
        // Old pods that do not serve anyway go first.
        for set in old.iter_mut() {
            let broken = (set.spec - set.available).clamp(0, room.max(0));
            if broken > 0 {
                let to = set.spec - broken;
                self.scale_set(at, deployment, set, to);
                room -= broken;
            }
        }
        let available: i64 = old.iter().map(|set| set.available.min(set.spec)).sum::<i64>() + new.available;
        let mut spare = room.min(available - least);
        for set in old.iter_mut() {
            let down = set.spec.min(spare.max(0));
            if down > 0 {
                let to = set.spec - down;
                self.scale_set(at, deployment, set, to);
                spare -= down;
            }
        }
    }

    /// Strategy `Recreate`: nothing new before the last old pod is gone.
    fn recreate(&mut self, at: Timestamp, deployment: &Value, old: &mut [Set], new: &mut Set) {
        for set in old.iter_mut().filter(|set| set.spec > 0) {
            self.scale_set(at, deployment, set, 0);
        }
        let left = old.iter().any(|set| {
            let uid = js::text(&set.value, "/metadata/uid");
            !self.store.owned(uid, Resource::Pods).is_empty()
        });
        let desired = js::int(deployment, "/spec/replicas");
        if !left && new.spec != desired {
            self.scale_set(at, deployment, new, desired);
        }
    }

    /// `spec.replicas` changed (or the roll-out is paused): share the difference among the active sets by their size.
    fn proportion(&mut self, at: Timestamp, deployment: &Value, old: &mut [Set], mut new: Option<&mut Set>) {
        let desired = js::int(deployment, "/spec/replicas");
        let most = if desired > 0 { desired + bounds(deployment).0 } else { 0 };
        let mut active: Vec<&mut Set> = old.iter_mut().filter(|set| set.spec > 0).collect();
        if active.is_empty() {
            if let Some(new) = new.take() {
                self.scale_set(at, deployment, new, desired);
            }
            return;
        }
        if let Some(new) = new.take().filter(|new| new.spec > 0 || new.available >= desired) {
            active.push(new);
        }
        if active.len() == 1 {
            self.scale_set(at, deployment, active[0], desired);
            return;
        }
        let total: i64 = active.iter().map(|set| set.spec).sum();
        let mut left = most - total;
        active.sort_by_key(|set| std::cmp::Reverse(set.spec));
        let count = active.len();
        for (index, set) in active.into_iter().enumerate() {
            let share = if index + 1 == count { left } else { ((most - total) * set.spec + total / 2) / total.max(1) };
            let share = if left >= 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
            left -= share;
            let to = (set.spec + share).max(0);
            self.scale_set(at, deployment, set, to);
        }
    }

    /// Removes the oldest empty ReplicaSets beyond `revisionHistoryLimit`.
    fn prune(&mut self, deployment: &Value, old: &[Set]) {
        let limit = deployment.pointer("/spec/revisionHistoryLimit").and_then(Value::as_u64).unwrap_or(10) as usize;
        let mut empty: Vec<_> = old.iter().filter(|set| set.spec == 0 && set.status("replicas") == 0).collect();
        empty.sort_by_key(|set| revision(&set.value));
        let surplus = empty.len().saturating_sub(limit);
        for set in &empty[..surplus] {
            let namespace = js::text(&set.value, "/metadata/namespace").to_owned();
            self.erase(RS, &(namespace, set.name().to_owned()));
        }
    }
}
