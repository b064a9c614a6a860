//! Kubernetes: its API, read by watches. One [`Cluster`] per context is shared by everything that talks to it.

#![allow(clippy::result_large_err)] // a failure is rare, and moved once

pub mod client;
pub mod describe;
pub mod discovery;
mod ending;
pub mod exec;
pub mod failure;
pub mod find;
pub mod forward;
pub mod health;
pub mod inspect;
pub mod kubeconfig;
pub mod log_field;
pub mod log_line;
pub mod logs;
pub mod owners;
mod pace;
mod pods;
pub mod reader;
pub mod release;
pub mod revisions;
mod rights;
pub mod rows;
mod secret_keys;
mod secret_value;
mod selector;
pub mod shell;
pub mod table;
pub mod through;
mod usage;
pub mod watch;
pub mod yaml;

#[cfg(test)]
mod fake;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
pub(crate) mod tests;

use std::{path::Path, sync::Arc};

pub use self::{client::Cluster, exec::ExecPolicy, kubeconfig::ContextInfo, watch::Scope};
use crate::{
    config::file::{Kubernetes, Timeouts},
    source::{Source, SourceError},
    time::Clock,
};

/// The contexts of the kubeconfig files that `explicit`, `KUBECONFIG` or the home directory name, and what is wrong with
/// those files. Contacts nobody, runs nothing.
pub fn contexts(explicit: Option<&Path>) -> (Vec<ContextInfo>, Vec<crate::text::Clean>) {
    let loaded = kubeconfig::load(&kubeconfig::paths_here(explicit));
    (kubeconfig::contexts(&loaded), loaded.troubles)
}

/// Opens a configured context, else the current one, else the cluster this program runs in. Reads files only: nothing is
/// contacted or run before the first request.
pub async fn open(
    wanted: &Kubernetes,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    policy: Arc<ExecPolicy>,
) -> Result<Cluster, SourceError> {
    let loaded = kubeconfig::load(&kubeconfig::paths_here(wanted.kubeconfig.as_deref()));
    Cluster::open(wanted, &loaded, timeouts, policy, clock).await
}

/// What is looked at first: the configured namespaces, else all.
pub fn first_scope(cluster: &Cluster) -> Scope {
    match cluster.namespaces() {
        [] => Scope::All,
        names => Scope::Namespaces(names.to_vec()),
    }
}

/// The sources of a cluster for a scope: its heartbeat and a watch of each kind. For another namespace make them again
/// (with a higher generation): the cluster's connections and login are kept.
pub fn sources(cluster: &Cluster, scope: &Scope) -> Vec<Box<dyn Source>> {
    cluster.learnt().notes.clear();
    let rows = Arc::new(rows::Rows::new(cluster.id()));
    let watches = watch::Watched::ALL.map(|kind| watch::Watch::new(cluster, kind, scope.clone(), rows.clone()));
    let health: Box<dyn Source> = Box::new(health::Health::new(cluster));
    std::iter::once(health).chain(watches.into_iter().map(|watch| Box::new(watch) as Box<dyn Source>)).collect()
}
