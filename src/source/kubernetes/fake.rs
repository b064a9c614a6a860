//! A small API server for tests, scripted per call: slow, cut off, refusing, forgetting.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::Request, http::request::Parts, response::Response};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{client::Cluster, exec::ExecPolicy, kubeconfig};
use crate::{
    config::file::{Kubernetes, Timeouts},
    source::{Fact, Source, SourceError},
    time::{Clock, SystemClock},
};

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub query: String,
    pub authorization: String,
    /// Whom it impersonates.
    pub impersonates: String,
    pub body: String,
    /// How many calls with the same path (watches and lists apart) came before it.
    pub nth: usize,
}

impl Call {
    pub fn watches(&self) -> bool {
        self.query.contains("watch=true")
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// What the server does.
pub enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    /// Sends these pieces as they are, then ends cleanly.
    Pieces(Vec<String>),
    /// Sends these pieces, then says nothing more.
    Open(Vec<String>),
    /// Never answers.
    Hang,
}

pub struct Fake {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Fake {
    pub async fn start(script: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let (seen, script) = (calls.clone(), Arc::new(script));
        let router = Router::new().fallback(move |request: Request| {
            let (seen, script) = (seen.clone(), script.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let call = record(&seen, &parts, String::from_utf8_lossy(&body).into_owned());
                answer(script(&call)).await
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// A cluster at this server; `user` is the kubeconfig's, in YAML flow style.
    pub async fn cluster(&self, user: &str) -> Cluster {
        self.open(user, &Kubernetes::default(), Arc::default()).await.unwrap()
    }

    pub async fn open(&self, user: &str, wanted: &Kubernetes, policy: Arc<ExecPolicy>) -> Result<Cluster, SourceError> {
        open_at(&self.url, user, wanted, policy).await
    }
}

pub async fn open_at(
    url: &str,
    user: &str,
    wanted: &Kubernetes,
    policy: Arc<ExecPolicy>,
) -> Result<Cluster, SourceError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let yaml = format!(
        "current-context: eu\nclusters: [{{name: eu, cluster: {{server: '{url}'}}}}]\n\
         contexts: [{{name: eu, context: {{cluster: eu, user: ann, namespace: shop}}}}]\nusers: [{{name: ann, user: {user}}}]"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, yaml).unwrap();
    let loaded = kubeconfig::load(&[path]);
    assert_eq!(loaded.troubles, [] as [crate::text::Clean; 0]);
    let timeouts = Timeouts { connect: 1, idle: 1, answer: 1, list: 1, command: 5 };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Cluster::open(wanted, &loaded, timeouts, policy, clock).await
}

fn record(seen: &Mutex<Vec<Call>>, parts: &Parts, body: String) -> Call {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (authorization, impersonates) = (header("authorization"), header("impersonate-user"));
    let path = parts.uri.path().to_owned();
    let mut call = Call { path, query, authorization, impersonates, body, nth: 0 };
    let mut seen = seen.lock().unwrap();
    call.nth = seen.iter().filter(|other| other.path == call.path && other.watches() == call.watches()).count();
    seen.push(call.clone());
    call
}

async fn answer(answer: Answer) -> Response {
    let pieces =
        |pieces: Vec<String>| futures::stream::iter(pieces).map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let of = |status: u16, body: Body| {
        let kind = "application/json";
        Response::builder().status(status).header("content-type", kind).body(body).unwrap()
    };
    match answer {
        Answer::Json(status, value) => of(status, Body::from(value.to_string())),
        Answer::Text(status, text) => of(status, Body::from(text)),
        Answer::Pieces(list) => of(200, Body::from_stream(pieces(list))),
        Answer::Open(list) => of(200, Body::from_stream(pieces(list).chain(futures::stream::pending()))),
        Answer::Hang => std::future::pending().await,
    }
}

pub fn pod(name: &str, version: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version.to_string()},
        "spec": {"containers": [{"name": "app", "image": "reg/app:1"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": true, "state": {"running": {}}}]}})
}

/// A list answer.
pub fn list(items: &[Value], version: &str, next: Option<&str>) -> Answer {
    Answer::Json(
        200,
        json!({"kind": "List", "metadata": {"resourceVersion": version, "continue": next}, "items": items}),
    )
}

/// One line of a watch.
pub fn line(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string() + "\n"
}

pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message})
}

pub fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    Answer::Json(code, status(code, reason, message))
}

/// Asks a source until `enough`, gathering what it brings, failures too.
pub async fn gather(
    source: &mut dyn Source,
    enough: impl Fn(&[Fact], &[SourceError]) -> bool,
) -> (Vec<Fact>, Vec<SourceError>) {
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    let all = async {
        while !enough(&facts, &errors) {
            match source.next().await {
                Ok(batch) => facts.extend(batch),
                Err(error) => errors.push(error),
            }
        }
    };
    let done = tokio::time::timeout(std::time::Duration::from_secs(10), all).await;
    assert!(done.is_ok(), "it never came; facts {facts:?}, errors {errors:?}");
    (facts, errors)
}
