//! Deploys that go on beside a rollback: which of them are stopped for it, and what stopping them weighs.

use std::time::Duration;

use super::*;
use crate::{
    action::testing::workload,
    model::{BackendKind, Part, SourceId, kubernetes::WorkloadKey},
    source::{Delta, Fact, Update},
};

/// A rollback of `myapp` in this cluster and namespace, beside a running deploy whose file names these places.
fn beside(place: (&str, &str), aims: &[&str]) -> Plan {
    beside_in(&store(vec![run(RunState::Running)]), place, aims)
}

/// As [`beside`], with what else is known.
fn beside_in(known: &Store, place: (&str, &str), aims: &[&str]) -> Plan {
    let key = WorkloadKey { cluster: BackendId::new(place.0), namespace: place.1.into(), ..myapp() };
    let mut settings = settings();
    settings.services[0].workload = None;
    for (name, is_production) in [("prod-us1", true), ("staging-eu1", false)] {
        settings.backends.insert(BackendId::new(name), BackendKind::Kubernetes);
        settings.production.insert(BackendId::new(name), is_production);
    }
    let mut racing = run_inspection(RunState::Running);
    racing.aims = aims.iter().map(|aim| (*aim).into()).collect();
    let request = Request::RollBack { workload: key.clone(), to: None, alert: None };
    let mut found = inspection();
    found.workload = workload(key.clone());
    let mut evidence = evidence(&request, found);
    evidence.writable.insert(key.cluster);
    evidence.races = vec![(run_key(), Ok(racing))];
    plan(&request, &evidence, known, &settings, now()).expect("a plan")
}

fn stops(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::CancelRun { .. })))
}

const STAGING: (&str, &str) = ("staging-eu1", "staging");
const PRODUCTION: (&str, &str) = ("prod-eu1", "production");

#[test]
fn what_deploys_elsewhere_is_not_stopped() {
    for (place, aims) in [
        (STAGING, &["production"][..]),
        (STAGING, &["production", "prod-eu1"]),
        (STAGING, &["staging", "prod-eu1"]),
        (PRODUCTION, &["staging"]),
        (PRODUCTION, &["production", "prod-us1"]),
        (PRODUCTION, &["staging-eu1"]),
    ] {
        let plan = beside(place, aims);
        assert!(!stops(&plan), "{place:?} {aims:?}");
        let says = look(&plan, "B6");
        assert!(says.contains("not here, and goes on") && says.contains(aims.last().expect("one")), "{says}");
        let risk = if place == STAGING { Risk::Reversible } else { Risk::Production };
        assert_eq!(plan.risk, risk, "{place:?} {aims:?}");
    }
}

#[test]
fn a_place_that_many_lines_of_a_workflow_name_is_said_once() {
    let says = look(&beside(STAGING, &["production", "prod-eu1", "production", "prod-eu1"]), "B6");
    assert_eq!(says.matches("'prod-eu1'").count(), 1, "{says}");
}

#[test]
fn what_deploys_here_is_stopped() {
    for (place, aims) in [
        (STAGING, &["staging"][..]),
        (PRODUCTION, &["production"]),
        (PRODUCTION, &["staging", "production"]),
        (PRODUCTION, &["prod-eu1", "prod-us1"]),
        (PRODUCTION, &[]),
        (PRODUCTION, &["${{ inputs.to }}", "staging"]),
        // Another job of it deploys elsewhere.
        (PRODUCTION, &["production", "staging-eu1"]),
        (PRODUCTION, &["staging-eu1", "$CTX"]),
        // A namespace's name is no stage of its cluster.
        (("prod-eu1", "dev-portal"), &["production"]),
    ] {
        let plan = beside(place, aims);
        assert!(stops(&plan) && !look(&plan, "B6").contains("weighs"), "{place:?} {aims:?}: {}", look(&plan, "B6"));
        let risk = if place == STAGING { Risk::Reversible } else { Risk::Production };
        assert_eq!(plan.risk, risk, "{place:?} {aims:?}");
    }
}

/// A `y` is not enough to stop what production waits for.
#[test]
fn what_deploys_to_production_too_or_may_weighs_as_production() {
    for (aims, why) in [
        (&["staging", "production"][..], "it deploys to 'production' too: stopping it weighs as production"),
        (&["staging-eu1", "prod-us1"], "it deploys to 'prod-us1' too"),
        (&[], "where it deploys to is unknown: stopping it weighs as production"),
        (&["${{ inputs.to }}"], "where it deploys to is unknown"),
        (&["production", "blue"], "where it deploys to is unknown"),
        (&["staging", "${{ inputs.to }}"], "where it deploys to is unknown"),
    ] {
        let plan = beside(STAGING, aims);
        assert!(stops(&plan) && look(&plan, "B6").contains(why), "{aims:?}: {}", look(&plan, "B6"));
        assert_eq!((plan.risk, plan.production), (Risk::Production, false), "{aims:?}");
        assert_eq!(plan.accepts[0], "13", "{aims:?}");
    }
}

/// `kubectl -n shop`, by whatever kubeconfig.
#[test]
fn a_namespace_that_production_has_too_is_no_place_by_itself() {
    let mut known = store(vec![run(RunState::Running)]);
    let stops_here = |known: &Store, aims: &[&str]| {
        let plan = beside_in(known, ("staging-eu1", "shop"), aims);
        assert!(stops(&plan), "{aims:?}: {}", look(&plan, "B6"));
        plan.risk
    };
    assert_eq!(stops_here(&known, &["shop"]), Risk::Reversible, "no other is known");
    let source = SourceId::new(&cluster(), Part::Deployments);
    known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
    let there = workload(WorkloadKey { namespace: "shop".into(), ..myapp() });
    let fact = Fact::Workload(Delta::Put(Box::new(there)));
    known.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
    assert_eq!(stops_here(&known, &["shop"]), Risk::Production);
    assert_eq!(stops_here(&known, &["staging-eu1", "shop"]), Risk::Reversible, "its cluster is named");
}

#[test]
fn of_several_the_one_that_weighs_most_is_named() {
    let mut here = run_inspection(RunState::Running);
    here.aims = vec!["staging".into()];
    let mut heavy = run_inspection(RunState::Running);
    (heavy.run.key.id, heavy.run.number) = (heavy.run.key.id + 1, 413);
    let key = WorkloadKey { cluster: BackendId::new("staging-eu1"), namespace: "staging".into(), ..myapp() };
    let mut settings = settings();
    settings.services[0].workload = None;
    settings.production.insert(key.cluster.clone(), false);
    let request = Request::RollBack { workload: key.clone(), to: None, alert: None };
    let mut found = inspection();
    found.workload = workload(key.clone());
    let mut evidence = evidence(&request, found);
    evidence.writable.insert(key.cluster);
    evidence.races = vec![(run_key(), Ok(here)), (heavy.run.key.clone(), Ok(heavy))];
    let plan = plan(&request, &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
    assert!(look(&plan, "B6").starts_with("deploy #413 is in Deploy (and 1 more)"), "{}", look(&plan, "B6"));
    assert_eq!(plan.risk, Risk::Production);
}

/// What is shown is what would be done.
#[test]
fn a_read_only_plan_stops_the_same_runs() {
    let mut read_only = settings();
    read_only.read_only = Some("started with --read-only".into());
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.writable.clear();
    evidence.races = vec![(run_key(), Ok(run_inspection(RunState::Running)))];
    let planned =
        |settings: &Settings| plan(&roll_back(None), &evidence, &store(Vec::new()), settings, now()).expect("a plan");
    let plan = planned(&read_only);
    assert!(stops(&plan) && look(&plan, "B6").contains("Step 1 stops it"), "{}", look(&plan, "B6"));
    assert!(plan.blocked.expect("blocked").contains("This is what would be done"));
    // Which host is never written to is no matter of the mode.
    read_only.read_only_backends.insert(host(), "read-only by configuration".into());
    assert!(!stops(&planned(&read_only)));
}
