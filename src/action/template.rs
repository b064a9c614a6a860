//! Pod templates as raw JSON: whether two are the same, what differs, and how they read as masked YAML.

mod merge;
mod text;

use serde_json::{Map, Value};

pub(super) use merge::merged;
use text::masked_value;
pub use text::readable;
pub(super) use text::{diff, unified};

use crate::{
    model::kubernetes::{RESTARTED_AT, TEMPLATE_HASHES, is_same_image, tag_of},
    text::truncate,
};

/// Same template, whether or not a server writes nulls, empty maps and the controller's own label.
pub fn is_same(one: &Value, other: &Value) -> bool {
    plain(one) == plain(other)
}

/// They differ by a restart mark only: rolling back from one to the other is just another restart.
pub(super) fn differs_by_restart_only(one: &Value, other: &Value) -> bool {
    !is_same(one, other) && bare(one) == bare(other)
}

/// Without restart mark, and without what servers and controllers add.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(marks) = template.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        marks.remove(RESTARTED_AT);
    }
    plain(&template)
}

/// Sets the restart mark, as the server will.
pub(super) fn mark_restart(template: &mut Value, at: &str) {
    if let Some(object) = template.as_object_mut() {
        let meta = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if let Some(meta) = meta.as_object_mut() {
            let marks = meta.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
            if let Some(marks) = marks.as_object_mut() {
                marks.insert(RESTARTED_AT.to_owned(), Value::from(at));
            }
        }
    }
}

/// Without what servers and controllers add by themselves.
fn plain(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(object) = template.as_object_mut() {
        object.remove("$patch");
    }
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        for name in TEMPLATE_HASHES {
            labels.remove(name);
        }
    }
    without_nothing(&template).unwrap_or(Value::Null)
}

/// `None` for null and, inside metadata, for maps with nothing in them.
fn without_nothing(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .filter_map(|(key, value)| {
                    let kept = without_nothing(value)?;
                    let is_empty_meta = matches!(key.as_str(), "metadata" | "labels" | "annotations")
                        && kept == Value::Object(Map::new());
                    (!is_empty_meta).then(|| (key.clone(), kept))
                })
                .collect();
            Some(Value::Object(kept))
        }
        Value::Array(items) => Some(items.iter().filter_map(without_nothing).collect()),
        other => Some(other.clone()),
    }
}

/// Main containers by name with their image.
pub(super) fn images(template: &Value) -> Vec<(&str, &str)> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    let text = |container: &'_ Value, key| container.get(key).and_then(Value::as_str).map(str::len).is_some();
    containers
        .into_iter()
        .flatten()
        .filter(|container| text(container, "image"))
        .filter_map(|container| Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?)))
        .collect()
}

/// The image that tells the versions apart: of the first container whose image differs, else of the first.
pub(super) fn telling_image<'a>(of: &'a Value, beside: &Value) -> Option<(&'a str, &'a str)> {
    let others = images(beside);
    let mine = images(of);
    mine.iter().find(|pair| !others.contains(pair)).or(mine.first()).copied()
}

/// Images of the main containers that another template does not run: the version that goes with this one.
pub fn new_images<'a>(of: &'a Value, beside: &Value) -> Vec<&'a str> {
    let others = images(beside);
    let is_new = |image: &&str| !others.iter().any(|(_, other)| is_same_image(other, image));
    images(of).into_iter().map(|(_, image)| image).filter(is_new).collect()
}

/// A tag that may be moved to another image.
pub(super) fn is_mutable(image: &str) -> bool {
    !image.contains("@sha256:") && matches!(tag_of(image), "latest" | "main" | "master" | "stable" | "edge" | "dev")
}

/// One difference between two templates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// `LOG_LEVEL`, `limits.memory`, `app.image`.
    pub path: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub is_image: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{} {from} -> {to}", self.path),
            (None, Some(to)) => write!(f, "{} added ({to})", self.path),
            (Some(_), None) => write!(f, "{} removed", self.path),
            (None, None) => f.write_str(&self.path),
        }
    }
}

/// What differs, in short words with secrets masked. The restart mark and the controller's label are no differences.
pub(super) fn differences(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    walk(Some(&bare(from)), Some(&bare(to)), &mut path, &mut found);
    let containers = images(from).len().max(images(to).len());
    for difference in &mut found {
        difference.path = short(&difference.path, containers > 1);
    }
    found
}

fn walk(from: Option<&Value>, to: Option<&Value>, path: &mut Vec<String>, found: &mut Vec<Difference>) {
    if from == to {
        return;
    }
    match (from, to) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                path.push(key.clone());
                walk(a.get(key), b.get(key), path, found);
                path.pop();
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if named(a).is_some() && named(b).is_some() => {
            let (a, b) = (named(a).unwrap_or_default(), named(b).unwrap_or_default());
            let mut names: Vec<&str> = a.iter().chain(&b).map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let of = |list: &[(&str, &'_ Value)]| list.iter().position(|(own, _)| *own == name);
                path.push(format!("[{name}]"));
                walk(of(&a).map(|at| a[at].1), of(&b).map(|at| b[at].1), path, found);
                path.pop();
            }
        }
        _ => {
            let path = path.join("/");
            found.push(Difference {
                is_image: path.ends_with("]/image"),
                from: from.map(|value| leaf(&path, value)),
                to: to.map(|value| leaf(&path, value)),
                path,
            });
        }
    }
}

/// Items by name, if all have one.
fn named(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    items.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect()
}

fn leaf(path: &str, value: &Value) -> String {
    if let Some(value) = value.get("value").and_then(Value::as_str) {
        return leaf(path, &Value::from(value));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    truncate(&masked_value(path, &text), 40, "...")
}

/// `spec/[app]/env/[LOG_LEVEL]/value` as `LOG_LEVEL`, `…/resources/limits/memory` as `limits.memory`.
fn short(path: &str, names_container: bool) -> String {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !matches!(*part, "spec" | "containers" | "resources")).collect();
    let mut words: Vec<&str> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let bare = part.trim_start_matches('[').trim_end_matches(']');
        let is_container = index == 0 && part.starts_with('[');
        let is_env = matches!(*part, "env" | "value") && parts.contains(&"env");
        if (is_container && !names_container) || is_env {
            continue;
        }
        words.push(bare);
    }
    if words.is_empty() { path.to_owned() } else { words.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(image: &str, level: &str, password: &str) -> Value {
        json!({"metadata": {"labels": {"app": "myapp"}}, "spec": {"containers": [{"name": "app", "image": image,
            "env": [{"name": "LOG_LEVEL", "value": level}, {"name": "DB_PASSWORD", "value": password}],
            "resources": {"limits": {"memory": "1Gi"}}}]}})
    }

    #[test]
    fn what_servers_add_is_no_difference() {
        let one = template("myapp:1", "info", "x");
        let mut other = one.clone();
        other["metadata"]["creationTimestamp"] = Value::Null;
        other["metadata"]["labels"]["pod-template-hash"] = json!("abc");
        other["metadata"]["annotations"] = json!({});
        assert!(is_same(&one, &other));
        other["metadata"]["annotations"] = json!({RESTARTED_AT: "2026-01-01T00:00:00Z"});
        assert!(!is_same(&one, &other));
        assert!(differs_by_restart_only(&one, &other));
        assert!(!differs_by_restart_only(&one, &template("myapp:2", "info", "x")));
        assert_eq!(differences(&one, &other), []);
    }

    #[test]
    fn differences_are_short_and_masked() {
        let mut new = template("myapp:2", "warn", "hunter23");
        new["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!("512Mi");
        let words: Vec<String> =
            differences(&template("myapp:1", "info", "hunter22"), &new).iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "DB_PASSWORD [masked] -> [masked]",
                "LOG_LEVEL info -> warn",
                "image myapp:1 -> myapp:2",
                "limits.memory 1Gi -> 512Mi"
            ]
        );
        let found = differences(&template("myapp:1", "info", "a"), &template("myapp:2", "info", "a"));
        assert!(found[0].is_image);
    }

    #[test]
    fn the_diff_is_yaml_without_secrets() {
        let text = diff(&template("myapp:2", "warn", "hunter22"), &template("myapp:1", "info", "hunter22"), "14", "13")
            .unwrap();
        assert!(text.contains("-      value: warn\n+      value: info"), "{text}");
        assert!(!text.contains("hunter22"), "{text}");
        assert!(text.contains("@@"));
        let text = diff(&template("myapp:1", "info", "hunter33"), &template("myapp:1", "info", "hunter22"), "14", "13")
            .expect("that a secret changed is seen");
        assert!(text.contains("-      value: \"[masked] #1\"\n+      value: \"[masked] #2\""), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }

    #[test]
    fn a_difference_that_is_not_seen_is_seen() {
        let text =
            diff(&template("myapp:1", "ad\u{202e}min", "x"), &template("myapp:1", "admin\u{200b}", "x"), "14", "13");
        let text = text.expect("they differ");
        assert!(
            text.contains(r#"-      value: "ad\u202emin""#) && text.contains(r#"+      value: "admin\u200b""#),
            "{text}"
        );
    }

    #[test]
    fn yaml_quotes_what_it_must() {
        let text = text::yaml(
            &json!({"a": "true", "b": "12", "c": {"d": []}, "e": ["x", {"f": "g: h", "i": 1}], "s": "a\nb"}),
        );
        assert_eq!(text, "a: \"true\"\nb: \"12\"\nc:\n  d: []\ne:\n- x\n- f: \"g: h\"\n  i: 1\ns: |\n  a\n  b\n");
    }
}
