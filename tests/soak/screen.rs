//! What the soaked cockpit shows in the end, held against fresh LISTs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{terminal::Terminal, world::World};

/// So large that nothing is scrolled or cut.
const SIZE: (u16, u16) = (250, 300);
/// How each kind is written on Kube, where it is listed, and which of its numbers are wanted and ready.
const KINDS: [(&str, &str, &str, &str); 4] = [
    ("deploy", "/apis/apps/v1/deployments", "/spec/replicas", "/status/readyReplicas"),
    ("sts", "/apis/apps/v1/statefulsets", "/spec/replicas", "/status/readyReplicas"),
    ("ds", "/apis/apps/v1/daemonsets", "/status/desiredNumberScheduled", "/status/numberReady"),
    ("ro", "/apis/argoproj.io/v1alpha1/rollouts", "/spec/replicas", "/status/readyReplicas"),
];

/// A row of Kube: kind, name, `ready/wanted`.
type Row = [String; 3];

#[derive(Debug)]
struct Workload {
    row: Row,
    /// Names of its pods that have not ended.
    pods: BTreeSet<String>,
    /// Of those that have: they may stand in one line together.
    ended: BTreeSet<String>,
}

impl Workload {
    /// The pane of pods is this one's: all of them are there, and no other.
    fn is_below(&self, screen: &str) -> bool {
        let [kind, name, _] = &self.row;
        let shown = pods_of(screen, name);
        screen.contains(&format!("PODS of {kind}/{name} "))
            && self.pods.is_subset(&shown)
            && shown.iter().all(|pod| self.pods.contains(pod) || self.ended.contains(pod))
    }
}

/// Every workload stands on Kube as a LIST has it, and under it its pods.
pub fn assert_shows_all(world: &World, clusters: &[String], screen: &mut Terminal) {
    let mut left = listed(world, clusters);
    let mut rows: Vec<Row> = left.iter().map(|workload| workload.row.clone()).collect();
    rows.sort();
    screen.keys("3");
    screen.resize(SIZE);
    let sorted = |text: &str| {
        let mut rows = in_order(text);
        rows.sort();
        rows
    };
    screen.until(&format!("these workloads: {rows:#?}"), |text| sorted(text) == rows);
    // trouble may pass meanwhile, names stay where they are
    screen.type_slowly(">g");
    screen.wait("sort name");
    for (index, row) in in_order(&screen.screen()).iter().enumerate() {
        if index > 0 {
            screen.keys("j");
        }
        // Workloads of two clusters may be called alike: one of them it is.
        let (alike, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|workload| workload.row == *row);
        screen.until(&format!("the pods of one of {alike:#?}"), |text| alike.iter().any(|one| one.is_below(text)));
        let text = screen.screen();
        let is_seen = alike.iter().position(|one| one.is_below(&text)).expect("it was there");
        left = others;
        left.extend(alike.into_iter().enumerate().filter(|(at, _)| *at != is_seen).map(|(_, one)| one));
    }
    assert!(left.is_empty(), "not shown: {left:#?}");
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

/// The uid of the controller.
fn owner(object: &Value) -> &str {
    let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.find(|owner| owner["controller"] == true).map_or("", |owner| text(owner, "/uid"))
}

fn listed(world: &World, clusters: &[String]) -> Vec<Workload> {
    let mut found = Vec::new();
    for cluster in clusters {
        let list = |path: &str| world.on_cluster(cluster, "GET", path);
        let mut own: BTreeMap<String, Workload> = BTreeMap::new();
        for (kind, path, wanted, ready) in KINDS {
            for object in items(&list(path)) {
                let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
                let counts = format!("{}/{}", number(ready), number(wanted));
                let row = [kind.to_owned(), text(object, "/metadata/name").to_owned(), counts];
                let workload = Workload { row, pods: BTreeSet::new(), ended: BTreeSet::new() };
                own.insert(text(object, "/metadata/uid").to_owned(), workload);
            }
        }
        let sets = list("/apis/apps/v1/replicasets");
        let of_set: BTreeMap<&str, &str> =
            items(&sets).iter().map(|set| (text(set, "/metadata/uid"), owner(set))).collect();
        for pod in items(&list("/api/v1/pods")) {
            let by = owner(pod);
            let Some(workload) = own.get_mut(of_set.get(by).copied().unwrap_or(by)) else { continue };
            let has_ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            let pods = if has_ended { &mut workload.ended } else { &mut workload.pods };
            pods.insert(text(pod, "/metadata/name").to_owned());
        }
        found.extend(own.into_values());
    }
    found
}

/// The rows of Kube, from the top.
fn in_order(screen: &str) -> Vec<Row> {
    let is_count = |text: &str| text.parse::<u32>().is_ok();
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| KINDS.iter().any(|(kind, ..)| kind == word))?;
        let [kind, name, counts]: [&str; 3] = words.get(at..at + 3)?.try_into().ok()?;
        let is_row = counts.split_once('/').is_some_and(|(ready, wanted)| is_count(ready) && is_count(wanted));
        is_row.then(|| [kind, name, counts].map(str::to_owned))
    };
    screen.lines().take_while(|line| !line.contains("PODS of ")).filter_map(row).collect()
}

/// Pods of a workload, as the pane below has them: each line begins with its mark and the name.
fn pods_of(screen: &str, workload: &str) -> BTreeSet<String> {
    let begins = format!("{workload}-");
    let pane = screen.lines().skip_while(|line| !line.contains("PODS of ")).skip(1);
    let pane = pane.take_while(|line| !line.contains("LAST LOG LINES"));
    pane.filter_map(|line| line.split_whitespace().take(5).find(|word| word.starts_with(&begins)).map(str::to_owned))
        .collect()
}
