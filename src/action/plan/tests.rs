//! Every check and refusal of a plan, on evidence made by hand.

mod alerts;
mod around;
mod canaries;
mod code;
mod executors;
mod facts;
mod image;
mod infrastructure;
mod limits;
mod logs;
mod marks;
mod race;
mod release;
mod resize;
mod restart;
mod rollback;
mod stuck;
mod unread;

use super::*;
use crate::{
    action::{
        ActionError, Beside, Inspection, PullRequestInspection, SilenceDraft, Verdict, WorkloadInspection,
        around::{Autoscaler, Quota, QuotaLimit},
        testing::{
            ago, cluster, digest_of, evidence, host, inspection, myapp, nodes, now, planned, pod, roll_back, run,
            run_inspection, run_key, settings, store, succeeded_by_413, template_of,
        },
    },
    model::{
        BackendId,
        alert::{Alert, AlertKey, AlertState, Matcher, Priority, Silence, SilenceKey},
        code::{
            Check as CodeCheck, Checks, MergeMethod, MergeState, PullRequest, PullRequestDetail, PullRequestKey,
            ReviewDecision, RunState,
        },
        kubernetes::{Manager, WorkloadKind},
    },
};

fn result<'a>(plan: &'a Plan, id: &str) -> &'a CheckResult {
    &plan.checks.iter().find(|check| check.id == *id).unwrap_or_else(|| panic!("{id} is left out")).result
}

fn stop(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Stop(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn look(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Look(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

/// The workload that is watched to the end.
fn watched(plan: &Plan) -> &WatchFor {
    match plan.steps.last().map(|step| &step.kind) {
        Some(StepKind::Watch(watched)) => match &**watched {
            Watched::Rollout(wanted) | Watched::Job(JobFor { rollout: wanted, .. }) => wanted,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.expect_err("refused").0.to_string()
}

fn with(change: impl FnOnce(&mut WorkloadInspection)) -> Plan {
    let mut found = inspection();
    change(&mut found);
    planned(&roll_back(None), found).expect("a plan")
}

fn asked(request: &Request, subject: Inspection) -> Result<Plan, Refusal> {
    asked_in(request, subject, &settings())
}

fn asked_in(request: &Request, subject: Inspection, settings: &Settings) -> Result<Plan, Refusal> {
    let mut evidence = Evidence::of(subject, now().wall);
    evidence.writable = [cluster(), host(), BackendId::new("am")].into();
    plan(request, &evidence, &store(Vec::new()), settings, now())
}

#[test]
fn outside_production_y_is_enough() {
    let mut settings = settings();
    settings.production.insert(cluster(), false);
    let evidence = evidence(&roll_back(None), inspection());
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
    assert_eq!((plan.risk, plan.production), (Risk::Reversible, false));
}

/// A command on a tunnel's local address, before anything but the plan's own evidence was read.
#[test]
fn a_cluster_that_was_answered_to_be_production_is_so_by_its_id() {
    let mut settings = settings();
    settings.local.insert(cluster());
    let risk = |settings: &Settings| {
        let evidence = evidence(&roll_back(None), inspection());
        plan(&roll_back(None), &evidence, &store(Vec::new()), settings, now()).expect("a plan").risk
    };
    assert_eq!(risk(&settings), Risk::Reversible);
    settings.remembered_production.insert("cluster-1".into(), true);
    assert_eq!(risk(&settings), Risk::Production);
}

#[test]
fn read_only_blocks_for_the_backend_that_is() {
    let mut settings = settings();
    settings.read_only_backends.insert(cluster(), "read-only by configuration".into());
    let evidence = evidence(&roll_back(None), inspection());
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
    assert!(plan.blocked.expect("blocked").contains("read-only by configuration"));
}

fn scaler(min: u32, max: u32, current: u32) -> Autoscaler {
    Autoscaler { name: "myapp".into(), min, max, current, keda: None, changed: None }
}

#[test]
fn scaling_minds_zero_and_the_autoscaler() {
    let scale = |to, change: &dyn Fn(&mut WorkloadInspection)| {
        let mut found = inspection();
        change(&mut found);
        let workload = found.workload.key.clone();
        planned(&Request::Scale { workload, replicas: to }, found)
    };
    let up = scale(12, &|found| found.autoscaler = Ok(Some(scaler(6, 12, 10)))).expect("a plan");
    assert!(look(&up, "B12").starts_with("the autoscaler 'myapp' (6-12) sets its own number"));
    for to in [5, 13] {
        let outside = scale(to, &|found| found.autoscaler = Ok(Some(scaler(6, 12, 10)))).expect("a plan");
        assert!(stop(&outside, "B12").contains(&format!("keeps 6 to 12: {to} is never reached")));
    }
    let unread = scale(12, &|found| found.autoscaler = Err("forbidden".into())).expect("a plan");
    assert!(look(&unread, "B12").contains("could not be read: forbidden"));
    assert_eq!(up.accepts, ["12"]);
    assert!(stop(&scale(0, &|_| ()).expect("a plan"), "B7").contains("out of production"));
    let stateful = scale(0, &|found| found.workload.key.kind = WorkloadKind::StatefulSet).expect("a plan");
    assert!(stop(&stateful, "B7").contains("StatefulSet"));
    assert!(refusal(scale(10, &|_| ())).contains("10 replicas already"));
    let keda = |found: &mut WorkloadInspection| {
        found.autoscaler = Ok(Some(Autoscaler { keda: Some("jobs".into()), ..scaler(1, 20, 10) }));
    };
    let none = scale(0, &keda).expect("a plan");
    assert!(look(&none, "B12").contains("ScaledObject 'jobs'") && look(&none, "B12").contains("paused-replicas=0"));
    let keeps = |plan: &Plan| matches!(plan.steps[0].kind, StepKind::KeepEvidence { .. });
    assert!(keeps(&scale(3, &|_| ()).expect("a plan")) && !keeps(&up), "pods that go take their logs with them");
    assert!(refusal(scale(3, &|found| found.workload.key.kind = WorkloadKind::DaemonSet)).contains("DaemonSet"));
}

#[test]
fn scaling_names_the_owner_what_deploys_and_what_room_there_is() {
    let scale = |to, change: &dyn Fn(&mut WorkloadInspection)| {
        let mut found = inspection();
        change(&mut found);
        let request = Request::Scale { workload: myapp(), replicas: to };
        let evidence = evidence(&request, found);
        plan(&request, &evidence, &store(vec![run(RunState::Running)]), &settings(), now()).expect("a plan")
    };
    let argo = Manager::ArgoCd { application: "shop".into() };
    let owned = |manager: Manager| scale(12, &|found| found.workload.managed_by = vec![manager.clone()]);
    assert_eq!(
        look(&owned(argo), "B4"),
        "owned by Argo CD application 'shop': if git names the replicas, it sets them back"
    );
    let release = owned(Manager::FluxHelmRelease { name: "shop".into(), namespace: "flux-system".into() });
    assert!(look(&release, "B4").contains("if git names the replicas"));
    let controller = owned(Manager::Controller { kind: "Rollout".into(), name: "myapp".into() });
    assert!(look(&controller, "B4").contains("scale that one"));
    let free = scale(12, &|_| ());
    assert!(matches!(result(&free, "B4"), CheckResult::Ok(_)));
    assert!(look(&free, "B6").contains("deploy #412 is in Deploy and goes on"), "{}", look(&free, "B6"));
    let capacity =
        |plan: &Plan| plan.checks.iter().find(|check| check.name == *"capacity").map(|check| check.result.clone());
    let full = scale(12, &|found| {
        let limit = QuotaLimit { resource: "pods".into(), hard: "11".into(), used: "10".into() };
        found.quotas = Ok(vec![Quota { name: "q".into(), is_scoped: false, limits: vec![limit] }]);
    });
    let says = "quota 'q' has 1 pods left, 2 pods at once want 2: not all may come up";
    assert_eq!(capacity(&full), Some(CheckResult::Look(says.into())));
    assert_eq!(capacity(&scale(9, &|_| ())), None, "fewer need no room");
}

#[test]
fn a_restart_names_its_workload_and_refuses_what_is_paused() {
    let request = Request::Restart { workload: myapp() };
    let plan = planned(&request, inspection()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["myapp".into()][..]));
    let mut found = inspection();
    found.workload.paused = true;
    assert!(refusal(planned(&request, found)).contains("paused"));
}
