//! An undo is the plan of a rollback the other way: the same checks, the same steps.

use super::{responder::Responder, *};
use crate::{
    action::engine::headless::Exit,
    model::kubernetes::{WorkloadKey, WorkloadKind},
    source::kubernetes::tests::on_demo,
};

const UNDO: Request = Request::Undo { act: 1 };

fn check(plan: &Plan, id: &str) -> CheckResult {
    let found = plan.checks.iter().find(|check| check.id == *id);
    found.unwrap_or_else(|| panic!("{id} is left out")).result.clone()
}

fn ids(plan: &Plan) -> Vec<String> {
    let mut ids: Vec<String> = plan.checks.iter().map(|check| check.id.to_string()).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[tokio::test]
async fn an_undo_goes_back_and_refuses_what_it_did_not_leave() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let undo = Request::Undo { act: 1 };
    let plan = bench.plan(&undo).await.expect("a plan");
    assert_eq!(plan.title, "UNDO act 1: deploy/myapp 411 -> 412", "it points where it goes");
    let facts: Vec<&str> = plan.facts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(facts, ["OF", "FROM", "TO"]);
    let looks = plan.checks.iter().find(|check| matches!(check.result, CheckResult::Look(_)));
    let image = looks.expect("it is read first");
    assert!(
        matches!(&image.result, CheckResult::Look(says) if says.starts_with("known bad: act 1 left it ")),
        "{image:?}"
    );
    let [_, step, _] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    let StepKind::Write(Write::PatchTemplate { target, .. }) = &step.kind else { panic!("{step:?}") };
    assert!(template::is_same(target, &template_of("412", "1Gi", "warn")));
    // Somebody deploys 413 meanwhile.
    bench.cluster.with(|cluster| cluster.found.template = template_of("413", "1Gi", "warn"));
    let says = bench.plan(&undo).await.expect_err("refused");
    assert!(says.contains("not as act 1 left it") && says.contains("jenkins"), "{says}");
    bench.cluster.with(|cluster| cluster.become_template(template_of("411", "512Mi", "info")));
    let act = bench.act(&undo).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    assert!(template::is_same(&bench.cluster.with(|c| c.found.template.clone()), &template_of("412", "1Gi", "warn")));
    assert!(bench.plan(&Request::Undo { act: 9 }).await.expect_err("none").contains("no act 9"));
}

/// Pods of 411 that just start are no word for 412, which was gone away from.
#[tokio::test]
async fn while_it_still_rolls_out_the_undo_says_so_and_blames_nobody() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let none = bench.plan(&UNDO).await.expect("a plan");
    assert!(!none.checks.iter().any(|check| check.name == *"under way"), "{:?}", none.checks);
    bench.cluster.with(|cluster| {
        let found = &mut cluster.found;
        found.workload.rollout.state = crate::model::kubernetes::RolloutState::Progressing;
        found.workload.rollout.words = "4 out of 10 new replicas have been updated".into();
        found.pods = vec![pod("new-0", "411", false), pod("old-0", "412", true)];
    });
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let suspect = check(&plan, "B2");
    assert!(matches!(&suspect, CheckResult::NotChecked(says) if says.contains("act 1 went away")), "{suspect:?}");
    let under_way = plan.checks.iter().find(|check| check.name == *"under way").expect("it is said");
    let says = "act 1 still rolls out, and is turned round: 4 out of 10 new replicas have been updated";
    assert_eq!(under_way.result, CheckResult::Look(says.into()));
}

#[tokio::test]
async fn a_scale_is_undone_only_from_its_own_number() {
    let mut bench = Bench::new();
    let up = Request::Scale { workload: myapp(), replicas: 12 };
    assert_eq!(bench.act(&up).await.expect("carried out").outcome, Outcome::Done);
    bench.cluster.with(|cluster| cluster.found.workload.desired = 14);
    assert!(bench.plan(&Request::Undo { act: 1 }).await.expect_err("moved").contains("14 replicas now"));
    bench.cluster.with(|cluster| cluster.found.workload.desired = 12);
    let undone = bench.act(&Request::Undo { act: 1 }).await.expect("carried out");
    assert_eq!(undone.title, "UNDO act 1: deploy/myapp 12 -> 10");
    assert_eq!(bench.cluster.with(|cluster| cluster.found.workload.desired), 10);
}

#[tokio::test]
async fn it_has_every_check_of_the_rollback() {
    let mut bench = Bench::new();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    bench.act(&roll_back(None)).await.expect("carried out");
    bench.cluster.with(|cluster| cluster.found.changes.insert(0, ("ana with midwatch".into(), now().wall)));
    let undo = bench.plan(&UNDO).await.expect("a plan");
    assert_eq!(ids(&undo), ids(&plan));
    let own = check(&undo, "B5");
    assert!(matches!(&own, CheckResult::Ok(says) if says.contains("its own deploy and act 1")), "{own:?}");
    let also = check(&undo, "B8");
    assert!(matches!(&also, CheckResult::Look(says) if says.contains("LOG_LEVEL info -> warn")), "{also:?}");
    let image = check(&undo, "B11");
    assert!(matches!(&image, CheckResult::Look(says) if says.contains("known bad: act 1")), "{image:?}");
    let capacity = check(&undo, "B12");
    assert!(matches!(&capacity, CheckResult::Ok(says) if says.contains("3 pods more at once")), "{capacity:?}");
    // Somebody else's act since is another hand.
    bench
        .cluster
        .with(|cluster| cluster.found.changes.insert(0, ("kubectl-edit".into(), crate::action::testing::ago(5))));
    let other = check(&bench.plan(&UNDO).await.expect("a plan"), "B5");
    assert!(matches!(&other, CheckResult::Look(says) if says.contains("'kubectl-edit'")), "{other:?}");
}

#[tokio::test]
async fn what_kubectl_can_do_too_is_its_line() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert_eq!(
        plan.equivalent,
        ["kubectl --context prod-eu1 -n production rollout undo deployment/myapp --to-revision=14"]
    );
    // A template that no history has is no revision's.
    bench.cluster.with(|cluster| cluster.found.revisions.retain(|revision| revision.number != 14));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert!(plan.equivalent[0].starts_with("# no history has it"), "{:?}", plan.equivalent);
    let mut bench = Bench::new();
    bench.act(&Request::Scale { workload: myapp(), replicas: 12 }).await.expect("carried out");
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert_eq!(plan.equivalent, ["kubectl --context prod-eu1 -n production scale deployment/myapp --replicas=10"]);
}

/// A StatefulSet whose pods wait for each other.
async fn with_a_set_rolled_back() -> Bench {
    let mut bench = Bench::new();
    let workload = WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() };
    bench.cluster.with(|cluster| {
        cluster.found.workload.key = workload.clone();
        cluster.found.is_ordered = true;
    });
    bench.act(&Request::RollBack { workload, to: None, alert: None }).await.expect("carried out");
    bench
}

#[tokio::test]
async fn broken_pods_of_a_statefulset_are_deleted_by_it_too() {
    let mut bench = with_a_set_rolled_back().await;
    bench.cluster.with(|cluster| cluster.found.pods[9] = pod("pod-9", "411", false));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let stuck = check(&plan, "B13");
    assert!(matches!(&stuck, CheckResult::Look(says) if says.contains("pod-9 deleted after it")), "{stuck:?}");
    assert!(plan.equivalent[1].ends_with("delete pod pod-9"), "{:?}", plan.equivalent);
    let before = bench.cluster.sent().len();
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    let sent = bench.cluster.sent();
    let [Write::PatchTemplate { .. }, Write::DeleteUnready { workload, .. }] = &sent[before..] else {
        panic!("{sent:?}")
    };
    assert_eq!(workload.to_string(), "sts/myapp");
}

/// A rolled back bench whose code host has a deploy that goes on.
async fn racing(hook: impl Fn(&FakeCluster) + Send + Sync + 'static) -> (Bench, FakeHost) {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    bench.store = store(vec![run(RunState::Running)]);
    let cluster = bench.cluster.clone();
    let host = FakeHost::new(run_inspection(RunState::Running), move || hook(&cluster));
    bench.engine.add_inspector(Arc::new(host.clone()));
    bench.engine.add_operator(Arc::new(host.clone()));
    (bench, host)
}

#[tokio::test]
async fn a_deploy_that_goes_on_is_stopped_first_and_the_template_read_again() {
    let (mut bench, host) = racing(|_| {}).await;
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let race = check(&plan, "B6");
    assert!(matches!(&race, CheckResult::Look(says) if says.contains("Step 1 stops it")), "{race:?}");
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done, "{act:?}");
    assert!(matches!(host.sent.lock().expect("unpoisoned").as_slice(), [Write::CancelRun { .. }]));
    assert!(matches!(&act.steps[2].1, StepState::Done(says) if says.contains("as planned")), "{act:?}");
    assert_eq!(bench.cluster.sent().len(), 2, "the rollback and its undo");
}

#[tokio::test]
async fn what_the_stopped_deploys_hook_brings_back_is_not_brought_back_twice() {
    let (mut bench, _host) =
        racing(|cluster| cluster.with(|cluster| cluster.become_template(template_of("412", "1Gi", "warn")))).await;
    let act = bench.act(&UNDO).await.expect("carried out");
    assert_eq!((act.outcome, bench.cluster.sent().len()), (Outcome::Done, 1), "{act:?}");
    assert!(matches!(&act.steps[3].1, StepState::Skipped(says) if says.contains("nothing to do")), "{act:?}");
    let (mut bench, _host) =
        racing(|cluster| cluster.with(|cluster| cluster.become_template(template_of("410", "512Mi", "info")))).await;
    let act = bench.act(&UNDO).await.expect("carried out");
    assert_eq!((act.outcome, bench.cluster.sent().len()), (Outcome::Refused, 1), "{act:?}");
}

#[tokio::test]
async fn an_undo_of_an_undo_stops_it_too() {
    let (mut bench, host) = racing(|_| {}).await;
    bench.act(&UNDO).await.expect("carried out");
    host.run.lock().expect("unpoisoned").run.state = RunState::Running;
    let plan = bench.plan(&Request::Undo { act: 2 }).await.expect("a plan");
    assert!(plan.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::CancelRun { .. }))), "{plan:?}");
}

#[tokio::test]
async fn a_deploy_that_goes_on_is_seen_though_it_was_not_asked() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    bench.store = store(vec![run(RunState::Running)]);
    let race = check(&bench.plan_beside(&UNDO, Beside::default()).await.expect("a plan"), "B6");
    assert!(
        matches!(&race, CheckResult::Look(says) if says.contains("deploy #412 is in Deploy and goes on")),
        "{race:?}"
    );
}

#[tokio::test]
async fn on_the_demo_it_looks_around_as_the_rollback_does() {
    let demo = on_demo::hurried(1.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let ana = Responder::new("ana", &cluster);
    let workload = WorkloadKey { cluster: cluster.id().clone(), ..myapp() };
    let request = Request::RollBack { workload, to: None, alert: None };
    let plan = ana.ask(request.clone(), Given::default()).await.plan.expect("a plan");
    let given = Given {
        confirm: plan.accepts.first().map(ToString::to_string),
        name: Some("myapp".to_owned()),
        reason: Some("a test".to_owned()),
    };
    let ran = ana.ask(request, given).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let act = ran.act.expect("an act").number;
    let undo = ana.ask(Request::Undo { act }, Given::default()).await;
    let undo = undo.plan.unwrap_or_else(|| panic!("no plan: {}", undo.says));
    let known: Vec<String> = (1..=16).map(|id| format!("{:?}", check(&undo, &format!("B{id}")))).collect();
    assert!(!known.iter().any(|says| says.contains("was not read") || says.contains("were not read")), "{known:#?}");
    assert!(known[14].starts_with("Ok") || known[14].starts_with("Look"), "a pod of it is rehearsed: {}", known[14]);
    assert!(undo.equivalent[0].contains("rollout undo deployment/myapp --to-revision="), "{:?}", undo.equivalent);
}

#[tokio::test]
async fn where_revisions_could_not_be_read_the_template_goes_back_and_no_pod_is_guessed_at() {
    let mut bench = with_a_set_rolled_back().await;
    bench.cluster.with(|cluster| {
        cluster.found.pods[9] = pod("pod-9", "411", false);
        cluster.found.revisions.clear();
        cluster.found.unread.revisions = Some("forbidden".into());
    });
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let writes = plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Write(_))).count();
    assert_eq!(writes, 1, "{:?}", plan.steps);
    let stuck = check(&plan, "B13");
    assert!(
        matches!(&stuck, CheckResult::NotChecked(says) if says.contains("revisions could not be read: forbidden")),
        "{stuck:?}"
    );
    assert!(plan.equivalent[0].starts_with("# its revisions could not be read"), "{:?}", plan.equivalent);
}

#[tokio::test]
async fn another_number_goes_back_with_every_check_of_its_scale() {
    let mut bench = Bench::new();
    let up = Request::Scale { workload: myapp(), replicas: 12 };
    let plan = bench.plan(&up).await.expect("a plan");
    bench.execute(plan.clone()).await.expect("carried out");
    bench.cluster.with(|cluster| {
        let scaler = crate::action::around::Autoscaler {
            name: "myapp".into(),
            min: 2,
            max: 20,
            current: 12,
            changed: None,
            keda: None,
        };
        cluster.found.autoscaler = Ok(Some(scaler));
        cluster.found.unread.pods = Some("forbidden".into());
    });
    let undo = bench.plan(&UNDO).await.expect("a plan");
    for (id, word) in [
        ("B7", "the same traffic on 10 pods instead of 12"),
        ("B12", "sets its own number"),
        ("B14", "pods could not be read"),
    ] {
        let found = undo.checks.iter().find(|check| check.id == *id && matches!(check.result, CheckResult::Look(_)));
        assert!(format!("{found:?}").contains(word), "{id}: {:?}", undo.checks);
    }
    assert_eq!(ids(&undo), ids(&plan));
    let own = check(&undo, "B5");
    assert!(matches!(&own, CheckResult::Ok(says) if says.contains("act 1")), "{own:?}");
}
