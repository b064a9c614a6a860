//! What is known about the thing that needs me: since when, what was deployed before it began, what is measured now.

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::super::{
    super::{
        View,
        target::Target,
        widgets::cells::{fit, width},
    },
    happened, needs, words,
};
use crate::{
    action::{Request, act::Outcome},
    app::settings::ServiceBinding,
    command::Command,
    model::{
        alert::{Alert, Priority},
        kubernetes::{ReplicaSet, Workload, WorkloadKey, tag_of},
        metric::{Panel, PanelData, PanelKey, Series},
    },
    query::{Answer, PanelQuery, Query},
    secret::mask,
    store::{
        slot::Pulse,
        timeline::{Deploy, deploys_of},
    },
    time::seconds_between,
    units,
};

/// How far back charts on Now go, in seconds.
pub(super) const RANGE: u32 = 3600;
/// A deploy longer before the onset than this is not offered as what to roll back.
const RECENT: i64 = 24 * 3600;
/// Columns of a line of facts that its words do not have: the frame, the list's own, and the word before them.
const BESIDE_DETAILS: u16 = 20;
/// How long an act that ended stays beside its object.
const ACT_SHOWN_FOR: i64 = 15 * 60;

/// The facts around one object.
pub(super) struct Story<'a> {
    pub alert: Option<&'a Alert>,
    pub workload: Option<&'a Workload>,
    pub service: Option<&'a ServiceBinding>,
    pub onset: Option<Timestamp>,
    /// Newest first.
    pub deploys: Vec<Deploy>,
}

/// A panel's definition beside its values.
pub(super) struct Measure<'a> {
    pub panel: &'a Panel,
    pub data: Option<&'a PanelData>,
    pub pulse: Option<&'a Pulse>,
}

impl<'a> Story<'a> {
    /// Of an alert, a workload or a pod; others have none.
    pub fn of(view: &View<'a>, target: &Target) -> Option<Self> {
        let store = view.store;
        let (alert, workload) = match target {
            Target::Alert(key) => {
                let alert = store.alerts.get(key)?;
                (Some(alert), needs::workload_of_alert(view, alert))
            }
            Target::Workload(key) => (None, Some(&**store.kube.workloads.get(key)?)),
            Target::Pod(key) => (None, Some(store.kube.workload_of(store.kube.pods.get(key)?)?)),
            _ => return None,
        };
        let by_name = || view.settings.service_named(alert?.subject()?);
        let service = workload.and_then(|workload| view.settings.service_of(&workload.key)).or_else(by_name);
        let deploys = workload.map(|workload| deploys_of(store, workload)).unwrap_or_default();
        let onset = alert.and_then(|alert| alert.active_since.or(alert.starts));
        Some(Self { alert, workload, service, onset, deploys })
    }

    /// The newest deploy of the workload before it began (before now, where no onset is known).
    pub fn deploy(&self) -> Option<&Deploy> {
        self.deploys.iter().find(|deploy| self.onset.is_none_or(|onset| deploy.at <= onset))
    }

    /// The bound panel that measures what the alert is about: one whose title shares a word with its name. Without an
    /// alert, or for one that pages and whose name tells nothing, the one that is over its limit, else the first.
    pub fn measure(&self, view: &View<'a>) -> Option<Measure<'a>> {
        let panels = &self.service?.panels;
        let mut all = panels.iter().filter_map(|key| measure(view, key));
        if let Some(alert) = self.alert {
            let name = alert.name.to_lowercase();
            let named = panels.iter().filter_map(|key| measure(view, key)).find(|measure| {
                let title = measure.panel.title.to_lowercase();
                title.split_whitespace().any(|word| word.len() > 3 && name.contains(word))
            });
            if named.is_some() || alert.priority > Priority::P2 {
                return named;
            }
        }
        let first = all.next()?;
        if first.is_over() {
            return Some(first);
        }
        Some(all.find(Measure::is_over).unwrap_or(first))
    }

    /// The lines below its row: what changed, which versions serve, what runs, what to press.
    pub fn details(&self, view: &View<'a>) -> Vec<Line<'static>> {
        let theme = view.theme;
        let head = |word: &str| Span::styled(format!("    {word:<9}"), theme.dim);
        let mut lines = Vec::new();
        if let Some(deploy) = self.deploy() {
            let mut says = format!("deploy {} at {}", deploy.tags(), words::day_clock(deploy.at, view.time()));
            if deploy.is_return {
                says.push_str(", back again");
            }
            let distance = self.onset.map(|onset| {
                format!(", {} before it began", happened::distance(deploy.at, onset).trim_start_matches('+'))
            });
            lines.push(Line::from(vec![
                head("changed"),
                Span::styled(says, theme.strong),
                Span::styled(distance.unwrap_or_default(), theme.text),
            ]));
        }
        lines.extend(self.versions(view).map(|spans| {
            let mut line = Line::from(head("serving"));
            line.spans.extend(spans);
            line
        }));
        lines.extend(
            self.first_error(view).map(|says| Line::from(vec![head("error"), Span::styled(says, theme.broken)])),
        );
        if let Some(act) = self.act(view) {
            let said = words::of(view, &Target::Act(act));
            lines.extend(said.map(|said| {
                let text = format!("{} {}   {}", said.mark.text(), said.name, said.says);
                Line::from(vec![head("acting"), Span::styled(text, theme.mark_style(said.mark))])
            }));
        }
        lines.push(self.keys(view, head("do")));
        lines
    }

    /// `new 412 4/6 ready   old 411 4/4 ready`: versions that have pods, the newest first. One that comes back is no new
    /// one: `to 411 4/9 ready   from 412 4/4 ready`.
    fn versions(&self, view: &View<'_>) -> Option<Vec<Span<'static>>> {
        let theme = view.theme;
        let workload = self.workload?;
        let sets = view.store.kube.sets_of(workload);
        let live: Vec<_> = sets.into_iter().filter(|set| set.replicas > 0).collect();
        if live.len() < 2 {
            let style = if workload.ready < workload.desired { theme.wrong } else { theme.text };
            return Some(vec![Span::styled(format!("{}/{} ready", workload.ready, workload.desired), style)]);
        }
        let is_younger = |other: &&ReplicaSet| live[0].created.is_some() && live[0].created < other.created;
        let is_return = live[0].is_reused || live[1..].iter().any(is_younger);
        let (first, other) = if is_return { ("to", "from") } else { ("new", "old") };
        let mut spans = Vec::new();
        for (index, set) in live.iter().enumerate() {
            let style = if set.ready < set.replicas { theme.wrong } else { theme.text };
            let tag = set.images.first().map_or("?", |image| tag_of(image));
            let word = if index == 0 { first } else { other };
            let gap = if index == 0 { "" } else { "   " };
            spans.push(Span::styled(format!("{gap}{word} {tag} "), theme.text));
            spans.push(Span::styled(format!("{}/{} ready", set.ready, set.replicas), style));
        }
        Some(spans)
    }

    /// `"verify failed: issuer mismatch" x412 in 412, never in 411`: the first error of the new version alone, while the
    /// workload's log is read. Where there is no room the message is cut, not what proves it.
    fn first_error(&self, view: &View<'_>) -> Option<String> {
        let workload = self.workload?;
        let tags: Vec<&str> = workload.images.iter().map(|image| tag_of(image)).collect();
        let error = view.store.first_new_error(&workload.key, &tags)?;
        let text = mask(error.text);
        let proof = format!("x{} in {}, never in {}", error.lines, error.new, error.old);
        Some(with_proof(&text, &proof, view.size.0.saturating_sub(BESIDE_DETAILS), view.theme.glyphs.ellipsis))
    }

    /// An act of mine on this workload that runs, or that ended a short while ago.
    fn act(&self, view: &View<'_>) -> Option<u64> {
        let key = &self.workload?.key;
        view.acts
            .newest()
            .filter(|act| act.is_mine && workload_of(&act.request) == Some(key))
            .find(|act| {
                act.outcome == Outcome::Running
                    || act.ended.is_some_and(|ended| seconds_between(ended, view.now.wall) < ACT_SHOWN_FOR)
            })
            .map(|act| act.number)
    }

    fn keys(&self, view: &View<'_>, head: Span<'static>) -> Line<'static> {
        let recent = self.deploy().filter(|deploy| {
            let onset = self.onset.unwrap_or(view.time());
            deploy.is_live && !deploy.is_return && seconds_between(deploy.at, onset) < RECENT
        });
        let roll_back = match recent.and_then(|deploy| deploy.from.as_ref()) {
            Some(tag) => format!("roll back to {tag}"),
            None => "roll back".to_owned(),
        };
        let mut hints = Vec::new();
        if self.workload.is_some() {
            hints.push((Command::RollBack, roll_back.as_str()));
            hints.push((Command::Logs, "logs"));
        }
        hints.push((Command::Why, "why"));
        if self.alert.is_some() {
            hints.push((Command::SilenceAlert, "silence"));
        } else {
            hints.push((Command::Describe, "describe"));
        }
        let mut line = Line::from(head);
        let gap = if view.size.0 < 80 { "  " } else { "   " };
        for (command, word) in hints {
            line.spans.extend(words::key_hint(view, command, word));
            line.spans.push(Span::raw(gap));
        }
        line
    }
}

/// A message in quotation marks and what proves it, in so many columns: the message is cut.
fn with_proof(message: &str, proof: &str, columns: u16, ellipsis: &str) -> String {
    let room = columns.saturating_sub(width(proof) + 3);
    format!("\"{}\" {proof}", fit(message, room, ellipsis))
}

/// The workload that a request changes.
pub(super) fn workload_of(request: &Request) -> Option<&WorkloadKey> {
    match request {
        Request::RollBack { workload, .. }
        | Request::Restart { workload }
        | Request::Scale { workload, .. }
        | Request::Limits { workload, .. }
        | Request::ResumeSync { workload } => Some(workload),
        _ => None,
    }
}

impl Measure<'_> {
    /// The newest value: the panel's own reducer's, else the first series' last.
    pub fn value(&self) -> Option<f64> {
        let data = self.data?;
        data.value().or_else(|| data.series.iter().find_map(Series::last).map(|(_, value)| value))
    }

    pub fn limit(&self) -> Option<f64> {
        self.panel.limit()
    }

    pub fn is_over(&self) -> bool {
        matches!((self.value(), self.limit()), (Some(value), Some(limit)) if value > limit)
    }

    /// As the panel writes it.
    pub fn text(&self) -> Option<String> {
        let data = self.data?;
        if !data.text().is_empty() {
            return Some(data.text().to_owned());
        }
        self.value().map(|value| units::format(&self.panel.scale.unit, value))
    }

    pub fn limit_text(&self) -> Option<String> {
        self.limit().map(|limit| units::limit(&self.panel.scale.unit, limit))
    }
}

/// The query of a panel, the same wherever on this screen it is shown.
pub(super) fn query(view: &View<'_>, key: &PanelKey) -> Query {
    Query::Panel(PanelQuery {
        panel: key.clone(),
        range_seconds: RANGE,
        points: view.size.0.clamp(60, 240),
        variables: Vec::new(),
    })
}

/// A panel with its values, as far as they are known.
pub(super) fn measure<'a>(view: &View<'a>, key: &PanelKey) -> Option<Measure<'a>> {
    let dashboard = view.store.dashboards.get(&key.dashboard)?;
    let panel = dashboard.panels.iter().find(|panel| panel.key == *key)?;
    let slot = view.store.answers.get(&query(view, key));
    let data = slot.and_then(|slot| match &slot.value {
        Some(Answer::Panel(data)) => Some(&**data),
        _ => None,
    });
    Some(Measure { panel, data, pulse: slot.map(|slot| &slot.pulse) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_message_and_its_proof_the_message_is_cut() {
        let said = |columns| with_proof("verify failed", "x3595 in 412, never in 411", columns, "~");
        assert_eq!(said(60), "\"verify failed\" x3595 in 412, never in 411");
        assert_eq!(said(36), "\"verify~\" x3595 in 412, never in 411");
    }
}
