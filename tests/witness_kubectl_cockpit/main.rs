//! The cockpit held to `kubectl`: what it shows of the demo's clusters, and what its acts leave behind, is what an
//! unmodified `kubectl` computes of them. Of each comparison both sides are put into the same words, and the whole is equal.
//!
//! Without `kubectl` these tests say so and pass, unless `MIDWATCH_WITNESSES=required`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod acts;
mod describe;
mod desk;
#[path = "../contract/listing.rs"]
#[allow(dead_code)] // the soak lists by path
mod listing;
mod logs;
mod page;
mod rights;
mod rows;
#[path = "../contract/watching.rs"]
#[allow(dead_code)] // the contract's tests use the rest of it
mod watching;
