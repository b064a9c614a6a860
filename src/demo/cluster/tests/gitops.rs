//! What Argo CD and Flux put back, and what they do when they are told to stop.

use serde_json::{Value, json};

use super::{js, run, run_until};
use crate::demo::{
    cluster::{Cluster, Resource},
    scenario::Scenario,
    world::World,
};

const NS: &str = "production";

fn world() -> World {
    let mut world = World::new(Scenario::load("default").unwrap(), 7, "2026-03-14T03:14:00Z".parse().unwrap());
    run(&mut world, 1);
    world
}

fn is_at(cluster: &Cluster, name: &str, tag: &str) -> bool {
    cluster.image(NS, name).unwrap() == format!("registry.acme.example/{name}:{tag}")
}

fn get(cluster: &Cluster, kind: Resource, namespace: &str, name: &str) -> Value {
    cluster.store.get(kind, namespace, name).unwrap().value()
}

fn owner(world: &World, kind: Resource) -> Value {
    let (namespace, name) = if kind == Resource::Applications { ("argocd", "search") } else { ("flux-system", "web") };
    get(&world.clusters[0], kind, namespace, name)
}

fn edit(world: &mut World, kind: Resource, change: impl FnOnce(&mut Value)) {
    let (now, cluster) = (world.now, &mut world.clusters[0]);
    let (namespace, name) = if kind == Resource::Applications { ("argocd", "search") } else { ("flux-system", "web") };
    assert!(cluster.edit(now, kind, namespace, name, "test", change));
}

fn set_image(world: &mut World, name: &str, tag: &str) {
    let now = world.now;
    let image = format!("registry.acme.example/{name}:{tag}");
    assert!(world.clusters[0].set_image(now, NS, name, &image, "kubectl-set"));
}

#[test]
fn argo_cd_heals_at_once_and_syncs_where_it_is_sent_when_it_does_not() {
    let mut world = world();
    assert!(is_at(&world.clusters[0], "search", "201"));
    set_image(&mut world, "search", "200");
    run_until(&mut world, "201 is live", |cluster| is_at(cluster, "search", "201"));
    let history = owner(&world, Resource::Applications)["status"]["history"].as_array().unwrap().len();
    assert_eq!(history, 3, "the sync that healed it is told");

    edit(&mut world, Resource::Applications, |value| {
        js::remove(value, "/spec/syncPolicy/automated");
    });
    let first = owner(&world, Resource::Applications)["status"]["history"][0]["revision"].clone();
    edit(&mut world, Resource::Applications, |value| value["operation"] = json!({"sync": {"revision": first}}));
    run_until(&mut world, "200 is live", |cluster| is_at(cluster, "search", "200"));
    run(&mut world, 2);
    let application = owner(&world, Resource::Applications);
    assert!(application.get("operation").is_none());
    assert_eq!(js::text(&application, "/status/operationState/phase"), "Succeeded");
    assert_eq!(js::text(&application, "/status/sync/status"), "OutOfSync");
    run(&mut world, 240);
    assert_eq!(js::text(&owner(&world, Resource::Applications), "/status/sync/status"), "Synced", "reverted in git");
    assert!(is_at(&world.clusters[0], "search", "200"));
}

#[test]
fn flux_puts_back_at_its_interval_unless_it_is_suspended() {
    let mut world = world();
    set_image(&mut world, "web", "1.41");
    run(&mut world, 60);
    assert!(is_at(&world.clusters[0], "web", "1.41"), "until its interval nothing happens");
    run_until(&mut world, "latest is live", |cluster| is_at(cluster, "web", "latest"));

    edit(&mut world, Resource::Kustomizations, |value| value["spec"]["suspend"] = json!(true));
    set_image(&mut world, "web", "1.41");
    let fetched = |world: &World| {
        let source = get(&world.clusters[0], Resource::GitRepositories, "flux-system", "deploy");
        js::text(&source, "/status/artifact/revision").to_owned()
    };
    let before = fetched(&world);
    run(&mut world, 1_300);
    assert!(is_at(&world.clusters[0], "web", "1.41"));
    assert_ne!(fetched(&world), before, "a colleague reverted in git");
    edit(&mut world, Resource::Kustomizations, |value| value["spec"]["suspend"] = json!(false));
    run(&mut world, 5);
    assert!(is_at(&world.clusters[0], "web", "1.41"), "which is what git says now");
    let applied = owner(&world, Resource::Kustomizations);
    assert_eq!(js::text(&applied, "/status/lastAppliedRevision"), fetched(&world));
}
