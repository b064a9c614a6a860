//! Workflow runs: the newest of every configured repository, by conditional requests, one repository after another.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};

use super::{
    client::{Caller, Client},
    convert,
    deploys::DeployRule,
    failure::Failure,
    pulls::repo_keys,
    requests,
    shapes::{JobList, JobShape, RunList, RunShape, each},
};
use crate::{
    model::{
        Part, SourceId,
        code::{Job, RepoKey, Run, RunKey, RunState},
    },
    source::{Cadence, Fact, Source, SourceError},
    text::Clean,
};

const POLL: Duration = Duration::from_secs(30);
/// Job lists read in one poll; the others wait for the next.
const JOB_READS: usize = 20;
/// Finished bad runs per repository whose failed job is looked up.
const BAD_RUNS: usize = 5;

/// Reads [`Part::Runs`] of one host.
pub struct RunsSource {
    client: Arc<Client>,
    repositories: Vec<RepoKey>,
    deploys: Arc<DeployRule>,
    poll: Duration,
    /// Jobs of runs that are over, by run and attempt: they do not change any more.
    over: BTreeMap<(RunKey, u32), Stage>,
    /// Runs that were seen going on.
    open: BTreeSet<(RunKey, u32)>,
}

/// What a run's jobs tell of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stage {
    pub name: Option<Clean>,
    pub done: u32,
    pub total: u32,
    pub deploys: bool,
}

impl RunsSource {
    /// `repositories`: `owner/name`. `poll`: else every 30 s.
    pub fn new(client: Arc<Client>, repositories: &[String], deploys: Arc<DeployRule>, poll: Option<Duration>) -> Self {
        let repositories = repo_keys(&client, repositories);
        let poll = poll.unwrap_or(POLL);
        Self { client, repositories, deploys, poll, over: BTreeMap::new(), open: BTreeSet::new() }
    }

    async fn fetch(&mut self) -> Result<Vec<Fact>, SourceError> {
        let mut facts = Vec::new();
        let mut first_failure = None;
        let mut reads = JOB_READS;
        for repo in self.repositories.clone() {
            let topic = format!("runs {}", repo.name);
            match self.read_repository(&repo, &mut reads).await {
                Ok(list) => {
                    self.client.note(&topic, None);
                    facts.push(Fact::Runs { repo, list });
                }
                Err(failure) if failure.is_host_wide() => return Err(failure.into_error()),
                Err(failure) => {
                    self.client.note(&topic, Some(&failure.error.says));
                    first_failure.get_or_insert(failure.into_error());
                }
            }
        }
        if facts.is_empty()
            && let Some(error) = first_failure
        {
            return Err(error);
        }
        self.forget_gone(&facts);
        facts.extend(self.client.facts());
        Ok(facts)
    }

    async fn read_repository(&mut self, repo: &RepoKey, reads: &mut usize) -> Result<Vec<Run>, Failure> {
        let what = format!("the runs of '{}'", repo.name);
        let answer: RunList = self.client.read(&requests::runs(repo), &what, Caller::Poll).await?;
        let (shapes, unreadable) = each::<RunShape>(answer.workflow_runs);
        let note = (unreadable > 0).then(|| format!("{unreadable} of {what} cannot be read"));
        self.client.note(&format!("unreadable {what}"), note.as_deref());
        let mut bad = 0;
        let mut list = Vec::with_capacity(shapes.len());
        for shape in &shapes {
            let mut run = convert::run(repo, shape);
            bad += usize::from(run.state.is_finished() && run.state.is_bad());
            let stage = self.stage(&run, bad <= BAD_RUNS, reads).await?;
            run.deploys = self.deploys.deploys(&run) || stage.deploys;
            (run.stage, run.jobs_done, run.jobs_total) = (stage.name, stage.done, stage.total);
            list.push(run);
        }
        Ok(list)
    }

    /// Reads the jobs of runs that go on or have just ended, and of the newest bad ones once.
    async fn stage(&mut self, run: &Run, is_new_bad: bool, reads: &mut usize) -> Result<Stage, Failure> {
        let id = (run.key.clone(), run.attempt);
        if let Some(stage) = self.over.get(&id) {
            return Ok(stage.clone());
        }
        let is_over = run.state.is_finished();
        let is_wanted = !is_over || self.open.contains(&id) || (run.state.is_bad() && is_new_bad);
        if !is_wanted || *reads == 0 {
            return Ok(Stage::default());
        }
        *reads -= 1;
        let jobs = match read_jobs(&self.client, &run.key, Caller::Poll).await {
            Ok(jobs) => jobs,
            Err(failure) if failure.is_host_wide() => return Err(failure),
            // The run is shown without its stage: its own list was readable.
            Err(_) => return Ok(Stage::default()),
        };
        let stage = stage_of(&jobs, run);
        if is_over {
            self.open.remove(&id);
            self.over.insert(id, stage.clone());
        } else {
            self.open.insert(id);
        }
        Ok(stage)
    }

    /// Drops what is remembered of runs that are in no list any more.
    fn forget_gone(&mut self, facts: &[Fact]) {
        let lists = facts
            .iter()
            .filter_map(|fact| if let Fact::Runs { repo, list } = fact { Some((repo, list)) } else { None });
        for (repo, list) in lists {
            let is_kept = |(key, _): &(RunKey, u32)| key.repo != *repo || list.iter().any(|run| run.key == *key);
            self.over.retain(|id, _| is_kept(id));
            self.open.retain(is_kept);
        }
    }
}

impl Source for RunsSource {
    fn id(&self) -> SourceId {
        SourceId::new(self.client.backend(), Part::Runs)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(self.poll)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        self.fetch().boxed()
    }
}

/// Jobs of a run's last attempt, in the order GitHub shows them.
pub(super) async fn read_jobs(client: &Client, run: &RunKey, caller: Caller) -> Result<Vec<Job>, Failure> {
    let what = format!("the jobs of run {} of '{}'", run.id, run.repo.name);
    let mut jobs = Vec::new();
    let mut next = Some(requests::jobs(run));
    // A matrix has at most 256 jobs; a run has rarely more than a few hundred.
    for _ in 0..5 {
        let Some(path) = next.take() else { break };
        let page = client.get(&path, &what, caller).await?;
        let list: JobList = client.decode(&page.body, &what)?;
        let (shapes, _) = each::<JobShape>(list.jobs);
        jobs.extend(shapes.into_iter().map(|shape| convert::job(run, shape)));
        next = page.next.filter(|url| client.is_own_address(url));
    }
    Ok(jobs)
}

pub(super) fn stage_of(jobs: &[Job], run: &Run) -> Stage {
    let named = |is: &dyn Fn(&Job) -> bool| jobs.iter().find(|job| is(job)).map(|job| job.name.clone());
    let name = if run.state.is_finished() {
        named(&|job| job.state.is_bad()).or_else(|| named(&|job| job.state == RunState::Cancelled))
    } else {
        named(&|job| job.state == RunState::Running)
            .or_else(|| named(&|job| job.state == RunState::Waiting))
            .or_else(|| named(&|job| job.state == RunState::Queued))
    };
    Stage {
        name,
        done: jobs.iter().filter(|job| job.state.is_finished()).count() as u32,
        total: jobs.len() as u32,
        deploys: DeployRule::deploys_by_jobs(jobs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_stage_is_the_job_that_runs_or_failed() {
        let repo = RepoKey { host: crate::model::BackendId::new("gh"), name: "acme/api".into() };
        let run = |status: &str, conclusion: Option<&str>| {
            let shape = json!({"id": 1, "status": status, "conclusion": conclusion});
            convert::run(&repo, &serde_json::from_value(shape).unwrap())
        };
        let jobs = |jobs: &[(&str, &str, Option<&str>)]| -> Vec<Job> {
            let key = RunKey { repo: repo.clone(), id: 1 };
            let shape = |(name, status, conclusion): &(&str, &str, Option<&str>)| json!({"id": 1, "name": name, "status": status, "conclusion": conclusion});
            jobs.iter().map(|job| convert::job(&key, serde_json::from_value(shape(job)).unwrap())).collect()
        };
        let going =
            jobs(&[("build", "completed", Some("success")), ("ship", "in_progress", None), ("smoke", "queued", None)]);
        let stage = stage_of(&going, &run("in_progress", None));
        assert_eq!((stage.name, stage.done, stage.total), (Some("ship".into()), 1, 3));
        let failed = jobs(&[("a", "completed", Some("cancelled")), ("b", "completed", Some("failure"))]);
        let stage = stage_of(&failed, &run("completed", Some("failure")));
        assert_eq!((stage.name, stage.done, stage.total), (Some("b".into()), 2, 2));
    }
}
