//! Canaries as the cluster tells of them.

use axum::response::Response;
use serde_json::{Value, json};

use super::*;
use crate::{
    model::{BackendId, kubernetes::WorkloadKind},
    source::kubernetes::scripted::{self, Asked},
};

fn key(kind: WorkloadKind, name: &str) -> WorkloadKey {
    WorkloadKey { cluster: BackendId::new("c"), namespace: "shop".into(), kind, name: Clean::line(name) }
}

async fn found(
    key: &WorkloadKey,
    object: &Value,
    answer: impl Fn(&Asked) -> Response + Send + Sync + 'static,
) -> (Result<Option<Canary>, Clean>, Vec<String>) {
    let server = scripted::serve(answer).await;
    let canary = WorkloadInspector::new(server.cluster.clone()).canary(key, object).await;
    (canary, server.asked().iter().map(|asked| asked.path.clone()).collect())
}

/// A cluster with none of the optional kinds, and no object.
fn gone(asked: &Asked) -> Response {
    match asked.path.as_str() {
        "/apis" => ok(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})),
        _ => scripted::status(404, "NotFound", "not found"),
    }
}

fn ok(value: &Value) -> Response {
    scripted::json_answer(200, value)
}

#[tokio::test]
async fn an_update_of_a_rollout_that_is_not_promoted_is_one() {
    let rollout = |current: &str, strategy: Value, status: Value| {
        let mut status = status;
        status["currentPodHash"] = json!(current);
        status["stableRS"] = json!("old");
        json!({"spec": {"strategy": strategy}, "status": status})
    };
    let steps = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"duration": "1m"}}]}});
    let may = |asked: &Asked| {
        assert_eq!(asked.body["spec"]["resourceAttributes"]["subresource"], "status");
        assert_eq!(asked.body["spec"]["resourceAttributes"]["group"], "argoproj.io");
        scripted::json_answer(201, &json!({"status": {"allowed": true}}))
    };
    let key = key(WorkloadKind::Rollout, "web");
    let (canary, _) = found(&key, &rollout("new", steps.clone(), json!({"currentStepIndex": 1})), may).await;
    let Ok(Some(Canary::Rollout { stable, current, at, is_aborted, may_abort })) = canary else { panic!("{canary:?}") };
    assert_eq!((&*stable, &*current, at.as_str()), ("old", "new", "step 2 of 4, weight 20 %"));
    assert_eq!((is_aborted, may_abort), (false, Ok(true)));
    let aborted = rollout("new", json!({"blueGreen": {}}), json!({"abort": true}));
    let (canary, _) = found(&key, &aborted, may).await;
    assert!(
        matches!(canary, Ok(Some(Canary::Rollout { is_aborted: true, ref at, .. })) if at == "in preview (blue-green)")
    );
    let (canary, asked) = found(&key, &rollout("old", steps, json!({})), may).await;
    assert_eq!((canary, asked.len()), (Ok(None), 0), "all of it is stable: nothing is asked");
    let elsewhere = json!({"spec": {"workloadRef": {"kind": "Deployment", "name": "web"}}});
    let (canary, _) = found(&key, &elsewhere, may).await;
    assert_eq!(canary, Ok(Some(Canary::Elsewhere { kind: "Deployment".into(), name: "web".into() })));
}

fn with_flagger(asked: &Asked) -> Response {
    match asked.path.as_str() {
        "/apis/flagger.app/v1beta1" => {
            ok(&json!({"resources": [{"name": "canaries", "kind": "Canary", "verbs": ["list"]}]}))
        }
        "/apis/flagger.app/v1beta1/namespaces/shop/canaries" => ok(&json!({"items": [
            {"metadata": {"name": "other"}, "spec": {"targetRef": {"kind": "Deployment", "name": "api"}}},
            {"metadata": {"name": "web"}, "spec": {"targetRef": {"kind": "Deployment", "name": "web"}, "skipAnalysis": true},
                "status": {"phase": "Progressing", "canaryWeight": 30}}]})),
        "/apis/apps/v1/namespaces/shop/deployments/web-primary" => ok(&json!({"spec": {"replicas": 4,
            "template": {"spec": {"containers": [{"name": "web", "image": "reg/web:7"}]}}}})),
        _ => gone(asked),
    }
}

#[tokio::test]
async fn flaggers_target_is_told_by_its_canary() {
    let (canary, _) = found(&key(WorkloadKind::Deployment, "web"), &json!({}), with_flagger).await;
    let Ok(Some(Canary::Flagger(flagger))) = canary else { panic!("{canary:?}") };
    assert!(flagger.is_trying() && flagger.skips_analysis && !flagger.is_suspended);
    assert_eq!((flagger.weight, flagger.primary_desired, &*flagger.primary.name), (30, 4, "web-primary"));
    assert_eq!(flagger.serves.iter().map(|image| &**image).collect::<Vec<_>>(), ["reg/web:7"]);
    let (canary, _) = found(&key(WorkloadKind::Deployment, "cart"), &json!({}), with_flagger).await;
    assert_eq!(canary, Ok(None));
}

#[tokio::test]
async fn without_flagger_its_objects_are_not_asked_for_and_a_refusal_is_said() {
    let (canary, asked) = found(&key(WorkloadKind::Deployment, "web"), &json!({}), gone).await;
    assert_eq!(canary, Ok(None));
    assert_eq!(asked, ["/apis/flagger.app/v1beta1", "/apis"]);
    let nothing = |_: &Asked| scripted::status(404, "NotFound", "not found");
    let (canary, _) = found(&key(WorkloadKind::Deployment, "web"), &json!({}), nothing).await;
    assert!(canary.is_err(), "a server that finds nothing at all says nothing: {canary:?}");
    let (canary, _) = found(&key(WorkloadKind::Deployment, "web"), &json!({}), |asked| {
        if asked.path.ends_with("/canaries") { scripted::status(403, "Forbidden", "no") } else { with_flagger(asked) }
    })
    .await;
    assert!(canary.is_err_and(|why| why.contains("403") || why.contains("may not")), "a refusal is no 'none'");
}

#[tokio::test]
async fn a_plain_canary_is_told_by_name_or_label_where_its_stable_version_is_there() {
    let labelled =
        |track: &str| json!({"spec": {"template": {"metadata": {"labels": {"app": "web", "track": track}}}}});
    let named = move |name: &str, replicas: u32, ready: u32, track: &str| {
        let mut object = labelled(track);
        object["metadata"] = json!({"name": name});
        object["spec"]["replicas"] = json!(replicas);
        object["status"] = json!({"readyReplicas": ready});
        object
    };
    let answer = move |asked: &Asked| match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/deployments/web-stable" => ok(&named("web-stable", 5, 4, "stable")),
        "/apis/apps/v1/namespaces/shop/deployments" => {
            assert_eq!(asked.query("labelSelector"), Some("app=web"));
            ok(
                &json!({"items": [named("web-canary", 1, 1, "canary"), named("web-old", 1, 0, "stable"), named("web-v1", 5, 5, "stable")]}),
            )
        }
        _ => gone(asked),
    };
    let by_name = key(WorkloadKind::Deployment, "web-canary");
    let (canary, _) = found(&by_name, &json!({}), answer).await;
    assert_eq!(
        canary,
        Ok(Some(Canary::Beside { stable: key(WorkloadKind::Deployment, "web-stable"), desired: 5, ready: 4 }))
    );
    let (canary, _) = found(&key(WorkloadKind::Deployment, "web-v2"), &labelled("canary"), answer).await;
    assert_eq!(
        canary,
        Ok(Some(Canary::Beside { stable: key(WorkloadKind::Deployment, "web-v1"), desired: 5, ready: 5 }))
    );
    for (name, track) in [("web-v2", "stable"), ("-canary", "x")] {
        let (canary, _) = found(&key(WorkloadKind::Deployment, name), &labelled(track), answer).await;
        assert_eq!(canary, Ok(None), "{name}");
    }
    let (canary, _) = found(&by_name, &json!({}), gone).await;
    assert_eq!(canary, Ok(None), "nothing would serve in its place");
}
