//! Flagger's controller, as far as a canary by weights goes: what the target runs is tried on a growing part of the traffic and
//! then copied to the Deployment that serves (`NAME-primary`), and the target's pods go. A gate (`confirm-promotion`) holds it
//! before that. What was promoted last is not tried again: somebody rolled back by hand.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, Timer,
    deployment::bare_template,
    ids, json as js,
    kinds::Resource,
    replicas::owner_reference,
    store::{Key, Object},
};

const CANARY: Resource = Resource::Canaries;
const DEPLOYMENT: Resource = Resource::Deployments;
const MANAGER: &str = "flagger";

/// What a Canary is about.
struct Pair {
    target: Value,
    /// The Deployment that serves.
    primary: Value,
}

impl Pair {
    fn tried(&self) -> String {
        spec_of(&self.target)
    }
}

/// What of a Deployment is compared: the pods, without the names that tell the two apart.
fn spec_of(deployment: &Value) -> String {
    let mut spec = bare_template(&deployment["spec"]["template"])["spec"].clone();
    js::remove(&mut spec, "/containers/0/name");
    ids::template_hash(&js::canonical(&spec))
}

fn is_up(deployment: &Value) -> bool {
    let wanted = js::int(deployment, "/spec/replicas");
    let status = |field: &str| js::int(deployment, &format!("/status/{field}"));
    let is_observed = status("observedGeneration") >= js::int(deployment, "/metadata/generation");
    is_observed && status("updatedReplicas") == wanted && status("availableReplicas") == wanted
}

fn interval(canary: &Value) -> SignedDuration {
    js::text(canary, "/spec/analysis/interval").parse().unwrap_or(SignedDuration::from_mins(1))
}

/// Somebody must approve the promotion.
fn has_gate(canary: &Value) -> bool {
    js::list(canary, "/spec/analysis/webhooks").iter().any(|hook| hook["type"] == "confirm-promotion")
}

fn set_phase(canary: &mut Value, at: Timestamp, phase: &str, weight: i64) {
    js::set(canary, "/status/phase", json!(phase));
    js::set(canary, "/status/canaryWeight", json!(weight));
    js::set(canary, "/status/lastTransitionTime", json!(js::stamp(at)));
}

impl Cluster {
    /// Each Canary of the beginning tries what its target runs, and owns what serves.
    pub fn found_canaries(&mut self, at: Timestamp) {
        let canaries: Vec<Value> = self.store.list(CANARY, None, None).map(Object::value).collect();
        for mut canary in canaries {
            let Some(pair) = self.pair(&canary) else { continue };
            let (namespace, name) = key(&pair.primary);
            self.edit(at, DEPLOYMENT, &namespace, &name, MANAGER, |value| {
                value["metadata"]["ownerReferences"] = owner_reference(CANARY, &canary);
            });
            js::set(&mut canary, "/status/lastAppliedSpec", json!(pair.tried()));
            js::set(&mut canary, "/status/lastPromotedSpec", json!(spec_of(&pair.primary)));
            self.look_again(at, &canary);
            self.write(CANARY, canary);
        }
    }

    fn pair(&self, canary: &Value) -> Option<Pair> {
        let (namespace, name) = (js::text(canary, "/metadata/namespace"), js::text(canary, "/spec/targetRef/name"));
        let get = |name: &str| self.store.get(DEPLOYMENT, namespace, name).map(Object::value);
        Some(Pair { target: get(name)?, primary: get(&format!("{name}-primary"))? })
    }

    /// A Deployment changed: the Canary that is about it looks.
    pub(super) fn wake_canary(&mut self, deployment: &Object) {
        let (namespace, name) = deployment.facts().key();
        let target = name.strip_suffix("-primary").unwrap_or(&name);
        let of_it = |canary: &&Object| js::text(&canary.value(), "/spec/targetRef/name") == target;
        let about: Vec<Key> =
            self.store.list(CANARY, Some(&namespace), None).filter(of_it).map(|canary| canary.facts().key()).collect();
        self.dirty.extend(about.into_iter().map(|key| (CANARY, key)));
    }

    fn look_again(&mut self, at: Timestamp, canary: &Value) {
        // Seconds are all that its status keeps.
        let due = at + interval(canary) + SignedDuration::from_secs(1);
        self.at(due, Timer::Look(CANARY, key(canary)));
    }

    pub(super) fn sync_canary(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(mut canary) = self.store.get(CANARY, namespace, name).map(Object::value) else { return };
        let Some(pair) = self.pair(&canary).filter(|_| canary["spec"]["suspend"] != true) else { return };
        let tried = pair.tried();
        let is_known = ["lastAppliedSpec", "lastPromotedSpec"]
            .iter()
            .any(|of| js::text(&canary, &format!("/status/{of}")) == tried);
        if !is_known {
            js::set(&mut canary, "/status/lastAppliedSpec", json!(tried));
            set_phase(&mut canary, at, "Progressing", 0);
            self.scale_canary(at, &pair.target, js::int(&pair.primary, "/spec/replicas").max(1));
            self.look_again(at, &canary);
        } else if !self.go_on(at, &mut canary, &pair) {
            return;
        }
        self.write(CANARY, canary);
    }

    /// The next step of what is being tried; false: it is not time yet.
    fn go_on(&mut self, at: Timestamp, canary: &mut Value, pair: &Pair) -> bool {
        let since = js::time(canary, "/status/lastTransitionTime").unwrap_or(at);
        let number = |of: &str| js::int(canary, &format!("/spec/analysis/{of}"));
        let (weight, most) = (js::int(canary, "/status/canaryWeight") + number("stepWeight"), number("maxWeight"));
        match js::text(canary, "/status/phase") {
            "Progressing" if at < since + interval(canary) => return false,
            // It waits for pods that are not ready.
            "Progressing" if !is_up(&pair.target) => {
                self.look_again(at, canary);
                return false;
            }
            "Progressing" if weight > most && has_gate(canary) => set_phase(canary, at, "WaitingPromotion", most),
            "WaitingPromotion" if has_gate(canary) => return false,
            "Progressing" if weight <= most && canary["spec"]["skipAnalysis"] != true => {
                set_phase(canary, at, "Progressing", weight);
                self.look_again(at, canary);
            }
            "Progressing" | "WaitingPromotion" => {
                self.promote_canary(at, pair);
                set_phase(canary, at, "Promoting", most);
            }
            "Promoting" if is_up(&pair.primary) => {
                js::set(canary, "/status/lastPromotedSpec", json!(pair.tried()));
                set_phase(canary, at, "Succeeded", 0);
                self.scale_canary(at, &pair.target, 0);
            }
            _ => return false,
        }
        true
    }

    fn scale_canary(&mut self, at: Timestamp, target: &Value, replicas: i64) {
        let (namespace, name) = key(target);
        self.edit(at, DEPLOYMENT, &namespace, &name, MANAGER, |value| value["spec"]["replicas"] = json!(replicas));
    }

    /// Copies the pods of the target to what serves, under its own labels and names.
    fn promote_canary(&mut self, at: Timestamp, pair: &Pair) {
        let (namespace, name) = key(&pair.primary);
        self.edit(at, DEPLOYMENT, &namespace, &name, MANAGER, |value| {
            let container = value["spec"]["template"]["spec"]["containers"][0]["name"].clone();
            value["spec"]["template"]["spec"] = pair.target["spec"]["template"]["spec"].clone();
            value["spec"]["template"]["spec"]["containers"][0]["name"] = container;
        });
    }
}

fn key(object: &Value) -> Key {
    (js::text(object, "/metadata/namespace").to_owned(), js::text(object, "/metadata/name").to_owned())
}
