//! A Rollout's canary: paused, promoted, aborted, undone, restarted.

use serde_json::{Value, json};

use super::{js, run, run_until};
use crate::demo::{
    cluster::{Cluster, Resource},
    scenario::Scenario,
    world::World,
};

const NS: &str = "production";
const NAME: &str = "recommendations";

fn world() -> World {
    let mut world = World::new(Scenario::load("default").unwrap(), 7, "2026-03-14T03:14:00Z".parse().unwrap());
    run(&mut world, 2);
    world
}

fn rollout(cluster: &Cluster) -> Value {
    cluster.store.get(Resource::Rollouts, NS, NAME).unwrap().value()
}

fn status<'a>(rollout: &'a Value, field: &str) -> &'a str {
    js::text(rollout, &format!("/status/{field}"))
}

/// Image tags of its pods that are to stay.
fn tags(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.store.list(Resource::Pods, Some(NS), None).filter(|pod| pod.facts().label("app") == Some(NAME));
    let image =
        |pod: &Value| js::text(pod, "/spec/containers/0/image").rsplit(':').next().unwrap_or_default().to_owned();
    let mut tags: Vec<String> = pods.filter(|pod| pod.facts().active()).map(|pod| image(&pod.value())).collect();
    tags.sort();
    tags
}

fn edit(world: &mut World, change: impl FnOnce(&mut Value)) {
    let now = world.now;
    assert!(world.clusters[0].edit(now, Resource::Rollouts, NS, NAME, "test", change));
}

fn set_image(world: &mut World, tag: &str) {
    let image = format!("registry.acme.example/{NAME}:{tag}");
    world.clusters[0].push(&image);
    edit(world, |value| value["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
}

#[test]
fn it_waits_at_its_pause_with_a_quarter_of_the_pods() {
    let mut world = world();
    run(&mut world, 120);
    let cluster = &world.clusters[0];
    let found = rollout(cluster);
    assert_eq!(tags(cluster), ["18", "18", "18", "19"]);
    assert_eq!((status(&found, "phase"), status(&found, "message")), ("Paused", "CanaryPauseStep"));
    assert_eq!(status(&found, "observedGeneration"), js::int(&found, "/metadata/generation").to_string());
    assert_eq!(js::int(&found, "/status/availableReplicas"), 4);
    let set = cluster.store.list(Resource::ReplicaSets, Some(NS), None).map(crate::demo::cluster::store::Object::value);
    let hashes: Vec<String> = set
        .filter(|set| js::text(set, "/metadata/ownerReferences/0/name") == NAME)
        .map(|set| js::text(&set, "/metadata/labels/rollouts-pod-template-hash").to_owned())
        .collect();
    assert!(hashes.contains(&status(&found, "stableRS").to_owned()));
    assert!(hashes.contains(&status(&found, "currentPodHash").to_owned()));
}

#[test]
fn an_aborted_update_leaves_the_stable_version_alone_and_its_template_ends_it() {
    let mut world = world();
    edit(&mut world, |value| value["status"]["abort"] = json!(true));
    run_until(&mut world, "the canary is gone", |cluster| tags(cluster) == ["18"; 4]);
    run_until(&mut world, "it is degraded", |cluster| status(&rollout(cluster), "phase") == "Degraded");
    let found = rollout(&world.clusters[0]);
    assert!(status(&found, "message").starts_with("RolloutAborted: Rollout aborted update to revision 6"));
    set_image(&mut world, "18");
    run_until(&mut world, "it is healthy", |cluster| status(&rollout(cluster), "phase") == "Healthy");
    let found = rollout(&world.clusters[0]);
    assert_eq!(js::annotation(&found, "rollout.argoproj.io/revision"), "7", "the old set is the newest revision");
    assert_eq!(found["status"].get("abort"), None);
    assert_eq!(tags(&world.clusters[0]), ["18"; 4]);
}

#[test]
fn a_promotion_takes_it_to_the_end_and_another_version_starts_at_its_first_step() {
    let mut world = world();
    edit(&mut world, |value| value["status"]["promoteFull"] = json!(true));
    run_until(&mut world, "all run 19", |cluster| {
        tags(cluster) == ["19"; 4] && status(&rollout(cluster), "phase") == "Healthy"
    });
    set_image(&mut world, "20");
    run_until(&mut world, "it waits again", |cluster| status(&rollout(cluster), "phase") == "Paused");
    assert_eq!(tags(&world.clusters[0]), ["19", "19", "19", "20"]);
}

#[test]
fn a_restart_replaces_every_pod_one_after_the_other() {
    let mut world = world();
    let names = |cluster: &Cluster| -> Vec<String> {
        let pods = cluster.store.list(Resource::Pods, Some(NS), None);
        pods.filter(|pod| pod.facts().label("app") == Some(NAME)).map(|pod| pod.facts().name.clone()).collect()
    };
    let before = names(&world.clusters[0]);
    let at = js::stamp(world.now);
    edit(&mut world, |value| value["spec"]["restartAt"] = json!(at));
    run_until(&mut world, "none of the old is left", |cluster| {
        let now = names(cluster);
        now.len() == 4 && now.iter().all(|name| !before.contains(name))
    });
    assert_eq!(tags(&world.clusters[0]), ["18", "18", "18", "19"]);
    run_until(&mut world, "it says so", |cluster| status(&rollout(cluster), "restartedAt") == at);
}
