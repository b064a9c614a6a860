//! Screen Metrics: the panels of a Grafana dashboard as charts, and every one of them as a row of numbers.

mod heading;
mod markers;
mod panels;
mod several;
mod tables;
#[cfg(test)]
mod tests;
mod time_range;
mod values;

use std::collections::BTreeMap;

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
        overlays,
        target::Target,
        widgets::virtual_table::{TableHit, TableHits},
    },
    answer::answer,
};
use crate::{
    command::Command,
    model::{
        Name,
        metric::{Dashboard, DashboardKey, Panel, PanelKey, PanelKind, Variable},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    store::Changes,
    text::Clean,
    time::Now,
    units,
};

use self::{markers::Marker, tables::Rows, values::Judged as _};

/// Panels shown as charts at a time.
const PAGE: usize = 4;
/// Lines of the least chart, with its frame.
const LEAST_CHART: u16 = 7;
/// Panels read at a time: those in sight.
const MOST: usize = 24;
/// State of the screen.
#[derive(Default)]
pub struct Metrics {
    boards: Vec<DashboardKey>,
    board: Option<DashboardKey>,
    list: List<PanelKey>,
    /// One panel over the whole screen.
    is_open: bool,
    /// Where one is in it, if it is a table.
    rows: Rows,
    /// Chosen by hand, in seconds; else the dashboard's own.
    range: Option<u32>,
    /// The moment looked at, in milliseconds since the epoch.
    cursor: Option<i64>,
    markers: Vec<Marker>,
    filter: String,
    /// Values of template variables chosen in this session, by dashboard.
    chosen: BTreeMap<DashboardKey, Vec<(Name, Clean)>>,
}

impl Metrics {
    fn dashboard<'a>(&self, view: &View<'a>) -> Option<&'a Dashboard> {
        view.store.dashboards.get(self.board.as_ref()?)
    }

    fn panels<'a>(&self, view: &View<'a>) -> &'a [Panel] {
        self.dashboard(view).map_or(&[], |dashboard| &dashboard.panels)
    }

    /// The selected panel.
    fn panel<'a>(&self, view: &View<'a>) -> Option<&'a Panel> {
        let key = self.list.selected()?;
        self.panels(view).iter().find(|panel| panel.key == *key)
    }

    /// The read of a panel: two points for each column of its chart.
    fn query(&self, view: &View<'_>, panel: &Panel, is_whole: bool) -> Query {
        let width = view.size.0.clamp(60, 400);
        Query::Panel(PanelQuery {
            panel: panel.key.clone(),
            range_seconds: self.range(view),
            points: if is_whole { width * 2 } else { width },
            variables: self.chosen_of(&panel.key.dashboard).to_vec(),
        })
    }

    fn chosen_of(&self, dashboard: &DashboardKey) -> &[(Name, Clean)] {
        self.chosen.get(dashboard).map_or(&[], Vec::as_slice)
    }

    /// Replaces what was chosen for a dashboard.
    pub fn set_variables(&mut self, dashboard: DashboardKey, values: Vec<(Name, Clean)>) {
        if values.is_empty() {
            self.chosen.remove(&dashboard);
        } else {
            self.chosen.insert(dashboard, values);
        }
    }

    /// What the shown dashboard's variables offer, given what was chosen.
    fn variables_query(&self, view: &View<'_>) -> Option<VariablesQuery> {
        let dashboard = self.board.clone()?;
        let variables = self.chosen_of(&dashboard).to_vec();
        Some(VariablesQuery { dashboard, range_seconds: self.range(view), variables })
    }

    /// The shown dashboard's variables with their values; with the author's until the answer to a choice is there.
    fn variables<'a>(&self, view: &View<'a>) -> &'a [Variable] {
        let asked = self.variables_query(view).and_then(|query| answer(view, &Query::Variables(query)));
        match asked {
            Some(Answer::Variables(variables)) => &variables.list,
            _ => self.dashboard(view).map_or(&[], |dashboard| &dashboard.variables),
        }
    }

    /// A key for the rows of an open table.
    fn is_in_table(&mut self, command: Command, view: &View<'_>) -> bool {
        let Some(panel) = self.panel(view).filter(|_| self.is_open) else { return false };
        let query = self.query(view, panel, true);
        let data = panels::data(view, &query).or_else(|| panels::data(view, &self.query(view, panel, false)));
        data.and_then(|data| data.table.as_ref()).is_some_and(|table| self.rows.run(command, table))
    }

    /// The panels shown as charts: the page that the selected one is on.
    fn page<'a>(&self, view: &View<'a>) -> Vec<&'a Panel> {
        let keys: Vec<&PanelKey> = self.list.items().collect();
        let at = self.list.selected().and_then(|key| keys.iter().position(|other| *other == key)).unwrap_or(0);
        let panels = self.panels(view);
        let page = keys.chunks(PAGE).nth(at / PAGE).unwrap_or_default();
        page.iter().filter_map(|key| panels.iter().find(|panel| panel.key == **key)).collect()
    }

    /// Numbers beat charts where it is narrow; the selected panel's chart takes what they leave.
    fn narrow(&mut self, numbers: u16, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let left = area.height.saturating_sub(numbers);
        let chart = if left < LEAST_CHART { 0 } else { left };
        let [top, bottom] = Layout::vertical([Constraint::Min(6), Constraint::Length(chart)]).areas(area);
        panels::numbers(self, view, top, buf, true);
        if let Some(panel) = self.panel(view).filter(|_| chart > 0) {
            panels::render(self, view, panel, &self.query(view, panel, false), false, None, bottom, buf);
        }
    }

    fn sync_boards(&mut self, view: &View<'_>) {
        let services = &view.settings.services;
        let bound = |key: &DashboardKey| {
            services.iter().position(|service| service.panels.iter().any(|panel| panel.dashboard == *key))
        };
        let mut boards: Vec<&Dashboard> =
            view.store.dashboards.values().filter(|board| !board.panels.is_empty()).collect();
        boards.sort_by_key(|board| (bound(&board.key).unwrap_or(usize::MAX), &board.title, &board.key));
        self.boards = boards.into_iter().map(|board| board.key.clone()).collect();
        if self.board.as_ref().is_none_or(|board| !self.boards.contains(board)) {
            self.board = self.boards.first().cloned();
            self.list = List::default();
        }
    }

    fn sync_panels(&mut self, view: &View<'_>) {
        let filter = Filter::parse(&self.filter);
        let mut entries = Vec::new();
        let mut row = None;
        for panel in self.panels(view).iter().filter(|panel| filter.keeps(&panel.title, |_| None)) {
            if panel.row != row {
                entries.extend(panel.row.clone().map(Entry::Group));
                row.clone_from(&panel.row);
            }
            entries.push(Entry::Item(panel.key.clone()));
        }
        self.list.set(entries, view.now);
        self.markers = self.board.as_ref().map(|board| markers::markers(view, board)).unwrap_or_default();
    }

    fn switch(&mut self, forward: bool, view: &View<'_>) {
        let len = self.boards.len().max(1);
        let at = self.board.as_ref().and_then(|board| self.boards.iter().position(|other| other == board)).unwrap_or(0);
        self.show(self.boards.get((at + if forward { 1 } else { len - 1 }) % len).cloned(), view);
    }

    fn show(&mut self, board: Option<DashboardKey>, view: &View<'_>) {
        if board != self.board {
            (self.board, self.list, self.range) = (board, List::default(), None);
        }
        self.sync_panels(view);
    }
}

impl Screen for Metrics {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::METRICS | Changes::KUBE) {
            self.sync_boards(view);
            self.sync_panels(view);
        }
    }

    fn settle(&mut self, now: Now) -> bool {
        self.list.settle(now)
    }

    fn moment(&self, _view: &View<'_>) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.cursor?).ok()
    }

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        self.list.selected().cloned().map(Target::Panel)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        if self.is_in_table(command, view) || self.list.navigate(command, view.now) {
            return Reply::Done;
        }
        match command {
            Command::Enter if self.list.selected().is_some() => {
                self.is_open = !self.is_open;
                self.rows = Rows::default();
            }
            Command::Back if self.is_open && !view.zoomed => self.is_open = false,
            Command::Back if self.cursor.is_some() && !view.zoomed => self.cursor = None,
            Command::NextPane | Command::PreviousPane => self.switch(command == Command::NextPane, view),
            Command::Range => self.next_range(view),
            Command::ZoomIn => self.set_range(self.range(view) / 2, view),
            Command::ZoomOut => self.set_range(self.range(view).saturating_mul(2), view),
            Command::CursorLeft => self.move_cursor(-1, view),
            Command::CursorRight => self.move_cursor(1, view),
            Command::Variables => {
                return match self.variables_query(view) {
                    Some(query) if !self.variables(view).is_empty() => Reply::Push(overlays::variables(query)),
                    _ => Reply::Say("this dashboard has no variables".into()),
                };
            }
            Command::NextMarker => {
                if !self.next_marker(view) {
                    return Reply::Say("no deploy or annotation in this range".into());
                }
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let is_read = |panel: &&Panel| !panel.is_collapsed && !matches!(panel.kind, PanelKind::Other(_));
        let chosen = self.variables_query(view).filter(|query| !query.variables.is_empty()).map(Query::Variables);
        if self.is_open {
            let panel = self.panel(view).filter(|panel| !matches!(panel.kind, PanelKind::Other(_)));
            return panel.map(|panel| self.query(view, panel, true)).into_iter().chain(chosen).collect();
        }
        let (from, height) = (self.list.table.offset, self.list.height.max(1));
        let in_table = self.list.entries().iter().skip(from).take(height).filter_map(|entry| match entry {
            Entry::Item(key) => self.panels(view).iter().find(|panel| panel.key == *key),
            Entry::Group(_) => None,
        });
        let page = if view.is_narrow() { self.panel(view).into_iter().collect() } else { self.page(view) };
        let mut queries: Vec<Query> = Vec::new();
        for panel in page.into_iter().chain(in_table).filter(is_read) {
            let query = self.query(view, panel, false);
            if queries.len() < MOST && !queries.contains(&query) {
                queries.push(query);
            }
        }
        queries.extend(chosen);
        queries
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        let Target::Panel(key) = target else { return false };
        if !view.store.dashboards.contains_key(&key.dashboard) {
            return false;
        }
        if !self.filter.is_empty() {
            self.filter.clear();
            self.list.refilter(view.now);
        }
        self.sync_boards(view);
        self.show(Some(key.dashboard.clone()), view);
        self.list.select(key)
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.list.refilter(view.now);
        self.sync_panels(view);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match self.list.hits.at(at) {
            Some(TableHit::Row(row)) => {
                self.list.select_row(row, view.now);
                Reply::Done
            }
            _ => Reply::Ignored,
        }
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        let panel = self.panel(view)?;
        let data = panels::data(view, &self.query(view, panel, false))?;
        let reading = values::read(panel, data, self.back(view));
        let now = panels::shown(panel, data, reading.index);
        let item = panel.item(data, reading.index);
        let limit =
            item.and_then(|item| Some(format!(" (limit {})", units::format(&item.scale.unit, item.steps().limit()?))));
        Some(Clean::own(format!("{}: {now}{}", panel.title, limit.unwrap_or_default())))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        self.list.hits = TableHits::default();
        if self.is_open && self.list.selected().is_some() {
            return panels::open(self, view, area, buf);
        }
        if view.zoomed || self.list.entries().is_empty() {
            return panels::numbers(self, view, area, buf, true);
        }
        let values = u16::from(self.values_line(view).is_some());
        let numbers = self.list.entries().len() as u16 + 3 + values;
        if view.is_narrow() {
            return self.narrow(numbers, view, area, buf);
        }
        let wanted = numbers.clamp(6, (area.height * 2 / 5).max(6));
        let [top, bottom] = Layout::vertical([Constraint::Min(8), Constraint::Length(wanted)]).areas(area);
        panels::grid(self, view, top, buf);
        panels::numbers(self, view, bottom, buf, true);
    }
}
