//! The list of pull requests: groups, order, cells.

use std::cmp::Reverse;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::PullRequests;
use crate::{
    model::{
        Level, Part,
        code::{Checks, MergeState, Need, PullRequest, PullRequestKey, ReviewDecision},
    },
    store::Store,
    text::Clean,
    time::Now,
    ui::{
        View,
        filter::Filter,
        list::Entry,
        screens::pane::{age, empty_words, framed, fresh_line, level_style, mark_of},
        theme::Mark,
        widgets::virtual_table::{Column, Row, VirtualTable},
    },
};

/// Column the rows of a group are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortBy {
    #[default]
    Need,
    Updated,
    Age,
    Repository,
}

pub(super) const SORTS: [SortBy; 4] = [SortBy::Need, SortBy::Updated, SortBy::Age, SortBy::Repository];

impl SortBy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Need => "need",
            Self::Updated => "updated",
            Self::Age => "age",
            Self::Repository => "repository",
        }
    }
}

/// Merged pull requests are listed for so many seconds.
const RECENT: i64 = 86_400;

/// How many there are, by group.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub needs_me: usize,
    pub others: usize,
}

/// How it stands; `None`: nothing to say (a draft, no checks).
pub(super) fn level(pr: &PullRequest) -> Option<Level> {
    if pr.merged.is_some() {
        return None;
    }
    let checks = &pr.checks;
    Some(match (pr.need, &pr.merge) {
        (Some(Need::MineFailing), _) => Level::Broken,
        (_, MergeState::Conflicts) => Level::Wrong,
        _ if checks.failed > 0 => Level::Wrong,
        _ if !checks.is_readable => Level::Unknown,
        _ if checks.running > 0 => Level::Progress,
        (Some(Need::MineReady), _) | (_, MergeState::Ready) => Level::Ok,
        _ if checks.exist && checks.passed > 0 => Level::Ok,
        _ => return None,
    })
}

/// Groups under their heads: what needs me, the others, and what was merged lately.
pub(super) fn entries(
    store: &Store,
    now: Now,
    filter: &Filter,
    sort: SortBy,
    is_reversed: bool,
) -> (Vec<Entry<PullRequestKey>>, Counts) {
    let mut rows: Vec<&PullRequest> = store.pull_requests.values().filter(|pr| keeps(filter, pr)).collect();
    match sort {
        SortBy::Need => rows.sort_by_key(|pr| (pr.need.is_none(), pr.need, Reverse(pr.updated), &pr.key)),
        SortBy::Updated => rows.sort_by_key(|pr| (Reverse(pr.updated), &pr.key)),
        SortBy::Age => rows.sort_by_key(|pr| (pr.created, &pr.key)),
        SortBy::Repository => rows.sort_by_key(|pr| (&pr.key.repo.name, pr.key.number)),
    }
    if is_reversed {
        rows.reverse();
    }
    let is_recent = |pr: &&PullRequest| pr.merged.is_some_and(|at| now.wall.as_second() - at.as_second() < RECENT);
    let (merged, open): (Vec<&PullRequest>, Vec<&PullRequest>) = rows.into_iter().partition(|pr| pr.merged.is_some());
    let (mine, others): (Vec<&PullRequest>, Vec<&PullRequest>) = open.into_iter().partition(|pr| pr.need.is_some());
    let mut merged: Vec<&PullRequest> = merged.into_iter().filter(is_recent).collect();
    merged.sort_by_key(|pr| Reverse(pr.merged));
    let counts = Counts { needs_me: mine.len(), others: others.len() };
    let mut entries = Vec::new();
    for (head, group) in [("NEEDS YOU", mine), ("OTHERS", others), ("MERGED within a day", merged)] {
        if !group.is_empty() {
            entries.push(Entry::Group(head.into()));
            entries.extend(group.into_iter().map(|pr| Entry::Item(pr.key.clone())));
        }
    }
    (entries, counts)
}

fn keeps(filter: &Filter, pr: &PullRequest) -> bool {
    if filter.is_all() {
        return true;
    }
    let labels: String = pr.labels.iter().map(|label| format!(" {label}")).collect();
    let text = format!("#{} {} {} {} {}{labels}", pr.key.number, pr.title, pr.author, pr.key.repo.name, pr.head);
    filter.keeps(&text, |name| match name {
        "repo" => Some(pr.key.repo.name.as_str()),
        "author" => Some(pr.author.as_str()),
        "label" => pr.labels.first().map(Clean::as_str),
        _ => None,
    })
}

pub(super) fn render(prs: &mut PullRequests, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let filter = if prs.filter.is_empty() { String::new() } else { format!("filter {}   ", prs.filter) };
    let reversed = if prs.is_reversed { ", reversed" } else { "" };
    let info = Line::styled(format!("{filter}sort {}{reversed}", prs.sort.name()), theme.dim);
    let mut title = vec![Span::raw("PULL REQUESTS")];
    for (count, words, style) in
        [(prs.counts.needs_me, "need you", theme.accent), (prs.counts.others, "others", theme.dim)]
    {
        if count > 0 {
            let words = if words == "need you" && count == 1 { "needs you" } else { words };
            title.push(Span::styled(format!("   {count} {words}"), style));
        }
    }
    let fresh = fresh_line(view, &[Part::PullRequests], None);
    let inside = framed(view, Line::from(title), info, fresh, focused, area, buf);
    let columns = columns(view.is_narrow());
    let note = prs.list.new_above();
    prs.list.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (prs.list.cursor(), prs.list.table);
    let list = prs.list.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty_words(view, &[Part::PullRequests], "no open pull requests", &prs.filter))
        .render(inside, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.pull_requests.get(key) {
                Some(pr) => Row::item(cells(view, pr)),
                None => Row::Wide(Line::styled(format!("#{}", key.number), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (prs.list.table, prs.list.hits) = (state, hits);
}

fn columns(is_narrow: bool) -> Vec<Column<'static>> {
    if is_narrow {
        return vec![
            Column::new("", 2, 100),
            Column::new("#", 5, 99).right(),
            Column::new("title", 34, 50).min(16).grows(),
            Column::new("author", 8, 60).min(6),
            Column::new("checks", 10, 95).min(6),
            Column::new("why", 9, 97),
        ];
    }
    vec![
        Column::new("", 2, 100),
        Column::new("#", 5, 99).right(),
        Column::new("title", 34, 98).min(16).grows(),
        Column::new("author", 10, 60).min(6),
        Column::new("checks", 10, 95).min(6),
        Column::new("review", 12, 80).min(8),
        Column::new("merge", 10, 75).min(8),
        Column::new("age", 5, 70).right(),
        Column::new("repo", 16, 50).min(8),
    ]
}

/// With little room, for review and merge: what the mark is for, or who waits for me, where the checks do not say it.
fn why_words(pr: &PullRequest) -> &'static str {
    match (&pr.merge, &pr.review) {
        _ if pr.merged.is_some() => "",
        (MergeState::Conflicts, _) => "conflicts",
        _ if pr.asks_me => "asks you",
        (_, ReviewDecision::ChangesRequested) => "changes",
        _ => "",
    }
}

fn cells<'a>(view: &View<'a>, pr: &'a PullRequest) -> Vec<Line<'a>> {
    let theme = view.theme;
    let level = level(pr);
    let mark = level.map_or(Mark::Blank, mark_of);
    let style = level.map_or(theme.dim, |level| level_style(theme, level));
    let title = match (pr.need, pr.is_draft || pr.merged.is_some()) {
        (Some(_), _) => theme.strong,
        (None, true) => theme.dim,
        (None, false) => theme.text,
    };
    let review = if view.is_narrow() { why_words(pr).to_owned() } else { review_words(pr) };
    vec![
        Line::from(theme.mark(mark)),
        Line::styled(pr.key.number.to_string(), theme.text),
        Line::styled(pr.title.as_str(), title),
        Line::styled(pr.author.as_str(), theme.dim),
        Line::styled(checks_words(&pr.checks), style),
        Line::styled(review, theme.text),
        Line::styled(merge_words(pr), theme.text),
        Line::styled(age(view, &pr.key.repo.host, pr.merged.or(pr.created)), theme.dim),
        Line::styled(pr.key.repo.name.rsplit('/').next().unwrap_or_default(), theme.dim),
    ]
}

/// `9/11`; `-`: there are none; `??`: this token may not read them.
pub(super) fn checks_words(checks: &Checks) -> String {
    match (checks.is_readable, checks.exist) {
        (false, _) => "??".to_owned(),
        (_, false) => "-".to_owned(),
        _ if checks.failed > 0 => format!("{}/{} {} red", checks.passed, checks.total(), checks.failed),
        _ => format!("{}/{}", checks.passed, checks.total()),
    }
}

pub(super) fn review_words(pr: &PullRequest) -> String {
    match &pr.review {
        _ if pr.asks_me && pr.merged.is_none() => "asks you".to_owned(),
        ReviewDecision::Approved if pr.approvals > 0 => format!("{} approved", pr.approvals),
        ReviewDecision::Approved => "approved".to_owned(),
        ReviewDecision::ChangesRequested => "changes".to_owned(),
        ReviewDecision::Required if pr.merged.is_some() => "-".to_owned(),
        ReviewDecision::Required => "required".to_owned(),
        ReviewDecision::None if pr.approvals > 0 => format!("{} approved", pr.approvals),
        ReviewDecision::None => "-".to_owned(),
        ReviewDecision::Other(word) => word.to_string(),
    }
}

pub(super) fn merge_words(pr: &PullRequest) -> &str {
    match &pr.merge {
        _ if pr.merged.is_some() => "merged",
        _ if pr.in_merge_queue => "in queue",
        _ if pr.is_draft => "draft",
        MergeState::Ready => "ready",
        MergeState::Unstable => "unstable",
        MergeState::Blocked => "blocked",
        MergeState::Behind => "behind",
        MergeState::Conflicts => "conflicts",
        MergeState::Draft => "draft",
        MergeState::Checking => "checking",
        MergeState::Other(word) => word,
    }
}
