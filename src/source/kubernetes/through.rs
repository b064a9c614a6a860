//! A backend inside the cluster, read through it: by the API server's service proxy, or by a port-forward of our own
//! where a token must come along, since the API server keeps `Authorization` for itself.

mod proxy;
#[cfg(test)]
mod tests;
mod tunnel;

use std::sync::Arc;

use http::{Method, Uri};

use super::{client::Cluster, find::Place};
use crate::source::{ErrorKind, SourceError, http::Transport};

/// The server at a Service's port. `prefix`: the path that the server itself is under (`/alertmanager`), or empty.
/// Without `may_write` only questions are passed on.
///
/// # Errors
/// A token cannot be carried to a server that speaks TLS.
pub fn transport(
    cluster: &Cluster,
    place: &Place,
    prefix: &str,
    may_write: bool,
    has_token: bool,
) -> Result<Arc<dyn Transport>, SourceError> {
    if !has_token {
        return Ok(Arc::new(proxy::ServiceProxy::new(cluster, place, prefix, may_write)));
    }
    if place.https {
        let says = format!(
            "'{}/{place}' speaks TLS: a token is carried through the cluster to plain HTTP alone. Forward its port and give \
             its `url`, or leave out its `token`.",
            cluster.id()
        );
        return Err(SourceError::new(ErrorKind::Unexpected, says));
    }
    Ok(Arc::new(tunnel::Tunnel::new(cluster, place, prefix, may_write)))
}

/// `/alertmanager`, or nothing.
fn rooted(prefix: &str) -> String {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() { String::new() } else { format!("/{prefix}") }
}

/// The path that is asked for below a base.
fn below(server: &str, base: &str, asked: &str) -> Result<Uri, SourceError> {
    let says = || format!("'{server}' cannot be asked for '{}': no valid path.", bare(asked));
    format!("{base}{asked}").parse().map_err(|_| SourceError::new(ErrorKind::Bug, says()))
}

fn bare(asked: &str) -> &str {
    asked.split('?').next().unwrap_or(asked)
}

/// What may change something is refused without `may_write`.
fn check(server: &str, method: &Method, asked: &str, may_write: bool) -> Result<(), SourceError> {
    let path = bare(asked);
    if may_write || is_question(method, path) {
        return Ok(());
    }
    Err(SourceError::new(ErrorKind::Bug, format!("'{server}' is read-only: {method} '{path}' was not sent.")))
}

/// Some questions are POSTs.
fn is_question(method: &Method, path: &str) -> bool {
    let questions = ["/api/ds/query", "/api/v1/query", "/api/v1/query_range", "/api/v1/series"];
    matches!(*method, Method::GET | Method::HEAD)
        || (method == Method::POST && questions.iter().any(|q| path.ends_with(q)))
}
