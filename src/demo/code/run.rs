//! Runs of workflows: attempts, jobs and steps that go on with the world's clock.

mod step;

use jiff::Timestamp;

pub use self::step::Step;
use self::step::steps_of;
use super::{
    seed,
    site::Site,
    workflow::{JobPlan, When},
};

/// How a run, job or step ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Conclusion {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

impl Conclusion {
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// One run of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: u64,
    pub suite: u64,
    /// Index of the repository.
    pub repo: usize,
    /// Index of the workflow in its repository.
    pub workflow: usize,
    pub number: u64,
    pub title: String,
    pub event: String,
    pub branch: String,
    pub sha: String,
    pub actor: String,
    pub created: Timestamp,
    pub attempts: Vec<Attempt>,
    /// The pull request it belongs to.
    pub pull: Option<u64>,
    /// Another run of the same workflow has to end first.
    pub held: bool,
    /// Whether workflows waiting for this one were told.
    pub announced: bool,
}

/// One attempt of a run.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub number: u64,
    pub actor: String,
    pub started: Timestamp,
    pub jobs: Vec<Job>,
    pub cancel: Option<Cancel>,
}

/// A wish to end the run.
#[derive(Clone, Copy, Debug)]
pub struct Cancel {
    pub at: Timestamp,
    /// Without waiting for `always()` steps.
    pub force: bool,
}

/// One job of an attempt.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: u64,
    /// The attempt in which it really ran.
    pub attempt: u64,
    pub plan: JobPlan,
    pub created: Timestamp,
    /// Seconds it waits for a runner.
    pub queue: f64,
    pub runner: (u64, String),
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub conclusion: Option<Conclusion>,
    pub steps: Vec<Step>,
}

/// A finished deployment that marked itself on the dashboards.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub at: Timestamp,
    pub text: String,
    /// Number of the run.
    pub run: u64,
}

/// What jobs can reach while they run.
pub struct Reach<'a> {
    pub site: &'a mut dyn Site,
    pub marks: &'a mut Vec<Mark>,
    pub run: u64,
}

impl Run {
    pub fn latest(&self) -> &Attempt {
        self.attempts.last().expect("a run has its first attempt from the start")
    }

    pub fn latest_mut(&mut self) -> &mut Attempt {
        self.attempts.last_mut().expect("a run has its first attempt from the start")
    }

    pub fn status(&self) -> &'static str {
        if self.held { "pending" } else { self.latest().status() }
    }

    pub fn conclusion(&self) -> Option<Conclusion> {
        self.latest().conclusion()
    }
}

impl Attempt {
    pub fn status(&self) -> &'static str {
        if self.jobs.iter().all(|j| j.completed.is_some()) {
            "completed"
        } else if self.jobs.iter().any(|j| j.started.is_some()) {
            "in_progress"
        } else {
            "queued"
        }
    }

    pub fn done(&self) -> bool {
        self.status() == "completed"
    }

    pub fn conclusion(&self) -> Option<Conclusion> {
        if !self.done() {
            return None;
        }
        let has = |c| self.jobs.iter().any(|j| j.conclusion == Some(c));
        Some(if has(Conclusion::Cancelled) {
            Conclusion::Cancelled
        } else if has(Conclusion::Failure) {
            Conclusion::Failure
        } else if self.jobs.iter().all(|j| j.conclusion == Some(Conclusion::Skipped)) {
            Conclusion::Skipped
        } else {
            Conclusion::Success
        })
    }

    /// When something last changed.
    pub fn updated(&self) -> Timestamp {
        let steps = self.jobs.iter().flat_map(|j| j.steps.iter().filter_map(|s| s.completed.or(s.started)));
        let jobs = self.jobs.iter().filter_map(|j| j.completed.or(j.started));
        steps.chain(jobs).max().unwrap_or(self.started).max(self.started)
    }

    /// Lets every job go on until `now`.
    pub fn advance(&mut self, now: Timestamp, reach: &mut Reach<'_>) {
        // A job that ends may let the next begin within the same step of the world; each pass settles one level.
        for _ in 0..=self.jobs.len() {
            let before = self.jobs.iter().filter(|j| j.completed.is_some()).count();
            for index in 0..self.jobs.len() {
                if self.jobs[index].completed.is_some() {
                    continue;
                }
                let ready = self.ready(index);
                let (cancel, start) = (self.cancel, self.started);
                let job = &mut self.jobs[index];
                if let Some(cancel) = cancel {
                    job.cancel(cancel, now);
                    continue;
                }
                match ready {
                    Ready::Not => {}
                    Ready::Never(at) => job.end(at, Conclusion::Skipped),
                    Ready::From(at) => job.advance(at.unwrap_or(start), now, reach),
                }
            }
            if self.jobs.iter().filter(|j| j.completed.is_some()).count() == before {
                break;
            }
        }
    }

    fn ready(&self, index: usize) -> Ready {
        let mut latest = None;
        let mut passed = true;
        for name in &self.jobs[index].plan.needs {
            let Some(job) = self.jobs.iter().find(|j| j.plan.name == *name) else { continue };
            let Some(at) = job.completed else { return Ready::Not };
            latest = latest.max(Some(at.max(self.started)));
            passed &= job.conclusion == Some(Conclusion::Success);
        }
        match latest {
            Some(at) if !passed => Ready::Never(at),
            at => Ready::From(at),
        }
    }
}

enum Ready {
    Not,
    Never(Timestamp),
    From(Option<Timestamp>),
}

impl Job {
    /// A job waiting to start.
    pub fn new(seed: u64, id: u64, attempt: u64, plan: &JobPlan, created: Timestamp) -> Self {
        let label = format!("job/{id}");
        let host = seed::mix(seed, &label) % 90 + 10;
        let own = plan.labels.iter().any(|l| l == "self-hosted");
        let runner = if own { (7, "agent-7".to_owned()) } else { (host, format!("GitHub Actions {host}")) };
        Self {
            id,
            attempt,
            plan: plan.clone(),
            created,
            queue: 2.0 * seed::jitter(seed, &label, 0.5),
            runner,
            started: None,
            completed: None,
            conclusion: None,
            steps: Vec::new(),
        }
    }

    pub fn status(&self) -> &'static str {
        match (self.started, self.completed) {
            (_, Some(_)) => "completed",
            (Some(_), None) => "in_progress",
            (None, None) => "queued",
        }
    }

    fn end(&mut self, at: Timestamp, conclusion: Conclusion) {
        self.completed = Some(at);
        self.conclusion = Some(conclusion);
    }

    fn advance(&mut self, ready: Timestamp, now: Timestamp, reach: &mut Reach<'_>) {
        if self.started.is_none() {
            let start = seed::after(ready.max(self.created), self.queue);
            if start > now {
                return;
            }
            self.started = Some(start);
            self.steps = steps_of(&self.plan);
        }
        let mut at = self.started.expect("set above");
        let mut failed = false;
        for step in &mut self.steps {
            if let (Some(done), Some(how)) = (step.completed, step.conclusion) {
                at = done;
                failed |= how == Conclusion::Failure;
                continue;
            }
            let runs = match step.plan.when {
                When::Success => !failed,
                When::Failure => failed,
                When::Always => true,
            };
            if !runs {
                step.end(at, at, Conclusion::Skipped);
                continue;
            }
            if step.started.is_none() {
                if at > now {
                    return;
                }
                step.begin(at, reach);
            }
            step.work(now, reach);
            let (Some(done), Some(how)) = (step.completed, step.conclusion) else { return };
            at = done;
            failed |= how == Conclusion::Failure;
        }
        self.end(at, if failed { Conclusion::Failure } else { Conclusion::Success });
    }

    /// The runner gets the signal a moment after the request; `if: failure()` steps do not run.
    fn cancel(&mut self, cancel: Cancel, now: Timestamp) {
        let stop = seed::after(cancel.at, if cancel.force || self.started.is_none() { 0.5 } else { 3.0 });
        if stop > now {
            return;
        }
        let mut at = stop;
        for step in &mut self.steps {
            if step.completed.is_some() {
                continue;
            }
            if step.started.is_some() {
                step.lines.push((stop, "##[error]The operation was canceled.".into()));
                step.end(step.started.unwrap_or(stop), stop, Conclusion::Cancelled);
            } else if step.plan.when == When::Always && !cancel.force {
                let done = seed::after(at, 0.4);
                step.end(at, done, Conclusion::Success);
                at = done;
            } else {
                step.end(at, at, Conclusion::Skipped);
            }
        }
        self.end(at, Conclusion::Cancelled);
    }
}
