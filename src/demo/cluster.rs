//! A simulated Kubernetes cluster: an object store with resource versions, and the controllers that act on it.
//!
//! Everything happens on timers and on queues of objects that changed, so that a calm cluster costs nothing to step.

pub mod condition;
pub mod container;
mod cron;
pub mod custom;
pub mod daemonset;
pub mod deployment;
mod disruption;
pub mod edit;
mod endpoints;
pub mod events;
pub mod faults;
pub mod fields;
mod flagger;
pub mod founding;
mod gitops;
mod helm;
pub mod ids;
mod job;
pub mod json;
pub mod kinds;
pub mod kubelet;
pub mod pod_status;
mod pull;
pub mod quantity;
mod quota;
pub mod replicas;
pub mod resize;
mod rollout;
pub mod statefulset;
pub mod store;
pub mod system;
pub mod template;
pub mod termination;
#[cfg(test)]
pub(in crate::demo) mod tests;
pub mod views;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json as j};

pub use self::{
    cron::complete as complete_job,
    disruption::covers,
    edit::TemplateChange,
    founding::{Founding, PastRevision, WorkloadKind},
    template::PodTemplate,
    views::{PodView, Rollout},
};
use self::{
    events::EventLog,
    kinds::Resource,
    kubelet::{Act, PodRun},
    store::{Key, Object, Store},
};
use super::{image::Pushed, story::Story};

/// One cluster.
pub struct Cluster {
    pub name: String,
    pub production: bool,
    /// What `/version` and the kubelets say.
    pub version: String,
    /// Its objects, as the API server reads and writes them.
    pub store: Store,
    /// Who changed what through the API, newest last; bounded.
    pub audit: VecDeque<AuditLine>,
    /// What its API server does wrong at the moment.
    pub faults: faults::Faults,
    seed: u64,
    serial: u64,
    now: Timestamp,
    /// Workloads to look at again.
    dirty: BTreeSet<(Resource, Key)>,
    timers: BTreeMap<(Timestamp, u64), Timer>,
    /// What the kubelets run, by pod uid.
    runs: BTreeMap<String, PodRun>,
    /// Pods running since before the story could be asked about them.
    unasked: Vec<String>,
    /// Images on nodes.
    pulled: BTreeSet<(String, String)>,
    /// The registry that they come from.
    registry: Pushed,
    /// Who was not let create pods.
    refused: BTreeMap<(Resource, Key), quota::Refused>,
    nodes: Vec<String>,
    events: EventLog,
    git: gitops::Git,
}

/// One mutation through the API.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    pub at: Timestamp,
    pub user: String,
    /// `patch`, `delete`...
    pub verb: String,
    /// `deployments`, `pods/eviction`...
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// The HTTP status answered.
    pub code: u16,
}

/// Something that happens at its time.
#[derive(Clone, Debug)]
enum Timer {
    Pod {
        uid: String,
        act: Act,
    },
    /// Look at a workload again: a progress deadline may have passed.
    Look(Resource, Key),
    ExpireEvents,
}

/// How many audit lines are kept.
const AUDIT: usize = 1_000;
/// How many changes the store remembers for watchers.
const HISTORY: usize = 8_192;

impl Cluster {
    /// A cluster with its system namespaces and six nodes, `now` being some moment before anything of interest.
    pub fn new(name: &str, production: bool, seed: u64, now: Timestamp) -> Self {
        Self::with_nodes(name, production, seed, now, 6)
    }

    /// As `new`, with so many nodes.
    pub fn with_nodes(name: &str, production: bool, seed: u64, now: Timestamp, nodes: u32) -> Self {
        let seed = ids::mix(seed, name);
        let mut cluster = Self {
            name: name.to_owned(),
            production,
            version: "v1.33.5".to_owned(),
            store: Store::new(100_000 + seed % 1_000_000, HISTORY),
            audit: VecDeque::new(),
            faults: faults::Faults::default(),
            seed,
            serial: 0,
            now,
            dirty: BTreeSet::new(),
            timers: BTreeMap::new(),
            runs: BTreeMap::new(),
            unasked: Vec::new(),
            pulled: BTreeSet::new(),
            registry: Pushed::default(),
            refused: BTreeMap::new(),
            nodes: Vec::new(),
            events: EventLog::default(),
            git: gitops::Git::default(),
        };
        // A cluster is older than the story that is told of it.
        cluster.found_system(now - SignedDuration::from_hours(24 * 212), nodes);
        cluster.at(now, Timer::ExpireEvents);
        cluster
    }

    /// Moves the cluster to `now`: every timer at its own moment, every controller after it.
    pub fn step(&mut self, now: Timestamp, story: &Story) {
        self.ask_about_the_founded(story);
        self.settle(self.now);
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), timer) = entry.remove_entry();
            // A timer set for the past (by a write between steps) still happens in order.
            self.now = self.now.max(at);
            match timer {
                Timer::Pod { uid, act } => self.pod_act(self.now, &uid, &act, story),
                Timer::Look(resource, key) => {
                    self.dirty.insert((resource, key));
                }
                Timer::ExpireEvents => {
                    self.expire_events(self.now);
                    self.at(self.now + SignedDuration::from_secs(30), Timer::ExpireEvents);
                }
            }
            self.settle(self.now);
        }
        self.now = self.now.max(now);
    }

    /// Lets the controllers act until nothing is left to do.
    fn settle(&mut self, at: Timestamp) {
        // A bound, so that two controllers that disagree cannot hang the world.
        for _ in 0..100_000 {
            let Some((resource, (namespace, name))) = self.dirty.pop_first() else { return };
            match resource {
                Resource::Deployments => self.sync_deployment(at, &namespace, &name),
                Resource::ReplicaSets => self.sync_replicaset(at, &namespace, &name),
                Resource::StatefulSets => self.sync_statefulset(at, &namespace, &name),
                Resource::DaemonSets => self.sync_daemonset(at, &namespace, &name),
                Resource::Rollouts => self.sync_rollout(at, &namespace, &name),
                Resource::Jobs => self.sync_job(at, &namespace, &name),
                Resource::CronJobs => self.sync_cron_job(at, &namespace, &name),
                Resource::DisruptionBudgets => self.sync_budget(at, &namespace, &name),
                Resource::Nodes => self.sync_node(&name),
                Resource::Services => self.sync_endpoints(&namespace, &name),
                Resource::ResourceQuotas => self.sync_quota(&namespace, &name),
                Resource::Canaries => self.sync_canary(at, &namespace, &name),
                Resource::Applications | Resource::Kustomizations => {
                    self.sync_owner(at, resource, &namespace, &name);
                }
                _ => {}
            }
        }
    }

    /// Writes an object as any client of the API does: counts the generation and wakes the controllers concerned.
    pub fn write(&mut self, resource: Resource, mut value: Value) -> Object {
        let namespace = json::text(&value, "/metadata/namespace").to_owned();
        let name = json::text(&value, "/metadata/name").to_owned();
        let before = self.store.get(resource, &namespace, &name).cloned();
        if resource.has_generation() {
            let generation = match before.as_ref().map(Object::value) {
                None => json::int(&value, "/metadata/generation").max(1),
                Some(old) => {
                    // A Deployment's annotations count too (pkg/registry/apps/deployment/strategy.go).
                    let annotated = resource == Resource::Deployments
                        && json::at(&old, "/metadata/annotations") != json::at(&value, "/metadata/annotations");
                    json::int(&old, "/metadata/generation") + i64::from(annotated || old["spec"] != value["spec"])
                }
            };
            json::set(&mut value, "/metadata/generation", j!(generation));
        }
        let object = self.store.put(resource, value);
        if before.as_ref().is_none_or(|before| before.facts().version != object.facts().version) {
            self.wake(resource, &object);
        }
        if resource == Resource::Pods {
            if before.is_none_or(|before| counts(&before) != counts(&object)) {
                self.wake_quotas(&object.facts().namespace);
            }
            if object.facts().deleting {
                self.release(&object);
            }
        }
        object
    }

    /// Takes an object out at once, and what it controls with it (background cascading deletion).
    pub fn erase(&mut self, resource: Resource, key: &Key) -> Option<Object> {
        let gone = self.store.remove(resource, key)?;
        let uid = &gone.facts().uid;
        self.runs.remove(uid);
        self.wake(resource, &gone);
        if resource == Resource::Pods {
            self.wake_recreating(&gone);
            self.wake_quotas(&gone.facts().namespace);
        }
        for (kind, grace) in [
            (Resource::ReplicaSets, false),
            (Resource::ControllerRevisions, false),
            (Resource::Jobs, false),
            (Resource::EndpointSlices, false),
            (Resource::Pods, true),
        ] {
            for child in self.store.owned(uid, kind) {
                if grace {
                    self.terminate(self.now, &child, None);
                } else {
                    self.erase(kind, &child.facts().key());
                }
            }
        }
        Some(gone)
    }

    /// Marks the object and its owner for their controllers.
    fn wake(&mut self, resource: Resource, object: &Object) {
        let facts = object.facts();
        let controlled = [
            Resource::Jobs,
            Resource::CronJobs,
            Resource::DisruptionBudgets,
            Resource::Services,
            Resource::ResourceQuotas,
            Resource::Applications,
            Resource::Kustomizations,
            Resource::Canaries,
        ]
        .contains(&resource);
        if resource.has_generation() || controlled {
            self.dirty.insert((resource, facts.key()));
        }
        if resource == Resource::Pods {
            self.wake_selecting(object);
        }
        if resource == Resource::Deployments {
            self.wake_owner(object);
            self.wake_canary(object);
        }
        if resource == Resource::Nodes {
            let sets: Vec<_> = self.store.list(Resource::DaemonSets, None, None).map(|o| o.facts().key()).collect();
            self.dirty.extend(sets.into_iter().map(|key| (Resource::DaemonSets, key)));
        }
        let Some(owner) = &facts.owner else { return };
        let kind = match owner.kind.as_str() {
            "ReplicaSet" => Resource::ReplicaSets,
            "Deployment" => Resource::Deployments,
            "Rollout" => Resource::Rollouts,
            "StatefulSet" => Resource::StatefulSets,
            "DaemonSet" => Resource::DaemonSets,
            "Job" => Resource::Jobs,
            "CronJob" => Resource::CronJobs,
            _ => return,
        };
        self.dirty.insert((kind, (facts.namespace.clone(), owner.name.clone())));
    }

    /// A pod changed: the Service and the disruption budgets that select it look again.
    fn wake_selecting(&mut self, pod: &Object) {
        let facts = pod.facts();
        let key = facts.label("app").map(|app| (facts.namespace.clone(), app.to_owned()));
        if let Some(key) = key.filter(|(namespace, app)| self.store.get(Resource::Services, namespace, app).is_some()) {
            self.dirty.insert((Resource::Services, key));
        }
        let budgets = self.store.list(Resource::DisruptionBudgets, Some(&facts.namespace), None);
        let about: Vec<_> = budgets.filter(|b| covers(&b.value(), facts)).map(|b| b.facts().key()).collect();
        self.dirty.extend(about.into_iter().map(|key| (Resource::DisruptionBudgets, key)));
    }

    /// A Deployment with strategy `Recreate` waits for its old pods to be gone, which their ReplicaSet does not count.
    fn wake_recreating(&mut self, pod: &Object) {
        let facts = pod.facts();
        let Some(owner) = facts.owner.as_ref().filter(|owner| owner.kind == "ReplicaSet") else { return };
        let set = self.store.get(Resource::ReplicaSets, &facts.namespace, &owner.name);
        if let Some(deployment) = set.and_then(|set| set.facts().owner.as_ref()) {
            self.dirty.insert((Resource::Deployments, (facts.namespace.clone(), deployment.name.clone())));
        }
    }

    fn at(&mut self, at: Timestamp, timer: Timer) {
        let serial = self.serial();
        self.timers.insert((at, serial), timer);
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A uid for a new object.
    pub fn uid(&mut self, kind: &str, name: &str) -> String {
        let serial = self.serial();
        ids::uid(self.seed, &format!("{kind}/{name}/{serial}"))
    }

    /// A fraction from 0 to 1 that depends on what is meant, not on when it is asked.
    fn chance(&self, of: &str) -> f64 {
        ids::fraction(self.seed, of)
    }

    /// Notes a mutation through the API.
    pub fn note(&mut self, line: AuditLine) {
        self.audit.push_back(line);
        if self.audit.len() > AUDIT {
            self.audit.pop_front();
        }
    }
}

/// What a quota looks at of a pod, besides its resources: whether it is there, and for how long still.
fn counts(pod: &Object) -> (Option<&str>, bool) {
    let facts = pod.facts();
    (facts.pod.as_ref().map(|pod| pod.phase.as_str()), facts.deleting)
}
