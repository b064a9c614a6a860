//! Alerts that are marked by hand, and marks taken back.

use super::{Triage, groups::Row};
use crate::{model::alert::AlertKey, ui::View};

impl Triage {
    /// Marks the alerts of the selected row, or takes their marks back.
    pub(super) fn toggle(&mut self) {
        let alerts: Vec<AlertKey> = match self.rows.selected() {
            Some(Row::Alert(key)) => vec![key.clone()],
            Some(Row::Group(key)) => self.group(key).map(|group| group.alerts.clone()).unwrap_or_default(),
            _ => return,
        };
        self.undo.changed(self.marked.clone());
        if alerts.iter().all(|key| self.marked.contains(key)) {
            self.marked.retain(|key| !alerts.contains(key));
        } else {
            self.marked.extend(alerts);
        }
    }

    /// Takes all marks back.
    pub(super) fn unmark(&mut self) {
        let marked = std::mem::take(&mut self.marked);
        self.undo.changed(marked);
    }

    /// The marks before are back, of alerts that still are. False: there is nothing to take back.
    pub(super) fn undo_mark(&mut self, view: &View<'_>) -> bool {
        let Some(was) = self.undo.take() else { return false };
        self.marked = was;
        self.marked.retain(|key| view.store.alerts.contains_key(key));
        true
    }
}
