//! Writes: guarded, sent once, and honest about what became of them.

use std::time::Duration;

use serde_json::json;

use super::{
    client, client_with,
    fake::{Fake, Reply, Seen},
    pull_key, run_key,
};
use crate::{
    action::{ActionError, Done, Operator, Verdict, Write},
    model::code::MergeMethod,
    operator::github::GitHubOperator,
};

fn approve() -> Write {
    Write::Review {
        pull_request: pull_key(),
        head_sha: "77ac01f".into(),
        verdict: Verdict::Approve,
        body: String::new(),
    }
}

fn merge() -> Write {
    Write::Merge { pull_request: pull_key(), head_sha: "77ac01f".into(), method: MergeMethod::Squash }
}

fn cancel() -> Write {
    Write::CancelRun { run: run_key(), attempt: 1 }
}

fn rerun() -> Write {
    Write::RerunRun { run: run_key(), attempt: 1, only_failed: true }
}

/// Reads answer as if nothing had moved; the run goes on, or is over.
fn still(seen: &Seen, is_over: bool) -> Reply {
    if seen.path.contains("/pulls/") {
        return Reply::json(&json!({"state": "open", "merged": false, "head": {"sha": "77ac01f"}}));
    }
    let (status, conclusion) = if is_over { ("completed", json!("failure")) } else { ("in_progress", json!(null)) };
    Reply::json(&json!({"id": 412, "run_attempt": 1, "status": status, "conclusion": conclusion}))
}

async fn execute(fake: &Fake, write: Write) -> Result<Done, ActionError> {
    GitHubOperator::new(client(fake).0).execute(&write).await
}

/// `write` against a host that answers it with `reply`; and how often it was sent.
async fn answered(write: Write, reply: Reply) -> (Result<Done, ActionError>, usize) {
    let is_over = matches!(write, Write::RerunRun { .. });
    let fake = Fake::start(move |seen| if seen.method == "GET" { still(seen, is_over) } else { reply.clone() }).await;
    let done = execute(&fake, write).await;
    let sent = fake.seen().iter().filter(|seen| seen.method != "GET").count();
    (done, sent)
}

#[tokio::test]
async fn what_is_sent_is_bound_to_what_was_seen() {
    let fake = Fake::start(|seen: &Seen| match (seen.method.as_str(), seen.path.rsplit('/').next()) {
        ("GET", _) => still(seen, false),
        (_, Some("merge")) => {
            Reply::json(&json!({"sha": "abcdef0123", "merged": true, "message": "Pull Request successfully merged"}))
        }
        (_, Some("cancel")) => Reply::new(202, &[], "{}"),
        _ => Reply::json(&json!({"id": 80})),
    })
    .await;
    assert_eq!(execute(&fake, approve()).await.unwrap().says, "approved at 77ac01f");
    let merged = execute(&fake, merge()).await.unwrap();
    assert_eq!((&*merged.says, merged.reference.as_deref()), ("merged (squash) as abcdef0", Some("abcdef0123")));
    let comment = Write::Comment { pull_request: pull_key(), body: "hi".into() };
    assert_eq!(execute(&fake, comment).await.unwrap().reference.as_deref(), Some("80"));
    execute(&fake, cancel()).await.unwrap();
    let writes: Vec<Seen> = fake.seen().into_iter().filter(|seen| seen.method != "GET").collect();
    let sent: Vec<_> = writes.iter().map(|seen| format!("{} {} {}", seen.method, seen.path, seen.json())).collect();
    assert_eq!(
        sent,
        [
            r#"POST /repos/acme/api/pulls/1490/reviews {"commit_id":"77ac01f","event":"APPROVE"}"#,
            r#"PUT /repos/acme/api/pulls/1490/merge {"merge_method":"squash","sha":"77ac01f"}"#,
            r#"POST /repos/acme/api/issues/1490/comments {"body":"hi"}"#,
            "POST /repos/acme/api/actions/runs/412/cancel null",
        ]
    );
}

#[tokio::test]
async fn what_moved_is_not_written_to() {
    let fake = Fake::start(|seen: &Seen| {
        if seen.path.contains("/pulls/") {
            Reply::json(&json!({"state": "open", "head": {"sha": "0ther00"}}))
        } else {
            let bob =
                json!({"id": 412, "run_attempt": 2, "status": "in_progress", "triggering_actor": {"login": "bob"}});
            Reply::json(&bob)
        }
    })
    .await;
    for write in [approve(), merge()] {
        let error = execute(&fake, write).await.unwrap_err();
        assert!(matches!(&error, ActionError::Moved(says) if says.contains("0ther00")), "{error:?}");
    }
    for write in [cancel(), rerun()] {
        let error = execute(&fake, write).await.unwrap_err();
        assert!(matches!(&error, ActionError::Moved(says) if says.contains("by bob")), "{error:?}");
    }
    assert!(fake.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn a_merged_pull_request_says_by_whom() {
    let fake = Fake::start(|_| {
        Reply::json(&json!({"state": "closed", "merged": true, "merged_by": {"login": "bob"},
        "merged_at": "2026-11-21T03:10:00Z", "head": {"sha": "77ac01f"}}))
    })
    .await;
    let error = execute(&fake, merge()).await.unwrap_err();
    assert_eq!(error, ActionError::Moved("'acme/api#1490' was merged by bob at 2026-11-21T03:10:00Z".into()));
}

#[tokio::test]
async fn finished_runs_are_not_cancelled_and_running_ones_not_rerun() {
    let fake = Fake::start(|seen| still(seen, true)).await;
    let error = execute(&fake, cancel()).await.unwrap_err();
    assert!(matches!(&error, ActionError::Refused(says) if says.contains("already finished (failure)")), "{error:?}");
    let fake = Fake::start(|seen| still(seen, false)).await;
    let error = execute(&fake, rerun()).await.unwrap_err();
    assert!(matches!(&error, ActionError::Refused(says) if says.contains("still goes on")), "{error:?}");
}

type Is<'a> = &'a dyn Fn(&ActionError) -> bool;

#[tokio::test]
async fn refusals_are_told_apart() {
    let moved = |error: &ActionError| matches!(error, ActionError::Moved(_));
    let no = |error: &ActionError| matches!(error, ActionError::Refused(_));
    let body = |text: &str| json!({ "message": text }).to_string();
    let cases: [(Write, u16, String, Is<'_>, &str); 7] = [
        (merge(), 409, body("Head branch was modified. Review and try the merge again."), &moved, "head moved"),
        (merge(), 405, body("Base branch was modified. Review and try the merge again."), &moved, "retry"),
        (merge(), 405, body("Pull Request is not mergeable"), &no, "not mergeable"),
        (
            approve(),
            422,
            json!({"message": "Unprocessable Entity", "errors": ["Can not approve your own pull request"]}).to_string(),
            &no,
            "your own",
        ),
        (cancel(), 409, body("Cannot cancel a workflow run that is completed."), &no, "already finished"),
        (
            rerun(),
            403,
            body("Unable to retry this workflow run because it was created over a month ago"),
            &no,
            "over a month ago",
        ),
        (rerun(), 403, body("Resource not accessible by personal access token"), &no, "lacks a right"),
    ];
    for (write, status, body, is, words) in cases {
        let (done, sent) = answered(write, Reply::new(status, &[], body)).await;
        let error = done.unwrap_err();
        assert!(is(&error) && error.to_string().contains(words), "{status}: {error:?}");
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn without_an_answer_nobody_knows_and_nothing_is_sent_again() {
    let page = Reply::new(200, &[("content-type", "text/html")], "<html>Log in</html>");
    for reply in [
        Reply::hang(),
        page,
        Reply::new(502, &[], "<html>"),
        Reply::new(500, &[], "{}"),
        Reply::json(&json!({})).cut(30, false),
    ] {
        let (done, sent) = answered(merge(), reply).await;
        let error = done.unwrap_err();
        assert!(matches!(&error, ActionError::Unknown(says) if says.contains("It may have happened")), "{error:?}");
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn what_never_left_is_said_not_to_have_been_sent() {
    let fake = Fake::start(|_| Reply::new(401, &[], "{}")).await;
    let error = execute(&fake, merge()).await.unwrap_err();
    assert!(matches!(&error, ActionError::NotSent(_)), "{error:?}");
    assert!(fake.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn a_renamed_repository_is_not_written_to() {
    let (done, sent) =
        answered(merge(), Reply::new(307, &[("location", "/repositories/7/pulls/1490/merge")], "")).await;
    let error = done.unwrap_err();
    assert!(matches!(&error, ActionError::Refused(says) if says.contains("renamed")), "{error:?}");
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn writes_keep_their_distance() {
    let fake = Fake::start(|_| Reply::json(&json!({"id": 1}))).await;
    let gap = Duration::from_hours(1);
    let (client, clock) = client_with(&fake, |settings| settings.write_gap = gap);
    let operator = GitHubOperator::new(client);
    let comment = Write::Comment { pull_request: pull_key(), body: "hi".into() };
    operator.execute(&comment).await.unwrap();
    let second = tokio::time::timeout(Duration::from_millis(50), operator.execute(&comment));
    assert!(second.await.is_err(), "it waits");
    assert_eq!(fake.seen().len(), 1);
    clock.advance(gap);
    operator.execute(&comment).await.unwrap();
    assert_eq!(fake.seen().len(), 2);
}
