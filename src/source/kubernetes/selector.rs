//! Selectors and queries in the API's words.

use serde_json::Value;

/// A query string, encoded, without `?`.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(pairs);
    out.finish()
}

/// A label selector in the API's words (`a=b,c in (d,e)`), from `spec.selector`. `None`: it has none, or one this build
/// does not understand: then it must not be guessed, since a wider one would take in foreign pods.
pub fn label_selector(selector: &Value) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(labels) = selector.get("matchLabels").and_then(Value::as_object) {
        for (key, value) in labels {
            parts.push(format!("{key}={}", value.as_str()?));
        }
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key")?.as_str()?;
        let values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        parts.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// A selector that is a map of labels, as of Services and ReplicationControllers.
pub fn service_selector(selector: &Value) -> Option<String> {
    let labels = selector.as_object().filter(|labels| !labels.is_empty())?;
    let parts: Option<Vec<String>> =
        labels.iter().map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    Some(parts?.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_written_as_the_api_reads_them() {
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(label_selector(&selector).as_deref(), Some("app=web,tier in (a,b),!old"));
        assert_eq!(label_selector(&json!({})), None);
        assert_eq!(service_selector(&json!({"app": "web", "tier": "a"})).as_deref(), Some("app=web,tier=a"));
        assert_eq!(service_selector(&json!({})), None);
        assert_eq!(service_selector(&json!({"matchLabels": {"app": "web"}})), None);
        assert_eq!(label_selector(&json!({"matchExpressions": [{"key": "a", "operator": "Near"}]})), None);
    }
}
