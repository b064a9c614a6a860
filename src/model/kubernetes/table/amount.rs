//! CPU and memory: what is used, requested, and at most allowed.

/// Of CPU and memory; zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

/// What an object asks for and may use: a pod by its containers, a node by what it can give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub requests: Amount,
    pub limits: Amount,
}

impl Amount {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { cpu_millis: self.cpu_millis + other.cpu_millis, memory_bytes: self.memory_bytes + other.memory_bytes }
    }

    /// `180m`, `180m/500m 36%`; without a limit beside what is requested: `180m/100m 180% of request`.
    pub fn cpu(&self, bounds: Option<&Bounds>) -> String {
        beside(self.cpu_millis, bounds, |amount| amount.cpu_millis, millis)
    }

    /// `212Mi`, `212Mi/256Mi 82%`
    pub fn memory(&self, bounds: Option<&Bounds>) -> String {
        beside(self.memory_bytes, bounds, |amount| amount.memory_bytes, mebibytes)
    }

    /// `100m 128Mi`; what is none is left out.
    pub fn words(self) -> String {
        let cpu = (self.cpu_millis > 0).then(|| millis(self.cpu_millis));
        let memory = (self.memory_bytes > 0).then(|| mebibytes(self.memory_bytes));
        cpu.into_iter().chain(memory).collect::<Vec<_>>().join(" ")
    }
}

fn beside(used: u64, bounds: Option<&Bounds>, part: fn(&Amount) -> u64, text: fn(u64) -> String) -> String {
    let bounds = bounds.copied().unwrap_or_default();
    let (all, of) = match (part(&bounds.limits), part(&bounds.requests)) {
        (0, 0) => return text(used),
        (0, request) => (request, " of request"),
        (limit, _) => (limit, ""),
    };
    format!("{}/{} {}%{of}", text(used), text(all), used.saturating_mul(100) / all)
}

fn millis(cpu: u64) -> String {
    format!("{cpu}m")
}

/// As `kubectl top` counts.
fn mebibytes(memory: u64) -> String {
    format!("{}Mi", memory >> 20)
}
