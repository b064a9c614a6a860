//! Flux: what a Kustomization or HelmRelease says of itself, and who would resume it.

use serde_json::Value;

use super::Parent;
use crate::{
    model::gitops::{Git, OwnerKind},
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        revisions::{items, text},
    },
    text::Clean,
};

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
const IMAGES: &str = "/apis/image.toolkit.fluxcd.io";
/// Flux's field manager for what it applies of git.
const APPLIER: &str = "kustomize-controller";

/// `main@sha1:5f1c2ab, Ready, every 10m`.
pub fn says(object: &Value) -> Clean {
    let mut words = Vec::new();
    let applied = applied(object);
    if !applied.is_empty() {
        words.push(short(applied));
    }
    let ready = condition(object, "Ready");
    if let Some(ready) = ready {
        words.push(match text(ready, "/status") {
            "True" => "Ready".to_owned(),
            _ => format!("not Ready: {}", text(ready, "/message")),
        });
    }
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        words.push("suspended".to_owned());
    } else {
        words.push(format!("every {}", text(object, "/spec/interval")));
    }
    Clean::line(&words.join(", "))
}

/// The revision it applied last.
fn applied(object: &Value) -> &str {
    match text(object, "/status/lastAppliedRevision") {
        "" => text(object, "/status/lastAttemptedRevision"),
        revision => revision,
    }
}

/// A suspended Kustomization applies nothing, but its source goes on fetching: the two revisions tell whether git moved.
/// What git says now is not in the cluster's API.
pub async fn git(cluster: &Cluster, kind: OwnerKind, object: &Value) -> Git {
    let applied = applied(object).to_owned();
    let unknown = |why: &str| Git::Unknown(Clean::line(&format!("whether git says what is live is unknown: {why}")));
    if kind == OwnerKind::HelmRelease {
        return unknown(&format!("chart {} is what was installed last; the values may have moved", short(&applied)));
    }
    let reference = object.pointer("/spec/sourceRef").cloned().unwrap_or_default();
    let plural = match text(&reference, "/kind") {
        "GitRepository" => "gitrepositories",
        "OCIRepository" => "ocirepositories",
        "Bucket" => "buckets",
        other => return unknown(&format!("its source is a '{other}'")),
    };
    let namespace = match text(&reference, "/namespace") {
        "" => text(object, "/metadata/namespace"),
        namespace => namespace,
    };
    let name = text(&reference, "/name");
    let path =
        format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{}/{plural}/{}", segment(namespace), segment(name));
    let source: Value = match cluster.get(&path).await {
        Ok(source) => source,
        Err(failure) => return unknown(&format!("its source could not be read: {failure}")),
    };
    let fetched = text(&source, "/status/artifact/revision");
    if fetched.is_empty() {
        unknown("its source has fetched nothing")
    } else if fetched == applied {
        Git::Differs(Clean::line(&format!("git is still at {}, as applied before", short(fetched))))
    } else {
        unknown(&format!("git moved from {} to {}: read what it says", short(&applied), short(fetched)))
    }
}

/// An ImageUpdateAutomation that writes new tags into the git that a Kustomization applies. Where its controller is not
/// installed nothing more is asked.
pub async fn updater(cluster: &Cluster, object: &Value) -> Result<Option<Clean>, Clean> {
    let unread = |failure: Failure| failure.error.says;
    let Some(group) = cluster.get_opt::<Value>(IMAGES).await.map_err(unread)? else { return Ok(None) };
    let version = segment(text(&group, "/preferredVersion/version"));
    let namespace = text(object, "/metadata/namespace");
    let path = format!("{IMAGES}/{version}/namespaces/{}/imageupdateautomations", segment(namespace));
    let Some(list) = cluster.get_opt::<Value>(&path).await.map_err(unread)? else { return Ok(None) };
    let source = |of: &Value| -> Option<(String, String)> {
        let reference = of.pointer("/spec/sourceRef").filter(|one| text(one, "/kind") == "GitRepository")?;
        let own = text(of, "/metadata/namespace");
        let of = Some(text(reference, "/namespace")).filter(|space| !space.is_empty()).unwrap_or(own);
        Some((of.to_owned(), text(reference, "/name").to_owned()))
    };
    let wanted = source(object);
    let writes = |one: &&Value| {
        wanted.is_some() && source(one) == wanted && one.pointer("/spec/suspend") != Some(&Value::Bool(true))
    };
    let found = items(&list).find(writes).map(|one| text(one, "/metadata/name"));
    Ok(found.map(|name| Clean::line(&format!("ImageUpdateAutomation '{namespace}/{name}' (Flux)"))))
}

/// What applied the object from git, if it also sets `suspend` (its field in `managedFields`): else a suspension stays.
pub fn parent(kind: OwnerKind, object: &Value) -> Parent {
    let label = |key: &str| {
        let value = object.pointer("/metadata/labels").and_then(|labels| labels.get(format!("{KUSTOMIZE}/{key}")));
        value.and_then(Value::as_str).map(Clean::line)
    };
    let (Some(name), Some(namespace)) = (label("name"), label("namespace")) else { return Parent::None };
    let is_itself = kind == OwnerKind::Kustomization
        && *name == *text(object, "/metadata/name")
        && *namespace == *text(object, "/metadata/namespace");
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let sets = managers
        .into_iter()
        .flatten()
        .any(|entry| text(entry, "/manager") == APPLIER && entry.pointer("/fieldsV1/f:spec/f:suspend").is_some());
    match (sets, is_itself) {
        (false, _) => Parent::None,
        (true, false) => Parent::Owner(OwnerKind::Kustomization, namespace, name),
        (true, true) => Parent::Barrier(Clean::line(&format!(
            "Kustomization '{namespace}/{name}' applies itself with `suspend` in git: it resumes itself"
        ))),
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    all.into_iter().flatten().find(|condition| text(condition, "/type") == kind)
}

/// `main@sha1:5f1c2ab…` with seven digits.
fn short(revision: &str) -> String {
    match revision.split_once(':') {
        Some((before, hex)) if hex.len() > 7 && hex.is_ascii() => format!("{before}:{}", &hex[..7]),
        _ => revision.to_owned(),
    }
}
