//! Screen Triage: alerts in their groups, silences below them, one timeline beside, and the facts of the selected one.

mod detail;
mod groups;
mod marks;
mod regroup;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
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
        target::Target,
        undo::Undo,
        widgets::virtual_table::{Row as TableRow, TableHit, TableHits, VirtualTable},
    },
    happened::{self, Happened},
    pane, words,
};
use crate::{
    command::{Command, ScreenId},
    model::{
        Part,
        alert::{Alert, AlertKey},
    },
    query::Query,
    store::Changes,
    text::Clean,
    time::Now,
};

use self::groups::{Group, Row};

/// How far back the timeline goes: the night.
const WINDOW: Duration = Duration::from_hours(12);
const PARTS: [Part; 2] = [Part::Alerts, Part::Silences];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    Groups,
    Timeline,
}

/// State of the screen.
#[derive(Default)]
pub struct Triage {
    pane: Pane,
    /// Every group, sorted; an alert is in exactly one.
    groups: Vec<Group>,
    rows: List<Row>,
    widths: groups::Widths,
    open: BTreeSet<groups::Key>,
    marked: BTreeSet<AlertKey>,
    /// Of the marked ones those that ended since the last key.
    ended: BTreeSet<AlertKey>,
    undo: Undo<BTreeSet<AlertKey>>,
    happened: Happened,
    timeline: List<happened::Key>,
    filter: String,
}

impl Triage {
    fn sync_rows(&mut self, view: &View<'_>) {
        let filter = Filter::parse(&self.filter);
        self.groups = groups::grouped(view, &filter);
        self.drop_ended(view);
        let entries = groups::entries(view, &self.groups, &self.open, &filter);
        self.widths = groups::Widths::of(view, &self.groups, &entries);
        self.rows.set(entries, view.now);
    }

    fn sync_timeline(&mut self, view: &View<'_>) {
        let filter = Filter::parse(&self.filter);
        let keeps = |text: &str| filter.keeps(text, |_| None);
        let entries = self.happened.iter().filter(|(_, change)| keeps(&change.text));
        self.timeline.set(entries.map(|(key, _)| Entry::Item(key.clone())).collect(), view.now);
    }

    fn group(&self, key: &groups::Key) -> Option<&Group> {
        self.groups.iter().find(|group| group.key == *key)
    }

    /// The timeline comes to where the selected alert began.
    fn follow(&mut self) {
        let Some(Row::Alert(alert)) = self.rows.selected() else { return };
        let began = self.happened.iter().rev().map(|(key, _)| key);
        let mut of_alert =
            began.filter(|key| self.happened.target(key).is_some_and(|target| target == Target::Alert(alert.clone())));
        if let Some(key) = of_alert.next().cloned() {
            self.timeline.select(&key);
        }
    }

    fn open_row(&mut self, view: &View<'_>) -> Reply {
        match (self.pane, self.rows.selected()) {
            (Pane::Timeline, _) => match self.timeline.selected().and_then(|key| self.happened.target(key)) {
                Some(target @ Target::Alert(_)) => Reply::Go(ScreenId::Triage, Some(target)),
                Some(Target::Act(number)) => Reply::Go(ScreenId::Audit, Some(Target::Act(number))),
                Some(target) => Reply::RunOn(Command::Enter, target),
                None => Reply::Say("this entry has no page of its own".into()),
            },
            (Pane::Groups, Some(Row::Group(key))) => {
                let key = key.clone();
                if !self.open.remove(&key) {
                    self.open.insert(key);
                }
                let filter = Filter::parse(&self.filter);
                let entries = groups::entries(view, &self.groups, &self.open, &filter);
                self.rows.show(entries);
                Reply::Done
            }
            _ => Reply::Ignored,
        }
    }

    fn render_rows(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let focused = self.pane == Pane::Groups;
        let title = groups::title(view, &self.groups, self.marked.len());
        let info = if self.filter.is_empty() { Line::default() } else { Line::raw(format!("filter {}", self.filter)) };
        let fresh = pane::fresh_line(view, &PARTS, None);
        let inside = pane::framed(view, title, info, fresh, focused, area, buf);
        let columns = groups::columns(self.widths);
        // At 80 columns there is no pane for the selected alert: where it goes is said below the list.
        let below = if view.is_narrow() && !view.zoomed {
            self.selected_alert().and_then(|key| detail::goes_to(view, &key))
        } else {
            None
        };
        let table = Rect { height: inside.height.saturating_sub(u16::from(below.is_some())), ..inside };
        self.rows.height = usize::from(table.height.saturating_sub(1));
        let new = self.rows.new_above();
        let (cursor, mut state) = (self.rows.cursor(), self.rows.table);
        let entries = self.rows.entries();
        let hits = VirtualTable::new(theme, &columns, entries.len())
            .cursor(cursor)
            .focused(focused)
            .above((new > 0).then(|| format!("{new} new above")))
            .empty(pane::empty_words(view, &PARTS, "no alert fired in the last 12 hours", &self.filter))
            .render(table, buf, &mut state, |index| match &entries[index] {
                Entry::Item(row) => self.row(view, row),
                Entry::Group(text) => TableRow::Group(Line::raw(text.to_string())),
            });
        (self.rows.table, self.rows.hits) = (state, hits);
        if let Some(line) = below {
            let spot = Rect { y: table.bottom(), height: 1, ..inside }.intersection(inside);
            super::super::widgets::cells::put_line(buf, spot, &line, theme.glyphs.ellipsis);
        }
    }

    fn row(&self, view: &View<'_>, row: &Row) -> TableRow<'static> {
        let is_marked = |key: &AlertKey| self.marked.contains(key);
        let has_ended = |key: &AlertKey| view.store.alerts.get(key).is_none_or(Alert::has_ended);
        let gone = || TableRow::Wide(Line::styled("gone", view.theme.dim));
        let (cells, marked) = match row {
            Row::Group(key) => match self.group(key) {
                Some(group) => (
                    groups::group_cells(view, group, self.open.contains(key), self.widths),
                    group.alerts.iter().any(is_marked)
                        && group.alerts.iter().all(|key| is_marked(key) || has_ended(key)),
                ),
                None => return gone(),
            },
            Row::Alert(key) => match view.store.alerts.get(key) {
                Some(alert) => {
                    let is_inside =
                        self.groups.iter().any(|group| group.alerts.len() > 1 && group.alerts.contains(key));
                    (groups::alert_cells(view, alert, is_inside, self.widths), is_marked(key))
                }
                None => return gone(),
            },
            Row::Silence(key) => match view.store.silences.get(key) {
                Some(silence) => (groups::silence_cells(view, silence, self.widths), false),
                None => return gone(),
            },
        };
        TableRow::Item { cells, marked, style: ratatui::style::Style::new() }
    }

    fn render_timeline(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let focused = self.pane == Pane::Timeline;
        let title = Line::from(vec![
            Span::raw("TIMELINE"),
            Span::styled(format!("   {} in 12h, newest first", self.happened.count()), theme.dim),
        ]);
        let parts = [Part::Deployments, Part::ReplicaSets, Part::Events, Part::Runs, Part::Alerts];
        let fresh = pane::fresh_line(view, &parts, None);
        let inside = pane::framed(view, title, Line::default(), fresh, focused, area, buf);
        let columns = happened::columns(false);
        self.timeline.height = usize::from(inside.height);
        let (cursor, mut state) = (self.timeline.cursor(), self.timeline.table);
        let entries = self.timeline.entries();
        let hits = VirtualTable::new(theme, &columns, entries.len())
            .cursor(cursor)
            .focused(focused)
            .header(false)
            .empty(pane::empty_words(view, &parts, "nothing in the last 12 hours", &self.filter))
            .render(inside, buf, &mut state, |index| match &entries[index] {
                Entry::Item(key) => match self.happened.get(key) {
                    Some(change) => TableRow::item(happened::cells(view, change, None, false)),
                    None => TableRow::Wide(Line::styled(key.2.to_string(), theme.dim)),
                },
                Entry::Group(text) => TableRow::Group(Line::raw(text.to_string())),
            });
        (self.timeline.table, self.timeline.hits) = (state, hits);
        super::super::widgets::frame::beyond(area, self.timeline.out_of_sight(), theme, buf);
    }

    /// The alert the cursor is on; of a group: its worst.
    fn selected_alert(&self) -> Option<AlertKey> {
        match self.rows.selected()? {
            Row::Alert(key) => Some(key.clone()),
            Row::Group(key) => self.group(key)?.alerts.first().cloned(),
            Row::Silence(_) => None,
        }
    }
}

impl Screen for Triage {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::ALERTS | Changes::BACKENDS) {
            self.sync_rows(view);
        }
        let told =
            Changes::ALERTS | Changes::KUBE | Changes::RUNS | Changes::PULL_REQUESTS | Changes::METRICS | Changes::ACTS;
        if changes.any(told) {
            self.happened = Happened::read(view, WINDOW);
            self.sync_timeline(view);
        }
    }

    fn settle(&mut self, now: Now) -> bool {
        let moved = self.rows.settle(now);
        self.timeline.settle(now) || moved
    }

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        match (self.pane, self.rows.selected()) {
            (Pane::Timeline, _) => self.timeline.selected().and_then(|key| self.happened.target(key)),
            (Pane::Groups, Some(Row::Silence(key))) => Some(Target::Silence(key.clone())),
            (Pane::Groups, _) => self.selected_alert().map(Target::Alert),
        }
    }

    fn moment(&self, _view: &View<'_>) -> Option<Timestamp> {
        let selected = self.timeline.selected().filter(|_| self.pane == Pane::Timeline)?;
        Some(self.happened.get(selected)?.at)
    }

    /// What is marked; without marks, a group stands for all its alerts that fire.
    fn marked(&self) -> Vec<Target> {
        if !self.marked.is_empty() {
            return self.marked.iter().cloned().map(Target::Alert).collect();
        }
        match (self.pane, self.rows.selected()) {
            (Pane::Groups, Some(Row::Group(key))) => {
                let firing = self.group(key).map(|group| group.alerts[..group.firing].to_vec()).unwrap_or_default();
                firing.into_iter().map(Target::Alert).collect()
            }
            _ => Vec::new(),
        }
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        let was_for_ended = self.was_for_ended(view);
        if let (Command::Acknowledge | Command::SilenceAlert, Some(says)) = (command, was_for_ended) {
            return says;
        }
        let moved = match self.pane {
            Pane::Groups => self.rows.navigate(command, view.now),
            Pane::Timeline => self.timeline.navigate(command, view.now),
        };
        if moved {
            if self.pane == Pane::Groups {
                self.follow();
            }
            return Reply::Done;
        }
        match command {
            Command::NextPane | Command::PreviousPane => {
                self.pane = if self.pane == Pane::Groups { Pane::Timeline } else { Pane::Groups };
            }
            Command::Back if self.pane == Pane::Timeline => self.pane = Pane::Groups,
            Command::Back if !self.marked.is_empty() => self.unmark(),
            Command::Mark if self.pane == Pane::Groups => return self.toggle(view),
            Command::UndoLocal if self.undo_mark(view) => {}
            Command::Enter => return self.open_row(view),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        Vec::new()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        if !self.filter.is_empty() {
            self.set_filter("", view);
        }
        let row = match target {
            Target::Alert(key) => {
                self.open_group_of(key, view);
                Row::Alert(key.clone())
            }
            Target::Silence(key) => Row::Silence(key.clone()),
            _ => return false,
        };
        let is_there = self.rows.select(&row);
        if is_there {
            self.pane = Pane::Groups;
            self.follow();
        }
        is_there
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.undo.filtered(text);
        self.rows.refilter(view.now);
        self.timeline.refilter(view.now);
        let sought = self.rows.sought().cloned();
        self.sync_rows(view);
        if let Some(row) = sought {
            self.find_again(&row, view);
        }
        self.sync_timeline(view);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match (self.rows.hits.at(at), self.timeline.hits.at(at)) {
            (Some(TableHit::Row(row)), _) => {
                self.pane = Pane::Groups;
                self.rows.select_row(row, view.now);
                self.follow();
            }
            (_, Some(TableHit::Row(row))) => {
                self.pane = Pane::Timeline;
                self.timeline.select_row(row, view.now);
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        if self.pane == Pane::Timeline {
            return self.timeline.selected().map(|(_, _, text)| text.clone());
        }
        let said = words::of(view, &self.selected(view)?)?;
        Some(Clean::own(format!("{} {}", said.name, said.says).trim_end()))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        (self.rows.hits, self.timeline.hits) = (TableHits::default(), TableHits::default());
        if view.zoomed {
            return match self.pane {
                Pane::Groups => self.render_rows(view, area, buf),
                Pane::Timeline => self.render_timeline(view, area, buf),
            };
        }
        if view.is_narrow() {
            let wanted = self.rows.entries().len() as u16 + 4;
            let top = wanted.clamp(6, (area.height * 3 / 5).max(6));
            let [first, second] = Layout::vertical([Constraint::Length(top), Constraint::Fill(1)]).areas(area);
            self.render_rows(view, first, buf);
            return self.render_timeline(view, second, buf);
        }
        let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(9)]).areas(area);
        let [left, right] = Layout::horizontal([Constraint::Percentage(52), Constraint::Fill(1)]).areas(above);
        self.render_rows(view, left, buf);
        self.render_timeline(view, right, buf);
        let target = match self.rows.selected() {
            Some(Row::Silence(key)) => Some(Target::Silence(key.clone())),
            _ => self.selected_alert().map(Target::Alert),
        };
        detail::render(view, target.as_ref(), below, buf);
    }
}

#[cfg(test)]
mod tests;
