//! From an alert's labels to a priority, and which alerts fire by design.

use std::collections::BTreeMap;

use crate::model::alert::Priority;

/// Labels that may hold the severity, the most usual first.
const LABELS: [&str; 3] = ["severity", "priority", "level"];

/// Severity label value to priority, by a table of the configuration over the usual names. Case does not matter.
#[derive(Clone, Debug)]
pub struct Severities(BTreeMap<String, Priority>);

impl Default for Severities {
    fn default() -> Self {
        use Priority::{P1, P2, P3, P4};
        let usual = [
            (P1, &["critical", "page", "disaster", "emergency", "p1", "sev1"][..]),
            (P2, &["error", "high", "major", "p2", "sev2"][..]),
            (P3, &["warning", "warn", "average", "medium", "p3", "sev3"][..]),
            (P4, &["info", "information", "none", "low", "minor", "notice", "ok", "p4", "sev4"][..]),
        ];
        Self(usual.iter().flat_map(|(to, names)| names.iter().map(|name| ((*name).to_owned(), *to))).collect())
    }
}

impl Severities {
    /// The configuration's `severity` table over the defaults. A value that is no `P1`..`P4` is left out: checking the
    /// file says so.
    pub fn new(table: &BTreeMap<String, String>) -> Self {
        let mut severities = Self::default();
        for (name, priority) in table {
            if let Some(priority) = parse(priority) {
                severities.0.insert(name.trim().to_lowercase(), priority);
            }
        }
        severities
    }

    /// Of an alert with these labels; without a known severity P3: to be seen, not to wake anybody.
    pub fn priority<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Priority {
        LABELS.iter().find_map(|name| self.0.get(&label(name)?.trim().to_lowercase()).copied()).unwrap_or(Priority::P3)
    }
}

fn parse(text: &str) -> Option<Priority> {
    match text.trim().to_ascii_uppercase().as_str() {
        "P1" => Some(Priority::P1),
        "P2" => Some(Priority::P2),
        "P3" => Some(Priority::P3),
        "P4" => Some(Priority::P4),
        _ => None,
    }
}

/// Whether an alert of this name fires as long as alerting works, so that its absence is the alarm.
pub fn is_watchdog(alert_name: &str) -> bool {
    let letters: String = alert_name.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(
        letters.to_ascii_lowercase().as_str(),
        "watchdog" | "deadmansswitch" | "deadmanswitch" | "deadmanssnitch" | "prometheusdeadmansswitch"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_by_table_over_the_usual_names() {
        let table = [("business".to_owned(), "p1".to_owned()), ("Warning".to_owned(), "P2".to_owned())].into();
        let severities = Severities::new(&table);
        let of = |severity: &'static str| severities.priority(|name| (name == "severity").then_some(severity));
        assert_eq!(of("critical"), Priority::P1);
        assert_eq!(of("Page"), Priority::P1);
        assert_eq!(of("business"), Priority::P1);
        assert_eq!(of("warning"), Priority::P2);
        assert_eq!(of("high"), Priority::P2);
        assert_eq!(of("none"), Priority::P4);
        assert_eq!(of("something"), Priority::P3);
        assert_eq!(severities.priority(|_| None), Priority::P3);
    }

    #[test]
    fn watchdogs_by_name() {
        assert!(is_watchdog("Watchdog") && is_watchdog("DeadMansSwitch") && is_watchdog("dead-mans-switch"));
        assert!(!is_watchdog("HighErrorRate") && !is_watchdog("InfoInhibitor"));
    }
}
