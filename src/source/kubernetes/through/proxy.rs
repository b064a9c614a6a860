//! Through the API server's service proxy (`/api/v1/namespaces/NS/services/SCHEME:NAME:PORT/proxy`).

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response, header};

use super::{below, check, rooted};
use crate::{
    source::{
        ErrorKind, SourceError,
        http::Transport,
        kubernetes::{
            client::{Cluster, segment},
            failure::Failure,
            find::Place,
        },
    },
    text::Clean,
};

/// A server behind the API server's service proxy.
pub(super) struct ServiceProxy {
    cluster: Cluster,
    base: String,
    server: String,
    may_write: bool,
}

impl ServiceProxy {
    /// `prefix`: the path that the server itself is under (`/alertmanager`), or empty. Without `may_write` only questions
    /// are passed on.
    pub(super) fn new(cluster: &Cluster, place: &Place, prefix: &str, may_write: bool) -> Self {
        let scheme = if place.https { "https:" } else { "http:" };
        let [namespace, service, port] = [&place.namespace, &place.service, &place.port].map(|name| segment(name));
        Self {
            cluster: cluster.clone(),
            base: format!("/api/v1/namespaces/{namespace}/services/{scheme}{service}:{port}/proxy{}", rooted(prefix)),
            server: format!("{}/{place}", cluster.id()),
            may_write,
        }
    }

    async fn pass(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SourceError> {
        let (mut head, body) = request.into_parts();
        let asked = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        check(&self.server, &head.method, asked, self.may_write)?;
        head.uri = below(&self.server, &self.base, asked)?;
        // the API server takes this header for itself and passes none on
        head.headers.remove(header::AUTHORIZATION);
        let request = Request::from_parts(head, body.to_vec());
        self.cluster.pass(request).await.map_err(|failure| self.in_words(failure))
    }

    fn in_words(&self, failure: Failure) -> SourceError {
        let says = match failure.code {
            Some(403) => format!(
                "No right to reach '{}' through the API server (services/proxy): {}",
                self.server, failure.message
            ),
            Some(404) => format!("'{}' is not there: {}", self.server, failure.message),
            Some(502..=504) => format!("'{}' does not answer the API server: {}", self.server, failure.message),
            _ => return failure.error,
        };
        let kind = if matches!(failure.code, Some(502..=504)) { ErrorKind::Unreachable } else { failure.error.kind };
        SourceError { kind, says: Clean::line(&says), ..failure.error }
    }
}

impl Transport for ServiceProxy {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, SourceError>> {
        self.pass(request).boxed()
    }

    fn server(&self) -> &str {
        &self.server
    }
}
