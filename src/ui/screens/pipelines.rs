//! Screen Pipelines: runs with trouble first, the selected run's jobs and steps, and the log of the job that failed.

mod jobs;
mod log;
mod order;
mod runs;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
};

use super::super::{
    Reply, Screen, View,
    filter::Filter,
    list::{Entry, List},
    target::Target,
    undo::Undo,
    widgets::virtual_table::TableHit,
};
use crate::{
    command::Command,
    model::code::{Job, JobKey, Run, RunKey, RunState},
    query::Query,
    store::Changes,
    text::Clean,
    time::Now,
};

use self::{
    log::LogPane,
    order::{SORTS, SortBy},
};

/// The cursor rests this long on a run before its jobs are asked for: requests are counted by the host.
const REST: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    Runs,
    Jobs,
    Log,
}

/// Runs by what they are, for the title.
#[derive(Debug, Default)]
struct Counts {
    failing: usize,
    running: usize,
    waiting: usize,
}

/// State of the screen.
#[derive(Default)]
pub struct Pipelines {
    runs: List<RunKey>,
    jobs: List<JobKey>,
    log: LogPane,
    /// The run whose jobs are listed.
    shown: Option<RunKey>,
    /// When the cursor came onto it by a key.
    moved: Option<Instant>,
    /// A job was chosen by hand: its log is read, whatever its result.
    has_chosen: bool,
    pane: Pane,
    filter: String,
    sort: SortBy,
    is_reversed: bool,
    undo: Undo<(SortBy, bool)>,
    hosts: usize,
    counts: Counts,
}

impl Pipelines {
    /// The run under the cursor.
    fn selected_run<'a>(&self, view: &View<'a>) -> Option<&'a Run> {
        view.store.runs.get(self.runs.selected()?)
    }

    fn job<'a>(&self, view: &View<'a>, key: &JobKey) -> Option<&'a Job> {
        jobs::jobs_of(view, &key.run)?.iter().find(|job| job.key == *key)
    }

    fn sync_runs(&mut self, view: &View<'_>) {
        let filter = Filter::parse(&self.filter);
        let rows = order::sorted(view.store, view.now, &filter, self.sort, self.is_reversed);
        let newest = order::newest(view.store);
        self.counts = Counts::default();
        for run in view.store.runs.values() {
            let level = order::level(run, &newest, view.store.time_of(&run.key.repo.host, view.now));
            match (&run.state, level) {
                (RunState::Waiting, _) => self.counts.waiting += 1,
                (RunState::Running | RunState::Queued, _) => self.counts.running += 1,
                _ if order::is_failing(run, &newest) => self.counts.failing += 1,
                _ => {}
            }
        }
        let hosts: std::collections::BTreeSet<_> = view.store.runs.keys().map(|key| &key.repo.host).collect();
        self.hosts = hosts.len();
        let entries = rows.iter().map(|run| Entry::Item(run.key.clone())).collect();
        self.runs.set(entries, view.now);
    }

    fn sync_jobs(&mut self, view: &View<'_>) {
        let key = self.selected_run(view).map(|run| run.key.clone());
        if key != self.shown {
            (self.jobs, self.has_chosen) = (List::default(), false);
            self.log.show(None);
            self.shown = key;
            if self.pane != Pane::Runs {
                self.pane = Pane::Runs;
            }
        }
        let Some(key) = &self.shown else { return };
        let Some(jobs) = jobs::jobs_of(view, key) else { return };
        let is_first = self.jobs.entries().is_empty();
        self.jobs.set(jobs::entries(jobs, view.store.time_of(&key.repo.host, view.now)), view.now);
        let telling = jobs::telling(jobs).map(|job| job.key.clone());
        if let Some(job) = telling.filter(|_| !self.has_chosen) {
            if is_first {
                self.jobs.select(&job);
            }
            self.log.show(Some(job));
        }
        self.log.place(view);
    }

    fn moved(&mut self, view: &View<'_>) {
        self.moved = Some(view.now.mono);
        self.sync_jobs(view);
    }

    fn choose_job(&mut self, view: &View<'_>) {
        if let Some(job) = self.jobs.selected() {
            self.log.show(Some(job.clone()));
            self.has_chosen = true;
            self.log.place(view);
        }
    }

    fn resort(&mut self, by: isize, view: &View<'_>) {
        let at = SORTS.iter().position(|sort| *sort == self.sort).unwrap_or(0) as isize + by;
        self.undo.changed((self.sort, self.is_reversed));
        if at < 0 || at >= SORTS.len() as isize {
            self.is_reversed = !self.is_reversed;
        } else {
            (self.sort, self.is_reversed) = (SORTS[at as usize], false);
        }
        self.reorder(view);
    }

    fn reorder(&mut self, view: &View<'_>) {
        self.runs = List::default();
        self.sync(view, Changes::ALL);
    }

    /// The order before is back. False: there is none to take back.
    fn undo_sort(&mut self, view: &View<'_>) -> bool {
        let Some(was) = self.undo.take() else { return false };
        (self.sort, self.is_reversed) = was;
        self.reorder(view);
        true
    }

    fn enter(&mut self, view: &View<'_>) {
        self.moved = None;
        match self.pane {
            Pane::Runs if self.shown.is_some() => self.pane = Pane::Jobs,
            Pane::Jobs if self.jobs.selected().is_some() => {
                self.choose_job(view);
                self.pane = Pane::Log;
            }
            _ => {}
        }
    }

    fn next_pane(&mut self, forward: bool) {
        let panes = [Pane::Runs, Pane::Jobs, Pane::Log];
        let at = panes.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        self.pane = panes[(at + if forward { 1 } else { 2 }) % 3];
        self.moved = None;
    }

    /// The log is read if its job failed, or if somebody asked for it.
    fn wants_log(&self, view: &View<'_>) -> bool {
        let job = self.log.job.as_ref().and_then(|key| self.job(view, key));
        job.is_some_and(|job| {
            job.state.is_finished() && (self.pane == Pane::Log || (job.state.is_bad() && !view.is_narrow()))
        })
    }
}

impl Screen for Pipelines {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::RUNS) {
            self.sync_runs(view);
        }
        if changes.any(Changes::RUNS | Changes::ANSWERS) {
            self.sync_jobs(view);
        }
    }

    fn settle(&mut self, now: Now) -> bool {
        let moved = self.runs.settle(now);
        self.jobs.settle(now) || moved
    }

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        match self.pane {
            Pane::Runs => self.runs.selected().cloned().map(Target::Run),
            Pane::Jobs => self.jobs.selected().cloned().map(Target::Job),
            Pane::Log => self.log.job.clone().map(Target::Job),
        }
        .or_else(|| self.runs.selected().cloned().map(Target::Run))
    }

    /// Of a job, when it began; of a run its key tells.
    fn moment(&self, view: &View<'_>) -> Option<Timestamp> {
        let job = match self.pane {
            Pane::Runs => None,
            Pane::Jobs => self.jobs.selected(),
            Pane::Log => self.log.job.as_ref(),
        };
        self.job(view, job?)?.started
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        let navigated = match self.pane {
            Pane::Runs => self.runs.navigate(command, view.now),
            Pane::Jobs => self.jobs.navigate(command, view.now),
            Pane::Log => self.log.navigate(command, view),
        };
        if navigated {
            match self.pane {
                Pane::Runs => self.moved(view),
                Pane::Jobs => self.choose_job(view),
                Pane::Log => {}
            }
            return Reply::Done;
        }
        match command {
            Command::Enter => self.enter(view),
            Command::NextPane | Command::PreviousPane => self.next_pane(command == Command::NextPane),
            Command::Back if view.zoomed => return Reply::Ignored,
            Command::Back => match self.pane {
                Pane::Log if !self.log.find.is_empty() => self.log.set_find("", view),
                Pane::Log => self.pane = Pane::Jobs,
                Pane::Jobs => self.pane = Pane::Runs,
                Pane::Runs => return Reply::Ignored,
            },
            Command::NextMatch | Command::PreviousMatch => {
                if !self.log.step(command == Command::NextMatch, view) {
                    return Reply::Say("no error line in this log".into());
                }
            }
            Command::SortNext => self.resort(1, view),
            Command::SortPrevious => self.resort(-1, view),
            Command::UndoLocal if self.pane != Pane::Log && self.undo_sort(view) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let Some(run) = &self.shown else { return Vec::new() };
        let rests = self.moved.is_none_or(|moved| view.now.since(moved) >= REST);
        let is_looked_at = !view.is_narrow() || self.pane != Pane::Runs;
        if !rests || !is_looked_at {
            return Vec::new();
        }
        let log = self.log.job.clone().filter(|_| self.wants_log(view));
        std::iter::once(Query::Jobs(run.clone())).chain(log.map(Query::JobLog)).collect()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        let run = match target {
            Target::Run(run) => run,
            Target::Job(job) => &job.run,
            _ => return false,
        };
        if !self.runs.select(run) {
            self.filter.clear();
            self.undo.filtered("");
            self.runs.refilter(view.now);
            self.sync(view, Changes::ALL);
            if !self.runs.select(run) {
                return false;
            }
        }
        self.pane = Pane::Runs;
        self.moved = None;
        self.sync_jobs(view);
        if let Target::Job(job) = target {
            self.jobs.select(job);
            self.log.show(Some(job.clone()));
            (self.has_chosen, self.pane) = (true, Pane::Jobs);
        }
        true
    }

    fn filter(&self) -> String {
        if self.pane == Pane::Log { self.log.find.clone() } else { self.filter.clone() }
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        if self.pane == Pane::Log {
            return self.log.set_find(text, view);
        }
        text.clone_into(&mut self.filter);
        self.undo.filtered(text);
        self.runs.refilter(view.now);
        self.sync(view, Changes::ALL);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match (self.runs.click(at, view.now), self.jobs.click(at, view.now)) {
            (Some(TableHit::Row(_)), _) => {
                self.pane = Pane::Runs;
                self.moved(view);
            }
            (_, Some(TableHit::Row(_))) => {
                self.pane = Pane::Jobs;
                self.choose_job(view);
            }
            (Some(TableHit::Head(_)), _) => self.resort(1, view),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        if self.pane == Pane::Log {
            return self.log.copied(view);
        }
        let run = self.selected_run(view)?;
        Some(Clean::own(format!("{} {} #{}", run.key.repo.name, run.workflow, run.number)))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        (self.runs.hits, self.jobs.hits) = Default::default();
        let job = self.log.job.as_ref().and_then(|key| self.job(view, key));
        if view.is_narrow() || view.zoomed {
            return match self.pane {
                Pane::Runs => runs::render(self, view, area, buf, true),
                Pane::Jobs => jobs::render(self, view, area, buf, true),
                Pane::Log => self.log.render(job, view, area, buf, true),
            };
        }
        let wanted = (self.runs.entries().len() as u16 + 4).clamp(6, (area.height / 2).max(6));
        let [top, bottom] = Layout::vertical([Constraint::Length(wanted), Constraint::Min(6)]).areas(area);
        let [left, right] = Layout::horizontal([Constraint::Percentage(62), Constraint::Min(0)]).areas(bottom);
        runs::render(self, view, top, buf, self.pane == Pane::Runs);
        self.log.render(job, view, left, buf, self.pane == Pane::Log);
        jobs::render(self, view, right, buf, self.pane == Pane::Jobs);
    }
}
