//! A Helm release that goes back, with every workload of it: over fakes, and what is read of one on the demo's API server.

use std::collections::BTreeSet;

use super::{responder::Responder, *};
use crate::{
    action::{
        WorkloadInspection,
        plan::Watched,
        registry::Registered,
        testing::{FakeRegistry, digest_of, of_release, release, store_key, the_store},
    },
    model::kubernetes::{WorkloadKey, WorkloadKind},
    operator::kubernetes::{ClusterOperator, Helm},
    source::kubernetes::tests::on_demo,
};

fn bench() -> Bench {
    let cluster = FakeCluster::new(of_release(release()));
    cluster.with(|cluster| cluster.others.push(the_store()));
    Bench::with(cluster, "audit.jsonl")
}

fn checks(plan: &Plan, id: &str) -> String {
    let all: Vec<String> =
        plan.checks.iter().filter(|check| check.id == *id).map(|check| format!("{:?}", check.result)).collect();
    assert!(!all.is_empty(), "{id} is left out");
    all.join("\n")
}

/// The last step of the rollback, where the cluster leaves its workloads so.
async fn watched(after: Option<fn(&mut WorkloadInspection)>) -> (Act, StepState) {
    let mut bench = bench();
    bench.cluster.with(|cluster| cluster.after = after);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let last = act.steps.last().expect("it is watched").1.clone();
    (act, last)
}

#[tokio::test]
async fn a_release_goes_back_by_helm_and_each_workload_is_watched_to_its_image() {
    let mut bench = bench();
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, true), "{act:?}");
    let sent = bench.cluster.sent();
    let [Write::HelmRollback { from: 8, to: 7, .. }, Write::DeleteUnready { workload, .. }] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(workload.to_string(), "sts/store");
    let StepState::Done(says) = &act.steps.last().expect("steps").1 else { panic!("{act:?}") };
    let digest = digest_of("411");
    let digest = crate::model::kubernetes::short_digest(&digest);
    assert_eq!(
        says.as_str(),
        format!(
            "deploy/myapp: 411 10/10 ready, every pod runs @{digest}; sts/store: 411 3/3 ready, every pod runs @{digest}"
        )
    );
}

#[tokio::test]
async fn a_workload_of_it_that_runs_another_image_or_was_not_seen_yet_is_not_there() {
    let (act, state) = watched(Some(|found| {
        if found.workload.key.kind == WorkloadKind::StatefulSet {
            found.pods[0].containers[0].digest = Some(digest_of("999"));
        }
    }))
    .await;
    let StepState::Unknown(says) = state else { panic!("{state:?}") };
    assert_eq!(act.outcome, Outcome::Done, "what Helm did stands");
    assert!(says.contains("sts/store: 411 3/3 ready, 1 run another image than it; deploy/myapp: "), "{says}");
    let (_, state) = watched(Some(|found| {
        if found.workload.key.kind == WorkloadKind::StatefulSet {
            found.workload.observed_generation -= 1;
        }
    }))
    .await;
    let StepState::Unknown(says) = state else { panic!("{state:?}") };
    assert!(says.contains("sts/store: 411 3/3 ready, not yet seen by its controller"), "{says}");
}

#[tokio::test]
async fn a_pod_of_each_workload_is_rehearsed_and_each_image_is_asked_for() {
    let mut bench = bench();
    let there = Registered::There { digest: digest_of("411"), parts: BTreeSet::new() };
    let registry = FakeRegistry::new(Some(Ok(there)));
    bench.engine.add_registry(registry.clone());
    let refused = ActionError::Refused("exceeded quota: compute".into());
    bench.cluster.with(|cluster| cluster.refuses_pods.push((store_key(), refused)));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let found = checks(&plan, "B15");
    assert!(found.contains("Stop(\"sts/store: a pod of it would be refused: exceeded quota"), "{found}");
    assert!(checks(&plan, "B11").contains("in the registry"), "{}", checks(&plan, "B11"));
    let asked = registry.asked.lock().expect("unpoisoned").clone();
    assert_eq!(
        asked.iter().map(|(image, _)| image.as_str()).collect::<Vec<_>>(),
        ["registry.example/acme/myapp:411"; 2]
    );
    // Its own pod is another question.
    bench.cluster.with(|cluster| cluster.refuses_pods[0].0 = myapp());
    let found = checks(&bench.plan(&roll_back(None)).await.expect("a plan"), "B15");
    assert!(found.contains("Stop(\"deploy/myapp: a pod of it"), "{found}");
}

#[tokio::test]
async fn a_workload_that_does_not_answer_holds_up_no_plan() {
    let mut bench = bench();
    bench.cluster.with(|cluster| cluster.others[0].workload.key.name = "another".into());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    for id in ["B2", "B3", "B13", "B15", "B16"] {
        let found = checks(&plan, id);
        assert!(found.contains("NotChecked(\"sts/store: the fake has no such workload"), "{id}: {found}");
    }
}

#[tokio::test]
async fn its_undo_has_the_same_checks_and_goes_through_helm() {
    let mut bench = bench();
    bench.act(&roll_back(None)).await.expect("carried out");
    bench.cluster.with(|cluster| {
        let broken = pod("store-1", "411", false);
        cluster.others[0].pods[1] = broken;
    });
    let undo = Request::Undo { act: 1 };
    let plan = bench.plan(&undo).await.expect("a plan");
    (1..=16).for_each(|id| drop(checks(&plan, &format!("B{id}"))));
    assert!(!checks(&plan, "B5").contains("Stop"), "its own rollback is nobody else's: {}", checks(&plan, "B5"));
    assert!(checks(&plan, "B8").contains("deploy/myapp, sts/store: LOG_LEVEL info -> warn"), "{}", checks(&plan, "B8"));
    assert_eq!(
        plan.equivalent,
        [
            "helm --kube-context prod-eu1 -n production rollback shop 8",
            "kubectl --context prod-eu1 -n production delete pod store-1"
        ]
    );
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    let sent = bench.cluster.sent();
    let [_, _, Write::HelmRollback { from: 9, to: 8, .. }, Write::DeleteUnready { .. }] = sent.as_slice() else {
        panic!("{sent:?}")
    };
}

/// Revision 9 is there, kept by Helm as of revision 7.
fn is_at_nine(bench: &Bench, status: &str, description: &str) {
    bench.cluster.with(|cluster| {
        let Some(Ok(release)) = &mut cluster.found.release else { panic!("it is of a release") };
        release.revisions.retain(|one| one.number != 9);
        let mut made = release.revisions.iter().find(|one| one.number == 7).expect("it is kept").clone();
        (made.number, made.status) = (9, Clean::line(status));
        made.body.as_mut().expect("it is readable").description = Clean::line(description);
        release.revisions.insert(0, made);
    });
}

/// What of it was applied Helm does not tell: that it left nothing to undo is not known.
#[tokio::test]
async fn a_rollback_of_helm_that_failed_is_undone_and_one_that_has_not_ended_is_not() {
    let mut bench = bench();
    bench.cluster.with(|cluster| cluster.answers = vec![ActionError::Unknown("a hook failed".into())]);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Unknown);
    let undo = Request::Undo { act: act.number };
    is_at_nine(&bench, "failed", "Rollback \"shop\" failed: a hook failed");
    let plan = bench.plan(&undo).await.expect("a plan");
    assert!(plan.title.starts_with("UNDO act 1: ") && plan.title.ends_with(" -> 8"), "{}", plan.title);
    let (_, sent) = plan.facts.iter().find(|(name, _)| *name == *"SENT").expect("it is said");
    assert!(sent.ends_with("revision 9 is failed. What of it was applied is not known"), "{sent}");
    is_at_nine(&bench, "pending-rollback", "Rollback to 7");
    let says = bench.plan(&undo).await.expect_err("it goes on");
    assert!(says.contains("has not ended. 'helm rollback shop 7") && !says.contains("did not arrive"), "{says}");
    // Somebody else's upgrade took the number.
    is_at_nine(&bench, "failed", "Upgrade \"shop\" failed: timed out");
    let says = bench.plan(&undo).await.expect_err("nothing of it is there");
    assert!(says.contains("left nothing to undo"), "{says}");
}

#[tokio::test]
async fn the_demos_releases_are_read_into_every_check() {
    let demo = on_demo::hurried(1.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let ana = Responder::new("ana", &cluster);
    for (namespace, kind, name) in
        [("logging", WorkloadKind::DaemonSet, "fluentd"), ("production", WorkloadKind::StatefulSet, "postgres")]
    {
        let workload =
            WorkloadKey { cluster: cluster.id().clone(), namespace: namespace.into(), kind, name: name.into() };
        let ran = ana.ask(Request::RollBack { workload, to: None, alert: None }, Given::default()).await;
        let plan = ran.plan.unwrap_or_else(|| panic!("no plan of {name}: {}", ran.says));
        (1..=16).for_each(|id| drop(checks(&plan, &format!("B{id}"))));
        assert!(plan.equivalent[0].contains("helm --kube-context"), "{:?}", plan.equivalent);
        // A pod of the chart's template, as an apply would leave it, passed the server's dry run.
        let found = checks(&plan, "B15");
        assert!(!found.contains("Stop") && !found.contains("could not be rehearsed"), "{found}");
        assert!(checks(&plan, "B8").contains("only the image differs"), "{}", checks(&plan, "B8"));
        for id in ["B9", "B10", "B16"] {
            let found = checks(&plan, id);
            assert!(!found.contains("was not read") && !found.contains("were not read"), "{id}: {found}");
        }
        let Some(StepKind::Watch(wanted)) = plan.steps.last().map(|step| &step.kind) else {
            panic!("{:?}", plan.steps)
        };
        let Watched::Rollout(wanted) = &**wanted else { panic!("{wanted:?}") };
        assert!(wanted.hash.is_some(), "what was rendered is the kept revision's template: {wanted:?}");
    }
}

#[tokio::test]
async fn a_workload_of_it_that_is_gone_hides_none_of_the_others() {
    let mut bench = bench();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    bench.cluster.with(|cluster| cluster.others[0].workload.key.name = "another".into());
    let act = bench.execute(plan).await.expect("carried out");
    let StepState::Refused(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("sts/store: it is gone; deploy/myapp: 411 10/10 ready"), "{says}");
}

/// Without a shell it would be no `helm`: it passes the rehearsal, and is killed before it has begun.
#[cfg(unix)]
#[tokio::test]
async fn a_helm_that_is_killed_is_looked_at_in_the_releases_history() {
    let demo = on_demo::hurried(1.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let ana = Responder::new("ana", &cluster);
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("helm");
    let script = "#!/bin/sh\ncase \"$*\" in *--dry-run*) exit 0 ;; esac\nkill -9 $$\n";
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may be run");
    let operator = ClusterOperator::new(cluster.writer().expect("not read-only")).with_helm(Helm { program });
    ana.engine.add_operator(Arc::new(operator));
    let workload = WorkloadKey {
        cluster: cluster.id().clone(),
        namespace: "logging".into(),
        kind: WorkloadKind::DaemonSet,
        name: "fluentd".into(),
    };
    let ran = ana.act(Request::RollBack { workload, to: None, alert: None }).await;
    let act = ran.act.unwrap_or_else(|| panic!("{}", ran.says));
    assert_eq!(act.outcome, Outcome::Unknown, "{act:?}");
    // The first step keeps evidence.
    let unknown = act.steps.iter().skip(1).find_map(|(_, state)| match state {
        StepState::Unknown(says) => Some(says.as_str()),
        _ => None,
    });
    let says = unknown.unwrap_or_else(|| panic!("{act:?}"));
    assert!(says.contains("signal: 9") && says.contains("It did not arrive, or not yet"), "{says}");
    assert!(says.contains("release 'logging/logs' stands at revision 4, deployed; it has none of number 5"), "{says}");
}
