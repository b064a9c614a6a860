//! Workflows, runs, jobs and their logs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Call,
    objects::{api, node, stamp, stamp_of, web},
    pulls,
    reply::{Page, Reply},
    repos, signed, users,
};
use crate::demo::code::{
    Code, Refusal,
    actions::Again,
    run::{Attempt, Conclusion, Job, Run},
    workflow::Workflow,
};

pub(crate) fn route(code: &mut Code, call: &Call<'_>, repo: usize, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("GET", ["runs"]) => list(code, call, repo, None),
        ("GET", ["workflows"]) => {
            let all = code.repos[repo].workflows.iter().map(|w| workflow(code, repo, w, &call.base)).collect();
            Page::of(all, call).counted("workflows")
        }
        ("GET", ["workflows", which]) => match find_workflow(code, repo, which) {
            Some(index) => Reply::json(200, workflow(code, repo, &code.repos[repo].workflows[index], &call.base)),
            None => Reply::not_found(),
        },
        ("GET", ["workflows", which, "runs"]) => match find_workflow(code, repo, which) {
            Some(index) => list(code, call, repo, Some(index)),
            None => Reply::not_found(),
        },
        ("POST", ["workflows", which, "dispatches"]) => match find_workflow(code, repo, which) {
            Some(index) => dispatch(code, call, repo, index),
            None => Reply::not_found(),
        },
        (_, ["runs", id, rest @ ..]) => match id.parse().ok().and_then(|id| code.run_index(repo, id)) {
            Some(index) => of_run(code, call, index, rest),
            None => Reply::not_found(),
        },
        (_, ["jobs", id, rest @ ..]) => match id.parse() {
            Ok(id) => of_job(code, call, repo, id, rest),
            Err(_) => Reply::not_found(),
        },
        _ => Reply::not_found(),
    }
}

fn of_run(code: &mut Code, call: &Call<'_>, index: usize, rest: &[&str]) -> Reply {
    let run = &code.runs[index];
    let attempt = |k: &str| k.parse::<usize>().ok().and_then(|k| run.attempts.get(k.checked_sub(1)?));
    match (call.method, rest) {
        ("GET", []) => Reply::json(200, run_json(code, run, run.latest(), &call.base)),
        ("GET", ["attempts", k]) => {
            attempt(k).map_or_else(Reply::not_found, |a| Reply::json(200, run_json(code, run, a, &call.base)))
        }
        ("GET", ["jobs"]) => {
            let every: Vec<&Job> = if call.param("filter") == Some("all") {
                let of = |a: &'_ Attempt| a.number;
                run.attempts.iter().flat_map(|a| a.jobs.iter().filter(move |j| j.attempt == of(a))).collect()
            } else {
                run.latest().jobs.iter().collect()
            };
            jobs(code, call, run, &every)
        }
        ("GET", ["attempts", k, "jobs"]) => {
            attempt(k).map_or_else(Reply::not_found, |a| jobs(code, call, run, &a.jobs.iter().collect::<Vec<_>>()))
        }
        ("GET", ["approvals" | "pending_deployments"]) => Reply::json(200, json!([])),
        ("POST", ["rerun"]) => done(code.rerun(index, &Again::All), 201),
        ("POST", ["rerun-failed-jobs"]) => done(code.rerun(index, &Again::Failed), 201),
        ("POST", ["cancel"]) => done(code.cancel(index, false), 202),
        ("POST", ["force-cancel"]) => done(code.cancel(index, true), 202),
        _ => Reply::not_found(),
    }
}

fn dispatch(code: &mut Code, call: &Call<'_>, repo: usize, workflow: usize) -> Reply {
    let Some(branch) = call.text("ref") else { return Reply::unfit("\"ref\" wasn't supplied.") };
    let inputs = call.body["inputs"].as_object().into_iter().flatten();
    let inputs = inputs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    let branch = branch.trim_start_matches("refs/heads/").to_owned();
    match code.dispatch(repo, workflow, &branch, inputs) {
        Err(refusal) => Reply::refused(&refusal),
        Ok(_) if call.body["return_run_details"] != true => Reply::empty(204),
        Ok(id) => {
            let own = &code.repos[repo];
            let run = format!("actions/runs/{id}");
            let (run_url, html_url) = (format!("{}/{run}", api(&call.base, own)), format!("{}/{run}", web(own)));
            Reply::json(200, json!({"workflow_run_id": id, "run_url": run_url, "html_url": html_url}))
        }
    }
}

fn done(result: Result<(), Refusal>, status: u16) -> Reply {
    match result {
        Ok(()) => Reply::json(status, json!({})),
        Err(refusal) => Reply::refused(&refusal),
    }
}

fn of_job(code: &mut Code, call: &Call<'_>, repo: usize, id: u64, rest: &[&str]) -> Reply {
    let Some((run, job)) = code.job(repo, id) else { return Reply::not_found() };
    match (call.method, rest) {
        ("GET", []) => Reply::json(200, job_json(code, run, job, &call.base)),
        ("GET", ["logs"]) if job.completed.is_some() && job.conclusion != Some(Conclusion::Skipped) => {
            Reply::empty(302).with("location", signed::address(code, &call.base, repo, id))
        }
        ("POST", ["rerun"]) => {
            let (run_id, name) = (run.id, job.plan.name.clone());
            match code.run_index(repo, run_id) {
                Some(index) => done(code.rerun(index, &Again::Job(name)), 201),
                None => Reply::not_found(),
            }
        }
        _ => Reply::not_found(),
    }
}

fn find_workflow(code: &Code, repo: usize, which: &str) -> Option<usize> {
    let id = which.parse::<u64>().ok();
    code.repos[repo].workflows.iter().position(|w| Some(w.id) == id || w.file == which)
}

fn list(code: &Code, call: &Call<'_>, repo: usize, workflow: Option<usize>) -> Reply {
    let is = |name: &str, value: &str| call.param(name).is_none_or(|want| want == value);
    let state = |run: &Run| {
        let how = run.conclusion().map_or("", Conclusion::word);
        call.param("status").is_none_or(|want| want == run.status() || want == how)
    };
    let wanted = |run: &&Run| {
        run.repo == repo
            && workflow.is_none_or(|w| w == run.workflow)
            && is("actor", &run.actor)
            && is("branch", &run.branch)
            && is("event", &run.event)
            && is("head_sha", &run.sha)
            && is("check_suite_id", &run.suite.to_string())
            && state(run)
            && call.param("created").is_none_or(|range| in_range(run.created, range))
    };
    let mut found: Vec<&Run> = code.runs.iter().filter(wanted).collect();
    found.sort_by(|a, b| b.created.cmp(&a.created).then(b.id.cmp(&a.id)));
    let page = Page::of(found, call);
    let runs: Vec<Value> = page.items.iter().map(|run| run_json(code, run, run.latest(), &call.base)).collect();
    page.reply(json!({ "total_count": page.total, "workflow_runs": runs }))
}

/// `>=T`, `<T`, `A..B`, or a day.
fn in_range(at: Timestamp, range: &str) -> bool {
    let text = stamp(at);
    let before = |limit: &str, or_same: bool| {
        let cut = &text[..limit.len().min(text.len())];
        cut < limit || (or_same && cut == limit)
    };
    if let Some((from, to)) = range.split_once("..") {
        return (from == "*" || !before(from, false)) && (to == "*" || before(to, true));
    }
    match range.as_bytes() {
        [b'>', b'=', ..] => !before(&range[2..], false),
        [b'<', b'=', ..] => before(&range[2..], true),
        [b'>', ..] => !before(&range[1..], true),
        [b'<', ..] => before(&range[1..], false),
        _ => text.starts_with(range),
    }
}

fn workflow(code: &Code, index: usize, workflow: &Workflow, base: &str) -> Value {
    let repo = &code.repos[index];
    json!({
        "id": workflow.id, "node_id": node("W", workflow.id), "name": workflow.name, "path": workflow.path(),
        "state": "active", "created_at": stamp(repo.created), "updated_at": stamp(repo.created),
        "url": format!("{}/actions/workflows/{}", api(base, repo), workflow.id),
        "html_url": format!("{}/blob/{}/{}", web(repo), repo.default_branch, workflow.path()),
        "badge_url": format!("{}/workflows/{}/badge.svg", web(repo), workflow.name),
    })
}

/// A run as of one of its attempts.
pub(crate) fn run_json(code: &Code, run: &Run, attempt: &Attempt, base: &str) -> Value {
    let repo = &code.repos[run.repo];
    let workflow = &repo.workflows[run.workflow];
    let address = format!("{}/actions/runs/{}", api(base, repo), run.id);
    let latest = attempt.number == run.latest().number;
    let commit = repo.commits.get(&run.sha).map(|c| {
        json!({
            "id": c.sha, "tree_id": c.sha, "message": c.message, "timestamp": stamp(c.at),
            "author": users::git(code, &c.author, c.at), "committer": users::git(code, &c.author, c.at),
        })
    });
    let pulls: Vec<Value> =
        run.pull.and_then(|n| repo.pull(n)).map(|p| pulls::minimal(repo, p, base)).into_iter().collect();
    let previous = (attempt.number > 1).then(|| format!("{address}/attempts/{}", attempt.number - 1));
    json!({
        "id": run.id, "name": workflow.name, "node_id": node("WFR", run.id), "head_branch": run.branch,
        "head_sha": run.sha, "path": workflow.path(), "display_title": run.title, "run_number": run.number,
        "event": run.event, "status": if latest { run.status() } else { attempt.status() },
        "conclusion": attempt.conclusion().map(Conclusion::word), "workflow_id": workflow.id,
        "check_suite_id": run.suite, "check_suite_node_id": node("CS", run.suite), "url": address,
        "html_url": format!("{}/actions/runs/{}", web(repo), run.id), "pull_requests": pulls,
        "created_at": stamp(run.created), "updated_at": stamp(attempt.updated()), "actor": users::simple(code, &run.actor),
        "run_attempt": attempt.number, "referenced_workflows": [], "run_started_at": stamp(attempt.started),
        "triggering_actor": users::simple(code, &attempt.actor), "jobs_url": format!("{address}/jobs"),
        "logs_url": format!("{address}/logs"),
        "check_suite_url": format!("{}/check-suites/{}", api(base, repo), run.suite),
        "artifacts_url": format!("{address}/artifacts"), "cancel_url": format!("{address}/cancel"),
        "rerun_url": format!("{address}/rerun"), "previous_attempt_url": previous,
        "workflow_url": format!("{}/actions/workflows/{}", api(base, repo), workflow.id), "head_commit": commit,
        "repository": repos::minimal(code, run.repo, base), "head_repository": repos::minimal(code, run.repo, base),
    })
}

fn jobs(code: &Code, call: &Call<'_>, run: &Run, all: &[&Job]) -> Reply {
    // A job that waits for another is not listed before it can start.
    let listed = all.iter().filter(|j| j.started.is_some() || j.completed.is_some() || j.plan.needs.is_empty());
    Page::of(listed.map(|job| job_json(code, run, job, &call.base)).collect(), call).counted("jobs")
}

fn job_json(code: &Code, run: &Run, job: &Job, base: &str) -> Value {
    let repo = &code.repos[run.repo];
    let address = api(base, repo);
    let steps = job.steps.iter().map(|step| {
        json!({
            "name": step.plan.name, "status": step.status(), "conclusion": step.conclusion.map(Conclusion::word),
            "number": step.number, "started_at": stamp_of(step.started), "completed_at": stamp_of(step.completed),
        })
    });
    let runner = job.started.map(|_| &job.runner);
    let group = if job.plan.labels.iter().any(|l| l == "self-hosted") { "Default" } else { "GitHub Actions" };
    json!({
        "id": job.id, "run_id": run.id, "workflow_name": repo.workflows[run.workflow].name, "head_branch": run.branch,
        "run_url": format!("{address}/actions/runs/{}", run.id), "run_attempt": job.attempt,
        "node_id": node("CR", job.id), "head_sha": run.sha, "url": format!("{address}/actions/jobs/{}", job.id),
        "html_url": format!("{}/actions/runs/{}/job/{}", web(repo), run.id, job.id), "status": job.status(),
        "conclusion": job.conclusion.map(Conclusion::word), "created_at": stamp(job.created),
        "started_at": stamp(job.started.or(job.completed).unwrap_or(job.created)), "completed_at": stamp_of(job.completed),
        "name": job.plan.name, "steps": steps.collect::<Vec<_>>(),
        "check_run_url": format!("{address}/check-runs/{}", job.id), "labels": job.plan.labels,
        "runner_id": runner.map(|r| r.0), "runner_name": runner.map(|r| r.1.clone()),
        "runner_group_id": runner.map(|_| 1), "runner_group_name": runner.map(|_| group),
    })
}
