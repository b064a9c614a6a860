//! What carries out the App's wishes to act.

use futures::future::BoxFuture;

use super::{Request, plan::Approved};
use crate::text::Clean;

/// Gathers evidence, executes approved plans. Everything it learns comes back as an
/// [`ActionEvent`](super::act::ActionEvent).
pub trait Engine: Send + Sync {
    /// Gathers live evidence for a request.
    fn prepare(&self, ticket: u64, request: Request);
    fn execute(&self, ticket: u64, approved: Approved);
    /// Waits until no write is under way.
    fn idle(&self) -> BoxFuture<'_, ()>;
    /// Writes under way, in words.
    fn running(&self) -> Vec<Clean>;
}
