//! Operators: what writes to a backend, one per kind. Each re-checks, writes once, and never retries by itself. In
//! read-only mode none is built.

pub mod alertmanager;
pub mod argocd;
pub mod github;
pub mod jenkins;
pub mod kubernetes;
