//! Restarts watched to their end, and the cluster's own clock.

use super::*;
use crate::{
    action::{Limits, WorkloadInspection, resources::ResourceInspection, testing::ago},
    model::{
        BackendInfo, BackendKind, Part, SourceId,
        kubernetes::{Pod, RolloutState, WorkloadKind},
    },
    source::{Fact, Update},
    time::Skew,
};

/// Two pods, all is well.
fn calm() -> WorkloadInspection {
    let mut found = inspection();
    found.pods = ["old-0", "old-1"].map(|name| pod(name, "412", true)).to_vec();
    let workload = &mut found.workload;
    (workload.desired, workload.updated, workload.available) = (2, 2, 2);
    workload.rollout.state = RolloutState::Done;
    found
}

/// The act's last step, where the cluster makes that of the restart.
async fn restarted(found: WorkloadInspection, after: fn(&mut WorkloadInspection)) -> StepState {
    let mut bench = Bench::with(FakeCluster::new(found.clone()), "audit.jsonl");
    bench.cluster.with(|cluster| cluster.after = Some(after));
    let act = bench.act(&Request::Restart { workload: found.workload.key }).await.expect("carried out");
    act.steps.last().expect("it is watched").1.clone()
}

fn made(name: &str, minutes: i64) -> Pod {
    Pod { created: Some(ago(minutes)), ..pod(name, "412", true) }
}

#[tokio::test]
async fn pods_of_before_do_not_make_a_restart_done() {
    let state = restarted(calm(), |_| ()).await;
    assert!(matches!(&state, StepState::Unknown(says) if says.contains("412 0/2 ready, 2 old")), "{state:?}");
    let state = restarted(calm(), |found| {
        found.pods = ["new-0", "new-1"].map(|name| Pod { hash: Some("new".into()), ..pod(name, "412", true) }).to_vec();
    });
    let state = state.await;
    assert!(matches!(&state, StepState::Done(says) if says.contains("412 2/2 ready")), "{state:?}");
}

/// Its pods are all new then, and of another version.
#[tokio::test]
async fn a_deploy_that_comes_meanwhile_is_no_end_of_the_act() {
    let limits = Limits { memory: Some("2Gi".into()), ..Limits::of("app") };
    for request in [Request::Restart { workload: myapp() }, Request::Limits { workload: myapp(), limits }] {
        let mut found = calm();
        let (used, bounds) = (Ok(BTreeMap::new()), Ok(Vec::new()));
        found.resources = Some(Box::new(ResourceInspection { used, bounds }));
        let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
        let plan = bench.plan(&request).await.expect("a plan");
        bench.cluster.with(|cluster| {
            cluster.after = Some(|found| {
                found.template = template_of("413", "512Mi", "info");
                found.changes = vec![("ci".into(), now().wall)];
                found.pods = ["new-0", "new-1"].map(|name| pod(name, "413", true)).to_vec();
            });
        });
        let act = bench.execute(plan).await.expect("carried out");
        let state = &act.steps.last().expect("it is watched").1;
        let StepState::Refused(says) = state else { panic!("{request:?}: {state:?}") };
        assert!(says.starts_with("another template is set by now: 'ci' changed the template"), "{says}");
    }
}

/// Every responder has the same field manager, so the name beside it tells them apart.
#[tokio::test]
async fn what_another_responder_sets_meanwhile_is_no_end_of_the_act() {
    for (by, is_own) in [("bob with midwatch", false), ("ana with midwatch", true), ("midwatch", true)] {
        let mut bench = Bench::with(FakeCluster::new(calm()), "audit.jsonl");
        let plan = bench.plan(&Request::Restart { workload: myapp() }).await.expect("a plan");
        let set: fn(&mut WorkloadInspection) = |found| {
            found.template = template_of("413", "512Mi", "info");
            found.pods = ["new-0", "new-1"].map(|name| pod(name, "413", true)).to_vec();
        };
        bench.cluster.with(|cluster| {
            cluster.after = Some(set);
            cluster.found.changes = vec![(by.into(), now().wall)];
        });
        let act = bench.execute(plan).await.expect("carried out");
        let state = &act.steps.last().expect("it is watched").1;
        let who = format!("'{by}' changed the template");
        let is_refused = matches!(state, StepState::Refused(says) if says.contains(&who));
        assert_eq!(is_refused, !is_own, "{by}: {state:?}");
    }
}

/// A set whose pods nobody replaces, and whose revisions may not be read: its status is as before.
fn by_hand() -> WorkloadInspection {
    let mut found = calm();
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.workload.rollout.state = RolloutState::Unavailable;
    found.revisions.clear();
    found.unread.revisions = Some("controllerrevisions is forbidden".into());
    found
}

#[tokio::test]
async fn what_is_replaced_on_deletion_has_restarted_when_its_pods_were_deleted() {
    let state = restarted(by_hand(), |_| ()).await;
    let says = "412 0/2 ready, 2 old, OnDelete: each is replaced only when you delete it";
    assert!(matches!(&state, StepState::Unknown(words) if words.contains(says)), "{state:?}");
    let new = |found: &mut WorkloadInspection| {
        found.unread.pods = None;
        found.pods = ["new-0", "new-1"].map(|name| Pod { hash: Some("new".into()), ..pod(name, "412", true) }).to_vec();
    };
    let state = restarted(by_hand(), new).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains("412 2/2 ready")), "{state:?}");
    let mut found = by_hand();
    (found.pods, found.unread.pods) = (Vec::new(), Some("pods is forbidden".into()));
    let state = restarted(found, new).await;
    assert!(
        matches!(&state, StepState::Unknown(says) if says.contains("which of its pods are new is not known")),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_rollout_at_a_pause_has_restarted_when_all_its_pods_are_new() {
    let mut found = calm();
    found.workload.key.kind = WorkloadKind::Rollout;
    found.workload.updated = 1;
    found.workload.rollout.words = "Paused - CanaryPauseStep".into();
    found.workload.rollout.state = RolloutState::Progressing;
    let state = restarted(found.clone(), |found| found.pods = vec![made("new-0", 0), made("new-1", 0)]).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains("412 2/2 ready")), "{state:?}");
    let state = restarted(found, |found| found.pods = vec![made("new-0", 0), made("old-1", 17)]).await;
    assert!(matches!(&state, StepState::Unknown(says) if says.contains("412 1/2 ready, 1 old")), "{state:?}");
}

/// A bench whose cluster's clock is so many minutes ahead of ours, as the screens know too.
fn ahead(found: WorkloadInspection, minutes: i64) -> Bench {
    let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
    let clock = Some(Skew::steady(minutes * 60_000, now()));
    bench.cluster.with(|cluster| cluster.skew = clock);
    let source = SourceId::new(&cluster(), Part::Health);
    bench.store.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
    let fact = Fact::Info(BackendInfo { clock, ..BackendInfo::default() });
    bench.store.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
    bench
}

#[tokio::test]
async fn a_restart_is_dated_by_the_clusters_clock() {
    for minutes in [-30, 30] {
        let mut found = calm();
        found.workload.key.kind = WorkloadKind::Rollout;
        let mut bench = ahead(found.clone(), minutes);
        bench.act(&Request::Restart { workload: found.workload.key }).await.expect("carried out");
        let sent = bench.cluster.sent();
        let [Write::Restart { at, .. }] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!(*at, ago(-minutes));
    }
}

#[tokio::test]
async fn an_act_is_as_old_as_our_own_clock_says() {
    for minutes in [-30, 30] {
        let mut found = calm();
        found.workload.key.kind = WorkloadKind::Rollout;
        let mut bench = ahead(found.clone(), minutes);
        let restart = Request::Restart { workload: found.workload.key };
        bench.act(&restart).await.expect("carried out");
        let again = bench.plan(&restart).await.expect("a plan");
        let hands = &again.checks.iter().find(|check| check.id == *"B5").expect("checked").result;
        let says = hands.words().map(ToString::to_string).unwrap_or_default();
        assert!(says.starts_with("you did 'RESTART ") && says.ends_with(" 0s ago (act 1)"), "{hands:?}");
    }
}

#[tokio::test]
async fn what_ages_on_the_cluster_ages_by_its_clock() {
    let mut bench = ahead(inspection(), 30);
    bench.cluster.with(|cluster| {
        cluster.after = Some(|found| {
            found.pods.push(Pod { deleting_since: Some(ago(-25)), ..pod("old-0", "412", false) });
        });
    });
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let StepState::Done(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("Terminating 1 (node-5, 5m)"), "{says}");
}

#[tokio::test]
async fn what_is_rehearsed_is_what_the_plan_sends_whatever_our_clock_says() {
    // 13 is live again, and how long 14 ran depends on what time it is: too short by our clock, long enough by the cluster's.
    let mut found = inspection();
    (found.revisions[0].is_live, found.revisions[1].is_live) = (false, true);
    found.template = found.revisions[1].template.clone();
    let mut bench = ahead(found, 30);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert_eq!((plan.chosen, plan.blocked), (Some(14), None));
}

#[tokio::test]
async fn a_watch_goes_on_while_it_gets_on() {
    // Each look finds one pod more; all of them take far longer than one is waited for.
    let mut found = calm();
    (found.workload.desired, found.workload.available) = (300, 0);
    let mut bench = Bench::with(FakeCluster::new(found.clone()), "audit.jsonl");
    let plan = bench.plan(&Request::Restart { workload: found.workload.key }).await.expect("a plan");
    bench.cluster.with(|cluster| {
        cluster.on_look = Some(|found| {
            let next = found.pods.len();
            if next < 300 {
                found.pods.push(Pod { hash: Some("new".into()), ..pod(&format!("new-{next}"), "412", true) });
            }
            let workload = &mut found.workload;
            (workload.updated, workload.available) = (found.pods.len() as u32, found.pods.len() as u32);
        });
        cluster.found.pods.clear();
    });
    let act = bench.execute(plan).await.expect("carried out");
    let StepState::Done(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("300/300 ready"), "{says}");
}
