//! Pods. READY, STATUS and RESTARTS are computed as the server's printer does (`printPod` in kubernetes/kubernetes
//! `pkg/printers/internalversion/printers.go`, 1.37), because a watch does not carry them.

use jiff::{SignedDuration, Timestamp};

use super::{Rows, app, bounds, prose, quantity, time, why, wire};
use crate::{
    model::kubernetes::{Container, ContainerRole, ContainerState, Pod, Termination, table::Bounds},
    secret::mask,
    text::Clean,
    time::age_of,
};

/// RESTARTS as kubectl prints it: `7 (5m ago)`.
pub fn restarts_text(pod: &Pod, now: Timestamp) -> String {
    match pod.last_restart {
        Some(at) if pod.restarts != 0 => format!("{} ({} ago)", pod.restarts, age_of(at, now)),
        _ => pod.restarts.to_string(),
    }
}

pub(super) fn row(rows: &Rows, wire: wire::Pod) -> Pod {
    let wire::Pod { metadata: meta, spec, status } = wire;
    let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
    let printed = Printed::of(&meta, &spec, &status);
    let containers = containers(rows, &spec, &status);
    let ready = wire::condition(status.conditions.as_ref(), "Ready").filter(|ready| ready.is_true());
    let reason = status.reason.as_deref().filter(|reason| !reason.is_empty());
    let labels = meta.labels.unwrap_or_default();
    let deleted = time(meta.deletion_timestamp.as_ref());
    let grace = SignedDuration::from_secs(meta.deletion_grace_period_seconds.unwrap_or_default());
    let owner = rows.owner(meta.owner_references.as_ref());
    let finalizers = meta.finalizers.as_deref().unwrap_or_default();
    let judged = why::judge(&why::Seen {
        status: &printed.reason,
        wire: &status,
        gates: spec.scheduling_gates.as_deref().unwrap_or_default(),
        readiness_gates: spec.readiness_gates.as_deref().unwrap_or_default(),
        containers: &containers,
        deleting: meta.deletion_timestamp.is_some(),
        finalizers,
        has_owner: owner.is_some(),
        all_ready: printed.ready == printed.total,
    });
    Pod {
        key: rows.key(meta.namespace.as_deref().unwrap_or_default(), &meta.name),
        uid: Clean::line(meta.uid.as_deref().unwrap_or_default()),
        status: rows.name(&printed.reason),
        ready: printed.ready,
        total: printed.total,
        restarts: printed.restarts.count,
        last_restart: printed.restarts.last,
        created: time(meta.creation_timestamp.as_ref()),
        deleting_since: deleted.map(|at| at.checked_sub(grace).unwrap_or(at)),
        deleting_by: deleted,
        finalizers: finalizers.iter().map(|name| rows.name(name)).collect(),
        has_failed: status.phase.as_deref() == Some("Failed"),
        node: rows.some(spec.node_name.as_deref()),
        owner,
        hash: rows.some(
            (labels.template_hash.as_deref()).or(labels.rollout_hash.as_deref()).or(labels.revision_hash.as_deref()),
        ),
        is_ready: ready.is_some(),
        ready_since: ready.and_then(|ready| time(ready.last_transition_time.as_ref())),
        reason: reason.map(|reason| match status.message.as_deref() {
            Some(message) if !message.is_empty() => prose(&format!("{reason}: {message}")),
            _ => rows.name(reason),
        }),
        why: judged.why,
        level: judged.level,
        bounds: bounds_of(&spec),
        containers,
        default_container: rows.some(meta.annotations.as_ref().and_then(|all| all.default_container.as_deref())),
        app: rows.some(app(|label| match label {
            "app" => labels.app.as_deref(),
            "app.kubernetes.io/name" => labels.name.as_deref(),
            _ => labels.instance.as_deref(),
        })),
    }
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: u32,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &wire::ContainerStatus) {
        self.count = self.count.saturating_add(status.restart_count.unwrap_or_default());
        let ended = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
        self.last = self.last.max(ended.and_then(|ended| time(ended.finished_at.as_ref())));
    }
}

/// The columns of `kubectl get pods`.
#[derive(Default)]
struct Printed {
    reason: String,
    ready: u16,
    total: u16,
    restarts: Restarts,
}

impl Printed {
    fn of(meta: &wire::PodMeta, spec: &wire::PodSpec, status: &wire::PodStatus) -> Self {
        let phase = status.phase.as_deref().unwrap_or_default();
        let own_reason = status.reason.as_deref().unwrap_or_default();
        let conditions = status.conditions.as_ref();
        let mut printed = Self {
            reason: if own_reason.is_empty() { phase.to_owned() } else { own_reason.to_owned() },
            total: u16::try_from(
                spec.containers.iter().flatten().count()
                    + spec.init_containers.iter().flatten().filter(|init| init.is_sidecar()).count(),
            )
            .unwrap_or(u16::MAX),
            ..Self::default()
        };
        let gated = |condition: &wire::Condition| condition.reason.as_deref() == Some("SchedulingGated");
        if wire::condition(conditions, "PodScheduled").is_some_and(gated) {
            "SchedulingGated".clone_into(&mut printed.reason);
        }
        let (initializing, sidecars) = printed.walk_init(spec, status);
        if !initializing || wire::condition(conditions, "Initialized").is_some_and(wire::Condition::is_true) {
            printed.restarts = sidecars;
            printed.walk_main(status);
        }
        if meta.deletion_timestamp.is_some() {
            if own_reason == "NodeLost" {
                "Unknown".clone_into(&mut printed.reason);
            } else if !matches!(phase, "Succeeded" | "Failed") {
                "Terminating".clone_into(&mut printed.reason);
            }
        }
        printed
    }

    /// Whether an init container is not done, and the restarts of sidecars alone.
    fn walk_init(&mut self, spec: &wire::PodSpec, status: &wire::PodStatus) -> (bool, Restarts) {
        let specs: Vec<&wire::Container> = spec.init_containers.iter().flatten().collect();
        let mut sidecars = Restarts::default();
        for (index, container) in status.init_container_statuses.iter().flatten().enumerate() {
            let is_sidecar = specs.iter().any(|spec| spec.name == container.name && spec.is_sidecar());
            self.restarts.add(container);
            if is_sidecar {
                sidecars.add(container);
            }
            let state = container.state.as_ref();
            let terminated = state.and_then(|state| state.terminated.as_ref());
            let waits = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref()).unwrap_or_default();
            self.reason = match terminated {
                Some(end) if end.exit_code.unwrap_or_default() == 0 => continue,
                _ if is_sidecar && container.started == Some(true) => {
                    self.ready += u16::from(container.ready == Some(true));
                    continue;
                }
                Some(end) => format!("Init:{}", ended(end)),
                None if !waits.is_empty() && waits != "PodInitializing" => format!("Init:{waits}"),
                None => format!("Init:{index}/{}", specs.len()),
            };
            return (true, sidecars);
        }
        (false, sidecars)
    }

    fn walk_main(&mut self, status: &wire::PodStatus) {
        let (mut has_running, mut error_reason) = (false, None);
        for container in status.container_statuses.iter().flatten().rev() {
            self.restarts.add(container);
            let Some(state) = &container.state else { continue };
            let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref()).unwrap_or_default();
            if !waits.is_empty() {
                waits.clone_into(&mut self.reason);
            } else if let Some(end) = &state.terminated {
                self.reason = ended(end);
                if end.exit_code.unwrap_or_default() != 0 {
                    error_reason = Some(self.reason.clone());
                }
            } else if container.ready == Some(true) && state.running.is_some() {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            let ready = wire::condition(status.conditions.as_ref(), "Ready").is_some_and(wire::Condition::is_true);
            if has_running && ready {
                "Running".clone_into(&mut self.reason);
            } else if let Some(error) = error_reason {
                self.reason = error;
            } else if has_running {
                "NotReady".clone_into(&mut self.reason);
            }
        }
    }
}

/// Reason of an end: its own word, else signal, else exit code.
fn ended(end: &wire::Terminated) -> String {
    match (end.reason.as_deref().unwrap_or_default(), end.signal.unwrap_or_default()) {
        ("", 0) => format!("ExitCode:{}", end.exit_code.unwrap_or_default()),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// Main containers first, then init containers and sidecars, each in the order of the spec.
fn containers(rows: &Rows, spec: &wire::PodSpec, status: &wire::PodStatus) -> Box<[Container]> {
    let main = spec.containers.iter().flatten().map(|spec| {
        let status = status.container_statuses.iter().flatten().find(|status| status.name == spec.name);
        (ContainerRole::Main, spec, status)
    });
    let init = spec.init_containers.iter().flatten().map(|spec| {
        let status = status.init_container_statuses.iter().flatten().find(|status| status.name == spec.name);
        (if spec.is_sidecar() { ContainerRole::Sidecar } else { ContainerRole::Init }, spec, status)
    });
    main.chain(init).map(|(role, spec, status)| container(rows, role, spec, status)).collect()
}

pub(super) fn ephemeral(rows: &Rows, wire: &wire::Ephemeral) -> Box<[Container]> {
    let specs = wire.spec.as_ref().and_then(|spec| spec.ephemeral_containers.as_deref());
    let statuses = wire.status.as_ref().and_then(|status| status.ephemeral_container_statuses.as_deref());
    let of = |spec: &wire::Container| {
        let status = statuses.unwrap_or_default().iter().find(|status| status.name == spec.name);
        container(rows, ContainerRole::Ephemeral, spec, status)
    };
    specs.unwrap_or_default().iter().map(of).collect()
}

/// By what of it goes on as long as the pod lives.
fn bounds_of(spec: &wire::PodSpec) -> Bounds {
    let sidecars = spec.init_containers.iter().flatten().filter(|init| init.is_sidecar());
    let all = spec.containers.iter().flatten().chain(sidecars);
    bounds::of_pod(all.map(|container| container.resources.as_ref()), spec.resources.as_ref())
}

fn container(
    rows: &Rows,
    role: ContainerRole,
    spec: &wire::Container,
    status: Option<&wire::ContainerStatus>,
) -> Container {
    let image_id = status.and_then(|status| status.image_id.as_deref()).unwrap_or_default();
    let in_force = status.and_then(|status| status.resources.as_ref());
    Container {
        name: rows.name(&spec.name),
        role,
        image: rows.name(spec.image.as_deref().unwrap_or_default()),
        digest: image_id.rfind("sha256:").map(|at| rows.name(&image_id[at..])),
        instance: status.and_then(|status| status.container_id.as_deref()).filter(|id| !id.is_empty()).map(Clean::line),
        ready: status.is_some_and(|status| status.ready == Some(true)),
        restarts: status.and_then(|status| status.restart_count).unwrap_or_default(),
        state: state(rows, status.and_then(|status| status.state.as_ref())),
        last: status
            .and_then(|status| status.last_state.as_ref()?.terminated.as_ref())
            .map(|end| termination(rows, end)),
        memory_limit: memory_limit(in_force).or_else(|| memory_limit(spec.resources.as_ref())),
    }
}

pub(super) fn memory_limit(resources: Option<&bounds::Resources>) -> Option<u64> {
    quantity::parse_bytes(&resources?.limits.as_ref()?.memory.as_ref()?.to_string())
}

fn state(rows: &Rows, state: Option<&wire::State>) -> ContainerState {
    let Some(state) = state else { return ContainerState::Unknown };
    if let Some(end) = &state.terminated {
        ContainerState::Terminated(termination(rows, end))
    } else if let Some(waiting) = &state.waiting {
        ContainerState::Waiting {
            reason: rows.name(waiting.reason.as_deref().unwrap_or_default()),
            message: prose(waiting.message.as_deref().unwrap_or_default()),
        }
    } else if let Some(running) = &state.running {
        ContainerState::Running { since: time(running.started_at.as_ref()) }
    } else {
        ContainerState::Unknown
    }
}

fn termination(rows: &Rows, end: &wire::Terminated) -> Termination {
    Termination {
        reason: rows.name(end.reason.as_deref().unwrap_or_default()),
        exit_code: end.exit_code.unwrap_or_default(),
        signal: end.signal.filter(|signal| *signal != 0),
        message: end.message.as_deref().map(str::trim).filter(|message| !message.is_empty()).map(last_line),
        started: time(end.started_at.as_ref()),
        finished: time(end.finished_at.as_ref()),
    }
}

/// A termination message may be the log's tail: its last line tells most. What is masked may go over several.
fn last_line(message: &str) -> Clean {
    let message = mask(message);
    Clean::line(message.lines().next_back().unwrap_or(&message))
}
