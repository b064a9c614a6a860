//! Plans for pull requests: review, comment, merge, each at the head that the person saw.

use super::{
    Check, CheckResult, Inspection, PullRequestInspection, Request, Verdict, Write,
    checks::check,
    equivalent::repository,
    evidence,
    plan::{Make, Plan, PlanStep, Refusal, StepKind},
};
use crate::{
    model::code::{MergeMethod, MergeState, PullRequestKey, ReviewDecision, RunState},
    text::{Clean, counted, quoted},
};

pub(super) fn plan(make: &Make<'_>) -> Result<Plan, Refusal> {
    let Inspection::PullRequest(inspection) = &make.evidence.subject else {
        return Err(Refusal("the pull request was not read: ask again".into()));
    };
    match make.request {
        Request::Review { pull_request, head_sha, verdict, body } => {
            same_head(inspection, pull_request, head_sha)?;
            review(make, inspection, *verdict, body)
        }
        Request::Comment { pull_request, body } => comment(make, inspection, pull_request, body),
        Request::Merge { pull_request, head_sha, method } => {
            same_head(inspection, pull_request, head_sha)?;
            merge(make, inspection, *method)
        }
        _ => Err(Refusal("this is no request for a pull request".into())),
    }
}

/// Refuses when the head moved since the person looked.
fn same_head(inspection: &PullRequestInspection, key: &PullRequestKey, seen: &str) -> Result<(), Refusal> {
    let now = &inspection.detail.head_sha;
    if now == seen {
        return Ok(());
    }
    let short = |sha: &str| sha.get(..7).unwrap_or(sha).to_owned();
    Err(Refusal(say!(
        "#{} moved since you looked: its head is {} now, not {}. Read what is new first; nothing was sent",
        key.number,
        short(now),
        short(seen)
    )))
}

fn begin(make: &Make<'_>, inspection: &PullRequestInspection, verb: &str) -> Plan {
    let pr = &inspection.pull_request;
    let mut plan =
        make.empty(say!("{verb} #{} {}", pr.key.number, pr.title), say!("{} {}", pr.key.repo.host, pr.key.repo.name));
    plan.facts = vec![
        (
            "WHAT".into(),
            say!(
                "#{} by {}   {} -> {}   +{} -{} in {}",
                pr.key.number,
                pr.author,
                pr.head,
                pr.base,
                pr.additions,
                pr.deletions,
                counted(pr.changed_files as usize, "file")
            ),
        ),
        ("HEAD".into(), say!("{}", inspection.detail.head_sha.get(..12).unwrap_or(&inspection.detail.head_sha))),
    ];
    plan
}

fn write(plan: &mut Plan, says: Clean, write: Write) {
    plan.steps = vec![PlanStep { says, kind: StepKind::Write(write) }];
}

fn not_empty(body: &str, what: &str) -> Result<(), Refusal> {
    if body.trim().is_empty() { Err(Refusal(say!("{what} needs a text"))) } else { Ok(()) }
}

fn comment(
    make: &Make<'_>,
    inspection: &PullRequestInspection,
    key: &PullRequestKey,
    body: &str,
) -> Result<Plan, Refusal> {
    not_empty(body, "a comment")?;
    let mut plan = begin(make, inspection, "COMMENT ON");
    plan.facts.push(("TEXT".into(), Clean::line(body)));
    plan.undo = "a comment stays until it is deleted on the host".into();
    plan.equivalent = vec![say!("gh pr comment {} -R {} --body ...", key.number, repository(&key.repo))];
    write(&mut plan, "post the comment".into(), Write::Comment { pull_request: key.clone(), body: body.to_owned() });
    plan.weigh(false, Vec::new(), &full_name(key));
    Ok(plan)
}

fn review(make: &Make<'_>, inspection: &PullRequestInspection, verdict: Verdict, body: &str) -> Result<Plan, Refusal> {
    let pr = &inspection.pull_request;
    if pr.merged.is_some() {
        return Err(Refusal(say!("#{} is merged already", pr.key.number)));
    }
    if pr.is_mine {
        return Err(Refusal(say!("#{} is your own: nobody reviews their own pull request", pr.key.number)));
    }
    if verdict == Verdict::RequestChanges {
        not_empty(body, "a request for changes")?;
    }
    let (verb, says, flag) = match verdict {
        Verdict::Approve => ("APPROVE", "approve at this head", "--approve"),
        Verdict::RequestChanges => ("REQUEST CHANGES ON", "request changes at this head", "--request-changes"),
    };
    let mut plan = begin(make, inspection, verb);
    if !body.is_empty() {
        plan.facts.push(("TEXT".into(), Clean::line(body)));
    }
    plan.checks = vec![same_head_check(inspection), draft(inspection)];
    if verdict == Verdict::Approve {
        plan.checks.push(build(inspection, false));
        let wait = pr.merge == MergeState::Blocked && pr.review == ReviewDecision::Required;
        if wait && !pr.is_draft {
            plan.facts
                .push(("THEN".into(), "your approval may be what it waits for: auto-merge would merge it".into()));
        }
    }
    plan.undo = "a review can be dismissed on the host".into();
    plan.equivalent = vec![say!("gh pr review {} -R {} {flag}", pr.key.number, repository(&pr.key.repo))];
    let sent = Write::Review {
        pull_request: pr.key.clone(),
        head_sha: inspection.detail.head_sha.clone(),
        verdict,
        body: body.to_owned(),
    };
    write(&mut plan, says.into(), sent);
    plan.weigh(false, Vec::new(), &full_name(&pr.key));
    Ok(plan)
}

fn merge(make: &Make<'_>, inspection: &PullRequestInspection, method: MergeMethod) -> Result<Plan, Refusal> {
    let pr = &inspection.pull_request;
    let number = pr.key.number;
    if pr.merged.is_some() {
        return Err(Refusal(say!("#{number} is merged already")));
    }
    if pr.is_draft || inspection.detail.merge == MergeState::Draft {
        return Err(Refusal(say!("#{number} is a draft: mark it ready for review first")));
    }
    if inspection.detail.merge == MergeState::Conflicts {
        return Err(Refusal(say!("#{number} conflicts with {}: its author must resolve that first", pr.base)));
    }
    if !pr.merge_methods.is_empty() && !pr.merge_methods.contains(&method) {
        let allowed: Vec<&str> = pr.merge_methods.iter().map(|method| method.name()).collect();
        return Err(Refusal(say!(
            "'{}' does not allow {}: allowed are {}",
            pr.key.repo.name,
            method.name(),
            allowed.join(", ")
        )));
    }
    if inspection.may_write == Ok(false) {
        return Err(Refusal(say!("this token may not push to '{}', so it cannot merge", pr.key.repo.name)));
    }
    let feeds = evidence::fed_by(&pr.key.repo.name, make.store, make.settings);
    let bound = make.settings.services.iter().filter(|service| service.repository.as_ref() == Some(&pr.key.repo.name));
    let production =
        feeds.iter().map(|workload| &workload.key).chain(bound.filter_map(|service| service.workload.as_ref()));
    let fed: Option<&crate::model::kubernetes::WorkloadKey> =
        production.into_iter().find(|key| make.settings.is_production(&key.cluster));
    let is_production = fed.is_some();
    let mut plan = begin(make, inspection, "MERGE");
    plan.facts.push(("HOW".into(), say!("{} into {}", method.name(), pr.base)));
    if let Some(fed) = fed {
        plan.facts.push(("FEEDS".into(), say!("{fed} on {}", fed.cluster)));
    }
    let state = match &inspection.detail.merge {
        MergeState::Ready => CheckResult::Ok("the host says it can be merged".into()),
        MergeState::Unstable => CheckResult::Look("a check that is not required is red or pending".into()),
        MergeState::Blocked => CheckResult::Stop("the host blocks it: a required check or review is missing".into()),
        MergeState::Behind => CheckResult::Look(say!("it is behind {}: the host may ask for an update first", pr.base)),
        MergeState::Checking => CheckResult::Look("the host is still working out whether it can be merged".into()),
        MergeState::Conflicts | MergeState::Draft => CheckResult::Stop("it cannot be merged".into()),
        MergeState::Other(word) => CheckResult::Look(say!("the host calls its state '{word}'")),
    };
    let review = match &pr.review {
        ReviewDecision::Approved => CheckResult::Ok(say!("{} approvals", pr.approvals)),
        ReviewDecision::ChangesRequested => CheckResult::Stop("changes are requested".into()),
        ReviewDecision::Required => CheckResult::Stop("a review is required and missing".into()),
        ReviewDecision::None => CheckResult::Look("nobody approved it; no rule asks for it".into()),
        ReviewDecision::Other(word) => CheckResult::Look(say!("review: {word}")),
    };
    plan.checks = vec![
        same_head_check(inspection),
        check("M2", "mergeable", state),
        check("M3", "review", review),
        build(inspection, is_production),
        match &inspection.may_write {
            Ok(_) => check("M5", "allowed", CheckResult::Ok("you may push (asked)".into())),
            Err(why) => check("M5", "allowed", CheckResult::Look(say!("whether you may could not be asked: {why}"))),
        },
    ];
    if pr.in_merge_queue {
        plan.checks.push(check("M6", "queue", CheckResult::Look("it is in the merge queue already".into())));
    }
    plan.undo = "revert it with a pull request of its own".into();
    plan.equivalent = vec![say!(
        "gh pr merge {number} -R {} --{} --match-head-commit {}",
        repository(&pr.key.repo),
        method.name(),
        quoted(&inspection.detail.head_sha)
    )];
    let sent = Write::Merge { pull_request: pr.key.clone(), head_sha: inspection.detail.head_sha.clone(), method };
    write(&mut plan, say!("merge ({})", method.name()), sent);
    plan.weigh(is_production, vec![say!("{number}")], &full_name(&pr.key));
    Ok(plan)
}

/// `acme/myapp#1487`
fn full_name(key: &PullRequestKey) -> String {
    format!("{}#{}", key.repo.name, key.number)
}

fn same_head_check(inspection: &PullRequestInspection) -> Check {
    let sha = &inspection.detail.head_sha;
    check("M1", "head", CheckResult::Ok(say!("{} is the head you saw", sha.get(..7).unwrap_or(sha))))
}

fn draft(inspection: &PullRequestInspection) -> Check {
    let result = if inspection.pull_request.is_draft {
        CheckResult::Look("it is a draft".into())
    } else {
        CheckResult::Ok("ready for review".into())
    };
    check("M2", "draft", result)
}

/// Checks of the head. Red ones stop a merge that feeds production.
fn build(inspection: &PullRequestInspection, stops: bool) -> Check {
    let checks = &inspection.detail.checks;
    let red: Vec<&str> = checks.iter().filter(|check| check.state.is_bad()).map(|check| check.name.as_str()).collect();
    let running = checks.iter().filter(|check| !check.state.is_finished()).count();
    let passed = checks.iter().filter(|check| check.state == RunState::Success).count();
    let counted = &inspection.pull_request.checks;
    let result = if !red.is_empty() {
        let says = say!("red: {}", red.join(", "));
        if stops { CheckResult::Stop(says) } else { CheckResult::Look(says) }
    } else if running > 0 {
        CheckResult::Look(say!("{running} still running"))
    } else if checks.is_empty() && counted.failed > 0 {
        CheckResult::Look(say!("{} of {} failed", counted.failed, counted.total()))
    } else if checks.is_empty() && !counted.is_readable {
        CheckResult::Look("this token may not read checks: not checked".into())
    } else if checks.is_empty() {
        CheckResult::Look("nothing checks it".into())
    } else {
        CheckResult::Ok(say!("{passed} passed"))
    };
    check("M4", "checks", result)
}
