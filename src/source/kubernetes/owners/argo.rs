//! Argo CD through its Applications in the cluster: where they are, and what is above them.

use serde_json::Value;

use super::Parent;
use crate::{
    json::text,
    model::gitops::{OwnerKey, OwnerKind},
    source::{
        argocd::application::{Above, above, switches_on},
        kubernetes::{
            client::{Cluster, segment},
            revisions::items,
        },
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

/// An ApplicationSet that writes the application again, or the application of which it is a part (app of apps).
pub async fn parent(cluster: &Cluster, key: &OwnerKey, object: &Value) -> Parent {
    let mark = match above(key, object) {
        Above::Nothing => return Parent::None,
        Above::Set(name) => return application_set(cluster, key, &name).await,
        Above::Application(mark) => mark,
    };
    match place(cluster, &mark).await {
        Ok((namespace, name)) => Parent::Owner(OwnerKind::Application, namespace, name),
        Err(says) => {
            Parent::Barrier(Clean::line(&format!("its parent application '{mark}' could not be found: {says}")))
        }
    }
}

async fn application_set(cluster: &Cluster, of: &OwnerKey, name: &str) -> Parent {
    let namespace = &of.namespace;
    let path =
        format!("/apis/argoproj.io/v1alpha1/namespaces/{}/applicationsets/{}", segment(namespace), segment(name));
    match cluster.get::<Value>(&path).await {
        Ok(set) => switches_on(&set, (namespace, name), &of.name).map_or(Parent::None, Parent::Barrier),
        Err(failure) => Parent::Barrier(Clean::line(&format!(
            "ApplicationSet '{name}' writes it, and could not be read: {failure}"
        ))),
    }
}
