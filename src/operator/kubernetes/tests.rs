//! The operator against a small API server that keeps one Deployment and really applies patches.

mod beside;
mod deletions;
mod events;
#[cfg(unix)]
mod helm;
mod on_demo;
mod resize;
mod resize_on_demo;
mod restarts;
mod rollouts;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::response::Response;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::*;
use crate::{
    source::kubernetes::scripted::{self, Asked, Fake},
    time::{SystemClock, TestClock},
};

fn key() -> WorkloadKey {
    WorkloadKey {
        cluster: BackendId::new("c"),
        namespace: "shop".into(),
        kind: WorkloadKind::Deployment,
        name: "web".into(),
    }
}

fn template_of(image: &str) -> Value {
    // A field that is newer than the types this program was built with: it comes through whole or the undo is a change.
    let newer = json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [137]}}]);
    let container = json!({"name": "app", "image": image, "restartPolicyRules": newer});
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}})
}

type Race = Box<dyn FnOnce(&mut Value) + Send>;

/// A Deployment that its controllers keep writing to.
struct World {
    object: Mutex<Value>,
    /// Done to the object when a patch arrives, before it is applied: somebody was faster.
    race: Mutex<Option<Race>>,
    /// Instead of an answer to writes.
    refusal: Mutex<Option<Response>>,
}

impl World {
    fn new() -> Arc<Self> {
        let object = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "100", "generation": 7,
                "annotations": {"argocd.argoproj.io/tracking-id": "t"}},
            "spec": {"replicas": 3, "template": template_of("reg/web:2")}});
        Arc::new(Self { object: Mutex::new(object), race: Mutex::default(), refusal: Mutex::default() })
    }

    fn answer(&self, asked: &Asked) -> Response {
        if asked.method == "GET" {
            return scripted::json_answer(200, &self.object.lock().unwrap());
        }
        if let Some(refusal) = self.refusal.lock().unwrap().take() {
            return refusal;
        }
        if asked.method == "POST" || asked.method == "DELETE" {
            return scripted::json_answer(200, &json!({}));
        }
        let mut object = self.object.lock().unwrap();
        if let Some(race) = self.race.lock().unwrap().take() {
            race(&mut object);
        }
        let mut patched = object.clone();
        let operations = patch::without_tests_of_nothing(&patched, &asked.body);
        let operations: json_patch::Patch = serde_json::from_value(operations).unwrap();
        if json_patch::patch(&mut patched, &operations).is_err() {
            return scripted::status(422, "Invalid", "the server rejected our request due to an error in our request");
        }
        patched["metadata"]["generation"] = json!(8);
        if asked.query("dryRun").is_none() {
            *object = patched.clone();
        }
        scripted::json_answer(200, &patched)
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.object.lock().unwrap());
    }

    fn set_race(&self, race: impl FnOnce(&mut Value) + Send + 'static) {
        *self.race.lock().unwrap() = Some(Box::new(race));
    }

    fn image(&self) -> String {
        self.object
            .lock()
            .unwrap()
            .pointer("/spec/template/spec/containers/0/image")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// A status write, as kubelets and controllers send them all the time.
fn write_status(object: &mut Value, number: u64) {
    object["status"] = json!({"unavailableReplicas": number % 3});
    object["metadata"]["resourceVersion"] = json!((200 + number).to_string());
}

/// `kubectl edit`, four seconds before the tests' now.
fn edit(object: &mut Value) {
    object["spec"]["template"] = template_of("reg/web:13");
    object["metadata"]["managedFields"] = json!([
        {"manager": "ci", "time": "2026-01-02T02:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "kubectl-edit", "time": "2026-01-02T03:04:01Z", "fieldsV1": {"f:spec": {"f:template": {}}}}]);
}

async fn operator(world: &Arc<World>) -> (Fake, ClusterOperator) {
    let world = world.clone();
    let clock = TestClock::at("2026-01-02T03:04:05Z".parse().unwrap());
    let server = scripted::serve_at(move |asked| world.answer(asked), Arc::new(clock)).await;
    let operator = ClusterOperator::new(server.cluster.writer().unwrap());
    (server, operator)
}

fn roll_back() -> Write {
    Write::PatchTemplate {
        workload: key(),
        uid: "u1".into(),
        live: template_of("reg/web:2"),
        target: template_of("reg/web:1"),
        annotations: BTreeMap::from([("kubernetes.io/change-cause".to_owned(), "midwatch: roll back".to_owned())]),
    }
}

#[tokio::test]
async fn fifty_status_writes_do_not_stop_a_rollback_and_one_template_change_does() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    for number in 0..50 {
        world.change(|object| write_status(object, number));
    }
    // More of them between our last look and the patch.
    world.set_race(|object| (50..100).for_each(|number| write_status(object, number)));
    let done = operator.execute(&roll_back()).await.unwrap();
    assert_eq!(world.image(), "reg/web:1");
    assert_eq!((done.says.as_str(), done.reference.as_deref()), ("the template is replaced (generation 8)", Some("8")));
    let annotations = world.object.lock().unwrap()["metadata"]["annotations"].clone();
    assert_eq!(annotations["kubernetes.io/change-cause"], "midwatch: roll back");
    assert_eq!(annotations["argocd.argoproj.io/tracking-id"], "t", "other marks stay");
    let sent = &server.asked_with("PATCH", "/deployments/web")[0];
    assert_eq!((sent.query("fieldManager"), sent.media.as_str()), (Some("midwatch"), JSON_PATCH));

    let world = World::new();
    let (server, operator) = self::operator(&world).await;
    world.change(edit);
    let error = operator.execute(&roll_back()).await.unwrap_err();
    let says = "'kubectl-edit' changed the template of 'deploy/web' to 13, 4 s ago; nothing was sent";
    assert_eq!(error, ActionError::Moved(Clean::line(says)));
    assert!(server.asked_with("PATCH", "").is_empty());
    assert_eq!(world.image(), "reg/web:13");
}

#[tokio::test]
async fn a_change_after_our_last_look_is_caught_by_the_servers_guard() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    world.set_race(edit);
    let error = operator.execute(&roll_back()).await.unwrap_err();
    let ActionError::Moved(says) = error else { panic!("{error:?}") };
    assert_eq!(
        says,
        "'kubectl-edit' changed the template of 'deploy/web' to 13, 4 s ago; the server's guard held and nothing was changed"
    );
    assert_eq!(world.image(), "reg/web:13");
    assert_eq!(server.asked_with("PATCH", "").len(), 1, "sent once, never again");
}

/// Where the winner went is said; the age is by the clock that dated the change.
#[tokio::test]
async fn the_loser_of_a_race_is_told_what_was_changed_and_when() {
    let world = World::new();
    let (answers, clock) = (world.clone(), TestClock::at("2026-01-02T03:04:05Z".parse().unwrap()));
    let answer = move |asked: &Asked| {
        let mut answer = answers.answer(asked);
        answer.headers_mut().insert("date", scripted::date("2026-01-02T03:14:05Z".parse().unwrap()));
        answer
    };
    let server = scripted::serve_at(answer, Arc::new(clock)).await;
    let operator = ClusterOperator::new(server.cluster.writer().unwrap());
    world.change(edit);
    let says = operator.execute(&roll_back()).await.unwrap_err().to_string();
    assert_eq!(says, "'kubectl-edit' changed the template of 'deploy/web' to 13, 10m ago; nothing was sent");
    // The same image, other fields.
    world.change(|object| {
        object["spec"]["template"] = template_of("reg/web:2");
        object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(5);
    });
    let says = operator.execute(&roll_back()).await.unwrap_err().to_string();
    assert_eq!(says, "'kubectl-edit' changed the template of 'deploy/web' 10m ago; nothing was sent");
}

#[tokio::test]
async fn an_object_made_anew_under_the_same_name_is_another_one() {
    let world = World::new();
    let (_server, operator) = operator(&world).await;
    world.change(|object| object["metadata"]["uid"] = json!("u2"));
    let error = operator.execute(&roll_back()).await.unwrap_err();
    assert_eq!(error.to_string(), "'deploy/web' was deleted and made anew; nothing was sent");
}

#[tokio::test]
async fn a_rehearsal_changes_nothing() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    let rehearsed = operator.rehearse(&roll_back()).await.unwrap();
    assert_eq!(rehearsed.unwrap(), "the server would accept it (dry run)");
    assert_eq!(world.image(), "reg/web:2");
    assert_eq!(server.asked_with("PATCH", "")[0].query("dryRun"), Some("All"));
    let warnings = operator.rehearse_pod(&key(), &template_of("reg/web:1")).await.unwrap();
    assert!(warnings.is_empty());
    let pod = &server.asked_with("POST", "/api/v1/namespaces/shop/pods")[0];
    assert_eq!((pod.query("dryRun"), &pod.body["kind"]), (Some("All"), &json!("Pod")));
    *world.refusal.lock().unwrap() = Some(scripted::status(403, "Forbidden", "exceeded quota: q"));
    let refused = operator.rehearse_pod(&key(), &template_of("reg/web:1")).await.unwrap_err();
    assert_eq!(refused, ActionError::Refused("exceeded quota: q".into()));
}

#[tokio::test]
async fn refusals_are_verbatim_and_lost_answers_are_unknown() {
    type Is = fn(&ActionError) -> bool;
    let cases: [(u16, &str, &str, Is); 8] = [
        (
            403,
            "Forbidden",
            "deployments.apps \"web\" is forbidden: User \"jo\" cannot patch",
            |e| matches!(e, ActionError::Refused(s) if s == "deployments.apps \"web\" is forbidden: User \"jo\" cannot patch"),
        ),
        (422, "Invalid", "Deployment \"web\" is invalid: spec.template", |e| matches!(e, ActionError::Refused(_))),
        (409, "Conflict", "the object has been modified", |e| matches!(e, ActionError::Moved(_))),
        (429, "TooManyRequests", "slow down", |e| matches!(e, ActionError::Refused(_))),
        (503, "ServiceUnavailable", "no backend", |e| matches!(e, ActionError::Refused(_))),
        (500, "InternalError", "failed calling webhook \"x\"", |e| matches!(e, ActionError::Refused(_))),
        (500, "InternalError", "etcdserver: request timed out", |e| matches!(e, ActionError::Unknown(_))),
        (504, "Timeout", "request did not complete", |e| matches!(e, ActionError::Unknown(_))),
    ];
    for (code, reason, message, is_right) in cases {
        let world = World::new();
        let (server, operator) = operator(&world).await;
        *world.refusal.lock().unwrap() = Some(scripted::status(code, reason, message));
        let error = operator.execute(&roll_back()).await.unwrap_err();
        assert!(is_right(&error), "{code} {message}: {error:?}");
        if let ActionError::Unknown(says) = error {
            assert!(
                says.contains("may have happened")
                    && says.contains("`kubectl -n shop rollout history deploy/web --context "),
                "{says}"
            );
        }
        assert_eq!(server.asked_with("PATCH", "").len(), 1, "sent once, never again");
    }
}

/// The server put it off, or knows nobody by this login: it has not looked at what was asked.
#[tokio::test]
async fn a_rehearsal_that_is_put_off_is_no_verdict() {
    for (code, reason) in [(401, "Unauthorized"), (429, "TooManyRequests"), (503, "ServiceUnavailable")] {
        let world = World::new();
        let (_server, operator) = operator(&world).await;
        let refuse = || *world.refusal.lock().unwrap() = Some(scripted::status(code, reason, "please try again later"));
        refuse();
        let pod = operator.rehearse_pod(&key(), &template_of("reg/web:1")).await.unwrap_err();
        refuse();
        let write = operator.rehearse(&roll_back()).await.unwrap().unwrap_err();
        for error in [pod, write] {
            let ActionError::NotSent(says) = error else { panic!("{code}: {error:?}") };
            assert!(says.starts_with("the rehearsal has no answer: "), "{says}");
        }
    }
}

/// A proxy may have passed on what it says this of.
#[tokio::test]
async fn unavailable_without_the_servers_own_words_is_unknown_and_looked_at() {
    let world = World::new();
    let (_server, operator) = operator(&world).await;
    let says = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
    *world.refusal.lock().unwrap() = Some(Response::builder().status(503).body(says.into()).unwrap());
    let error = operator.execute(&roll_back()).await.unwrap_err();
    assert!(matches!(&error, ActionError::Unknown(says) if says.contains("may have happened")), "{error:?}");
    assert!(matches!(operator.look(&roll_back(), Timestamp::UNIX_EPOCH).await, Some(Ok(Found::Missing(_)))));
    world.change(|object| object["spec"]["template"] = template_of("reg/web:1"));
    assert!(matches!(operator.look(&roll_back(), Timestamp::UNIX_EPOCH).await, Some(Ok(Found::InForce(_)))));
}

#[tokio::test]
async fn a_connection_cut_after_sending_is_unknown_and_none_at_all_is_not_sent() {
    let nobody = scripted::cluster(1, Arc::new(SystemClock)).await;
    let error = ClusterOperator::new(nobody.writer().unwrap()).execute(&roll_back()).await.unwrap_err();
    assert!(matches!(&error, ActionError::NotSent(says) if says.contains("nothing was sent")), "{error:?}");

    // Reads the request, answers GETs, and closes on the patch.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let object = World::new().object.lock().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 16 * 1024];
            let read = socket.read(&mut buffer).await.unwrap_or_default();
            if buffer[..read].starts_with(b"GET") {
                let answer =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{object}", object.len());
                let _gone = tokio::io::AsyncWriteExt::write_all(&mut socket, answer.as_bytes()).await;
            }
        }
    });
    let cluster = scripted::cluster(port, Arc::new(SystemClock)).await;
    let error = ClusterOperator::new(cluster.writer().unwrap()).execute(&roll_back()).await.unwrap_err();
    assert!(matches!(&error, ActionError::Unknown(says) if says.contains("may have happened")), "{error:?}");
}

#[tokio::test]
async fn a_paused_deployment_is_neither_rolled_back_nor_restarted() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    world.change(|object| object["spec"]["paused"] = json!(true));
    let restart = Write::Restart {
        workload: key(),
        uid: "u1".into(),
        live: template_of("reg/web:2"),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        by: "bob".into(),
    };
    for write in [roll_back(), restart.clone()] {
        let error = operator.execute(&write).await.unwrap_err();
        assert!(
            matches!(&error, ActionError::Refused(says) if says.contains("kubectl -n shop rollout resume deploy/web --context ")),
            "{error:?}"
        );
    }
    assert!(server.asked_with("PATCH", "").is_empty());
    world.change(|object| object["spec"]["paused"] = json!(false));
    operator.execute(&restart).await.unwrap();
    let object = world.object.lock().unwrap();
    let mark = object.pointer("/spec/template/metadata/annotations").unwrap();
    assert_eq!(mark["kubectl.kubernetes.io/restartedAt"], "2026-01-02T03:04:05Z");
}

#[tokio::test]
async fn scaling_compares_first_and_is_guarded() {
    let world = World::new();
    let (server, operator) = operator(&world).await;
    let scale = |from, to| Write::Scale { workload: key(), uid: "u1".into(), from, to };
    let error = operator.execute(&scale(2, 5)).await.unwrap_err();
    assert_eq!(error, ActionError::Moved("'deploy/web' has 3 replicas by now, not 2; nothing was sent".into()));
    world.set_race(|object| object["spec"]["replicas"] = json!(9));
    let error = operator.execute(&scale(3, 5)).await.unwrap_err();
    assert!(matches!(&error, ActionError::Moved(says) if says.contains("has 9 replicas by now")), "{error:?}");
    operator.execute(&scale(9, 5)).await.unwrap();
    assert_eq!(world.object.lock().unwrap()["spec"]["replicas"], 5);
    operator.execute(&scale(5, 1)).await.unwrap();
    let done = operator.execute(&scale(1, 3)).await.unwrap();
    assert!(done.says.starts_with("1 replica is now 3"), "{}", done.says);
    assert!(server.asked_with("PATCH", "").iter().all(|asked| asked.path.ends_with("/deployments/web/scale")));
}

/// Whatever the kind: its template is never read as one of our types.
#[tokio::test]
async fn a_rollback_brings_back_every_field_of_the_template() {
    for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet, WorkloadKind::Rollout] {
        let world = World::new();
        let (server, operator) = operator(&world).await;
        let mut write = roll_back();
        let Write::PatchTemplate { workload, .. } = &mut write else { panic!("a template") };
        workload.kind = kind;
        operator.execute(&write).await.unwrap();
        assert_eq!(world.object.lock().unwrap()["spec"]["template"], template_of("reg/web:1"));
        assert_eq!(server.asked_with("PATCH", &format!("/{}/web", kind.plural())).len(), 1);
    }
}
