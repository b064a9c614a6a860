//! B9: what the run that deployed the live version did beside it, and a rollback does not take back.

use super::{SAME_DEPLOY, Subject, race::run_words};
use crate::{
    action::evidence::feeds,
    app::settings::Settings,
    model::{
        code::{Job, Run, RunKey, RunState},
        kubernetes::{WorkloadKey, tag_of},
    },
    store::Store,
    text::Clean,
    time::seconds_between,
};

/// Programs that change infrastructure, and what steps about them are called that change nothing.
const CHANGES: [&str; 4] = ["terraform", "terragrunt", "tofu", "pulumi"];
const LOOKS: [&str; 21] = [
    "plan",
    "preview",
    "fmt",
    "format",
    "lint",
    "validate",
    "init",
    "setup",
    "set up",
    "install",
    "configure",
    "credential",
    "login",
    "cache",
    "workspace",
    "output",
    "show",
    "state",
    "version",
    "scan",
    "comment",
];
/// A commit in a tag has at least so many digits.
const COMMIT: usize = 7;

/// The run that deployed what is live, if it has ended: by its number or commit in the tag, else by when it ran.
pub(in crate::action) fn deployed_by(workload: &WorkloadKey, store: &Store, settings: &Settings) -> Option<RunKey> {
    let known = store.kube.workloads.get(workload)?;
    let is_its = |run: &&Run| {
        let feeds = feeds(&run.key.repo.name, Some(&run.path), workload, known.app.as_ref(), settings);
        run.deploys && run.state.is_finished() && feeds
    };
    let runs: Vec<&Run> = store.runs.values().filter(is_its).collect();
    let of_tag = |run: &&&Run| known.images.iter().any(|image| is_named(run, tag_of(image)));
    let since = store.kube.version_since(known);
    let went_on_then = |run: &&&Run| match (run.started, since, run.updated) {
        (Some(started), Some(since), Some(ended)) => {
            seconds_between(started, since).min(seconds_between(since, ended)) >= -SAME_DEPLOY
        }
        _ => false,
    };
    let named = runs.iter().filter(of_tag).max_by_key(|run| run.started);
    let found = named.or_else(|| runs.iter().filter(went_on_then).max_by_key(|run| run.started));
    found.map(|run| run.key.clone())
}

/// `412`, `v412`, `main-9f2c1e7`
fn is_named(run: &Run, tag: &str) -> bool {
    let is_commit = |part: &str| {
        part.len() >= COMMIT && part.bytes().all(|b| b.is_ascii_hexdigit()) && run.head_sha.starts_with(part)
    };
    tag.trim_start_matches('v') == run.number.to_string()
        || tag.split(|c: char| !c.is_ascii_alphanumeric()).any(is_commit)
}

impl Subject<'_> {
    /// What it changed of the infrastructure, if it did; and what is not seen.
    pub(super) fn infrastructure(&self) -> (Option<Clean>, Clean) {
        let Some(Ok(made)) = &self.make.evidence.made else { return (None, "flags, Terraform: not seen".into()) };
        let name = run_words(&made.run);
        match made.jobs.iter().find_map(applied) {
            Some(what) => (Some(say!("'{what}' ran in {name}: it is not taken back")), "flags: not seen".into()),
            None => (None, say!("flags, Terraform outside of {name}: not seen")),
        }
    }
}

/// The step of a job that changed infrastructure, or the job where its steps say nothing of it.
fn applied(job: &Job) -> Option<&Clean> {
    let is_about = |name: &str| CHANGES.iter().any(|word| name.to_lowercase().contains(word));
    let changes = |name: &str| {
        let name = name.to_lowercase();
        name.contains("apply") || !LOOKS.iter().any(|word| name.contains(word))
    };
    let ran = |state: &RunState| *state == RunState::Success || *state == RunState::Cancelled || state.is_bad();
    if job.steps.iter().any(|step| is_about(&step.name)) {
        let mut steps = job.steps.iter();
        return steps
            .find(|step| ran(&step.state) && is_about(&step.name) && changes(&step.name))
            .map(|step| &step.name);
    }
    (ran(&job.state) && is_about(&job.name) && changes(&job.name)).then_some(&job.name)
}
