//! Workflow runs: conditional requests, jobs, one bad repository among good ones.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{DeployRule, RunsSource},
    client,
    fake::{Fake, Reply, Seen},
};
use crate::{
    model::code::{Run, RunState},
    source::{ErrorKind, Fact, Source},
};

fn run(id: u64, more: &Value) -> Value {
    let mut run = json!({"id": id, "name": "ci", "path": ".github/workflows/ci.yml", "run_number": id, "run_attempt": 1,
        "status": "completed", "conclusion": "success", "head_sha": "3e9d1c", "actor": {"login": "alice"}});
    json_patch::merge(&mut run, more);
    run
}

fn source(fake: &Fake, repositories: &[&str]) -> RunsSource {
    let repositories: Vec<String> = repositories.iter().map(|name| (*name).to_owned()).collect();
    RunsSource::new(client(fake).0, &repositories, Arc::new(DeployRule::default()), None)
}

fn runs(facts: &[Fact]) -> Vec<Run> {
    facts
        .iter()
        .filter_map(|fact| if let Fact::Runs { list, .. } = fact { Some(list.clone()) } else { None })
        .flatten()
        .collect()
}

/// A run that goes on, and its end, which comes with the third poll.
fn story(seen: &Seen, polls: u64) -> Reply {
    let (status, conclusion) = if polls < 3 { ("in_progress", Value::Null) } else { ("completed", json!("failure")) };
    if seen.path.contains("/jobs") {
        return Reply::json(&json!({"total_count": 2, "jobs": [
            {"id": 1, "run_attempt": 1, "name": "build", "status": "completed", "conclusion": "success"},
            {"id": 2, "run_attempt": 1, "name": "deploy", "status": status, "conclusion": conclusion, "started_at": null}]}));
    }
    Reply::json(&json!({"total_count": 3, "workflow_runs": [
        run(412, &json!({"status": status, "conclusion": conclusion, "name": null, "head_branch": null, "head_commit": null})),
        run(411, &json!({})), {"id": "wrong"}]}))
}

#[tokio::test]
async fn jobs_are_read_while_a_run_goes_on_and_once_after() {
    let polls = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = polls.clone();
    let fake = Fake::start(move |seen| story(seen, count.load(std::sync::atomic::Ordering::SeqCst))).await;
    let mut source = source(&fake, &["acme/api"]);
    for poll in 1..=4 {
        polls.store(poll, std::sync::atomic::Ordering::SeqCst);
        let list = runs(&source.next().await.unwrap());
        assert_eq!(list.iter().map(|run| run.key.id).collect::<Vec<_>>(), [412, 411]);
        let state = if poll < 3 { RunState::Running } else { RunState::Failure };
        assert_eq!((&list[0].state, list[0].stage.as_deref()), (&state, Some("deploy")), "poll {poll}");
        assert_eq!((list[0].jobs_done, list[0].jobs_total), (if poll < 3 { 1 } else { 2 }, 2));
        assert!(list[0].deploys && !list[1].deploys);
        assert_eq!(list[0].workflow, ".github/workflows/ci.yml", "a run may have no name");
    }
    let jobs = fake.paths().iter().filter(|path| path.contains("/jobs")).count();
    assert_eq!(jobs, 3, "a finished run's jobs are not read again");
}

#[tokio::test]
async fn one_bad_repository_does_not_cost_the_others() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        path if path.starts_with("/repos/acme/gone") => Reply::new(404, &[], r#"{"message":"Not Found"}"#),
        _ => Reply::json(&json!({"workflow_runs": [run(1, &json!({}))]})),
    })
    .await;
    let facts = source(&fake, &["acme/gone", "acme/api"]).next().await.unwrap();
    assert_eq!(runs(&facts).len(), 1);
    assert!(format!("{facts:?}").contains("the runs of 'acme/gone'"));
    let error = source(&fake, &["acme/gone"]).next().await.unwrap_err();
    assert!(error.says.contains("may not see it"), "{}", error.says);
}

#[tokio::test]
async fn a_refused_token_stops_the_round() {
    let fake = Fake::start(|_| Reply::new(401, &[], r#"{"message":"Bad credentials"}"#)).await;
    let error = source(&fake, &["acme/a", "acme/b"]).next().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn unchanged_lists_cost_no_budget() {
    let fake = Fake::start(|seen: &Seen| match seen.header("if-none-match") {
        Some(_) => Reply::new(304, &[], ""),
        None => Reply::new(200, &[("etag", "\"1\"")], json!({"workflow_runs": [run(1, &json!({}))]}).to_string()),
    })
    .await;
    let mut source = source(&fake, &["acme/a", "acme/b"]);
    let first = source.next().await.unwrap();
    assert_eq!(source.next().await.unwrap(), first);
    assert_eq!(fake.seen().iter().filter(|seen| seen.header("if-none-match").is_some()).count(), 2);
}
