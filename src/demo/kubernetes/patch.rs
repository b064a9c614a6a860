//! Patches: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386), strategic merge patch.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::Failure;
use crate::demo::cluster::json as js;

/// The media types that are understood.
pub const ACCEPTED: &str =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";

/// Applies a patch of a media type to an object.
pub fn apply(content_type: &str, body: &[u8], object: &Value) -> Result<Value, Failure> {
    let unreadable = |e: serde_json::Error| Failure::bad_request(format!("error decoding patch: {e}"));
    let mut new = object.clone();
    match content_type {
        "application/json-patch+json" => {
            let operations: Vec<Value> = serde_json::from_slice(body).map_err(unreadable)?;
            for operation in &operations {
                json_operation(&mut new, operation)?;
            }
        }
        "application/merge-patch+json" => merge(&mut new, &serde_json::from_slice(body).map_err(unreadable)?),
        "application/strategic-merge-patch+json" => {
            strategic(&mut new, &serde_json::from_slice(body).map_err(unreadable)?);
        }
        _ => return Err(Failure::unsupported_media_type(ACCEPTED)),
    }
    Ok(new)
}

/// What a JSON Patch that does not apply gets, a failed `test` too.
fn unapplicable() -> Failure {
    let message = "the server rejected our request due to an error in our request";
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message, json!({}))
}

fn json_operation(target: &mut Value, operation: &Value) -> Result<(), Failure> {
    let path = operation["path"].as_str().ok_or_else(unapplicable)?;
    let value = || operation.get("value").cloned().ok_or_else(unapplicable);
    let from = || operation["from"].as_str().ok_or_else(unapplicable);
    match operation["op"].as_str() {
        Some("test") => {
            let wanted = operation.get("value").unwrap_or(&Value::Null);
            let is = target.pointer(path).unwrap_or(&Value::Null);
            if is == wanted { Ok(()) } else { Err(unapplicable()) }
        }
        Some("add") => add(target, path, value()?),
        Some("replace") => {
            *target.pointer_mut(path).ok_or_else(unapplicable)? = value()?;
            Ok(())
        }
        Some("remove") => take(target, path).map(|_| ()),
        Some("move") => {
            let moved = take(target, from()?)?;
            add(target, path, moved)
        }
        Some("copy") => {
            let copied = target.pointer(from()?).cloned().ok_or_else(unapplicable)?;
            add(target, path, copied)
        }
        _ => Err(unapplicable()),
    }
}

fn place<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Failure> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(unapplicable)?;
    let parent = target.pointer_mut(parent).ok_or_else(unapplicable)?;
    Ok((parent, key.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    match place(target, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(items), key) if key == "-" => items.push(value),
        (Value::Array(items), key) => {
            let index = key.parse::<usize>().ok().filter(|i| *i <= items.len()).ok_or_else(unapplicable)?;
            items.insert(index, value);
        }
        _ => return Err(unapplicable()),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, Failure> {
    match place(target, path)? {
        (Value::Object(map), key) => map.remove(&key).ok_or_else(unapplicable),
        (Value::Array(items), key) => {
            let index = key.parse::<usize>().ok().filter(|i| *i < items.len()).ok_or_else(unapplicable)?;
            Ok(items.remove(index))
        }
        _ => Err(unapplicable()),
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The key by which the items of a list are merged, as the API types declare it; `None`: the list is one value.
fn merge_key(field: &str) -> Option<&'static str> {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "env" | "imagePullSecrets" => {
            Some("name")
        }
        "ports" => Some("containerPort"),
        "volumeMounts" => Some("mountPath"),
        "volumeDevices" => Some("devicePath"),
        "conditions" => Some("type"),
        "ownerReferences" => Some("uid"),
        "hostAliases" => Some("ip"),
        "topologySpreadConstraints" => Some("topologyKey"),
        _ => None,
    }
}

fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if js::text(patch, "/$patch") == "replace" {
        let mut new = patch.clone();
        js::remove(&mut new, "/$patch");
        *target = new;
        return;
    }
    if !target.is_object() {
        *target = json!({});
    }
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array)
        && let Some(map) = target.as_object_mut()
    {
        map.retain(|key, _| kept.iter().any(|k| k == key));
    }
    for (key, value) in members {
        if key.starts_with('$') {
            if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/")
                && let Some(items) = target.get_mut(field).and_then(Value::as_array_mut)
            {
                items.retain(|item| !value.as_array().is_some_and(|gone| gone.contains(item)));
            }
            continue;
        }
        let Some(map) = target.as_object_mut() else { return };
        if value.is_null() || js::text(value, "/$patch") == "delete" {
            map.remove(key);
            continue;
        }
        let here = map.entry(key.clone()).or_insert(Value::Null);
        match (value, merge_key(key)) {
            (Value::Object(_), _) => strategic(here, value),
            (Value::Array(items), Some(by)) => strategic_list(here, items, by),
            (Value::Array(items), None) if key == "finalizers" => {
                let mut all = here.as_array().cloned().unwrap_or_default();
                all.extend(items.iter().filter(|i| !all.contains(i)).cloned().collect::<Vec<_>>());
                *here = Value::Array(all);
            }
            _ => *here = value.clone(),
        }
    }
}

fn strategic_list(target: &mut Value, patch: &[Value], by: &str) {
    let mut items = target.as_array().cloned().unwrap_or_default();
    if patch.iter().any(|p| js::text(p, "/$patch") == "replace" && p.get(by).is_none()) {
        items.clear();
    }
    for change in patch {
        let Some(id) = change.get(by) else { continue };
        let found = items.iter().position(|item| item.get(by) == Some(id));
        match (found, js::text(change, "/$patch")) {
            (Some(at), "delete") => {
                items.remove(at);
            }
            (None, "delete") => {}
            (Some(at), _) => strategic(&mut items[at], change),
            (None, _) => {
                let mut new = json!({});
                strategic(&mut new, change);
                items.push(new);
            }
        }
    }
    *target = Value::Array(items);
}
