//! Alerting rules: inactive, pending while the condition has not held long enough, firing, resolved.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::series::{Key, Series};
use crate::demo::scenario::{AlertSpec, Metric, Scenario};

/// How often Prometheus tells Alertmanager of a firing alert again; its end is this far and four times after the last.
const RESEND: SignedDuration = SignedDuration::from_mins(1);
/// Changes of state remembered.
const REMEMBERED: usize = 500;

/// How one rule stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Inactive,
    Pending { active_at: Timestamp },
    Firing { active_at: Timestamp, fired_at: Timestamp },
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending { .. } => "pending",
            Self::Firing { .. } => "firing",
        }
    }

    /// When the condition became true.
    pub const fn active_at(self) -> Option<Timestamp> {
        match self {
            Self::Inactive => None,
            Self::Pending { active_at } | Self::Firing { active_at, .. } => Some(active_at),
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub spec: AlertSpec,
    /// Index of the service watched.
    pub service: Option<usize>,
    /// All labels of its alert.
    pub labels: BTreeMap<String, String>,
    /// The expression as shown.
    pub expr: String,
    pub state: State,
    /// Last value measured.
    pub value: f64,
    /// When Alertmanager was last told.
    pub told_at: Timestamp,
}

/// A change of a rule's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Index of the rule.
    pub rule: usize,
    pub at: Timestamp,
    pub from: &'static str,
    pub to: &'static str,
    pub value: f64,
}

/// All rules.
pub struct Alerts {
    pub rules: Vec<Rule>,
    pub changes: VecDeque<Change>,
    pub evaluated: Timestamp,
}

impl Alerts {
    pub(super) fn new(scenario: &Scenario, start: Timestamp) -> Self {
        let rules = scenario.alert.iter().map(|spec| Rule::new(spec, scenario, start)).collect();
        Self { rules, changes: VecDeque::new(), evaluated: start }
    }

    pub(super) fn evaluate(&mut self, now: Timestamp, series: &Series) {
        self.evaluated = now;
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let before = rule.state.as_str();
            rule.evaluate(now, series);
            let to = rule.state.as_str();
            if before != to {
                self.changes.push_back(Change { rule: index, at: now, from: before, to, value: rule.value });
            }
        }
        while self.changes.len() > REMEMBERED {
            self.changes.pop_front();
        }
    }

    /// The state of a rule at a moment, as far back as changes are remembered.
    pub fn state_at(&self, rule: usize, at: Timestamp) -> &'static str {
        let mut later = self.changes.iter().filter(|change| change.rule == rule && change.at > at);
        later.next().map_or_else(|| self.rules[rule].state.as_str(), |change| change.from)
    }

    /// The rules that fire now.
    pub fn firing(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| matches!(rule.state, State::Firing { .. }))
    }

    /// The rule of that name on that service, by the label.
    pub fn rule(&self, name: &str, service: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.spec.name == name && r.labels.get("service").is_none_or(|s| s == service))
    }
}

impl Rule {
    fn new(spec: &AlertSpec, scenario: &Scenario, start: Timestamp) -> Self {
        let found = spec.service.as_deref().and_then(|path| scenario.service(path));
        let mut labels = BTreeMap::from([
            ("alertname".to_owned(), spec.name.clone()),
            ("severity".to_owned(), spec.severity.clone()),
        ]);
        if let Some(service) = found {
            labels.insert("service".to_owned(), service.name.clone());
            labels.insert("namespace".to_owned(), service.namespace.clone());
            labels.insert("cluster".to_owned(), service.cluster.clone());
        }
        labels.extend(spec.labels.clone());
        let state = spec.active_since.map_or(State::Inactive, |age| {
            let active_at = age.before(start);
            State::Firing { active_at, fired_at: spec.hold.after(active_at) }
        });
        let service = found.and_then(|f| scenario.service.iter().position(|s| std::ptr::eq(s, f)));
        let name = found.map_or("", |s| s.name.as_str());
        let expr = spec.expr.clone().unwrap_or_else(|| expression(spec, name));
        Self { spec: spec.clone(), service, labels, expr, state, value: 1.0, told_at: start }
    }

    fn evaluate(&mut self, now: Timestamp, series: &Series) {
        let measured = match (self.spec.metric, self.service) {
            (Metric::Always, _) => Some(1.0),
            (metric, Some(service)) => series.last(&Key { service, metric, part: None }),
            (_, None) => None,
        };
        let Some(value) = measured else { return };
        self.value = value;
        let holds = self.spec.metric == Metric::Always
            || self.spec.above.is_some_and(|limit| value > limit)
            || self.spec.below.is_some_and(|limit| value < limit);
        let pending_over = |active_at| self.spec.hold.after(active_at) <= now;
        self.state = match self.state {
            _ if !holds => State::Inactive,
            State::Inactive if pending_over(now) => State::Firing { active_at: now, fired_at: now },
            State::Inactive => State::Pending { active_at: now },
            State::Pending { active_at } if pending_over(active_at) => State::Firing { active_at, fired_at: now },
            same => same,
        };
        let news = matches!(self.state, State::Firing { fired_at, .. } if fired_at == now);
        if news || now.duration_since(self.told_at) >= RESEND || self.told_at > now {
            self.told_at = now;
        }
    }

    /// When Alertmanager takes a firing alert for resolved unless it hears of it again.
    pub fn ends_at(&self) -> Timestamp {
        self.told_at.saturating_add(RESEND * 4).unwrap_or(self.told_at)
    }

    /// Annotations with the value written in.
    pub fn annotations(&self) -> BTreeMap<&'static str, String> {
        let value = if self.value >= 100.0 || self.value.fract() == 0.0 {
            format!("{:.0}", self.value)
        } else {
            format!("{:.1}", self.value)
        };
        let spec = &self.spec;
        let once = if value == "1" { "once" } else { "{value} times" };
        [("summary", &spec.summary), ("description", &spec.description), ("runbook_url", &spec.runbook)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name, text.replace("{value} times", once).replace("{value}", &value)))
            .collect()
    }
}

/// An expression for a rule that shows none of its own.
fn expression(spec: &AlertSpec, service: &str) -> String {
    if spec.metric == Metric::Always {
        return "vector(1)".to_owned();
    }
    let limit = spec.above.map(|limit| format!(" > {limit}")).or(spec.below.map(|limit| format!(" < {limit}")));
    format!("{}{{service=\"{service}\"}}{}", spec.metric.series_name(), limit.unwrap_or_default())
}
