//! `kubectl get` and `kubectl top`, and midwatch's rows and columns of the same objects.

use std::collections::BTreeMap;

use midwatch::{
    model::kubernetes::{WorkloadKind, table::TableRow},
    query::{Answer, Query, TableQuery},
    time::{Clock as _, SystemClock},
};
use serde_json::Value;

use crate::{
    desk::{CLUSTER, Desk, cells, cluster},
    listing::{KINDS, differences},
    watching::Watching,
};

type Rows = BTreeMap<String, Vec<String>>;

/// Over some minutes of a deploy that fails: every object of every watched kind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_holds_what_kubectl_gets() {
    let Some(desk) = Desk::open(0.0).await else { return };
    let mut watching = Watching::of(desk.config()).await;
    let mut seen = BTreeMap::new();
    for _ in 0..4 {
        for kind in &KINDS {
            let listed = kind.listed(&desk.json(&format!("get -A {}", kind.name)).await);
            let is_same = |now: &Watching| kind.held(&now.store, &cluster()) == listed;
            let caught_up = watching.is_so_soon(is_same).await;
            let held = kind.held(&watching.store, &cluster());
            assert!(caught_up, "{}: {:#?}", kind.name, differences(&listed, &held));
            seen.insert(kind.name, listed.len());
        }
        desk.pass(41);
    }
    assert!(seen.values().all(|count| *count > 0), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shown_columns_are_those_that_kubectl_prints() {
    let Some(desk) = Desk::open(0.0).await else { return };
    desk.pass(30);
    let shown = desk.midwatch("show kube -A --json").await;
    let shown: Value = serde_json::from_str(&shown.out).unwrap_or_else(|_| panic!("{}", shown.err));
    let all: Vec<&Value> = shown["rows"].as_array().unwrap().iter().filter(|row| row["cluster"] == *CLUSTER).collect();
    let ours = |kind: &str, columns: &[&str]| -> Rows {
        let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = |row: &Value| format!("{}/{}", cell(&row["namespace"]), cell(&row["name"]));
        let of_kind = all.iter().filter(|row| row["kind"] == *kind);
        of_kind.map(|row| (name(row), columns.iter().map(|column| cell(&row[*column])).collect())).collect()
    };
    // NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE
    let wide = printed(&desk.out("get pods -A -o wide --no-headers").await, |cells| {
        vec![cells[2].to_owned(), cells[3].to_owned(), first(cells[4]), cells[7].to_owned()]
    });
    assert_eq!(ours("pod", &["ready", "status", "restarts", "node"]), wide);
    assert!(wide.values().any(|cells| cells[1] == "CrashLoopBackOff" && cells[2] == "7"), "{wide:?}");
    // NAMESPACE NAME READY UP-TO-DATE AVAILABLE
    let deployments = printed(&desk.out("get deployments -A --no-headers").await, |cells| {
        let (ready, desired) = cells[2].split_once('/').unwrap();
        [ready, desired, cells[3], cells[4]].map(str::to_owned).to_vec()
    });
    assert_eq!(ours(WorkloadKind::Deployment.name(), &["ready", "desired", "updated", "available"]), deployments);
    assert!(deployments.values().any(|cells| cells[0] != cells[1]), "{deployments:?}");
}

/// The first word of `7 (2m10s ago)`.
fn first(cell: &str) -> String {
    cell.split(' ').next().unwrap_or_default().to_owned()
}

/// Lines that begin with a namespace and a name.
fn printed(text: &str, row: impl Fn(&[&str]) -> Vec<String>) -> Rows {
    let lines = text.lines().map(|line| cells(line, 12));
    lines.map(|cells| (format!("{}/{}", cells[0], cells[1]), row(&cells))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_is_what_kubectl_top_says() {
    let Some(desk) = Desk::open(0.0).await else { return };
    let watching = Watching::of(desk.config()).await;
    let used = |cells: &[&str]| cells[2..4].iter().map(|cell| (*cell).to_owned()).collect();
    let pods = printed(&desk.out("top pods -A --no-headers").await, used);
    assert!(pods.len() > 40 && pods.values().all(|cells| cells[0].ends_with('m')), "{pods:?}");
    let mut ours = measured(&watching, "pods").await;
    // What has ended uses nothing, and kubectl leaves it out.
    ours.retain(|_, cells| !matches!(cells[0].as_str(), "" | "<none>" | "-"));
    assert_eq!(ours, pods);
    // NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)
    let nodes = desk.out("top nodes --no-headers").await;
    let nodes: Rows = (nodes.lines().map(|line| cells(line, 5)))
        .map(|cells| (format!("/{}", cells[0]), vec![cells[1].to_owned(), cells[3].to_owned()]))
        .collect();
    assert_eq!(measured(&watching, "nodes").await, nodes);
    assert_eq!(nodes.len(), 6);
}

/// CPU and memory of the table of this kind, without what they are set against: `180m/500m 36%`.
async fn measured(watching: &Watching, plural: &str) -> Rows {
    let answer = watching.ask(Query::Resources(cluster())).await.unwrap();
    let Answer::Resources(kinds) = answer else { panic!("{answer:?}") };
    let resource = kinds.resolve(plural).unwrap().clone();
    let answer = watching.ask(Query::Table(TableQuery { cluster: cluster(), resource, namespaces: Vec::new() })).await;
    let Answer::Table(table) = answer.unwrap() else { panic!("no table of {plural}") };
    let at = ["CPU", "Memory"].map(|name| table.columns.iter().position(|column| column.name == name).unwrap());
    let used = |row: &TableRow, index: usize| -> String {
        table.cell(row, index, SystemClock.now().wall).split(['/', ' ']).next().unwrap_or_default().to_owned()
    };
    let name = |row: &TableRow| format!("{}/{}", row.namespace, row.name);
    table.rows.iter().map(|row| (name(row), at.iter().map(|index| used(row, *index)).collect())).collect()
}
