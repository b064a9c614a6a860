//! Alerts as those report them who send them (Alertmanager, Grafana), joined with what those know of them who evaluate
//! their rules (Prometheus). One alert is one row, whoever reports it.
//!
//! What an Alertmanager lists is its row; Prometheus adds rule, value, and since when the condition is true. What only
//! Prometheus lists is a row too, under the key that it will have in Alertmanager: an alert that was pending is the same
//! row when it fires and when it is silenced, so that no cursor moves and no bell rings twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use super::{Changes, Store, slot::Freshness};
use crate::{
    model::{
        BackendId, BackendKind, Name, Part, SourceId,
        alert::{ACKNOWLEDGED_BY, Alert, AlertGroup, AlertKey, AlertState, Rule, Silence, SilenceKey},
    },
    text::Clean,
    time::Now,
};

#[cfg(test)]
mod tests;

/// How long a resolved alert stays listed.
pub const RESOLVED_FOR: Duration = Duration::from_hours(12);

/// Labels that tell apart the replicas of one Prometheus; Alertmanager should not see them, but may.
const REPLICA: [&str; 6] =
    ["replica", "prometheus_replica", "prometheus", "__replica__", "ruler_replica", "thanos_ruler_replica"];

/// What one Prometheus said, and when.
#[derive(Debug)]
pub struct Evaluated {
    at: Timestamp,
    list: Vec<Alert>,
}

impl Store {
    /// The silences that hold an alert.
    pub fn silences_of<'a>(&'a self, alert: &'a Alert) -> impl Iterator<Item = &'a Silence> {
        let backend = &alert.key.backend;
        alert
            .silenced_by
            .iter()
            .filter_map(|id| self.silences.get(&SilenceKey { backend: backend.clone(), id: id.clone() }))
    }

    /// Whether the silence that holds an alert was somebody's acknowledgement: it is in hand, and still broken.
    pub fn is_acknowledged(&self, alert: &Alert) -> bool {
        alert.state == AlertState::Silenced
            && self.silences_of(alert).any(|silence| silence.comment.starts_with(ACKNOWLEDGED_BY))
    }

    /// Since when no alert was missed, apart from those that ended more than [`RESOLVED_FOR`] ago. `None`: somebody who sends
    /// alerts has not answered yet, or nobody does.
    pub fn alerts_known_since(&self) -> Option<Timestamp> {
        let mut sends = self.sources.keys().filter(|source| source.part == Part::Alerts);
        let is_known = sends.all(|source| self.alerts_since.contains_key(&source.backend));
        self.alerts_since.values().max().filter(|_| is_known).copied()
    }

    pub(super) fn apply_alerts(
        &mut self,
        from: &SourceId,
        list: Vec<Alert>,
        groups: Vec<AlertGroup>,
        now: Now,
    ) -> Changes {
        let from = &from.backend;
        let time = self.time(now);
        self.alerts_since.entry(from.clone()).or_insert(time);
        let mut changed = if self.is_kind(from, BackendKind::Prometheus) {
            self.evaluated.insert(from.clone(), Evaluated { at: now.wall, list });
            false
        } else {
            self.take_list(from, list, groups, now)
        };
        changed |= self.join_rules(from, now);
        let oldest = time.checked_sub(RESOLVED_FOR).unwrap_or(Timestamp::MIN);
        self.alerts.retain(|_, alert| !matches!(alert.state, AlertState::Resolved(at) if at < oldest));
        if changed { Changes::ALERTS } else { Changes::NONE }
    }

    fn is_kind(&self, backend: &BackendId, kind: BackendKind) -> bool {
        self.backends.get(backend).is_some_and(|known| known.kind == kind)
    }

    /// The list of one who sends alerts. True: something changed.
    fn take_list(&mut self, from: &BackendId, list: Vec<Alert>, groups: Vec<AlertGroup>, now: Now) -> bool {
        let mut changed = self.alert_groups.insert(from.clone(), groups.clone()) != Some(groups);
        let listed: BTreeSet<AlertKey> = list.iter().map(|alert| alert.key.clone()).collect();
        // A resolved alert simply leaves the list: this is when we noticed.
        changed |=
            self.end(now, |alert| alert.key.backend == *from && !alert.is_alone() && !listed.contains(&alert.key));
        for mut alert in list {
            let known = self.alerts.get(&alert.key);
            // What its rule says holds until the rule is read again.
            if let Some(known) = known.filter(|known| is_live(known))
                && let Some(rule) = &known.rule
            {
                alert.rule = Some(Rule { is_alone: false, ..rule.clone() });
                (alert.value, alert.active_since) = (known.value.clone(), known.active_since);
            }
            changed |= known != Some(&alert);
            self.alerts.insert(alert.key.clone(), alert);
        }
        changed
    }

    /// Ends the live rows that are meant: what fired is resolved, what was only pending never was.
    fn end(&mut self, now: Now, is_meant: impl Fn(&Alert) -> bool) -> bool {
        let mut changed = false;
        let time = self.time(now);
        self.alerts.retain(|_, alert| {
            if !is_live(alert) || !is_meant(alert) {
                return true;
            }
            changed = true;
            let is_kept = alert.state != AlertState::Pending;
            alert.state = AlertState::Resolved(time);
            is_kept
        });
        changed
    }

    /// Joins what every Prometheus said last with the rows of the Alertmanagers. `from`: whose answer just came; only its
    /// own word ends what it alone knew. True: something changed.
    fn join_rules(&mut self, from: &BackendId, now: Now) -> bool {
        if self.evaluated.is_empty() {
            return false;
        }
        let joined = self.joined();
        let mut changed = false;
        for (key, alert) in &joined.known {
            let Some(row) = self.alerts.get_mut(key) else { continue };
            let rule = alert.rule.clone().map(|rule| Rule { is_alone: false, ..rule });
            if (&row.rule, &row.value, row.active_since) != (&rule, &alert.value, alert.active_since) {
                (row.rule, row.value, row.active_since) = (rule, alert.value.clone(), alert.active_since);
                changed = true;
            }
        }
        let rows = self.alerts.len();
        // One that an Alertmanager has taken under another name, or that is now known under another key.
        self.alerts.retain(|key, alert| {
            !(alert.is_alone() && is_live(alert))
                || joined.alone.contains_key(key)
                || !(joined.taken.contains(&key.fingerprint)
                    || joined.alone.keys().any(|other| other.fingerprint == key.fingerprint))
        });
        changed |= self.alerts.len() != rows;
        let silent = self.silent_alertmanagers(now);
        changed |= self.end(now, |alert| {
            let is_its_own = alert.rule.as_ref().is_some_and(|rule| rule.backend == *from);
            // While an Alertmanager does not answer, Prometheus' word is the last there is.
            let has_the_word = alert.is_alone() || silent.contains(&alert.key.backend);
            is_its_own
                && has_the_word
                && !joined.alone.contains_key(&alert.key)
                && !joined.known.contains_key(&alert.key)
        });
        for (key, alert) in joined.alone {
            changed |= self.alerts.get(&key) != Some(&alert);
            self.alerts.insert(key, alert);
        }
        changed
    }

    fn joined(&self) -> Joined {
        let mut joined = Joined::default();
        let home = self.only_alertmanager();
        for (backend, said) in &self.evaluated {
            let twins = self.twins_of(said);
            for alert in &said.list {
                if let Some(keys) = twins.get(&alert.key.fingerprint) {
                    joined.taken.insert(alert.key.fingerprint.clone());
                    for key in keys {
                        joined.known.entry(key.clone()).or_insert_with(|| alert.clone());
                    }
                } else if let Some(alone) = self.alone(alert, said.at, home.unwrap_or(backend)) {
                    let fires = alone.state == AlertState::Firing;
                    // The other of a pair may have seen it first.
                    if fires || !joined.alone.contains_key(&alone.key) {
                        joined.alone.insert(alone.key.clone(), alone);
                    }
                }
            }
        }
        joined
    }

    /// The row of an alert that no Alertmanager lists. `None`: it is not counted, or Alertmanager's later word ended it.
    fn alone(&self, alert: &Alert, at: Timestamp, home: &BackendId) -> Option<Alert> {
        // A failing rule is no alert that could ever be sent.
        let home = if matches!(alert.state, AlertState::Other(_)) { &alert.key.backend } else { home };
        // A watchdog is there to arrive: in Prometheus alone it has not.
        if alert.is_watchdog && *home != alert.key.backend {
            return None;
        }
        let key = AlertKey { backend: home.clone(), ..alert.key.clone() };
        let ended = self.alerts.get(&key).map(|row| &row.state);
        if matches!(ended, Some(AlertState::Resolved(ended)) if *ended >= at) {
            return None;
        }
        Some(Alert { key, ..alert.clone() })
    }

    /// The Alertmanager that an alert goes to, if there is no choice.
    fn only_alertmanager(&self) -> Option<&BackendId> {
        let mut all = self.backends.iter().filter(|(_, backend)| backend.kind == BackendKind::Alertmanager);
        let (only, _) = all.next()?;
        all.next().is_none().then_some(only)
    }

    fn silent_alertmanagers(&self, now: Now) -> BTreeSet<BackendId> {
        let all = self.backends.iter().filter(|(_, backend)| backend.kind == BackendKind::Alertmanager);
        all.map(|(id, _)| id)
            .filter(|id| matches!(self.freshness(&SourceId::new(id, Part::Alerts), now), Freshness::Down { .. }))
            .cloned()
            .collect()
    }

    /// By fingerprint: the rows of Alertmanagers that are the same alerts. First those with the same labels, replicas
    /// aside; then, for what is left on both sides, those that have more labels (external ones, which Prometheus does not
    /// always tell) and no other expression.
    fn twins_of(&self, said: &Evaluated) -> BTreeMap<Name, Vec<AlertKey>> {
        let mut listed: BTreeMap<&Clean, Vec<&Alert>> = BTreeMap::new();
        for row in self.alerts.values().filter(|row| is_live(row) && !row.is_alone()) {
            if self.is_kind(&row.key.backend, BackendKind::Alertmanager) {
                listed.entry(&row.name).or_default().push(row);
            }
        }
        let mut twins: BTreeMap<Name, Vec<AlertKey>> = BTreeMap::new();
        let mut claimed: BTreeSet<&AlertKey> = BTreeSet::new();
        let mut left = Vec::new();
        for alert in said.list.iter().filter(|alert| !matches!(alert.state, AlertState::Other(_))) {
            let rows = listed.get(&alert.name).map_or(&[][..], Vec::as_slice);
            let same = |is_same: &dyn Fn(&Alert) -> bool| -> Vec<&Alert> {
                rows.iter().copied().filter(|row| is_same(row)).collect()
            };
            let mut same_name = same(&|row| row.key.fingerprint == alert.key.fingerprint);
            if same_name.is_empty() {
                same_name = same(&|row| has_same_labels(alert, row));
            }
            let same = same_name;
            if same.is_empty() {
                left.push((alert, rows));
                continue;
            }
            claimed.extend(same.iter().map(|row| &row.key));
            twins.insert(alert.key.fingerprint.clone(), same.into_iter().map(|row| row.key.clone()).collect());
        }
        for (alert, rows) in left {
            let fitting = rows.iter().filter(|row| !claimed.contains(&row.key) && fits(alert, row));
            if let Some(row) = fitting.min_by_key(|row| row.labels.len()) {
                claimed.insert(&row.key);
                twins.insert(alert.key.fingerprint.clone(), vec![row.key.clone()]);
            }
        }
        twins
    }
}

/// What came of joining.
#[derive(Default)]
struct Joined {
    /// Rows of Alertmanagers, with what Prometheus says of each.
    known: BTreeMap<AlertKey, Alert>,
    /// What only Prometheus has.
    alone: BTreeMap<AlertKey, Alert>,
    /// Fingerprints of Prometheus' that an Alertmanager lists, be it under another.
    taken: BTreeSet<Name>,
}

fn is_live(alert: &Alert) -> bool {
    !matches!(alert.state, AlertState::Resolved(_))
}

/// Sorted by name, as they are.
fn identity(alert: &Alert) -> impl Iterator<Item = &(Name, Clean)> {
    alert.labels.iter().filter(|(name, _)| !REPLICA.contains(&name.as_str()))
}

fn has_same_labels(a: &Alert, b: &Alert) -> bool {
    identity(a).eq(identity(b))
}

/// Whether a listed alert has all labels of this one, and as far as is known the same expression.
fn fits(alert: &Alert, listed: &Alert) -> bool {
    identity(alert).all(|(name, value)| listed.label(name) == Some(value))
        && match (alert.expression(), listed.expression()) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
}
