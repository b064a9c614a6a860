//! Kubernetes: clusters as the kubeconfig names them, read by list and watch over the API (v1.28 and later).

pub mod client;
pub mod exec;
pub mod failure;
pub mod kubeconfig;
pub mod log_line;
pub mod logs;
mod selector;

#[cfg(test)]
pub(crate) mod fake;
