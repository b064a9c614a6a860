//! The three things read of an Alertmanager, each with its own freshness.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use super::{Alertmanager, SILENCES_EVERY};
use crate::{
    model::{Part, SourceId},
    source::{Cadence, Fact, Source, SourceError},
};

pub(super) struct Alerts(pub Arc<Alertmanager>);

impl Source for Alerts {
    fn id(&self) -> SourceId {
        SourceId::new(self.0.id(), Part::Alerts)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(self.0.poll)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async {
            let (list, groups) = tokio::try_join!(self.0.alerts(), self.0.groups())?;
            Ok(vec![Fact::Alerts { list, groups }])
        }
        .boxed()
    }
}

pub(super) struct Silences(pub Arc<Alertmanager>);

impl Source for Silences {
    fn id(&self) -> SourceId {
        SourceId::new(self.0.id(), Part::Silences)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(SILENCES_EVERY)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async { Ok(vec![Fact::Silences(self.0.silences().await?)]) }.boxed()
    }
}

pub(super) struct Health(pub Arc<Alertmanager>);

impl Source for Health {
    fn id(&self) -> SourceId {
        SourceId::new(self.0.id(), Part::Health)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(SILENCES_EVERY)
    }

    fn soon(&self) -> Option<Duration> {
        self.0.http().soon()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        async { Ok(vec![Fact::Info(self.0.info().await?)]) }.boxed()
    }
}
