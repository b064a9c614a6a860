//! The lists on Now: what needs me with its facts, what happened, pull requests, runs, workloads, and the rest.

use std::cmp::Reverse;

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    super::{
        super::{
            View,
            list::{Entry, List},
            target::Target,
            theme::Mark,
            widgets::{
                cells::width,
                virtual_table::{Column, Row, TableHits, VirtualTable},
            },
        },
        happened::{self, Happened},
        needs, pane, words,
    },
    Now,
    story::Story,
};
use crate::{
    action::act::{Outcome, StepState},
    command::Command,
    model::{
        Level, Part,
        change::ChangeKind,
        code::{PullRequest, Run},
        kubernetes::Workload,
    },
    text::Clean,
    time::seconds_between,
};

/// How long an act that ended stays in the list.
const ACTS_SHOWN_FOR: i64 = 10 * 60;
const MOST: usize = 200;
/// Needs that are asked how long they last before the column for it is placed.
const MOST_READ: usize = 50;

/// What a list of objects is drawn with.
pub(super) struct Dress<'a> {
    pub title: Line<'a>,
    pub info: Line<'a>,
    pub parts: &'a [Part],
    pub nothing: &'a str,
    /// Width that names like to have.
    pub name: u16,
    pub focused: bool,
}

/// A list of objects of any kind: mark, name, words, time.
pub(super) fn objects(
    list: &mut List<Target>,
    dress: Dress<'_>,
    filter: &str,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let fresh = pane::fresh_line(view, dress.parts, None);
    let inside = pane::framed(view, dress.title, dress.info, fresh, dress.focused, area, buf);
    let name = longest(list.items().take(MOST).map(|target| name_width(view, target)));
    let columns = [
        Column::new("", 2, 100),
        Column::new("", name.clamp(10, dress.name.max(10)), 99).min(10),
        Column::new("", 30, 90).min(8).grows(),
        Column::new("", 5, 95).min(3).right(),
    ];
    list.height = usize::from(inside.height);
    let new = list.new_above();
    let (cursor, mut state) = (list.cursor(), list.table);
    let entries = list.entries();
    list.hits = VirtualTable::new(theme, &columns, entries.len())
        .cursor(cursor.filter(|_| dress.focused))
        .focused(dress.focused)
        .header(new > 0)
        .above((new > 0).then(|| format!("{new} new above")))
        .empty(pane::empty_words(view, dress.parts, dress.nothing, filter))
        .render(inside, buf, &mut state, |index| object(view, &entries[index]));
    list.table = state;
}

/// No column is wider than what stands in it: the rest is for the reasons.
fn longest(widths: impl Iterator<Item = u16>) -> u16 {
    widths.max().unwrap_or(0)
}

/// Of a workload without what is said of it, which asks all of its pods.
fn name_width(view: &View<'_>, target: &Target) -> u16 {
    match target {
        Target::Workload(key) => width(&key.to_string()),
        Target::Pod(key) => width(&key.name),
        other => words::of(view, other).map_or(0, |said| width(&said.name)),
    }
}

fn object(view: &View<'_>, entry: &Entry<Target>) -> Row<'static> {
    match entry {
        Entry::Item(target) => match words::in_row(view, target) {
            Some(said) => Row::item(said.cells(view)),
            None => Row::Wide(Line::styled(format!("{target} is gone"), view.theme.dim)),
        },
        // A line below an item, not a head: a step of an act.
        Entry::Group(text) if text.starts_with(' ') => Row::Wide(Line::styled(text.to_string(), view.theme.text)),
        Entry::Group(text) => Row::Group(Line::raw(text.to_string())),
    }
}

/// What needs me; below the selected row stand its facts.
pub(super) fn needed(now: &mut Now, title: &str, focused: bool, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let parts = [Part::Alerts, Part::Deployments];
    let count = now.needs.items().count();
    let title = Line::from(vec![
        Span::raw(title.to_owned()),
        Span::styled(if count > 0 { format!(" {count}") } else { String::new() }, theme.text),
    ]);
    let info = if now.filter.is_empty() { Line::default() } else { Line::raw(format!("filter {}", now.filter)) };
    let fresh = pane::fresh_line(view, &parts, None);
    let inside = pane::framed(view, title, info, fresh, focused, area, buf);
    let ack = words::key_hint(view, Command::Acknowledge, "ack 15m");
    let ack_width = ack.iter().map(Span::width).sum::<usize>() as u16;
    let name = longest(now.needs.items().take(MOST).map(|target| name_width(view, target)));
    let when = longest(now.needs.items().take(MOST_READ).map(|target| when_width(view, target)));
    let mut columns = vec![
        Column::new("", 2, 100),
        Column::new("", name.clamp(14, 28), 98).min(14),
        Column::new("", 30, 96).min(19).grows().spills(),
        Column::new("", when.clamp(3, 12), 97).right(),
    ];
    // At 80 columns the footer says it alone.
    if !view.is_narrow() {
        columns.push(Column::new("", ack_width, 80));
    }
    let cursor = now.needs.cursor();
    let details = now.needs.selected().and_then(|target| Story::of(view, target)).map(|story| story.details(view));
    let details = details.unwrap_or_default();
    // Details stand between the selected row and the next: the table sees one list of both.
    let after = cursor.unwrap_or(usize::MAX);
    let total = now.needs.entries().len() + details.len();
    now.needs.height = usize::from(inside.height);
    let mut state = now.needs.table;
    let entries = now.needs.entries();
    let hits = VirtualTable::new(theme, &columns, total)
        .cursor(cursor)
        .focused(focused)
        .header(false)
        .empty(pane::empty_words(view, &parts, "nothing needs you", &now.filter))
        .render(inside, buf, &mut state, |index| {
            if index > after && index <= after + details.len() {
                return Row::Wide(details[index - after - 1].clone());
            }
            let index = if index > after { index - details.len() } else { index };
            match &entries[index] {
                Entry::Item(target) => need(view, target, &ack),
                Entry::Group(text) => Row::Group(Line::raw(text.to_string())),
            }
        });
    // The mouse means rows, not the lines below them.
    let rows = hits.rows.into_iter().filter_map(|(spot, index)| match index {
        index if index <= after => Some((spot, index)),
        index if index <= after + details.len() => None,
        index => Some((spot, index - details.len())),
    });
    now.needs.hits = TableHits { rows: rows.collect(), ..TableHits::default() };
    now.needs.table = state;
}

/// Rows that the list and the facts of its selected row take.
pub(super) fn needed_height(now: &Now, view: &View<'_>) -> u16 {
    let details = now.needs.selected().and_then(|target| Story::of(view, target));
    (now.needs.entries().len() + details.map_or(0, |story| story.details(view).len())) as u16 + 2
}

fn need(view: &View<'_>, target: &Target, ack: &[Span<'static>]) -> Row<'static> {
    let Some(said) = words::in_row(view, target) else {
        return Row::Wide(Line::styled(format!("{target} is gone"), view.theme.dim));
    };
    let mark = said.mark;
    let mut cells = said.cells(view);
    if let Target::Alert(_) = target {
        // The measure in the place of the alert's summary, which says the same of a while ago.
        if let Some(measured) = measured(view, target) {
            cells[2] = Line::styled(measured, view.theme.broken);
        }
        match mark {
            Mark::Broken | Mark::Wrong => cells.push(Line::from(ack.to_vec())),
            Mark::Acked => cells[3] = Line::styled(ack_ends(view, target), view.theme.dim),
            _ => {}
        }
    }
    Row::item(cells)
}

fn when_width(view: &View<'_>, target: &Target) -> u16 {
    match words::of(view, target) {
        Some(said) if said.mark == Mark::Acked => width(&ack_ends(view, target)),
        Some(said) => width(&said.when),
        None => 0,
    }
}

/// `until 03:29`: when what was acknowledged is heard again.
fn ack_ends(view: &View<'_>, target: &Target) -> String {
    let Target::Alert(key) = target else { return String::new() };
    let alert = view.store.alerts.get(key);
    let ends = alert.and_then(|alert| view.store.silences_of(alert).map(|silence| silence.ends).max());
    ends.map_or_else(String::new, |ends| format!("until {}", words::day_clock(ends, view.time())))
}

/// `now 31.0 %, limit 5 %`: what the bound panel shows, when it is over its limit.
fn measured(view: &View<'_>, target: &Target) -> Option<String> {
    let measure = Story::of(view, target)?.measure(view).filter(super::story::Measure::is_over)?;
    Some(format!("now {}, limit {}", measure.text()?, measure.limit_text()?))
}

/// What happened before the onset, newest first, then what came after it; all newest first without an onset.
pub(super) fn changes(
    happened: &Happened,
    onset: Option<Timestamp>,
    own: Option<&Target>,
    keeps: impl Fn(&str) -> bool,
) -> Vec<Entry<happened::Key>> {
    let shown = happened.iter().filter(|(_, change)| keeps(&change.text));
    let Some(onset) = onset else {
        return shown.take(MOST).map(|(key, _)| Entry::Item(key.clone())).collect();
    };
    let is_own = |key: &happened::Key| own.is_some() && happened.target(key).as_ref() == own;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (key, change) in shown {
        if change.at <= onset && !(is_own(key) && change.kind == ChangeKind::Alert) {
            before.push(Entry::Item(key.clone()));
        } else if !is_own(key) {
            after.push(Entry::Item(key.clone()));
        }
    }
    before.truncate(MOST);
    after.reverse();
    after.truncate(MOST);
    if !after.is_empty() {
        before.push(Entry::Group("AFTER IT BEGAN".into()));
        before.extend(after);
    }
    before
}

pub(super) fn changed(now: &mut Now, focused: bool, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let onset = now.onset.filter(|_| now.is_paging);
    let mut title = match onset {
        Some(onset) => Line::raw(format!("BEFORE IT BEGAN {}", words::day_clock(onset, view.time()))),
        None => Line::raw("HAPPENED"),
    };
    let new = now.away.map_or(0, |away| now.happened.iter().take_while(|(_, change)| change.at > away).count());
    if let (Some(away), true) = (now.away, new > 0) {
        title.push_span(Span::styled(format!("   {new} new since {}", words::day_clock(away, view.time())), theme.new));
    }
    let parts = [Part::Deployments, Part::Runs, Part::Events, Part::Alerts];
    let fresh = pane::fresh_line(view, &parts, None);
    let inside = pane::framed(view, title, Line::default(), fresh, focused, area, buf);
    let columns = happened::columns(onset.is_some());
    now.changed.height = usize::from(inside.height);
    let (cursor, mut state) = (now.changed.cursor(), now.changed.table);
    let entries = now.changed.entries();
    let hits = VirtualTable::new(theme, &columns, entries.len())
        .cursor(cursor.filter(|_| focused))
        .focused(focused)
        .header(false)
        .empty(pane::empty_words(view, &parts, "nothing in the last two hours", &now.filter))
        .render(inside, buf, &mut state, |index| match &entries[index] {
            Entry::Item(key) => match now.happened.get(key) {
                Some(change) => {
                    let is_new = now.away.is_some_and(|away| change.at > away);
                    Row::item(happened::cells(view, change, onset, is_new))
                }
                None => Row::Wide(Line::styled(key.2.to_string(), theme.dim)),
            },
            Entry::Group(text) => Row::Group(Line::raw(text.to_string())),
        });
    (now.changed.table, now.changed.hits) = (state, hits);
}

/// My own acts with their steps, runs that fail or go on, and every backend.
pub(super) fn also(view: &View<'_>) -> Vec<Entry<Target>> {
    let mut entries = Vec::new();
    let recent = view.acts.newest().filter(|act| {
        act.is_mine
            && (act.outcome == Outcome::Running
                || act.ended.is_some_and(|ended| seconds_between(ended, view.now.wall) < ACTS_SHOWN_FOR))
    });
    for act in recent.take(3) {
        entries.push(Entry::Item(Target::Act(act.number)));
        if act.outcome != Outcome::Done {
            entries.extend(act.numbered_steps().map(|(number, (what, state))| {
                let (mark, says) = words::step_words(state);
                let is_running = matches!(state, StepState::Running(_)) && !says.is_empty();
                let (first, then) = if is_running { (says, what.as_str()) } else { (what.as_str(), says) };
                Entry::Group(Clean::own(format!("   {} {number} {first}  {then}", mark.text())))
            }));
        }
    }
    let troubled = needs::troubled_runs(view).into_iter().map(|run| (needs::run_level(view, run), run));
    let going = view.store.runs.values().filter(|run| !run.state.is_finished() && !needs::is_stuck(view, run));
    let mut runs: Vec<(Level, &Run)> = troubled.chain(going.map(|run| (Level::Progress, run))).collect();
    runs.sort_by_key(|(level, run)| (*level, !run.deploys, Reverse(run.number), &run.key));
    entries.extend(runs.into_iter().take(6).map(|(_, run)| Entry::Item(Target::Run(run.key.clone()))));
    entries.extend(backends(view));
    entries
}

/// Backends, those in trouble first.
fn backends(view: &View<'_>) -> Vec<Entry<Target>> {
    let mut ids: Vec<_> = view.store.backends.keys().collect();
    ids.sort_by_cached_key(|id| {
        let said = words::of(view, &Target::Backend((*id).clone()));
        (said.is_some_and(|said| said.mark == Mark::Ok), (*id).clone())
    });
    ids.into_iter().map(|id| Entry::Item(Target::Backend(id.clone()))).collect()
}

/// Pull requests: those that need me, then the rest by age of their last news.
pub(super) fn pull_requests(view: &View<'_>) -> Vec<Entry<Target>> {
    let item = |pr: &PullRequest| Entry::Item(Target::PullRequest(pr.key.clone()));
    let mut entries: Vec<Entry<Target>> = needs::my_pull_requests(view.store).into_iter().map(item).collect();
    let mut others: Vec<&PullRequest> =
        view.store.pull_requests.values().filter(|pr| pr.merged.is_none() && pr.need.is_none()).collect();
    others.sort_by_key(|pr| Reverse(pr.updated));
    if !others.is_empty() && !entries.is_empty() {
        entries.push(Entry::Group("OTHERS".into()));
    }
    entries.extend(others.into_iter().take(MOST).map(item));
    entries
}

/// Runs: failing and stuck ones first, then those under way, then the newest.
pub(super) fn runs(view: &View<'_>) -> Vec<Entry<Target>> {
    let troubled: std::collections::BTreeSet<_> = needs::troubled_runs(view).into_iter().map(|run| &run.key).collect();
    let mut runs: Vec<&Run> = view.store.runs.values().collect();
    runs.sort_by_cached_key(|run| {
        let is_troubled = troubled.contains(&run.key);
        let level = is_troubled.then(|| needs::run_level(view, run));
        (!is_troubled, level, run.state.is_finished(), Reverse(run.updated.or(run.created)))
    });
    runs.into_iter().take(MOST).map(|run| Entry::Item(Target::Run(run.key.clone()))).collect()
}

/// Workloads, trouble first, each with its worst pods below it.
pub(super) fn kube(view: &View<'_>) -> Vec<Entry<Target>> {
    let mut workloads: Vec<&Workload> = view.store.kube.workloads.values().map(|workload| &**workload).collect();
    workloads.sort_by_cached_key(|workload| (view.store.kube.level_of(workload), &workload.key));
    let mut entries = Vec::new();
    for workload in workloads.into_iter().take(MOST) {
        entries.push(Entry::Item(Target::Workload(workload.key.clone())));
        if view.store.kube.level_of(workload) < Level::Ok {
            let now = view.store.time_of(&workload.key.cluster, view.now);
            let mut pods = view.store.kube.pods_of(workload);
            pods.retain(|pod| pod.standing(now).0 < Level::Ok && !pod.is_record());
            pods.sort_by_key(|pod| (pod.standing(now).0, Reverse(pod.restarts), &pod.key));
            entries.extend(pods.into_iter().take(3).map(|pod| Entry::Item(Target::Pod(pod.key.clone()))));
        }
    }
    entries
}
