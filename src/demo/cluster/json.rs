//! Short ways to read and write untyped JSON by pointer. Everything the cluster stores is plain JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The value at a JSON pointer, or null.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    value.pointer(path).unwrap_or(&Value::Null)
}

/// The string at a pointer, or "".
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The integer at a pointer, or 0: the API leaves zeros out.
pub fn int(value: &Value, path: &str) -> i64 {
    at(value, path).as_i64().unwrap_or_default()
}

/// The array at a pointer, or an empty one.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The RFC 3339 time at a pointer.
pub fn time(value: &Value, path: &str) -> Option<Timestamp> {
    text(value, path).parse().ok()
}

/// A moment as `metav1.Time` writes it: whole seconds, UTC.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sets the value at a pointer, making the objects on the way.
pub fn set(value: &mut Value, path: &str, new: Value) {
    let mut here = value;
    for part in path.split('/').skip(1) {
        if !here.is_object() {
            *here = json!({});
        }
        let key = part.replace("~1", "/").replace("~0", "~");
        here = here.as_object_mut().expect("made an object just above").entry(key).or_insert(Value::Null);
    }
    *here = new;
}

/// Removes the member at a pointer, and returns it.
pub fn remove(value: &mut Value, path: &str) -> Option<Value> {
    let (parent, key) = path.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    value.pointer_mut(parent)?.as_object_mut()?.remove(&key)
}

/// A metadata annotation, or "".
pub fn annotation<'a>(value: &'a Value, key: &str) -> &'a str {
    at(value, "/metadata/annotations").get(key).and_then(Value::as_str).unwrap_or_default()
}

pub fn set_annotation(value: &mut Value, key: &str, to: &str) {
    if !at(value, "/metadata/annotations").is_object() {
        set(value, "/metadata/annotations", json!({}));
    }
    if let Some(map) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        map.insert(key.to_owned(), json!(to));
    }
}

/// The condition of a type in `status.conditions`.
pub fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    list(value, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// Text that is the same for equal values, whatever the order of their members.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut parts: Vec<_> = map.iter().map(|(k, v)| format!("{k:?}:{}", canonical(v))).collect();
            parts.sort();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// An object's members, or none.
pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
