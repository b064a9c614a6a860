//! Operators: what sends an action to a backend. Each re-checks, writes once, and never retries by itself.

pub mod kubernetes;
