//! midwatch: the on-call engineer's cockpit in a terminal.

pub mod action;
pub mod config;
pub mod demo;
pub mod model;
pub mod operator;
pub mod query;
pub mod secret;
pub mod source;
pub mod text;
pub mod time;
