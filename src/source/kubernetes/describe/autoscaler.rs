//! The page of a HorizontalPodAutoscaler: how many pods it wants and why, metric by metric, in kubectl's words.

use serde_json::Value;

use super::{Page, text};
use crate::model::Level;

/// What `kubectl` prints for a number that there is none of.
const UNKNOWN: &str = "<unknown>";

pub fn describe(page: &mut Page, raw: &Value) {
    // whom it scales and its bounds stand among the columns
    page.heading("scaling");
    let count = |field: &str| raw.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0);
    let (current, desired) = (count("currentReplicas"), count("desiredReplicas"));
    let words = format!("{current} current / {desired} desired");
    page.levelled("pods", &words, (current != desired).then_some(Level::Progress));
    let last = text(raw, "/status/lastScaleTime");
    page.field("last scaled", &if last.is_empty() { "never".to_owned() } else { page.ago_of(last) });
    let now = raw.pointer("/status/currentMetrics").and_then(Value::as_array);
    for (index, spec) in list(raw, "/spec/metrics").enumerate() {
        metric(page, spec, now.and_then(|now| now.get(index)));
    }
    for (direction, field) in [("scale up", "scaleUp"), ("scale down", "scaleDown")] {
        if let Some(rules) = raw.pointer(&format!("/spec/behavior/{field}")) {
            page.field(direction, &behaviour(rules));
        }
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// `resource cpu on pods (as a percentage of request): 88% (65m) / 80%`: what is, and what is aimed at.
fn metric(page: &mut Page, spec: &Value, now: Option<&Value>) {
    let of = |pointer: &str| text(spec, pointer);
    let (field, name) = match of("/type") {
        "Resource" => ("resource", format!("resource {} on pods", of("/resource/name"))),
        "ContainerResource" => {
            let (name, container) = (of("/containerResource/name"), of("/containerResource/container"));
            ("containerResource", format!("resource {name} of container \"{container}\" on pods"))
        }
        "Pods" => ("pods", format!("\"{}\" on pods", of("/pods/metric/name"))),
        "Object" => {
            let (kind, object) = (of("/object/describedObject/kind"), of("/object/describedObject/name"));
            ("object", format!("\"{}\" on {kind}/{object}", of("/object/metric/name")))
        }
        "External" => ("external", format!("\"{}\"", of("/external/metric/name"))),
        other => return page.levelled("metric", &format!("of unknown type \"{other}\""), Some(Level::Unknown)),
    };
    let target = |what: &str| spec.pointer(&format!("/{field}/target/{what}")).and_then(shown);
    let current = |what: &str| now.and_then(|now| now.pointer(&format!("/{field}/current/{what}"))).and_then(shown);
    let is_resource = field == "resource" || field == "containerResource";
    let (of_what, current, target) = if let Some(target) = target("averageValue") {
        let of_what = if is_resource || field == "pods" { "" } else { " (target average value)" };
        (of_what, current("averageValue"), target)
    } else if is_resource {
        let value = current("averageValue").unwrap_or_default();
        let current = current("averageUtilization").map(|share| format!("{share}% ({value})"));
        let target = target("averageUtilization").map_or_else(|| "<auto>".to_owned(), |share| format!("{share}%"));
        (" (as a percentage of request)", current, target)
    } else {
        (" (target value)", current("value"), target("value").unwrap_or_default())
    };
    // what it cannot read, it does not scale by
    let level = current.is_none().then_some(Level::Unknown);
    let current = current.as_deref().unwrap_or(UNKNOWN);
    page.levelled(&format!("{name}{of_what}"), &format!("{current} / {target}"), level);
}

/// A quantity or a number.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `after 300 s, at most 100 Percent in 15 s or 4 Pods in 15 s, the larger`
fn behaviour(rules: &Value) -> String {
    let number = |rule: &Value, field: &str| rule.get(field).and_then(Value::as_i64);
    let mut parts = Vec::new();
    if let Some(seconds) = number(rules, "stabilizationWindowSeconds") {
        parts.push(format!("after {seconds} s"));
    }
    let policies = list(rules, "/policies").map(|policy| {
        let of = |field| number(policy, field).unwrap_or(0);
        format!("{} {} in {} s", of("value"), text(policy, "/type"), of("periodSeconds"))
    });
    let policies: Vec<String> = policies.collect();
    match text(rules, "/selectPolicy") {
        "Disabled" => return "never: it is disabled".to_owned(),
        _ if policies.is_empty() => {}
        "Min" if policies.len() > 1 => parts.push(format!("at most {}, the smaller", policies.join(" or "))),
        _ if policies.len() > 1 => parts.push(format!("at most {}, the larger", policies.join(" or "))),
        _ => parts.push(format!("at most {}", policies.concat())),
    }
    parts.join(", ")
}
