//! The page of a node: its room and what is used of it, conditions, taints, labels.

use std::sync::Arc;

use midwatch::{
    model::kubernetes::resource::{Resource, ResourceKey},
    query::{Answer, Query},
};

use super::{page, pages};
use crate::{
    desk::{CLUSTER, Desk, cells, cluster},
    page::{Facts, Node, Section, assert_same, section},
    watching::Watching,
};

pub async fn all(desk: &Desk, watching: &Watching) {
    let answer = watching.ask(Query::Resources(cluster())).await.unwrap();
    let Answer::Resources(kinds) = answer else { panic!("{answer:?}") };
    let resource: &Arc<Resource> = kinds.resolve("nodes").unwrap();
    let top = desk.out("top nodes --no-headers").await;
    let described = pages(&desk.out("describe nodes").await);
    assert_eq!(described.len(), 6, "of {CLUSTER}");
    let mut all = Facts::new();
    for (name, node) in described {
        let key = ResourceKey {
            cluster: cluster(),
            resource: resource.clone(),
            namespace: "".into(),
            name: name.as_str().into(),
        };
        let used = top.lines().find(|line| cells(line, 2)[0] == name).unwrap();
        let ours = page(watching, Query::DescribeAny(key)).await;
        let theirs = node_of_kubectl(&node, &cells(used, 5));
        assert_same(&format!("node {name}"), &theirs, &node_of_midwatch(&ours));
        all.extend(theirs);
    }
    for some in ["taint: node.kubernetes.io/memory-pressure:NoSchedule", "condition: MemoryPressure True: ", "cordoned"]
    {
        assert!(all.iter().any(|fact| fact.starts_with(some)), "nothing like '{some}' in {all:#?}");
    }
}

fn node_of_kubectl(node: &Node, top: &[&str]) -> Facts {
    let [_, cpu, cpu_share, _, memory_share] = top[..] else { panic!("{top:?}") };
    let room = node.at("Allocatable");
    // `(10 in total)`
    let running = node.value("Non-terminated Pods").trim_start_matches('(').split(' ').next().unwrap_or_default();
    let mut facts = Facts::from([
        format!("pods: {running} of {}", room.value("pods")),
        format!("cpu: {cpu} {cpu_share} of {}", room.value("cpu")),
        format!("memory: {memory_share}"),
        format!("version: {}", node.at("System Info").value("Kubelet Version")),
    ]);
    if node.value("Unschedulable") == "true" {
        facts.insert("cordoned".to_owned());
    }
    facts.extend(node.values("Labels").into_iter().map(|label| format!("label: {label}")));
    facts.extend(node.values("Taints").into_iter().map(|taint| format!("taint: {taint}")));
    for row in node.rows("Conditions") {
        let [kind, status, _, _, reason, message] = cells(row, 6)[..] else { panic!("no condition: {row}") };
        facts.insert(format!("condition: {kind} {status}: {reason}: {message}"));
    }
    facts
}

fn node_of_midwatch(page: &[Section]) -> Facts {
    let room = section(page, "room for pods");
    let share = |text: &str| {
        let share = text.split_once('(').and_then(|(_, rest)| rest.split_once(" %)"));
        share.map_or("", |(share, _)| share).to_owned()
    };
    // `720m (9 %) used of 7910m`
    let (cpu, memory) = (room.value("cpu"), room.value("memory"));
    let used = cpu.split(' ').next().unwrap_or_default();
    let of = cpu.rsplit(' ').next().unwrap_or_default();
    let summary = page.iter().find(|section| section.title.starts_with("node")).unwrap();
    let mut facts = Facts::from([
        format!("pods: {}", room.value("pods")),
        format!("cpu: {used} {}% of {of}", share(cpu)),
        format!("memory: {}%", share(memory)),
        format!("version: {}", summary.value("version")),
    ]);
    if summary.value("status").contains("SchedulingDisabled") {
        facts.insert("cordoned".to_owned());
    }
    facts.extend(section(page, "labels").texts.iter().map(|label| format!("label: {}", label.replacen(": ", "=", 1))));
    facts.extend(room.all("taint").map(|taint| format!("taint: {taint}")));
    for (kind, says, _) in &section(page, "conditions").fields {
        let says = says.rsplit_once(" (").map_or(says.as_str(), |(says, _)| says);
        facts.insert(format!("condition: {kind} {says}"));
    }
    facts
}
