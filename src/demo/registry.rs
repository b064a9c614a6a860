//! A container registry (OCI distribution specification, and the token dance of distribution's `auth/token.md`) with the
//! world's images: manifests by tag and digest. Blobs are not served: it is asked what there is, and nobody pulls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    image,
    story::chance,
    world::{Shared, lock},
};

/// What the token server is told it is for.
const SERVICE: &str = image::HOST;
/// How long a token is good, in seconds.
const GOOD_FOR: i64 = 300;

/// User and password.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: String,
}

#[derive(Clone)]
struct Server {
    world: Shared,
    login: Login,
    seed: u64,
    granted: Arc<Mutex<BTreeMap<String, Grant>>>,
}

/// What a token is good for.
struct Grant {
    /// The repository that may be pulled from; empty: none.
    repository: String,
    until: Timestamp,
}

/// The routes. `seed`: of its tokens.
pub fn router(world: Shared, login: Login, seed: u64) -> Router {
    Router::new().fallback(asked).with_state(Server { world, login, seed, granted: Arc::default() })
}

async fn asked(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_read = matches!(method, Method::GET | Method::HEAD);
    if uri.path() == "/token" && method == Method::GET {
        let query = Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default();
        return server.token(&query, &headers);
    }
    let mut answer = match uri.path().strip_prefix("/v2/") {
        None if uri.path() == "/v2" => StatusCode::MOVED_PERMANENTLY.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
        Some(_) if !is_read => error(405, "UNSUPPORTED", "The operation is unsupported.", Value::Null),
        Some(below) => server.read(below, &headers),
    };
    if uri.path() == "/v2" {
        answer.headers_mut().insert(header::LOCATION, header::HeaderValue::from_static("/v2/"));
    }
    answer.headers_mut().insert("docker-distribution-api-version", header::HeaderValue::from_static("registry/2.0"));
    answer
}

/// `{"errors":[…]}`
fn error(status: u16, code: &str, message: &str, detail: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(json!({"errors": [{"code": code, "message": message, "detail": detail}]}))).into_response()
}

impl Server {
    fn read(&self, below: &str, headers: &HeaderMap) -> Response {
        if below.is_empty() {
            return match self.may(headers, None) {
                Ok(()) => Json(json!({})).into_response(),
                Err(refused) => *refused,
            };
        }
        let Some((repository, reference)) = below.rsplit_once("/manifests/") else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match self.may(headers, Some(repository)) {
            Ok(()) => self.manifest(repository, reference, headers),
            Err(refused) => *refused,
        }
    }

    fn manifest(&self, repository: &str, reference: &str, headers: &HeaderMap) -> Response {
        let images = self.images();
        let Some(tags) = images.get(repository) else {
            let (message, detail) = ("repository name not known to registry", json!({"name": repository}));
            return error(404, "NAME_UNKNOWN", message, detail);
        };
        let mut all = tags.iter();
        let image = match reference.split_once(':') {
            Some(_) => all.find(|(_, image)| image::digest(image) == reference),
            None => all.find(|(tag, _)| *tag == reference),
        };
        let Some((_, image)) = image else {
            let what = if reference.contains(':') { "Digest" } else { "Tag" };
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown", json!({what: reference}));
        };
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut accepted = accepted.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one));
        if !accepted.any(|one| one.trim() == image::MANIFEST) {
            let message = "OCI manifest found, but accept header does not support OCI manifests";
            return error(404, "MANIFEST_UNKNOWN", message, Value::Null);
        }
        let digest = image::digest(image);
        let etag = format!("\"{digest}\"");
        let told = [
            (header::CONTENT_TYPE.as_str(), image::MANIFEST),
            ("docker-content-digest", &digest),
            (header::ETAG.as_str(), &etag),
        ];
        (told, image::manifest(image)).into_response()
    }

    /// Repository, tag, and the image's full name: what was pushed, and what a cluster runs of repositories that are newer
    /// than it.
    fn images(&self) -> BTreeMap<String, Vec<(String, String)>> {
        let mut images: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let world = lock(&self.world);
        for image in world.clusters.iter().flat_map(super::cluster::Cluster::images) {
            let (name, tag) = image::split(&image);
            let repository = name.split_once('/').map_or(name, |(_, repository)| repository);
            images.entry(repository.to_owned()).or_default().push((tag.to_owned(), image.clone()));
        }
        images
    }

    /// Whether the request's token is good: for a repository, or at all.
    fn may(&self, headers: &HeaderMap, repository: Option<&str>) -> Result<(), Box<Response>> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer "));
        let now = lock(&self.world).now;
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match token.map(|token| granted.get(token).filter(|grant| grant.until > now)) {
            None => "",
            Some(None) => ",error=\"invalid_token\"",
            Some(Some(grant)) if repository.is_none_or(|wanted| grant.repository == wanted) => return Ok(()),
            Some(Some(_)) => ",error=\"insufficient_scope\"",
        };
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
        let scope = repository.map(|name| format!(",scope=\"repository:{name}:pull\"")).unwrap_or_default();
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"{SERVICE}\"{scope}{why}");
        let detail =
            repository.map(|name| json!([{"Type": "repository", "Class": "", "Name": name, "Action": "pull"}]));
        let mut refused = error(401, "UNAUTHORIZED", "authentication required", detail.unwrap_or(Value::Null));
        if let Ok(challenge) = challenge.parse() {
            refused.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        Err(Box::new(refused))
    }

    /// `GET /token?service=…&scope=repository:NAME:pull`, with user and password.
    fn token(&self, query: &[(String, String)], headers: &HeaderMap) -> Response {
        let pair = format!("{}:{}", self.login.user, self.login.password);
        let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&expected) {
            return error(401, "UNAUTHORIZED", "incorrect username or password", Value::Null);
        }
        let scope = query.iter().find(|(name, _)| name == "scope").and_then(|(_, scope)| {
            let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
            actions.split(',').any(|action| action == "pull").then(|| name.to_owned())
        });
        let repository = scope.unwrap_or_default();
        let now = lock(&self.world).now;
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.retain(|_, grant| grant.until > now);
        let token = chance::hex(self.seed, &["registry", &repository, &now.to_string()], 40);
        let until = now.saturating_add(SignedDuration::from_secs(GOOD_FOR)).unwrap_or(now);
        granted.insert(token.clone(), Grant { repository, until });
        Json(json!({
            "token": token, "access_token": token, "expires_in": GOOD_FOR, "issued_at": now.to_string(),
        }))
        .into_response()
    }
}
