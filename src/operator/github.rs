//! Writes to GitHub: review, comment, merge, re-run, cancel. Each is preceded by a look at whether it moved, is bound to
//! what was looked at where the API can (head commit), and is sent once.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;

use crate::{
    action::{ActionError, Done, Operator, Verdict, Write},
    model::{
        BackendId,
        code::{MergeMethod, PullRequestKey, RepoKey, RunKey},
    },
    source::github::{
        Caller, Client, Failure, PullShape, Reached, RepositoryShape, WorkflowShape, read_run,
        requests::{self, WriteRequest},
        run_state,
    },
    text::Clean,
};

/// The one way to write to a GitHub host. GitHub rehearses nothing.
pub struct GitHubOperator {
    client: Arc<Client>,
}

impl GitHubOperator {
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    async fn review(
        &self,
        key: &PullRequestKey,
        head_sha: &str,
        verdict: Verdict,
        body: &str,
    ) -> Result<Done, ActionError> {
        self.expect_head(key, head_sha).await?;
        let (doing, done) = match verdict {
            Verdict::Approve => ("the approval", "approved"),
            Verdict::RequestChanges => ("the request for changes", "changes requested"),
        };
        let answer = self.send(&requests::review(key, head_sha, verdict, body), doing, &name(key)).await?;
        Ok(Done { says: Clean::line(&format!("{done} at {}", short(head_sha))), reference: id(&answer) })
    }

    async fn comment(&self, key: &PullRequestKey, body: &str) -> Result<Done, ActionError> {
        let answer = self.send(&requests::comment(key, body), "the comment", &name(key)).await?;
        Ok(Done { says: Clean::line("commented"), reference: id(&answer) })
    }

    async fn merge(&self, key: &PullRequestKey, head_sha: &str, method: MergeMethod) -> Result<Done, ActionError> {
        self.expect_head(key, head_sha).await?;
        let answer = self.send(&requests::merge(key, head_sha, method), "the merge", &name(key)).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let says = answer["message"].as_str().unwrap_or_default();
        if answer["merged"] == false {
            return Err(ActionError::Refused(Clean::line(&format!("GitHub did not merge {}: {says}", name(key)))));
        }
        let sha = answer["sha"].as_str();
        let says =
            sha.map_or_else(|| "merged".to_owned(), |sha| format!("merged ({}) as {}", method.name(), short(sha)));
        Ok(Done { says: Clean::line(&says), reference: sha.map(Clean::line) })
    }

    async fn rerun(&self, key: &RunKey, attempt: u32, only_failed: bool) -> Result<Done, ActionError> {
        let (now, is_over) = self.run(key, attempt).await?;
        if !is_over {
            let says = format!("{} still goes on ({now}): cancel it first, or wait", run_name(key));
            return Err(ActionError::Refused(Clean::line(&says)));
        }
        self.send(&requests::rerun(key, only_failed), "the re-run", &run_name(key)).await?;
        let jobs = if only_failed { "failed jobs" } else { "all jobs" };
        let says = format!("{jobs} run again, as attempt {}", attempt + 1);
        Ok(Done { says: Clean::line(&says), reference: Some(Clean::line(&key.id.to_string())) })
    }

    async fn cancel(&self, key: &RunKey, attempt: u32) -> Result<Done, ActionError> {
        let (now, is_over) = self.run(key, attempt).await?;
        if is_over {
            let says = format!("{} has already finished ({now})", run_name(key));
            return Err(ActionError::Refused(Clean::line(&says)));
        }
        self.send(&requests::cancel(key), "the cancelling", &run_name(key)).await?;
        let says = "asked to cancel; it ends when its jobs have stopped";
        Ok(Done { says: Clean::line(says), reference: Some(Clean::line(&key.id.to_string())) })
    }

    /// Starts a workflow on the default branch. A workflow that is not there, or is switched off, is refused in words first.
    async fn dispatch(
        &self,
        repo: &RepoKey,
        file: &str,
        inputs: &BTreeMap<String, String>,
    ) -> Result<Done, ActionError> {
        let what = format!("workflow '{file}' of '{}'", repo.name);
        let (repository, workflow) = (requests::repository(repo), requests::workflow(repo, file));
        let read = futures::future::try_join(
            self.client.read::<RepositoryShape>(&repository, &what, Caller::Person),
            self.client.read::<WorkflowShape>(&workflow, &what, Caller::Person),
        );
        let (of_repo, of_workflow) = read.await.map_err(not_sent)?;
        if let Some(state) = of_workflow.state.filter(|state| state != "active") {
            return Err(ActionError::Refused(Clean::line(&format!("{what} is switched off ({state})"))));
        }
        let branch = of_repo.default_branch.unwrap_or_else(|| "main".to_owned());
        let answer = self.send(&requests::dispatch(repo, file, &branch, inputs), "the start", &what).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let run = answer["workflow_run_id"].as_u64().map(|id| id.to_string());
        let as_run = run.as_ref().map(|id| format!(" as run {id}")).unwrap_or_default();
        let says = Clean::line(&format!("{file} is started on {branch}{as_run}"));
        Ok(Done { says, reference: run.map(|id| Clean::line(&id)) })
    }

    /// State of the run in words, and whether it is over. Fails if it is another attempt by now.
    async fn run(&self, key: &RunKey, attempt: u32) -> Result<(Clean, bool), ActionError> {
        let run = read_run(&self.client, key).await.map_err(not_sent)?;
        let now = run.run_attempt.unwrap_or(1);
        if now != attempt {
            let by =
                run.triggering_actor.and_then(|actor| actor.login).map_or_else(String::new, |by| format!(" by {by}"));
            let says = format!("{} was re-run{by}: it is attempt {now} now, you saw attempt {attempt}", run_name(key));
            return Err(ActionError::Moved(Clean::line(&says)));
        }
        let state = run_state(run.status.as_deref(), run.conclusion.as_deref());
        Ok((Clean::line(&state.to_string()), state.is_finished()))
    }

    /// Fails if the pull request is closed, or its head is not the one that was looked at.
    async fn expect_head(&self, key: &PullRequestKey, head_sha: &str) -> Result<(), ActionError> {
        let pull: PullShape =
            self.client.read(&requests::pull(key), &name(key), Caller::Person).await.map_err(not_sent)?;
        if pull.merged == Some(true) || pull.merged_at.is_some() {
            let by = pull.merged_by.and_then(|by| by.login).unwrap_or_else(|| "somebody".to_owned());
            let at = pull.merged_at.map_or_else(String::new, |at| format!(" at {at}"));
            return Err(ActionError::Moved(Clean::line(&format!("{} was merged by {by}{at}", name(key)))));
        }
        if pull.state.as_deref() == Some("closed") {
            let at = pull.closed_at.map_or_else(String::new, |at| format!(" at {at}"));
            return Err(ActionError::Moved(Clean::line(&format!("{} was closed{at}", name(key)))));
        }
        match pull.head.and_then(|head| head.sha) {
            Some(sha) if sha == head_sha => Ok(()),
            Some(sha) => {
                let says = format!("{} moved: its head is {} now, you saw {}", name(key), short(&sha), short(head_sha));
                Err(ActionError::Moved(Clean::line(&says)))
            }
            None => Err(ActionError::NotSent(Clean::line(&format!("the head of {} cannot be read", name(key))))),
        }
    }

    async fn send(&self, write: &WriteRequest, doing: &str, target: &str) -> Result<Bytes, ActionError> {
        let what = format!("{doing} of {target}");
        self.client
            .write(write.method.clone(), &write.path, &write.body, &what)
            .await
            .map_err(|failure| refused(&failure, &what, target))
    }
}

impl Operator for GitHubOperator {
    fn backend(&self) -> &BackendId {
        self.client.backend()
    }

    fn rehearse<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        futures::future::ready(None).boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            match write {
                Write::Review { pull_request, head_sha, verdict, body } => {
                    self.review(pull_request, head_sha, *verdict, body).await
                }
                Write::Comment { pull_request, body } => self.comment(pull_request, body).await,
                Write::Merge { pull_request, head_sha, method } => self.merge(pull_request, head_sha, *method).await,
                Write::RerunRun { run, attempt, only_failed } => self.rerun(run, *attempt, *only_failed).await,
                Write::DispatchWorkflow { repo, file, inputs } => self.dispatch(repo, file, inputs).await,
                Write::CancelRun { run, attempt } => self.cancel(run, *attempt).await,
                _ => {
                    Err(ActionError::NotSent(Clean::line("GitHub was asked to write something that is not on GitHub")))
                }
            }
        }
        .boxed()
    }
}

/// The look before the write failed.
fn not_sent(failure: Failure) -> ActionError {
    ActionError::NotSent(failure.error.says)
}

/// What a failed write means: nothing was sent, it was refused, it moved, or nobody knows.
fn refused(failure: &Failure, what: &str, target: &str) -> ActionError {
    let message = &failure.message;
    match (failure.reached, failure.status) {
        (Reached::Nothing, _) => ActionError::NotSent(failure.error.says.clone()),
        (Reached::Unknown, _) => {
            let says = format!("{}. It may have happened: look at {target} before you try again", failure.error.says);
            ActionError::Unknown(Clean::line(&says))
        }
        (Reached::Answer, Some(409)) if what.starts_with("the merge") => {
            ActionError::Moved(Clean::line(&format!("{target}: the head moved since you looked ('{message}')")))
        }
        (Reached::Answer, Some(405)) if message.contains("Base branch was modified") => ActionError::Moved(
            Clean::line(&format!("{target}: its base moved just now ('{message}'): look again and retry")),
        ),
        (Reached::Answer, Some(409)) if what.starts_with("the cancelling") => {
            ActionError::Refused(Clean::line(&format!("{target} has already finished ('{message}')")))
        }
        (Reached::Answer, Some(405 | 409 | 422)) => {
            ActionError::Refused(Clean::line(&format!("GitHub refused {what}: {message}")))
        }
        (Reached::Answer, _) => ActionError::Refused(failure.error.says.clone()),
    }
}

fn name(key: &PullRequestKey) -> String {
    format!("'{}#{}'", key.repo.name, key.number)
}

fn run_name(key: &RunKey) -> String {
    format!("run {} of '{}'", key.id, key.repo.name)
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

/// `id` of what was made.
fn id(answer: &[u8]) -> Option<Clean> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    Some(Clean::line(&answer.get("id")?.as_u64()?.to_string()))
}
