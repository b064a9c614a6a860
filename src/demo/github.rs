//! The simulated GitHub: REST and GraphQL over the code host, as `api.github.com` answers.

use std::sync::PoisonError;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response, StatusCode, header},
};
use serde_json::Value;

use self::{
    limits::{Bucket, Limits},
    reply::{Content, Reply},
};
use super::{code::Code, world::Shared};

mod actions;
mod commits;
mod contents;
mod graphql;
mod limits;
mod objects;
mod pulls;
mod reply;
mod repos;
mod search;
mod signed;
mod users;
mod writes;

/// What the server knows besides the world.
#[derive(Clone)]
struct Host {
    world: Shared,
    token: String,
    limits: std::sync::Arc<std::sync::Mutex<Limits>>,
}

/// One request, read.
pub(crate) struct Call<'a> {
    pub method: &'a str,
    /// Path segments, percent-decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub accept: String,
    /// The body as JSON; `Null` when empty.
    pub body: Value,
    /// `http://host:port` of this server.
    pub base: String,
    /// Path and query as sent.
    pub uri: String,
}

impl Call<'_> {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }
}

/// The server's routes: everything is answered by one function, since GitHub's paths hold slashes where axum's may not.
pub fn router(world: Shared, token: String) -> Router {
    let limits = std::sync::Arc::default();
    Router::new().fallback(serve).with_state(Host { world, token, limits })
}

async fn serve(State(host): State<Host>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else {
        return render(Reply::error(413, "Payload too large"), &[], None);
    };
    host.answer(&parts.method, &parts.uri.to_string(), &parts.headers, &body)
}

impl Host {
    fn answer(&self, method: &Method, uri: &str, headers: &HeaderMap, body: &Bytes) -> Response<Body> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let now = world.now;
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let bearer = text(header::AUTHORIZATION);
        if path.starts_with("/_logs/") {
            return render(signed::serve(&world.code, path, query, !bearer.is_empty()), &[], None);
        }
        let id = limits.request_id();
        let known = bearer.split_once(' ').is_some_and(|(kind, token)| {
            (kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("token")) && token == self.token
        });
        if !known {
            let reply = if bearer.is_empty() {
                Reply::error(401, "Requires authentication")
            } else {
                Reply::error(401, "Bad credentials")
            };
            return render(reply, &[id], None);
        }
        if text(header::USER_AGENT).is_empty() {
            let reply = Reply::text(
                403,
                "text/html",
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
            );
            return render(reply, &[id], None);
        }
        let call = Call {
            method: method.as_str(),
            path: path.split('/').skip(1).map(decoded).collect(),
            query: url_pairs(query),
            accept: text(header::ACCEPT).to_owned(),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
            base: format!("http://{}", text(header::HOST)),
            uri: uri.to_owned(),
        };
        let bucket = Bucket::of(&call);
        let mut reply = if !body.is_empty() && call.body.is_null() && body.as_ref() != b"null" {
            Reply::error(400, "Problems parsing JSON")
        } else if path == "/rate_limit" {
            limits.overview(now)
        } else if limits.exhausted(bucket, now) {
            limits.refusal()
        } else {
            route(&mut world.code, &call, &mut limits)
        };
        let etag = reply.etag(&call);
        let same = etag.as_deref().is_some_and(|tag| matches_tag(text(header::IF_NONE_MATCH), tag));
        if same {
            reply = Reply::empty(304);
        } else if path != "/rate_limit" {
            limits.count(bucket, now);
        }
        let mut extra = limits.headers(bucket, now);
        extra.push(id);
        extra.push(("x-oauth-scopes".into(), "read:org, repo, workflow".into()));
        extra.push(("x-github-media-type".into(), "github.v3; format=json".into()));
        extra.push(("x-github-api-version-selected".into(), "2022-11-28".into()));
        render(reply, &extra, etag)
    }
}

fn route(code: &mut Code, call: &Call<'_>, limits: &mut Limits) -> Reply {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method, path.as_slice()) {
        ("GET", ["user"]) => Reply::json(200, users::private(code)),
        ("GET", ["users", login]) => {
            code.user(login).map_or_else(Reply::not_found, |_| Reply::json(200, users::public(code, login)))
        }
        ("GET", ["user", "repos"]) => repos::list(code, call),
        ("GET", ["search", "issues"]) => search::issues(code, call),
        ("POST", ["graphql"]) => graphql::answer(code, call, limits),
        (_, ["repos", owner, name, rest @ ..]) => match code.repo_index(owner, name) {
            None => Reply::not_found(),
            Some(repo) => in_repo(code, call, repo, rest),
        },
        _ => Reply::not_found(),
    }
}

fn in_repo(code: &mut Code, call: &Call<'_>, repo: usize, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("GET", []) => Reply::json(200, repos::full(code, repo, &call.base)),
        (_, ["actions", rest @ ..]) => actions::route(code, call, repo, rest),
        ("GET", ["check-runs", id]) => commits::check_run(code, call, repo, id),
        ("GET", ["check-runs", id, "annotations"]) => commits::annotations(code, call, repo, id),
        ("GET", ["commits"]) => commits::list(code, call, repo),
        ("GET", ["commits", rest @ ..]) => commits::route(code, call, repo, rest),
        ("GET", ["contents", path @ ..]) => contents::file(code, call, repo, &path.join("/")),
        ("GET", ["compare", rest @ ..]) => commits::compare(code, call, repo, &rest.join("/")),
        ("GET", ["pulls" | "issues", ..]) => pulls::route(code, call, repo, rest),
        (_, ["pulls" | "issues", ..]) => writes::route(code, call, repo, rest),
        _ => Reply::not_found(),
    }
}

fn render(reply: Reply, extra: &[(String, String)], etag: Option<String>) -> Response<Body> {
    let mut answer = Response::builder()
        .status(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header("server", "github.com")
        .header("vary", "Accept, Authorization, Cookie, X-GitHub-OTP");
    for (name, value) in extra.iter().chain(&reply.headers) {
        answer = answer.header(name, value);
    }
    if let Some(etag) = etag {
        answer = answer.header("etag", etag).header("cache-control", "private, max-age=60, s-maxage=60");
    }
    let body = match reply.content {
        Content::Empty => Body::empty(),
        Content::Json(value) => {
            answer = answer.header("content-type", "application/json; charset=utf-8");
            Body::from(value.to_string())
        }
        Content::Text(kind, text) => {
            answer = answer.header("content-type", kind);
            Body::from(text)
        }
    };
    answer.body(body).expect("names and values of the headers above are ASCII")
}

fn matches_tag(sent: &str, tag: &str) -> bool {
    sent.split(',').any(|t| t.trim().trim_start_matches("W/") == tag.trim_start_matches("W/"))
}

fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url_pairs(&pair).pop().map_or_else(|| segment.to_owned(), |(_, value)| value)
}

/// The pairs of a query string.
fn url_pairs(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            let code =
                tail.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
            match (first, code) {
                (b'%', Some(byte)) => {
                    bytes.push(byte);
                    rest = &tail[2..];
                }
                (b'+', _) => {
                    bytes.push(b' ');
                    rest = tail;
                }
                _ => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pairs = query.split('&').filter(|p| !p.is_empty());
    pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (plain(k), plain(v))).collect()
}

#[cfg(test)]
mod tests;
