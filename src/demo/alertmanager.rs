//! Alertmanager's HTTP API v2 over the world's alerts and silences (prometheus/alertmanager `api/v2/openapi.yaml`).

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    telemetry::{
        Rule,
        silences::{Matcher, Refused, Silence},
    },
    world::{Shared, World, lock},
};

/// The routes. Alertmanager asks for no authorisation.
pub fn router(world: Shared) -> Router {
    Router::new()
        .route("/-/healthy", get(async || "OK"))
        .route("/-/ready", get(async || "OK"))
        .route("/api/v2/status", get(status))
        .route("/api/v2/alerts", get(alerts))
        .route("/api/v2/alerts/groups", get(groups))
        .route("/api/v2/receivers", get(receivers))
        .route("/api/v2/silences", get(silences).post(post_silence))
        .route("/api/v2/silence/{id}", get(silence).delete(delete_silence))
        .with_state(world)
}

type Pairs = Query<Vec<(String, String)>>;

/// Alertmanager's errors are bare JSON strings.
fn refuse(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(Value::String(text.into()))).into_response()
}

async fn status(State(world): State<Shared>) -> Json<Value> {
    let world = lock(&world);
    Json(json!({
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": config(&world)},
        "uptime": stamp(world.story.start),
        "versionInfo": {
            "branch": "HEAD", "buildDate": "20261001-10:00:00", "buildUser": "demo", "goVersion": "go1.26.1",
            "revision": "0000000", "version": "0.33.0",
        },
    }))
}

/// The routing tree, in the configuration's own language.
fn config(world: &World) -> String {
    let receivers = &world.story.scenario.receiver;
    let root = receivers.last().map_or("default", |r| r.name.as_str());
    let mut text = format!("route:\n  receiver: {root}\n  group_by: [alertname, service]\n  routes:\n");
    for receiver in receivers.iter().filter(|r| !r.severities.is_empty()) {
        let wanted = receiver.severities.join("|");
        text += &["  - receiver: ", &receiver.name, "\n    matchers: [severity=~\"", &wanted, "\"]\n"].concat();
    }
    text += "receivers:\n";
    for receiver in receivers {
        text += &["- name: ", &receiver.name, "\n"].concat();
    }
    text
}

/// Who gets an alert.
fn receiver_of(world: &World, rule: &Rule) -> String {
    let receivers = &world.story.scenario.receiver;
    let named = receivers.iter().find(|r| r.severities.contains(&rule.spec.severity)).or(receivers.last());
    named.map_or_else(|| "default".to_owned(), |receiver| receiver.name.clone())
}

/// What a request for alerts wants.
struct Wanted {
    matchers: Vec<Matcher>,
    active: bool,
    silenced: bool,
    receiver: Option<Regex>,
}

impl Wanted {
    /// Reads the query; the error is the text of a 400.
    fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut wanted = Self { matchers: Vec::new(), active: true, silenced: true, receiver: None };
        for (key, value) in pairs {
            let on = || match value.as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(format!("{key} in query must be of type boolean: \"{value}\"")),
            };
            match key.as_str() {
                "filter" => wanted.matchers.push(Matcher::parse(value)?),
                "active" => wanted.active = on()?,
                "silenced" => wanted.silenced = on()?,
                // Nothing here is ever inhibited, muted or unprocessed; only the form is checked.
                "inhibited" | "unprocessed" | "muted" => drop(on()?),
                "receiver" => {
                    let regex = Regex::new(&format!("^(?:{value})$"));
                    let regex = regex.map_err(|_| format!("failed to parse receiver param: {value}"))?;
                    wanted.receiver = Some(regex);
                }
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// The alerts wanted, in the order of their fingerprints.
    fn pick(&self, world: &World) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for rule in world.telemetry.alerts.firing().filter(|rule| !rule.spec.grafana) {
            let silenced_by = world.telemetry.silences.silencing(&rule.labels, world.now);
            let shown = if silenced_by.is_empty() { self.active } else { self.silenced };
            let receiver = receiver_of(world, rule);
            let fits = self.matchers.iter().all(|matcher| matcher.matches(&rule.labels))
                && self.receiver.as_ref().is_none_or(|regex| regex.is_match(&receiver));
            if shown && fits {
                found.push(alert(world, rule, &silenced_by, &receiver));
            }
        }
        found.sort_by_key(|alert| alert["fingerprint"].as_str().unwrap_or_default().to_owned());
        found
    }
}

/// The fingerprint of a label set: FNV-1a of its names and values, each ended by 0xff, in hexadecimal.
pub fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let mut hash = 14_695_981_039_346_656_037_u64;
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        for byte in text.bytes().chain([0xff]) {
            hash ^= u64::from(byte);
            hash = hash.wrapping_mul(1_099_511_628_211);
        }
    }
    format!("{hash:016x}")
}

fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn alert(world: &World, rule: &Rule, silenced_by: &[String], receiver: &str) -> Value {
    let fired_at = match rule.state {
        super::telemetry::State::Firing { fired_at, .. } => fired_at,
        _ => world.now,
    };
    json!({
        "fingerprint": fingerprint(&rule.labels),
        "labels": rule.labels,
        "annotations": rule.annotations(),
        "startsAt": stamp(fired_at),
        "endsAt": stamp(rule.ends_at()),
        "updatedAt": stamp(rule.told_at),
        "generatorURL": format!("http://prometheus.acme.example/graph?g0.expr={}&g0.tab=1", encoded(&rule.expr)),
        "receivers": [{"name": receiver}],
        "status": {
            "state": if silenced_by.is_empty() { "active" } else { "suppressed" },
            "silencedBy": silenced_by, "inhibitedBy": [], "mutedBy": [],
        },
    })
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
        out
    })
}

async fn alerts(State(world): State<Shared>, Query(pairs): Pairs) -> Response {
    match Wanted::read(&pairs) {
        Ok(wanted) => Json(wanted.pick(&lock(&world))).into_response(),
        Err(text) => refuse(StatusCode::BAD_REQUEST, text),
    }
}

async fn groups(State(world): State<Shared>, Query(pairs): Pairs) -> Response {
    let wanted = match Wanted::read(&pairs) {
        Ok(wanted) => wanted,
        Err(text) => return refuse(StatusCode::BAD_REQUEST, text),
    };
    let mut groups: BTreeMap<(String, String, String), Vec<Value>> = BTreeMap::new();
    for alert in wanted.pick(&lock(&world)) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let labels = &alert["labels"];
        let key = (text(&alert["receivers"][0]["name"]), text(&labels["alertname"]), text(&labels["service"]));
        groups.entry(key).or_default().push(alert);
    }
    let groups = groups.into_iter().map(|((receiver, name, service), alerts)| {
        let mut labels = BTreeMap::from([("alertname", name)]);
        if !service.is_empty() {
            labels.insert("service", service);
        }
        json!({"labels": labels, "routeLabels": {}, "receiver": {"name": receiver}, "alerts": alerts})
    });
    Json(groups.collect::<Vec<_>>()).into_response()
}

async fn receivers(State(world): State<Shared>) -> Json<Value> {
    let world = lock(&world);
    Json(world.story.scenario.receiver.iter().map(|receiver| json!({"name": receiver.name})).collect())
}

fn shown(silence: &Silence, now: Timestamp) -> Value {
    let matchers: Vec<_> = silence
        .matchers
        .iter()
        .map(|m| json!({"name": m.name, "value": m.value, "isRegex": m.is_regex, "isEqual": m.is_equal}))
        .collect();
    json!({
        "id": silence.id, "status": {"state": silence.state(now)}, "matchers": matchers,
        "startsAt": stamp(silence.starts_at), "endsAt": stamp(silence.ends_at), "updatedAt": stamp(silence.updated_at),
        "createdBy": silence.created_by, "comment": silence.comment, "annotations": {},
    })
}

async fn silences(State(world): State<Shared>, Query(pairs): Pairs) -> Response {
    let mut filters = Vec::new();
    for (_, value) in pairs.iter().filter(|(key, _)| key == "filter") {
        match Matcher::parse(value) {
            Ok(matcher) => filters.push(matcher),
            Err(text) => return refuse(StatusCode::BAD_REQUEST, text),
        }
    }
    let off = |state: &str| pairs.iter().any(|(key, value)| key == state && value == "false");
    let world = lock(&world);
    let mut list: Vec<_> = world.telemetry.silences.list.iter().collect();
    // Active first, then pending, then expired, each by its end, as Alertmanager sorts them.
    let rank = |silence: &Silence| match silence.state(world.now) {
        "active" => 0,
        "pending" => 1,
        _ => 2,
    };
    list.sort_by_key(|silence| (rank(silence), silence.ends_at));
    let fits = |silence: &Silence| {
        let has = |filter: &Matcher| {
            // A filter selects silences by their matchers, taken as labels.
            let labels = silence.matchers.iter().map(|m| (m.name.clone(), m.value.clone())).collect();
            filter.matches(&labels)
        };
        !off(silence.state(world.now)) && filters.iter().all(has)
    };
    let list: Vec<_> = list.into_iter().filter(|s| fits(s)).map(|s| shown(s, world.now)).collect();
    Json(list).into_response()
}

async fn silence(State(world): State<Shared>, Path(id): Path<String>) -> Response {
    let world = lock(&world);
    match world.telemetry.silences.get(&id) {
        Some(silence) => Json(shown(silence, world.now)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn delete_silence(State(world): State<Shared>, Path(id): Path<String>) -> Response {
    let mut world = lock(&world);
    let now = world.now;
    if world.telemetry.silences.expire(&id, now) { StatusCode::OK } else { StatusCode::NOT_FOUND }.into_response()
}

/// `POST /silences`' body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    id: String,
    matchers: Vec<PostedMatcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    created_by: String,
    comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

async fn post_silence(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let bad = |text: String| refuse(StatusCode::BAD_REQUEST, text);
    let posted: Posted = match serde_json::from_slice(&body) {
        Ok(posted) => posted,
        Err(error) => return bad(format!("parsing silence body from \"\" failed, because {error}")),
    };
    let made: Result<Vec<_>, _> = posted
        .matchers
        .into_iter()
        .map(|m| {
            if m.name.is_empty() {
                Err("invalid label name \"\"".to_owned())
            } else {
                Matcher::new(m.name, m.value, m.is_regex, m.is_equal)
            }
        })
        .collect();
    let matchers = match made {
        Ok(matchers) => matchers,
        Err(text) => return bad(format!("invalid silence: {text}")),
    };
    let mut world = lock(&world);
    let now = world.now;
    let silence = Silence {
        id: posted.id,
        matchers,
        starts_at: posted.starts_at,
        ends_at: posted.ends_at,
        updated_at: now,
        created_by: posted.created_by,
        comment: posted.comment,
    };
    match world.telemetry.silences.set(silence, now) {
        Ok(id) => Json(json!({"silenceID": id})).into_response(),
        Err(Refused::Bad(text)) => bad(text),
        Err(Refused::Unknown(text)) => refuse(StatusCode::NOT_FOUND, text),
    }
}
