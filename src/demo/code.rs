//! The simulated code host: repositories, pull requests, workflow runs.

use jiff::Timestamp;

use super::{cluster::Cluster, story::Story};

/// Everything on the code host.
#[derive(Default)]
pub struct Code {}

impl Code {
    pub fn step(&mut self, _now: Timestamp, _story: &Story, _clusters: &mut [Cluster]) {}
}
