//! Panels as charts, numbers and bars.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{Metrics, several, tables, tables::Rows, values, values::Judged as _};
use crate::{
    model::{
        Level,
        metric::{Panel, PanelData, PanelKind, Scale},
    },
    query::{Answer, Query},
    ui::{
        View,
        list::Entry,
        screens::{
            answer::{answer, framed_answer, missing_words, stale_line},
            pane::{framed, level_style, mark_of},
        },
        widgets::{
            cells::{put_centred, put_line, row},
            chart::{Chart, Limit, Marker, Series},
            gauge::gauge,
            sparkline::sparkline,
            virtual_table::{Column, Row, TableState, VirtualTable},
        },
    },
    units,
};

/// Lines of a chart that can be told apart.
const LINES: usize = 8;

/// The panel's data: of the query wanted, else of the coarser one that is at hand.
pub(super) fn data<'a>(view: &View<'a>, query: &Query) -> Option<&'a PanelData> {
    match answer(view, query)? {
        Answer::Panel(data) => Some(data),
        _ => None,
    }
}

/// A moment for the eye: seconds in short ranges, the date in long ones.
pub(super) fn clock(at: i64, range_seconds: u32) -> String {
    let form = match range_seconds {
        0..600 => "%H:%M:%S",
        600..172_800 => "%H:%M",
        _ => "%m-%d %H:%M",
    };
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime(form).to_string())
}

/// `error rate   now 31.0%   limit 5   !! OVER`
fn title(metrics: &Metrics, view: &View<'_>, panel: &Panel, data: Option<&PanelData>) -> Line<'static> {
    let theme = view.theme;
    let mut spans = vec![Span::raw(titled(panel, data).to_string())];
    let Some(data) = data else { return Line::from(spans) };
    if let Some(table) = &data.table {
        spans.push(Span::styled(format!("   {} rows", table.rows.len() + table.more_rows), theme.dim));
        return Line::from(spans);
    }
    let reading = values::read(panel, data, metrics.back(view));
    let style = reading.level.map_or(theme.text, |level| level_style(theme, level));
    if reading.now.is_some() || reading.is_mapped {
        spans.push(Span::styled("   now ", theme.dim));
        spans.push(Span::styled(shown(panel, data, reading.index), style));
    }
    let (steps, scale) = judged(panel, data, reading.index);
    if let Some(limit) = steps.limit() {
        spans.push(Span::styled(format!("   limit {}", units::limit(&scale.unit, limit)), theme.dim));
    }
    if let Some(level) = reading.level.filter(|level| *level < Level::Ok) {
        let side = if reading.is_mapped { "" } else { steps.word(level) };
        spans.push(Span::styled(format!("   {} {side}", mark_of(level).text().trim()), style));
    }
    Line::from(spans)
}

/// The title with the variables in use, where the answer has it.
fn titled<'a>(panel: &'a Panel, data: Option<&'a PanelData>) -> &'a str {
    data.map(|data| data.title.as_str()).filter(|title| !title.is_empty()).unwrap_or(&panel.title)
}

/// One of its numbers as the panel writes it.
pub(super) fn shown(panel: &Panel, data: &PanelData, index: usize) -> String {
    panel.item(data, index).map_or_else(|| "no data".to_owned(), |item| units::shown(&item))
}

/// What judges one of the panel's numbers, and its scale; without numbers the panel's own.
fn judged<'a>(panel: &'a Panel, data: &'a PanelData, index: usize) -> (values::Steps, &'a Scale) {
    match panel.item(data, index) {
        Some(item) => (item.steps(), item.scale),
        None => (values::steps(panel), &panel.scale),
    }
}

#[expect(clippy::too_many_arguments, reason = "what a frame has, and where one is in it")]
pub(super) fn render(
    metrics: &Metrics,
    view: &View<'_>,
    panel: &Panel,
    query: &Query,
    focused: bool,
    rows: Option<&mut Rows>,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let data = data(view, query).or_else(|| data(view, &metrics.query(view, panel, false)));
    let title = title(metrics, view, panel, data);
    let inside = framed_answer(view, title, "", Some(query), focused, area, buf);
    let Some(data) = data else {
        let words = match &panel.kind {
            PanelKind::Other(kind) => format!("a '{kind}' panel: o opens it in the browser"),
            _ if panel.is_collapsed && !metrics.is_open => "in a closed row: enter reads it".to_owned(),
            _ => missing_words(view, query),
        };
        let spot = row(inside, inside.height / 3).unwrap_or_default();
        return put_centred(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
    };
    let remarks = remarks(panel, data, inside.height);
    let taken = (remarks.len() as u16).min(inside.height / 2);
    let plot = Rect { height: inside.height - taken, ..inside };
    match &panel.kind {
        PanelKind::TimeSeries => chart(metrics, view, panel, data, plot, buf),
        PanelKind::Stat | PanelKind::Gauge if data.reduced.len() > 1 => several::render(view, panel, data, plot, buf),
        PanelKind::Stat => stat(view, panel, data, plot, buf),
        PanelKind::Gauge => bar(view, panel, data, plot, buf),
        PanelKind::Table => {
            if let Some(table) = &data.table {
                tables::render(view, table, rows, plot, buf);
            }
        }
        PanelKind::Other(kind) => {
            let words = format!("a '{kind}' panel: o opens it in the browser");
            let spot = row(plot, plot.height / 3).unwrap_or_default();
            put_centred(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
    }
    for (index, (text, is_failure)) in remarks.iter().take(usize::from(taken)).enumerate() {
        let Some(spot) = row(inside, plot.height + index as u16) else { break };
        let style = if *is_failure { theme.stale } else { theme.dim };
        put_line(buf, spot, &Line::styled(text.as_str(), style), theme.glyphs.ellipsis);
    }
}

/// What failed, by query; then what could not be honoured, where there is room.
fn remarks(panel: &Panel, data: &PanelData, height: u16) -> Vec<(String, bool)> {
    let mut remarks: Vec<(String, bool)> = data.failures.iter().map(|text| (format!("?? {text}"), true)).collect();
    let drawn = if panel.kind == PanelKind::TimeSeries { LINES } else { usize::MAX };
    let more = data.more_series + data.series.len().saturating_sub(drawn);
    if more > 0 {
        remarks.push((format!("{more} more series are not drawn"), false));
    }
    if height > 9 {
        remarks.extend(panel.notes.iter().chain(&data.notices).map(|text| (text.to_string(), false)));
    }
    remarks
}

fn chart(metrics: &Metrics, view: &View<'_>, panel: &Panel, data: &PanelData, area: Rect, buf: &mut Buffer) {
    let range = metrics.range(view);
    let value = |value: f64| units::axis(&panel.scale.unit, value);
    let time = |at: i64| clock(at, range);
    let mut chart = Chart::new(view.theme, (data.from, data.to), &value, &time).cursor(metrics.cursor);
    // Those nearest to trouble first, should there be too many.
    let first = values::read(panel, data, 0).index;
    let order = std::iter::once(first).chain((0..data.series.len()).filter(|index| *index != first)).take(LINES);
    for series in order.filter_map(|index| data.series.get(index)) {
        chart = chart.series(Series { name: &series.name, points: &series.points, style: None });
    }
    if let Some(limit) = judged(panel, data, first).0.limit() {
        chart = chart.limit(Limit { value: limit, label: "limit" });
    }
    let within = metrics.markers.iter().filter(|marker| (data.from..=data.to).contains(&marker.at));
    chart = chart.markers(within.map(|marker| Marker { at: marker.at, label: &marker.label }));
    if data.series.is_empty() && !data.failures.is_empty() {
        chart = chart.empty("no data: every query failed");
    }
    chart.render(area, buf);
}

fn stat(view: &View<'_>, panel: &Panel, data: &PanelData, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let reading = values::read(panel, data, 0);
    let style = reading.level.map_or(theme.strong, |level| level_style(theme, level).patch(theme.strong));
    let words = shown(panel, data, reading.index);
    let middle = area.height / 3;
    if let Some(spot) = row(area, middle) {
        put_centred(buf, spot, &Line::styled(words, style), theme.glyphs.ellipsis);
    }
    let Some(series) = panel.item(data, reading.index).and_then(|item| item.series) else { return };
    let points: Vec<Option<f64>> = series.points.iter().map(|point| point.1).collect();
    if let Some(spot) = row(area, middle + 2) {
        let width = spot.width.min(60);
        put_centred(buf, spot, &Line::from(sparkline(&points, width, theme.series[0], theme)), "");
    }
}

fn bar(view: &View<'_>, panel: &Panel, data: &PanelData, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let reading = values::read(panel, data, 0);
    let Some(item) = panel.item(data, reading.index) else { return };
    let style = reading.level.map_or(theme.text, |level| level_style(theme, level));
    let (part, words) = (item.part(), units::shown(&item));
    let middle = area.height / 3;
    if let Some(spot) = row(area, middle) {
        put_centred(buf, spot, &Line::styled(words, style.patch(theme.strong)), theme.glyphs.ellipsis);
    }
    if let Some(spot) = row(area, middle + 2) {
        let width = spot.width.min(60);
        put_centred(buf, spot, &gauge(part, width, &[(f64::NEG_INFINITY, style)], theme), "");
    }
    if let Some(spot) = row(area, middle + 3) {
        let (min, max) = values::ends(item.scale);
        let ends = format!("{} .. {}", units::format(&item.scale.unit, min), units::format(&item.scale.unit, max));
        put_centred(buf, spot, &Line::styled(ends, theme.dim), theme.glyphs.ellipsis);
    }
}

/// The page of panels around the selected one: two columns of charts.
pub(super) fn grid(metrics: &Metrics, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let page = metrics.page(view);
    if page.is_empty() {
        return;
    }
    let rows = page.len().div_ceil(2);
    let heights = Layout::vertical(vec![Constraint::Fill(1); rows]).split(area);
    for (line, panels) in heights.iter().zip(page.chunks(2)) {
        let columns = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).split(*line);
        for (index, panel) in panels.iter().enumerate() {
            // A panel alone in its line takes all of it.
            let spot = if panels.len() == 1 { *line } else { columns[index] };
            let query = metrics.query(view, panel, false);
            let is_selected = metrics.list.selected() == Some(&panel.key);
            render(metrics, view, panel, &query, is_selected, None, spot, buf);
        }
    }
}

/// The variables' values in the first line, if there are any; the rest of the area.
fn values_line(metrics: &Metrics, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let Some(line) = metrics.values_line(view).filter(|_| area.height > 4) else { return area };
    put_line(buf, Rect { height: 1, ..area }, &line, view.theme.glyphs.ellipsis);
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// One panel over the whole screen, its series in numbers below.
pub(super) fn open(metrics: &mut Metrics, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let mut rows = metrics.rows;
    let Some(panel) = metrics.panel(view) else { return };
    let query = metrics.query(view, panel, true);
    let area = values_line(metrics, view, area, buf);
    let data = data(view, &query).or_else(|| data(view, &metrics.query(view, panel, false)));
    let count = data.filter(|data| data.table.is_none()).map_or(0, |data| panel.count(data));
    let wanted = (count as u16 + 3).min(area.height / 3);
    let lower = if count == 0 || area.height < 14 { 0 } else { wanted };
    let [top, bottom] = Layout::vertical([Constraint::Min(5), Constraint::Length(lower)]).areas(area);
    render(metrics, view, panel, &query, true, Some(&mut rows), top, buf);
    if let Some(data) = data.filter(|_| lower > 0) {
        legend(metrics, view, panel, data, bottom, buf);
    }
    metrics.rows = rows;
}

fn legend(metrics: &Metrics, view: &View<'_>, panel: &Panel, data: &PanelData, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let inside = framed(view, "SERIES", "", None, false, area, buf);
    let at = metrics.cursor.map(|at| clock(at, 0)).unwrap_or_default();
    let mut columns = vec![
        Column::new("series", 40, 99).min(12).grows(),
        Column::new("now", 10, 95).right(),
        Column::new("min", 10, 80).right(),
        Column::new("max", 10, 80).right(),
        Column::new("mean", 10, 75).right(),
    ];
    if metrics.cursor.is_some() {
        columns.push(Column::new(&at, 10, 90).right());
    }
    let mut state = TableState::default();
    let count = panel.count(data);
    VirtualTable::new(theme, &columns, count).focused(false).render(inside, buf, &mut state, |index| {
        let Some(item) = panel.item(data, index) else { return Row::Wide(Line::raw("")) };
        let of = |calc: fn(&crate::model::metric::Series) -> Option<f64>| {
            item.series.and_then(calc).map_or_else(|| "-".to_owned(), |value| units::format(&item.scale.unit, value))
        };
        let mut cells = vec![
            Line::raw(item.name),
            Line::raw(units::shown(&item)),
            Line::styled(of(crate::model::metric::Series::min), theme.dim),
            Line::styled(of(crate::model::metric::Series::max), theme.dim),
            Line::styled(of(crate::model::metric::Series::mean), theme.dim),
        ];
        cells.extend(metrics.cursor.map(|at| {
            let value = item.series.and_then(|series| series.at(at));
            Line::raw(value.map_or_else(|| "-".to_owned(), |value| units::format(&item.scale.unit, value)))
        }));
        Row::item(cells)
    });
}

/// Cells of a trend.
fn trend(view: &View<'_>) -> u16 {
    if view.is_narrow() { 8 } else { 20 }
}

/// Every panel as a row of numbers.
pub(super) fn numbers(metrics: &mut Metrics, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let fresh = crate::ui::screens::pane::fresh_line(view, &[crate::model::Part::Dashboards], None);
    let inside = framed(view, metrics.boards(view), metrics.info(view), fresh, focused, area, buf);
    let inside = values_line(metrics, view, inside, buf);
    let before = format!("{} ago", super::time_range::span(metrics.back(view) / 1000));
    let at = metrics.cursor.map(|at| clock(at, 0)).unwrap_or_default();
    let columns = [
        Column::new("", 2, 100),
        Column::new("panel", 36, 99).min(12).grows(),
        Column::new("now", 13, 98).min(11).right(),
        Column::new("limit", 12, 90).min(7).right(),
        Column::new(&before, 13, 70).min(11).right(),
        Column::new("change", 8, 80).right(),
        if at.is_empty() { Column::new("trend", trend(view), 40) } else { Column::new(&at, 13, 85).min(11).right() },
    ];
    metrics.list.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (metrics.list.cursor(), metrics.list.table);
    let empty = crate::ui::screens::pane::empty_words(
        view,
        &[crate::model::Part::Dashboards],
        "no dashboard with panels",
        &metrics.filter,
    );
    let metrics_ref = &*metrics;
    let list = metrics_ref.list.entries();
    let hits = VirtualTable::new(theme, &columns, list.len()).cursor(cursor).focused(focused).empty(empty).render(
        inside,
        buf,
        &mut state,
        |index| match &list[index] {
            Entry::Item(key) => match metrics_ref.panels(view).iter().find(|panel| panel.key == *key) {
                Some(panel) => Row::item(cells(metrics_ref, view, panel)),
                None => Row::Wide(Line::raw("")),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        },
    );
    (metrics.list.table, metrics.list.hits) = (state, hits);
}

fn cells<'a>(metrics: &Metrics, view: &View<'a>, panel: &'a Panel) -> Vec<Line<'a>> {
    let theme = view.theme;
    let query = metrics.query(view, panel, false);
    let title = Line::styled(panel.title.as_str(), theme.text);
    let Some(data) = data(view, &query) else {
        let failure = view.store.answers.get(&query).and_then(|slot| slot.pulse.failure.as_ref());
        let (mark, words) = match (&panel.kind, failure) {
            (_, Some(_)) => (theme.mark(crate::ui::theme::Mark::NoData), "failed"),
            (PanelKind::Other(_), None) => (Span::raw("  "), "o opens"),
            (_, None) if panel.is_collapsed => (Span::raw("  "), "closed row"),
            (_, None) => (Span::raw("  "), "loading"),
        };
        return vec![Line::from(mark), title, Line::styled(words, theme.dim)];
    };
    let reading = values::read(panel, data, metrics.back(view));
    let is_stale = stale_line(view, &query).is_some() || (reading.now.is_none() && !data.failures.is_empty());
    let level = if is_stale { Some(Level::Unknown) } else { reading.level };
    if let Some(table) = &data.table {
        let rows = format!("{} rows", table.rows.len() + table.more_rows);
        let mark = level.map_or_else(Line::default, |level| Line::from(theme.mark(mark_of(level))));
        return vec![mark, Line::styled(titled(panel, Some(data)), theme.text), Line::styled(rows, theme.text)];
    }
    let style = level.map_or(theme.text, |level| level_style(theme, level));
    let (steps, scale) = judged(panel, data, reading.index);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| units::format(&scale.unit, value));
    let limit = steps.limit().map_or_else(|| "-".to_owned(), |limit| units::limit(&scale.unit, limit));
    let change = match (reading.now, reading.before) {
        (Some(now), Some(before)) => values::change(now, before),
        _ => "-".to_owned(),
    };
    let series = panel.item(data, reading.index).and_then(|item| item.series);
    let last = match (metrics.cursor, series) {
        (Some(at), Some(series)) => Line::raw(number(series.at(at))),
        (None, Some(series)) => {
            let points: Vec<Option<f64>> = series.points.iter().map(|point| point.1).collect();
            Line::from(sparkline(&points, trend(view), style, theme))
        }
        _ => Line::default(),
    };
    // On a small screen there is no room for it whole.
    let count = panel.count(data);
    let several = if count > 1 && !view.is_narrow() {
        let which = match () {
            () if reading.is_mapped => "worst",
            () if steps.is_floor() => "lowest",
            () => "highest",
        };
        Span::styled(format!("  {which} of {}", count + data.more_series), theme.dim)
    } else {
        Span::raw("")
    };
    vec![
        level.map_or_else(Line::default, |level| Line::from(theme.mark(mark_of(level)))),
        Line::from(vec![Span::styled(titled(panel, Some(data)), theme.text), several]),
        Line::styled(shown(panel, data, reading.index), style),
        Line::styled(limit, theme.dim),
        Line::styled(number(reading.before), theme.dim),
        Line::styled(change, theme.text),
        last,
    ]
}
