//! The demo's GitHub against GitHub's own OpenAPI description and GraphQL schema, by way of node. The packages are those
//! of `tests/witness/package.json`; `MIDWATCH_NPM_WITNESS` is the folder they are installed in.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "witness/packages.rs"]
mod packages;

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use midwatch::{
    demo::{
        code::Code, github, jenkins::builds::Jenkins, scenario::Scenario, story::Story, telemetry::Telemetry,
        world::World,
    },
    source::github::{documents, requests::sample_requests},
};
use serde_json::{Value, json};

const TOKEN: &str = "ghp_witness";

/// The default story at its start, without clusters.
fn world() -> World {
    let start: Timestamp = "2026-11-21T03:14:22Z".parse().unwrap();
    let scenario = Arc::new(Scenario::load("default").unwrap());
    let now = scenario.history.before(start);
    let code = Code::new(&scenario, start, 1);
    let story = Story::new(scenario.clone(), 1, start);
    let telemetry = Telemetry::new(&scenario, 1, start);
    let mut world = World { now, story, clusters: Vec::new(), code, jenkins: Jenkins::new(&scenario), telemetry };
    while world.now < start {
        world.now += SignedDuration::from_secs(1);
        world.code.step(world.now, &world.story, &mut world.clusters);
    }
    world
}

/// Every address of the story worth asking for.
fn addresses(code: &Code) -> Vec<String> {
    let fixed = ["/user", "/rate_limit", "/users/bob", "/search/issues?q=is:pr+is:open"];
    let mut all: Vec<String> = fixed.map(str::to_owned).to_vec();
    for (index, repo) in code.repos.iter().enumerate() {
        let at = format!("/repos/{}", repo.full_name());
        let head = repo.branches.get(&repo.default_branch).cloned().unwrap_or_default();
        let first = repo.history(&head).last().map(|c| c.sha.clone()).unwrap_or_default();
        let plain =
            ["", "/pulls?state=all&per_page=100", "/actions/runs?per_page=100", "/actions/workflows", "/commits"];
        all.extend(plain.iter().map(|p| format!("{at}{p}")));
        all.push(format!("{at}/compare/{first}...{head}"));
        for sha in repo.pulls.iter().map(|p| &p.head_sha).chain([&head]) {
            all.extend(["", "/check-runs", "/status", "/pulls"].iter().map(|p| format!("{at}/commits/{sha}{p}")));
        }
        for pull in &repo.pulls {
            let parts = ["", "/files", "/reviews", "/comments", "/commits", "/requested_reviewers"];
            all.extend(parts.iter().map(|p| format!("{at}/pulls/{}{p}", pull.number)));
            all.push(format!("{at}/issues/{}/comments", pull.number));
        }
        for workflow in &repo.workflows {
            all.push(format!("{at}/actions/workflows/{}", workflow.id));
            all.push(format!("{at}/actions/workflows/{}/runs", workflow.file));
            all.push(format!("{at}/contents/{}?ref={head}", workflow.path()));
        }
        for run in code.runs.iter().filter(|r| r.repo == index) {
            let parts = ["", "/attempts/1", "/jobs?filter=all", "/attempts/1/jobs"];
            all.extend(parts.iter().map(|p| format!("{at}/actions/runs/{}{p}", run.id)));
            for job in &run.latest().jobs {
                all.push(format!("{at}/actions/jobs/{}", job.id));
                all.push(format!("{at}/check-runs/{}", job.id));
                all.push(format!("{at}/check-runs/{}/annotations", job.id));
                if job.completed.is_some() && job.started.is_some() {
                    all.push(format!("{at}/actions/jobs/{}/logs", job.id));
                }
            }
        }
    }
    all
}

/// Writes the cockpit may send, as `{method, path, body}`.
fn requests() -> Value {
    let at = "/repos/acme/myapp";
    json!([
        { "method": "POST", "path": format!("{at}/pulls/1490/reviews"), "body": { "event": "APPROVE", "commit_id": "a".repeat(40) } },
        { "method": "PUT", "path": format!("{at}/pulls/1479/merge"), "body": { "sha": "a".repeat(40), "merge_method": "squash" } },
        { "method": "POST", "path": format!("{at}/issues/1490/comments"), "body": { "body": "Held: incident." } },
        { "method": "POST", "path": format!("{at}/actions/runs/7/rerun-failed-jobs"), "body": { "enable_debug_logging": false } },
        { "method": "POST", "path": format!("{at}/actions/runs/7/cancel") },
        { "method": "POST", "path": format!("{at}/issues"), "body": { "title": "Follow-up", "body": "x", "labels": ["incident"] } },
    ])
}

/// Requests the cockpit sends, made by its own builders.
fn own_requests() -> Vec<Value> {
    let request =
        |(method, path, body): (&str, String, Option<Value>)| json!({ "method": method, "path": path, "body": body });
    sample_requests().into_iter().map(request).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_githubs_own_descriptions() {
    let Some(folder) = packages::with("@octokit/openapi") else { return };
    let world = world();
    let get = addresses(&world.code);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = github::router(Arc::new(Mutex::new(world)), TOKEN.into());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let list = include_str!("witness/pulls.graphql");
    let one = include_str!("witness/pull.graphql");
    let search = include_str!("witness/search.graphql");
    let mut requests = requests();
    requests.as_array_mut().unwrap().extend(own_requests());
    let documents: Vec<String> = documents::all().into_iter().map(|(_, document)| document).collect();
    let job = json!({
        "base": base, "token": TOKEN, "get": get, "requests": requests, "graphql": documents,
        "ask": [
            { "query": list, "variables": { "n": 30 } },
            { "query": one, "variables": { "pr": 1490 } },
            { "query": search, "variables": { "q": "is:open is:pr archived:false review-requested:@me" } },
        ],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), job.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness/github.mjs");
    let run = move || Command::new("node").arg(script).arg(file.path()).env("MIDWATCH_NPM_WITNESS", folder).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}
