//! Pieces of evidence that several pages show: versions of a workload, what changed just before, events, jobs, labels.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::sheet::{Writer, clock, clock_seconds, date};
use crate::{
    model::{
        Level,
        alert::{Alert, AlertState},
        change::{Change, ChangeKind},
        code::{Job, RunState},
        kubernetes::{Event, Workload, short_image, tag_of, told},
    },
    query::{Answer, Query},
    source::SourceError,
    store::timeline::timeline,
    time::{age, seconds_between},
    ui::{View, screens::pane::level_style, target::Target},
};

/// How long before the onset a change may be to be shown.
const BEFORE: Duration = Duration::from_hours(1);
/// Most that are listed of what came before.
const LISTED: usize = 12;

/// The answer of a query, or why there is none: `None` while it is read.
pub fn answer<'a>(view: &View<'a>, query: &Query) -> Result<&'a Answer, Option<&'a SourceError>> {
    let Some(slot) = view.store.answers.get(query) else { return Err(None) };
    match (&slot.value, &slot.pulse.failure) {
        (Some(value), _) => Ok(value),
        (None, failure) => Err(failure.as_ref().map(|failure| &failure.error)),
    }
}

/// The line that stands where an answer will be.
pub fn no_answer(writer: &mut Writer<'_>, error: Option<&SourceError>) {
    match error {
        Some(error) => writer.marked(Level::Unknown, error.says.to_string()),
        None => writer.styled("loading", writer.theme.dim),
    };
}

/// A run's state as a level.
pub fn level_of(state: &RunState) -> Level {
    if state.is_bad() {
        Level::Broken
    } else if !state.is_finished() {
        Level::Progress
    } else if *state == RunState::Cancelled {
        Level::Wrong
    } else {
        Level::Ok
    }
}

/// The state of an alert, and since when.
pub fn state_words(alert: &Alert, view: &View<'_>) -> String {
    let now = view.store.time_of(&alert.key.backend, view.now);
    let since = |at: Option<Timestamp>| at.map(|at| format!(" since {}", date(at, now))).unwrap_or_default();
    match &alert.state {
        AlertState::Firing => format!("firing{}", since(alert.starts)),
        AlertState::Pending => format!("pending{}", since(alert.active_since)),
        AlertState::Silenced => format!("silenced; firing{}", since(alert.starts)),
        AlertState::Inhibited => format!("inhibited; firing{}", since(alert.starts)),
        AlertState::Muted => format!("muted; firing{}", since(alert.starts)),
        AlertState::Resolved(at) => format!("resolved, noticed {}", date(*at, now)),
        AlertState::Other(word) => format!("{word}{}", since(alert.starts)),
    }
}

/// What changed in the hour before `onset`, newest first, with how long before. Its own entry is left out.
pub fn changes_before(writer: &mut Writer<'_>, view: &View<'_>, onset: Timestamp, own: Option<&Target>) {
    let theme = view.theme;
    let window = Duration::from_secs(seconds_between(onset, view.time()).max(0).unsigned_abs()) + BEFORE;
    let is_meant = |change: &&Change| {
        let before = seconds_between(change.at, onset);
        let is_own = own.is_some_and(|own| Target::of(&change.subject).as_ref() == Some(own));
        (0..=BEFORE.as_secs() as i64).contains(&before) && !is_own
    };
    let mut all = timeline(view.store, view.now, window);
    all.sort_by_key(|change| std::cmp::Reverse(change.at));
    // A symptom is no cause, however early it was.
    let is_symptom = |change: &&Change| matches!(change.kind, ChangeKind::Event | ChangeKind::Alert);
    let (seen, changed): (Vec<&Change>, Vec<&Change>) = all.iter().filter(is_meant).partition(is_symptom);
    writer.heading("CHANGED BEFORE IT BEGAN");
    if changed.is_empty() {
        writer.styled("nothing that midwatch can see, in the hour before", theme.dim);
    }
    list_changes(writer, view, onset, &changed);
    if !seen.is_empty() {
        writer.heading("SEEN BEFORE");
        list_changes(writer, view, onset, &seen);
    }
}

fn list_changes(writer: &mut Writer<'_>, view: &View<'_>, onset: Timestamp, changes: &[&Change]) {
    let theme = view.theme;
    for change in changes.iter().take(LISTED) {
        let ahead = format!("-{}", age(seconds_between(change.at, onset)));
        writer.timed(
            &clock(change.at),
            vec![
                Span::styled(format!("{ahead:>7}  "), theme.dim),
                Span::styled(format!("{:7}", change.kind.word()), theme.dim),
                Span::styled(change.text.to_string(), level_style(theme, change.level)),
            ],
        );
        if let Some(target) = Target::of(&change.subject) {
            writer.about(target);
        }
    }
}

/// One version of a workload's pods.
#[derive(Default)]
struct Version {
    name: String,
    image: String,
    since: Option<Timestamp>,
    pods: Vec<Level>,
    ready: usize,
    restarts: u32,
    /// What most of the pods that are not fine say.
    why: BTreeMap<String, usize>,
}

/// Pods by version: how many, how many ready, how many fail, in the same words for each.
pub fn versions(writer: &mut Writer<'_>, view: &View<'_>, workload: &Workload) {
    let theme = view.theme;
    writer.heading(format!("PODS OF {} BY VERSION", workload.key));
    let sets = view.store.kube.sets_of(workload);
    let now = view.store.time_of(&workload.key.cluster, view.now);
    let mut versions: BTreeMap<String, Version> = BTreeMap::new();
    for pod in view.store.kube.pods_of(workload) {
        let hash = pod.hash.as_ref().map(ToString::to_string).unwrap_or_default();
        let version = versions.entry(hash.clone()).or_insert_with(|| {
            let set = sets.iter().find(|set| set.hash.as_ref().is_some_and(|own| *own == hash.as_str()));
            let rev = set.and_then(|set| set.revision).map(|rev| format!("rev {rev}"));
            Version {
                name: rev.unwrap_or_else(|| hash.clone()),
                image: pod.containers.first().map(|c| short_image(&c.image).to_owned()).unwrap_or_default(),
                since: set.and_then(|set| set.created).or(pod.created),
                ..Version::default()
            }
        });
        let (level, _) = pod.standing(now);
        version.pods.push(level);
        version.ready += usize::from(pod.is_ready);
        version.restarts += pod.restarts;
        version.since = version.since.min(pod.created.or(version.since));
        // Without ages, by which no two would say the same.
        if level < Level::Ok && !pod.why.is_empty() {
            *version.why.entry(pod.why.to_string()).or_default() += 1;
        }
    }
    if versions.is_empty() {
        writer.styled("no pods", theme.dim);
        return;
    }
    let mut versions: Vec<Version> = versions.into_values().collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.since));
    for version in versions {
        let failing = version.pods.iter().filter(|level| **level <= Level::Wrong).count();
        let worst = version.pods.iter().min().copied().unwrap_or(Level::Ok);
        let since = version.since.map(|at| format!("   for {}", crate::time::age_of(at, now))).unwrap_or_default();
        let fails = if failing > 0 { format!(", {failing} failing") } else { String::new() };
        let restarts = if version.restarts > 0 { format!(", {} restarts", version.restarts) } else { String::new() };
        let line = Line::from(vec![
            Span::styled(format!("{:10} {:28} ", version.name, version.image), theme.text),
            Span::styled(
                format!("{} of {} ready{fails}", version.ready, version.pods.len()),
                level_style(theme, worst),
            ),
            Span::styled(format!("{restarts}{since}"), theme.dim),
        ]);
        writer.marked_line(worst, line);
        let mut why: Vec<(String, usize)> = version.why.into_iter().collect();
        why.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (words, count) in why.into_iter().take(2) {
            writer.styled(format!("   {count} of them: {words}"), theme.text);
        }
    }
}

/// How far the rollout is, who changed it, what keeps it from going on.
pub fn rollout(writer: &mut Writer<'_>, view: &View<'_>, workload: &Workload) {
    let level = view.store.kube.level_of(workload);
    writer.heading(format!("{}", workload.key));
    writer.marked(
        level,
        format!(
            "{} of {} ready, {} updated, {} available",
            workload.ready, workload.desired, workload.updated, workload.available
        ),
    );
    writer.field("rollout", workload.rollout.words.to_string());
    if let Some((reason, message, last)) = &workload.progressing {
        let at = last.map(|at| format!(" ({})", clock(at))).unwrap_or_default();
        writer.field("progressing", format!("{reason}: {message}{at}"));
    }
    if let Some(failure) = view.store.kube.no_pods(workload) {
        writer.field_styled("no pods", failure.to_string(), view.theme.broken);
    }
    if workload.paused {
        writer.field("paused", "yes: it will not roll out until it is resumed");
    }
    let revision = workload.revision.map(|rev| rev.to_string());
    writer.field_if("revision", revision);
    let images: Vec<&str> = workload.images.iter().map(|image| short_image(image)).collect();
    writer.field("image", images.join(", "));
    if let Some((who, when)) = &workload.changed_by {
        let at = when.map(|at| format!(" at {}", clock_seconds(at))).unwrap_or_default();
        writer.field("changed by", format!("{who}{at}"));
    }
    writer.field_if("change cause", workload.change_cause.as_ref().map(ToString::to_string));
    for manager in &workload.managed_by {
        writer.field("managed by", manager.to_string());
    }
}

/// Pods that are not fine, with why, the worst first.
pub fn pods_in_trouble(writer: &mut Writer<'_>, view: &View<'_>, workload: &Workload) {
    let now = view.store.time_of(&workload.key.cluster, view.now);
    let pods = view.store.kube.pods_of(workload).into_iter().map(|pod| (pod.standing(now), pod));
    let mut pods: Vec<_> = pods.filter(|((level, _), _)| *level < Level::Ok).collect();
    if pods.is_empty() {
        return;
    }
    pods.sort_by_key(|((level, _), pod)| (*level, &pod.key));
    writer.heading("PODS NOT OK");
    for ((level, why), pod) in pods.into_iter().take(20) {
        let version = pod.containers.first().map(|c| tag_of(&c.image).to_owned()).unwrap_or_default();
        let line = Line::from(vec![
            Span::styled(format!("{:36} {version:8} ", pod.key.name), view.theme.text),
            Span::styled(format!("{} {}/{}  ", pod.status, pod.ready, pod.total), level_style(view.theme, level)),
            Span::styled(why.into_owned(), view.theme.text),
        ]);
        writer.marked_line(level, line);
        writer.about(Target::Pod(pod.key.clone()));
    }
}

/// Events, newest first.
pub fn events(writer: &mut Writer<'_>, view: &View<'_>, events: &[&Event], most: usize) {
    let theme = view.theme;
    if events.is_empty() {
        let parts = [crate::model::Part::Events];
        let nothing = "no warnings within the hour that clusters keep them";
        writer.styled(crate::ui::screens::pane::empty_words(view, &parts, nothing, ""), theme.dim);
    }
    for event in events.iter().take(most) {
        let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
        let style = if event.warning { theme.wrong } else { theme.text };
        writer.timed(
            &event.last.or(event.first).map(clock_seconds).unwrap_or_default(),
            vec![
                Span::styled(format!("{} ", event.reason), style),
                Span::styled(format!("{}{times}  ", event.object), theme.dim),
                Span::styled(told::without_pod(&event.message).into_owned(), theme.text),
            ],
        );
    }
    if events.len() > most {
        writer.styled(format!("and {} older ones", events.len() - most), theme.dim);
    }
}

/// Jobs and their steps; the steps of jobs that went well are left out unless `all`.
pub fn jobs(writer: &mut Writer<'_>, view: &View<'_>, jobs: &[Job], all: bool) {
    let theme = view.theme;
    for job in jobs {
        let level = level_of(&job.state);
        let took = took(job.started, job.completed, view.time());
        let runner = job.runner.as_ref().map(|runner| format!("   on {runner}")).unwrap_or_default();
        writer.marked_line(
            level,
            Line::from(vec![
                Span::styled(job.name.to_string(), theme.strong),
                Span::styled(format!("   {}", job.state), level_style(theme, level)),
                Span::styled(format!("{took}{runner}"), theme.dim),
            ]),
        );
        writer.about(Target::Job(job.key.clone()));
        for step in job.steps.iter().filter(|step| all || level_of(&step.state) != Level::Ok) {
            let level = level_of(&step.state);
            let took = self::took(step.started, step.completed, view.time());
            let line = Line::from(vec![
                Span::raw("  "),
                theme.mark(crate::ui::screens::pane::mark_of(level)),
                Span::styled(format!(" {:2} {}", step.number, step.name), theme.text),
                Span::styled(format!("   {}{took}", step.state), level_style(theme, level)),
            ]);
            writer.body(line);
            writer.about(Target::Job(job.key.clone()));
        }
    }
}

/// `   3m5s`, or how long it goes on.
fn took(started: Option<Timestamp>, completed: Option<Timestamp>, now: Timestamp) -> String {
    match (started, completed) {
        (Some(started), Some(completed)) => format!("   {}", age(seconds_between(started, completed).max(0))),
        (Some(started), None) => format!("   for {}", age(seconds_between(started, now).max(0))),
        _ => String::new(),
    }
}

/// Labels or annotations, one a line.
pub fn pairs(writer: &mut Writer<'_>, title: &str, pairs: &[(crate::model::Name, crate::text::Clean)]) {
    if pairs.is_empty() {
        return;
    }
    writer.heading(title);
    for (name, value) in pairs {
        writer.field(&format!("{name:20} "), value.to_string());
    }
}
