//! The API's shapes (core/v1, apps/v1), as far as they are read. Every field may be absent or null.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::bounds::Resources;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    pub metadata: PodMeta,
    pub spec: Option<PodSpec>,
    pub status: Option<PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodMeta {
    pub name: String,
    pub namespace: Option<String>,
    pub uid: Option<String>,
    pub creation_timestamp: Option<String>,
    pub deletion_timestamp: Option<String>,
    pub deletion_grace_period_seconds: Option<i64>,
    pub finalizers: Option<Vec<String>>,
    pub labels: Option<PodLabels>,
    pub annotations: Option<PodAnnotations>,
    pub owner_references: Option<Vec<OwnerReference>>,
}

/// Nothing else of them is held: they may be large.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodAnnotations {
    #[serde(rename = "kubectl.kubernetes.io/default-container")]
    pub default_container: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodLabels {
    #[serde(rename = "pod-template-hash")]
    pub template_hash: Option<String>,
    #[serde(rename = "rollouts-pod-template-hash")]
    pub rollout_hash: Option<String>,
    #[serde(rename = "controller-revision-hash")]
    pub revision_hash: Option<String>,
    pub app: Option<String>,
    #[serde(rename = "app.kubernetes.io/name")]
    pub name: Option<String>,
    #[serde(rename = "app.kubernetes.io/instance")]
    pub instance: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub controller: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    pub node_name: Option<String>,
    pub containers: Option<Vec<Container>>,
    pub init_containers: Option<Vec<Container>>,
    pub scheduling_gates: Option<Vec<Gate>>,
    /// Of the pod as a whole, where it says so.
    pub resources: Option<Resources>,
    pub readiness_gates: Option<Vec<ReadinessGate>>,
}

/// A condition that somebody else sets; the pod is not ready before.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReadinessGate {
    pub condition_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Gate {
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: Option<String>,
    pub restart_policy: Option<String>,
    pub resources: Option<Resources>,
}

impl Container {
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

/// A `Quantity` or an `IntOrString`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum TextOrNumber {
    Text(String),
    Number(serde_json::Number),
}

impl std::fmt::Display for TextOrNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    pub phase: Option<String>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub conditions: Option<Vec<Condition>>,
    pub init_container_statuses: Option<Vec<ContainerStatus>>,
    pub container_statuses: Option<Vec<ContainerStatus>>,
}

/// A Pod, as far as its ephemeral containers go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ephemeral {
    pub spec: Option<EphemeralSpec>,
    pub status: Option<EphemeralStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EphemeralSpec {
    pub ephemeral_containers: Option<Vec<Container>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EphemeralStatus {
    pub ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: Option<String>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub last_transition_time: Option<String>,
    pub last_update_time: Option<String>,
}

impl Condition {
    pub fn is_true(&self) -> bool {
        self.status.as_deref() == Some("True")
    }
}

/// The condition of a type.
pub fn condition<'a>(conditions: Option<&'a Vec<Condition>>, kind: &str) -> Option<&'a Condition> {
    conditions?.iter().find(|condition| condition.kind == kind)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    pub name: String,
    pub ready: Option<bool>,
    pub started: Option<bool>,
    pub restart_count: Option<u32>,
    #[serde(rename = "imageID")]
    pub image_id: Option<String>,
    #[serde(rename = "containerID")]
    pub container_id: Option<String>,
    pub state: Option<State>,
    pub last_state: Option<State>,
    /// Limits in force after a resize in place.
    pub resources: Option<Resources>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    pub waiting: Option<Waiting>,
    pub running: Option<Running>,
    pub terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    pub reason: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Running {
    pub started_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    pub reason: Option<String>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub message: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

/// Deployment, StatefulSet, DaemonSet, Rollout, ReplicaSet: the union of their fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Workload {
    pub metadata: Meta,
    pub spec: Option<WorkloadSpec>,
    pub status: Option<WorkloadStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    pub name: String,
    pub namespace: Option<String>,
    pub uid: Option<String>,
    pub generation: Option<i64>,
    pub creation_timestamp: Option<String>,
    pub labels: Option<BTreeMap<String, String>>,
    pub annotations: Option<BTreeMap<String, String>>,
    pub owner_references: Option<Vec<OwnerReference>>,
    pub managed_fields: Option<Vec<ManagedFields>>,
}

impl Meta {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }

    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagedFields {
    pub manager: Option<String>,
    pub subresource: Option<String>,
    pub time: Option<String>,
    pub fields_v1: Option<Fields>,
}

/// Only whether the pod template is among the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    #[serde(rename = "f:spec")]
    pub spec: Option<SpecFields>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SpecFields {
    #[serde(rename = "f:template")]
    pub template: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSpec {
    pub replicas: Option<u32>,
    pub paused: Option<bool>,
    pub progress_deadline_seconds: Option<u32>,
    pub selector: Option<Selector>,
    pub strategy: Option<Strategy>,
    pub update_strategy: Option<Strategy>,
    pub template: Option<Template>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Selector {
    pub match_labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RollingUpdate {
    pub max_unavailable: Option<TextOrNumber>,
    pub partition: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    pub spec: Option<PodSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// A Rollout's is a text.
    pub observed_generation: Option<TextOrNumber>,
    pub replicas: Option<u32>,
    pub ready_replicas: Option<u32>,
    pub updated_replicas: Option<u32>,
    pub available_replicas: Option<u32>,
    pub current_replicas: Option<u32>,
    pub current_revision: Option<String>,
    pub update_revision: Option<String>,
    pub desired_number_scheduled: Option<u32>,
    pub current_number_scheduled: Option<u32>,
    pub updated_number_scheduled: Option<u32>,
    pub number_ready: Option<u32>,
    pub number_available: Option<u32>,
    pub conditions: Option<Vec<Condition>>,
    /// Of a Rollout.
    pub phase: Option<String>,
    pub message: Option<String>,
    #[serde(rename = "currentPodHash")]
    pub current_pod_hash: Option<String>,
    #[serde(rename = "stableRS")]
    pub stable_set: Option<String>,
}

impl WorkloadStatus {
    /// Nought where it is absent, or no number.
    pub fn observed(&self) -> i64 {
        self.observed_generation.as_ref().and_then(|number| number.to_string().parse().ok()).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    pub metadata: PodMeta,
    pub involved_object: Option<Involved>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub source: Option<EventSource>,
    pub first_timestamp: Option<String>,
    pub last_timestamp: Option<String>,
    #[serde(rename = "eventTime")]
    pub at: Option<String>,
    pub count: Option<u32>,
    pub series: Option<Series>,
    pub reporting_component: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Involved {
    pub kind: Option<String>,
    pub name: Option<String>,
    pub uid: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EventSource {
    pub component: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Series {
    pub count: Option<u32>,
    pub last_observed_time: Option<String>,
}
