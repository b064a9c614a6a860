//! Making and choosing pods, and the ReplicaSet controller.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster,
    events::Occurrence,
    ids, json as js,
    kinds::Resource,
    quota::Refusal,
    store::{Facts, Object},
};

const RS: Resource = Resource::ReplicaSets;
const COMPONENT: &str = "replicaset-controller";

/// An owner reference with `controller: true`.
pub fn owner_reference(resource: Resource, owner: &Value) -> Value {
    let kind = resource.kind();
    json!([{
        "apiVersion": kind.api_version(), "kind": kind.kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The quality-of-service class of a pod spec.
pub fn qos_class(spec: &Value) -> &'static str {
    let containers = js::list(spec, "/containers");
    let both = |c: &Value, what: &str| c.pointer(&format!("/resources/{what}")).is_some_and(|v| v != &json!({}));
    let guaranteed = |c: &Value| {
        ["cpu", "memory"].iter().all(|what| {
            let limit = js::text(c, &format!("/resources/limits/{what}"));
            !limit.is_empty() && limit == js::text(c, &format!("/resources/requests/{what}"))
        })
    };
    if containers.iter().all(guaranteed) {
        "Guaranteed"
    } else if containers.iter().any(|c| both(c, "limits") || both(c, "requests")) {
        "Burstable"
    } else {
        "BestEffort"
    }
}

/// A pod made from its owner's template, as the API server would store it.
pub fn pod_from_template(owner_resource: Resource, owner: &Value, template: &Value, name: &str) -> Value {
    let mut pod = json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": name, "namespace": owner["metadata"]["namespace"],
            "ownerReferences": owner_reference(owner_resource, owner),
        },
        "spec": template["spec"],
    });
    for what in ["labels", "annotations"] {
        if let Some(map) = template.pointer(&format!("/metadata/{what}")).filter(|m| m.is_object()) {
            pod["metadata"][what] = map.clone();
        }
    }
    let defaults = json!({
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default", "serviceAccount": "default", "securityContext": {},
        "schedulerName": "default-scheduler", "enableServiceLinks": true, "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        ],
    });
    for (key, value) in js::members(&defaults) {
        if pod["spec"].get(key).is_none() {
            pod["spec"][key.as_str()] = value.clone();
        }
    }
    pod["status"] = json!({"phase": "Pending", "qosClass": qos_class(&pod["spec"])});
    pod
}

impl Cluster {
    /// Creates a pod for its owner and hands it to the scheduler, or says why the API server refused it.
    pub(super) fn create_pod(&mut self, at: Timestamp, mut pod: Value, workload: &str) -> Result<Object, String> {
        let name = js::text(&pod, "/metadata/name").to_owned();
        if let Some(why) = self.over_quota(&pod) {
            return Err(format!("pods \"{name}\" is forbidden: {why}"));
        }
        js::set(&mut pod, "/metadata/uid", json!(self.uid("pod", &name)));
        js::set(&mut pod, "/metadata/creationTimestamp", json!(js::stamp(at)));
        let object = self.write(Resource::Pods, pod);
        self.admit(at, &object, workload);
        Ok(object)
    }

    /// A name with five safe letters that no pod of the namespace has.
    pub(super) fn pod_name(&mut self, namespace: &str, prefix: &str) -> String {
        loop {
            let serial = self.serial();
            let name = format!("{prefix}-{}", ids::suffix(self.seed, &format!("{prefix}/{serial}")));
            if self.store.get(Resource::Pods, namespace, &name).is_none() {
                return name;
            }
        }
    }

    /// Records an event of a controller about one of its objects.
    pub(super) fn tell(
        &mut self,
        at: Timestamp,
        resource: Resource,
        about: &Object,
        reason: &str,
        message: String,
        component: &str,
    ) {
        let occurrence =
            Occurrence { about, resource, container: None, warning: false, reason, message, component, host: "" };
        self.record(at, &occurrence);
    }

    pub(super) fn sync_replicaset(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(RS, namespace, name).cloned() else { return };
        let value = object.value();
        let wanted = js::int(&value, "/spec/replicas").max(0) as usize;
        let pods = self.store.owned(&object.facts().uid, Resource::Pods);
        let mut active: Vec<_> = pods.into_iter().filter(|pod| pod.facts().active()).collect();
        let mut refusal = None;
        if active.len() < wanted {
            refusal = self.fill(at, &object, &mut active, wanted);
        } else if active.len() > wanted {
            active.sort_by_key(|pod| std::cmp::Reverse(worth(pod.facts())));
            for pod in active.split_off(wanted) {
                let message = format!("Deleted pod: {}", pod.facts().name);
                self.terminate(at, &pod, None);
                self.tell(at, RS, &object, "SuccessfulDelete", message, COMPONENT);
            }
        }
        let ready = active.iter().filter(|pod| pod.facts().ready()).count();
        let mut status =
            json!({"replicas": active.len(), "observedGeneration": js::int(&value, "/metadata/generation")});
        if !active.is_empty() {
            status["fullyLabeledReplicas"] = json!(active.len());
        }
        if ready > 0 {
            status["readyReplicas"] = json!(ready);
            status["availableReplicas"] = json!(ready);
        }
        if let Some(why) = refusal {
            let failure = json!({
                "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": why,
                "lastTransitionTime": js::stamp(at),
            });
            let before = js::condition(&value, "ReplicaFailure").cloned();
            status["conditions"] = json!([before.unwrap_or(failure)]);
        }
        let mut new = value;
        new["status"] = status;
        self.write(RS, new);
    }

    /// Creates the pods that a ReplicaSet lacks, up to the first that is refused. Returns why it was.
    fn fill(&mut self, at: Timestamp, set: &Object, active: &mut Vec<Object>, wanted: usize) -> Option<String> {
        let (facts, value) = (set.facts(), set.value());
        let workload = facts.owner.as_ref().map_or_else(|| facts.name.clone(), |owner| owner.name.clone());
        let key = facts.key();
        if let Some(why) = self.refusal(at, RS, &key, (active.len(), wanted)) {
            return Some(why);
        }
        for _ in active.len()..wanted {
            let name = self.pod_name(&facts.namespace, &facts.name);
            let pod = pod_from_template(RS, &value, &value["spec"]["template"], &name);
            match self.create_pod(at, pod, &workload) {
                Ok(pod) => active.push(pod),
                Err(why) => {
                    let state = (active.len(), wanted);
                    let told = why.clone();
                    let wording = "Error creating";
                    self.refuse(at, Refusal { kind: RS, owner: set, at: state, why, wording, component: COMPONENT });
                    return Some(told);
                }
            }
            self.tell(at, RS, set, "SuccessfulCreate", format!("Created pod: {name}"), COMPONENT);
        }
        self.allowed(RS, &key);
        None
    }
}

/// How much a pod is worth keeping when some must go: placed, running, ready longest, fewest restarts, oldest.
fn worth(facts: &Facts) -> impl Ord + use<> {
    use std::cmp::Reverse;
    let pod = facts.pod.clone().unwrap_or_default();
    let stands = (!pod.node.is_empty(), pod.phase == "Running", pod.ready);
    (stands, Reverse(pod.ready_since), Reverse(pod.restarts), Reverse(facts.created), facts.name.clone())
}
