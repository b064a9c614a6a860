//! Deletions that do not end.

use serde_json::{Value, json};

use super::{Object, get, js, pods_of, run, run_until, world};
use crate::demo::{
    cluster::{Cluster, Resource},
    world::World,
};

const NS: &str = "production";
const FINALIZER: &str = "acme.example/drain";

fn set_finalizers(world: &mut World, pod: &str, to: &[&str]) {
    let now = world.now;
    assert!(world.clusters[0].edit(now, Resource::Pods, NS, pod, "drainer", |value| {
        js::set(value, "/metadata/finalizers", json!(to));
    }));
}

fn delete(world: &mut World, pod: &str, grace: Option<i64>) {
    let (now, cluster) = (world.now, &mut world.clusters[0]);
    let object = cluster.store.get(Resource::Pods, NS, pod).cloned().unwrap();
    cluster.terminate(now, &object, grace);
}

fn pod(cluster: &Cluster, name: &str) -> Option<Value> {
    cluster.store.get(Resource::Pods, NS, name).map(Object::value)
}

#[test]
fn a_pod_with_a_finalizer_stays_until_it_is_taken_away() {
    let mut world = world();
    let name = pods_of(&world.clusters[0], "myapp").remove(0).facts().name.clone();
    set_finalizers(&mut world, &name, &[FINALIZER]);
    delete(&mut world, &name, None);
    let asked = js::stamp(world.now);
    run(&mut world, 120);
    let left = pod(&world.clusters[0], &name).expect("it is held");
    let meta = &left["metadata"];
    assert_eq!((&meta["deletionTimestamp"], &meta["deletionGracePeriodSeconds"]), (&json!(asked), &json!(0)));
    assert_eq!(left["status"]["phase"], "Succeeded");
    assert_eq!(left["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
    assert_eq!(world.clusters[0].rollout(NS, "myapp").unwrap().available, 10, "it was replaced");
    delete(&mut world, &name, Some(0));
    assert!(pod(&world.clusters[0], &name).is_some(), "nor does force get past a finalizer");
    set_finalizers(&mut world, &name, &[]);
    assert_eq!(pod(&world.clusters[0], &name), None);
    run(&mut world, 60);
    assert_eq!(world.clusters[0].rollout(NS, "myapp").unwrap().available, 10);
}

#[test]
fn forced_a_pod_with_a_finalizer_is_stopped_at_once_and_stays() {
    let mut world = world();
    set_finalizers(&mut world, "postgres-2", &[FINALIZER, "acme.example/backup"]);
    delete(&mut world, "postgres-2", Some(0));
    let left = pod(&world.clusters[0], "postgres-2").expect("it is held");
    assert_eq!(left["metadata"]["deletionTimestamp"], js::stamp(world.now));
    assert_eq!(left["metadata"]["deletionGracePeriodSeconds"], 0);
    run(&mut world, 120);
    let set = get(&world.clusters[0], Resource::StatefulSets, "postgres");
    assert_eq!(set["status"]["readyReplicas"], 2, "its name is not free");
    set_finalizers(&mut world, "postgres-2", &[FINALIZER]);
    assert!(pod(&world.clusters[0], "postgres-2").is_some(), "one is left");
    set_finalizers(&mut world, "postgres-2", &[]);
    run_until(&mut world, "made anew", |cluster| {
        get(cluster, Resource::StatefulSets, "postgres")["status"]["readyReplicas"] == 3
    });
    assert_ne!(pod(&world.clusters[0], "postgres-2").unwrap()["metadata"]["uid"], left["metadata"]["uid"]);
}
