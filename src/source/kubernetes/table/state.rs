//! What the kinds of Argo Rollouts and Flux say of themselves in their status, where their own columns do not: that a rollout
//! is paused or aborted, that a Flux object is suspended or still at work.

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
    /// `*.toolkit.fluxcd.io`
    Flux,
}

impl Stated {
    pub fn of(resource: &Resource) -> Option<Self> {
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("argoproj.io", "rollouts") => Some(Self::Rollout),
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
