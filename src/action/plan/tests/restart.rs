//! A restart: the version stays, and every pod is another one.

use super::*;
use crate::{
    action::{WorkloadInspection, equivalent::kubectl_on},
    model::kubernetes::RolloutState,
};

fn restarted(change: impl FnOnce(&mut WorkloadInspection)) -> Plan {
    let mut found = inspection();
    (found.workload.rollout.state, found.workload.updated) = (RolloutState::Done, 10);
    change(&mut found);
    let request = Request::Restart { workload: found.workload.key.clone() };
    planned(&request, found).expect("a plan")
}

fn ok(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Ok(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn ordered(found: &mut WorkloadInspection) {
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.is_ordered = true;
}

#[test]
fn what_goes_on_what_it_costs_and_whether_there_is_room_is_said() {
    let calm = restarted(|_| ());
    assert_eq!(ok(&calm, "B7"), "no rollout is under way");
    assert_eq!(ok(&calm, "B15"), "10 pods, one after the other");
    assert!(ok(&calm, "B12").starts_with("3 pods more at once"), "{}", ok(&calm, "B12"));
    let busy = restarted(|found| found.workload.rollout.state = RolloutState::Progressing);
    assert!(look(&busy, "B7").starts_with("a rollout is under way"));
    assert!(look(&restarted(|found| found.workload.recreates = true), "B15").contains("all pods stop first"));
    assert!(look(&restarted(|found| found.workload.desired = 1), "B15").contains("a moment of downtime"));
    let full = restarted(|found| {
        let limit = QuotaLimit { resource: "pods".into(), hard: "10".into(), used: "10".into() };
        found.quotas = Ok(vec![Quota { name: "q".into(), is_scoped: false, limits: vec![limit] }]);
    });
    assert!(look(&full, "B12").contains("has 0 pods left, 3 pods at once want 3"));
}

#[test]
fn only_pods_of_no_version_that_there_was_count() {
    let others = &watched(&restarted(|_| ())).others.clone();
    assert_eq!(others.iter().map(Clean::as_str).collect::<Vec<_>>(), ["hash410", "hash411", "hash412"]);
}

#[test]
fn a_broken_pod_that_holds_up_the_order_is_deleted_after_it() {
    let plan = restarted(ordered);
    let [keep, restart, delete, watch] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    assert!(matches!(keep.kind, StepKind::KeepEvidence { .. }) && matches!(watch.kind, StepKind::Watch(_)));
    assert!(matches!(restart.kind, StepKind::Write(Write::Restart { .. })));
    assert!(matches!(&delete.kind, StepKind::Write(Write::DeleteUnready { of, .. }) if of.contains("hash412")));
    assert!(look(&plan, "B13").contains("new-4 deleted after it"), "{}", look(&plan, "B13"));
    assert_eq!(plan.blocked, None, "the deletion is rehearsed too");
    let (kubectl, _) = kubectl_on(&settings(), &myapp());
    assert_eq!(plan.equivalent[1].as_str(), format!("{kubectl} delete pod new-4"));
    let calm = restarted(|found| {
        ordered(found);
        found.pods.retain(|pod| pod.is_ready);
    });
    assert_eq!((calm.steps.len(), ok(&calm, "B13")), (3, "no broken pod blocks the order".to_owned()));
}

#[test]
fn pods_that_no_controller_replaces_are_not_promised() {
    let by_hand = restarted(|found| {
        found.workload.key.kind = WorkloadKind::DaemonSet;
        found.workload.rollout.state = RolloutState::Unavailable;
    });
    assert!(look(&by_hand, "B13").starts_with("OnDelete: its controller replaces no pod"));
    assert_eq!(ok(&by_hand, "B15"), "no pod stops by itself");
    let then = |plan: &Plan| plan.facts.iter().find(|(name, _)| name == "THEN").expect("it is said").1.to_string();
    assert_eq!(then(&by_hand), "the same version, each pod replaced when you delete it");
    let held = restarted(|found| {
        ordered(found);
        found.pods.retain(|pod| pod.is_ready);
        found.partition = 8;
    });
    assert!(look(&held, "B13").contains("below number 8"));
    assert_eq!(
        (then(&held), ok(&held, "B15")),
        ("the same version, pods from number 8 on replaced".to_owned(), "2 pods, one after the other".to_owned(),)
    );
}
