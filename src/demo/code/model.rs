//! What a code host keeps: people, repositories, commits, pull requests, issues.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{merge::Method, workflow::Workflow};

/// An account, of a person or of a bot.
#[derive(Clone, Debug)]
pub struct User {
    /// As REST shows it: a bot's ends in `[bot]`.
    pub login: String,
    pub name: Option<String>,
    pub id: u64,
    pub bot: bool,
}

/// A repository with its branches and what belongs to it, workflow runs excepted.
#[derive(Clone, Debug)]
pub struct Repo {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub description: String,
    pub created: Timestamp,
    pub pushed: Timestamp,
    pub default_branch: String,
    /// Branch name to head commit.
    pub branches: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub commits: BTreeMap<String, Commit>,
    pub pulls: Vec<Pull>,
    pub issues: Vec<Issue>,
    pub workflows: Vec<Workflow>,
    pub private: bool,
    /// Allowed ways to merge.
    pub methods: Vec<Method>,
    /// Branch protection: how many approvals a merge needs.
    pub approvals_needed: usize,
    /// Branch protection: checks that must have passed, by name.
    pub required_checks: Vec<String>,
}

/// A commit; `files` are its changes against its first parent.
#[derive(Clone, Debug)]
pub struct Commit {
    pub sha: String,
    pub parents: Vec<String>,
    pub message: String,
    pub author: String,
    pub at: Timestamp,
    pub files: Vec<FileChange>,
    /// Checks that apps other than the workflows reported.
    pub checks: Vec<AppCheck>,
}

/// A check run that no workflow run makes.
#[derive(Clone, Debug)]
pub struct AppCheck {
    pub id: u64,
    pub name: String,
    /// In REST's words; `None`: it never ends.
    pub conclusion: Option<String>,
    pub started: Timestamp,
    pub completed: Timestamp,
}

/// One changed file.
#[derive(Clone, Debug, Default)]
pub struct FileChange {
    pub path: String,
    /// `added`, `removed`, `modified` or `renamed`.
    pub status: String,
    pub previous: Option<String>,
    pub additions: u64,
    pub deletions: u64,
    /// The hunks, without file headers; `None` when binary or too large.
    pub patch: Option<String>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub head_ref: String,
    pub base_ref: String,
    pub head_sha: String,
    /// The base branch's head when the pull request was opened or last updated.
    pub base_sha: String,
    /// Commits of the pull request, oldest first.
    pub commits: Vec<String>,
    pub draft: bool,
    pub conflicts: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub closed: Option<Timestamp>,
    pub merged: Option<Merged>,
    pub labels: Vec<String>,
    /// Logins whose review is asked for and not given.
    pub requested: Vec<String>,
    pub reviews: Vec<Review>,
    pub line_comments: Vec<LineComment>,
    pub comments: Vec<Comment>,
    pub files: Vec<FileChange>,
    /// When the host will know whether it merges; the question is only worked on once somebody asks.
    pub mergeable_from: Option<Timestamp>,
}

/// How a pull request was merged.
#[derive(Clone, Debug)]
pub struct Merged {
    pub at: Timestamp,
    pub by: String,
    pub sha: String,
}

/// A submitted review.
#[derive(Clone, Debug)]
pub struct Review {
    pub id: u64,
    pub user: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `PENDING`.
    pub state: String,
    pub body: String,
    pub commit: String,
    pub at: Timestamp,
}

/// A comment on a line of the diff.
#[derive(Clone, Debug)]
pub struct LineComment {
    pub id: u64,
    pub review: Option<u64>,
    pub user: String,
    pub body: String,
    pub path: String,
    pub line: u64,
    pub commit: String,
    pub hunk: String,
    pub resolved: bool,
    pub at: Timestamp,
}

/// A comment in the conversation.
#[derive(Clone, Debug)]
pub struct Comment {
    pub id: u64,
    pub user: String,
    pub body: String,
    pub at: Timestamp,
}

/// An issue that is not a pull request.
#[derive(Clone, Debug)]
pub struct Issue {
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub at: Timestamp,
    pub comments: Vec<Comment>,
}

impl Repo {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub fn pull(&self, number: u64) -> Option<&Pull> {
        self.pulls.iter().find(|p| p.number == number)
    }

    pub fn pull_mut(&mut self, number: u64) -> Option<&mut Pull> {
        self.pulls.iter_mut().find(|p| p.number == number)
    }

    /// The commit a branch, tag or (short) object name means.
    pub fn resolve(&self, reference: &str) -> Option<&Commit> {
        let name = reference.strip_prefix("heads/").or_else(|| reference.strip_prefix("tags/")).unwrap_or(reference);
        let named = self.branches.get(name).or_else(|| self.tags.get(name)).map_or(name, String::as_str);
        if let Some(commit) = self.commits.get(named) {
            return Some(commit);
        }
        if named.len() < 7 || !named.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.commits.values().find(|c| c.sha.starts_with(named))
    }

    /// From `sha` back along first parents, newest first.
    pub fn history(&self, sha: &str) -> Vec<&Commit> {
        let mut found = Vec::new();
        let mut next = self.commits.get(sha);
        while let Some(commit) = next {
            found.push(commit);
            next = commit.parents.first().and_then(|p| self.commits.get(p));
        }
        found
    }

    pub fn next_number(&self) -> u64 {
        let pulls = self.pulls.iter().map(|p| p.number);
        pulls.chain(self.issues.iter().map(|i| i.number)).max().unwrap_or(0) + 1
    }
}

impl Pull {
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub fn additions(&self) -> u64 {
        self.files.iter().map(|f| f.additions).sum()
    }

    pub fn deletions(&self) -> u64 {
        self.files.iter().map(|f| f.deletions).sum()
    }

    /// The reviews that count: the last of each person, plain comments left out.
    pub fn standing_reviews(&self) -> Vec<&Review> {
        let mut last: Vec<&Review> = Vec::new();
        for review in self.reviews.iter().filter(|r| r.state != "COMMENTED" && r.state != "PENDING") {
            last.retain(|r| r.user != review.user);
            last.push(review);
        }
        last
    }

    pub fn approvals(&self) -> usize {
        self.standing_reviews().iter().filter(|r| r.state == "APPROVED").count()
    }

    pub fn changes_requested(&self) -> bool {
        self.standing_reviews().iter().any(|r| r.state == "CHANGES_REQUESTED")
    }
}
