//! Kubernetes: its API, read by watches. One [`client::Cluster`] per context is shared by everything that talks to it.

pub mod client;
pub mod exec;
pub mod failure;
#[cfg(test)]
mod fake;
pub mod kubeconfig;
pub mod rows;
pub mod watch;
