//! The faces of the screen: which panes stand where.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use super::{Now, Pane, chart, lists, quiet, services};
use crate::ui::{View, target::Target, widgets::cells::put_line};

impl Now {
    pub(super) fn wide_paging(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let most = area.height * 2 / 5;
        let top = lists::needed_height(self, view).clamp(5, most.max(5));
        let [first, middle, bottom] =
            Layout::vertical([Constraint::Length(top), Constraint::Fill(6), Constraint::Fill(5)]).areas(area);
        lists::needed(self, "NEEDS YOU", self.pane == Pane::Needs, view, first, buf);
        let told = self.told(view).filter(|(_, story)| story.measure(view).is_some());
        let share = if told.is_some() { 52 } else { 0 };
        let [left, right] = Layout::horizontal([Constraint::Percentage(share), Constraint::Fill(1)]).areas(middle);
        if let Some((_, story)) = &told {
            chart::broken(story, view, left, buf);
        }
        lists::changed(self, self.pane == Pane::Changed, view, right, buf);
        let [left, right] = Layout::horizontal([Constraint::Percentage(52), Constraint::Fill(1)]).areas(bottom);
        services::render(self, view, self.pane == Pane::Services, left, buf);
        self.one(Pane::Also, view, right, buf);
    }

    pub(super) fn wide_quiet(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let has_alert = self.needs.items().any(|target| matches!(target, Target::Alert(_)));
        let has_other = self.needs.items().any(|target| !matches!(target, Target::Alert(_)));
        let top = if has_alert || has_other { lists::needed_height(self, view).min(area.height / 3) } else { 0 };
        let [line, first, above, below, last] = Layout::vertical([
            Constraint::Length(u16::from(!has_alert)),
            Constraint::Length(top),
            Constraint::Fill(1),
            Constraint::Fill(1),
            Constraint::Length(7.min(area.height / 4)),
        ])
        .areas(area);
        if !has_alert {
            put_line(buf, line, &quiet::calm(view), view.theme.glyphs.ellipsis);
        }
        if top > 0 {
            let title = if has_other { "NEEDS YOU" } else { "ALERTS" };
            lists::needed(self, title, self.pane == Pane::Needs, view, first, buf);
        }
        let halves = |area| Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas::<2>(area);
        let ([one, two], [three, four]) = (halves(above), halves(below));
        self.one(Pane::PullRequests, view, one, buf);
        self.one(Pane::Runs, view, two, buf);
        self.one(Pane::Kube, view, three, buf);
        self.one(Pane::Charts, view, four, buf);
        self.one(Pane::Changed, view, last, buf);
    }

    /// One pane by itself.
    pub(super) fn one(&mut self, pane: Pane, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let focused = self.pane == pane;
        match pane {
            Pane::Needs => lists::needed(self, "NEEDS YOU", focused, view, area, buf),
            Pane::Changed => lists::changed(self, focused, view, area, buf),
            Pane::Services => services::render(self, view, focused, area, buf),
            Pane::Charts => chart::small(self, view, focused, area, buf),
            Pane::Also | Pane::PullRequests | Pane::Runs | Pane::Kube => {
                let dress = quiet::dress(pane, view, focused);
                let mut list = std::mem::take(self.targets(pane).expect("a list of objects"));
                lists::objects(&mut list, dress, "", view, area, buf);
                *self.targets(pane).expect("a list of objects") = list;
            }
        }
    }
}
