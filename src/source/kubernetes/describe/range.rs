//! The page of a LimitRange: what it allows, and what it gives where nothing is asked for.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Page, text};

/// Its fields by kubectl's names for them, in the order of `kubectl describe`.
const BOUNDS: [(&str, &str); 5] = [
    ("min", "min"),
    ("max", "max"),
    ("defaultRequest", "default request"),
    ("default", "default limit"),
    ("maxLimitRequestRatio", "max limit/request ratio"),
];

/// `container memory: default request 128Mi, default limit 512Mi`
pub fn describe(page: &mut Page, raw: &Value) {
    page.heading("limits");
    for limit in raw.pointer("/spec/limits").and_then(Value::as_array).into_iter().flatten() {
        let held = |field: &str| limit.get(field).and_then(Value::as_object);
        let resources: BTreeSet<&String> =
            BOUNDS.iter().filter_map(|(field, _)| held(field)).flat_map(Map::keys).collect();
        for resource in resources {
            let bounds = BOUNDS.iter().filter_map(|(field, says)| {
                let amount = held(field)?.get(resource)?;
                Some(format!("{says} {}", amount.as_str().map_or_else(|| amount.to_string(), str::to_owned)))
            });
            let bounds: Vec<String> = bounds.collect();
            page.field(&format!("{} {resource}", text(limit, "/type").to_lowercase()), &bounds.join(", "));
        }
    }
}
