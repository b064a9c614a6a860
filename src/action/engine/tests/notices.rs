//! Others are told on the workload itself, and an act is none the worse where that fails.

use super::*;
use crate::{
    action::testing::{application, of_release, release},
    model::{alert::AlertKey, kubernetes::Manager},
};

fn told(bench: &Bench) -> Vec<(&'static str, String)> {
    bench.cluster.with(|cluster| cluster.notices.iter().map(|one| (one.reason, one.message.to_string())).collect())
}

#[tokio::test]
async fn an_act_is_told_once_on_its_workload() {
    let mut bench = Bench::new();
    let alert = AlertKey { backend: BackendId::new("am"), fingerprint: "f1".into() };
    let request = Request::RollBack { workload: myapp(), to: None, alert: Some(alert) };
    bench.act(&request).await.expect("carried out");
    let uid = bench.cluster.with(|cluster| cluster.notices[0].uid.clone());
    assert_eq!(uid, "uid-myapp");
    let all = told(&bench);
    let [("RolledBack", says)] = all.as_slice() else { panic!("{all:?}") };
    assert!(says.starts_with("ROLL BACK deploy/myapp 412 -> 411"), "{says}");
    assert!(says.ends_with(" with midwatch (act 1), for f1"), "{says}");
    bench.act(&Request::Undo { act: 1 }).await.expect("carried out");
    bench.act(&Request::Scale { workload: myapp(), replicas: 4 }).await.expect("carried out");
    let reasons: Vec<&str> = told(&bench).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, ["RolledBack", "Undone", "Scaled"]);
}

/// What is written names a release or an application.
#[tokio::test]
async fn a_rollback_by_helm_or_argo_cd_is_told_on_the_workload_too() {
    let mut of_argo = inspection();
    of_argo.workload.managed_by = vec![Manager::ArgoCd { application: "myapp".into() }];
    of_argo.owners = Ok(vec![application()]);
    for found in [of_release(release()), of_argo] {
        let mut bench = Bench::with(FakeCluster::new(found), "audit.jsonl");
        let act = bench.act(&roll_back(None)).await.expect("carried out");
        let notices = bench.cluster.with(|cluster| cluster.notices.clone());
        let [notice] = notices.as_slice() else { panic!("{notices:?}, {act:?}") };
        assert_eq!((&notice.workload, notice.uid.as_str(), notice.reason), (&myapp(), "uid-myapp", "RolledBack"));
    }
}

#[tokio::test]
async fn word_that_is_not_taken_changes_nothing_of_the_act() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.refuses_notices = Some("events is forbidden".into()));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, true));
    let StepState::Done(says) = &act.steps[1].1 else { panic!("{act:?}") };
    assert!(says.ends_with("; no Event says so: events is forbidden"), "{says}");
    assert!(matches!(&act.steps.last().expect("steps").1, StepState::Done(_)), "it is watched to its end");
}

#[tokio::test]
async fn of_what_was_not_done_nobody_is_told() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.answers = vec![ActionError::Moved("bob was faster".into())]);
    bench.act(&roll_back(None)).await.expect("carried out");
    assert!(told(&bench).is_empty());
}
