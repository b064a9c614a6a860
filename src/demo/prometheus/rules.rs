//! Alerting rules as Prometheus shows them, and in the same shape, with states of its own, Grafana.

use std::collections::BTreeMap;

use axum::response::Response;
use serde_json::{Value, json};

use super::{Arguments, bad, success};
use crate::demo::{
    story::chance,
    telemetry::{Rule, State},
    world::World,
};

/// `/api/v1/rules`
pub(super) fn answer(world: &World, arguments: &Arguments) -> Response {
    let mut groups = groups(world, false);
    match arguments.get("type").unwrap_or_default() {
        "" | "alert" => {}
        // The demo has no recording rules.
        "record" => groups.clear(),
        other => return bad(&format!("invalid parameter \"type\": not supported value \"{other}\"")),
    }
    let named = |key: &str, name: &Value| {
        let mut wanted = arguments.all(key).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| name == wanted)
    };
    groups.retain(|group| named("rule_group[]", &group["name"]) && named("file[]", &group["file"]));
    for rules in groups.iter_mut().filter_map(|group| group["rules"].as_array_mut()) {
        rules.retain(|rule| named("rule_name[]", &rule["name"]));
        if arguments.get("exclude_alerts").is_some_and(|on| on == "true") {
            for rule in rules {
                rule["alerts"] = json!([]);
            }
        }
    }
    groups.retain(|group| group["rules"].as_array().is_some_and(|rules| !rules.is_empty()));
    success(&json!({"groups": groups}))
}

/// `1e+00`, as Go prints it.
fn go_number(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, power)) = text.split_once('e') else { return text };
    let power: i32 = power.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// Grafana's name of a rule.
pub(in crate::demo) fn uid(world: &World, rule: &Rule) -> String {
    format!("d{}", chance::hex(world.story.seed, &["rule", &rule.spec.name, &rule.expr], 13))
}

/// The pending or firing alert of a rule.
fn instance(rule: &Rule, grafana: bool) -> Option<Value> {
    let active_at = rule.state.active_at()?;
    let state = match (rule.state, grafana) {
        (State::Pending { .. }, true) => "Pending",
        (_, true) => "Alerting",
        (state, false) => state.as_str(),
    };
    Some(json!({
        "labels": rule.labels, "annotations": rule.annotations(), "state": state,
        "activeAt": active_at.to_string(), "value": go_number(rule.value),
    }))
}

/// The pending and firing alerts of one side.
pub(in crate::demo) fn alerts(world: &World, grafana: bool) -> Vec<Value> {
    let rules = world.telemetry.alerts.rules.iter().filter(|rule| rule.spec.grafana == grafana);
    rules.filter_map(|rule| instance(rule, grafana)).collect()
}

fn rule(world: &World, rule: &Rule, grafana: bool) -> Value {
    let mut labels = rule.labels.clone();
    labels.remove("alertname");
    let mut shown = json!({
        "type": "alerting", "name": rule.spec.name, "query": rule.expr, "duration": rule.spec.hold.as_secs(),
        "keepFiringFor": 0, "labels": labels, "annotations": rule.annotations(),
        "alerts": instance(rule, grafana).into_iter().collect::<Vec<_>>(), "state": rule.state.as_str(),
        "health": "ok", "evaluationTime": 0.000_4, "lastEvaluation": world.telemetry.alerts.evaluated.to_string(),
    });
    if grafana {
        shown["uid"] = json!(uid(world, rule));
        shown["folderUid"] = json!("services");
        shown["isPaused"] = json!(false);
        shown["totals"] = if rule.state == State::Inactive { json!({"normal": 1}) } else { json!({"alerting": 1}) };
    }
    shown
}

/// The rule groups of one side.
pub(in crate::demo) fn groups(world: &World, grafana: bool) -> Vec<Value> {
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for one in world.telemetry.alerts.rules.iter().filter(|rule| rule.spec.grafana == grafana) {
        groups.entry(&one.spec.group).or_default().push(rule(world, one, grafana));
    }
    let evaluated = world.telemetry.alerts.evaluated.to_string();
    groups
        .into_iter()
        .map(|(name, rules)| {
            let file = if grafana { "services".to_owned() } else { format!("/etc/prometheus/rules/{name}.yaml") };
            json!({
                "name": name, "file": file, "interval": 5, "limit": 0, "lastEvaluation": evaluated,
                "evaluationTime": 0.001, "rules": rules,
            })
        })
        .collect()
}
