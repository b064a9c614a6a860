use super::*;
use crate::{
    model::alert::Priority,
    time::Clock,
    ui::testing::{World, alert, at, cluster, deployment, event, incident, pull_request, replica_set, run},
};

fn lines(world: &World) -> Vec<String> {
    timeline(&world.store, world.clock.now(), Duration::from_hours(2))
        .iter()
        .map(|change| {
            let time = change.at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M");
            format!("{time} {} {}", change.kind.word(), change.text)
        })
        .collect()
}

#[test]
fn an_incident_in_order() {
    insta::assert_snapshot!(lines(&incident()).join("\n"), @r"
    03:04 alert HighErrorRate myapp firing
    03:04 alert PodOOMKilled postgres firing
    02:59 alert HighErrorRate myapp pending
    02:57 deploy myapp 411 -> 412 (rev 14)
    02:51 run deploy #412 started by alice
    02:40 deploy payments 88 (rev 88)
    ");
}

#[test]
fn events_fold_into_one_entry_per_object_and_reason() {
    let mut world = World::live();
    world.events([
        event("myapp-1", "Pod", "BackOff", 3, "03:01", "back-off restarting"),
        event("myapp-1", "Pod", "BackOff", 4, "03:05", "back-off 5m restarting"),
        event("myapp-2", "Pod", "BackOff", 1, "03:02", "back-off restarting"),
        event("myapp-1", "Pod", "Pulled", 9, "03:03", "image pulled"),
        event("myapp", "Deployment", "FailedCreate", 1, "00:30", "out of the window"),
    ]);
    assert_eq!(lines(&world), ["03:05 k8s myapp-1 BackOff x7: 5m restarting", "03:02 k8s myapp-2 BackOff: restarting"]);
}

/// A kubelet says again and again that it is so still; why stands in an older event of the same reason.
#[test]
fn why_an_image_cannot_be_pulled_outlives_its_echo() {
    let mut world = World::live();
    world.events([
        event("myapp-1", "Pod", "Failed", 3, "03:01", "Failed to pull image \"shop/myapp:413\": not found"),
        event("myapp-1", "Pod", "Failed", 4, "03:05", "Error: ImagePullBackOff"),
        event("worker-1", "Pod", "Failed", 4, "03:04", "Error: ErrImagePull"),
    ]);
    assert_eq!(
        lines(&world),
        [
            "03:05 k8s myapp-1 Failed x7: Failed to pull image \"shop/myapp:413\": not found",
            "03:04 k8s worker-1 Failed x4: Error: ErrImagePull",
        ]
    );
}

#[test]
fn events_of_pods_that_are_gone_are_told_of_their_workload() {
    let mut world = World::live();
    world.workloads([deployment("myapp", "myapp:411", 4, 4)]);
    world.replica_sets([replica_set("myapp", "bb", 14, "01:30", "myapp:412", (0, 0))]);
    let unhealthy = |name: &str, count, last: &str| {
        event(name, "Pod", "Unhealthy", count, last, "Readiness probe failed: HTTP 503")
    };
    world.events([
        unhealthy("myapp-bb-1", 30, "03:01"),
        unhealthy("myapp-bb-2", 5, "03:05"),
        unhealthy("other-cc-1", 1, "03:02"),
    ]);
    let told = lines(&world);
    assert!(told[0].starts_with("03:05 k8s myapp 2 pods Unhealthy x35"), "{told:?}");
    assert!(told[1].starts_with("03:02 k8s other-cc-1 Unhealthy"), "nothing there is called so: {told:?}");
    let all = timeline(&world.store, world.clock.now(), Duration::from_hours(2));
    assert!(matches!(&all[0].subject, Subject::Workload(key) if key.name == "myapp"), "a row that leads somewhere");
}

#[test]
fn what_happens_in_two_clusters_is_two_things() {
    let mut world = World::live();
    let here = event("db-0", "Pod", "BackOff", 3, "03:01", "back-off restarting");
    let us = BackendId::new("prod-us1");
    let there = Event { key: ObjectKey { cluster: us.clone(), ..here.key.clone() }, ..here.clone() };
    world.events([here, there]);
    let told = timeline(&world.store, world.clock.now(), Duration::from_hours(2));
    let mut clusters: Vec<&BackendId> = Vec::new();
    for change in &told {
        let Subject::Pod(pod) = &change.subject else { panic!("{change:?}") };
        assert_eq!(change.text.as_str(), "db-0 BackOff x3: restarting");
        clusters.push(&pod.cluster);
    }
    clusters.sort();
    assert_eq!(clusters, [&cluster(), &us]);
}

#[test]
fn a_version_that_came_back_is_a_deploy_of_its_own() {
    let mut world = World::live();
    let mut workload = deployment("myapp", "myapp:411", 4, 4);
    workload.changed_by = Some(("kubectl".into(), Some(at("03:10"))));
    world.workloads([workload]);
    world.replica_sets([
        replica_set("myapp", "old", 15, "01:30", "myapp:411", (4, 4)),
        replica_set("myapp", "new", 14, "02:57", "myapp:412", (0, 0)),
    ]);
    let expected = [
        "03:10 deploy myapp 412 -> 411, back again (rev 15)",
        "02:57 deploy myapp 411 -> 412 (rev 14)",
        "01:30 deploy myapp 411",
    ];
    assert_eq!(lines(&world), expected, "without an event the template's last change says when");
    world.events([event(
        "myapp",
        "Deployment",
        "ScalingReplicaSet",
        1,
        "03:08",
        "Scaled up replica set myapp-old from 0 to 1",
    )]);
    assert!(lines(&world)[0].starts_with("03:08 deploy"), "{:?}", lines(&world));
    let deploys = deploys_of(&world.store, world.store.kube.workloads.values().next().expect("there is one"));
    assert_eq!(deploys.iter().filter(|deploy| deploy.is_live).count(), 1);
    assert!(deploys[0].is_live && deploys[0].is_return);
}

/// Undone, and undone again: the newest-made ReplicaSet is the one that came back last.
#[test]
fn of_two_versions_that_went_back_and_forth_the_last_that_came_back_is_live_since_then() {
    let mut world = World::live();
    let mut workload = deployment("myapp", "myapp:412", 4, 10);
    workload.changed_by = Some(("kubectl-rollout".into(), Some(at("03:05"))));
    world.workloads([workload]);
    let again = |set: ReplicaSet| ReplicaSet { is_reused: true, ..set };
    world.replica_sets([
        again(replica_set("myapp", "old", 15, "01:30", "myapp:411", (4, 4))),
        again(replica_set("myapp", "new", 16, "02:20", "myapp:412", (4, 6))),
    ]);
    let expected = [
        "03:05 deploy myapp 411 -> 412, back again (rev 16)",
        "02:20 deploy myapp 411 -> 412",
        "01:30 deploy myapp 411",
    ];
    assert_eq!(lines(&world), expected);
    let workload = world.store.kube.workloads.values().next().expect("there is one");
    let deploys = deploys_of(&world.store, workload);
    assert_eq!(deploys.iter().map(|deploy| deploy.is_live).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(world.store.kube.version_since(workload), Some(at("03:05")));
    // The way back to the older one is told while its event is kept.
    let scaled = |set: &str, last: &str| {
        let words = format!("Scaled up replica set myapp-{set} from 0 to 1");
        event("myapp", "Deployment", "ScalingReplicaSet", 1, last, &words)
    };
    world.events([scaled("old", "03:01"), scaled("new", "03:05")]);
    assert_eq!(lines(&world)[1], "03:01 deploy myapp 412 -> 411, back again (rev 15)");
}

#[test]
fn runs_and_alerts_say_each_thing_once() {
    let mut world = World::live();
    world.runs(vec![
        run("ci", 5, RunState::Success, false, "02:00"),
        run("deploy", 6, RunState::Failure, true, "02:10"),
        run("ci", 7, RunState::Running, false, "02:20"),
    ]);
    let mut pending = alert("Slow", "web", Priority::P3, "02:30", "slow");
    pending.state = AlertState::Pending;
    let mut gone = alert("Watchdog", "x", Priority::P4, "00:00", "");
    (gone.is_watchdog, gone.state) = (true, AlertState::Resolved(at("02:40")));
    world.alerts(vec![pending, gone]);
    let mut merged = pull_request(7, "JWT login", None);
    merged.merged = Some(at("01:50"));
    world.pull_requests(vec![merged]);
    assert_eq!(
        lines(&world),
        [
            "02:40 alert Watchdog x is gone",
            "02:30 alert Slow web pending",
            "02:20 run ci #7 started by alice",
            "02:14 run deploy #6 failure in deploy after 4m",
            "02:10 run deploy #6 started by alice",
            "02:04 run ci #5 success after 4m",
            "01:50 merge PR #7 JWT login (bob)",
        ]
    );
}
