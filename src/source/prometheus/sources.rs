//! The two things read of a Prometheus, each with its own freshness.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use super::{HEALTH_EVERY, Prometheus, sent::SentLabels};
use crate::{
    model::{BackendInfo, Part, SourceId},
    source::{Cadence, Fact, Source, SourceError},
    text::Clean,
};

/// How it labels what it sends changes only with its configuration: read again after so many looks (ten minutes).
const CONFIG_AFTER: u32 = 40;

pub(super) struct RuleAlerts {
    prometheus: Arc<Prometheus>,
    sent: SentLabels,
    /// Looks until its configuration is read again.
    left: u32,
}

impl RuleAlerts {
    pub(super) fn new(prometheus: Arc<Prometheus>) -> Self {
        Self { prometheus, sent: SentLabels::default(), left: 0 }
    }
}

impl Source for RuleAlerts {
    fn id(&self) -> SourceId {
        SourceId::new(self.prometheus.id(), Part::Alerts)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(self.prometheus.poll)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async {
            if self.left == 0 {
                self.sent = self.prometheus.sent_labels().await?;
                self.left = CONFIG_AFTER;
            }
            let answer = self.prometheus.alerts(&self.sent).await?;
            self.left -= 1;
            let mut facts = vec![Fact::Alerts { list: answer.data, groups: Vec::new() }];
            if !answer.warnings.is_empty() {
                let says = format!("warned that rules may be missing: {}", answer.warnings.join("; "));
                facts.push(Fact::Info(BackendInfo { notes: vec![Clean::line(&says)], ..BackendInfo::default() }));
            }
            Ok(facts)
        }
        .boxed()
    }
}

pub(super) struct Health(pub Arc<Prometheus>);

impl Source for Health {
    fn id(&self) -> SourceId {
        SourceId::new(self.0.id(), Part::Health)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(HEALTH_EVERY)
    }

    fn soon(&self) -> Option<Duration> {
        self.0.http.soon()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async { Ok(vec![Fact::Info(self.0.info().await?)]) }.boxed()
    }
}
