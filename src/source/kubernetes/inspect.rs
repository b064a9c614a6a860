//! Everything a plan needs to know of a workload, asked live: nothing here comes from a cache. What cannot be asked says
//! why in its place; only the workload itself must answer.

mod around;
mod budget;
pub(super) mod canary;
mod glance;
mod object;
mod pod;
mod quotas;
mod refused;
mod resources;
mod serving;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::Cluster,
    failure::Failure,
    health, owners, release,
    revisions::{self, images, items, workload_path},
    rights,
    rows::{Rows, managed},
};
use crate::{
    action::{Glance, Inspection, Inspector, Request, Unread, WorkloadInspection, around::Around},
    json::text,
    model::{
        BackendId, Name,
        helm::Release,
        image::{ImageRef, MOST_LISTED, NodeImages},
        kubernetes::{Revision, Workload, WorkloadKey, WorkloadKind, deletion, rights::Right},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
    time::Skew,
};

/// Each ask has this long: a person waits for all of them.
const WITHIN: Duration = Duration::from_secs(10);
/// Nodes are read in one page of this size; a larger cluster's are not.
const MAX_NODES: &str = "500";

/// Inspects the workloads of one cluster.
pub struct WorkloadInspector {
    cluster: Cluster,
    rows: Rows,
}

impl WorkloadInspector {
    pub fn new(cluster: Cluster) -> Self {
        let rows = Rows::new(cluster.id());
        Self { cluster, rows }
    }

    /// Asks everything at once.
    /// `goes_back`: what stands around it too. `own`: a workload of the same release, which has been read already.
    async fn workload(
        &self,
        key: &WorkloadKey,
        goes_back: bool,
        own: Option<&WorkloadInspection>,
    ) -> Result<WorkloadInspection, SourceError> {
        let (object, mut workload) = self.read(key).await?;
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let name = (&*key.namespace, &*key.name);
        let neighbour = own.filter(|own| own.workload.key.namespace == key.namespace);
        let (
            history,
            (server, cluster_id),
            may_patch,
            may_scale,
            may_delete_pods,
            autoscaler,
            quotas,
            nodes,
            owners,
            canary,
            release,
            around,
        ) = futures::join!(
            self.history(key, &object),
            known(own.map(|own| (own.server.clone(), own.cluster_id.clone())), self.place()),
            self.may("patch", key.kind.group(), key.kind.plural(), "", name),
            self.may("patch", key.kind.group(), key.kind.plural(), "scale", name),
            self.may("delete", "", "pods", "", (&*key.namespace, "")),
            self.autoscaler(key),
            known(neighbour.map(|own| own.quotas.clone()), self.quotas(&key.namespace)),
            known(own.map(|_| Ok(Value::Null)), self.nodes()),
            async { asked(owners::read(&self.cluster, &workload)).await.and_then(|owners| owners) },
            async { asked(self.canary(key, &object)).await.and_then(|canary| canary) },
            known(own.map(|_| None), self.release(&workload)),
            async { if goes_back { Some(Box::new(Box::pin(self.around(key, &object)).await)) } else { None } },
        );
        let (revisions, pods) = history;
        self.explain(&mut workload, revisions.as_deref().unwrap_or_default()).await;
        let unread = Unread { revisions: revisions.as_ref().err().cloned(), pods: pods.as_ref().err().cloned() };
        let (revisions, pods) = (revisions.unwrap_or_default(), pods.unwrap_or_default());
        let releases = || release.iter().chain(own.and_then(|own| own.release.as_ref())).flatten();
        let of_release = releases().flat_map(|release| release.templates_of(key));
        let kept = revisions.iter().map(|revision| &revision.template);
        let templates: Vec<&Value> = kept.chain([&template]).chain(of_release).collect();
        let (references, config) = self.named(&key.namespace, &templates).await;
        let around = around.map(|around| Box::new(Around { config, ..*around }));
        let image_nodes = match own {
            Some(own) => own.image_nodes.clone(),
            None => nodes.map(|nodes| {
                // Those of its kin too, which asks no node again.
                let of_kin = releases().flat_map(Release::templates);
                images_on(&nodes, &templates.iter().copied().chain(of_kin).collect::<Vec<_>>())
            }),
        };
        Ok(WorkloadInspection {
            annotations: annotations(&object),
            changes: template_changes(&object),
            workload,
            template,
            revisions,
            pods,
            server,
            cluster_id,
            may_patch,
            may_scale,
            may_delete_pods,
            references,
            autoscaler,
            surge: around::surge(key.kind, &object),
            is_ordered: key.kind == WorkloadKind::StatefulSet
                && text(&object, "/spec/podManagementPolicy") != "Parallel",
            partition: partition(&object),
            quotas,
            around,
            unread,
            warnings: marks(&object, self.cluster.time()),
            owners,
            canary,
            release,
            resources: None,
            image_nodes,
            updater: updater(&object),
        })
    }

    /// The object, and its row.
    async fn read(&self, key: &WorkloadKey) -> Result<(Value, Workload), SourceError> {
        let object: Value =
            asked(self.cluster.get(&workload_path(key))).await.map_err(|says| self.failed(key, &says))??;
        let workload = self.row(key, &object)?;
        Ok((object, workload))
    }

    fn row(&self, key: &WorkloadKey, object: &Value) -> Result<Workload, SourceError> {
        self.rows.workload(key.kind, object).map_err(|error| self.failed(key, &error.to_string()))
    }

    fn failed(&self, key: &WorkloadKey, says: &str) -> SourceError {
        let cluster = self.cluster.id();
        SourceError::new(ErrorKind::Unexpected, format!("Kubernetes '{cluster}': '{key}' could not be read: {says}"))
    }

    async fn history(
        &self,
        key: &WorkloadKey,
        object: &Value,
    ) -> (Result<Vec<Revision>, Clean>, Result<Vec<crate::model::kubernetes::Pod>, Clean>) {
        let pods = answered(revisions::pods(&self.cluster, &self.rows, key, object)).await;
        let known = pods.as_deref().ok();
        (answered(revisions::read(&self.cluster, key, object, known)).await, pods)
    }

    /// URL and version.
    async fn server(&self) -> Clean {
        let version = answered(self.cluster.get::<Value>("/version")).await;
        let words = match &version {
            Ok(version) => text(version, "/gitVersion"),
            Err(_) => "version unknown",
        };
        Clean::line(&format!("{} {words}", self.cluster.server()))
    }

    async fn place(&self) -> (Clean, Option<Clean>) {
        futures::join!(self.server(), self.cluster_id())
    }

    /// `None`: it did not tell.
    async fn cluster_id(&self) -> Option<Clean> {
        answered(health::cluster_id(&self.cluster)).await.ok()
    }

    async fn may(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        subresource: &str,
        (namespace, name): (&str, &str),
    ) -> Result<bool, Clean> {
        let right = Right { verb, group, resource, subresource, name };
        asked(rights::may(&self.cluster, &right, namespace)).await?
    }

    /// The Helm release it is of, and whether Helm may keep one more revision of it.
    async fn release(&self, workload: &Workload) -> Option<Result<Release, Clean>> {
        let read = asked(release::of(&self.cluster, workload)).await.unwrap_or_else(|says| Some(Err(says)))?;
        let Ok(mut release) = read else { return Some(read) };
        release.may_keep = self.may("create", "", "secrets", "", (&*release.key.namespace, "")).await;
        Some(Ok(release))
    }

    async fn nodes(&self) -> Result<Value, Clean> {
        let list = answered(self.cluster.get::<Value>(&format!("/api/v1/nodes?limit={MAX_NODES}"))).await?;
        match text(&list, "/metadata/continue") {
            "" => Ok(list),
            _ => Err(Clean::line(&format!("more than {MAX_NODES} nodes: not asked"))),
        }
    }
}

impl Inspector for WorkloadInspector {
    fn backend(&self) -> &BackendId {
        self.cluster.id()
    }

    fn skew(&self) -> Option<Skew> {
        self.cluster.learnt().clock.skew()
    }

    fn serving<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<BTreeSet<Name>, Clean>> {
        self.endpoints(namespace).boxed()
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            match request {
                Request::RollBack { workload, .. }
                | Request::Restart { workload }
                | Request::Scale { workload, .. }
                | Request::ResumeSync { workload } => {
                    let goes_back = matches!(request, Request::RollBack { .. });
                    Ok(Inspection::Workload(Box::new(Box::pin(self.workload(workload, goes_back, None)).await?)))
                }
                Request::Limits { workload, .. } => {
                    let mut found = Box::pin(self.workload(workload, false, None)).await?;
                    let of = |pod: &str| found.pods.iter().any(|known| known.key.name == *pod);
                    let resources = Box::pin(self.resources(&workload.namespace, of)).await;
                    found.resources = Some(Box::new(resources));
                    Ok(Inspection::Workload(Box::new(found)))
                }
                Request::Resize { pod, .. } => Ok(Inspection::Pod(Box::new(Box::pin(self.pod(pod)).await?))),
                Request::Object { object, act } => {
                    Ok(Inspection::Object(Box::new(Box::pin(self.object(object, *act)).await?)))
                }
                _ => Err(SourceError::new(ErrorKind::Bug, "This is no request for Kubernetes.")),
            }
        }
        .boxed()
    }

    fn kin<'a>(
        &'a self,
        own: &'a WorkloadInspection,
        workload: &'a WorkloadKey,
    ) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move { Ok(Inspection::Workload(Box::new(Box::pin(self.workload(workload, true, Some(own))).await?))) }
            .boxed()
    }

    fn glance<'a>(&'a self, workload: &'a WorkloadKey) -> BoxFuture<'a, Result<Option<Glance>, SourceError>> {
        self.at_a_glance(workload).boxed()
    }
}

/// What is known need not be asked.
async fn known<T>(known: Option<T>, ask: impl Future<Output = T>) -> T {
    match known {
        Some(known) => known,
        None => ask.await,
    }
}

async fn asked<T>(ask: impl Future<Output = T>) -> Result<T, Clean> {
    let silent = || Clean::line(&format!("no answer within {} s", WITHIN.as_secs()));
    tokio::time::timeout(WITHIN, ask).await.map_err(|_| silent())
}

async fn answered<T>(ask: impl Future<Output = Result<T, Failure>>) -> Result<T, Clean> {
    asked(ask).await?.map_err(|failure| failure.error.says)
}

fn annotations(object: &Value) -> BTreeMap<String, String> {
    let all = object.pointer("/metadata/annotations").and_then(Value::as_object);
    all.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Of a StatefulSet: pods with a lower number keep what they run.
pub fn partition(object: &Value) -> u64 {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    match number("/spec/updateStrategy/rollingUpdate/partition") {
        0 => 0,
        kept => number("/spec/ordinals/start") + kept,
    }
}

/// Keel, which sets the newest image by a policy on the workload (`keel.sh/policy`).
fn updater(object: &Value) -> Option<Clean> {
    let policy = ["annotations", "labels"].iter().find_map(|part| {
        object
            .pointer(&format!("/metadata/{part}"))?
            .get("keel.sh/policy")?
            .as_str()
            .filter(|policy| *policy != "never")
    })?;
    Some(Clean::line(&format!("Keel (policy {policy})")))
}

/// Marks on the object that an act must know of.
fn marks(object: &Value, now: Timestamp) -> Vec<Clean> {
    let mut warnings: Vec<Clean> = deletion(object, now).into_iter().collect();
    let applied = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get("kubectl.kubernetes.io/last-applied-configuration"));
    if applied.is_some() {
        warnings
            .push(Clean::line("it was applied from a file: the next apply of that file reverses what is done here"));
    }
    warnings
}

/// Who set something in the pod template, newest first (`metadata.managedFields`).
pub fn template_changes(object: &Value) -> Vec<(Clean, Timestamp)> {
    let mut changes = managed::template_changes(object);
    changes.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    changes
}

/// What nodes hold of the templates' repositories.
fn images_on(nodes: &Value, templates: &[&Value]) -> NodeImages {
    let repository = |image: &ImageRef| (image.host.clone(), image.repository.clone());
    let named = templates.iter().flat_map(|template| images(template)).filter_map(|image| ImageRef::parse(&image));
    let repositories: BTreeSet<_> = named.map(|image| repository(&image)).collect();
    let mut held = NodeImages::default();
    for node in items(nodes) {
        let listed = node.pointer("/status/images").and_then(Value::as_array);
        let mut here = Vec::new();
        for image in listed.into_iter().flatten() {
            let names = image.get("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let names: Vec<ImageRef> = names.filter_map(ImageRef::parse).collect();
            if names.iter().any(|name| repositories.contains(&repository(name))) {
                here.push(names);
            }
        }
        held.add_node(&here);
        if listed.is_some_and(|listed| listed.len() >= MOST_LISTED) {
            held.cut += 1;
        }
    }
    held
}

#[cfg(test)]
mod tests;
