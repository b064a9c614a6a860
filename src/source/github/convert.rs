//! From GitHub's shapes to the cockpit's nouns. Every foreign text becomes clean here.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::shapes::{
    Connection, ContextNode, FileShape, JobShape, PullNode, PullRepository, ReviewNode, ReviewRequestNode, Rollup,
    RunShape, StateCount, StepShape, ThreadNode, each,
};
use crate::{
    model::{
        Name,
        code::{
            ChangedFile, Check, Checks, Job, JobKey, MergeMethod, MergeState, Need, PullRequest, PullRequestKey,
            RepoKey, Review, ReviewDecision, Run, RunKey, RunState, Step,
        },
    },
    text::Clean,
};

/// Who has no account any more.
const GHOST: &str = "ghost";

pub fn text(foreign: Option<&String>) -> Clean {
    foreign.map(|text| Clean::line(text)).unwrap_or_default()
}

fn block(foreign: Option<&String>) -> Clean {
    foreign.map(|text| Clean::block(text)).unwrap_or_default()
}

fn login(account: Option<&super::shapes::Account>) -> Name {
    Clean::line(account.and_then(|account| account.login.as_deref()).unwrap_or(GHOST))
}

pub fn time(text: Option<&String>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn small(count: Option<u64>) -> u32 {
    u32::try_from(count.unwrap_or_default()).unwrap_or(u32::MAX)
}

/// A run's, job's, step's or check run's state: REST's or GraphQL's status and conclusion.
pub fn run_state(status: Option<&str>, conclusion: Option<&str>) -> RunState {
    let status = status.unwrap_or_default().to_ascii_lowercase();
    let word = conclusion.unwrap_or_default().to_ascii_lowercase();
    match (status.as_str(), word.as_str()) {
        ("queued" | "requested" | "pending", "") => RunState::Queued,
        // `completed` without a conclusion flashes by while GitHub still writes it down.
        ("in_progress" | "completed", "") => RunState::Running,
        ("waiting", "") => RunState::Waiting,
        ("", "") => RunState::Other(Clean::line("unknown")),
        (status, "") => RunState::Other(Clean::line(status)),
        (_, "success") => RunState::Success,
        (_, "failure") => RunState::Failure,
        (_, "cancelled") => RunState::Cancelled,
        (_, "skipped") => RunState::Skipped,
        (_, "neutral") => RunState::Neutral,
        (_, "timed_out") => RunState::TimedOut,
        (_, "action_required") => RunState::ActionRequired,
        (_, other) => RunState::Other(Clean::line(other)),
    }
}

/// A commit status' state: it has no conclusion.
fn status_state(state: Option<&str>) -> RunState {
    match state.unwrap_or_default() {
        "SUCCESS" => RunState::Success,
        "FAILURE" | "ERROR" => RunState::Failure,
        "PENDING" | "EXPECTED" => RunState::Running,
        other => RunState::Other(Clean::line(&other.to_ascii_lowercase())),
    }
}

pub fn merge_state(mergeable: Option<&str>, status: Option<&str>, is_draft: bool) -> MergeState {
    if mergeable == Some("CONFLICTING") {
        return MergeState::Conflicts;
    }
    match status.unwrap_or("UNKNOWN") {
        _ if is_draft => MergeState::Draft,
        "CLEAN" | "HAS_HOOKS" => MergeState::Ready,
        "UNSTABLE" => MergeState::Unstable,
        "BLOCKED" => MergeState::Blocked,
        "BEHIND" => MergeState::Behind,
        "DIRTY" => MergeState::Conflicts,
        "DRAFT" => MergeState::Draft,
        "UNKNOWN" => MergeState::Checking,
        other => MergeState::Other(Clean::line(other)),
    }
}

fn review_decision(decision: Option<&str>) -> ReviewDecision {
    match decision {
        None => ReviewDecision::None,
        Some("APPROVED") => ReviewDecision::Approved,
        Some("CHANGES_REQUESTED") => ReviewDecision::ChangesRequested,
        Some("REVIEW_REQUIRED") => ReviewDecision::Required,
        Some(other) => ReviewDecision::Other(Clean::line(other)),
    }
}

/// Counts of a head commit's checks. Skipped and neutral ones pass, as they do for required checks.
fn checks(rollup: Option<&Rollup>, is_readable: bool) -> Checks {
    let mut checks = Checks { is_readable, ..Checks::default() };
    let Some(rollup) = rollup.filter(|_| is_readable) else { return checks };
    let contexts = rollup.contexts.as_ref();
    let lists = contexts.map(|counts| [&counts.check_run_counts_by_state, &counts.status_context_counts_by_state]);
    for StateCount { state, count } in lists.iter().flatten().filter_map(|list| list.as_ref()).flatten() {
        let count = count.unwrap_or_default();
        match state.as_deref().unwrap_or_default() {
            "SUCCESS" | "NEUTRAL" | "SKIPPED" => checks.passed += count,
            "QUEUED" | "IN_PROGRESS" | "WAITING" | "PENDING" | "REQUESTED" | "EXPECTED" | "COMPLETED" => {
                checks.running += count;
            }
            _ => checks.failed += count,
        }
    }
    checks.exist = checks.total() > 0;
    if !checks.exist {
        // A server that does not count them still says how they stand altogether.
        match rollup.state.as_deref() {
            Some("SUCCESS") => checks.passed = 1,
            Some("PENDING" | "EXPECTED") => checks.running = 1,
            Some("FAILURE" | "ERROR") => checks.failed = 1,
            _ => return checks,
        }
        checks.exist = true;
    }
    checks
}

fn merge_methods(repository: Option<&PullRepository>) -> Vec<MergeMethod> {
    let Some(repository) = repository else { return Vec::new() };
    [
        (repository.squash_merge_allowed, MergeMethod::Squash),
        (repository.merge_commit_allowed, MergeMethod::Merge),
        (repository.rebase_merge_allowed, MergeMethod::Rebase),
    ]
    .into_iter()
    .filter_map(|(allowed, method)| (allowed == Some(true)).then_some(method))
    .collect()
}

/// Why it waits for me. `asks_me` counts only while it is open.
pub fn need(pull: &PullRequest) -> Option<Need> {
    if pull.merged.is_some() {
        return None;
    }
    if pull.is_mine {
        let is_approved = match pull.review {
            ReviewDecision::Approved => true,
            ReviewDecision::None => pull.approvals > 0,
            _ => false,
        };
        let can_merge = matches!(pull.merge, MergeState::Ready | MergeState::Unstable);
        return if pull.checks.failed > 0 || pull.merge == MergeState::Conflicts {
            Some(Need::MineFailing)
        } else if is_approved && can_merge && pull.checks.running == 0 && !pull.is_draft && !pull.in_merge_queue {
            Some(Need::MineReady)
        } else {
            None
        };
    }
    (pull.asks_me && !pull.is_draft).then_some(Need::Review)
}

/// A pull request of `repo`. `me`: the token's owner, if known.
pub fn pull_request(repo: RepoKey, node: &PullNode, me: Option<&str>, checks_readable: bool) -> PullRequest {
    let author = login(node.author.as_ref());
    let is_draft = node.is_draft.unwrap_or_default();
    let merged = time(node.merged_at.as_ref());
    let approvals = count_nodes(node.latest_opinionated_reviews.as_ref(), |review| review["state"] == "APPROVED");
    let asks_me = me.is_some_and(|me| asks(node.review_requests.as_ref(), me));
    let mut pull = PullRequest {
        key: PullRequestKey { repo, number: node.number },
        node_id: text(node.id.as_ref()),
        title: text(node.title.as_ref()),
        url: text(node.url.as_ref()),
        is_mine: node.viewer_did_author.unwrap_or_default() || me.is_some_and(|me| me == &*author),
        author,
        is_draft,
        created: time(node.created_at.as_ref()),
        updated: time(node.updated_at.as_ref()),
        merged,
        head: text(node.head_ref_name.as_ref()),
        head_sha: text(node.head_ref_oid.as_ref()),
        base: text(node.base_ref_name.as_ref()),
        additions: small(node.additions),
        deletions: small(node.deletions),
        changed_files: small(node.changed_files),
        checks: checks(node.status_check_rollup.as_ref(), checks_readable),
        review: review_decision(node.review_decision.as_deref()),
        approvals,
        asks_me,
        merge: merge_state(node.mergeable.as_deref(), node.merge_state_status.as_deref(), is_draft),
        merge_methods: merge_methods(node.repository.as_ref()),
        in_merge_queue: node.is_in_merge_queue.unwrap_or_default(),
        labels: labels(node.labels.as_ref()),
        need: None,
    };
    pull.need = need(&pull);
    pull
}

fn count_nodes(connection: Option<&Connection>, is: impl Fn(&serde_json::Value) -> bool) -> u32 {
    connection.map_or(0, |connection| connection.nodes.iter().filter(|node| is(node)).count() as u32)
}

fn asks(requests: Option<&Connection>, me: &str) -> bool {
    let Some(requests) = requests else { return false };
    let (requests, _) = each::<ReviewRequestNode>(requests.nodes.clone());
    requests.iter().any(|request| request.requested_reviewer.as_ref().and_then(|who| who.login.as_deref()) == Some(me))
}

fn labels(connection: Option<&Connection>) -> Box<[Name]> {
    connection
        .iter()
        .flat_map(|connection| &connection.nodes)
        .filter_map(|node| Some(Clean::line(node.get("name")?.as_str()?)))
        .collect()
}

pub fn check(node: &ContextNode) -> Check {
    let is_status = node.context.is_some();
    Check {
        name: text(node.name.as_ref().or(node.context.as_ref())),
        state: if is_status {
            status_state(node.state.as_deref())
        } else {
            run_state(node.status.as_deref(), node.conclusion.as_deref())
        },
        url: node.details_url.as_ref().or(node.target_url.as_ref()).map(|url| Clean::line(url)),
    }
}

pub fn review(node: &ReviewNode) -> Review {
    let state = node.state.as_deref().unwrap_or("commented").to_ascii_lowercase().replace('_', " ");
    Review {
        author: login(node.author.as_ref()),
        state: Clean::line(&state),
        body: block(node.body.as_ref()),
        at: time(node.submitted_at.as_ref().or(node.created_at.as_ref())),
    }
}

/// A line comment, by its thread's first words: `unresolved src/auth.py:45`.
pub fn thread(node: &ThreadNode) -> Option<Review> {
    let (comments, _) = each::<ReviewNode>(node.comments.as_ref()?.nodes.clone());
    let first = review(comments.first()?);
    let word = if node.is_resolved == Some(true) { "resolved" } else { "unresolved" };
    let path = node.path.as_deref().unwrap_or("?");
    let place = node.line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"));
    Some(Review { state: Clean::line(&format!("{word} {place}")), ..first })
}

pub fn body(node: &PullNode) -> Clean {
    block(node.body.as_ref())
}

pub fn file(shape: &FileShape) -> ChangedFile {
    ChangedFile {
        path: text(shape.filename.as_ref()),
        mark: match shape.status.as_deref() {
            Some("added" | "copied") => 'A',
            Some("modified" | "changed") => 'M',
            Some("removed") => 'D',
            Some("renamed") => 'R',
            _ => '?',
        },
        additions: small(shape.additions),
        deletions: small(shape.deletions),
        patch: shape.patch.as_deref().map(Clean::block),
    }
}

/// A run of `repo`. Whether it deploys, and its stage, are the caller's to fill in.
pub fn run(repo: &RepoKey, shape: &RunShape) -> Run {
    let actor = shape.triggering_actor.as_ref().or(shape.actor.as_ref());
    let workflow = shape.name.as_ref().or(shape.path.as_ref());
    Run {
        key: RunKey { repo: repo.clone(), id: shape.id },
        workflow: text(workflow),
        path: text(shape.path.as_ref()),
        title: text(shape.display_title.as_ref()),
        number: shape.run_number.unwrap_or_default(),
        attempt: shape.run_attempt.unwrap_or(1),
        event: text(shape.event.as_ref()),
        state: run_state(shape.status.as_deref(), shape.conclusion.as_deref()),
        branch: shape.head_branch.as_ref().map(|branch| Clean::line(branch)),
        head_sha: text(shape.head_sha.as_ref()),
        actor: login(actor),
        created: time(shape.created_at.as_ref()),
        started: time(shape.run_started_at.as_ref().or(shape.created_at.as_ref())),
        updated: time(shape.updated_at.as_ref()),
        url: text(shape.html_url.as_ref()),
        deploys: false,
        pull_requests: shape.pull_requests.iter().flatten().filter_map(|pull| pull.number).collect(),
        stage: None,
        jobs_done: 0,
        jobs_total: 0,
    }
}

pub fn job(run: &RunKey, shape: JobShape) -> Job {
    let (steps, _) = each::<StepShape>(shape.steps);
    Job {
        key: JobKey { run: run.clone(), attempt: shape.run_attempt.unwrap_or(1), id: shape.id },
        name: text(shape.name.as_ref()),
        state: run_state(shape.status.as_deref(), shape.conclusion.as_deref()),
        started: time(shape.started_at.as_ref()),
        completed: time(shape.completed_at.as_ref()),
        url: text(shape.html_url.as_ref()),
        runner: shape.runner_name.as_ref().filter(|name| !name.is_empty()).map(|name| Clean::line(name)),
        steps: steps.iter().map(step).collect(),
    }
}

fn step(shape: &StepShape) -> Step {
    Step {
        number: shape.number.unwrap_or_default(),
        name: text(shape.name.as_ref()),
        state: run_state(shape.status.as_deref(), shape.conclusion.as_deref()),
        started: time(shape.started_at.as_ref()),
        completed: time(shape.completed_at.as_ref()),
    }
}
