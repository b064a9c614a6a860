//! Objects of a cluster that are no service: written as the manifest they are.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::Span;

/// One object, there from the beginning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectSpec {
    pub cluster: String,
    /// How long ago it was created.
    pub age: Span,
    /// The object as JSON. A text `{26h}` in it stands for the moment so long before the start.
    #[serde(deserialize_with = "manifest")]
    pub manifest: Value,
    /// CronJobs: which of the past runs failed, 1 being the last.
    #[serde(default)]
    pub failed: Vec<u32>,
    /// Rollouts: the version that is stable while the manifest's is tried.
    #[serde(default)]
    pub before: Option<StableSpec>,
}

/// The stable version of a Rollout.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StableSpec {
    pub image: String,
    /// How long ago the update began.
    pub until: Span,
}

fn manifest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value: Value = serde_json::from_str(&text).map_err(|error| D::Error::custom(format!("manifest: {error}")))?;
    for field in ["/apiVersion", "/kind", "/metadata/name"] {
        if value.pointer(field).and_then(Value::as_str).is_none() {
            return Err(D::Error::custom(format!("manifest: '{}' is missing", field[1..].replace('/', "."))));
        }
    }
    Ok(value)
}

impl ObjectSpec {
    /// The manifest with its moments.
    pub fn at(&self, start: Timestamp) -> Value {
        let mut value = self.manifest.clone();
        resolve(&mut value, start);
        value
    }
}

fn resolve(value: &mut Value, start: Timestamp) {
    match value {
        Value::String(text) => {
            let span = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).and_then(|t| Span::parse(t).ok());
            if let Some(span) = span {
                *text = span.before(start).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, start)),
        Value::Object(map) => map.values_mut().for_each(|item| resolve(item, start)),
        _ => {}
    }
}
