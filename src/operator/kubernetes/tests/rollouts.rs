//! Argo Rollouts in the demo's cluster: an update is looked at, aborted, undone and restarted over the real wire.

use jiff::Timestamp;

use super::*;
use crate::{
    action::{Inspection, Inspector as _, Request, WorkloadInspection},
    model::kubernetes::{ACTOR, canary::Canary},
    source::kubernetes::{
        inspect::WorkloadInspector,
        tests::on_demo::{self, cluster, hurried, served},
    },
};

fn recommendations() -> WorkloadKey {
    WorkloadKey {
        cluster: BackendId::new("prod-eu1"),
        namespace: "production".into(),
        kind: WorkloadKind::Rollout,
        name: "recommendations".into(),
    }
}

async fn looked_at(cluster: &Cluster) -> WorkloadInspection {
    let request = Request::RollBack { workload: recommendations(), to: None, alert: None };
    match WorkloadInspector::new(cluster.clone()).inspect(&request).await.expect("it answers") {
        Inspection::Workload(found) => *found,
        other => panic!("{other:?}"),
    }
}

fn abort(found: &WorkloadInspection) -> Write {
    let Ok(Some(Canary::Rollout { current, may_abort: Ok(true), .. })) = &found.canary else {
        panic!("{:?}", found.canary)
    };
    Write::AbortRollout { workload: recommendations(), uid: found.workload.uid.clone(), hash: current.clone() }
}

async fn until(cluster: &Cluster, what: &str, holds: impl Fn(&WorkloadInspection) -> bool) -> WorkloadInspection {
    on_demo::until(what, async || Some(looked_at(cluster).await).filter(&holds)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_as_kubectls_plugin_tells_it() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let found = looked_at(&cluster).await;
    assert_eq!(found.workload.rollout.words, "Paused - CanaryPauseStep");
    let seen: Vec<_> = found.revisions.iter().map(|one| (one.number, one.images[0].as_str(), one.is_live)).collect();
    assert_eq!(
        seen,
        [(6, "registry.acme.example/recommendations:19", true), (5, "registry.acme.example/recommendations:18", false)]
    );
    assert_eq!(found.pods.len(), 4);
    assert_eq!(found.pods.iter().filter(|pod| pod.hash == found.revisions[1].hash).count(), 3);
    assert_eq!((found.may_patch, found.may_scale), (Ok(true), Ok(true)));
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_aborted_once_and_then_undone() {
    let demo = hurried(20.0).await;
    let cluster = cluster(&demo).await;
    let operator = ClusterOperator::new(cluster.writer().expect("not read-only"));
    let found = looked_at(&cluster).await;
    let write = abort(&found);
    operator.rehearse(&write).await.expect("it can be asked").expect("it passes");
    assert!(
        matches!(looked_at(&cluster).await.canary, Ok(Some(Canary::Rollout { is_aborted: false, .. }))),
        "a rehearsal changes nothing"
    );
    operator.execute(&write).await.expect("done");
    let aborted =
        until(&cluster, "the canary is gone", |found| found.pods.iter().all(|pod| pod.hash == found.revisions[1].hash))
            .await;
    assert!(matches!(aborted.canary, Ok(Some(Canary::Rollout { is_aborted: true, .. }))));
    assert_eq!(aborted.template, found.template, "an abort leaves the spec as it is");
    let undo = Write::PatchTemplate {
        workload: recommendations(),
        uid: found.workload.uid.clone(),
        live: found.template.clone(),
        target: found.revisions[1].template.clone(),
        annotations: BTreeMap::new(),
    };
    operator.execute(&undo).await.expect("done");
    let healthy = until(&cluster, "it is healthy", |found| found.workload.rollout.words == "Healthy").await;
    assert_eq!((healthy.workload.revision, healthy.canary), (Some(7), Ok(None)));
    let late = operator.execute(&write).await.expect_err("there is nothing to abort any more");
    assert!(matches!(&late, ActionError::Moved(says) if says.contains("nothing was sent")), "{late:?}");
    demo.stop().await;
}

#[tokio::test]
async fn an_abort_is_guarded_by_the_version_that_is_tried_and_knows_old_definitions() {
    let rollout = |current: &str| json!({"metadata": {"name": "recommendations", "uid": "u1"}, "status": {"currentPodHash": current, "stableRS": "old"}});
    let write = Write::AbortRollout { workload: recommendations(), uid: "u1".into(), hash: "new".into() };
    let server = scripted::serve(move |asked: &Asked| match (asked.method.as_str(), asked.path.ends_with("/status")) {
        ("GET", _) => scripted::json_answer(200, &rollout("new")),
        ("PATCH", true) => scripted::status(404, "NotFound", "the server could not find the requested resource"),
        _ => scripted::json_answer(200, &rollout("new")),
    })
    .await;
    ClusterOperator::new(server.cluster.writer().unwrap()).execute(&write).await.expect("done on the object itself");
    let sent = server.asked_with("PATCH", "/rollouts/recommendations");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].body[1], json!({"op": "test", "path": "/status/currentPodHash", "value": "new"}));
    // Somebody promoted, or set another version, between our look and the patch.
    for (now, words) in [("newer", "tries version newer by now"), ("old", "tries version old by now")] {
        let gets = std::sync::atomic::AtomicUsize::new(0);
        let server = scripted::serve(move |asked: &Asked| match asked.method.as_str() {
            "GET" if gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                scripted::json_answer(200, &rollout("new"))
            }
            "GET" => scripted::json_answer(200, &rollout(now)),
            _ => scripted::status(422, "Invalid", "the server rejected our request due to an error in our request"),
        })
        .await;
        let error = ClusterOperator::new(server.cluster.writer().unwrap()).execute(&write).await.expect_err("moved");
        assert!(matches!(&error, ActionError::Moved(says) if says.contains(words)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_restarted_by_its_own_time() {
    let demo = hurried(20.0).await;
    let cluster = cluster(&demo).await;
    let operator = ClusterOperator::new(cluster.writer().expect("not read-only"));
    let found = looked_at(&cluster).await;
    let at = cluster.clock().now().wall;
    let write = Write::Restart {
        workload: recommendations(),
        uid: found.workload.uid.clone(),
        live: found.template.clone(),
        at,
        by: "bob".into(),
    };
    operator.execute(&write).await.expect("done");
    let path = "/apis/argoproj.io/v1alpha1/namespaces/production/rollouts/recommendations";
    let object: Value = cluster.get(path).await.expect("it is there");
    assert_eq!(object["spec"]["restartAt"], json!(Timestamp::from_second(at.as_second()).unwrap().to_string()));
    assert_eq!(object["spec"]["template"], found.template, "its template stays");
    assert_eq!(object["metadata"]["annotations"][ACTOR], "bob");
    demo.stop().await;
}
