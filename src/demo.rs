//! The demo world: a seeded simulation of a small company with its own clock, served over the real wire protocols on
//! loopback. It shares no type with the cockpit's clients, so that a misunderstanding cannot cancel out.

pub mod alertmanager;
pub mod argocd;
pub mod clock;
pub mod cluster;
pub mod code;
mod founding;
pub mod github;
pub mod grafana;
pub mod image;
pub mod jenkins;
pub mod kubernetes;
pub mod prometheus;
pub mod registry;
pub mod scenario;
pub mod serve;
pub mod story;
pub mod telemetry;
pub mod world;

pub use serve::{DemoError, Options, Served, start};
