//! CPU and memory: what is used, requested, and at most allowed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Of CPU and memory; zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

/// What an object asks for and may use: a pod by its containers, a node by what it can give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub requests: Amount,
    pub limits: Amount,
}

/// How much is used of what may be, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub percent: u64,
    /// There is no limit: of what is requested.
    pub is_of_request: bool,
}

impl fmt::Display for Share {
    /// `82%`, of a request `180%r`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%{}", self.percent, if self.is_of_request { "r" } else { "" })
    }
}

impl Amount {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { cpu_millis: self.cpu_millis + other.cpu_millis, memory_bytes: self.memory_bytes + other.memory_bytes }
    }

    /// `180m`
    pub fn cpu(self) -> String {
        millis(self.cpu_millis)
    }

    /// `212Mi`
    pub fn memory(self) -> String {
        mebibytes(self.memory_bytes)
    }

    /// None where it is neither limited nor requested.
    pub fn cpu_share(self, bounds: &Bounds) -> Option<Share> {
        share(self.cpu_millis, bounds.limits.cpu_millis, bounds.requests.cpu_millis)
    }

    /// None where it is neither limited nor requested.
    pub fn memory_share(self, bounds: &Bounds) -> Option<Share> {
        share(self.memory_bytes, bounds.limits.memory_bytes, bounds.requests.memory_bytes)
    }

    /// `100m 128Mi`; what is none is left out.
    pub fn words(self) -> String {
        let cpu = (self.cpu_millis > 0).then(|| millis(self.cpu_millis));
        let memory = (self.memory_bytes > 0).then(|| mebibytes(self.memory_bytes));
        cpu.into_iter().chain(memory).collect::<Vec<_>>().join(" ")
    }
}

fn share(used: u64, limit: u64, request: u64) -> Option<Share> {
    let (all, is_of_request) = if limit > 0 { (limit, false) } else { (request, true) };
    (all > 0).then(|| Share { percent: used.saturating_mul(100) / all, is_of_request })
}

fn millis(cpu: u64) -> String {
    format!("{cpu}m")
}

/// As `kubectl top` counts.
fn mebibytes(memory: u64) -> String {
    format!("{}Mi", memory >> 20)
}
