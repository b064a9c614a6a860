//! Screen Now. While something pages: the broken thing with its facts, its chart, what happened before it began. Else four
//! panes side by side: pull requests, runs, workloads, golden signals.

mod chart;
mod faces;
mod lists;
mod needed;
mod quiet;
mod services;
mod story;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
};

use super::{
    super::{
        Reply, Screen, View,
        filter::Filter,
        list::{Entry, List},
        target::Target,
        widgets::virtual_table::{TableHit, TableHits},
    },
    happened::{self, Happened},
    needs, words,
};
use crate::{
    command::Command,
    model::{Level, kubernetes::WorkloadKey},
    query::Query,
    store::Changes,
    text::Clean,
    time::{Now as Moment, seconds_between},
};

use self::story::Story;

/// How far back the timeline goes.
const WINDOW: Duration = Duration::from_hours(2);
/// After this long without a key somebody was away: what came meanwhile is marked new.
const AWAY: i64 = 10 * 60;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    Needs,
    Changed,
    Services,
    Also,
    PullRequests,
    Runs,
    Kube,
    Charts,
}

const PAGING: [Pane; 4] = [Pane::Needs, Pane::Changed, Pane::Services, Pane::Also];
const QUIET: [Pane; 6] = [Pane::Needs, Pane::PullRequests, Pane::Runs, Pane::Kube, Pane::Charts, Pane::Changed];
/// At 80 columns there is one face: what needs me, and below it one pane of all.
const NARROW: [Pane; 8] =
    [Pane::Needs, Pane::Changed, Pane::Services, Pane::Also, Pane::PullRequests, Pane::Runs, Pane::Kube, Pane::Charts];

/// State of the screen.
#[derive(Default)]
pub struct Now {
    pane: Pane,
    /// Something of P1 or P2 fires.
    is_paging: bool,
    /// What needs me was made for the quiet face at full size.
    is_alone: bool,
    needs: List<Target>,
    changed: List<happened::Key>,
    services: List<Target>,
    also: List<Target>,
    pull_requests: List<Target>,
    runs: List<Target>,
    kube: List<Target>,
    charts: List<Target>,
    happened: Happened,
    /// When what is selected began.
    onset: Option<Timestamp>,
    alerted: Vec<(WorkloadKey, Level)>,
    filter: String,
    last_key: Option<Timestamp>,
    /// Since when nobody looked, before the last key.
    away: Option<Timestamp>,
}

impl Now {
    fn targets(&mut self, pane: Pane) -> Option<&mut List<Target>> {
        Some(match pane {
            Pane::Needs => &mut self.needs,
            Pane::Services => &mut self.services,
            Pane::Also => &mut self.also,
            Pane::PullRequests => &mut self.pull_requests,
            Pane::Runs => &mut self.runs,
            Pane::Kube => &mut self.kube,
            Pane::Charts => &mut self.charts,
            Pane::Changed => return None,
        })
    }

    fn navigate(&mut self, command: Command, now: Moment) -> bool {
        match self.targets(self.pane) {
            Some(list) => list.navigate(command, now),
            None => self.changed.navigate(command, now),
        }
    }

    /// Panes that tab goes through here, those without rows left out.
    fn round(&self, view: &View<'_>) -> Vec<Pane> {
        let all: &[Pane] = match (view.is_narrow(), self.is_paging) {
            (true, _) => &NARROW,
            (false, true) => &PAGING,
            (false, false) => &QUIET,
        };
        let is_there = |pane: &Pane| match pane {
            Pane::Needs => self.is_paging || view.is_narrow() || self.needs.selected().is_some(),
            _ => true,
        };
        all.iter().copied().filter(is_there).collect()
    }

    fn turn(&mut self, by: isize, view: &View<'_>) {
        let round = self.round(view);
        let at = round.iter().position(|pane| *pane == self.pane).unwrap_or(0) as isize;
        self.pane = round[(at + by).rem_euclid(round.len() as isize) as usize];
    }

    /// The object whose story is told: the selected one, else the first that has one.
    fn told<'a>(&self, view: &View<'a>) -> Option<(Target, Story<'a>)> {
        self.needs
            .selected()
            .into_iter()
            .chain(self.needs.items().take(3))
            .find_map(|target| Some((target.clone(), Story::of(view, target)?)))
    }

    fn sync_changed(&mut self, view: &View<'_>) {
        let told = self.told(view);
        let onset = told.as_ref().and_then(|(_, story)| story.onset).filter(|_| self.is_paging);
        if onset != self.onset {
            self.changed = List::default();
        }
        self.onset = onset;
        let filter = Filter::parse(&self.filter);
        let keeps = |text: &str| filter.keeps(text, |_| None);
        let own = told.map(|(target, _)| target);
        self.changed.set(lists::changes(&self.happened, onset, own.as_ref(), keeps), view.now);
    }

    fn sync_needs(&mut self, view: &View<'_>) {
        self.is_alone = self.is_alone(view);
        let rows = self.need_rows(view);
        self.needs.set(rows, view.now);
    }

    /// The quiet face at full size: it has panes for what is no trouble of a workload.
    fn is_alone(&self, view: &View<'_>) -> bool {
        !self.is_paging && !view.is_narrow()
    }

    fn need_rows(&self, view: &View<'_>) -> Vec<Entry<Target>> {
        let filter = Filter::parse(&self.filter);
        let keeps = |target: &Target| {
            filter.is_all()
                || words::of(view, target).is_some_and(|said| {
                    filter.keeps(&format!("{} {}", said.name, said.says), |name| match target {
                        Target::Alert(key) => view.store.alerts.get(key)?.label(name).map(Clean::as_str),
                        _ => None,
                    })
                })
        };
        needed::rows(view, self.is_alone).into_iter().filter(keeps).map(Entry::Item).collect()
    }

    /// Another size may have another face: its rows are not those of this one, and are shown at once.
    fn turn_face(&mut self, view: &View<'_>) {
        let is_alone = self.is_alone(view);
        if std::mem::replace(&mut self.is_alone, is_alone) == is_alone {
            return;
        }
        let rows = self.need_rows(view);
        self.needs.show(rows);
        self.sync_changed(view);
        self.stay_in_round(view);
    }

    fn stay_in_round(&mut self, view: &View<'_>) {
        let round = self.round(view);
        if !round.contains(&self.pane) {
            self.pane = round[0];
        }
    }
}

impl Screen for Now {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        let data = Changes::KUBE
            | Changes::ALERTS
            | Changes::RUNS
            | Changes::PULL_REQUESTS
            | Changes::METRICS
            | Changes::BACKENDS
            | Changes::ACTS;
        if !changes.any(data) {
            return;
        }
        self.last_key.get_or_insert(view.now.wall);
        let was_paging = std::mem::replace(&mut self.is_paging, needs::is_paging(view.store));
        if was_paging != self.is_paging {
            self.needs = List::default();
        }
        if changes.any(Changes::KUBE | Changes::ALERTS | Changes::RUNS | Changes::PULL_REQUESTS | Changes::METRICS)
            || changes.any(Changes::ACTS)
        {
            self.happened = Happened::read(view, WINDOW);
            self.alerted = services::alerted(view);
        }
        self.sync_needs(view);
        self.sync_changed(view);
        self.services.set(services::entries(view), view.now);
        self.also.set(lists::also(view), view.now);
        self.pull_requests.set(lists::pull_requests(view), view.now);
        self.runs.set(lists::runs(view), view.now);
        self.kube.set(lists::kube(view), view.now);
        let golden = chart::golden(view).into_iter().map(|key| Entry::Item(Target::Panel(key)));
        self.charts.set(golden.collect(), view.now);
        self.stay_in_round(view);
    }

    fn settle(&mut self, now: Moment) -> bool {
        let mut moved = self.changed.settle(now);
        for pane in NARROW {
            if let Some(list) = self.targets(pane) {
                moved |= list.settle(now);
            }
        }
        moved
    }

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        match self.pane {
            Pane::Changed => self.changed.selected().and_then(|key| self.happened.target(key)),
            Pane::Needs => self.needs.selected().cloned(),
            Pane::Services => self.services.selected().cloned(),
            Pane::Also => self.also.selected().cloned(),
            Pane::PullRequests => self.pull_requests.selected().cloned(),
            Pane::Runs => self.runs.selected().cloned(),
            Pane::Kube => self.kube.selected().cloned(),
            Pane::Charts => self.charts.selected().cloned(),
        }
    }

    fn moment(&self, _view: &View<'_>) -> Option<Timestamp> {
        let selected = self.changed.selected().filter(|_| self.pane == Pane::Changed)?;
        Some(self.happened.get(selected)?.at)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        let now = view.now.wall;
        let last = self.last_key.replace(now);
        if let Some(last) = last.filter(|last| seconds_between(*last, now) > AWAY) {
            self.away = Some(last);
        }
        if self.navigate(command, view.now) {
            if self.pane == Pane::Needs {
                self.sync_changed(view);
            }
            return Reply::Done;
        }
        match command {
            Command::NextPane => self.turn(1, view),
            Command::PreviousPane => self.turn(-1, view),
            Command::Back if self.pane != self.round(view)[0] => self.pane = self.round(view)[0],
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let mut wanted = Vec::new();
        let is_wide = !view.is_narrow() && !view.zoomed;
        let shows = |pane: Pane| self.pane == pane || (is_wide && self.round(view).contains(&pane));
        if let Some((_, story)) = self.told(view).filter(|_| shows(Pane::Needs)) {
            wanted.extend(story.service.iter().flat_map(|service| service.panels.iter().take(4)).cloned());
        }
        if shows(Pane::Services) {
            wanted.extend(services::panels(view).cloned());
        }
        if shows(Pane::Charts) {
            wanted.extend(chart::golden(view));
        }
        wanted.iter().map(|key| story::query(view, key)).collect()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        if !self.filter.is_empty() {
            self.set_filter("", view);
        }
        for pane in self.round(view) {
            if self.targets(pane).is_some_and(|list| list.select(target)) {
                self.pane = pane;
                self.sync_changed(view);
                return true;
            }
        }
        false
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.needs.refilter(view.now);
        self.changed.refilter(view.now);
        self.sync_needs(view);
        self.sync_changed(view);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        for pane in NARROW {
            let hit = match self.targets(pane) {
                Some(list) => list.hits.at(at),
                None => self.changed.hits.at(at),
            };
            if let Some(TableHit::Row(row)) = hit {
                self.pane = pane;
                match self.targets(pane) {
                    Some(list) => list.select_row(row, view.now),
                    None => self.changed.select_row(row, view.now),
                };
                if pane == Pane::Needs {
                    self.sync_changed(view);
                }
                return Reply::Done;
            }
        }
        Reply::Ignored
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        if self.pane == Pane::Changed {
            return self.changed.selected().map(|(_, _, text)| text.clone());
        }
        let target = self.selected(view)?;
        words::of(view, &target).map(|said| Clean::own(format!("{} {}", said.name, said.says).trim_end()))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        self.turn_face(view);
        self.changed.hits = TableHits::default();
        for pane in NARROW {
            if let Some(list) = self.targets(pane) {
                list.hits = TableHits::default();
            }
        }
        if view.zoomed {
            return self.one(self.pane, view, area, buf);
        }
        if !view.is_narrow() {
            return if self.is_paging { self.wide_paging(view, area, buf) } else { self.wide_quiet(view, area, buf) };
        }
        let top = lists::needed_height(self, view).clamp(4, (area.height * 3 / 5).max(4));
        let [first, second] = Layout::vertical([Constraint::Length(top), Constraint::Fill(1)]).areas(area);
        self.one(Pane::Needs, view, first, buf);
        let below = if self.pane == Pane::Needs { Pane::Changed } else { self.pane };
        self.one(below, view, second, buf);
    }
}

#[cfg(test)]
mod tests;
