//! The scenario's clusters and workloads as they are when the history begins.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    cluster::{Cluster, Founding, PastRevision, PodTemplate, WorkloadKind, kinds},
    image::Pushed,
    scenario::{ClusterSpec, Kind, Scenario, ServiceSpec},
    story::workload_kind,
};

/// Where the first cluster has its monitoring.
pub const MONITORING: &str = "monitoring";
/// What runs there, each with a Service; both lead to the demo's own servers. Name, port and image.
const MONITORS: [(&str, u16, &str); 3] = [
    ("alertmanager", 9093, "quay.io/prometheus/alertmanager:v0.28.1"),
    ("grafana", 3000, "docker.io/grafana/grafana:13.0.1"),
    ("prometheus", 9090, "quay.io/prometheus/prometheus:v3.8.1"),
];

/// All clusters of the scenario at `begin`; its ages are counted back from `start`.
pub fn clusters(scenario: &Scenario, seed: u64, begin: Timestamp, start: Timestamp) -> Vec<Cluster> {
    let registry = Pushed::default();
    for service in &scenario.service {
        for version in &service.version {
            registry.push(&service.image_of(&version.tag));
        }
    }
    let found = |spec| {
        let mut cluster = cluster(scenario, spec, seed, begin, start);
        cluster.pull_from(&registry);
        cluster
    };
    scenario.cluster.iter().map(found).collect()
}

fn cluster(scenario: &Scenario, spec: &ClusterSpec, seed: u64, begin: Timestamp, start: Timestamp) -> Cluster {
    let mut cluster = Cluster::with_nodes(&spec.name, spec.production, seed, begin, spec.nodes);
    cluster.version.clone_from(&spec.version);
    // Namespaces and services are older than what runs in them now.
    let old = begin - SignedDuration::from_hours(24 * 210);
    for namespace in &spec.namespaces {
        cluster.add_namespace(old, namespace);
    }
    for service in scenario.service.iter().filter(|service| service.cluster == spec.name) {
        cluster.found(&founding(service, start));
        if service.kind != Kind::DaemonSet {
            cluster.add_service(old, &service.namespace, &service.name, &service.name, service.port);
        }
    }
    for object in scenario.object.iter().filter(|object| object.cluster == spec.name) {
        let value = object.at(start);
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        // The scenario's check has seen to it that every kind is known.
        if let Some(kind) = kinds::named(text("apiVersion"), text("kind")) {
            cluster.found_object(begin, object.age.before(start), kind.resource, value, &object.failed);
        }
    }
    cluster.found_gitops();
    cluster.found_releases();
    cluster.found_canaries(begin);
    for node in &spec.pressed {
        cluster.press(begin, node);
    }
    // After all else, so that nothing else is named otherwise for it.
    if scenario.cluster.first().is_some_and(|first| first.name == spec.name) {
        found_monitoring(&mut cluster, old);
    }
    for object in scenario.object.iter().filter(|object| object.cluster == spec.name) {
        let Some(before) = &object.before else { continue };
        let meta = |field: &str| object.manifest["metadata"][field].as_str().unwrap_or_default();
        cluster.found_rollout(meta("namespace"), meta("name"), &before.image, before.until.before(start));
    }
    cluster
}

fn found_monitoring(cluster: &mut Cluster, created: Timestamp) {
    cluster.add_namespace(created, MONITORING);
    for (name, port, image) in MONITORS {
        cluster.add_monitoring(created, MONITORING, name, port);
        let template = PodTemplate::new(name, image)
            .label("app.kubernetes.io/name", name)
            .memory("256Mi", "1Gi")
            .cpu("100m")
            .named_port("web", port)
            .build();
        cluster.found(&Founding::new(WorkloadKind::StatefulSet, MONITORING, name, 1, template, created));
    }
}

fn founding(service: &ServiceSpec, start: Timestamp) -> Founding {
    let deployed = service.deployments();
    let last = deployed.len() as u64;
    let revisions: Vec<_> = deployed
        .iter()
        .zip(1..)
        .map(|(past, place)| PastRevision {
            number: (u64::from(service.revision) + place).saturating_sub(last).max(1),
            template: template(service, &past.version),
            at: past.age.before(start),
            change_cause: past.cause.clone(),
            manager: service.manager.clone(),
        })
        .collect();
    let created = revisions.first().map_or(start, |revision| revision.at);
    let pairs = |map: &std::collections::BTreeMap<String, String>| map.clone().into_iter().collect();
    Founding {
        kind: workload_kind(service.kind),
        namespace: service.namespace.clone(),
        name: service.name.clone(),
        replicas: service.replicas,
        created,
        revisions,
        progress_deadline: service.progress_deadline.as_secs() as u32,
        strategy: (service.max_surge.clone(), service.max_unavailable.clone()),
        annotations: pairs(&service.annotations),
        labels: pairs(&service.labels),
    }
}

fn template(service: &ServiceSpec, tag: &str) -> Value {
    let version = service.version.iter().find(|version| version.tag == tag);
    let limit = version.and_then(|v| v.memory_limit.as_ref()).unwrap_or(&service.memory_limit);
    let mut template = PodTemplate::new(&service.name, &service.image_of(tag))
        .container_name(service.container())
        .memory(&service.memory_request, limit)
        .cpu(&service.cpu_request)
        .port(service.port)
        .readiness("/healthz", service.port);
    for (name, value) in service.env.iter().chain(version.iter().flat_map(|v| &v.env)) {
        template = template.env(name, value);
    }
    for config in &service.config {
        template = template.env_from(config);
    }
    template.build()
}
