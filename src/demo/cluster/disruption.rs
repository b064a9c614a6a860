//! The disruption controller: how many pods of a budget may be evicted now.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, condition::set_condition, json as js, kinds::Resource, store::Facts};

const PDB: Resource = Resource::DisruptionBudgets;

/// Whether a budget's selector chooses a pod with these labels.
pub fn covers(budget: &Value, pod: &Facts) -> bool {
    let labels = js::at(budget, "/spec/selector/matchLabels");
    labels.is_object() && js::members(labels).all(|(key, value)| pod.label(key) == value.as_str())
}

/// A bound that is a number or a percentage of `all`, rounded up as the controller does.
fn bound(value: &Value, all: i64) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim_end_matches('%').parse::<i64>().ok().map(|percent| (all * percent + 99) / 100),
        _ => None,
    }
}

impl Cluster {
    pub(super) fn sync_budget(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(PDB, namespace, name).cloned() else { return };
        let mut value = object.value();
        let pods = self.store.list(Resource::Pods, Some(namespace), None).map(super::store::Object::facts);
        let covered: Vec<_> = pods.filter(|pod| covers(&value, pod)).collect();
        // The expected number is that of the owners: a pod that terminates is already being replaced.
        let expected = covered.iter().filter(|pod| pod.active()).count() as i64;
        let healthy = covered.iter().filter(|pod| pod.active() && pod.ready()).count() as i64;
        let least = bound(js::at(&value, "/spec/minAvailable"), expected);
        let most = bound(js::at(&value, "/spec/maxUnavailable"), expected);
        let desired = least.or(most.map(|most| expected - most)).unwrap_or_default().max(0);
        let allowed = (healthy - desired).max(0);
        for (field, count) in [
            ("currentHealthy", healthy),
            ("desiredHealthy", desired),
            ("expectedPods", expected),
            ("disruptionsAllowed", allowed),
        ] {
            js::set(&mut value, &format!("/status/{field}"), json!(count));
        }
        let generation = js::int(&value, "/metadata/generation").max(1);
        js::set(&mut value, "/status/observedGeneration", json!(generation));
        let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
        set_condition(&mut value, at, "DisruptionAllowed", allowed > 0, reason, "");
        self.write(PDB, value);
    }
}
