//! Which runs are trouble, and the order of the list.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;

use crate::{
    model::{
        Level,
        code::{RepoKey, Run, RunState},
    },
    store::Store,
    text::Clean,
    time::Now,
    ui::filter::Filter,
};

/// A deploy that runs longer than this, in seconds, is stuck.
const STUCK_AFTER: i64 = 15 * 60;

/// Column the runs are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortBy {
    #[default]
    Trouble,
    Started,
    Took,
    Workflow,
}

pub(super) const SORTS: [SortBy; 4] = [SortBy::Trouble, SortBy::Started, SortBy::Took, SortBy::Workflow];

impl SortBy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Started => "started",
            Self::Took => "took",
            Self::Workflow => "workflow",
        }
    }
}

/// The newest run of each workflow and branch: what failed before it is history.
pub(super) type Newest<'a> = BTreeMap<(&'a RepoKey, &'a Clean, Option<&'a Clean>), u64>;

pub(super) fn newest(store: &Store) -> Newest<'_> {
    let mut newest = Newest::new();
    for run in store.runs.values().filter(|run| run.state.is_finished()) {
        let number = newest.entry(line_of(run)).or_default();
        *number = (*number).max(run.number);
    }
    newest
}

fn line_of(run: &Run) -> (&RepoKey, &Clean, Option<&Clean>) {
    (&run.key.repo, &run.workflow, run.branch.as_ref())
}

/// Seconds from its start to its end, or to now.
pub(super) fn took(run: &Run, now: Timestamp) -> Option<i64> {
    let from = run.started.or(run.created)?;
    let to = if run.state.is_finished() { run.updated.unwrap_or(now) } else { now };
    Some((to.as_second() - from.as_second()).max(0))
}

pub(super) fn is_stuck(run: &Run, now: Timestamp) -> bool {
    run.deploys && run.state == RunState::Running && took(run, now).is_some_and(|took| took > STUCK_AFTER)
}

fn is_newest(run: &Run, newest: &Newest<'_>) -> bool {
    newest.get(&line_of(run)).is_none_or(|number| *number <= run.number)
}

/// It failed, and nothing newer of its workflow and branch is there.
pub(super) fn is_failing(run: &Run, newest: &Newest<'_>) -> bool {
    run.state.is_bad() && is_newest(run, newest)
}

/// How bad it is; `None`: it ended without a result (cancelled, skipped).
pub(super) fn level(run: &Run, newest: &Newest<'_>, now: Timestamp) -> Option<Level> {
    Some(match &run.state {
        state if state.is_bad() && run.deploys && is_newest(run, newest) => Level::Broken,
        state if state.is_bad() => Level::Wrong,
        RunState::Running if is_stuck(run, now) => Level::Broken,
        RunState::Waiting => Level::Wrong,
        RunState::Running | RunState::Queued => Level::Progress,
        RunState::Success => Level::Ok,
        RunState::Cancelled | RunState::Skipped | RunState::Neutral => return None,
        _ => Level::Unknown,
    })
}

/// Runs that the filter keeps, in order.
pub(super) fn sorted<'a>(store: &'a Store, now: Now, filter: &Filter, sort: SortBy, is_reversed: bool) -> Vec<&'a Run> {
    let newest = newest(store);
    let mut rows: Vec<&Run> = store.runs.values().filter(|run| keeps(filter, run)).collect();
    let started = |run: &Run| Reverse(run.started.or(run.created));
    let time = |run: &Run| store.time_of(&run.key.repo.host, now);
    match sort {
        SortBy::Trouble => rows.sort_by_cached_key(|run| {
            // History and what ended without a result stand with what is well, by time.
            let level = match level(run, &newest, time(run)) {
                Some(Level::Wrong) if run.state.is_bad() && !is_newest(run, &newest) => Level::Ok,
                level => level.unwrap_or(Level::Ok),
            };
            (level, level < Level::Ok && !run.deploys, started(run), run.key.clone())
        }),
        SortBy::Started => rows.sort_by_key(|run| (started(run), &run.key)),
        SortBy::Took => rows.sort_by_cached_key(|run| (Reverse(took(run, time(run))), run.key.clone())),
        SortBy::Workflow => {
            rows.sort_by_key(|run| (&run.key.repo.name, &run.workflow, Reverse(run.number), &run.key));
        }
    }
    if is_reversed {
        rows.reverse();
    }
    rows
}

fn keeps(filter: &Filter, run: &Run) -> bool {
    if filter.is_all() {
        return true;
    }
    let text = format!(
        "{} {} #{} {} {} {} {} {}",
        run.key.repo.name,
        run.workflow,
        run.number,
        run.branch.as_deref().unwrap_or_default(),
        run.head_sha,
        run.actor,
        run.state,
        run.title
    );
    filter.keeps(&text, |name| match name {
        "repo" => Some(run.key.repo.name.as_str()),
        "branch" => run.branch.as_deref(),
        "actor" => Some(run.actor.as_str()),
        _ => None,
    })
}
