//! What panes share: freshness in the title, marks, ages, versions.

use std::borrow::Cow;

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::super::{
    View,
    theme::{Mark, Theme},
    widgets::{
        cells::{fit_ends, width},
        frame::Frame,
        freshness::{Fresh, freshness},
    },
};
use crate::{
    model::{
        BackendId, BackendKind, Level, Part,
        kubernetes::{Pod, Workload},
    },
    store::slot::Freshness,
    time::{age_of, coarse},
};

/// The mark of a level.
pub fn mark_of(level: Level) -> Mark {
    match level {
        Level::Broken => Mark::Broken,
        Level::Wrong => Mark::Wrong,
        Level::Unknown => Mark::NoData,
        Level::Progress => Mark::Progress,
        Level::Ok => Mark::Ok,
    }
}

/// A cell with a level's mark.
pub fn mark(theme: &Theme, level: Level) -> Line<'static> {
    Line::from(theme.mark(mark_of(level)))
}

/// The words of a level in its style; `ok` rows are quiet.
pub fn level_style(theme: &Theme, level: Level) -> Style {
    match level {
        Level::Broken => theme.broken,
        Level::Wrong => theme.wrong,
        Level::Unknown => theme.stale,
        Level::Progress => theme.progress,
        Level::Ok => theme.text,
    }
}

/// AGE as kubectl prints it, by the backend's own clock.
pub fn age(view: &View<'_>, backend: &BackendId, since: Option<Timestamp>) -> String {
    since.map_or_else(|| "<unknown>".to_owned(), |since| age_of(since, view.store.time_of(backend, view.now)))
}

/// The worst of a workload's pods that is in trouble, and why. One that goes as it should is no reason.
pub fn worst_pod<'a>(view: &'a View<'_>, workload: &'a Workload) -> Option<(&'a Pod, Cow<'a, str>)> {
    let now = view.store.time_of(&workload.key.cluster, view.now);
    let pods = view.store.kube.pods_of(workload).into_iter().filter(|pod| !pod.is_record());
    let is_bad = |(pod, (level, why)): &(&Pod, (Level, Cow<'_, str>))| {
        *level < Level::Ok && !why.is_empty() && (*level <= Level::Wrong || !pod.why.is_empty())
    };
    let bad = pods.map(|pod| (pod, pod.standing(now))).filter(is_bad);
    bad.min_by_key(|(_, (level, _))| *level).map(|(pod, (_, why))| (pod, why))
}

const PRODUCTION: &str = "PROD ";

/// Whose a row is, where there are several clusters: production in a word, as in the header.
pub fn cluster_cell(view: &View<'_>, cluster: &BackendId) -> Line<'static> {
    if view.settings.is_production(cluster) {
        let theme = view.theme;
        return Line::from(vec![Span::styled(PRODUCTION, theme.strong), Span::styled(cluster.to_string(), theme.text)]);
    }
    Line::styled(cluster.to_string(), view.theme.dim)
}

/// How wide that is.
pub fn cluster_width(view: &View<'_>, cluster: &BackendId) -> u16 {
    width(cluster) + if view.settings.is_production(cluster) { width(PRODUCTION) } else { 0 }
}

/// Cells that a small screen has for whose a row is.
const LEAST_CLUSTER: u16 = 14;

/// Its name with both ends, by which such names differ, where little room is: `prod-e…-1`.
pub fn cluster_in_short<'a>(view: &View<'_>, cluster: &'a BackendId) -> Cow<'a, str> {
    let before = cluster_width(view, cluster).saturating_sub(width(cluster));
    fit_ends(cluster, LEAST_CLUSTER.saturating_sub(before), view.theme.glyphs.ellipsis)
}

/// Why a pane is not fresh, over all sources of these parts: nothing while all are live.
pub fn fresh_line<'a>(view: &View<'a>, parts: &[Part], backend: Option<&BackendId>) -> Option<Line<'a>> {
    let worst = parts.iter().filter_map(|part| view.store.freshness_of(*part, backend, view.now)).max_by_key(
        |(_, freshness)| match freshness {
            Freshness::Live => 0,
            Freshness::Loading => 1,
            Freshness::Stale { .. } => 2,
            Freshness::Down { .. } => 3,
        },
    )?;
    let (id, state) = (worst.0, view.store.sources.get(worst.0)?);
    let why = state
        .pulse
        .failure
        .as_ref()
        .map_or_else(|| format!("{} silent", id.backend), |failure| format!("{}: {}", id.backend, failure.error.says));
    let words = match &worst.1 {
        Freshness::Live => return None,
        Freshness::Loading => Fresh::Loading,
        Freshness::Stale { age } | Freshness::Down { age: Some(age), .. } => {
            let age = coarse(*age);
            return freshness(Fresh::Stale { age: &age, why: &why }, view.theme).map(owned);
        }
        Freshness::Down { age: None, .. } => return freshness(Fresh::Never { why: &why }, view.theme).map(owned),
    };
    freshness(words, view.theme)
}

/// What stands in an empty list: an error is never shown as an empty list.
pub fn empty_words(view: &View<'_>, parts: &[Part], nothing: &str, filter: &str) -> String {
    let worst: Vec<_> =
        parts.iter().filter_map(|part| view.store.freshness_of(*part, None, view.now)).map(|(id, _)| id).collect();
    if worst.is_empty() {
        return nobody_asked(view, parts);
    }
    for id in worst {
        if let Some(state) = view.store.sources.get(id) {
            if let Some(failure) = &state.pulse.failure {
                return format!("?? {}", failure.error.says);
            }
            if !state.has_synced {
                return "loading".to_owned();
            }
        }
    }
    if filter.is_empty() { nothing.to_owned() } else { format!("nothing matches '{filter}'; esc shows all") }
}

/// Whether anybody was asked for these and has answered at least once.
pub fn is_read(view: &View<'_>, parts: &[Part]) -> bool {
    view.store.sources.iter().any(|(id, state)| parts.contains(&id.part) && state.has_synced)
}

/// Nobody was asked: that is not the same as nothing there. A backend that could not be opened has only its health.
fn nobody_asked(view: &View<'_>, parts: &[Part]) -> String {
    let part = parts.first().copied().unwrap_or(Part::Health);
    let kind = match part {
        Part::PullRequests | Part::Runs => BackendKind::GitHub,
        Part::Dashboards | Part::Annotations => BackendKind::Grafana,
        Part::Alerts | Part::Silences => BackendKind::Alertmanager,
        _ => BackendKind::Kubernetes,
    };
    let is_kind = |id: &BackendId| view.store.backends.get(id).is_some_and(|backend| backend.kind == kind);
    let mut failed = view.store.sources.iter().filter(|(id, _)| is_kind(&id.backend));
    match failed.find_map(|(_, state)| state.pulse.failure.as_ref()) {
        Some(failure) => format!("?? {}", failure.error.says),
        None if is_opening(view, kind) => "loading".to_owned(),
        None => format!("no backend for {} is set up", part.title()),
    }
}

/// A backend that speaks this is named, and not open yet.
pub fn is_opening(view: &View<'_>, kind: BackendKind) -> bool {
    let is_open = |id: &BackendId| view.store.sources.keys().any(|source| source.backend == *id);
    view.settings.backends.iter().any(|(id, speaks)| *speaks == kind && !is_open(id))
}

fn owned(line: Line<'_>) -> Line<'static> {
    let style = line.style;
    Line::from(
        line.spans.into_iter().map(|span| Span::styled(span.content.into_owned(), span.style)).collect::<Vec<_>>(),
    )
    .style(style)
}

/// A framed pane: title, and on the right either why it is not fresh or `info`. Returns the area inside.
pub fn framed<'a>(
    view: &View<'a>,
    title: impl Into<Line<'a>>,
    info: impl Into<Line<'a>>,
    fresh: Option<Line<'a>>,
    focused: bool,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let frame = Frame::new(view.theme, title).focused(focused);
    match fresh {
        Some(fresh) => frame.warning(fresh),
        None => frame.info(info),
    }
    .render(area, buf)
}
