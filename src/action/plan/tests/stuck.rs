//! Pods that hold up a set in its order, and pods that no controller replaces.

use super::*;
use crate::model::{
    Level,
    kubernetes::{RolloutState, WorkloadKey},
};

/// The versions whose pods a plan deletes where they block the order.
fn deleted(plan: &Plan) -> Vec<&str> {
    let of = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Write(Write::DeleteUnready { of, .. }) => Some(of),
        _ => None,
    });
    of.flatten().map(Clean::as_str).collect()
}

#[test]
fn a_stuck_statefulset_needs_its_broken_pods_deleted() {
    let request = Request::RollBack {
        workload: WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() },
        to: None,
        alert: None,
    };
    let mut found = inspection();
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.is_ordered = true;
    let plan = planned(&request, found.clone()).expect("a plan");
    assert!(look(&plan, "B13").contains("new-4"));
    assert_eq!(deleted(&plan), ["hash410", "hash412"], "never a pod of the version that is wanted");
    assert_eq!(plan.equivalent.last().expect("lines"), "kubectl --context prod-eu1 -n production delete pod new-4");
    let stuck = found.clone();
    found.may_delete_pods = Ok(false);
    let plan = planned(&request, found.clone()).expect("a plan");
    assert!(look(&plan, "B13").contains("`kubectl --context prod-eu1 -n production delete pod new-4`"));
    assert_eq!(deleted(&plan), [""; 0]);
    found.pods = vec![pod("db-0", "412", true)];
    assert!(matches!(result(&planned(&request, found).expect("a plan"), "B13"), CheckResult::Ok(_)));

    // One that only starts holds it up as well, and may never get ready: readiness tells, not how bad it looks.
    let mut starting = stuck.clone();
    starting.pods[8].level = Level::Progress;
    assert_eq!(deleted(&planned(&request, starting).expect("a plan")).len(), 2);
    let mut parallel = stuck;
    parallel.is_ordered = false;
    let plan = planned(&request, parallel).expect("a plan");
    assert_eq!(deleted(&plan), [""; 0], "no pod waits for another: its controller replaces them all");
    assert!(matches!(result(&plan, "B13"), CheckResult::Ok(_)));
}

#[test]
fn a_broken_pod_that_finalizers_keep_is_said_to_stay() {
    let request = Request::RollBack {
        workload: WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() },
        to: None,
        alert: None,
    };
    let mut found = inspection();
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.is_ordered = true;
    let broken = found.pods.iter().position(|pod| pod.key.name == "new-4").expect("it is there");
    found.pods[broken].finalizers = Box::new(["acme.example/hold".into()]);
    let says = |found: &WorkloadInspection| look(&planned(&request, found.clone()).expect("a plan"), "B13");
    let stays = "new-4 stays until these are done: acme.example/hold";
    assert!(says(&found).ends_with(&format!("new-4 deleted after it; {stays}")), "{}", says(&found));
    let mut forbidden = found.clone();
    forbidden.may_delete_pods = Ok(false);
    assert!(says(&forbidden).ends_with(&format!("must follow; {stays}")), "{}", says(&forbidden));
    // Deleted already: nothing is left to delete, and it blocks the order all the same.
    found.pods[broken].deleting_since = Some(ago(4));
    assert_eq!(says(&found), format!("its controller waits for the end of what is deleted: {stays}"));
}

#[test]
fn pods_that_come_and_go_during_a_rollout_are_no_other_plan() {
    let request = Request::RollBack {
        workload: WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() },
        to: None,
        alert: None,
    };
    let mut found = inspection();
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.is_ordered = true;
    let stuck = planned(&request, found.clone()).expect("a plan");
    found.pods.retain(|pod| pod.is_ready);
    let calm = planned(&request, found.clone()).expect("a plan");
    assert_ne!(stuck.steps.len(), calm.steps.len());
    assert_eq!((stuck.moved_to(&calm), calm.moved_to(&stuck)), (None, None));
    // Nor is the version that is wanted told apart by them.
    found.template = template_of("413", "1Gi", "warn");
    found.revisions[0].template = found.template.clone();
    assert!(calm.moved_to(&planned(&request, found).expect("a plan")).is_some());
}

#[test]
fn pods_that_no_controller_replaces_are_said() {
    let on_delete = with(|found| found.workload.rollout.state = RolloutState::Unavailable);
    assert!(look(&on_delete, "B13").contains("OnDelete"));
    assert!(look(&with(|found| found.partition = 2), "B13").contains("below number 2"));
    // kubectl's words of every StatefulSet that is done: a partition of none.
    let done = with(|found| found.workload.rollout.words = "partitioned roll out complete: 2 new pods".into());
    assert!(matches!(result(&done, "B13"), CheckResult::Ok(_)));
}

#[test]
fn a_broken_pod_below_the_partition_is_not_deleted_and_is_said_to_hold_up_everything() {
    let request = Request::RollBack {
        workload: WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() },
        to: None,
        alert: None,
    };
    let mut found = inspection();
    found.workload.key.kind = WorkloadKind::StatefulSet;
    found.is_ordered = true;
    found.partition = 5;
    let plan = planned(&request, found.clone()).expect("a plan");
    assert_eq!(deleted(&plan), [""; 0], "it would come back as it was");
    assert!(look(&plan, "B13").contains("waits for new-4: not ready below the partition"));
    found.partition = 4;
    assert_eq!(deleted(&planned(&request, found).expect("a plan")), ["hash410", "hash412"]);
}
