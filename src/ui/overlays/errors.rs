//! `@` What fails now and what to do about it, what midwatch did, and how each backend is.

use ratatui::text::{Line, Span};

use super::sheet::{SheetLine, Writer, clock, clock_seconds};
use crate::{
    action::act::{Act, Outcome, StepState, Unseen},
    model::{BackendId, Level},
    query::Query,
    source::{ErrorKind, SourceError},
    store::slot::{Failure, Freshness},
    text::grouped,
    time::{age_of, coarse},
    ui::{View, target::Target},
};

/// Acts listed; the rest is on screen Audit.
const ACTS: usize = 20;

pub fn lines(view: &View<'_>) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let mut failing = 0;
    for (id, state) in &view.store.sources {
        let Some(failure) = &state.pulse.failure else { continue };
        if failing == 0 {
            writer.heading("FAILING NOW");
        }
        failing += 1;
        let scope = id.scope.as_ref().map(|scope| format!(" of {scope}")).unwrap_or_default();
        let name = format!("{} {}{scope}", id.backend, id.part.title());
        let level =
            if state.pulse.freshness(view.now, state.expected).is_usable() { Level::Wrong } else { Level::Unknown };
        self::failure(&mut writer, view, level, &name, failure, &id.backend);
    }
    for (query, slot) in &view.store.answers {
        let Some(failure) = &slot.pulse.failure else { continue };
        // A kind that may not be listed is no trouble of the backend's: its own place says it.
        if matches!(query, Query::Table(_)) && failure.error.kind == ErrorKind::Auth {
            continue;
        }
        if failing == 0 {
            writer.heading("FAILING NOW");
        }
        failing += 1;
        let name = format!("{} {}", query.backend(), words_of(query));
        self::failure(&mut writer, view, Level::Wrong, &name, failure, query.backend());
    }
    acts(&mut writer, view);
    writer.heading("BACKENDS");
    for id in view.store.backends.keys() {
        backend(&mut writer, view, id);
    }
    writer.done()
}

/// What was read, in words.
fn words_of(query: &Query) -> String {
    match query {
        Query::Logs(logs) => format!("log of {}", logs.target.name()),
        Query::Describe(object) => format!("description of {}", object.name()),
        Query::Yaml(object) | Query::ManagedYaml(object) => format!("YAML of {}", object.name()),
        Query::Revisions(key) => format!("revisions of {key}"),
        Query::PullRequest(key) => format!("pull request {}#{}", key.repo.name, key.number),
        Query::Jobs(key) => format!("jobs of run {}", key.id),
        Query::JobLog(key) => format!("log of job {}", key.id),
        Query::Panel(query) => format!("panel {}", query.panel.id),
        Query::Variables(query) => format!("variables of dashboard {}", query.dashboard.uid),
        Query::Resources(_) => "the kinds it serves".to_owned(),
        Query::Table(query) => query.resource.qualified(),
        Query::DescribeAny(key) => format!("description of {key}"),
        Query::YamlAny(key) | Query::ManagedYamlAny(key) => format!("YAML of {key}"),
        Query::Usage(usage) => format!("what pods use in '{}'", usage.namespace),
        Query::Rights(rights) if rights.namespace.is_empty() => "your rights in the cluster".to_owned(),
        Query::Rights(rights) => format!("your rights in '{}'", rights.namespace),
        Query::Standing(owner) => format!("GitOps owner {owner}"),
        Query::SecretKeys(key) => format!("keys of {key}"),
        Query::SecretValue(secret) => format!("'{}' of {}", secret.key, secret.object),
    }
}

/// One failure: which, why, since when, how often, and what to do.
pub fn failure(
    writer: &mut Writer<'_>,
    view: &View<'_>,
    level: Level,
    name: &str,
    failure: &Failure,
    backend: &BackendId,
) {
    let theme = view.theme;
    let since = format!(
        "since {} ({}), {} {}",
        clock(failure.since),
        age_of(failure.since, view.now.wall),
        failure.tries,
        if failure.tries == 1 { "try" } else { "tries" }
    );
    writer.marked_line(
        level,
        Line::from(vec![Span::styled(format!("{name}   "), theme.strong), Span::styled(since, theme.dim)]),
    );
    writer.about(Target::Backend(backend.clone()));
    writer.lines.push(indented(failure.error.says.as_str(), theme.text));
    writer.about(Target::Backend(backend.clone()));
    writer.lines.push(indented(&advice(&failure.error, view), theme.dim));
    writer.about(Target::Backend(backend.clone()));
}

fn indented(text: &str, style: ratatui::style::Style) -> SheetLine {
    SheetLine { head: Line::raw("  "), body: Line::styled(text.to_owned(), style), ..SheetLine::default() }
}

/// What happens next by itself, and what a person can do.
fn advice(error: &SourceError, view: &View<'_>) -> String {
    let login = view.keymap.shown(crate::command::Command::Login);
    let refresh = view.keymap.shown(crate::command::Command::Refresh).unwrap_or_else(|| ":refresh".to_owned());
    let next = match error.retry_at.filter(|at| *at > view.now.wall) {
        Some(at) => format!("asked again at {}, as the server said", clock_seconds(at)),
        None => format!("asked again by itself, less and less often; {refresh} asks now"),
    };
    match (error.kind, &error.login, login) {
        (ErrorKind::Auth, Some(_), Some(key)) => format!("{key} renews the login; {next}"),
        (ErrorKind::Auth, ..) => format!("the login or its rights must be mended first; {next}"),
        (ErrorKind::Bug, ..) => format!("a bug of midwatch, restarted by itself; {next}"),
        _ => next,
    }
}

fn acts(writer: &mut Writer<'_>, view: &View<'_>) {
    let theme = view.theme;
    if !view.acts.unfinished.is_empty() {
        writer.heading("LEFT WITHOUT AN OUTCOME BY AN EARLIER RUN");
        for words in &view.acts.unfinished {
            writer.marked(Level::Wrong, words.to_string());
        }
    }
    writer.heading("ACTS");
    let mut count = 0;
    for act in view.acts.newest().take(ACTS) {
        count += 1;
        act_lines(writer, view, act, act.outcome != Outcome::Done || act.unseen.is_some());
    }
    if count == 0 {
        writer.styled("nothing was sent yet", theme.dim);
    } else if view.acts.by_number.len() > ACTS {
        let key = view.keymap.shown(crate::command::Command::ScreenAudit).unwrap_or_default();
        writer.styled(format!("older ones: screen Audit ({key})"), theme.dim);
    }
}

/// An act in one line; with `steps`, how far each went.
pub fn act_lines(writer: &mut Writer<'_>, view: &View<'_>, act: &Act, steps: bool) {
    let theme = view.theme;
    let (level, word) = match (act.outcome, act.unseen) {
        (_, Some(Unseen::Watching)) => (Level::Progress, "sent, and being watched"),
        (_, Some(Unseen::Unwatched)) => (Level::Unknown, "sent; its end was not watched"),
        (_, Some(Unseen::NotThere)) if act.is_outside() => (Level::Wrong, "failed"),
        (_, Some(Unseen::NotThere)) => (Level::Wrong, "sent, and not there"),
        (Outcome::Running, None) => (Level::Progress, "goes on"),
        (Outcome::Done, None) => (Level::Ok, "done"),
        (Outcome::Refused, None) => (Level::Wrong, "refused"),
        (Outcome::Unknown, None) => (Level::Broken, "outcome unknown: look before you act again"),
    };
    let undo = if view.acts.to_undo(None).is_ok_and(|last| last.number == act.number) {
        view.keymap.shown(crate::command::Command::UndoAct).map(|key| format!("   {key} undoes it")).unwrap_or_default()
    } else {
        String::new()
    };
    writer.marked_line(
        level,
        Line::from(vec![
            Span::styled(format!("{:04} {}  ", act.number, clock_seconds(act.started)), theme.dim),
            Span::styled(act.title.to_string(), theme.strong),
            Span::styled(format!("   {}   {}   ", act.place, act.actor), theme.dim),
            Span::styled(word, crate::ui::screens::pane::level_style(theme, level)),
            Span::styled(undo, theme.dim),
        ]),
    );
    writer.about(Target::Act(act.number));
    if let Some(reason) = &act.reason {
        writer.lines.push(indented(&format!("reason: {reason}"), theme.dim));
    }
    if !steps {
        return;
    }
    let last = act.steps.last();
    for (number, step) in act.numbered_steps() {
        let (says, state) = step;
        // What was sent did change something: its watch only tells what is missing.
        let is_unmet = act.unseen == Some(Unseen::NotThere) && last.is_some_and(|last| std::ptr::eq(last, step));
        let (words, style) = match state {
            StepState::Refused(why) if is_unmet && act.is_outside() => (why.to_string(), theme.wrong),
            StepState::Refused(why) | StepState::Unknown(why) if is_unmet => (not_there(why), theme.wrong),
            StepState::Waiting => ("waits".to_owned(), theme.dim),
            StepState::Running(seen) => (format!("goes on: {seen}"), theme.progress),
            StepState::Done(seen) => (format!("done: {seen}"), theme.text),
            StepState::Refused(why) => (format!("refused, nothing changed: {why}"), theme.wrong),
            // What is kept changes nothing.
            StepState::Unknown(why) if number == 0 => (why.to_string(), theme.stale),
            StepState::Unknown(why) => (format!("it may have happened: {why}"), theme.broken),
            StepState::Skipped(why) => (format!("skipped: {why}"), theme.dim),
        };
        let body = Line::from(vec![
            Span::styled(format!("{number} {says}   "), theme.text),
            Span::styled(words.trim_end_matches(": ").to_owned(), style),
        ]);
        writer.lines.push(SheetLine { head: Line::raw("  "), body, ..SheetLine::default() });
        writer.about(Target::Act(act.number));
    }
}

/// Where a watch ended because nothing moved any more, its words begin so themselves.
fn not_there(why: &str) -> String {
    if why.starts_with("not there") { why.to_owned() } else { format!("not there: {why}") }
}

/// A backend: how fresh, what it says of itself, what it still allows.
pub fn backend(writer: &mut Writer<'_>, view: &View<'_>, id: &BackendId) {
    let Some(backend) = view.store.backends.get(id) else { return };
    let theme = view.theme;
    let worst = view
        .store
        .sources
        .iter()
        .filter(|(source, _)| source.backend == *id)
        .map(|(_, state)| state.pulse.freshness(view.now, state.expected))
        .max_by_key(|freshness| match freshness {
            Freshness::Live => 0,
            Freshness::Loading => 1,
            Freshness::Stale { .. } => 2,
            Freshness::Down { .. } => 3,
        })
        .unwrap_or(Freshness::Loading);
    let (level, fresh) = match worst {
        Freshness::Live => (Level::Ok, "live".to_owned()),
        Freshness::Loading => (Level::Progress, "loading".to_owned()),
        Freshness::Stale { age } => (Level::Unknown, format!("oldest answer {} old", coarse(age))),
        Freshness::Down { age: Some(age), .. } => (Level::Unknown, format!("no answer for {}", coarse(age))),
        Freshness::Down { age: None, .. } => (Level::Unknown, "never answered".to_owned()),
    };
    let info = &backend.info;
    let mut words = format!("   {}", backend.kind.title());
    for (before, value) in [(" ", &info.version), ("   as ", &info.identity), ("   ", &info.server)] {
        if let Some(value) = value {
            words.push_str(before);
            words.push_str(value);
        }
    }
    writer.marked_line(
        level,
        Line::from(vec![
            Span::styled(id.to_string(), theme.strong),
            Span::styled(words, theme.text),
            Span::styled(format!("   {fresh}"), theme.dim),
        ]),
    );
    writer.about(Target::Backend(id.clone()));
    let mut more = Vec::new();
    for quota in backend.quotas.values() {
        let resets = clock(quota.resets);
        let (left, all) = (grouped(quota.remaining.into()), grouped(quota.limit.into()));
        more.push(format!("{} {left} of {all} left until {resets}", quota.resource));
    }
    if let Some(offset) = info.clock.map(|clock| clock.offset_ms(view.now)).filter(|offset| offset.abs() >= 2_000) {
        let direction = if offset > 0 { "ahead of" } else { "behind" };
        more.push(format!("its clock is {} s {direction} ours", offset.abs() / 1_000));
    }
    if let Some(why) = view.settings.read_only_backends.get(id) {
        more.push(why.to_string());
    }
    if view.settings.insecure.contains(id) {
        more.push("its certificate is not verified".to_owned());
    }
    if !more.is_empty() {
        writer.lines.push(indented(&more.join("; "), theme.dim));
        writer.about(Target::Backend(id.clone()));
    }
    let now = view.store.time_of(id, view.now);
    for ending in info.endings.iter().flatten() {
        let Some(level) = ending.level(now) else { continue };
        let style = if level == Level::Broken { theme.broken } else { theme.wrong };
        writer.lines.push(indented(&ending.words(now), style));
        writer.about(Target::Backend(id.clone()));
    }
    for note in &info.notes {
        writer.lines.push(indented(note, theme.dim));
        writer.about(Target::Backend(id.clone()));
    }
    for (coverage, parts) in view.store.coverages(id) {
        let parts: Vec<&str> = parts.iter().map(|part| part.title()).collect();
        let style = if coverage.is_failure { theme.wrong } else { theme.dim };
        writer.lines.push(indented(&format!("{} ({})", coverage.says, parts.join(", ")), style));
        writer.about(Target::Backend(id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::{Request, act::ActionEvent},
        model::kubernetes::WorkloadKind,
        text::Clean,
        ui::testing::{World, at, workload_key},
    };

    #[test]
    fn a_watch_that_saw_it_fail_does_not_say_that_nothing_changed() {
        let step = |says: &str, state| (Clean::line(says), state);
        let act = Act {
            number: 7,
            request: Request::Restart { workload: workload_key(WorkloadKind::Deployment, "myapp") },
            title: "ROLL BACK deploy/myapp 412 -> 411".into(),
            place: "prod-eu1/production".into(),
            actor: "ana".into(),
            started: at("03:10"),
            ended: Some(at("03:13")),
            steps: vec![
                step(
                    "keep evidence: previous logs, describe, events",
                    StepState::Unknown("nothing could be kept".into()),
                ),
                step("run Jenkins job deploy", StepState::Done("queued".into())),
                step("watch", StepState::Refused("build #12 ended: FAILURE; 411 4/10 ready".into())),
            ],
            outcome: Outcome::Done,
            reason: None,
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: Some(Unseen::NotThere),
            can_undo: false,
            cluster_id: None,
            is_mine: true,
        };
        let mut world = World::live();
        world.acts.apply(&ActionEvent::Act(Box::new(act)));
        let lines: Vec<String> = lines(&world.view()).iter().map(|line| line.body.to_string()).collect();
        let of = |word: &str| lines.iter().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{lines:#?}"));
        assert!(of("0007").contains("sent, and not there"), "{lines:#?}");
        assert!(of("keep evidence").ends_with("events   nothing could be kept"), "it changes nothing: {lines:#?}");
        assert!(of("FAILURE").contains("watch   not there: build #12 ended: FAILURE; 411 4/10 ready"), "{lines:#?}");
    }
}
