//! Under which labels a Prometheus sends its alerts: its `external_labels` are added, and those that its
//! `alert_relabel_configs` drop (the replica's, where two send the same) are left out. Its own API shows neither.
//!
//! Of relabelling only `labeldrop` and `labelkeep` are followed. The configuration is read as Prometheus prints it
//! (`/api/v1/status/config`): block style, one key a line.

use std::collections::BTreeMap;

use regex::Regex;

use super::wire::Labels;
use crate::{model::Name, text::Clean};

/// What is added to and taken from an alert's labels on their way. None: nothing is known, or nothing is done.
#[derive(Debug, Default)]
pub struct SentLabels {
    external: BTreeMap<String, String>,
    /// Which names go, in this order: those that match, or (`keep`) those that do not.
    drops: Vec<(Regex, bool)>,
}

impl SentLabels {
    /// Of a configuration's YAML. What is not understood is left out.
    pub fn of_config(yaml: &str) -> Self {
        let lines: Vec<&str> = yaml.lines().filter(|line| !line.trim().is_empty()).collect();
        let external = block(block(&lines, "global"), "external_labels");
        let external = external.iter().filter_map(|line| line.trim().split_once(':'));
        let rules = items(block(block(&lines, "alerting"), "alert_relabel_configs"));
        let drop = |rule: &Vec<&str>| {
            let field = |name: &str| {
                let found = rule.iter().filter_map(|line| line.split_once(':')).find(|(key, _)| *key == name)?;
                Some(scalar(found.1))
            };
            let is_keep = match field("action")?.as_str() {
                "labeldrop" => false,
                "labelkeep" => true,
                _ => return None,
            };
            Some((Regex::new(&format!("^(?s:{})$", field("regex")?)).ok()?, is_keep))
        };
        Self {
            external: external.map(|(name, value)| (scalar(name), scalar(value))).collect(),
            drops: rules.iter().filter_map(drop).collect(),
        }
    }

    /// An alert's labels as Alertmanager gets them.
    pub fn of(&self, mut labels: Labels) -> Labels {
        for (name, value) in &self.external {
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (names, is_keep) in &self.drops {
            labels.retain(|name, _| names.is_match(name) == *is_keep);
        }
        labels
    }
}

/// The name that Alertmanager gives to an alert with these labels: FNV-1a over the sorted names and values
/// (prometheus/common `model.LabelSet.Fingerprint`), in hexadecimal.
pub fn fingerprint<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Name {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in labels.into_iter().flat_map(|(name, value)| [name, value]).flat_map(|text| text.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Clean::own(format!("{hash:016x}"))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines below a key of the outermost map among `lines`. A list may stand as far left as its key.
fn block<'a, 'b>(lines: &'b [&'a str], key: &str) -> &'b [&'a str] {
    let Some(outermost) = lines.iter().map(|line| indent(line)).min() else { return &[] };
    let is_key = |line: &&str| indent(line) == outermost && line.trim().strip_suffix(':') == Some(key);
    let Some(at) = lines.iter().position(is_key) else { return &[] };
    let below = &lines[at + 1..];
    let is_below = |line: &&str| indent(line) > outermost || line.trim_start().starts_with("- ");
    let end = below.iter().position(|line| !is_below(line)).unwrap_or(below.len());
    &below[..end]
}

/// The items of a list of maps, each as its `key: value` lines.
fn items<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut items: Vec<Vec<&str>> = Vec::new();
    for line in lines.iter().map(|line| line.trim()) {
        match (line.strip_prefix("- "), items.last_mut()) {
            (Some(first), _) => items.push(vec![first]),
            (None, Some(item)) => item.push(line),
            (None, None) => {}
        }
    }
    items
}

/// A plain, single- or double-quoted scalar.
fn scalar(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('"') {
        return serde_json::from_str(text).unwrap_or_else(|_| text.trim_matches('"').to_owned());
    }
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "global:\n  scrape_interval: 15s\n  external_labels:\n    cluster: eu-1\n    \
        prometheus_replica: \"0\"\n    team: 'on''call'\n  evaluation_interval: 15s\nalerting:\n  \
        alert_relabel_configs:\n  - separator: ;\n    regex: prometheus_replica|zone\n    replacement: $1\n    \
        action: labeldrop\n  - source_labels: [x]\n    action: drop\n    regex: y\n  alertmanagers:\n  - scheme: http\n    \
        static_configs:\n    - targets:\n      - am:9093\nrule_files:\n- /etc/rules.yml\nscrape_configs:\n- job_name: a\n  \
        relabel_configs:\n  - action: labeldrop\n    regex: alertname\n";

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn external_labels_are_added_and_the_replica_is_dropped() {
        let sent = SentLabels::of_config(PRINTED);
        let got = sent.of(labels(&[("alertname", "Down"), ("zone", "b"), ("team", "web")]));
        assert_eq!(got, labels(&[("alertname", "Down"), ("cluster", "eu-1"), ("team", "web")]), "{sent:?}");
        let got = sent.of(labels(&[("alertname", "Down")]));
        assert_eq!(got["team"], "on'call", "a rule's own label wins over an external one, else that is added");
    }

    #[test]
    fn no_or_strange_configuration_changes_nothing() {
        let own = labels(&[("alertname", "Down")]);
        for text in ["", "{}", "global: {}\nalerting:\n", "global:\n  external_labels: {}\n", "<html>"] {
            assert_eq!(SentLabels::of_config(text).of(own.clone()), own, "{text}");
        }
        let keep = "alerting:\n  alert_relabel_configs:\n    - action: labelkeep\n      regex: alert.*\n";
        assert_eq!(
            SentLabels::of_config(keep).of(labels(&[("alertname", "A"), ("b", "c")])),
            labels(&[("alertname", "A")])
        );
    }
}
