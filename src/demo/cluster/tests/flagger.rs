//! A canary of Flagger: tried by weights, promoted, tried anew, and rolled back by hand.

use serde_json::{Value, json};

use super::js;
use crate::demo::{
    cluster::{Cluster, Resource},
    scenario::Scenario,
    world::World,
};

const NS: &str = "staging";

fn world() -> World {
    World::new(Scenario::load("default").unwrap(), 7, "2026-03-14T03:14:00Z".parse().unwrap())
}

/// Steps its cluster until something holds; fails after two hours of the world.
fn until(world: &mut World, what: &str, holds: impl Fn(&Cluster) -> bool) {
    for _ in 0..7_200 {
        if holds(&world.clusters[1]) {
            return;
        }
        world.now += jiff::SignedDuration::from_secs(1);
        let now = world.now;
        world.clusters[1].step(now, &world.story);
    }
    panic!("never happened: {what}: {}", canary(&world.clusters[1]));
}

fn canary(cluster: &Cluster) -> Value {
    cluster.store.get(Resource::Canaries, NS, "cart").unwrap().value()
}

fn is(cluster: &Cluster, phase: &str, weight: i64) -> bool {
    let canary = canary(cluster);
    js::text(&canary, "/status/phase") == phase && js::int(&canary, "/status/canaryWeight") == weight
}

fn tag(cluster: &Cluster, name: &str) -> String {
    cluster.image(NS, name).unwrap().rsplit(':').next().unwrap().to_owned()
}

fn replicas(cluster: &Cluster, name: &str) -> i64 {
    js::int(&cluster.store.get(Resource::Deployments, NS, name).unwrap().value(), "/spec/replicas")
}

fn set_image(world: &mut World, tag: &str) {
    let now = world.now;
    let image = format!("registry.acme.example/cart:{tag}");
    assert!(world.clusters[1].set_image(now, NS, "cart", &image, "kubectl-set"));
}

fn edit(world: &mut World, change: impl FnOnce(&mut Value)) {
    let now = world.now;
    assert!(world.clusters[1].edit(now, Resource::Canaries, NS, "cart", "test", change));
}

fn step(world: &mut World, minutes: i64) {
    world.now += jiff::SignedDuration::from_mins(minutes);
    let now = world.now;
    world.clusters[1].step(now, &world.story);
}

#[test]
fn what_is_tried_gets_more_and_more_is_promoted_and_then_has_no_pods() {
    let mut world = world();
    let cluster = &world.clusters[1];
    assert!(is(cluster, "WaitingPromotion", 50), "{}", canary(cluster));
    assert_eq!((tag(cluster, "cart"), tag(cluster, "cart-primary")), ("32".to_owned(), "31".to_owned()));
    let primary = cluster.store.get(Resource::Deployments, NS, "cart-primary").unwrap().value();
    assert_eq!(js::text(&primary, "/metadata/ownerReferences/0/kind"), "Canary");
    edit(&mut world, |value| drop(js::remove(value, "/spec/analysis/webhooks")));
    until(&mut world, "its promotion", |cluster| is(cluster, "Succeeded", 0));
    let cluster = &world.clusters[1];
    assert_eq!((tag(cluster, "cart-primary"), replicas(cluster, "cart")), ("32".to_owned(), 0));

    set_image(&mut world, "31");
    until(&mut world, "another version is tried anew", |cluster| is(cluster, "Progressing", 20));
    until(&mut world, "it gets more and more", |cluster| is(cluster, "Progressing", 40));
    assert_eq!(replicas(&world.clusters[1], "cart"), replicas(&world.clusters[1], "cart-primary"));
}

#[test]
fn what_was_promoted_last_is_not_tried_again_and_a_suspended_one_does_nothing() {
    let mut world = world();
    let before = canary(&world.clusters[1]);
    set_image(&mut world, "31");
    step(&mut world, 30);
    assert_eq!(canary(&world.clusters[1])["status"], before["status"], "no new analysis was begun");
    edit(&mut world, |value| value["spec"]["suspend"] = json!(true));
    set_image(&mut world, "30");
    step(&mut world, 30);
    assert!(is(&world.clusters[1], "WaitingPromotion", 50));
    edit(&mut world, |value| value["spec"]["suspend"] = json!(false));
    until(&mut world, "it is tried and held at the gate", |cluster| is(cluster, "Progressing", 10));
    until(&mut world, "the gate", |cluster| is(cluster, "WaitingPromotion", 50));
}
