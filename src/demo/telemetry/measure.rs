//! Measuring: from the pods that are ready, and how their versions behave, to the numbers on a dashboard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::series::{Key, Part, Series};
use crate::demo::{
    cluster::{
        Cluster, PodView,
        quantity::{mebibytes, millis},
    },
    scenario::{Metric, Scenario, ServiceSpec, VersionSpec},
    story::{self, Story, chance},
};

/// Points in the window of a rate: one minute.
const WINDOW: usize = 12;
/// How long a kill for memory is counted.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(15);

/// Requests and errors per second of a window's points.
type Window = VecDeque<(f64, f64)>;

/// What measuring has to remember between two points.
pub(super) struct Measure {
    seed: u64,
    /// By workload path, so that a pod finds its service.
    by_path: BTreeMap<(String, String, String), usize>,
    windows: BTreeMap<(usize, Option<Part>), Window>,
    oom_kills: BTreeSet<(Timestamp, usize, String)>,
    /// Replicas wanted, and when that was read: reading an object is dear, so it is done once a minute.
    wanted: BTreeMap<usize, (Timestamp, f64)>,
}

/// The sums over one service's, or one version's, pods.
#[derive(Clone, Debug, Default)]
struct Sums {
    pods: f64,
    ready: f64,
    errors: f64,
    latencies: Vec<f64>,
    cpu_millis: f64,
    memory_mib: f64,
    memory_share: f64,
    restarts: f64,
    connections: f64,
}

impl Measure {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        let services = scenario.service.iter().enumerate();
        // Fillers of a scaled fleet are not measured: nobody has a dashboard for them.
        let by_path = services
            .filter(|(_, s)| !s.namespace.starts_with("load-"))
            .map(|(index, s)| ((s.cluster.clone(), s.namespace.clone(), s.name.clone()), index))
            .collect();
        Self { seed, by_path, windows: BTreeMap::new(), oom_kills: BTreeSet::new(), wanted: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, now: Timestamp, story: &Story, clusters: &[Cluster], series: &mut Series) {
        let mut whole: BTreeMap<usize, Sums> = self.by_path.values().map(|index| (*index, Sums::default())).collect();
        let mut parts: BTreeMap<(usize, Part), Sums> = BTreeMap::new();
        for cluster in clusters {
            // Only where something is measured: a scaled fleet has thousands of pods elsewhere.
            let places: BTreeSet<_> =
                self.by_path.keys().filter(|k| k.0 == cluster.name).map(|k| k.1.clone()).collect();
            for pod in places.iter().flat_map(|namespace| cluster.pods_in(Some(namespace))) {
                let path = (cluster.name.clone(), pod.namespace.clone(), pod.workload.clone());
                let Some(&index) = self.by_path.get(&path) else { continue };
                let service = &story.scenario.service[index];
                self.count_kill(index, &pod);
                let part = Part { version: tag(&pod.image).to_owned(), hash: pod.hash.clone() };
                whole.entry(index).or_default().add(&pod, service, now);
                parts.entry((index, part)).or_default().add(&pod, service, now);
            }
        }
        self.oom_kills.retain(|(at, ..)| now.duration_since(*at) <= REMEMBERED);
        let held = connections(story, &whole);
        for (&index, sums) in &whole {
            let cluster = clusters.iter().find(|c| c.name == story.scenario.service[index].cluster);
            self.record(now, story, cluster, index, sums, held.get(&index).copied(), series);
        }
        for ((index, part), sums) in &parts {
            self.record_part(now, story, *index, part, sums, &whole[index], series);
        }
    }

    fn count_kill(&mut self, index: usize, pod: &PodView) {
        if let Some((reason, at)) = &pod.last_termination
            && reason == "OOMKilled"
        {
            self.oom_kills.insert((*at, index, pod.name.clone()));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call; a struct for it would only name them twice")]
    fn record(
        &mut self,
        now: Timestamp,
        story: &Story,
        cluster: Option<&Cluster>,
        index: usize,
        sums: &Sums,
        held: Option<f64>,
        series: &mut Series,
    ) {
        let service = &story.scenario.service[index];
        let mut put = |metric, value| series.push(Key { service: index, metric, part: None }, now, value);
        let wanted = self.wanted(now, story, cluster, index);
        put(Metric::Ready, sums.ready);
        put(Metric::Wanted, wanted);
        put(Metric::Restarts, sums.restarts);
        put(Metric::OomKills, self.oom_kills.iter().filter(|(_, of, _)| *of == index).count() as f64);
        put(Metric::DiskPercent, disk(now, self.noise(now, index, Metric::DiskPercent, 0.004)));
        if let Some(held) = held {
            put(Metric::Connections, held.round());
        }
        let pods = sums.pods.max(1.0);
        let strain = story.strain_mib(index);
        let limit = mebibytes(&service.memory_limit).max(1.0);
        let memory = sums.memory_mib / pods + strain;
        put(Metric::MemoryMib, memory * self.noise(now, index, Metric::MemoryMib, 0.004));
        put(Metric::MemoryPercent, 100.0 * (sums.memory_share / pods + strain / limit));
        let (times, plus, slower) = story.disturbance(service, now);
        let request = millis(&service.cpu_request).max(1.0);
        let cpu = 100.0 * sums.cpu_millis / pods / request * times;
        put(Metric::CpuPercent, cpu * self.noise(now, index, Metric::CpuPercent, 0.03));
        if service.requests <= 0.0 {
            return;
        }
        let requests = service.requests * times * day(now) * self.noise(now, index, Metric::Requests, 0.02);
        put(Metric::Requests, requests);
        // Nobody answers: the ingress says 503 to all.
        let share = if sums.ready > 0.0 { (sums.errors / sums.ready + plus).min(100.0) } else { 100.0 };
        let share = share * self.noise(now, index, Metric::ErrorPercent, 0.04);
        put(Metric::ErrorPercent, self.windowed((index, None), requests, share));
        let p95 = mixed(&sums.latencies) * slower * self.noise(now, index, Metric::P95Ms, 0.03);
        put(Metric::P95Ms, p95);
    }

    fn wanted(&mut self, now: Timestamp, story: &Story, cluster: Option<&Cluster>, index: usize) -> f64 {
        if let Some((at, wanted)) = self.wanted.get(&index)
            && now.duration_since(*at) < SignedDuration::from_mins(1)
        {
            return *wanted;
        }
        let service = &story.scenario.service[index];
        let read = cluster.and_then(|c| c.rollout(&service.namespace, &service.name)).map(|r| f64::from(r.desired));
        let wanted = read.unwrap_or_else(|| story.scenario.pods_of(service) as f64);
        self.wanted.insert(index, (now, wanted));
        wanted
    }

    #[expect(clippy::too_many_arguments, reason = "one call; a struct for it would only name them twice")]
    fn record_part(
        &mut self,
        now: Timestamp,
        story: &Story,
        index: usize,
        part: &Part,
        sums: &Sums,
        whole: &Sums,
        series: &mut Series,
    ) {
        let service = &story.scenario.service[index];
        let mut put = |metric, value| series.push(Key { service: index, metric, part: Some(part.clone()) }, now, value);
        put(Metric::Ready, sums.ready);
        if service.requests <= 0.0 || sums.ready <= 0.0 {
            return;
        }
        let requests = service.requests * sums.ready / whole.ready.max(1.0);
        put(Metric::Requests, requests);
        let share = sums.errors / sums.ready * self.noise(now, index + 1000, Metric::ErrorPercent, 0.03);
        put(Metric::ErrorPercent, self.windowed((index, Some(part.clone())), requests, share));
        put(Metric::P95Ms, mixed(&sums.latencies));
    }

    /// Percent of the window's requests that failed.
    fn windowed(&mut self, key: (usize, Option<Part>), requests: f64, error_percent: f64) -> f64 {
        let window = self.windows.entry(key).or_default();
        if window.len() == WINDOW {
            window.pop_front();
        }
        window.push_back((requests, requests * error_percent.min(100.0) / 100.0));
        let (all, failed) = window.iter().fold((0.0, 0.0), |(all, failed), (r, e)| (all + r, failed + e));
        100.0 * failed / all.max(0.001)
    }

    /// A factor around 1 that wanders by `depth`.
    fn noise(&self, now: Timestamp, index: usize, metric: Metric, depth: f64) -> f64 {
        let base = chance::hash(self.seed, &["noise", &index.to_string(), &format!("{metric:?}")]);
        let slot = now.as_second().div_euclid(20);
        let along = now.as_second().rem_euclid(20) as f64 / 20.0;
        let (a, b) = (chance::unit_at(base, slot), chance::unit_at(base, slot + 1));
        1.0 + depth * (2.0 * (a + (b - a) * along) - 1.0)
    }
}

impl Sums {
    fn add(&mut self, pod: &PodView, service: &ServiceSpec, now: Timestamp) {
        let unknown = VersionSpec::default();
        let version = service.version_of_image(&pod.image).unwrap_or(&unknown);
        let limit = version.memory_limit.as_deref().unwrap_or(&service.memory_limit);
        self.pods += 1.0;
        self.restarts += f64::from(pod.restarts);
        // A crash-looping container holds what it can get while it tries.
        self.connections += if pod.ready { version.connections } else { version.connections / 2.0 };
        let age = pod.ready_since.map_or(0.0, |since| now.duration_since(since).as_secs_f64());
        let memory = version.memory_mib + version.leak_mib_per_hour * age / 3600.0;
        self.memory_mib += memory;
        self.memory_share += memory / mebibytes(limit).max(1.0);
        self.cpu_millis += version.cpu_millis;
        if pod.ready {
            self.ready += 1.0;
            self.errors += story::errors_of(version, age);
            self.latencies.push(story::latency_of(version, age));
        }
    }
}

/// Connections held to each service that counts them.
fn connections(story: &Story, sums: &BTreeMap<usize, Sums>) -> BTreeMap<usize, f64> {
    let mut held = BTreeMap::new();
    for (index, service) in story.scenario.service.iter().enumerate() {
        let Some(ceiling) = service.max_connections else { continue };
        let up = sums.get(&index).is_some_and(|sums| sums.ready > 0.0);
        let callers = sums.iter().filter(|(caller, _)| story.depends_on(**caller).contains(&index));
        let wanted: f64 = callers.map(|(_, sums)| sums.connections).sum();
        held.insert(index, if up { wanted.min(f64::from(ceiling)) } else { 0.0 });
    }
    held
}

/// 95th percentile of a mixture of pods, each with its own: between the calmest and the slowest.
fn mixed(latencies: &[f64]) -> f64 {
    let count = latencies.len() as f64;
    let (mut low, mut high) = (0.0, latencies.iter().copied().fold(0.0, f64::max));
    if high <= 0.0 {
        return 0.0;
    }
    // Each pod's answers are taken as exponential with their own 95th percentile (e^-3 is 5 %).
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        let slower: f64 = latencies.iter().map(|p95| (-3.0 * middle / p95.max(0.001)).exp()).sum();
        if slower / count > 0.05 { low = middle } else { high = middle }
    }
    high
}

/// Traffic over the day: quieter at night, by little.
fn day(now: Timestamp) -> f64 {
    let hour = now.as_second().rem_euclid(86_400) as f64 / 3600.0;
    1.0 + 0.02 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos()
}

/// A disk that fills for six hours and is cleaned.
fn disk(now: Timestamp, noise: f64) -> f64 {
    (61.0 + now.as_second().rem_euclid(21_600) as f64 / 21_600.0 * 18.0) * noise
}

fn tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit_once(':').map_or("", |(_, tag)| tag)
}
