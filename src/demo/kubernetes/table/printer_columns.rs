//! The cells that a definition's `additionalPrinterColumns` ask for.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, js};
use crate::demo::cluster::{custom, kinds::Resource};

/// The cells of a custom object after its name: null where it has nothing.
pub fn cells(resource: Resource, value: &Value, now: Timestamp) -> impl Iterator<Item = Value> {
    custom::columns(resource).iter().map(move |column| match (column.kind, along(value, column.path)) {
        ("date", Value::String(text)) => json!(age::since(text.parse().ok(), now)),
        (_, found) => found.clone(),
    })
}

/// Follows a path of a printer column.
fn along<'a>(value: &'a Value, path: &str) -> &'a Value {
    let mut here = value;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        // A filter's own dot splits it: `[?(@` ends one part, `type=="X")]` is the next.
        if let Some(name) = part.strip_suffix("[?(@") {
            here = &here[name];
        } else if let Some(wanted) = part.strip_suffix("\")]").and_then(|p| p.strip_prefix("type==\"")) {
            here = js::list(here, "").iter().find(|item| item["type"] == wanted).unwrap_or(&Value::Null);
        } else {
            here = &here[part];
        }
    }
    here
}
