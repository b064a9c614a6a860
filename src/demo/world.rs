//! The whole simulated company at one moment of its own clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{
    cluster::Cluster, code::Code, founding, jenkins::builds::Jenkins, scenario::Scenario, story::Story,
    telemetry::Telemetry,
};

/// Everything the simulated company is. Servers lock it for the time of one answer; the ticker steps it.
pub struct World {
    pub now: Timestamp,
    pub story: Story,
    pub clusters: Vec<Cluster>,
    pub code: Code,
    pub jenkins: Jenkins,
    pub telemetry: Telemetry,
}

/// The world as the servers and the ticker share it.
pub type Shared = Arc<Mutex<World>>;

/// Takes the lock, also after a server panicked while it held it: the world is stepped, not repaired.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// The scenario's world at `start`, its history played.
    pub fn new(scenario: Scenario, seed: u64, start: Timestamp) -> Self {
        let scenario = Arc::new(scenario);
        let begin = scenario.history.before(start);
        let mut world = Self {
            now: begin,
            clusters: founding::clusters(&scenario, seed, begin, start),
            code: Code::new(&scenario, start, seed),
            jenkins: Jenkins::new(&scenario),
            telemetry: Telemetry::new(&scenario, seed, start),
            story: Story::new(scenario, seed, start),
        };
        world.step(begin);
        world.advance(start);
        world
    }

    /// Moves the world to `now`: the story's script first, then pipelines, clusters, and what is measured of them.
    pub fn step(&mut self, now: Timestamp) {
        self.now = now;
        let Self { story, clusters, code, jenkins, telemetry, .. } = self;
        story.step(now, clusters, code);
        code.step(now, story, clusters);
        jenkins.step(now, story, clusters);
        for cluster in clusters.iter_mut() {
            cluster.step(now, story);
        }
        for mark in code.marks.drain(..) {
            telemetry.annotations.deployed(mark.at, &mark.text);
        }
        if telemetry.step(now, story, clusters) {
            story.feel(now, telemetry, clusters);
        }
    }

    /// Moves the world to `to` in steps of at most a second, so that everything happens in its order.
    pub fn advance(&mut self, to: Timestamp) {
        while self.now < to {
            let next = self.now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(to).min(to);
            self.step(next);
        }
    }
}
