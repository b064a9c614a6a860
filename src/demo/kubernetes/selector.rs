//! Label and field selectors.

use serde_json::Value;

use super::answer::Failure;
use crate::demo::cluster::{json as js, kinds::Resource, store::Object};

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq)]
enum Label {
    In(String, Vec<String>),
    /// Also true of objects without the label.
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// One requirement on a field: path, wanted value, whether it must be equal.
type Field = (String, String, bool);

/// What objects a request is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<Label>,
    fields: Vec<Field>,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; 400 with the server's words if they cannot be read.
    pub fn parse(resource: Resource, labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels = split(labels).into_iter().map(label).collect::<Result<_, _>>()?;
        let fields =
            fields.split(',').filter(|f| !f.is_empty()).map(|f| field(resource, f)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    pub fn matches(&self, object: &Object) -> bool {
        let facts = object.facts();
        let labels = self.labels.iter().all(|wanted| match wanted {
            Label::In(key, values) => facts.label(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Label::NotIn(key, values) => !facts.label(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Label::Exists(key) => facts.label(key).is_some(),
            Label::Absent(key) => facts.label(key).is_none(),
        });
        labels && self.fields.iter().all(|(path, wanted, equal)| (field_of(object, path) == *wanted) == *equal)
    }
}

/// At commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

fn label(text: &str) -> Result<Label, Failure> {
    let own = |s: &str| s.trim().to_owned();
    if let Some((head, values)) = text.split_once('(') {
        let values: Vec<_> = values.trim_end_matches(')').split(',').map(own).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next()) {
            (Some(key), Some("in")) => Ok(Label::In(own(key), values)),
            (Some(key), Some("notin")) => Ok(Label::NotIn(own(key), values)),
            _ => Err(Failure::bad_request(format!("unable to parse requirement: {text}"))),
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Label::NotIn(own(key), vec![own(value)]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Label::In(own(key), vec![own(value)]));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Label::Absent(own(key)));
    }
    if text.contains(char::is_whitespace) {
        return Err(Failure::bad_request(format!("unable to parse requirement: {text}")));
    }
    Ok(Label::Exists(own(text)))
}

fn field(resource: Resource, text: &str) -> Result<Field, Failure> {
    let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
        (path, value, false)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, value, true)
    } else {
        return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'")));
    };
    if !supported(resource).contains(&path) && !matches!(path, "metadata.name" | "metadata.namespace") {
        return Err(Failure::bad_request(format!("field label not supported: {path}")));
    }
    Ok((path.to_owned(), value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\"), equal))
}

/// The fields that the server indexes or filters by, beyond name and namespace.
fn supported(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Pods => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        Resource::Events => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Resource::Nodes => &["spec.unschedulable"],
        Resource::Namespaces => &["status.phase"],
        Resource::ReplicaSets => &["status.replicas"],
        Resource::Secrets => &["type"],
        Resource::Services => &["spec.type", "spec.clusterIP"],
        _ => &[],
    }
}

fn field_of(object: &Object, path: &str) -> String {
    let facts = object.facts();
    match (path, &facts.pod) {
        ("metadata.name", _) => return facts.name.clone(),
        ("metadata.namespace", _) => return facts.namespace.clone(),
        ("spec.nodeName", Some(pod)) => return pod.node.clone(),
        ("status.phase", Some(pod)) => return pod.phase.clone(),
        _ => {}
    }
    let value = object.value();
    let found = match path {
        "source" => js::at(&value, "/source/component"),
        "status.podIPs" => js::at(&value, "/status/podIP"),
        _ => js::at(&value, &format!("/{}", path.replace('.', "/"))),
    };
    match found {
        Value::String(text) => text.clone(),
        Value::Null if matches!(path, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
