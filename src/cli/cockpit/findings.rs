//! A first run's findings, and the look through the cluster's Services, made while the screen is already shown.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use crate::{cli::setup::Setup, config::find::Found, model::BackendId, source::kubernetes, text::Clean, wire::Wired};

/// The cluster and its Services, or why they cannot be listed.
pub type Services = (BackendId, Result<Vec<kubernetes::find::Found>, Clean>);

/// What was found without a configuration.
pub struct Findings {
    pub found: Found,
    services: Look,
}

/// The look for Services.
enum Look {
    NotYet,
    Under(oneshot::Receiver<Services>),
    Over,
}

impl Findings {
    pub fn new(mut found: Found, setup: &Setup) -> Self {
        // With the flags over it.
        found.config = setup.config.clone();
        Self { found, services: Look::NotYet }
    }

    /// Looks through the first cluster that is open, once.
    pub fn look(&mut self, wired: &Wired, wake: &Arc<Notify>) {
        if !matches!(self.services, Look::NotYet) {
            return;
        }
        let Some((id, cluster)) = wired.clusters.iter().next() else { return };
        let (to, services) = oneshot::channel();
        let (id, cluster, wake) = (id.clone(), cluster.clone(), wake.clone());
        tokio::spawn(async move {
            let looked = kubernetes::find::find(&cluster).await.map_err(|failure| failure.error.says);
            let _ = to.send((id, looked));
            wake.notify_one();
        });
        self.services = Look::Under(services);
    }

    /// Once, when the look is over.
    pub fn services(&mut self) -> Option<Services> {
        let Look::Under(services) = &mut self.services else { return None };
        let looked = services.try_recv();
        if !matches!(looked, Err(oneshot::error::TryRecvError::Empty)) {
            self.services = Look::Over;
        }
        looked.ok()
    }
}
