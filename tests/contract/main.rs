//! The contract of every backend's client, kept by one suite: whatever the server does, midwatch says so, keeps what it
//! knew, and goes on by itself. The servers are the demo's, seen through one that fails as told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod backend;
mod budget;
mod checks;
mod faults;
mod front;
mod hostile;
mod listing;
mod overload;
mod poison;
mod registry;
mod secrets;
mod watching;
