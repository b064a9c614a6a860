//! Through a port-forward of our own: HTTP/1.1 over a WebSocket to a pod behind the Service. No local port is opened.

use std::{
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Method, Request, Response, header};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{below, check, rooted};
use crate::{
    model::{
        forward::{ForwardAsk, ForwardTo, Port},
        kubernetes::ObjectKey,
    },
    source::{
        ErrorKind, SourceError,
        http::{MAX_BODY, Transport},
        kubernetes::{
            client::Cluster,
            failure::{Failure, Reached},
            find::Place,
            forward,
        },
    },
    text::Clean,
};

/// Connections at once: each is one to the API server too.
const MOST: usize = 4;
/// Bytes on their way between HTTP and the WebSocket.
const PIPE: usize = 64 * 1024;

/// A server behind a Service of the cluster.
pub(super) struct Tunnel {
    cluster: Cluster,
    ask: ForwardAsk,
    base: String,
    host: String,
    server: String,
    may_write: bool,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// An open way to a pod.
struct Connection {
    http: SendRequest<axum::body::Body>,
    /// Ends with what went wrong on the way, if anything did. Both end with the connection.
    carried: AbortOnDropHandle<Result<(), Clean>>,
    _http: AbortOnDropHandle<()>,
}

impl Tunnel {
    pub(super) fn new(cluster: &Cluster, place: &Place, prefix: &str, may_write: bool) -> Self {
        let key = ObjectKey {
            cluster: cluster.id().clone(),
            namespace: place.namespace.clone(),
            name: place.service.clone(),
        };
        let port = place.port.parse().map_or_else(|_| Port::Named(place.port.clone()), Port::Number);
        Self {
            cluster: cluster.clone(),
            ask: ForwardAsk { to: ForwardTo::Service(key), or: None, local: None, remote: Some(port) },
            base: rooted(prefix),
            host: format!("{}.{}", place.service, place.namespace),
            server: format!("{}/{place}", cluster.id()),
            may_write,
            turns: Semaphore::new(MOST),
            idle: Mutex::default(),
        }
    }

    async fn pass(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SourceError> {
        let (mut head, body) = request.into_parts();
        let asked = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        check(&self.server, &head.method, asked, self.may_write)?;
        head.uri = below(&self.server, &self.base, asked)?;
        if let Ok(host) = self.host.parse() {
            head.headers.insert(header::HOST, host);
        }
        let _turn = self.turns.acquire().await.expect("never closed");
        if let Some(connection) = self.kept() {
            let again = (head.method == Method::GET).then(|| (head.clone(), body.clone()));
            match (self.exchange(connection, head, body).await, again) {
                // The pod may have closed it meanwhile. A GET does no harm a second time.
                (Err(error), Some((head, body))) if error.kind == ErrorKind::Unreachable => {
                    self.exchange(self.open().await?, head, body).await
                }
                (answer, _) => answer,
            }
        } else {
            self.exchange(self.open().await?, head, body).await
        }
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| connection.http.is_ready());
        idle.pop()
    }

    async fn open(&self) -> Result<Connection, SourceError> {
        let place = forward::find(&self.cluster, &self.ask).await.map_err(|failure| self.in_words(failure))?;
        let socket = forward::open(&self.cluster, &place).await.map_err(|failure| self.in_words(failure))?;
        let (near, far) = tokio::io::duplex(PIPE);
        let carried = tokio::spawn(async move {
            let counted = forward::Counted { sent: &AtomicU64::new(0), received: &AtomicU64::new(0) };
            forward::carry(far, socket, counted, forward::BEAT).await
        });
        let (http, connection) =
            handshake(TokioIo::new(near)).await.map_err(|error| self.broken(&error.to_string()))?;
        // What ends it is told to the request that is under way.
        let running = tokio::spawn(async move { drop(connection.await) });
        let carried = AbortOnDropHandle::new(carried);
        Ok(Connection { http, carried, _http: AbortOnDropHandle::new(running) })
    }

    /// The answer, whole; the connection is kept for the next one.
    async fn exchange(
        &self,
        mut connection: Connection,
        head: http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Bytes>, SourceError> {
        let request = Request::from_parts(head, axum::body::Body::from(body));
        let sent = timeout(self.cluster.answer_within(), connection.http.send_request(request)).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.why(connection, &error.to_string()).await),
            Err(_) => return Err(self.silent(self.cluster.answer_within())),
        };
        let (head, body) = answer.into_parts();
        let whole = self.collect(axum::body::Body::new(body)).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Response::from_parts(head, whole))
    }

    async fn collect(&self, body: axum::body::Body) -> Result<Bytes, SourceError> {
        use futures::StreamExt as _;
        let mut pieces = body.into_data_stream();
        let mut whole = bytes::BytesMut::new();
        let idle = self.cluster.idle();
        while let Some(piece) = timeout(idle, pieces.next()).await.map_err(|_| self.silent(idle))? {
            let piece = piece.map_err(|error| self.broken(&error.to_string()))?;
            if whole.len() + piece.len() > MAX_BODY {
                let says = format!("'{}' sent more than {} MiB: given up.", self.server, MAX_BODY / 1024 / 1024);
                return Err(SourceError::new(ErrorKind::Unexpected, says));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// What the way to the pod says, else what HTTP does.
    async fn why(&self, connection: Connection, error: &str) -> SourceError {
        match timeout(Duration::from_millis(100), connection.carried).await {
            Ok(Ok(Err(says))) => self.broken(&says),
            _ => self.broken(error),
        }
    }

    fn broken(&self, why: &str) -> SourceError {
        SourceError::new(
            ErrorKind::Unreachable,
            format!("The way to '{}' through the cluster broke: {why}", self.server),
        )
    }

    fn silent(&self, within: Duration) -> SourceError {
        let says = format!("'{}' did not answer within {} s through the cluster.", self.server, within.as_secs_f32());
        SourceError::new(ErrorKind::TimedOut, says)
    }

    fn in_words(&self, failure: Failure) -> SourceError {
        let says = match failure.code {
            Some(403) => format!(
                "No right to reach '{}' by a port-forward (get services, list pods, get and create pods/portforward): {}",
                self.server, failure.message
            ),
            Some(404) => format!("'{}' is not there: {}", self.server, failure.message),
            None if failure.reached == Reached::Answered => {
                format!("'{}' is not reached: {}", self.server, failure.error.says)
            }
            _ => return failure.error,
        };
        SourceError { says: Clean::line(&says), ..failure.error }
    }
}

impl Transport for Tunnel {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, SourceError>> {
        self.pass(request).boxed()
    }

    fn server(&self) -> &str {
        &self.server
    }
}
