//! One line about an object, in the same words wherever it is listed.

mod act;

use std::fmt::Write as _;

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::{
    super::{View, target::Target, theme::Mark},
    needs, pane,
};
use crate::{
    action::act::{Act, Outcome, StepState, Unseen},
    model::{
        BackendId, Level,
        alert::{Alert, AlertState, Silence},
        code::{Checks, MergeState, Need, PullRequest, ReviewDecision, Run, RunState},
        kubernetes::{Pod, RolloutState, Workload, WorkloadKey},
    },
    store::slot::Freshness,
    text::{Clean, grouped},
    time::{age_of, coarse},
};

pub use self::act::{Ready, act_name};

/// What a row says about its object.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    pub mark: Mark,
    pub name: String,
    pub says: String,
    /// Its age, or since when: `17m`, `since 02:59`.
    pub when: String,
}

impl Words {
    /// Cells for mark, name, words and time.
    pub fn cells(self, view: &View<'_>) -> Vec<Line<'static>> {
        let theme = view.theme;
        let is_quiet = matches!(self.mark, Mark::Ok | Mark::Silenced | Mark::Acked);
        let says =
            if matches!(self.mark, Mark::Broken | Mark::NoData) { theme.mark_style(self.mark) } else { theme.text };
        vec![
            Line::from(theme.mark(self.mark)),
            Line::styled(self.name, if is_quiet { theme.text } else { theme.strong }),
            Line::styled(self.says, if is_quiet { theme.dim } else { says }),
            Line::styled(self.when, theme.dim),
        ]
    }
}

/// `02:59`, UTC.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string()
}

/// `02:59`, or `13 Mar 02:59` when it is not of the last 18 hours.
pub fn day_clock(at: Timestamp, now: Timestamp) -> String {
    if crate::time::seconds_between(at, now).abs() < 18 * 3600 { clock(at) } else { day(at) }
}

/// `13 Mar 02:59`, UTC.
pub fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %H:%M").to_string()
}

/// What is said of an object; `None` when it is gone.
pub fn of(view: &View<'_>, target: &Target) -> Option<Words> {
    let store = view.store;
    Some(match target {
        Target::Alert(key) => alert(view, store.alerts.get(key)?),
        Target::Workload(key) => workload(view, store.kube.workloads.get(key)?),
        Target::Pod(key) => pod(view, store.kube.pods.get(key)?),
        Target::Run(key) => run(view, store.runs.get(key)?),
        Target::Job(key) => run(view, store.runs.get(&key.run)?),
        Target::PullRequest(key) => pull_request(view, store.pull_requests.get(key)?),
        Target::Silence(key) => silence(view, store.silences.get(key)?),
        Target::Act(number) => act::words(view, view.acts.by_number.get(number)?),
        Target::Backend(id) => backend(view, id)?,
        Target::Object(_) | Target::Panel(_) => return None,
    })
}

/// The same for a row of a list, where a small screen has room for a cluster's name in short.
pub fn in_row(view: &View<'_>, target: &Target) -> Option<Words> {
    let mut words = of(view, target)?;
    let Target::Workload(key) = target else { return Some(words) };
    if let Some(whose) = whose(view, key).filter(|_| view.is_narrow()) {
        let short = whose.replacen(&*key.cluster, &pane::cluster_in_short(view, &key.cluster), 1);
        words.says = words.says.replacen(&whose, &short, 1);
    }
    Some(words)
}

/// `HighErrorRate myapp`
pub fn alert_name(alert: &Alert) -> String {
    match alert.subject() {
        Some(subject) if !alert.name.contains(subject.as_str()) => format!("{} {subject}", alert.name),
        _ => alert.name.to_string(),
    }
}

/// The mark of an alert's state; a silence that an acknowledgement made is shown as one.
pub fn alert_mark(view: &View<'_>, alert: &Alert) -> Mark {
    match &alert.state {
        AlertState::Firing if alert.is_watchdog => Mark::Ok,
        AlertState::Firing => pane::mark_of(alert.priority.level()),
        AlertState::Pending => Mark::Progress,
        AlertState::Silenced if view.store.is_acknowledged(alert) => Mark::Acked,
        AlertState::Silenced | AlertState::Inhibited | AlertState::Muted => Mark::Silenced,
        AlertState::Resolved(_) if needs::is_missing_watchdog(view.store, alert) => Mark::Broken,
        AlertState::Resolved(_) => Mark::Ok,
        AlertState::Other(_) => Mark::NoData,
    }
}

/// `firing`, `silenced until 04:00`, `resolved`, …
pub fn alert_state(view: &View<'_>, alert: &Alert) -> String {
    match &alert.state {
        AlertState::Firing if alert.is_watchdog => "fires by design".to_owned(),
        AlertState::Firing => "firing".to_owned(),
        AlertState::Pending => "pending".to_owned(),
        AlertState::Silenced => match view.store.silences_of(alert).map(|silence| silence.ends).max() {
            Some(ends) => {
                let word = if view.store.is_acknowledged(alert) { "acked" } else { "silenced" };
                format!("{word} until {}", day_clock(ends, view.time()))
            }
            None => "silenced".to_owned(),
        },
        AlertState::Inhibited => "inhibited".to_owned(),
        AlertState::Muted => "muted".to_owned(),
        AlertState::Resolved(at) if alert.is_watchdog => format!("gone since {}", day_clock(*at, view.time())),
        AlertState::Resolved(at) => format!("resolved {}", day_clock(*at, view.time())),
        AlertState::Other(word) => word.to_string(),
    }
}

fn alert(view: &View<'_>, alert: &Alert) -> Words {
    let summary = alert.summary().map(Clean::to_string);
    let says = match (&alert.state, &alert.value) {
        (AlertState::Resolved(_), _) if alert.is_watchdog => {
            "it always fires, and now it does not: alerts may reach nobody".to_owned()
        }
        (AlertState::Other(_), _) if alert.rule.is_some() => summary.unwrap_or_default(),
        (AlertState::Other(word), _) => format!("the rule itself fails: {word}"),
        (_, Some(value)) if summary.is_none() => value.to_string(),
        _ => summary.unwrap_or_default(),
    };
    let when = match (&alert.state, alert.active_since, alert.starts) {
        (AlertState::Firing, Some(active), _) => format!("since ~{}", day_clock(active, view.time())),
        (AlertState::Firing, None, Some(starts)) => format!("since {}", day_clock(starts, view.time())),
        (AlertState::Pending, ..) => match alert.fires() {
            Some(fires) => format!("fires {}", day_clock(fires, view.time())),
            None => alert_state(view, alert),
        },
        _ => alert_state(view, alert),
    };
    Words { mark: alert_mark(view, alert), name: alert_name(alert), says, when }
}

fn workload(view: &View<'_>, workload: &Workload) -> Words {
    let mut says = format!("{}/{} ready", workload.ready, workload.desired);
    if let Some(whose) = whose(view, &workload.key) {
        says.push_str("   ");
        says.push_str(&whose);
    }
    if view.store.kube.level_of(workload) < Level::Ok {
        let worst = pane::worst_pod(view, workload).map(|(pod, why)| format!("{} {why}", pod.status));
        let why = match (unmade(view, workload), workload.rollout.state, worst) {
            (Some(failure), _, _) => failure,
            // What mends its pods would not be rolled out.
            (_, _, Some(worst)) if workload.is_held() => format!("paused; {worst}"),
            (_, RolloutState::Failed, None) if workload.is_held() => "paused; rollout failed".to_owned(),
            (_, RolloutState::Failed, Some(worst)) => format!("rollout failed; {worst}"),
            (_, RolloutState::Failed, None) => "rollout failed".to_owned(),
            (_, _, Some(worst)) => worst,
            (_, RolloutState::Progressing, None) => on_its_way(workload),
            _ if workload.pods_to_delete() > 0 || workload.is_held() => workload.rollout_words().into_owned(),
            _ => String::new(),
        };
        if !why.is_empty() {
            says.push_str("   ");
            says.push_str(&why);
        }
    }
    Words {
        // A rollout in progress whose pods crash is broken.
        mark: pane::mark_of(view.store.kube.level_of(workload)),
        name: workload.key.to_string(),
        says,
        when: pane::age(view, &workload.key.cluster, view.store.kube.version_since(workload)),
    }
}

/// Where a workload is, if another is called the same: both rows would read the same. `PROD prod-eu1`, `namespace shop`.
fn whose(view: &View<'_>, key: &WorkloadKey) -> Option<String> {
    let (mut has_beside, mut has_elsewhere) = (false, false);
    for other in view.store.kube.workloads_named(&key.name).map(|other| &other.key) {
        let is_alike = other.kind == key.kind && other.name == key.name && other != key;
        has_beside |= is_alike && other.cluster == key.cluster;
        has_elsewhere |= is_alike && other.cluster != key.cluster;
    }
    let cluster = || pane::cluster_cell(view, &key.cluster);
    match (has_elsewhere, has_beside) {
        (false, false) => None,
        (false, true) => Some(format!("namespace {}", key.namespace)),
        (true, false) => Some(cluster().to_string()),
        (true, true) => Some(format!("{}/{}", cluster(), key.namespace)),
    }
}

/// A rollout that waits for somebody is not rolling: `Paused - CanaryPauseStep` of Argo Rollouts.
fn on_its_way(workload: &Workload) -> String {
    let paused = workload.rollout.words.strip_prefix("Paused").or(workload.paused.then_some(""));
    paused.map_or_else(|| "rolling out".to_owned(), |why| format!("paused{}", why.replacen(" - ", ": ", 1)))
}

/// Why a workload's pods are not made: a quota, a webhook, a rule of the namespace. Only Deployments have it as a condition.
pub fn unmade(view: &View<'_>, workload: &Workload) -> Option<String> {
    view.store.kube.no_pods(workload).map(|said| refusal(said).to_owned())
}

/// Of `pods "web-1" is forbidden: exceeded quota: …` what comes last.
pub fn refusal(said: &str) -> &str {
    said.split_once(" is forbidden: ").map_or(said, |(_, why)| why)
}

fn pod(view: &View<'_>, pod: &Pod) -> Words {
    let (level, why) = pod.standing(view.store.time_of(&pod.key.cluster, view.now));
    let why = if why.is_empty() { String::new() } else { format!("   {why}") };
    let restarts = if pod.restarts > 0 { format!(" x{}", pod.restarts) } else { String::new() };
    Words {
        mark: pane::mark_of(level),
        name: pod.key.name.to_string(),
        says: format!("{}{restarts}{why}", pod.status),
        when: pane::age(view, &pod.key.cluster, pod.created),
    }
}

/// The mark of a run's state.
pub fn run_mark(run: &Run) -> Mark {
    match &run.state {
        state if state.is_bad() && run.deploys => Mark::Broken,
        state if state.is_bad() => Mark::Wrong,
        RunState::Success | RunState::Skipped | RunState::Neutral => Mark::Ok,
        RunState::Cancelled => Mark::Blank,
        RunState::Other(_) => Mark::NoData,
        _ => Mark::Progress,
    }
}

fn run(view: &View<'_>, run: &Run) -> Words {
    let now = view.store.time_of(&run.key.repo.host, view.now);
    let is_finished = run.state.is_finished();
    let stage = run.stage.as_ref().filter(|_| run.state.is_bad() || !is_finished);
    let is_stuck = needs::is_stuck(view, run);
    let mut says = match (stage, is_finished) {
        (Some(stage), true) => format!("{} in {stage}", run.state),
        (Some(stage), false) if is_stuck => format!("stuck in {stage}"),
        (Some(stage), false) => format!("{} {stage}", run.state),
        (None, _) => run.state.to_string(),
    };
    if !is_finished && run.jobs_total > 0 {
        let _ = write!(says, ", {} of {} jobs done", run.jobs_done, run.jobs_total);
    }
    if let Some(branch) = &run.branch {
        let _ = write!(says, "   {branch}");
    }
    let _ = write!(says, "   {}", run.actor);
    let since = if is_finished { run.updated } else { run.started }.or(run.created);
    Words {
        mark: if is_stuck { Mark::Broken } else { run_mark(run) },
        name: format!("{} #{}", run.workflow, run.number),
        says,
        when: since.map_or_else(String::new, |since| age_of(since, now)),
    }
}

/// `9/11 checks`, `2 of 11 checks fail`; nothing where there are none.
pub fn checks_words(checks: &Checks) -> String {
    match (checks.is_readable, checks.exist, checks.failed, checks.running) {
        (false, ..) => "checks unreadable".to_owned(),
        (_, false, ..) => "no checks".to_owned(),
        (_, _, failed, _) if failed > 0 => format!("{failed} of {} checks fail", checks.total()),
        (_, _, _, 0) => "checks ok".to_owned(),
        _ => format!("{}/{} checks", checks.passed, checks.total()),
    }
}

fn pull_request(view: &View<'_>, pr: &PullRequest) -> Words {
    let now = view.store.time_of(&pr.key.repo.host, view.now);
    let what = match (pr.need, &pr.merge, &pr.review) {
        (Some(Need::Review), ..) => "your review".to_owned(),
        (Some(Need::MineFailing), MergeState::Conflicts, _) => "conflicts".to_owned(),
        (Some(Need::MineFailing), ..) => "yours fails".to_owned(),
        (Some(Need::MineReady), ..) => "ready to merge".to_owned(),
        (None, MergeState::Draft, _) => format!("{}, draft", pr.author),
        (None, _, ReviewDecision::Approved) => format!("{}, approved", pr.author),
        (None, _, ReviewDecision::ChangesRequested) => format!("{}, changes requested", pr.author),
        (None, ..) => pr.author.to_string(),
    };
    let mark = match pr.need {
        Some(Need::MineFailing) => Mark::Wrong,
        Some(Need::MineReady) => Mark::Ok,
        Some(Need::Review) | None => Mark::Blank,
    };
    Words {
        mark,
        name: format!("#{} {}", pr.key.number, pr.title),
        says: if pr.need == Some(Need::Review) {
            format!("{what}   {}   {}", checks_words(&pr.checks), pr.author)
        } else {
            format!("{what}   {}", checks_words(&pr.checks))
        },
        when: pr.updated.or(pr.created).map_or_else(String::new, |at| age_of(at, now)),
    }
}

/// `DiskWillFill node=~node-.*`: what a silence matches, a plain alert name without its label.
pub fn matchers(silence: &Silence) -> String {
    let words = silence.matchers.iter().map(|matcher| match matcher.operator() {
        "=" if matcher.name == "alertname" => matcher.value.to_string(),
        operator => format!("{}{operator}{}", matcher.name, matcher.value),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn silence(view: &View<'_>, silence: &Silence) -> Words {
    let word = match silence.state.as_str() {
        "pending" => format!("from {}", day_clock(silence.starts, view.time())),
        _ => format!("until {}", day_clock(silence.ends, view.time())),
    };
    Words {
        mark: Mark::Silenced,
        name: matchers(silence),
        says: format!("{}: {}", silence.created_by, silence.comment),
        when: word,
    }
}

/// The mark of how an act ended.
pub const fn outcome_mark(act: &Act) -> Mark {
    match (act.outcome, act.unseen) {
        (Outcome::Running, _) | (_, Some(Unseen::Watching)) => Mark::Progress,
        (Outcome::Unknown, _) | (_, Some(Unseen::Unwatched)) => Mark::NoData,
        (Outcome::Done, None) => Mark::Ok,
        (Outcome::Refused, None) | (_, Some(Unseen::NotThere)) => Mark::Wrong,
    }
}

/// The mark of a step, and what is known of it.
pub fn step_words(state: &StepState) -> (Mark, &str) {
    match state {
        StepState::Waiting => (Mark::Blank, ""),
        StepState::Running(says) => (Mark::Progress, says.as_str()),
        StepState::Done(says) => (Mark::Ok, says.as_str()),
        StepState::Refused(says) => (Mark::Wrong, says.as_str()),
        StepState::Unknown(says) => (Mark::NoData, says.as_str()),
        StepState::Skipped(says) => (Mark::Blank, says.as_str()),
    }
}

/// Age, version and the budget that is left.
fn backend(view: &View<'_>, id: &BackendId) -> Option<Words> {
    let known = view.store.backends.get(id)?;
    let sources: Vec<_> = view.store.sources.iter().filter(|(source, _)| source.backend == *id).collect();
    let freshness: Vec<Freshness> =
        sources.iter().map(|(_, state)| state.pulse.freshness(view.now, state.expected)).collect();
    let is_down = freshness.iter().any(|fresh| matches!(fresh, Freshness::Down { .. }));
    let mark = if is_down || freshness.iter().any(|fresh| matches!(fresh, Freshness::Stale { .. })) {
        Mark::NoData
    } else if freshness.contains(&Freshness::Loading) {
        Mark::Progress
    } else {
        Mark::Ok
    };
    let failure = sources.iter().find_map(|(_, state)| state.pulse.failure.as_ref());
    let mut says = match failure {
        Some(failure) => failure.error.says.to_string(),
        None => known.info.version.as_ref().map_or_else(|| known.kind.title().to_owned(), Clean::to_string),
    };
    for quota in known.quotas.values().filter(|quota| quota.limit > 0) {
        let (left, all) = (grouped(quota.remaining.into()), grouped(quota.limit.into()));
        let _ = write!(says, "   {} {left} of {all}", quota.resource);
    }
    let oldest = sources.iter().filter_map(|(_, state)| state.pulse.age(view.now)).max();
    let when = oldest.map_or_else(|| "never".to_owned(), coarse);
    Some(Words { mark, name: id.to_string(), says, when })
}

/// `[R] roll back`: a key as it is bound now, with its words. Nothing when it is unbound.
pub fn key_hint(view: &View<'_>, command: crate::command::Command, word: &str) -> Vec<Span<'static>> {
    let Some(key) = view.keymap.shown(command) else { return Vec::new() };
    vec![Span::styled(format!("[{key}]"), view.theme.key), Span::styled(format!(" {word}"), view.theme.text)]
}
