//! Argo CD's server (`assets/swagger.json` of argo-cd 3.x, `server/application`) over the Applications of the world's
//! clusters: to look, to patch, and to roll back to an entry of the history. It only asks; the controller in the cluster
//! does the work.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    cluster::{Cluster, json as js, kinds::Resource, store::Object},
    kubernetes::patch,
    world::{Shared, World, lock},
};

/// Where Argo CD itself is.
const HOME: &str = "argocd";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

#[derive(Clone)]
struct Server {
    world: Shared,
    user: String,
    token: String,
}

/// A gRPC status, as the gateway answers it.
enum Code {
    InvalidArgument = 3,
    PermissionDenied = 7,
    FailedPrecondition = 9,
    Unknown = 2,
    Unauthenticated = 16,
}

struct Refused(Code, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(code, message) = self;
        let status = match code {
            Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let code = code as u8;
        (status, Json(json!({"error": message, "code": code, "message": message}))).into_response()
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Which {
    app_namespace: String,
    project: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Patch {
    #[serde(rename = "patch")]
    body: String,
    #[serde(rename = "patchType")]
    kind: String,
    app_namespace: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Rollback {
    id: i64,
    dry_run: bool,
    prune: bool,
    app_namespace: String,
}

/// The routes. `user` is who the token belongs to; it may do everything.
pub fn router(world: Shared, user: String, token: String) -> Router {
    let server = Server { world, user, token };
    let inside = Router::new()
        .route("/api/v1/applications", get(list))
        .route("/api/v1/applications/{name}", get(one).patch(change))
        .route("/api/v1/applications/{name}/rollback", post(roll_back))
        .route("/api/v1/account/can-i/{resource}/{action}/{*of}", get(can_i))
        .route_layer(middleware::from_fn_with_state(server.clone(), known));
    Router::new()
        .route("/api/version", get(async || Json(json!({"Version": "v3.2.1+8c4ab63"}))))
        .route("/api/v1/session/userinfo", get(user_info))
        .merge(inside)
        .with_state(server)
}

impl Server {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        said.and_then(|said| said.strip_prefix("Bearer ")) == Some(&self.token)
    }
}

async fn known(
    State(server): State<Server>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    if server.knows(&headers) {
        return next.run(request).await;
    }
    Refused(Code::Unauthenticated, "no session information".to_owned()).into_response()
}

async fn user_info(State(server): State<Server>, headers: HeaderMap) -> Json<Value> {
    if server.knows(&headers) {
        return Json(json!({"loggedIn": true, "username": server.user, "iss": "argocd", "groups": []}));
    }
    Json(json!({}))
}

async fn can_i(Path((resource, action, _)): Path<(String, String, String)>) -> Response {
    const ACTIONS: [&str; 8] = ["get", "create", "update", "delete", "sync", "override", "action", "invoke"];
    if !ACTIONS.contains(&&*action) {
        return Refused(Code::InvalidArgument, format!("{ACTIONS:?} does not contain {action}")).into_response();
    }
    if resource != "applications" {
        return Refused(Code::InvalidArgument, format!("resources do not contain {resource}")).into_response();
    }
    Json(json!({"value": "yes"})).into_response()
}

async fn list(State(server): State<Server>) -> Json<Value> {
    let world = lock(&server.world);
    let all = world.clusters.iter().flat_map(|cluster| cluster.store.list(Resource::Applications, None, None));
    Json(json!({"metadata": {"resourceVersion": ""}, "items": all.map(Object::value).collect::<Vec<_>>()}))
}

async fn one(State(server): State<Server>, Path(name): Path<String>, Query(which): Query<Which>) -> Response {
    let mut world = lock(&server.world);
    match find(&mut world, &which.app_namespace, &name) {
        Ok((_, object)) if !which.project.is_empty() && js::text(&object, "/spec/project") != which.project => {
            denied().into_response()
        }
        Ok((_, object)) => Json(object).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// The cluster that has the application, and the application. One that is not there is told like one that may not be seen.
fn find<'a>(world: &'a mut World, namespace: &str, name: &str) -> Result<(&'a mut Cluster, Value), Refused> {
    let namespace = if namespace.is_empty() { HOME } else { namespace };
    let has = |cluster: &&mut Cluster| cluster.store.get(Resource::Applications, namespace, name).is_some();
    let cluster = world.clusters.iter_mut().find(has).ok_or_else(denied)?;
    let object = cluster.store.get(Resource::Applications, namespace, name).map(Object::value).unwrap_or_default();
    Ok((cluster, object))
}

fn denied() -> Refused {
    Refused(Code::PermissionDenied, "permission denied".to_owned())
}

fn read<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused(Code::InvalidArgument, error.to_string()))
}

async fn change(State(server): State<Server>, Path(name): Path<String>, body: Bytes) -> Response {
    changed(&server, &name, &body).unwrap_or_else(IntoResponse::into_response)
}

/// Argo CD keeps of a patch what it changes in spec, labels and annotations.
fn changed(server: &Server, name: &str, body: &Bytes) -> Result<Response, Refused> {
    let asked: Patch = read(body)?;
    let kind = match asked.kind.as_str() {
        "json" | "" => JSON_PATCH,
        "merge" => MERGE_PATCH,
        other => {
            let says = format!("Patch type '{other}' is not supported");
            return Err(Refused(Code::InvalidArgument, says));
        }
    };
    let mut world = lock(&server.world);
    let now = world.now;
    let (cluster, object) = find(&mut world, &asked.app_namespace, name)?;
    let patched = patch::apply(kind, asked.body.as_bytes(), &object)
        .map_err(|_| Refused(Code::Unknown, "error applying patch: testing value failed".to_owned()))?;
    let namespace = js::text(&object, "/metadata/namespace").to_owned();
    cluster.edit(now, Resource::Applications, &namespace, name, "argocd-server", |value| {
        value["spec"] = patched["spec"].clone();
        for field in ["labels", "annotations"] {
            value["metadata"][field] = patched["metadata"][field].clone();
        }
    });
    Ok(Json(patched).into_response())
}

async fn roll_back(State(server): State<Server>, Path(name): Path<String>, body: Bytes) -> Response {
    rolled_back(&server, &name, &body).unwrap_or_else(IntoResponse::into_response)
}

fn rolled_back(server: &Server, name: &str, body: &Bytes) -> Result<Response, Refused> {
    let asked: Rollback = read(body)?;
    let mut world = lock(&server.world);
    let now = world.now;
    let (cluster, object) = find(&mut world, &asked.app_namespace, name)?;
    let failed = |says: &str| Err(Refused(Code::FailedPrecondition, says.to_owned()));
    if !object["spec"]["syncPolicy"]["automated"].is_null() {
        return failed("rollback cannot be initiated when auto-sync is enabled");
    }
    if !object["operation"].is_null() || js::text(&object, "/status/operationState/phase") == "Running" {
        return failed("another operation is already in progress");
    }
    let entry = js::list(&object, "/status/history").iter().find(|entry| entry["id"] == asked.id);
    let Some(entry) = entry else {
        let says = format!("application {HOME}/{name} does not have deployment with id {}", asked.id);
        return Err(Refused(Code::InvalidArgument, says));
    };
    let operation = json!({"initiatedBy": {"username": server.user}, "sync": {"revision": entry["revision"],
        "source": entry["source"], "dryRun": asked.dry_run, "prune": asked.prune, "syncStrategy": {"apply": {}}}});
    let namespace = js::text(&object, "/metadata/namespace").to_owned();
    cluster.edit(now, Resource::Applications, &namespace, name, "argocd-server", |value| {
        value["operation"] = operation;
    });
    Ok(Json(find(&mut world, &asked.app_namespace, name)?.1).into_response())
}
