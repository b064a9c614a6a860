//! Which backends are late, in the header and beside the tabs.

use ratatui::text::{Line, Span};

use crate::{
    app::App,
    model::{BackendId, Part},
    source::ErrorKind,
    store::slot::{Freshness, Pulse},
    text::counted,
    time::{Now, coarse},
    ui::theme::Mark,
};

impl App {
    /// The worst freshness of a backend's sources.
    pub(super) fn backend_freshness(&self, id: &BackendId, now: Now) -> Freshness {
        let of_it = self.store.sources.iter().filter(|(source, _)| source.backend == *id);
        let fresh = of_it.map(|(source, state)| (source.part, state, state.pulse.freshness(now, state.expected)));
        let fresh: Vec<_> = fresh.collect();
        let answers = fresh.iter().any(|(part, _, freshness)| *part != Part::Health && freshness.is_live());
        // What one may not read says so in its own pane, and nothing of those that answer.
        let was_refused = |pulse: &Pulse| {
            pulse.as_of.is_none() && pulse.failure.as_ref().is_some_and(|failure| failure.error.kind == ErrorKind::Auth)
        };
        fresh
            .into_iter()
            .filter(|(_, state, _)| !(answers && was_refused(&state.pulse)))
            .map(|(_, _, freshness)| freshness)
            .max_by_key(|freshness| match freshness {
                Freshness::Live => 0,
                Freshness::Loading => 1,
                Freshness::Stale { .. } => 2,
                Freshness::Down { .. } => 3,
            })
            .unwrap_or(Freshness::Loading)
    }

    /// Open port-forwards, and backends that are late: a fresh one needs no words.
    pub(super) fn late_backends(&self, now: Now) -> Line<'static> {
        let mut spans = Vec::new();
        // An open port is seen wherever one looks.
        let failed = self.forwards.iter().filter(|forward| forward.failure().is_some()).count();
        let open = self.forwards.len() - failed;
        if open > 0 {
            spans.push(Span::styled(counted(open, "forward"), self.theme.accent));
        }
        if failed > 0 {
            let gap = if open > 0 { "  " } else { "" };
            spans.push(Span::styled(format!("{gap}!! {} failed", counted(failed, "forward")), self.theme.broken));
        }
        for (id, kind) in &self.settings.backends {
            let freshness = self.backend_freshness(id, now);
            let (mark, words) = match freshness {
                Freshness::Live => continue,
                Freshness::Loading => (Mark::Progress, "loading".to_owned()),
                Freshness::Stale { age } => (Mark::NoData, coarse(age)),
                Freshness::Down { age, .. } => (Mark::NoData, age.map_or("down".to_owned(), coarse)),
            };
            let name = if self.settings.backends.values().filter(|other| *other == kind).count() > 1 {
                id.to_string()
            } else {
                kind.short().to_owned()
            };
            if !spans.is_empty() {
                spans.push(Span::raw("  "));
            }
            spans.push(self.theme.mark(mark));
            spans.push(Span::styled(
                format!("{}{name} {words}", if mark == Mark::Progress { "" } else { " " }),
                if mark == Mark::Progress { self.theme.dim } else { self.theme.stale },
            ));
        }
        Line::from(spans)
    }
}
