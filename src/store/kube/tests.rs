//! The links follow the objects: what was renamed, moved or dropped is not found under what it was.

use super::*;
use crate::{
    model::{
        Part,
        kubernetes::{Container, Termination},
    },
    ui::testing::{at, cluster, deployment, event, pod, replica_set, running},
};

fn names(kube: &Kube, name: &str) -> Vec<String> {
    kube.workloads_named(name).map(|workload| workload.key.name.to_string()).collect()
}

#[test]
fn a_workload_is_found_by_its_name_and_by_its_app() {
    let (from, mut kube) = (SourceId::new(&cluster(), Part::Deployments), Kube::default());
    let mut api = deployment("shop-api", "api:1", 1, 1);
    api.app = Some("api".into());
    let mut web = deployment("api", "web:1", 1, 1);
    web.app = Some("api".into());
    for workload in [&api, &web] {
        kube.apply_workload(&from, Delta::Put(Box::new(workload.clone())));
    }
    assert_eq!(names(&kube, "api"), ["api", "shop-api"]);
    assert_eq!(names(&kube, "shop-api"), ["shop-api"]);
    api.app = Some("backend".into());
    kube.apply_workload(&from, Delta::Put(Box::new(api.clone())));
    assert_eq!((names(&kube, "api"), names(&kube, "backend")), (vec!["api".into()], vec!["shop-api".into()]));
    kube.apply_workload(&from, Delta::Gone(web.key));
    assert_eq!(names(&kube, "api"), [""; 0]);
    kube.drop_sources(&|_| true);
    assert!(kube.workloads_by_name.is_empty(), "nothing is kept of what is gone: {:?}", kube.workloads_by_name);
}

#[test]
fn a_pod_is_found_where_it_is() {
    let (from, mut kube) = (SourceId::new(&cluster(), Part::Pods), Kube::default());
    let one = pod("myapp-6d5c9", "myapp-6d5c9-x2x4v", None);
    kube.apply_pod(&from, Delta::Put(Box::new(one.clone())));
    let found = |namespace: Option<&str>| {
        let namespace = namespace.map(Name::from);
        kube.pod_named(namespace.as_ref(), &one.key.name).map(|pod| pod.uid.clone())
    };
    assert_eq!(found(None), Some(one.uid.clone()));
    assert_eq!(found(Some(one.key.namespace.as_str())), Some(one.uid.clone()));
    assert_eq!(found(Some("elsewhere")), None);
}

/// A pod, and what the store tells of it after each step; the order of pod and event does not matter.
#[test]
fn a_pod_tells_what_its_events_tell_for_as_long_as_they_are_kept() {
    let (pods, events) = (SourceId::new(&cluster(), Part::Pods), SourceId::new(&cluster(), Part::Events));
    let unready = Pod {
        containers: Box::new([Container { ready: false, ..running("app") }]),
        level: Level::Wrong,
        why: "'app' runs but is not ready".into(),
        ..pod("web-1", "a", None)
    };
    let probe = event(&unready.key.name, "Pod", "Unhealthy", 3, "03:00", "Readiness probe failed: refused");
    let told = "readiness: refused; 'app' runs but is not ready";
    let why = |kube: &Kube| kube.pods.get(&unready.key).map(|pod| pod.why.to_string());
    let (put_pod, put_event) = (Delta::Put(Box::new(unready.clone())), Delta::Put(Box::new(probe.clone())));

    let mut kube = Kube::default();
    kube.apply_event(&events, put_event.clone());
    kube.apply_pod(&pods, put_pod.clone());
    assert_eq!(why(&kube).as_deref(), Some(told));
    assert_eq!(kube.apply_pod(&pods, put_pod.clone()), Changes::NONE, "nothing is new in a list that is read again");

    let mut kube = Kube::default();
    kube.apply_pod(&pods, put_pod.clone());
    kube.apply_event(&events, put_event);
    assert_eq!(why(&kube).as_deref(), Some(told));
    let other = Event { object_uid: Some("another".into()), ..probe.clone() };
    let mut by_name = Kube::default();
    by_name.apply_pod(&pods, put_pod);
    by_name.apply_event(&events, Delta::Put(Box::new(other)));
    assert_eq!(why(&by_name), Some(unready.why.to_string()), "an earlier pod of the same name");

    kube.apply_event(&events, Delta::Gone(probe.key.clone()));
    assert_eq!(why(&kube), Some(unready.why.to_string()), "an event is kept for an hour");
    assert!(kube.untold.is_empty());
    kube.apply_event(&events, Delta::Put(Box::new(probe.clone())));
    kube.drop_sources(&|source| *source == events);
    assert_eq!(why(&kube), Some(unready.why.to_string()));
    kube.apply_event(&events, Delta::Put(Box::new(probe)));
    kube.apply_pod(&pods, Delta::Gone(unready.key.clone()));
    assert!(kube.untold.is_empty() && kube.burdens.is_empty());
}

#[test]
fn a_workload_is_as_bad_as_its_pods_events_say() {
    let (pods, events) = (SourceId::new(&cluster(), Part::Pods), SourceId::new(&cluster(), Part::Events));
    let mut kube = Kube::default();
    let web = deployment("web", "web:1", 1, 1);
    kube.apply_workload(&SourceId::new(&cluster(), Part::Deployments), Delta::Put(Box::new(web.clone())));
    let set = replica_set("web", "1", 1, "01:00", "web:1", (1, 1));
    kube.apply_replica_set(&SourceId::new(&cluster(), Part::ReplicaSets), Delta::Put(Box::new(set)));
    let starting = Pod { level: Level::Progress, ..pod("web-1", "a", None) };
    kube.apply_pod(&pods, Delta::Put(Box::new(starting.clone())));
    assert_eq!(kube.level_of(&web), Level::Progress);
    let mount = event(&starting.key.name, "Pod", "FailedMount", 3, "03:00", "no such secret");
    kube.apply_event(&events, Delta::Put(Box::new(mount.clone())));
    assert_eq!(kube.level_of(&web), Level::Wrong);
    kube.apply_event(&events, Delta::Gone(mount.key));
    assert_eq!(kube.level_of(&web), Level::Progress);
}

#[test]
fn the_restarts_of_a_workload_are_those_of_the_pods_that_are_there() {
    let pods = SourceId::new(&cluster(), Part::Pods);
    let mut kube = Kube::default();
    let web = deployment("web", "web:1", 2, 2);
    kube.apply_workload(&SourceId::new(&cluster(), Part::Deployments), Delta::Put(Box::new(web.clone())));
    let sets = SourceId::new(&cluster(), Part::ReplicaSets);
    for hash in ["1", "2"] {
        let set = replica_set("web", hash, 1, "01:00", "web:1", (1, 1));
        kube.apply_replica_set(&sets, Delta::Put(Box::new(set)));
    }
    let [old, new] = [pod("web-1", "a", None), pod("web-2", "b", None)];
    let steps = [
        (Delta::Put(Box::new(Pod { restarts: 2, ..old.clone() })), 2),
        (Delta::Put(Box::new(Pod { restarts: 5, ..new.clone() })), 7),
        (Delta::Put(Box::new(Pod { restarts: 6, ..new })), 8),
        (Delta::Gone(old.key), 6),
    ];
    for (step, expected) in steps {
        kube.apply_pod(&pods, step);
        let walked: u32 = kube.pods_of(&web).iter().map(|pod| pod.restarts).sum();
        assert_eq!((kube.restarts_of(&web), u64::from(walked)), (expected, expected));
    }
}

/// A record is of the past: the owner has made another pod in its place.
#[test]
fn a_workload_is_not_in_trouble_for_pods_that_have_failed_and_were_replaced() {
    let pods = SourceId::new(&cluster(), Part::Pods);
    let mut kube = Kube::default();
    let web = deployment("web", "web:1", 1, 1);
    kube.apply_workload(&SourceId::new(&cluster(), Part::Deployments), Delta::Put(Box::new(web.clone())));
    let set = replica_set("web", "1", 1, "01:00", "web:1", (1, 1));
    kube.apply_replica_set(&SourceId::new(&cluster(), Part::ReplicaSets), Delta::Put(Box::new(set)));
    let running = pod("web-1", "a", None);
    let evicted = Pod { level: Level::Wrong, has_failed: true, ..running.clone() };
    kube.apply_pod(&pods, Delta::Put(Box::new(running.clone())));
    kube.apply_pod(&pods, Delta::Put(Box::new(evicted)));
    assert_eq!(kube.level_of(&web), Level::Ok);
    let unready = Pod { level: Level::Wrong, ..running };
    kube.apply_pod(&pods, Delta::Put(Box::new(unready.clone())));
    assert_eq!(kube.level_of(&web), Level::Wrong, "it lives");
    kube.apply_pod(&pods, Delta::Gone(unready.key));
    assert!(kube.burdens.is_empty());
}

/// Two contexts of one cluster bring the same objects, under the same uids: each has its own, once.
#[test]
fn what_two_contexts_of_a_cluster_bring_is_not_added_up() {
    let (one, two) = (cluster(), BackendId::new("prod-eu1-nils"));
    let mut kube = Kube::default();
    let mut web = deployment("web", "web:1", 1, 1);
    for name in [&one, &two] {
        let source = |part| SourceId::new(name, part);
        let at = |mut key: ObjectKey| {
            key.cluster = name.clone();
            key
        };
        web.key.cluster = name.clone();
        kube.apply_workload(&source(Part::Deployments), Delta::Put(Box::new(web.clone())));
        let set = replica_set("web", "1", 1, "01:00", "web:1", (1, 1));
        let set = ReplicaSet { key: at(set.key.clone()), ..set };
        kube.apply_replica_set(&source(Part::ReplicaSets), Delta::Put(Box::new(set)));
        let own = pod("web-1", "a", None);
        // Only one of them has seen that it fails.
        let level = if *name == one { Level::Ok } else { Level::Wrong };
        let own = Pod { key: at(own.key.clone()), level, ..own };
        let failed = event(&own.key.name, "Pod", "Unhealthy", 3, "03:00", "Readiness probe failed: refused");
        kube.apply_pod(&source(Part::Pods), Delta::Put(Box::new(own)));
        let failed = Event { key: at(failed.key.clone()), ..failed };
        kube.apply_event(&source(Part::Events), Delta::Put(Box::new(failed)));
    }
    for (name, level) in [(&one, Level::Ok), (&two, Level::Wrong)] {
        web.key.cluster = name.clone();
        assert_eq!((kube.pods_of(&web).len(), kube.sets_of(&web).len(), kube.events_around(&web).len()), (1, 1, 1));
        assert_eq!(kube.level_of(&web), level, "{name}");
    }
    kube.drop_sources(&|source| source.backend == two);
    web.key.cluster = one;
    assert_eq!((kube.pods_of(&web).len(), kube.events_around(&web).len()), (1, 1));
}

/// A pod that runs again after a kill for memory at this time.
fn killed(finished: &str) -> Pod {
    let last = Termination {
        reason: "OOMKilled".into(),
        exit_code: 137,
        signal: None,
        message: None,
        started: Some(at("02:00")),
        finished: Some(at(finished)),
    };
    Pod {
        restarts: 1,
        containers: Box::new([Container { restarts: 1, last: Some(last), ..running("app") }]),
        ..pod("web-1", "a", None)
    }
}

/// Time alone takes it back: no watch brings anything.
#[test]
fn a_workload_whose_pod_was_killed_for_memory_is_in_trouble_for_a_time() {
    let pods = SourceId::new(&cluster(), Part::Pods);
    let mut kube = Kube::default();
    let web = deployment("web", "web:1", 1, 1);
    kube.apply_workload(&SourceId::new(&cluster(), Part::Deployments), Delta::Put(Box::new(web.clone())));
    let set = replica_set("web", "1", 1, "01:00", "web:1", (1, 1));
    kube.apply_replica_set(&SourceId::new(&cluster(), Part::ReplicaSets), Delta::Put(Box::new(set)));
    kube.apply_pod(&pods, Delta::Put(Box::new(killed("03:00"))));
    assert_eq!(kube.level_of(&web), Level::Wrong);
    assert_eq!((kube.settle(|_| Some(at("03:14:59"))), kube.level_of(&web)), (Changes::NONE, Level::Wrong));
    kube.apply_pod(&pods, Delta::Put(Box::new(killed("03:10"))));
    assert_eq!((kube.settle(|_| Some(at("03:15"))), kube.level_of(&web)), (Changes::NONE, Level::Wrong), "once more");
    assert_eq!((kube.settle(|_| Some(at("03:25"))), kube.level_of(&web)), (Changes::KUBE, Level::Ok));
    assert_eq!(kube.settle(|_| Some(at("03:26"))), Changes::NONE);
    let elsewhere = Pod { node: Some("node-6".into()), ..killed("03:10") };
    kube.apply_pod(&pods, Delta::Put(Box::new(elsewhere)));
    assert_eq!((kube.settle(|_| Some(at("03:26"))), kube.level_of(&web)), (Changes::KUBE, Level::Ok), "long ago");
    kube.apply_pod(&pods, Delta::Put(Box::new(killed("03:26"))));
    kube.apply_pod(&pods, Delta::Gone(killed("03:26").key));
    assert_eq!((kube.level_of(&web), kube.settle(|_| Some(at("04:00")))), (Level::Ok, Changes::NONE));
    assert!(kube.burdens.is_empty());
}

#[test]
fn a_cluster_has_workloads_only_of_its_own() {
    let mut kube = Kube::default();
    for (cluster, kind) in [("b", WorkloadKind::DaemonSet), ("d", WorkloadKind::Deployment)] {
        let from = SourceId::new(&BackendId::new(cluster), kind.part());
        let mut web = deployment("web", "web:1", 1, 1);
        (web.key.cluster, web.key.kind) = (BackendId::new(cluster), kind);
        kube.apply_workload(&from, Delta::Put(Box::new(web)));
    }
    let has = ["a", "b", "c", "d", "e"].map(|cluster| kube.has_workloads(&BackendId::new(cluster)));
    assert_eq!(has, [false, true, false, true, false]);
}

/// One that is 120 days old and was changed yesterday has not been as it is for 120 days.
#[test]
fn the_version_of_what_has_no_replica_sets_is_as_old_as_its_last_change() {
    let kube = Kube::default();
    let mut db = deployment("db", "db:16", 0, 1);
    db.key.kind = WorkloadKind::StatefulSet;
    assert_eq!(kube.version_since(&db), db.created);
    db.changed_by = Some(("helm".into(), Some(at("02:30"))));
    assert_eq!(kube.version_since(&db), Some(at("02:30")));
}

/// A rollback uses the ReplicaSet of then: its age is not that of the version.
#[test]
fn a_version_that_was_gone_back_to_is_as_old_as_that() {
    let mut kube = Kube::default();
    let sets = SourceId::new(&cluster(), Part::ReplicaSets);
    for (hash, revision, created) in [("a", 3, "01:00"), ("b", 2, "02:00")] {
        let set = replica_set("web", hash, revision, created, "web:1", (1, 1));
        kube.apply_replica_set(&sets, Delta::Put(Box::new(set)));
    }
    let since = |template: Option<&str>, reason: &str, moved: &str| {
        let mut web = deployment("web", "web:1", 1, 1);
        web.changed_by = Some(("kubectl-rollout".into(), template.map(at)));
        web.progressing = Some((reason.into(), "".into(), Some(at(moved))));
        kube.version_since(&web)
    };
    const DONE: &str = "NewReplicaSetAvailable";
    assert_eq!(since(Some("03:00"), DONE, "03:01"), Some(at("03:00")));
    assert_eq!(since(Some("03:30"), DONE, "03:01"), Some(at("03:01")), "its manager has set something else since");
    assert_eq!(since(None, "ReplicaSetUpdated", "03:01"), Some(at("03:01")));
    assert_eq!(since(Some("01:59"), DONE, "03:01"), Some(at("03:01")), "that was the other version's");
    assert_eq!(since(None, "DeploymentPaused", "03:01"), Some(at("01:00")), "no rollout: nothing better is known");
    let newer = replica_set("web", "c", 4, "04:00", "web:1", (1, 1));
    kube.apply_replica_set(&sets, Delta::Put(Box::new(newer)));
    let web = Workload { changed_by: Some(("x".into(), Some(at("04:30")))), ..deployment("web", "web:1", 1, 1) };
    assert_eq!(kube.version_since(&web), Some(at("04:00")), "a new version's is its creation");
}
