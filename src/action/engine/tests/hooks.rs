//! A deploy that still runs is stopped first; what its hook then does to the workload decides what is left to do.

use futures::FutureExt as _;

use super::*;
use crate::{
    action::{Inspection, testing::host},
    source::SourceError,
};

/// A code host that takes questions and never answers.
struct Silent(BackendId);

impl Inspector for Silent {
    fn backend(&self) -> &BackendId {
        &self.0
    }

    fn inspect<'a>(&'a self, _request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        std::future::pending().boxed()
    }
}

impl Bench {
    /// A host whose runs can be stopped; the hook of a stopped one sets 411.
    fn host_that_mends(&self) -> FakeHost {
        let mended = self.cluster.clone();
        let host = FakeHost::new(run_inspection(RunState::Running), move || {
            mended.with(|cluster| cluster.become_template(template_of("411", "512Mi", "info")));
        });
        self.engine.add_inspector(Arc::new(host.clone()));
        self.engine.add_operator(Arc::new(host.clone()));
        host
    }
}

#[tokio::test]
async fn a_racing_deploy_is_stopped_first_and_the_template_read_again() {
    let mut bench = Bench::new();
    bench.store = store(vec![run(RunState::Running)]);
    let host = FakeHost::new(run_inspection(RunState::Running), || {});
    bench.engine.add_inspector(Arc::new(host.clone()));
    bench.engine.add_operator(Arc::new(host.clone()));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done, "{act:?}");
    assert!(matches!(host.sent.lock().expect("unpoisoned").as_slice(), [Write::CancelRun { .. }]));
    assert!(matches!(&act.steps[2].1, StepState::Done(says) if says.contains("as planned")));
    assert_eq!((bench.cluster.sent().len(), act.can_undo), (1, true));
}

#[tokio::test]
async fn a_hook_that_mends_it_leaves_nothing_to_do() {
    let mut bench = Bench::new();
    bench.store = store(vec![run(RunState::Running)]);
    bench.host_that_mends();
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    assert_eq!(bench.cluster.sent(), [], "no second undo");
    assert!(matches!(&act.steps[3].1, StepState::Skipped(says) if says.contains("mended")), "{act:?}");
    assert!(!act.can_undo, "the hook did it: back to 412 is no undo of ours");
    assert_eq!(audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall).steps, act.steps);
    let undo = bench.plan(&Request::Undo { act: act.number }).await.expect_err("nothing is taken back");
    assert!(undo.contains("changed nothing that could be taken back"), "{undo}");
}

/// Its hook sets 411; the other run would set 412 again.
#[tokio::test]
async fn a_hook_that_mends_it_leaves_the_other_runs_to_be_stopped() {
    let mut bench = Bench::new();
    let mut other = run(RunState::Running);
    (other.key.id, other.number) = (other.key.id + 1, other.number + 1);
    bench.store = store(vec![run(RunState::Running), other]);
    let host = bench.host_that_mends();
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let sent = host.sent.lock().expect("unpoisoned").clone();
    let [Write::CancelRun { run: one, .. }, Write::CancelRun { run: two, .. }] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_ne!(one, two);
    assert_eq!((act.outcome, bench.cluster.sent()), (Outcome::Done, vec![]));
}

#[tokio::test]
async fn a_hook_that_mends_it_leaves_the_pods_that_block_to_be_deleted() {
    let mut bench = Bench::new();
    bench.store = store(vec![run(RunState::Running)]);
    let workload = WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() };
    bench.cluster.with(|cluster| {
        cluster.found.workload.key = workload.clone();
        cluster.found.is_ordered = true;
    });
    bench.host_that_mends();
    let act = bench.act(&Request::RollBack { workload, to: None, alert: None }).await.expect("carried out");
    let sent = bench.cluster.sent();
    assert!(matches!(sent[..], [Write::DeleteUnready { .. }]), "its controller waits for them still: {sent:?}");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, false));
}

#[tokio::test]
async fn a_hook_that_does_something_else_stops_the_plan() {
    let mut bench = Bench::new();
    bench.store = store(vec![run(RunState::Running)]);
    let other = bench.cluster.clone();
    let host = FakeHost::new(run_inspection(RunState::Running), move || {
        other.with(|cluster| cluster.become_template(template_of("410", "512Mi", "info")));
    });
    bench.engine.add_inspector(Arc::new(host.clone()));
    bench.engine.add_operator(Arc::new(host));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Refused);
    assert_eq!(bench.cluster.sent(), []);
}

/// What the run that deployed the live version did beside it is worth a moment, and no more.
#[tokio::test]
async fn a_host_that_hangs_does_not_hold_a_rollback_up() {
    let bench = Bench::new();
    bench.engine.add_inspector(Arc::new(Silent(host())));
    let beside = crate::action::beside(&roll_back(None), None, &bench.store, &bench.settings);
    let beside = Beside { made: Some(run_key()), ..beside };
    let evidence = bench.engine.0.gather(&roll_back(None), &beside).await.expect("evidence");
    let why = evidence.made.expect("asked").expect_err("no answer");
    assert!(why.starts_with("no answer within 0.33"), "{why}: 2 s of the 30 for all");
}
