//! Templates as YAML, with literal secrets masked.

use std::time::Duration;

use serde_json::Value;

use super::plain;
use crate::{
    secret::{MASK, mask},
    text::{Clean, inert_json},
};

/// Two texts are compared for so long.
const COMPARED_WITHIN: Duration = Duration::from_millis(100);

/// A value whose name or shape says that it is secret is not shown.
pub(super) fn masked_value(name: &str, value: &str) -> String {
    let last = name.trim_end_matches("/value").rsplit(['/', '[']).next().unwrap_or(name).trim_end_matches(']');
    if mask(&format!("{last}={value}____")).contains(MASK) && !value.is_empty() && looks_secret(last) {
        return MASK.to_owned();
    }
    mask(value)
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "secret",
        "token",
        "api_key",
        "apikey",
        "api-key",
        "authorization",
        "private_key",
        "credential",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Literal secrets of two templates, by number: equal ones have the same, so that it is seen whether one changed.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    /// Masks values of secret-looking environment variables and annotations, and token shapes everywhere.
    fn masked(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let name = map.get("name").and_then(Value::as_str);
                let is_named = name.is_some_and(looks_secret);
                let hides = |key: &str| (key == "value" && is_named) || (looks_secret(key) && key != "secretName");
                let of = |(key, value): (&String, &Value)| {
                    let value = match value {
                        Value::String(text) if !text.is_empty() && hides(key) => self.mark(MASK, text),
                        other => self.masked(other),
                    };
                    (key.clone(), value)
                };
                Value::Object(map.iter().map(of).collect())
            }
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            Value::String(text) => match mask(text) {
                masked if masked == *text => value.clone(),
                masked => self.mark(&masked, text),
            },
            other => other.clone(),
        }
    }

    fn mark(&mut self, masked: &str, text: &str) -> Value {
        let number = self.0.iter().position(|known| known == text).unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        });
        Value::from(format!("{masked} #{}", number + 1))
    }
}

/// Two templates as YAML to be compared by people: without what servers add, secrets masked and numbered.
pub fn readable(from: &Value, to: &Value) -> (Clean, Clean) {
    let mut secrets = Secrets::default();
    let mut text = |template| Clean::block(&yaml(&secrets.masked(&plain(template))));
    (text(from), text(to))
}

/// Unified difference of two templates as YAML, secrets masked; `None` if nothing that may be shown differs.
pub fn diff(from: &Value, to: &Value, from_name: &str, to_name: &str) -> Option<Clean> {
    let (old, new) = readable(from, to);
    unified(&old, &new, from_name, to_name)
}

/// Unified difference of two texts; `None`: they are the same. Plans are made where keys are read: of texts that differ too
/// much for that, lines may be called changed that are not.
pub(in crate::action) fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> Option<Clean> {
    let diff = similar::TextDiff::configure().timeout(COMPARED_WITHIN).diff_lines(old, new);
    let text = diff.unified_diff().context_radius(3).header(old_name, new_name).to_string();
    (!text.is_empty()).then(|| Clean::block(&text))
}

/// Block YAML, keys in order.
pub(super) fn yaml(value: &Value) -> String {
    let mut text = lines(value).join("\n");
    text.push('\n');
    text
}

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().flat_map(|(key, value)| entry(key, value)).collect(),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .flat_map(|item| {
                let mut nested = lines(item).into_iter();
                let first = nested.next().map(|line| format!("- {line}"));
                first.into_iter().chain(nested.map(|line| format!("  {line}"))).collect::<Vec<_>>()
            })
            .collect(),
        other => vec![scalar(other)],
    }
}

fn entry(key: &str, value: &Value) -> Vec<String> {
    let nested = |indent: &str| {
        let mut all = vec![format!("{key}:")];
        all.extend(lines(value).into_iter().map(|line| format!("{indent}{line}")));
        all
    };
    match value {
        Value::Object(map) if !map.is_empty() => nested("  "),
        Value::Array(items) if !items.is_empty() => nested(""),
        Value::String(text) if text.contains('\n') => {
            let mut all = vec![format!("{key}: |")];
            all.extend(text.lines().map(|line| format!("  {line}")));
            all
        }
        other => vec![format!("{key}: {}", scalar(other))],
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain_scalar(text) => text.clone(),
        // Two values that differ in what is not seen must not look alike.
        other => inert_json(&other.to_string()),
    }
}

/// Whether YAML reads the text as this same string without quotes.
fn is_plain_scalar(text: &str) -> bool {
    let safe = |c: char| c.is_alphanumeric() || "-_./@+$(){}= ,;".contains(c);
    let starts = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '/' || c == '[');
    let word = text.to_ascii_lowercase();
    let colon_ok = !text.contains(": ") && !text.ends_with(':') && !text.contains(" #");
    (starts && text.chars().all(|c| safe(c) || matches!(c, ':' | '[' | ']')) && colon_ok && !text.starts_with('['))
        && !text.ends_with(' ')
        && !matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_throughout_are_compared_coarsely_rather_than_for_long() {
        let mut state = 1_u64;
        let mut text = || -> String {
            let line = |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("key{}\n", (state >> 33) % 40)
            };
            (0..60_000).map(line).collect()
        };
        let diff = unified(&text(), &text(), "8", "7").expect("they differ");
        let count = |mark: char| diff.lines().skip(2).filter(|line| line.starts_with(mark)).count();
        assert_eq!(count('-'), count('+'), "it is a difference of them all the same");
        // Seconds of work find a quarter of the lines in both.
        assert!(count('-') > 50_000, "{} lines differ", count('-'));
    }
}
