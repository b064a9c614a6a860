//! midwatch: the on-call engineer's cockpit in a terminal.

pub mod demo;
pub mod terminal;
pub mod ui;
