//! A small API server for tests: answers with what a closure says, remembers what it was asked.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::HeaderValue,
    response::Response,
};
use futures::StreamExt;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{client::Cluster, exec::ExecPolicy, kubeconfig::Loaded};
use crate::{
    config::file::{Kubernetes, Timeouts},
    time::{Clock, SystemClock},
};

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub media: String,
    pub accept: String,
    /// Null if there was none.
    pub body: Value,
}

impl Asked {
    pub fn query(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }
}

/// The server; it ends with the test's runtime.
pub struct Fake {
    pub cluster: Cluster,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn asked_with(&self, method: &str, path_part: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.method == method && asked.path.contains(path_part)).collect()
    }
}

pub async fn serve(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Fake {
    serve_at(answer, Arc::new(SystemClock)).await
}

pub async fn serve_at(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static, clock: Arc<dyn Clock>) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (log, answer, its_clock) = (asked.clone(), Arc::new(answer), clock.clone());
    let app = axum::Router::new().fallback(move |request: Request| {
        let (log, answer, clock) = (log.clone(), answer.clone(), its_clock.clone());
        async move {
            let asked = read(request).await;
            log.lock().unwrap().push(asked.clone());
            let mut answer = answer(&asked);
            // By the test's clock: else it would be years off.
            answer.headers_mut().entry("date").or_insert_with(|| date(clock.now().wall));
            answer
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    Fake { cluster: cluster(port, clock).await, asked }
}

/// As a `Date` header says it.
pub fn date(at: Timestamp) -> HeaderValue {
    let text = at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).unwrap()
}

async fn read(request: Request) -> Asked {
    let (head, body) = request.into_parts();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query,
        media: header("content-type"),
        accept: header("accept"),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// A cluster named `c` at a local port, whether or not anybody listens there.
pub async fn cluster(port: u16, clock: Arc<dyn Clock>) -> Cluster {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]});
    let loaded = Loaded {
        config: serde_json::from_value(config).unwrap(),
        files: vec!["kubeconfig".into()],
        troubles: Vec::new(),
    };
    let wanted = Kubernetes { name: "c".to_owned(), context: Some("c".to_owned()), ..Kubernetes::default() };
    let timeouts = Timeouts { connect: 2, idle: 2, answer: 2, list: 5, command: 2 };
    Cluster::open(&wanted, &loaded, timeouts, Arc::new(ExecPolicy::default()), clock).await.unwrap()
}

pub fn json_answer(code: u16, body: &Value) -> Response {
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// A failure in the API's shape.
pub fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
        "code": code});
    json_answer(code, &body)
}

/// A body in pieces; an error cuts the connection.
pub fn pieces(pieces: impl futures::Stream<Item = Result<Bytes, io::Error>> + Send + 'static) -> Response {
    Response::builder().status(200).body(Body::from_stream(pieces.boxed())).unwrap()
}
