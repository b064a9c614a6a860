//! The simulated cluster's API server: what `kubectl` and client libraries talk to.
//!
//! It speaks Kubernetes 1.33: discovery (legacy and aggregated), LIST, WATCH, Table, PATCH, logs, access reviews, and the
//! service proxy.
//!
//! The token comes as a bearer token, or, without one, as a path prefix `/as/TOKEN`: client-go sends no credentials over plain HTTP
//! (`clientcmd`, `IsConfigTransportTLS`), so a kubeconfig for `kubectl` must name the server `http://HOST:PORT/as/TOKEN`.

pub mod access;
pub mod age;
pub mod answer;
pub mod discovery;
pub mod forward;
pub mod list;
pub mod logs;
pub mod metrics;
pub mod openapi;
pub mod patch;
pub mod pod_columns;
pub mod protobuf;
pub mod proxy;
pub mod request;
pub mod resize;
pub mod scale;
pub mod selector;
pub mod shell;
pub mod stream;
pub mod table;
#[cfg(test)]
mod tests;
pub mod watch;
pub mod write;

use std::sync::{Arc, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header, request::Parts},
    response::Response,
};

pub use self::access::Role;
use self::{
    answer::{Failure, json_text, reply},
    request::{Ask, Route},
};
use super::{
    cluster::{AuditLine, Cluster},
    world::{Shared, World},
};

/// What every handler needs.
#[derive(Clone)]
pub struct Server {
    world: Shared,
    cluster: usize,
    tokens: Arc<Vec<(String, Role)>>,
    /// What stands behind Services.
    upstreams: Arc<Vec<proxy::Upstream>>,
    /// Whether `sendInitialEvents` is served (the WatchList feature gate, off in 1.33).
    watch_list: bool,
}

impl Server {
    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic in another handler leaves data that is still good enough for a demo.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or writes the cluster at the world's time. Never held across an await.
    fn with<T>(&self, act: impl FnOnce(&mut Cluster, jiff::Timestamp) -> T) -> T {
        let mut world = self.lock();
        let now = world.now;
        act(&mut world.clusters[self.cluster], now)
    }
}

/// The API server of one cluster; `token` is that of its administrator `ana`.
pub fn router(world: Shared, cluster: usize, token: String) -> Router {
    router_with_roles(world, cluster, vec![(token, Role::admin("ana"))])
}

/// As `router`, with a role for each token.
pub fn router_with_roles(world: Shared, cluster: usize, tokens: Vec<(String, Role)>) -> Router {
    router_with_upstreams(world, cluster, tokens, Vec::new())
}

/// As `router_with_roles`, with servers behind some of its Services.
pub fn router_with_upstreams(
    world: Shared,
    cluster: usize,
    tokens: Vec<(String, Role)>,
    upstreams: Vec<proxy::Upstream>,
) -> Router {
    let (tokens, upstreams) = (Arc::new(tokens), Arc::new(upstreams));
    Router::new().fallback(handle).with_state(Server { world, cluster, tokens, upstreams, watch_list: false })
}

/// As `router`, of a cluster that serves streaming lists (the WatchList feature gate).
pub fn router_with_watch_list(world: Shared, cluster: usize, token: String) -> Router {
    let tokens = Arc::new(vec![(token, Role::admin("ana"))]);
    Router::new().fallback(handle).with_state(Server {
        world,
        cluster,
        tokens,
        upstreams: Arc::default(),
        watch_list: true,
    })
}

async fn handle(State(server): State<Server>, mut request: Request) -> Response {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let mut token = bearer.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
    let named = request.headers().contains_key(header::AUTHORIZATION);
    if let Some((prefix, uri)) = without_prefix(request.uri()) {
        *request.uri_mut() = uri;
        if !named {
            token = prefix;
        }
    }
    let Some((_, role)) = server.tokens.iter().find(|(known, _)| *known == token) else {
        return Failure::unauthorized().into_response();
    };
    let role = role.clone();
    let (mut parts, body) = request.into_parts();
    if let Some(wait) = server.with(|cluster, _| cluster.faults.delay(&parts.method)) {
        tokio::time::sleep(wait).await;
    }
    if server.with(|cluster, _| cluster.faults.throttles()) {
        return Failure::throttled().into_response();
    }
    match request::parse(&parts) {
        Ok(Route::Object(ask)) if ask.streams() => {
            return stream::open(&server, &role, &mut parts, *ask).await.unwrap_or_else(Failure::into_response);
        }
        _ => {}
    }
    // 3 MiB, the limit of a real API server's request bodies.
    let Ok(body) = axum::body::to_bytes(body, 3 << 20).await else {
        return Failure::bad_request("request body is too large or was cut off").into_response();
    };
    let answer = match proxy::parse(&parts) {
        Some(ask) => proxy::pass(&server, &role, ask, &parts, &body).await,
        None => route(&server, &role, &parts, &body),
    };
    match answer {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

/// The token of a `/as/TOKEN` prefix, and the address without it.
fn without_prefix(uri: &Uri) -> Option<(String, Uri)> {
    let rest = uri.path_and_query()?.as_str().strip_prefix("/as/")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (token, rest) = rest.split_at(end);
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    Some((token.to_owned(), rest.parse().ok()?))
}

fn route(server: &Server, role: &Role, parts: &Parts, body: &[u8]) -> Result<Response, Failure> {
    match request::parse(parts)? {
        Route::Version => {
            Ok(json_text(StatusCode::OK, discovery::version(&server.with(|cluster, _| cluster.version.clone()))))
        }
        Route::Healthy => Ok(reply(StatusCode::OK, "text/plain; charset=utf-8", Body::from("ok"))),
        Route::Discovery(text, content_type) => Ok(reply(StatusCode::OK, content_type, Body::from(text))),
        Route::Review(kind) => access::review(server, role, &kind, body),
        Route::Metrics(which) => metrics::answer(server, &which, &request::Query::of(parts)),
        Route::Object(ask) => {
            access::check(role, &ask)?;
            let answer = object(server, &ask, body);
            audit(server, role, &ask, &answer);
            answer
        }
    }
}

/// Everything under a kind of object.
fn object(server: &Server, ask: &Ask, body: &[u8]) -> Result<Response, Failure> {
    match (ask.method.as_str(), ask.sub.as_str()) {
        ("GET", "") if ask.watches() => watch::watch(server, ask),
        ("GET", "") if ask.name.is_some() => list::get(server, ask),
        ("GET", "") => list::list(server, ask),
        ("GET", "status" | "resize") => list::get(server, ask),
        ("GET", "log") => logs::logs(server, ask),
        (_, "scale") => scale::scale(server, ask, body),
        ("POST", "eviction") => write::evict(server, ask, body),
        ("POST", "") if ask.name.is_none() => write::create(server, ask, body),
        ("PUT", "") if ask.name.is_some() => write::update(server, ask, body),
        ("PATCH", "") if ask.name.is_some() => write::patch(server, ask, body),
        ("DELETE", "") if ask.name.is_some() => write::delete(server, ask, body),
        ("DELETE", "") => write::delete_all(server, ask, body),
        ("PATCH", "status") if ask.name.is_some() => write::patch_status(server, ask, body),
        ("PATCH" | "PUT", "resize") if ask.name.is_some() => resize::write(server, ask, body),
        (_, "" | "log" | "eviction" | "status" | "resize") => Err(Failure::method_not_allowed()),
        _ => Err(Failure::path_not_found()),
    }
}

/// Notes mutations, also refused ones.
fn audit(server: &Server, role: &Role, ask: &Ask, answer: &Result<Response, Failure>) {
    if ask.method == Method::GET {
        return;
    }
    let code = match answer {
        Ok(response) => response.status().as_u16(),
        Err(failure) => failure.code.as_u16(),
    };
    let sub = if ask.sub.is_empty() { String::new() } else { format!("/{}", ask.sub) };
    server.with(|cluster, at| {
        cluster.note(AuditLine {
            at,
            user: role.user.clone(),
            verb: ask.verb().to_owned(),
            resource: format!("{}{sub}", ask.kind.plural),
            namespace: ask.namespace.clone().unwrap_or_default(),
            name: ask.name.clone().unwrap_or_default(),
            code,
        });
    });
}
