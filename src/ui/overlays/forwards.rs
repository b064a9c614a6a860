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
        forward::{Forward, ForwardState},
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
    let pod = forward.pod.as_ref().map(|(pod, _)| format!("  pod {pod}")).unwrap_or_default();
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
