//! Argo CD through its Application alone: status, history, the operation under way, and what is above it.

use serde_json::{Map, Value};

use super::Parent;
use crate::{
    model::gitops::{Git, OwnerKind, Synced},
    source::kubernetes::{
        client::{Cluster, segment},
        revisions::{items, text},
    },
    text::Clean,
};

/// Where Argo CD is installed, unless an application is named with its namespace.
const HOME: &str = "argocd";

/// Namespace and name of the application a tracking mark names: `app`, or `namespace_app` of one outside Argo CD's own
/// namespace. The mark does not say which that is, so it is looked for where Argo CD usually lives, then everywhere.
pub async fn place(cluster: &Cluster, mark: &str) -> Result<(Clean, Clean), Clean> {
    if let Some((namespace, name)) = mark.split_once('_') {
        return Ok((Clean::line(namespace), Clean::line(name)));
    }
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{HOME}/applications/{}", segment(mark));
    if cluster.exists(&path).await.unwrap_or(false) {
        return Ok((HOME.into(), Clean::line(mark)));
    }
    let all = format!("/apis/argoproj.io/v1alpha1/applications?fieldSelector=metadata.name%3D{}", segment(mark));
    let list: Value = cluster.get(&all).await.map_err(|failure| failure.error.says)?;
    let mut found = items(&list).map(|application| text(application, "/metadata/namespace"));
    match (found.next(), found.next()) {
        (Some(namespace), None) => Ok((Clean::line(namespace), Clean::line(mark))),
        (None, _) => {
            Err(Clean::line(&format!("application '{mark}' is not in this cluster: Argo CD may run elsewhere")))
        }
        (Some(_), Some(_)) => Err(Clean::line(&format!("more than one application is called '{mark}'"))),
    }
}

/// `Synced, Healthy, at 5f1c2ab, auto-sync with self-heal`.
pub fn says(object: &Value) -> Clean {
    let policy = match object.pointer("/spec/syncPolicy/automated") {
        Some(automated) if super::is_active(OwnerKind::Application, object) => {
            match automated.get("selfHeal").and_then(Value::as_bool) {
                Some(true) => "auto-sync with self-heal",
                _ => "auto-sync",
            }
        }
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
            let revision = match text(entry, "/revision") {
                "" => text(entry, "/revisions/0"),
                revision => revision,
            };
            Synced {
                id: entry.get("id").and_then(Value::as_i64).unwrap_or_default(),
                revision: Clean::line(revision),
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
pub fn updater(object: &Value) -> Option<Clean> {
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

/// An ApplicationSet that writes the application again, or the application of which it is a part (app of apps).
pub async fn parent(cluster: &Cluster, key: &crate::model::gitops::OwnerKey, object: &Value) -> Parent {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let set = owners.into_iter().flatten().find(|owner| text(owner, "/kind") == "ApplicationSet");
    if let Some(set) = set {
        return application_set(cluster, &key.namespace, text(set, "/name")).await;
    }
    let tracking = object.pointer("/metadata/annotations").and_then(|all| all.get("argocd.argoproj.io/tracking-id"));
    let Some((mark, own)) = tracking.and_then(Value::as_str).and_then(|tracking| tracking.split_once(':')) else {
        return Parent::None;
    };
    if own != format!("argoproj.io/Application:{}/{}", key.namespace, key.name) {
        return Parent::None;
    }
    match place(cluster, mark).await {
        Ok((namespace, name)) => Parent::Owner(OwnerKind::Application, namespace, name),
        Err(says) => {
            Parent::Barrier(Clean::line(&format!("its parent application '{mark}' could not be found: {says}")))
        }
    }
}

async fn application_set(cluster: &Cluster, namespace: &str, name: &str) -> Parent {
    let path =
        format!("/apis/argoproj.io/v1alpha1/namespaces/{}/applicationsets/{}", segment(namespace), segment(name));
    let barrier = |says: String| Parent::Barrier(Clean::line(&says));
    let set: Value = match cluster.get(&path).await {
        Ok(set) => set,
        Err(failure) => return barrier(format!("ApplicationSet '{name}' writes it, and could not be read: {failure}")),
    };
    let leaves_it = matches!(text(&set, "/spec/syncPolicy/applicationsSync"), "create-only" | "create-delete");
    let ignored = set.pointer("/spec/ignoreApplicationDifferences").and_then(Value::as_array);
    let ignores = ignored
        .into_iter()
        .flatten()
        .flat_map(|one| one.get("jsonPointers").and_then(Value::as_array).into_iter().flatten())
        .filter_map(Value::as_str)
        .any(|pointer| "/spec/syncPolicy/automated".starts_with(pointer));
    if leaves_it || ignores {
        return Parent::None;
    }
    barrier(format!(
        "ApplicationSet '{namespace}/{name}' writes the application again and switches auto-sync back on: revert in git, or \
         let it ignore /spec/syncPolicy (ignoreApplicationDifferences)"
    ))
}

fn short(revision: &str) -> &str {
    if revision.len() > 10 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()) { &revision[..7] } else { revision }
}
