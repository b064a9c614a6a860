//! How long a polled query rests between two reads: as usual, longer and longer while it fails, never before the server
//! said.

use std::time::Duration;

use super::{client::Cluster, failure::Failure};

const LONGEST: Duration = Duration::from_mins(1);
/// After the first failure.
const FIRST: Duration = Duration::from_secs(5);

/// The rests of one query.
pub struct Pace {
    cluster: Cluster,
    /// Failures in a row.
    failed: u32,
}

impl Pace {
    pub fn new(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), failed: 0 }
    }

    /// The rest after a read that failed, or that is usually followed by `usual`.
    pub fn after(&mut self, failure: Option<&Failure>, usual: Duration) -> Duration {
        let Some(failure) = failure else {
            self.failed = 0;
            return usual;
        };
        self.failed += 1;
        let step = (FIRST * 2_u32.saturating_pow(self.failed.min(8) - 1)).min(LONGEST);
        let now = self.cluster.clock().now().wall;
        let said = failure.error.retry_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
        step.max(said.unwrap_or_default())
    }
}
