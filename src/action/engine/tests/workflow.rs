//! Rollbacks that a workflow carries out: it is started, and what it does to the cluster is watched.

use super::*;
use crate::action::executor::Executor;

/// The act, where the workflow makes that of the cluster.
async fn carried_out(does: impl Fn(&FakeCluster) + Send + Sync + 'static) -> (Act, Vec<Write>, Vec<Write>) {
    let mut bench = Bench::new();
    bench.settings.services[0].rollback = vec![Executor::parse("workflow:rollback.yml?tag={tag}").expect("one")];
    let cluster = bench.cluster.clone();
    let host = FakeHost::new(run_inspection(RunState::Running), move || does(&cluster));
    bench.engine.add_operator(Arc::new(host.clone()));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let started = host.sent.lock().expect("unpoisoned").clone();
    (act, started, bench.cluster.sent())
}

#[tokio::test]
async fn a_workflow_is_started_and_watched_until_the_pods_run_its_version() {
    let (act, started, sent) =
        carried_out(|cluster| cluster.with(|cluster| cluster.become_template(template_of("411", "512Mi", "info"))))
            .await;
    let [Write::DispatchWorkflow { file, inputs, .. }] = started.as_slice() else { panic!("{started:?}") };
    assert_eq!((file.as_str(), inputs["tag"].as_str(), sent), ("rollback.yml", "411", vec![]));
    let StepState::Done(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("411 10/10 ready"), "{says}");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, false), "U has no patch to send back");

    let (act, ..) = carried_out(|_| ()).await;
    let StepState::Unknown(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("411 4/10 ready, 5 of other versions"), "it did nothing: {says}");
}

/// The workflow has started and done nothing yet; what is live is well, and both versions have one image.
#[tokio::test]
async fn pods_that_are_well_have_not_arrived_while_the_template_is_the_one_it_goes_away_from() {
    let mut bench = Bench::new();
    bench.settings.services[0].rollback = vec![Executor::parse("workflow:rollback.yml?rev={revision}").expect("one")];
    bench.cluster.with(|cluster| {
        cluster.become_template(template_of("412", "1Gi", "warn"));
        cluster.found.revisions[1].template = template_of("412", "512Mi", "info");
    });
    bench.engine.add_operator(Arc::new(FakeHost::new(run_inspection(RunState::Running), || {})));
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let StepState::Unknown(says) = &act.steps.last().expect("it is watched").1 else { panic!("{act:?}") };
    assert!(says.contains("10/10 ready") && says.ends_with("but of the template that it goes away from"), "{says}");
}
