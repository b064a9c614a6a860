//! The code host's part of a scenario: users, repositories, pull requests, workflows and their runs.

use serde::Deserialize;

use super::Span;

/// `[[user]]`: an account. Logins used elsewhere need no entry; they are plain users without a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    pub login: String,
    #[serde(default)]
    pub name: String,
    /// A bot: type `Bot`, login shown as `login[bot]` by REST.
    #[serde(default)]
    pub bot: bool,
}

/// `[[repository]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositorySpec {
    /// `owner/name`.
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default = "main")]
    pub default_branch: String,
    #[serde(default = "yes")]
    pub private: bool,
    /// Commits on the default branch before the story's own, oldest first; the last is its head.
    #[serde(default)]
    pub commit: Vec<CommitSpec>,
    /// Approvals that the default branch's protection asks for.
    #[serde(default = "one")]
    pub required_reviews: u32,
    /// Names of the check runs that it requires.
    #[serde(default)]
    pub required_checks: Vec<String>,
    /// Merge methods allowed: `merge`, `squash`, `rebase`.
    #[serde(default = "methods")]
    pub merge_methods: Vec<String>,
}

fn main() -> String {
    "main".to_owned()
}
fn yes() -> bool {
    true
}
fn one() -> u32 {
    1
}
fn methods() -> Vec<String> {
    vec!["squash".to_owned(), "merge".to_owned()]
}

/// A commit. `sha` may be a short prefix; the rest is drawn from the seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSpec {
    pub sha: String,
    pub message: String,
    pub author: String,
    /// How long before the start it was made.
    pub age: Span,
}

/// `[[pull_request]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequestSpec {
    /// `owner/name`.
    pub repository: String,
    pub number: u64,
    pub title: String,
    pub author: String,
    #[serde(default)]
    pub body: String,
    /// Head branch.
    pub branch: String,
    /// Head commit (prefix).
    pub sha: String,
    /// Base branch; the repository's default if left out.
    #[serde(default)]
    pub base: Option<String>,
    /// When it was opened, before the start.
    pub age: Span,
    #[serde(default)]
    pub draft: bool,
    #[serde(default)]
    pub labels: Vec<String>,
    /// When it is merged, relative to the start (`-30m`); left out: open. With `merged_by` and `merge_sha` (prefix).
    #[serde(default)]
    pub merged: Option<Span>,
    #[serde(default)]
    pub merged_by: Option<String>,
    #[serde(default)]
    pub merge_sha: Option<String>,
    /// The base moved and conflicts with it.
    #[serde(default)]
    pub conflicts: bool,
    /// Logins asked for a review that is still due.
    #[serde(default)]
    pub review_requested: Vec<String>,
    #[serde(default)]
    pub review: Vec<ReviewSpec>,
    #[serde(default)]
    pub check: Vec<CheckSpec>,
    #[serde(default)]
    pub comment: Vec<CommentSpec>,
    #[serde(default)]
    pub file: Vec<FileSpec>,
    /// Number of its commits.
    #[serde(default = "two")]
    pub commits: u32,
}

fn two() -> u32 {
    2
}

/// `[[pull_request.review]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewSpec {
    pub user: String,
    /// `approved`, `changes_requested`, `commented`.
    pub state: String,
    #[serde(default)]
    pub body: String,
    pub age: Span,
}

/// `[[pull_request.check]]`: check runs of the head commit that no simulated run makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    pub name: String,
    /// `success`, `failure`, `neutral`, `skipped`, `cancelled`, `timed_out`, `action_required`; left out: in progress.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// When it began, before the start.
    pub age: Span,
    #[serde(default = "two_minutes")]
    pub took: Span,
}

fn two_minutes() -> Span {
    Span::seconds(120.0)
}

/// `[[pull_request.comment]]`: on the conversation, or on a line of a file when `path` is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommentSpec {
    pub user: String,
    pub body: String,
    pub age: Span,
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default)]
    pub line: Option<u32>,
    #[serde(default)]
    pub resolved: bool,
}

/// `[[pull_request.file]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    pub path: String,
    /// `added`, `modified`, `removed`, `renamed`.
    #[serde(default = "modified")]
    pub status: String,
    #[serde(default)]
    pub additions: u32,
    #[serde(default)]
    pub deletions: u32,
    /// Unified diff hunk, if shown.
    #[serde(default)]
    pub patch: Option<String>,
}

fn modified() -> String {
    "modified".to_owned()
}

/// `[[workflow]]`: a pipeline of a repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSpec {
    pub repository: String,
    /// Name as shown: `deploy`, `ci`.
    pub name: String,
    /// `.github/workflows/<name>.yml` if left out.
    #[serde(default)]
    pub path: Option<String>,
    /// What starts it besides `[[run]]`: `push` (to the default branch), `pull_request`, `after:NAME` (success of that
    /// workflow on the default branch). Left out: `ci` both of the first, one that sets an image on `push`.
    #[serde(default)]
    pub on: Option<Vec<String>>,
    /// In order; each waits for all before it unless `needs` says otherwise.
    #[serde(default)]
    pub job: Vec<JobSpec>,
}

/// `[[workflow.job]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    pub name: String,
    /// Names of the jobs that must have succeeded; left out: the job before it.
    #[serde(default)]
    pub needs: Option<Vec<String>>,
    #[serde(default)]
    pub step: Vec<StepSpec>,
}

/// `[[workflow.job.step]]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    pub name: String,
    /// How long it takes, when it ends by itself.
    #[serde(default)]
    pub takes: Span,
    /// Lines it writes, spread over its time. `{run}` is the run's number, `{sha}` its head commit.
    #[serde(default)]
    pub log: Vec<String>,
    /// Sets the image of this service (`cluster/namespace/name` or a name) to the tag `tag` as `kubectl set image` does.
    #[serde(default)]
    pub set_image: Option<String>,
    /// Tag to set: `{run}` if left out.
    #[serde(default)]
    pub tag: Option<String>,
    /// Waits like `kubectl rollout status` until this service's rollout is complete; fails when it is past its deadline.
    #[serde(default)]
    pub await_rollout: Option<String>,
    /// The step fails after this long without the rollout done (`--timeout`).
    #[serde(default)]
    pub timeout: Option<Span>,
    /// Fails unless pods of this service answer with the tag that was set.
    #[serde(default)]
    pub smoke: Option<String>,
    /// `await_rollout`: the runner does not answer between these two times of the step: it sees and writes nothing.
    #[serde(default)]
    pub silent: Option<[Span; 2]>,
    /// Runs only when a step before it failed (`if: failure()`), never on a cancelled run.
    #[serde(default)]
    pub on_failure: bool,
    /// Undoes the rollout of this service as `kubectl rollout undo` does.
    #[serde(default)]
    pub undo: Option<String>,
    /// Writes a Grafana annotation with this text when it succeeds.
    #[serde(default)]
    pub annotate: Option<String>,
}

/// `[[run]]`: one run of a workflow, before or after the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    pub repository: String,
    pub workflow: String,
    pub number: u64,
    /// When it is created, relative to the start: `-23m`; a run long ago is complete at once.
    pub at: Span,
    /// Head commit (prefix), branch, event (`push`, `pull_request`, `schedule`, `workflow_dispatch`), and who caused it.
    pub sha: String,
    #[serde(default = "main")]
    pub branch: String,
    #[serde(default = "push")]
    pub event: String,
    pub actor: String,
    #[serde(default)]
    pub title: String,
    /// Where it fails: `job` or `job/step`.
    #[serde(default)]
    pub fails_at: Option<String>,
    /// Lines that the failing step writes last.
    #[serde(default)]
    pub error: Vec<String>,
    /// Times of all its steps are multiplied by this.
    #[serde(default = "unit")]
    pub pace: f64,
    /// Number of the pull request it belongs to.
    #[serde(default)]
    pub pull_request: Option<u64>,
}

fn push() -> String {
    "push".to_owned()
}
fn unit() -> f64 {
    1.0
}

/// `[[jenkins_job]]`: a job of the company's Jenkins that sets a service's version, and waits for its rollout.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JenkinsJobSpec {
    /// With its folders: `team/deploy`.
    pub name: String,
    pub service: String,
    /// The parameter that takes the version's tag.
    #[serde(default = "tag")]
    pub parameter: String,
    /// Its value where none is given.
    #[serde(default)]
    pub default: String,
    /// The tags to choose from; empty: any.
    #[serde(default)]
    pub choices: Vec<String>,
    #[serde(default = "yes")]
    pub buildable: bool,
    /// How long a build waits for an executor.
    #[serde(default = "two_seconds")]
    pub queue: Span,
    /// How long its steps take, apart from the rollout.
    #[serde(default = "ten_seconds")]
    pub takes: Span,
    /// Number of its next build.
    #[serde(default = "first")]
    pub next: u64,
}

fn tag() -> String {
    "TAG".to_owned()
}
fn two_seconds() -> Span {
    Span::seconds(2.0)
}
fn ten_seconds() -> Span {
    Span::seconds(10.0)
}
fn first() -> u64 {
    1
}
