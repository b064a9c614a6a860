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

const BAD: &str = "registry.acme.example/postgres:nobody-built-it";
const GOOD: &str = "registry.acme.example/postgres:16.1";

fn uids(cluster: &Cluster, workload: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        pods_of(cluster, workload).iter().map(|p| (p.facts().name.clone(), p.facts().uid.clone())).collect();
    all.sort();
    all
}

/// An image that nobody built: its last pod never starts, and the update stands still there.
fn stuck(policy: &str) -> crate::demo::world::World {
    let mut world = world();
    let now = world.now;
    world.clusters[0].edit(now, Resource::StatefulSets, NS, "postgres", "test", |v| {
        v["spec"]["podManagementPolicy"] = json!(policy);
    });
    set_image(&mut world, Resource::StatefulSets, NS, "postgres", BAD);
    run_until(&mut world, "its image is not pulled", |c| {
        get(c, Resource::StatefulSets, "postgres")["status"]["updatedReplicas"] == 1
            && pods_of(c, "postgres").iter().any(|pod| pod.full().contains("ImagePullBackOff"))
    });
    assert_eq!(images(&world.clusters[0], "postgres"), ["16.1", "16.1", "nobody-built-it"]);
    world
}

#[test]
fn an_ordered_set_waits_for_its_broken_pod_whatever_its_template_is_until_that_is_deleted() {
    let mut world = stuck("OrderedReady");
    set_image(&mut world, Resource::StatefulSets, NS, "postgres", GOOD);
    let before = uids(&world.clusters[0], "postgres");
    run(&mut world, 1200);
    assert_eq!(uids(&world.clusters[0], "postgres"), before, "no pod was touched");
    assert_eq!(get(&world.clusters[0], Resource::StatefulSets, "postgres")["status"]["readyReplicas"], 2);
    let broken = pods_of(&world.clusters[0], "postgres").into_iter().find(|p| p.facts().name == "postgres-2").unwrap();
    let now = world.now;
    world.clusters[0].terminate(now, &broken, None);
    run_until(&mut world, "all ready", |c| get(c, Resource::StatefulSets, "postgres")["status"]["readyReplicas"] == 3);
    assert_eq!(images(&world.clusters[0], "postgres"), ["16.1"; 3]);
    let after = uids(&world.clusters[0], "postgres");
    assert_eq!((&after[..2], after[2] == before[2]), (&before[..2], false), "the others ran on");
}

#[test]
fn a_parallel_set_replaces_its_broken_pod_by_itself() {
    let mut world = stuck("Parallel");
    set_image(&mut world, Resource::StatefulSets, NS, "postgres", GOOD);
    run_until(&mut world, "all ready", |c| get(c, Resource::StatefulSets, "postgres")["status"]["readyReplicas"] == 3);
    assert_eq!(images(&world.clusters[0], "postgres"), ["16.1"; 3]);
}

#[test]
fn a_pod_that_is_made_anew_has_the_updates_revision_unless_a_partition_keeps_it() {
    for (partition, wanted) in [(0, BAD), (1, GOOD)] {
        let mut world = stuck("OrderedReady");
        let now = world.now;
        world.clusters[0].edit(now, Resource::StatefulSets, NS, "postgres", "test", |v| {
            v["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(partition);
        });
        let first =
            pods_of(&world.clusters[0], "postgres").into_iter().find(|p| p.facts().name == "postgres-0").unwrap();
        world.clusters[0].terminate(now, &first, None);
        run_until(&mut world, "made anew", |c| {
            let pod = c.store.get(Resource::Pods, NS, "postgres-0");
            pod.is_some_and(|pod| pod.facts().uid != first.facts().uid)
        });
        let pod = get(&world.clusters[0], Resource::Pods, "postgres-0");
        assert_eq!(pod["spec"]["containers"][0]["image"], wanted, "partition {partition}");
    }
}

#[test]
fn revisions_beyond_the_limit_are_forgotten_but_for_those_that_run() {
    let mut world = world();
    for (resource, ns, name) in [(Resource::StatefulSets, NS, "postgres"), (Resource::DaemonSets, "logging", "fluentd")]
    {
        let now = world.now;
        world.clusters[0].edit(now, resource, ns, name, "test", |v| v["spec"]["revisionHistoryLimit"] = json!(2));
        for tag in 0..5 {
            set_image(&mut world, resource, ns, name, &format!("registry.acme.example/{name}:try-{tag}"));
            run(&mut world, 1);
        }
        let all = world.clusters[0].store.list(Resource::ControllerRevisions, Some(ns), None).map(Object::value);
        let mut numbers: Vec<_> = all.map(|one| js::int(&one, "/revision")).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 4, 5, 6], "{name}: the first runs, the last is wanted, two are kept");
    }
}

#[test]
fn a_daemon_set_that_goes_back_replaces_its_broken_pod_first() {
    let mut world = world();
    set_image(&mut world, Resource::DaemonSets, "logging", "fluentd", "registry.acme.example/fluentd:nobody-built-it");
    run(&mut world, 120);
    let before = uids(&world.clusters[0], "fluentd");
    assert_eq!(images(&world.clusters[0], "fluentd").iter().filter(|tag| *tag == "nobody-built-it").count(), 1);
    set_image(&mut world, Resource::DaemonSets, "logging", "fluentd", "registry.acme.example/fluentd:1.17");
    run(&mut world, 60);
    let after = uids(&world.clusters[0], "fluentd");
    assert_eq!(images(&world.clusters[0], "fluentd"), vec!["1.17"; 6]);
    assert_eq!(after.iter().filter(|pod| before.contains(pod)).count(), 5, "the others ran on");
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
