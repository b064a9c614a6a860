//! Pods that are deleted or evicted: by their uid, with their own grace, once.

use super::*;
use crate::{
    action::{
        Done, Found, ObjectAct,
        object::{ObjectWrite, Version},
    },
    model::kubernetes::{
        ObjectKey,
        resource::{Resource, ResourceKey},
    },
    time::Clock as _,
};

fn on_pod(act: ObjectAct) -> Write {
    let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "db-0".into() };
    Write::Object(ObjectWrite { object: ResourceKey::from(&pod), uid: "u1".into(), version: None, act, job: None })
}

/// `kubectl delete --grace-period=0` is another act than any of ours: who says nothing has the pod's own.
fn keeps_its_grace(asked: &Asked) {
    assert_eq!(asked.query("gracePeriodSeconds"), None);
    assert!(!asked.body.to_string().contains("gracePeriodSeconds"), "{}", asked.body);
}

#[tokio::test]
async fn an_eviction_and_a_deletion_carry_the_uid_where_the_server_reads_it() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    assert!(operator.rehearse(&on_pod(ObjectAct::Evict)).await.unwrap().is_ok());
    operator.execute(&on_pod(ObjectAct::Evict)).await.unwrap();
    let sent = server.asked_with("POST", "/api/v1/namespaces/shop/pods/db-0/eviction");
    assert_eq!(sent.iter().map(|asked| asked.query("dryRun")).collect::<Vec<_>>(), [Some("All"), None]);
    for asked in sent {
        // `delete_options`, as a crate once wrote it, is ignored by the server: any pod of the name would go.
        assert_eq!(asked.body["deleteOptions"]["preconditions"]["uid"], "u1");
        assert_eq!(asked.body["metadata"]["name"], "db-0");
        keeps_its_grace(&asked);
    }
    operator.execute(&on_pod(ObjectAct::Delete)).await.unwrap();
    let sent = &server.asked_with("DELETE", "/api/v1/namespaces/shop/pods/db-0")[0];
    assert_eq!(sent.body["preconditions"]["uid"], "u1");
    keeps_its_grace(sent);
}

/// kube's own layer tried such a one sixteen times, for five and a half minutes.
#[tokio::test]
async fn a_budgets_refusal_is_shown_at_once_in_its_words_and_was_asked_for_once() {
    for rehearses in [true, false] {
        let world = World::new();
        let (server, operator) = operator(&world).await;
        let why = "The disruption budget db needs 2 healthy pods and has 2 currently";
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.", "code": 429,
            "details": {"causes": [{"reason": "DisruptionBudget", "message": why}], "retryAfterSeconds": 60}});
        let mut refusal = scripted::json_answer(429, &body);
        refusal.headers_mut().insert("retry-after", "60".parse().unwrap());
        *world.refusal.lock().unwrap() = Some(refusal);
        let began = SystemClock.now();
        let said = if rehearses {
            operator.rehearse(&on_pod(ObjectAct::Evict)).await.unwrap().map(|_| ())
        } else {
            operator.execute(&on_pod(ObjectAct::Evict)).await.map(|_| ())
        };
        let Err(ActionError::Refused(says)) = said else { panic!("{said:?}") };
        assert!(says.starts_with("Cannot evict pod") && says.contains(why), "{says}");
        assert_eq!(server.asked_with("POST", "/eviction").len(), 1);
        assert!(SystemClock.now().since(began.mono).as_secs() < 30, "nobody waited for what it said");
    }
}

/// The server's own error 500, and yet a certain no (kubernetes `pkg/registry/core/pod/storage/eviction.go`).
#[tokio::test]
async fn the_eviction_of_a_pod_with_two_budgets_is_refused() {
    let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    let world = World::new();
    let (_server, operator) = operator(&world).await;
    let refuse = || *world.refusal.lock().unwrap() = Some(scripted::status(500, "", why));
    refuse();
    let rehearsed = operator.rehearse(&on_pod(ObjectAct::Evict)).await.unwrap().map(|_| ());
    refuse();
    let executed = operator.execute(&on_pod(ObjectAct::Evict)).await.map(|_| ());
    for said in [rehearsed, executed] {
        assert_eq!(said, Err(ActionError::Refused(why.into())));
    }
}

/// A StatefulSet `db`, and what becomes of deletions of its pods.
async fn set_of(
    pods: Vec<Value>,
    answers: impl Fn(&Asked) -> Response + Send + Sync + 'static,
) -> (Fake, ClusterOperator) {
    partitioned(0, pods, answers).await
}

async fn partitioned(
    partition: u64,
    pods: Vec<Value>,
    answers: impl Fn(&Asked) -> Response + Send + Sync + 'static,
) -> (Fake, ClusterOperator) {
    let server = scripted::serve(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/apis/apps/v1/namespaces/shop/statefulsets/db") => scripted::json_answer(
            200,
            &json!({"metadata": {"name": "db", "namespace": "shop", "uid": "u1"},
                "spec": {"selector": {"matchLabels": {"app": "db"}},
                    "updateStrategy": {"rollingUpdate": {"partition": partition}}}}),
        ),
        ("GET", "/api/v1/namespaces/shop/pods") => {
            assert_eq!(asked.query("labelSelector"), Some("app=db"));
            scripted::json_answer(200, &json!({"items": pods}))
        }
        ("DELETE", _) => answers(asked),
        _ => panic!("{} {}", asked.method, asked.path),
    })
    .await;
    let operator = ClusterOperator::new(server.cluster.writer().unwrap());
    (server, operator)
}

fn pod(number: u32, of: &str, is_ready: bool) -> Value {
    json!({"metadata": {"name": format!("db-{number}"), "namespace": "shop", "uid": format!("p{number}"),
            "labels": {"app": "db", "controller-revision-hash": of}},
        "spec": {"containers": [{"name": "db", "image": "db:1"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "db", "ready": is_ready, "restartCount": 0,
            "image": "db:1", "imageID": "", "state": {"running": {"startedAt": "2026-01-02T03:00:00Z"}}}],
            "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}]}})
}

fn unready(uid: &str) -> Write {
    let workload = WorkloadKey { kind: WorkloadKind::StatefulSet, name: "db".into(), ..key() };
    Write::DeleteUnready { workload, uid: uid.into(), of: ["db-bad".into(), "db-old".into()].into() }
}

#[tokio::test]
async fn of_a_stuck_set_the_unready_pods_of_the_versions_that_are_left_are_deleted_by_uid() {
    let mut going = pod(3, "db-bad", false);
    going["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:35Z");
    let pods = vec![pod(0, "db-bad", true), pod(1, "db-bad", false), pod(2, "db-good", false), going];
    let (server, operator) = set_of(pods, |_| scripted::json_answer(200, &json!({}))).await;
    assert!(operator.rehearse(&unready("u1")).await.unwrap().is_ok());
    let done = operator.execute(&unready("u1")).await.unwrap();
    assert_eq!(done.says, "pod db-1 is being deleted");
    let sent = server.asked_with("DELETE", "");
    assert_eq!(sent.iter().map(|asked| &asked.body["dryRun"]).collect::<Vec<_>>(), [&json!(["All"]), &Value::Null]);
    for asked in &sent {
        assert_eq!(
            (asked.path.as_str(), &asked.body["preconditions"]["uid"]),
            ("/api/v1/namespaces/shop/pods/db-1", &json!("p1"))
        );
        keeps_its_grace(asked);
    }
    let error = operator.execute(&unready("another")).await.unwrap_err();
    assert!(matches!(&error, ActionError::Moved(says) if says.contains("made anew; nothing was sent")), "{error:?}");
    assert_eq!(server.asked_with("DELETE", "").len(), 2);
}

#[tokio::test]
async fn below_a_partition_no_pod_is_deleted_that_would_come_back_as_it_was() {
    let pods = vec![pod(0, "db-old", false), pod(1, "db-bad", false), pod(2, "db-bad", false)];
    let (server, operator) = partitioned(2, pods, |_| scripted::json_answer(200, &json!({}))).await;
    let done = operator.execute(&unready("u1")).await.unwrap();
    assert_eq!(done.says, "pod db-2 is being deleted");
    assert_eq!(server.asked_with("DELETE", "").len(), 1);
}

#[tokio::test]
async fn a_pod_that_its_controller_replaced_meanwhile_is_as_good_as_deleted() {
    for code in [404, 409] {
        let (_server, operator) =
            set_of(vec![pod(1, "db-bad", false)], move |_| scripted::status(code, "", "no")).await;
        assert_eq!(operator.execute(&unready("u1")).await.unwrap().says, "no pod blocks its order any more");
    }
}

#[tokio::test]
async fn what_is_half_deleted_is_not_called_refused() {
    let pods = vec![pod(1, "db-bad", false), pod(2, "db-bad", false)];
    let forbids = |last: &'static str| {
        move |asked: &Asked| {
            if asked.path.ends_with(last) {
                scripted::status(403, "Forbidden", "pods \"db\" is forbidden")
            } else {
                scripted::json_answer(200, &json!({}))
            }
        }
    };
    let (_server, operator) = set_of(pods.clone(), forbids("db-1")).await;
    let error = operator.execute(&unready("u1")).await.unwrap_err();
    assert_eq!(error, ActionError::Refused("pods \"db\" is forbidden".into()));
    let (_server, operator) = set_of(pods, forbids("db-2")).await;
    let error = operator.execute(&unready("u1")).await.unwrap_err();
    assert!(matches!(&error, ActionError::Unknown(says) if says.starts_with("db-1 deleted, but then: ")), "{error:?}");
    // Of a rehearsal nothing is half done.
    let (_server, operator) = set_of(vec![pod(1, "db-bad", false), pod(2, "db-bad", false)], forbids("db-2")).await;
    let error = operator.rehearse(&unready("u1")).await.unwrap().unwrap_err();
    assert_eq!(error, ActionError::Refused("pods \"db\" is forbidden".into()));
}

#[tokio::test]
async fn a_status_that_moves_does_not_stop_a_deletion_and_another_wish_does() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    let resource = Arc::new(Resource::v1(("apps", "deployments", "Deployment"), true));
    let object = ResourceKey { cluster: BackendId::new("c"), resource, namespace: "shop".into(), name: "web".into() };
    let seen = Version::of(&world.object.lock().unwrap());
    assert_eq!(seen, Some(Version::Wishes(7)));
    let write =
        Write::Object(ObjectWrite { object, uid: "u1".into(), version: seen, act: ObjectAct::Delete, job: None });
    (0..50).for_each(|number| world.change(|object| write_status(object, number)));
    operator.execute(&write).await.unwrap();
    let sent = &server.asked_with("DELETE", "/deployments/web")[0];
    assert_eq!(sent.body["preconditions"], json!({"uid": "u1", "resourceVersion": "249"}), "as it was just read");
    world.change(|object| object["metadata"]["generation"] = json!(8));
    let error = operator.execute(&write).await.unwrap_err();
    assert!(matches!(&error, ActionError::Moved(says) if says.contains("was changed since")), "{error:?}");
    assert_eq!(server.asked_with("DELETE", "").len(), 1);
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_looked_at_by_the_pods_that_block_still() {
    let looked_at = async |pods: Vec<Value>, uid: &str| {
        let (_server, operator) = set_of(pods, |_| scripted::json_answer(200, &json!({}))).await;
        operator.look(&unready(uid), Timestamp::UNIX_EPOCH).await.expect("the pods tell").expect("they are read")
    };
    let mut going = pod(1, "db-bad", false);
    going["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:35Z");
    let done = Found::InForce(Done { says: "no pod blocks its order any more".into(), reference: None });
    assert_eq!(looked_at(vec![pod(0, "db-bad", true), going.clone()], "u1").await, done);
    let made_anew = pod(1, "db-good", false);
    assert_eq!(looked_at(vec![pod(0, "db-bad", true), made_anew], "u1").await, done);
    let found = looked_at(vec![going, pod(2, "db-old", false)], "u1").await;
    assert_eq!(found, Found::Missing("not being deleted: db-2 (uid p2)".into()));
    assert_eq!(looked_at(Vec::new(), "another").await, Found::Missing("sts/db is gone".into()));
}
