//! Soak: the cockpit on a world at twenty times its speed, whose pods are deleted all the time and whose watches expire.
//! Memory and connections stay level, and in the end every row of every watched kind, in every cluster, is what a fresh LIST
//! says.
//!
//! A few seconds as a smoke test; as long as wanted with `MIDWATCH_SOAK=1h cargo test --release --test soak -- --nocapture`.
#![expect(clippy::disallowed_methods, reason = "it runs for so long of real time")]
#![cfg(target_os = "linux")] // it reads /proc

#[path = "contract/listing.rs"]
mod listing;
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
    path::Path,
    time::{Duration, Instant},
};

use midwatch::{
    model::BackendId,
    query::{Answer, Query, TableQuery},
};
use serde_json::Value;

use self::{
    listing::{KINDS, Rows, differences},
    terminal::Terminal,
    watching::Watching,
    world::World,
};

/// Kinds that are not watched: a table of theirs is read while somebody looks.
const TABLES: [(&str, &str); 3] =
    [("jobs", "/apis/batch/v1/jobs"), ("cronjobs", "/apis/batch/v1/cronjobs"), ("nodes", "/api/v1/nodes")];
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

/// Deletes a pod, and now and then breaks the API server for a moment: in each of the clusters in turn.
fn churn(world: &World, clusters: &[String], round: usize) {
    let cluster = &clusters[round % clusters.len()];
    let pods = KINDS[0].listed(&world.on_cluster(cluster, "GET", KINDS[0].path));
    let ours: Vec<&String> =
        pods.keys().filter(|name| name.starts_with("production/") || name.starts_with("staging/")).collect();
    if let Some(name) = ours.get(round * 7 % ours.len().max(1)) {
        let (namespace, name) = name.split_once('/').expect("both");
        world.on_cluster(cluster, "DELETE", &format!("/api/v1/namespaces/{namespace}/pods/{name}"));
    }
    // One round of each parity: every cluster has its turn.
    if round % 10 >= 8 {
        world.fault(cluster, "expire");
    }
}

/// Rows of any cluster that a fresh LIST has otherwise.
fn lost(world: &World, clusters: &[String], watching: &Watching) -> Vec<String> {
    let mut lost = Vec::new();
    for (cluster, kind) in clusters.iter().flat_map(|cluster| KINDS.iter().map(move |kind| (cluster, kind))) {
        let listed = kind.listed(&world.on_cluster(cluster, "GET", kind.path));
        let held = kind.held(&watching.store, &BackendId::new(cluster));
        lost.extend(differences(&listed, &held).into_iter().map(|one| format!("{cluster} {}: {one}", kind.name)));
    }
    lost
}

/// A table of a kind that is not watched has every object of a fresh LIST, and no other.
async fn assert_table(world: &World, cluster: &str, watching: &Watching, (plural, path): (&str, &str)) {
    let id = BackendId::new(cluster);
    let Ok(Answer::Resources(kinds)) = watching.ask(Query::Resources(id.clone())).await else { panic!("no kinds") };
    let resource = kinds.resolve(plural).expect("it is served").clone();
    let asked = TableQuery { cluster: id, resource, namespaces: Vec::new() };
    let Ok(Answer::Table(table)) = watching.ask(Query::Table(asked)).await else { panic!("no table of {plural}") };
    let held: Rows =
        table.rows.iter().map(|row| (format!("{}/{}", row.namespace, row.name), row.uid.to_string())).collect();
    let list = world.on_cluster(cluster, "GET", path);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |object: &Value| {
        let meta = &object["metadata"];
        (format!("{}/{}", text(&meta["namespace"]), text(&meta["name"])), text(&meta["uid"]))
    };
    let listed: Rows = list["items"].as_array().expect("items").iter().map(row).collect();
    assert_eq!(held, listed, "{cluster} {plural}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_connections_stay_level_and_no_row_is_lost() {
    let world = World::start(&["--speed", "20"]);
    let config = world.config();
    let loaded = midwatch::config::load::load(Some(Path::new(&config)), None).expect("the demo's configuration");
    let mut watching = Watching::of(loaded.config).await;
    let mut screen = Terminal::start(&["--config", &config], (120, 35));
    screen.wait("midwatch");
    let clusters = world.clusters();

    let (begun, whole) = (Instant::now(), wanted());
    // The warm-up, and two thirds that are compared by their peaks: a moment's holdings say little where screens change.
    let mut thirds = [Held::default(); 3];
    let mut screens = "12345678".chars().cycle();
    for round in 0.. {
        let third = (begun.elapsed().as_secs_f64() / whole.as_secs_f64() * 3.0) as usize;
        let Some(peak) = thirds.get_mut(third) else { break };
        churn(&world, &clusters, round);
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

    // Nothing happens any more: soon both have seen the same.
    world.stop_time();
    let mut left = Vec::new();
    for _ in 0..100 {
        watching.take_for(Duration::from_millis(200)).await;
        left = lost(&world, &clusters, &watching);
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "rows that a fresh LIST has otherwise: {left:#?}");
    for cluster in &clusters {
        for table in TABLES {
            assert_table(&world, cluster, &watching, table).await;
        }
    }
}
