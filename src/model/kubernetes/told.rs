//! What a pod's events tell of it that its status does not: which probe fails and how, why its volumes or its network are
//! not there.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Container, ContainerRole, ContainerState, Event, Pod, Termination};
use crate::{model::Level, text::Clean};

/// What the kubelet cannot make before a container starts.
const UNMADE: [&str; 5] =
    ["FailedMount", "FailedMapVolume", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedPrepareDynamicResources"];
/// What a status says of the only container of a pod: a probe that is told says more.
pub const UNREADY: &str = "runs but is not ready";
/// Says only that a volume is missing; another event says why.
const VAGUE: &str = "Unable to attach or mount volumes";

/// How bad the pod is and why, its events heard; `None`: they say no more than its status.
pub fn told(pod: &Pod, events: &[&Event]) -> Option<(Level, Clean)> {
    if matches!(pod.level, Level::Ok | Level::Unknown) || pod.deleting_since.is_some() {
        return None;
    }
    if let Some(unready) = unready(pod) {
        let probe = probe(events, started(unready), &["Readiness", "Startup", "Liveness"])?;
        let own = if pod.why == *UNREADY { "" } else { &pod.why };
        return Some((pod.level, joined(&probe, own)));
    }
    if let Some(last) = killed(pod) {
        let probe = probe(events, last.started, &["Liveness", "Startup"])?;
        return Some((pod.level, joined(&pod.why, &probe)));
    }
    if !is_starting(pod) {
        return None;
    }
    let unmade = events.iter().filter(|event| UNMADE.iter().any(|reason| event.reason == *reason));
    let newest = unmade.max_by_key(|event| (!event.message.starts_with(VAGUE), event.last))?;
    Some((Level::Wrong, Clean::line(&unmade_words(&newest.message))))
}

/// What an event says, in few words: how a probe failed, else its message without the reason (`Back-off restarting …`) and
/// without the pod, which several have.
pub fn said(event: &Event) -> Cow<'_, str> {
    let probe = || probe_words(&event.message, &["Readiness", "Startup", "Liveness"]);
    if let Some(words) = (event.reason == "Unhealthy").then(probe).flatten() {
        return Cow::Owned(words);
    }
    let message = event.message.split(" in pod ").next().unwrap_or_default();
    let is_reason = |word: &str| word.replace('-', "").eq_ignore_ascii_case(&event.reason);
    // `Failed to pull …` is one phrase: its verb alone would say nothing.
    let apart = message.split_once(' ').filter(|(word, rest)| is_reason(word) && !rest.starts_with("to "));
    Cow::Borrowed(apart.map_or(message, |(_, rest)| rest))
}

/// Whether a kubelet only says again how a container waits: why its image cannot be pulled stands in another event of the
/// same reason (kubernetes `pkg/kubelet/kuberuntime/kuberuntime_container.go`: `Error: ImagePullBackOff`).
pub fn is_echo(event: &Event) -> bool {
    event.reason == "Failed" && matches!(event.message.as_str(), "Error: ErrImagePull" | "Error: ImagePullBackOff")
}

/// A kubelet's message without the pod and its uid (` in pod web-1_shop(7716610d-…)`, ` pod=web-1_shop(…)`), for where it
/// stands beside its pod.
pub fn without_pod(message: &str) -> Cow<'_, str> {
    let named = [" in pod ", " pod="].into_iter().find_map(|mark| {
        let at = message.find(mark)?;
        let from = at + mark.len();
        let end = from + message[from..].find(')')? + 1;
        let name = &message[from..end];
        (name.contains('_') && name.contains('(') && !name.contains(' ')).then_some((at, end))
    });
    named.map_or(Cow::Borrowed(message), |(at, end)| Cow::Owned([&message[..at], &message[end..]].concat()))
}

fn joined(one: &str, other: &str) -> Clean {
    let parts: Vec<&str> = [one, other].into_iter().filter(|part| !part.is_empty()).collect();
    Clean::line(&parts.join("; "))
}

/// The first container that runs and is not ready.
fn unready(pod: &Pod) -> Option<&Container> {
    pod.containers.iter().find(|container| {
        let runs = matches!(container.state, ContainerState::Running { .. });
        runs && container.role != ContainerRole::Init && !container.ready
    })
}

fn started(container: &Container) -> Option<Timestamp> {
    match container.state {
        ContainerState::Running { since } => since,
        _ => None,
    }
}

/// The end of a container that is killed again and again, by whom its status does not say.
fn killed(pod: &Pod) -> Option<&Termination> {
    pod.containers.iter().find_map(|container| match &container.state {
        ContainerState::Waiting { reason, .. } if reason == "CrashLoopBackOff" => {
            container.last.as_ref().filter(|end| matches!(end.exit_code, 137 | 143) && end.reason != "OOMKilled")
        }
        _ => None,
    })
}

fn is_starting(pod: &Pod) -> bool {
    let waits =
        |container: &Container| matches!(container.state, ContainerState::Waiting { .. } | ContainerState::Unknown);
    pod.level == Level::Progress && pod.containers.iter().all(waits)
}

/// `readiness: HTTP 503`, of the newest probe of these kinds that failed since then.
fn probe(events: &[&Event], since: Option<Timestamp>, kinds: &[&str]) -> Option<String> {
    let failed = events.iter().filter(|event| event.reason == "Unhealthy" && event.last >= since);
    let words = failed.filter_map(|event| Some((event.last, probe_words(&event.message, kinds)?)));
    words.max_by_key(|(last, _)| *last).map(|(_, words)| words)
}

/// The kubelet's words (kubernetes `pkg/kubelet/prober/prober.go`): `Readiness probe failed: HTTP probe failed with …`.
fn probe_words(message: &str, kinds: &[&str]) -> Option<String> {
    let (kind, rest) = message.split_once(" probe ")?;
    let outcomes = ["failed:", "errored and resulted in unknown state:", "errored:"];
    let failure = outcomes.into_iter().find_map(|outcome| rest.strip_prefix(outcome))?.trim();
    kinds.contains(&kind).then(|| format!("{}: {}", kind.to_lowercase(), failure_words(failure)))
}

fn failure_words(failure: &str) -> String {
    if let Some(code) = failure.strip_prefix("HTTP probe failed with statuscode: ") {
        return format!("HTTP {code}");
    }
    if let Some((_, why)) = failure.rsplit_once("connect: ") {
        return why.to_owned();
    }
    if failure.contains("Client.Timeout exceeded") || failure.contains("context deadline exceeded") {
        return "no answer in time".to_owned();
    }
    if failure.is_empty() { "failed".to_owned() } else { without_rpc(failure) }
}

fn unmade_words(message: &str) -> String {
    let message = without_rpc(message);
    // `MountVolume.SetUp failed for volume "config" : configmap "app" not found`
    if let Some((_, rest)) = message.split_once(" failed for volume ") {
        return format!("volume {}", rest.replacen("\" : ", "\": ", 1));
    }
    match message.strip_prefix("Failed to create pod sandbox: ") {
        Some(why) => format!("no sandbox: {why}"),
        None => message,
    }
}

/// `rpc error: code = Unknown desc = failed …` → `failed …`
fn without_rpc(message: &str) -> String {
    let Some((before, rest)) = message.split_once("rpc error: code = ") else { return message.to_owned() };
    match rest.split_once(" desc = ") {
        Some((_, why)) => format!("{before}{why}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{at, event, pod, running};

    fn unhealthy(last: &str, message: &str) -> Event {
        event("p", "Pod", "Unhealthy", 3, last, message)
    }

    fn not_ready() -> Pod {
        let containers = Box::new([Container { ready: false, ..running("app") }]);
        let why = "'app' runs but is not ready".into();
        Pod { containers, level: Level::Wrong, why, ..pod("web-1", "a", None) }
    }

    fn waiting(reason: &str, last: Option<Termination>) -> Container {
        let state = ContainerState::Waiting { reason: reason.into(), message: Clean::default() };
        Container { ready: false, state, last, ..running("app") }
    }

    fn end(reason: &str, exit_code: i32) -> Termination {
        let (started, finished) = (Some(at("03:00")), Some(at("03:02")));
        Termination { reason: reason.into(), exit_code, signal: None, message: None, started, finished }
    }

    fn why(pod: &Pod, events: &[Event]) -> Option<(Level, String)> {
        let events: Vec<&Event> = events.iter().collect();
        told(pod, &events).map(|(level, why)| (level, why.to_string()))
    }

    #[test]
    fn a_failed_probe_is_told_in_few_words() {
        for (message, words) in [
            ("Readiness probe failed: HTTP probe failed with statuscode: 503", "readiness: HTTP 503"),
            (
                "Readiness probe failed: Get \"http://10.1.2.3:8080/ready\": dial tcp 10.1.2.3:8080: connect: connection refused",
                "readiness: connection refused",
            ),
            (
                "Liveness probe failed: Get \"http://10.1.2.3:8080/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                "liveness: no answer in time",
            ),
            ("Startup probe failed: cat: /tmp/ready: No such file", "startup: cat: /tmp/ready: No such file"),
            (
                "Readiness probe errored: rpc error: code = NotFound desc = failed to exec in container",
                "readiness: failed to exec in container",
            ),
            ("Readiness probe failed:", "readiness: failed"),
        ] {
            let told = why(&not_ready(), &[unhealthy("03:00", message)]);
            assert_eq!(told, Some((Level::Wrong, format!("{words}; 'app' runs but is not ready"))), "{message}");
        }
        assert_eq!(why(&not_ready(), &[unhealthy("03:00", "something else")]), None);
    }

    #[test]
    fn a_message_beside_its_pod_does_not_name_it() {
        for (message, expected) in [
            (
                "Back-off restarting failed container app in pod web-1_shop(7716610d-a1ad)",
                "Back-off restarting failed container app",
            ),
            (
                "back-off 5m0s restarting failed container=app pod=web-1_shop(7716610d-a1ad)",
                "back-off 5m0s restarting failed container=app",
            ),
            ("Error in pod start (timeout)", "Error in pod start (timeout)"),
        ] {
            assert_eq!(without_pod(message), expected);
        }
    }

    #[test]
    fn an_event_is_said_in_few_words() {
        let words = |reason: &str, message: &str| said(&event("p", "Pod", reason, 1, "03:00", message)).into_owned();
        let failed = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        assert_eq!(words("Unhealthy", failed), "readiness: HTTP 503");
        assert_eq!(words("ProbeWarning", failed), failed);
        let again = "Back-off restarting failed container app in pod web-1_shop(8c1f)";
        assert_eq!(words("BackOff", again), "restarting failed container app");
        assert_eq!(words("FailedMount", "no volume"), "no volume");
        assert_eq!(words("Failed", "Failed to pull image \"a\""), "Failed to pull image \"a\"");
        let is_echo = |reason, message| is_echo(&event("p", "Pod", reason, 1, "03:00", message));
        assert!(is_echo("Failed", "Error: ImagePullBackOff") && is_echo("Failed", "Error: ErrImagePull"));
        assert!(!is_echo("Failed", "Failed to pull image \"a\": not found") && !is_echo("Failed", "Error: no config"));
    }

    #[test]
    fn the_newest_probe_since_the_start_counts() {
        let (one, two) = ("Readiness probe failed: one", "Readiness probe failed: two");
        let told = why(&not_ready(), &[unhealthy("03:01", two), unhealthy("03:00", one)]).expect("told").1;
        assert_eq!(told, "readiness: two; 'app' runs but is not ready");
        assert_eq!(why(&not_ready(), &[unhealthy("02:50", one)]), None, "that was the container before");
        let fine = pod("web-1", "a", None);
        assert_eq!(why(&fine, &[unhealthy("03:00", one)]), None, "it has passed since");
        let ending = Pod { deleting_since: Some(at("03:00")), ..not_ready() };
        assert_eq!(why(&ending, &[unhealthy("03:00", one)]), None, "who ends need not be ready");
    }

    #[test]
    fn what_kills_a_container_again_and_again_is_told_after_its_end() {
        let looping = |last: Termination| Pod {
            containers: Box::new([waiting("CrashLoopBackOff", Some(last))]),
            why: "exit 137, killed".into(),
            level: Level::Broken,
            ..pod("web-1", "a", None)
        };
        let events = [
            unhealthy("03:02", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
            unhealthy("03:03", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        ];
        let told = why(&looping(end("Error", 137)), &events);
        assert_eq!(told, Some((Level::Broken, "exit 137, killed; liveness: HTTP 500".to_owned())));
        assert_eq!(why(&looping(end("OOMKilled", 137)), &events), None, "the kernel killed it");
        assert_eq!(why(&looping(end("Error", 1)), &events), None, "it ended by itself");
    }

    #[test]
    fn a_pod_that_does_not_start_says_what_is_not_there() {
        let starting = Pod {
            containers: Box::new([waiting("ContainerCreating", None)]),
            level: Level::Progress,
            ..pod("web-1", "a", None)
        };
        for (reason, message, words) in [
            (
                "FailedMount",
                "MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found",
                "volume \"config\": configmap \"app-config\" not found",
            ),
            (
                "FailedAttachVolume",
                "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) db-0",
                "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) db-0",
            ),
            (
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network: no IP left",
                "no sandbox: failed to setup network: no IP left",
            ),
        ] {
            let vague = "Unable to attach or mount volumes: unmounted volumes=[config]: timed out";
            let events =
                [event("p", "Pod", reason, 2, "03:00", message), event("p", "Pod", "FailedMount", 2, "03:05", vague)];
            assert_eq!(why(&starting, &events), Some((Level::Wrong, words.to_owned())));
        }
        assert_eq!(why(&starting, &[event("p", "Pod", "Pulling", 1, "03:00", "pulling")]), None);
        let runs = Pod { containers: Box::new([running("app"), waiting("PodInitializing", None)]), ..starting };
        assert_eq!(why(&runs, &[event("p", "Pod", "FailedMount", 1, "03:00", "old")]), None, "its volumes came");
    }
}
