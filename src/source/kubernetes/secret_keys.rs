//! A Secret without its values: they are measured while it is read, and never held.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};
use serde_json::{Value, json};

/// What is known of a Secret.
#[derive(Debug, Deserialize)]
pub struct SecretKeys {
    metadata: Metadata,
    #[serde(rename = "type")]
    kind: Option<String>,
    immutable: Option<bool>,
    data: Option<BTreeMap<String, Size>>,
}

/// Annotations are left out but for their names: `last-applied-configuration` may hold the values.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    creation_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finalizers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_references: Option<Value>,
}

/// Bytes of a value that stands in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Measure;
        impl Visitor<'_> for Measure {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in base64")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
                Ok(Size((text.len() - padding) * 3 / 4))
            }
            fn visit_unit<E: Error>(self) -> Result<Size, E> {
                Ok(Size(0))
            }
        }
        from.deserialize_any(Measure)
    }
}

impl SecretKeys {
    /// Names of its keys, with the size of each value.
    pub fn keys(&self) -> impl Iterator<Item = (&str, usize)> {
        self.data.iter().flatten().map(|(key, size)| (key.as_str(), size.0))
    }

    /// The object as it may be shown: in the place of each value its size.
    pub fn into_value(self) -> Value {
        let data: BTreeMap<&str, String> = self.keys().map(|(key, size)| (key, format!("{size} bytes"))).collect();
        let mut shown = json!({
            "apiVersion": "v1", "kind": "Secret", "type": self.kind, "metadata": self.metadata, "data": data,
        });
        if let Some(immutable) = self.immutable {
            shown["immutable"] = immutable.into();
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_measured_and_never_held() {
        let text = r#"{"kind": "Secret", "type": "Opaque", "metadata": {"name": "db", "labels": {"app": "db"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"p\":\"aHVudGVyMg==\"}}"}},
            "data": {"p": "aHVudGVyMg==", "none": "", "null": null, "esc": "aHVu\u0064GVyMg=="}}"#;
        let keys: SecretKeys = serde_json::from_str(text).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), [("esc", 7), ("none", 0), ("null", 0), ("p", 7)]);
        assert!(!format!("{keys:?}").contains("aHVu"));
        let shown = keys.into_value();
        assert_eq!((&shown["data"]["p"], &shown["metadata"]["labels"]["app"]), (&json!("7 bytes"), &json!("db")));
        assert!(!shown.to_string().contains("aHVu"));
    }
}
