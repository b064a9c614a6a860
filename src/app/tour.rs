//! The demo's hints: one line above the footer that leads a newcomer to the mend, and on. What it says follows from what
//! the App holds, never from keys counted.

#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use ratatui::text::Line;

use super::App;
use crate::{
    action::{Request, act::Act, act::Outcome, plan::Plan},
    command::{Kind, ScreenId},
    model::{
        Part,
        alert::{Alert, AlertState},
        kubernetes::WorkloadKey,
    },
    text::Clean,
    time::Now,
    ui::{overlays, target::Target},
};

pub use self::words::{UnknownWord, check};

/// Lowest terminal that has a line to spare.
const MIN_HEIGHT: u16 = 20;
/// So many screens looked at are a look around.
const A_LOOK_AROUND: usize = 3;

/// Where a person is in a story: an alert fires, and rolling a workload back mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The alert fires; something else is selected.
    Away,
    /// The alert fires; its workload, or what is about it, is selected.
    Selected,
    /// The plan to roll back asks to be confirmed.
    Plan,
    /// The roll back is under way.
    Running,
    /// It was refused, or its outcome is unknown.
    Failed,
    /// It is done; the alert still fires.
    Done,
    /// It is done; the alert fires no more.
    Resolved,
    /// As before, and the person has looked around.
    Seen,
}

/// A line for a moment, as the scenario writes it: `{roll-back}` is that command's key, `{confirm}` what the plan asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    pub when: Moment,
    /// Name of the alert.
    pub alert: Clean,
    pub workload: WorkloadKey,
    pub text: Clean,
}

/// What the hints remember.
#[derive(Debug, Default)]
pub(super) struct Tour {
    pub is_off: bool,
    /// Screens looked at since the mend.
    visited: BTreeSet<ScreenId>,
}

impl App {
    /// Whether a line is kept for hints: also while there is none to give, so that nothing jumps.
    pub(super) fn has_hints(&self) -> bool {
        self.settings.is_demo && !self.tour.is_off && self.size.1 >= MIN_HEIGHT
    }

    pub(super) fn hint(&mut self, now: Now) -> Option<Line<'static>> {
        let text = self.hint_text(now)?;
        Some(words::line(&text, &self.keymap, self.asking(), &self.theme))
    }

    fn hint_text(&mut self, now: Now) -> Option<String> {
        let moments: Vec<Option<Moment>> =
            self.settings.hints.iter().map(|hint| self.moment(&hint.alert, &hint.workload, now)).collect();
        if moments.contains(&Some(Moment::Resolved)) || moments.contains(&Some(Moment::Seen)) {
            self.tour.visited.insert(self.screen);
        } else {
            self.tour.visited.clear();
        }
        let own = self.settings.hints.iter().zip(&moments).find(|(hint, moment)| **moment == Some(hint.when));
        own.map(|(hint, _)| hint.text.to_string()).or_else(|| self.general(now))
    }

    /// The plan that asks to be confirmed.
    fn asking(&self) -> Option<&Plan> {
        self.overlays.last()?.asking()
    }

    fn moment(&self, alert: &str, workload: &WorkloadKey, now: Now) -> Option<Moment> {
        if let Some(plan) = self.asking() {
            return (is_roll_back(&plan.request, workload) && plan.blocked.is_none()).then_some(Moment::Plan);
        }
        let firing = self.store.alerts.values().find(|one| one.name == alert && is_active(one));
        let act = self.last_act(workload).filter(|act| firing.is_none_or(|alert| !began_after(alert, act)));
        match (act.map(|act| act.outcome), firing) {
            (Some(Outcome::Running), _) => Some(Moment::Running),
            (Some(Outcome::Refused | Outcome::Unknown), Some(_)) => Some(Moment::Failed),
            (Some(Outcome::Done), Some(_)) => Some(Moment::Done),
            (Some(Outcome::Done), None) if self.knows_alerts(now) => {
                Some(if self.tour.visited.len() < A_LOOK_AROUND { Moment::Resolved } else { Moment::Seen })
            }
            (None, Some(_)) => {
                let target = self.selected(now);
                let about = target.as_ref().and_then(|target| overlays::workload_of(&self.view(now), target));
                match about {
                    Some(about) if about.key == *workload => Some(Moment::Selected),
                    // A dialog about nothing that is shown: its own words lead on.
                    _ if target.is_none() && !self.overlays.is_empty() => None,
                    _ => Some(Moment::Away),
                }
            }
            _ => None,
        }
    }

    /// My last act, if it rolled this workload back.
    fn last_act(&self, workload: &WorkloadKey) -> Option<&Act> {
        let mut mine = self.acts.newest().filter(|act| act.is_mine);
        let last = mine.find(|act| matches!(act.request, Request::RollBack { .. } | Request::Undo { .. }))?;
        is_roll_back(&last.request, workload).then_some(last)
    }

    /// That none is listed means that none fires.
    fn knows_alerts(&self, now: Now) -> bool {
        let mut sources = self.store.sources.iter().filter(|(id, _)| id.part == Part::Alerts).peekable();
        sources.peek().is_some()
            && sources.all(|(_, state)| state.has_synced && state.pulse.freshness(now, state.expected).is_usable())
    }

    /// For a world that says nothing of its own: the keys that help in any, and no remedy.
    fn general(&self, now: Now) -> Option<String> {
        if let Some(plan) = self.asking() {
            return Some(match plan.blocked {
                Some(_) => "this plan cannot be sent, and says why: esc leaves it".to_owned(),
                None => "read it, then {confirm}; esc sends nothing".to_owned(),
            });
        }
        if !self.overlays.is_empty() {
            return None;
        }
        if let Some(act) = self.acts.running().next() {
            return Some(format!("'{}' is under way: {{audit}} shows its steps", act.title.replace(['{', '}'], "")));
        }
        let needs = self.sync.summary.needs;
        let has_log = [Kind::Pod, Kind::Workload, Kind::Run, Kind::Alert];
        match self.selected(now).as_ref().map(Target::kind) {
            _ if needs == 0 && !self.knows_alerts(now) => None,
            _ if needs == 0 => Some(
                "nothing needs you: look around with {kube}, {pipelines}, {metrics}. Now yours: `midwatch init`"
                    .to_owned(),
            ),
            Some(kind) if has_log.contains(&kind) => {
                Some("on this row: {why} says why, {logs} shows logs, {actions} all that can be done".to_owned())
            }
            _ => Some("{next-need} leads to what needs you".to_owned()),
        }
    }
}

fn is_roll_back(request: &Request, of: &WorkloadKey) -> bool {
    matches!(request, Request::RollBack { workload, .. } if workload == of)
}

fn is_active(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Firing | AlertState::Silenced | AlertState::Inhibited | AlertState::Muted)
}

/// It fires anew: the act before is another story.
fn began_after(alert: &Alert, act: &Act) -> bool {
    matches!((alert.starts, act.ended), (Some(starts), Some(ended)) if starts > ended)
}
