//! Kubernetes.

pub mod log_line;
