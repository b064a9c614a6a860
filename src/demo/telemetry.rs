//! What is measured in the simulated company: series, alert rules and their states, annotations, silences.

use jiff::Timestamp;

use super::{cluster::Cluster, story::Story};

/// The recorded series and everything alerting keeps.
#[derive(Default)]
pub struct Telemetry {}

impl Telemetry {
    pub fn step(&mut self, _now: Timestamp, _story: &Story, _clusters: &[Cluster]) {}
}
