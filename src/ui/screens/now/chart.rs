//! Charts on Now: the broken service's first panel with its deploys, and small ones of the golden signals.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    super::{
        super::{
            View,
            target::Target,
            theme::Mark,
            widgets::{
                cells::{put_line, put_right, put_text, row},
                chart::{Chart, Limit, Marker, Series},
                freshness::{Fresh, freshness},
            },
        },
        pane::framed,
        words,
    },
    Now,
    story::{Measure, RANGE, Story, measure},
};
use crate::{model::metric::PanelKey, store::slot::Freshness, time::coarse, units};

/// How often a panel is read; the source may be slower, never faster.
const EVERY: Duration = Duration::from_secs(30);
/// Lines drawn in one chart.
const MOST_SERIES: usize = 4;
/// Least size of a small chart.
const SMALL: (u16, u16) = (24, 6);

/// The chart of what is broken, in a frame of its own.
pub(super) fn broken(story: &Story<'_>, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let Some(measure) = story.measure(view) else { return };
    let name = story.service.map(|service| service.name.to_string()).unwrap_or_default();
    let title = Line::from(vec![
        Span::raw(with_name(&measure.panel.title, &name)),
        Span::raw("   "),
        now_words(&measure, view),
    ]);
    let fresh = fresh(&measure, view);
    let range = format!("last {}", crate::time::age(i64::from(RANGE)));
    let inside = framed(view, title, Line::styled(range, theme.dim), fresh, false, area, buf);
    draw(&measure, &markers(story), view, inside, buf);
}

fn with_name(title: &str, name: &str) -> String {
    if title.contains(name) { title.to_owned() } else { format!("{title} {name}") }
}

/// `31.0 %  limit 5 %  !! over`
fn now_words(measure: &Measure<'_>, view: &View<'_>) -> Span<'static> {
    let theme = view.theme;
    let limit = measure.limit_text().map(|limit| format!("  limit {limit}")).unwrap_or_default();
    match measure.text() {
        Some(text) if measure.is_over() => Span::styled(format!("now {text}{limit} !!"), theme.broken),
        Some(text) => Span::styled(format!("now {text}{limit}"), theme.dim),
        None => Span::raw(""),
    }
}

/// Why the values are not fresh, or what the panel's own queries said.
fn fresh(measure: &Measure<'_>, view: &View<'_>) -> Option<Line<'static>> {
    let theme = view.theme;
    let failed = measure.data.and_then(|data| data.failures.first());
    let failed = || failed.map(|says| Line::styled(format!("?? {says}"), theme.stale));
    let Some(pulse) = measure.pulse else { return Some(Line::styled("loading", theme.dim)) };
    let why = pulse.failure.as_ref().map(|failure| failure.error.says.to_string()).unwrap_or_default();
    let age = pulse.age(view.now).map(coarse);
    let words = match pulse.freshness(view.now, EVERY) {
        Freshness::Live => return failed(),
        Freshness::Loading => Fresh::Loading,
        Freshness::Stale { .. } | Freshness::Down { .. } => match &age {
            Some(age) => Fresh::Stale { age, why: &why },
            None => Fresh::Never { why: &why },
        },
    };
    freshness(words, theme).map(|line| Line::styled(line.to_string(), line.style))
}

/// Deploys of the workload; their words stand below the chart.
fn markers(story: &Story<'_>) -> Vec<(i64, String)> {
    story.deploys.iter().map(|deploy| (deploy.at.as_millisecond(), deploy.to.to_string())).collect()
}

fn draw(measure: &Measure<'_>, markers: &[(i64, String)], view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let unit = &measure.panel.scale.unit;
    let value = |value: f64| units::axis(unit, value);
    let time = |at: i64| Timestamp::from_millisecond(at).map_or_else(|_| String::new(), words::clock);
    let now = view.store.time_of(&measure.panel.key.dashboard.backend, view.now);
    let from = now.checked_sub(SignedDuration::from_secs(i64::from(RANGE))).unwrap_or(now);
    let range = match measure.data {
        Some(data) if data.to > data.from => (data.from, data.to),
        _ => (from.as_millisecond(), now.as_millisecond()),
    };
    let empty = match (measure.data, measure.pulse.and_then(|pulse| pulse.failure.as_ref())) {
        (Some(data), _) => match data.failures.first() {
            Some(says) => format!("?? {says}"),
            None => "no data in this hour".to_owned(),
        },
        (None, Some(failure)) => format!("?? {}", failure.error.says),
        (None, None) => "loading".to_owned(),
    };
    let mut chart = Chart::new(view.theme, range, &value, &time).empty(empty);
    for series in measure.data.iter().flat_map(|data| &data.series).take(MOST_SERIES) {
        chart = chart.series(Series { name: &series.name, points: &series.points, style: None });
    }
    if let Some(limit) = measure.limit() {
        chart = chart.limit(Limit { value: limit, label: "limit" }).reach(Some(limit));
    }
    let shown = markers.iter().filter(|(at, _)| (range.0..=range.1).contains(at));
    chart.markers(shown.map(|(at, label)| Marker { at: *at, label })).render(area, buf);
}

/// Panels for the small charts: the first of each service, else the first of the dashboards.
pub(super) fn golden(view: &View<'_>) -> Vec<PanelKey> {
    const MOST: usize = 6;
    let known = |key: &PanelKey| {
        view.store.dashboards.get(&key.dashboard).is_some_and(|board| board.panels.iter().any(|p| p.key == *key))
    };
    let bound: Vec<PanelKey> = view
        .settings
        .services
        .iter()
        .filter_map(|service| service.panels.first())
        .filter(|key| known(key))
        .take(MOST)
        .cloned()
        .collect();
    if !bound.is_empty() {
        return bound;
    }
    view.store
        .dashboards
        .values()
        .flat_map(|dashboard| &dashboard.panels)
        .filter(|panel| panel.kind == crate::model::metric::PanelKind::TimeSeries && !panel.is_collapsed)
        .take(MOST)
        .map(|panel| panel.key.clone())
        .collect()
}

/// Small charts in a grid, a number beside each.
pub(super) fn small(now: &mut Now, view: &View<'_>, focused: bool, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let keys: Vec<PanelKey> = now
        .charts
        .items()
        .filter_map(|target| if let Target::Panel(key) = target { Some(key.clone()) } else { None })
        .collect();
    let parts = [crate::model::Part::Dashboards];
    let fresh = super::super::pane::fresh_line(view, &parts, None);
    let inside = framed(view, "GOLDEN SIGNALS", Line::default(), fresh, focused, area, buf);
    if keys.is_empty() {
        let empty = super::super::pane::empty_words(
            view,
            &parts,
            "no panels: star a dashboard, or bind [[service]] panels",
            "",
        );
        if let Some(line) = row(inside, inside.height / 3) {
            put_line(buf, line, &Line::styled(empty, theme.dim), theme.glyphs.ellipsis);
        }
        return;
    }
    let across = usize::from((inside.width / SMALL.0).clamp(1, 2)).min(keys.len());
    let down = keys.len().div_ceil(across).min(usize::from(inside.height / SMALL.1).max(1));
    now.charts.height = down;
    let first = match now.charts.cursor() {
        Some(cursor) if cursor >= across * down => (cursor / across + 1 - down) * across,
        _ => 0,
    };
    let (width, height) = (inside.width / across as u16, inside.height / down as u16);
    for (index, key) in keys.iter().enumerate().skip(first).take(across * down) {
        let (column, line) = (((index - first) % across) as u16, ((index - first) / across) as u16);
        let spot = Rect {
            x: inside.x + column * width,
            y: inside.y + line * height,
            width: width.saturating_sub(u16::from(usize::from(column) + 1 < across)),
            height,
        };
        let under_cursor = focused && now.charts.cursor() == Some(index);
        one_small(view, key, under_cursor, spot, buf);
        now.charts.hits.rows.push((spot, index));
    }
}

fn one_small(view: &View<'_>, key: &PanelKey, under_cursor: bool, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let (Some(measure), Some(head)) = (measure(view, key), row(area, 0)) else { return };
    let service = view.settings.services.iter().find(|service| service.panels.first() == Some(key));
    let name = service.map_or_else(|| measure.panel.title.to_string(), |s| with_name(&measure.panel.title, &s.name));
    let mark = match (measure.is_over(), fresh(&measure, view).is_some()) {
        (_, true) => Mark::NoData,
        (true, false) => Mark::Broken,
        (false, false) => Mark::Ok,
    };
    let mark = if measure.pulse.is_none() { Mark::Blank } else { mark };
    let value = measure.text().unwrap_or_default();
    let value = Line::styled(value, if measure.is_over() { theme.broken } else { theme.strong });
    let right = put_right(buf, head, &value, theme.glyphs.ellipsis);
    put_text(
        buf,
        Rect { width: 1.min(head.width), ..head },
        if under_cursor { theme.glyphs.cursor } else { " " },
        theme.accent,
    );
    let title = Line::from(vec![theme.mark(mark), Span::styled(format!(" {name}"), theme.text)]);
    let room = Rect { x: head.x + 1, width: right.saturating_sub(head.x + 2), ..head };
    put_line(buf, room, &title, theme.glyphs.ellipsis);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    draw(&measure, &[], view, body, buf);
}
