//! Paths and bodies of every REST request, in one place, so that what is sent can be validated against GitHub's OpenAPI
//! description.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::{
    action::Verdict,
    model::code::{JobKey, MergeMethod, PullRequestKey, RepoKey, RunKey},
};

/// A write: method, path below the REST base, body.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteRequest {
    pub method: Method,
    pub path: String,
    /// `Null`: none is sent.
    pub body: Value,
}

/// Files per page of a pull request.
const FILES: u32 = 100;

pub fn repository(repo: &RepoKey) -> String {
    let (owner, name) = split(repo);
    format!("/repos/{}/{}", segment(owner), segment(name))
}

pub fn runs(repo: &RepoKey) -> String {
    format!("{}/actions/runs?per_page=30", repository(repo))
}

/// Runs of one commit: what stands in for checks that a token may not read.
pub fn runs_of(repo: &RepoKey, sha: &str) -> String {
    format!("{}/actions/runs?per_page=50&head_sha={}", repository(repo), segment(sha))
}

pub fn run(run: &RunKey) -> String {
    format!("{}/actions/runs/{}", repository(&run.repo), run.id)
}

pub fn jobs(key: &RunKey) -> String {
    format!("{}/jobs?per_page=100", run(key))
}

pub fn job(key: &JobKey) -> String {
    format!("{}/actions/jobs/{}", repository(&key.run.repo), key.id)
}

pub fn job_log(key: &JobKey) -> String {
    format!("{}/logs", job(key))
}

pub fn pull(key: &PullRequestKey) -> String {
    format!("{}/pulls/{}", repository(&key.repo), key.number)
}

pub fn files(key: &PullRequestKey) -> String {
    format!("{}/files?per_page={FILES}", pull(key))
}

/// A file as it was at a commit.
pub fn content(repo: &RepoKey, path: &str, sha: &str) -> String {
    let path: Vec<String> = path.split('/').map(segment).collect();
    format!("{}/contents/{}?ref={}", repository(repo), path.join("/"), segment(sha))
}

/// `POST …/pulls/{n}/reviews`, bound to the commit that was looked at.
pub fn review(key: &PullRequestKey, head_sha: &str, verdict: Verdict, body: &str) -> WriteRequest {
    let event = match verdict {
        Verdict::Approve => "APPROVE",
        Verdict::RequestChanges => "REQUEST_CHANGES",
    };
    let mut sent = json!({ "commit_id": head_sha, "event": event });
    if !body.is_empty() {
        sent["body"] = body.into();
    }
    WriteRequest { method: Method::POST, path: format!("{}/reviews", pull(key)), body: sent }
}

/// `POST …/issues/{n}/comments`
pub fn comment(key: &PullRequestKey, body: &str) -> WriteRequest {
    let path = format!("{}/issues/{}/comments", repository(&key.repo), key.number);
    WriteRequest { method: Method::POST, path, body: json!({ "body": body }) }
}

/// `PUT …/pulls/{n}/merge`, refused by the server if the head moved.
pub fn merge(key: &PullRequestKey, head_sha: &str, method: MergeMethod) -> WriteRequest {
    let body = json!({ "sha": head_sha, "merge_method": method.name() });
    WriteRequest { method: Method::PUT, path: format!("{}/merge", pull(key)), body }
}

/// `POST …/runs/{id}/rerun` or `…/rerun-failed-jobs`
pub fn rerun(key: &RunKey, only_failed: bool) -> WriteRequest {
    let verb = if only_failed { "rerun-failed-jobs" } else { "rerun" };
    let body = json!({ "enable_debug_logging": false });
    WriteRequest { method: Method::POST, path: format!("{}/{verb}", run(key)), body }
}

/// `GET …/actions/workflows/{file}`
pub fn workflow(repo: &RepoKey, file: &str) -> String {
    format!("{}/actions/workflows/{}", repository(repo), segment(file))
}

/// `POST …/actions/workflows/{file}/dispatches`; a server that does not know `return_run_details` answers 204.
pub fn dispatch(repo: &RepoKey, file: &str, branch: &str, inputs: &BTreeMap<String, String>) -> WriteRequest {
    let body = json!({ "ref": branch, "inputs": inputs });
    WriteRequest { method: Method::POST, path: format!("{}/dispatches", workflow(repo, file)), body }
}

/// `POST …/runs/{id}/cancel`
pub fn cancel(key: &RunKey) -> WriteRequest {
    WriteRequest { method: Method::POST, path: format!("{}/cancel", run(key)), body: Value::Null }
}

/// One of every request, made by the same functions as the real ones: method, path, body.
pub fn sample_requests() -> Vec<(&'static str, String, Option<Value>)> {
    let repo = RepoKey { host: crate::model::BackendId::new("github.com"), name: "acme/api".into() };
    let run_key = RunKey { repo: repo.clone(), id: 5521 };
    let job_key = JobKey { run: run_key.clone(), attempt: 2, id: 701 };
    let pull_key = PullRequestKey { repo: repo.clone(), number: 1487 };
    let sha = "3e9d1c0000000000000000000000000000000000";
    let reads = [
        repository(&repo),
        runs(&repo),
        runs_of(&repo, sha),
        run(&run_key),
        jobs(&run_key),
        job(&job_key),
        job_log(&job_key),
        pull(&pull_key),
        files(&pull_key),
        content(&repo, ".github/workflows/deploy.yml", sha),
        workflow(&repo, "deploy.yml"),
    ];
    let writes = [
        review(&pull_key, sha, Verdict::Approve, ""),
        review(&pull_key, sha, Verdict::RequestChanges, "Validate the issuer."),
        comment(&pull_key, "Looks good."),
        merge(&pull_key, sha, MergeMethod::Squash),
        rerun(&run_key, true),
        rerun(&run_key, false),
        dispatch(&repo, "deploy.yml", "main", &BTreeMap::from([("tag".to_owned(), "412".to_owned())])),
        cancel(&run_key),
    ];
    let reads = reads.into_iter().map(|path| ("GET", path, None));
    let writes = writes.into_iter().map(|write| {
        let method = if write.method == Method::PUT { "PUT" } else { "POST" };
        (method, write.path, Some(write.body).filter(|body| !body.is_null()))
    });
    reads.chain(writes).collect()
}

pub(super) fn split(repo: &RepoKey) -> (&str, &str) {
    repo.name.split_once('/').unwrap_or((&repo.name, ""))
}

/// One part of a path or a value of a query: nothing in it can end the part.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_cannot_leave_their_place_in_the_path() {
        let repo = RepoKey { host: crate::model::BackendId::new("gh"), name: "acme/../x?y#z".into() };
        assert_eq!(repository(&repo), "/repos/acme/..%2Fx%3Fy%23z");
        assert!(content(&repo, "a b/ü.yml", "refs/x").ends_with("/contents/a%20b/%C3%BC.yml?ref=refs%2Fx"));
    }

    #[test]
    fn writes_carry_their_guards() {
        for (method, path, body) in sample_requests() {
            assert_eq!(method == "GET" || path.ends_with("/cancel"), body.is_none(), "{path}");
            if path.ends_with("/merge") {
                assert_eq!(body.unwrap()["sha"], "3e9d1c0000000000000000000000000000000000");
            } else if path.ends_with("/reviews") {
                assert!(body.unwrap()["commit_id"].is_string());
            }
        }
    }
}
