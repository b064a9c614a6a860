//! What the scenario says of the moment: how each container behaves and what it writes, and what happens when.

pub mod chance;
mod logs;
mod strain;
mod style;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use self::strain::Strain;
use super::{
    cluster::{Cluster, TemplateChange, WorkloadKind},
    code::Code,
    scenario::{EventSpec, EventVerb, Kind, Scenario, ServiceSpec, VersionSpec},
};

/// The scenario being played.
pub struct Story {
    pub scenario: Arc<Scenario>,
    /// From it come all names, hashes and chances.
    pub seed: u64,
    /// The moment the servers open: what the scenario's times are relative to.
    pub start: Timestamp,
    /// Events not yet played, the next one last.
    ahead: Vec<EventSpec>,
    strain: BTreeMap<usize, Strain>,
    /// The pods that started with an image of which some crash, in that order: it decides which ones do.
    started: Mutex<BTreeMap<String, Vec<String>>>,
}

/// How a container of one image behaves; the cluster's kubelet asks once per container start.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Seconds from container start to passing its readiness probe; `None`: never.
    pub ready_after: Option<f64>,
    /// How the container ends by itself, if it does.
    pub crash: Option<Crash>,
    /// Working set in MiB and CPU in millicores, for usage and limits.
    pub memory_mib: f64,
    pub cpu_millis: f64,
}

/// The end of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Crash {
    /// Seconds from container start.
    pub after: f64,
    pub exit_code: i32,
    /// `Error`, `OOMKilled`, `Completed`.
    pub reason: String,
}

/// Which container is meant, when the cluster asks about one.
#[derive(Clone, Debug)]
pub struct ContainerRef<'a> {
    pub cluster: &'a str,
    pub namespace: &'a str,
    /// Name of the top owner (Deployment, StatefulSet, DaemonSet), or the pod's own name.
    pub workload: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
    pub image: &'a str,
    /// 0 for the first start.
    pub restart: u32,
    pub started: Timestamp,
}

impl Story {
    pub fn new(scenario: Arc<Scenario>, seed: u64, start: Timestamp) -> Self {
        let mut ahead = scenario.event.clone();
        ahead.sort_by(|a, b| b.at.as_secs().total_cmp(&a.at.as_secs()));
        Self { scenario, seed, start, ahead, strain: BTreeMap::new(), started: Mutex::default() }
    }

    /// Plays what the script has for the time up to `now`.
    pub fn step(&mut self, now: Timestamp, clusters: &mut [Cluster], _code: &mut Code) {
        while let Some(event) = self.ahead.pop_if(|event| event.at.after(self.start) <= now) {
            self.play(&event, now, clusters);
        }
    }

    fn play(&self, event: &EventSpec, now: Timestamp, clusters: &mut [Cluster]) {
        let Some(service) = self.scenario.service(&event.service) else { return };
        let Some(cluster) = clusters.iter_mut().find(|c| c.name == service.cluster) else { return };
        match event.verb {
            EventVerb::SetImage => {
                let image = service.image_of(event.tag.as_deref().unwrap_or_default());
                let change = self.template_change(&service.cluster, &service.namespace, &service.name, &image);
                cluster.apply_template_change(now, &service.namespace, &service.name, &change, &event.by);
            }
            EventVerb::Scale => {
                let to = event.replicas.unwrap_or(1);
                cluster.scale(now, workload_kind(service.kind), &service.namespace, &service.name, to, &event.by);
            }
            EventVerb::OomKill => {
                cluster.oom_kill(now, &service.namespace, &service.name);
            }
            EventVerb::SetConfig => {
                let EventSpec { config, key, value, by, .. } = event;
                cluster.set_config(now, &service.namespace, config, key, value, by);
            }
            // Felt by telemetry for as long as it lasts.
            EventVerb::Disturb => {}
        }
    }

    /// What setting this image changes in the template: the image, and the environment and limit that its version has.
    pub fn template_change(&self, cluster: &str, namespace: &str, name: &str, image: &str) -> TemplateChange {
        let mut change = TemplateChange { image: Some(image.to_owned()), ..TemplateChange::default() };
        let Some(service) = self.scenario.workload(cluster, namespace, name) else { return change };
        let Some(version) = service.version_of_image(image) else { return change };
        change.env = version.env.clone().into_iter().collect();
        change.memory_limit.clone_from(&version.memory_limit);
        change
    }

    /// The service and version that this container is of, if the scenario knows them.
    pub(crate) fn known(&self, of: &ContainerRef<'_>) -> Option<(usize, &ServiceSpec, Option<&VersionSpec>)> {
        let services = self.scenario.service.iter().enumerate();
        let mut found =
            services.filter(|(_, s)| s.name == of.workload && s.namespace == of.namespace && s.cluster == of.cluster);
        let (index, service) = found.next()?;
        Some((index, service, service.version_of_image(of.image)))
    }

    /// How this container, started now, will behave.
    pub fn behaviour(&self, of: &ContainerRef<'_>, _now: Timestamp) -> Behaviour {
        let calm = || Behaviour { ready_after: Some(5.0), crash: None, memory_mib: 120.0, cpu_millis: 80.0 };
        let Some((_, service, version)) = self.known(of) else { return calm() };
        let Some(version) = version else {
            // An image that the scenario says nothing of: the registry has it, its program ends at once.
            let crash = Crash { after: 2.0, exit_code: 127, reason: "Error".to_owned() };
            return Behaviour { ready_after: None, crash: Some(crash), ..calm() };
        };
        if of.container != service.container() {
            return calm();
        }
        let draw = |what: &str| chance::unit(self.seed, &[of.pod, of.image, what]);
        let crash = version.crash.as_ref().filter(|crash| self.crashes(of, crash.share));
        Behaviour {
            ready_after: crash.is_none().then(|| version.ready_after.as_secs() * (0.8 + 0.4 * draw("ready"))),
            crash: crash.map(|crash| Crash {
                after: crash.after.as_secs(),
                exit_code: crash.exit_code,
                reason: crash.reason.clone(),
            }),
            memory_mib: version.memory_mib * (0.95 + 0.1 * draw("memory")),
            cpu_millis: version.cpu_millis,
        }
    }

    /// Whether this pod is one of those that crash: a fixed share of them, spread evenly over the order of their starts,
    /// so that a rollout goes the same way whatever the seed.
    fn crashes(&self, of: &ContainerRef<'_>, share: f64) -> bool {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let pods = started.entry(format!("{}/{}/{}", of.cluster, of.namespace, of.image)).or_default();
        let place = pods.iter().position(|pod| pod == of.pod).unwrap_or_else(|| {
            pods.push(of.pod.to_owned());
            pods.len() - 1
        });
        let phase = 0.1 + 0.4 * chance::unit(self.seed, &[of.image, "crash"]);
        let before = |count: usize| (count as f64 * share + phase).floor();
        before(place + 1) > before(place)
    }

    /// What this container instance writes between two moments (from inclusive, to exclusive), oldest first. A pure
    /// function of its arguments and the story so far, so that any client may read it twice. Like a kubelet that has
    /// rotated the file, it has at most ninety minutes.
    pub fn log_lines(
        &self,
        of: &ContainerRef<'_>,
        ended: Option<Timestamp>,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<(Timestamp, String)> {
        logs::lines(self, of, ended, from, to)
    }

    /// What is disturbing a service now: requests times, errors plus (percent points), latency times.
    pub fn disturbance(&self, service: &ServiceSpec, now: Timestamp) -> (f64, f64, f64) {
        let mut sum = (1.0, 0.0, 1.0);
        for event in self.scenario.event.iter().filter(|event| event.verb == EventVerb::Disturb) {
            let begin = event.at.after(self.start);
            let over = event.lasts.after(begin);
            let meant = self.scenario.service(&event.service).is_some_and(|s| std::ptr::eq(s, service));
            if meant && begin <= now && now < over {
                sum.0 *= event.requests_times;
                sum.1 += event.errors_plus;
                sum.2 *= event.latency_times;
            }
        }
        sum
    }

    /// Indexes of the services that this one depends on.
    pub(crate) fn depends_on(&self, service: usize) -> BTreeSet<usize> {
        let index = |path: &str| {
            let found = self.scenario.service(path)?;
            self.scenario.service.iter().position(|s| std::ptr::eq(s, found))
        };
        let edges = self.scenario.dependency.iter().filter(|d| index(&d.from) == Some(service));
        edges.filter_map(|d| index(&d.to)).collect()
    }
}

/// The cluster's word for a kind.
pub(crate) const fn workload_kind(kind: Kind) -> WorkloadKind {
    match kind {
        Kind::Deployment => WorkloadKind::Deployment,
        Kind::StatefulSet => WorkloadKind::StatefulSet,
        Kind::DaemonSet => WorkloadKind::DaemonSet,
    }
}

/// Percent of requests that a pod of this version fails, `ready_for` seconds after it became ready.
pub(crate) fn errors_of(version: &VersionSpec, ready_for: f64) -> f64 {
    version.error_percent * grown(version, ready_for)
}

/// 95th percentile in ms of such a pod.
pub(crate) fn latency_of(version: &VersionSpec, ready_for: f64) -> f64 {
    let calm = if version.error_ramp.as_secs() > 0.0 { 0.12 } else { 1.0 };
    version.latency_ms * (calm + (1.0 - calm) * grown(version, ready_for))
}

/// How far a version's errors have grown, 0 to 1.
pub(crate) fn grown(version: &VersionSpec, ready_for: f64) -> f64 {
    let since = ready_for - version.error_after.as_secs();
    if since < 0.0 { 0.0 } else { (since / version.error_ramp.as_secs().max(0.001)).min(1.0) }
}
