//! What requests are left at the code host, and how old each list is.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    model::{BackendId, BackendKind, Part, Quota},
    store::slot::Freshness,
    text::grouped,
    time::{age, coarse},
    ui::{
        View,
        screens::pane::framed,
        widgets::{
            cells::{put_line, row},
            gauge::gauge,
        },
    },
};

/// Below this share of the budget polling slows down.
const LOW: f64 = 0.25;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let inside = framed(view, "REQUESTS LEFT", "", None, false, area, buf);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let hosts: Vec<&BackendId> = view
        .store
        .backends
        .iter()
        .filter(|(_, backend)| backend.kind == BackendKind::GitHub)
        .map(|(id, _)| id)
        .collect();
    for host in &hosts {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        host_lines(view, host, inside.width, &mut lines);
    }
    for (index, line) in lines.iter().enumerate() {
        let Some(spot) = row(inside, index as u16) else { break };
        put_line(buf, spot, line, theme.glyphs.ellipsis);
    }
}

fn host_lines<'a>(view: &View<'a>, host: &'a BackendId, width: u16, lines: &mut Vec<Line<'a>>) {
    let theme = view.theme;
    let Some(backend) = view.store.backends.get(host) else { return };
    let identity = backend.info.identity.as_ref().map(|who| format!("  as {who}")).unwrap_or_default();
    lines.push(Line::from(vec![Span::styled(host.to_string(), theme.strong), Span::styled(identity, theme.dim)]));
    for quota in backend.quotas.values() {
        lines.push(quota_line(view, host, quota, width));
    }
    for (id, state) in view.store.sources.iter().filter(|(id, _)| id.backend == *host) {
        if !matches!(id.part, Part::PullRequests | Part::Runs) {
            continue;
        }
        let what = match &id.scope {
            Some(scope) => format!("{} {}", id.part.title(), scope),
            None => id.part.title().to_owned(),
        };
        let age = state.pulse.age(view.now).map_or_else(|| "not yet".to_owned(), |age| format!("{} old", coarse(age)));
        let age = age.replace("now old", "now");
        let (style, mark) = match state.pulse.freshness(view.now, state.expected) {
            Freshness::Live | Freshness::Loading => (theme.dim, "   "),
            Freshness::Stale { .. } | Freshness::Down { .. } => (theme.stale, "?? "),
        };
        lines.push(Line::styled(format!("{mark}{what}  {age}, every {}", coarse_every(state.expected)), style));
        if let Some(failure) = &state.pulse.failure {
            lines.push(Line::styled(format!("   {}", failure.error.says), theme.stale));
        }
    }
    for note in &backend.info.notes {
        lines.push(Line::styled(format!("!  {note}"), theme.wrong));
    }
}

fn coarse_every(every: std::time::Duration) -> String {
    age(every.as_secs().try_into().unwrap_or(i64::MAX))
}

/// `graphql  4,388 of 5,000  [######..]  resets 41m`
fn quota_line(view: &View<'_>, host: &BackendId, quota: &Quota, width: u16) -> Line<'static> {
    let theme = view.theme;
    let part = f64::from(quota.remaining) / f64::from(quota.limit.max(1));
    let seconds = quota.resets.as_second() - view.store.time_of(host, view.now).as_second();
    let resets = if seconds > 0 { format!("  resets {}", age(seconds)) } else { String::new() };
    let style = if part < LOW { theme.wrong } else { theme.text };
    let mut line = Line::from(vec![
        Span::raw(format!("   {:<8} ", quota.resource)),
        Span::styled(format!("{} of {}", grouped(quota.remaining.into()), grouped(quota.limit.into())), style),
    ]);
    if width > 44 {
        line.push_span(Span::raw("  "));
        line.spans.extend(gauge(part, 10, &[(0.0, theme.wrong), (LOW, theme.ok)], theme).spans);
    }
    line.push_span(Span::styled(resets, theme.dim));
    line
}
