//! `:forwards` The port-forwards of this session: where they lead, what went through, and a key that ends one.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use crate::{
    app::Effect,
    model::{
        Name, Part,
        forward::{Forward, ForwardState},
        kubernetes::ObjectKey,
        metric::Unit,
    },
    text::Clean,
    ui::{
        Overlay, Reply, View,
        theme::Mark,
        widgets::{
            cells::{fit, put_line, row, width},
            dialog::dialog,
            frame::Frame,
        },
    },
    units,
};

#[derive(Default)]
pub struct Forwards {
    cursor: usize,
    list: Rect,
    /// Of the last frame.
    count: usize,
}

impl Overlay for Forwards {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        let last = view.forwards.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        let chosen = view.forwards.get(self.cursor);
        let address = chosen.and_then(Forward::address);
        match (key.code, chosen) {
            (KeyCode::Esc | KeyCode::Char('q'), _) => return Reply::Close,
            (KeyCode::Down | KeyCode::Char('j'), _) => self.cursor = (self.cursor + 1).min(last),
            (KeyCode::Up | KeyCode::Char('k'), _) => self.cursor = self.cursor.saturating_sub(1),
            (KeyCode::Delete | KeyCode::Char('x'), Some(forward)) => {
                return Reply::Do(Effect::StopForward(forward.number));
            }
            (KeyCode::Char('y'), Some(_)) => {
                return address.map_or(Reply::Done, |text| Reply::Do(Effect::Copy(Clean::own(text))));
            }
            (KeyCode::Enter | KeyCode::Char('o'), Some(_)) => {
                return address
                    .map_or(Reply::Done, |text| Reply::Do(Effect::OpenUrl(Clean::own(format!("http://{text}/")))));
            }
            _ => {}
        }
        Reply::Done
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        if self.list.contains(at) {
            self.cursor = usize::from((at.y - self.list.y) / 2);
        }
        Reply::Done
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let count = view.forwards.len();
        let height = (count as u16).saturating_mul(2).clamp(2, area.height.saturating_sub(4)) + 3;
        let frame = Frame::new(theme, "PORT-FORWARDS").info("127.0.0.1 only; they end with midwatch");
        let inside = dialog(frame, area, 104, height, buf);
        (self.list, self.count) = (inside, count);
        self.cursor = self.cursor.min(count.saturating_sub(1));
        if count == 0 {
            let words = "none. F on a pod or workload starts one; `:forward svc/NAME 8080:80` to a service";
            put_line(buf, inside, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
            return None;
        }
        let shown = usize::from(inside.height / 2).max(1);
        let top = self.cursor.saturating_sub(shown - 1);
        for (index, forward) in view.forwards.iter().enumerate().skip(top).take(shown) {
            let y = ((index - top) * 2) as u16;
            let (first, second) = lines(forward, view, inside.width);
            for (line, y) in [(first, y), (second, y + 1)] {
                let Some(spot) = row(inside, y) else { continue };
                // Below the text: the badge of production keeps its own ground, on the row that `x` stops above all.
                if index == self.cursor {
                    buf.set_style(spot, theme.selection);
                }
                put_line(buf, spot, &line, theme.glyphs.ellipsis);
            }
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        let all =
            [("esc", "leave"), ("x", "stop it"), ("y", "copy its address"), ("enter", "open it"), ("j/k", "choose")];
        // What is for one of them needs one, and a choice two.
        let shown = match self.count {
            0 => 1,
            1 => 4,
            _ => 5,
        };
        all[..shown].iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
    }
}

/// Columns that the state has before anything beside it.
const MOST_STATE: u16 = 24;

/// `1.5 KiB`
fn bytes(count: u64) -> String {
    units::format(&Unit { id: "bytes".into(), decimals: None }, count as f64)
}

/// The pod of its last connection is no longer there, as far as the pods of that place are watched: another takes its place
/// when it is needed.
fn is_gone(view: &View<'_>, forward: &Forward, pod: &Name) -> bool {
    let (cluster, namespace) = (forward.ask.to.cluster(), forward.ask.to.namespace());
    let watched = view.settings.namespaces.get(cluster);
    let is_watched = watched.is_none_or(|all| all.is_empty() || all.contains(namespace));
    let pods = view.store.freshness_of(Part::Pods, Some(cluster), view.now);
    let key = ObjectKey { cluster: cluster.clone(), namespace: namespace.clone(), name: pod.clone() };
    is_watched
        && pods.is_some_and(|(_, freshness)| freshness.is_live())
        && view.store.kube.pods.get(&key).is_none_or(|pod| pod.deleting_since.is_some())
}

/// `127.0.0.1:8080 -> deploy/myapp:8080   prod-eu1/shop`, and below it how it goes.
fn lines(forward: &Forward, view: &View<'_>, room: u16) -> (Line<'static>, Line<'static>) {
    let theme = view.theme;
    let (mark, words, style): (Mark, String, Style) = match &forward.state {
        ForwardState::Starting => (Mark::Progress, "starting".to_owned(), theme.progress),
        ForwardState::Listening => (Mark::Ok, "listening".to_owned(), theme.ok),
        ForwardState::Trouble(says) => (Mark::Wrong, says.to_string(), theme.wrong),
        ForwardState::Failed(says) => (Mark::Broken, says.to_string(), theme.broken),
    };
    let local = forward.address().or_else(|| forward.ask.local.map(|port| format!("127.0.0.1:{port}")));
    let remote = forward.pod.as_ref().map(|(_, port)| port.to_string());
    let remote = remote.or_else(|| forward.ask.remote.as_ref().map(ToString::to_string)).unwrap_or_default();
    let to = &forward.ask.to;
    let is_production = view.settings.is_production(to.cluster());
    let (badge, gap) = if is_production { ("PROD", " ") } else { ("", "") };
    let first = Line::from(vec![
        theme.mark(mark),
        Span::raw(" "),
        Span::styled(format!("{:16}", local.unwrap_or_default()), theme.strong),
        Span::styled(format!(" {} ", theme.glyphs.becomes), theme.dim),
        Span::styled(format!("{to}:{remote}"), theme.strong),
        Span::raw("   "),
        Span::styled(badge, theme.production),
        Span::styled(format!("{gap}{}/{}", to.cluster(), to.namespace()), theme.dim),
    ]);
    let pod = match &forward.pod {
        Some((pod, _)) if is_gone(view, forward, pod) => "  pod gone: next connection finds one".to_owned(),
        Some((pod, _)) => format!("  pod {pod}"),
        None => String::new(),
    };
    let counts = format!("  {} open of {}", forward.open, forward.opened);
    let traffic = format!("  {} sent, {} received", bytes(forward.sent), bytes(forward.received));
    // What does not fit goes, the least first; never half of a number.
    let forms = [format!("{pod}{counts}{traffic}"), format!("{pod}{traffic}"), traffic, counts];
    let state = width(&words).min(MOST_STATE);
    let fits = |rest: &String| 2 + state + width(rest) <= room;
    let rest = match forward.state {
        ForwardState::Failed(_) => String::new(),
        _ => forms.into_iter().find(fits).unwrap_or_default(),
    };
    let most = room.saturating_sub(2 + width(&rest)).max(10);
    let second = Line::from(vec![
        Span::raw("  "),
        Span::styled(fit(&words, most, theme.glyphs.ellipsis).into_owned(), style),
        Span::styled(rest, theme.dim),
    ]);
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            forward::{ForwardAsk, ForwardTo},
            kubernetes::WorkloadKind,
        },
        ui::testing::{World, cluster, pod, workload_key},
    };

    #[test]
    fn a_pod_that_is_gone_is_not_named() {
        let mut world = World::live();
        world.pods([pod("myapp-6d5c9", "one", None)]);
        let to = ForwardTo::Workload(workload_key(WorkloadKind::Deployment, "myapp"));
        let ask = ForwardAsk { to, or: None, local: Some(8080), remote: None };
        let to_pod = |name: &str| Forward {
            pod: Some((name.into(), 80)),
            state: ForwardState::Listening,
            ..Forward::new(1, ask.clone())
        };
        let says = |world: &World, name: &str, room| lines(&to_pod(name), &world.view(), room).1.to_string();
        assert!(says(&world, "myapp-6d5c9-one", 100).contains("listening  pod myapp-6d5c9-one"));
        let gone = says(&world, "myapp-6d5c9-two", 76);
        assert!(gone.contains("listening  pod gone: next connection finds one"), "{gone}");
        // Where pods are not watched, nobody knows.
        world.settings.namespaces.insert(cluster(), vec!["elsewhere".into()]);
        assert!(says(&world, "myapp-6d5c9-two", 100).contains("pod myapp-6d5c9-two"));
    }
}
