//! The jobs pane: jobs of one run, the steps of those that are not plainly well.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::Pipelines;
use crate::{
    model::{
        Level,
        code::{Job, JobKey, RunKey, RunState},
    },
    query::{Answer, Query},
    text::Clean,
    time::age,
    ui::{
        View,
        list::Entry,
        screens::{
            answer::{answer, framed_answer, missing_words},
            pane::{level_style, mark_of},
        },
        theme::Mark,
        widgets::virtual_table::{Column, Row, VirtualTable},
    },
};

pub(super) fn jobs_of<'a>(view: &View<'a>, run: &RunKey) -> Option<&'a [Job]> {
    match answer(view, &Query::Jobs(run.clone()))? {
        Answer::Jobs(jobs) => Some(jobs),
        _ => None,
    }
}

/// The job whose log tells most: the first that failed, else the one at work, else the last.
pub(super) fn telling(jobs: &[Job]) -> Option<&Job> {
    let bad = jobs.iter().find(|job| job.state.is_bad());
    bad.or_else(|| jobs.iter().find(|job| job.state == RunState::Running)).or(jobs.last())
}

/// Jobs, each with the steps of interest as lines below it.
pub(super) fn entries(jobs: &[Job], now: jiff::Timestamp) -> Vec<Entry<JobKey>> {
    let mut entries = Vec::new();
    for job in jobs {
        entries.push(Entry::Item(job.key.clone()));
        if matches!(job.state, RunState::Success | RunState::Skipped | RunState::Queued) {
            continue;
        }
        for step in job.steps.iter().filter(|step| step.state != RunState::Skipped) {
            let took = took(step.started, step.completed, now).unwrap_or_default();
            let mark = mark(&step.state).text();
            entries.push(Entry::Group(Clean::own(format!("{mark} {:>2} {}  {took}", step.number, step.name))));
        }
    }
    entries
}

fn took(started: Option<jiff::Timestamp>, completed: Option<jiff::Timestamp>, now: jiff::Timestamp) -> Option<String> {
    Some(age((completed.unwrap_or(now).as_second() - started?.as_second()).max(0)))
}

fn level(state: &RunState) -> Option<Level> {
    Some(match state {
        state if state.is_bad() => Level::Broken,
        RunState::Waiting => Level::Wrong,
        RunState::Running => Level::Progress,
        RunState::Success => Level::Ok,
        RunState::Other(_) => Level::Unknown,
        _ => return None,
    })
}

fn mark(state: &RunState) -> Mark {
    level(state).map_or(Mark::Blank, mark_of)
}

pub(super) fn render(pipelines: &mut Pipelines, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let run = pipelines.selected_run(view);
    let title = run.map_or_else(|| "JOBS".to_owned(), |run| format!("JOBS {} #{}", run.workflow, run.number));
    let query = pipelines.shown.clone().map(Query::Jobs);
    let info = run.map_or_else(String::new, |run| run.state.to_string());
    let inside = framed_answer(view, title, Line::styled(info, theme.dim), query.as_ref(), focused, area, buf);
    let jobs = pipelines.shown.as_ref().and_then(|run| jobs_of(view, run));
    let empty = match (&query, jobs) {
        (None, _) => "no run".to_owned(),
        (Some(query), None) => missing_words(view, query),
        (Some(_), Some(_)) => "no jobs: the run has not started any".to_owned(),
    };
    let columns = [
        Column::new("", 2, 100),
        Column::new("job", 22, 99).min(10).grows(),
        Column::new("state", 9, 90).min(7),
        Column::new("took", 6, 80).right(),
    ];
    let now = pipelines.shown.as_ref().map_or(view.now.wall, |run| view.store.time_of(&run.repo.host, view.now));
    pipelines.jobs.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (pipelines.jobs.cursor(), pipelines.jobs.table);
    let list = pipelines.jobs.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .focused(focused)
        .header(false)
        .empty(empty)
        .render(inside, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match jobs.and_then(|jobs| jobs.iter().find(|job| job.key == *key)) {
                Some(job) => Row::item(cells(view, job, now)),
                None => Row::Wide(Line::styled(format!("job {}", key.id), theme.dim)),
            },
            Entry::Group(step) => Row::Wide(step_line(view, step)),
        });
    (pipelines.jobs.table, pipelines.jobs.hits) = (state, hits);
}

fn step_line(view: &View<'_>, step: &Clean) -> Line<'static> {
    let theme = view.theme;
    let style = match step.get(..2) {
        Some("!!") => theme.broken,
        Some("! ") => theme.wrong,
        Some("~ ") => theme.progress,
        _ => theme.dim,
    };
    Line::styled(format!("    {step}"), style)
}

fn cells<'a>(view: &View<'a>, job: &'a Job, now: jiff::Timestamp) -> Vec<Line<'a>> {
    let theme = view.theme;
    let style = level(&job.state).map_or(theme.dim, |level| level_style(theme, level));
    let is_bad = job.state.is_bad();
    vec![
        Line::from(theme.mark(mark(&job.state))),
        Line::styled(job.name.as_str(), if is_bad { theme.strong } else { theme.text }),
        Line::styled(job.state.to_string(), style),
        Line::styled(took(job.started, job.completed, now).unwrap_or_default(), theme.dim),
    ]
}
