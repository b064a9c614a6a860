//! What an act writes on a workload beside its template: who, why and for which incident.

use std::collections::BTreeMap;

use super::Make;
use crate::{
    action::{Request, WorkloadInspection},
    model::kubernetes::{ACTOR, INCIDENT, REASON},
};

/// In the place of what an earlier act wrote, and this one has not.
const NONE: &str = "none";

impl Make<'_> {
    /// Annotations of the workload. What an earlier act left there of its own incident is not this one's.
    pub(in crate::action) fn marks(&self, inspection: &WorkloadInspection, cause: String) -> BTreeMap<String, String> {
        let mut marks = BTreeMap::from([
            ("kubernetes.io/change-cause".to_owned(), cause),
            (ACTOR.to_owned(), self.settings.me.to_string()),
        ]);
        for earlier in [INCIDENT, REASON] {
            if inspection.annotations.contains_key(earlier) {
                marks.insert(earlier.to_owned(), NONE.to_owned());
            }
        }
        if let Some(incident) = self.incident() {
            marks.insert(INCIDENT.to_owned(), incident);
        }
        marks
    }

    /// The alert that it was asked for on: `HighErrorRate 9c1f0aa2`.
    fn incident(&self) -> Option<String> {
        let Request::RollBack { alert: Some(key), .. } = self.request else { return None };
        let alert = self.store.alerts.get(key);
        Some(alert.map_or_else(|| key.fingerprint.to_string(), |alert| format!("{} {}", alert.name, key.fingerprint)))
    }
}
