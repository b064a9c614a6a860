//! What plans are made of.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::{Value, json};

use super::{
    super::{DeployRule, GitHubInspector},
    client,
    fake::{Fake, Reply, Seen},
    pull_key, run_key,
};
use crate::{
    action::{Inspection, Inspector, Request, RunInspection},
    model::code::MergeState,
};

const WORKFLOW: &str = "jobs:\n  ship:\n    environment: production\n    steps:\n      - name: Undo\n        if: failure()\n        run: kubectl rollout undo deploy/myapp\n";
/// It calls one more.
const CALLED: &str =
    "jobs:\n  a:\n    environment: staging\n    if: always()\n  b:\n    uses: ./.github/workflows/deeper.yml\n";

fn packed(text: &str) -> Value {
    let base64 = base64::prelude::BASE64_STANDARD.encode(text);
    let (first, rest) = base64.split_at(base64.len().min(20));
    json!({"encoding": "base64", "content": format!("{first}\n{rest}\n")})
}

fn host(seen: &Seen, workflow: Option<&str>) -> Reply {
    match seen.path.split('?').next().unwrap_or_default() {
        "/repos/acme/api" => Reply::json(&json!({"permissions": {"push": true}})),
        path if path.ends_with("/jobs") => {
            Reply::json(&json!({"jobs": [{"id": 1, "name": "ship", "status": "in_progress"}]}))
        }
        path if path.ends_with("/runs/412") => {
            Reply::json(&json!({"id": 412, "run_attempt": 2, "status": "in_progress",
            "name": "main", "path": ".github/workflows/main.yml@refs/heads/main", "head_sha": "3e9d1c"}))
        }
        "/repos/acme/api/contents/.github/workflows/main.yml" => match workflow {
            Some(text) => Reply::json(&packed(text)),
            None => Reply::new(404, &[], r#"{"message":"Not Found"}"#),
        },
        "/repos/acme/api/contents/.github/workflows/called.yml" => Reply::json(&packed(CALLED)),
        _ => Reply::new(500, &[], "{}"),
    }
}

async fn run(workflow: Option<&'static str>) -> (RunInspection, Vec<String>) {
    let fake = Fake::start(move |seen| host(seen, workflow)).await;
    let inspector = GitHubInspector::new(client(&fake).0, Arc::new(DeployRule::default()));
    let request = Request::Cancel { run: run_key(), attempt: 2 };
    match inspector.inspect(&request).await.unwrap() {
        Inspection::Run(run) => (*run, fake.paths()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_runs_failure_hook_is_found_in_its_workflow() {
    let (found, paths) = run(Some(WORKFLOW)).await;
    let hooks = found.hooks.unwrap();
    assert_eq!(hooks, ["job 'ship', step 'Undo' runs if failure(): kubectl rollout undo deploy/myapp"]);
    assert_eq!((found.may_write, found.run.attempt, found.jobs.len()), (Ok(true), 2, 1));
    assert_eq!(found.aims, ["production"]);
    assert!(found.run.deploys, "its workflow names an environment");
    assert!(
        paths.contains(&"GET /repos/acme/api/contents/.github/workflows/main.yml?ref=3e9d1c".to_owned()),
        "{paths:?}"
    );
}

#[tokio::test]
async fn hooks_that_cannot_be_read_are_no_absence_of_hooks() {
    assert!(run(None).await.0.hooks.unwrap_err().contains("main.yml"));
    assert!(run(Some("<html>")).await.0.hooks.unwrap_err().contains("cannot be read"));
    let called = "jobs:\n  a:\n    uses: acme/shared/.github/workflows/x.yml@v1\n";
    assert!(run(Some(called)).await.0.hooks.unwrap_err().contains("was not read"));
    assert_eq!(run(Some("jobs:\n  a:\n    steps:\n      - run: make\n")).await.0.hooks, Ok(vec![]));
    let half = "jobs:\n  a:\n    environment: staging\n    if: always()\n  b:\n    uses: acme/shared/.github/workflows/x.yml@v1\n";
    assert!(run(Some(half)).await.0.aims.is_empty(), "what was not read may deploy anywhere");
    let deep = run(Some("jobs:\n  a:\n    uses: ./.github/workflows/called.yml\n")).await.0;
    assert!(deep.hooks.unwrap().last().unwrap().contains("deeper.yml' is called and was not read"));
    assert!(deep.aims.is_empty());
    let own = "jobs:\n  a:\n    environment: staging\n    steps:\n      - uses: ./.github/actions/deploy\n";
    let own = run(Some(own)).await.0;
    assert!(own.hooks.unwrap_err().contains("actions of its repository were not read") && own.aims.is_empty());
}

#[tokio::test]
async fn a_pull_request_is_inspected_until_its_mergeability_is_known() {
    let fake = Fake::start(|seen: &Seen| {
        let pull =
            json!({"number": 1490, "headRefOid": "77ac01", "mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN"});
        let settled = json!({"head": {"sha": "77ac01"}, "mergeable": true, "mergeable_state": "blocked"});
        match seen.method.as_str() {
            "GET" if seen.path.ends_with("/pulls/1490") => Reply::json(&settled),
            "POST" => Reply::json(&json!({"data": {"repository": {"viewerPermission": "READ", "pullRequest": pull}}})),
            _ => Reply::json(&json!([])),
        }
    })
    .await;
    let inspector = GitHubInspector::new(client(&fake).0, Arc::new(DeployRule::default()));
    let request = Request::Comment { pull_request: pull_key(), body: String::new() };
    let Inspection::PullRequest(found) = inspector.inspect(&request).await.unwrap() else { panic!("no pull request") };
    assert_eq!(found.pull_request.merge, MergeState::Blocked);
    assert_eq!(found.may_write, Ok(false));
}

#[tokio::test]
async fn a_pull_request_that_is_not_shown_is_a_failure() {
    let fake = Fake::start(|_| Reply::json(&json!({"data": {"repository": {"pullRequest": null}},
        "errors": [{"type": "NOT_FOUND", "path": ["repository", "pullRequest"], "message": "Could not resolve to a PullRequest"}]})))
    .await;
    let inspector = GitHubInspector::new(client(&fake).0, Arc::new(DeployRule::default()));
    let request = Request::Comment { pull_request: pull_key(), body: String::new() };
    let says = inspector.inspect(&request).await.unwrap_err().says;
    assert!(says.contains("'acme/api#1490'") && says.contains("Could not resolve"), "{says}");
}
