//! Operators: what writes to a backend, one per kind. In read-only mode none is built.

pub mod alertmanager;
pub mod github;
