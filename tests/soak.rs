//! Soak: the cockpit on a world at twenty times its speed, whose pods are deleted all the time and whose watches expire.
//! Memory and connections stay level, nothing is listed again but what a server forgot, and in the end every row of every
//! watched kind, in every cluster, is what a fresh LIST says: of the same sources in this process, and on the screen.
//!
//! A few seconds as a smoke test; as long as wanted with `MIDWATCH_SOAK=1h cargo test --release --test soak -- --nocapture`.
#![expect(clippy::disallowed_methods, reason = "it runs for so long of real time")]
#![cfg(target_os = "linux")] // it reads /proc

#[path = "soak/counting.rs"]
mod counting;
#[path = "contract/listing.rs"]
mod listing;
#[path = "soak/screen.rs"]
mod screen;
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

use midwatch::{
    model::BackendId,
    query::{Answer, Query, TableQuery},
};
use serde_json::Value;

use self::{
    counting::Counting,
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

/// Deletes a pod, and now and then breaks the API server for a moment: in each of the clusters in turn. Whether it has
/// forgotten its history.
fn churn(world: &World, clusters: &[String], round: usize) -> bool {
    let cluster = &clusters[round % clusters.len()];
    let pods = KINDS[0].listed(&world.on_cluster(cluster, "GET", KINDS[0].path));
    let ours: Vec<&String> =
        pods.keys().filter(|name| name.starts_with("production/") || name.starts_with("staging/")).collect();
    if let Some(name) = ours.get(round * 7 % ours.len().max(1)) {
        let (namespace, name) = name.split_once('/').expect("both");
        world.on_cluster(cluster, "DELETE", &format!("/api/v1/namespaces/{namespace}/pods/{name}"));
    }
    // One round of each parity: every cluster has its turn.
    let forgets = round % 10 >= 8;
    if forgets {
        world.fault(cluster, "expire");
    }
    forgets
}

/// The world's clusters behind proxies that count, and a configuration of its backends that leads through them.
fn counted(world: &World, folder: &Path) -> (String, BTreeMap<String, Counting>) {
    let read = |path: &str| std::fs::read_to_string(path).expect("the world's own");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let mut kubeconfig = read(&world.kubeconfig());
    let mut proxies = BTreeMap::new();
    for cluster in world.clusters() {
        let url = world.url_of(&cluster);
        let proxy = Counting::start(&url);
        kubeconfig = kubeconfig.replace(&url, &proxy.url());
        proxies.insert(cluster, proxy);
    }
    let kubeconfig = write("kubeconfig", &kubeconfig);
    (write("config.toml", &read(&world.config()).replace(&world.kubeconfig(), &kubeconfig)), proxies)
}

/// What a screen of the whole cluster costs its API server: one LIST of each kind, and one more when the history that its
/// watch would go on from is forgotten.
#[expect(clippy::print_stdout, reason = "what it cost is said")]
fn assert_lists(proxies: &BTreeMap<String, Counting>, forgotten: &BTreeMap<String, usize>) {
    for (cluster, proxy) in proxies {
        let most = 1 + forgotten.get(cluster).copied().unwrap_or(0);
        let lists = KINDS.each_ref().map(|kind| (kind.name, proxy.lists(kind.path)));
        println!("lists of {cluster}: {lists:?}; its history was forgotten {} times", most - 1);
        for (kind, lists) in lists {
            assert!(
                (1..=most).contains(&lists),
                "{cluster}: {kind} was listed {lists} times, at most {most} are needed"
            );
        }
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
    let folder = tempfile::tempdir().expect("a folder");
    let (through, proxies) = counted(&world, folder.path());
    let mut screen = Terminal::start(&["--config", &through], (120, 35));
    screen.wait("midwatch");
    let clusters = world.clusters();

    let (begun, whole) = (Instant::now(), wanted());
    // The warm-up, and two thirds that are compared by their peaks: a moment's holdings say little where screens change.
    let mut thirds = [Held::default(); 3];
    let mut screens = "12345678".chars().cycle();
    let mut forgotten: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0.. {
        let third = (begun.elapsed().as_secs_f64() / whole.as_secs_f64() * 3.0) as usize;
        let Some(peak) = thirds.get_mut(third) else { break };
        if churn(&world, &clusters, round) {
            *forgotten.entry(clusters[round % clusters.len()].clone()).or_default() += 1;
        }
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
    assert_lists(&proxies, &forgotten);

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
    screen::assert_shows_all(&world, &clusters, &mut screen);
    for cluster in &clusters {
        for table in TABLES {
            assert_table(&world, cluster, &watching, table).await;
        }
    }
}
