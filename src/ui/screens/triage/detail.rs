//! The facts of the selected alert or silence: whom it reaches, what it says, its labels.

use std::fmt::Write as _;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::super::{
    super::{
        View,
        target::Target,
        widgets::cells::{put_line, row},
    },
    needs, pane, words,
};
use crate::{
    command::Command,
    model::alert::{Alert, AlertKey, Silence},
    store::timeline::deploys_of,
};

pub(super) fn render(view: &View<'_>, target: Option<&Target>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let said = target.and_then(|target| words::of(view, target));
    let title = said.as_ref().map_or_else(|| "SELECTED".to_owned(), |said| said.name.clone());
    let inside = pane::framed(view, title, Line::default(), None, false, area, buf);
    let lines = match target {
        Some(Target::Alert(key)) => view.store.alerts.get(key).map(|alert| of_alert(view, alert)),
        Some(Target::Silence(key)) => view.store.silences.get(key).map(|silence| of_silence(view, silence)),
        _ => None,
    };
    for (index, line) in lines.unwrap_or_default().iter().enumerate() {
        let Some(spot) = row(inside, index as u16) else { break };
        put_line(buf, spot, line, theme.glyphs.ellipsis);
    }
}

fn field<'a>(view: &View<'_>, name: &'a str, value: impl Into<String>) -> Line<'a> {
    Line::from(vec![Span::styled(format!("{name:<11}"), view.theme.dim), Span::styled(value.into(), view.theme.text)])
}

fn of_alert<'a>(view: &View<'a>, alert: &'a Alert) -> Vec<Line<'a>> {
    let theme = view.theme;
    let mut lines = Vec::new();
    if let Some(summary) = alert.summary() {
        // A summary has its number with its unit, of when it was written: another beside it would contradict it.
        let value =
            alert.value.as_ref().filter(|value| !has_number(summary, value)).map(|value| format!("   value {value}"));
        lines.push(Line::styled(format!("{summary}{}", value.unwrap_or_default()), theme.strong));
    }
    let mut state = format!("{}   {}", words::alert_state(view, alert), alert.priority.name());
    match (alert.active_since, alert.starts, alert.fires()) {
        (Some(active), Some(starts), _) => {
            let _ = write!(state, "   true since {}, fired {}", words::clock(active), words::clock(starts));
        }
        (Some(active), _, Some(fires)) => {
            let (active, fires) = (words::clock(active), words::clock(fires));
            let _ = write!(state, "   true since {active}, fires {fires} if it stays so");
        }
        _ => {}
    }
    lines.push(field(view, "state", state));
    lines.push(field(view, "goes to", receivers(alert)));
    for silence in view.store.silences_of(alert) {
        let ends = words::day_clock(silence.ends, view.time());
        lines.push(field(view, "silenced", format!("by {} until {ends}: {}", silence.created_by, silence.comment)));
    }
    let onset = alert.active_since.or(alert.starts);
    if let Some(workload) = needs::workload_of_alert(view, alert) {
        let mut text = format!("{}   {}/{} ready", workload.key, workload.ready, workload.desired);
        let deploys = deploys_of(view.store, workload);
        if let Some(deploy) = deploys.iter().find(|deploy| onset.is_none_or(|onset| deploy.at <= onset)) {
            let _ = write!(text, "   deploy {} {}", deploy.tags(), words::day_clock(deploy.at, view.time()));
        }
        lines.push(field(view, "workload", text));
    }
    let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.push(field(view, "labels", labels.join("  ")));
    if let Some(runbook) = alert.annotation("runbook_url").or_else(|| alert.annotation("runbook")) {
        let key = view.keymap.shown(Command::Browse).map(|key| format!("   [{key}]")).unwrap_or_default();
        lines.push(field(view, "runbook", format!("{runbook}{key}")));
    }
    lines
}

/// Whether a text has this number, in its unit or in one that is a hundred or a thousand times finer (`0.31` and `31 %`):
/// rounded, and of some seconds earlier. Other numbers are limits, counts or names (`5xx`).
fn has_number(text: &str, value: &str) -> bool {
    let Ok(value) = value.parse::<f64>() else { return false };
    let number = |word: &str| word.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<f64>().ok();
    let is_it = |number: f64| {
        let mut scaled = [1.0, 100.0, 1_000.0].into_iter().map(|scale| value * scale);
        scaled.any(|value| (number - value).abs() <= value.abs() / 4.0)
    };
    text.split(' ').filter_map(number).any(is_it)
}

/// Whom it reaches.
fn receivers(alert: &Alert) -> String {
    match (alert.receivers.as_ref(), &alert.rule) {
        ([], Some(rule)) if rule.is_alone => format!("nobody: only {} has it", rule.backend),
        ([], _) => "nobody".to_owned(),
        (receivers, _) => receivers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn of_silence<'a>(view: &View<'a>, silence: &'a Silence) -> Vec<Line<'a>> {
    // One with its day beside one without reads as the same day.
    let both = [silence.starts, silence.ends];
    let is_near = both.iter().all(|at| words::day_clock(*at, view.time()) == words::clock(*at));
    let [starts, ends] = both.map(|at| if is_near { words::clock(at) } else { words::day(at) });
    let held: Vec<String> = view
        .store
        .alerts
        .values()
        .filter(|alert| alert.silenced_by.contains(&silence.key.id))
        .map(words::alert_name)
        .collect();
    let mut lines = vec![
        Line::styled(silence.comment.to_string(), view.theme.strong),
        field(view, "by", silence.created_by.to_string()),
        field(view, "holds from", format!("{starts} until {ends}")),
    ];
    if !held.is_empty() {
        lines.push(field(view, "holds back", held.join(", ")));
    }
    let mut hint = Line::default();
    hint.spans.extend(words::key_hint(view, Command::ExpireSilence, "end it now"));
    lines.push(hint);
    lines
}

/// `goes to pagerduty   31 % of requests fail`, for where there is no room for more.
pub(super) fn goes_to(view: &View<'_>, key: &AlertKey) -> Option<Line<'static>> {
    let alert = view.store.alerts.get(key)?;
    let to = receivers(alert);
    let summary = alert.summary().map(|summary| format!("   {summary}")).unwrap_or_default();
    Some(Line::from(vec![
        Span::styled("   goes to ", view.theme.dim),
        Span::styled(to, view.theme.text),
        Span::styled(summary, view.theme.dim),
    ]))
}
