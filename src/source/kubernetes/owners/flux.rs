//! Flux: what a Kustomization or HelmRelease says of itself, and who would resume it.

use serde_json::Value;

use super::Parent;
use crate::{
    json::text,
    model::gitops::{Git, OwnerKind},
    source::kubernetes::{
        client::{Cluster, segment},
        revisions::items,
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
        Git::Differs(Clean::line(&format!("git still says what was applied before, {}", short(fetched))))
    } else {
        unknown(&format!("git moved from {} to {}: read what it says", short(&applied), short(fetched)))
    }
}

/// Version of the API of image automations; `None`: their controller is not installed.
pub async fn image_api(cluster: &Cluster) -> Result<Option<String>, Clean> {
    let group = cluster.get_opt::<Value>(IMAGES).await.map_err(|failure| failure.error.says)?;
    Ok(group.map(|group| text(&group, "/preferredVersion/version").to_owned()))
}

/// An ImageUpdateAutomation that writes new tags into the git that a Kustomization applies. It is beside their source, or
/// beside the Kustomization.
pub async fn updater(cluster: &Cluster, version: &str, object: &Value) -> Result<Option<Clean>, Clean> {
    let Some(wanted) = source(object) else { return Ok(None) };
    let own = Some(text(object, "/metadata/namespace")).filter(|own| *own != wanted.0);
    for namespace in [wanted.0.as_str()].into_iter().chain(own) {
        let (version, space) = (segment(version), segment(namespace));
        let path = format!("{IMAGES}/{version}/namespaces/{space}/imageupdateautomations");
        let list = cluster.get_opt::<Value>(&path).await.map_err(|failure| failure.error.says)?.unwrap_or_default();
        let writes = |one: &&Value| {
            source(one).as_ref() == Some(&wanted) && one.pointer("/spec/suspend") != Some(&Value::Bool(true))
        };
        if let Some(found) = items(&list).find(writes) {
            let name = text(found, "/metadata/name");
            return Ok(Some(Clean::line(&format!("ImageUpdateAutomation '{namespace}/{name}' (Flux)"))));
        }
    }
    Ok(None)
}

/// Namespace and name of the GitRepository that an object is about.
fn source(of: &Value) -> Option<(String, String)> {
    let reference = of.pointer("/spec/sourceRef").filter(|one| text(one, "/kind") == "GitRepository")?;
    let namespace = match text(reference, "/namespace") {
        "" => text(of, "/metadata/namespace"),
        namespace => namespace,
    };
    Some((namespace.to_owned(), text(reference, "/name").to_owned()))
}

/// Namespace and name of the Kustomization that applied the object from git.
pub fn applied_by(object: &Value) -> Option<(Clean, Clean)> {
    let labels = object.pointer("/metadata/labels")?;
    let label = |key: &str| labels.get(format!("{KUSTOMIZE}/{key}"))?.as_str().map(Clean::line);
    Some((label("namespace")?, label("name")?))
}

/// What applied the object from git, if it also sets `suspend` (its field in `managedFields`): else a suspension stays.
pub fn parent(kind: OwnerKind, object: &Value) -> Parent {
    let Some((namespace, name)) = applied_by(object) else { return Parent::None };
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
