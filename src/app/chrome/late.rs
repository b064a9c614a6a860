//! Which backends are late, in the header and beside the tabs.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

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

    /// Port-forwards and late backends, the longest words for them first: an open port is seen wherever one looks, however
    /// little room there is.
    pub(super) fn beside_tabs(&self, now: Now) -> Vec<Line<'static>> {
        let theme = &self.theme;
        let late = self.late_backends(now);
        let failed = self.forwards.iter().filter(|forward| forward.failure().is_some()).count();
        let open = self.forwards.len() - failed;
        if self.forwards.is_empty() {
            return vec![Line::from(late), Line::default()];
        }
        let when = |number: usize, words: String, style: Style| (number > 0).then(|| Span::styled(words, style));
        let gap = if open > 0 { "  " } else { "" };
        let long = [
            when(open, counted(open, "forward"), theme.accent),
            when(failed, format!("{gap}!! {} failed", counted(failed, "forward")), theme.broken),
        ];
        let sign = when(failed, format!(" !! {failed}"), theme.broken);
        let short =
            [Some(Span::styled("fwd", theme.accent)), when(open, format!(" {open}"), theme.accent), sign.clone()];
        let line = |words: &[Option<Span<'static>>], with: &[Span<'static>]| -> Line<'static> {
            let gap = Some(Span::raw("  ")).filter(|_| !with.is_empty());
            words.iter().cloned().flatten().chain(gap).chain(with.iter().cloned()).collect()
        };
        let mut lines = vec![line(&long, &late), line(&short, &late), line(&short, &[])];
        lines.extend(sign.map(|sign| Line::from(vec![Span::styled("fwd", theme.accent), sign])));
        lines
    }

    /// Backends that are late: a fresh one needs no words.
    fn late_backends(&self, now: Now) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
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
        spans
    }
}
