//! Requests on the wire: with the login, within their deadlines, their answers bounded.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::body::BodyDataStream;
use base64::Engine;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use kube::client::Body;
use tokio::time::timeout;

use super::{
    Cluster, MAX_BODY,
    setup::{Clients, unusable},
};
use crate::{
    source::{
        ErrorKind, SourceError,
        kubernetes::{
            exec::Credential,
            failure::{self, Failure, Reached},
        },
    },
    text::Clean,
};

/// Reason of the failure when an answer is over its bound.
pub(in crate::source::kubernetes) const TOO_LARGE: &str = "TooLarge";
const MAX_REFUSAL: usize = 64 * 1024;

impl Cluster {
    /// Passes a prepared request on, for the service proxy: any answer that is not the API server's own refusal is an
    /// answer. The caller says what may be sent.
    pub(in crate::source::kubernetes) async fn pass(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Bytes>, Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let (what, within) = (resource(request.uri().path()), self.answer_within());
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

    /// Sends one request and waits `within` a time for the answer's head. An answer that is no success is a failure.
    pub(super) async fn send(
        &self,
        write: bool,
        request: Request<Vec<u8>>,
        within: Duration,
    ) -> Result<Opened, Failure> {
        let what = resource(request.uri().path());
        self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            async { timeout(within, asked).await.map_err(|_| self.too_slow(&what, within))? }
        })
        .await
    }

    /// Sends one request and takes its whole answer, both `within` a time.
    pub(super) async fn whole(
        &self,
        write: bool,
        request: Request<Vec<u8>>,
        within: Duration,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let _permit = self.0.calls.acquire().await.expect("never closed");
        let what = resource(request.uri().path());
        self.logged_in(|credential| {
            let asked = self.send_with(write, credential, request.clone());
            let answer = async {
                let mut opened = asked.await?;
                let body = opened.collect(MAX_BODY, self.idle()).await?;
                Ok((opened.headers, body))
            };
            let what = &what;
            async move { timeout(within, answer).await.map_err(|_| self.too_slow(what, within))? }
        })
        .await
    }

    /// Asks with the login, and once more with a new login if that is not accepted (401). A program that logs in has its
    /// own deadline, so it is waited for outside of the question's.
    async fn logged_in<T, Asked: Future<Output = Result<T, Failure>>>(
        &self,
        ask: impl Fn(Option<Arc<Credential>>) -> Asked,
    ) -> Result<T, Failure> {
        // boxed, so that what awaits an answer does not itself grow by kilobytes
        let Some(login) = &self.0.login else { return Box::pin(ask(None)).await };
        let not_sent = |error: SourceError| Failure { error, ..Failure::own(ErrorKind::Auth, Reached::NotSent, "") };
        let credential = Box::pin(login.current()).await.map_err(not_sent)?;
        match Box::pin(ask(Some(credential.clone()))).await {
            Err(failure) if failure.is(401) => {
                Box::pin(ask(Some(Box::pin(login.renew(&credential)).await.map_err(not_sent)?))).await
            }
            answer => answer,
        }
    }

    async fn send_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        request: Request<Vec<u8>>,
    ) -> Result<Opened, Failure> {
        let what = resource(request.uri().path());
        let mut opened = self.ask_with(write, credential, request).await?;
        if opened.status.is_success() {
            return Ok(opened);
        }
        // a refusal with half a body is still a refusal
        let body = opened.collect(MAX_REFUSAL, self.idle()).await.unwrap_or_default();
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
        let mut clients = self.0.clients.clone();
        if let Some(credential) = &credential {
            if let Some(bearer) = &credential.bearer {
                request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
            }
            clients = self.clients_for(credential).map_err(|error| Failure {
                error: unusable(&self.0.id, &error),
                ..Failure::own(ErrorKind::Auth, Reached::NotSent, "")
            })?;
        }
        let client = if write { clients.write } else { clients.read };
        let answer = client.send(request.map(Body::from)).await.map_err(|error| self.broken(&error))?;
        let (head, body) = answer.into_parts();
        self.note_time(&head.headers);
        let body = axum::body::Body::new(body).into_data_stream();
        Ok(Opened { cluster: self.clone(), status: head.status, headers: head.headers, body })
    }

    /// Clients with the login's certificate, made once per login.
    fn clients_for(&self, credential: &Arc<Credential>) -> Result<Clients, kube::Error> {
        let Some((certificate, key)) = &credential.certificate else { return Ok(self.0.clients.clone()) };
        let mut certified = self.0.certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, clients)) = &*certified
            && Arc::ptr_eq(of, credential)
        {
            return Ok(clients.clone());
        }
        let base64 = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
        let mut config = self.0.config.clone();
        config.auth_info.client_certificate_data = Some(base64(certificate));
        config.auth_info.client_key_data = Some(secrecy::SecretString::from(base64(key.expose())));
        let clients = Clients::new(&config)?;
        *certified = Some((credential.clone(), clients.clone()));
        Ok(clients)
    }

    fn note_time(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok()).and_then(failure::http_date);
        if let Some(date) = date {
            let ours = self.0.clock.now().wall;
            // the header has whole seconds: its middle is the best guess
            self.learnt().clock_offset_ms = Some(date.as_millisecond() + 500 - ours.as_millisecond());
        }
    }
}

/// An answer whose head has arrived.
pub struct Opened {
    cluster: Cluster,
    status: StatusCode,
    pub headers: HeaderMap,
    body: BodyDataStream,
}

impl Opened {
    /// The next piece of the body; `None` at its end. May be dropped while it waits, nothing is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.body.next().await {
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(error)) => Err(self.cluster.broken(&error)),
            None => Ok(None),
        }
    }

    /// The whole body. Silence longer than `idle`, or more than `most` bytes, is a failure.
    pub async fn collect(&mut self, most: usize, idle: Duration) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        loop {
            let chunk = timeout(idle, self.chunk()).await;
            let Some(chunk) = chunk.map_err(|_| self.cluster.too_slow("the rest of an answer", idle))?? else {
                return Ok(whole.freeze());
            };
            if whole.len() + chunk.len() > most {
                let says = format!("Kubernetes '{}' sent more than {most} bytes in one answer.", self.cluster.0.id);
                return Err(Failure {
                    reason: Clean::line(TOO_LARGE),
                    ..Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
                });
            }
            whole.extend_from_slice(&chunk);
        }
    }
}

/// What a path is about, in a word: its resource.
fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        other => other,
    };
    match rest {
        ["namespaces", namespace, kind, name, ..] => format!("{kind} '{namespace}/{name}'"),
        ["namespaces", namespace, kind] => format!("{kind} in '{namespace}'"),
        [kind, name, ..] => format!("{kind} '{name}'"),
        [kind] => (*kind).to_owned(),
        [] => "the API".to_owned(),
    }
}
