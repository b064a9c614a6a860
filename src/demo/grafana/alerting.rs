//! Alert rules as Grafana and Prometheus show them.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{DATASOURCE, refuse};
use crate::demo::{
    alertmanager::fingerprint,
    story::chance,
    telemetry::{Rule, State as RuleState},
    world::{Shared, World, lock},
};

/// `1e+00`, as Go prints it.
fn go_number(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, power)) = text.split_once('e') else { return text };
    let power: i32 = power.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

fn uid(world: &World, rule: &Rule) -> String {
    format!("d{}", chance::hex(world.story.seed, &["rule", &rule.spec.name, &rule.expr], 13))
}

/// The pending or firing alert of a rule.
fn instance(rule: &Rule, grafana: bool) -> Option<Value> {
    let active_at = rule.state.active_at()?;
    let state = match (rule.state, grafana) {
        (RuleState::Pending { .. }, true) => "Pending",
        (_, true) => "Alerting",
        (state, false) => state.as_str(),
    };
    Some(json!({
        "labels": rule.labels, "annotations": rule.annotations(), "state": state,
        "activeAt": active_at.to_string(), "value": go_number(rule.value),
    }))
}

/// The pending and firing alerts of one side.
pub(super) fn prometheus_alerts(world: &World, grafana: bool) -> Vec<Value> {
    let rules = world.telemetry.alerts.rules.iter().filter(|rule| rule.spec.grafana == grafana);
    rules.filter_map(|rule| instance(rule, grafana)).collect()
}

fn rule(world: &World, rule: &Rule, grafana: bool) -> Value {
    let mut shown = json!({
        "type": "alerting", "name": rule.spec.name, "query": rule.expr, "duration": rule.spec.hold.as_secs(),
        "keepFiringFor": 0, "labels": rule.labels, "annotations": rule.annotations(),
        "alerts": instance(rule, grafana).into_iter().collect::<Vec<_>>(), "state": rule.state.as_str(),
        "health": "ok", "evaluationTime": 0.000_4, "lastEvaluation": world.telemetry.alerts.evaluated.to_string(),
    });
    if grafana {
        shown["uid"] = json!(uid(world, rule));
        shown["folderUid"] = json!("services");
        shown["isPaused"] = json!(false);
        shown["totals"] = if rule.state == RuleState::Inactive { json!({"normal": 1}) } else { json!({"alerting": 1}) };
    }
    shown
}

fn groups(world: &World, grafana: bool) -> Value {
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for one in world.telemetry.alerts.rules.iter().filter(|rule| rule.spec.grafana == grafana) {
        groups.entry(&one.spec.group).or_default().push(rule(world, one, grafana));
    }
    let evaluated = world.telemetry.alerts.evaluated.to_string();
    let groups: Vec<_> = groups
        .into_iter()
        .map(|(name, rules)| {
            let file = if grafana { "services".to_owned() } else { format!("/etc/prometheus/rules/{name}.yaml") };
            json!({
                "name": name, "file": file, "interval": 5, "limit": 0, "lastEvaluation": evaluated,
                "evaluationTime": 0.001, "rules": rules,
            })
        })
        .collect();
    json!({"groups": groups})
}

/// `/api/v1/rules` of Prometheus.
pub(super) fn prometheus_rules(world: &World) -> Value {
    groups(world, false)
}

pub(super) async fn grafana_rules(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"status": "success", "data": groups(&lock(&world), true)}))
}

pub(super) async fn grafana_alerts(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"status": "success", "data": {"alerts": prometheus_alerts(&lock(&world), true)}}))
}

pub(super) async fn datasource_rules(State(world): State<Shared>, Path(uid): Path<String>) -> Response {
    if uid != DATASOURCE {
        return refuse(StatusCode::NOT_FOUND, "Data source not found");
    }
    Json(json!({"status": "success", "data": groups(&lock(&world), false)})).into_response()
}

/// `/api/v1/provisioning/alert-rules`.
pub(super) async fn provisioned(State(world): State<Shared>) -> Json<Value> {
    let world = lock(&world);
    let rules = world.telemetry.alerts.rules.iter().filter(|rule| rule.spec.grafana);
    let shown = rules.map(|rule| {
        json!({
            "id": 1, "uid": uid(&world, rule), "orgID": 1, "folderUID": "services", "ruleGroup": rule.spec.group,
            "title": rule.spec.name, "condition": "A", "for": rule.spec.hold.to_string(), "keep_firing_for": "0s",
            "noDataState": "NoData", "execErrState": "Error", "labels": rule.labels, "annotations": rule.annotations(),
            "isPaused": false,
            "data": [{"refId": "A", "queryType": "", "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": DATASOURCE, "model": {"expr": rule.expr, "instant": true, "refId": "A"}}],
        })
    });
    Json(shown.collect())
}

/// `/api/alertmanager/grafana/api/v2/alerts`.
pub(super) async fn managed_alerts(State(world): State<Shared>) -> Json<Value> {
    let world = lock(&world);
    let firing = world.telemetry.alerts.firing().filter(|rule| rule.spec.grafana);
    let shown = firing.map(|rule| {
        let mut labels = rule.labels.clone();
        labels.insert("__alert_rule_uid__".to_owned(), uid(&world, rule));
        labels.insert("grafana_folder".to_owned(), "services".to_owned());
        json!({
            "fingerprint": fingerprint(&labels), "labels": labels, "annotations": rule.annotations(),
            "startsAt": rule.state.active_at().unwrap_or(world.now).to_string(), "endsAt": rule.ends_at().to_string(),
            "updatedAt": rule.told_at.to_string(), "generatorURL": "", "receivers": [{"name": "grafana-default-email"}],
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        })
    });
    Json(shown.collect())
}
