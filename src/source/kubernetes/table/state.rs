//! What objects say of themselves where their columns do not: that a rollout is paused or aborted, that an application's last
//! sync failed, that a Flux object is suspended or still at work, that a node is short of memory; and what pods and nodes
//! have to spend.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::bounds;
use crate::model::kubernetes::{resource::Resource, table::Bounds};

/// Title of the column.
pub const COLUMN: &str = "State";
const MAX_MESSAGE: usize = 120;

/// Kinds of which more is read than their columns: of the objects themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stated {
    /// `rollouts.argoproj.io`
    Rollout,
    /// `applications.argoproj.io`
    Application,
    /// `*.toolkit.fluxcd.io`
    Flux,
    Node,
    Pod,
}

impl Stated {
    pub fn of(resource: &Resource) -> Option<Self> {
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("argoproj.io", "rollouts") => Some(Self::Rollout),
            ("argoproj.io", "applications") => Some(Self::Application),
            (group, _) if group.ends_with(".toolkit.fluxcd.io") => Some(Self::Flux),
            ("", "nodes") => Some(Self::Node),
            ("", "pods") => Some(Self::Pod),
            _ => None,
        }
    }
}

/// Whatever other kinds have in its place counts as nothing.
pub fn if_readable<T: DeserializeOwned + Default>(raw: Option<&RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spec {
    suspend: bool,
    paused: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    phase: Option<String>,
    message: Option<String>,
    abort: bool,
    conditions: Option<Vec<Condition>>,
    health: Option<Part>,
    sync: Option<Part>,
    #[serde(rename = "operationState")]
    operation: Option<Part>,
}

/// Health, sync or last operation of an Application.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    status: Option<String>,
    phase: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

impl Stated {
    /// Whether there is a column of words for it; of pods their own columns say all.
    pub fn has_words(self) -> bool {
        self != Self::Pod
    }

    /// `Degraded: ProgressDeadlineExceeded: ...`; empty: it does not say.
    pub fn words(self, spec: Option<&RawValue>, status: Option<&RawValue>) -> String {
        match self {
            Self::Rollout => rollout(&if_readable(spec), &if_readable(status)),
            Self::Application => application(&if_readable(status)),
            Self::Flux => flux(&if_readable(spec), &if_readable(status)),
            Self::Node => pressures(&if_readable(status)),
            Self::Pod => String::new(),
        }
    }

    pub fn bounds(self, spec: Option<&RawValue>, status: Option<&RawValue>) -> Option<Bounds> {
        match self {
            Self::Pod => Some(bounds::of_pod(&if_readable(spec))),
            Self::Node => Some(bounds::of_node(&if_readable(status))),
            Self::Rollout | Self::Application | Self::Flux => None,
        }
    }
}

/// What is true of a node and should not be (`kubernetes.io/docs/reference/node/node-status`).
fn pressures(status: &Status) -> String {
    let bad = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
    let conditions = status.conditions.iter().flatten();
    let true_ones = conditions.filter(|it| it.status == "True" && bad.contains(&it.kind.as_str()));
    true_ones.map(|it| it.kind.as_str()).collect::<Vec<_>>().join(",")
}

/// `status.phase` of argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`.
fn rollout(spec: &Spec, status: &Status) -> String {
    let phase = match status.phase.as_deref().unwrap_or_default() {
        _ if status.abort => "Aborted",
        "" if spec.paused => "Paused",
        phase => phase,
    };
    with(phase, status.message.as_deref().filter(|_| phase != "Healthy"))
}

/// Health and sync, and why the last sync or the comparison with git failed (argo-cd `pkg/apis/application/v1alpha1/types.go`).
fn application(status: &Status) -> String {
    let word = |part: &Option<Part>| part.as_ref().and_then(|part| part.status.clone());
    let mut words: Vec<String> = [&status.health, &status.sync].into_iter().filter_map(word).collect();
    let failed = |operation: &&Part| matches!(operation.phase.as_deref(), Some("Failed" | "Error"));
    let mut says = None;
    if let Some(operation) = status.operation.as_ref().filter(failed) {
        words.push("sync: Failed".to_owned());
        says.clone_from(&operation.message);
    } else if let Some(error) = status.conditions.iter().flatten().find(|one| one.kind.ends_with("Error")) {
        words.push("Error".to_owned());
        says = Some(with(&error.kind, error.message.as_deref()));
    }
    with(&words.join(", "), says.as_deref())
}

/// Condition `Ready`, as all of Flux's kinds have it (fluxcd `apis/meta/conditions.go`).
fn flux(spec: &Spec, status: &Status) -> String {
    if spec.suspend {
        return "Suspended".to_owned();
    }
    let ready = status.conditions.iter().flatten().find(|condition| condition.kind == "Ready");
    let message = ready.and_then(|ready| ready.message.as_deref());
    match ready.map(|ready| (ready.status.as_str(), ready.reason.as_deref().unwrap_or_default())) {
        Some(("True", _)) => "Ready".to_owned(),
        Some(("False", reason)) => with("Failed", Some(&with(reason, message))),
        Some(_) => with("Progressing", message),
        None => String::new(),
    }
}

fn with(word: &str, message: Option<&str>) -> String {
    let Some(message) = message.map(str::trim).filter(|message| !message.is_empty()) else { return word.to_owned() };
    let first = message.lines().next().unwrap_or_default();
    let short: String = first.chars().take(MAX_MESSAGE).collect();
    if word.is_empty() { short } else { format!("{word}: {short}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, value::to_raw_value};

    use super::*;

    fn words(kind: Stated, object: &Value) -> String {
        let part = |name: &str| object.get(name).map(|part| to_raw_value(part).unwrap());
        kind.words(part("spec").as_deref(), part("status").as_deref())
    }

    #[test]
    fn each_kind_is_read_by_its_own_rule() {
        let ready = |status: &str, reason: &str, message: &str| {
            json!([{"type": "Healthy", "status": "True"},
                {"type": "Ready", "status": status, "reason": reason, "message": message}])
        };
        let application = |health: &str, sync: &str, more: Value| {
            let mut status = more;
            status["health"] = json!({ "status": health });
            status["sync"] = json!({ "status": sync });
            json!({ "status": status })
        };
        for (kind, object, expected) in [
            (Stated::Rollout, json!({"status": {"phase": "Healthy", "message": "x"}}), "Healthy"),
            (
                Stated::Rollout,
                json!({"status": {"phase": "Paused", "message": "CanaryPauseStep"}}),
                "Paused: CanaryPauseStep",
            ),
            (
                Stated::Rollout,
                json!({"status": {"phase": "Degraded", "abort": true, "message": "RolloutAborted: by hand\nmore"}}),
                "Aborted: RolloutAborted: by hand",
            ),
            (Stated::Rollout, json!({"spec": {"paused": true}}), "Paused"),
            (Stated::Rollout, json!({}), ""),
            (Stated::Application, application("Healthy", "Synced", json!({})), "Healthy, Synced"),
            (
                Stated::Application,
                application(
                    "Degraded",
                    "OutOfSync",
                    json!({"operationState": {"phase": "Failed", "message": "one or more objects failed to apply\nx"}}),
                ),
                "Degraded, OutOfSync, sync: Failed: one or more objects failed to apply",
            ),
            (
                Stated::Application,
                application(
                    "Healthy",
                    "Unknown",
                    json!({"conditions": [{"type": "ComparisonError", "message": "no such revision"}]}),
                ),
                "Healthy, Unknown, Error: ComparisonError: no such revision",
            ),
            (Stated::Application, json!({}), ""),
            (Stated::Flux, json!({"status": {"conditions": ready("True", "Succeeded", "Applied")}}), "Ready"),
            (
                Stated::Flux,
                json!({"status": {"conditions": ready("False", "BuildFailed", "no such file")}}),
                "Failed: BuildFailed: no such file",
            ),
            (Stated::Flux, json!({"status": {"conditions": ready("Unknown", "Progressing", "")}}), "Progressing"),
            (
                Stated::Flux,
                json!({"spec": {"suspend": true}, "status": {"conditions": ready("True", "", "")}}),
                "Suspended",
            ),
            (Stated::Flux, json!({"status": {"conditions": null}}), ""),
            (Stated::Flux, json!({"spec": ["odd"], "status": "odd"}), ""),
            (
                Stated::Node,
                json!({"status": {"conditions": [{"type": "Ready", "status": "True"},
                    {"type": "MemoryPressure", "status": "False"}, {"type": "DiskPressure", "status": "True"},
                    {"type": "PIDPressure", "status": "True"}]}}),
                "DiskPressure,PIDPressure",
            ),
        ] {
            assert_eq!(words(kind, &object), expected, "{object}");
        }
    }
}
