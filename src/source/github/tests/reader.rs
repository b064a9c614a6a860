//! What somebody looks at: pull requests, jobs, logs.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    super::{Client, GitHubReader},
    TOKEN, client, client_with,
    fake::{Fake, Reply, Seen},
    pull_key, run_key,
};
use crate::{
    model::code::{JobKey, JobLog, MergeState, PullRequestDetail},
    query::{Answer, Query},
    source::{AnswerSink, Reader, SourceError},
    time::{Clock, TestClock},
};

/// The first `count` answers, or fewer if the reader is done before.
async fn answers(
    client: Arc<Client>,
    clock: Arc<TestClock>,
    query: Query,
    count: usize,
) -> Vec<Result<Answer, SourceError>> {
    let (to, mut from) = mpsc::channel(1);
    let clock: Arc<dyn Clock> = clock;
    let sink = AnswerSink { query: query.clone(), generation: 1, clock, to };
    let reader = GitHubReader::new(client);
    let collect = async {
        let mut got = Vec::new();
        while got.len() < count
            && let Some(answer) = from.recv().await
        {
            got.push(answer.body);
        }
        drop(from);
        got
    };
    tokio::select! {
        got = collect => got,
        got = async { reader.read(&query, sink).await; std::future::pending().await } => got,
    }
}

async fn log(client: Arc<Client>, clock: Arc<TestClock>) -> Result<JobLog, SourceError> {
    let query = Query::JobLog(JobKey { run: run_key(), attempt: 1, id: 701 });
    match answers(client, clock, query, 1).await.pop().unwrap()? {
        Answer::JobLog(log) => Ok(*log),
        other => panic!("{other:?}"),
    }
}

const LOG: &str = "2026-03-01T02:03:04.1234567Z ##[group]Run make\n2026-03-01T02:03:05.1234567Z FAIL\n\
                   2026-03-01T02:03:06.1234567Z ##[error]Process completed with exit code 1.\n";

#[tokio::test]
async fn a_log_is_fetched_from_its_signed_address_without_the_token() {
    let store = Fake::start(|_| Reply::new(200, &[("content-type", "text/plain")], LOG)).await;
    let location = format!("{}/blob?sig=SIGNED", store.url);
    let fake = Fake::start(move |_| Reply::new(302, &[("location", &location)], "")).await;
    let (client, clock) = client(&fake);
    let log = log(client, clock).await.unwrap();
    assert_eq!(
        log.lines,
        ["02:03:04 ##[group]Run make", "02:03:05 FAIL", "02:03:06 ##[error]Process completed with exit code 1."]
    );
    assert_eq!(log.errors, [2]);
    assert_eq!(fake.paths(), ["GET /repos/acme/api/actions/jobs/701/logs"]);
    assert!(fake.seen()[0].header("authorization").unwrap().ends_with(TOKEN));
    assert_eq!(store.paths(), ["GET /blob?sig=SIGNED"]);
    assert_eq!(store.seen()[0].header("authorization"), None, "the token stays with its host");
}

#[tokio::test]
async fn a_renamed_repositorys_log_is_asked_for_with_the_token_and_fetched_without() {
    let store = Fake::start(|_| Reply::new(200, &[("content-type", "text/plain")], LOG)).await;
    let location = format!("{}/blob?sig=SIGNED", store.url);
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        "/repositories/7/actions/jobs/701/logs" if seen.header("authorization").is_some() => {
            Reply::new(302, &[("location", &location)], "")
        }
        "/repositories/7/actions/jobs/701/logs" => Reply::new(404, &[], "{}"),
        _ => Reply::new(301, &[("location", "/repositories/7/actions/jobs/701/logs")], "{}"),
    })
    .await;
    let (client, clock) = client(&fake);
    assert_eq!(log(client, clock).await.unwrap().lines.len(), 3);
    assert_eq!(store.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_log_that_is_not_there_is_never_shown_as_text() {
    for (status, word) in [(404, "still runs"), (410, "expired"), (500, "still runs")] {
        let fake = Fake::start(move |_| Reply::new(status, &[], r#"{"message":"Server Error"}"#)).await;
        let (client, clock) = client(&fake);
        let says = log(client, clock).await.unwrap_err().says;
        assert!(says.contains(word) && says.contains(&status.to_string()), "{says}");
    }
    let store = Fake::start(|_| Reply::new(403, &[], "<Error>AuthenticationFailed SIGNED</Error>")).await;
    let location = format!("{}/blob?sig=SIGNED", store.url);
    let fake = Fake::start(move |_| Reply::new(302, &[("location", &location)], "")).await;
    let (client, clock) = client(&fake);
    let says = log(client, clock).await.unwrap_err().says;
    assert!(says.contains("link to it was refused") && !says.contains("SIGNED"), "{says}");
}

#[tokio::test]
async fn a_signed_address_is_in_no_error() {
    let store = Fake::start(|_| Reply::hang()).await;
    let location = format!("{}/blob?sig=SIGNED", store.url);
    let fake = Fake::start(move |_| Reply::new(302, &[("location", &location)], "")).await;
    let (client, clock) = client(&fake);
    let error = log(client, clock).await.unwrap_err();
    assert!(!format!("{error:?}").contains("SIGNED"), "{error:?}");
}

#[tokio::test]
async fn a_refused_token_for_a_log_says_so() {
    let fake = Fake::start(|_| Reply::new(401, &[], r#"{"message":"Bad credentials"}"#)).await;
    let (client, clock) = client(&fake);
    assert!(log(client, clock).await.unwrap_err().says.contains("refused the token"));
}

#[tokio::test]
async fn of_a_huge_log_the_end_is_kept() {
    let text: String =
        (0..10_000).map(|n| format!("2026-03-01T02:03:04.1234567Z line {n}\n")).collect::<Vec<_>>().concat();
    let whole = text.len() as u64;
    let fake = Fake::start(move |seen: &Seen| {
        if seen.path.ends_with("/logs") {
            Reply::new(200, &[("content-type", "text/plain")], &text)
        } else {
            Reply::json(&json!({"id": 701, "status": "completed", "conclusion": "success"}))
        }
    })
    .await;
    let (client, clock) = client_with(&fake, |settings| settings.log_cap = 1000);
    let log = log(client, clock).await.unwrap();
    assert_eq!(log.lines.last().unwrap(), "02:03:04 line 9999");
    assert!(log.lines[0].starts_with("02:03:04 line "), "{}", log.lines[0]);
    let kept: u64 = log.lines.iter().map(|line| line.len() as u64 + 21).sum();
    assert_eq!(log.dropped_bytes + kept, whole);
    assert_eq!(log.errors, [0usize; 0]);
}

fn jobs_reply(conclusion: &Value) -> Reply {
    let status = if conclusion.is_null() { "in_progress" } else { "completed" };
    Reply::json(
        &json!({"jobs": [{"id": 1, "name": "deploy", "status": status, "conclusion": conclusion, "html_url": null,
        "runner_name": "", "steps": [{"number": 17, "name": "Post \u{1b}[31mx", "status": "pending", "conclusion": null}]}]}),
    )
}

#[tokio::test]
async fn jobs_end_with_their_run() {
    let fake = Fake::start(|seen: &Seen| {
        if seen.path.contains("/jobs") {
            jobs_reply(&json!("failure"))
        } else {
            Reply::json(&json!({"id": 412, "status": "completed", "conclusion": "failure"}))
        }
    })
    .await;
    let (client, clock) = client(&fake);
    let (to, mut from) = mpsc::channel(4);
    let query = Query::Jobs(run_key());
    let sink = AnswerSink { query: query.clone(), generation: 1, clock, to };
    GitHubReader::new(client).read(&query, sink).await;
    let Ok(Answer::Jobs(jobs)) = from.recv().await.unwrap().body else { panic!("no jobs") };
    assert_eq!(jobs[0].steps[0].name, "Post x");
    assert_eq!(jobs[0].runner, None);
    assert!(from.recv().await.is_none(), "a finished run is read once");
}

fn detail(merge: &str, head: &str) -> Value {
    json!({"data": {"viewer": {"login": "ana"}, "repository": {"viewerPermission": "WRITE", "pullRequest": {
        "number": 1490, "title": "fix", "body": "one\r\ntwo\u{1b}[2J", "headRefOid": head, "mergeable": "UNKNOWN",
        "mergeStateStatus": merge, "changedFiles": 2, "author": null,
        "reviews": {"nodes": [{"author": null, "state": "CHANGES_REQUESTED", "body": "no", "submittedAt": "2026-11-21T03:00:00Z"}]},
        "comments": {"nodes": [{"author": {"login": "bob"}, "body": "hi", "createdAt": "2026-11-21T02:00:00Z"}, null]},
        "reviewThreads": {"nodes": [{"isResolved": false, "path": "src/auth.py", "line": 45, "comments": {"nodes": [
            {"author": {"login": "carol"}, "body": "validate issuer?", "createdAt": "2026-11-21T01:00:00Z"}]}}]},
        "checks": {"contexts": {"nodes": [
            {"__typename": "CheckRun", "name": "test", "status": "COMPLETED", "conclusion": "FAILURE", "detailsUrl": "https://x"},
            {"__typename": "StatusContext", "context": "ci/jenkins", "state": "PENDING", "targetUrl": null}]}}}}}})
}

fn files_page(seen: &Seen, url: &str) -> Reply {
    if seen.path.contains("page=2") {
        return Reply::json(&json!([{"filename": "b.png", "status": "removed", "deletions": 1}]));
    }
    let link = format!("<{url}/repos/acme/api/pulls/1490/files?per_page=100&page=2>; rel=\"next\"");
    Reply::new(
        200,
        &[("link", &link)],
        json!([{"filename": "a.rs", "status": "added", "additions": 3, "patch": "@@ -0,0 +1 @@\n+\u{1b}[31mx"}])
            .to_string(),
    )
}

async fn details(fake: &Fake, count: usize) -> Vec<PullRequestDetail> {
    let (client, clock) = client(fake);
    let answers = answers(client, clock, Query::PullRequest(pull_key()), count).await;
    answers
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Answer::PullRequest(detail) => *detail,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn a_pull_request_is_read_whole() {
    // The fake learns its own address from the request, to link to its second page.
    let fake = Fake::start(|seen: &Seen| match seen.method.as_str() {
        "POST" => Reply::json(&detail("CLEAN", "77ac01")),
        _ => files_page(seen, &format!("http://{}", seen.header("host").unwrap())),
    })
    .await;
    let detail = details(&fake, 1).await.pop().unwrap();
    assert_eq!(detail.body, "one\ntwo");
    let files: Vec<_> = detail.files.iter().map(|file| (&*file.path, file.mark, file.patch.as_deref())).collect();
    assert_eq!(files, [("a.rs", 'A', Some("@@ -0,0 +1 @@\n+x")), ("b.png", 'D', None)]);
    assert!(!detail.files_truncated);
    let checks: Vec<_> = detail.checks.iter().map(|check| format!("{} {}", check.name, check.state)).collect();
    assert_eq!(checks, ["test failure", "ci/jenkins running"]);
    assert_eq!((&*detail.reviews[0].author, &*detail.reviews[0].state), ("ghost", "changes requested"));
    assert_eq!(
        detail.comments.iter().map(|comment| &*comment.state).collect::<Vec<_>>(),
        ["unresolved src/auth.py:45", "commented"]
    );
}

#[tokio::test]
async fn a_mergeability_being_computed_is_asked_again() {
    let fake = Fake::start(|seen: &Seen| match seen.method.as_str() {
        "GET" if seen.path.ends_with("/pulls/1490") => {
            Reply::json(&json!({"head": {"sha": "77ac01"}, "mergeable": true, "mergeable_state": "clean"}))
        }
        "POST" => Reply::json(&detail("UNKNOWN", "77ac01")),
        _ => Reply::json(&json!([])),
    })
    .await;
    let details = details(&fake, 2).await;
    assert_eq!((&details[0].merge, &details[1].merge), (&MergeState::Checking, &MergeState::Ready));
    assert!(details[0].files_truncated, "two files changed, none was told");
}
