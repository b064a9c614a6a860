//! Plans for workflow runs: re-run and cancel. A run that deploys is treated as what it deploys.

use super::{
    CheckResult, Inspection, Request, RunInspection, Write,
    checks::check,
    equivalent::repository,
    evidence,
    plan::{Make, Plan, PlanStep, Refusal, StepKind},
};

pub(super) fn plan(make: &Make<'_>) -> Result<Plan, Refusal> {
    let Inspection::Run(inspection) = &make.evidence.subject else {
        return Err(Refusal("the run was not read: ask again".into()));
    };
    match make.request {
        Request::Rerun { attempt, only_failed, .. } => {
            same_attempt(inspection, *attempt)?;
            rerun(make, inspection, *only_failed)
        }
        Request::Cancel { attempt, .. } => {
            same_attempt(inspection, *attempt)?;
            cancel(make, inspection)
        }
        _ => Err(Refusal("this is no request for a run".into())),
    }
}

fn same_attempt(inspection: &RunInspection, seen: u32) -> Result<(), Refusal> {
    let run = &inspection.run;
    if run.attempt == seen {
        return Ok(());
    }
    Err(Refusal(say!(
        "somebody was faster: {} #{} is at attempt {} now, not {seen} ({}, by {}). Nothing was sent",
        run.workflow,
        run.number,
        run.attempt,
        run.state,
        run.actor
    )))
}

fn begin(make: &Make<'_>, inspection: &RunInspection, verb: &str) -> Result<Plan, Refusal> {
    let run = &inspection.run;
    if inspection.may_write == Ok(false) {
        return Err(Refusal(say!("this token may not write to '{}': `actions:write` is needed", run.key.repo.name)));
    }
    let mut plan = make
        .empty(say!("{verb} {} #{}", run.workflow, run.number), say!("{} {}", run.key.repo.host, run.key.repo.name));
    let branch = run.branch.as_ref().map(|branch| format!("{branch} ")).unwrap_or_default();
    plan.facts = vec![
        ("RUN".into(), say!("#{} attempt {}   {}   by {}", run.number, run.attempt, run.state, run.actor)),
        ("OF".into(), say!("{branch}{}   {}", run.head_sha.get(..7).unwrap_or(&run.head_sha), run.title)),
    ];
    if let Err(why) = &inspection.may_write {
        plan.checks.push(check("R1", "allowed", CheckResult::Look(say!("whether you may could not be asked: {why}"))));
    } else {
        plan.checks.push(check("R1", "allowed", CheckResult::Ok("you may (asked)".into())));
    }
    Ok(plan)
}

/// Whether a deploying run reaches production: unless everything it feeds is known not to be production.
fn reaches_production(make: &Make<'_>, inspection: &RunInspection) -> bool {
    if !inspection.run.deploys {
        return false;
    }
    let repo = &inspection.run.key.repo.name;
    let fed = evidence::fed_by(repo, make.store, make.settings);
    let bound = make.settings.services.iter().filter(|service| service.repository.as_ref() == Some(repo));
    let mut keys = fed
        .iter()
        .map(|workload| &workload.key)
        .chain(bound.filter_map(|service| service.workload.as_ref()))
        .peekable();
    keys.peek().is_none() || keys.any(|key| make.settings.is_production(&key.cluster))
}

fn rerun(make: &Make<'_>, inspection: &RunInspection, only_failed: bool) -> Result<Plan, Refusal> {
    let run = &inspection.run;
    if !run.state.is_finished() {
        return Err(Refusal(say!(
            "{} #{} is {}: it can be run again when it has ended",
            run.workflow,
            run.number,
            run.state
        )));
    }
    let failed: Vec<&str> =
        inspection.jobs.iter().filter(|job| job.state.is_bad()).map(|job| job.name.as_str()).collect();
    if only_failed && failed.is_empty() && run.state == crate::model::code::RunState::Success {
        return Err(Refusal(say!("no job of {} #{} failed: run it whole", run.workflow, run.number)));
    }
    let mut plan = begin(make, inspection, "RE-RUN")?;
    let says = if only_failed {
        say!("run the failed jobs again: {}", failed.join(", "))
    } else {
        "run every job again".into()
    };
    plan.checks.push(if run.deploys {
        check(
            "R2",
            "deploys",
            CheckResult::Look(say!("it deploys {} again", run.head_sha.get(..7).unwrap_or(&run.head_sha))),
        )
    } else {
        check("R2", "deploys", CheckResult::Ok("it deploys nothing".into()))
    });
    let sent = Write::RerunRun { run: run.key.clone(), attempt: run.attempt, only_failed };
    plan.steps = vec![PlanStep { says, kind: StepKind::Write(sent) }];
    plan.undo = "cancel the new attempt".into();
    let flag = if only_failed { " --failed" } else { "" };
    plan.equivalent = vec![say!("gh run rerun {} -R {}{flag}", run.key.id, repository(&run.key.repo))];
    finish(make, inspection, &mut plan);
    Ok(plan)
}

fn cancel(make: &Make<'_>, inspection: &RunInspection) -> Result<Plan, Refusal> {
    let run = &inspection.run;
    if run.state.is_finished() {
        return Err(Refusal(say!("{} #{} has ended already: {}", run.workflow, run.number, run.state)));
    }
    let mut plan = begin(make, inspection, "CANCEL")?;
    let stage = run.stage.as_ref().map_or_else(|| run.state.to_string(), |stage| format!("in {stage}"));
    plan.checks.push(if run.deploys {
        check("R2", "deploys", CheckResult::Look(say!("it deploys and is {stage}: what is half done stays half done")))
    } else {
        check("R2", "deploys", CheckResult::Ok(say!("it deploys nothing; {stage}")))
    });
    plan.checks.push(check(
        "R3",
        "hooks",
        match &inspection.hooks {
            Ok(hooks) if hooks.is_empty() => CheckResult::Ok("no step runs when it is cancelled".into()),
            Ok(hooks) => CheckResult::Look(say!(
                "when cancelled: {}",
                hooks.iter().map(crate::text::Clean::as_str).collect::<Vec<_>>().join("; ")
            )),
            Err(why) => CheckResult::Look(say!("what runs when it is cancelled is unknown: {why}")),
        },
    ));
    let words = inspection.jobs.iter().filter(|job| !job.state.is_finished()).map(|job| &job.name).chain(&run.stage);
    if let Some(word) = words.into_iter().find(|word| {
        let word = word.to_lowercase();
        word.contains("terraform") || word.contains("migrat")
    }) {
        plan.checks.push(check(
            "R4",
            "half done",
            CheckResult::Stop(say!("it is in '{word}': cancelling may leave a state lock or half a schema")),
        ));
    }
    let sent = Write::CancelRun { run: run.key.clone(), attempt: run.attempt };
    plan.steps = vec![PlanStep { says: "cancel it".into(), kind: StepKind::Write(sent) }];
    plan.undo = "run it again".into();
    plan.equivalent = vec![say!("gh run cancel {} -R {}", run.key.id, repository(&run.key.repo))];
    finish(make, inspection, &mut plan);
    Ok(plan)
}

fn finish(make: &Make<'_>, inspection: &RunInspection, plan: &mut Plan) {
    let run = &inspection.run;
    let name = format!("{}#{}", run.key.repo.name, run.number);
    plan.weigh(reaches_production(make, inspection), vec![say!("{}", run.number)], &name);
}
