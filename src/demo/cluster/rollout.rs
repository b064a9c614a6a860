//! The controller of Argo Rollouts' `Rollout`, as far as a canary by steps goes: it tries the new version on a part of the
//! pods, waits at pauses, promotes at the end, and goes back to the stable version when the update is aborted or undone.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, Founding, Timer, WorkloadKind,
    condition::set_condition,
    ids, json as js,
    kinds::Resource,
    replicas::{owner_reference, pod_from_template},
    store::Object,
};

const HASH: &str = "rollouts-pod-template-hash";
const REVISION: &str = "rollout.argoproj.io/revision";
const COMPONENT: &str = "rollouts-controller";
const ROLLOUT: Resource = Resource::Rollouts;
const RS: Resource = Resource::ReplicaSets;

/// How far an update is.
enum Stage {
    /// All pods are to be of the new version.
    Promoted,
    Aborted,
    /// So many of the new one, until `step` is done.
    Canary {
        pods: i64,
        pause: Option<Pause>,
    },
}

#[derive(Clone, Copy)]
enum Pause {
    /// Until somebody promotes.
    Open,
    For(SignedDuration),
}

fn revision(value: &Value) -> u64 {
    js::annotation(value, REVISION).parse().unwrap_or_default()
}

fn bare(template: &Value) -> Value {
    let mut bare = template.clone();
    js::remove(&mut bare, &format!("/metadata/labels/{HASH}"));
    js::remove(&mut bare, "/metadata/creationTimestamp");
    bare
}

fn hash_of(set: &Value) -> &str {
    js::at(set, "/metadata/labels").get(HASH).and_then(Value::as_str).unwrap_or_default()
}

fn steps(rollout: &Value) -> &[Value] {
    js::list(rollout, "/spec/strategy/canary/steps")
}

/// The weight that was set last, up to and with this step; all where there are no steps.
fn weight(rollout: &Value, step: usize) -> i64 {
    let set = steps(rollout).iter().take(step + 1).rev().find_map(|step| step.get("setWeight")?.as_i64());
    if step >= steps(rollout).len() { 100 } else { set.unwrap_or(0) }
}

fn pause(step: &Value) -> Option<Pause> {
    let pause = step.get("pause")?;
    Some(match pause.get("duration") {
        Some(Value::Number(seconds)) => Pause::For(SignedDuration::from_secs(seconds.as_i64().unwrap_or_default())),
        Some(Value::String(text)) => Pause::For(text.parse().unwrap_or(SignedDuration::ZERO)),
        _ => Pause::Open,
    })
}

impl Cluster {
    /// A Rollout that is in the middle of an update: `before` is the image of its stable version, and the template's is
    /// tried since `since`.
    pub fn found_rollout(&mut self, namespace: &str, name: &str, before: &str, since: Timestamp) {
        let Some(mut rollout) = self.store.get(ROLLOUT, namespace, name).map(Object::value) else { return };
        let created = js::time(&rollout, "/metadata/creationTimestamp").unwrap_or(since);
        let number = revision(&rollout).max(2);
        let mut old = rollout["spec"]["template"].clone();
        old["spec"]["containers"][0]["image"] = json!(before);
        let new = rollout["spec"]["template"].clone();
        let desired = js::int(&rollout, "/spec/replicas");
        let step = js::int(&rollout, "/status/currentStepIndex") as usize;
        let canary = (desired * weight(&rollout, step) + 99) / 100;
        let stable_since = created + since.duration_since(created) / 2;
        let parts = [(old, stable_since, number - 1, desired - canary), (new, since, number, canary)];
        let mut hashes = Vec::new();
        for (template, at, number, pods) in parts {
            let set = self.rollout_set(at, &rollout, &template, number, pods);
            hashes.push(hash_of(&set).to_owned());
            let founding = Founding::new(WorkloadKind::Deployment, namespace, name, pods as u32, template, at);
            for _ in 0..pods {
                let pod = self.pod_name(namespace, js::text(&set, "/metadata/name"));
                let pod = pod_from_template(RS, &set, &set["spec"]["template"], &pod);
                self.found_pod(&founding, pod, None);
            }
        }
        js::set(&mut rollout, "/status/stableRS", json!(hashes[0]));
        js::set(&mut rollout, "/status/currentPodHash", json!(hashes[1]));
        self.write(ROLLOUT, rollout);
    }

    fn rollout_set(&mut self, at: Timestamp, rollout: &Value, template: &Value, number: u64, replicas: i64) -> Value {
        let (namespace, owner) = (js::text(rollout, "/metadata/namespace"), js::text(rollout, "/metadata/name"));
        let mut template = bare(template);
        let hash = ids::template_hash(&js::canonical(&template));
        let name = format!("{owner}-{hash}");
        js::set(&mut template, &format!("/metadata/labels/{HASH}"), json!(hash));
        let mut selector = rollout["spec"]["selector"].clone();
        js::set(&mut selector, &format!("/matchLabels/{HASH}"), json!(hash));
        let value = json!({
            "kind": "ReplicaSet", "apiVersion": "apps/v1",
            "metadata": {
                "name": name, "namespace": namespace, "uid": self.uid("rs", &name), "creationTimestamp": js::stamp(at),
                "labels": template["metadata"]["labels"], "annotations": {REVISION: number.to_string()},
                "ownerReferences": owner_reference(ROLLOUT, rollout),
            },
            "spec": {"replicas": replicas, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        self.write(RS, value).value()
    }

    pub(super) fn sync_rollout(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(ROLLOUT, namespace, name).cloned() else { return };
        let mut rollout = object.value();
        // With `spec.workloadRef` the template is another object's: not simulated.
        if !rollout["spec"]["template"].is_object() || js::text(&rollout, "/status/stableRS").is_empty() {
            return;
        }
        let mut sets: Vec<Value> = self.replica_sets(&object.facts().uid).iter().map(Object::value).collect();
        let new = self.newest_set(at, &mut rollout, &mut sets);
        let (stable, hash) = (js::text(&rollout, "/status/stableRS").to_owned(), hash_of(&new).to_owned());
        if js::text(&rollout, "/status/currentPodHash") != hash {
            self.begin_update(&mut rollout, &hash);
        }
        let stage = self.stage(at, &mut rollout, &new, hash == stable);
        let desired = js::int(&rollout, "/spec/replicas");
        let tried = match stage {
            Stage::Promoted => desired,
            Stage::Aborted => 0,
            Stage::Canary { pods, .. } => pods,
        };
        let kept = |set: &Value| match hash_of(set) {
            of if of == hash => tried,
            of if of == stable => desired - tried,
            _ => 0,
        };
        for set in &mut sets {
            let to = kept(set);
            self.scale_rollout_set(at, &object, set, to);
        }
        if self.restart_pods(at, &rollout, &sets, desired) {
            let wanted = rollout["spec"]["restartAt"].clone();
            js::set(&mut rollout, "/status/restartedAt", wanted);
        }
        self.rollout_status(at, rollout, &sets, &hash, &stage);
    }

    /// The ReplicaSet of the template, made if need be; its number is the highest.
    fn newest_set(&mut self, at: Timestamp, rollout: &mut Value, sets: &mut Vec<Value>) -> Value {
        let wanted = bare(&rollout["spec"]["template"]);
        let highest = sets.iter().map(revision).max().unwrap_or_default();
        let found = sets.iter_mut().find(|set| bare(&set["spec"]["template"]) == wanted);
        let set = if let Some(set) = found {
            if revision(set) < highest {
                js::set_annotation(set, REVISION, &(highest + 1).to_string());
                *set = self.write(RS, set.clone()).value();
            }
            set.clone()
        } else {
            let set = self.rollout_set(at, rollout, &wanted, highest + 1, 0);
            sets.push(set.clone());
            set
        };
        js::set_annotation(rollout, REVISION, js::annotation(&set, REVISION));
        set
    }

    /// Another template than the one that was tried: from the first step, whatever was decided on the other.
    fn begin_update(&mut self, rollout: &mut Value, hash: &str) {
        js::set(rollout, "/status/currentPodHash", json!(hash));
        js::set(rollout, "/status/currentStepIndex", json!(0));
        for gone in ["abort", "abortedAt", "pauseConditions", "controllerPause", "promoteFull"] {
            js::remove(rollout, &format!("/status/{gone}"));
        }
    }

    fn stage(&mut self, at: Timestamp, rollout: &mut Value, new: &Value, is_stable: bool) -> Stage {
        if is_stable {
            return Stage::Promoted;
        }
        if rollout["status"]["abort"] == true {
            return Stage::Aborted;
        }
        let desired = js::int(rollout, "/spec/replicas");
        loop {
            let step = js::int(rollout, "/status/currentStepIndex") as usize;
            let is_full = rollout["status"]["promoteFull"] == true;
            let pods = if is_full { desired } else { (desired * weight(rollout, step) + 99) / 100 };
            let is_up = js::int(new, "/status/availableReplicas") >= pods;
            if is_full || step >= steps(rollout).len() {
                return if is_up { self.promote(rollout, new) } else { Stage::Canary { pods, pause: None } };
            }
            let waits = pause(&steps(rollout)[step]);
            let is_over = match waits {
                None => is_up,
                Some(pause) => self.is_over(at, rollout, pause),
            };
            if !is_over {
                return Stage::Canary { pods, pause: waits };
            }
            js::set(rollout, "/status/currentStepIndex", json!(step + 1));
            js::remove(rollout, "/status/pauseConditions");
            js::remove(rollout, "/status/controllerPause");
        }
    }

    fn promote(&mut self, rollout: &mut Value, new: &Value) -> Stage {
        js::set(rollout, "/status/stableRS", json!(hash_of(new)));
        js::remove(rollout, "/status/promoteFull");
        Stage::Promoted
    }

    /// Whether a pause has ended: by its time, or as its condition was taken away (`promote`).
    fn is_over(&mut self, at: Timestamp, rollout: &mut Value, pause: Pause) -> bool {
        let begun = js::time(rollout, "/status/pauseConditions/0/startTime");
        let is_promoted = begun.is_none() && rollout["status"]["controllerPause"] == true;
        match (begun, pause) {
            _ if is_promoted => true,
            (Some(begun), Pause::For(span)) => begun + span <= at,
            (Some(_), Pause::Open) => false,
            (None, pause) => {
                js::set(rollout, "/status/controllerPause", json!(true));
                let condition = json!([{"reason": "CanaryPauseStep", "startTime": js::stamp(at)}]);
                js::set(rollout, "/status/pauseConditions", condition);
                if let Pause::For(span) = pause {
                    let key = (
                        js::text(rollout, "/metadata/namespace").to_owned(),
                        js::text(rollout, "/metadata/name").to_owned(),
                    );
                    // Seconds are all that its status keeps.
                    self.at(at + span + SignedDuration::from_secs(1), Timer::Look(ROLLOUT, key));
                }
                false
            }
        }
    }

    fn scale_rollout_set(&mut self, at: Timestamp, rollout: &Object, set: &mut Value, to: i64) {
        let from = js::int(set, "/spec/replicas");
        if from == to {
            return;
        }
        js::set(set, "/spec/replicas", json!(to));
        *set = self.write(RS, set.clone()).value();
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} ReplicaSet {} from {from} to {to}", js::text(set, "/metadata/name"));
        self.tell(at, ROLLOUT, rollout, "ScalingReplicaSet", message, COMPONENT);
    }

    /// `spec.restartAt`: pods from before it go one after the other, while all others serve. True when none is left.
    fn restart_pods(&mut self, at: Timestamp, rollout: &Value, sets: &[Value], desired: i64) -> bool {
        let Some(wanted) = js::time(rollout, "/spec/restartAt").filter(|wanted| *wanted <= at) else { return false };
        if rollout["status"]["restartedAt"] == rollout["spec"]["restartAt"] {
            return false;
        }
        let pods: Vec<Object> = (sets.iter())
            .flat_map(|set| self.store.owned(js::text(set, "/metadata/uid"), Resource::Pods))
            .filter(|pod| pod.facts().active())
            .collect();
        let ready = pods.iter().filter(|pod| pod.facts().ready()).count() as i64;
        let old: Vec<&Object> = pods.iter().filter(|pod| pod.facts().created < wanted).collect();
        if let Some(pod) = old.first().filter(|_| ready >= desired) {
            self.terminate(at, pod, None);
        }
        old.is_empty()
    }

    fn rollout_status(&mut self, at: Timestamp, mut rollout: Value, sets: &[Value], hash: &str, stage: &Stage) {
        let desired = js::int(&rollout, "/spec/replicas");
        let fresh: Vec<Value> = (sets.iter())
            .filter_map(|set| {
                let meta = &set["metadata"];
                self.store.get(RS, meta["namespace"].as_str()?, meta["name"].as_str()?).map(Object::value)
            })
            .collect();
        let all = |field: &str| fresh.iter().map(|set| js::int(set, &format!("/status/{field}"))).sum::<i64>();
        let new = fresh.iter().find(|set| hash_of(set) == hash);
        let updated = new.map_or(0, |set| js::int(set, "/status/replicas"));
        let (replicas, available) = (all("replicas"), all("availableReplicas"));
        for (field, count) in [
            ("replicas", replicas),
            ("HPAReplicas", replicas),
            ("readyReplicas", all("readyReplicas")),
            ("availableReplicas", available),
            ("updatedReplicas", updated),
        ] {
            js::set(&mut rollout, &format!("/status/{field}"), json!(count));
        }
        let is_complete = replicas == desired && available >= desired;
        let number = revision(&rollout);
        let (phase, message) = match stage {
            Stage::Promoted if is_complete && updated == desired => ("Healthy", String::new()),
            Stage::Promoted => ("Progressing", "more replicas need to be updated".to_owned()),
            Stage::Aborted => ("Degraded", format!("RolloutAborted: Rollout aborted update to revision {number}")),
            Stage::Canary { pause: Some(_), .. } => ("Paused", "CanaryPauseStep".to_owned()),
            Stage::Canary { .. } => ("Progressing", "more replicas need to be updated".to_owned()),
        };
        js::set(&mut rollout, "/status/phase", json!(phase));
        js::set(&mut rollout, "/status/message", json!(message));
        let minimum = if available >= desired {
            "Rollout has minimum availability"
        } else {
            "Rollout does not have minimum availability"
        };
        set_condition(&mut rollout, at, "Available", available >= desired, "AvailableReason", minimum);
        set_condition(&mut rollout, at, "Paused", phase == "Paused", "RolloutPaused", "Rollout is paused");
        let generation = js::int(&rollout, "/metadata/generation");
        let stored =
            self.store.get(ROLLOUT, js::text(&rollout, "/metadata/namespace"), js::text(&rollout, "/metadata/name"));
        let Some(stored) = stored.map(Object::value) else { return };
        js::set(&mut rollout, "/status/observedGeneration", json!(generation.to_string()));
        if stored != rollout {
            self.write(ROLLOUT, rollout);
        }
    }
}
