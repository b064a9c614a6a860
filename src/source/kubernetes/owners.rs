//! What owns a workload in git's name, read live, up to whatever would switch it on again: Flux's Kustomization and HelmRelease
//! (`kustomize.toolkit.fluxcd.io`, `helm.toolkit.fluxcd.io`) and Argo CD's Application (`argoproj.io/v1alpha1`).

mod argo;
mod flux;

use std::time::Duration;

use serde_json::Value;

use super::{
    client::{Cluster, segment},
    failure::Failure,
    pace::Pace,
    rights,
};
use crate::{
    json::text,
    model::{
        gitops::{Owner, OwnerKey, OwnerKind, Standing, is_on, switch},
        kubernetes::{Manager, Workload, rights::Right},
    },
    query::Answer,
    source::{AnswerSink, argocd::application},
    text::Clean,
};

/// Longest chain of owners that is followed.
pub const MAX_CHAIN: usize = 5;

/// API path of an owner, without query.
pub fn owner_path(key: &OwnerKey) -> String {
    format!(
        "/apis/{}/{}/namespaces/{}/{}/{}",
        key.kind.group(),
        segment(&key.version),
        segment(&key.namespace),
        key.kind.plural(),
        segment(&key.name)
    )
}

/// The workload's own owner first, then each that would undo the suspension of the one before. None: nothing of git's
/// owns it.
pub async fn read(cluster: &Cluster, workload: &Workload) -> Result<Vec<Owner>, Clean> {
    let mut next = match workload.managed_by.first() {
        Some(Manager::FluxKustomization { name, namespace }) => {
            Some((OwnerKind::Kustomization, namespace.clone(), name.clone()))
        }
        Some(Manager::FluxHelmRelease { name, namespace }) => {
            Some((OwnerKind::HelmRelease, namespace.clone(), name.clone()))
        }
        Some(Manager::ArgoCd { application }) => {
            let (namespace, name) = argo::place(cluster, application).await?;
            Some((OwnerKind::Application, namespace, name))
        }
        _ => None,
    };
    let mut chain: Vec<Owner> = Vec::new();
    while let Some((kind, namespace, name)) = next.take() {
        let key = key(cluster, kind, namespace, name).await?;
        // A root application and Flux's own Kustomization own themselves.
        if chain.iter().any(|owner| owner.key == key) {
            break;
        }
        if chain.len() == MAX_CHAIN {
            return Err(Clean::line(&format!("more than {MAX_CHAIN} owners stand above each other")));
        }
        let object = get(cluster, &key).await?;
        let mut owner = owner(cluster, key, &object).await;
        match parent(cluster, &owner.key, &object).await {
            Parent::None => {}
            Parent::Owner(kind, namespace, name) => next = Some((kind, namespace, name)),
            Parent::Barrier(says) => owner.barrier = Some(says),
        }
        chain.push(owner);
    }
    Ok(chain)
}

/// Between two looks at an owner that was switched off.
pub const LOOK: Duration = Duration::from_secs(15);

/// Tells where an owner stands, again and again.
pub async fn follow(cluster: &Cluster, key: &OwnerKey, out: &AnswerSink) {
    let mut pace = Pace::new(cluster);
    loop {
        let read = standing(cluster, key).await;
        let pause = pace.after(read.as_ref().err(), LOOK);
        if !out.send(read.map(Answer::Standing).map_err(Into::into)).await {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Where one owner stands.
pub async fn standing(cluster: &Cluster, key: &OwnerKey) -> Result<Standing, Failure> {
    let object: Value = cluster.get(&owner_path(key)).await?;
    let git = match key.kind {
        OwnerKind::Application => application::git(&object),
        kind => flux::git(cluster, kind, &object).await,
    };
    Ok(Standing { is_active: is_active(key.kind, &object), git })
}

/// What stands above an owner.
enum Parent {
    /// Nothing that switches it on again.
    None,
    Owner(OwnerKind, Clean, Clean),
    /// Something that does, and that is not switched off from here.
    Barrier(Clean),
}

async fn parent(cluster: &Cluster, key: &OwnerKey, object: &Value) -> Parent {
    match key.kind {
        OwnerKind::Application => argo::parent(cluster, key, object).await,
        kind => flux::parent(kind, object),
    }
}

async fn owner(cluster: &Cluster, key: OwnerKey, object: &Value) -> Owner {
    let may_patch = may_patch(cluster, &key).await;
    if key.kind == OwnerKind::Application {
        return application::owner(key, object, may_patch);
    }
    let updater = updater(cluster, key.kind, object).await;
    Owner {
        uid: Clean::line(text(object, "/metadata/uid")),
        spec: object.get("spec").cloned().unwrap_or_default(),
        is_active: is_active(key.kind, object),
        says: flux::says(object),
        may_patch,
        updater,
        barrier: None,
        git: flux::git(cluster, key.kind, object).await,
        revisions: Vec::new(),
        history: Vec::new(),
        busy: None,
        others: Vec::new(),
        key,
    }
}

/// What writes the newest image into the git that an object of Flux is applied from: of a HelmRelease that is its
/// Kustomization's.
async fn updater(cluster: &Cluster, kind: OwnerKind, object: &Value) -> Result<Option<Clean>, Clean> {
    let Some(version) = flux::image_api(cluster).await? else { return Ok(None) };
    if kind == OwnerKind::Kustomization {
        return flux::updater(cluster, &version, object).await;
    }
    let Some((namespace, name)) = flux::applied_by(object) else { return Ok(None) };
    let key = key(cluster, OwnerKind::Kustomization, namespace, name).await?;
    flux::updater(cluster, &version, &get(cluster, &key).await?).await
}

/// Whether it puts back what git says.
pub fn is_active(kind: OwnerKind, object: &Value) -> bool {
    is_on(kind, object.pointer(switch(kind)))
}

async fn key(cluster: &Cluster, kind: OwnerKind, namespace: Clean, name: Clean) -> Result<OwnerKey, Clean> {
    let group: Value = cluster
        .get(&format!("/apis/{}", kind.group()))
        .await
        .map_err(|failure| Clean::line(&format!("the API '{}' does not answer: {failure}", kind.group())))?;
    let version = match kind {
        // The group has other kinds of other versions beside it.
        OwnerKind::Application => "v1alpha1",
        _ => text(&group, "/preferredVersion/version"),
    };
    Ok(OwnerKey { cluster: cluster.id().clone(), kind, version: Clean::line(version), namespace, name, via: None })
}

async fn get(cluster: &Cluster, key: &OwnerKey) -> Result<Value, Clean> {
    cluster.get(&owner_path(key)).await.map_err(|failure| failure.error.says)
}

async fn may_patch(cluster: &Cluster, key: &OwnerKey) -> Result<bool, Clean> {
    let (group, resource) = (key.kind.group(), key.kind.plural());
    let right = Right { verb: "patch", group, resource, subresource: "", name: &key.name };
    rights::may(cluster, &right, &key.namespace).await
}

#[cfg(test)]
mod tests;
