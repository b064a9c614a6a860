//! Which rows of what needs me a face has.

use super::{
    super::{
        super::{View, target::Target, theme::Mark},
        needs, words,
    },
    story::workload_of,
};
use crate::model::kubernetes::WorkloadKey;

/// What needs me, and what an act of mine changes; `is_alone`: there are panes for runs and pull requests.
pub(super) fn rows(view: &View<'_>, is_alone: bool) -> Vec<Target> {
    let mut rows = needs(view);
    if is_alone {
        rows.retain(|target| matches!(target, Target::Alert(_) | Target::Workload(_)));
    }
    keep_acted_on(view, &mut rows);
    rows
}

/// What an act goes on with keeps a row, below what is broken, though its alert was silenced and its pods are well: else
/// the next key would mean another object.
fn keep_acted_on(view: &View<'_>, rows: &mut Vec<Target>) {
    let is_there = |key: &&WorkloadKey| view.store.kube.workloads.get(key).is_some();
    let acted_on: Vec<&WorkloadKey> =
        view.acts.running().filter_map(|act| workload_of(&act.request)).filter(is_there).collect();
    for key in acted_on {
        let is_its = |target: &Target| match target {
            Target::Workload(own) => own == key,
            Target::Alert(alert) => view
                .store
                .alerts
                .get(alert)
                .and_then(|alert| needs::workload_of_alert(view, alert))
                .is_some_and(|own| own.key == *key),
            _ => false,
        };
        if rows.iter().any(is_its) {
            continue;
        }
        let is_broken = |target: &Target| words::of(view, target).is_some_and(|said| said.mark == Mark::Broken);
        let at = rows.iter().position(|target| !is_broken(target)).unwrap_or(rows.len());
        rows.insert(at, Target::Workload(key.clone()));
    }
}
