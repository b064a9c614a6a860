//! A workload of a Helm release: what its kept revisions would need is looked up too.

use super::*;
use crate::source::kubernetes::release::tests::encoded;

/// Its history, of which revision 1 reads another ConfigMap than any kept ReplicaSet.
fn history(asked: &Asked) -> axum::response::Response {
    match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/deployments/web" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1",
                "labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:2")}}),
        ),
        "/api/v1/namespaces/shop/secrets" => {
            let kept =
                |version: &str, status: &str| json!({"metadata": {"labels": {"version": version, "status": status}}});
            scripted::json_answer(200, &json!({"items": [kept("1", "superseded"), kept("2", "deployed")]}))
        }
        "/api/v1/namespaces/shop/secrets/sh.helm.release.v1.web.v1" => {
            let mut old = template("reg/web:1");
            old["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "old-cfg"}}]);
            let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"replicas": 2, "template": old}});
            let hook =
                json!({"name": "web-migrate", "kind": "Job", "manifest": "kind: Job", "events": ["pre-upgrade"]});
            let release = json!({"name": "web", "namespace": "shop", "version": 1, "hooks": [hook],
                "info": {"status": "superseded"}, "manifest": format!("---\n{manifest}\n")});
            scripted::json_answer(200, &json!({"data": {"release": encoded(&release)}}))
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            if asked.body["spec"]["resourceAttributes"]["resource"] == "secrets" =>
        {
            let wanted = &asked.body["spec"]["resourceAttributes"];
            assert_eq!((&wanted["verb"], &wanted["namespace"]), (&json!("create"), &json!("shop")));
            scripted::json_answer(201, &json!({"status": {"allowed": false}}))
        }
        _ => world(asked),
    }
}

#[tokio::test]
async fn the_revisions_of_its_release_are_read_with_what_they_need() {
    let server = scripted::serve(history).await;
    let request = Request::RollBack { workload: key(), to: None, alert: None };
    let found = WorkloadInspector::new(server.cluster.clone()).inspect(&request).await.expect("it is read");
    let Inspection::Workload(seen) = found else { panic!("{found:?}") };
    let release = seen.release.as_ref().expect("it is of one").as_ref().expect("it is read");
    assert_eq!(release.may_keep, Ok(false));
    let numbers: Vec<(i64, bool)> = release.revisions.iter().map(|one| (one.number, one.body.is_ok())).collect();
    assert_eq!(numbers, [(2, false), (1, true)]);
    let body = release.revisions[1].body.as_ref().expect("readable");
    let rendered = body.rendered(&key()).expect("it makes the workload");
    assert_eq!(
        (rendered.replicas, body.hooks[0].to_string().as_str(), body.hooks[0].migrates),
        (Some(2), "job/web-migrate", true)
    );
    assert_eq!(seen.references.get("configmap/old-cfg"), Some(&Ok(false)), "{:?}", seen.references);
}

#[tokio::test]
async fn of_its_kin_only_what_is_its_own_is_read() {
    let server = scripted::serve(|asked| match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/statefulsets/store" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "store", "namespace": "shop", "uid": "u2"},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "store"}}, "template": template("reg/store:1")}}),
        ),
        _ => history(asked),
    })
    .await;
    let inspector = WorkloadInspector::new(server.cluster.clone());
    let own = Box::pin(inspector.workload(&key(), true, None)).await.unwrap();
    let before = server.asked().len();
    let store = WorkloadKey { kind: WorkloadKind::StatefulSet, name: "store".into(), ..key() };
    let Inspection::Workload(kin) = inspector.kin(&own, &store).await.unwrap() else { panic!("not a workload") };
    let paths: Vec<String> = server.asked()[before..].iter().map(|asked| asked.path.clone()).collect();
    for shared in ["/api/v1/nodes", "resourcequotas", "/secrets/sh.helm", "/version", "kube-system"] {
        assert!(!paths.iter().any(|path| path.contains(shared)), "{shared} was read again: {paths:#?}");
    }
    assert!(paths.iter().any(|path| path.ends_with("/controllerrevisions")), "{paths:#?}");
    assert_eq!((kin.workload.desired, kin.workload.key), (1, store));
    assert_eq!((kin.server, kin.cluster_id, kin.quotas), (own.server, own.cluster_id, own.quotas));
    assert!(own.image_nodes.is_ok() && kin.image_nodes == own.image_nodes, "{:?}", kin.image_nodes);
    assert!(kin.around.is_some());
}
