//! The services pane: ready pods, the bound panels' values and their trend.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    super::{
        super::{
            View,
            list::Entry,
            target::Target,
            widgets::{
                sparkline::sparkline,
                virtual_table::{Column, Row, VirtualTable},
            },
        },
        needs, pane,
    },
    Now,
    story::{Measure, measure},
};
use crate::{
    app::settings::ServiceBinding,
    model::{
        Level, Part,
        alert::AlertState,
        kubernetes::{Workload, WorkloadKey},
        metric::PanelKey,
    },
};

/// Services whose panels are read, and panels of each.
const READ: (usize, usize) = (8, 3);
/// Firing alerts that are looked up for their workload.
const ALERTS: usize = 50;

/// Configured services; without any, the workloads, trouble first.
pub(super) fn entries(view: &View<'_>) -> Vec<Entry<Target>> {
    let bound: Vec<Entry<Target>> = view
        .settings
        .services
        .iter()
        .filter_map(|service| {
            let workload = service.workload.clone().map(Target::Workload);
            workload.or_else(|| service.panels.first().cloned().map(Target::Panel)).map(Entry::Item)
        })
        .collect();
    if !bound.is_empty() {
        return bound;
    }
    let mut workloads: Vec<&Workload> = view.store.kube.workloads.values().map(|workload| &**workload).collect();
    workloads.sort_by_cached_key(|workload| (view.store.kube.level_of(workload), &workload.key));
    workloads.into_iter().take(100).map(|workload| Entry::Item(Target::Workload(workload.key.clone()))).collect()
}

/// The worst level among the firing alerts of each workload.
pub(super) fn alerted(view: &View<'_>) -> Vec<(WorkloadKey, Level)> {
    let mut found: Vec<(WorkloadKey, Level)> = view
        .store
        .alerts
        .values()
        .filter(|alert| alert.state == AlertState::Firing && !alert.is_watchdog)
        .take(ALERTS)
        .filter_map(|alert| Some((needs::workload_of_alert(view, alert)?.key.clone(), alert.priority.level())))
        .collect();
    found.sort();
    found.dedup_by(|next, kept| next.0 == kept.0);
    found
}

/// Panels that the pane shows.
pub(super) fn panels<'a>(view: &View<'a>) -> impl Iterator<Item = &'a PanelKey> {
    view.settings.services.iter().take(READ.0).flat_map(|service| service.panels.iter().take(READ.1))
}

fn binding<'a>(view: &View<'a>, target: &Target) -> Option<&'a ServiceBinding> {
    match target {
        Target::Workload(key) => view.settings.service_of(key),
        Target::Panel(key) => view.settings.services.iter().find(|service| service.panels.first() == Some(key)),
        _ => None,
    }
}

/// Titles that several services' panels share become columns; a service's own name is left out of them.
fn titles(view: &View<'_>) -> Vec<String> {
    let mut titles: Vec<(String, usize)> = Vec::new();
    for service in view.settings.services.iter().take(READ.0) {
        for key in service.panels.iter().take(READ.1) {
            let Some(title) = title_of(view, service, key) else { continue };
            match titles.iter_mut().find(|(known, _)| *known == title) {
                Some((_, count)) => *count += 1,
                None => titles.push((title, 1)),
            }
        }
    }
    titles.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    titles.into_iter().take(READ.1).map(|(title, _)| title).collect()
}

fn title_of(view: &View<'_>, service: &ServiceBinding, key: &PanelKey) -> Option<String> {
    let title = measure(view, key)?.panel.title.replace(service.name.as_str(), "");
    Some(title.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches([':', '-', ',', ' ']).to_lowercase())
}

pub(super) fn render(now: &mut Now, view: &View<'_>, focused: bool, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let parts = [Part::Deployments, Part::StatefulSets, Part::DaemonSets];
    let fresh = pane::fresh_line(view, &parts, None);
    let title = if view.settings.services.is_empty() { "WORKLOADS" } else { "SERVICES" };
    let inside = pane::framed(view, title, Line::default(), fresh, focused, area, buf);
    let titles = titles(view);
    let names = now.services.entries().iter().filter_map(|entry| match entry {
        Entry::Item(target) => Some(name_of(view, target).chars().count() as u16),
        Entry::Group(_) => None,
    });
    // No wider than its names: what is saved goes to the headings.
    let name = names.max().unwrap_or_default().clamp(8, 12);
    let mut columns =
        vec![Column::new("", 2, 100), Column::new("", name, 99).min(8).grows(), Column::new("pods", 5, 98).right()];
    // A number that is cut says something else: where there is no room, a later column goes.
    columns.extend(titles.iter().enumerate().map(|(index, title)| {
        let width = (title.chars().count() as u16).clamp(9, 12);
        Column::new(title, width, 90 - index as u8 * 5).min(width).right()
    }));
    columns.push(Column::new("trend", spark(view), 88));
    now.services.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (now.services.cursor(), now.services.table);
    let list = now.services.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor.filter(|_| focused))
        .focused(focused)
        .empty(pane::empty_words(view, &parts, "no workloads", ""))
        .render(inside, buf, &mut state, |index| match &list[index] {
            Entry::Item(target) => Row::item(cells(view, target, &titles, &now.alerted)),
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (now.services.table, now.services.hits) = (state, hits);
}

/// Cells of a trend: it is read with a few less too, where the heads need the room.
const fn spark(view: &View<'_>) -> u16 {
    if view.size.0 < 140 { 6 } else { 9 }
}

fn name_of(view: &View<'_>, target: &Target) -> String {
    match (binding(view, target), target) {
        (Some(service), _) => service.name.to_string(),
        (None, Target::Workload(key)) => key.name.to_string(),
        (None, _) => String::new(),
    }
}

fn cells(view: &View<'_>, target: &Target, titles: &[String], alerted: &[(WorkloadKey, Level)]) -> Vec<Line<'static>> {
    let theme = view.theme;
    let service = binding(view, target);
    let key = if let Target::Workload(key) = target { Some(key) } else { None };
    let workload = key.and_then(|key| view.store.kube.workloads.get(key));
    let alert = key.and_then(|key| alerted.iter().find(|(alerted, _)| alerted == key)).map(|(_, level)| *level);
    let measures: Vec<_> = service
        .iter()
        .flat_map(|service| service.panels.iter().take(READ.1).map(move |panel| (*service, panel)))
        .filter_map(|(service, panel)| Some((title_of(view, service, panel)?, measure(view, panel)?)))
        .collect();
    let over = measures.iter().any(|(_, measure)| measure.is_over()).then_some(Level::Wrong);
    let own = match (key, workload) {
        (Some(_), None) => Some(Level::Unknown),
        (_, workload) => workload.map(|workload| view.store.kube.level_of(workload)),
    };
    let level = [own, alert, over].into_iter().flatten().min().unwrap_or(Level::Ok);
    let name = name_of(view, target);
    let pods = workload.map_or_else(|| "-".to_owned(), |workload| format!("{}/{}", workload.ready, workload.desired));
    let short = workload.is_some_and(|workload| workload.ready < workload.desired);
    let mut cells = vec![
        pane::mark(theme, level),
        Line::styled(name, if level < Level::Ok { theme.strong } else { theme.text }),
        Line::styled(pods, if short { theme.wrong } else { theme.dim }),
    ];
    for title in titles {
        let found = measures.iter().find(|(own, _)| own == title).map(|(_, measure)| measure);
        let style = if found.is_some_and(Measure::is_over) { theme.broken } else { theme.text };
        let value = found.map_or_else(|| "-".to_owned(), |measure| measure.text().unwrap_or_else(|| "..".to_owned()));
        cells.push(Line::styled(value, if value_is_known(found) { style } else { theme.dim }));
    }
    let first = measures.first().map(|(_, measure)| measure);
    let points = first.map(trend).unwrap_or_default();
    let style = if first.is_some_and(Measure::is_over) { theme.broken } else { theme.dim };
    cells.push(Line::from(sparkline(&points, spark(view), style, theme)));
    cells
}

/// The first series; flat where it lies far below its limit, else noise would look like an outage.
fn trend(measure: &Measure<'_>) -> Vec<Option<f64>> {
    let series = measure.data.and_then(|data| data.series.first());
    let points: Vec<Option<f64>> =
        series.map(|series| series.points.iter().map(|(_, value)| *value).collect()).unwrap_or_default();
    let most = points.iter().flatten().copied().fold(0.0, f64::max);
    if measure.limit().is_some_and(|limit| most < limit / 10.0) {
        return points.into_iter().map(|value| value.map(|_| 0.0)).collect();
    }
    points
}

fn value_is_known(measure: Option<&Measure<'_>>) -> bool {
    measure.is_some_and(|measure| measure.value().is_some())
}
