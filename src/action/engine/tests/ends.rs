//! How a rollback that was taken ends when the cluster does not follow: each is watched to the end and said.

use super::*;
use crate::{
    action::WorkloadInspection,
    model::kubernetes::{Pod, RolloutState},
};

/// The act's last step, where the cluster leaves the workload so after the template was taken.
async fn watched(after: fn(&mut WorkloadInspection)) -> StepState {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.after = Some(after));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, true), "what was written stands and can be undone");
    act.steps.last().expect("it is watched").1.clone()
}

async fn unmet(after: fn(&mut WorkloadInspection)) -> String {
    let state = watched(after).await;
    let StepState::Unknown(says) = state else { panic!("{state:?}") };
    says.to_string()
}

fn is_underway(found: &mut WorkloadInspection, available: u32) {
    found.workload.available = available;
    found.workload.rollout.state = RolloutState::Progressing;
}

#[tokio::test]
async fn a_quota_that_refuses_the_pods_is_named() {
    let says = unmet(|found| {
        is_underway(found, 0);
        found.pods.clear();
        let why = "pods \"myapp-x\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10";
        found.workload.replica_failure = Some(why.into());
    });
    let says = says.await;
    assert!(says.contains("411 0/10 ready") && says.contains("no more pods: "), "{says}");
    assert!(says.contains("exceeded quota: compute"), "{says}");
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_named_with_its_pod() {
    let says = unmet(|found| {
        is_underway(found, 9);
        let stuck: &mut Pod = &mut found.pods[9];
        stuck.is_ready = false;
        stuck.why = "image not pullable: manifest unknown".into();
    });
    let says = says.await;
    assert!(says.contains("411 9/10 ready") && says.contains("pod-9: image not pullable"), "{says}");
}

#[tokio::test]
async fn a_deadline_that_is_exceeded_is_said_and_watched_on() {
    let says = unmet(|found| {
        is_underway(found, 4);
        found.workload.rollout.state = RolloutState::Failed;
        found.workload.rollout.words = "deployment \"myapp\" exceeded its progress deadline".into();
        found.pods.truncate(4);
    });
    let says = says.await;
    assert!(says.contains("411 4/10 ready") && says.contains("exceeded its progress deadline"), "{says}");
}

#[tokio::test]
async fn pods_that_will_not_terminate_are_listed_and_not_waited_for() {
    let state = watched(|found| {
        let mut straggler = pod("old-0", "412", false);
        straggler.deleting_since = Some(crate::action::testing::ago(7));
        found.pods.push(straggler);
    })
    .await;
    let StepState::Done(says) = state else { panic!("{state:?}") };
    assert!(says.contains("411 10/10 ready") && says.contains("Terminating 1 (node-5, 7m)"), "{says}");
}

#[tokio::test]
async fn what_holds_a_pod_that_will_not_terminate_is_named() {
    let state = watched(|found| {
        let mut straggler = pod("old-0", "412", false);
        straggler.deleting_since = Some(crate::action::testing::ago(2));
        let mut held = pod("old-1", "412", false);
        held.deleting_since = Some(crate::action::testing::ago(7));
        held.finalizers = Box::new(["acme.example/hold".into(), "acme.example/backup".into()]);
        found.pods.extend([straggler, held]);
    })
    .await;
    let StepState::Done(says) = state else { panic!("{state:?}") };
    let expected = "Terminating 2 (node-5, 7m, held by acme.example/hold, acme.example/backup)";
    assert!(says.contains(expected), "{says}");
}

#[tokio::test]
async fn it_is_not_there_while_a_service_sends_to_what_goes() {
    let goes = |found: &mut WorkloadInspection| {
        let straggler = Pod { deleting_since: Some(crate::action::testing::ago(7)), ..pod("old-0", "412", false) };
        found.pods.push(straggler);
    };
    let ends = async |serving: Result<std::collections::BTreeSet<Name>, Clean>| {
        let mut bench = Bench::new();
        bench.cluster.with(|cluster| {
            cluster.after = Some(goes);
            cluster.serving = serving;
        });
        let act = bench.act(&roll_back(None)).await.expect("carried out");
        act.steps.last().expect("it is watched").1.clone()
    };
    let state = ends(Ok(["old-0".into(), "pod-1".into()].into())).await;
    assert!(matches!(&state, StepState::Unknown(says) if says.ends_with("still serving: old-0")), "{state:?}");
    let state = ends(Ok(["pod-1".into()].into())).await;
    assert!(matches!(&state, StepState::Done(says) if !says.contains("serv")), "{state:?}");
    let state = ends(Err("endpointslices is forbidden".into())).await;
    let StepState::Done(says) = &state else { panic!("{state:?}") };
    assert!(says.ends_with("whether they still serve could not be read: endpointslices is forbidden"), "{says}");
}

#[tokio::test]
async fn an_unknown_outcome_is_unknown_and_never_sent_again() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.answers = vec![ActionError::Unknown("the connection broke".into())]);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Unknown);
    assert_eq!(bench.cluster.sent().len(), 1);
    // The first step keeps evidence.
    let unknown = act.steps.iter().skip(1).find_map(|(_, state)| match state {
        StepState::Unknown(says) => Some(says),
        _ => None,
    });
    let says = unknown.expect("it is said");
    assert!(
        says.contains("the connection broke") && says.contains("Read again just now: the template is not"),
        "{says}"
    );
    assert!(matches!(&act.steps.last().expect("steps").1, StepState::Skipped(_)), "the rest stops");
    assert!(matches!(bench.records().last().expect("ended").entry, Entry::Ended { outcome: Outcome::Unknown }));
}

/// After a restart of midwatch too: what was kept is not said to be skipped.
#[tokio::test]
async fn a_past_act_has_the_steps_that_the_live_one_had() {
    let answered = |cluster: &FakeCluster, error| cluster.with(|cluster| cluster.answers = vec![error]);
    for case in 0..5 {
        let mut bench = Bench::new();
        match case {
            0 => {}
            1 => answered(&bench.cluster, ActionError::Moved("bob was faster; nothing was sent".into())),
            2 => answered(&bench.cluster, ActionError::Unknown("the connection broke".into())),
            3 => bench.cluster.with(|cluster| cluster.after = Some(|found| found.template = inspection().template)),
            _ => bench.cluster.with(|cluster| cluster.after = Some(|found| found.workload.available = 0)),
        }
        let act = bench.act(&roll_back(None)).await.expect("carried out");
        assert!(matches!(act.steps[0].1, StepState::Unknown(_)), "nobody reads evidence here: {act:?}");
        assert_eq!(audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall).steps, act.steps);
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_looked_at_and_goes_on_if_it_happened() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.loses_answer = true);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((act.outcome, act.can_undo, bench.cluster.sent().len()), (Outcome::Done, true, 1));
    let found = act.steps.iter().any(|(_, state)| {
        matches!(state, StepState::Done(says) if says.contains("no answer came, but the template is in force"))
    });
    assert!(found, "{act:?}");
    let StepState::Done(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("411 10/10 ready"), "{says}");
}

#[tokio::test]
async fn pods_that_no_controller_replaces_are_watched_by_themselves() {
    let state = watched(|found| found.workload.rollout.state = RolloutState::Unavailable).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains("411 10/10 ready")), "{state:?}");
}

#[tokio::test]
async fn a_rollout_that_waits_at_a_pause_is_said() {
    let says = unmet(|found| {
        is_underway(found, 9);
        found.workload.rollout.words = "Paused - CanaryPauseStep".into();
    });
    let says = says.await;
    assert!(says.contains("Paused - CanaryPauseStep"), "{says}");
}

#[tokio::test]
async fn what_is_set_again_during_the_act_ends_its_watch_and_is_said_with_its_author() {
    let mut bench = Bench::new();
    let reverts = |found: &mut WorkloadInspection| {
        found.template = inspection().template;
        found.changes = vec![("argocd-controller".into(), now().wall)];
    };
    bench.cluster.with(|cluster| cluster.after = Some(reverts));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let StepState::Refused(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.starts_with("what was rolled away from is set again: 'argocd-controller' changed"), "{says}");
    assert_eq!((act.outcome, act.away.as_deref()), (Outcome::Done, Some("myapp-412")));
    let left = act.left.expect("the answer told the generation");
    assert_eq!(left.generation, bench.cluster.with(|cluster| cluster.found.workload.generation));
    let past = audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall);
    assert_eq!(past.left, Some(left), "after a restart of midwatch too");
}

#[tokio::test]
async fn an_undo_knows_what_it_took_away() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let act = bench.act(&Request::Undo { act: 1 }).await.expect("carried out");
    assert_eq!((act.outcome, act.away.as_deref(), act.left.is_some()), (Outcome::Done, Some("myapp-411"), true));
}

#[tokio::test]
async fn what_is_watched_is_not_inspected_again_for_a_plan() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.after = Some(|found| is_underway(found, 9)));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let inspected = bench.cluster.with(|cluster| cluster.inspected);
    bench.execute(plan).await.expect("carried out");
    let (after, glances) = bench.cluster.with(|cluster| (cluster.inspected, cluster.glances));
    assert!(after == inspected && glances > 2, "{inspected} {after} {glances}");
}

#[tokio::test]
async fn pods_that_cannot_be_read_any_more_have_not_arrived() {
    let says = unmet(|found| {
        found.pods.clear();
        found.unread.pods = Some("forbidden".into());
    });
    let says = says.await;
    assert!(says.ends_with("411: pods could not be read: forbidden"), "{says}");
}

/// Of ten, those below number 7 keep 412.
#[tokio::test]
async fn below_a_partition_nothing_is_waited_for_and_above_it_all_of_them() {
    fn partitioned(found: &mut WorkloadInspection) {
        found.partition = 7;
        found.pods.iter_mut().take(7).for_each(|kept| *kept = pod(&kept.key.name, "412", true));
        found.workload.updated = 3;
        found.workload.rollout.words = "partitioned roll out complete: 3 new pods have been updated...".into();
    }
    let StepState::Done(says) = watched(partitioned).await else { panic!("it is there") };
    assert!(says.starts_with("411 3/3 ready, partitioned roll out complete: 3 new pods"), "{says}");
    assert!(says.contains("every pod from number 7 on runs @"), "{says}");
    let says = unmet(|found| {
        partitioned(found);
        found.pods[8] = pod("pod-8", "412", true);
        (found.workload.updated, found.workload.rollout.state) = (2, RolloutState::Progressing);
        found.workload.rollout.words =
            "Waiting for partitioned roll out to finish: 2 out of 3 new pods have been updated...".into();
    });
    let says = says.await;
    assert!(
        says.contains("411 2/3 ready, 1 of other versions, Waiting for partitioned roll out to finish: 2"),
        "{says}"
    );
    let says = unmet(|found| {
        partitioned(found);
        found.pods.remove(2);
        is_underway(found, 9);
    });
    assert!(says.await.contains("not there"), "one below it is missing");
}

/// The last step of a scale from 10 to 4.
async fn scaled(after: fn(&mut WorkloadInspection)) -> StepState {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.after = Some(after));
    let act = bench.act(&Request::Scale { workload: myapp(), replicas: 4 }).await.expect("carried out");
    act.steps.last().expect("it is watched").1.clone()
}

#[tokio::test]
async fn fewer_pods_are_there_when_the_others_go() {
    let state = scaled(|found| found.pods.extend((0..2).map(|n| pod(&format!("more-{n}"), "412", true)))).await;
    let StepState::Unknown(says) = state else { panic!("{state:?}") };
    assert!(says.contains("4/4 ready") && says.contains("2 to go"), "{says}");
    let state = scaled(|_| ()).await;
    assert!(matches!(&state, StepState::Done(says) if says.contains("4/4 ready")), "{state:?}");
}

#[tokio::test]
async fn a_number_that_somebody_sets_again_is_not_the_one_that_was_asked_for() {
    let state = scaled(|found| found.workload.desired = 10).await;
    let StepState::Refused(says) = state else { panic!("{state:?}") };
    assert!(says.starts_with("somebody set 10 replicas again"), "{says}");
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_not_looked_for_any_longer() {
    let mut bench = Bench::new();
    let plan = bench.plan(&Request::Scale { workload: myapp(), replicas: 14 }).await.expect("a plan");
    bench.cluster.with(|cluster| cluster.is_gone = true);
    let act = bench.execute(plan).await.expect("carried out");
    let StepState::Refused(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert_eq!(says, "it is gone");
    assert_eq!(bench.cluster.with(|cluster| cluster.glances), 1);
}
