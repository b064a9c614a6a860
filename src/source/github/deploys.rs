//! Which workflows deploy: re-running one of their runs deploys again.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

use regex::Regex;

use crate::model::code::{Job, Run, RunState};

/// Tells deploying runs by what the configuration names, and by the words of workflow, file and jobs.
#[derive(Default)]
pub struct DeployRule {
    /// Lower case: workflow names, file names or paths.
    configured: Vec<String>,
    /// Paths of workflow files that were seen to name an environment.
    seen: Mutex<BTreeSet<String>>,
}

impl DeployRule {
    /// `configured`: `deploy_workflows`, and the workflows of services.
    pub fn new<'a>(configured: impl IntoIterator<Item = &'a str>) -> Self {
        let configured = configured.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty());
        Self { configured: configured.collect(), seen: Mutex::default() }
    }

    pub fn deploys(&self, run: &Run) -> bool {
        let path = file_path(&run.path).to_lowercase();
        let name = run.workflow.to_lowercase();
        let file = path.rsplit('/').next().unwrap_or_default();
        self.configured.iter().any(|own| *own == name || *own == path || *own == file)
            || says_deploy(&run.workflow)
            || says_deploy(file)
            || run.state == RunState::Waiting
            || self.seen.lock().expect("nothing panics while holding it").contains(&path)
    }

    /// A run whose jobs say that they deploy.
    pub fn deploys_by_jobs(jobs: &[Job]) -> bool {
        jobs.iter().any(|job| says_deploy(&job.name) || job.state == RunState::Waiting)
    }

    /// The workflow file names an environment in a job.
    pub(super) fn learn(&self, path: &str) {
        let mut seen = self.seen.lock().expect("nothing panics while holding it");
        if seen.len() < 1000 {
            seen.insert(file_path(path).to_lowercase());
        }
    }
}

/// The path of a workflow file without the `@ref` it may carry.
pub fn file_path(path: &str) -> &str {
    path.split('@').next().unwrap_or(path)
}

fn says_deploy(name: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:^|[^a-z])(?:deploy(?:s|ment|ments|ing)?|release|rollout|promote)(?:[^a-z]|$)")
            .expect("the pattern is a constant, tested")
    });
    WORDS.is_match(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(name: &str, path: &str) -> Run {
        let repo = crate::model::code::RepoKey { host: crate::model::BackendId::new("gh"), name: "acme/api".into() };
        let shape = json!({"id": 1, "name": name, "path": path, "status": "completed", "conclusion": "success"});
        super::super::convert::run(&repo, &serde_json::from_value(shape).unwrap())
    }

    #[test]
    fn names_and_configuration_tell() {
        let rule = DeployRule::new(["Ship.yml", "Golden gate"]);
        for (name, path) in [
            ("deploy", ".github/workflows/a.yml"),
            ("CI", ".github/workflows/deploy-prod.yml@refs/heads/main"),
            ("Promote to production", "x.yml"),
            ("x", ".github/workflows/ship.yml"),
            ("golden gate", "y.yml"),
        ] {
            assert!(rule.deploys(&run(name, path)), "{name} {path}");
        }
        for (name, path) in [("CI", ".github/workflows/ci.yml"), ("undeployable", "x.yml"), ("nightly-e2e", "e2e.yml")]
        {
            assert!(!rule.deploys(&run(name, path)), "{name} {path}");
        }
        rule.learn(".github/workflows/ci.yml");
        assert!(rule.deploys(&run("CI", ".github/workflows/ci.yml@main")));
    }
}
