//! What pipelines and telemetry read of the cluster, without going through its API.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Cluster, json, kinds::Resource};

/// How a workload stands, for pipelines and telemetry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    pub desired: u32,
    pub updated: u32,
    pub available: u32,
    pub replicas: u32,
    pub observed: bool,
    pub deadline_exceeded: bool,
}

/// One pod, as telemetry needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct PodView {
    pub namespace: String,
    pub name: String,
    pub workload: String,
    /// Image of the first container, with its tag.
    pub image: String,
    /// `pod-template-hash` or `controller-revision-hash`.
    pub hash: String,
    pub node: String,
    pub ready: bool,
    pub ready_since: Option<Timestamp>,
    pub restarts: u32,
    pub last_termination: Option<(String, Timestamp)>,
}

/// What has a pod template, with the place where it stands.
const TEMPLATED: [(Resource, &str); 5] = [
    (Resource::Deployments, "/spec/template"),
    (Resource::ReplicaSets, "/spec/template"),
    (Resource::StatefulSets, "/spec/template"),
    (Resource::DaemonSets, "/spec/template"),
    (Resource::ControllerRevisions, "/data/spec/template"),
];

impl Cluster {
    /// Every image of the registry, and every other that a kept template names: of another host, or of a repository that the
    /// registry did not know when the cluster was founded.
    pub fn images(&self) -> BTreeSet<String> {
        let mut images = self.templated();
        images.retain(|image| !self.lacks(image));
        images.extend(self.pushed());
        images
    }

    /// Every image that a kept template names.
    pub(super) fn templated(&self) -> BTreeSet<String> {
        let mut images = BTreeSet::new();
        for (resource, at) in TEMPLATED {
            for object in self.store.list(resource, None, None) {
                let value = object.value();
                let lists =
                    ["initContainers", "containers"].map(|name| json::list(&value, &format!("{at}/spec/{name}")));
                images.extend(lists.concat().iter().map(|container| json::text(container, "/image").to_owned()));
            }
        }
        images
    }

    /// How a Deployment's roll-out stands, as `kubectl rollout status` reads it.
    pub fn rollout(&self, namespace: &str, deployment: &str) -> Option<Rollout> {
        let value = self.store.get(Resource::Deployments, namespace, deployment)?.value();
        let count = |path| json::int(&value, path) as u32;
        let progressing = json::condition(&value, "Progressing");
        Some(Rollout {
            desired: count("/spec/replicas"),
            updated: count("/status/updatedReplicas"),
            available: count("/status/availableReplicas"),
            replicas: count("/status/replicas"),
            observed: json::int(&value, "/status/observedGeneration") >= json::int(&value, "/metadata/generation"),
            deadline_exceeded: progressing.is_some_and(|c| json::text(c, "/reason") == "ProgressDeadlineExceeded"),
        })
    }

    /// The live pods, terminating ones left out, by namespace and name.
    pub fn pods(&self) -> Vec<PodView> {
        self.pods_in(None)
    }

    /// As `pods`, of one namespace.
    pub fn pods_in(&self, namespace: Option<&str>) -> Vec<PodView> {
        let pods = self.store.list(Resource::Pods, namespace, None).filter(|pod| pod.facts().active());
        pods.map(|pod| {
            let facts = pod.facts();
            let known = facts.pod.clone().unwrap_or_default();
            let run = self.runs.get(&facts.uid);
            let hash = facts.label("pod-template-hash").or_else(|| facts.label("controller-revision-hash"));
            let last = run.and_then(|r| r.containers.first()).and_then(|c| c.last_ending());
            PodView {
                namespace: facts.namespace.clone(),
                name: facts.name.clone(),
                workload: run.map_or_else(|| facts.name.clone(), |r| r.workload.clone()),
                image: known.image,
                hash: hash.unwrap_or_default().to_owned(),
                node: known.node,
                ready: known.ready,
                ready_since: known.ready_since,
                restarts: known.restarts,
                last_termination: last.map(|e| (e.reason.clone(), e.finished)),
            }
        })
        .collect()
    }

    /// The current image of a Deployment's first container.
    pub fn image(&self, namespace: &str, deployment: &str) -> Option<String> {
        let value = self.store.get(Resource::Deployments, namespace, deployment)?.value();
        Some(json::text(&value, "/spec/template/spec/containers/0/image").to_owned())
    }

    /// The current revision number of a Deployment.
    pub fn revision(&self, namespace: &str, deployment: &str) -> Option<u64> {
        let value = self.store.get(Resource::Deployments, namespace, deployment)?.value();
        json::annotation(&value, "deployment.kubernetes.io/revision").parse().ok()
    }
}
