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

fn fact(plan: &Plan, name: &str) -> String {
    plan.facts.iter().find(|(other, _)| other == name).expect("it is said").1.to_string()
}

fn then(plan: &Plan) -> String {
    fact(plan, "THEN")
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
    assert!(look(&busy, "B7").starts_with("under way: "));
    let failed = restarted(|found| found.workload.rollout.state = RolloutState::Failed);
    assert!(look(&failed, "B7").starts_with("the last one did not arrive: "));
    assert!(look(&restarted(|found| found.workload.recreates = true), "B15").contains("all pods stop first"));
    assert!(look(&restarted(|found| found.workload.desired = 1), "B15").contains("a moment of downtime"));
    let applied = restarted(|found| found.warnings = vec!["it was applied from a file: the next apply".into()]);
    assert!(!applied.checks.iter().any(|check| check.name == "applied"), "no file says a restart");
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
    assert_eq!(then(&by_hand), "412, each pod replaced when you delete it");
    let held = restarted(|found| {
        ordered(found);
        found.pods.retain(|pod| pod.is_ready);
        found.partition = 8;
    });
    assert!(look(&held, "B13").contains("below number 8"));
    assert_eq!(
        (then(&held), ok(&held, "B15")),
        ("412, pods from number 8 on replaced".to_owned(), "2 pods, one after the other".to_owned(),)
    );
}

#[test]
fn while_several_versions_have_pods_each_is_named() {
    let last = |plan: &Plan| plan.steps.last().expect("it is watched").says.to_string();
    let half = restarted(|_| ());
    let now = fact(&half, "NOW");
    assert_eq!((now.as_str(), then(&half).as_str()), ("5 on 412, 4 on 411   8 of 10 ready", "412, every pod replaced"));
    assert_eq!(last(&half), "watch until 10 of 10 are ready on 412");
    let canary = restarted(|found| found.workload.key.kind = WorkloadKind::Rollout);
    assert_eq!(then(&canary), "each on its own version, every pod replaced");
    assert_eq!(last(&canary), "watch until 10 of 10 are ready", "of either version");
    let one = restarted(|found| found.pods.retain(|pod| pod.hash.as_deref() == Some("hash412")));
    assert_eq!(then(&one), "the same version, every pod replaced");
    assert_eq!(fact(&one, "NOW"), "myapp:412   8 of 10 ready");
    // The tag of both is the same.
    let again = restarted(|found| {
        found.revisions[1].template = template_of("412", "512Mi", "info");
    });
    assert_eq!(fact(&again, "NOW"), "5 on rev 14, 4 on rev 13   8 of 10 ready");
    let scaled = |found: WorkloadInspection| {
        planned(&Request::Scale { workload: myapp(), replicas: 12 }, found).expect("a plan")
    };
    let half = scaled(inspection());
    assert_eq!(
        (fact(&half, "FROM").as_str(), fact(&half, "TO").as_str()),
        ("10 replicas, 8 ready: 5 on 412, 4 on 411", "12 replicas")
    );
    assert_eq!(last(&half), "watch until 12 of 12 are ready");
    let mut found = inspection();
    found.pods.retain(|pod| pod.hash.as_deref() == Some("hash412"));
    assert_eq!(last(&scaled(found)), "watch until 12 of 12 are ready on 412");
}
