//! Grafana-managed alerts: its rules in Prometheus' shape, with Grafana's own states.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    model::{
        BackendId, Name,
        alert::{Alert, AlertKey, AlertState},
    },
    source::severity::{Severities, is_watchdog},
    text::Clean,
};

/// `GET /api/prometheus/grafana/api/v1/rules`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Rules {
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    groups: Vec<Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    /// The folder's title.
    file: Option<String>,
    rules: Vec<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    uid: Option<String>,
    name: Option<String>,
    health: Option<String>,
    last_error: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    alerts: Option<Vec<Instance>>,
    is_paused: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Instance {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    state: Option<String>,
    active_at: Option<String>,
    value: Option<String>,
}

impl Rules {
    /// Everything that is not normal. `server`: base of links.
    pub fn alerts(self, backend: &BackendId, severities: &Severities, server: &str) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = Vec::new();
        for group in self.data.groups {
            for rule in group.rules {
                alerts.extend(rule.alerts(group.file.as_deref(), backend, severities, server));
            }
        }
        alerts.sort_by(|a, b| a.key.cmp(&b.key));
        alerts.dedup_by(|a, b| a.key == b.key);
        alerts
    }
}

impl Rule {
    fn alerts(
        mut self,
        folder: Option<&str>,
        backend: &BackendId,
        severities: &Severities,
        server: &str,
    ) -> Vec<Alert> {
        let instances = self.alerts.take().unwrap_or_default();
        let mut alerts: Vec<Alert> = instances
            .into_iter()
            .filter_map(|instance| self.alert(instance, folder, backend, severities, server))
            .collect();
        // A rule that cannot be evaluated watches nothing: that is an alert of its own.
        if alerts.is_empty() && self.health.as_deref() == Some("error") && self.is_paused != Some(true) {
            let mut annotations = self.annotations.clone().unwrap_or_default();
            if let Some(error) = &self.last_error {
                annotations.insert("summary".to_owned(), format!("the rule cannot be evaluated: {error}"));
            }
            let instance = Instance {
                labels: self.labels.clone().unwrap_or_default(),
                annotations,
                state: Some("Error".to_owned()),
                ..Instance::default()
            };
            alerts.extend(self.alert(instance, folder, backend, severities, server));
        }
        alerts
    }

    fn alert(
        &self,
        instance: Instance,
        folder: Option<&str>,
        backend: &BackendId,
        severities: &Severities,
        server: &str,
    ) -> Option<Alert> {
        let state = state(instance.state.as_deref().unwrap_or_default())?;
        let uid = self.uid.as_deref().unwrap_or_default();
        let mut labels = instance.labels;
        if let Some(folder) = folder {
            labels.entry("grafana_folder".to_owned()).or_insert_with(|| folder.to_owned());
        }
        let name = labels.get("alertname").or(self.name.as_ref()).cloned().unwrap_or_else(|| uid.to_owned());
        let active = instance.active_at.and_then(|at| at.parse::<Timestamp>().ok()).filter(|at| at.as_second() > 0);
        Some(Alert {
            key: AlertKey { backend: backend.clone(), fingerprint: fingerprint(uid, &labels) },
            priority: severities.priority(|label| labels.get(label).map(String::as_str)),
            is_watchdog: is_watchdog(&name),
            name: Clean::line(&name),
            starts: active,
            active_since: active,
            receivers: Box::default(),
            silenced_by: Box::default(),
            generator_url: (!uid.is_empty()).then(|| Clean::line(&format!("{server}/alerting/grafana/{uid}/view"))),
            value: instance.value.filter(|value| !value.is_empty()).map(Clean::from),
            rule: None,
            labels: pairs(&labels),
            annotations: pairs(&instance.annotations),
            state,
        })
    }
}

/// `Alerting`, `Alerting (NoData)`, …; `None`: normal.
fn state(text: &str) -> Option<AlertState> {
    let (word, reason) = match text.split_once(" (") {
        Some((word, reason)) => (word, Some(reason.trim_end_matches(')'))),
        None => (text, None),
    };
    match word.to_ascii_lowercase().as_str() {
        "normal" | "inactive" | "" => None,
        // Recovering: true until its keep-firing time is over.
        "alerting" | "firing" | "recovering" => match reason {
            // It fires because there is no data, not because a value is wrong.
            Some(reason @ ("NoData" | "Error")) => Some(AlertState::Other(Clean::line(reason))),
            _ => Some(AlertState::Firing),
        },
        "pending" => Some(AlertState::Pending),
        _ => Some(AlertState::Other(Clean::line(text))),
    }
}

/// The rules say none: FNV-1a over rule and labels, the same in every run.
fn fingerprint(uid: &str, labels: &BTreeMap<String, String>) -> Name {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let pieces = std::iter::once(uid).chain(labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    for byte in pieces.flat_map(|piece| piece.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Clean::own(format!("{hash:016x}"))
}

fn pairs(labels: &BTreeMap<String, String>) -> Box<[(Name, Clean)]> {
    labels
        .iter()
        .filter(|(name, _)| !name.starts_with("__"))
        .map(|(name, value)| (Clean::line(name), Clean::block(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Priority;
    use serde_json::json;

    #[test]
    fn instances_that_are_not_normal() {
        let instance = |state: &str, pod: &str| {
            json!({"labels": {"alertname": "High", "severity": "critical", "pod": pod}, "annotations": {"summary": "s"},
                   "state": state, "activeAt": "2026-11-21T02:00:00Z", "value": "1e+00"})
        };
        let rules: Rules = serde_json::from_value(json!({"status": "success", "data": {"groups": [
        {"name": "g", "file": "Shop", "rules": [
            {"uid": "u1", "name": "High", "type": "alerting", "health": "ok", "alerts": [
                instance("Alerting", "a"), instance("Pending", "b"), instance("Normal", "c"),
                instance("Normal (MissingSeries)", "d"), instance("NoData", "e"), instance("Alerting (NoData)", "f"),
                instance("Recovering", "g")]},
            {"uid": "u2", "name": "Blind", "health": "error", "lastError": "no such host", "labels": {"team": "x"}}
        ]}]}}))
        .unwrap();
        let alerts = rules.alerts(&BackendId::new("g"), &Severities::default(), "http://g");
        let of = |pod: &str| alerts.iter().find(|alert| alert.label("pod").is_some_and(|value| value == pod));
        assert_eq!(of("a").unwrap().state, AlertState::Firing);
        assert_eq!(of("a").unwrap().priority, Priority::P1);
        assert_eq!(of("a").unwrap().label("grafana_folder").unwrap(), "Shop");
        assert_eq!(of("a").unwrap().generator_url.as_ref().unwrap(), "http://g/alerting/grafana/u1/view");
        assert_eq!(of("b").unwrap().state, AlertState::Pending);
        assert!(of("c").is_none() && of("d").is_none());
        assert_eq!(of("e").unwrap().state, AlertState::Other(Clean::own("NoData")));
        assert_eq!(of("f").unwrap().state, AlertState::Other(Clean::own("NoData")));
        assert_eq!(of("g").unwrap().state, AlertState::Firing);
        let blind = alerts.iter().find(|alert| alert.name == "Blind").unwrap();
        assert_eq!(blind.state, AlertState::Other(Clean::own("Error")));
        assert!(blind.summary().unwrap().contains("no such host"));
    }
}
