//! The history that Helm keeps of its releases, in Secrets (`helm.sh/release.v1`): base64 of gzip of JSON, as `pkg/storage/driver`
//! writes it. Helm itself can roll these releases back.

use std::{collections::BTreeMap, fmt::Write as _, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, deployment::bare_template, json as js, kinds::Resource, store::Object};

/// Of one workload of a release at one of its revisions.
struct Past {
    at: Timestamp,
    template: Value,
}

impl Cluster {
    /// Each workload marked as a release's gets that release, with a revision for each of its own.
    pub fn found_releases(&mut self) {
        for kind in [Resource::Deployments, Resource::StatefulSets, Resource::DaemonSets] {
            let all: Vec<Value> = self.store.list(kind, None, None).map(Object::value).collect();
            for workload in all {
                let release = js::annotation(&workload, "meta.helm.sh/release-name").to_owned();
                if !release.is_empty() {
                    self.found_release(&release, &workload);
                }
            }
        }
    }

    fn found_release(&mut self, release: &str, workload: &Value) {
        let namespace = js::annotation(workload, "meta.helm.sh/release-namespace").to_owned();
        let past = self.past_of(workload);
        let newest = past.keys().next_back().copied().unwrap_or_default();
        for (number, Past { at, template }) in past {
            let status = if number == newest { "deployed" } else { "superseded" };
            let name = format!("sh.helm.release.v1.{release}.v{number}");
            let body = body(release, &namespace, number, status, at, &manifest(release, workload, &template));
            let secret = json!({
                "kind": "Secret", "apiVersion": "v1", "type": "helm.sh/release.v1",
                "metadata": {
                    "name": name, "namespace": namespace, "uid": self.uid("secret", &name),
                    "creationTimestamp": js::stamp(at),
                    "labels": {"name": release, "owner": "helm", "status": status, "version": number.to_string(),
                        "modifiedAt": at.as_second().to_string()},
                },
                "data": {"release": STANDARD.encode(body)},
            });
            self.write(Resource::Secrets, secret);
        }
    }

    /// The revisions of a workload, by number.
    fn past_of(&self, workload: &Value) -> BTreeMap<i64, Past> {
        let uid = js::text(workload, "/metadata/uid");
        let sets = self.replica_sets(uid);
        let of_sets = sets.iter().map(Object::value).map(|set| {
            let number = js::annotation(&set, super::deployment::REVISION).parse().unwrap_or_default();
            (number, Past { at: created(&set), template: bare_template(&set["spec"]["template"]) })
        });
        let revisions = self.store.owned(uid, Resource::ControllerRevisions);
        let of_revisions = revisions.iter().map(Object::value).map(|revision| {
            let mut template = revision["data"]["spec"]["template"].clone();
            js::remove(&mut template, "/$patch");
            (js::int(&revision, "/revision"), Past { at: created(&revision), template })
        });
        of_sets.chain(of_revisions).collect()
    }
}

fn created(value: &Value) -> Timestamp {
    js::time(value, "/metadata/creationTimestamp").unwrap_or_default()
}

/// What the chart rendered: the workload as its API takes it.
fn manifest(release: &str, workload: &Value, template: &Value) -> String {
    let mut spec = workload["spec"].clone();
    spec["template"] = template.clone();
    let metadata = json!({
        "name": workload["metadata"]["name"], "namespace": workload["metadata"]["namespace"],
        "labels": workload["metadata"]["labels"],
    });
    let object = json!({
        "apiVersion": workload["apiVersion"], "kind": workload["kind"], "metadata": metadata, "spec": spec,
    });
    let mut text = format!("---\n# Source: {release}/templates/workload.yaml\n");
    yaml(&object, 0, &mut text);
    text
}

fn body(release: &str, namespace: &str, number: i64, status: &str, at: Timestamp, manifest: &str) -> String {
    let release = json!({
        "name": release, "namespace": namespace, "version": number, "manifest": manifest, "config": {}, "hooks": [],
        "info": {"first_deployed": js::stamp(at), "last_deployed": js::stamp(at), "deleted": "", "status": status,
            "description": if number == 1 { "Install complete" } else { "Upgrade complete" }},
        "chart": {"metadata": {"name": release, "version": format!("1.{number}.0"), "apiVersion": "v2",
            "appVersion": format!("1.{number}")}, "lock": null, "templates": [], "values": {}, "schema": null, "files": []},
    });
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(release.to_string().as_bytes()).expect("memory takes everything");
    STANDARD.encode(packed.finish().expect("memory takes everything"))
}

/// Block style, two spaces deep; every text that might be read as something else is quoted.
fn yaml(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let _ = write!(out, "{pad}{key}:");
                nested(value, depth + 1, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                if is_leaf(item) {
                    let _ = writeln!(out, "{pad}- {}", scalar(item));
                    continue;
                }
                yaml(item, depth + 1, &mut inner);
                let _ = write!(out, "{pad}- {}", inner.trim_start());
            }
        }
        scalar_value => {
            let _ = writeln!(out, "{pad}{}", scalar(scalar_value));
        }
    }
}

fn nested(value: &Value, depth: usize, out: &mut String) {
    if is_leaf(value) {
        let _ = writeln!(out, " {}", scalar(value));
    } else {
        out.push('\n');
        yaml(value, depth, out);
    }
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte))
        && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null")
}
