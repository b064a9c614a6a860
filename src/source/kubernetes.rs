//! Kubernetes: its API, read by watches. One [`client::Cluster`] per context is shared by everything that talks to it.

pub mod client;
pub mod exec;
pub mod failure;
pub mod inspect;
pub mod kubeconfig;
pub mod log_line;
pub mod logs;
pub mod revisions;
pub mod rows;
mod selector;

#[cfg(test)]
pub(crate) mod fake;
