//! Checks of a commit, whether a pull request may be merged, and merging it.

use jiff::Timestamp;

use super::{
    Code, Refusal,
    model::{AppCheck, Commit, Merged, Pull, Repo},
    run::{Conclusion, Job, Run},
    seed,
};

/// How a pull request is merged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    Merge,
    Squash,
    Rebase,
}

/// One check of a commit.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    pub id: u64,
    pub name: &'a str,
    pub status: &'static str,
    /// In REST's words.
    pub conclusion: Option<&'a str>,
    pub started: Timestamp,
    pub completed: Option<Timestamp>,
    /// The workflow run it is a job of.
    pub run: Option<&'a Run>,
}

impl<'a> Check<'a> {
    /// A job is a check of its run's commit.
    pub fn of_job(run: &'a Run, job: &'a Job) -> Self {
        Self {
            id: job.id,
            name: &job.plan.name,
            status: job.status(),
            conclusion: job.conclusion.map(Conclusion::word),
            started: job.started.unwrap_or(job.created),
            completed: job.completed,
            run: Some(run),
        }
    }

    fn of_app(check: &'a AppCheck, now: Timestamp) -> Self {
        let done = check.conclusion.is_some() && check.completed <= now;
        Self {
            id: check.id,
            name: &check.name,
            status: if done { "completed" } else { "in_progress" },
            conclusion: check.conclusion.as_deref().filter(|_| done),
            started: check.started,
            completed: done.then_some(check.completed),
            run: None,
        }
    }

    /// Skipped and neutral checks count as passed.
    pub fn passed(&self) -> bool {
        matches!(self.conclusion, Some("success" | "skipped" | "neutral"))
    }

    pub fn failed(&self) -> bool {
        self.conclusion.is_some() && !self.passed()
    }
}

/// All checks of a commit in one word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rollup {
    Success,
    Pending,
    Failure,
}

impl Code {
    /// The checks of a commit: the jobs of the newest run of each workflow, and what other apps reported.
    pub fn checks(&self, repo: usize, sha: &str) -> Vec<Check<'_>> {
        let mut newest: Vec<&Run> = Vec::new();
        for run in self.runs.iter().filter(|r| r.repo == repo && r.sha == sha) {
            newest.retain(|r| r.workflow != run.workflow || r.event != run.event);
            newest.push(run);
        }
        let jobs = newest.iter().flat_map(|run| run.latest().jobs.iter().map(|job| Check::of_job(run, job)));
        let mut all: Vec<Check<'_>> = jobs.collect();
        let others = self.repos[repo].commits.get(sha).map_or(&[][..], |c| &c.checks);
        for other in others.iter().filter(|c| c.started <= self.now) {
            if !all.iter().any(|c| c.name == other.name) {
                all.push(Check::of_app(other, self.now));
            }
        }
        all
    }

    /// `None` when nothing checks the commit.
    pub fn rollup(&self, repo: usize, sha: &str) -> Option<Rollup> {
        let checks = self.checks(repo, sha);
        if checks.is_empty() {
            None
        } else if checks.iter().any(Check::failed) {
            Some(Rollup::Failure)
        } else if checks.iter().any(|c| c.conclusion.is_none()) {
            Some(Rollup::Pending)
        } else {
            Some(Rollup::Success)
        }
    }

    /// Whether it merges without conflict; `None` while the host has not worked it out.
    pub fn mergeable(&self, pull: &Pull) -> Option<bool> {
        if !pull.is_open() {
            return None;
        }
        pull.mergeable_from.filter(|&at| at <= self.now).map(|_| !pull.conflicts)
    }

    /// As REST words it: `clean`, `blocked`, `unstable`, `dirty`, `draft`, `unknown`.
    pub fn merge_state(&self, repo: usize, pull: &Pull) -> &'static str {
        let Some(mergeable) = self.mergeable(pull) else { return "unknown" };
        if !mergeable {
            "dirty"
        } else if pull.draft {
            "draft"
        } else if self.unmet(repo, pull).is_some() {
            "blocked"
        } else if !matches!(self.rollup(repo, &pull.head_sha), None | Some(Rollup::Success)) {
            "unstable"
        } else {
            "clean"
        }
    }

    /// As GraphQL words it; `None` when no rule asks for reviews.
    pub fn review_decision(&self, repo: usize, pull: &Pull) -> Option<&'static str> {
        let needed = self.repos[repo].approvals_needed;
        if needed == 0 {
            None
        } else if pull.changes_requested() {
            Some("CHANGES_REQUESTED")
        } else if pull.approvals() >= needed {
            Some("APPROVED")
        } else {
            Some("REVIEW_REQUIRED")
        }
    }

    /// The rule of the base branch that is not met, in the host's words.
    fn unmet(&self, index: usize, pull: &Pull) -> Option<String> {
        let repo = &self.repos[index];
        match self.review_decision(index, pull) {
            Some("CHANGES_REQUESTED") => {
                return Some("Changes have been requested by a reviewer with write access.".into());
            }
            Some("REVIEW_REQUIRED") => {
                let n = repo.approvals_needed;
                let s = if n == 1 { "" } else { "s" };
                return Some(format!("At least {n} approving review{s} is required by reviewers with write access."));
            }
            _ => {}
        }
        let checks = self.checks(index, &pull.head_sha);
        let missing = |name: &&String| !checks.iter().any(|c| c.name == name.as_str() && c.passed());
        let missing: Vec<&String> = repo.required_checks.iter().filter(missing).collect();
        match missing[..] {
            [] => None,
            [one] => Some(format!("Required status check \"{one}\" is expected.")),
            _ => Some(format!(
                "{} of {} required status checks are expected.",
                missing.len(),
                repo.required_checks.len()
            )),
        }
    }

    /// Asking for a pull request makes the host work out whether it merges.
    pub fn ask_mergeable(&mut self, repo: usize, number: u64) {
        let at = seed::after(self.now, 2.0);
        if let Some(pull) = self.repos[repo].pull_mut(number)
            && pull.mergeable_from.is_none()
        {
            pull.mergeable_from = Some(at);
        }
    }

    /// Merges a pull request; answers the new commit.
    pub fn merge(
        &mut self,
        index: usize,
        number: u64,
        sha: Option<&str>,
        method: Method,
        title: Option<&str>,
        message: Option<&str>,
    ) -> Result<String, Refusal> {
        let pull = self.repos[index].pull(number).ok_or_else(|| Refusal::new(404, "Not Found"))?;
        let refuse = |text: &str| Err(Refusal::new(405, text));
        if !pull.is_open() {
            return refuse("Pull Request is not mergeable");
        }
        if pull.draft {
            return refuse("Pull Request is still a draft");
        }
        if sha.is_some_and(|s| s != pull.head_sha) {
            return Err(Refusal::new(409, "Head branch was modified. Review and try the merge again."));
        }
        if pull.conflicts {
            return refuse("Pull Request has merge conflicts");
        }
        if !self.repos[index].methods.contains(&method) {
            return refuse(match method {
                Method::Merge => "Merge commits are not allowed on this repository.",
                Method::Squash => "Squash merges are not allowed on this repository.",
                Method::Rebase => "Rebase merges are not allowed on this repository.",
            });
        }
        if let Some(rule) = self.unmet(index, pull) {
            return refuse(&rule);
        }
        let by = self.viewer.clone();
        let new = seed::sha(self.seed, "", &format!("merge/{}/{number}", self.repos[index].name));
        self.merge_as(index, number, &by, method, &new, title, message);
        self.pushed(index, &new, &by, self.now);
        Ok(new)
    }

    /// Merges as commit `new`, without asking whether it may be, and starts nothing.
    #[expect(clippy::too_many_arguments, reason = "what a merge is told, once")]
    pub(super) fn merge_as(
        &mut self,
        index: usize,
        number: u64,
        by: &str,
        method: Method,
        new: &str,
        title: Option<&str>,
        message: Option<&str>,
    ) {
        let now = self.now;
        let repo = &mut self.repos[index];
        let base = repo.branches.get(&repo.default_branch).cloned().unwrap_or_default();
        let Some(pull) = repo.pulls.iter_mut().find(|p| p.number == number) else { return };
        let usual = match method {
            Method::Merge => format!("Merge pull request #{number} from {}/{}", repo.owner, pull.head_ref),
            Method::Squash | Method::Rebase => format!("{} (#{number})", pull.title),
        };
        let subject = title.map_or(usual, str::to_owned);
        let message = message.map_or(subject.clone(), |m| format!("{subject}\n\n{m}"));
        let mut parents = vec![base];
        if method == Method::Merge {
            parents.push(pull.head_sha.clone());
        }
        pull.merged = Some(Merged { at: now, by: by.into(), sha: new.into() });
        pull.closed = Some(now);
        pull.updated = now;
        let commit = Commit {
            sha: new.into(),
            parents,
            message,
            author: pull.author.clone(),
            at: now,
            files: pull.files.clone(),
            checks: Vec::new(),
        };
        repo.commits.insert(new.into(), commit);
        repo.branches.insert(repo.default_branch.clone(), new.into());
        repo.pushed = now;
        forget_mergeable(repo);
    }
}

/// The base moved: the host no longer knows what merges.
fn forget_mergeable(repo: &mut Repo) {
    for pull in repo.pulls.iter_mut().filter(|p| p.is_open()) {
        pull.mergeable_from = None;
    }
}
