//! What a first run looks for while the screen is already shown: in the environment, then among the cluster's Services.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::{Notify, oneshot};

use crate::{
    config::find::{self, Found},
    model::BackendId,
    source::kubernetes,
    store::Store,
    text::Clean,
    wire::Wired,
};

/// The cluster and its Services, or why they cannot be listed.
pub type Services = (BackendId, Result<Vec<kubernetes::find::Found>, Clean>);

/// What was found without a configuration, with what was pasted since.
pub struct Findings {
    pub found: Found,
    first: Look<Found>,
    services: Look<Services>,
    failed: Option<BackendId>,
}

/// A look that is made once, beside the loop.
enum Look<T> {
    NotYet,
    Under(oneshot::Receiver<T>),
    Over,
}

impl<T: Send + 'static> Look<T> {
    fn start(looking: impl Future<Output = T> + Send + 'static, wake: &Arc<Notify>) -> Self {
        let (to, looked) = oneshot::channel();
        let wake = wake.clone();
        tokio::spawn(async move {
            // At the end nobody listens.
            let _ = to.send(looking.await);
            wake.notify_one();
        });
        Self::Under(looked)
    }

    /// Once, when the look is over.
    fn taken(&mut self) -> Option<T> {
        let Self::Under(looked) = self else { return None };
        let result = looked.try_recv();
        if !matches!(result, Err(oneshot::error::TryRecvError::Empty)) {
            *self = Self::Over;
        }
        result.ok()
    }
}

impl Findings {
    /// Begins to look through the environment, and this kubeconfig in place of the usual one; `gh` may take seconds.
    pub fn look(kubeconfig: Option<PathBuf>, wake: &Arc<Notify>) -> Self {
        let first = Look::start(find::find(kubeconfig), wake);
        Self { found: Found::default(), first, services: Look::NotYet, failed: None }
    }

    pub const fn is_looking(&self) -> bool {
        matches!(self.first, Look::Under(_))
    }

    /// Once, when the environment was looked through.
    pub fn first(&mut self) -> Option<Found> {
        self.first.taken()
    }

    /// It is looked again when this cluster can be read: a login was wanted, or the network was away.
    pub fn look_again(&mut self, when_read: BackendId) {
        self.failed = Some(when_read);
        self.services = Look::NotYet;
    }

    /// The cluster that could not be looked through, and can be now.
    pub fn has_become_readable(&mut self, store: &Store) -> bool {
        let is_read = |id: &BackendId| store.sources.iter().any(|(source, it)| source.backend == *id && it.has_synced);
        self.failed.take_if(|id| is_read(id)).is_some()
    }

    /// Looks through the first cluster that is open, once.
    pub fn look_within(&mut self, wired: &Wired, wake: &Arc<Notify>) {
        if !matches!(self.services, Look::NotYet) || self.failed.is_some() {
            return;
        }
        let Some((id, cluster)) = wired.clusters.iter().next() else { return };
        let (id, cluster) = (id.clone(), cluster.clone());
        let looking = async move {
            let looked = kubernetes::find::find(&cluster).await.map_err(|failure| failure.error.says);
            (id, looked)
        };
        self.services = Look::start(looking, wake);
    }

    /// Once, when the look is over.
    pub fn services(&mut self) -> Option<Services> {
        self.services.taken()
    }
}
