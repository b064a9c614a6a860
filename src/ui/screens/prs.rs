//! Screen PRs: pull requests by what they need of me, the selected one in detail, and the host's request budget.

mod budget;
mod detail;
mod rows;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
};

use super::super::{
    Reply, Screen, View,
    filter::Filter,
    list::List,
    target::Target,
    undo::Undo,
    widgets::virtual_table::{TableHit, TableHits},
};
use crate::{
    command::Command,
    model::code::{PullRequest, PullRequestKey},
    query::Query,
    store::Changes,
    text::Clean,
    time::Now,
};

use self::rows::{Counts, SORTS, SortBy};

/// The cursor rests this long on a row before its detail is asked for: requests are counted by the host.
const REST: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    List,
    Detail,
}

/// State of the screen.
#[derive(Default)]
pub struct PullRequests {
    list: List<PullRequestKey>,
    pane: Pane,
    /// When the cursor came onto its row by a key.
    moved: Option<Instant>,
    detail_top: usize,
    detail_height: usize,
    filter: String,
    sort: SortBy,
    is_reversed: bool,
    undo: Undo<(SortBy, bool)>,
    counts: Counts,
}

impl PullRequests {
    fn selected_pr<'a>(&self, view: &View<'a>) -> Option<&'a PullRequest> {
        view.store.pull_requests.get(self.list.selected()?)
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
        self.list = List::default();
        self.sync(view, Changes::PULL_REQUESTS);
    }

    /// The order before is back. False: there is none to take back.
    fn undo_sort(&mut self, view: &View<'_>) -> bool {
        let Some(was) = self.undo.take() else { return false };
        (self.sort, self.is_reversed) = was;
        self.reorder(view);
        true
    }

    fn scroll_detail(&mut self, command: Command) -> bool {
        let page = self.detail_height.max(2) - 1;
        self.detail_top = match command {
            Command::Down => self.detail_top + 1,
            Command::Up => self.detail_top.saturating_sub(1),
            Command::PageDown | Command::HalfDown => self.detail_top + page,
            Command::PageUp | Command::HalfUp => self.detail_top.saturating_sub(page),
            Command::Top => 0,
            // Drawing finds the end.
            Command::Bottom => usize::MAX / 2,
            _ => return false,
        };
        true
    }

    fn moved(&mut self, view: &View<'_>) {
        (self.detail_top, self.moved) = (0, Some(view.now.mono));
    }
}

impl Screen for PullRequests {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if !changes.any(Changes::PULL_REQUESTS) {
            return;
        }
        let filter = Filter::parse(&self.filter);
        let (entries, counts) = rows::entries(view.store, view.now, &filter, self.sort, self.is_reversed);
        self.counts = counts;
        self.list.set(entries, view.now);
    }

    fn settle(&mut self, now: Now) -> bool {
        self.list.settle(now)
    }

    fn selected(&self, _view: &View<'_>) -> Option<Target> {
        self.list.selected().cloned().map(Target::PullRequest)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        let moved = match self.pane {
            Pane::List => self.list.navigate(command, view.now),
            Pane::Detail => self.scroll_detail(command),
        };
        if moved {
            if self.pane == Pane::List {
                self.moved(view);
            }
            return Reply::Done;
        }
        match (command, self.pane) {
            (Command::Enter | Command::NextPane | Command::PreviousPane, Pane::List) => {
                if self.list.selected().is_some() {
                    (self.pane, self.moved) = (Pane::Detail, None);
                }
            }
            (Command::Enter, Pane::Detail) => return Reply::Run(Command::DiffPr),
            (Command::Back, Pane::Detail) if view.zoomed => return Reply::Ignored,
            (Command::NextPane | Command::PreviousPane | Command::Back, Pane::Detail) => self.pane = Pane::List,
            (Command::SortNext, _) => self.resort(1, view),
            (Command::SortPrevious, _) => self.resort(-1, view),
            (Command::UndoLocal, _) if self.undo_sort(view) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let rests = self.moved.is_none_or(|moved| view.now.since(moved) >= REST);
        let is_shown = self.pane == Pane::Detail || !(view.is_narrow() || view.zoomed);
        let key = self.list.selected().filter(|_| rests && is_shown);
        key.cloned().map(Query::PullRequest).into_iter().collect()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        let Target::PullRequest(key) = target else { return false };
        if !self.list.select(key) {
            self.set_filter("", view);
            if !self.list.select(key) {
                return false;
            }
        }
        (self.detail_top, self.moved, self.pane) = (0, None, Pane::List);
        true
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.undo.filtered(text);
        self.list.refilter(view.now);
        self.sync(view, Changes::PULL_REQUESTS);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match self.list.click(at, view.now) {
            Some(TableHit::Row(_)) => {
                self.pane = Pane::List;
                self.moved(view);
            }
            Some(TableHit::Head(_)) => self.resort(1, view),
            None => return Reply::Ignored,
        }
        Reply::Done
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        let pr = self.selected_pr(view)?;
        Some(Clean::own(format!("{}#{} {}", pr.key.repo.name, pr.key.number, pr.title)))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        self.list.hits = TableHits::default();
        if view.is_narrow() || view.zoomed {
            return match self.pane {
                Pane::List => rows::render(self, view, area, buf, true),
                Pane::Detail => detail::render(self, view, area, buf, true),
            };
        }
        let wanted = (self.list.entries().len() as u16 + 3).clamp(6, (area.height / 2).max(6));
        let [top, bottom] = Layout::vertical([Constraint::Length(wanted), Constraint::Min(6)]).areas(area);
        let [left, right] = Layout::horizontal([Constraint::Percentage(62), Constraint::Min(0)]).areas(bottom);
        rows::render(self, view, top, buf, self.pane == Pane::List);
        detail::render(self, view, left, buf, self.pane == Pane::Detail);
        budget::render(view, right, buf);
    }
}
