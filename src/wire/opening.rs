//! Opening the backends beside each other: one whose token command is slow keeps nobody else waiting.

use tokio::task::JoinSet;

use super::Wired;
use crate::{config::file, model::BackendKind};

/// A backend that the configuration names.
pub enum Wanted {
    Kubernetes(file::Kubernetes),
    GitHub(file::GitHub),
    Grafana(file::Grafana),
    Alertmanager(file::Alertmanager),
    Prometheus(file::Prometheus),
    ArgoCd(file::ArgoCd),
    Jenkins(file::Jenkins),
}

impl Wanted {
    /// Name, and whether it is read-only on its own.
    pub fn about(&self) -> (&str, bool) {
        match self {
            Self::Kubernetes(one) => (&one.name, one.read_only),
            Self::GitHub(one) => (&one.name, one.read_only),
            Self::Grafana(one) => (&one.name, one.read_only),
            Self::Alertmanager(one) => (&one.name, one.read_only),
            // Nothing is ever written to it.
            Self::Prometheus(one) => (&one.name, false),
            Self::ArgoCd(one) => (&one.name, one.read_only),
            Self::Jenkins(one) => (&one.name, one.read_only),
        }
    }

    /// `None`: plans ask it, and nothing of it is polled.
    pub fn kind(&self) -> Option<BackendKind> {
        match self {
            Self::Kubernetes(_) => Some(BackendKind::Kubernetes),
            Self::GitHub(_) => Some(BackendKind::GitHub),
            Self::Grafana(_) => Some(BackendKind::Grafana),
            Self::Alertmanager(_) => Some(BackendKind::Alertmanager),
            Self::Prometheus(_) => Some(BackendKind::Prometheus),
            Self::ArgoCd(_) | Self::Jenkins(_) => None,
        }
    }

    /// It is read through a cluster, which must be open first.
    fn needs_cluster(&self) -> bool {
        match self {
            Self::Kubernetes(_) | Self::GitHub(_) | Self::ArgoCd(_) | Self::Jenkins(_) => false,
            Self::Grafana(one) => one.through.is_some(),
            Self::Alertmanager(one) => one.through.is_some(),
            Self::Prometheus(one) => one.through.is_some(),
        }
    }
}

/// Backends still to be opened.
pub struct Opening {
    pub(super) wanted: Vec<Wanted>,
    /// The configuration, and the clusters that are open so far.
    pub(super) known: Wired,
    pub(super) is_read_only: bool,
}

impl Opening {
    /// Hands over each backend as soon as it is open, in a part of its own. Ends when all are; each has its own deadline.
    pub async fn run(mut self, mut ready: impl FnMut(Wired)) {
        let (mut later, first): (Vec<_>, Vec<_>) = self.wanted.drain(..).partition(Wanted::needs_cluster);
        let mut clusters = first.iter().filter(|wanted| matches!(wanted, Wanted::Kubernetes(_))).count();
        let mut tasks = JoinSet::new();
        for wanted in first {
            self.start(wanted, &mut tasks);
        }
        loop {
            if clusters == 0 || tasks.is_empty() {
                for wanted in later.drain(..) {
                    self.start(wanted, &mut tasks);
                }
            }
            let Some(ended) = tasks.join_next().await else { return };
            // One that panicked is said by the panic's own report.
            let Ok(part) = ended else { continue };
            if part.kinds.values().any(|kind| *kind == BackendKind::Kubernetes) {
                clusters = clusters.saturating_sub(1);
            }
            self.known.clusters.extend(part.clusters.iter().map(|(id, cluster)| (id.clone(), cluster.clone())));
            ready(part);
        }
    }

    fn start(&self, wanted: Wanted, tasks: &mut JoinSet<Wired>) {
        let known = &self.known;
        let mut part = Wired::empty(known.config.clone(), known.policy.clone(), known.clock.clone());
        part.clusters.clone_from(&known.clusters);
        part.held.clone_from(&known.held);
        part.chosen.clone_from(&known.chosen);
        let is_read_only = self.is_read_only;
        tasks.spawn(async move {
            part.open_one(&wanted, is_read_only).await;
            part
        });
    }
}
