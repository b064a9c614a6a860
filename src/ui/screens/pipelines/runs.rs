//! The runs pane.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Pipelines,
    order::{self, Newest},
};
use crate::{
    model::{
        BackendId, Level, Part,
        code::{Run, RunState},
    },
    time::age,
    ui::{
        View,
        list::Entry,
        screens::pane::{empty_words, framed, fresh_line, level_style, mark_of},
        theme::Mark,
        widgets::{
            cells::{put_line, row},
            gauge::bar,
            virtual_table::{Column, Row, VirtualTable},
        },
    },
};

/// Cells of a stage bar.
const BAR: u16 = 10;

pub(super) fn render(pipelines: &mut Pipelines, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let filter = if pipelines.filter.is_empty() { String::new() } else { format!("filter {}   ", pipelines.filter) };
    let reversed = if pipelines.is_reversed { ", reversed" } else { "" };
    let info = Line::styled(format!("{filter}sort {}{reversed}", pipelines.sort.name()), theme.dim);
    let fresh = fresh_line(view, &[Part::Runs], None);
    let inside = framed(view, title(pipelines, view), info, fresh, focused, area, buf);
    let about = pipelines.selected_run(view).filter(|_| inside.height > 5).and_then(|run| about(view, run));
    let table = Rect { height: inside.height.saturating_sub(u16::from(about.is_some())), ..inside };
    let has_hosts = pipelines.hosts > 1;
    let columns = columns(has_hosts);
    let newest = &order::newest(view.store);
    let note = pipelines.runs.new_above();
    pipelines.runs.height = usize::from(table.height.saturating_sub(1));
    let (cursor, mut state) = (pipelines.runs.cursor(), pipelines.runs.table);
    let list = pipelines.runs.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty_words(view, &[Part::Runs], "no workflow runs in these repositories", &pipelines.filter))
        .render(table, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.runs.get(key) {
                Some(run) => Row::item(cells(view, run, newest, has_hosts)),
                None => Row::Wide(Line::styled(format!("run {}", key.id), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (pipelines.runs.table, pipelines.runs.hits) = (state, hits);
    if let (Some(about), Some(spot)) = (about, row(inside, inside.height.saturating_sub(1))) {
        let spot = Rect { x: spot.x + 3.min(spot.width), width: spot.width.saturating_sub(3), ..spot };
        put_line(buf, spot, &about, theme.glyphs.ellipsis);
    }
}

fn title(pipelines: &Pipelines, view: &View<'_>) -> Line<'static> {
    let theme = view.theme;
    let mut spans = vec![Span::raw("PIPELINE RUNS")];
    for (count, word, style) in [
        (pipelines.counts.failing, "failing", theme.broken),
        (pipelines.counts.running, "running", theme.progress),
        (pipelines.counts.waiting, "waiting", theme.wrong),
    ] {
        if count > 0 {
            spans.push(Span::styled(format!("   {count} {word}"), style));
        }
    }
    Line::from(spans)
}

/// What the selected run would do once more, in words.
fn about<'a>(view: &View<'a>, run: &'a Run) -> Option<Line<'a>> {
    if !run.deploys {
        return (!run.title.is_empty()).then(|| Line::styled(run.title.as_str(), view.theme.dim));
    }
    let repo = run.key.repo.name.as_str();
    let service = view.settings.services.iter().find(|service| service.repository.as_ref().is_some_and(|r| r == repo));
    let what = match service.and_then(|service| service.workload.as_ref()) {
        Some(workload) => format!("deploys {workload} ({}/{})", workload.cluster, workload.namespace),
        None => "deploys".to_owned(),
    };
    let title = if run.title.is_empty() { String::new() } else { format!("   {}", run.title) };
    Some(Line::from(vec![
        Span::styled(format!("{what}: re-running deploys again"), view.theme.wrong),
        Span::styled(title, view.theme.dim),
    ]))
}

fn columns(has_hosts: bool) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column::new("", 2, 100),
        Column::new("where", 6, 55),
        Column::new("repo", 10, 80).min(6),
        Column::new("workflow", 14, 99).min(8),
        Column::new("run", 6, 98).min(5),
        Column::new("branch", 12, 50).min(6),
        Column::new("commit", 7, 45),
        Column::new("by", 10, 40).min(5),
        Column::new("stage", 32, 97).min(12).grows(),
        Column::new("took", 6, 85).right(),
        Column::new("started", 7, 70).min(5).right(),
    ];
    if !has_hosts {
        columns.remove(1);
    }
    columns
}

fn cells<'a>(view: &View<'a>, run: &'a Run, newest: &Newest<'_>, has_hosts: bool) -> Vec<Line<'a>> {
    let theme = view.theme;
    let now = view.store.time_of(&run.key.repo.host, view.now);
    let level = order::level(run, newest, now);
    let style = level.map_or(theme.dim, |level| level_style(theme, level));
    let mark = level.map_or(Mark::Blank, mark_of);
    let name = if level.is_some_and(|level| level < Level::Progress) { theme.strong } else { theme.text };
    let started = run.started.or(run.created).map_or_else(String::new, |at| clock(at, now));
    let attempt = if run.attempt > 1 { format!("#{}.{}", run.number, run.attempt) } else { format!("#{}", run.number) };
    let mut cells = vec![
        Line::from(theme.mark(mark)),
        Line::styled(host_words(&run.key.repo.host), theme.dim),
        Line::styled(short_repo(&run.key.repo.name), theme.text),
        Line::styled(run.workflow.as_str(), name),
        Line::styled(attempt, theme.text),
        Line::styled(run.branch.as_deref().unwrap_or("-"), theme.dim),
        Line::styled(run.head_sha.get(..7).unwrap_or(&run.head_sha), theme.dim),
        Line::styled(run.actor.as_str(), theme.dim),
        stage(view, run, now).style(style),
        Line::styled(order::took(run, now).map_or_else(|| "-".to_owned(), age), style),
        Line::styled(started, theme.dim),
    ];
    if !has_hosts {
        cells.remove(1);
    }
    cells
}

/// `[######....] deploy`, with a word for what went wrong.
fn stage(view: &View<'_>, run: &Run, now: jiff::Timestamp) -> Line<'static> {
    let theme = view.theme;
    let stage = run.stage.as_deref().unwrap_or_default();
    let words = match &run.state {
        RunState::Success => String::new(),
        RunState::Running if order::is_stuck(run, now) => format!("{stage}, still running"),
        RunState::Running => stage.to_owned(),
        state if stage.is_empty() => state.to_string(),
        state => format!("{stage}: {state}"),
    };
    let done = match (&run.state, run.jobs_total) {
        (RunState::Success, _) => BAR,
        (_, 0) => return Line::raw(words),
        (_, total) => ((run.jobs_done * u32::from(BAR)) / total).min(u32::from(BAR) - 1) as u16,
    };
    let at_work = match &run.state {
        RunState::Success => theme.ok,
        state if state.is_bad() => theme.broken,
        _ => theme.progress,
    };
    let done_style = if run.state == RunState::Success { theme.ok } else { theme.dim };
    let now = u16::from(run.state != RunState::Success && run.state != RunState::Queued);
    let mut line = bar(&[(done, done_style), (now, at_work)], BAR, theme);
    line.push_span(Span::raw(format!(" {words}")));
    line
}

/// `github.com` -> `github`
fn host_words(host: &BackendId) -> &str {
    host.split('.').next().unwrap_or(host)
}

pub(super) fn short_repo(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `02:51` within a day, else the date.
pub(super) fn clock(at: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let form = if now.as_second() - at.as_second() < 86_400 { "%H:%M" } else { "%m-%d" };
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime(form).to_string()
}
