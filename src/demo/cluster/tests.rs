//! The controllers, driven second by second.

mod flagger;
mod gitops;
mod pull;
mod quota;
mod rollout;
mod rollouts;
mod store;
mod termination;
mod workloads;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Cluster, json as js, kinds::Resource, store::Object};
use crate::demo::{scenario::Scenario, world::World};

/// A small company: myapp, whose 412 crash-loops and whose 413 is fine; a database of three; an agent on each node.
const SCENARIO: &str = r#"
name = "test"
viewer = "ana"
history = "1s"

[[cluster]]
name = "prod-eu1"
production = true
namespaces = ["production", "logging"]

[[service]]
name = "myapp"
cluster = "prod-eu1"
namespace = "production"
replicas = 10
image = "registry.acme.example/myapp"
progress_deadline = "3m"
revision = 13
deployed = [{ version = "410", age = "4d" }, { version = "411", age = "26h" }]
[[service.version]]
tag = "410"
[[service.version]]
tag = "411"
[[service.version]]
tag = "412"
crash = { share = 1.0, after = "20s", exit_code = 1, log = "FATAL startup: no DB connection" }
[[service.version]]
tag = "413"

[[service]]
name = "postgres"
cluster = "prod-eu1"
namespace = "production"
kind = "StatefulSet"
replicas = 3
image = "registry.acme.example/postgres"
[[service.version]]
tag = "16.1"
[[service.version]]
tag = "16.2"

[[service]]
name = "fluentd"
cluster = "prod-eu1"
namespace = "logging"
kind = "DaemonSet"
image = "registry.acme.example/fluentd"
[[service.version]]
tag = "1.17"
[[service.version]]
tag = "1.18"
"#;

/// The moment the tests begin.
pub(in crate::demo) fn start() -> Timestamp {
    "2026-07-01T03:14:00Z".parse().unwrap()
}

/// The company at its start, everything calm.
pub(in crate::demo) fn world() -> World {
    World::new(Scenario::parse("test", SCENARIO).unwrap(), 7, start())
}

/// Steps the cluster alone, second by second.
pub(in crate::demo) fn run(world: &mut World, seconds: i64) {
    for _ in 0..seconds {
        world.now += SignedDuration::from_secs(1);
        let now = world.now;
        world.clusters[0].step(now, &world.story);
    }
}

/// Steps until something holds; fails after ten minutes of the world.
pub(in crate::demo) fn run_until(world: &mut World, what: &str, holds: impl Fn(&Cluster) -> bool) {
    for _ in 0..600 {
        if holds(&world.clusters[0]) {
            return;
        }
        run(world, 1);
    }
    panic!("never happened: {what}");
}

fn get(cluster: &Cluster, resource: Resource, name: &str) -> Value {
    cluster.store.get(resource, "production", name).expect("it exists").value()
}

/// The pods of a workload, terminating ones too.
pub(in crate::demo) fn pods_of(cluster: &Cluster, workload: &str) -> Vec<Object> {
    let all = cluster.store.list(Resource::Pods, None, None);
    all.filter(|pod| cluster.run(&pod.facts().uid).is_some_and(|run| run.workload == workload)).cloned().collect()
}

/// Reasons and messages of all events.
fn events(cluster: &Cluster) -> Vec<(String, String, i64)> {
    let all = cluster.store.list(Resource::Events, None, None).map(Object::value);
    all.map(|e| (js::text(&e, "/reason").to_owned(), js::text(&e, "/message").to_owned(), js::int(&e, "/count")))
        .collect()
}
