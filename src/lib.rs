//! midwatch: the on-call engineer's cockpit in a terminal.

pub mod action;
pub mod app;
pub mod cli;
pub mod command;
pub mod config;
pub mod demo;
pub mod effects;
pub mod headless;
pub mod keymap;
pub mod model;
pub mod operator;
pub mod query;
pub mod runtime;
pub mod secret;
pub mod source;
pub mod store;
pub mod terminal;
pub mod text;
pub mod time;
pub mod ui;
pub mod units;
pub mod wire;
