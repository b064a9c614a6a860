//! Writes to backends, one operator per kind. In read-only mode none is built.

pub mod alertmanager;
pub mod kubernetes;
