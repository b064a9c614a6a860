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
    /// How many pods there should be: what the owners of the covered ones ask for, and those without such an owner.
    fn expected(&self, namespace: &str, covered: &[&Facts]) -> i64 {
        let (mut owners, mut bare) = (std::collections::BTreeSet::new(), 0);
        for pod in covered.iter().filter(|pod| pod.active()) {
            let workload = self.runs.get(&pod.uid).map_or(pod.name.as_str(), |run| run.workload.as_str());
            let kinds = [Resource::Deployments, Resource::StatefulSets];
            match kinds.into_iter().find(|kind| self.store.get(*kind, namespace, workload).is_some()) {
                Some(kind) => drop(owners.insert((kind, workload))),
                None => bare += 1,
            }
        }
        let asked = |(kind, name)| self.store.get(kind, namespace, name).map(|o| js::int(&o.value(), "/spec/replicas"));
        owners.into_iter().filter_map(asked).sum::<i64>() + bare
    }

    pub(super) fn sync_budget(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(PDB, namespace, name).cloned() else { return };
        let mut value = object.value();
        let pods = self.store.list(Resource::Pods, Some(namespace), None).map(super::store::Object::facts);
        let covered: Vec<_> = pods.filter(|pod| covers(&value, pod)).collect();
        let expected = self.expected(namespace, &covered);
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
