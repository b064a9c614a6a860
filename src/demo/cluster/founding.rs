//! How a cluster looks before the story begins: its nodes and namespaces, and workloads that have run for a while.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster,
    condition::set_condition,
    deployment::{DESIRED, MAX, REVISION, bounds},
    fields::{self, Writer},
    ids, json as js,
    kinds::Resource,
    kubelet::Life,
    pod_status::pod_status,
    replicas::{owner_reference, pod_from_template},
};

/// The kinds of workload the cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl WorkloadKind {
    pub fn resource(self) -> Resource {
        match self {
            Self::Deployment => Resource::Deployments,
            Self::StatefulSet => Resource::StatefulSets,
            Self::DaemonSet => Resource::DaemonSets,
        }
    }
}

/// One revision of a workload, as its history shows it.
#[derive(Clone, Debug)]
pub struct PastRevision {
    pub number: u64,
    /// A template as `PodTemplate::build` makes it.
    pub template: Value,
    pub at: Timestamp,
    pub change_cause: Option<String>,
    /// Field manager that wrote it, for `managedFields`.
    pub manager: String,
}

/// A workload that has been running since its last revision.
#[derive(Clone, Debug)]
pub struct Founding {
    pub kind: WorkloadKind,
    pub namespace: String,
    pub name: String,
    pub replicas: u32,
    pub created: Timestamp,
    /// Oldest first; the last one runs. At least one.
    pub revisions: Vec<PastRevision>,
    /// Deployments: seconds until a stalled roll-out is given up on.
    pub progress_deadline: u32,
    /// Deployments: `maxSurge` and `maxUnavailable`, as percentages.
    pub strategy: (String, String),
    pub annotations: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
}

impl Founding {
    /// A workload with one revision, deployed at `at` by `kubectl`.
    pub fn new(kind: WorkloadKind, namespace: &str, name: &str, replicas: u32, template: Value, at: Timestamp) -> Self {
        let manager = "kubectl-client-side-apply".to_owned();
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            replicas,
            created: at,
            revisions: vec![PastRevision { number: 1, template, at, change_cause: None, manager }],
            progress_deadline: 600,
            strategy: ("25%".to_owned(), "25%".to_owned()),
            annotations: Vec::new(),
            labels: Vec::new(),
        }
    }
}

impl Cluster {
    /// Creates a workload now, as `kubectl create` by `manager`; its pods start from nothing.
    #[expect(clippy::too_many_arguments, reason = "what a manifest says")]
    pub fn create_from_template(
        &mut self,
        now: Timestamp,
        kind: WorkloadKind,
        namespace: &str,
        name: &str,
        replicas: u32,
        template: &Value,
        manager: &str,
    ) {
        let founding = Founding::new(kind, namespace, name, replicas, template.clone(), now);
        let mut value = self.workload_value(&founding, template);
        fields::record(None, &mut value, Writer { manager, subresource: "", at: now });
        self.write(kind.resource(), value);
    }

    /// Adds a workload with its history, all pods running and ready since shortly after the last revision.
    pub fn found(&mut self, founding: &Founding) {
        self.add_namespace(founding.created, &founding.namespace);
        let Some(last) = founding.revisions.last() else { return };
        let mut owner = self.workload_value(founding, &last.template);
        let mut so_far: Option<Value> = None;
        for past in &founding.revisions {
            let mut version = owner.clone();
            version["spec"]["template"] = past.template.clone();
            let by = Writer { manager: &past.manager, subresource: "", at: past.at };
            if let Some(old) = &so_far {
                version["metadata"]["managedFields"] = js::at(old, "/metadata/managedFields").clone();
            }
            fields::record(so_far.as_ref(), &mut version, by);
            so_far = Some(version);
        }
        if let Some(fields) = so_far.and_then(|mut v| js::remove(&mut v, "/metadata/managedFields")) {
            js::set(&mut owner, "/metadata/managedFields", fields);
        }
        match founding.kind {
            WorkloadKind::Deployment => self.found_deployment(founding, owner),
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => self.found_set(founding, owner),
        }
    }

    /// The workload object itself, without status.
    fn workload_value(&mut self, founding: &Founding, template: &Value) -> Value {
        let kind = founding.kind.resource().kind();
        let app = template["metadata"]["labels"].clone();
        let selector = match app.get("app") {
            Some(app) => json!({"app": app}),
            None => app.clone(),
        };
        let mut value = json!({
            "kind": kind.kind, "apiVersion": kind.api_version(),
            "metadata": {
                "name": founding.name, "namespace": founding.namespace, "uid": self.uid(kind.plural, &founding.name),
                "creationTimestamp": js::stamp(founding.created), "generation": 1, "labels": selector,
            },
            "spec": {
                "selector": {"matchLabels": selector}, "template": template, "revisionHistoryLimit": 10,
            },
            "status": {},
        });
        for (key, text) in &founding.annotations {
            js::set_annotation(&mut value, key, text);
        }
        for (key, text) in &founding.labels {
            value["metadata"]["labels"][key] = json!(text);
        }
        if let Some(cause) = founding.revisions.last().and_then(|r| r.change_cause.as_ref()) {
            js::set_annotation(&mut value, "kubernetes.io/change-cause", cause);
        }
        let spec = &mut value["spec"];
        match founding.kind {
            WorkloadKind::Deployment => {
                spec["replicas"] = json!(founding.replicas);
                let (surge, unavailable) = &founding.strategy;
                spec["progressDeadlineSeconds"] = json!(founding.progress_deadline);
                spec["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
            }
            WorkloadKind::StatefulSet => {
                spec["replicas"] = json!(founding.replicas);
                spec["serviceName"] = json!(founding.name);
                spec["podManagementPolicy"] = json!("OrderedReady");
                spec["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
            }
            WorkloadKind::DaemonSet => {
                spec["updateStrategy"] =
                    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
            }
        }
        value
    }

    fn found_deployment(&mut self, founding: &Founding, mut owner: Value) {
        let desired = i64::from(founding.replicas);
        let most = desired + bounds(&owner).0;
        let count = founding.revisions.len();
        let mut current = Value::Null;
        for (index, past) in founding.revisions.iter().enumerate() {
            let live = index + 1 == count;
            let replicas = if live { desired } else { 0 };
            let hash = ids::template_hash(&js::canonical(&past.template));
            let name = format!("{}-{hash}", founding.name);
            let mut template = past.template.clone();
            js::set(&mut template, "/metadata/labels/pod-template-hash", json!(hash));
            let mut selector = owner["spec"]["selector"].clone();
            js::set(&mut selector, "/matchLabels/pod-template-hash", json!(hash));
            let mut set = json!({
                "kind": "ReplicaSet", "apiVersion": "apps/v1",
                "metadata": {
                    "name": name, "namespace": founding.namespace, "uid": self.uid("rs", &name), "generation": 1,
                    "creationTimestamp": js::stamp(past.at), "labels": template["metadata"]["labels"],
                    "ownerReferences": owner_reference(Resource::Deployments, &owner),
                },
                "spec": {"replicas": replicas, "selector": selector, "template": template},
                "status": {"replicas": replicas, "observedGeneration": 1},
            });
            for (key, text) in &founding.annotations {
                js::set_annotation(&mut set, key, text);
            }
            js::set_annotation(&mut set, REVISION, &past.number.to_string());
            js::set_annotation(&mut set, DESIRED, &desired.to_string());
            js::set_annotation(&mut set, MAX, &most.to_string());
            if let Some(cause) = &past.change_cause {
                js::set_annotation(&mut set, "kubernetes.io/change-cause", cause);
            }
            if live && desired > 0 {
                for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
                    set["status"][field] = json!(desired);
                }
                js::set_annotation(&mut owner, REVISION, &past.number.to_string());
            }
            if live {
                js::set_annotation(&mut owner, REVISION, &past.number.to_string());
                current = set.clone();
            }
            self.write(Resource::ReplicaSets, set);
        }
        let since = founding.revisions.last().map_or(founding.created, |r| r.at) + SignedDuration::from_secs(20);
        let generation = 2 * count as i64;
        owner["metadata"]["generation"] = json!(generation);
        owner["status"] = json!({"observedGeneration": generation});
        if desired > 0 {
            for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
                owner["status"][field] = json!(desired);
            }
        }
        let message = "Deployment has minimum availability.";
        set_condition(&mut owner, since, "Available", true, "MinimumReplicasAvailable", message);
        let message = format!("ReplicaSet \"{}\" has successfully progressed.", js::text(&current, "/metadata/name"));
        set_condition(&mut owner, since, "Progressing", true, "NewReplicaSetAvailable", &message);
        self.write(Resource::Deployments, owner);
        let template = current["spec"]["template"].clone();
        let set_name = js::text(&current, "/metadata/name").to_owned();
        for _ in 0..founding.replicas {
            let name = self.pod_name(&founding.namespace, &set_name);
            let pod = pod_from_template(Resource::ReplicaSets, &current, &template, &name);
            self.found_pod(founding, pod, None);
        }
    }

    fn found_set(&mut self, founding: &Founding, mut owner: Value) {
        let resource = founding.kind.resource();
        let mut revision = String::new();
        for past in &founding.revisions {
            let mut version = owner.clone();
            version["spec"]["template"] = past.template.clone();
            if let Some(cause) = &past.change_cause {
                js::set_annotation(&mut version, "kubernetes.io/change-cause", cause);
            }
            revision = self.current_revision(past.at, resource, &version);
            self.edit(past.at, Resource::ControllerRevisions, &founding.namespace, &revision, "", |value| {
                value["revision"] = json!(past.number);
            });
        }
        let count = founding.revisions.len() as i64;
        owner["metadata"]["generation"] = json!(count);
        if resource == Resource::StatefulSets {
            owner["status"] = json!({
                "observedGeneration": count, "replicas": founding.replicas, "readyReplicas": founding.replicas,
                "availableReplicas": founding.replicas, "currentReplicas": founding.replicas,
                "updatedReplicas": founding.replicas, "currentRevision": revision, "updateRevision": revision,
                "collisionCount": 0,
            });
            for ordinal in 0..founding.replicas as usize {
                let pod = self.stateful_pod(&owner, ordinal, &revision);
                self.found_pod(founding, pod, None);
            }
        } else {
            let hash = revision.rsplit_once('-').map_or(revision.as_str(), |(_, h)| h).to_owned();
            for node in self.nodes.clone() {
                let name = self.pod_name(&founding.namespace, &founding.name);
                let pod = super::daemonset::daemon_pod(&owner, &name, &node, &hash);
                self.found_pod(founding, pod, Some(&node));
            }
            owner["status"] = json!({"observedGeneration": 0});
        }
        self.write(resource, owner);
    }

    /// A pod that has been ready since shortly after the last revision.
    pub(super) fn found_pod(&mut self, founding: &Founding, mut pod: Value, node: Option<&str>) {
        let name = js::text(&pod, "/metadata/name").to_owned();
        let created = founding.revisions.last().map_or(founding.created, |r| r.at);
        let uid = self.uid("pod", &name);
        let next = self.runs.len() % self.nodes.len();
        let node = node.map_or_else(|| self.nodes[next].clone(), str::to_owned);
        js::set(&mut pod, "/metadata/uid", json!(uid));
        js::set(&mut pod, "/metadata/creationTimestamp", json!(js::stamp(created)));
        js::set(&mut pod, "/spec/nodeName", json!(node));
        let mut run = Self::new_run(&pod, &founding.name);
        let started = created + SignedDuration::from_millis(1500 + (ids::mix(self.seed, &uid) % 4000) as i64);
        let ready = started + SignedDuration::from_secs(8);
        (run.node_ip, run.ip) = (self.node_ip(&node), self.pod_ip(&uid, &node));
        run.node.clone_from(&node);
        (run.scheduled, run.initialized) = (Some(created), Some(started));
        for container in &mut run.containers {
            container.id = format!("containerd://{}", ids::digest(self.seed, &format!("{uid}/{}/0", container.name)));
            container.life = Life::Running { started, ready_since: Some(ready) };
            let image = container.image.clone();
            self.hold_image(&node, &image);
        }
        let status = pod_status(&run, ready, &pod);
        pod["status"] = status;
        self.runs.insert(uid.clone(), run);
        self.unasked.push(uid);
        self.write(Resource::Pods, pod);
    }
}
