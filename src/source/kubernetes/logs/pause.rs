//! How long a log waits before it asks again.

use std::{hash::Hash, time::Duration};

use jiff::Timestamp;

use crate::{source::supervise::jittered, time::Now};

/// Longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_hours(1);

/// `own`, or as long as the server asked for; for each of many streams a little different, so that they do not ask in step.
pub fn pause(own: Duration, retry_at: Option<Timestamp>, of: &impl Hash, now: Now) -> Duration {
    let said = retry_at.and_then(|at| Duration::try_from(at.duration_since(now.wall)).ok()).unwrap_or_default();
    // Up to a tenth is taken off again, and it must not be before the time said.
    jittered(own.max((said + said / 8).min(LONGEST)), of, now)
}
