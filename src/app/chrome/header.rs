//! The header: where one is, what is amiss or under way there, and who looks when.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::AGREES;
use crate::{
    action::act::{Act, StepState},
    app::App,
    model::BackendKind,
    time::Now,
    ui::{
        screens::words,
        widgets::cells::{put_line, put_right},
    },
};

/// The header gives up one thing after the other until the rest fits: each of these from its number on.
mod without {
    /// What it is that is back.
    pub const DRIFT: u8 = 1;
    /// The program's own name.
    pub const NAME: u8 = 1;
    pub const GAPS: u8 = 2;
    /// Whole words for what ends soon.
    pub const ENDINGS: u8 = 3;
    /// Other clusters than the first: their number stays.
    pub const CLUSTERS: u8 = 4;
    pub const CLUSTER_COUNT: u8 = 5;
    /// Names of production clusters: the badge stays.
    pub const PRODUCTION: u8 = 6;
    /// Of which version the pods are that an act counts.
    pub const VERSION: u8 = 7;
    /// Names of what is off.
    pub const OWNER: u8 = 8;
}

impl App {
    pub(super) fn header(&self, area: Rect, buf: &mut Buffer, now: Now) {
        let theme = &self.theme;
        let right = self.header_right(area.width, now);
        let room = area.width.saturating_sub(right.width() as u16 + 2);
        let act = self.acts.running().next();
        // What is under way or ends soon is read first, where there is no room for all.
        let is_amiss = || self.drift_span(now, true).is_some() || self.suspended(area.width, 0).is_some();
        let tightest = match act {
            Some(_) => without::OWNER,
            None if is_amiss() => without::OWNER,
            None if self.endings_in_short(now).is_empty() => without::GAPS,
            None => without::CLUSTER_COUNT,
        };
        let mut left = self.header_left(area.width, act, 0, now);
        for tight in 1..=tightest {
            if left.width() <= usize::from(room) {
                break;
            }
            left = self.header_left(area.width, act, tight, now);
        }
        put_line(buf, Rect { width: room, ..area }, &left, theme.glyphs.ellipsis);
        put_right(buf, Rect { width: area.width.saturating_sub(1), ..area }, &right, theme.glyphs.ellipsis);
    }

    fn header_left(&self, width: u16, act: Option<&Act>, tight: u8, now: Now) -> Line<'static> {
        let theme = &self.theme;
        let gap = |wide: &'static str| Span::raw(if tight >= without::GAPS { " " } else { wide });
        let mut spans = vec![Span::raw(" ")];
        if width >= 100 && tight < without::NAME {
            spans.push(Span::styled("midwatch", theme.strong));
            spans.push(Span::raw("  "));
        }
        if self.settings.is_demo {
            spans.push(Span::styled(" DEMO ", theme.harmless));
            spans.push(Span::raw(" "));
        }
        self.clusters(tight, &mut spans);
        for backend in &self.settings.insecure {
            spans.extend([gap("  "), Span::styled(format!("{backend}: certificate NOT verified"), theme.wrong)]);
        }
        if let Some(drift) = self.drift_span(now, width < 100 || tight >= without::DRIFT) {
            spans.extend([gap("  "), drift]);
        }
        spans.extend(self.suspended(width, tight).into_iter().flat_map(|off| [gap("  "), off]));
        if let Some(act) = act {
            let others = match self.acts.running().count() {
                0 | 1 => String::new(),
                all => format!(" +{}", all - 1),
            };
            let words = format!("~ {}{others}", under_way(act, tight < without::VERSION));
            spans.extend([gap("   "), Span::styled(words, theme.progress)]);
        }
        spans.extend(if tight >= without::ENDINGS { self.endings_in_short(now) } else { self.endings(now) });
        Line::from(spans)
    }

    /// The clusters, production first.
    fn clusters(&self, tight: u8, spans: &mut Vec<Span<'static>>) {
        let theme = &self.theme;
        let mut clusters: Vec<_> = self
            .settings
            .backends
            .iter()
            .filter(|(_, kind)| **kind == BackendKind::Kubernetes)
            .map(|(id, _)| id)
            .collect();
        clusters.sort_by_key(|cluster| !self.settings.is_production(cluster));
        let shown = if tight >= without::CLUSTERS { 1 } else { 3 };
        let mut is_first = true;
        for cluster in clusters.iter().take(shown) {
            // Wider apart than a badge from its own.
            if !std::mem::take(&mut is_first) {
                spans.push(Span::raw("   "));
            }
            if self.settings.is_production(cluster) {
                spans.push(Span::styled(" PROD ", theme.production));
                if tight < without::PRODUCTION {
                    spans.push(Span::raw(" "));
                }
            }
            if tight < without::PRODUCTION || !self.settings.is_production(cluster) {
                spans.push(Span::styled(cluster.to_string(), theme.text));
                if let Some([only]) = self.settings.namespaces.get(*cluster).map(Vec::as_slice) {
                    spans.push(Span::styled(format!("/{only}"), theme.text));
                }
            }
            let user = self.settings.impersonated.get(*cluster);
            spans.extend(user.map(|user| Span::styled(format!(" as {user}"), theme.wrong)));
        }
        if clusters.len() > shown && tight < without::CLUSTER_COUNT {
            spans.push(Span::styled(format!("  +{}", clusters.len() - shown), theme.dim));
        }
    }

    /// GitOps that an act switched off: red until somebody switches it on again.
    fn suspended(&self, width: u16, tight: u8) -> Option<Span<'static>> {
        let all = self.acts.switched_off();
        let mut all: Vec<_> = all.into_iter().filter_map(|(owner, act)| self.suspension(owner, act)).collect();
        // How the one stands that is named is no word for the others: one that waits for git goes first.
        all.sort_by_key(|(_, how)| *how == AGREES);
        let (name, how) = all.first()?;
        let more = match all.len() {
            1 => String::new(),
            all => format!(" +{}", all - 1),
        };
        let words = match (width, tight) {
            (100.., 0..without::PRODUCTION) => format!(" GITOPS {name}: {how}{more} "),
            (_, without::OWNER..) => format!(" GITOPS OFF{more} "),
            _ => format!(" GITOPS OFF {name}{more} "),
        };
        Some(Span::styled(words, self.theme.production))
    }
}

/// `rollback myapp 8/10 on 411`: what is done to what, and how many pods are ready of those that are watched.
fn under_way(act: &Act, with_version: bool) -> String {
    let what = words::act_name(act);
    let ready = act.steps.iter().find_map(|(_, state)| match state {
        StepState::Running(says) => words::Ready::read(says),
        _ => None,
    });
    match ready {
        Some(ready) if with_version => format!("{what} {}{}", ready.pods, ready.on()),
        Some(ready) => format!("{what} {}", ready.pods),
        None => what,
    }
}
