//! Writing the conditions of a status.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json as js;

/// The condition of a type, to change it.
pub fn condition_mut<'a>(value: &'a mut Value, kind: &str) -> Option<&'a mut Value> {
    value.pointer_mut("/status/conditions")?.as_array_mut()?.iter_mut().find(|c| js::text(c, "/type") == kind)
}

/// Sets a condition; its transition time moves only with its status.
pub fn set_condition(value: &mut Value, at: Timestamp, kind: &str, is: bool, reason: &str, message: &str) {
    let status = if is { "True" } else { "False" };
    let now = js::stamp(at);
    let old = js::condition(value, kind);
    if old.is_some_and(|c| {
        js::text(c, "/status") == status && js::text(c, "/reason") == reason && js::text(c, "/message") == message
    }) {
        return;
    }
    let since = old.filter(|c| js::text(c, "/status") == status).map(|c| js::text(c, "/lastTransitionTime").to_owned());
    let new = json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": since.unwrap_or_else(|| now.clone()),
    });
    if let Some(condition) = condition_mut(value, kind) {
        *condition = new;
        return;
    }
    if !js::at(value, "/status/conditions").is_array() {
        js::set(value, "/status/conditions", json!([]));
    }
    if let Some(conditions) = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.push(new);
    }
}
