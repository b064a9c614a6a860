//! A backend that could not be opened: it says why, like any source.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::{
    model::{BackendId, Part, SourceId},
    source::{Cadence, Fact, Source, SourceError},
};

/// Fails with the same words until the configuration is mended.
pub struct Failed {
    id: BackendId,
    error: SourceError,
}

impl Failed {
    pub fn new(id: BackendId, error: SourceError) -> Self {
        Self { id, error }
    }
}

impl Source for Failed {
    fn id(&self) -> SourceId {
        SourceId::new(&self.id, Part::Health)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(Duration::from_mins(1))
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        let error = self.error.clone();
        Box::pin(async move { Err(error) })
    }
}
