//! What is sent to Argo CD, and what is said when it fails; against a small server that answers as told.

use super::*;
use crate::{
    config::file,
    source::http::fake::{Asked, Behaviour, Fake, answer, json as good},
    time::SystemClock,
};

const PATH: &str = "/api/v1/applications/web";

fn spec(automated: bool) -> Value {
    let policy = if automated { json!({"automated": {"prune": true}}) } else { json!({}) };
    json!({"project": "shop", "syncPolicy": policy})
}

fn application(automated: bool) -> Value {
    json!({"metadata": {"name": "web", "namespace": "argocd", "uid": "u-1"}, "spec": spec(automated), "status": {
        "history": [{"id": 7, "revision": "aaa", "source": {"path": "web"}}, {"id": 8, "revision": "bbb"}]}})
}

fn key() -> OwnerKey {
    OwnerKey {
        cluster: BackendId::new("prod"),
        kind: OwnerKind::Application,
        version: "v1alpha1".into(),
        namespace: "argocd".into(),
        name: "web".into(),
        via: Some(BackendId::new("main")),
    }
}

fn sent() -> Timestamp {
    "2026-01-02T03:00:00Z".parse().expect("a time")
}

fn off() -> Write {
    Write::SwitchSync { owner: key(), uid: "u-1".into(), spec: spec(true), to: Switch::Off, by: "ana".into() }
}

fn back() -> Write {
    let sync = json!({"revision": "aaa", "source": {"path": "web"}});
    Write::SyncTo { owner: key(), uid: "u-1".into(), sync, by: "ana".into() }
}

async fn argo(behave: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> (Fake, ArgoCdOperator) {
    let fake = Fake::start(behave).await;
    let config = file::ArgoCd { name: "main".to_owned(), url: fake.url.clone(), ..Default::default() };
    let timeouts = file::Timeouts { connect: 1, idle: 1, answer: 1, ..Default::default() };
    let operator = ArgoCdOperator::new(Arc::new(ArgoCd::new(config, timeouts, Arc::new(SystemClock))));
    (fake, operator)
}

fn writes(fake: &Fake) -> Vec<Asked> {
    fake.asked().into_iter().filter(|asked| asked.method != "GET").collect()
}

#[tokio::test]
async fn auto_sync_is_switched_off_by_a_guarded_patch() {
    let (fake, operator) = argo(|_| good(&application(true))).await;
    let done = operator.execute(&off()).await.expect("done");
    assert_eq!(&*done.says, "auto-sync of 'argocd/web' is off");
    let sent = writes(&fake);
    assert!(sent.len() == 1 && sent[0].is("PATCH", PATH), "{sent:?}");
    let body = sent[0].json();
    assert_eq!((&body["patchType"], &body["project"]), (&json!("json"), &json!("shop")));
    let patch: Value = serde_json::from_str(body["patch"].as_str().expect("a text")).expect("JSON");
    assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/uid", "value": "u-1"}));
    assert_eq!(patch[1], json!({"op": "test", "path": "/spec", "value": spec(true)}));
    assert_eq!(patch[2], json!({"op": "remove", "path": "/spec/syncPolicy/automated"}));
}

#[tokio::test]
async fn it_goes_back_by_the_entrys_number_and_prunes_nothing() {
    let (fake, operator) = argo(|_| good(&application(false))).await;
    operator.execute(&back()).await.expect("done");
    let sent = writes(&fake);
    assert!(sent.len() == 1 && sent[0].is("POST", "/api/v1/applications/web/rollback"), "{sent:?}");
    let body = sent[0].json();
    assert_eq!((&body["id"], &body["prune"], &body["dryRun"]), (&json!(7), &json!(false), &json!(false)));
}

#[tokio::test]
async fn nothing_is_sent_where_it_moved_or_would_be_put_back() {
    let moved = |change: fn(&mut Value), automated| {
        let mut object = application(automated);
        change(&mut object);
        object
    };
    let cases: [(Write, Value, &str); 6] = [
        (off(), moved(|app| app["metadata"]["uid"] = json!("u-2"), true), "made anew"),
        (off(), moved(|app| app["spec"]["project"] = json!("x"), true), "another spec than the plan saw"),
        (back(), application(true), "auto-sync of 'argocd/web' is on"),
        (back(), moved(|app| app["operation"] = json!({}), false), "an operation was asked for"),
        (
            back(),
            moved(|app| app["status"]["operationState"] = json!({"phase": "Running"}), false),
            "an operation of Argo CD itself is Running",
        ),
        (back(), moved(|app| app["status"]["history"] = json!([]), false), "does not have aaa any more"),
    ];
    for (write, object, wanted) in cases {
        let (fake, operator) = argo(move |_| good(&object)).await;
        let error = operator.execute(&write).await.expect_err(wanted);
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(writes(&fake).is_empty(), "{wanted}: {:?}", fake.asked());
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_argo_cds_words() {
    let (fake, operator) = argo(|asked| match asked.method.as_str() {
        "GET" => good(&application(false)),
        _ => {
            answer(400, "application/json", r#"{"error":"x","code":9,"message":"Cannot sync: Blocked by sync window"}"#)
        }
    })
    .await;
    let error = operator.execute(&back()).await.expect_err("refused");
    assert!(matches!(&error, ActionError::Refused(says) if says.contains("Blocked by sync window")), "{error:?}");
    assert_eq!(writes(&fake).len(), 1, "once");
}

/// What stands before Argo CD gives up waiting: it may have passed the write on.
#[tokio::test]
async fn an_answer_that_is_not_argo_cds_own_leaves_it_open() {
    const OWN: &str = r#"{"error":"x","code":2,"message":"error setting app operation"}"#;
    for (status, kind, body, is_open) in [
        (504, "text/html", "<html>gateway</html>", true),
        (502, "application/json", OWN, true),
        (500, "text/plain", "upstream", true),
        (500, "application/json", OWN, false),
    ] {
        let (fake, operator) = argo(move |asked| match asked.method.as_str() {
            "GET" => good(&application(false)),
            _ => answer(status, kind, body),
        })
        .await;
        let error = operator.execute(&back()).await.expect_err("not done");
        assert_eq!(matches!(error, ActionError::Unknown(_)), is_open, "{status} {body}: {error:?}");
        assert_eq!(writes(&fake).len(), 1, "once");
    }
}

#[tokio::test]
async fn whether_it_happened_is_read_in_the_operation_or_the_history() {
    let sync = json!({"revision": "aaa", "source": {"path": "web"}, "prune": false});
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = application(false);
        change(&mut object);
        object
    };
    let synced = json!({"id": 9, "revision": "aaa", "source": {"path": "web"}, "deployedAt": "2026-01-02T03:00:09Z"});
    let ended = |phase: &str, automated: bool| {
        json!({"phase": phase, "startedAt": "2026-01-02T03:00:01Z", "message": "hook failed", "syncResult": {"revision": "aaa"},
            "operation": {"initiatedBy": {"username": "bot", "automated": automated}, "sync": sync}})
    };
    for (write, object, wanted) in [
        (back(), with(&|app| app["operation"] = json!({"sync": sync})), Some(true)),
        (
            back(),
            with(&|app| app["status"]["operationState"] = json!({"phase": "Running", "operation": {"sync": sync}})),
            Some(true),
        ),
        (
            back(),
            with(&|app| app["status"]["history"].as_array_mut().expect("a list").push(synced.clone())),
            Some(true),
        ),
        (back(), with(&|app| app["status"]["operationState"] = ended("Succeeded", false)), Some(true)),
        (back(), with(&|app| app["status"]["operationState"] = ended("Failed", false)), Some(false)),
        (back(), with(&|app| app["status"]["operationState"] = ended("Succeeded", true)), None),
        (back(), with(&|app| app["operation"] = json!({"sync": {"revision": "ccc"}})), Some(false)),
        (off(), application(false), Some(true)),
        (off(), application(true), Some(false)),
        (off(), with(&|app| app["metadata"]["uid"] = json!("u-2")), Some(false)),
    ] {
        let told = object.clone();
        let (_fake, operator) = argo(move |_| good(&told)).await;
        let found = operator.look(&write, sent()).await.map(|found| matches!(found, Ok(Found::InForce(_))));
        assert_eq!(found, wanted, "{write:?} {object}");
    }
    let (_fake, operator) = argo(|_| answer(502, "text/plain", "no")).await;
    assert!(matches!(operator.look(&back(), sent()).await, Some(Err(_))), "unread is not missing");
}

/// An answer that is lost: what became of it is read again, and never sent twice.
#[tokio::test]
async fn a_lost_answer_is_looked_at() {
    let lost = |becomes: bool| {
        move |asked: &Asked, writes: usize| match asked.method.as_str() {
            "GET" => good(&application(writes == 0 || !becomes)),
            _ => Behaviour::HangUp,
        }
    };
    for (becomes, wanted) in [(true, Ok("it was read again")), (false, Err("it may have happened"))] {
        let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (count, behave) = (seen.clone(), lost(becomes));
        let (fake, operator) = argo(move |asked| {
            let before = match asked.method.as_str() {
                "GET" => count.load(std::sync::atomic::Ordering::SeqCst),
                _ => count.fetch_add(1, std::sync::atomic::Ordering::SeqCst),
            };
            behave(asked, before)
        })
        .await;
        let said = operator.execute(&off()).await;
        match (wanted, &said) {
            (Ok(words), Ok(done)) => assert!(done.says.contains(words), "{done:?}"),
            (Err(words), Err(ActionError::Unknown(says))) => assert!(says.contains(words), "{says}"),
            _ => panic!("{said:?}"),
        }
        assert_eq!(writes(&fake).len(), 1, "once");
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_is_not_written() {
    let (fake, operator) = argo(|_| answer(502, "text/plain", "no")).await;
    let error = operator.execute(&off()).await.expect_err("not read");
    assert!(matches!(&error, ActionError::NotSent(says) if says.contains("nothing was sent")), "{error:?}");
    assert!(writes(&fake).is_empty());
}
