//! Starts jobs of Jenkins. Each is looked at once more before, sent once, and looked for where its answer is lost.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::StatusCode;
use jiff::Timestamp;

use crate::{
    action::{ActionError, Done, Found, Operator, Write},
    model::{BackendId, jenkins::JenkinsJob},
    source::{
        SourceError,
        http::{Http, Reply},
        jenkins::{Jenkins, Started, item, job_path},
    },
    text::Clean,
};

/// A job with what it is started with.
type Start = (JenkinsJob, BTreeMap<String, String>);

/// Writes to one Jenkins. It rehearses nothing, and says only by its answer whether one may start a job.
pub struct JenkinsOperator {
    server: Arc<Jenkins>,
    /// The queue items that there were before each start: what is found later and is not among them came of it.
    before: Mutex<BTreeMap<Start, BTreeSet<u64>>>,
}

impl JenkinsOperator {
    pub fn new(server: Arc<Jenkins>) -> Self {
        Self { server, before: Mutex::default() }
    }

    fn before(&self) -> MutexGuard<'_, BTreeMap<Start, BTreeSet<u64>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self, job: &JenkinsJob, parameters: &BTreeMap<String, String>) -> Result<Done, ActionError> {
        let not_sent =
            |error: SourceError| ActionError::NotSent(Clean::own(format!("{}; nothing was sent", error.says)));
        // Until it is known what is there now: what an earlier start made must not be taken for what comes of this one.
        self.before().remove(&(job.clone(), parameters.clone()));
        let http = self.server.http().await.map_err(not_sent)?;
        let found = self.server.inspected(&http, &job.name).await.map_err(not_sent)?;
        if let Some(why) = found.refusal(parameters) {
            let says = format!("job '{}': {why}; nothing was sent", job.name);
            return Err(ActionError::Refused(Clean::own(says)));
        }
        let known = self.server.started(&http, &job.name).await.map_err(not_sent)?;
        let known = known.iter().map(|one| one.item).collect();
        self.before().insert((job.clone(), parameters.clone()), known);
        let verb = if found.parameters.is_empty() { "build" } else { "buildWithParameters" };
        // Nobody who rolls back wants its quiet period.
        let path = format!("{}/{verb}?delay=0sec", job_path(&job.name));
        let form: Vec<(String, String)> =
            parameters.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        match self.server.post(&http, &path, &form).await {
            Ok(reply) => self.answered(&http, job, &path, &reply),
            Err(error) => Err(unknown(&error.says, &found.url)),
        }
    }

    /// What an answer to a start means.
    fn answered(&self, http: &Http, job: &JenkinsJob, path: &str, reply: &Reply) -> Result<Done, ActionError> {
        let refused = |says: String| Err(ActionError::Refused(Clean::line(&says)));
        let url = Clean::line(&format!("{}{}", http.server(), job_path(&job.name)));
        let status = reply.status;
        let queued = item(reply).filter(|_| matches!(status, StatusCode::CREATED | StatusCode::SEE_OTHER));
        if let Some(item) = queued {
            let says = if status == StatusCode::SEE_OTHER {
                format!("it waits in the queue already with these parameters, as item {item}: none was added")
            } else {
                format!("queued as item {item}")
            };
            return Ok(Done { says: Clean::own(says), reference: Some(Clean::own(item.to_string())) });
        }
        if let Err(error) = self.server.judge(http, path, reply) {
            return match status.as_u16() {
                400 => refused(format!("{}: is '{}' a job with parameters?", error.says, job.name)),
                404 => refused(format!("{} has no job '{}' any more, or does not show it", http.who(), job.name)),
                409 => refused(format!("{}: '{}' is disabled", error.says, job.name)),
                // It goes back to the job's page, without a word.
                302 | 303 if leads_to(reply, &job_path(&job.name)) => {
                    refused(format!("{} queued nothing, and says not why: look at {url}", http.who()))
                }
                // Whoever stands before it may have passed it on; what fails in it may have begun.
                500.. => Err(unknown(&error.says, &url)),
                _ => Err(ActionError::Refused(error.says)),
            };
        }
        Err(unknown(&Clean::own(format!("{} answered {status} and named no queue item", http.who())), &url))
    }

    /// Looks for what a start has made. It is never sent again.
    async fn looked_at(&self, write: &Write) -> Option<Result<Found, Clean>> {
        let Write::StartJob { job, parameters } = write else { return None };
        // Not sent by this process: any build may be anybody's.
        let before = self.before().get(&(job.clone(), parameters.clone())).cloned()?;
        let started = async {
            let http = self.server.http().await?;
            self.server.started(&http, &job.name).await
        };
        let started: Vec<Started> = match started.await {
            Ok(started) => started,
            Err(error) => return Some(Err(error.says)),
        };
        let user = self.server.user();
        let mut ours = started.iter().filter(|one| !before.contains(&one.item) && one.is_by(user, parameters));
        Some(Ok(match ours.next() {
            Some(Started { item, build, .. }) => {
                let says = build.map_or_else(
                    || format!("it is in the queue, as item {item}"),
                    |number| format!("it is there, as build #{number}"),
                );
                let reference = Some(Clean::own(item.to_string()));
                Found::InForce(Done { says: Clean::own(says), reference })
            }
            None => Found::Missing("neither the queue nor a build has these parameters".into()),
        }))
    }
}

/// It leads to the job's own page, and to no login.
fn leads_to(reply: &Reply, path: &str) -> bool {
    reply.header("location").is_some_and(|to| to == "." || to.trim_end_matches('/').ends_with(path))
}

fn unknown(says: &Clean, url: &Clean) -> ActionError {
    ActionError::Unknown(Clean::own(format!("{says}: it may have been started; look at {url}")))
}

impl Operator for JenkinsOperator {
    fn backend(&self) -> &BackendId {
        self.server.id()
    }

    fn rehearse<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        std::future::ready(None).boxed()
    }

    fn look<'a>(&'a self, write: &'a Write, _: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        self.looked_at(write).boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            match write {
                Write::StartJob { job, parameters } => self.start(job, parameters).await,
                _ => Err(ActionError::NotSent(Clean::own("Jenkins is only asked to start jobs"))),
            }
        }
        .boxed()
    }
}
