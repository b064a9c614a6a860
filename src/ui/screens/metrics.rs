//! Screen Metrics: the panels of a Grafana dashboard as charts, and every one of them as a row of numbers.

mod markers;
mod panels;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
    text::{Line, Span},
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
        metric::{Dashboard, DashboardKey, Panel, PanelKey, PanelKind, Setting, Variable},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    store::Changes,
    text::Clean,
    time::Now,
};

use self::markers::Marker;

/// Ranges that `t` goes through, in seconds.
const RANGES: [u32; 4] = [900, 3_600, 21_600, 86_400];
const SHORTEST: u32 = 60;
const LONGEST: u32 = 7 * 86_400;
/// Panels shown as charts at a time.
const PAGE: usize = 4;
/// Panels read at a time: those in sight.
const MOST: usize = 24;
/// The time cursor moves by this part of the range.
const STEPS: i64 = 60;

/// State of the screen.
#[derive(Default)]
pub struct Metrics {
    boards: Vec<DashboardKey>,
    board: Option<DashboardKey>,
    list: List<PanelKey>,
    /// One panel over the whole screen.
    is_open: bool,
    /// Chosen by hand, in seconds; else the dashboard's own.
    range: Option<u32>,
    /// The moment looked at, in milliseconds since the epoch.
    cursor: Option<i64>,
    markers: Vec<Marker>,
    filter: String,
    /// Values of template variables chosen in this session, by dashboard.
    chosen: BTreeMap<DashboardKey, Vec<(Name, Clean)>>,
}

/// `15m`, `1h`, `2d`
fn span(seconds: i64) -> String {
    match seconds {
        s if s >= 172_800 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s >= 3600 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => crate::time::age(s),
    }
}

/// Whether there is anything to choose.
fn can_be_set(variable: &Variable) -> bool {
    let has_choice = variable.setting == Setting::Text || variable.options.len() > 1;
    has_choice && !variable.is_hidden && variable.setting != Setting::Fixed
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

    /// Seconds up to now.
    fn range(&self, view: &View<'_>) -> u32 {
        let own = || self.dashboard(view).map_or(3_600, |dashboard| dashboard.range_seconds);
        self.range.unwrap_or_else(own).clamp(SHORTEST, LONGEST)
    }

    /// Milliseconds back that values are compared with: an hour, or the whole range if that is shorter.
    fn back(&self, view: &View<'_>) -> i64 {
        i64::from(self.range(view).min(3_600)) * 1_000
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

    /// `v  service search + web   interval 5m`; `None`: there is nothing to set.
    fn values_line(&self, view: &View<'_>) -> Option<Line<'static>> {
        let theme = view.theme;
        let dashboard = self.board.as_ref()?;
        let is_chosen = |name: &Name| self.chosen_of(dashboard).iter().any(|(chosen, _)| chosen == name);
        let key = view.keymap.shown(Command::Variables).unwrap_or_default();
        let mut spans = vec![Span::styled(key, theme.key)];
        for variable in self.variables(view).iter().filter(|variable| can_be_set(variable)) {
            let style = if is_chosen(&variable.name) { theme.accent } else { theme.text };
            spans.push(Span::styled(format!("   {} ", variable.label), theme.dim));
            spans.push(Span::styled(variable.value.to_string(), style));
        }
        (spans.len() > 1).then(|| Line::from(spans))
    }

    /// The panels shown as charts: the page that the selected one is on.
    fn page<'a>(&self, view: &View<'a>) -> Vec<&'a Panel> {
        let keys: Vec<&PanelKey> = self.list.items().collect();
        let at = self.list.selected().and_then(|key| keys.iter().position(|other| *other == key)).unwrap_or(0);
        let panels = self.panels(view);
        let page = keys.chunks(PAGE).nth(at / PAGE).unwrap_or_default();
        page.iter().filter_map(|key| panels.iter().find(|panel| panel.key == **key)).collect()
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

    /// First and last millisecond in sight.
    fn bounds(&self, view: &View<'_>) -> (i64, i64) {
        let now = self.board.as_ref().map_or(view.now.wall, |board| view.store.time_of(&board.backend, view.now));
        let to = now.as_millisecond();
        (to - i64::from(self.range(view)) * 1_000, to)
    }

    fn move_cursor(&mut self, steps: i64, view: &View<'_>) {
        let (from, to) = self.bounds(view);
        let at = self.cursor.unwrap_or(to) + steps * ((to - from) / STEPS);
        self.cursor = (at < to).then_some(at.max(from));
    }

    /// To the next marker in sight, around the end. False: there is none.
    fn next_marker(&mut self, view: &View<'_>) -> bool {
        let (from, to) = self.bounds(view);
        let in_sight = || self.markers.iter().map(|marker| marker.at).filter(|at| (from..=to).contains(at));
        let next = in_sight().find(|at| self.cursor.is_some_and(|cursor| *at > cursor)).or_else(|| in_sight().next());
        let found = next.is_some();
        self.cursor = next.or(self.cursor);
        found
    }

    fn set_range(&mut self, range: u32, view: &View<'_>) {
        self.range = Some(range.clamp(SHORTEST, LONGEST));
        let (from, _) = self.bounds(view);
        self.cursor = self.cursor.filter(|at| *at >= from);
    }

    /// `NUMBERS   [myapp overview]  postgres`
    fn boards(&self, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        let mut spans = vec![Span::raw("NUMBERS  ")];
        for key in &self.boards {
            let title = view.store.dashboards.get(key).map(|board| board.title.to_string()).unwrap_or_default();
            let is_shown = self.board.as_ref() == Some(key);
            let (text, style) =
                if is_shown { (format!(" [{title}]"), theme.accent) } else { (format!("  {title} "), theme.dim) };
            spans.push(Span::styled(text, style));
        }
        Line::from(spans)
    }

    /// `range 1h   data to 03:14:12`, and the marker under the cursor.
    fn info(&self, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        let mut words = Vec::new();
        if !self.filter.is_empty() {
            words.push(format!("filter {}", self.filter));
        }
        if let Some(at) = self.cursor {
            let marker = self.markers.iter().find(|marker| marker.at == at);
            words.push(format!(
                "at {}{}",
                panels::clock(at, 0),
                marker.map(|m| format!(" {}", m.label)).unwrap_or_default()
            ));
        }
        words.push(format!("range {}", span(i64::from(self.range(view)))));
        let newest = self
            .page(view)
            .into_iter()
            .filter_map(|panel| panels::data(view, &self.query(view, panel, false)).map(|data| data.to));
        words.extend(newest.max().map(|to| format!("data to {}", panels::clock(to, 0))));
        Line::styled(words.join("   "), theme.dim)
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

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        self.list.selected().cloned().map(Target::Panel)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        if self.list.navigate(command, view.now) {
            return Reply::Done;
        }
        match command {
            Command::Enter if self.list.selected().is_some() => self.is_open = !self.is_open,
            Command::Back if self.is_open && !view.zoomed => self.is_open = false,
            Command::Back if self.cursor.is_some() && !view.zoomed => self.cursor = None,
            Command::NextPane | Command::PreviousPane => self.switch(command == Command::NextPane, view),
            Command::Range => {
                let now = self.range(view);
                let next = RANGES.iter().find(|range| **range > now).unwrap_or(&RANGES[0]);
                self.set_range(*next, view);
            }
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
        let page = if view.is_narrow() { Vec::new() } else { self.page(view) };
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
        self.filter.clear();
        self.sync_boards(view);
        self.show(Some(key.dashboard.clone()), view);
        self.list.select(key)
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.list = List::default();
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
        let now = reading.now.map_or_else(|| "no data".to_owned(), |now| panels::shown(panel, data, now));
        let limit = values::limit(panel).map(|limit| format!(" (limit {})", values::text(panel, limit)));
        Some(Clean::own(format!("{}: {now}{}", panel.title, limit.unwrap_or_default())))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        self.list.hits = TableHits::default();
        if self.is_open && self.list.selected().is_some() {
            return panels::open(self, view, area, buf);
        }
        if view.is_narrow() || view.zoomed || self.list.entries().is_empty() {
            return panels::numbers(self, view, area, buf, true);
        }
        let values = u16::from(self.values_line(view).is_some());
        let wanted = (self.list.entries().len() as u16 + 3 + values).clamp(6, (area.height * 2 / 5).max(6));
        let [top, bottom] = Layout::vertical([Constraint::Min(8), Constraint::Length(wanted)]).areas(area);
        panels::grid(self, view, top, buf);
        panels::numbers(self, view, bottom, buf, true);
    }
}
