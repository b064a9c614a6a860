//! Soak: the cockpit on a world at twenty times its speed, whose pods are deleted all the time, whose watches expire and whose
//! servers refuse. Memory and connections stay level, and in the end every row is what a fresh LIST says.
//!
//! A few seconds as a smoke test; as long as wanted with `MIDWATCH_SOAK=1h cargo test --release --test soak -- --nocapture`.
#![expect(clippy::disallowed_methods, reason = "it runs for so long of real time")]
#![cfg(target_os = "linux")] // it reads /proc

#[path = "e2e/terminal.rs"]
#[allow(dead_code)]
mod terminal;
#[path = "contract/watching.rs"]
#[allow(dead_code)]
mod watching;
#[path = "e2e/world.rs"]
#[allow(dead_code)]
mod world;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use self::{terminal::Terminal, watching::Watching, world::World};

const CLUSTER: &str = "prod-eu1";
const SMOKE: Duration = Duration::from_secs(12);
/// What the peak of the last third may be above that of the one before: caches of logs, tables and history fill to their
/// bounds.
const GROWTH_KIB: u64 = 24 * 1024;
/// Sockets that the peak of the last third may be above that of the one before: a watch that expired may be open twice.
const MORE_SOCKETS: usize = 6;

/// What a process holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    kib: u64,
    sockets: usize,
}

fn held(pid: u32) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").flatten();
    let is_socket =
        |link: std::io::Result<std::path::PathBuf>| link.is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
    Held {
        kib: resident.trim().trim_end_matches(" kB").parse().expect("a number"),
        sockets: files.filter(|file| is_socket(std::fs::read_link(file.path()))).count(),
    }
}

fn wanted() -> Duration {
    let Ok(text) = std::env::var("MIDWATCH_SOAK") else { return SMOKE };
    let span: jiff::SignedDuration = text.parse().unwrap_or_else(|error| panic!("MIDWATCH_SOAK={text}: {error}"));
    Duration::try_from(span).expect("a time to come")
}

/// Uid, restarts and readiness of every pod, as a fresh LIST has them.
fn listed(world: &World) -> BTreeMap<String, (String, u64, bool)> {
    let list = world.on_cluster("GET", "/api/v1/pods");
    let pods = list["items"].as_array().expect("items").iter();
    pods.map(|pod| {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let all = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
        let restarts = all.into_iter().flatten().filter_map(|one| one["restartCount"].as_u64()).sum();
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let is_ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        let name = format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"));
        (name, (text("/metadata/uid").to_owned(), restarts, is_ready))
    })
    .collect()
}

/// The same, as the watches have brought it.
fn watched(watching: &Watching) -> BTreeMap<String, (String, u64, bool)> {
    let pods = watching.store.kube.pods.values().filter(|pod| *pod.key.cluster == *CLUSTER);
    pods.map(|pod| {
        let name = format!("{}/{}", pod.key.namespace, pod.key.name);
        (name, (pod.uid.to_string(), u64::from(pod.restarts), pod.is_ready))
    })
    .collect()
}

/// Deletes a pod, and now and then breaks the API server for a moment.
fn churn(world: &World, round: usize) {
    let pods = listed(world);
    let ours: Vec<&String> = pods.keys().filter(|name| name.starts_with("production/")).collect();
    if let Some(name) = ours.get(round * 7 % ours.len().max(1)) {
        let (namespace, name) = name.split_once('/').expect("both");
        world.on_cluster("DELETE", &format!("/api/v1/namespaces/{namespace}/pods/{name}"));
    }
    if round % 10 == 9 {
        world.fault(CLUSTER, "expire");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_connections_stay_level_and_no_row_is_lost() {
    let world = World::start(&["--speed", "20"]);
    let config = world.config();
    let loaded = midwatch::config::load::load(Some(Path::new(&config)), None).expect("the demo's configuration");
    let mut watching = Watching::of(loaded.config).await;
    let mut screen = Terminal::start(&["--config", &config], (120, 35));
    screen.wait("midwatch");

    let (begun, whole) = (Instant::now(), wanted());
    // The warm-up, and two thirds that are compared by their peaks: a moment's holdings say little where screens change.
    let mut thirds = [Held::default(); 3];
    let mut screens = "12345678".chars().cycle();
    for round in 0.. {
        let third = (begun.elapsed().as_secs_f64() / whole.as_secs_f64() * 3.0) as usize;
        let Some(peak) = thirds.get_mut(third) else { break };
        churn(&world, round);
        screen.keys(&screens.next().expect("they go round").to_string());
        screen.settled();
        watching.take_for(Duration::from_millis(300)).await;
        let now = held(screen.pid());
        *peak = Held { kib: peak.kib.max(now.kib), sockets: peak.sockets.max(now.sockets) };
    }
    let [_, middle, last] = thirds;
    println!("peaks: warm-up {:?}, then {middle:?}, then {last:?}, over {:?}", thirds[0], begun.elapsed());
    assert!(middle.kib > 0 && last.kib < middle.kib + GROWTH_KIB, "memory grows: {thirds:?}");
    assert!(last.sockets <= middle.sockets + MORE_SOCKETS, "connections grow: {thirds:?}");

    // The world goes on; at some moment both have seen the same.
    let mut last = Vec::new();
    for _ in 0..100 {
        watching.take_for(Duration::from_millis(200)).await;
        let (fresh, ours) = (listed(&world), watched(&watching));
        last =
            fresh.iter().filter(|(name, facts)| ours.get(*name) != Some(facts)).map(|(name, _)| name.clone()).collect();
        last.extend(ours.keys().filter(|name| !fresh.contains_key(*name)).cloned());
        if last.is_empty() {
            return;
        }
    }
    panic!("rows that a fresh LIST has otherwise: {last:?}");
}
