//! The objects of a release's manifest and its hooks, as far as a plan must know them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;
use serde_json::Value;

use super::text;
use crate::{
    action::around::{migrates, says_migration},
    model::helm::{Hook, Rendered},
    text::Clean,
};

/// Most objects of a manifest.
const MAX_OBJECTS: usize = 1000;
/// Most hooks of a release.
pub(super) const MAX_HOOKS: usize = 50;

/// A hook as Helm stores it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WireHook {
    name: String,
    kind: String,
    manifest: String,
    events: Option<Vec<String>>,
}

/// Each document by itself: one that cannot be read leaves the others. `namespace`: the release's own.
pub(super) fn objects(manifest: &str, namespace: &str) -> (Vec<Rendered>, Vec<Clean>) {
    let (mut objects, mut unread) = (Vec::new(), Vec::new());
    for document in documents(manifest) {
        if objects.len() >= MAX_OBJECTS {
            unread.push(Clean::line(&format!("only the first {MAX_OBJECTS} objects of the manifest were read")));
            break;
        }
        match parsed(document) {
            Ok(object) => objects.extend(rendered(&object, namespace)),
            Err(why) => unread.push(why),
        }
    }
    (objects, unread)
}

pub(super) fn hook(hook: &WireHook) -> Hook {
    let object = parsed(&hook.manifest).unwrap_or_default();
    let containers = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|list| object.pointer(&format!("/spec/template/spec/{list}"))?.as_array())
        .flatten();
    Hook {
        kind: Clean::line(&hook.kind),
        name: Clean::line(&hook.name),
        events: hook.events.iter().flatten().map(|event| Clean::line(event)).collect(),
        migrates: says_migration(&hook.name) || containers.into_iter().any(migrates),
    }
}

fn documents(manifest: &str) -> impl Iterator<Item = &str> {
    let is_said = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && line.trim() != "---";
    manifest.split("\n---").filter(move |document| document.lines().any(is_said))
}

/// As kubectl reads it: YAML 1.1's octal numbers, as in `defaultMode: 0644`. No error quotes what it met.
fn parsed(document: &str) -> Result<Value, Clean> {
    let source = document.lines().find_map(|line| line.strip_prefix("# Source: ")).unwrap_or("of the manifest");
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    serde_saphyr::from_str_with_options(document, options)
        .map_err(|_| Clean::line(&format!("a document ({source}) is no YAML that could be read")))
}

fn rendered(object: &Value, namespace: &str) -> Option<Rendered> {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    if kind.is_empty() || name.is_empty() {
        return None;
    }
    let own = text(object, "/metadata/namespace");
    let mut rendered = Rendered {
        group: Clean::line(text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group)),
        kind: Clean::line(kind),
        namespace: Clean::line(if own.is_empty() { namespace } else { own }),
        name: Clean::line(name),
        is_kept: object
            .pointer("/metadata/annotations")
            .and_then(|all| all.get("helm.sh/resource-policy")?.as_str())
            .is_some_and(|policy| policy == "keep"),
        sum: sum(&object.to_string()),
        template: None,
        replicas: None,
    };
    if rendered.workload().is_some() {
        rendered.template = object.pointer("/spec/template").cloned();
        rendered.replicas =
            object.pointer("/spec/replicas").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    }
    Some(rendered)
}

pub(super) fn sum(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = "---\n# Source: web/templates/web.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      - name: app\n        image: \"web:1.10\"\n        env: [{name: PORT, value: \"8080\"}, {name: DB_PASSWORD, value: hunter22}]\n        resources: {limits: {cpu: 1}}\n      volumes:\n      - name: tls\n        secret: {secretName: tls, defaultMode: 0644}\n---\n# Source: web/templates/empty.yaml\n\n---\n# Source: web/templates/broken.yaml\nkind: [hunter22\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: other, annotations: {helm.sh/resource-policy: keep}}\n";

    #[test]
    fn a_manifest_is_its_objects_and_one_that_cannot_be_read_leaves_the_others() {
        let (objects, unread) = objects(MANIFEST, "shop");
        let names: Vec<_> =
            objects.iter().map(|object| (object.to_string(), &*object.namespace, object.is_kept)).collect();
        assert_eq!(
            names,
            [("deploy/web".to_owned(), "shop", false), ("persistentvolumeclaim/data".to_owned(), "other", true)]
        );
        let template = objects[0].template.as_ref().expect("a workload has one");
        assert_eq!(template["spec"]["volumes"][0]["secret"]["defaultMode"], 0o644);
        assert_eq!(template["spec"]["containers"][0]["image"], "web:1.10");
        assert_eq!(template["spec"]["containers"][0]["env"][0]["value"], "8080");
        assert_eq!(objects[0].replicas, Some(2));
        assert_eq!(unread.len(), 1, "{unread:?}");
        assert!(unread[0].contains("web/templates/broken.yaml"), "{unread:?}");
        let shown = format!("{objects:?} {unread:?}");
        assert!(!shown.contains("hunter22"), "{shown}");
    }

    #[test]
    fn two_versions_of_an_object_differ() {
        let of = |image: &str| objects(&MANIFEST.replace("web:1.10", image), "shop").0;
        let (one, other) = (of("web:1"), of("web:2"));
        assert!(one[0].is_same(&other[0]) && one[0].sum != other[0].sum);
        assert_eq!(one[1], other[1]);
    }

    #[test]
    fn hooks_tell_when_they_run_and_whether_they_migrate() {
        let wire = |manifest: &str| -> WireHook {
            serde_json::from_value(json!({"name": "web-up", "kind": "Job", "manifest": manifest,
                "events": ["pre-upgrade", "pre-rollback"], "last_run": {"phase": "Succeeded"}}))
            .expect("as Helm writes it")
        };
        let job = "kind: Job\nspec:\n  template:\n    spec:\n      containers:\n      - {name: up, command: [alembic, upgrade]}\n";
        let found = hook(&wire(job));
        assert_eq!((found.to_string().as_str(), found.events.len(), found.migrates), ("job/web-up", 2, true));
        assert!(!hook(&wire("kind: [")).migrates);
    }
}
