//! Changes as columns of the charts: deploys as Kubernetes knows them, and annotations.

use crate::{
    model::{
        kubernetes::{Workload, tag_of},
        metric::DashboardKey,
    },
    ui::View,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marker {
    /// Milliseconds since the epoch.
    pub at: i64,
    pub label: String,
}

/// Longest label of an annotation, in characters.
const LONGEST: usize = 24;

/// Markers of a dashboard, by time. Of a service's own dashboard: only that service's deploys.
pub(super) fn markers(view: &View<'_>, dashboard: &DashboardKey) -> Vec<Marker> {
    let bound: Vec<_> = view
        .settings
        .services
        .iter()
        .filter(|service| service.panels.iter().any(|panel| panel.dashboard == *dashboard))
        .filter_map(|service| service.workload.as_ref())
        .collect();
    let workloads: Vec<&Workload> = view
        .store
        .kube
        .workloads
        .values()
        .map(|workload| &**workload)
        .filter(|workload| bound.is_empty() || bound.contains(&&workload.key))
        .collect();
    let mut markers: Vec<Marker> = workloads.into_iter().flat_map(|workload| deploys(view, workload)).collect();
    let notes = view.store.annotations.get(&dashboard.backend).into_iter().flatten();
    markers.extend(notes.filter(|note| note.dashboard.as_ref().is_none_or(|uid| *uid == dashboard.uid)).map(|note| {
        let text = note.text.lines().next().unwrap_or_default();
        Marker { at: note.time.as_millisecond(), label: text.chars().take(LONGEST).collect() }
    }));
    markers.sort_by(|a, b| (a.at, &a.label).cmp(&(b.at, &b.label)));
    markers
}

/// A deploy is a new ReplicaSet; the first one of all is the workload's beginning.
fn deploys<'a>(view: &View<'a>, workload: &'a Workload) -> impl Iterator<Item = Marker> + 'a {
    let sets = view.store.kube.sets_of(workload);
    let several = sets.len() > 1;
    sets.into_iter().filter(move |_| several).filter_map(|set| {
        let tag = set.images.first().map(|image| tag_of(image)).unwrap_or_default();
        Some(Marker { at: set.created?.as_millisecond(), label: format!("{} {tag}", workload.key.name) })
    })
}
