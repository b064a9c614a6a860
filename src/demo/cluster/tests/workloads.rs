//! StatefulSets, DaemonSets, single pods, events.

use serde_json::json;

use super::{Object, events, get, js, pods_of, run, run_until, world};
use crate::demo::cluster::{Cluster, Resource, WorkloadKind};

const NS: &str = "production";

fn set_image(world: &mut crate::demo::world::World, resource: Resource, ns: &str, name: &str, image: &str) {
    let now = world.now;
    world.clusters[0].edit(now, resource, ns, name, "kubectl", |v| {
        v["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    });
}

fn images(cluster: &Cluster, workload: &str) -> Vec<String> {
    let mut pods: Vec<_> = pods_of(cluster, workload);
    pods.sort_by_key(|p| p.facts().name.clone());
    pods.iter().map(|p| p.facts().pod.as_ref().unwrap().image.rsplit(':').next().unwrap().to_owned()).collect()
}

#[test]
fn a_stateful_set_updates_from_its_last_pod_to_its_first() {
    let mut world = world();
    let old = get(&world.clusters[0], Resource::StatefulSets, "postgres")["status"]["currentRevision"].clone();
    set_image(&mut world, Resource::StatefulSets, NS, "postgres", "registry.acme.example/postgres:16.2");
    let mut seen = Vec::new();
    run_until(&mut world, "updated", |c| get(c, Resource::StatefulSets, "postgres")["status"]["updatedReplicas"] == 1);
    for _ in 0..200 {
        let now = images(&world.clusters[0], "postgres");
        if now.len() == 3 && seen.last() != Some(&now) {
            seen.push(now);
        }
        run(&mut world, 1);
    }
    let wanted = [["16.1", "16.1", "16.2"], ["16.1", "16.2", "16.2"], ["16.2", "16.2", "16.2"]];
    assert_eq!(seen, wanted.map(|row| row.map(str::to_owned).to_vec()));
    let value = get(&world.clusters[0], Resource::StatefulSets, "postgres");
    assert_eq!(value["status"]["currentRevision"], value["status"]["updateRevision"]);
    assert_ne!(value["status"]["currentRevision"], old);
    let numbers = world.clusters[0].store.list(Resource::ControllerRevisions, Some(NS), None).map(Object::value);
    let mut numbers: Vec<_> = numbers.map(|r| js::int(&r, "/revision")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_daemon_set_replaces_one_pod_at_a_time() {
    let mut world = world();
    set_image(&mut world, Resource::DaemonSets, "logging", "fluentd", "registry.acme.example/fluentd:1.18");
    for _ in 0..240 {
        run(&mut world, 1);
        let ready =
            pods_of(&world.clusters[0], "fluentd").iter().filter(|p| p.facts().active() && p.facts().ready()).count();
        assert!(ready >= 5);
    }
    assert_eq!(images(&world.clusters[0], "fluentd"), vec!["1.18"; 6]);
    let nodes: std::collections::BTreeSet<_> =
        world.clusters[0].pods().into_iter().filter(|p| p.workload == "fluentd").map(|p| p.node).collect();
    assert_eq!(nodes.len(), 6, "one on each node");
}

#[test]
fn an_oom_kill_is_in_the_last_state_and_has_no_event() {
    let mut world = world();
    let now = world.now;
    assert!(world.clusters[0].kill_container(now, NS, "postgres-0", 137, "OOMKilled"));
    let state = get(&world.clusters[0], Resource::Pods, "postgres-0")["status"]["containerStatuses"][0].clone();
    assert_eq!(state["state"]["terminated"]["reason"], "OOMKilled");
    run_until(&mut world, "ready again", |c| c.pods().iter().any(|p| p.name == "postgres-0" && p.ready));
    let view = world.clusters[0].pods().into_iter().find(|p| p.name == "postgres-0").unwrap();
    assert_eq!(view.restarts, 1);
    assert_eq!(view.last_termination, Some(("OOMKilled".to_owned(), now)));
    let state = get(&world.clusters[0], Resource::Pods, "postgres-0")["status"]["containerStatuses"][0].clone();
    assert_eq!(state["lastState"]["terminated"]["exitCode"], 137);
    assert!(!events(&world.clusters[0]).iter().any(|(_, message, _)| message.contains("OOM")));
}

#[test]
fn scaling_down_takes_the_pods_that_are_not_ready() {
    let mut world = world();
    let now = world.now;
    world.clusters[0].scale(now, WorkloadKind::Deployment, NS, "myapp", 12, "kubectl");
    run(&mut world, 2);
    let ready = |c: &Cluster| {
        c.pods().into_iter().filter(|p| p.workload == "myapp" && p.ready).map(|p| p.name).collect::<Vec<_>>()
    };
    let before = ready(&world.clusters[0]);
    assert_eq!(before.len(), 10);
    let now = world.now;
    world.clusters[0].scale(now, WorkloadKind::Deployment, NS, "myapp", 10, "kubectl");
    run(&mut world, 30);
    assert_eq!(ready(&world.clusters[0]), before);
}

#[test]
fn a_deleted_pod_ends_gracefully_and_is_replaced() {
    let mut world = world();
    let pod = pods_of(&world.clusters[0], "myapp").remove(0);
    let now = world.now;
    world.clusters[0].terminate(now, &pod, None);
    let left = get(&world.clusters[0], Resource::Pods, &pod.facts().name);
    assert_eq!(left["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(left["metadata"]["deletionTimestamp"], js::stamp(now + jiff::SignedDuration::from_secs(30)));
    run(&mut world, 30);
    assert!(world.clusters[0].store.get(Resource::Pods, NS, &pod.facts().name).is_none());
    assert_eq!(world.clusters[0].pods().iter().filter(|p| p.workload == "myapp" && p.ready).count(), 10);
    run(&mut world, 3700);
    assert_eq!(events(&world.clusters[0]), [], "events are forgotten after an hour");
}

#[test]
fn the_same_seed_gives_the_same_cluster() {
    let names = || {
        let mut world = world();
        let now = world.now;
        world.clusters[0].set_image(now, NS, "myapp", "registry.acme.example/myapp:413", "x");
        run(&mut world, 60);
        world.clusters[0].store.list(Resource::Pods, None, None).map(Object::full).collect::<Vec<_>>()
    };
    assert_eq!(names(), names());
}
