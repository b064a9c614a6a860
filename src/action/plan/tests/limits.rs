//! Other limits of a container.

use std::collections::BTreeMap;

use super::*;
use crate::action::{
    WorkloadInspection,
    resources::{Bound, Limits, ResourceInspection, Usage},
};

fn limits(memory: &str) -> Limits {
    Limits { container: "app".into(), memory: Some(memory.into()), cpu: None }
}

fn request(memory: &str) -> Request {
    let Request::RollBack { workload, .. } = roll_back(None) else { unreachable!() };
    Request::Limits { workload, limits: limits(memory) }
}

/// A megabyte.
const MEBI: u64 = 1 << 20;

fn asked(used: u64, max: Option<&str>) -> WorkloadInspection {
    let usage = Usage { cpu_millis: 100, memory_bytes: used };
    let bound = Bound { range: "defaults".into(), resource: "memory".into(), max: max.map(Into::into), min: None };
    let resources =
        ResourceInspection { used: Ok(BTreeMap::from([("app".to_owned(), usage)])), bounds: Ok(vec![bound]) };
    WorkloadInspection { resources: Some(Box::new(resources)), ..inspection() }
}

fn made(request: &Request, found: WorkloadInspection) -> Result<Plan, Refusal> {
    let evidence = evidence(request, found);
    plan(request, &evidence, &store(Vec::new()), &settings(), now())
}

#[test]
fn more_memory_is_a_change_of_the_template_that_can_be_undone() {
    let plan = made(&request("2Gi"), asked(400 * MEBI, Some("4Gi"))).expect("a plan");
    assert!(plan.diff.as_ref().is_some_and(|diff| diff.contains("2Gi")), "{:?}", plan.diff);
    let (_, then) = plan.facts.iter().find(|(name, _)| *name == "THEN").expect("it is said");
    assert!(then.ends_with("; 412, every pod replaced"), "pods of 411 are there too: {then}");
    let [_, patch, ..] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    let StepKind::Write(Write::PatchTemplate { live, target, .. }) = &patch.kind else { panic!("{patch:?}") };
    assert_eq!(target["spec"]["containers"][0]["resources"]["limits"]["memory"], "2Gi");
    let mut same = target.clone();
    same["spec"]["containers"][0]["resources"] = live["spec"]["containers"][0]["resources"].clone();
    assert_eq!(&same, live, "nothing else changes");
    let kept = plan.keeps.as_ref().expect("it can be undone");
    assert_eq!((&kept.before, &kept.left), (live, target));
    assert_eq!((plan.risk, plan.accepts[0].as_str()), (Risk::Production, "2Gi"));
    let line = &plan.equivalent[0];
    assert!(line.contains("set resources deployment/myapp -c app --limits=memory=2Gi"), "{line}");
}

#[test]
fn what_would_kill_it_or_be_refused_is_never_sent() {
    for (memory, found, says) in [
        ("600Mi", asked(700 * MEBI, None), "would be killed"),
        ("8Gi", asked(400 * MEBI, Some("4Gi")), "LimitRange 'defaults' allows a container at most 4Gi of memory"),
        ("plenty", asked(400 * MEBI, None), "is no amount of memory"),
    ] {
        let refusal = made(&request(memory), found).expect_err(says).0;
        assert!(refusal.contains(says), "{refusal}");
    }
}

#[test]
fn pods_of_before_do_not_count_and_a_template_that_is_kept_is_known_by_its_hash() {
    let plan = made(&request("2Gi"), asked(400 * MEBI, None)).expect("a plan");
    let wanted = watched(&plan);
    assert!(
        wanted.hash.is_none() && wanted.others.contains("hash412") && wanted.others.contains("hash411"),
        "{wanted:?}"
    );
    // Back to what an earlier revision had: its ReplicaSet is taken again.
    let mut found = asked(400 * MEBI, None);
    let mut kept = found.revisions[0].clone();
    (kept.number, kept.hash, kept.is_live) = (9, Some("hash9".into()), false);
    kept.template = template_of("412", "2Gi", "warn");
    found.revisions.push(kept);
    let plan = made(&request("2Gi"), found).expect("a plan");
    let wanted = watched(&plan);
    assert_eq!((wanted.hash.as_deref(), wanted.others.len()), (Some("hash9"), 0));
}

#[test]
fn pods_that_no_controller_replaces_are_said() {
    let mut found = asked(400 * MEBI, None);
    found.workload.rollout.state = crate::model::kubernetes::RolloutState::Unavailable;
    let plan = made(&request("2Gi"), found).expect("a plan");
    assert!(look(&plan, "B13").starts_with("OnDelete: its controller replaces no pod"));
}

/// A raised limit is no revert: git has to be told.
#[test]
fn of_what_git_says_the_limit_is_changed_in_git() {
    for (manager, instead) in [
        (
            Manager::FluxKustomization { name: "shop".into(), namespace: "flux".into() },
            "--context prod-eu1` first, then change it in git",
        ),
        (
            Manager::FluxHelmRelease { name: "web".into(), namespace: "flux".into() },
            "--context prod-eu1` first, then change its values in git",
        ),
        (
            Manager::ArgoCd { application: "shop".into() },
            "self-heal puts back what git says. Instead: change it in the config repository",
        ),
        (Manager::ConfigSync, "applied again from git. Instead: change it in the config repository"),
    ] {
        let mut found = asked(400 * MEBI, None);
        found.workload.managed_by = vec![manager];
        let says = stop(&made(&request("2Gi"), found).expect("a plan"), "B4");
        assert!(says.ends_with(instead), "{says}");
    }
}

/// Nothing puts back what is changed while git's own controllers are off: no reason to refuse.
#[test]
fn a_suspended_owner_is_no_reason_to_refuse() {
    use super::executors::helm_release;
    let of = |is_active: bool, change: fn(&mut WorkloadInspection)| {
        let mut found = asked(400 * MEBI, Some("4Gi"));
        helm_release(&mut found, is_active);
        change(&mut found);
        made(&request("2Gi"), found).expect("a plan")
    };
    let off = of(false, |_| ());
    assert!(look(&off, "B4").contains("is suspended: whoever resumes or syncs it"), "{}", look(&off, "B4"));
    assert_eq!(off.risk, Risk::Production);
    assert!(stop(&of(true, |_| ()), "B4").contains("flux suspend helmrelease"));
    let held = of(false, |found| {
        let owners = found.owners.as_mut().expect("read");
        owners[0].barrier = Some("an ApplicationSet switches it on again".into());
    });
    assert!(stop(&held, "B4").contains("owned by"), "what switches it on again does so");
    let unread = of(false, |found| found.owners = Err("403".into()));
    assert!(stop(&unread, "B4").contains("owned by"));
}
