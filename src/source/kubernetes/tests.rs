//! What several modules test against.

pub mod on_demo;
