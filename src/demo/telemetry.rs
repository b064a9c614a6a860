//! What is measured in the simulated company: series, alert rules and their states, annotations, silences.

pub mod alerts;
pub mod annotations;
mod measure;
pub mod series;
pub mod silences;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

pub use self::{
    alerts::{Alerts, Rule, State},
    annotations::{Annotation, Annotations},
    series::{Key, Part, Series},
    silences::Silences,
};
use super::{
    cluster::Cluster,
    scenario::{Metric, Scenario},
    story::Story,
};

/// Time between two points of every series, and between two evaluations of the rules.
pub const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The recorded series and everything alerting keeps.
pub struct Telemetry {
    pub series: Series,
    pub alerts: Alerts,
    pub silences: Silences,
    pub annotations: Annotations,
    measure: measure::Measure,
    sampled: Option<Timestamp>,
}

impl Telemetry {
    /// Nothing measured yet; rules, silences and annotations as the scenario has them.
    pub fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        Self {
            series: Series::default(),
            alerts: Alerts::new(scenario, start),
            silences: Silences::new(scenario, seed, start),
            annotations: Annotations::new(scenario, start),
            measure: measure::Measure::new(scenario, seed),
            sampled: None,
        }
    }

    /// Measures and evaluates, if it is time to. True if it was.
    pub fn step(&mut self, now: Timestamp, story: &Story, clusters: &[Cluster]) -> bool {
        self.annotations.step(now);
        if self.sampled.is_some_and(|last| now.duration_since(last) < EVERY) {
            return false;
        }
        self.sampled = Some(now);
        self.measure.take(now, story, clusters, &mut self.series);
        self.alerts.evaluate(now, &self.series);
        self.silences.step(now);
        true
    }

    /// The newest value of a whole service's series.
    pub fn last(&self, service: usize, metric: Metric) -> Option<f64> {
        self.series.last(&Key { service, metric, part: None })
    }
}
