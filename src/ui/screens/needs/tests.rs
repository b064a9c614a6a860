use super::*;
use crate::{
    model::{
        BackendId, SourceId,
        alert::{Silence, SilenceKey},
        code::{Need, RunState},
        kubernetes::WorkloadKind,
    },
    source::{Delta, Fact},
    ui::{
        testing::{
            World, alert, alertmanager, at, cluster, deployment, event, github, incident, pod, pull_request,
            replica_set, run,
        },
        widgets::cells::rows_of,
    },
};

fn names(world: &World) -> Vec<String> {
    let view = world.view();
    needs(&view).iter().map(|target| words::of(&view, target).expect("it is there").name).collect()
}

#[test]
fn the_most_urgent_comes_first() {
    let mut world = incident();
    world.workloads([deployment("search", "search:1", 0, 9)]);
    assert_eq!(
        names(&world),
        [
            "HighErrorRate myapp",
            "deploy/search",
            "deploy #412",
            "PodOOMKilled postgres",
            "nightly-e2e #1190",
            "#1490 fix: pool size"
        ],
        "myapp itself is broken too, but its alert says so"
    );
    assert!(is_paging(&world.store));
}

#[test]
fn a_canary_that_waits_is_not_said_to_roll() {
    use crate::model::kubernetes::{RolloutState, RolloutStatus};
    let mut world = World::live();
    let mut says = |words: &str, paused: bool| {
        let mut canary = deployment("till", "till:2", 4, 4);
        (canary.level, canary.paused) = (Level::Progress, paused);
        canary.rollout = RolloutStatus { words: words.into(), state: RolloutState::Progressing };
        let key = canary.key.clone();
        world.workloads([canary]);
        words::of(&world.view(), &Target::Workload(key)).expect("it is there").says
    };
    assert_eq!(says("Paused - CanaryPauseStep", false), "4/4 ready   paused: CanaryPauseStep");
    assert_eq!(says("Waiting for deployment \"till\" rollout to finish", false), "4/4 ready   rolling out");
    assert_eq!(says("Waiting for deployment \"till\" rollout to finish", true), "4/4 ready   paused");
}

/// What mends it would not be rolled out.
#[test]
fn that_it_is_paused_is_said_before_what_its_pods_are() {
    use crate::model::kubernetes::{RolloutState, RolloutStatus};
    let mut world = World::live();
    let mut till = deployment("till", "till:2", 3, 4);
    (till.level, till.paused) = (Level::Broken, true);
    till.rollout = RolloutStatus { words: "exceeded its progress deadline".into(), state: RolloutState::Failed };
    let key = till.key.clone();
    world.workloads([till]);
    let says = words::of(&world.view(), &Target::Workload(key)).expect("it is there").says;
    assert_eq!(says, "3/4 ready   paused; rollout failed");
}

#[test]
fn pods_that_wait_to_be_deleted_are_said_of_their_set() {
    use crate::model::kubernetes::{RolloutState, RolloutStatus};
    let mut world = World::live();
    let mut set = deployment("db", "db:2", 4, 4);
    (set.level, set.updated) = (Level::Progress, 1);
    set.rollout = RolloutStatus { words: "only for RollingUpdate".into(), state: RolloutState::Unavailable };
    let key = set.key.clone();
    world.workloads([set]);
    let said = words::of(&world.view(), &Target::Workload(key)).expect("it is there").says;
    assert_eq!(said, "4/4 ready   OnDelete: 3 old pods wait to be deleted");
}

#[test]
fn silenced_and_designed_alerts_need_nobody_and_a_missing_watchdog_does() {
    let mut world = World::live();
    let mut silenced = alert("HighErrorRate", "myapp", Priority::P1, "03:04", "");
    silenced.state = AlertState::Silenced;
    let mut watchdog = alert("Watchdog", "prometheus", Priority::P3, "00:01", "");
    watchdog.is_watchdog = true;
    world.alerts(vec![silenced.clone(), watchdog.clone()]);
    assert_eq!(names(&world), [""; 0]);
    assert!(!is_paging(&world.store));
    world.alerts(vec![silenced.clone()]);
    assert_eq!(names(&world), ["Watchdog prometheus"]);
    // It came back with other labels: not missing.
    watchdog.key.fingerprint = "another".into();
    world.alerts(vec![silenced, watchdog]);
    assert_eq!(names(&world), [""; 0]);
}

#[test]
fn what_was_acknowledged_stays_until_it_is_mended() {
    let mut world = World::live();
    let mut acked = alert("HighErrorRate", "myapp", Priority::P1, "03:04", "");
    let fresh = alert("HighLatency", "myapp", Priority::P1, "03:05", "");
    world.alerts(vec![acked.clone(), fresh.clone()]);
    acked.state = AlertState::Silenced;
    acked.silenced_by = Box::new(["ack".into()]);
    world.say(
        &alertmanager(),
        Part::Silences,
        vec![Fact::Silences(vec![Silence {
            key: SilenceKey { backend: alertmanager(), id: "ack".into() },
            matchers: Vec::new(),
            starts: at("03:10"),
            ends: at("03:25"),
            created_by: "ana".into(),
            comment: "acknowledged by ana with midwatch".into(),
            state: "active".into(),
        }])],
    );
    world.alerts(vec![acked.clone(), fresh.clone()]);
    assert_eq!(names(&world), ["HighErrorRate myapp", "HighLatency myapp"], "it keeps its place under the cursor");
    world.alerts(vec![acked]);
    assert_eq!(names(&world), ["HighErrorRate myapp"]);
    assert!(is_paging(&world.store), "the incident goes on");
    world.alerts(vec![]);
    assert!(!is_paging(&world.store));
}

#[test]
fn an_alert_on_a_pod_explains_its_workload() {
    let mut world = World::live();
    world.workloads([deployment("postgres", "postgres:14", 0, 1), deployment("post", "post:1", 0, 1)]);
    let mut oom = alert("PodOOMKilled", "x", Priority::P3, "03:04", "");
    oom.labels = Box::new([("namespace".into(), "production".into()), ("pod".into(), "postgres-0".into())]);
    world.alerts(vec![oom]);
    assert_eq!(names(&world), ["deploy/post", "PodOOMKilled postgres-0"]);
}

#[test]
fn a_crash_loop_behind_enough_ready_pods_counts() {
    let mut world = World::live();
    let mut workload = deployment("web", "web:1", 9, 10);
    (workload.level, workload.rollout.state) = (Level::Wrong, RolloutState::Progressing);
    world.workloads([workload]);
    world.replica_sets([replica_set("web", "aa", 1, "01:00", "web:1", (9, 10))]);
    assert_eq!(names(&world), [""; 0]);
    world.pods([pod("web-aa", "1", Some(("CrashLoopBackOff", "exit 1")))]);
    assert_eq!(names(&world), ["deploy/web"]);
}

#[test]
fn a_workload_whose_crashed_pods_run_again_for_a_moment_keeps_its_row() {
    use crate::{
        model::kubernetes::{Container, Pod, Termination},
        ui::testing::running,
    };
    let mut world = World::live();
    let mut workload = deployment("web", "web:1", 9, 10);
    (workload.level, workload.rollout.state) = (Level::Wrong, RolloutState::Progressing);
    world.workloads([workload.clone()]);
    world.replica_sets([replica_set("web", "aa", 1, "01:00", "web:1", (9, 10))]);
    let (started, finished) = (Some(at("03:13")), Some(at("03:14")));
    let end = Termination { reason: "Error".into(), exit_code: 1, signal: None, message: None, started, finished };
    let again = Container { restarts: 4, last: Some(end), ..running("app") };
    world.pods([Pod { restarts: 4, containers: Box::new([again]), ..pod("web-aa", "1", None) }]);
    assert_eq!(names(&world), ["deploy/web"]);
    let view = world.view();
    assert!(words::of(&view, &needs(&view)[0]).expect("it is there").says.contains("exit 1, 4 restarts"));
    let mut silenced = alert("Crashes", "web", Priority::P2, "03:04", "");
    silenced.state = AlertState::Silenced;
    world.alerts(vec![silenced]);
    assert_eq!(names(&world), ["deploy/web"], "a pod is missing");
    workload.ready = 10;
    world.workloads([workload]);
    assert_eq!(names(&world), [""; 0], "all are there, and who silenced it knows");
}

#[test]
fn a_new_version_that_cannot_be_pulled_needs_me_before_its_deadline() {
    let mut world = World::live();
    let mut workload = deployment("web", "web:2", 10, 10);
    (workload.level, workload.rollout.state) = (Level::Progress, RolloutState::Progressing);
    world.workloads([workload]);
    world.replica_sets([replica_set("web", "bb", 2, "03:00", "web:2", (0, 1))]);
    assert_eq!(names(&world), [""; 0]);
    world.pods([pod("web-bb", "1", Some(("ImagePullBackOff", "no such image")))]);
    assert_eq!(names(&world), ["deploy/web"]);
}

#[test]
fn only_the_newest_run_of_a_workflow_counts_and_a_long_deploy_is_stuck() {
    let mut world = World::live();
    world.runs(vec![
        run("deploy", 1, RunState::Failure, true, "01:00"),
        run("deploy", 2, RunState::Success, true, "02:00"),
        run("ci", 3, RunState::Failure, false, "02:30"),
        run("release", 4, RunState::Running, true, "03:10"),
    ]);
    assert_eq!(names(&world), [""; 0]);
    world.runs(vec![
        run("deploy", 2, RunState::Success, true, "01:00"),
        run("deploy", 3, RunState::Failure, true, "02:00"),
        run("release", 4, RunState::Running, true, "02:50"),
    ]);
    assert_eq!(names(&world), ["release #4", "deploy #3"]);
    let view = world.view();
    let release = words::of(&view, &needs(&view)[0]).expect("it is there");
    assert!(release.says.starts_with("stuck in deploy"), "{release:?}");
}

#[test]
fn pull_requests_by_how_much_they_press() {
    let mut world = World::live();
    world.pull_requests(vec![
        pull_request(1, "ready", Some(Need::MineReady)),
        pull_request(2, "failing", Some(Need::MineFailing)),
        pull_request(3, "review", Some(Need::Review)),
        pull_request(4, "other", None),
    ]);
    assert_eq!(names(&world), ["#2 failing", "#3 review", "#1 ready"]);
}

#[test]
fn tabs_say_what_waits_and_what_is_unknown() {
    let texts = |world: &World| badges(&world.view()).map(|badge| badge.map_or(String::new(), |(text, _)| text));
    assert_eq!(texts(&incident()), ["", "2", "!!", "!!", "1", "", "", ""]);
    assert_eq!(texts(&World::live()), [""; 8]);
    let mut world = World::new();
    world.fail(&alertmanager(), "Alertmanager does not answer");
    world.fail(&github(), "GitHub refused the token (401)");
    assert_eq!(texts(&world), ["", "??", "", "??", "??", "", "", ""]);
}

#[test]
fn the_list_of_a_tiny_terminal() {
    let mut world = incident();
    world.fail(&github(), "GitHub refused the token (401)");
    world.clock.advance(std::time::Duration::from_hours(1));
    let mut buf = Buffer::empty(Rect::new(0, 0, 50, 8));
    plain_list(&world.view(), Rect::new(0, 0, 50, 8), &mut buf);
    let rows = rows_of(&buf);
    assert_eq!(rows[0], "04:14Z  5 need you   PROD");
    assert_eq!(rows[1], "!! HighErrorRate myapp  31 % of requests to myapp~");
    assert!(rows.contains(&"?? github.com: GitHub refused the token (401)".to_owned()), "{rows:#?}");
    assert_eq!(at("04:14").as_second() / 60, world.view().now.wall.as_second() / 60);
}

/// Staging runs a workload of the same name, and answers first.
#[test]
fn an_alert_of_one_cluster_is_never_about_another() {
    let mut world = World::live();
    world.settings.backends.insert(BackendId::new("staging-eu1"), BackendKind::Kubernetes);
    let elsewhere = Clean::line("staging-eu1");
    let mut alert = alert("HighErrorRate", "myapp", Priority::P1, "02:59", "");
    let labels: [(&str, &str); 3] = [("cluster", "prod-eu1"), ("namespace", "production"), ("service", "myapp")];
    alert.labels = labels.map(|(name, value)| (name.into(), value.into())).into();
    let mut staging = incident().store.kube.workloads.values().next().expect("one").clone();
    staging.key.cluster = BackendId(elsewhere);
    staging.key.name = "myapp".into();
    world.store.expect(
        SourceId::new(&staging.key.cluster, Part::Deployments),
        BackendKind::Kubernetes,
        std::time::Duration::from_secs(15),
        1,
    );
    let from = staging.key.cluster.clone();
    world.say(&from, Part::Deployments, vec![Fact::Workload(Delta::Put(staging))]);
    assert!(workload_of_alert(&world.view(), &alert).is_none());
    alert.labels = alert.labels.iter().filter(|(name, _)| name != "cluster").cloned().collect();
    assert!(workload_of_alert(&world.view(), &alert).is_some(), "which cluster is not said");
}

/// Of several clusters, each with a broken workload of the same name, an alert leaves out the row of its own alone.
#[test]
fn a_broken_workload_is_left_out_for_an_alert_about_itself_alone() {
    let mut world = World::live();
    let staging = BackendId::new("staging-eu1");
    world.settings.backends.insert(staging.clone(), BackendKind::Kubernetes);
    let source = SourceId::new(&staging, Part::Deployments);
    world.store.expect(source, BackendKind::Kubernetes, std::time::Duration::from_secs(15), 1);
    let place = |name: &str, ready: u32, cluster: &BackendId, namespace: &str| {
        let mut workload = deployment(name, "nosuch:1", ready, 2);
        (workload.key.cluster, workload.key.namespace) = (cluster.clone(), namespace.into());
        workload
    };
    let prod = cluster();
    world.workloads([
        place("myapp", 0, &prod, "production"),
        place("myapp", 0, &prod, "canary"),
        place("myapp", 0, &staging, "production"),
        place("kube-state-metrics", 2, &prod, "monitoring"),
    ]);
    let mut listed = |labels: &[(&str, &str)]| {
        let mut alert = alert("HighErrorRate", "x", Priority::P1, "02:59", "");
        alert.labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        world.alerts(vec![alert]);
        let place = |target: Target| match target {
            Target::Workload(key) => Some(format!("{}/{}", key.cluster, key.namespace)),
            _ => None,
        };
        needs(&world.view()).into_iter().filter_map(place).collect::<Vec<_>>()
    };
    let (at_prod, within) = (("cluster", "prod-eu1"), ("namespace", "production"));
    let others = ["prod-eu1/canary", "staging-eu1/production"];
    assert_eq!(listed(&[at_prod, within, ("service", "myapp")]), others);
    assert_eq!(listed(&[at_prod, within, ("pod", "myapp-6d5c9-x2x4v")]), others, "by a pod that is gone");
    // The alert comes of the program that measures all of them, which is somewhere else.
    assert_eq!(listed(&[at_prod, within, ("job", "kube-state-metrics"), ("pod", "myapp-6d5c9-x2x4v")]), others);
    let elsewhere = ["prod-eu1/canary", "prod-eu1/production"];
    assert_eq!(listed(&[("cluster", "staging-eu1"), within, ("service", "myapp")]), elsewhere);
    let all = ["prod-eu1/canary", "prod-eu1/production", "staging-eu1/production"];
    assert_eq!(listed(&[within, ("pod", "myapp-6d5c9-x2x4v")]), all, "which of the two clusters is not said");
    assert_eq!(listed(&[("namespace", "canary"), ("pod", "myapp-6d5c9-x2x4v")]), [all[1], all[2]]);
}

/// The configuration and the alert call the cluster `prod-eu1`; what is open of it is another context.
#[test]
fn a_cluster_that_is_open_by_another_name_is_found_by_what_it_alone_has() {
    let mut world = incident();
    let mut labelled = alert("HighErrorRate", "myapp", Priority::P1, "02:59", "");
    let labels: [(&str, &str); 3] = [("cluster", "prod-eu1"), ("namespace", "production"), ("service", "myapp")];
    labelled.labels = labels.map(|(name, value)| (name.into(), value.into())).into();
    let plain = alert("HighErrorRate", "payments", Priority::P1, "02:59", "");
    let services = std::mem::take(&mut world.settings.services);
    let myapp = deployment("myapp", "ghcr.io/acme/myapp:412", 8, 10);
    world.settings.backends.remove(&myapp.key.cluster);
    world.store.forget_backend(&myapp.key.cluster);
    let open = |world: &mut World, name: &str| {
        let mut workload = myapp.clone();
        workload.key.cluster = BackendId::new(name);
        let cluster = workload.key.cluster.clone();
        world.settings.backends.insert(cluster.clone(), BackendKind::Kubernetes);
        let source = SourceId::new(&cluster, Part::Deployments);
        world.store.expect(source, BackendKind::Kubernetes, std::time::Duration::from_secs(15), 1);
        world.say(&cluster, Part::Deployments, vec![Fact::Workload(Delta::Put(Box::new(workload)))]);
    };
    let found = |world: &World, alert: &Alert| {
        workload_of_alert(&world.view(), alert).map(|workload| workload.key.cluster.to_string())
    };
    for services in [services, Vec::new()] {
        world.settings.services = services;
        open(&mut world, "eu1-rita");
        assert_eq!(found(&world, &labelled).as_deref(), Some("eu1-rita"));
        assert_eq!(found(&world, &plain), None, "nothing that is open has it");
        open(&mut world, "staging");
        assert_eq!(found(&world, &labelled), None, "two clusters have it");
        for name in ["eu1-rita", "staging"] {
            world.settings.cluster_ids.insert(BackendId::new(name), "one".into());
        }
        assert_eq!(found(&world, &labelled).as_deref(), Some("eu1-rita"), "both names are of one cluster");
        world.settings.cluster_ids.clear();
        world.settings.backends.remove(&BackendId::new("staging"));
        world.store.forget_backend(&BackendId::new("staging"));
    }
}

/// The label is no name that is open, and there is no namespace: a worker of the same app is first by its key.
#[test]
fn a_workload_of_the_name_comes_before_one_that_is_of_that_app() {
    let mut world = World::live();
    let mut worker = deployment("a-worker", "ghcr.io/acme/worker:7", 2, 2);
    worker.app = Some("shipping".into());
    world.workloads([worker, deployment("shipping", "ghcr.io/acme/shipping:12", 2, 2)]);
    let mut alert = alert("HighErrorRate", "shipping", Priority::P1, "02:59", "");
    let labels: [(&str, &str); 2] = [("cluster", "eu1-by-another-name"), ("service", "shipping")];
    alert.labels = labels.map(|(name, value)| (name.into(), value.into())).into();
    let found = workload_of_alert(&world.view(), &alert).map(|workload| workload.key.name.to_string());
    assert_eq!(found.as_deref(), Some("shipping"));
}

/// A StatefulSet has no condition for it.
#[test]
fn pods_that_a_quota_refuses_are_told_by_the_events_of_their_controller() {
    let mut world = World::live();
    let mut db = deployment("db", "db:1", 1, 3);
    db.key.kind = WorkloadKind::StatefulSet;
    db.replicas = 1;
    world.workloads([db]);
    let says = |world: &World| {
        let view = world.view();
        words::of(&view, &needs(&view)[0]).expect("it is there").says
    };
    let refused = "pods \"db-1\" is forbidden: exceeded quota: compute";
    world.events([event("db", "StatefulSet", "FailedCreate", 3, "03:10", refused)]);
    assert!(says(&world).contains("1/3 ready   exceeded quota: compute"), "{}", says(&world));
    world.events([event("db", "StatefulSet", "SuccessfulCreate", 1, "03:12", "create Pod db-1")]);
    assert!(!says(&world).contains("quota"), "it went on since: {}", says(&world));
}
