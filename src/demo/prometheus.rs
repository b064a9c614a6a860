//! Prometheus' HTTP API over the world's series and rules (prometheus/prometheus `web/api/v1/api.go`). Of PromQL only what
//! `expr` knows.

pub(super) mod expr;
pub(super) mod rules;
mod series;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::expr::{Found, Range, evaluate};
use super::{
    scenario::Span,
    world::{Shared, World, lock},
};

pub(super) const VERSION: &str = "3.8.1";

/// The configuration as `/api/v1/status/config` prints it.
const CONFIG: &str = "\
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  evaluation_interval: 5s
alerting:
  alertmanagers:
  - follow_redirects: true
    enable_http2: true
    scheme: http
    timeout: 10s
    api_version: v2
    static_configs:
    - targets:
      - alertmanager.monitoring:9093
rule_files:
- /etc/prometheus/rules/*.yaml
";

/// What is asked for, from the address and, of a POST, from the form.
pub(super) struct Arguments(Vec<(String, String)>);

impl Arguments {
    /// Reads a query string and a form.
    pub(super) fn read(uri: &Uri, form: &[u8]) -> Self {
        let form = format!("/?{}", String::from_utf8_lossy(form)).parse().unwrap_or_default();
        let pairs =
            |uri: &Uri| Query::<Vec<(String, String)>>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
        let mut all = pairs(uri);
        all.extend(pairs(&form));
        Self(all)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The routes. Prometheus asks for no authorisation.
pub fn router(world: Shared) -> Router {
    Router::new().fallback(asked).with_state(world)
}

async fn asked(State(world): State<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    let is_read = matches!(method, Method::GET | Method::HEAD);
    match uri.path() {
        "/-/healthy" if is_read => return "Prometheus Server is Healthy.\n".into_response(),
        "/-/ready" if is_read => return "Prometheus Server is Ready.\n".into_response(),
        _ => {}
    }
    let Some(endpoint) = uri.path().strip_prefix("/api/v1/") else { return not_found() };
    let is_form = method == Method::POST && takes_forms(endpoint);
    if !is_read && !is_form {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    answer(&lock(&world), endpoint, &Arguments::read(&uri, &body))
}

/// Long expressions come as a form.
fn takes_forms(endpoint: &str) -> bool {
    matches!(endpoint, "query" | "query_range" | "series" | "labels")
}

/// What stands below `/api/v1/`.
pub(super) fn answer(world: &World, endpoint: &str, arguments: &Arguments) -> Response {
    match endpoint {
        "query" => query(world, arguments),
        "query_range" => query_range(world, arguments),
        "series" => series::series(world, arguments),
        "labels" => series::labels(world, arguments),
        "rules" => rules::answer(world, arguments),
        "alerts" => success(&json!({"alerts": rules::alerts(world, false)})),
        "status/buildinfo" => success(&json!({
            "version": VERSION, "revision": "0000000", "branch": "HEAD", "buildUser": "demo",
            "buildDate": "20261001-10:00:00", "goVersion": "go1.26.1",
        })),
        "status/config" => success(&json!({"yaml": CONFIG})),
        _ => match endpoint.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) => series::label_values(world, name, arguments),
            None => not_found(),
        },
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

fn success(data: &Value) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}

fn bad(text: &str) -> Response {
    fail(StatusCode::BAD_REQUEST, "bad_data", text)
}

fn fail(status: StatusCode, kind: &str, text: &str) -> Response {
    (status, Json(json!({"status": "error", "errorType": kind, "error": text}))).into_response()
}

/// The error of an expression, as [`evaluate`] words it.
fn refused(text: &str) -> Response {
    match text.split_once(": ") {
        Some(("bad_data", rest)) => bad(rest),
        _ => fail(StatusCode::UNPROCESSABLE_ENTITY, "execution", text.trim_start_matches("execution: ")),
    }
}

/// A moment of the arguments; the error names it.
fn time(arguments: &Arguments, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = arguments.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = moment(text);
    let wrong = || format!("invalid parameter \"{name}\": cannot parse \"{text}\" to a valid timestamp");
    found.map(Some).ok_or_else(wrong)
}

/// RFC 3339 or seconds since the epoch.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let seconds: f64 = text.parse().ok()?;
        Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
    })
}

/// Seconds since the epoch, with a fraction only where there is one.
fn seconds(at: Timestamp) -> Value {
    let millis = at.as_millisecond();
    if millis % 1000 == 0 { json!(millis / 1000) } else { json!(millis as f64 / 1000.0) }
}

/// A sample as Go prints it.
fn sample(value: f64) -> String {
    match (value.is_nan(), value.is_infinite(), value > 0.0) {
        (true, ..) => "NaN".to_owned(),
        (_, true, true) => "+Inf".to_owned(),
        (_, true, false) => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

fn query(world: &World, arguments: &Arguments) -> Response {
    let text = arguments.get("query").unwrap_or_default();
    let at = match time(arguments, "time") {
        Ok(at) => at.unwrap_or(world.now),
        Err(text) => return bad(&text),
    };
    if let Ok(number) = text.trim().parse::<f64>() {
        return success(&json!({"resultType": "scalar", "result": [seconds(at), sample(number)]}));
    }
    match evaluate(world, text, Range { from: at, to: at, step: SignedDuration::from_secs(1) }) {
        Err(text) => refused(&text),
        Ok(found) => {
            let one = |found: &Found| {
                let (at, value) = found.points.last()?;
                Some(json!({"metric": found.labels, "value": [seconds(*at), sample(*value)]}))
            };
            success(&json!({"resultType": "vector", "result": found.iter().filter_map(one).collect::<Vec<_>>()}))
        }
    }
}

fn query_range(world: &World, arguments: &Arguments) -> Response {
    let moment = |name: &str| {
        time(arguments, name)
            .and_then(|at| at.ok_or(format!("invalid parameter \"{name}\": cannot parse \"\" to a valid timestamp")))
    };
    let (from, to) = match (moment("start"), moment("end")) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(text), _) | (_, Err(text)) => return bad(&text),
    };
    if to < from {
        return bad("invalid parameter \"end\": end timestamp must not be before start time");
    }
    let step = arguments.get("step").unwrap_or_default();
    let Some(step) = step.parse().ok().or_else(|| Span::parse(step).ok().map(Span::as_secs)) else {
        return bad(&format!("invalid parameter \"step\": cannot parse \"{step}\" to a valid duration"));
    };
    if step <= 0.0 {
        return bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        );
    }
    if to.duration_since(from).as_secs_f64() / step > 11_000.0 {
        return bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    let range = Range { from, to, step: SignedDuration::from_millis((step * 1000.0) as i64) };
    match evaluate(world, arguments.get("query").unwrap_or_default(), range) {
        Err(text) => refused(&text),
        Ok(found) => {
            let one = |found: &Found| {
                let values: Vec<_> =
                    found.points.iter().map(|(at, value)| json!([seconds(*at), sample(*value)])).collect();
                (!values.is_empty()).then(|| json!({"metric": found.labels, "values": values}))
            };
            success(&json!({"resultType": "matrix", "result": found.iter().filter_map(one).collect::<Vec<_>>()}))
        }
    }
}
