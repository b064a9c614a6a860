//! What is read of a Grafana all the time: dashboards, annotations, its alerts, its health.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use super::Grafana;
use crate::{
    model::{Part, SourceId},
    source::{Cadence, Fact, Source, SourceError},
};

const DASHBOARDS_EVERY: Duration = Duration::from_mins(1);
const ANNOTATIONS_EVERY: Duration = Duration::from_secs(30);
const HEALTH_EVERY: Duration = Duration::from_secs(30);

/// One part of a Grafana.
pub(super) struct Reading {
    pub grafana: Arc<Grafana>,
    pub part: Part,
}

impl Source for Reading {
    fn id(&self) -> SourceId {
        SourceId::new(&self.grafana.id, self.part)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(match self.part {
            Part::Dashboards => DASHBOARDS_EVERY,
            Part::Annotations => ANNOTATIONS_EVERY,
            Part::Alerts => self.grafana.poll,
            _ => HEALTH_EVERY,
        })
    }

    fn soon(&self) -> Option<Duration> {
        (self.part == Part::Health).then(|| self.grafana.http.soon()).flatten()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async {
            let grafana = &self.grafana;
            Ok(vec![match self.part {
                Part::Dashboards => Fact::Dashboards(grafana.dashboards().await?),
                Part::Annotations => Fact::Annotations(grafana.annotations().await?),
                Part::Alerts => Fact::Alerts { list: grafana.alerts().await?, groups: Vec::new() },
                _ => Fact::Info(grafana.info().await?),
            }])
        }
        .boxed()
    }
}
