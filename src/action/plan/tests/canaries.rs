//! Rollbacks of canaries: what is aborted first, what is tried anew, what is taken away.

use super::*;
use crate::{
    action::WorkloadInspection,
    model::kubernetes::{
        WorkloadKey,
        canary::{Canary, Flagger},
    },
};

fn of(change: impl FnOnce(&mut WorkloadInspection), to: Option<i64>) -> Result<Plan, Refusal> {
    let mut found = inspection();
    change(&mut found);
    let request = Request::RollBack { workload: found.workload.key.clone(), to, alert: None };
    planned(&request, found)
}

/// 412 is tried beside 411, which is stable though it ran for a short time only.
fn updating(found: &mut WorkloadInspection) {
    found.workload.key.kind = WorkloadKind::Rollout;
    found.revisions[1].created = Some(ago(20));
    found.canary = Ok(Some(Canary::Rollout {
        stable: "hash411".into(),
        current: "hash412".into(),
        at: "step 2 of 3, weight 25 %".into(),
        is_aborted: false,
        may_abort: Ok(true),
    }));
}

fn canary(plan: &Plan) -> String {
    let check = plan.checks.iter().find(|check| check.name == "canary").expect("it is said");
    format!("{:?}", check.result)
}

fn says(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.says.as_str()).collect()
}

#[test]
fn an_update_of_a_rollout_is_aborted_before_its_template_goes_back_to_the_stable_one() {
    let plan = of(updating, None).expect("a plan");
    assert_eq!(plan.chosen, Some(13), "the stable version, however short it ran");
    assert_eq!(
        says(&plan)[1..3],
        ["abort the update: the stable version serves", "template -> rev 13 (becomes rev 15)"]
    );
    let StepKind::Write(Write::AbortRollout { hash, .. }) = &plan.steps[1].kind else { panic!("{:?}", plan.steps) };
    assert_eq!(hash, "hash412");
    assert!(canary(&plan).contains("rev 13 is the stable version: no step is waited for"));
    assert_eq!(
        plan.equivalent,
        [
            "kubectl argo rollouts abort myapp --context prod-eu1 -n production",
            "kubectl argo rollouts undo myapp --to-revision=13 --context prod-eu1 -n production"
        ]
    );
    assert_eq!(plan.blocked, None, "the abort was rehearsed too");
}

#[test]
fn what_is_aborted_already_or_may_not_be_is_only_undone() {
    let with = |is_aborted: bool, may_abort: Result<bool, Clean>| {
        of(
            |found| {
                updating(found);
                let Ok(Some(Canary::Rollout { is_aborted: is, may_abort: may, .. })) = &mut found.canary else {
                    return;
                };
                (*is, *may) = (is_aborted, may_abort);
            },
            None,
        )
        .expect("a plan")
    };
    for (plan, word) in
        [(with(true, Ok(true)), "aborted already"), (with(false, Ok(false)), "you may not abort its update")]
    {
        assert!(!says(&plan).iter().any(|step| step.starts_with("abort")), "{:?}", plan.steps);
        assert!(canary(&plan).contains(word), "{}", canary(&plan));
    }
}

#[test]
fn another_version_than_the_stable_one_goes_out_by_its_steps_and_that_is_said() {
    let plan = of(updating, Some(12)).expect("a plan");
    assert!(canary(&plan).contains("rev 12 is not the stable version: goes out by its steps"), "{}", canary(&plan));
    let promoted = of(|found| found.workload.key.kind = WorkloadKind::Rollout, None).expect("a plan");
    assert!(canary(&promoted).contains("promote myapp --full --context prod-eu1 -n production`"));
    assert!(says(&promoted)[1].starts_with("template -> rev 13"));
}

#[test]
fn a_rollout_whose_template_is_elsewhere_names_the_place_and_a_paused_one_its_own_line() {
    let elsewhere = |found: &mut WorkloadInspection| {
        found.canary = Ok(Some(Canary::Elsewhere { kind: "Deployment".into(), name: "web".into() }));
    };
    assert!(refusal(of(elsewhere, None)).contains("Deployment 'web' (spec.workloadRef)"));
    let paused = |found: &mut WorkloadInspection| {
        updating(found);
        found.workload.paused = true;
    };
    assert!(refusal(of(paused, None)).contains("kubectl argo rollouts promote myapp"));
}

#[test]
fn flagger_tries_what_is_rolled_back_to_and_the_primary_is_watched_too() {
    let flagger = Flagger {
        name: "myapp".into(),
        phase: "Progressing".into(),
        weight: 20,
        skips_analysis: false,
        is_suspended: false,
        primary: WorkloadKey { name: "myapp-primary".into(), ..myapp() },
        primary_desired: 4,
        serves: Box::new(["registry.example/acme/myapp:409".into()]),
    };
    let with = |flagger: Flagger| of(|found| found.canary = Ok(Some(Canary::Flagger(flagger))), None).expect("a plan");
    let plan = with(flagger.clone());
    assert!(canary(&plan).contains("20 % of the traffic (Progressing)"));
    // What was tried serves a part until its pods are gone.
    let own = watched(&plan);
    assert_eq!((&own.workload, own.hash.as_deref()), (&myapp(), Some("hash411")));
    assert_eq!(own.away.as_ref(), Some(&inspection().revisions[0].template));
    let wanted = own.serves.as_deref().expect("it is watched");
    assert_eq!((wanted.workload.name.as_str(), wanted.desired, wanted.hash.as_ref()), ("myapp-primary", 4, None));
    assert_eq!(wanted.image.as_deref(), Some("registry.example/acme/myapp:411"));
    assert_eq!((wanted.since, &wanted.away), (None, &None));
    assert_eq!(
        says(&plan).last(),
        Some(&"watch until 4 of 4 of deploy/myapp-primary are ready on 411, no old pod of deploy/myapp left")
    );
    // An image that both versions have tells nothing: what the primary makes from now on is the version.
    let alike = of(
        |found| {
            found.canary = Ok(Some(Canary::Flagger(flagger.clone())));
            found.revisions[1].template = template_of("412", "512Mi", "info");
        },
        None,
    );
    let alike = alike.expect("a plan");
    assert_eq!(watched(&alike).serves.as_ref().and_then(|serves| serves.since), Some(now().wall));
    // What was promoted last is not tried again (flagger `pkg/canary/spec.go`).
    let back = with(Flagger { serves: Box::new(["registry.example/acme/myapp:411".into()]), ..flagger.clone() });
    let says = canary(&back);
    assert!(says.contains("tries nothing anew; its analysis (Progressing, 20 % of the traffic) goes on"), "{says}");
    let suspended = with(Flagger { is_suspended: true, ..flagger });
    assert!(canary(&suspended).contains("Stop"));
    assert_eq!(suspended.risk, Risk::Stopped);
}

fn beside(ready: u32) -> impl FnOnce(&mut WorkloadInspection) {
    move |found| {
        let stable = WorkloadKey { name: "myapp-stable".into(), ..myapp() };
        found.canary = Ok(Some(Canary::Beside { stable, desired: 5, ready }));
        found.autoscaler = Ok(Some(scaler(1, 3, 3)));
    }
}

#[test]
fn a_plain_canary_is_scaled_to_none_and_the_one_beside_it_must_serve() {
    let plan = of(beside(5), None).expect("a plan");
    assert_eq!(plan.title, "TAKE CANARY deploy/myapp AWAY 10 -> 0");
    assert!(matches!(plan.steps[1].kind, StepKind::Write(Write::Scale { from: 10, to: 0, .. })), "{:?}", plan.steps);
    assert_eq!(plan.steps.len(), 2, "no pod is waited for");
    assert_eq!(plan.accepts, ["0", "412"]);
    assert_eq!(plan.keeps.as_ref().expect("kept").replicas, Some((10, 0)));
    assert!(look(&plan, "B12").contains("switches the autoscaler"));
    assert!(canary(&of(beside(3), None).expect("a plan")).contains("only 3 of 5"));
    assert_eq!(of(beside(0), None).expect("a plan").risk, Risk::Stopped, "nobody would serve");
    // A revision that is chosen is a rollback like any other, with its word on the canary.
    let chosen = of(beside(5), Some(13)).expect("a plan");
    assert!(chosen.title.starts_with("ROLL BACK") && canary(&chosen).contains("a canary of deploy/myapp-stable"));
}

#[test]
fn a_canary_that_could_not_be_read_is_looked_at() {
    let plan = of(|found| found.canary = Err("403".into()), None).expect("a plan");
    assert!(canary(&plan).contains("could not be read: 403"));
}

#[test]
fn a_rollout_restarts_by_its_own_time_and_its_new_pods_are_watched() {
    let mut found = inspection();
    updating(&mut found);
    let request = Request::Restart { workload: found.workload.key.clone() };
    let plan = planned(&request, found).expect("a plan");
    let wanted = watched(&plan);
    assert_eq!(wanted.since, Some(now().wall));
    assert_eq!(plan.equivalent, ["kubectl argo rollouts restart myapp --context prod-eu1 -n production"]);
}
