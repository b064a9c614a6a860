//! `.` The evidence behind a row: what is claimed, since when, and what midwatch saw around it.

use ratatui::text::{Line, Span};

use super::{
    describe,
    errors::{act_lines, backend, failure},
    evidence::{
        answer, changes_before, events, jobs, level_of, no_answer, pairs, pods_in_trouble, rollout, state_words,
        versions,
    },
    object::workload_of,
    sheet::{SheetLine, Writer, clock},
};
use crate::{
    model::{
        Level,
        alert::{Alert, Rule},
        code::{PullRequest, Run, RunState},
        kubernetes::{Pod, Workload},
    },
    query::{Answer, Query},
    ui::{
        View,
        screens::{needs::workload_of_alert, pane::level_style},
        target::Target,
    },
};

pub fn lines(view: &View<'_>, target: &Target) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let store = view.store;
    let found = match target {
        Target::Alert(key) => store.alerts.get(key).map(|alert| of_one_alert(&mut writer, view, alert)),
        Target::Workload(key) => store.kube.workloads.get(key).map(|workload| of_workload(&mut writer, view, workload)),
        Target::Pod(key) => store.kube.pods.get(key).map(|pod| of_pod(&mut writer, view, pod)),
        Target::Run(key) => store.runs.get(key).map(|run| of_run(&mut writer, view, run)),
        Target::Job(key) => store.runs.get(&key.run).map(|run| of_run(&mut writer, view, run)),
        Target::PullRequest(key) => store.pull_requests.get(key).map(|pr| of_pull_request(&mut writer, view, pr)),
        Target::Act(number) => view.acts.by_number.get(number).map(|act| act_lines(&mut writer, view, act, true)),
        Target::Backend(id) => {
            backend(&mut writer, view, id);
            for (source, state) in store.sources.iter().filter(|(source, _)| source.backend == *id) {
                if let Some(failed) = &state.pulse.failure {
                    failure(&mut writer, view, Level::Unknown, source.part.title(), failed, id);
                }
            }
            Some(())
        }
        Target::Object(_) | Target::Silence(_) | Target::Panel(_) => return describe::lines(view, target),
    };
    if found.is_none() {
        writer.styled("it is no longer there", view.theme.dim);
    }
    writer.done()
}

fn of_one_alert(writer: &mut Writer<'_>, view: &View<'_>, alert: &Alert) {
    let theme = view.theme;
    let level = alert.priority.level();
    writer.marked_line(
        level,
        Line::from(vec![
            Span::styled(format!("{} {}  ", alert.priority.name(), alert.name), level_style(theme, level)),
            Span::styled(state_words(alert, view), theme.text),
        ]),
    );
    if let Some(summary) = alert.summary() {
        writer.text(summary.to_string());
    }
    writer.gap();
    claim(writer, view, alert);
    if let Some(onset) = alert.active_since.or(alert.starts) {
        changes_before(writer, view, onset, Some(&Target::Alert(alert.key.clone())));
    }
    if let Some(workload) = workload_of_alert(view, alert) {
        rollout(writer, view, workload);
        versions(writer, view, workload);
        pods_in_trouble(writer, view, workload);
        writer.heading("EVENTS AROUND IT");
        let found = view.store.kube.events_around(workload);
        let warnings: Vec<_> = found.into_iter().filter(|event| event.warning).collect();
        events(writer, view, &warnings, 8);
    } else {
        writer.gap();
        writer.styled("its labels name no workload that is watched", theme.dim);
    }
    pairs(writer, "LABELS", &alert.labels);
    pairs(writer, "ANNOTATIONS", &alert.annotations);
}

/// What the rule says and what it does about it: expression, value, receivers, silences.
pub fn claim(writer: &mut Writer<'_>, view: &View<'_>, alert: &Alert) {
    writer.field_if("expression", alert.expression().map(|expression| expression.to_string()));
    writer.field_if("value", alert.value.as_ref().map(ToString::to_string));
    writer.field_if("for", alert.rule.as_ref().and_then(hold));
    match (alert.active_since, alert.starts, alert.fires()) {
        (Some(active), Some(starts), _) if active < starts => {
            writer.field("true since", format!("{} (fired {})", clock(active), clock(starts)));
        }
        (Some(active), _, Some(fires)) => {
            writer.field("true since", format!("{} (fires {} if it stays so)", clock(active), clock(fires)));
        }
        _ => {}
    }
    if !alert.receivers.is_empty() {
        let names: Vec<&str> = alert.receivers.iter().map(crate::text::Clean::as_str).collect();
        writer.field("told to", names.join(", "));
    }
    writer.field("from", told_by(alert));
    for id in &alert.silenced_by {
        let held = view.store.silences.values().find(|silence| silence.key.id == *id);
        let words = held
            .map_or_else(|| id.to_string(), |s| format!("until {} by {}: {}", clock(s.ends), s.created_by, s.comment));
        writer.field("silenced", words);
        if let Some(silence) = held {
            writer.about(Target::Silence(silence.key.clone()));
        }
    }
}

/// A rule's `for`; a rule of which only its alerts could be read has none that is known.
fn hold(rule: &Rule) -> Option<String> {
    rule.expression.as_ref()?;
    Some(match rule.hold_seconds {
        0 => "0s: it fires at once".to_owned(),
        seconds => crate::time::age(i64::from(seconds)),
    })
}

/// Who lists it, and who evaluates its rule.
fn told_by(alert: &Alert) -> String {
    match &alert.rule {
        Some(rule) if rule.is_alone => format!("{}; no Alertmanager has it", rule.backend),
        Some(rule) => format!("{}; its rule is in {}", alert.key.backend, rule.backend),
        None => alert.key.backend.to_string(),
    }
}

fn of_workload(writer: &mut Writer<'_>, view: &View<'_>, workload: &Workload) {
    rollout(writer, view, workload);
    versions(writer, view, workload);
    pods_in_trouble(writer, view, workload);
    let target = Target::Workload(workload.key.clone());
    let mut alerts: Vec<&Alert> = view
        .store
        .alerts
        .values()
        .filter(|alert| workload_of_alert(view, alert).is_some_and(|found| found.key == workload.key))
        .collect();
    alerts.sort_by_key(|alert| (alert.priority, &alert.key));
    if !alerts.is_empty() {
        writer.heading("ALERTS ABOUT IT");
        for alert in alerts {
            let level = alert.priority.level();
            writer.marked(level, format!("{} {}  {}", alert.priority.name(), alert.name, state_words(alert, view)));
            writer.about(Target::Alert(alert.key.clone()));
        }
    }
    if let Some(since) = view.store.kube.version_since(workload) {
        changes_before(writer, view, since, Some(&target));
    }
    writer.heading("EVENTS");
    events(writer, view, &view.store.kube.events_around(workload), 30);
}

fn of_pod(writer: &mut Writer<'_>, view: &View<'_>, pod: &Pod) {
    let (level, why) = pod.standing(view.store.time_of(&pod.key.cluster, view.now));
    writer.marked(level, format!("{}   {}/{} ready   {} restarts", pod.status, pod.ready, pod.total, pod.restarts));
    if !why.is_empty() {
        writer.text(why.into_owned());
    }
    describe::containers(writer, view, pod);
    if let Some(workload) = workload_of(view, &Target::Pod(pod.key.clone())) {
        versions(writer, view, workload);
    }
    writer.heading("EVENTS");
    events(writer, view, &view.store.kube.events_of(&pod.key.cluster, &pod.uid), 20);
}

fn of_run(writer: &mut Writer<'_>, view: &View<'_>, run: &Run) {
    let theme = view.theme;
    let level = level_of(&run.state);
    describe::run_head(writer, view, run);
    match answer(view, &Query::Jobs(run.key.clone())) {
        Ok(Answer::Jobs(list)) => {
            let bad: Vec<_> = list.iter().filter(|job| level_of(&job.state) != Level::Ok).cloned().collect();
            writer.heading(if level == Level::Broken { "WHAT FAILED" } else { "JOBS NOT DONE" });
            if bad.is_empty() {
                writer.styled("every job went well", theme.dim);
            }
            jobs(writer, view, &bad, false);
            if bad.iter().any(|job| job.state.is_bad()) {
                let key = view.keymap.shown(crate::command::Command::Logs).unwrap_or_default();
                writer.gap();
                writer.styled(format!("{key} opens its log at the first error"), theme.dim);
            }
        }
        Ok(_) => {}
        Err(error) => {
            writer.heading("JOBS");
            no_answer(writer, error);
        }
    }
    let earlier: Vec<&Run> = view
        .store
        .runs
        .values()
        .filter(|other| other.key.repo == run.key.repo && other.workflow == run.workflow && other.number < run.number)
        .collect();
    if !earlier.is_empty() {
        writer.heading("EARLIER RUNS OF THE WORKFLOW");
        let mut earlier = earlier;
        earlier.sort_by_key(|run| std::cmp::Reverse(run.number));
        for other in earlier.into_iter().take(5) {
            let at = other.started.or(other.created).map(clock).unwrap_or_default();
            writer
                .marked(level_of(&other.state), format!("#{} {}   {at}   {}", other.number, other.state, other.title));
            writer.about(Target::Run(other.key.clone()));
        }
    }
    if run.deploys
        && let Some(workload) = workload_of(view, &Target::Run(run.key.clone()))
    {
        rollout(writer, view, workload);
        versions(writer, view, workload);
    }
}

fn of_pull_request(writer: &mut Writer<'_>, view: &View<'_>, pr: &PullRequest) {
    let theme = view.theme;
    describe::pull_request_head(writer, view, pr);
    match answer(view, &Query::PullRequest(pr.key.clone())) {
        Ok(Answer::PullRequest(detail)) => {
            writer.heading("CHECKS");
            let mut checks = detail.checks.clone();
            checks.sort_by_key(|check| level_of(&check.state));
            if checks.is_empty() {
                writer.styled("none", theme.dim);
            }
            for check in &checks {
                let level = if check.state == RunState::Cancelled { Level::Wrong } else { level_of(&check.state) };
                writer.marked(level, format!("{}   {}", check.name, check.state));
            }
            writer.heading("REVIEWS");
            if detail.reviews.is_empty() {
                writer.styled("none yet", theme.dim);
            }
            for review in &detail.reviews {
                let at = review.at.map(clock).unwrap_or_default();
                writer.timed(
                    &at,
                    vec![
                        Span::styled(format!("{} {}  ", review.author, review.state), theme.strong),
                        Span::styled(review.body.lines().next().unwrap_or("").to_owned(), theme.text),
                    ],
                );
            }
        }
        Ok(_) => {}
        Err(error) => no_answer(writer.heading("CHECKS AND REVIEWS"), error),
    }
}
