//! Alerts, their groups, and silences.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackendId, Level, Name};
use crate::text::Clean;

/// An alert's identity: the backend's fingerprint of its labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    pub backend: BackendId,
    pub fingerprint: Name,
}

/// How the comment of a silence begins that is an acknowledgement: Alertmanager has no other way to say so.
pub const ACKNOWLEDGED_BY: &str = "acknowledged by ";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertState {
    Firing,
    /// True, but its hold time is not over (Grafana and Prometheus rules know; Alertmanager does not): about to fire.
    Pending,
    Silenced,
    Inhibited,
    Muted,
    /// It left the list at about this time.
    Resolved(Timestamp),
    /// The rule itself fails: `Error`, `NoData`.
    Other(Clean),
}

/// P1 pages, P4 can wait; from the severity label by a table in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    P1,
    P2,
    P3,
    P4,
}

impl Priority {
    pub fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }

    pub fn level(self) -> Level {
        if self <= Self::P2 { Level::Broken } else { Level::Wrong }
    }
}

/// An alerting rule as Prometheus has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Who evaluates it.
    pub backend: BackendId,
    /// PromQL; `None` where only its alerts could be read.
    pub expression: Option<Clean>,
    /// How many seconds the expression must hold before the alert fires: the rule's `for`.
    pub hold_seconds: u32,
    /// No Alertmanager lists the alert: it is still pending, or it did not get there.
    pub is_alone: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub key: AlertKey,
    pub name: Clean,
    pub state: AlertState,
    pub priority: Priority,
    /// Sorted by name.
    pub labels: Box<[(Name, Clean)]>,
    pub annotations: Box<[(Name, Clean)]>,
    /// When it fired, after its hold time; Grafana rules: `activeAt`.
    pub starts: Option<Timestamp>,
    /// When the condition became true, where the backend says so.
    pub active_since: Option<Timestamp>,
    pub receivers: Box<[Name]>,
    pub silenced_by: Box<[Name]>,
    pub generator_url: Option<Clean>,
    /// The value in the rule's words, where the backend says so.
    pub value: Option<Clean>,
    /// The rule behind it, where a backend that evaluates rules (Prometheus) is read.
    #[serde(default)]
    pub rule: Option<Rule>,
    /// Always fires by design (Watchdog, DeadMansSwitch): its absence is the alarm.
    pub is_watchdog: bool,
}

impl Alert {
    pub fn label(&self, name: &str) -> Option<&Clean> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value)
    }

    pub fn annotation(&self, name: &str) -> Option<&Clean> {
        self.annotations.iter().find(|(label, _)| label == name).map(|(_, value)| value)
    }

    /// Only who evaluates its rule knows it, no Alertmanager: nobody is told of it, and no silence holds it yet.
    pub fn is_alone(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.is_alone)
    }

    /// It left the list: there is nothing of it to hold.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, AlertState::Resolved(_))
    }

    /// When it fires if its condition holds until then; only of a pending one.
    pub fn fires(&self) -> Option<Timestamp> {
        let hold = self.rule.as_ref().filter(|_| self.state == AlertState::Pending)?.hold_seconds;
        self.active_since?.checked_add(jiff::SignedDuration::from_secs(i64::from(hold))).ok()
    }

    /// PromQL, as its rule says, or as the address holds to which Prometheus links.
    pub fn expression(&self) -> Option<Clean> {
        let told = self.rule.as_ref().and_then(|rule| rule.expression.clone());
        told.or_else(|| {
            let url = url::Url::parse(self.generator_url.as_ref()?).ok()?;
            url.query_pairs().find(|(name, _)| name == "g0.expr").map(|(_, value)| Clean::block(&value))
        })
    }

    /// What a person reads: the summary, else the description, else nothing.
    pub fn summary(&self) -> Option<&Clean> {
        self.annotation("summary").or_else(|| self.annotation("description")).or_else(|| self.annotation("message"))
    }

    /// What it is about: the first of the labels that name a service, workload or object.
    pub fn subject(&self) -> Option<&Clean> {
        ["service", "app", "deployment", "statefulset", "daemonset", "pod", "job", "instance", "namespace"]
            .iter()
            .find_map(|name| self.label(name))
    }
}

/// One matcher of a silence. Regexes are RE2, fully anchored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Matcher {
    pub name: Clean,
    pub value: Clean,
    pub is_regex: bool,
    pub is_equal: bool,
}

impl Matcher {
    pub fn equal(name: &Clean, value: &Clean) -> Self {
        Self { name: name.clone(), value: value.clone(), is_regex: false, is_equal: true }
    }

    /// `=` `!=` `=~` `!~`
    pub fn operator(&self) -> &'static str {
        match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        }
    }

    /// Whether the labels match; a label that is absent counts as empty. A bad regex matches nothing.
    pub fn matches(&self, labels: &[(Name, Clean)]) -> bool {
        let value = labels.iter().find(|(name, _)| *name == self.name).map_or("", |(_, value)| value.as_str());
        let hit = if self.is_regex {
            match regex::Regex::new(&format!("^(?:{})$", self.value)) {
                Ok(regex) => regex.is_match(value),
                Err(_) => return false,
            }
        } else {
            value == self.value.as_str()
        };
        hit == self.is_equal
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}\"{}\"", self.name, self.operator(), self.value)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SilenceKey {
    pub backend: BackendId,
    pub id: Name,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    pub key: SilenceKey,
    pub matchers: Vec<Matcher>,
    pub starts: Timestamp,
    pub ends: Timestamp,
    pub created_by: Clean,
    pub comment: Clean,
    /// `active`, `pending`, `expired`.
    pub state: Clean,
}

/// A group as the backend groups for notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertGroup {
    pub backend: BackendId,
    /// The labels it is grouped by.
    pub labels: Box<[(Name, Clean)]>,
    pub receiver: Name,
    pub alerts: Vec<Name>,
}
