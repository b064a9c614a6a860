//! Clocks, processes and rows of the table.

use std::time::{Duration, Instant};

use super::driver::Terminal;

#[allow(clippy::disallowed_methods)] // what is measured is real time
pub fn now() -> Instant {
    Instant::now()
}

/// How often each thing is done.
#[derive(Clone, Copy)]
pub struct Effort {
    pub is_measuring: bool,
    pub starts: usize,
    /// Pairs of keys.
    pub keys: usize,
    /// Steps of the cursor, each with a rest after it.
    pub moves: usize,
    pub idle: Duration,
}

impl Effort {
    pub const MEASURE: Self =
        Self { is_measuring: true, starts: 10, keys: 100, moves: 10, idle: Duration::from_secs(10) };
    pub const SMOKE: Self =
        Self { is_measuring: false, starts: 1, keys: 1, moves: 1, idle: Duration::from_millis(100) };
}

/// One line of the table.
pub struct Row {
    what: String,
    value: String,
}

impl Row {
    pub fn text(what: &str, value: impl Into<String>) -> Self {
        Self { what: what.to_owned(), value: value.into() }
    }

    pub fn time(what: &str, time: Duration) -> Self {
        Self::text(what, millis(time))
    }

    /// Median, 99th percentile and the worst.
    pub fn times(what: &str, times: &mut [Duration]) -> Self {
        times.sort();
        let at = |part: f64| millis(times[((times.len() - 1) as f64 * part).round() as usize]);
        Self::text(what, format!("p50 {}, p99 {}, worst {} (n {})", at(0.5), at(0.99), at(1.0), times.len()))
    }

    pub fn bytes(what: &str, counts: &[usize]) -> Self {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        let (middle, most) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        Self::text(what, format!("median {middle}, most {most} (n {})", sorted.len()))
    }

    #[allow(clippy::print_stdout)] // the table is what this program is for
    pub fn print(&self, case: &str) {
        println!("{case:12} {:34} {}", self.what, self.value);
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The program under test, as the system accounts for it.
pub struct Process(u32);

impl Process {
    pub fn of(screen: &Terminal) -> Self {
        Self(screen.pid())
    }

    pub fn numbered(pid: u32) -> Self {
        Self(pid)
    }

    /// The most memory it ever held, in MiB.
    pub fn most_memory(&self) -> f64 {
        self.held("VmHWM:")
    }

    /// CPU seconds used so far.
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // After the name, which may hold spaces: state is field 3, user and system time 14 and 15, in hundredths.
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / 100.0
    }

    pub fn share(&self, before: f64, passed: Duration, what: &str) -> Row {
        Row::text(what, format!("{:.2} %", (self.cpu() - before) / passed.as_secs_f64() * 100.0))
    }

    /// A line of the system's account of its memory, in MiB.
    fn held(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    pub fn memory(&self) -> Row {
        let text = format!("{:.0} MiB, at most {:.0} MiB", self.held("VmRSS:"), self.held("VmHWM:"));
        Row::text("resident memory", text)
    }
}
