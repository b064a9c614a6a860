//! Rollouts: how far they are, which clock ends them, and what keeps their pods from being made.

use super::*;

/// A rollout whose Deployment gives up in six minutes, and whose pipeline waits for 23.
fn rolling(name: &str) -> World {
    let mut world = incident();
    let words =
        format!("Waiting for deployment \"{name}\" rollout to finish: 6 out of 10 new replicas have been updated...");
    world.workloads([Workload {
        rollout: RolloutStatus { words: Clean::own(words), state: RolloutState::Progressing },
        progressing: Some(("ReplicaSetUpdated".into(), "".into(), Some(at("03:10")))),
        level: Level::Progress,
        ..deployment(name, "myapp:412", 8, 10)
    }]);
    world.replica_sets([
        replica_set(name, "7d8b9", 13, "01:00", "myapp:411", (4, 4)),
        replica_set(name, "6d5c9", 14, "02:57", "myapp:412", (4, 6)),
    ]);
    world.runs(vec![run("deploy", 412, RunState::Running, true, "02:51")]);
    let mut service = world.settings.services[0].clone();
    service.repository = Some("acme/myapp".into());
    service.workload = Some(workload_key(WorkloadKind::Deployment, name));
    world.settings.services = vec![service];
    world
}

#[test]
fn both_clocks_of_a_rollout_are_told_and_fit() {
    let mut desk = on_kube(rolling("myapp"));
    let wide = row_with(&desk.frame((220, 35)), "pipeline #412");
    for words in [
        "new rev 14 4/6 ready  |  old rev 13 4/4 ready",
        "rollout to finish: 6 out of 10 new replicas have been updated...",
        "deadline in 5m38s",
        "pipeline #412 waits for 23m",
    ] {
        assert!(wide.contains(words), "{words}: {wide}");
    }
    let narrow = row_with(&desk.frame((120, 35)), "new rev 14");
    let said = "myapp  new rev 14 4/6 | old rev 13 4/4   deadline 5m38s   pipeline #412 waits 23m   6 of 10 updated";
    assert!(narrow.contains(said), "{narrow}");
    // What kubectl says goes before either clock does, however long the name is.
    for (name, keys) in [("myapp", ""), ("recommendations-service", "j")] {
        let mut desk = on_kube(rolling(name));
        desk.keys(keys);
        let least = row_with(&desk.frame((80, 24)), "pipeline #412");
        assert!(least.contains("  new 14 4/6 | old 13 4/4   deadline 5m38s   pipeline #412 waits 23m "), "{least}");
    }
}

/// Its pods are made anew, long after it has ended: nobody gives up.
#[test]
fn a_rollout_that_has_ended_is_not_past_its_deadline() {
    let seen = |reason: &str| {
        let mut world = rolling("myapp");
        let rolling = world.store.kube.workloads.values().next().expect("it is there").as_ref().clone();
        let progressing = Some((reason.into(), "".into(), Some(at("01:00"))));
        world.workloads([Workload { progressing, ..rolling }]);
        row_with(&on_kube(world).frame((220, 35)), "new rev 14").contains("past its deadline")
    };
    assert!(seen("ReplicaSetUpdated") && !seen("NewReplicaSetAvailable"));
}

#[test]
fn a_quota_that_keeps_pods_from_being_made_is_told() {
    let mut world = incident();
    let forbidden = "pods \"myapp-6d5c9-x\" is forbidden: exceeded quota: compute, requested: cpu=1, limited: cpu=4";
    world.workloads([Workload { replica_failure: Some(forbidden.into()), ..deployment("myapp", "myapp:412", 8, 10) }]);
    let mut desk = on_kube(world);
    assert!(desk.frame((200, 35)).contains("exceeded quota: compute, requested: cpu=1, limited: cpu=4"));

    // A StatefulSet has no such condition: its events tell.
    let mut world = World::live();
    let key = workload_key(WorkloadKind::StatefulSet, "db");
    world.workloads([Workload { key, replicas: 1, uid: "uid-db".into(), ..deployment("db", "db:1", 1, 3) }]);
    let says = "create Pod db-1 in StatefulSet db failed error: pods \"db-1\" is forbidden: exceeded quota: compute";
    world.events([event("db", "StatefulSet", "FailedCreate", 4, "03:12", says)]);
    let mut desk = on_kube(world);
    assert!(row_with(&desk.frame((200, 35)), "progress deadline").contains("   exceeded quota: compute"));
}

/// Its ReplicaSets make its pods; those that want none say nothing any more.
#[test]
fn a_rollout_whose_pods_are_refused_is_told_by_its_replica_sets() {
    let shown = |lacks: &str| {
        let mut world = World::live();
        let rollouts = SourceId::new(&cluster(), Part::Rollouts);
        world.store.expect(rollouts, BackendKind::Kubernetes, Duration::from_secs(15), 1);
        let key = workload_key(WorkloadKind::Rollout, "shop");
        world.workloads([Workload { key, replicas: 3, ..deployment("shop", "shop:2", 3, 4) }]);
        let sets = ["old", "new"].map(|hash| {
            let mut set = replica_set("shop", hash, 1, "03:00", "shop:2", (2, 2));
            set.desired += u32::from(hash == lacks);
            set
        });
        world.replica_sets(sets);
        let says = "Error creating: pods \"shop-new-x\" is forbidden: exceeded quota: compute";
        world.events([event("shop-new", "ReplicaSet", "FailedCreate", 4, "03:12", says)]);
        on_kube(world).frame((200, 35))
    };
    assert!(shown("new").contains("   exceeded quota: compute"), "{}", shown("new"));
    assert!(!shown("old").contains("   exceeded quota"), "{}", shown("old"));
}

/// A pod that goes may still be ready, and is no replica any more.
#[test]
fn what_terminates_is_not_counted_as_ready() {
    let going = |name: &str| Pod {
        status: "Terminating".into(),
        level: Level::Progress,
        deleting_since: Some(at("03:14")),
        deleting_by: Some(at("03:15")),
        ..pod("myapp-7d8b9", name, None)
    };
    let mut world = incident();
    world.pods([going("aaaaa"), going("ccccc"), pod("myapp-7d8b9", "ddddd", None)]);
    assert!(on_kube(world).frame((120, 35)).contains("OLD rev 13    1 of 1 ready, 2 terminating"));
    let mut world = incident();
    world.pods([going("aaaaa")]);
    assert!(on_kube(world).frame((120, 35)).contains("OLD rev 13    1 terminating"));
}

/// kubectl has no status for it: nothing goes on until somebody deletes the pods of the old version.
#[test]
fn pods_that_wait_to_be_deleted_are_old_and_their_set_says_so() {
    let shown = |kind: WorkloadKind, updated: u32, pods: &[(&str, &str, &str, &str)]| {
        let words = "rollout status is only available for RollingUpdate strategy type";
        let set = Workload {
            key: workload_key(kind, "db"),
            updated,
            update_hash: (kind == WorkloadKind::StatefulSet).then(|| "db-new".into()),
            revision: None,
            rollout: RolloutStatus { words: words.into(), state: RolloutState::Unavailable },
            level: Level::Progress,
            ..deployment("db", "acme/db:16.3", 3, 3)
        };
        let made = |(name, hash, image, created): &(&str, &str, &str, &str)| Pod {
            hash: Some(Clean::from(*hash)),
            created: Some(at(created)),
            containers: Box::new([Container { image: Clean::from(*image), ..running("app") }]),
            ..pod("db", name, None)
        };
        let mut world = World::live();
        world.workloads([set]);
        world.pods(pods.iter().map(made));
        on_kube(world).frame((120, 45))
    };
    let (old, new) = ("acme/db:16.2", "acme/db:16.3");
    let all_old = [("0", "db-old", old, "01:00"), ("1", "db-old", old, "01:00"), ("2", "db-old", old, "01:00")];
    // The old one is younger: it was made again before the template was set.
    let some_old = [("0", "db-old", old, "02:00"), ("1", "db-old", old, "02:00"), ("2", "db-new", new, "01:30")];
    for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        let frame = shown(kind, 0, &all_old);
        assert!(frame.contains("OLD db:16.2   3 of 3 ready") && !frame.contains("ALL db"), "{frame}");
        assert!(row_with(&frame, "db:16.3").contains(" 3 old "), "{frame}");
        assert!(frame.contains("db  OnDelete: 3 old pods wait to be deleted"), "{frame}");
        assert!(!frame.contains("only available"), "{frame}");
        let frame = shown(kind, 1, &some_old);
        in_order(&frame, &["NEW db:16.3   1 of 1 ready", "db-2", "OLD db:16.2   2 of 2 ready", "db-0", "db-1"]);
        assert!(frame.contains("OnDelete: 2 old pods wait to be deleted"), "{frame}");
    }
    let all_new = [("0", "db-new", new, "02:00"), ("1", "db-new", new, "02:00"), ("2", "db-new", new, "01:30")];
    let frame = shown(WorkloadKind::StatefulSet, 3, &all_new);
    assert!(frame.contains("ALL db:16.3   3 of 3 ready") && frame.contains("OnDelete: no old pods"), "{frame}");
}
