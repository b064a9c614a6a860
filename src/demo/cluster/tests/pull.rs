//! Images that the registry has not.

use serde_json::{Value, json};

use super::{js, pods_of, run, run_until, world};
use crate::demo::{
    cluster::{Cluster, Resource, store::Object},
    world::World,
};

const NS: &str = "production";
const GONE: &str = "registry.acme.example/myapp:999";

/// As `kubectl set image`: it pushes nothing.
fn set_image(world: &mut World, image: &str) {
    let now = world.now;
    assert!(world.clusters[0].edit(now, Resource::Deployments, NS, "myapp", "kubectl-set", |value| {
        value["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    }));
}

/// The pods of myapp that run an image, or are to.
fn of_image(cluster: &Cluster, image: &str) -> Vec<Value> {
    let all = pods_of(cluster, "myapp");
    all.iter().map(Object::value).filter(|pod| js::text(pod, "/spec/containers/0/image") == image).collect()
}

fn container(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

fn waits_for(pod: &Value) -> &str {
    js::text(container(pod), "/state/waiting/reason")
}

/// A pod that waits for this reason.
fn waiting(cluster: &Cluster, reason: &str) -> Option<Value> {
    of_image(cluster, GONE).into_iter().find(|pod| waits_for(pod) == reason)
}

/// How often the kubelet told this of a pod, and whether as a warning.
fn told(cluster: &Cluster, pod: &str, reason: &str, message: &str) -> (i64, String) {
    let all = cluster.store.list(Resource::Events, Some(NS), None).map(Object::value);
    let of_it: Vec<Value> = all
        .filter(|event| js::text(event, "/involvedObject/name") == pod)
        .filter(|event| js::text(event, "/reason") == reason && js::text(event, "/message") == message)
        .collect();
    let kind = of_it.first().map(|event| js::text(event, "/type").to_owned()).unwrap_or_default();
    (of_it.iter().map(|event| js::int(event, "/count")).sum(), kind)
}

#[test]
fn a_tag_that_nobody_pushed_is_pulled_ever_more_rarely() {
    let mut world = world();
    set_image(&mut world, GONE);
    run_until(&mut world, "the pull failed", |cluster| waiting(cluster, "ErrImagePull").is_some());
    let why = format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{GONE}\": failed to resolve reference \"{GONE}\": {GONE}: not found"
    );
    let pod = waiting(&world.clusters[0], "ErrImagePull").unwrap();
    assert_eq!(container(&pod)["state"]["waiting"], json!({"reason": "ErrImagePull", "message": why}));
    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(js::condition(&pod, "Ready").unwrap()["reason"], "ContainersNotReady");
    assert_eq!((&container(&pod)["imageID"], &container(&pod)["restartCount"]), (&json!(""), &json!(0)));
    let name = js::text(&pod, "/metadata/name").to_owned();
    let of_name = |cluster: &Cluster| cluster.store.get(Resource::Pods, NS, &name).unwrap().value();
    run_until(&mut world, "it backs off", |cluster| waits_for(&of_name(cluster)) == "ImagePullBackOff");
    let pod = of_name(&world.clusters[0]);
    let message = format!("Back-off pulling image \"{GONE}\": ErrImagePull: {why}");
    assert_eq!(container(&pod)["state"]["waiting"]["message"], message.as_str());
    run_until(&mut world, "it is tried again", |cluster| waits_for(&of_name(cluster)) == "ErrImagePull");

    run(&mut world, 600);
    let cluster = &world.clusters[0];
    let event = |reason: &str, message: &str| told(cluster, &name, reason, message);
    let (pulls, kind) = event("Pulling", &format!("Pulling image \"{GONE}\""));
    assert!((5..=7).contains(&pulls) && kind == "Normal", "after 10, 20, 40, 80, 160, 300 s: {pulls}");
    let failed = event("Failed", &format!("Failed to pull image \"{GONE}\": {why}"));
    assert!(failed.1 == "Warning" && (pulls - failed.0) <= 1, "one may be under way: {failed:?}");
    assert_eq!(event("Failed", "Error: ErrImagePull"), failed);
    let (backs_off, kind) = event("BackOff", &format!("Back-off pulling image \"{GONE}\""));
    assert!(backs_off > 20 && kind == "Normal", "{backs_off}");
    assert_eq!(event("Failed", "Error: ImagePullBackOff"), (backs_off, "Warning".to_owned()));
    assert_eq!(cluster.rollout(NS, "myapp").unwrap().available, 8, "the old ones serve");
}

#[test]
fn what_is_pushed_at_last_starts() {
    let mut world = world();
    set_image(&mut world, GONE);
    run_until(&mut world, "it backs off", |cluster| waiting(cluster, "ImagePullBackOff").is_some());
    assert!(!world.clusters[0].images().contains(GONE), "nor does the registry's own API tell it");
    world.clusters[0].push(GONE);
    run_until(&mut world, "it starts", |cluster| {
        of_image(cluster, GONE).iter().any(|pod| !js::text(container(pod), "/imageID").is_empty())
    });
    assert!(world.clusters[0].images().contains(GONE));
}

#[test]
fn other_hosts_and_unknown_repositories_are_pulled() {
    for image in ["docker.io/library/myapp:999", "registry.acme.example/elsewhere/myapp:999", "busybox"] {
        let mut world = world();
        set_image(&mut world, image);
        run_until(&mut world, image, |cluster| {
            of_image(cluster, image).iter().any(|pod| !js::text(container(pod), "/imageID").is_empty())
        });
    }
}
