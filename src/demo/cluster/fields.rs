//! `metadata.managedFields`: who changed which field, as the API server records it for every write.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::json as js;

/// Who writes, and how.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub manager: &'a str,
    pub subresource: &'a str,
    pub at: Timestamp,
}

/// Notes in `new` that the writer changed what differs from `old`; those fields are taken from other managers.
pub fn record(old: Option<&Value>, new: &mut Value, by: Writer<'_>) {
    let empty = json!({});
    let mut changed = Value::Null;
    for part in ["metadata", "spec", "status", "data", "type", "rules"] {
        let (before, after) = (old.unwrap_or(&empty).get(part), new.get(part));
        if part == "metadata" {
            for what in ["labels", "annotations"] {
                let path = format!("/metadata/{what}");
                let before = old.and_then(|old| old.pointer(&path));
                if let Some(set) = difference(before, new.pointer(&path)) {
                    js::set(&mut changed, &format!("/f:metadata/f:{what}"), set);
                }
            }
        } else if after.is_some_and(|a| *a != json!({}))
            && let Some(set) = difference(before, after)
        {
            js::set(&mut changed, &format!("/f:{part}"), set);
        }
    }
    if changed.is_null() {
        return;
    }
    let api_version = new["apiVersion"].clone();
    let mut entries = match new.pointer_mut("/metadata/managedFields").map(Value::take) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    for entry in &mut entries {
        subtract(&mut entry["fieldsV1"], &changed);
    }
    let own = |e: &Value| {
        e["manager"] == by.manager && e["operation"] == "Update" && js::text(e, "/subresource") == by.subresource
    };
    let mut fields = json!({});
    if let Some(at) = entries.iter().position(own) {
        fields = entries.remove(at)["fieldsV1"].take();
    }
    merge(&mut fields, &changed);
    entries.retain(|e| e["fieldsV1"].as_object().is_some_and(|f| !f.is_empty()));
    let mut entry = json!({
        "manager": by.manager, "operation": "Update", "apiVersion": api_version, "time": js::stamp(by.at),
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    });
    if !by.subresource.is_empty() {
        entry["subresource"] = json!(by.subresource);
    }
    entries.push(entry);
    js::set(new, "/metadata/managedFields", Value::Array(entries));
}

/// The set of fields in which `new` differs from `old`, in FieldsV1 form; `None` if they are equal or `new` has none.
fn difference(old: Option<&Value>, new: Option<&Value>) -> Option<Value> {
    let new = new.filter(|new| !new.is_null())?;
    if old == Some(new) {
        return None;
    }
    match new {
        Value::Object(map) => {
            let members = map.iter().filter_map(|(key, value)| {
                Some((format!("f:{key}"), difference(old.and_then(|o| o.get(key)), Some(value))?))
            });
            let set: Map<_, _> = members.collect();
            // Something was taken away: the writer owns the parent's new shape.
            (!set.is_empty() || old.is_none() || old.is_some_and(|o| !o.is_object())).then_some(Value::Object(set))
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(|i| i.get("name").is_some()) => {
            let members = items.iter().filter_map(|item| {
                let name = &item["name"];
                let before = old.and_then(Value::as_array).and_then(|old| old.iter().find(|o| o["name"] == *name));
                Some((format!("k:{}", json!({"name": name})), difference(before, Some(item))?))
            });
            Some(Value::Object(members.collect()))
        }
        _ => Some(json!({})),
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in js::members(from) {
        let Some(map) = into.as_object_mut() else { return };
        merge(map.entry(key.clone()).or_insert_with(|| json!({})), value);
    }
}

/// Takes the leaves of `what` out of `from`, and parents that become empty.
fn subtract(from: &mut Value, what: &Value) {
    let Some(map) = from.as_object_mut() else { return };
    for (key, value) in js::members(what) {
        let Some(inner) = map.get_mut(key) else { continue };
        if value.as_object().is_some_and(|v| !v.is_empty()) {
            subtract(inner, value);
        } else {
            *inner = json!({});
        }
        if inner.as_object().is_some_and(Map::is_empty) {
            map.remove(key);
        }
    }
}
