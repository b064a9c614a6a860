//! Operators: what writes to a backend, one per kind.

pub mod github;
