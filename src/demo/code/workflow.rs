//! Workflows as their files describe them: jobs, steps, and what starts a run.

use std::collections::{BTreeMap, BTreeSet};

/// A workflow file.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub id: u64,
    pub name: String,
    /// File name below `.github/workflows`.
    pub file: String,
    pub on: Vec<Trigger>,
    pub jobs: Vec<JobPlan>,
    /// Number of the next run.
    pub next_run: u64,
    /// A second run waits until the first has ended.
    pub one_at_a_time: bool,
}

/// What starts a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    PullRequest,
    /// A push to the default branch.
    Push,
    /// The success of another workflow on the default branch.
    After(String),
    Schedule,
    /// Somebody, by hand or through the API.
    Dispatch,
}

/// A job as written.
#[derive(Clone, Debug)]
pub struct JobPlan {
    pub name: String,
    pub needs: Vec<String>,
    pub labels: Vec<String>,
    pub steps: Vec<StepPlan>,
}

/// A step as written. What it does besides taking time is said by the optional targets.
#[derive(Clone, Debug, Default)]
pub struct StepPlan {
    pub name: String,
    pub when: When,
    /// How long it takes, when it ends by itself.
    pub seconds: f64,
    /// Lines it prints, with `{run}` and `{sha}`.
    pub lines: Vec<String>,
    pub fails: Option<Failing>,
    /// `kubectl set image`.
    pub set_image: Option<Target>,
    /// `kubectl rollout status`.
    pub awaits: Option<Target>,
    /// Asks the deployed service for its version.
    pub smoke: Option<Target>,
    /// `kubectl rollout undo`.
    pub undo: Option<Target>,
    /// Text of the dashboard annotation that it writes.
    pub annotate: Option<String>,
}

/// The step's `if:`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum When {
    /// All before it passed.
    #[default]
    Success,
    /// One before it failed; a cancelled job does not count.
    Failure,
    Always,
}

/// How a step fails.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Printed before the exit.
    pub lines: Vec<String>,
    /// Passes when run again.
    pub flaky: bool,
}

/// What a deploy job deploys to.
#[derive(Clone, Debug)]
pub struct Target {
    pub cluster: String,
    pub namespace: String,
    pub deployment: String,
    /// With `{run}` for the run number, `{sha}` for the commit, `{inputs.NAME}` for what it was started with.
    pub image: String,
    pub tag: String,
    /// `--timeout` of `kubectl rollout status`, in seconds; without one it waits for ever.
    pub timeout: Option<f64>,
    /// Between these seconds of the step its runner does not answer: nothing is looked at, nothing is written.
    pub silent: Option<(f64, f64)>,
}

impl Workflow {
    /// The inputs that its steps name.
    pub fn inputs(&self) -> BTreeSet<String> {
        let steps = || self.jobs.iter().flat_map(|job| &job.steps);
        let tags = steps().filter_map(|step| step.set_image.as_ref()).map(|target| &target.tag);
        let named = |text: &String| {
            let (_, rest) = text.split_once("{inputs.")?;
            Some(rest.split_once('}')?.0.to_owned())
        };
        steps().flat_map(|step| &step.lines).chain(tags).filter_map(named).collect()
    }

    pub fn path(&self) -> String {
        format!(".github/workflows/{}", self.file)
    }
}

impl StepPlan {
    /// Completes the names for one run. `pace` stretches its time.
    #[must_use]
    pub fn filled(&self, run: u64, sha: &str, pace: f64, inputs: &BTreeMap<String, String>) -> Self {
        let fill = |text: &String| {
            let text = text.replace("{run}", &run.to_string()).replace("{sha}", sha);
            inputs.iter().fold(text, |text, (name, value)| text.replace(&format!("{{inputs.{name}}}"), value))
        };
        let target = |t: &Target| Target { image: fill(&t.image), tag: fill(&t.tag), ..t.clone() };
        Self {
            name: self.name.clone(),
            when: self.when,
            seconds: self.seconds * pace,
            lines: self.lines.iter().map(fill).collect(),
            fails: self.fails.clone(),
            set_image: self.set_image.as_ref().map(target),
            awaits: self.awaits.as_ref().map(target),
            smoke: self.smoke.as_ref().map(target),
            undo: self.undo.as_ref().map(target),
            annotate: self.annotate.as_ref().map(fill),
        }
    }
}
