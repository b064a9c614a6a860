//! The quiet face's words: what its panes are called, and the line for alerts while none needs anybody.

use ratatui::text::{Line, Span};

use super::{
    super::{
        super::{View, theme::Mark},
        needs, pane,
    },
    Pane,
    lists::Dress,
};
use crate::model::{BackendKind, Level, Part, alert::AlertState};

/// Title, sources and widths of a list of objects.
pub(super) fn dress<'a>(pane: Pane, view: &View<'a>, focused: bool) -> Dress<'a> {
    let theme = view.theme;
    let mine = needs::my_pull_requests(view.store).len();
    let waiting = match mine {
        0 => Line::default(),
        1 => Line::styled("1 PR needs you", theme.wrong),
        many => Line::styled(format!("{many} PRs need you"), theme.wrong),
    };
    match pane {
        Pane::Also => Dress {
            title: "PIPELINES AND BACKENDS".into(),
            info: waiting,
            parts: &[Part::Runs],
            nothing: "no runs",
            name: 18,
            focused,
        },
        Pane::Runs => Dress {
            title: "PIPELINES".into(),
            info: Line::default(),
            parts: &[Part::Runs],
            nothing: "no runs",
            name: 18,
            focused,
        },
        Pane::Kube => {
            let total = view.store.kube.workloads.len();
            let kube = &view.store.kube;
            let bad = kube.workloads.values().filter(|workload| kube.level_of(workload) < Level::Ok).count();
            let info = if bad > 0 {
                Line::styled(format!("{bad} of {total} not ok"), theme.wrong)
            } else {
                Line::styled(format!("{total} ok"), theme.dim)
            };
            Dress {
                title: "WORKLOADS".into(),
                info,
                parts: &[Part::Deployments, Part::StatefulSets, Part::DaemonSets, Part::Pods],
                nothing: "no workloads in these namespaces",
                name: 20,
                focused,
            }
        }
        _ => Dress {
            title: "PULL REQUESTS".into(),
            info: waiting,
            parts: &[Part::PullRequests],
            nothing: "no open pull request is yours or asks for you",
            name: 26,
            focused,
        },
    }
}

/// The line for alerts while none needs anybody. What cannot be read is never called calm.
pub(super) fn calm(view: &View<'_>) -> Line<'static> {
    let theme = view.theme;
    let worst = view.store.freshness_of(Part::Alerts, None, view.now);
    let mut spans = vec![Span::raw(" ")];
    match worst {
        None if [BackendKind::Alertmanager, BackendKind::Grafana]
            .into_iter()
            .any(|kind| pane::is_opening(view, kind)) =>
        {
            spans.push(Span::styled("alerts: loading", theme.dim));
        }
        None => spans.push(Span::styled("no alerts are read: no Alertmanager or Grafana is set up", theme.dim)),
        Some((id, fresh)) if !fresh.is_live() => {
            let state = view.store.sources.get(id);
            let failure = state.and_then(|state| state.pulse.failure.as_ref());
            let why = failure.map_or_else(|| "loading".to_owned(), |failure| failure.error.says.to_string());
            spans.push(theme.mark(Mark::NoData));
            spans.push(Span::styled(format!(" alerts: {why}"), theme.stale));
        }
        Some(_) => {
            spans.push(theme.mark(Mark::Ok));
            spans.push(Span::styled(" no alert fires", theme.text));
        }
    }
    let count = |is: &dyn Fn(&AlertState) -> bool| {
        view.store.alerts.values().filter(|alert| !alert.is_watchdog && is(&alert.state)).count()
    };
    for (number, word) in [
        (count(&|state| *state == AlertState::Pending), "pending"),
        (count(&|state| matches!(state, AlertState::Silenced | AlertState::Muted)), "silenced"),
        (count(&|state| matches!(state, AlertState::Resolved(_))), "resolved in the last 12h"),
    ] {
        if number > 0 {
            spans.push(Span::styled(format!("   {number} {word}"), theme.dim));
        }
    }
    Line::from(spans)
}
