//! Text that does harm where it is passed on raw, and JSON that does harm where it is read without bounds.

use serde_json::{Value, json};

/// A colour, a title, the clipboard, a notification, C1, DEL, BEL, CR, NUL, BS, bidi overrides, zero widths, tags.
pub const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{1b}]52;c;aGk=\u{1b}\\\u{1b}]8;;http://evil\u{7}\u{9b}31m\u{9d}52;c;x\u{9c}\
    \u{7f}\u{7}\r\0\u{8}\t\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{61c}\u{2028}\u{e0041}\u{3164}e\u{301}\u{301}\u{301}\n\u{1b}P1$r\u{1b}c";

/// A second line that looks like one of ours.
pub const FORGED: &str = "forged  ok  all is well";

/// Fields with text of other people's. Identities and enumerations stay, so that the rest is still read.
const FOREIGN: [&str; 50] = [
    // GitHub
    "title",
    "body",
    "login",
    "headRefName",
    "baseRefName",
    "display_title",
    "head_branch",
    "context",
    "description",
    "html_url",
    "event",
    // Kubernetes
    "message",
    "reason",
    "nodeName",
    "image",
    "imageID",
    "component",
    "hostname",
    "host",
    "change-cause",
    "manager",
    "kubernetes.io/change-cause",
    "app",
    "version",
    "gitVersion",
    "note",
    "terminationMessage",
    "team",
    "owner",
    // Grafana and Alertmanager
    "legendFormat",
    "displayName",
    "unit",
    "text",
    "comment",
    "createdBy",
    "summary",
    "runbook_url",
    "value",
    "service",
    "severity",
    "alertname",
    "generatorURL",
    "folderTitle",
    "database",
    "error",
    "health",
    "file",
    "lastError",
    "group",
    "receiver",
];

const SELECT: [&str; 4] = ["app", "version", "team", "service"];

/// What things are called, by others too.
const NAMES: [&str; 9] =
    ["name", "namespace", "container", "workflow", "path", "kind", "uid", "fingerprint", "container_name"];

/// Adds the hostile text to every foreign field, and to what is no JSON (logs).
pub fn poison(path: &str, body: Vec<u8>) -> Vec<u8> {
    spoiled(path, body, &|field| FOREIGN.contains(&field), HOSTILE)
}

/// As [`poison`], but labels that select stay: pods belong to their workloads.
pub fn poison_words(path: &str, body: Vec<u8>) -> Vec<u8> {
    spoiled(path, body, &|field| FOREIGN.contains(&field) && !SELECT.contains(&field), HOSTILE)
}

/// As [`poison`], and to what things are called: much is then not read any more.
pub fn poison_names(path: &str, body: Vec<u8>) -> Vec<u8> {
    spoiled(path, body, &|field| FOREIGN.contains(&field) || NAMES.contains(&field), HOSTILE)
}

/// Adds a line of its own to every foreign text.
pub fn forge(path: &str, body: Vec<u8>) -> Vec<u8> {
    spoiled(
        path,
        body,
        &|field| FOREIGN.contains(&field),
        &format!("\n{FORGED}\r\n{FORGED}\u{85}{FORGED}\u{2028}{FORGED}"),
    )
}

fn spoiled(path: &str, body: Vec<u8>, is_foreign: &dyn Fn(&str) -> bool, with: &str) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        let mut body = body;
        if !path.contains("/openapi") {
            body.extend_from_slice(with.as_bytes());
        }
        return body;
    };
    spoil(&mut value, is_foreign, with);
    serde_json::to_vec(&value).unwrap()
}

fn spoil(value: &mut Value, is_foreign: &dyn Fn(&str) -> bool, with: &str) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| spoil(value, is_foreign, with)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_foreign(name) => text.push_str(with),
                    other => spoil(other, is_foreign, with),
                }
            }
        }
        _ => {}
    }
}

/// Makes another answer of the true one; knows the path that was asked.
pub type Rewrite = fn(&str, Vec<u8>) -> Vec<u8>;

/// How an answer is monstrous.
pub const MONSTERS: [(&str, Rewrite); 7] = [
    ("a lone surrogate", |_, body| in_first_text(&body, r"\ud800")),
    ("half a pair of surrogates", |_, body| in_first_text(&body, r"\udc00\ud83d")),
    ("bytes that are no text", |_, body| in_first_text_bytes(&body, b"\xff\xfe\xc3\x28")),
    ("a megabyte in one field", |_, body| in_first_text(&body, &"x".repeat(1 << 20))),
    ("a hundred thousand labels", |_, body| {
        grown(body, &|| {
            (0..100_000).map(|number| (format!("label{number}"), json!("v"))).collect::<serde_json::Map<_, _>>().into()
        })
    }),
    ("a nest of ten thousand", |_, body| {
        in_place_of_first_text(&body, &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))
    }),
    ("an unknown nest of ten thousand", |_, body| {
        let Some(rest) = body.strip_prefix(b"{") else { return body };
        let nest = format!("{{\"unknown\":{}1{},", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        [nest.as_bytes(), rest].concat()
    }),
];

/// The end of the first text that is a value.
fn first_text(body: &[u8]) -> Option<(usize, usize)> {
    let start = body.windows(2).position(|two| two == b":\"")? + 2;
    let length = body[start..].iter().position(|byte| *byte == b'"')?;
    Some((start, start + length))
}

fn in_first_text(body: &[u8], with: &str) -> Vec<u8> {
    in_first_text_bytes(body, with.as_bytes())
}

fn in_first_text_bytes(body: &[u8], with: &[u8]) -> Vec<u8> {
    let Some((_, end)) = first_text(body) else { return body.to_vec() };
    [&body[..end], with, &body[end..]].concat()
}

fn in_place_of_first_text(body: &[u8], with: &str) -> Vec<u8> {
    let Some((start, end)) = first_text(body) else { return body.to_vec() };
    [&body[..start - 1], with.as_bytes(), &body[end + 1..]].concat()
}

/// The first `labels` of an answer is this.
fn grown(body: Vec<u8>, labels: &dyn Fn() -> Value) -> Vec<u8> {
    fn put(value: &mut Value, labels: &dyn Fn() -> Value) -> bool {
        match value {
            Value::Array(values) => values.iter_mut().any(|value| put(value, labels)),
            Value::Object(fields) => {
                if let Some(Value::Object(own)) = fields.get_mut("labels") {
                    let Value::Object(more) = labels() else { return false };
                    own.extend(more);
                    return true;
                }
                fields.values_mut().any(|value| put(value, labels))
            }
            _ => false,
        }
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
    if put(&mut value, labels) { serde_json::to_vec(&value).unwrap() } else { body }
}
