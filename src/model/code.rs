//! The code host: pull requests, checks, workflow runs, jobs and steps.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackendId, Name};
use crate::text::Clean;

/// A repository: `acme/myapp` on one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RepoKey {
    pub host: BackendId,
    /// `owner/name`
    pub name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PullRequestKey {
    pub repo: RepoKey,
    pub number: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    pub repo: RepoKey,
    pub id: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    pub run: RunKey,
    pub attempt: u32,
    pub id: u64,
}

/// Why a pull request waits for me.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Mine, and its checks fail or it conflicts.
    MineFailing,
    /// My review was asked for.
    Review,
    /// Mine, approved and green.
    MineReady,
}

/// Checks of a head commit, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    pub passed: u32,
    pub failed: u32,
    pub running: u32,
    /// False: this token may not read checks, or there are none; `is_readable` tells which.
    pub exist: bool,
    pub is_readable: bool,
}

impl Checks {
    pub fn total(&self) -> u32 {
        self.passed + self.failed + self.running
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReviewDecision {
    Approved,
    ChangesRequested,
    Required,
    /// No rule asks for a review. It is not an approval.
    None,
    Other(Clean),
}

/// GitHub's `mergeStateStatus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeState {
    /// CLEAN, HAS_HOOKS.
    Ready,
    /// UNSTABLE: a check that is not required is red or pending.
    Unstable,
    Blocked,
    Behind,
    Conflicts,
    Draft,
    /// UNKNOWN: the host is still computing it.
    Checking,
    Other(Clean),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequest {
    pub key: PullRequestKey,
    /// GraphQL node id.
    pub node_id: Clean,
    pub title: Clean,
    pub url: Clean,
    /// `ghost` when the account is gone.
    pub author: Name,
    pub is_mine: bool,
    pub is_draft: bool,
    pub created: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub merged: Option<Timestamp>,
    pub head: Name,
    pub head_sha: Name,
    pub base: Name,
    pub additions: u32,
    pub deletions: u32,
    pub changed_files: u32,
    pub checks: Checks,
    pub review: ReviewDecision,
    /// Approvals that count.
    pub approvals: u32,
    /// My review is asked for, or a team's of mine.
    pub asks_me: bool,
    pub merge: MergeState,
    pub merge_methods: Vec<MergeMethod>,
    pub in_merge_queue: bool,
    pub labels: Box<[Name]>,
    pub need: Option<Need>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    Merge,
    Squash,
    Rebase,
}

impl MergeMethod {
    /// As REST spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedFile {
    pub path: Clean,
    /// `A` `M` `D` `R`, or `?`.
    pub mark: char,
    pub additions: u32,
    pub deletions: u32,
    /// Unified diff hunks; absent for binary or too large files.
    pub patch: Option<Clean>,
}

/// One check run or commit status, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: Clean,
    pub state: RunState,
    pub url: Option<Clean>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub author: Name,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, in lower case words.
    pub state: Clean,
    pub body: Clean,
    pub at: Option<Timestamp>,
}

/// What the list does not carry, read when a pull request is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequestDetail {
    pub key: PullRequestKey,
    pub head_sha: Name,
    pub body: Clean,
    pub merge: MergeState,
    pub files: Vec<ChangedFile>,
    /// The server stops at 3,000 files.
    pub files_truncated: bool,
    pub checks: Vec<Check>,
    pub reviews: Vec<Review>,
    pub comments: Vec<Review>,
}

/// State of a run, a job, a step or a check: status and conclusion as one word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    Queued,
    Running,
    /// Waiting for an approval or an environment.
    Waiting,
    Success,
    Failure,
    Cancelled,
    Skipped,
    Neutral,
    TimedOut,
    ActionRequired,
    Other(Clean),
}

impl RunState {
    pub fn is_finished(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }

    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Failure | Self::TimedOut | Self::ActionRequired)
            || matches!(self, Self::Other(word) if word == "startup_failure")
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Neutral => "neutral",
            Self::TimedOut => "timed out",
            Self::ActionRequired => "action required",
            Self::Other(word) => word,
        })
    }
}

/// A workflow run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub key: RunKey,
    pub workflow: Clean,
    /// `.github/workflows/deploy.yml`
    pub path: Clean,
    pub title: Clean,
    pub number: u64,
    pub attempt: u32,
    pub event: Name,
    pub state: RunState,
    pub branch: Option<Clean>,
    pub head_sha: Name,
    pub actor: Name,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub url: Clean,
    /// The workflow deploys: by its name, path or environment, or by configuration. Re-running it deploys again.
    pub deploys: bool,
    pub pull_requests: Vec<u64>,
    /// Name of the job that runs or failed, and how many jobs are done of how many, when known.
    pub stage: Option<Clean>,
    pub jobs_done: u32,
    pub jobs_total: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub number: u32,
    pub name: Clean,
    pub state: RunState,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub key: JobKey,
    pub name: Clean,
    pub state: RunState,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub url: Clean,
    pub runner: Option<Clean>,
    pub steps: Vec<Step>,
}

/// The log of a finished job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobLog {
    pub job: JobKey,
    pub lines: Vec<Clean>,
    /// Line indices of errors, ascending: `##[error]`, or the last lines of a failed step.
    pub errors: Vec<usize>,
    /// Bytes left out at the front because the log is larger than what is kept.
    pub dropped_bytes: u64,
}
