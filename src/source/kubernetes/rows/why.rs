//! Why a pod is not fine, in one line for people, and how bad that is.

use super::wire;
use crate::{
    model::{
        Level,
        kubernetes::{Container, ContainerRole, ContainerState, Termination, told::UNREADY},
    },
    secret::mask,
    text::{Clean, memory_text},
};

pub struct Seen<'a> {
    /// The STATUS column.
    pub status: &'a str,
    pub wire: &'a wire::PodStatus,
    pub gates: &'a [wire::Gate],
    pub readiness_gates: &'a [wire::ReadinessGate],
    pub containers: &'a [Container],
    pub deleting: bool,
    pub finalizers: &'a [String],
    pub has_owner: bool,
    pub all_ready: bool,
}

pub struct Judged {
    pub level: Level,
    pub why: Clean,
}

fn judged(level: Level, why: impl AsRef<str>) -> Judged {
    Judged { level, why: Clean::line(why.as_ref()) }
}

/// Waiting reasons that do not pass by themselves.
fn is_stuck(reason: &str) -> bool {
    !matches!(reason, "" | "ContainerCreating" | "PodInitializing")
}

pub fn judge(seen: &Seen<'_>) -> Judged {
    let phase = seen.wire.phase.as_deref().unwrap_or_default();
    if seen.status == "Unknown" || seen.wire.reason.as_deref() == Some("NodeLost") {
        return judged(Level::Unknown, "its node does not report");
    }
    // Also of one that has ended: it is they alone that keep it.
    if seen.deleting && !seen.finalizers.is_empty() {
        return judged(Level::Progress, format!("waits for finalizers: {}", seen.finalizers.join(", ")));
    }
    if phase == "Failed" {
        return failed(seen);
    }
    if seen.deleting && phase != "Succeeded" {
        return judged(Level::Progress, "");
    }
    if phase == "Succeeded" {
        return judged(Level::Ok, "");
    }
    if let Some(why) = worst(seen.containers) {
        return judged(Level::Broken, why);
    }
    if let Some(judged) = scheduling(seen) {
        return judged;
    }
    if phase == "Pending" {
        return judged(Level::Progress, starting(seen.containers));
    }
    if !seen.all_ready {
        return not_ready(seen);
    }
    let ready = wire::condition(seen.wire.conditions.as_ref(), "Ready");
    if let Some(unready) = ready.filter(|ready| !ready.is_true()) {
        return held_back(seen, unready);
    }
    judged(Level::Ok, last_oom(seen.containers).unwrap_or_default())
}

/// A failed pod stays as a record; its owner has made another.
fn failed(seen: &Seen<'_>) -> Judged {
    let level = if seen.has_owner { Level::Wrong } else { Level::Broken };
    let reason = seen.wire.reason.as_deref().unwrap_or_default();
    let message = mask(seen.wire.message.as_deref().unwrap_or_default().trim());
    let own = match (reason, message.as_str()) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    judged(level, if own.is_empty() { worst(seen.containers).unwrap_or_default() } else { own })
}

/// Of all containers that crash, cannot start or have ended badly, the first of the worst sort.
fn worst(containers: &[Container]) -> Option<String> {
    let waits = containers.iter().find_map(|container| match &container.state {
        ContainerState::Waiting { reason, message } if is_stuck(reason) => {
            Some(waiting(container, containers.len() == 1, reason, message))
        }
        _ => None,
    });
    waits.or_else(|| {
        containers.iter().find_map(|container| match &container.state {
            ContainerState::Terminated(end) if end.exit_code != 0 || end.signal.is_some() => {
                Some(format!("'{}' ended: {}", container.name, end_text(container, end)))
            }
            _ => None,
        })
    })
}

fn waiting(container: &Container, is_alone: bool, reason: &str, message: &str) -> String {
    let name = &container.name;
    match (reason, &container.last) {
        // STATUS says that it loops; here stands why. Its name is news only among several.
        ("CrashLoopBackOff", last) => {
            let who = if is_alone { String::new() } else { format!("'{name}' ") };
            let end = last.as_ref().map_or_else(|| "keeps ending".to_owned(), |end| end_text(container, end));
            let again = back_off(message).map(|wait| format!(", waits {wait}")).unwrap_or_default();
            format!("{who}{end}{again}")
        }
        ("ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName", _) => {
            let of = if is_alone { String::new() } else { format!(" of '{name}'") };
            // The cause first: the address of an image is long.
            match image_trouble(message) {
                Some(why) => format!("{why}: image '{}'{of}", container.image),
                None => format!("image '{}'{of} cannot be pulled", container.image),
            }
        }
        (reason, _) if message.is_empty() => format!("'{name}' cannot start: {reason}"),
        (_, _) => format!("'{name}' cannot start: {message}"),
    }
}

/// `OOMKilled at its limit of 512Mi (exit 137)`, `Error (exit 1): cannot connect`.
fn end_text(container: &Container, end: &Termination) -> String {
    if end.reason == "OOMKilled" {
        return match container.memory_limit {
            Some(limit) => format!("OOMKilled at its limit of {} (exit {})", memory_text(limit), end.exit_code),
            None => format!("OOMKilled, without a limit of its own (exit {})", end.exit_code),
        };
    }
    let code = match (end.signal, end.exit_code) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("exit {code}{}", meaning(code)),
    };
    let message = end.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    match end.reason.as_str() {
        "" | "Error" | "Completed" => format!("{code}{message}"),
        reason => format!("{reason} ({code}){message}"),
    }
}

fn meaning(code: i32) -> &'static str {
    match code {
        0 => ", without an error",
        126 => ", not executable",
        127 => ", command not found",
        134 => ", aborted",
        137 => ", killed",
        139 => ", segmentation fault",
        143 => ", terminated",
        _ => "",
    }
}

/// `back-off 5m0s restarting failed …` → `5m0s`
fn back_off(message: &str) -> Option<&str> {
    message.strip_prefix("back-off ")?.split_whitespace().next()
}

/// The registry's own words at the end of a pull error.
fn image_trouble(message: &str) -> Option<String> {
    let known =
        ["not found", "unauthorized", "denied", "no such host", "timeout", "toomanyrequests", "no match for platform"];
    let lower = message.to_lowercase();
    if let Some(word) = known.into_iter().find(|word| lower.contains(word)) {
        return Some(word.replace("toomanyrequests", "rate limit of the registry"));
    }
    // "Back-off pulling image …" only repeats the name
    (!message.is_empty() && !lower.starts_with("back-off pulling image")).then(|| message.to_owned())
}

fn scheduling(seen: &Seen<'_>) -> Option<Judged> {
    let scheduled = wire::condition(seen.wire.conditions.as_ref(), "PodScheduled").filter(|c| !c.is_true())?;
    let message = scheduled.message.as_deref().unwrap_or_default();
    match scheduled.reason.as_deref().unwrap_or_default() {
        "SchedulingGated" => Some(judged(Level::Progress, gated(seen.gates))),
        "Unschedulable" => Some(judged(Level::Broken, unschedulable(message))),
        _ if message.is_empty() => None,
        _ => Some(judged(Level::Wrong, format!("no node yet: {message}"))),
    }
}

fn gated(gates: &[wire::Gate]) -> String {
    match gates {
        [] => "held back by a scheduling gate".to_owned(),
        gates => {
            let names: Vec<String> = gates.iter().map(|gate| format!("'{}'", gate.name)).collect();
            format!("held back by scheduling gate {}", names.join(", "))
        }
    }
}

/// `0/12 nodes are available: 3 node(s) had …, 9 Insufficient cpu. preemption: …` → `0 of 12 nodes take it: 3 had …`
fn unschedulable(message: &str) -> String {
    let own = message.split(" preemption: ").next().unwrap_or_default().trim_end_matches('.');
    let Some((counts, why)) = own.split_once(" nodes are available: ") else {
        return if own.is_empty() { "no node takes it".to_owned() } else { format!("no node takes it: {own}") };
    };
    format!("{} nodes take it: {}", counts.replacen('/', " of ", 1), why.replace("node(s) ", ""))
}

fn starting(containers: &[Container]) -> String {
    let init = containers.iter().filter(|container| container.role != ContainerRole::Main);
    let running =
        |container: &&Container| matches!(container.state, ContainerState::Running { .. }) && !container.ready;
    init.into_iter().find(running).map(|init| format!("init container '{}' runs", init.name)).unwrap_or_default()
}

fn not_ready(seen: &Seen<'_>) -> Judged {
    let status = |name: &str| {
        let all = seen.wire.container_statuses.iter().chain(&seen.wire.init_container_statuses).flatten();
        all.into_iter().find(|status| status.name == name)
    };
    let unready: Vec<&Container> = seen
        .containers
        .iter()
        .filter(|c| c.role != ContainerRole::Init && !c.ready && matches!(c.state, ContainerState::Running { .. }))
        .collect();
    let Some(first) = unready.first() else {
        let done = seen.containers.iter().find(|c| matches!(c.state, ContainerState::Terminated(_)));
        return match done {
            // a pod whose one container has finished well is no trouble: Jobs with helpers
            Some(done) => judged(Level::Progress, format!("'{}' has finished, others run", done.name)),
            None => judged(Level::Progress, starting(seen.containers)),
        };
    };
    if status(&first.name).is_some_and(|status| status.started == Some(false)) {
        return judged(Level::Progress, format!("'{}' has not passed its startup probe", first.name));
    }
    // READY says so of a pod with one container; how that ended before is news.
    let is_alone = seen.containers.iter().filter(|container| container.role != ContainerRole::Init).count() == 1;
    let ended = || first.last.as_ref().map(|end| format!("ended before: {}", end_text(first, end)));
    let ended = last_oom(seen.containers).or_else(ended);
    let why = match (is_alone, ended) {
        (true, Some(ended)) => ended,
        (true, None) => UNREADY.to_owned(),
        (false, ended) => {
            let ended = ended.map(|ended| format!("; {ended}")).unwrap_or_default();
            format!("'{}' runs but is not ready{ended}", first.name)
        }
    };
    judged(Level::Wrong, why)
}

/// All its containers are ready, and it is not: by a gate, or since its node was lost (that sets no reason).
fn held_back(seen: &Seen<'_>, unready: &wire::Condition) -> Judged {
    let is_shut = |gate: &&wire::ReadinessGate| {
        let condition = wire::condition(seen.wire.conditions.as_ref(), &gate.condition_type);
        !condition.is_some_and(wire::Condition::is_true)
    };
    if let Some(gate) = seen.readiness_gates.iter().find(is_shut) {
        return judged(Level::Wrong, format!("waits for readiness gate '{}'", gate.condition_type));
    }
    let said = [&unready.reason, &unready.message].map(|said| said.as_deref().unwrap_or_default());
    let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
    let why = if said.is_empty() { "is its node lost?".to_owned() } else { said.join(": ") };
    judged(Level::Wrong, format!("its containers are ready, it is not: {why}"))
}

/// Told even when it runs again.
fn last_oom(containers: &[Container]) -> Option<String> {
    let killed = |container: &&Container| container.last.as_ref().is_some_and(|end| end.reason == "OOMKilled");
    let container = containers.iter().filter(killed).max_by_key(|c| c.last.as_ref().and_then(|end| end.finished))?;
    let limit = container.memory_limit.map(|limit| format!(" at its limit of {}", memory_text(limit)));
    Some(format!("'{}' was OOMKilled{} before", container.name, limit.unwrap_or_default()))
}
