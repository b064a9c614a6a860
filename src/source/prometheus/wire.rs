//! Prometheus' JSON (`web/api/v1/api.go`), every field optional, and its meaning in our nouns.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::sent::{SentLabels, fingerprint};
use crate::{
    model::{
        BackendId, Name,
        alert::{self, Alert, AlertKey, AlertState},
    },
    source::severity::{Severities, is_watchdog},
    text::Clean,
};

pub type Labels = BTreeMap<String, String>;

/// What every answer comes in.
#[derive(Deserialize)]
pub struct Envelope<T> {
    pub data: Option<T>,
    pub error: Option<String>,
    pub warnings: Option<Vec<String>>,
}

/// An answer, and what the server says of its worth: with warnings it may be partial.
#[derive(Debug)]
pub struct Answer<T> {
    pub data: T,
    pub warnings: Vec<String>,
}

impl<T> Answer<T> {
    pub fn map<U>(self, read: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { data: read(self.data), warnings: self.warnings }
    }
}

#[derive(Deserialize)]
pub struct BuildInfo {
    pub version: Option<String>,
}

#[derive(Deserialize)]
pub struct Config {
    pub yaml: String,
}

/// `/api/v1/rules`
#[derive(Deserialize)]
pub struct Rules {
    groups: Option<Vec<Group>>,
}

/// `/api/v1/alerts`
#[derive(Deserialize)]
pub struct Alerts {
    alerts: Option<Vec<Instance>>,
}

#[derive(Deserialize)]
struct Group {
    name: Option<String>,
    file: Option<String>,
    rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    /// `alerting`, `recording`; not there before 2.2.
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    query: Option<String>,
    /// Its `for`, in seconds.
    duration: Option<f64>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    alerts: Option<Vec<Instance>>,
    /// `ok`, `err`, `unknown` (not evaluated yet)
    health: Option<String>,
    last_error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    labels: Option<Labels>,
    annotations: Option<Labels>,
    state: Option<String>,
    active_at: Option<String>,
    /// Text, or a number in old versions.
    value: Option<serde_json::Value>,
}

/// Reads rules and alerts of one server.
pub struct Reader<'a> {
    pub backend: &'a BackendId,
    pub severities: &'a Severities,
    pub sent: &'a SentLabels,
    /// Base of links, where a browser can open it.
    pub server: Option<&'a str>,
}

impl Reader<'_> {
    pub fn of_rules(&self, rules: Rules) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for group in rules.groups.into_iter().flatten() {
            let place = format!("{} in {}", group.name.unwrap_or_default(), group.file.unwrap_or_default());
            for mut rule in group.rules.into_iter().flatten() {
                if rule.kind.as_deref() == Some("recording") {
                    continue;
                }
                let instances = rule.alerts.take().unwrap_or_default();
                alerts.extend(instances.into_iter().filter_map(|instance| self.alert(instance, Some(&rule))));
                if rule.health.as_deref() == Some("err") {
                    alerts.push(self.failing(&rule, &place));
                }
            }
        }
        once_each(alerts)
    }

    pub fn of_alerts(&self, alerts: Alerts) -> Vec<Alert> {
        let instances = alerts.alerts.into_iter().flatten();
        once_each(instances.filter_map(|instance| self.alert(instance, None)).collect())
    }

    /// `None`: neither pending nor firing.
    fn alert(&self, instance: Instance, rule: Option<&Rule>) -> Option<Alert> {
        let state = match instance.state.as_deref().unwrap_or_default() {
            "firing" => AlertState::Firing,
            "pending" => AlertState::Pending,
            _ => return None,
        };
        let labels = self.sent.of(instance.labels.unwrap_or_default());
        let name = labels.get("alertname").cloned().or_else(|| rule?.name.clone());
        let name = name.unwrap_or_else(|| "(without a name)".to_owned());
        let active = instance.active_at.and_then(|at| at.parse().ok()).filter(|at: &Timestamp| at.as_second() > 0);
        let hold = rule.map_or(0, Rule::hold_seconds);
        // It fires from the first evaluation after its hold time; when that was is not told.
        let fired = active.and_then(|at| at.checked_add(SignedDuration::from_secs(i64::from(hold))).ok());
        Some(Alert {
            key: AlertKey { backend: self.backend.clone(), fingerprint: fingerprint(&labels) },
            name: Clean::line(&name),
            priority: self.severities.priority(|label| labels.get(label).map(String::as_str)),
            starts: fired.filter(|_| state == AlertState::Firing),
            active_since: active,
            receivers: Box::default(),
            silenced_by: Box::default(),
            generator_url: self.link(rule),
            value: instance.value.as_ref().and_then(value),
            rule: Some(self.rule(rule)),
            is_watchdog: is_watchdog(&name),
            labels: pairs(&labels),
            annotations: pairs(&instance.annotations.unwrap_or_default()),
            state,
        })
    }

    /// A rule that cannot be evaluated watches nothing: that is an alert of its own.
    fn failing(&self, rule: &Rule, place: &str) -> Alert {
        let name = rule.name.clone().unwrap_or_else(|| "(without a name)".to_owned());
        let mut labels = rule.labels.clone().unwrap_or_default();
        labels.insert("alertname".to_owned(), name.clone());
        let mut annotations = rule.annotations.clone().unwrap_or_default();
        let why = rule.last_error.as_deref().filter(|why| !why.is_empty()).unwrap_or("Prometheus does not say why");
        annotations.insert("summary".to_owned(), format!("the rule cannot be evaluated: {}", crate::secret::mask(why)));
        annotations.insert("rule_group".to_owned(), place.to_owned());
        // Not the name of the alert it would make: that may be there as well, from before it failed.
        let identity = [(&place.to_owned(), &name)];
        Alert {
            key: AlertKey { backend: self.backend.clone(), fingerprint: fingerprint(identity) },
            name: Clean::line(&name),
            state: AlertState::Other(Clean::own("rule fails")),
            priority: self.severities.priority(|label| labels.get(label).map(String::as_str)),
            starts: None,
            active_since: None,
            receivers: Box::default(),
            silenced_by: Box::default(),
            generator_url: self.link(Some(rule)),
            value: None,
            rule: Some(self.rule(Some(rule))),
            is_watchdog: is_watchdog(&name),
            labels: pairs(&labels),
            annotations: pairs(&annotations),
        }
    }

    fn rule(&self, rule: Option<&Rule>) -> alert::Rule {
        alert::Rule {
            backend: self.backend.clone(),
            expression: rule.and_then(|rule| rule.query.as_deref()).map(Clean::block),
            hold_seconds: rule.map_or(0, Rule::hold_seconds),
            is_alone: true,
        }
    }

    fn link(&self, rule: Option<&Rule>) -> Option<Clean> {
        let mut url = url::Url::parse(&format!("{}/graph", self.server?.trim_end_matches('/'))).ok()?;
        url.query_pairs_mut().append_pair("g0.expr", rule?.query.as_deref()?).append_pair("g0.tab", "1");
        Some(Clean::line(url.as_str()))
    }
}

impl Rule {
    fn hold_seconds(&self) -> u32 {
        self.duration.unwrap_or(0.0).clamp(0.0, f64::from(u32::MAX)) as u32
    }
}

/// Two groups may hold the same rule.
fn once_each(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by(|a, b| a.key.cmp(&b.key));
    alerts.dedup_by(|a, b| a.key == b.key);
    alerts
}

/// `3.104870129e+01` as `31.05`; what is no number as it stands.
fn value(value: &serde_json::Value) -> Option<Clean> {
    let text = match value {
        serde_json::Value::String(text) if !text.is_empty() => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return Some(Clean::line(&text));
    };
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Some(Clean::own(format!("{number}")));
    }
    // Four digits that count.
    let decimals = (3 - number.abs().log10().floor() as i32).clamp(0, 12);
    let rounded = format!("{number:.*}", decimals as usize);
    let short = if rounded.contains('.') { rounded.trim_end_matches('0').trim_end_matches('.') } else { &rounded };
    Some(Clean::line(short))
}

fn pairs(labels: &Labels) -> Box<[(Name, Clean)]> {
    labels.iter().map(|(name, value)| (Clean::line(name), Clean::block(value))).collect()
}
