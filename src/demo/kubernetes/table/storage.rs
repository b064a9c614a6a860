//! The rows of what is stored and counted: volumes, claims, quotas.

use serde_json::{Value, json};

use super::js;

/// `RWO,ROX`: access modes as `kubectl` abbreviates them.
fn modes(value: &Value) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    value.as_array().map(|all| all.iter().map(short).collect::<Vec<_>>().join(",")).unwrap_or_default()
}

/// `status.phase`, unless it is being deleted.
fn phase(value: &Value) -> &str {
    if value.pointer("/metadata/deletionTimestamp").is_some() {
        "Terminating"
    } else {
        js::text(value, "/status/phase")
    }
}

fn or_unset(text: &str) -> Value {
    json!(if text.is_empty() { "<unset>" } else { text })
}

pub fn claim(value: &Value, name: Value, age: Value) -> Vec<Value> {
    vec![
        name,
        json!(phase(value)),
        json!(js::text(value, "/spec/volumeName")),
        json!(js::text(value, "/status/capacity/storage")),
        json!(modes(js::at(value, "/status/accessModes"))),
        json!(js::text(value, "/spec/storageClassName")),
        or_unset(js::text(value, "/spec/volumeAttributesClassName")),
        age,
        or_unset(js::text(value, "/spec/volumeMode")),
    ]
}

pub fn volume(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let claim = match (js::text(value, "/spec/claimRef/namespace"), js::text(value, "/spec/claimRef/name")) {
        ("", "") => String::new(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    vec![
        name,
        json!(js::text(value, "/spec/capacity/storage")),
        json!(modes(js::at(value, "/spec/accessModes"))),
        json!(js::text(value, "/spec/persistentVolumeReclaimPolicy")),
        json!(phase(value)),
        json!(claim),
        json!(js::text(value, "/spec/storageClassName")),
        or_unset(js::text(value, "/spec/volumeAttributesClassName")),
        json!(js::text(value, "/status/reason")),
        age,
        or_unset(js::text(value, "/spec/volumeMode")),
    ]
}

/// Requests and everything counted, then limits: `name: used/hard`.
pub fn quota(value: &Value, name: Value, age: Value) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (what, hard) in js::members(js::at(value, "/status/hard")) {
        let used = value["status"]["used"][what].as_str().unwrap_or("0");
        let text = format!("{what}: {used}/{}", hard.as_str().unwrap_or_default());
        if what.starts_with("limits.") { limits.push(text) } else { requests.push(text) }
    }
    vec![name, json!(requests.join(", ")), json!(limits.join(", ")), age]
}
