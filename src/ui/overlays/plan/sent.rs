//! The dialog after sending: the steps as they go.

use ratatui::text::{Line, Span};

use super::pages::{Lines, labelled};
use crate::{
    action::{
        act::{Act, Outcome, StepState},
        plan::Plan,
    },
    text::Clean,
    time::age_of,
    ui::{
        View,
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
    let lasted = match act.ended {
        Some(ended) => format!("took {}", age_of(act.started, ended)),
        None => format!("{} ago", age_of(act.started, view.now.wall)),
    };
    lines.top.push(Line::from(vec![
        Span::styled(format!("{} UTC", act.started.strftime("%H:%M:%S")), theme.text),
        Span::styled(format!(", {lasted}   audit {:04}", act.number), theme.dim),
    ]));
    if let Some(reason) = &act.reason {
        lines.top.extend(labelled("why", 5, reason, theme.dim, theme.text, inner));
    }
    lines.middle.push(Line::default());
    for (number, (says, state)) in act.numbered_steps() {
        lines.middle.extend(step(number, says, state, theme, inner));
    }
    let end = match act.outcome {
        Outcome::Running if plan.steps.len() > 1 => "Esc leaves; it goes on, and the header shows it".to_owned(),
        Outcome::Running => "Esc leaves; it goes on".to_owned(),
        _ if act.can_undo => "U undo plan   Esc leaves".to_owned(),
        _ => "Esc leaves".to_owned(),
    };
    lines.bottom = vec![Line::default(), Line::styled(end, theme.dim)];
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
