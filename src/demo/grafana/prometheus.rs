//! The data source proxy: Prometheus' own HTTP API behind Grafana.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    DATASOURCE, Pairs, alerting,
    expr::{Found, Range, evaluate},
    refuse,
};
use crate::demo::{
    scenario::{Metric, Span},
    world::{Shared, World, lock},
};

type Arguments = Vec<(String, String)>;

fn success(data: &Value) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}

fn fail(status: StatusCode, kind: &str, text: &str) -> Response {
    (status, Json(json!({"status": "error", "errorType": kind, "error": text}))).into_response()
}

pub(super) async fn proxied(
    State(world): State<Shared>,
    Path((uid, path)): Path<(String, String)>,
    method: Method,
    Query(mut arguments): Pairs,
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
        let uri = format!("/?{}", String::from_utf8_lossy(&body)).parse().unwrap_or_default();
        if let Ok(Query(form)) = Query::<Arguments>::try_from_uri(&uri) {
            arguments.extend(form);
        }
    } else if method != Method::GET {
        return refuse(StatusCode::FORBIDDEN, "non-GET requests are not allowed on proxied Prometheus datasource");
    }
    let world = lock(&world);
    match path.as_str() {
        "api/v1/query" => query(&world, &arguments),
        "api/v1/query_range" => query_range(&world, &arguments),
        "api/v1/alerts" => success(&json!({"alerts": alerting::prometheus_alerts(&world, false)})),
        "api/v1/rules" => success(&alerting::prometheus_rules(&world)),
        "api/v1/labels" => success(&json!(["__name__", "cluster", "namespace", "service"])),
        "api/v1/label/__name__/values" => success(&Metric::NAMES.iter().map(|(_, name)| json!(name)).collect()),
        "api/v1/label/service/values" => {
            let mut names: Vec<_> = world.story.scenario.service.iter().map(|s| s.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            success(&json!(names))
        }
        "api/v1/status/buildinfo" => {
            success(&json!({"version": "3.8.1", "revision": "0000000", "goVersion": "go1.26.1"}))
        }
        _ => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    }
}

fn argument<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// RFC 3339 or seconds since the epoch.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let seconds: f64 = text.parse().ok()?;
        Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
    })
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn query(world: &World, arguments: &Arguments) -> Response {
    let text = argument(arguments, "query").unwrap_or_default();
    let at = argument(arguments, "time").map_or(Some(world.now), moment);
    let Some(at) = at else { return fail(StatusCode::BAD_REQUEST, "bad_data", "invalid parameter \"time\"") };
    let range = Range { from: at, to: at, step: SignedDuration::from_secs(1) };
    match evaluate(world, text, range) {
        Err(text) => refused(&text),
        Ok(found) => {
            let result: Vec<_> = found.iter().filter_map(vector).collect();
            success(&json!({"resultType": "vector", "result": result}))
        }
    }
}

fn vector(found: &Found) -> Option<Value> {
    let (at, value) = found.points.last()?;
    Some(json!({"metric": found.labels, "value": [seconds(*at), value.to_string()]}))
}

fn query_range(world: &World, arguments: &Arguments) -> Response {
    let time = |name| argument(arguments, name).and_then(moment);
    let step = argument(arguments, "step")
        .and_then(|text| text.parse::<f64>().ok().or_else(|| Span::parse(text).ok().map(Span::as_secs)));
    let bad = |text: &str| fail(StatusCode::BAD_REQUEST, "bad_data", text);
    let (Some(from), Some(to), Some(step)) = (time("start"), time("end"), step) else {
        return bad("invalid parameter \"start\", \"end\" or \"step\"");
    };
    if step <= 0.0 {
        return bad("invalid parameter \"step\": zero or negative query resolution step widths are not accepted");
    }
    if to < from {
        return bad("invalid parameter \"end\": end timestamp must not be before start time");
    }
    if to.duration_since(from).as_secs_f64() / step > 11_000.0 {
        return bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    let range = Range { from, to, step: SignedDuration::from_millis((step * 1000.0) as i64) };
    match evaluate(world, argument(arguments, "query").unwrap_or_default(), range) {
        Err(text) => refused(&text),
        Ok(found) => {
            let result: Vec<_> = found
                .iter()
                .map(|one| {
                    let values: Vec<_> =
                        one.points.iter().map(|(at, value)| json!([seconds(*at), value.to_string()])).collect();
                    json!({"metric": one.labels, "values": values})
                })
                .collect();
            success(&json!({"resultType": "matrix", "result": result}))
        }
    }
}

fn refused(text: &str) -> Response {
    match text.split_once(": ") {
        Some(("bad_data", rest)) => fail(StatusCode::BAD_REQUEST, "bad_data", rest),
        _ => fail(StatusCode::UNPROCESSABLE_ENTITY, "execution", text.trim_start_matches("execution: ")),
    }
}
