//! Alert rules as Grafana shows them: its own, and those of its data source.

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
    prometheus::rules::{alerts, groups, uid},
    world::{Shared, lock},
};

pub(super) async fn grafana_rules(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"status": "success", "data": {"groups": groups(&lock(&world), true)}}))
}

pub(super) async fn grafana_alerts(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"status": "success", "data": {"alerts": alerts(&lock(&world), true)}}))
}

pub(super) async fn datasource_rules(State(world): State<Shared>, Path(uid): Path<String>) -> Response {
    if uid != DATASOURCE {
        return refuse(StatusCode::NOT_FOUND, "Data source not found");
    }
    Json(json!({"status": "success", "data": {"groups": groups(&lock(&world), false)}})).into_response()
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
