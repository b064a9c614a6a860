//! The dialog after sending: the steps as they go.

use ratatui::text::{Line, Span};

use super::pages::{Lines, labelled, marked};
use crate::{
    action::{
        act::{Act, Outcome, StepState},
        plan::Plan,
    },
    command::Command,
    model::alert::{Alert, AlertState},
    text::Clean,
    time::age_of,
    ui::{
        View,
        screens::{
            needs::workload_of_alert,
            words::{alert_name, outcome_mark},
        },
        theme::{Mark, Theme},
        widgets::{cells::width, wrap::wrapped},
    },
};

pub(super) fn sent(plan: &Plan, act: Option<&Act>, view: &View<'_>, inner: u16, lines: &mut Lines) {
    let theme = view.theme;
    let Some(act) = act else {
        lines.top = vec![Line::from(vec![theme.mark(Mark::Progress), Span::raw(" writing the audit, then sending")])];
        return;
    };
    let word = act.word();
    let lasted = match act.ended {
        Some(ended) => format!("{word}, took {}", age_of(act.started, ended)),
        None => format!("{word} for {}", age_of(act.started, view.now.wall)),
    };
    lines.top.push(Line::from(vec![
        theme.mark(outcome_mark(act)),
        Span::styled(format!(" {lasted}"), theme.strong),
        Span::styled(format!("   {} UTC   act {}", act.started.strftime("%H:%M:%S"), act.number), theme.dim),
    ]));
    if let Some(reason) = &act.reason {
        lines.top.extend(labelled("why", 5, reason, theme.dim, theme.text, inner));
    }
    lines.middle.push(Line::default());
    let is_begun = |state: &StepState| !matches!(state, StepState::Waiting | StepState::Skipped(_));
    let last = act.steps.iter().rposition(|(_, state)| is_begun(state));
    for (index, (number, (says, state))) in act.numbered_steps().enumerate() {
        let first = lines.middle.len();
        lines.middle.extend(step(number, says, state, theme, inner));
        if last == Some(index) {
            lines.follow = Some(first..lines.middle.len());
        }
    }
    let end = match act.outcome {
        Outcome::Running if plan.steps.len() > 1 => "Esc leaves; it goes on, and the header shows it".to_owned(),
        Outcome::Running => "Esc leaves; it goes on".to_owned(),
        _ if act.can_undo => "U undo plan   Esc leaves".to_owned(),
        _ => "Esc leaves".to_owned(),
    };
    lines.bottom.push(Line::default());
    for (mark, says) in verdict(act, view).into_iter().chain(owed(act, view)) {
        lines.bottom.extend(marked(theme.mark(mark), &says, theme.text, inner));
    }
    lines.bottom.push(Line::styled(end, theme.dim));
}

/// That pods are ready does not say that it helped.
fn verdict(act: &Act, view: &View<'_>) -> Option<(Mark, String)> {
    let workload = view.acts.changed_by(act).filter(|_| act.outcome == Outcome::Done)?;
    let is_about = |alert: &&Alert| {
        alert.state == AlertState::Firing
            && !alert.is_watchdog
            && workload_of_alert(view, alert).is_some_and(|found| found.key == *workload)
    };
    let charts = view.keymap.shown(Command::ScreenMetrics).unwrap_or_else(|| ":metrics".to_owned());
    let unverified = format!("error rate not verified: {charts} shows it");
    Some(match view.store.alerts.values().find(is_about) {
        Some(alert) => (Mark::Wrong, format!("{} fires still; {unverified}", alert_name(alert))),
        None => (Mark::NoData, unverified),
    })
}

/// What it switched off is to be switched on again.
fn owed(act: &Act, view: &View<'_>) -> Option<(Mark, String)> {
    let is_off = view.acts.switched_off().iter().any(|(_, by)| by.number == act.number);
    let says = "GitOps is off: revert in git, then :resume-sync";
    (is_off && act.outcome != Outcome::Running).then(|| (Mark::Wrong, says.to_owned()))
}

fn step(number: usize, says: &Clean, state: &StepState, theme: &Theme, inner: u16) -> Vec<Line<'static>> {
    let (mark, news, style) = match state {
        StepState::Waiting => (Mark::Blank, None, theme.dim),
        StepState::Running(news) => (Mark::Progress, Some(news), theme.text),
        StepState::Done(news) => (Mark::Ok, Some(news), theme.text),
        StepState::Refused(news) => (Mark::Broken, Some(news), theme.broken),
        StepState::Unknown(news) => (Mark::NoData, Some(news), theme.stale),
        StepState::Skipped(news) => (Mark::Blank, Some(news), theme.dim),
    };
    let head = theme.mark(mark);
    let pad = 2_u16.saturating_sub(width(&head.content));
    let mut spans =
        vec![head, Span::raw(" ".repeat(usize::from(pad))), Span::styled(format!(" {number:>2} "), theme.dim)];
    spans.push(Span::styled(says.to_string(), style));
    let mut lines = vec![Line::from(spans)];
    if let Some(news) = news.filter(|news| !news.is_empty()) {
        let word = if matches!(state, StepState::Skipped(_)) { "skipped: " } else { "" };
        for line in wrapped(&format!("{word}{news}"), inner.saturating_sub(7)) {
            lines.push(Line::from(vec![Span::raw("       "), Span::styled(line, theme.dim)]));
        }
    }
    lines
}
