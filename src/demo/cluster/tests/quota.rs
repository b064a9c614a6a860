//! ResourceQuotas, and the controllers that they stop.

use serde_json::{Value, json};

use super::{events, get, js, pods_of, run, run_until, world};
use crate::demo::{
    cluster::{Cluster, Resource, WorkloadKind},
    world::World,
};

const NS: &str = "production";

/// Writes the quota `team`.
fn limit(world: &mut World, namespace: &str, hard: &Value) {
    let quota = json!({
        "kind": "ResourceQuota", "apiVersion": "v1",
        "metadata": {"name": "team", "namespace": namespace, "uid": "quota"}, "spec": {"hard": hard},
    });
    world.clusters[0].write(Resource::ResourceQuotas, quota);
}

/// What controllers told of pods that they could not create.
fn failures(cluster: &Cluster) -> Vec<String> {
    let all = events(cluster).into_iter().filter(|(reason, ..)| reason == "FailedCreate");
    all.map(|(_, message, _)| message).collect()
}

fn failure(cluster: &Cluster, resource: Resource, name: &str) -> Option<Value> {
    js::condition(&get(cluster, resource, name), "ReplicaFailure").cloned()
}

#[test]
fn its_status_tells_what_the_pods_of_its_namespace_use() {
    let mut world = world();
    let hard = json!({"pods": "14", "count/pods": "20", "requests.cpu": "4", "requests.memory": "4Gi",
        "limits.memory": "13Gi", "secrets": "5"});
    limit(&mut world, NS, &hard);
    run(&mut world, 1);
    let used = |pods: &str, cpu: &str, requests: &str, limits: &str| {
        json!({"pods": pods, "count/pods": pods, "requests.cpu": cpu, "requests.memory": requests,
            "limits.memory": limits, "secrets": "0"})
    };
    let of = |cluster: &Cluster| get(cluster, Resource::ResourceQuotas, "team")["status"].clone();
    let status = of(&world.clusters[0]);
    assert_eq!(status, json!({"hard": hard, "used": used("13", "1300m", "1664Mi", "6656Mi")}));
    let now = world.now;
    world.clusters[0].scale(now, WorkloadKind::Deployment, NS, "myapp", 7, "kubectl");
    run(&mut world, 60);
    assert_eq!(of(&world.clusters[0])["used"], used("10", "1", "1280Mi", "5Gi"));
}

#[test]
fn a_rollout_whose_pods_are_over_a_quota_stands_still_and_says_why() {
    let mut world = world();
    limit(&mut world, NS, &json!({"pods": "13"}));
    let now = world.now;
    world.clusters[0].edit(now, Resource::Deployments, NS, "myapp", "kubectl", |value| {
        value["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": 1, "maxUnavailable": 0});
        value["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.acme.example/myapp:413");
    });
    run_until(&mut world, "it fails", |cluster| failure(cluster, Resource::Deployments, "myapp").is_some());
    let found = failure(&world.clusters[0], Resource::Deployments, "myapp").unwrap();
    assert_eq!((&found["status"], &found["reason"]), (&json!("True"), &json!("FailedCreate")));
    let why = "is forbidden: exceeded quota: team, requested: pods=1, used: pods=13, limited: pods=13";
    let message = js::text(&found, "/message").to_owned();
    assert!(message.starts_with("pods \"myapp-") && message.ends_with(why), "{message}");
    run(&mut world, 60);
    let told = failures(&world.clusters[0]);
    assert!((8..=20).contains(&told.len()), "tried ever more rarely: {told:?}");
    assert!(told.iter().all(|one| one.starts_with("Error creating: pods \"myapp-") && one.ends_with(why)), "{told:?}");
    let again = failure(&world.clusters[0], Resource::Deployments, "myapp");
    assert_eq!(again, Some(found), "said once");
    assert_eq!(pods_of(&world.clusters[0], "myapp").len(), 10);

    limit(&mut world, NS, &json!({"pods": "14"}));
    run_until(&mut world, "it goes on", |cluster| {
        let rollout = cluster.rollout(NS, "myapp").unwrap();
        rollout.observed && rollout.updated == 10 && rollout.replicas == 10 && rollout.available == 10
    });
    assert_eq!(failure(&world.clusters[0], Resource::Deployments, "myapp"), None);
}

#[test]
fn every_controller_says_that_it_was_refused() {
    let why =
        |limit: u32| format!("exceeded quota: team, requested: pods=1, used: pods={limit}, limited: pods={limit}");
    let mut world = world();
    limit(&mut world, NS, &json!({"pods": "13"}));
    limit(&mut world, "logging", &json!({"pods": "5"}));
    let now = world.now;
    let cluster = &mut world.clusters[0];
    cluster.scale(now, WorkloadKind::StatefulSet, NS, "postgres", 5, "kubectl");
    let pod = pods_of(cluster, "fluentd").remove(0);
    cluster.terminate(now, &pod, None);
    let job = json!({
        "kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": "migrate", "namespace": NS, "uid": "job"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "busybox"}]}}},
    });
    cluster.write(Resource::Jobs, job);
    run(&mut world, 60);
    let told = failures(&world.clusters[0]);
    let is_told = |beginning: &str, end: &str| {
        let found = told.iter().filter(|one| one.starts_with(beginning) && one.ends_with(end)).count();
        assert!(found > 0, "{beginning}: {told:?}");
    };
    let set = "create Pod postgres-3 in StatefulSet postgres failed error: pods \"postgres-3\" is forbidden: ";
    is_told(&format!("{set}{}", why(13)), "");
    is_told("Error creating: pods \"fluentd-", &format!("\" is forbidden: {}", why(5)));
    is_told("Error creating: pods \"migrate-", &format!("\" is forbidden: {}", why(13)));
    limit(&mut world, NS, &json!({"pods": "16"}));
    limit(&mut world, "logging", &json!({"pods": "6"}));
    run_until(&mut world, "all are there", |cluster| {
        let ready = |workload: &str| pods_of(cluster, workload).iter().filter(|pod| pod.facts().ready()).count();
        (ready("postgres"), ready("fluentd"), pods_of(cluster, "migrate").len()) == (5, 6, 1)
    });
}

/// However long it would wait: a change of its specification is tried at once, and another object of its name is another.
#[test]
fn a_set_that_is_edited_is_tried_at_once() {
    let mut world = world();
    limit(&mut world, NS, &json!({"pods": "13"}));
    let now = world.now;
    world.clusters[0].scale(now, WorkloadKind::StatefulSet, NS, "postgres", 5, "kubectl");
    run(&mut world, 900);
    let tries = |cluster: &Cluster| {
        let told = events(cluster).into_iter().filter(|(_, message, _)| message.contains("in StatefulSet postgres"));
        told.map(|(.., count)| count).sum::<i64>()
    };
    let before = tries(&world.clusters[0]);
    let now = world.now;
    world.clusters[0].edit(now, Resource::StatefulSets, NS, "postgres", "kubectl", |value| {
        value["spec"]["template"]["metadata"]["annotations"] = json!({"note": "edited"});
        value["metadata"]["generation"] = json!(js::int(value, "/metadata/generation") + 1);
    });
    run(&mut world, 1);
    assert!(tries(&world.clusters[0]) > before, "{before}");
}

#[test]
fn a_pod_says_what_it_needs_of_what_is_limited_or_has_it_from_a_limit_range() {
    let mut world = world();
    limit(&mut world, NS, &json!({"limits.cpu": "27", "limits.memory": "1Ti"}));
    let pod = json!({"metadata": {"name": "p", "namespace": NS}, "spec": {"containers": [
        {"name": "a", "resources": {"limits": {"memory": "1Gi"}}},
        {"name": "b", "resources": {"limits": {"cpu": "500m"}}},
    ]}});
    let missing = "failed quota: team: must specify limits.cpu for: a; limits.memory for: b";
    assert_eq!(world.clusters[0].over_quota(&pod).as_deref(), Some(missing));
    let range = json!({
        "kind": "LimitRange", "apiVersion": "v1", "metadata": {"name": "defaults", "namespace": NS, "uid": "range"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "2", "memory": "512Mi"}}]},
    });
    world.clusters[0].write(Resource::LimitRanges, range);
    let over = "exceeded quota: team, requested: limits.cpu=2500m, used: limits.cpu=26, limited: limits.cpu=27";
    assert_eq!(world.clusters[0].over_quota(&pod).as_deref(), Some(over));
    limit(&mut world, NS, &json!({"limits.cpu": "30", "limits.memory": "1Ti"}));
    assert_eq!(world.clusters[0].over_quota(&pod), None);
}
