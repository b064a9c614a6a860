//! Telling: a bell or a notification on a new page-worthy alert, and on what one asked to be told of.

use super::{App, Effect};
use crate::{
    model::alert::{AlertState, Priority},
    text::Clean,
    time::Now,
    ui::{overlays, target::Target},
};

/// What one asked to be told of.
pub(super) struct Watched {
    target: Target,
    /// In words, as it was: an alert that is resolved is listed no more.
    name: String,
    state: String,
}

impl App {
    /// New alerts that page, once each. The first list after the start is no news.
    pub(super) fn tell_alerts(&mut self) -> Vec<Effect> {
        let is_first = !std::mem::replace(&mut self.has_alerts, true);
        let mut effects = Vec::new();
        for alert in self.store.alerts.values() {
            let pages = alert.state == AlertState::Firing && alert.priority <= Priority::P2 && !alert.is_watchdog;
            if !pages {
                self.told.remove(&alert.key);
            } else if self.told.insert(alert.key.clone()) && !is_first && self.settings.ui.notify != "none" {
                let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
                effects.push(Effect::Notify(Clean::own(format!("{} {}{subject}", alert.priority.name(), alert.name))));
            }
        }
        effects
    }

    /// `w`: tell me when this changes. A second `w` takes it back.
    pub(super) fn toggle_watched(&mut self, target: &Target, now: Now) {
        let name = overlays::name_of(&self.view(now), target);
        if let Some(index) = self.watched.iter().position(|watched| watched.target == *target) {
            self.watched.remove(index);
            self.toasts.say(Clean::own(format!("no longer watching {name}")), now);
            return;
        }
        let state = self.state_of(target);
        self.toasts.say(Clean::own(format!("you will be told when {name} changes (now: {state})")), now);
        self.watched.push(Watched { target: target.clone(), name, state });
    }

    pub(super) fn tell_watched(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        for index in 0..self.watched.len() {
            let state = self.state_of(&self.watched[index].target);
            let watched = &mut self.watched[index];
            if state != watched.state {
                let text = Clean::own(format!("{}: {} -> {state}", watched.name, watched.state));
                watched.state = state;
                self.toasts.tell(text.clone(), now);
                self.dirty = true;
                effects.push(Effect::Notify(text));
            }
        }
        effects
    }

    /// The state of an object in a few words, for comparison and for the message.
    fn state_of(&self, target: &Target) -> String {
        let gone = || "gone".to_owned();
        match target {
            Target::Pod(key) => self
                .store
                .kube
                .pods
                .get(key)
                .map_or_else(gone, |pod| format!("{} {}/{}", pod.status, pod.ready, pod.total)),
            Target::Workload(key) => self.store.kube.workloads.get(key).map_or_else(gone, |workload| {
                format!("{}/{} ready, {:?}", workload.ready, workload.desired, workload.rollout.state)
            }),
            Target::Run(key) => self.store.runs.get(key).map_or_else(gone, |run| run.state.to_string()),
            Target::PullRequest(key) => self.store.pull_requests.get(key).map_or_else(gone, |pr| {
                let merged = if pr.merged.is_some() { "merged" } else { "open" };
                format!("{merged}, checks {}/{}, {:?}", pr.checks.passed, pr.checks.total(), pr.review)
            }),
            Target::Alert(key) => self.store.alerts.get(key).map_or_else(gone, |alert| match &alert.state {
                AlertState::Resolved(_) => "resolved".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            }),
            _ => gone(),
        }
    }
}
