//! The simulated code host: repositories, pull requests, workflow runs.

use jiff::Timestamp;

use super::{cluster::Cluster, scenario::Scenario, story::Story};
use happening::Happening;
use model::{Repo, User};
use run::{Mark, Reach, Run};
use site::{Clusters, Past, Site};

pub mod actions;
mod deploy;
mod happening;
mod layout;
pub mod log;
pub mod merge;
pub mod model;
pub mod review;
pub mod run;
pub mod seed;
mod site;
pub mod workflow;

/// Everything on the code host.
#[derive(Default)]
pub struct Code {
    pub seed: u64,
    /// The host's own clock.
    pub now: Timestamp,
    /// Login of the account whose token is used.
    pub viewer: String,
    pub users: Vec<User>,
    pub repos: Vec<Repo>,
    /// Runs of all repositories, oldest first.
    pub runs: Vec<Run>,
    /// Deployments that marked themselves on the dashboards, oldest first.
    pub marks: Vec<Mark>,
    /// What the script has yet to bring, soonest last.
    coming: Vec<(Timestamp, Happening)>,
    counter: u64,
}

/// A request the host refuses, with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub message: String,
    /// Plain texts of the `errors` array.
    pub errors: Vec<String>,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    pub fn unprocessable(error: impl Into<String>) -> Self {
        Self { status: 422, message: "Unprocessable Entity".into(), errors: vec![error.into()] }
    }
}

impl Code {
    /// The code host of a scenario, as it is when the scenario's history begins. `start` is what its times are
    /// relative to.
    pub fn new(scenario: &Scenario, start: Timestamp, seed: u64) -> Self {
        let begin = scenario.history.before(start);
        let mut code = Self { seed, now: begin, viewer: scenario.viewer.clone(), ..Self::default() };
        happening::lay_out(&mut code, scenario, start);
        code.play(begin, &mut Past);
        // What ran in the past set off what the scenario says, nothing else.
        for run in code.runs.iter_mut().filter(|r| r.latest().done()) {
            run.announced = true;
        }
        code
    }

    /// Brings the script, the runs and what they set off up to `now`.
    pub fn step(&mut self, now: Timestamp, story: &Story, clusters: &mut [Cluster]) {
        self.play(now, &mut Clusters(clusters, story));
    }

    fn play(&mut self, now: Timestamp, site: &mut dyn Site) {
        while self.coming.last().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, what)) = self.coming.pop() {
                self.now = at;
                // What ran before it has gone on until then.
                self.advance_runs(at, site);
                happening::play(self, what, at);
            }
        }
        self.now = now;
        self.advance_runs(now, site);
    }

    fn advance_runs(&mut self, now: Timestamp, site: &mut dyn Site) {
        for index in 0..self.runs.len() {
            if self.runs[index].announced {
                continue;
            }
            self.release(index, now);
            let run = &mut self.runs[index];
            if !run.held || run.latest().cancel.is_some() {
                let mut reach = Reach { site, marks: &mut self.marks, run: run.number };
                run.latest_mut().advance(now, &mut reach);
            }
            if self.runs[index].latest().done() {
                self.runs[index].announced = true;
                self.announce(index);
            }
        }
    }

    pub fn user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|u| u.login == login)
    }

    pub fn repo_index(&self, owner: &str, name: &str) -> Option<usize> {
        self.repos.iter().position(|r| r.owner.eq_ignore_ascii_case(owner) && r.name.eq_ignore_ascii_case(name))
    }

    fn repo_named(&self, full: &str) -> Option<usize> {
        self.repos.iter().position(|r| r.full_name() == full)
    }

    /// The login of an account as REST shows it: scenarios write a bot's without its `[bot]`.
    fn login(&self, written: &str) -> String {
        let bot = format!("{written}[bot]");
        if self.user(&bot).is_some() { bot } else { written.to_owned() }
    }

    /// A number no other object has; they grow like the real host's.
    fn fresh_id(&mut self) -> u64 {
        self.counter += 1;
        17_800_000_000 + self.counter * 37 + seed::mix(self.seed, &format!("id/{}", self.counter)) % 37
    }
}

#[cfg(test)]
mod tests;
