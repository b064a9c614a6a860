//! Workflows as their files describe them: jobs, steps, and what starts a run.

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
}

/// A job as written.
#[derive(Clone, Debug)]
pub struct JobPlan {
    pub name: String,
    pub needs: Vec<String>,
    pub labels: Vec<String>,
    pub steps: Vec<StepPlan>,
}

/// A step as written.
#[derive(Clone, Debug)]
pub struct StepPlan {
    pub name: String,
    pub when: When,
    pub work: Work,
}

/// The step's `if:`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// All before it passed.
    Success,
    /// One before it failed; a cancelled job does not count.
    Failure,
    Always,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Work {
    /// Runs a command for a while, printing these lines.
    Takes { seconds: f64, lines: Vec<String>, fails: Option<Failing> },
    /// `kubectl set image`, then `kubectl rollout status`.
    Deploy(Target),
    /// Asks the deployed service for its version.
    Smoke(Target),
    /// Writes the dashboard annotation.
    Mark(Target),
    /// The failure hook: `kubectl rollout undo`.
    Undo(Target),
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
    /// With `{run}` for the run number and `{sha}` for the short commit.
    pub image: String,
    /// `--timeout` of `kubectl rollout status`, in seconds.
    pub timeout: f64,
}

impl Workflow {
    pub fn path(&self) -> String {
        format!(".github/workflows/{}", self.file)
    }
}

impl JobPlan {
    pub fn new(name: &str, needs: &[&str], steps: Vec<StepPlan>) -> Self {
        Self {
            name: name.into(),
            needs: needs.iter().map(|&n| n.into()).collect(),
            labels: vec!["ubuntu-24.04".into()],
            steps,
        }
    }
}

impl StepPlan {
    /// A step that passes after `seconds`.
    pub fn takes(name: &str, seconds: f64, lines: &[&str]) -> Self {
        let lines = lines.iter().map(|&l| l.into()).collect();
        Self { name: name.into(), when: When::Success, work: Work::Takes { seconds, lines, fails: None } }
    }

    pub fn does(name: &str, when: When, work: Work) -> Self {
        Self { name: name.into(), when, work }
    }
}
