//! The deploy job of the default story against a cluster that does as it is told.

use jiff::{SignedDuration, Timestamp};

use super::{Code, run::Conclusion, site::Site, workflow::Target};
use crate::demo::{cluster::Rollout, scenario::Scenario};

/// A cluster with one deployment whose rollout stands as set.
#[derive(Default)]
struct Fake {
    image: Option<String>,
    undone: Vec<String>,
    rollout: Rollout,
    serving: Option<String>,
}

impl Site for Fake {
    fn set_image(&mut self, _now: Timestamp, target: &Target) -> bool {
        if target.deployment == "myapp" {
            self.image = Some(target.image.clone());
        }
        true
    }

    fn undo(&mut self, _now: Timestamp, target: &Target) -> bool {
        self.undone.push(target.deployment.clone());
        true
    }

    fn rollout(&self, _target: &Target) -> Option<Rollout> {
        Some(self.rollout.clone())
    }

    fn serving(&self, target: &Target) -> Option<String> {
        self.serving.clone().or_else(|| Some(target.image.clone()))
    }
}

fn start() -> Timestamp {
    "2026-11-21T03:14:22Z".parse().unwrap()
}

fn stuck() -> Rollout {
    Rollout { desired: 10, updated: 5, available: 8, replicas: 13, observed: true, deadline_exceeded: false }
}

fn complete() -> Rollout {
    Rollout { desired: 10, updated: 10, available: 10, replicas: 10, observed: true, deadline_exceeded: false }
}

/// From the start of the story until the runner that stopped answering is heard again (`silent` of its step), and a bit.
const UNTIL_HEARD: i64 = 24 * 60;

fn pass(code: &mut Code, site: &mut Fake, seconds: i64) {
    for _ in 0..seconds {
        let next = code.now + SignedDuration::from_secs(1);
        code.play(next, site);
    }
}

/// The story up to its start, its deploy job waiting; also the place of run 412.
fn waiting() -> (Code, Fake, usize) {
    let scenario = Scenario::load("default").unwrap();
    let mut code = Code::new(&scenario, start(), 1);
    let mut site = Fake { rollout: stuck(), ..Fake::default() };
    let seconds = start().duration_since(code.now).as_secs();
    pass(&mut code, &mut site, seconds);
    let repo = code.repo_index("acme", "myapp").unwrap();
    let deploys = |r: &super::run::Run| r.repo == repo && r.number == 412;
    let index = code.runs.iter().position(deploys).unwrap();
    (code, site, index)
}

fn deploy(code: &Code, run: usize) -> &super::run::Job {
    code.runs[run].latest().jobs.iter().find(|j| j.plan.name == "deploy").unwrap()
}

#[test]
fn the_deploy_job_sets_the_image_and_waits() {
    let (code, site, run) = waiting();
    assert_eq!(site.image.as_deref(), Some("registry.acme.example/myapp:412"));
    let job = deploy(&code, run);
    let set = job.steps.iter().find(|s| s.plan.set_image.is_some()).unwrap();
    let before = start().duration_since(set.started.unwrap()).as_secs();
    assert!((16 * 60..=18 * 60).contains(&before), "set {before} s before the start");
    assert_eq!((job.status(), code.runs[run].status()), ("in_progress", "in_progress"));
}

#[test]
fn a_failed_rollout_runs_the_hook() {
    let (mut code, mut site, run) = waiting();
    site.rollout.deadline_exceeded = true;
    pass(&mut code, &mut site, UNTIL_HEARD + 30);
    assert_eq!(site.undone, ["myapp"]);
    assert_eq!(code.runs[run].conclusion(), Some(Conclusion::Failure));
    let text = super::log::text(deploy(&code, run));
    assert!(text.contains("error: deployment \"myapp\" exceeded its progress deadline"), "{text}");
    assert!(text.contains("deployment.apps/myapp rolled back"));
}

#[test]
fn a_cancelled_run_runs_no_hook() {
    let (mut code, mut site, run) = waiting();
    code.cancel(run, false).unwrap();
    site.rollout.deadline_exceeded = true;
    pass(&mut code, &mut site, 30);
    assert_eq!(code.runs[run].conclusion(), Some(Conclusion::Cancelled));
    assert_eq!(deploy(&code, run).conclusion, Some(Conclusion::Cancelled));
    assert!(site.undone.is_empty());
}

#[test]
fn rolling_back_under_a_waiting_job_brings_the_hook_down_on_it() {
    let (mut code, mut site, run) = waiting();
    site.rollout = complete();
    site.serving = Some("registry.acme.example/myapp:411".into());
    pass(&mut code, &mut site, UNTIL_HEARD + 90);
    assert_eq!(site.undone, ["myapp"]);
    assert_eq!(code.runs[run].conclusion(), Some(Conclusion::Failure));
    assert!(!code.marks.iter().any(|m| m.run == 412));
}

#[test]
fn a_good_rollout_marks_the_dashboards() {
    let (mut code, mut site, run) = waiting();
    site.rollout = complete();
    pass(&mut code, &mut site, UNTIL_HEARD + 90);
    assert_eq!(code.runs[run].conclusion(), Some(Conclusion::Success));
    assert!(code.marks.iter().any(|m| m.run == 412 && m.text == "deploy myapp 412"));
    assert!(site.undone.is_empty());
}

#[test]
fn two_worlds_of_one_seed_are_alike() {
    let (one, _, run) = waiting();
    let (other, _, _) = waiting();
    let ids = |code: &Code| code.runs.iter().map(|r| (r.id, r.sha.clone())).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&other));
    assert!(one.runs[run].sha.starts_with("3e9d1c"));
}
