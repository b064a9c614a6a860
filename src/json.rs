//! Short ways to read untyped JSON. What is read is foreign: [`crate::text::Clean`] takes what goes further.

use serde_json::Value;

/// The string at a JSON pointer; empty where there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_string_is_empty() {
        let object = json!({"metadata": {"name": "web", "generation": 3, "labels": {"a/b": "c"}}});
        assert_eq!(text(&object, "/metadata/name"), "web");
        assert_eq!(text(&object, "/metadata/labels/a~1b"), "c");
        for pointer in ["/metadata/generation", "/metadata", "/metadata/uid", "name"] {
            assert_eq!(text(&object, pointer), "", "{pointer}");
        }
    }
}
