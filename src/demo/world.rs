//! The whole simulated company at one moment of its own clock.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{cluster::Cluster, code::Code, story::Story, telemetry::Telemetry};

/// Everything the simulated company is. Servers lock it for the time of one answer; the ticker steps it.
pub struct World {
    pub now: Timestamp,
    pub story: Story,
    pub clusters: Vec<Cluster>,
    pub code: Code,
    pub telemetry: Telemetry,
}

/// The world as the servers and the ticker share it.
pub type Shared = Arc<Mutex<World>>;

impl World {
    /// Moves the world to `now`: the story's script first, then pipelines, clusters, and what is measured of them.
    pub fn step(&mut self, now: Timestamp) {
        self.now = now;
        let Self { story, clusters, code, telemetry, .. } = self;
        story.step(now, clusters, code);
        code.step(now, story, clusters);
        for cluster in clusters.iter_mut() {
            cluster.step(now, story);
        }
        telemetry.step(now, story, clusters);
    }
}
