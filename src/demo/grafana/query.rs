//! `POST /api/ds/query`: expressions in, data frames out.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{DATASOURCE, refuse};
use crate::demo::{
    prometheus::expr::{Found, Range, evaluate},
    scenario::Span,
    world::{Shared, World, lock},
};

fn bad(id: &str, message: &str) -> Response {
    let body = json!({"message": message, "messageId": id, "statusCode": 400, "traceID": ""});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

pub(super) async fn ds_query(State(world): State<Shared>, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "bad request data");
    };
    let Some(queries) = asked["queries"].as_array().filter(|queries| !queries.is_empty()) else {
        return bad("query.noQueries", "No queries found");
    };
    let world = lock(&world);
    let (Some(from), Some(to)) = (moment(&asked["from"], world.now), moment(&asked["to"], world.now)) else {
        return refuse(StatusCode::BAD_REQUEST, "failed to parse the time range");
    };
    let mut seen = BTreeSet::new();
    for query in queries {
        let source = &query["datasource"];
        let uid = source["uid"].as_str().or(source.as_str());
        match uid {
            None => return bad("query.missingDataSourceInfo", "Query does not contain datasource information"),
            Some(DATASOURCE | "__expr__") => {}
            Some(_) => return refuse(StatusCode::NOT_FOUND, "Data source not found"),
        }
        if !seen.insert(name_of(query)) {
            let message = format!("Multiple queries using the same RefId is not allowed: {}", name_of(query));
            return bad("query.duplicateRefId", &message);
        }
    }
    let (results, failed) = answers(&world, queries, from, to);
    let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, Json(json!({"results": results}))).into_response()
}

fn name_of(query: &Value) -> &str {
    query["refId"].as_str().unwrap_or("A")
}

fn answers(world: &World, queries: &[Value], from: Timestamp, to: Timestamp) -> (Map<String, Value>, bool) {
    let mut results = Map::new();
    let mut failed = false;
    let is_expression = |query: &&Value| query["datasource"]["uid"] == "__expr__";
    for query in queries.iter().filter(|query| !is_expression(query)) {
        let result = prometheus(world, query, from, to);
        failed |= result["error"].is_string();
        results.insert(name_of(query).to_owned(), result);
    }
    for query in queries.iter().filter(is_expression) {
        let result = reduced(query, &results);
        failed |= result["error"].is_string();
        results.insert(name_of(query).to_owned(), result);
    }
    (results, failed)
}

/// Epoch milliseconds, as text or number, or `now-1h`.
fn moment(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(rest) = text.strip_prefix("now") {
        let ago = if rest.is_empty() { Span::default() } else { Span::parse(rest).ok()? };
        return Some(ago.after(now));
    }
    Timestamp::from_millisecond(text.parse().ok()?).ok()
}

fn error(status: u16, text: &str) -> Value {
    json!({"status": status, "error": text, "errorSource": "downstream", "frames": []})
}

fn prometheus(world: &World, query: &Value, from: Timestamp, to: Timestamp) -> Value {
    let expr = query["expr"].as_str().unwrap_or_default();
    let instant = query["instant"] == true && query["range"] != true;
    let step = step(query, from, to);
    let range = if instant {
        Range { from: to, to, step: SignedDuration::from_secs(1) }
    } else {
        Range::aligned(from, to, step)
    };
    // A dashboard's last moment is often a little ahead of the last sample.
    let range = if instant && range.to > world.now { Range { from: world.now, to: world.now, ..range } } else { range };
    match evaluate(world, expr, range) {
        Err(text) => error(if text.starts_with("bad_data") { 400 } else { 422 }, &text),
        Ok(found) => {
            let shown = format!("Expr: {expr}\nStep: {}", Span::seconds(step.as_secs_f64()));
            let legend = query["legendFormat"].as_str().unwrap_or_default();
            let alone = found.len() == 1;
            let frames: Vec<_> = found
                .iter()
                .map(|one| frame(name_of(query), one, &name(one, legend, alone, expr), &shown, instant, step))
                .collect();
            json!({"status": 200, "frames": frames})
        }
    }
}

/// As the data source computes it from `intervalMs`, never finer than the scrape interval.
fn step(query: &Value, from: Timestamp, to: Timestamp) -> SignedDuration {
    let asked = query["intervalMs"].as_f64().unwrap_or(1000.0);
    let scrape = query["interval"].as_str().and_then(|text| Span::parse(text).ok()).map_or(15.0, Span::as_secs);
    let fewest = to.duration_since(from).as_secs_f64() / 11_000.0;
    SignedDuration::from_millis(((asked / 1000.0).max(scrape).max(fewest) * 1000.0).round() as i64)
}

/// The legend's name of a series.
fn name(found: &Found, legend: &str, alone: bool, expr: &str) -> String {
    let labels = || {
        let shown: Vec<_> = found.labels.iter().filter(|(k, _)| *k != "__name__").collect();
        let text: Vec<_> = shown.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
        format!("{}{{{}}}", found.labels.get("__name__").map_or("", String::as_str), text.join(", "))
    };
    match legend {
        "__auto" if alone => expr.to_owned(),
        "" | "__auto" => labels(),
        _ => found.labels.iter().fold(legend.to_owned(), |text, (label, value)| {
            text.replace(&format!("{{{{{label}}}}}"), value).replace(&format!("{{{{ {label} }}}}"), value)
        }),
    }
}

fn frame(reference: &str, found: &Found, name: &str, shown: &str, instant: bool, step: SignedDuration) -> Value {
    let times: Vec<_> = found.points.iter().map(|(at, _)| at.as_millisecond()).collect();
    let values: Vec<_> = found.points.iter().map(|(_, value)| value.is_finite().then_some(*value)).collect();
    let not_numbers: Vec<_> =
        found.points.iter().enumerate().filter(|(_, (_, value))| value.is_nan()).map(|(row, _)| row).collect();
    let kind = if instant { "numeric-multi" } else { "timeseries-multi" };
    let mut frame = json!({
        "schema": {
            "refId": reference, "name": name,
            "meta": {
                "type": kind, "typeVersion": [0, 1], "custom": {"resultType": if instant { "vector" } else { "matrix" }},
                "executedQueryString": shown,
            },
            "fields": [
                {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"},
                 "config": if instant { json!({}) } else { json!({"interval": step.as_millis() as i64}) }},
                {"name": "Value", "type": "number", "typeInfo": {"frame": "float64"}, "labels": found.labels,
                 "config": {"displayNameFromDS": name}},
            ],
        },
        "data": {"values": [times, values]},
    });
    if !not_numbers.is_empty() {
        frame["data"]["entities"] = json!([null, {"NaN": not_numbers}]);
    }
    frame
}

/// A server-side expression; `reduce` is the one there is.
fn reduced(query: &Value, results: &Map<String, Value>) -> Value {
    let input = query["expression"].as_str().unwrap_or_default().trim_start_matches('$');
    if query["type"] != "reduce" {
        let kind = query["type"].as_str().unwrap_or_default();
        return error(400, &format!("the demo world has no expression of type '{kind}'"));
    }
    let Some(frames) = results.get(input).and_then(|result| result["frames"].as_array()) else {
        return error(400, &format!("could not find dependent node [{input}]"));
    };
    let frames: Vec<_> = frames
        .iter()
        .map(|frame| {
            let values: Vec<f64> =
                frame["data"]["values"][1].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
            let value = reduce(query["reducer"].as_str().unwrap_or("last"), &values);
            json!({
                "schema": {
                    "refId": name_of(query), "meta": {"type": "numeric-multi", "typeVersion": [0, 1]},
                    "fields": [{"name": name_of(query), "type": "number",
                        "typeInfo": {"frame": "float64", "nullable": true},
                        "labels": frame["schema"]["fields"][1]["labels"]}],
                },
                "data": {"values": [[value]]},
            })
        })
        .collect();
    json!({"status": 200, "frames": frames})
}

fn reduce(how: &str, values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    match how {
        "mean" => (!values.is_empty()).then(|| sum / values.len() as f64),
        "max" => values.iter().copied().reduce(f64::max),
        "min" => values.iter().copied().reduce(f64::min),
        "sum" => Some(sum),
        "count" => Some(values.len() as f64),
        _ => values.last().copied(),
    }
}
