//! WebSockets to the API server: exec and port-forward. Each is a connection of its own, not counted among the calls.

use std::sync::Arc;

use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

use super::{Cluster, Opened, Writer, answer::MAX_REFUSAL, path};
use crate::source::{
    ErrorKind,
    kubernetes::{
        exec::Credential,
        failure::{self, Failure, Reached},
    },
};

pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

impl Cluster {
    /// Opens a WebSocket in one of these subprotocols, the best first, and says which the server took.
    pub(in crate::source::kubernetes) async fn upgrade(
        &self,
        write: bool,
        path: &str,
        protocols: &'static [&'static str],
    ) -> Result<(Socket, &'static str), Failure> {
        let what = path::resource(path.split('?').next().unwrap_or(path));
        let within = self.answer_within();
        let asked = self.logged_in(|credential| {
            let asked = self.upgrade_with(write, credential, path, protocols);
            let what = &what;
            async move { timeout(within, asked).await.map_err(|_| self.too_slow(what, within))? }
        });
        Box::pin(asked).await
    }

    async fn upgrade_with(
        &self,
        write: bool,
        credential: Option<Arc<Credential>>,
        path: &str,
        protocols: &'static [&'static str],
    ) -> Result<(Socket, &'static str), Failure> {
        let key = generate_key();
        let mut request = self.request(Method::GET, path, None)?;
        let headers = request.headers_mut();
        let own = |text: &str| HeaderValue::from_str(text).expect("letters of our own");
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, own(&key));
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, own(&protocols.join(", ")));
        let client = self.client_with(write, credential.as_ref(), &mut request)?;
        let answer = client.send(request.map(Body::from)).await.map_err(|error| self.broken(&error))?;
        self.note_time(answer.headers());
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.no_upgrade(path, answer).await);
        }
        let protocol = agreed(answer.headers(), &key, protocols).ok_or_else(|| {
            let says = format!("Kubernetes '{}' answered with no WebSocket in any of {protocols:?}.", self.0.id);
            Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
        })?;
        let upgraded = hyper::upgrade::on(answer).await.map_err(|error| self.broken(&error))?;
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).boxed().await;
        Ok((socket, protocol))
    }

    /// The failure of an answer that is no WebSocket.
    async fn no_upgrade(&self, path: &str, answer: http::Response<Body>) -> Failure {
        let (head, body) = answer.into_parts();
        let body = axum::body::Body::new(body).into_data_stream();
        let mut opened = Opened { cluster: self.clone(), status: head.status, headers: head.headers, body };
        let text = opened.collect(MAX_REFUSAL, self.idle()).await.unwrap_or_default();
        super::connection::note_sent(&self.access().config.auth_info);
        let what = path::resource(path.split('?').next().unwrap_or(path));
        let now = self.0.clock.now().wall;
        failure::refused(&self.0.id, &what, opened.status.as_u16(), &opened.headers, &text, now)
    }
}

/// The subprotocol that the server took, if it really answered our request for a WebSocket.
fn agreed(headers: &HeaderMap, key: &str, protocols: &'static [&'static str]) -> Option<&'static str> {
    let named = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if named(header::SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return None;
    }
    protocols.iter().find(|known| Some(**known) == named(header::SEC_WEBSOCKET_PROTOCOL)).copied()
}

impl Writer {
    /// As [`Cluster::upgrade`], for what may change something.
    pub(in crate::source::kubernetes) async fn upgrade(
        &self,
        path: &str,
        protocols: &'static [&'static str],
    ) -> Result<(Socket, &'static str), Failure> {
        self.0.upgrade(true, path, protocols).await
    }
}

/// The login of a request: its header, and the client with its certificate.
impl Cluster {
    pub(super) fn client_with<T>(
        &self,
        write: bool,
        credential: Option<&Arc<Credential>>,
        request: &mut Request<T>,
    ) -> Result<kube::Client, Failure> {
        let access = self.access();
        let mut clients = access.clients.clone();
        if let Some(credential) = credential {
            if let Some(bearer) = &credential.bearer {
                request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
            }
            clients = access.clients_for(credential).map_err(|error| Failure {
                error: super::connection::unusable(&self.0.id, &error),
                ..Failure::own(ErrorKind::Auth, Reached::NotSent, "")
            })?;
        }
        Ok(if write { clients.write } else { clients.read })
    }
}
