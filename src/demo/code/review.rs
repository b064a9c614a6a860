//! Reviews, comments, closing, and issues.

use super::{
    Code, Refusal,
    model::{Comment, Issue, LineComment, Pull, Review},
};

/// A comment on a line, sent with a review.
#[derive(Clone, Debug)]
pub struct NewLineComment {
    pub path: String,
    pub line: u64,
    pub body: String,
}

impl Code {
    /// Submits a review by the viewer; answers its id. Without an `event` it stays pending.
    pub fn review(
        &mut self,
        repo: usize,
        number: u64,
        event: Option<&str>,
        body: &str,
        commit: Option<&str>,
        lines: Vec<NewLineComment>,
    ) -> Result<u64, Refusal> {
        let (now, viewer, id) = (self.now, self.viewer.clone(), self.fresh_id());
        let ids: Vec<u64> = lines.iter().map(|_| self.fresh_id()).collect();
        let pull = self.pull_for_write(repo, number)?;
        let own = pull.author == viewer;
        let state = match event {
            Some("APPROVE") if own => return Err(Refusal::unprocessable("Can not approve your own pull request")),
            Some("REQUEST_CHANGES") if own => {
                return Err(Refusal::unprocessable("Can not request changes on your own pull request"));
            }
            Some("REQUEST_CHANGES" | "COMMENT") if body.is_empty() && lines.is_empty() => {
                return Err(Refusal::unprocessable("Body can't be blank"));
            }
            Some("APPROVE") => "APPROVED",
            Some("REQUEST_CHANGES") => "CHANGES_REQUESTED",
            Some("COMMENT") => "COMMENTED",
            None => "PENDING",
            Some(_) => {
                return Err(Refusal::unprocessable(
                    "Variable $event of type PullRequestReviewEvent was provided invalid value",
                ));
            }
        };
        if commit.is_some_and(|c| !pull.commits.iter().any(|s| s == c)) {
            return Err(Refusal::unprocessable("No commit found for SHA"));
        }
        if event.is_none() && pull.reviews.iter().any(|r| r.user == viewer && r.state == "PENDING") {
            return Err(Refusal::unprocessable("User can only have one pending review per pull request"));
        }
        if let Some(gone) = lines.iter().find(|l| !pull.files.iter().any(|f| f.path == l.path)) {
            return Err(Refusal::unprocessable(format!("Path could not be resolved: {}", gone.path)));
        }
        let commit = commit.map_or_else(|| pull.head_sha.clone(), str::to_owned);
        for (line, comment_id) in lines.into_iter().zip(ids) {
            pull.line_comments.push(LineComment {
                id: comment_id,
                review: Some(id),
                user: viewer.clone(),
                body: line.body,
                path: line.path,
                line: line.line,
                commit: commit.clone(),
                hunk: "@@ -1 +1 @@".into(),
                resolved: false,
                at: now,
            });
        }
        if state != "PENDING" {
            pull.requested.retain(|login| *login != viewer);
        }
        pull.updated = now;
        pull.reviews.push(Review { id, user: viewer, state: state.into(), body: body.into(), commit, at: now });
        Ok(id)
    }

    /// Adds the viewer's comment to the conversation of a pull request or issue.
    pub fn comment(&mut self, repo: usize, number: u64, body: &str) -> Result<Comment, Refusal> {
        let comment = Comment { id: self.fresh_id(), user: self.viewer.clone(), body: body.into(), at: self.now };
        let now = self.now;
        if let Some(issue) = self.repos[repo].issues.iter_mut().find(|i| i.number == number) {
            issue.comments.push(comment.clone());
            return Ok(comment);
        }
        let pull = self.pull_for_write(repo, number)?;
        pull.comments.push(comment.clone());
        pull.updated = now;
        Ok(comment)
    }

    /// Closes or opens a pull request again, or gives it another title or body.
    pub fn edit(
        &mut self,
        repo: usize,
        number: u64,
        state: Option<&str>,
        title: Option<&str>,
        body: Option<&str>,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let pull = self.pull_for_write(repo, number)?;
        match state {
            None => {}
            Some("open") if pull.merged.is_some() => {
                return Err(Refusal::unprocessable("Cannot reopen a merged pull request"));
            }
            Some("open") => pull.closed = None,
            Some("closed") => pull.closed = pull.closed.or(Some(now)),
            Some(other) => return Err(Refusal::unprocessable(format!("{other} is not a valid state"))),
        }
        if let Some(title) = title {
            title.clone_into(&mut pull.title);
        }
        if let Some(body) = body {
            pull.body = Some(body.to_owned());
        }
        pull.updated = now;
        Ok(())
    }

    /// Opens an issue as the viewer; answers its number.
    pub fn open_issue(
        &mut self,
        repo: usize,
        title: &str,
        body: Option<&str>,
        labels: Vec<String>,
        assignees: Vec<String>,
    ) -> u64 {
        let (at, author) = (self.now, self.viewer.clone());
        let number = self.repos[repo].next_number();
        self.repos[repo].issues.push(Issue {
            number,
            title: title.into(),
            body: body.map(str::to_owned),
            author,
            labels,
            assignees,
            at,
            comments: Vec::new(),
        });
        number
    }

    fn pull_for_write(&mut self, repo: usize, number: u64) -> Result<&mut Pull, Refusal> {
        self.repos[repo].pull_mut(number).ok_or_else(|| Refusal::new(404, "Not Found"))
    }
}
