//! What bounds the number of pods: the autoscaler and the quotas of the namespace, and what a new template may bring at once.

use serde_json::Value;

use super::{WorkloadInspector, answered, around::change, items, revisions::number, text};
use crate::{
    action::around::{Autoscaler, Quota, QuotaLimit},
    model::kubernetes::{WorkloadKey, WorkloadKind},
    source::kubernetes::client::segment,
    text::Clean,
};

impl WorkloadInspector {
    /// The HPA that scales it.
    pub(super) async fn autoscaler(&self, key: &WorkloadKey) -> Result<Option<Autoscaler>, Clean> {
        let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", segment(&key.namespace));
        let list = answered(self.cluster.get::<Value>(&path)).await?;
        let found = items(&list).find(|scaler| {
            text(scaler, "/spec/scaleTargetRef/kind").eq_ignore_ascii_case(key.kind.name())
                && text(scaler, "/spec/scaleTargetRef/name") == &*key.name
        });
        Ok(found.map(|scaler| Autoscaler {
            name: Clean::line(text(scaler, "/metadata/name")),
            min: number(scaler, "/spec/minReplicas").unwrap_or(1),
            max: number(scaler, "/spec/maxReplicas").unwrap_or(0),
            current: number(scaler, "/status/currentReplicas").unwrap_or(0),
            keda: keda(scaler),
            changed: change(scaler, &["f:spec"]),
        }))
    }

    pub(super) async fn quotas(&self, namespace: &str) -> Result<Vec<Quota>, Clean> {
        let path = format!("/api/v1/namespaces/{}/resourcequotas", segment(namespace));
        let list = answered(self.cluster.get::<Value>(&path)).await?;
        Ok(items(&list).map(quota).collect())
    }
}

/// The ScaledObject whose HPA it is.
fn keda(scaler: &Value) -> Option<Clean> {
    let mut owners = scaler.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    owners.find(|owner| text(owner, "/kind") == "ScaledObject").map(|owner| Clean::line(text(owner, "/name")))
}

fn quota(quota: &Value) -> Quota {
    let is_scoped = quota.pointer("/spec/scopeSelector").is_some_and(|selector| !selector.is_null())
        || quota.pointer("/spec/scopes").and_then(Value::as_array).is_some_and(|scopes| !scopes.is_empty());
    // The status lags behind a spec that was just changed, but admission goes by it too.
    let hard = quota.pointer("/status/hard").or_else(|| quota.pointer("/spec/hard")).and_then(Value::as_object);
    let used = |resource: &str| quota.pointer("/status/used").and_then(|used| used.get(resource)?.as_str());
    let limits = hard.into_iter().flatten().map(|(resource, hard)| QuotaLimit {
        resource: Clean::line(resource),
        hard: Clean::line(hard.as_str().unwrap_or_default()),
        used: Clean::line(used(resource).unwrap_or_default()),
    });
    Quota { name: Clean::line(text(quota, "/metadata/name")), is_scoped, limits: limits.collect() }
}

/// `maxSurge` of its strategy, with the API's own defaults; a percentage is rounded up.
pub(super) fn surge(kind: WorkloadKind, object: &Value) -> u32 {
    let (surge, desired) = match kind {
        WorkloadKind::Deployment if text(object, "/spec/strategy/type") == "Recreate" => return 0,
        WorkloadKind::Deployment => {
            let surge = object.pointer("/spec/strategy/rollingUpdate/maxSurge").cloned();
            (surge.unwrap_or_else(|| "25%".into()), number(object, "/spec/replicas").unwrap_or(1))
        }
        WorkloadKind::Rollout => {
            let desired = number(object, "/spec/replicas").unwrap_or(1);
            let strategy =
                |field: &str| object.pointer(&format!("/spec/strategy/{field}")).filter(|set| !set.is_null());
            let is_routed = strategy("canary/trafficRouting").is_some()
                && strategy("canary/dynamicStableScale") != Some(&Value::Bool(true));
            if is_routed || strategy("blueGreen").is_some() {
                // The old pods stay until all the new ones are there.
                return desired;
            }
            (strategy("canary/maxSurge").cloned().unwrap_or_else(|| "25%".into()), desired)
        }
        WorkloadKind::DaemonSet => {
            let surge = object.pointer("/spec/updateStrategy/rollingUpdate/maxSurge").cloned();
            (surge.unwrap_or_default(), number(object, "/status/desiredNumberScheduled").unwrap_or(0))
        }
        // It replaces each pod in its place.
        WorkloadKind::StatefulSet => return 0,
    };
    let percent = surge.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok());
    let pods = match percent {
        Some(percent) => percent.saturating_mul(desired.into()).div_ceil(100),
        None => surge.as_u64().or_else(|| surge.as_str()?.parse().ok()).unwrap_or(0),
    };
    u32::try_from(pods).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_surge_is_counted_as_the_controllers_do() {
        let deployment = |strategy: Value| json!({"spec": {"replicas": 10, "strategy": strategy}});
        for (strategy, pods) in [
            (json!({"rollingUpdate": {"maxSurge": "25%"}}), 3),
            (json!({"rollingUpdate": {"maxSurge": 4}}), 4),
            (json!({}), 3),
            (json!({"type": "Recreate"}), 0),
            (json!({"rollingUpdate": {"maxSurge": "a lot"}}), 0),
        ] {
            assert_eq!(surge(WorkloadKind::Deployment, &deployment(strategy.clone())), pods, "{strategy}");
        }
        let rollout =
            |strategy: Value| surge(WorkloadKind::Rollout, &json!({"spec": {"replicas": 8, "strategy": strategy}}));
        assert_eq!(rollout(json!({"canary": {"steps": []}})), 2);
        assert_eq!(rollout(json!({"canary": {"maxSurge": 1}})), 1);
        assert_eq!(rollout(json!({"blueGreen": {"activeService": "web"}})), 8);
        let routed = |is_dynamic: bool| json!({"canary": {"maxSurge": 1, "trafficRouting": {"nginx": {"stableIngress": "web"}}, "dynamicStableScale": is_dynamic}});
        assert_eq!((rollout(routed(false)), rollout(routed(true))), (8, 1));
        assert_eq!(surge(WorkloadKind::StatefulSet, &json!({"spec": {"replicas": 3}})), 0);
        let daemons = |surge: Value| {
            json!({"spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": surge}}},
            "status": {"desiredNumberScheduled": 6}})
        };
        assert_eq!(surge(WorkloadKind::DaemonSet, &daemons(json!("50%"))), 3);
        assert_eq!(surge(WorkloadKind::DaemonSet, &daemons(Value::Null)), 0);
    }

    #[test]
    fn a_quota_with_scopes_is_told() {
        let plain = json!({"metadata": {"name": "q"}, "status": {"hard": {"pods": "10"}, "used": {"pods": "3"}}});
        let seen = quota(&plain);
        assert_eq!((seen.is_scoped, &*seen.limits[0].hard, &*seen.limits[0].used), (false, "10", "3"));
        let scoped = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}});
        let seen = quota(&scoped);
        assert_eq!((seen.is_scoped, &*seen.limits[0].used), (true, ""));
        assert!(quota(&json!({"spec": {"scopeSelector": {"matchExpressions": []}}})).is_scoped);
    }
}
