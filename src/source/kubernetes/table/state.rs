//! What the kinds of Argo and Flux say of themselves in their status, where their own columns do not: that a rollout is paused
//! or aborted, that an application's last sync failed, that a Flux object is suspended or still at work.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::model::kubernetes::resource::Resource;

/// Title of the column.
pub const COLUMN: &str = "State";
const MAX_MESSAGE: usize = 120;

/// Kinds whose state is read of the objects themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stated {
    /// `rollouts.argoproj.io`
    Rollout,
    /// `applications.argoproj.io`
    Application,
    /// `*.toolkit.fluxcd.io`
    Flux,
}

impl Stated {
    pub fn of(resource: &Resource) -> Option<Self> {
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("argoproj.io", "rollouts") => Some(Self::Rollout),
            ("argoproj.io", "applications") => Some(Self::Application),
            (group, _) if group.ends_with(".toolkit.fluxcd.io") => Some(Self::Flux),
            _ => None,
        }
    }
}

/// Whatever other kinds have in its place counts as nothing.
pub fn if_readable<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Value::deserialize(from).map(|value| serde_json::from_value(value).unwrap_or_default())
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
    /// `Degraded: ProgressDeadlineExceeded: ...`; empty: it does not say.
    pub fn words(self, spec: &Spec, status: &Status) -> String {
        match self {
            Self::Rollout => rollout(spec, status),
            Self::Application => application(status),
            Self::Flux => flux(spec, status),
        }
    }
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
    use serde_json::json;

    use super::*;

    fn words(kind: Stated, object: &Value) -> String {
        let part = |name: &str| object.get(name).cloned().unwrap_or_default();
        kind.words(&if_readable(part("spec")).unwrap(), &if_readable(part("status")).unwrap())
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
        ] {
            assert_eq!(words(kind, &object), expected, "{object}");
        }
    }
}
