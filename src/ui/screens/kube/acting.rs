//! Workloads that acts of mine are at: they stay in sight until the act has ended.

use std::collections::BTreeSet;

use super::super::super::View;
use crate::{
    action::Request,
    model::{
        Level,
        kubernetes::{Workload, WorkloadKey},
    },
    store::Store,
};

/// Those of the acts that go on.
pub(super) type Acting<'a> = BTreeSet<&'a WorkloadKey>;

pub(super) fn acting<'a>(view: &View<'a>) -> Acting<'a> {
    let acts = view.acts;
    let of = |act: &'a crate::action::act::Act| match &act.request {
        Request::Restart { workload } | Request::Scale { workload, .. } => Some(workload),
        // A rollback, other limits, or what undoes one.
        _ => acts.changed_by(act),
    };
    acts.running().filter_map(of).collect()
}

/// How bad a workload is. One that is acted on is under way, however well its pods are.
pub(super) fn level(store: &Store, acting: &Acting<'_>, workload: &Workload) -> Level {
    let level = store.kube.level_of(workload);
    if acting.contains(&workload.key) { level.min(Level::Progress) } else { level }
}
