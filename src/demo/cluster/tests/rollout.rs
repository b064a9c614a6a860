//! Deployments: rolling, stalling, going back.

use serde_json::json;

use super::{events, get, js, pods_of, run, run_until, world};
use crate::demo::cluster::{Cluster, Resource, TemplateChange, WorkloadKind};

const NS: &str = "production";

fn image(tag: &str) -> String {
    format!("registry.acme.example/myapp:{tag}")
}

fn done(cluster: &Cluster) -> bool {
    let r = cluster.rollout(NS, "myapp").unwrap();
    r.observed && r.updated == r.desired && r.replicas == r.desired && r.available == r.desired
}

fn replica_sets(cluster: &Cluster) -> Vec<(String, String, i64)> {
    let sets = cluster.store.list(Resource::ReplicaSets, Some(NS), None);
    let mut sets: Vec<_> = sets
        .map(|set| {
            let value = set.value();
            let number = js::annotation(&value, "deployment.kubernetes.io/revision").to_owned();
            (number, js::text(&value, "/metadata/name").to_owned(), js::int(&value, "/spec/replicas"))
        })
        .collect();
    sets.sort();
    sets
}

#[test]
fn the_founded_workload_is_complete_and_calm() {
    let mut world = world();
    assert!(done(&world.clusters[0]));
    let before = world.clusters[0].store.version();
    run(&mut world, 60);
    assert_eq!(world.clusters[0].store.version(), before, "a calm cluster writes nothing");
    let numbers: Vec<_> = replica_sets(&world.clusters[0]).into_iter().map(|(n, _, r)| (n, r)).collect();
    assert_eq!(numbers, [("12".to_owned(), 0), ("13".to_owned(), 10)]);
}

#[test]
fn a_rolling_update_stays_within_its_bounds() {
    let mut world = world();
    let now = world.now;
    assert!(world.clusters[0].set_image(now, NS, "myapp", &image("413"), "kubectl-set"));
    for _ in 0..300 {
        run(&mut world, 1);
        let cluster = &world.clusters[0];
        let rollout = cluster.rollout(NS, "myapp").unwrap();
        let total: i64 = replica_sets(cluster).iter().map(|(_, _, replicas)| replicas).sum();
        assert!(rollout.available >= 8, "never below 10 - 25 %: {rollout:?}");
        assert!(total <= 13, "never above 10 + 25 %: {total}");
        if done(cluster) {
            break;
        }
    }
    let cluster = &world.clusters[0];
    assert!(done(cluster));
    assert_eq!(cluster.revision(NS, "myapp"), Some(14));
    let value = get(cluster, Resource::Deployments, "myapp");
    assert_eq!(js::condition(&value, "Progressing").unwrap()["reason"], "NewReplicaSetAvailable");
    assert_eq!(js::condition(&value, "Available").unwrap()["reason"], "MinimumReplicasAvailable");
    let told = events(cluster);
    let scaled = |text: &str| told.iter().any(|(r, m, _)| r == "ScalingReplicaSet" && m.contains(text));
    assert!(scaled("from 0 to 3"), "{told:?}");
    assert!(scaled("from 10 to 8"));
}

#[test]
fn a_bad_image_stalls_crash_loops_and_exceeds_its_deadline() {
    let mut world = world();
    let now = world.now;
    world.clusters[0].set_image(now, NS, "myapp", &image("412"), "github-actions");
    run_until(&mut world, "back-off of 40 s", |cluster| {
        pods_of(cluster, "myapp")
            .iter()
            .any(|pod| pod.full().contains("back-off 40s restarting failed container=myapp pod=myapp-"))
    });
    let cluster = &world.clusters[0];
    let rollout = cluster.rollout(NS, "myapp").unwrap();
    assert_eq!((rollout.available, rollout.updated), (8, 5));
    let pod = pods_of(cluster, "myapp").into_iter().find(|p| p.full().contains("back-off 40s")).unwrap().value();
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!(status["restartCount"], 3);
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert!(events(cluster).iter().any(|(r, _, count)| r == "BackOff" && *count > 1), "equal events are counted");
    run_until(&mut world, "deadline", |c| c.rollout(NS, "myapp").unwrap().deadline_exceeded);
    let value = get(&world.clusters[0], Resource::Deployments, "myapp");
    let progressing = js::condition(&value, "Progressing").unwrap();
    assert_eq!(progressing["status"], "False");
    assert!(js::text(progressing, "/message").ends_with("has timed out progressing."), "{progressing}");
    let count = world.clusters[0].pods().iter().filter(|pod| pod.workload == "myapp").count();
    assert_eq!(count, 13);
}

#[test]
fn going_back_reuses_the_old_replica_set_under_a_new_number() {
    let mut world = world();
    let old = replica_sets(&world.clusters[0])[1].1.clone();
    let template = get(&world.clusters[0], Resource::Deployments, "myapp")["spec"]["template"].clone();
    let now = world.now;
    let change = TemplateChange {
        image: Some(image("412")),
        env: vec![("LOG_LEVEL".into(), "info".into())],
        memory_limit: Some("1Gi".into()),
        change_cause: None,
    };
    world.clusters[0].apply_template_change(now, NS, "myapp", &change, "github-actions");
    run(&mut world, 240);
    let now = world.now;
    assert!(world.clusters[0].undo(now, NS, "myapp", "kubectl"));
    run_until(&mut world, "mended", done);
    let cluster = &world.clusters[0];
    assert_eq!(get(cluster, Resource::Deployments, "myapp")["spec"]["template"], template);
    let sets = replica_sets(cluster);
    let numbers: Vec<_> = sets.iter().map(|(n, _, r)| (n.as_str(), *r)).collect();
    assert_eq!(numbers, [("12", 0), ("14", 0), ("15", 10)], "13 has become 15");
    assert_eq!(sets[2].1, old);
    let value = get(cluster, Resource::ReplicaSets, &old);
    assert_eq!(js::annotation(&value, "deployment.kubernetes.io/revision-history"), "13");
    assert!(!cluster.rollout(NS, "myapp").unwrap().deadline_exceeded);
}

#[test]
fn managed_fields_name_who_changed_the_image() {
    let mut world = world();
    let now = world.now;
    world.clusters[0].set_image(now, NS, "myapp", &image("413"), "github-actions");
    let value = get(&world.clusters[0], Resource::Deployments, "myapp");
    let pointer = "/fieldsV1/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"myapp\"}/f:image";
    let owners: Vec<_> = js::list(&value, "/metadata/managedFields")
        .iter()
        .filter(|entry| entry.pointer(pointer).is_some())
        .map(|entry| (js::text(entry, "/manager").to_owned(), js::text(entry, "/time").to_owned()))
        .collect();
    assert_eq!(owners, [("github-actions".to_owned(), js::stamp(now))]);
}

#[test]
fn a_paused_deployment_does_not_roll_but_scales() {
    let mut world = world();
    let now = world.now;
    let cluster = &mut world.clusters[0];
    cluster.edit(now, Resource::Deployments, NS, "myapp", "kubectl", |v| v["spec"]["paused"] = json!(true));
    cluster.set_image(now, NS, "myapp", &image("413"), "kubectl");
    assert!(!cluster.undo(now, NS, "myapp", "kubectl"), "as kubectl refuses it");
    cluster.scale(now, WorkloadKind::Deployment, NS, "myapp", 4, "kubectl");
    run(&mut world, 60);
    let sets: Vec<_> = replica_sets(&world.clusters[0]).into_iter().map(|(n, _, r)| (n, r)).collect();
    assert_eq!(sets, [("12".to_owned(), 0), ("13".to_owned(), 4)]);
}

#[test]
fn strategy_recreate_has_no_two_versions_at_once() {
    let mut world = world();
    let now = world.now;
    let cluster = &mut world.clusters[0];
    cluster.edit(now, Resource::Deployments, NS, "myapp", "kubectl", |v| {
        v["spec"]["strategy"] = json!({"type": "Recreate"});
    });
    cluster.set_image(now, NS, "myapp", &image("413"), "kubectl");
    for _ in 0..60 {
        run(&mut world, 1);
        let pods = pods_of(&world.clusters[0], "myapp");
        let new = pods.iter().filter(|p| p.full().contains("myapp:413")).count();
        assert!(new == 0 || new == pods.len());
    }
    assert!(done(&world.clusters[0]));
}
