//! Pods that are refused, and images that somebody else sets: what the object and its events say of it.

use super::*;
use crate::model::kubernetes::WorkloadKind;

/// A StatefulSet (or DaemonSet) with two of its three pods, and these events about it.
async fn seen(kind: WorkloadKind, events: Value) -> (WorkloadInspection, Fake) {
    let server = scripted::serve(move |asked| {
        let list = |items: &Value| scripted::json_answer(200, &json!({"metadata": {}, "items": items}));
        let own = format!("/apis/apps/v1/namespaces/shop/{}/web", kind.plural());
        match asked.path.as_str() {
            path if path == own => scripted::json_answer(
                200,
                &json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "annotations": {"keel.sh/policy": "minor"}},
                    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:2")},
                    "status": {"replicas": 2, "updatedReplicas": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 2}}),
            ),
            "/api/v1/namespaces/shop/events" => list(&events),
            _ => world(asked),
        }
    })
    .await;
    let request = Request::Restart { workload: WorkloadKey { kind, ..key() } };
    match WorkloadInspector::new(server.cluster.clone()).inspect(&request).await.unwrap() {
        Inspection::Workload(seen) => (*seen, server),
        other => panic!("{other:?}"),
    }
}

fn event(reason: &str, at: &str, message: &str) -> Value {
    json!({"metadata": {"name": format!("{reason}-{at}"), "namespace": "shop"}, "reason": reason, "message": message,
        "type": "Warning", "lastTimestamp": at, "involvedObject": {"kind": "StatefulSet", "name": "web", "uid": "u1"}})
}

const QUOTA: &str =
    "create Pod web-2 in StatefulSet web failed error: pods \"web-2\" is forbidden: exceeded quota: compute";

#[tokio::test]
async fn sets_have_no_condition_for_refused_pods_and_their_events_tell() {
    let refused = || event("FailedCreate", "2026-01-02T03:10:00Z", QUOTA);
    let earlier = || event("SuccessfulCreate", "2026-01-02T03:09:00Z", "create Pod web-1");
    for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        let (found, server) = seen(kind, json!([refused(), earlier()])).await;
        let why = found.workload.replica_failure.expect("the newest says so");
        assert!(why.contains("exceeded quota: compute"), "{why}");
        let asked = server.asked_with("GET", "/events");
        assert_eq!(asked[0].query("fieldSelector"), Some("involvedObject.uid=u1"));
    }
    let later = event("SuccessfulCreate", "2026-01-02T03:11:00Z", "create Pod web-2");
    let (found, _) = seen(WorkloadKind::StatefulSet, json!([refused(), later, earlier()])).await;
    assert_eq!(found.workload.replica_failure, None, "it went on since");
    let (found, _) = seen(WorkloadKind::StatefulSet, json!([])).await;
    assert_eq!(found.workload.replica_failure, None);
}

/// Its ReplicaSets make its pods, and their events are about them.
#[tokio::test]
async fn a_rollouts_refused_pods_are_told_by_the_events_of_its_replica_sets() {
    for (refused, told) in [("web-new", true), ("web-old", true), ("web-gone", false)] {
        let server = scripted::serve(move |asked| {
            let list = |items: Value| scripted::json_answer(200, &json!({"metadata": {}, "items": items}));
            let set = |hash: &str, revision: &str| {
                json!({"metadata": {"name": format!("web-{hash}"), "labels": {"rollouts-pod-template-hash": hash},
                        "annotations": {"rollout.argoproj.io/revision": revision},
                        "ownerReferences": [{"uid": "u1", "controller": true}]},
                    "spec": {"template": template(&format!("reg/web:{hash}"))}})
            };
            match asked.path.as_str() {
                "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web" => scripted::json_answer(
                    200,
                    &json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "generation": 3,
                            "annotations": {"rollout.argoproj.io/revision": "3"}},
                        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:new")},
                        "status": {"replicas": 2, "updatedReplicas": 0, "observedGeneration": "3", "currentPodHash": "new",
                            "stableRS": "old"}}),
                ),
                "/apis/apps/v1/namespaces/shop/replicasets" => list(json!([set("gone", "1"), set("old", "2"), set("new", "3")])),
                "/api/v1/namespaces/shop/events" => {
                    let about = asked.query("fieldSelector").unwrap_or_default();
                    let is_about = about == format!("involvedObject.kind=ReplicaSet,involvedObject.name={refused}");
                    list(if is_about { json!([event("FailedCreate", "2026-01-02T03:10:00Z", QUOTA)]) } else { json!([]) })
                }
                _ => world(asked),
            }
        })
        .await;
        let request = Request::Restart { workload: WorkloadKey { kind: WorkloadKind::Rollout, ..key() } };
        let found = WorkloadInspector::new(server.cluster.clone()).inspect(&request).await.unwrap();
        let Inspection::Workload(found) = found else { panic!("{found:?}") };
        let why = found.workload.replica_failure.unwrap_or_default();
        assert_eq!(why.contains("exceeded quota: compute"), told, "{refused}: {why}");
    }
}

#[tokio::test]
async fn keel_is_known_by_its_policy() {
    let (found, _) = seen(WorkloadKind::StatefulSet, json!([])).await;
    assert_eq!(found.updater.as_deref(), Some("Keel (policy minor)"));
}
