//! Runs and pull requests of a repository.

use jiff::SignedDuration;

use super::{at, github};
use crate::{
    model::code::{
        Checks, MergeState, Need, PullRequest, PullRequestKey, RepoKey, ReviewDecision, Run, RunKey, RunState,
    },
    text::Clean,
};

pub fn repo() -> RepoKey {
    RepoKey { host: github(), name: "acme/myapp".into() }
}

pub fn run(workflow: &str, number: u64, state: RunState, deploys: bool, started: &str) -> Run {
    let is_finished = state.is_finished();
    Run {
        key: RunKey { repo: repo(), id: number },
        workflow: workflow.into(),
        path: Clean::own(format!(".github/workflows/{workflow}.yml")),
        title: "JWT login".into(),
        number,
        attempt: 1,
        event: "push".into(),
        state,
        branch: Some("main".into()),
        head_sha: "4c1f0aa2b7d9e35566778899aabbccddeeff0011".into(),
        actor: "alice".into(),
        created: Some(at(started)),
        started: Some(at(started)),
        updated: Some(at(started) + SignedDuration::from_mins(if is_finished { 4 } else { 1 })),
        url: Clean::own(format!("https://github.com/acme/myapp/actions/runs/{number}")),
        deploys,
        pull_requests: Vec::new(),
        stage: Some("deploy".into()),
        jobs_done: 2,
        jobs_total: 3,
    }
}

pub fn pull_request(number: u64, title: &str, need: Option<Need>) -> PullRequest {
    PullRequest {
        key: PullRequestKey { repo: repo(), number },
        node_id: "n".into(),
        title: title.into(),
        url: Clean::own(format!("https://github.com/acme/myapp/pull/{number}")),
        author: "bob".into(),
        is_mine: need.is_some_and(|need| need != Need::Review),
        is_draft: false,
        created: Some(at("00:14")),
        updated: Some(at("01:14")),
        merged: None,
        head: "branch".into(),
        head_sha: "aa11bb22".into(),
        base: "main".into(),
        additions: 12,
        deletions: 3,
        changed_files: 2,
        checks: Checks { passed: 9, failed: 0, running: 2, exist: true, is_readable: true },
        review: ReviewDecision::Required,
        approvals: 0,
        asks_me: need == Some(Need::Review),
        merge: MergeState::Blocked,
        merge_methods: Vec::new(),
        in_merge_queue: false,
        labels: Box::new([]),
        need,
    }
}
