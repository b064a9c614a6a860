//! The inspector against a small API server.

mod around;
mod refused;
mod release;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    model::kubernetes::WorkloadKind,
    source::kubernetes::scripted::{self, Asked, Fake},
    time::SystemClock,
};

fn key() -> WorkloadKey {
    WorkloadKey {
        cluster: BackendId::new("c"),
        namespace: "shop".into(),
        kind: WorkloadKind::Deployment,
        name: "web".into(),
    }
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image,
        "envFrom": [{"configMapRef": {"name": "cfg"}}, {"secretRef": {"name": "gone"}}]}]}})
}

fn world(asked: &Asked) -> axum::response::Response {
    let list = |items: Value| scripted::json_answer(200, &json!({"metadata": {}, "items": items}));
    match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/deployments/web" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "pay"},
                "managedFields": [
                    {"manager": "ci", "time": "2026-01-02T03:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
                    {"manager": "kubectl-edit", "time": "2026-01-02T03:05:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
                    {"manager": "hpa", "time": "2026-01-02T03:06:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:2")}}),
        ),
        "/apis/apps/v1/namespaces/shop/replicasets" => list(json!([{"metadata": {"name": "web-1",
            "annotations": {"deployment.kubernetes.io/revision": "1"}, "ownerReferences": [{"uid": "u1", "controller": true}]},
            "spec": {"template": template("reg/web:1")}}])),
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
            let wanted = &asked.body["spec"]["resourceAttributes"];
            match wanted["verb"].as_str() {
                Some("delete") => scripted::status(500, "InternalError", "webhook down"),
                _ => scripted::json_answer(201, &json!({"status": {"allowed": wanted["subresource"] != "scale"}})),
            }
        }
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers" => list(json!([{"metadata": {"name": "web",
                "ownerReferences": [{"kind": "ScaledObject", "name": "web-queue"}]}, "spec": {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}}])),
        "/api/v1/namespaces/shop/resourcequotas" => list(json!([{"metadata": {"name": "q"},
            "status": {"hard": {"pods": "10", "limits.memory": "2Gi"}, "used": {"pods": "10", "limits.memory": "1Gi"}}}])),
        "/api/v1/namespaces/shop/configmaps/cfg" => scripted::json_answer(200, &json!({"metadata": {"name": "cfg"}})),
        "/api/v1/nodes" => list(json!([
            {"status": {"images": [{"names": ["reg/web@sha256:aa", "reg/web:1"]}, {"names": ["reg/other:1"]}]}},
            {"status": {"images": [{"names": ["reg/web@sha256:aa"]}]}}])),
        "/version" => scripted::json_answer(200, &json!({"gitVersion": "v1.33.1"})),
        "/api/v1/namespaces/kube-system" => scripted::json_answer(200, &json!({"metadata": {"uid": "cluster-1"}})),
        "/api/v1/namespaces/shop/pods" => scripted::status(403, "Forbidden", "pods is forbidden"),
        _ => scripted::status(404, "NotFound", "not found"),
    }
}

#[tokio::test]
async fn everything_is_asked_and_what_fails_says_why_in_its_place() {
    let server: Fake = scripted::serve(world).await;
    let inspector = WorkloadInspector::new(server.cluster.clone());
    let request = Request::RollBack { workload: key(), to: None, alert: None };
    let Inspection::Workload(seen) = inspector.inspect(&request).await.unwrap() else { panic!("not a workload") };
    assert_eq!(seen.workload.desired, 3);
    assert_eq!(seen.template, template("reg/web:2"));
    assert_eq!(seen.revisions.len(), 1);
    assert_eq!(seen.annotations["team"], "pay");
    assert!(seen.server.ends_with(" v1.33.1") && seen.server.starts_with("http://127.0.0.1:"), "{}", seen.server);
    assert_eq!(seen.cluster_id.as_deref(), Some("cluster-1"));
    assert_eq!((&seen.may_patch, &seen.may_scale), (&Ok(true), &Ok(false)));
    assert!(seen.may_delete_pods.as_ref().unwrap_err().contains("webhook down"));
    assert_eq!(seen.references["configmap/cfg"], Ok(true));
    assert_eq!(seen.references["secret/gone"], Ok(false));
    let scaler = seen.autoscaler.as_ref().unwrap().as_ref().unwrap();
    assert_eq!((&*scaler.to_string(), scaler.keda.as_deref()), ("web 2-9", Some("web-queue")));
    assert_eq!(seen.surge, 1);
    let warnings: Vec<&str> = seen.warnings.iter().map(|warning| &**warning).collect();
    assert!(warnings.iter().any(|warning| warning.contains("applied from a file")), "{warnings:?}");
    let why = seen.unread.pods.as_ref().expect("no pod was read, which is not that there is none");
    assert!(why.contains("pods is forbidden") && seen.unread.revisions.is_none(), "{why}");
    let limits = &seen.quotas.as_ref().unwrap()[0].limits;
    assert!(limits.iter().any(|limit| (&*limit.resource, &*limit.hard, &*limit.used) == ("pods", "10", "10")));
    let managers: Vec<&str> = seen.changes.iter().map(|(manager, _)| &**manager).collect();
    assert_eq!(managers, ["kubectl-edit", "ci"]);
    let (held, image) = (seen.image_nodes.as_ref().unwrap(), ImageRef::parse("reg/web:2").unwrap());
    assert_eq!((held.nodes, held.holding(&image, &["sha256:aa".into()].into())), (2, 2));
    assert_eq!(held.holding(&ImageRef::parse("reg/other:1").unwrap(), &BTreeSet::new()), 0, "another repository");
    // No Secret is ever read with its data.
    let secrets = server.asked_with("GET", "/secrets/");
    assert!(!secrets.is_empty() && secrets.iter().all(|asked| asked.accept.contains("as=PartialObjectMetadata")));
}

/// ControllerRevisions count no pods themselves.
#[tokio::test]
async fn the_revisions_of_a_set_are_there_without_the_right_to_read_its_pods() {
    let sets = |asked: &Asked| match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/statefulsets/web" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1"},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:2")}}),
        ),
        "/apis/apps/v1/namespaces/shop/controllerrevisions" => scripted::json_answer(
            200,
            &json!({"items": [{"metadata": {"name": "web-1", "ownerReferences": [{"uid": "u1", "controller": true}]},
                "revision": 1, "data": {"spec": {"template": template("reg/web:1")}}}]}),
        ),
        _ => world(asked),
    };
    let server = scripted::serve(sets).await;
    let workload = WorkloadKey { kind: WorkloadKind::StatefulSet, ..key() };
    let inspector = WorkloadInspector::new(server.cluster.clone());
    let found = inspector.inspect(&Request::RollBack { workload, to: None, alert: None }).await.unwrap();
    let Inspection::Workload(seen) = found else { panic!("not a workload") };
    let up: Vec<_> = seen.revisions.iter().map(|revision| (revision.number, revision.up())).collect();
    assert_eq!(up, [(1, "pods unknown".to_owned())]);
    assert!(seen.unread.pods.is_some() && seen.unread.revisions.is_none(), "{:?}", seen.unread);
}

#[test]
fn a_node_that_lists_as_many_images_as_it_may_is_known_to_be_cut() {
    let node = |count: usize| {
        let images: Vec<Value> = (0..count).map(|n| json!({"names": [format!("reg/other:{n}")]})).collect();
        json!({"status": {"images": images}})
    };
    let held = images_on(&json!({"items": [node(49), node(50)]}), &[&template("reg/web:2")]);
    assert_eq!((held.nodes, held.cut), (2, 1));
}

#[tokio::test]
async fn without_the_workload_there_is_no_inspection() {
    let server = scripted::serve(|_| scripted::status(404, "NotFound", "deployments.apps \"web\" not found")).await;
    let restart = Request::Restart { workload: key() };
    let error = WorkloadInspector::new(server.cluster.clone()).inspect(&restart).await.unwrap_err();
    assert!(error.says.contains("\"web\" not found"), "{error}");
    let nobody = scripted::cluster(1, Arc::new(SystemClock)).await;
    let error = WorkloadInspector::new(nobody).inspect(&restart).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_server_that_is_too_slow_or_too_busy_to_say_which_cluster_it_is_is_no_other_one() {
    let told = async |answer: fn() -> axum::response::Response| {
        let server = scripted::serve(move |asked| match asked.path.as_str() {
            "/api/v1/namespaces/kube-system" => answer(),
            _ => world(asked),
        })
        .await;
        let inspector = WorkloadInspector::new(server.cluster.clone());
        let seen = Box::pin(inspector.workload(&key(), false, None)).await.unwrap();
        (seen.cluster_id, server.cluster.fallback_id())
    };
    let silent = || scripted::pieces(futures::stream::pending());
    for busy in [silent, || scripted::status(503, "ServiceUnavailable", "overloaded")] {
        assert_eq!(told(busy).await.0, None);
    }
    let (id, fallback) = told(|| scripted::status(403, "Forbidden", "no")).await;
    assert_eq!(id, Some(fallback), "it will never say");
}

#[tokio::test]
async fn what_is_watched_is_read_and_nothing_else() {
    let server: Fake = scripted::serve(world).await;
    let inspector = WorkloadInspector::new(server.cluster.clone());
    let seen = inspector.glance(&key()).await.unwrap().expect("it is there");
    assert_eq!((seen.workload.desired, &seen.template), (3, &template("reg/web:2")));
    assert_eq!(&*seen.changes[0].0, "kubectl-edit");
    assert!(seen.pods.unwrap_err().contains("pods is forbidden"));
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/apis/apps/v1/namespaces/shop/deployments/web", "/api/v1/namespaces/shop/pods"]);
}

#[test]
fn a_partition_is_counted_from_the_first_number() {
    let set = |partition: u64, start: u64| json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": partition}}, "ordinals": {"start": start}}});
    let found = [set(2, 0), set(2, 5), set(0, 5), json!({"spec": {}})].map(|set| partition(&set));
    assert_eq!(found, [2, 7, 0, 0]);
}

#[test]
fn a_deletion_is_told_by_what_it_has_left() {
    let object = json!({"metadata": {"deletionTimestamp": "2026-01-02T03:04:35Z"}});
    let says = marks(&object, "2026-01-02T03:04:05Z".parse().unwrap());
    assert_eq!(says, ["it is being deleted: its grace ends in 30s"]);
}
