//! What a naive client gets wrong. Each of these has its test; those that stand elsewhere:
//! - STATUS is not the phase: `tests/kubernetes_columns.rs`, `rows/pod_table.rs`;
//! - lists without `resourceVersion=0`, watches without `sendInitialEvents`: `watch/tests.rs`;
//! - kubectl's own restart mark under our name: `operator/kubernetes/tests/restarts.rs`; refused while paused:
//!   `operator/kubernetes/tests.rs`;
//! - a template moved as raw JSON, whatever the kind: `operator/kubernetes/tests.rs`, `action/engine/tests/sets.rs`;
//! - `sinceTime` rounded down, invalid UTF-8, a stream that falls silent: `logs/tests.rs`, `logs/lines.rs`;
//! - a shell or a forward that falls silent: `shell/tests.rs`, `forward/carry.rs`;
//! - `deleteOptions` of an eviction, a pod's own grace, a budget's refusal: `operator/kubernetes/tests/deletions.rs`;
//! - login programs without a terminal, once for all requests: `exec/tests.rs`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    source::{
        ErrorKind,
        kubernetes::fake::{Answer, Fake, open_at},
    },
    time::SystemClock,
};

/// HTTP/1.1: each request under way is a connection of its own.
#[tokio::test]
async fn no_more_than_so_many_connections_ask_at_once() {
    let (now, most, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let state = (now.clone(), most.clone(), gate.clone());
    let router = axum::Router::new().fallback(move || {
        let (now, most, gate) = state.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            now.fetch_sub(1, Ordering::SeqCst);
            axum::Json(json!({}))
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let cluster = open_at(&url, "{}", &Kubernetes::default(), Arc::default()).await.unwrap();
    let asks: Vec<_> = (0..40)
        .map(|_| {
            let cluster = cluster.clone();
            tokio::spawn(async move { cluster.get::<Value>("/version").await.is_ok() })
        })
        .collect();
    while now.load(Ordering::SeqCst) < MAX_CALLS {
        tokio::task::yield_now().await;
    }
    gate.add_permits(40);
    for ask in asks {
        assert!(ask.await.unwrap());
    }
    assert_eq!(most.load(Ordering::SeqCst), MAX_CALLS);
}

/// kube's own layer would try each of these fifteen times, deletes among them.
#[tokio::test]
async fn what_a_busy_server_refuses_comes_back_at_once_and_was_sent_once() {
    for code in [429, 503, 504] {
        let busy = json!({"kind": "Status", "code": code, "reason": "TooManyRequests", "message": "later",
            "details": {"retryAfterSeconds": 60}});
        let fake = Fake::start(move |_| Answer::Json(code, busy.clone())).await;
        let cluster = fake.cluster("{}").await;
        let began = SystemClock.now();
        let read = cluster.get::<Value>("/api/v1/pods").await.unwrap_err();
        assert!(read.is(code));
        let writer = cluster.writer().unwrap();
        for (method, path) in [
            (Method::DELETE, "/api/v1/namespaces/a/pods/b"),
            (Method::PATCH, "/apis/apps/v1/namespaces/a/deployments/b"),
            (Method::POST, "/api/v1/namespaces/a/pods/b/eviction"),
            (Method::PUT, "/apis/apps/v1/namespaces/a/deployments/b/scale"),
        ] {
            let before = fake.calls().len();
            let write = writer.send(method.clone(), path, "application/json", &json!({})).await;
            assert!(write.unwrap_err().is(code), "{method}");
            assert_eq!(fake.calls().len() - before, 1, "{method} {code}");
        }
        assert!(SystemClock.now().since(began.mono).as_secs() < 30, "nobody waited for what it said");
    }
}

/// A connection that was lost without a word hangs for ever where nothing bounds it.
#[tokio::test]
async fn an_answer_that_never_comes_or_stops_halfway_ends_by_our_clock() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/half" => Answer::Open(vec!["{\"items\": [".to_owned()]),
        _ => Answer::Hang,
    })
    .await;
    let cluster = fake.cluster("{}").await;
    for path in ["/half", "/never"] {
        let failure = cluster.get::<Value>(path).await.unwrap_err();
        assert_eq!(failure.error.kind, ErrorKind::TimedOut, "{path}: {failure}");
    }
    let sent = cluster.writer().unwrap().send(Method::PATCH, "/never", "application/json", &json!({})).await;
    assert_eq!(sent.unwrap_err().error.kind, ErrorKind::TimedOut);
}

/// Whoever works as somebody else does all of it as that one, shells included.
#[tokio::test]
async fn whom_the_kubeconfig_impersonates_is_sent_with_every_request() {
    let fake = Fake::start(|_| Answer::Json(200, json!({}))).await;
    let cluster = fake.cluster("{token: token-of-ann, as: 'break-glass'}").await;
    assert_eq!(cluster.impersonates().unwrap(), "break-glass");
    cluster.get::<Value>("/version").await.unwrap();
    cluster.open_stream_as("/api/v1/pods?watch=true", "application/json", cluster.answer_within()).await.unwrap();
    let socket =
        cluster.upgrade(true, "/api/v1/namespaces/shop/pods/web/exec?command=sh", &["v5.channel.k8s.io"]).await;
    assert!(socket.is_err(), "this server knows no WebSocket");
    let calls = fake.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        assert_eq!(
            (call.impersonates.as_str(), call.authorization.as_str()),
            ("break-glass", "Bearer token-of-ann"),
            "{call:?}"
        );
    }
}
