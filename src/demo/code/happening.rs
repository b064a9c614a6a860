//! From the scenario to the code host: what is there from the beginning, and what comes when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Code,
    actions::Start,
    layout,
    merge::Method,
    model::{Comment, Commit, LineComment, Pull, Repo, Review},
    seed,
    workflow::Failing,
};
use crate::demo::scenario::{CommitSpec, RepositorySpec, RunSpec, Scenario};

/// Something that happens at its time.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Commit { repo: usize, commit: Box<CommitSpec> },
    Open { repo: usize, pull: Box<Pull>, commits: Vec<Commit> },
    Review { repo: usize, number: u64, review: Review },
    Comment { repo: usize, number: u64, comment: Comment },
    LineComment { repo: usize, number: u64, comment: LineComment },
    Merge { repo: usize, number: u64, by: String, sha: String },
    Run { repo: usize, workflow: usize, run: Box<RunSpec> },
}

/// Lays out users, repositories and workflows, and puts the rest in order of time.
pub(super) fn lay_out(code: &mut Code, scenario: &Scenario, start: Timestamp) {
    layout::users(code, scenario);
    let oldest = seed::after(start, -900.0 * 86_400.0);
    for spec in &scenario.repository {
        let repo = repository(code.fresh_id(), spec, oldest);
        code.repos.push(repo);
        let index = code.repos.len() - 1;
        for commit in &spec.commit {
            code.coming
                .push((commit.age.before(start), Happening::Commit { repo: index, commit: Box::new(commit.clone()) }));
        }
    }
    for spec in &scenario.workflow {
        let Some(index) = code.repo_named(&spec.repository) else { continue };
        let workflow = layout::workflow(code.fresh_id(), spec, scenario);
        code.repos[index].workflows.push(workflow);
    }
    for spec in &scenario.pull_request {
        let Some(index) = code.repo_named(&spec.repository) else { continue };
        layout::pull(code, index, spec, start);
    }
    for spec in &scenario.run {
        let Some(repo) = code.repo_named(&spec.repository) else { continue };
        let workflows = &mut code.repos[repo].workflows;
        let Some(workflow) = workflows.iter().position(|w| w.name == spec.workflow) else { continue };
        workflows[workflow].next_run = workflows[workflow].next_run.max(spec.number + 1);
        let run = Box::new(spec.clone());
        code.coming.push((spec.at.after(start), Happening::Run { repo, workflow, run }));
    }
    // Taken from the end; of two at the same time the one written first comes first.
    code.coming.reverse();
    code.coming.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
}

fn repository(id: u64, spec: &RepositorySpec, created: Timestamp) -> Repo {
    let (owner, name) = spec.name.split_once('/').unwrap_or(("", &spec.name));
    let method = |m: &String| match m.as_str() {
        "merge" => Some(Method::Merge),
        "rebase" => Some(Method::Rebase),
        "squash" => Some(Method::Squash),
        _ => None,
    };
    Repo {
        id,
        owner: owner.into(),
        name: name.into(),
        description: spec.description.clone(),
        created,
        pushed: created,
        default_branch: spec.default_branch.clone(),
        branches: BTreeMap::new(),
        tags: BTreeMap::new(),
        commits: BTreeMap::new(),
        pulls: Vec::new(),
        issues: Vec::new(),
        workflows: Vec::new(),
        private: spec.private,
        methods: spec.merge_methods.iter().filter_map(method).collect(),
        approvals_needed: spec.required_reviews as usize,
        required_checks: spec.required_checks.clone(),
    }
}

/// Lets one thing happen.
pub(super) fn play(code: &mut Code, what: Happening, at: Timestamp) {
    match what {
        Happening::Commit { repo, commit } => push_commit(code, repo, &commit, at),
        Happening::Open { repo, mut pull, commits } => {
            let repo = &mut code.repos[repo];
            let base = repo.branches.get(&pull.base_ref).cloned().unwrap_or_default();
            let mut parent = base.clone();
            for mut commit in commits {
                commit.parents = vec![std::mem::replace(&mut parent, commit.sha.clone())];
                repo.commits.insert(commit.sha.clone(), commit);
            }
            pull.base_sha = base;
            repo.branches.insert(pull.head_ref.clone(), pull.head_sha.clone());
            repo.pulls.push(*pull);
        }
        Happening::Review { repo, number, review } => {
            if let Some(pull) = code.repos[repo].pull_mut(number) {
                pull.requested.retain(|login| *login != review.user);
                pull.updated = at;
                pull.reviews.push(review);
            }
        }
        Happening::Comment { repo, number, comment } => {
            if let Some(pull) = code.repos[repo].pull_mut(number) {
                pull.updated = at;
                pull.comments.push(comment);
            }
        }
        Happening::LineComment { repo, number, comment } => {
            if let Some(pull) = code.repos[repo].pull_mut(number) {
                pull.updated = at;
                pull.line_comments.push(comment);
            }
        }
        Happening::Merge { repo, number, by, sha } => {
            code.merge_as(repo, number, &by, Method::Squash, &sha, None, None);
        }
        Happening::Run { repo, workflow, run } => start_run(code, repo, workflow, &run, at),
    }
}

fn push_commit(code: &mut Code, repo: usize, spec: &CommitSpec, at: Timestamp) {
    let sha = full(code.seed, &spec.sha);
    let repo = &mut code.repos[repo];
    let parent = repo.branches.get(&repo.default_branch).cloned();
    let commit = Commit {
        sha: sha.clone(),
        parents: parent.into_iter().collect(),
        message: spec.message.clone(),
        author: spec.author.clone(),
        at,
        files: Vec::new(),
        checks: Vec::new(),
    };
    repo.commits.insert(sha.clone(), commit);
    repo.branches.insert(repo.default_branch.clone(), sha);
    repo.pushed = at;
}

fn start_run(code: &mut Code, repo: usize, workflow: usize, spec: &RunSpec, at: Timestamp) {
    let failing = Failing { lines: spec.error.clone(), flaky: false };
    let fails = spec.fails_at.iter().map(|place| match place.split_once('/') {
        Some((job, step)) => (job.to_owned(), Some(step.to_owned()), failing.clone()),
        None => (place.clone(), None, failing.clone()),
    });
    let sha = full(code.seed, &spec.sha);
    let commits = &mut code.repos[repo].commits;
    if !commits.contains_key(&sha) {
        let message = if spec.title.is_empty() { "wip".to_owned() } else { spec.title.clone() };
        let (parents, files, checks) = (Vec::new(), Vec::new(), Vec::new());
        let commit = Commit { sha: sha.clone(), parents, message, author: spec.actor.clone(), at, files, checks };
        commits.insert(sha.clone(), commit);
    }
    let title =
        if spec.title.is_empty() { code.repos[repo].workflows[workflow].name.clone() } else { spec.title.clone() };
    code.start_run(Start {
        repo,
        workflow,
        event: spec.event.clone(),
        branch: spec.branch.clone(),
        sha,
        actor: code.login(&spec.actor),
        title,
        pull: spec.pull_request,
        at,
        fails: fails.collect(),
        pace: spec.pace,
        number: Some(spec.number),
        inputs: BTreeMap::new(),
    });
}

/// The whole name of a commit that a scenario calls by its first digits.
pub(super) fn full(seed: u64, prefix: &str) -> String {
    seed::sha(seed, prefix, &format!("commit/{prefix}"))
}
