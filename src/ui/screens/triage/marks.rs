//! Alerts that are marked by hand, and marks taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Triage, groups::Row, words};
use crate::{
    action::{Request, SilenceDraft},
    model::alert::{Alert, AlertKey},
    text::Clean,
    ui::{Reply, View},
};

/// Whether there is still something of it to act on.
fn is_live(view: &View<'_>, key: &AlertKey) -> bool {
    view.store.alerts.get(key).is_some_and(|alert| !alert.has_ended())
}

impl Triage {
    /// Marks the alerts of the selected row that have not ended, or takes their marks back.
    pub(super) fn toggle(&mut self, view: &View<'_>) -> Reply {
        let alerts: Vec<AlertKey> = match self.rows.selected() {
            Some(Row::Alert(key)) => vec![key.clone()],
            Some(Row::Group(key)) => self.group(key).map(|group| group.alerts.clone()).unwrap_or_default(),
            _ => return Reply::Done,
        };
        let live: Vec<AlertKey> = alerts.into_iter().filter(|key| is_live(view, key)).collect();
        if live.is_empty() {
            return Reply::Say("it has ended: there is nothing of it to act on".into());
        }
        self.undo.changed(self.marked.clone());
        if live.iter().all(|key| self.marked.contains(key)) {
            self.marked.retain(|key| !live.contains(key));
        } else {
            self.marked.extend(live);
        }
        Reply::Done
    }

    /// Takes all marks back.
    pub(super) fn unmark(&mut self) {
        let marked = std::mem::take(&mut self.marked);
        self.undo.changed(marked);
    }

    /// What was marked for it is sent: the next act means the row again, or what is marked then. It may be of another screen,
    /// and of none that is marked.
    pub fn sent(&mut self, request: &Request, known: &BTreeMap<AlertKey, Alert>) {
        let is_silenced = |key: &AlertKey, draft: &SilenceDraft| {
            let is_hit = |alert: &Alert| draft.matchers.iter().all(|matcher| matcher.matches(&alert.labels));
            draft.backend == key.backend && known.get(key).is_some_and(is_hit)
        };
        let is_meant = |key: &AlertKey| match request {
            Request::Acknowledge { alerts } => alerts.contains(key),
            Request::Silence(draft) => is_silenced(key, draft),
            Request::Silences(drafts) => drafts.iter().any(|draft| is_silenced(key, draft)),
            _ => false,
        };
        let kept: BTreeSet<AlertKey> = self.marked.iter().filter(|key| !is_meant(key)).cloned().collect();
        if kept != self.marked {
            let marked = std::mem::replace(&mut self.marked, kept);
            self.undo.changed(marked);
        }
    }

    /// Takes the marks off alerts that ended or are gone.
    pub(super) fn drop_ended(&mut self, view: &View<'_>) {
        let (live, ended): (BTreeSet<_>, BTreeSet<_>) =
            std::mem::take(&mut self.marked).into_iter().partition(|key| is_live(view, key));
        self.marked = live;
        self.ended.extend(ended);
    }

    /// The last mark went with its alert: an act that was meant for it must not reach the row that is selected. Said once.
    pub(super) fn was_for_ended(&mut self, view: &View<'_>) -> Option<Reply> {
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() || !self.marked.is_empty() {
            return None;
        }
        let names: Vec<String> = ended
            .iter()
            .map(|key| view.store.alerts.get(key).map_or_else(|| key.fingerprint.to_string(), words::alert_name))
            .collect();
        let what = if names.len() == 1 { "what was marked has ended" } else { "all that was marked has ended" };
        Some(Reply::Say(Clean::own(format!("{what}: {}; again for the selected row", names.join(", ")))))
    }

    /// The marks before are back, of alerts that still are. False: there is nothing to take back.
    pub(super) fn undo_mark(&mut self, view: &View<'_>) -> bool {
        let Some(was) = self.undo.take() else { return false };
        self.marked = was;
        self.marked.retain(|key| is_live(view, key));
        true
    }
}
