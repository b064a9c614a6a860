//! `d` What an object is: the cluster's own description, or all that its backend says of it.

use ratatui::text::{Line, Span};

use super::{
    errors::{act_lines, backend},
    evidence::{answer, jobs, level_of, no_answer, pairs, state_words},
    page::describe_query,
    sheet::{SheetLine, Writer, clock, clock_seconds, date},
    why,
};
use crate::{
    model::{
        Level,
        alert::{Alert, Matcher, Silence},
        code::{MergeState, PullRequest, ReviewDecision, Run},
        kubernetes::{ContainerState, Pod, Termination, short_digest, short_image},
        metric::PanelKey,
    },
    query::{Answer, PageLine, PanelQuery, Query},
    ui::{
        View,
        screens::{needs::workload_of_alert, pane::level_style},
        target::Target,
    },
};

/// A panel's last hour.
pub fn panel_query(key: &PanelKey) -> Query {
    Query::Panel(PanelQuery { panel: key.clone(), range_seconds: 3_600, points: 120, variables: Vec::new() })
}

pub fn lines(view: &View<'_>, target: &Target) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let store = view.store;
    let found = match target {
        Target::Pod(_) | Target::Workload(_) | Target::Object(_) => {
            page(&mut writer, view, target);
            Some(())
        }
        Target::Alert(key) => store.alerts.get(key).map(|alert| alert_page(&mut writer, view, alert)),
        Target::Run(key) => store.runs.get(key).map(|run| run_page(&mut writer, view, run)),
        Target::Job(key) => store.runs.get(&key.run).map(|run| run_page(&mut writer, view, run)),
        Target::PullRequest(key) => store.pull_requests.get(key).map(|pr| pull_request_head(&mut writer, view, pr)),
        Target::Silence(key) => store.silences.get(key).map(|silence| silence_page(&mut writer, view, silence)),
        Target::Act(number) => view.acts.by_number.get(number).map(|act| act_lines(&mut writer, view, act, true)),
        Target::Backend(id) => {
            backend(&mut writer, view, id);
            parts(&mut writer, view, id);
            Some(())
        }
        Target::Panel(key) => panel_page(&mut writer, view, key),
    };
    if found.is_none() {
        writer.styled("it is no longer there", view.theme.dim);
    }
    writer.done()
}

/// The cluster's description of a pod or workload.
fn page(writer: &mut Writer<'_>, view: &View<'_>, target: &Target) {
    let Some(query) = describe_query(target) else { return };
    match answer(view, &query) {
        Ok(Answer::Page(lines)) => write_page(writer, view, lines),
        Ok(_) => {}
        Err(error) => no_answer(writer, error),
    }
}

/// The lines of a page as a cluster describes it.
pub fn write_page(writer: &mut Writer<'_>, view: &View<'_>, lines: &[PageLine]) {
    // The frame says whose page it is.
    let lines = if let [PageLine::Heading(_), rest @ ..] = lines { rest } else { lines };
    let names = lines.iter().map(|line| if let PageLine::Field(name, ..) = line { name.chars().count() } else { 0 });
    let width = names.filter(|width| *width <= 24).max().unwrap_or(0);
    for line in lines {
        match line {
            PageLine::Heading(text) => writer.heading(text.to_string()),
            PageLine::Field(name, value, level) => {
                let style = level.map_or(view.theme.text, |level| level_style(view.theme, level));
                writer.field_styled(&format!("{name:width$}"), value.to_string(), style)
            }
            PageLine::Text(text) => writer.text(text.to_string()),
        };
    }
}

pub fn revisions(view: &View<'_>, target: &Target) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let Target::Workload(key) = target else { return Vec::new() };
    match answer(view, &Query::Revisions(key.clone())) {
        Ok(Answer::Revisions(list)) => {
            let now = view.store.time_of(&key.cluster, view.now);
            let level = view.store.kube.workloads.get(key).map(|workload| view.store.kube.level_of(workload));
            let mut list: Vec<_> = list.iter().collect();
            list.sort_by_key(|revision| std::cmp::Reverse(revision.number));
            for revision in list {
                let created = revision.created.map(|at| date(at, now)).unwrap_or_default();
                let images: Vec<&str> = revision.images.iter().map(|image| short_image(image)).collect();
                let live = if revision.is_live { "   live" } else { "" };
                let by = revision.by.as_ref().map(|by| format!("   by {by}")).unwrap_or_default();
                let body = Line::from(vec![
                    Span::styled(format!("rev {:<5}", revision.number), view.theme.strong),
                    Span::styled(format!("{}   ", images.join(", ")), view.theme.text),
                    Span::styled(format!("{}{live}   {created}{by}", revision.up()), view.theme.dim),
                ]);
                // How the workload is says how its live version is.
                match level.filter(|_| revision.is_live) {
                    Some(level) => writer.marked_line(level, body),
                    None => writer.line_with_head(Line::raw("  "), body),
                };
                if let Some(cause) = &revision.change_cause {
                    writer.styled(format!("           {cause}"), view.theme.dim);
                }
            }
            let key = view.keymap.shown(crate::command::Command::DiffRevisions).unwrap_or_default();
            writer.gap().styled(format!("{key} shows what changed between them"), view.theme.dim);
        }
        Ok(_) => {}
        Err(error) => no_answer(&mut writer, error),
    }
    writer.done()
}

fn alert_page(writer: &mut Writer<'_>, view: &View<'_>, alert: &Alert) {
    let level = alert.priority.level();
    writer.marked(level, format!("{} {}   {}", alert.priority.name(), alert.name, state_words(alert, view)));
    if let Some(summary) = alert.summary() {
        writer.text(summary.to_string());
    }
    writer.gap();
    why::claim(writer, view, alert);
    if let Some(workload) = workload_of_alert(view, alert) {
        writer.field("workload", format!("{} in {}/{}", workload.key, workload.key.cluster, workload.key.namespace));
        writer.about(Target::Workload(workload.key.clone()));
    }
    pairs(writer, "LABELS", &alert.labels);
    pairs(writer, "ANNOTATIONS", &alert.annotations);
    writer.field_if("link", alert.generator_url.as_ref().map(ToString::to_string));
    let held: Vec<&Silence> = view
        .store
        .silences
        .values()
        .filter(|silence| silence.key.backend == alert.key.backend && matches(&silence.matchers, alert))
        .collect();
    if !held.is_empty() {
        writer.heading("SILENCES THAT MATCH IT");
    }
    for silence in held {
        let line =
            format!("{} until {} by {}: {}", silence.state, clock(silence.ends), silence.created_by, silence.comment);
        writer.text(line).about(Target::Silence(silence.key.clone()));
    }
}

/// Whether all matchers match the alert's labels.
pub fn matches(matchers: &[Matcher], alert: &Alert) -> bool {
    !matchers.is_empty() && matchers.iter().all(|matcher| matcher.matches(&alert.labels))
}

fn silence_page(writer: &mut Writer<'_>, view: &View<'_>, silence: &Silence) {
    let now = view.store.time_of(&silence.key.backend, view.now);
    writer.field("state", silence.state.to_string());
    writer.field("ends", date(silence.ends, now));
    writer.field("began", date(silence.starts, now));
    writer.field("by", silence.created_by.to_string());
    writer.field("comment", silence.comment.to_string());
    writer.field("id", silence.key.id.to_string());
    writer.heading("MATCHERS");
    for matcher in &silence.matchers {
        writer.text(matcher.to_string());
    }
    let held = view
        .store
        .alerts
        .values()
        .filter(|alert| alert.key.backend == silence.key.backend && matches(&silence.matchers, alert));
    writer.heading("ALERTS IT MATCHES NOW");
    let mut count = 0;
    for alert in held {
        count += 1;
        let subject = alert.subject().map(ToString::to_string).unwrap_or_default();
        writer.marked(alert.priority.level(), format!("{} {} {subject}", alert.priority.name(), alert.name));
        writer.about(Target::Alert(alert.key.clone()));
    }
    if count == 0 {
        writer.styled("none", view.theme.dim);
    }
}

/// A run in short.
pub fn run_head(writer: &mut Writer<'_>, view: &View<'_>, run: &Run) {
    let level = level_of(&run.state);
    writer.marked(level, format!("{} #{}   {}", run.workflow, run.number, run.state));
    writer.text(run.title.to_string());
    writer.gap();
    writer.field("by", format!("{} ({})", run.actor, run.event));
    writer.field_if("branch", run.branch.as_ref().map(ToString::to_string));
    writer.field("commit", run.head_sha.chars().take(10).collect::<String>());
    let started = run.started.or(run.created);
    writer.field_if("started", started.map(|at| date(at, view.store.time_of(&run.key.repo.host, view.now))));
    if run.attempt > 1 {
        writer.field("attempt", run.attempt.to_string());
    }
    if run.deploys {
        writer.field_styled("deploys", "yes: a re-run deploys again", view.theme.wrong);
    }
    for number in &run.pull_requests {
        writer.field("pull request", format!("#{number}"));
        let key = crate::model::code::PullRequestKey { repo: run.key.repo.clone(), number: *number };
        writer.about(Target::PullRequest(key));
    }
    writer.field("link", run.url.to_string());
}

fn run_page(writer: &mut Writer<'_>, view: &View<'_>, run: &Run) {
    run_head(writer, view, run);
    writer.heading("JOBS");
    match answer(view, &Query::Jobs(run.key.clone())) {
        Ok(Answer::Jobs(list)) => jobs(writer, view, list, true),
        Ok(_) => {}
        Err(error) => no_answer(writer, error),
    }
}

/// A pull request in short.
pub fn pull_request_head(writer: &mut Writer<'_>, view: &View<'_>, pr: &PullRequest) {
    writer.body(Line::styled(format!("#{} {}", pr.key.number, pr.title), view.theme.strong));
    writer.gap();
    writer.field("by", pr.author.to_string());
    writer.field("branch", format!("{} into {}", pr.head, pr.base));
    writer.field("head", pr.head_sha.chars().take(10).collect::<String>());
    writer.field("size", format!("{} files, +{} -{}", pr.changed_files, pr.additions, pr.deletions));
    let checks = &pr.checks;
    writer.field(
        "checks",
        match (checks.is_readable, checks.exist) {
            (false, _) => "not readable with this token".to_owned(),
            (true, false) => "none".to_owned(),
            (true, true) => {
                format!("{} passed, {} failed, {} running", checks.passed, checks.failed, checks.running)
            }
        },
    );
    writer.field(
        "review",
        match &pr.review {
            ReviewDecision::Approved => format!("approved ({})", pr.approvals),
            ReviewDecision::ChangesRequested => "changes are requested".to_owned(),
            ReviewDecision::Required => "a review is required".to_owned(),
            ReviewDecision::None => "no rule asks for one".to_owned(),
            ReviewDecision::Other(word) => word.to_string(),
        },
    );
    writer.field("merge", merge_words(&pr.merge));
    writer.field("link", pr.url.to_string());
}

/// What the host says about merging.
pub fn merge_words(state: &MergeState) -> String {
    match state {
        MergeState::Ready => "ready".to_owned(),
        MergeState::Unstable => "possible; a check that is not required is red or pending".to_owned(),
        MergeState::Blocked => "blocked by branch rules: a review or a required check is missing".to_owned(),
        MergeState::Behind => "behind its base, and the rules ask for the newest".to_owned(),
        MergeState::Conflicts => "conflicts with its base".to_owned(),
        MergeState::Draft => "a draft".to_owned(),
        MergeState::Checking => "the host is still working it out".to_owned(),
        MergeState::Other(word) => word.to_string(),
    }
}

fn parts(writer: &mut Writer<'_>, view: &View<'_>, id: &crate::model::BackendId) {
    writer.heading("WHAT IS READ");
    for (source, state) in view.store.sources.iter().filter(|(source, _)| source.backend == *id) {
        let scope = source.scope.as_ref().map(|scope| format!(" of {scope}")).unwrap_or_default();
        let name = format!("{}{scope}", source.part.title());
        if let Some(failed) = &state.pulse.failure {
            super::errors::failure(writer, view, Level::Unknown, &name, failed, id);
            continue;
        }
        let as_of = state.pulse.as_of.map_or("no answer yet".to_owned(), |(_, at)| clock_seconds(at));
        writer.field(&format!("{name:24} "), as_of);
    }
}

fn panel_page(writer: &mut Writer<'_>, view: &View<'_>, key: &PanelKey) -> Option<()> {
    let dashboard = view.store.dashboards.get(&key.dashboard)?;
    let panel = dashboard.panels.iter().find(|panel| panel.key == *key)?;
    writer.field("dashboard", dashboard.title.to_string());
    writer.field("panel", panel.title.to_string());
    writer.field_if("limit", panel.limit().map(|limit| crate::units::format(&panel.scale.unit, limit)));
    for note in &panel.notes {
        writer.field("note", note.to_string());
    }
    writer.heading("NOW, IN THE LAST HOUR");
    match answer(view, &panel_query(key)) {
        Ok(Answer::Panel(data)) => {
            for series in &data.series {
                let values = || series.points.iter().filter_map(|(_, value)| *value);
                let Some((_, last)) = series.last() else { continue };
                let min = values().fold(f64::INFINITY, f64::min);
                let max = values().fold(f64::NEG_INFINITY, f64::max);
                let say = |value| crate::units::format(&panel.scale.unit, value);
                let level = if panel.limit().is_some_and(|limit| last >= limit) { Level::Wrong } else { Level::Ok };
                let words = format!("{:30} {:>12}   min {}   max {}", series.name, say(last), say(min), say(max));
                writer.marked(level, words);
            }
        }
        Ok(_) => {}
        Err(error) => no_answer(writer, error),
    }
    Some(())
}

/// Each container: state, how the last one ended, restarts, image.
pub fn containers(writer: &mut Writer<'_>, view: &View<'_>, pod: &Pod) {
    writer.heading("CONTAINERS");
    let ended = |end: &Termination| {
        let at = end.finished.map(|at| format!(" at {}", clock_seconds(at))).unwrap_or_default();
        let message = end.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        format!("{} (exit {}){at}{message}", end.reason, end.exit_code)
    };
    for container in &pod.containers {
        let state = match &container.state {
            ContainerState::Waiting { reason, message } if message.is_empty() => format!("waiting: {reason}"),
            ContainerState::Waiting { reason, message } => format!("waiting: {reason}: {message}"),
            ContainerState::Running { since } => {
                format!("running{}", since.map(|at| format!(" since {}", clock_seconds(at))).unwrap_or_default())
            }
            ContainerState::Terminated(end) => format!("ended: {}", ended(end)),
            ContainerState::Unknown => "state not reported".to_owned(),
        };
        let done = matches!(&container.state, ContainerState::Terminated(end) if end.exit_code == 0);
        let level = if container.ready || done { Level::Ok } else { Level::Wrong };
        writer.marked(level, format!("{}   {state}", container.name));
        let digest = container.digest.as_ref().map(|digest| format!(" @{}", short_digest(digest))).unwrap_or_default();
        writer.styled(
            format!("   {}{digest}   {} restarts", short_image(&container.image), container.restarts),
            view.theme.dim,
        );
        if let Some(last) = &container.last {
            writer.text(format!("   before: {}", ended(last)));
        }
    }
}
