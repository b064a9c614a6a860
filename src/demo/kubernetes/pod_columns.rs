//! READY, STATUS and RESTARTS of a pod, as the API server prints them (printers.go, printPod, Kubernetes 1.33).

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use crate::demo::cluster::json as js;

/// The three computed cells.
#[derive(Debug, PartialEq)]
pub struct PodCells {
    pub ready: String,
    pub status: String,
    pub restarts: String,
}

/// How often containers restarted and when one last ended.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += js::int(status, "/restartCount");
        self.last = self.last.max(js::time(status, "/lastState/terminated/finishedAt"));
    }
}

/// A terminated state in words: its reason, else its signal, else its exit code.
fn ended(state: &Value) -> String {
    let reason = js::text(state, "/reason");
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match js::int(state, "/signal") {
        0 => format!("ExitCode:{}", js::int(state, "/exitCode")),
        signal => format!("Signal:{signal}"),
    }
}

/// What the walk over init containers found.
struct Init {
    /// The STATUS while initialising.
    reason: Option<String>,
    ready: usize,
    all: Restarts,
    sidecars: Restarts,
}

fn init(pod: &Value) -> Init {
    let specs = js::list(pod, "/spec/initContainers");
    let mut found = Init { reason: None, ready: 0, all: Restarts::default(), sidecars: Restarts::default() };
    for (index, status) in js::list(pod, "/status/initContainerStatuses").iter().enumerate() {
        let sidecar = specs.iter().any(|c| c["name"] == status["name"] && js::text(c, "/restartPolicy") == "Always");
        found.all.add(status);
        if sidecar {
            found.sidecars.add(status);
        }
        let state = &status["state"];
        let waiting = js::text(state, "/waiting/reason");
        let terminated = state.get("terminated").filter(|t| !t.is_null());
        found.reason = Some(match terminated {
            Some(t) if js::int(t, "/exitCode") == 0 => continue,
            _ if sidecar && status["started"] == true => {
                found.ready += usize::from(status["ready"] == true);
                continue;
            }
            Some(t) => format!("Init:{}", ended(t)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{}", specs.len()),
        });
        break;
    }
    found
}

/// The cells of a pod at a moment.
pub fn cells(pod: &Value, now: Timestamp) -> PodCells {
    let is_true = |kind| js::condition(pod, kind).is_some_and(|c| js::text(c, "/status") == "True");
    let phase = js::text(pod, "/status/phase");
    let why = js::text(pod, "/status/reason");
    let mut reason = if why.is_empty() { phase } else { why }.to_owned();
    if js::condition(pod, "PodScheduled").is_some_and(|c| js::text(c, "/reason") == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let sidecars =
        js::list(pod, "/spec/initContainers").iter().filter(|c| js::text(c, "/restartPolicy") == "Always").count();
    let total = js::list(pod, "/spec/containers").len() + sidecars;
    let Init { reason: initialising, mut ready, all: mut restarts, sidecars } = init(pod);
    let busy = initialising.is_some();
    reason = initialising.unwrap_or(reason);
    if !busy || is_true("Initialized") {
        restarts = sidecars;
        let (mut running, mut error) = (false, None);
        for status in js::list(pod, "/status/containerStatuses").iter().rev() {
            restarts.add(status);
            let state = &status["state"];
            let waiting = js::text(state, "/waiting/reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if let Some(t) = state.get("terminated").filter(|t| !t.is_null()) {
                reason = ended(t);
                if js::int(t, "/exitCode") != 0 {
                    error = Some(reason.clone());
                }
            } else if status["ready"] == true && state.get("running").is_some_and(|r| !r.is_null()) {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" {
            if running && is_true("Ready") {
                "Running".clone_into(&mut reason);
            } else if let Some(error) = error {
                reason = error;
            } else if running {
                "NotReady".clone_into(&mut reason);
            }
        }
    }
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        if why == "NodeLost" {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut reason);
        }
    }
    let restarts = match restarts.last {
        Some(last) if restarts.count != 0 => format!("{} ({} ago)", restarts.count, age::since(Some(last), now)),
        _ => restarts.count.to_string(),
    };
    PodCells { ready: format!("{ready}/{total}"), status: reason, restarts }
}

#[cfg(test)]
mod tests;
