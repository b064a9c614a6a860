//! Switches of GitOps and aborts beside others who write to the same object all the time, and beside each other: their
//! guards are the spec and the version that is tried, not the object's own version.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::{
    action::Switch,
    model::gitops::{OwnerKey, OwnerKind},
    source::kubernetes::{
        Cluster,
        owners::{is_active, owner_path},
        tests::on_demo,
    },
};

/// Writes of others between the look and our own.
const BETWEEN: usize = 20;
const MERGE: &str = "application/merge-patch+json";

/// Somebody who writes one after another as long as somebody counts.
async fn busy(cluster: Cluster, path: String, patch: fn(usize) -> Value, beats: watch::Sender<usize>) {
    let writer = cluster.writer().expect("not read-only");
    while beats.receiver_count() > 0 {
        let patch = patch(*beats.borrow() + 1);
        let _: Value = writer.send(Method::PATCH, &path, MERGE, &patch).await.expect("it is taken");
        beats.send_modify(|count| *count += 1);
    }
}

/// Two who do the same to an object, some writes after both have looked at it.
async fn both(
    cluster: &Cluster,
    path: &str,
    patch: fn(usize) -> Value,
    writes: [Write; 2],
) -> [Result<Done, ActionError>; 2] {
    let (to, mut beats) = watch::channel(0);
    let other = tokio::spawn(busy(cluster.clone(), path.to_owned(), patch, to));
    beats.wait_for(|count| *count >= BETWEEN).await.expect("it writes");
    let [ana, bob] = [(); 2].map(|()| ClusterOperator::new(cluster.writer().expect("not read-only")));
    let (first, second) = futures::join!(ana.execute(&writes[0]), bob.execute(&writes[1]));
    drop(beats);
    other.await.expect("it ends");
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_switch_an_owner_off_one_does_and_the_other_knows_that_nothing_was_done() {
    let demo = on_demo::served().await;
    let cluster = on_demo::cluster(&demo).await;
    let mark = |count: usize| json!({"metadata": {"annotations": {"example.org/seen": count.to_string()}}});
    for (kind, version, namespace, name) in [
        (OwnerKind::Kustomization, "v1", "flux-system", "web"),
        (OwnerKind::Application, "v1alpha1", "argocd", "search"),
    ] {
        let (version, namespace, name) = (version.into(), namespace.into(), name.into());
        let owner = OwnerKey { cluster: cluster.id().clone(), kind, version, namespace, name, via: None };
        let path = owner_path(&owner);
        let read: Value = cluster.get(&path).await.expect("it is there");
        let writes = ["ana", "bob"].map(|by| Write::SwitchSync {
            owner: owner.clone(),
            uid: read["metadata"]["uid"].as_str().expect("a uid").into(),
            spec: read["spec"].clone(),
            to: Switch::Off,
            by: by.into(),
        });
        let (winner, lost) = match both(&cluster, &path, mark, writes).await {
            [Ok(_), Err(lost)] => ("ana", lost),
            [Err(lost), Ok(_)] => ("bob", lost),
            other => panic!("{owner}: {other:?}"),
        };
        let says = lost.to_string();
        assert!(matches!(lost, ActionError::Moved(_)) && says.contains("has another spec than the plan saw"), "{says}");
        let now: Value = cluster.get(&path).await.expect("it is there");
        assert!(!is_active(kind, &now), "{owner}");
        let annotations = &now["metadata"]["annotations"];
        assert_eq!(annotations["midwatch/suspended-by"], winner, "{owner}");
        assert_ne!(annotations["example.org/seen"], Value::Null, "what others wrote stays");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_is_not_refused_for_its_controllers_status_writes() {
    let demo = on_demo::served().await;
    let cluster = on_demo::cluster(&demo).await;
    let (cluster_id, kind) = (cluster.id().clone(), WorkloadKind::Rollout);
    let workload =
        WorkloadKey { cluster: cluster_id, namespace: "production".into(), kind, name: "recommendations".into() };
    let path = workload_path(&workload);
    let read: Value = cluster.get(&path).await.expect("it is there");
    let text = |pointer: &str| read.pointer(pointer).and_then(Value::as_str).expect("it is told").to_owned();
    let write = Write::AbortRollout {
        workload,
        uid: text("/metadata/uid").into(),
        hash: text("/status/currentPodHash").into(),
    };
    let seen = |count: usize| json!({"status": {"collisionCount": count}});
    let ended = both(&cluster, &format!("{path}/status"), seen, [write.clone(), write]).await;
    // Whoever aborts what is aborted changes nothing.
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    let now: Value = cluster.get(&path).await.expect("it is there");
    assert_eq!((&now["status"]["abort"], &now["spec"]), (&json!(true), &read["spec"]));
    demo.stop().await;
}
