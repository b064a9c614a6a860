//! Troubles of an API server, switched on for drills and tests.

use std::time::Duration;

/// What the API server does wrong at the moment.
#[derive(Debug, Default)]
pub struct Faults {
    /// Answers 429 to so many requests to come.
    pub throttle: u32,
    /// Waits before it answers a read, as a server does that is short of CPU.
    pub slow: Option<Duration>,
}

impl Faults {
    /// Whether the request that just came is turned away.
    pub fn throttles(&mut self) -> bool {
        let turned = self.throttle > 0;
        self.throttle = self.throttle.saturating_sub(1);
        turned
    }

    pub fn delay(&self, method: &http::Method) -> Option<Duration> {
        self.slow.filter(|_| method == http::Method::GET)
    }
}
