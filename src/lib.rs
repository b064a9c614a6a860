//! midwatch: the on-call engineer's cockpit in a terminal. It shows one person everything that may explain a page, and lets
//! them act on it with a key. This is the house tour: ten minutes, and you know where things are.
//!
//! # Three ideas explain nearly every file
//! 1. **Sources** talk to the world and report *facts*. They know nothing of the screen.
//! 2. One **App** owns all state. It takes a message, changes itself, and returns *effects*. It does no I/O and has no clock.
//! 3. **Panes** draw what the App holds. They never ask anyone for anything.
//!
//! # Read in this order
//! [`model`] (the nouns), [`store`] (how facts become state), [`app`] (messages and effects), [`runtime`] (the loop), one screen
//! (`ui/screens/kube.rs`), one source ([`source::alertmanager`]), [`action`] (plans). Then run `cargo run -- demo`: the demo world is a
//! set of small servers on loopback that speak the real wire protocols, so the very same sources and operators work on it, and anyone's
//! `kubectl` or `curl` does too.
//!
//! # One word per thing
//! - *backend*: a configured remote system; *source*: reads one; *operator*: writes to one.
//! - *fact*: one thing that a source learned; *update*: facts or a failure, with source and time.
//! - *query*: a read that is wanted now because somebody looks at it: once, every so often, or followed.
//! - *command*: what a key means; *request*: an action that is wanted; *evidence*: what was asked live for it; *plan*: it worked out, ready
//!   to be read; *effect*: work that the App wants done.
//! - *resource*: a kind of Kubernetes object as discovery names it; *table*: its objects as the server prints them.
//! - *screen*: 1 to 8; *pane*: a framed area of a screen with its own age; *panel*: Grafana's; *overlay*: above the panes.
//! - *rollout*, *rollback* (noun), *roll back* (verb).
//!
//! # The flow, always in this direction
//! ```text
//! source task -> Update -> (bounded channel) -> Store::apply -> Changes -> panes refresh their rows -> the visible ones are drawn
//! what is looked at -> wanted queries -> difference -> start or cancel -> answers, each with its query -> Store
//! key -> keymap -> Command -> pane or overlay -> Request -> Effect -> evidence -> plan -> confirm
//!     -> audit "intended" -> read again -> operator -> audit "outcome" -> message -> App
//! ```
//! One task owns App and terminal. It wakes on anything, applies a bounded batch and draws at most once per frame gap; a key is drawn at
//! once. A writer thread owns the terminal's output and keeps only the newest frame while the terminal is slow. What changed nothing
//! draws nothing.
//!
//! # Dependencies point one way
//! `ui` may use `store`, `store` may use `model`; `source` knows `model` and nothing of the screen; `demo` knows none of them (it shares no
//! type with the clients, so that a misunderstanding cannot cancel itself out). Only [`wire`], [`runtime`], [`effects`] and [`cli`] see all.
//! `tests/architecture.rs` greps.
//!
//! # The seams
//! - A source is a [`source::Source`]: one method that fetches once, or waits for the next batch. The supervisor owns cadence, deadline,
//!   back-off and panics. A failure is an update, never silence; the store keeps the last good value beside it.
//! - A row of [`command::COMMANDS`] is a key, its help, its palette entry, its hint in the footer, its place in the README and its name in
//!   the configuration.
//! - A plan becomes an approved one only in [`action::confirm`]: to skip the confirmation does not compile. The engine audits each step on
//!   disk before it is sent.
//! - What midwatch hands a row to (a `[[command]]`, a shell, k9s) is an [`app::Effect`] that takes the terminal: the loop steps aside and
//!   goes on taking in what comes; its intent and its end are in the audit ([`action::engine::Outside`]).
//! - Foreign text becomes [`text::Clean`] where it enters; a token is a [`secret::Secret`], which cannot be printed; time is an argument
//!   ([`time::Now`]), never asked for.
//!
//! # Departures from common ways
//! - Kubernetes objects are not decoded into k8s-openapi types but into small rows of our own, in pages: ten thousand pods fit.
//! - Exec credential plugins are run by us, not by kube: they are asked about first and never write on the screen.
//! - The demo has its own GraphQL reader and its own PromQL subset: small, and an independent second reading of the protocols.

pub mod action;
pub mod app;
pub mod cli;
pub mod command;
pub mod config;
pub mod custom;
pub mod demo;
pub mod effects;
pub mod headless;
pub mod json;
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
