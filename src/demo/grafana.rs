//! Grafana's HTTP API, as far as a reader of dashboards, annotations and alerts uses it (grafana/grafana
//! `docs/sources/developers/http_api`, version 13).

mod alerting;
mod annotation;
mod dashboard;
mod query;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, Request, State},
    http::{Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};

use super::{
    prometheus,
    scenario::DashboardSpec,
    world::{Shared, lock},
};

/// The one data source.
pub const DATASOURCE: &str = "prom-eu1";

type Pairs = Query<Vec<(String, String)>>;

/// The routes; `token` is the service account's.
pub fn router(world: Shared, token: &str) -> Router {
    let known = format!("Bearer {token}");
    let closed = Router::new()
        .route("/api/org", get(async || Json(json!({"id": 1, "name": "Acme", "address": {}}))))
        .route("/api/user", get(user))
        .route("/api/search", get(search))
        .route("/api/dashboards/uid/{uid}", get(dashboard_by_uid))
        .route("/api/ds/query", post(query::ds_query))
        .route("/api/datasources", get(async || Json(json!([datasource()]))))
        .route("/api/datasources/uid/{uid}", get(datasource_by_uid))
        .route("/api/datasources/uid/{uid}/health", get(health_of_datasource))
        .route("/api/datasources/proxy/uid/{uid}/{*path}", any(proxied))
        .route("/api/annotations", get(annotation::list).post(annotation::create))
        .route("/api/annotations/{id}", axum::routing::delete(annotation::remove))
        .route("/api/prometheus/grafana/api/v1/rules", get(alerting::grafana_rules))
        .route("/api/prometheus/grafana/api/v1/alerts", get(alerting::grafana_alerts))
        .route("/api/prometheus/{uid}/api/v1/rules", get(alerting::datasource_rules))
        .route("/api/v1/provisioning/alert-rules", get(alerting::provisioned))
        .route("/api/alertmanager/grafana/api/v2/alerts", get(alerting::managed_alerts))
        .route("/api/alertmanager/grafana/api/v2/silences", get(async || Json(json!([]))))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "Not found"))
        .layer(middleware::from_fn(move |request: Request, next: Next| authorised(known.clone(), request, next)));
    Router::new().route("/api/health", get(health)).merge(closed).with_state(world)
}

/// Grafana's error body.
fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"message": message}))).into_response()
}

async fn authorised(known: String, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match given {
        Some(given) if given == known => next.run(request).await,
        Some(_) => {
            let body = json!({
                "message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": "",
            });
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
        None => {
            let body = json!({
                "message": "Unauthorized", "messageId": "auth.unauthorized", "statusCode": 401, "traceID": "",
            });
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
    }
}

async fn health() -> Json<Value> {
    Json(json!({"commit": "0000000", "database": "ok", "version": "13.2.0"}))
}

async fn user() -> Json<Value> {
    Json(json!({
        "id": 2, "uid": "sa-1-midwatch", "login": "sa-1-midwatch", "name": "midwatch", "email": "", "orgId": 1,
        "isGrafanaAdmin": false, "isDisabled": false, "theme": "",
    }))
}

fn datasource() -> Value {
    json!({
        "id": 1, "uid": DATASOURCE, "orgId": 1, "name": "Prometheus", "type": "prometheus", "typeName": "Prometheus",
        "access": "proxy", "url": "http://prometheus.monitoring:9090", "database": "", "isDefault": true,
        "basicAuth": false, "jsonData": {"httpMethod": "POST", "timeInterval": "15s"}, "readOnly": true,
    })
}

async fn datasource_by_uid(Path(uid): Path<String>) -> Response {
    if uid == DATASOURCE {
        return Json(datasource()).into_response();
    }
    refuse(StatusCode::NOT_FOUND, "Data source not found")
}

async fn health_of_datasource(Path(uid): Path<String>) -> Response {
    if uid == DATASOURCE {
        return Json(json!({"status": "OK", "message": "Successfully queried the Prometheus API."})).into_response();
    }
    refuse(StatusCode::NOT_FOUND, "Data source not found")
}

/// The data source proxy: Prometheus' own API behind Grafana.
async fn proxied(
    State(world): State<Shared>,
    Path((uid, path)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    if uid != DATASOURCE {
        return refuse(StatusCode::NOT_FOUND, "Data source not found");
    }
    if method == Method::POST {
        if !["api/v1/query", "api/v1/query_range", "api/v1/series", "api/v1/labels"].contains(&path.as_str()) {
            let text = "non allow-listed POSTs not allowed on proxied Prometheus datasource";
            return refuse(StatusCode::FORBIDDEN, text);
        }
    } else if method != Method::GET {
        return refuse(StatusCode::FORBIDDEN, "non-GET requests are not allowed on proxied Prometheus datasource");
    }
    match path.strip_prefix("api/v1/") {
        Some(endpoint) => prometheus::answer(&lock(&world), endpoint, &prometheus::Arguments::read(&uri, &body)),
        None => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    }
}

async fn search(State(world): State<Shared>, Query(pairs): Pairs) -> Json<Value> {
    let scenario = lock(&world).story.scenario.clone();
    let of = |key: &'static str| pairs.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str());
    let words = of("query").next().unwrap_or_default().to_lowercase();
    let folders_only = of("type").next() == Some("dash-folder");
    let limit = of("limit").next().and_then(|n| n.parse().ok()).unwrap_or(1000_usize);
    let page = of("page").next().and_then(|n| n.parse().ok()).unwrap_or(1_usize).max(1);
    let uids: Vec<_> = of("dashboardUIDs").collect();
    let fits = |d: &&DashboardSpec| {
        !folders_only
            && d.title.to_lowercase().contains(&words)
            && of("tag").all(|tag| d.tags.iter().any(|t| t == tag))
            && (uids.is_empty() || uids.contains(&d.uid.as_str()))
            && of("starred").next().is_none_or(|on| on != "true" || d.starred)
    };
    let mut found: Vec<_> = scenario.dashboard.iter().filter(fits).collect();
    found.sort_by_key(|dashboard| dashboard.title.to_lowercase());
    Json(found.into_iter().skip((page - 1) * limit).take(limit).map(dashboard::found).collect())
}

async fn dashboard_by_uid(State(world): State<Shared>, Path(uid): Path<String>) -> Response {
    let world = lock(&world);
    match world.story.scenario.dashboard.iter().find(|d| d.uid == uid) {
        Some(dashboard) => Json(dashboard::shown(dashboard, world.story.start)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "Dashboard not found"),
    }
}
