//! What needs me over all screens, most urgent first; what waits on each tab; and the list that tiny terminals get.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    super::{
        View,
        target::Target,
        widgets::cells::{put_line, row},
    },
    words,
};
use crate::{
    app::settings::SUBJECTS,
    model::{
        BackendKind, Level, Name, Part,
        alert::{Alert, AlertState, Priority},
        code::{PullRequest, RepoKey, Run},
        kubernetes::{RolloutState, Workload, WorkloadKey},
    },
    store::{Store, slot::Freshness},
    text::Clean,
    time::seconds_between,
};

/// A deploy that runs longer than this is stuck.
const STUCK_AFTER: i64 = 15 * 60;
/// A failed run is nobody's business any more after this long.
const RUNS_MATTER_FOR: i64 = 7 * 24 * 3600;

/// Level, then kind, then the order within the kind.
type Rank = (Level, u8, i64);

/// What needs me, most urgent first: the rows of Now, and where `!` goes.
pub fn needs(view: &View<'_>) -> Vec<Target> {
    let mut found: Vec<(Rank, Target)> = Vec::new();
    alerts(view.store, &mut found);
    workloads(view, &mut found);
    found.extend(troubled_runs(view).into_iter().map(|run| {
        let level = run_level(view, run);
        let newest = -run.updated.or(run.created).map_or(0, Timestamp::as_second);
        ((level, 6, newest), Target::Run(run.key.clone()))
    }));
    let open = view.store.pull_requests.values().filter(|pr| pr.merged.is_none());
    found.extend(open.filter_map(|pr| {
        let need = pr.need?;
        let rank = (Level::Wrong, 7 + need as u8, -pr.updated.map_or(0, Timestamp::as_second));
        Some((rank, Target::PullRequest(pr.key.clone())))
    }));
    found.sort();
    found.into_iter().map(|(_, target)| target).collect()
}

/// A firing alert of P1 or P2 that nobody silenced: Now shows its other face, and does so until what was acknowledged
/// is mended.
pub fn is_paging(store: &Store) -> bool {
    store.alerts.values().any(|alert| is_broken(store, alert) && alert.priority <= Priority::P2)
}

/// Firing, whether or not somebody acknowledged it. A silence of another kind says that nobody wants to see it.
fn is_broken(store: &Store, alert: &Alert) -> bool {
    is_firing(alert) || (!alert.is_watchdog && store.is_acknowledged(alert))
}

fn is_firing(alert: &Alert) -> bool {
    alert.state == AlertState::Firing && !alert.is_watchdog
}

/// Always firing by design, and now gone: alerts may not reach anybody. A watchdog that came back under other labels
/// is not missing.
pub fn is_missing_watchdog(store: &Store, alert: &Alert) -> bool {
    alert.is_watchdog
        && matches!(alert.state, AlertState::Resolved(_))
        && !store.alerts.values().any(|other| {
            other.is_watchdog
                && other.key.backend == alert.key.backend
                && other.name == alert.name
                && !matches!(other.state, AlertState::Resolved(_))
        })
}

fn alerts(store: &Store, found: &mut Vec<(Rank, Target)>) {
    for alert in store.alerts.values() {
        let since = alert.active_since.or(alert.starts).map_or(0, Timestamp::as_second);
        let rank = if is_broken(store, alert) {
            (alert.priority.level(), alert.priority as u8, since)
        } else if is_missing_watchdog(store, alert) {
            (Level::Broken, 2, 0)
        } else if matches!(alert.state, AlertState::Other(_)) && !alert.is_watchdog {
            (Level::Wrong, 4, since)
        } else {
            continue;
        };
        found.push((rank, Target::Alert(alert.key.clone())));
    }
}

/// Alerts by what their labels name.
type Named<'a> = BTreeMap<&'a str, Vec<&'a Alert>>;

fn named(store: &Store, is_meant: impl Fn(&Alert) -> bool) -> Named<'_> {
    let mut named = Named::new();
    for alert in store.alerts.values().filter(|alert| is_meant(alert)) {
        for name in SUBJECTS.iter().chain(&["pod"]).filter_map(|label| alert.label(label)) {
            named.entry(name.as_str()).or_default().push(alert);
        }
    }
    named
}

/// Workloads that are broken, or whose pods run again for a while after a crash, and that no alert among the needs names.
fn workloads(view: &View<'_>, found: &mut Vec<(Rank, Target)>) {
    let firing = named(view.store, |alert| is_broken(view.store, alert));
    // Who silenced it knows that it crashed: that its pods are all there again is no news.
    let known = named(view.store, |alert| !alert.is_watchdog && !matches!(alert.state, AlertState::Resolved(_)));
    let kube = &view.store.kube;
    let recovering: BTreeSet<&WorkloadKey> =
        kube.recovering().filter_map(|pod| kube.workload_of(pod)).map(|workload| &workload.key).collect();
    for workload in kube.workloads.values() {
        // A rollout in progress whose pods crash or cannot be pulled is broken, long before its deadline.
        let is_broken = kube.level_of(workload) == Level::Broken || workload.rollout.state == RolloutState::Failed;
        let missing = i64::from(workload.desired.saturating_sub(workload.ready));
        let level = match (is_broken || missing > 0, is_broken || recovering.contains(&workload.key)) {
            (_, false) => continue,
            // A row that went whenever its pods run for some seconds could not be selected.
            (true, true) => Level::Broken,
            (false, true) => Level::Wrong,
        };
        if is_explained(view, workload, if level == Level::Broken { &firing } else { &known }) {
            continue;
        }
        found.push(((level, 5, -missing), Target::Workload(workload.key.clone())));
    }
}

fn is_explained(view: &View<'_>, workload: &Workload, named: &Named<'_>) -> bool {
    let name = workload.key.name.as_str();
    let app = workload.app.as_ref().map(Clean::as_str);
    let service = view.settings.service_of(&workload.key).map(|service| service.name.as_str());
    let by_name = [Some(name), app, service].into_iter().flatten().filter_map(|name| named.get(name));
    let from = named.range(name..).take_while(|(other, _)| other.starts_with(name));
    // `postgres-0`, `myapp-6d5c9-x2x4v`: a pod of it.
    let is_pod = |other: &str| other[name.len()..].strip_prefix('-').is_some_and(|rest| rest.split('-').count() <= 2);
    let by_pod = from.filter(|(other, _)| is_pod(other)).map(|(_, alerts)| alerts);
    by_name.chain(by_pod).flatten().any(|alert| view.settings.is_about(alert, workload, view.store))
}

/// The workload that an alert's labels name.
pub fn workload_of_alert<'a>(view: &View<'a>, alert: &Alert) -> Option<&'a Workload> {
    view.settings.workload_of_alert(alert, view.store)
}

/// The newest run of each deploying or scheduled workflow, where it failed or is stuck.
pub fn troubled_runs<'a>(view: &View<'a>) -> Vec<&'a Run> {
    let mut newest: BTreeMap<(&RepoKey, &Name, Option<&Clean>), &Run> = BTreeMap::new();
    for run in view.store.runs.values().filter(|run| run.deploys || run.event == "schedule") {
        // A cancelled run says nothing about whether the thing works.
        if run.state == crate::model::code::RunState::Cancelled {
            continue;
        }
        let branch = run.branch.as_ref().filter(|_| run.event != "schedule");
        let kept = newest.entry((&run.key.repo, &run.workflow, branch)).or_insert(run);
        if run.number > kept.number {
            *kept = run;
        }
    }
    newest.into_values().filter(|run| is_bad_or_stuck(view, run)).collect()
}

fn is_bad_or_stuck(view: &View<'_>, run: &Run) -> bool {
    let ended = run.updated.or(run.created).map_or(0, |ended| seconds_between(ended, host_time(view, run)));
    is_stuck(view, run) || (run.state.is_bad() && ended < RUNS_MATTER_FOR)
}

/// A deploy that is under way for too long.
pub fn is_stuck(view: &View<'_>, run: &Run) -> bool {
    let started = run.started.or(run.created);
    !run.state.is_finished()
        && run.deploys
        && started.is_some_and(|started| seconds_between(started, host_time(view, run)) > STUCK_AFTER)
}

fn host_time(view: &View<'_>, run: &Run) -> Timestamp {
    view.store.time_of(&run.key.repo.host, view.now)
}

/// A deploy that failed or is stuck is broken now; the rest can wait.
pub fn run_level(view: &View<'_>, run: &Run) -> Level {
    if run.deploys && (run.state.is_bad() || is_stuck(view, run)) { Level::Broken } else { Level::Wrong }
}

/// Pull requests that wait for me, the most pressing first.
pub fn my_pull_requests(store: &Store) -> Vec<&PullRequest> {
    let mut mine: Vec<&PullRequest> =
        store.pull_requests.values().filter(|pr| pr.merged.is_none() && pr.need.is_some()).collect();
    mine.sort_by_key(|pr| (pr.need, std::cmp::Reverse(pr.updated)));
    mine
}

/// What waits on each screen, for its tab, in the order of the screens.
pub fn badges(view: &View<'_>) -> [Option<(String, Level)>; 8] {
    let store = view.store;
    let is_down = |part: Part| matches!(store.freshness_of(part, None, view.now), Some((_, Freshness::Down { .. })));
    let or_down = |badge: Option<(String, Level)>, part: Part| {
        badge.or_else(|| is_down(part).then(|| ("??".to_owned(), Level::Unknown)))
    };
    let firing: Vec<&Alert> = store.alerts.values().filter(|alert| is_firing(alert)).collect();
    let worst = firing.iter().map(|alert| alert.priority.level()).min();
    let triage = worst.map(|worst| (firing.len().to_string(), worst));
    let kube = store.kube.workloads.values().map(|workload| store.kube.level_of(workload)).min().and_then(mark_of);
    let runs = troubled_runs(view).into_iter().map(|run| run_level(view, run)).min();
    let is_running = || store.runs.values().any(|run| !run.state.is_finished());
    let pipes = runs.or_else(|| is_running().then_some(Level::Progress)).and_then(mark_of);
    let mine = store.pull_requests.values().filter(|pr| pr.merged.is_none() && pr.need.is_some()).count();
    let prs = (mine > 0).then(|| (mine.to_string(), Level::Wrong));
    let audit = view.acts.running().next().map(|_| ("~".to_owned(), Level::Progress));
    [
        None,
        or_down(triage, Part::Alerts),
        or_down(kube, Part::Deployments),
        or_down(pipes, Part::Runs),
        or_down(prs, Part::PullRequests),
        None,
        None,
        audit,
    ]
}

fn mark_of(level: Level) -> Option<(String, Level)> {
    let text = match level {
        Level::Broken => "!!",
        Level::Wrong => "!",
        Level::Unknown => "??",
        Level::Progress => "~",
        Level::Ok => return None,
    };
    Some((text.to_owned(), level))
}

/// Backends that do not answer, with what they said: what is not known can need me too.
pub fn unread<'a>(view: &View<'a>) -> Vec<(&'a Name, &'a Clean)> {
    let mut found: BTreeMap<&Name, &Clean> = BTreeMap::new();
    for (id, state) in &view.store.sources {
        if let Some(failure) = &state.pulse.failure
            && matches!(state.pulse.freshness(view.now, state.expected), Freshness::Down { .. })
        {
            found.entry(&id.backend.0).or_insert(&failure.error.says);
        }
    }
    found.into_iter().collect()
}

/// Below 60x16: what needs me, one line each, and what cannot be read.
pub fn plain_list(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let needs = needs(view);
    let time = view.time().to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%MZ").to_string();
    let count = match needs.len() {
        0 => "nothing needs you".to_owned(),
        1 => "1 needs you".to_owned(),
        many => format!("{many} need you"),
    };
    let mut first = Line::from(vec![Span::styled(time, theme.dim), Span::styled(format!("  {count}"), theme.strong)]);
    let mut clusters = view.settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::Kubernetes);
    if clusters.any(|(cluster, _)| view.settings.is_production(cluster)) {
        first.spans.extend([Span::raw("  "), Span::styled(" PROD ", theme.production)]);
    }
    let mut lines = vec![first];
    lines.extend(view.acts.running().map(|act| Line::styled(format!("~  {}", act.title), theme.progress)));
    for target in needs.iter().take(usize::from(area.height)) {
        if let Some(words) = words::of(view, target) {
            lines.push(Line::from(vec![
                theme.mark(words.mark),
                Span::styled(format!(" {}", words.name), theme.strong),
                Span::raw(format!("  {}", words.says)),
            ]));
        }
    }
    for (backend, says) in unread(view) {
        lines.push(Line::styled(format!("?? {backend}: {says}"), theme.stale));
    }
    for (index, line) in lines.iter().enumerate() {
        let Some(spot) = row(area, index as u16) else { break };
        put_line(buf, spot, line, theme.glyphs.ellipsis);
    }
}

#[cfg(test)]
mod tests;
