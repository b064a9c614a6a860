//! The client against servers that answer well, oldly, badly; and the demo's Prometheus, directly and through a cluster.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Prometheus, sent::SentLabels};
use crate::{
    config::file,
    model::{
        BackendId, BackendInfo, Part,
        alert::{Alert, AlertState, Priority},
    },
    secret::Secret,
    source::{
        ErrorKind, Fact, Source, SourceError,
        http::fake::{Asked, Behaviour, Fake, answer, json as ok},
        severity::Severities,
    },
    time::TestClock,
};

mod demo;

fn client(url: &str, token: Option<&str>) -> Arc<Prometheus> {
    let config = file::Prometheus {
        name: "prom".to_owned(),
        url: url.to_owned(),
        tenant: Some("team-a".to_owned()),
        ..file::Prometheus::default()
    };
    let clock = Arc::new(TestClock::at("2026-11-21T03:14:00Z".parse().unwrap()));
    let severities = Severities::new(&BTreeMap::new());
    let token = token.map(Secret::new);
    Prometheus::new(&config, token, severities, file::Timeouts::default(), clock, None).unwrap()
}

fn source(client: &Arc<Prometheus>, part: Part) -> Box<dyn Source> {
    client.sources().into_iter().find(|source| source.id().part == part).unwrap()
}

async fn alerts(fake: &Fake) -> Result<Vec<Alert>, SourceError> {
    Ok(client(&fake.url, None).alerts(&SentLabels::default()).await?.data)
}

fn data(data: &Value) -> Behaviour {
    ok(&json!({"status": "success", "data": data}))
}

fn named<'a>(alerts: &'a [Alert], name: &str) -> &'a Alert {
    alerts.iter().find(|alert| alert.name == name).unwrap_or_else(|| panic!("no '{name}' in {alerts:#?}"))
}

/// `null` where Go has an empty list, numbers where there is text now, and every state.
fn rules() -> Value {
    let instance = |state: &str, value: Value| {
        json!({"labels": {"alertname": "High", "severity": "critical", "pod": state}, "annotations": {"summary": "high"},
            "state": state, "activeAt": "2026-11-21T03:10:00.123456789Z", "value": value})
    };
    json!({"groups": [
        {"name": "shop", "file": "/etc/rules.yml", "interval": 15, "rules": [
            {"type": "alerting", "name": "High", "query": "rate(errors[1m]) > 5", "duration": 300,
             "labels": {"severity": "critical"}, "annotations": null, "health": "ok", "state": "firing",
             "alerts": [instance("firing", json!("3.104870129e+01")), instance("pending", json!(7.25)),
                        instance("inactive", json!("0"))]},
            {"type": "alerting", "name": "Watchdog", "query": "vector(1)", "health": "ok", "alerts": [
                {"labels": {"alertname": "Watchdog"}, "state": "firing", "activeAt": "0001-01-01T00:00:00Z", "value": "1e+00"}]},
            {"type": "alerting", "name": "Blind", "query": "sum(a) / b", "duration": 60, "labels": {"severity": "warning"},
             "health": "err", "lastError": "many-to-many matching not allowed", "alerts": null},
            {"type": "recording", "name": "a:b", "query": "sum(a)", "health": "err", "lastError": "x"},
        ]},
        {"name": "empty", "rules": null},
    ]})
}

#[tokio::test]
async fn rules_become_alerts_pending_firing_and_failing() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/mimir/prometheus/api/v1/rules?type=alert" => data(&rules()),
        _ => answer(404, "text/plain", "404 page not found\n"),
    })
    .await;
    let url = format!("{}/mimir/prometheus/", fake.url);
    let list = client(&url, Some("t0ken")).alerts(&SentLabels::default()).await.unwrap().data;
    assert_eq!(list.len(), 4, "{list:#?}");
    let asked: Vec<Asked> = fake.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(asked[0].header("x-scope-orgid"), Some("team-a"));

    let of = |state: AlertState| list.iter().find(|alert| alert.state == state && alert.name == "High").unwrap();
    let firing = of(AlertState::Firing);
    let rule = firing.rule.as_ref().unwrap();
    assert_eq!(
        (rule.expression.as_deref(), rule.hold_seconds, rule.is_alone),
        (Some("rate(errors[1m]) > 5"), 300, true)
    );
    assert_eq!((firing.priority, firing.value.as_deref()), (Priority::P1, Some("31.05")));
    assert_eq!(firing.active_since.unwrap().to_string(), "2026-11-21T03:10:00.123456789Z");
    assert_eq!(firing.starts.unwrap().as_second() - firing.active_since.unwrap().as_second(), 300);
    assert!(
        firing
            .generator_url
            .as_ref()
            .unwrap()
            .ends_with("/mimir/prometheus/graph?g0.expr=rate%28errors%5B1m%5D%29+%3E+5&g0.tab=1")
    );
    let pending = of(AlertState::Pending);
    assert_eq!((pending.starts, pending.value.as_deref()), (None, Some("7.25")));
    assert_eq!(pending.fires().unwrap().as_second(), firing.starts.unwrap().as_second());
    let watchdog = named(&list, "Watchdog");
    assert!(watchdog.is_watchdog && watchdog.active_since.is_none());
    let blind = named(&list, "Blind");
    assert!(matches!(blind.state, AlertState::Other(_)), "{blind:?}");
    assert_eq!(blind.summary().unwrap(), "the rule cannot be evaluated: many-to-many matching not allowed");
    assert_eq!(blind.annotation("rule_group").unwrap(), "shop in /etc/rules.yml");
}

/// As prometheus/common tests its own (`signature_test.go`).
#[test]
fn fingerprints_are_alertmanagers() {
    let labels = [("fear", "love is not enough"), ("name", "garland, briggs")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let labels = BTreeMap::from(labels);
    assert_eq!(super::sent::fingerprint(&labels).as_str(), format!("{:016x}", 5_799_056_148_416_392_346_u64));
    assert_eq!(super::sent::fingerprint(&BTreeMap::new()).as_str(), format!("{:016x}", 14_695_981_039_346_656_037_u64));
}

#[tokio::test]
async fn a_server_without_rules_still_tells_its_alerts() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v1/alerts" => {
            data(&json!({"alerts": [{"labels": {"alertname": "Old"}, "state": "pending", "value": "NaN"}]}))
        }
        _ => answer(404, "text/plain", "404 page not found\n"),
    })
    .await;
    let list = alerts(&fake).await.unwrap();
    assert_eq!((list[0].name.as_str(), list[0].value.as_deref()), ("Old", Some("NaN")));
    assert_eq!(list[0].rule.as_ref().unwrap().expression, None);
}

#[tokio::test]
async fn what_is_no_prometheus_is_said() {
    let of = async |behave: fn() -> Behaviour| {
        let fake = Fake::start(move |_| behave()).await;
        alerts(&fake).await.unwrap_err()
    };
    let wrong_place = of(|| answer(404, "text/plain", "404 page not found\n")).await;
    assert!(wrong_place.says.contains("'/api/v1/rules' (404)") && wrong_place.says.contains("`url`"), "{wrong_place}");
    let tenant = of(|| answer(401, "text/plain", "no org id")).await;
    assert_eq!(tenant.kind, ErrorKind::Auth);
    assert!(tenant.says.contains("no org id") && tenant.says.contains("`tenant`"), "{tenant}");
    let busy =
        of(|| answer(503, "application/json", r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#))
            .await;
    assert!(busy.kind == ErrorKind::Unreachable && busy.says.contains("query timed out"), "{busy}");
    let page = of(|| answer(200, "text/html", "<html>hello</html>")).await;
    assert!(page.says.contains("web page instead of JSON"), "{page}");
    let empty = of(|| answer(200, "application/json", "{}")).await;
    assert!(empty.says.contains("without `data`"), "{empty}");
    let failed = of(|| answer(200, "application/json", r#"{"status":"error","error":"not ready"}"#)).await;
    assert!(failed.says.contains("could not answer '/api/v1/rules': not ready"), "{failed}");
    let shape = of(|| answer(200, "application/json", r#"{"status":"success","data":[1]}"#)).await;
    assert!(shape.says.contains("unexpected shape"), "{shape}");
}

#[tokio::test]
async fn what_is_hostile_comes_in_clean() {
    let fake = Fake::start(|_| {
        data(&json!({"groups": [{"rules": [{"type": "alerting", "name": "E", "query": "up\u{1b}]0;x\u{7}", "alerts": [
            {"labels": {"alertname": "E\u{1b}[2J", "p\u{7}": "\u{202e}x"}, "annotations": {"summary": "a\u{1b}[31mb"},
             "state": "firing", "value": "\u{1b}c"}]}]}]}))
    })
    .await;
    let shown = format!("{:?}", alerts(&fake).await.unwrap());
    assert!(!shown.contains("\\u{1b}") && !shown.contains("\\u{202e}") && !shown.contains("\\u{7}"), "{shown}");
}

#[tokio::test]
async fn the_source_labels_as_it_sends_and_says_what_is_partial() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v1/status/config" => {
            data(&json!({"yaml": "global:\n  external_labels:\n    cluster: eu\n    replica: a\nalerting:\n  alert_relabel_configs:\n  - regex: replica\n    action: labeldrop\n"}))
        }
        _ => ok(&json!({"status": "success", "warnings": ["store eu-2: unavailable"], "data": rules()})),
    })
    .await;
    let client = client(&fake.url, None);
    let mut source = source(&client, Part::Alerts);
    let facts = source.next().await.unwrap();
    let [Fact::Alerts { list, .. }, Fact::Info(BackendInfo { notes, .. })] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    let firing = list.iter().find(|alert| alert.name == "High").unwrap();
    assert_eq!((firing.label("cluster").unwrap().as_str(), firing.label("replica")), ("eu", None));
    assert_eq!(firing.key.backend, BackendId::new("prom"));
    assert!(notes[0].contains("store eu-2: unavailable"), "{notes:?}");
    source.next().await.unwrap();
    let configs = fake.asked().iter().filter(|asked| asked.path.ends_with("/config")).count();
    assert_eq!(configs, 1, "its configuration is large: it is not read at every look");
}

#[tokio::test]
async fn health_names_the_version_or_only_lives() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v1/status/buildinfo" => data(&json!({"version": "3.8.1", "revision": "x"})),
        _ => answer(404, "text/plain", ""),
    })
    .await;
    let info = client(&fake.url, None).info().await.unwrap();
    assert_eq!(info.version.as_deref(), Some("3.8.1"));
    let old = Fake::start(|asked| match asked.path.as_str() {
        "/-/healthy" => answer(200, "text/plain", "Prometheus is Healthy.\n"),
        _ => answer(404, "text/plain", ""),
    })
    .await;
    assert_eq!(client(&old.url, None).info().await.unwrap().version, None);
}
