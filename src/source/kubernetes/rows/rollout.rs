//! The words of `kubectl rollout status` (kubectl `pkg/polymorphichelpers/rollout_status.go`). First match wins.

use super::{wire, workload::Counts};
use crate::{
    model::kubernetes::{RolloutState, RolloutStatus, WorkloadKind},
    text::Clean,
};

const ONLY_ROLLING: &str = "rollout status is only available for RollingUpdate strategy type";

pub fn status(
    kind: WorkloadKind,
    meta: &wire::Meta,
    spec: &wire::WorkloadSpec,
    status: &wire::WorkloadStatus,
    counts: Counts,
) -> RolloutStatus {
    let (words, state) = match kind {
        WorkloadKind::Deployment => deployment(meta, status, counts),
        WorkloadKind::DaemonSet => daemon_set(meta, spec, status, counts),
        WorkloadKind::StatefulSet => stateful_set(meta, spec, status, counts),
        WorkloadKind::Rollout => argo_rollout(meta, status),
    };
    RolloutStatus { words: Clean::line(&words), state }
}

fn is_unobserved(meta: &wire::Meta, status: &wire::WorkloadStatus) -> bool {
    meta.generation.unwrap_or_default() > status.observed()
}

fn progressing(words: String) -> (String, RolloutState) {
    (words, RolloutState::Progressing)
}

fn deployment(meta: &wire::Meta, status: &wire::WorkloadStatus, counts: Counts) -> (String, RolloutState) {
    let name = &meta.name;
    let Counts { desired, replicas, updated, available, .. } = counts;
    if is_unobserved(meta, status) {
        return progressing("Waiting for deployment spec update to be observed...".to_owned());
    }
    let condition = wire::condition(status.conditions.as_ref(), "Progressing");
    if condition.is_some_and(|condition| condition.reason.as_deref() == Some("ProgressDeadlineExceeded")) {
        return (format!("deployment \"{name}\" exceeded its progress deadline"), RolloutState::Failed);
    }
    let waiting = format!("Waiting for deployment \"{name}\" rollout to finish:");
    if updated < desired {
        progressing(format!("{waiting} {updated} out of {desired} new replicas have been updated..."))
    } else if replicas > updated {
        progressing(format!("{waiting} {} old replicas are pending termination...", replicas - updated))
    } else if available < updated {
        progressing(format!("{waiting} {available} of {updated} updated replicas are available..."))
    } else {
        (format!("deployment \"{name}\" successfully rolled out"), RolloutState::Done)
    }
}

/// The API defaults the strategy to RollingUpdate.
fn is_rolling(spec: &wire::WorkloadSpec) -> bool {
    let kind = spec.update_strategy.as_ref().and_then(|strategy| strategy.kind.as_deref());
    kind.is_none_or(|kind| kind == "RollingUpdate")
}

fn daemon_set(
    meta: &wire::Meta,
    spec: &wire::WorkloadSpec,
    status: &wire::WorkloadStatus,
    counts: Counts,
) -> (String, RolloutState) {
    let name = &meta.name;
    let Counts { desired, updated, available, .. } = counts;
    if !is_rolling(spec) {
        return (ONLY_ROLLING.to_owned(), RolloutState::Unavailable);
    }
    if is_unobserved(meta, status) {
        return progressing("Waiting for daemon set spec update to be observed...".to_owned());
    }
    let waiting = format!("Waiting for daemon set \"{name}\" rollout to finish:");
    if updated < desired {
        progressing(format!("{waiting} {updated} out of {desired} new pods have been updated..."))
    } else if available < desired {
        progressing(format!("{waiting} {available} of {desired} updated pods are available..."))
    } else {
        (format!("daemon set \"{name}\" successfully rolled out"), RolloutState::Done)
    }
}

fn stateful_set(
    meta: &wire::Meta,
    spec: &wire::WorkloadSpec,
    status: &wire::WorkloadStatus,
    counts: Counts,
) -> (String, RolloutState) {
    let Counts { desired, ready, updated, .. } = counts;
    if !is_rolling(spec) {
        return (ONLY_ROLLING.to_owned(), RolloutState::Unavailable);
    }
    if status.observed() == 0 || is_unobserved(meta, status) {
        return progressing("Waiting for statefulset spec update to be observed...".to_owned());
    }
    if ready < desired {
        return progressing(format!("Waiting for {} pods to be ready...", desired - ready));
    }
    let rolling = spec.update_strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    if let Some(rolling) = rolling {
        let wanted = rolling.partition.map(|partition| desired.saturating_sub(partition));
        return match wanted.filter(|wanted| updated < *wanted) {
            Some(wanted) => progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated..."
            )),
            None => {
                (format!("partitioned roll out complete: {updated} new pods have been updated..."), RolloutState::Done)
            }
        };
    }
    let revision = |revision: Option<&String>| revision.cloned().unwrap_or_default();
    if status.update_revision != status.current_revision {
        let at = revision(status.update_revision.as_ref());
        return progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {at}..."
        ));
    }
    let (current, at) = (status.current_replicas.unwrap_or_default(), revision(status.current_revision.as_ref()));
    (format!("statefulset rolling update complete {current} pods at revision {at}..."), RolloutState::Done)
}

/// The words of `kubectl argo rollouts status`: phase and message, as its controller writes both.
fn argo_rollout(meta: &wire::Meta, status: &wire::WorkloadStatus) -> (String, RolloutState) {
    if is_unobserved(meta, status) {
        return progressing("Progressing - waiting for rollout spec update to be observed".to_owned());
    }
    let phase = status.phase.as_deref().unwrap_or_default();
    let words = match status.message.as_deref().unwrap_or_default() {
        "" => phase.to_owned(),
        message => format!("{phase} - {message}"),
    };
    let state = match phase {
        "Healthy" => RolloutState::Done,
        "Degraded" => RolloutState::Failed,
        "" => return ("its controller has said nothing of it yet".to_owned(), RolloutState::Unavailable),
        _ => RolloutState::Progressing,
    };
    (words, state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{BackendId, Level, kubernetes::Workload},
        source::kubernetes::rows::Rows,
    };
    use RolloutState::{Done, Failed, Progressing, Unavailable};
    use WorkloadKind::{DaemonSet, Deployment, Rollout, StatefulSet};
    use serde_json::{Value, json};

    fn workload(kind: WorkloadKind, spec: &Value, status: &Value) -> Workload {
        let object =
            json!({"metadata": {"name": "web", "namespace": "shop", "generation": 3}, "spec": spec, "status": status});
        Rows::new(&BackendId::new("eu")).workload(kind, &object).unwrap()
    }

    #[test]
    fn every_row_of_kubectls_table() {
        let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
        let four = json!({"replicas": 4});
        let sts = |rolling: Value| json!({"replicas": 4, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}});
        let table = [
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 2}),
                Progressing,
                "Waiting for deployment spec update to be observed...",
            ),
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 3, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
                Failed,
                "deployment \"web\" exceeded its progress deadline",
            ),
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 3, "replicas": 5, "updatedReplicas": 2}),
                Progressing,
                "Waiting for deployment \"web\" rollout to finish: 2 out of 4 new replicas have been updated...",
            ),
            (
                Deployment,
                json!({}),
                json!({"observedGeneration": 3}),
                Progressing,
                "Waiting for deployment \"web\" rollout to finish: 0 out of 1 new replicas have been updated...",
            ),
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 3, "replicas": 5, "updatedReplicas": 4}),
                Progressing,
                "Waiting for deployment \"web\" rollout to finish: 1 old replicas are pending termination...",
            ),
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 3, "replicas": 4, "updatedReplicas": 4, "availableReplicas": 3}),
                Progressing,
                "Waiting for deployment \"web\" rollout to finish: 3 of 4 updated replicas are available...",
            ),
            (
                Deployment,
                four.clone(),
                json!({"observedGeneration": 3, "replicas": 4, "updatedReplicas": 4, "availableReplicas": 4}),
                Done,
                "deployment \"web\" successfully rolled out",
            ),
            (DaemonSet, on_delete.clone(), json!({"observedGeneration": 3}), Unavailable, ONLY_ROLLING),
            (
                DaemonSet,
                json!({}),
                json!({"observedGeneration": 2}),
                Progressing,
                "Waiting for daemon set spec update to be observed...",
            ),
            (
                DaemonSet,
                json!({}),
                json!({"observedGeneration": 3, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1}),
                Progressing,
                "Waiting for daemon set \"web\" rollout to finish: 1 out of 3 new pods have been updated...",
            ),
            (
                DaemonSet,
                json!({}),
                json!({"observedGeneration": 3, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
                Progressing,
                "Waiting for daemon set \"web\" rollout to finish: 2 of 3 updated pods are available...",
            ),
            (
                DaemonSet,
                json!({}),
                json!({"observedGeneration": 3, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}),
                Done,
                "daemon set \"web\" successfully rolled out",
            ),
            (StatefulSet, on_delete, json!({"observedGeneration": 3}), Unavailable, ONLY_ROLLING),
            (
                StatefulSet,
                four.clone(),
                json!({}),
                Progressing,
                "Waiting for statefulset spec update to be observed...",
            ),
            (
                StatefulSet,
                four.clone(),
                json!({"observedGeneration": 2}),
                Progressing,
                "Waiting for statefulset spec update to be observed...",
            ),
            (
                StatefulSet,
                four.clone(),
                json!({"observedGeneration": 3, "readyReplicas": 3}),
                Progressing,
                "Waiting for 1 pods to be ready...",
            ),
            (
                StatefulSet,
                sts(json!({"partition": 1})),
                json!({"observedGeneration": 3, "readyReplicas": 4, "updatedReplicas": 2}),
                Progressing,
                "Waiting for partitioned roll out to finish: 2 out of 3 new pods have been updated...",
            ),
            (
                StatefulSet,
                sts(json!({"partition": 1})),
                json!({"observedGeneration": 3, "readyReplicas": 4, "updatedReplicas": 3}),
                Done,
                "partitioned roll out complete: 3 new pods have been updated...",
            ),
            (
                StatefulSet,
                four.clone(),
                json!({"observedGeneration": 3, "readyReplicas": 4, "updatedReplicas": 2, "updateRevision": "web-b", "currentRevision": "web-a"}),
                Progressing,
                "waiting for statefulset rolling update to complete 2 pods at revision web-b...",
            ),
            (
                StatefulSet,
                four,
                json!({"observedGeneration": 3, "readyReplicas": 4, "currentReplicas": 4, "updateRevision": "web-b", "currentRevision": "web-b"}),
                Done,
                "statefulset rolling update complete 4 pods at revision web-b...",
            ),
            (
                Rollout,
                json!({}),
                json!({"observedGeneration": "2", "phase": "Healthy"}),
                Progressing,
                "Progressing - waiting for rollout spec update to be observed",
            ),
            (Rollout, json!({}), json!({"observedGeneration": "3", "phase": "Healthy"}), Done, "Healthy"),
            (
                Rollout,
                json!({}),
                json!({"observedGeneration": "3", "phase": "Paused", "message": "CanaryPauseStep"}),
                Progressing,
                "Paused - CanaryPauseStep",
            ),
            (
                Rollout,
                json!({}),
                json!({"observedGeneration": "3", "phase": "Degraded", "message": "RolloutAborted: Rollout aborted update to revision 2"}),
                Failed,
                "Degraded - RolloutAborted: Rollout aborted update to revision 2",
            ),
            (
                Rollout,
                json!({}),
                json!({"observedGeneration": "3"}),
                Unavailable,
                "its controller has said nothing of it yet",
            ),
        ];
        for (kind, spec, status, state, words) in table {
            let rollout = workload(kind, &spec, &status).rollout;
            assert_eq!((rollout.words.as_str(), rollout.state), (words, state), "{kind:?} {status}");
        }
    }

    /// kubectl says nothing of it, so that nothing else would tell that the new version is not out.
    #[test]
    fn pods_that_wait_to_be_deleted_are_told() {
        let of = |kind, status: Value| {
            let on_delete = workload(kind, &json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}}), &status);
            (on_delete.rollout_words().into_owned(), on_delete.level)
        };
        let set = |seen: u32, updated: u32| {
            let (replicas, ready) = (3, 3);
            json!({"observedGeneration": seen, "replicas": replicas, "readyReplicas": ready, "updatedReplicas": updated})
        };
        let waits = |words: &str| (words.to_owned(), Level::Progress);
        assert_eq!(of(StatefulSet, set(3, 0)), waits("OnDelete: 3 old pods wait to be deleted"));
        assert_eq!(of(StatefulSet, set(3, 2)), waits("OnDelete: 1 old pod waits to be deleted"));
        assert_eq!(of(StatefulSet, set(3, 3)), ("OnDelete: no old pods".to_owned(), Level::Ok));
        let unseen = ("OnDelete: not yet seen by its controller".to_owned(), Level::Ok);
        assert_eq!(of(StatefulSet, set(2, 0)), unseen, "its counts are of the version before");
        let daemon = json!({"observedGeneration": 3, "desiredNumberScheduled": 4, "currentNumberScheduled": 4,
            "numberAvailable": 4, "numberReady": 4, "updatedNumberScheduled": 1});
        assert_eq!(of(DaemonSet, daemon), waits("OnDelete: 3 old pods wait to be deleted"));
        let paused = json!({"replicas": 3, "paused": true});
        let held = workload(
            Deployment,
            &paused,
            &json!({"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3,
            "readyReplicas": 3, "availableReplicas": 3}),
        );
        let words = "paused: what is changed does not roll out";
        assert_eq!((&*held.rollout_words(), held.level), (words, Level::Progress));
        let held = workload(
            Deployment,
            &paused,
            &json!({"observedGeneration": 3, "replicas": 3, "updatedReplicas": 0,
            "readyReplicas": 3, "availableReplicas": 3}),
        );
        let words = held.rollout_words();
        assert!(words.starts_with("paused: Waiting for deployment"), "{words}");
        let rolling = workload(StatefulSet, &json!({"replicas": 3}), &set(3, 3));
        assert_eq!(rolling.rollout_words(), rolling.rollout.words.as_str());
    }

    #[test]
    fn lost_pods_after_a_rollout_are_not_progress() {
        let status = |reason: &str, available: u32| {
            json!({"observedGeneration": 3, "replicas": 4, "updatedReplicas": 4, "availableReplicas": available,
                "conditions": [{"type": "Progressing", "status": "True", "reason": reason}]})
        };
        let level = |reason, available| workload(Deployment, &json!({"replicas": 4}), &status(reason, available)).level;
        assert_eq!(level("NewReplicaSetAvailable", 4), Level::Ok);
        assert_eq!(level("NewReplicaSetAvailable", 3), Level::Wrong);
        assert_eq!(level("NewReplicaSetAvailable", 0), Level::Broken);
        assert_eq!(level("ReplicaSetUpdated", 3), Level::Progress);
        assert_eq!(workload(Deployment, &json!({"replicas": 0}), &json!({"observedGeneration": 3})).level, Level::Ok);
    }
}
