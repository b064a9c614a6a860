//! Starting, repeating and cancelling workflow runs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Code, Refusal,
    run::{Attempt, Cancel, Conclusion, Job, Run},
    seed,
    workflow::{Failing, JobPlan, Trigger, When},
};

/// A run to start.
#[derive(Clone, Debug)]
pub struct Start {
    pub repo: usize,
    pub workflow: usize,
    pub event: String,
    pub branch: String,
    pub sha: String,
    pub actor: String,
    pub title: String,
    pub pull: Option<u64>,
    pub at: Timestamp,
    /// Jobs that fail: job, step (the last, if not named), how.
    pub fails: Vec<(String, Option<String>, Failing)>,
    /// Times of all steps are multiplied by this.
    pub pace: f64,
    /// The run's number; the workflow's next if not given.
    pub number: Option<u64>,
    /// What it was started with.
    pub inputs: BTreeMap<String, String>,
}

impl Code {
    /// Starts a run; answers its place in `runs`.
    pub fn start_run(&mut self, start: Start) -> usize {
        let id = self.fresh_id();
        let suite = self.fresh_id();
        let workflow = &mut self.repos[start.repo].workflows[start.workflow];
        let number = start.number.unwrap_or(workflow.next_run);
        workflow.next_run = workflow.next_run.max(number + 1);
        let (plans, alone) = (workflow.jobs.clone(), workflow.one_at_a_time);
        let same = |r: &Run| r.repo == start.repo && r.workflow == start.workflow && !r.latest().done();
        let held = alone && self.runs.iter().any(same);
        let jobs = plans.iter().map(|plan| self.new_job(plan, &start, number)).collect();
        self.runs.push(Run {
            id,
            suite,
            repo: start.repo,
            workflow: start.workflow,
            number,
            title: start.title,
            event: start.event,
            branch: start.branch,
            sha: start.sha,
            actor: start.actor.clone(),
            created: start.at,
            attempts: vec![Attempt { number: 1, actor: start.actor, started: start.at, jobs, cancel: None }],
            pull: start.pull,
            held,
            announced: false,
        });
        self.runs.len() - 1
    }

    fn new_job(&mut self, plan: &JobPlan, start: &Start, number: u64) -> Job {
        let steps = plan.steps.iter().map(|s| s.filled(number, &start.sha, start.pace, &start.inputs)).collect();
        let mut plan = JobPlan { steps, ..plan.clone() };
        if let Some((_, step, failing)) = start.fails.iter().find(|(job, _, _)| *job == plan.name) {
            let named = plan.steps.iter().position(|s| step.as_deref() == Some(&s.name));
            let last = plan.steps.iter().rposition(|s| s.when == When::Success);
            if let Some(index) = named.or(last) {
                plan.steps[index].fails = Some(failing.clone());
            }
        }
        let id = self.fresh_id();
        Job::new(self.seed, id, 1, &plan, start.at)
    }

    /// Lets a held run go on, once nothing older of its workflow runs.
    pub(super) fn release(&mut self, index: usize, now: Timestamp) {
        let run = &self.runs[index];
        if !run.held {
            return;
        }
        let busy =
            self.runs[..index].iter().any(|r| r.repo == run.repo && r.workflow == run.workflow && !r.latest().done());
        if !busy {
            let run = &mut self.runs[index];
            run.held = false;
            let latest = run.latest_mut();
            latest.started = now;
            for job in &mut latest.jobs {
                job.created = job.created.max(now);
            }
        }
    }

    /// Starts what waits for the success of a run on the default branch.
    pub(super) fn announce(&mut self, index: usize) {
        let run = self.runs[index].clone();
        let repo = &self.repos[run.repo];
        if run.conclusion() != Some(Conclusion::Success) || run.event != "push" || run.branch != repo.default_branch {
            return;
        }
        let name = repo.workflows[run.workflow].name.clone();
        let waiting = |on: &[Trigger]| on.contains(&Trigger::After(name.clone()));
        let next: Vec<usize> = (0..repo.workflows.len()).filter(|&w| waiting(&repo.workflows[w].on)).collect();
        for workflow in next {
            self.start_run(Start {
                repo: run.repo,
                workflow,
                event: "workflow_run".into(),
                branch: run.branch.clone(),
                sha: run.sha.clone(),
                actor: run.actor.clone(),
                title: self.repos[run.repo].workflows[workflow].name.clone(),
                pull: None,
                at: seed::after(run.latest().updated(), 3.0),
                fails: Vec::new(),
                pace: 1.0,
                number: None,
                inputs: BTreeMap::new(),
            });
        }
    }

    /// Starts the workflows that a push to the default branch sets off.
    pub fn pushed(&mut self, repo: usize, sha: &str, actor: &str, at: Timestamp) {
        self.repos[repo].pushed = at;
        self.trigger(repo, &Trigger::Push, sha, actor, None, at);
    }

    /// Starts the workflows of a repository that have this trigger.
    pub fn trigger(&mut self, repo: usize, on: &Trigger, sha: &str, actor: &str, pull: Option<u64>, at: Timestamp) {
        let held = &self.repos[repo];
        let commit = held.commits.get(sha).map_or("", |c| &c.message);
        let pulled = pull.and_then(|n| held.pull(n));
        let title = pulled.map_or(commit.lines().next().unwrap_or_default(), |p| &p.title).to_owned();
        let branch = pulled.map_or(held.default_branch.clone(), |p| p.head_ref.clone());
        let event = if pull.is_some() { "pull_request" } else { "push" };
        let which: Vec<usize> = (0..held.workflows.len()).filter(|&w| held.workflows[w].on.contains(on)).collect();
        for workflow in which {
            self.start_run(Start {
                repo,
                workflow,
                event: event.into(),
                branch: branch.clone(),
                sha: sha.into(),
                actor: actor.into(),
                title: title.clone(),
                pull,
                at,
                fails: Vec::new(),
                pace: 1.0,
                number: None,
                inputs: BTreeMap::new(),
            });
        }
    }

    /// Starts a workflow by hand on a branch, as `workflow_dispatch` does; answers the run's id.
    pub fn dispatch(
        &mut self,
        repo: usize,
        workflow: usize,
        branch: &str,
        inputs: BTreeMap<String, String>,
    ) -> Result<u64, Refusal> {
        let held = &self.repos[repo];
        let known = held.workflows[workflow].inputs();
        let unfit = |message: String| Err(Refusal::new(422, message));
        if !held.workflows[workflow].on.contains(&Trigger::Dispatch) {
            return unfit("Workflow does not have 'workflow_dispatch' trigger".to_owned());
        }
        if branch != held.default_branch {
            return unfit(format!("No ref found for: {branch}"));
        }
        let unexpected: Vec<_> = inputs.keys().filter(|name| !known.contains(*name)).collect();
        if !unexpected.is_empty() {
            return unfit(format!("Unexpected inputs provided: {unexpected:?}"));
        }
        if let Some(missing) = known.iter().find(|name| !inputs.contains_key(*name)) {
            return unfit(format!("Required input '{missing}' not provided"));
        }
        let sha = held.branches.get(branch).cloned().unwrap_or_default();
        let title = held.workflows[workflow].name.clone();
        let (actor, at) = (self.viewer.clone(), self.now);
        let index = self.start_run(Start {
            repo,
            workflow,
            event: "workflow_dispatch".into(),
            branch: branch.to_owned(),
            sha,
            actor,
            title,
            pull: None,
            at,
            fails: Vec::new(),
            pace: 1.0,
            number: None,
            inputs,
        });
        Ok(self.runs[index].id)
    }

    pub fn run_index(&self, repo: usize, id: u64) -> Option<usize> {
        self.runs.iter().position(|r| r.repo == repo && r.id == id)
    }

    /// The run and attempt a job ran in.
    pub fn job(&self, repo: usize, id: u64) -> Option<(&Run, &Job)> {
        self.runs.iter().filter(|r| r.repo == repo).find_map(|run| {
            let job = run.attempts.iter().rev().flat_map(|a| &a.jobs).find(|j| j.id == id)?;
            Some((run, job))
        })
    }

    /// Asks for the end of a run. It ends a moment later.
    pub fn cancel(&mut self, index: usize, force: bool) -> Result<(), Refusal> {
        let now = self.now;
        let latest = self.runs[index].latest_mut();
        if latest.done() {
            return Err(Refusal::new(409, "Cannot cancel a workflow run that is completed."));
        }
        if latest.cancel.is_none_or(|c| force && !c.force) {
            latest.cancel = Some(Cancel { at: now, force });
        }
        Ok(())
    }

    /// Runs a finished run again: all of it, or what did not pass, or one job, with everything that needs those.
    pub fn rerun(&mut self, index: usize, which: &Again) -> Result<(), Refusal> {
        let now = self.now;
        let run = self.runs[index].clone();
        if !run.latest().done() {
            return Err(Refusal::new(403, "This workflow is already running"));
        }
        if now.duration_since(run.created).as_hours() > 30 * 24 {
            return Err(Refusal::new(403, "Unable to retry this workflow run because it was created over a month ago"));
        }
        let number = run.latest().number + 1;
        let again = chosen(run.latest(), which);
        if again.is_empty() {
            return Err(Refusal::new(403, "This workflow run cannot be retried: it has no failed jobs"));
        }
        let jobs = run.latest().jobs.iter().map(|job| {
            if !again.contains(&job.plan.name) {
                return job.clone();
            }
            let mut plan = job.plan.clone();
            for step in &mut plan.steps {
                if step.fails.as_ref().is_some_and(|f| f.flaky) {
                    step.fails = None;
                }
            }
            let id = self.fresh_id();
            Job::new(self.seed, id, number, &plan, now)
        });
        let jobs = jobs.collect();
        let run = &mut self.runs[index];
        run.attempts.push(Attempt { number, actor: self.viewer.clone(), started: now, jobs, cancel: None });
        run.announced = false;
        Ok(())
    }
}

/// What to run again.
#[derive(Clone, Debug, PartialEq)]
pub enum Again {
    All,
    Failed,
    /// One job, by name.
    Job(String),
}

fn chosen(attempt: &Attempt, which: &Again) -> Vec<String> {
    let wanted = |job: &Job| match which {
        Again::All => true,
        Again::Failed => job.conclusion != Some(Conclusion::Success),
        Again::Job(name) => job.plan.name == *name,
    };
    let mut names: Vec<String> = attempt.jobs.iter().filter(|j| wanted(j)).map(|j| j.plan.name.clone()).collect();
    loop {
        let hangs_on = |j: &&Job| !names.contains(&j.plan.name) && j.plan.needs.iter().any(|n| names.contains(n));
        let more: Vec<String> = attempt.jobs.iter().filter(hangs_on).map(|j| j.plan.name.clone()).collect();
        if more.is_empty() {
            return names;
        }
        names.extend(more);
    }
}
