//! What a Deployment's status says of its ReplicaSets, and its conditions.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Set, bounds};
use crate::demo::cluster::{
    Cluster, Timer,
    condition::{condition_mut, set_condition},
    fields::{self, Writer},
    json as js,
    kinds::Resource,
    store::Object,
};

impl Cluster {
    pub(super) fn deployment_status(
        &mut self,
        at: Timestamp,
        mut deployment: Value,
        old: &[Set],
        new: Option<&Set>,
        paused: bool,
    ) {
        let desired = js::int(&deployment, "/spec/replicas");
        let all = |field: &str| old.iter().chain(new).map(|set| set.status(field)).sum::<i64>();
        let (replicas, available) = (all("replicas"), all("availableReplicas"));
        let updated = new.map_or(0, |set| set.status("replicas"));
        let before = deployment["status"].clone();
        let mut status = json!({"conditions": before.get("conditions").cloned().unwrap_or_else(|| json!([]))});
        for (field, count) in [
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", all("readyReplicas")),
            ("availableReplicas", available),
            (
                "unavailableReplicas",
                (old.iter().chain(new).map(|s| s.spec).sum::<i64>().max(desired) - available).max(0),
            ),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        deployment["status"] = status;
        let enough = available >= desired - bounds(&deployment).1;
        let (reason, message) = if enough {
            ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        set_condition(&mut deployment, at, "Available", enough, reason, message);
        if !paused {
            let complete = updated == desired && replicas == desired && available == desired;
            let progressed = js::int(&before, "/updatedReplicas") < updated
                || js::int(&before, "/readyReplicas") < all("readyReplicas")
                || js::int(&before, "/availableReplicas") < available
                || js::int(&before, "/replicas") - js::int(&before, "/updatedReplicas") > replicas - updated;
            self.progress(at, &mut deployment, new, complete, progressed);
            replica_failure(&mut deployment, at, old, new);
        }
        // One write for annotations (they count as a generation) and one for the status that has observed it.
        let namespace = js::text(&deployment, "/metadata/namespace").to_owned();
        let name = js::text(&deployment, "/metadata/name").to_owned();
        let Some(current) = self.store.get(Resource::Deployments, &namespace, &name).map(Object::value) else { return };
        let mut annotated = current.clone();
        annotated["metadata"]["annotations"] = deployment["metadata"]["annotations"].clone();
        let written =
            if annotated == current { current.clone() } else { self.write(Resource::Deployments, annotated).value() };
        let mut done = written.clone();
        done["status"] = deployment["status"].clone();
        done["status"]["observedGeneration"] = written["metadata"]["generation"].clone();
        let by = Writer { manager: "kube-controller-manager", subresource: "status", at };
        fields::record(Some(&current), &mut done, by);
        self.write(Resource::Deployments, done);
    }

    /// The Progressing condition, with its deadline.
    fn progress(&mut self, at: Timestamp, deployment: &mut Value, new: Option<&Set>, complete: bool, progressed: bool) {
        let set = new.map(|set| set.name().to_owned()).unwrap_or_default();
        let (mut reason, mut mine) = (String::new(), false);
        if let Some(condition) = js::condition(deployment, "Progressing") {
            js::text(condition, "/reason").clone_into(&mut reason);
            mine = js::text(condition, "/message").contains(&format!("\"{set}\""));
        }
        if complete {
            if reason != "NewReplicaSetAvailable" || !mine {
                let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
                set_condition(deployment, at, "Progressing", true, "NewReplicaSetAvailable", &message);
            }
            return;
        }
        // A pod of a finished roll-out that fails, or a scaling, is not a roll-out.
        let status = |field: &str| js::int(deployment, &format!("/status/{field}"));
        if reason == "NewReplicaSetAvailable" && mine && status("replicas") == status("updatedReplicas") {
            return;
        }
        if progressed || !(mine || reason == "NewReplicaSetCreated") {
            let message = format!("ReplicaSet \"{set}\" is progressing.");
            set_condition(deployment, at, "Progressing", true, "ReplicaSetUpdated", &message);
            if let Some(condition) = condition_mut(deployment, "Progressing") {
                condition["lastUpdateTime"] = json!(js::stamp(at));
            }
        } else if reason == "ProgressDeadlineExceeded" {
            return;
        }
        let limit = deployment.pointer("/spec/progressDeadlineSeconds").and_then(Value::as_i64).unwrap_or(600);
        let last = js::condition(deployment, "Progressing").and_then(|c| js::time(c, "/lastUpdateTime")).unwrap_or(at);
        let due = last + SignedDuration::from_secs(limit);
        if due < at {
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            set_condition(deployment, at, "Progressing", false, "ProgressDeadlineExceeded", &message);
        } else {
            let namespace = js::text(deployment, "/metadata/namespace").to_owned();
            let key = (namespace, js::text(deployment, "/metadata/name").to_owned());
            self.at(due + SignedDuration::from_secs(1), Timer::Look(Resource::Deployments, key));
        }
    }
}

/// The condition of a ReplicaSet that may not create its pods, the newest one's first.
fn replica_failure(deployment: &mut Value, at: Timestamp, old: &[Set], new: Option<&Set>) {
    const FAILURE: &str = "ReplicaFailure";
    let failing = new.into_iter().chain(old).find_map(|set| js::condition(&set.value, FAILURE));
    if let Some(failing) = failing {
        if js::condition(deployment, FAILURE).is_none() {
            let (reason, message) = (js::text(failing, "/reason"), js::text(failing, "/message"));
            set_condition(deployment, at, FAILURE, true, reason, message);
        }
    } else if let Some(all) = deployment.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        all.retain(|condition| js::text(condition, "/type") != FAILURE);
    }
}
