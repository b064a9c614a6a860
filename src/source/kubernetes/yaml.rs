//! An object as YAML for people: `managedFields` left out unless they are asked for, literal values of secret-looking environment variables masked.
//! The writer emits a small, safe part of YAML 1.2: block maps and lists, plain or double-quoted scalars, literal blocks.

use serde_json::{Map, Value};

use crate::secret::{MASK, mask};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object in the form it is shown: nothing secret, and who set which field only if that is asked for.
pub fn shown(mut object: Value, managed: bool) -> Value {
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        if !managed {
            meta.remove("managedFields");
        }
        let applied = meta.get_mut("annotations").and_then(|all| all.get_mut(LAST_APPLIED));
        if let Some(Value::String(text)) = applied {
            *text = format!("({} bytes, left out)", text.len());
        }
    }
    for key in ["data", "stringData"] {
        if object.get("kind").and_then(Value::as_str) == Some("Secret")
            && let Some(values) = object.get_mut(key).and_then(Value::as_object_mut)
        {
            values.values_mut().for_each(|value| *value = MASK.into());
        }
    }
    hide(&mut object);
    object
}

/// Masks what looks like a credential, wherever it stands.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            let masked = mask(text);
            if masked != *text {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(map) => {
            let is_secret = map.get("name").and_then(Value::as_str).is_some_and(names_a_secret);
            if is_secret && let Some(literal @ Value::String(_)) = map.get_mut("value") {
                *literal = MASK.into();
            }
            map.values_mut().for_each(hide);
        }
        _ => {}
    }
}

/// `DB_PASSWORD`, `apiKey`; not `KEY_COUNT_LIMIT` alone, but better one too many than one too few.
pub(super) fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "apikey", "api_key", "private_key", "credential", "_key", "pwd", "_dsn"]
        .iter()
        .any(|word| name.contains(word))
}

/// YAML, one line per item, without line breaks.
pub fn lines(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    match value {
        Value::Object(map) if !map.is_empty() => object(map, 0, &mut out),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut out),
        scalar => inline(String::new(), scalar, 0, &mut out),
    }
    out
}

fn object(map: &Map<String, Value>, indent: usize, out: &mut Vec<String>) {
    for (key, value) in map {
        entry(format!("{:indent$}{}:", "", quoted(key)), value, indent, out);
    }
}

/// `head` ends with `:`; what follows stands behind it or below.
fn entry(head: String, value: &Value, indent: usize, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push(head);
            object(map, indent + 2, out);
        }
        // As kubectl writes it: lists are not indented further than their key.
        Value::Array(items) if !items.is_empty() => {
            out.push(head);
            list(items, indent, out);
        }
        scalar => inline(format!("{head} "), scalar, indent + 2, out),
    }
}

fn list(items: &[Value], indent: usize, out: &mut Vec<String>) {
    for item in items {
        let first = out.len();
        match item {
            Value::Object(map) if !map.is_empty() => object(map, indent + 2, out),
            Value::Array(inner) if !inner.is_empty() => list(inner, indent + 2, out),
            scalar => {
                inline(format!("{:indent$}- ", ""), scalar, indent + 2, out);
                continue;
            }
        }
        // The first line of the item stands behind its dash.
        out[first].replace_range(indent..=indent, "-");
    }
}

fn inline(head: String, scalar: &Value, indent: usize, out: &mut Vec<String>) {
    match scalar {
        Value::String(text) if text.contains('\n') && is_block(text) => block(head, text, indent, out),
        Value::String(text) => out.push(head + &quoted(text)),
        Value::Object(_) => out.push(head + "{}"),
        Value::Array(_) => out.push(head + "[]"),
        other => out.push(head + &other.to_string()),
    }
}

/// A literal block keeps everything but control characters, and needs no indentation mark if its first line is flush.
fn is_block(text: &str) -> bool {
    let flush = text.lines().next().is_some_and(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    flush && !text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || is_odd(c))
}

fn block(head: String, text: &str, indent: usize, out: &mut Vec<String>) {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    out.push(
        head + match ends {
            0 => "|-",
            1 => "|",
            _ => "|+",
        },
    );
    let lines = body.split('\n').chain(std::iter::repeat_n("", ends.saturating_sub(1)));
    out.extend(lines.map(|line| if line.is_empty() { String::new() } else { format!("{:indent$}{line}", "") }));
}

/// Line breaks and marks that YAML or a terminal would take for more than text.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The text itself if no reader could take it for something else, else double-quoted.
fn quoted(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { double_quoted(text) }
}

fn double_quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || is_odd(c) => {
                let _never_fails = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts = first.is_alphanumeric() || matches!(first, '/' | '_' | '.' | '(' | '$' | '<' | '+');
    starts
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| c.is_control() || is_odd(c))
        && !is_other_type(text)
}

/// Would be read as a number, a truth, a time or nothing (YAML 1.1 too: kubectl's readers are old).
fn is_other_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(
        &*lower,
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "~" | ".inf" | "+.inf" | ".nan"
    ) {
        return true;
    }
    let number_like =
        |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | '_' | '+' | '-' | ':' | 'e' | 'x' | 'o' | 't' | 'z' | ',');
    let first = lower.chars().next().unwrap_or_default();
    (first.is_ascii_digit() || matches!(first, '.' | '+')) && lower.chars().all(number_like)
        // "2026-01-02 03:04:05"
        || (first.is_ascii_digit() && lower.chars().all(|c| number_like(c) || c == ' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// The one YAML reader at hand reads kubeconfigs, whose extensions hold any value.
    fn read_back(value: &Value) -> Value {
        let config = json!({"extensions": [{"name": "x", "extension": {"it": value}}]});
        let text = lines(&config).join("\n") + "\n";
        let config = kube::config::Kubeconfig::from_yaml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let read = serde_json::to_value(&config.extensions.unwrap()[0].extension).unwrap();
        read["it"].clone()
    }

    #[test]
    fn what_could_be_mistaken_is_quoted() {
        for text in [
            "",
            " ",
            "true",
            "No",
            "null",
            "~",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "1_000",
            "12:30:45",
            "2026-01-02",
            ".5",
            "+1",
            "-",
            "- a",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "{a}",
            "[a]",
            "'a'",
            "\"a\"",
            "? a",
            "a\tb",
            "\u{1b}[31m",
            "a\r\nb",
            "tail ",
            "2026-01-02T03:04:05Z",
            "é",
            "日本",
            "\u{2028}",
            ".inf",
            "y",
            "cpu=100m",
            "reg.io:5000/x:1",
            "10.0.0.1",
            "a\\b",
            "=",
            "<<",
            "0o17",
            "1,000",
            "---",
            "...",
        ] {
            assert_eq!(read_back(&json!(text)), json!(text), "{text:?} as {}", quoted(text));
        }
        assert_eq!(quoted("registry.io:5000/web:v1"), "registry.io:5000/web:v1");
        assert_eq!(quoted("containerd://abc"), "containerd://abc");
    }

    #[test]
    fn blocks_keep_their_line_breaks() {
        for text in ["a\nb", "a\nb\n", "a\n\n  b\n\n\n", " a\nb", "\na", "a\n\tb\n", "\n", "a\r\nb\n"] {
            assert_eq!(read_back(&json!(text)), json!(text), "{text:?}");
            assert_eq!(read_back(&json!([text, {"k": text}])), json!([text, {"k": text}]), "{text:?}");
        }
    }

    #[test]
    fn the_layout_is_kubectls() {
        let object =
            json!({"a": {"list": [{"k": 1, "l": [true, null]}, "s", [1, 2], {}], "empty": [], "map": {}}, "z": -1.5});
        let expected = "a:\n  empty: []\n  list:\n  - k: 1\n    l:\n    - true\n    - null\n  - s\n  - - 1\n    - 2\n  - {}\n  map: {}\nz: -1.5";
        assert_eq!(lines(&object).join("\n"), expected);
    }

    #[test]
    fn secrets_and_noise_are_left_out() {
        let object = json!({"kind": "Secret", "data": {"a": "aHVudGVyMg=="},
            "metadata": {"managedFields": [{}], "annotations": {LAST_APPLIED: "{\"x\":1}"}},
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LOG", "value": "debug"},
                {"name": "URL", "value": "postgres://app:hunter2@db/x"}, {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]});
        let text = lines(&shown(object, false)).join("\n");
        assert!(!text.contains("hunter2") && !text.contains("aHVud") && !text.contains("managedFields"), "{text}");
        assert!(
            text.contains("value: debug") && text.contains("name: s") && text.contains("7 bytes, left out"),
            "{text}"
        );
    }

    #[test]
    fn who_set_which_field_is_shown_if_it_is_asked_for() {
        let object = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"x\":1}"}, "managedFields": [
            {"manager": "helm", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
        let text = lines(&shown(object, true)).join("\n");
        assert!(text.contains("manager: helm") && text.contains("f:replicas: {}"), "{text}");
        assert!(text.contains("7 bytes, left out"), "{text}");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~\n]{0,12}".prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "(true|no|1|0x1|- |: |#|\\||\n| ){0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().filter(|(key, _)| key != "<<").collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_reads_back(value in any_value()) {
            prop_assert_eq!(read_back(&value), value);
        }
    }
}
