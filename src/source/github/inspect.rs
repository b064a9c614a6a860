//! What a plan must know of a pull request or a run, read fresh.

use std::sync::Arc;

use base64::Engine as _;
use futures::{FutureExt, future::BoxFuture};

use super::{
    client::{Caller, Client},
    convert, deploys,
    deploys::DeployRule,
    detail,
    failure::Failure,
    hooks, requests, runs,
    shapes::{ContentShape, RepositoryShape, RunShape},
};
use crate::{
    action::{Inspection, Inspector, PullRequestInspection, Request, RunInspection},
    model::{
        BackendId,
        code::{MergeState, PullRequestKey, RepoKey, Run, RunKey},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// Times a mergeability still being computed is asked for again.
pub(super) const SETTLE_TRIES: u32 = 3;
/// Local reusable workflows that are read too.
const CALLED: usize = 3;

/// Reads live what plans of reviews, merges, re-runs and cancels need.
pub struct GitHubInspector {
    client: Arc<Client>,
    deploys: Arc<DeployRule>,
}

impl GitHubInspector {
    pub fn new(client: Arc<Client>, deploys: Arc<DeployRule>) -> Self {
        Self { client, deploys }
    }

    async fn pull_request(&self, key: &PullRequestKey) -> Result<Inspection, SourceError> {
        let (mut whole, _) = detail::read(&self.client, key, None).await.map_err(Failure::into_error)?;
        for nth in 0..SETTLE_TRIES {
            if whole.pull.merge != MergeState::Checking || whole.pull.merged.is_some() {
                break;
            }
            // The first question starts the work.
            tokio::time::sleep(self.client.settings().settle * nth).await;
            whole.pull.merge = detail::merge_state(&self.client, &whole.pull).await.map_err(Failure::into_error)?;
            whole.detail.merge = whole.pull.merge.clone();
        }
        let may_write = whole.may_write.ok_or_else(|| Clean::line("GitHub did not tell what the token may do"));
        Ok(Inspection::PullRequest(Box::new(PullRequestInspection {
            pull_request: whole.pull,
            detail: whole.detail,
            may_write,
        })))
    }

    async fn run(&self, key: &RunKey) -> Result<Inspection, SourceError> {
        let shape = read_run(&self.client, key).await.map_err(Failure::into_error)?;
        let mut run = convert::run(&key.repo, &shape);
        let jobs = runs::read_jobs(&self.client, key, Caller::Person).await.map_err(Failure::into_error)?;
        let (hooks, aims) = match self.read_file(&run).await {
            Ok(found) => (Ok(found.hooks), found.aims),
            Err(why) => (Err(why), Vec::new()),
        };
        let stage = runs::stage_of(&jobs, &run);
        run.deploys = self.deploys.deploys(&run) || stage.deploys;
        (run.stage, run.jobs_done, run.jobs_total) = (stage.name, stage.done, stage.total);
        let may_write = self.may_push(&key.repo).await;
        Ok(Inspection::Run(Box::new(RunInspection { run, jobs, may_write, hooks, aims })))
    }

    async fn may_push(&self, repo: &RepoKey) -> Result<bool, Clean> {
        let what = format!("'{}'", repo.name);
        let shape: RepositoryShape = self
            .client
            .read(&requests::repository(repo), &what, Caller::Person)
            .await
            .map_err(|failure| failure.error.says)?;
        if shape.archived == Some(true) {
            return Ok(false);
        }
        let push = shape.permissions.and_then(|permissions| permissions.push);
        push.ok_or_else(|| Clean::line("GitHub did not tell what the token may do"))
    }

    /// What the run's workflow file holds as of its commit, with the workflows of its repository that it calls.
    async fn read_file(&self, run: &Run) -> Result<hooks::Workflow, Clean> {
        let path = deploys::file_path(&run.path);
        if !path.starts_with(".github/") {
            return Err(Clean::line(&format!("its workflow '{path}' is no file of the repository")));
        }
        let mut found = self.workflow(run, path).await?;
        let mut unread = Vec::new();
        let mut is_partial = found.is_partial;
        for (nth, called) in found.calls.iter().enumerate() {
            let local = called.strip_prefix("./").filter(|path| nth < CALLED && !path.contains(".."));
            match local {
                Some(local) => match self.workflow(run, local).await {
                    Ok(called) => {
                        found.hooks.extend(called.hooks);
                        found.aims.extend(called.aims);
                        unread
                            .extend(called.calls.iter().map(|deeper| format!("'{deeper}' is called and was not read")));
                        is_partial |= called.is_partial;
                    }
                    Err(why) => unread.push(why.to_string()),
                },
                None => unread.push(format!("'{called}' is called and was not read")),
            }
        }
        if is_partial {
            unread.push("actions of its repository were not read".to_owned());
        }
        if unread.is_empty() {
            return Ok(found);
        }
        let unread = Clean::line(&unread.join("; "));
        if found.hooks.is_empty() {
            return Err(unread);
        }
        found.hooks.push(unread);
        // What was not read may deploy anywhere.
        found.aims.clear();
        Ok(found)
    }

    async fn workflow(&self, run: &Run, path: &str) -> Result<hooks::Workflow, Clean> {
        let repo = &run.key.repo;
        let what = format!("'{path}' of '{}'", repo.name);
        let shape: ContentShape = self
            .client
            .read(&requests::content(repo, path, &run.head_sha), &what, Caller::Person)
            .await
            .map_err(|failure| failure.error.says)?;
        let unreadable = || Clean::line(&format!("{what} cannot be read"));
        let packed: String = shape.content.unwrap_or_default().split_whitespace().collect();
        let file = base64::prelude::BASE64_STANDARD.decode(packed).map_err(|_| unreadable())?;
        let found = hooks::read(&String::from_utf8_lossy(&file));
        if !found.has_jobs {
            return Err(unreadable());
        }
        if found.has_environment {
            self.deploys.learn(path);
        }
        Ok(found)
    }
}

/// A run as it is now.
pub(crate) async fn read_run(client: &Client, key: &RunKey) -> Result<RunShape, Failure> {
    let what = format!("run {} of '{}'", key.id, key.repo.name);
    client.read(&requests::run(key), &what, Caller::Person).await
}

impl Inspector for GitHubInspector {
    fn backend(&self) -> &BackendId {
        self.client.backend()
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            match request {
                Request::Review { pull_request, .. }
                | Request::Comment { pull_request, .. }
                | Request::Merge { pull_request, .. } => self.pull_request(pull_request).await,
                Request::Rerun { run, .. } | Request::Cancel { run, .. } => self.run(run).await,
                _ => Err(SourceError::new(ErrorKind::Bug, "GitHub was asked about something that is not on GitHub")),
            }
        }
        .boxed()
    }
}
