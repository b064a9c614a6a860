//! What a service suffers when everyone wants its connections: memory that grows until it is killed for it.

use jiff::Timestamp;

use super::Story;
use crate::demo::{
    cluster::{Cluster, quantity::mebibytes},
    scenario::Metric,
    telemetry::Telemetry,
};

/// One service under strain.
#[derive(Clone, Debug, Default)]
pub(super) struct Strain {
    /// MiB above its ordinary working set.
    extra_mib: f64,
    felt: Option<Timestamp>,
    /// Times when every connection was taken; the last may be open.
    starved: Vec<(Timestamp, Option<Timestamp>)>,
}

impl Story {
    /// Lets what was just measured act back on the fleet.
    pub fn feel(&mut self, now: Timestamp, telemetry: &Telemetry, clusters: &mut [Cluster]) {
        let scenario = self.scenario.clone();
        for (index, service) in scenario.service.iter().enumerate() {
            let Some(ceiling) = service.max_connections else { continue };
            let full = telemetry.last(index, Metric::Connections).is_some_and(|held| held > f64::from(ceiling) - 0.5);
            let base = telemetry.last(index, Metric::MemoryMib).unwrap_or_default();
            let strain = self.strain.entry(index).or_default();
            let minutes = strain.felt.map_or(0.0, |felt| now.duration_since(felt).as_secs_f64() / 60.0);
            strain.felt = Some(now);
            strain.mark(now, full);
            if full {
                strain.extra_mib += service.strain_mib_per_minute * minutes;
            } else {
                strain.extra_mib = (strain.extra_mib - 120.0 * minutes).max(0.0);
            }
            if base < mebibytes(&service.memory_limit) {
                continue;
            }
            strain.extra_mib = 0.0;
            if let Some(cluster) = clusters.iter_mut().find(|c| c.name == service.cluster) {
                cluster.oom_kill(now, &service.namespace, &service.name);
            }
        }
    }

    /// MiB that strain adds to a service's working set now.
    pub(crate) fn strain_mib(&self, service: usize) -> f64 {
        self.strain.get(&service).map_or(0.0, |strain| strain.extra_mib)
    }

    /// True if a service that this one depends on had no connection left then.
    pub(super) fn starved(&self, service: usize, at: Timestamp) -> bool {
        let itself = self.strain.contains_key(&service).then_some(service);
        let mut sources = self.depends_on(service).into_iter().chain(itself);
        sources.any(|index| self.strain.get(&index).is_some_and(|strain| strain.was_starved(at)))
    }
}

impl Strain {
    fn mark(&mut self, now: Timestamp, full: bool) {
        let open = self.starved.last().is_some_and(|(_, to)| to.is_none());
        if full && !open {
            self.starved.push((now, None));
        } else if !full && let Some((_, to)) = self.starved.last_mut() {
            to.get_or_insert(now);
        }
        if self.starved.len() > 500 {
            self.starved.remove(0);
        }
    }

    fn was_starved(&self, at: Timestamp) -> bool {
        self.starved.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to))
    }
}
