//! One request after another: its deadlines, its login renewed once, its answer read within bounds. Everything that goes
//! to the cluster goes through here.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{
    Cluster,
    answer::{MAX_BODY, MAX_REFUSAL, Opened},
    connection::note_sent,
    path, proxy,
};
use crate::source::{
    ErrorKind, SourceError,
    kubernetes::{
        exec::Credential,
        failure::{self, Failure, Reached},
    },
};

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

impl Cluster {
    /// Reads a JSON answer whole, within the deadlines. `path` begins with `/` and holds its own query.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.get_bytes(path, self.answer_within()).await?;
        self.parse(path, &answer)
    }

    /// As [`Cluster::get`], `None` if there is no such thing (404).
    pub async fn get_opt<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// An object's metadata alone, so that the data of a Secret never leaves the server.
    pub async fn metadata(&self, path: &str) -> Result<serde_json::Value, Failure> {
        let answer = self.get_as(path, METADATA, self.answer_within()).await?;
        self.parse(path, &answer)
    }

    /// As [`Cluster::metadata`], `None` if there is no such object (404).
    pub async fn metadata_opt(&self, path: &str) -> Result<Option<serde_json::Value>, Failure> {
        match self.metadata(path).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether there is such an object, by its metadata alone.
    pub async fn exists(&self, path: &str) -> Result<bool, Failure> {
        Ok(self.metadata_opt(path).await?.is_some())
    }

    /// Reads an answer whole, of at most `MAX_BODY` bytes, `within` a time.
    pub async fn get_bytes(&self, path: &str, within: Duration) -> Result<Bytes, Failure> {
        self.get_as(path, JSON, within).await
    }

    /// As [`Cluster::get_bytes`], in one of the forms that `accept` names.
    pub async fn get_as(&self, path: &str, accept: &'static str, within: Duration) -> Result<Bytes, Failure> {
        let mut request = self.request(Method::GET, path, None)?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
        Ok(self.whole(false, request, within).await?.1)
    }

    /// Asks a question that is put as a POST but keeps nothing: an access or subject review (`authorization.k8s.io`,
    /// `authentication.k8s.io`). Anything else is a mistake of ours.
    pub async fn review<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Result<T, Failure> {
        let asks = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
        assert!(asks.iter().any(|api| path.starts_with(api)), "only reviews are posted by a reader, not to {path}");
        let request = self.request(Method::POST, path, Some(body))?;
        let (_, answer) = self.whole(false, request, self.answer_within()).await?;
        self.parse(path, &answer)
    }

    /// Opens a stream: the head has arrived, the body is read by the caller, who guards its silence.
    pub async fn open_stream(&self, path: &str, within: Duration) -> Result<Opened, Failure> {
        self.open_stream_as(path, JSON, within).await
    }

    /// As [`Cluster::open_stream`], in one of the forms that `accept` names.
    pub async fn open_stream_as(&self, path: &str, accept: &'static str, within: Duration) -> Result<Opened, Failure> {
        let mut request = self.request(Method::GET, path, None)?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
        // compressed streams arrive in lumps
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.send(false, request, within).await
    }

    /// Sends one request and waits `within` a time for the answer's head. An answer that is no success is a failure.
    async fn send(&self, write: bool, request: Request<Vec<u8>>, within: Duration) -> Result<Opened, Failure> {
        let what = path::resource(request.uri().path());
        let asked = self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            async { timeout(within, asked).await.map_err(|_| self.too_slow(&what, within))? }
        });
        // the future is large, and many of them are awaited together
        Box::pin(asked).await
    }

    /// Sends one request and takes its whole answer, both `within` a time.
    pub(super) async fn whole(
        &self,
        write: bool,
        request: Request<Vec<u8>>,
        within: Duration,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let what = path::resource(request.uri().path());
        let asked = self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            let answer = async {
                let mut opened = asked.await?;
                let body = opened.collect(MAX_BODY, self.idle()).await?;
                Ok((opened.headers, body))
            };
            let what = &what;
            async move { timeout(within, answer).await.map_err(|_| self.too_slow(what, within))? }
        });
        Box::pin(asked).await
    }

    /// Asks with the login, and once more with a new login if that is not accepted (401). A program that logs in has its
    /// own deadline, so it is waited for outside of the question's.
    pub(super) async fn logged_in<T, Asked: Future<Output = Result<T, Failure>>>(
        &self,
        ask: impl Fn(Option<Arc<Credential>>) -> Asked,
    ) -> Result<T, Failure> {
        let access = self.access();
        let Some(login) = &access.login else { return ask(None).await };
        let not_sent = |error: SourceError| Failure { error, ..Failure::own(ErrorKind::Auth, Reached::NotSent, "") };
        let credential = login.current().await.map_err(not_sent)?;
        match ask(Some(credential.clone())).await {
            Err(failure) if failure.is(401) => ask(Some(login.renew(&credential).await.map_err(not_sent)?)).await,
            answer => answer,
        }
    }

    async fn send_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        request: Request<Vec<u8>>,
    ) -> Result<Opened, Failure> {
        let what = path::resource(request.uri().path());
        let mut opened = self.ask_with(write, credential, request).await?;
        if opened.status.is_success() {
            return Ok(opened);
        }
        // a refusal with half a body is still a refusal
        let body = opened.collect(MAX_REFUSAL, self.idle()).await.unwrap_or_default();
        // its token file may have been written anew since
        note_sent(&self.access().config.auth_info);
        let now = self.0.clock.now().wall;
        Err(failure::refused(&self.0.id, &what, opened.status.as_u16(), &opened.headers, &body, now))
    }

    /// One request on the wire, with the login; any answer will do.
    async fn ask_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        mut request: Request<Vec<u8>>,
    ) -> Result<Opened, Failure> {
        let client = self.client_with(write, credential.as_ref(), &mut request)?;
        let answer = client.send(request.map(Body::from)).await.map_err(|error| self.broken(&error))?;
        let (head, body) = answer.into_parts();
        self.note_time(&head.headers);
        let body = axum::body::Body::new(body).into_data_stream();
        Ok(Opened { cluster: self.clone(), status: head.status, headers: head.headers, body })
    }

    pub(in crate::source::kubernetes) fn parse<T: DeserializeOwned>(
        &self,
        path: &str,
        answer: &[u8],
    ) -> Result<T, Failure> {
        serde_json::from_slice(answer).map_err(|error| self.unexpected(path, &error))
    }

    pub(in crate::source::kubernetes) fn unexpected(&self, path: &str, error: &serde_json::Error) -> Failure {
        let path = path.split('?').next().unwrap_or(path);
        let says = format!("Kubernetes '{}' answered '{path}' with what is not its API: {error}.", self.0.id);
        Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Request<Vec<u8>>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, JSON);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| serde_json::to_vec(body).expect("a Value is always JSON")).unwrap_or_default();
        request.body(body).map_err(|_| {
            let says = format!("'{path}' is not a path that Kubernetes '{}' can be asked.", self.0.id);
            Failure::own(ErrorKind::Unexpected, Reached::NotSent, says)
        })
    }

    /// Passes a prepared request on, for the service proxy: any answer that is not the API server's own refusal is an
    /// answer. The caller says what may be sent.
    pub(in crate::source::kubernetes) async fn pass(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Bytes>, Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let (what, within) = (path::resource(request.uri().path()), self.answer_within());
        self.logged_in(|credential| {
            let asked = self.ask_with(request.method() != Method::GET, credential, request.clone());
            let answer = async {
                let mut opened = asked.await?;
                let body = opened.collect(MAX_BODY, self.idle()).await?;
                let code = opened.status.as_u16();
                if !opened.status.is_success() && failure::is_status(&body) {
                    let now = self.0.clock.now().wall;
                    return Err(failure::refused(&self.0.id, &what, code, &opened.headers, &body, now));
                }
                let mut answer = Response::new(body);
                (*answer.status_mut(), *answer.headers_mut()) = (opened.status, opened.headers);
                Ok(answer)
            };
            async { timeout(within, answer).await.map_err(|_| self.too_slow(&what, within))? }
        })
        .await
    }

    pub(super) fn note_time(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok()).and_then(failure::http_date);
        if let Some(date) = date {
            self.learnt().clock.note(date, self.0.clock.now());
        }
    }

    pub(in crate::source::kubernetes) fn too_slow(&self, what: &str, within: Duration) -> Failure {
        let says = format!("Kubernetes '{}' did not answer for {what} within {} s.", self.0.id, within.as_secs_f32());
        Failure::own(ErrorKind::TimedOut, Reached::Unknown, says)
    }

    pub(super) fn broken(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        let proxy = self.access().config.proxy_url.as_ref().map(proxy::words);
        failure::broken(&self.0.id, &self.0.place, proxy.as_deref(), error)
    }

    pub(in crate::source::kubernetes) fn idle(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.idle.into())
    }

    pub(in crate::source::kubernetes) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.answer.into())
    }

    pub(in crate::source::kubernetes) fn list_within(&self) -> Duration {
        Duration::from_secs(self.0.timeouts.list.into())
    }
}
