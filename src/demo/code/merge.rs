//! Checks of a commit, whether a pull request may be merged, and merging it.

use super::{
    Code, Refusal,
    model::{Commit, Merged, Pull, Repo},
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

/// All checks of a commit in one word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rollup {
    Success,
    Pending,
    Failure,
}

impl Code {
    /// The jobs that count as checks of a commit: of each workflow the newest run.
    pub fn checks(&self, repo: usize, sha: &str) -> Vec<(&Run, &Job)> {
        let mut newest: Vec<&Run> = Vec::new();
        for run in self.runs.iter().filter(|r| r.repo == repo && r.sha == sha) {
            newest.retain(|r| r.workflow != run.workflow || r.event != run.event);
            newest.push(run);
        }
        newest.iter().flat_map(|run| run.latest().jobs.iter().map(move |job| (*run, job))).collect()
    }

    /// `None` when nothing checks the commit.
    pub fn rollup(&self, repo: usize, sha: &str) -> Option<Rollup> {
        let checks = self.checks(repo, sha);
        let statuses = self.repos[repo].commits.get(sha).map_or(&[][..], |c| &c.statuses);
        if checks.is_empty() && statuses.is_empty() {
            return None;
        }
        let bad = |c: Option<Conclusion>| matches!(c, Some(Conclusion::Failure | Conclusion::Cancelled));
        if checks.iter().any(|(_, j)| bad(j.conclusion)) || statuses.iter().any(|s| s.state == "failure") {
            Some(Rollup::Failure)
        } else if checks.iter().any(|(_, j)| j.conclusion.is_none()) || statuses.iter().any(|s| s.state == "pending") {
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
            Some("CHANGES_REQUESTED") => return Some("Changes have been requested by a reviewer with write access.".into()),
            Some("REVIEW_REQUIRED") => {
                let n = repo.approvals_needed;
                let s = if n == 1 { "" } else { "s" };
                return Some(format!("At least {n} approving review{s} is required by reviewers with write access."));
            }
            _ => {}
        }
        let checks = self.checks(index, &pull.head_sha);
        let passed = |c: Option<Conclusion>| matches!(c, Some(Conclusion::Success | Conclusion::Skipped));
        let missing = |name: &&String| !checks.iter().any(|(_, j)| j.plan.name == **name && passed(j.conclusion));
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
        if method == Method::Merge {
            return refuse("Merge commits are not allowed on this repository.");
        }
        if let Some(rule) = self.unmet(index, pull) {
            return refuse(&rule);
        }
        let by = self.viewer.clone();
        Ok(self.merge_as(index, number, &by, title, message))
    }

    /// Merges without asking whether it may be.
    pub(super) fn merge_as(
        &mut self,
        index: usize,
        number: u64,
        by: &str,
        title: Option<&str>,
        message: Option<&str>,
    ) -> String {
        let (now, seed) = (self.now, self.seed);
        let repo = &mut self.repos[index];
        let base = repo.branches.get(&repo.default_branch).cloned().unwrap_or_default();
        let Some(pull) = repo.pulls.iter_mut().find(|p| p.number == number) else { return base };
        let subject = title.map_or_else(|| format!("{} (#{number})", pull.title), str::to_owned);
        let message = message.map_or(subject.clone(), |m| format!("{subject}\n\n{m}"));
        let new = seed::sha(seed, "", &format!("merge/{}/{number}", repo.name));
        let commit = Commit {
            sha: new.clone(),
            parents: vec![base],
            message,
            author: pull.author.clone(),
            at: now,
            files: pull.files.clone(),
            statuses: Vec::new(),
        };
        pull.merged = Some(Merged { at: now, by: by.into(), sha: new.clone() });
        pull.closed = Some(now);
        pull.updated = now;
        repo.commits.insert(new.clone(), commit);
        repo.branches.insert(repo.default_branch.clone(), new.clone());
        forget_mergeable(repo);
        self.pushed(index, &new, by, now);
        new
    }
}

/// The base moved: the host no longer knows what merges.
fn forget_mergeable(repo: &mut Repo) {
    for pull in repo.pulls.iter_mut().filter(|p| p.is_open()) {
        pull.mergeable_from = None;
    }
}
