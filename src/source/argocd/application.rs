//! What an Application says (`argoproj.io/v1alpha1`), however it was read: from its cluster, or from Argo CD's server.

use serde_json::{Map, Value};

use crate::{
    json::text,
    model::gitops::{Git, Owner, OwnerKey, OwnerKind, Synced, is_on, revision, revisions, short, switch},
    text::Clean,
};

/// An Application as its owner's JSON has it.
pub fn owner(key: OwnerKey, object: &Value, may_patch: Result<bool, Clean>) -> Owner {
    Owner {
        uid: Clean::line(text(object, "/metadata/uid")),
        spec: object.get("spec").cloned().unwrap_or_default(),
        is_active: is_active(object),
        says: says(object),
        may_patch,
        updater: Ok(updater(object)),
        barrier: None,
        git: git(object),
        revisions: object.pointer("/status/sync").into_iter().flat_map(revisions).map(Clean::line).collect(),
        history: history(object),
        busy: busy(object),
        others: workloads(object),
        key,
    }
}

/// Whether it puts back what git says.
pub fn is_active(object: &Value) -> bool {
    let kind = OwnerKind::Application;
    is_on(kind, object.pointer(switch(kind)))
}

/// `Synced, Healthy, at 5f1c2ab, auto-sync with self-heal`.
fn says(object: &Value) -> Clean {
    let policy = match object.pointer("/spec/syncPolicy/automated") {
        Some(automated) if is_active(object) => match automated.get("selfHeal").and_then(Value::as_bool) {
            Some(true) => "auto-sync with self-heal",
            _ => "auto-sync",
        },
        _ => "synced by hand",
    };
    let words = [text(object, "/status/sync/status"), text(object, "/status/health/status")];
    let revision = short(text(object, "/status/sync/revision"));
    Clean::line(&format!("{}, {}, at {revision}, {policy}", words[0], words[1]))
}

/// It compares live with git by itself, also while it does not sync.
pub fn git(object: &Value) -> Git {
    let revision = short(text(object, "/status/sync/revision"));
    if let Some(busy) = busy(object) {
        return Git::Unknown(busy);
    }
    match text(object, "/status/sync/status") {
        "Synced" => Git::Equal(Clean::line(&format!("Argo CD says Synced: live is what git says at {revision}"))),
        "OutOfSync" => Git::Differs(Clean::line(&format!("Argo CD says OutOfSync: git is at {revision}"))),
        other => Git::Unknown(Clean::line(&format!("Argo CD says '{other}'"))),
    }
}

/// Newest first.
pub fn history(object: &Value) -> Vec<Synced> {
    let all = object.pointer("/status/history").and_then(Value::as_array);
    let mut history: Vec<Synced> = all
        .into_iter()
        .flatten()
        .map(|entry| {
            let mut sync = Map::new();
            for field in ["revision", "revisions", "source", "sources"] {
                if let Some(value) = entry.get(field).filter(|value| !value.is_null() && *value != "") {
                    sync.insert(field.to_owned(), value.clone());
                }
            }
            Synced {
                id: entry.get("id").and_then(Value::as_i64).unwrap_or_default(),
                revision: Clean::line(revision(entry)),
                started: text(entry, "/deployStartedAt").parse().ok(),
                deployed: text(entry, "/deployedAt").parse().ok(),
                sync: Value::Object(sync),
            }
        })
        .collect();
    history.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    history
}

/// The operation that was asked for or goes on.
pub fn busy(object: &Value) -> Option<Clean> {
    let phase = text(object, "/status/operationState/phase");
    if object.get("operation").is_some_and(|operation| !operation.is_null()) {
        return Some("an operation was asked for and has not begun".into());
    }
    let by = text(object, "/status/operationState/operation/initiatedBy/username");
    let by = if by.is_empty() { "Argo CD itself" } else { by };
    matches!(phase, "Running" | "Terminating").then(|| Clean::line(&format!("an operation of {by} is {phase}")))
}

/// Argo CD Image Updater, by its marks on the application.
fn updater(object: &Value) -> Option<Clean> {
    let annotations = object.pointer("/metadata/annotations")?;
    let images = annotations.get("argocd-image-updater.argoproj.io/image-list")?.as_str()?;
    Some(Clean::line(&format!("Argo CD Image Updater ({images})")))
}

/// Workloads among what it syncs: `Deployment production/search`.
pub fn workloads(object: &Value) -> Vec<Clean> {
    let all = object.pointer("/status/resources").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .filter(|one| matches!(text(one, "/kind"), "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout" | "Job"))
        .map(|one| Clean::line(&format!("{} {}/{}", text(one, "/kind"), text(one, "/namespace"), text(one, "/name"))))
        .collect()
}

/// What writes an Application again.
pub enum Above {
    Nothing,
    /// The ApplicationSet of this name, in its namespace.
    Set(Clean),
    /// The application that a tracking mark names: `app`, or `namespace_app` (app of apps).
    Application(Clean),
}

/// What stands above an Application.
pub fn above(key: &OwnerKey, object: &Value) -> Above {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let set = owners.into_iter().flatten().find(|owner| text(owner, "/kind") == "ApplicationSet");
    if let Some(set) = set {
        return Above::Set(Clean::line(text(set, "/name")));
    }
    let tracking = object.pointer("/metadata/annotations").and_then(|all| all.get("argocd.argoproj.io/tracking-id"));
    match tracking.and_then(Value::as_str).and_then(|tracking| tracking.split_once(':')) {
        Some((mark, own)) if own == format!("argoproj.io/Application:{}/{}", key.namespace, key.name) => {
            Above::Application(Clean::line(mark))
        }
        _ => Above::Nothing,
    }
}

/// Why auto-sync of an application that is switched off would be switched on again by its ApplicationSet; `None`: it leaves
/// that alone, or never switches it on.
pub fn switches_on(set: &Value, (namespace, name): (&str, &str), application: &str) -> Option<Clean> {
    let leaves_it = matches!(text(set, "/spec/syncPolicy/applicationsSync"), "create-only" | "create-delete");
    let ignored = set.pointer("/spec/ignoreApplicationDifferences").and_then(Value::as_array);
    let ignores = ignored
        .into_iter()
        .flatten()
        .filter(|one| ["", application].contains(&text(one, "/name")))
        .any(|one| ignored_paths(one).iter().any(|path| holds_switch(path)));
    // Each generator may have a template of its own, and a patch of it is a text.
    let generators = set.pointer("/spec/generators").map(Value::to_string).unwrap_or_default();
    let makes_it = set.pointer("/spec/template").is_some_and(is_active)
        || set.pointer("/spec/templatePatch").is_some()
        || generators.contains("\"automated\"");
    if leaves_it || ignores || !makes_it {
        return None;
    }
    Some(Clean::line(&format!(
        "ApplicationSet '{namespace}/{name}' writes the application again and switches auto-sync back on: revert in git, or \
         let it ignore /spec/syncPolicy (ignoreApplicationDifferences)"
    )))
}

/// What an entry of `ignoreApplicationDifferences` ignores, as JSON pointers; of jq only plain paths.
fn ignored_paths(one: &Value) -> Vec<String> {
    let all = |field: &str| one.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let of_jq = all("jqPathExpressions").map(|path| path.trim().replace('.', "/"));
    all("jsonPointers").map(str::to_owned).chain(of_jq).collect()
}

/// The switch of auto-sync is there, or below.
fn holds_switch(path: &str) -> bool {
    let rest = switch(OwnerKind::Application).strip_prefix(path).filter(|_| !path.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
