//! Reads that somebody looks at: a pull request, the jobs of a run, the log of a job.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use super::{
    client::{Caller, Client},
    convert, detail,
    failure::Failure,
    inspect, job_log, runs,
};
use crate::{
    model::{
        BackendId,
        code::{MergeState, PullRequestKey, RunKey},
    },
    query::{Answer, Query},
    source::{AnswerSink, ErrorKind, Reader, SourceError},
};

const PULL_REQUEST: Duration = Duration::from_secs(15);
const JOBS: Duration = Duration::from_secs(10);

/// Answers [`Query::PullRequest`], [`Query::Jobs`] and [`Query::JobLog`] of one host.
pub struct GitHubReader {
    client: Arc<Client>,
}

impl GitHubReader {
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// Every 15 s. A mergeability still being computed is told as such at once, and asked for again.
    async fn pull_request(&self, key: &PullRequestKey, out: &AnswerSink) {
        let mut files = None;
        loop {
            let mut wait = PULL_REQUEST;
            match detail::read(&self.client, key, files.take()).await {
                Ok((mut whole, read)) => {
                    files = Some(read);
                    if !out.send(Ok(Answer::PullRequest(Box::new(whole.detail.clone())))).await {
                        return;
                    }
                    if whole.pull.merged.is_none() && !self.settle(&mut whole, out).await {
                        return;
                    }
                }
                Err(failure) => {
                    wait = self.until(&failure.error, wait);
                    if !out.send(Err(failure.into_error())).await {
                        return;
                    }
                }
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// False: nobody looks any more.
    async fn settle(&self, whole: &mut detail::Whole, out: &AnswerSink) -> bool {
        for nth in 0..inspect::SETTLE_TRIES {
            if whole.detail.merge != MergeState::Checking {
                return true;
            }
            // The first question starts the work.
            tokio::time::sleep(self.client.settings().settle * nth).await;
            let Ok(state) = detail::merge_state(&self.client, &whole.pull).await else { return true };
            if state == MergeState::Checking {
                continue;
            }
            whole.detail.merge = state;
            if !out.send(Ok(Answer::PullRequest(Box::new(whole.detail.clone())))).await {
                return false;
            }
        }
        true
    }

    /// Every 10 s while the run goes on, and once after its end.
    async fn jobs(&self, key: &RunKey, out: &AnswerSink) {
        loop {
            let mut wait = JOBS;
            // The run first: if it is over by then, the jobs read after it are final.
            let run = inspect::read_run(&self.client, key).await;
            let (answer, is_over) = match run {
                Ok(shape) => {
                    let state = convert::run(&key.repo, &shape).state;
                    let jobs = runs::read_jobs(&self.client, key, Caller::Person).await;
                    let is_over = state.is_finished() && jobs.is_ok();
                    (jobs.map(Answer::Jobs).map_err(Failure::into_error), is_over)
                }
                Err(failure) => (Err(failure.into_error()), false),
            };
            if let Err(error) = &answer {
                wait = self.until(error, wait);
            }
            if !out.send(answer).await || is_over {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait after a failure: as the server said, else as usual.
    fn until(&self, error: &SourceError, usual: Duration) -> Duration {
        let now = self.client.clock().now().wall;
        let said = error.retry_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
        said.unwrap_or(usual).max(usual)
    }
}

impl Reader for GitHubReader {
    fn backend(&self) -> &BackendId {
        self.client.backend()
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            match query {
                Query::PullRequest(key) => self.pull_request(key, &out).await,
                Query::Jobs(key) => self.jobs(key, &out).await,
                Query::JobLog(key) => {
                    let log = job_log::read(&self.client, key).await;
                    let answer = log.map(|log| Answer::JobLog(Box::new(log))).map_err(Failure::into_error);
                    out.send(answer).await;
                }
                _ => {
                    let error =
                        SourceError::new(ErrorKind::Bug, "GitHub was asked for something that is not on GitHub");
                    out.send(Err(error)).await;
                }
            }
        }
        .boxed()
    }
}
