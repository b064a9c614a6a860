//! Revisions against a small API server.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::{
    model::{
        BackendId,
        kubernetes::{ACTOR, FIELD_MANAGER},
    },
    query::Query,
    source::{Answered, kubernetes::scripted},
};
use serde_json::json;

fn template(image: &str, hash: Option<&str>) -> Value {
    let mut labels = json!({"app": "web"});
    if let Some(hash) = hash {
        labels["pod-template-hash"] = json!(hash);
    }
    json!({"metadata": {"labels": labels, "creationTimestamp": null},
        "spec": {"containers": [{"name": "app", "image": image, "unknownField": {"kept": true}}]}})
}

fn replica_set(number: &str, image: &str, owner: &str) -> Value {
    let hash = format!("h{number}");
    json!({"metadata": {"name": format!("web-{hash}"), "labels": {"app": "web", "pod-template-hash": &hash},
            "creationTimestamp": format!("2026-01-0{number}T00:00:00Z"),
            "annotations": {"deployment.kubernetes.io/revision": number, CHANGE_CAUSE: format!("to {image}")},
            "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": owner, "controller": true}]},
        "spec": {"template": template(image, Some(&hash))}, "status": {"replicas": 2, "readyReplicas": 1}})
}

fn key(kind: WorkloadKind) -> WorkloadKey {
    WorkloadKey { cluster: BackendId::new("c"), namespace: "shop".into(), kind, name: "web".into() }
}

#[tokio::test]
async fn a_deployments_revisions_are_its_own_replica_sets() {
    let server = scripted::serve(|asked| {
        assert_eq!(asked.query("labelSelector"), Some("app=web"));
        let items = json!([
            replica_set("3", "web:2", "u1"),
            replica_set("4", "web:3", "u1"),
            replica_set("9", "web:9", "other")
        ]);
        scripted::json_answer(200, &json!({ "items": items }))
    })
    .await;
    let object = json!({"metadata": {"uid": "u1"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web:2", None)}});
    let revisions = read(&server.cluster, &key(WorkloadKind::Deployment), &object, None).await.unwrap();
    let seen: Vec<_> = revisions.iter().map(|r| (r.number, r.is_live, r.images[0].as_str())).collect();
    // After an undo that the controller has not numbered yet, the live one is not the newest.
    assert_eq!(seen, [(4, false, "web:3"), (3, true, "web:2")]);
    let newest = &revisions[0];
    assert_eq!(newest.template.pointer("/metadata/labels"), Some(&json!({"app": "web"})));
    assert_eq!(newest.template.pointer("/spec/containers/0/unknownField/kept"), Some(&json!(true)));
    assert_eq!((newest.hash.as_deref(), newest.pods), (Some("h4"), Some((1, 2))));
    assert_eq!(newest.change_cause.as_deref(), Some("to web:3"));
}

#[test]
fn who_made_a_revision_is_told_by_the_time_of_its_field_manager() {
    let revision =
        |number: &str, is_live| Revision { is_live, ..of_replica_set(&replica_set(number, "w", "u")).unwrap() };
    let fields = |manager: &str, time: &str, spec: Value| json!({"manager": manager, "time": time, "fieldsV1": {"f:spec": spec}});
    let template = || json!({"f:template": {}});
    let object = json!({"metadata": {"managedFields": [
        fields("helm", "2026-01-01T23:59:58Z", template()),
        fields("hpa", "2026-01-03T23:59:58Z", json!({"f:replicas": {}})),
        fields("kubectl-rollout", "2026-01-05T10:00:00Z", template()),
    ]}});
    let mut all = [revision("4", false), revision("3", true), revision("2", false)];
    name_authors(&mut all, &object);
    let by = |all: &[Revision]| all.iter().map(|one| one.by.as_deref().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(by(&all), [None, Some("kubectl-rollout".to_owned()), Some("helm".to_owned())]);

    // What was set last long before it was made did not make it.
    all[0].is_live = true;
    let old = json!({"metadata": {"managedFields": [fields("helm", "2026-01-01T23:59:58Z", template())]}});
    name_authors(&mut all, &old);
    assert_eq!(by(&all), [None, None, Some("helm".to_owned())]);
    all[0].is_live = false;

    // Our own field manager is the same for every responder: an annotation says who it was.
    let object = json!({"metadata": {"annotations": {ACTOR: "ana"},
        "managedFields": [fields(FIELD_MANAGER, "2026-01-05T10:00:00Z", template())]}});
    name_authors(&mut all, &object);
    assert_eq!(by(&all), [None, Some("ana with midwatch".to_owned()), None]);
}

#[tokio::test]
async fn pods_that_have_ended_and_those_of_jobs_are_none_of_its() {
    let pod = |name: &str, label: &str, phase: &str| {
        let labels = json!({"app": "web", label: "h1"});
        json!({"metadata": {"name": name, "namespace": "shop", "labels": labels}, "status": {"phase": phase}})
    };
    let list = json!({"items": [
        pod("web-h1-a", "pod-template-hash", "Running"),
        pod("web-h1-b", "pod-template-hash", "Pending"),
        pod("web-h1-evicted", "pod-template-hash", "Failed"),
        pod("web-h1-done", "pod-template-hash", "Succeeded"),
        pod("web-migrate-x", "job-name", "Running"),
    ]});
    let server = scripted::serve(move |_| scripted::json_answer(200, &list)).await;
    let object = json!({"spec": {"selector": {"matchLabels": {"app": "web"}}}});
    let rows = Rows::new(&BackendId::new("c"));
    let found = pods(&server.cluster, &rows, &key(WorkloadKind::Deployment), &object).await.unwrap();
    let names: Vec<_> = found.iter().map(|pod| pod.key.name.as_str()).collect();
    assert_eq!(names, ["web-h1-a", "web-h1-b"]);
}

/// What somebody who looks at the revisions is told first.
async fn followed(server: &scripted::Fake, kind: WorkloadKind) -> Answered {
    let (to, mut answers) = tokio::sync::mpsc::channel(4);
    let clock = server.cluster.clock().clone();
    let out = AnswerSink { query: Query::Revisions(key(kind)), generation: 1, clock, to };
    let (key, rows) = (key(kind), Rows::new(&BackendId::new("c")));
    tokio::select! {
        () = follow(&server.cluster, &rows, &key, &out) => panic!("it goes on"),
        answered = answers.recv() => answered.expect("an answer"),
    }
}

/// As it is kept of a StatefulSet or DaemonSet `web`.
fn controller_revision(number: i64, image: &str) -> Value {
    let mut data = template(image, None);
    data["$patch"] = json!("replace");
    json!({"metadata": {"name": format!("web-{number}"), "labels": {"controller-revision-hash": number.to_string()},
            "ownerReferences": [{"uid": "u1", "controller": true}]},
        "revision": number, "data": {"spec": {"template": data}}})
}

#[tokio::test]
async fn pods_are_counted_only_where_nobody_else_does_and_none_is_not_zero() {
    let server = scripted::serve(|asked| {
        let object = json!({"metadata": {"uid": "u1"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web:2", None)}});
        match asked.path.as_str() {
            path if path.ends_with("/pods") => scripted::status(403, "Forbidden", "pods is forbidden"),
            path if path.ends_with("/web") => scripted::json_answer(200, &object),
            path if path.ends_with("/replicasets") => {
                scripted::json_answer(200, &json!({"items": [replica_set("3", "web:2", "u1")]}))
            }
            _ => scripted::json_answer(200, &json!({"items": [controller_revision(3, "web:2")]})),
        }
    })
    .await;
    let first = async |kind| match followed(&server, kind).await.body {
        Ok(Answer::Revisions(mut list)) => list.remove(0),
        other => panic!("{other:?}"),
    };
    assert_eq!(first(WorkloadKind::Deployment).await.pods, Some((1, 2)), "as its ReplicaSet says");
    assert_eq!(server.asked_with("GET", "/pods").len(), 0);
    for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        let kept = first(kind).await;
        assert_eq!((kept.number, kept.up().as_str(), kept.is_live), (3, "pods unknown", true), "{kind:?}");
        let (cluster, rows, key) = (&server.cluster, Rows::new(&BackendId::new("c")), key(kind));
        let mut looks = Looks { seen: None, pace: Pace::new(cluster) };
        let (found, _) = looks.next(cluster, &rows, &key).await;
        assert!(matches!(found, Ok(Some(_))), "{found:?}");
        let again = looks.next(cluster, &rows, &key).await;
        assert_eq!(again, (Ok(None), LOOK_EVERY), "what was refused is not asked for again");
    }
}

#[tokio::test]
async fn the_pods_of_a_controller_revision_are_counted_by_its_hash() {
    let pod = |name: &str, hash: &str, ready: &str| {
        json!({"metadata": {"name": name, "namespace": "shop", "labels": {"controller-revision-hash": hash}},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}})
    };
    let pods = json!({"items": [pod("a", "2", "True"), pod("b", "2", "False"), pod("c", "0", "True")]});
    let server = scripted::serve(move |asked| {
        let object = json!({"metadata": {"uid": "u1"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web:2", None)}});
        match asked.path.as_str() {
            path if path.ends_with("/pods") => scripted::json_answer(200, &pods),
            path if path.ends_with("/web") => scripted::json_answer(200, &object),
            _ => {
                let kept = [controller_revision(1, "web:1"), controller_revision(2, "web:2")];
                scripted::json_answer(200, &json!({ "items": kept }))
            }
        }
    })
    .await;
    let Ok(Answer::Revisions(list)) = followed(&server, WorkloadKind::DaemonSet).await.body else {
        panic!("it asked {:?}", server.asked());
    };
    let up: Vec<String> = list.iter().map(Revision::up).collect();
    assert_eq!(up, ["1/2 up", "0/0 up"]);
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_is_asked_for_less_and_less_often() {
    let is_up = Arc::new(AtomicBool::new(false));
    let answers = is_up.clone();
    let server = scripted::serve(move |asked| {
        if !answers.load(Ordering::Relaxed) {
            return scripted::status(500, "InternalError", "etcd is down");
        }
        let object = json!({"metadata": {"uid": "u1"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web:2", None)}});
        let sets = json!({"items": [replica_set("3", "web:2", "u1")]});
        scripted::json_answer(200, if asked.path.ends_with("/web") { &object } else { &sets })
    })
    .await;
    let (cluster, rows, key) = (&server.cluster, Rows::new(&BackendId::new("c")), key(WorkloadKind::Deployment));
    let mut looks = Looks { seen: None, pace: Pace::new(cluster) };
    for seconds in [5, 10, 20, 40, 60, 60] {
        let (found, rest) = looks.next(cluster, &rows, &key).await;
        assert!(found.is_err());
        assert_eq!(rest, Duration::from_secs(seconds));
    }
    is_up.store(true, Ordering::Relaxed);
    let (found, rest) = looks.next(cluster, &rows, &key).await;
    assert!(matches!(&found, Ok(Some(all)) if all.len() == 1), "{found:?}");
    assert_eq!(rest, LOOK_EVERY);
    assert_eq!(looks.next(cluster, &rows, &key).await, (Ok(None), LOOK_EVERY), "nothing is new");
}

#[tokio::test]
async fn a_stateful_sets_revisions_are_controller_revisions() {
    let list = json!({"items": [controller_revision(1, "db:1"), controller_revision(2, "db:2")]});
    let server = scripted::serve(move |_| scripted::json_answer(200, &list)).await;
    let object = json!({"metadata": {"uid": "u1"}, "status": {"updateRevision": "web-2"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("db:2", None)}});
    let revisions = read(&server.cluster, &key(WorkloadKind::StatefulSet), &object, None).await.unwrap();
    assert_eq!(revisions.iter().map(|r| (r.number, r.is_live)).collect::<Vec<_>>(), [(2, true), (1, false)]);
    assert_eq!(revisions[1].hash.as_deref(), Some("web-1"));
    assert!(revisions[1].template.get("$patch").is_none());
    assert!(server.asked()[0].path.ends_with("/controllerrevisions"));
}
