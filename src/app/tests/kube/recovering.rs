//! Pods that run again after a bad end.

use super::*;
use crate::{
    model::{BackendInfo, Part, kubernetes::Termination},
    source::Fact,
    time::Skew,
    ui::{screens::words, target::Target, testing::cluster},
};

/// Its pod of payments was killed for memory at that time by the cluster's clock.
fn killed(finished: &str) -> World {
    let mut world = incident();
    let last = Termination {
        reason: "OOMKilled".into(),
        exit_code: 137,
        signal: None,
        message: None,
        started: Some(at("02:00")),
        finished: Some(at(finished)),
    };
    let app = Container { restarts: 3, last: Some(last), memory_limit: Some(2 << 30), ..running("app") };
    world.pods([Pod { restarts: 3, containers: Box::new([app]), ..pod("payments-5c4aa", "ccccc", None) }]);
    world
}

fn tell(world: &mut World, info: BackendInfo) {
    world.say(&cluster(), Part::Pods, vec![Fact::Info(info)]);
}

/// By our clock it was killed an hour ago, by the cluster's four minutes ago: what is taken back does not come again.
#[test]
fn nothing_recovers_before_the_clock_of_its_cluster_is_known() {
    let mark = |info: Option<BackendInfo>| {
        let mut world = killed("02:10");
        if let Some(info) = info {
            tell(&mut world, info);
        }
        let mut desk = on_kube(world);
        desk.app.update(Msg::Tick, desk.clock.now());
        let frame = desk.frame((146, 45));
        if row_with(&frame, "deploy  payments").contains('!') { "!" } else { "ok" }
    };
    let clock = Some(Skew::steady(-3_600_000, incident().clock.now()));
    assert_eq!(mark(None), "!", "it has told nothing of itself");
    assert_eq!(mark(Some(BackendInfo { clock, ..BackendInfo::default() })), "!");
    let version = Some("v1.33.1".into());
    assert_eq!(mark(Some(BackendInfo { version, ..BackendInfo::default() })), "ok", "it tells no time: ours counts");
}

#[test]
fn a_workload_whose_pod_was_killed_for_memory_is_not_ok_before_it_has_run_for_a_time() {
    let mut world = killed("03:10");
    let payments = Target::Workload(workload_key(WorkloadKind::Deployment, "payments"));
    let says = words::of(&world.view(), &payments).expect("it is there").says;
    assert!(says.starts_with("4/4 ready   Running OOMKilled ") && says.ends_with(", 3 restarts, limit 2Gi"), "{says}");
    // By the cluster's clock, once that is known.
    let clock = Some(Skew::steady(0, world.clock.now()));
    tell(&mut world, BackendInfo { clock, ..BackendInfo::default() });
    let mut desk = on_kube(world);
    let frame = desk.frame((146, 45));
    assert!(frame.contains("WORKLOADS 2   2 not ok"), "{frame}");
    assert!(row_with(&frame, "deploy  payments").contains('!'), "{frame}");
    desk.press(KeyCode::Down);
    let frame = desk.frame((146, 45));
    assert!(frame.contains("    payments  OOMKilled 4m22s ago, 3 restarts, limit 2Gi"), "why it is marked\n{frame}");
    let row = row_with(&frame, "payments-5c4aa-ccccc");
    assert!(row.contains("Running") && row.contains(", 3 restarts, limit 2Gi"), "{row}");
    // Nothing comes of it any more: it is the time that takes it back.
    desk.clock.advance(Duration::from_mins(15));
    desk.app.update(Msg::Tick, desk.clock.now());
    let frame = desk.frame((146, 45));
    assert!(frame.contains("WORKLOADS 2   1 not ok"), "{frame}");
    assert!(row_with(&frame, "deploy  payments").contains("ok"), "{frame}");
}

/// The row has one line: that the old version still runs is not left out of it.
#[test]
fn why_a_set_is_marked_does_not_hide_that_its_old_pods_wait() {
    let mut world = killed("03:10");
    let words = "rollout status is only available for RollingUpdate strategy type";
    let set = Workload {
        key: workload_key(WorkloadKind::Deployment, "payments"),
        updated: 0,
        rollout: RolloutStatus { words: words.into(), state: RolloutState::Unavailable },
        level: Level::Progress,
        ..deployment("payments", "acme/payments:88", 1, 1)
    };
    world.workloads([set]);
    let mut desk = on_kube(world);
    desk.app.update(Msg::Tick, desk.clock.now());
    desk.frame((146, 45));
    desk.press(KeyCode::Down);
    let frame = desk.frame((146, 45));
    let line = "OOMKilled 4m22s ago, 3 restarts, limit 2Gi   OnDelete: 1 old pod waits to be deleted";
    assert!(frame.contains(line), "{frame}");
    let frame = desk.frame((80, 24));
    assert!(frame.contains("OnDelete: 1 old pod waits to be deleted"), "{frame}");
}
