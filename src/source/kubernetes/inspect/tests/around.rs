//! What stands around a workload, against a small API server: each read by itself.

use super::*;
use crate::{
    action::around::{Around, JobState, Other, Seen},
    source::kubernetes::tests::on_demo,
};

/// A namespace with something of everything, as of 03:00; the ConfigMap was edited at 03:20.
fn space(asked: &Asked) -> axum::response::Response {
    let list = |items: Value| scripted::json_answer(200, &json!({"metadata": {}, "items": items}));
    let labels = json!({"app.kubernetes.io/part-of": "shop"});
    let run = |image: &str| json!({"spec": {"containers": [{"name": "c", "image": image}]}});
    let fields =
        |manager: &str, time: &str, part: &str| json!({"manager": manager, "time": time, "fieldsV1": {part: {}}});
    match asked.path.as_str() {
        "/apis/apps/v1/namespaces/shop/deployments/web" => {
            let mut object: Value = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "labels": labels},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("reg/web:2")}});
            object["spec"]["template"]["spec"]["containers"][0]["env"] =
                json!([{"name": "K", "valueFrom": {"secretKeyRef": {"name": "extra", "key": "k", "optional": true}}}]);
            object["spec"]["template"]["spec"]["imagePullSecrets"] = json!([{"name": "pull"}]);
            scripted::json_answer(200, &object)
        }
        "/apis/apps/v1/namespaces/shop/deployments" => list(json!([
            {"metadata": {"name": "web"}, "spec": {"template": run("reg/web:2")}},
            {"metadata": {"name": "api", "labels": labels}, "spec": {"template": run("reg/api:2")}}])),
        "/apis/apps/v1/namespaces/shop/statefulsets" => scripted::json_answer(
            200,
            &json!({
            "metadata": {"continue": "more"}, "items": [{"metadata": {"name": "db"}, "spec": {"template": run("reg/db:9")}}]}),
        ),
        "/apis/batch/v1/namespaces/shop/cronjobs" => list(json!([{"metadata": {"name": "report"},
            "spec": {"jobTemplate": {"spec": {"template": run("reg/web:2")}}}}])),
        "/apis/batch/v1/namespaces/shop/jobs" => list(json!([
            {"metadata": {"name": "up", "creationTimestamp": "2026-01-02T03:00:00Z", "labels": {"app": "web"},
                "annotations": {"helm.sh/hook": "pre-upgrade"}},
                "spec": {"template": run("reg/web:2")}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}},
            {"metadata": {"name": "chart-test", "annotations": {"helm.sh/hook": "test"}},
                "spec": {"template": {"spec": {"initContainers": [{"name": "i", "image": "reg/i:1"}],
                    "containers": [{"name": "alembic", "image": "reg/t:1"}]}}},
                "status": {"conditions": [{"type": "Failed", "status": "True"}]}},
            {"metadata": {"name": "report-1", "ownerReferences": [{"kind": "CronJob", "name": "report"}]},
                "spec": {"template": run("reg/web:2")}},
            {"metadata": {"name": "queued"}, "spec": {"suspend": true, "template": run("reg/web:2")},
                "status": {"conditions": [{"type": "Suspended", "status": "True"}]}},
            {"metadata": {"name": "ending"}, "spec": {"suspend": true, "template": run("reg/web:2")}, "status": {"active": 1}},
            {"metadata": {"name": "resumed"}, "spec": {"suspend": false, "template": run("reg/web:2")},
                "status": {"conditions": [{"type": "Suspended", "status": "True"}]}}])),
        "/api/v1/namespaces/shop/services" => list(json!([
            {"metadata": {"name": "web", "managedFields": [fields("helm", "2026-01-02T03:00:00Z", "f:spec"),
                fields("lb", "2026-01-02T04:00:00Z", "f:status"), fields("notes", "2026-01-02T05:00:00Z", "f:metadata")]},
                "spec": {"selector": {"app": "web"}}},
            {"metadata": {"name": "api"}, "spec": {"selector": {"app": "api"}}},
            {"metadata": {"name": "outside"}, "spec": {}}])),
        "/api/v1/namespaces/shop/configmaps/cfg" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "cfg",
            "creationTimestamp": "2025-01-01T00:00:00Z", "managedFields": [fields("helm", "2026-01-02T03:00:00Z", "f:data"),
                fields("kubectl-edit", "2026-01-02T03:20:00Z", "f:data")]}}),
        ),
        "/api/v1/namespaces/shop/secrets/extra" => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "extra",
            "creationTimestamp": "2025-01-01T00:00:00Z"}}),
        ),
        _ => world(asked),
    }
}

async fn read(refused: &'static str, request: Request) -> (WorkloadInspection, Fake) {
    let server = scripted::serve(move |asked| {
        if asked.path.ends_with(refused) && !refused.is_empty() {
            scripted::status(403, "Forbidden", "it is forbidden")
        } else {
            space(asked)
        }
    })
    .await;
    match WorkloadInspector::new(server.cluster.clone()).inspect(&request).await.unwrap() {
        Inspection::Workload(seen) => (*seen, server),
        other => panic!("{other:?}"),
    }
}

fn back() -> Request {
    Request::RollBack { workload: key(), to: None, alert: None }
}

async fn around(refused: &'static str) -> Around {
    *read(refused, back()).await.0.around.expect("a rollback looks around")
}

#[tokio::test]
async fn the_namespace_is_read_and_only_for_a_rollback() {
    let found = around("").await;
    let edited = found.config["configmap/cfg"].as_ref().unwrap().as_ref().unwrap();
    assert_eq!((&*edited.by, edited.at.to_string().as_str()), ("kubectl-edit", "2026-01-02T03:20:00Z"));
    let made = found.config["secret/extra"].as_ref().unwrap().as_ref().expect("optional configuration is read too");
    assert_eq!(made.at.to_string(), "2025-01-01T00:00:00Z", "without field managers its creation counts");
    assert_eq!(found.config["secret/gone"], Ok(None));
    let [(name, Some(change))] = found.services.found.as_slice() else { panic!("{:?}", found.services) };
    assert_eq!((&**name, &*change.by), ("web", "helm"), "status and notes are no change of what it says");
    let jobs: Vec<_> =
        found.jobs.found.iter().map(|job| (&*job.name, job.state, job.is_hook, job.is_scheduled)).collect();
    assert_eq!(
        jobs,
        [
            ("up", JobState::Done, true, false),
            ("chart-test", JobState::Failed, false, false),
            ("report-1", JobState::Running, false, true),
            ("queued", JobState::Suspended, false, false),
            ("ending", JobState::Running, false, false),
            ("resumed", JobState::Running, false, false)
        ]
    );
    assert_eq!((found.jobs.found[1].migrates, found.jobs.found[1].images.len()), (true, 2));
    let kin: Vec<bool> = found.jobs.found.iter().map(|job| job.is_kin).collect();
    assert_eq!(kin, [true, false, false, false, false, false], "by a label that it shares with the workload");
    let others: Vec<_> = found.others.found.iter().map(|other| (&*other.name, other.is_kin)).collect();
    assert_eq!(others, [("deploy/api", true), ("sts/db", false), ("cronjob/report", false)]);
    // Daemon sets are not served here; of stateful sets there are more.
    let unread: Vec<&str> = found.others.unread.iter().map(|why| &**why).collect();
    assert!(unread.contains(&"only the first 500 statefulsets were read"), "{unread:?}");
    assert!(unread.iter().any(|why| why.starts_with("daemonsets could not be read")), "{unread:?}");

    let (seen, server) = read("", Request::Restart { workload: key() }).await;
    assert!(seen.around.is_none());
    assert_eq!(seen.references["secret/pull"], Ok(false), "what images are pulled with is asked for too");
    assert!(!found.config.contains_key("secret/pull"), "and no container reads it");
    assert!(server.asked_with("GET", "/batch/").is_empty() && server.asked_with("GET", "/services").is_empty());
}

#[tokio::test]
async fn no_configuration_is_read_with_its_data() {
    let (_, server) = read("", back()).await;
    for part in ["/secrets/", "/configmaps/"] {
        let asked = server.asked_with("GET", part);
        assert!(
            !asked.is_empty() && asked.iter().all(|asked| asked.accept.contains("as=PartialObjectMetadata")),
            "{part}"
        );
    }
    let mut names: Vec<String> = server.asked_with("GET", "/configmaps/").into_iter().map(|asked| asked.path).collect();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "whether it is there and when it changed is one question");
}

#[tokio::test]
async fn a_refused_read_leaves_the_others() {
    for refused in [
        "/jobs",
        "/cronjobs",
        "/services",
        "/deployments",
        "/configmaps/cfg",
        "/resourcequotas",
        "/horizontalpodautoscalers",
    ] {
        let (seen, _) = read(refused, back()).await;
        let found = seen.around.as_ref().expect("read");
        let is_refused = |why: &[Clean]| why.iter().any(|why| why.contains("it is forbidden"));
        let refusals = [
            ("/jobs", is_refused(&found.jobs.unread)),
            ("/cronjobs", is_refused(&found.others.unread)),
            ("/services", is_refused(&found.services.unread)),
            ("/deployments", found.others.unread.iter().any(|why| why.contains("deployments could not be read"))),
            ("/configmaps/cfg", found.config["configmap/cfg"].is_err()),
            ("/resourcequotas", seen.quotas.is_err()),
            ("/horizontalpodautoscalers", seen.autoscaler.is_err()),
        ];
        for (what, is_unread) in refusals {
            let expected = what == refused || what == "/cronjobs" && refused == "/deployments";
            assert_eq!(is_unread, expected, "{what}, with {refused} refused");
        }
        let names: Vec<&str> = seen.warnings.iter().map(|warning| &**warning).collect();
        assert!(!names.iter().any(|warning| warning.contains("it is forbidden")), "no check of its own: {names:?}");
    }
}

#[tokio::test]
async fn argo_rollouts_are_looked_at_where_there_are_any() {
    const API: &str = "/apis/argoproj.io/v1alpha1";
    let others = async |is_installed: bool, may_list: bool| {
        let server = scripted::serve(move |asked| match asked.path.strip_prefix(API) {
            Some("") if is_installed => scripted::json_answer(200, &json!({"resources": [{"name": "rollouts"}]})),
            Some("/namespaces/shop/rollouts") if may_list => scripted::json_answer(200, &json!({"items": [
                {"metadata": {"name": "worker"}, "spec": {"template": template("reg/web:2")}},
                {"metadata": {"name": "of-a-deployment"}, "spec": {"workloadRef": {"kind": "Deployment", "name": "api"}}}]})),
            // As a server answers whoever may not list them, whether it knows them or not.
            Some("/namespaces/shop/rollouts") => scripted::status(403, "Forbidden", "rollouts is forbidden"),
            None if asked.path == "/apis" => scripted::json_answer(200, &json!({"groups": []})),
            _ => space(asked),
        })
        .await;
        let inspection = WorkloadInspector::new(server.cluster.clone()).inspect(&back()).await.unwrap();
        let Inspection::Workload(seen) = inspection else { panic!("{inspection:?}") };
        seen.around.expect("a rollback looks around").others
    };
    let seen = others(true, true).await;
    let worker = seen.found.iter().find(|other| other.name == "ro/worker").expect("it is there");
    assert_eq!(&*worker.images[0], "reg/web:2");
    let unread = |seen: &Seen<Other>| seen.unread.iter().any(|why| why.contains("rollouts could not be read"));
    assert!(!unread(&seen));
    assert!(unread(&others(true, false).await));
    assert!(!unread(&others(false, false).await), "there are none");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_something_of_each() {
    let demo = on_demo::served().await;
    let cluster = on_demo::cluster(&demo).await;
    let workload =
        WorkloadKey { cluster: cluster.id().clone(), namespace: "production".into(), name: "myapp".into(), ..key() };
    let request = Request::RollBack { workload, to: None, alert: None };
    let Inspection::Workload(seen) = WorkloadInspector::new(cluster).inspect(&request).await.unwrap() else { panic!() };
    let found = seen.around.as_ref().expect("read");
    let edited = found.config["configmap/myapp-settings"].as_ref().unwrap().as_ref().unwrap();
    let live = seen.revisions.iter().find(|revision| revision.is_live).and_then(|live| live.created).unwrap();
    assert!(&*edited.by == "kubectl-edit" && edited.at > live, "{edited:?}, live since {live}");
    let job = found.jobs.found.iter().find(|job| job.migrates).expect("a migration");
    assert_eq!((&*job.name, job.state), ("myapp-migrate-412", JobState::Done));
    let on_live: Vec<&str> = (found.others.found.iter())
        .filter(|other| other.images.iter().any(|image| image.ends_with("/myapp:412")))
        .map(|other| &*other.name)
        .collect();
    assert_eq!(on_live, ["cronjob/myapp-digest"]);
    assert_eq!(found.services.found.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["myapp"]);
    assert!(found.jobs.unread.is_empty() && found.others.unread.is_empty() && found.services.unread.is_empty());
    assert_eq!((seen.surge, seen.quotas.as_ref().unwrap().len()), (3, 1));
}
