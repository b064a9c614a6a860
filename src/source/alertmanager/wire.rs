//! Alertmanager's JSON (`api/v2/openapi.yaml`), every field optional, and its meaning in our nouns.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    model::{
        BackendId, Name,
        alert::{self, AlertKey, AlertState, Matcher, SilenceKey},
    },
    source::severity::{Severities, is_watchdog},
    text::Clean,
};

type Labels = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
pub struct Alert {
    fingerprint: Option<String>,
    labels: Labels,
    annotations: Labels,
    starts_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
    receivers: Vec<Receiver>,
    status: AlertStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Receiver {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AlertStatus {
    state: Option<String>,
    silenced_by: Option<Vec<String>>,
    inhibited_by: Option<Vec<String>>,
    muted_by: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Group {
    labels: Labels,
    receiver: Receiver,
    alerts: Vec<Member>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Member {
    fingerprint: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Silence {
    id: Option<String>,
    status: SilenceStatus,
    matchers: Vec<WireMatcher>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SilenceStatus {
    state: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    /// Absent: true.
    is_equal: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    pub cluster: Option<Cluster>,
    pub version_info: Option<VersionInfo>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Cluster {
    pub status: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct VersionInfo {
    pub version: Option<String>,
}

impl AlertStatus {
    /// `suppressed` alone does not say why: look at which list is filled.
    fn model(&self) -> AlertState {
        let filled = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if filled(&self.silenced_by) {
            return AlertState::Silenced;
        }
        if filled(&self.inhibited_by) {
            return AlertState::Inhibited;
        }
        if filled(&self.muted_by) {
            return AlertState::Muted;
        }
        match self.state.as_deref() {
            // Not yet through the routing: it fires all the same.
            Some("active" | "unprocessed") | None => AlertState::Firing,
            Some(other) => AlertState::Other(Clean::line(other)),
        }
    }
}

impl Alert {
    pub fn into_model(self, backend: &BackendId, severities: &Severities) -> alert::Alert {
        let name = self.labels.get("alertname").map_or("(without a name)", String::as_str);
        let fingerprint = self.fingerprint.clone().unwrap_or_else(|| {
            self.labels.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(",")
        });
        alert::Alert {
            key: AlertKey { backend: backend.clone(), fingerprint: Clean::line(&fingerprint) },
            name: Clean::line(name),
            state: self.status.model(),
            priority: severities.priority(|label| self.labels.get(label).map(String::as_str)),
            starts: time(self.starts_at.as_deref()),
            active_since: None,
            receivers: self.receivers.into_iter().filter_map(|receiver| receiver.name).map(Clean::from).collect(),
            silenced_by: self.status.silenced_by.iter().flatten().map(|id| Clean::line(id)).collect(),
            generator_url: self.generator_url.filter(|url| !url.is_empty()).map(Clean::from),
            value: None,
            rule: None,
            is_watchdog: is_watchdog(name),
            labels: pairs(&self.labels),
            annotations: pairs(&self.annotations),
        }
    }
}

impl Group {
    pub fn into_model(self, backend: &BackendId) -> alert::AlertGroup {
        alert::AlertGroup {
            backend: backend.clone(),
            labels: pairs(&self.labels),
            receiver: self.receiver.name.map(Clean::from).unwrap_or_default(),
            alerts: self.alerts.into_iter().filter_map(|alert| alert.fingerprint).map(Clean::from).collect(),
        }
    }
}

impl Silence {
    /// `None` without an id or times: it cannot be shown or expired.
    pub fn into_model(self, backend: &BackendId) -> Option<alert::Silence> {
        Some(alert::Silence {
            key: SilenceKey { backend: backend.clone(), id: Clean::from(self.id?) },
            matchers: self.matchers.into_iter().map(WireMatcher::into_model).collect(),
            starts: time(self.starts_at.as_deref())?,
            ends: time(self.ends_at.as_deref())?,
            created_by: self.created_by.map(Clean::from).unwrap_or_default(),
            comment: Clean::block(&self.comment.unwrap_or_default()),
            state: self.status.state.map_or_else(|| Clean::own("active"), Clean::from),
        })
    }
}

impl WireMatcher {
    fn into_model(self) -> Matcher {
        Matcher {
            name: Clean::from(self.name),
            value: Clean::from(self.value),
            is_regex: self.is_regex,
            is_equal: self.is_equal.unwrap_or(true),
        }
    }
}

/// Sorted by name, as the map is.
pub fn pairs(labels: &Labels) -> Box<[(Name, Clean)]> {
    labels.iter().map(|(name, value)| (Clean::line(name), Clean::block(value))).collect()
}

/// RFC 3339; Go's zero time (`0001-01-01`) is no time.
pub fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|time: &Timestamp| time.as_second() > 0)
}
