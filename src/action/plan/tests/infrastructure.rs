//! B9: what the run that deployed the live version did to the infrastructure.

use std::time::Duration;

use super::*;
use crate::{
    action::{RunInspection, testing::workload},
    model::{
        BackendKind, Part, SourceId,
        code::{Job, JobKey, Run, Step},
    },
    source::{Delta, Fact, Update},
};

fn job(name: &str, state: RunState, steps: &[(&str, RunState)]) -> Job {
    let step = |(name, state): &(&str, RunState)| Step {
        number: 1,
        name: (*name).into(),
        state: state.clone(),
        started: None,
        completed: None,
    };
    Job {
        key: JobKey { run: run_key(), attempt: 1, id: 1 },
        name: name.into(),
        state,
        started: None,
        completed: None,
        url: "https://github.com/acme/myapp/actions/runs/9412/job/1".into(),
        runner: None,
        steps: steps.iter().map(step).collect(),
    }
}

fn b9(made: Option<Result<Vec<Job>, Clean>>) -> CheckResult {
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.made = made.map(|jobs| jobs.map(|jobs| RunInspection { jobs, ..run_inspection(RunState::Success) }));
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    result(&plan, "B9").clone()
}

#[test]
fn terraform_that_the_same_run_applied_is_not_taken_back() {
    let (success, skipped) = (RunState::Success, RunState::Skipped);
    let says = |jobs: Vec<Job>| match b9(Some(Ok(jobs))) {
        CheckResult::Look(says) | CheckResult::Ok(says) => says.to_string(),
        other => panic!("{other:?}"),
    };
    let of_job = says(vec![job("build", success.clone(), &[]), job("Terraform", success.clone(), &[])]);
    assert!(of_job.starts_with("'Terraform' ran in deploy #412: it is not taken back; "), "{of_job}");
    assert!(of_job.ends_with("; flags: not seen"), "{of_job}");
    let steps = [("Setup Terraform", success.clone()), ("tofu apply -auto-approve", RunState::Failure)];
    let of_step = says(vec![job("infra", RunState::Failure, &steps)]);
    assert!(of_step.starts_with("'tofu apply -auto-approve' ran in"), "{of_step}");
    // Looked at only, or left out.
    let none = "flags, Terraform outside of deploy #412: not seen";
    let steps = [("terraform plan", success.clone()), ("terraform apply", skipped.clone())];
    assert!(says(vec![job("terraform", success.clone(), &steps)]).ends_with(none));
    for name in [
        "Terraform output",
        "terraform workspace select",
        "terraform show",
        "Configure Terraform credentials",
        "Install OpenTofu",
    ] {
        assert!(says(vec![job("infra", success.clone(), &[(name, success.clone())])]).ends_with(none), "{name}");
    }
    let both = [("terraform init and apply", success.clone())];
    assert!(says(vec![job("infra", success, &both)]).contains("'terraform init and apply' ran in"));
    assert!(says(vec![job("terraform", skipped, &[])]).ends_with(none));
    let unread = b9(Some(Err("HTTP 500".into())));
    assert_eq!(unread, b9(None));
    assert!(matches!(unread, CheckResult::Ok(says) if says.ends_with("flags, Terraform: not seen")));
}

#[test]
fn the_run_that_deployed_it_is_found_by_its_number_or_commit_or_by_when_it_ran() {
    let found = |image: &str, made: Run| {
        let mut known = store(vec![made]);
        let source = SourceId::new(&cluster(), Part::Deployments);
        known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
        // Its version is as old as itself.
        let key = WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() };
        let mut there = workload(key.clone());
        there.images = Box::new([Clean::line(image)]);
        there.created = Some(ago(17));
        let fact = Fact::Workload(Delta::Put(Box::new(there)));
        known.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
        let request = Request::RollBack { workload: key, to: None, alert: None };
        crate::action::beside(&request, None, &known, &settings_of_set()).made
    };
    let ended = |started: i64, updated: i64| Run {
        started: Some(ago(started)),
        updated: Some(ago(updated)),
        ..run(RunState::Success)
    };
    assert_eq!(found("acme/myapp:412", ended(90, 80)), Some(run_key()));
    assert_eq!(found("acme/myapp:main-9f2c1e77", ended(90, 80)), Some(run_key()));
    assert_eq!(found("acme/myapp:1.2", ended(20, 1)), Some(run_key()), "it ran then");
    assert_eq!(found("acme/myapp:1.2", ended(90, 80)), None);
    assert_eq!(found("acme/myapp:412", run(RunState::Running)), None, "it has not ended: B6");
}

/// As the tests' settings, of a StatefulSet.
fn settings_of_set() -> Settings {
    let mut settings = settings();
    settings.services[0].workload = Some(WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() });
    settings
}
