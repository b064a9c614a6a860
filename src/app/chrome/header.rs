//! The header: where one is, what is amiss or under way there, and who looks when.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    action::{
        Request,
        act::{Act, StepState},
    },
    app::App,
    model::BackendKind,
    time::Now,
    ui::widgets::cells::{put_line, put_right},
};

/// How much the header gives up for an act that is under way: nothing, its wide gaps, the names of production clusters
/// (the badge stays), and of what is off.
const TIGHTEST: u8 = 3;

impl App {
    pub(super) fn header(&self, area: Rect, buf: &mut Buffer, now: Now) {
        let theme = &self.theme;
        let right = self.header_right(area.width, now);
        let room = area.width.saturating_sub(right.width() as u16 + 2);
        let act = self.acts.running().next();
        let mut left = self.header_left(area.width, act, 0, now);
        for tight in 1..=TIGHTEST {
            // What is under way is read first, where there is no room for all.
            if act.is_none() || left.width() <= usize::from(room) {
                break;
            }
            left = self.header_left(area.width, act, tight, now);
        }
        put_line(buf, Rect { width: room, ..area }, &left, theme.glyphs.ellipsis);
        put_right(buf, Rect { width: area.width.saturating_sub(1), ..area }, &right, theme.glyphs.ellipsis);
    }

    fn header_left(&self, width: u16, act: Option<&Act>, tight: u8, now: Now) -> Line<'static> {
        let theme = &self.theme;
        let gap = |wide: &'static str| Span::raw(if tight > 0 { " " } else { wide });
        let mut spans = vec![Span::raw(" ")];
        if width >= 100 && tight == 0 {
            spans.push(Span::styled("midwatch", theme.strong));
            spans.push(Span::raw("  "));
        }
        if self.settings.is_demo {
            spans.push(Span::styled(" DEMO ", theme.harmless));
            spans.push(Span::raw(" "));
        }
        self.clusters(width, act.is_some(), tight, &mut spans);
        for backend in &self.settings.insecure {
            spans.extend([gap("  "), Span::styled(format!("{backend}: certificate NOT verified"), theme.wrong)]);
        }
        if let Some(drift) = self.drift_span(now, width) {
            spans.extend([gap("  "), drift]);
        }
        spans.extend(self.suspended(width, tight).into_iter().flat_map(|off| [gap("  "), off]));
        if let Some(act) = act {
            spans.extend([gap("   "), Span::styled(format!("~ {}", under_way(act)), theme.progress)]);
        }
        spans.extend(self.endings(now));
        Line::from(spans)
    }

    /// The clusters, production first.
    fn clusters(&self, width: u16, is_acting: bool, tight: u8, spans: &mut Vec<Span<'static>>) {
        let theme = &self.theme;
        let mut clusters: Vec<_> = self
            .settings
            .backends
            .iter()
            .filter(|(_, kind)| **kind == BackendKind::Kubernetes)
            .map(|(id, _)| id)
            .collect();
        clusters.sort_by_key(|cluster| !self.settings.is_production(cluster));
        let shown = if is_acting && (width < 100 || tight > 0) { 1 } else { 3 };
        let mut is_first = true;
        for cluster in clusters.iter().take(shown) {
            // Wider apart than a badge from its own.
            if !std::mem::take(&mut is_first) {
                spans.push(Span::raw("   "));
            }
            if self.settings.is_production(cluster) {
                spans.push(Span::styled(" PROD ", theme.production));
                if tight > 1 {
                    continue;
                }
                spans.push(Span::raw(" "));
            }
            spans.push(Span::styled(cluster.to_string(), theme.text));
            if let Some([only]) = self.settings.namespaces.get(*cluster).map(Vec::as_slice) {
                spans.push(Span::styled(format!("/{only}"), theme.text));
            }
            let user = self.settings.impersonated.get(*cluster);
            spans.extend(user.map(|user| Span::styled(format!(" as {user}"), theme.wrong)));
        }
        if clusters.len() > shown && tight == 0 {
            spans.push(Span::styled(format!("  +{}", clusters.len() - shown), theme.dim));
        }
    }

    /// GitOps that an act switched off: red until somebody switches it on again.
    fn suspended(&self, width: u16, tight: u8) -> Option<Span<'static>> {
        let all = self.acts.switched_off();
        let mut all = all.into_iter().filter_map(|(owner, act)| self.suspension(owner, act));
        let (name, how) = all.next()?;
        let more = match all.count() {
            0 => String::new(),
            more => format!(" +{more}"),
        };
        let words = match (width, tight) {
            (100.., 0 | 1) => format!(" GITOPS {name}{more}: {how} "),
            (_, TIGHTEST) => format!(" GITOPS OFF{more} "),
            _ => format!(" GITOPS OFF {name}{more} "),
        };
        Some(Span::styled(words, self.theme.production))
    }
}

/// `rollback myapp 8/10`: what is done to what, and how many pods are ready of those that are watched.
fn under_way(act: &Act) -> String {
    let what = match &act.request {
        Request::RollBack { workload, .. } => format!("rollback {}", workload.name),
        Request::Restart { workload } => format!("restart {}", workload.name),
        Request::Limits { workload, .. } => format!("limits {}", workload.name),
        Request::Resize { pod, .. } => format!("resize {}", pod.name),
        Request::Scale { workload, .. } => format!("scale {}", workload.name),
        Request::ResumeSync { workload } => format!("resume {}", workload.name),
        _ => act.title.to_string(),
    };
    let seen = act.steps.iter().find_map(|(_, state)| match state {
        StepState::Running(says) => says.split([' ', ',']).find(|word| is_fraction(word)),
        _ => None,
    });
    seen.map_or(what.clone(), |seen| format!("{what} {seen}"))
}

/// `8/10`
fn is_fraction(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('/').is_some_and(|(of, all)| is_number(of) && is_number(all))
}
