//! Whether a cluster is production: `y`, `n`, or later.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    model::BackendId,
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// Keys typed on from before the dialog are dropped until there was this long a pause.
const QUIET: Duration = Duration::from_millis(400);

/// The question.
pub struct Production {
    cluster: BackendId,
    /// When the last key that was dropped came; first: when the dialog opened.
    noise: Instant,
    is_armed: bool,
}

impl Production {
    pub fn new(cluster: BackendId, opened: Instant) -> Self {
        Self { cluster, noise: opened, is_armed: false }
    }

    fn answer(&self, word: &str) -> Reply {
        Reply::Many(vec![Reply::Close, Reply::Line(format!("production {word} {}", self.cluster))])
    }
}

impl Overlay for Production {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        if key.code == KeyCode::Esc {
            return self.answer("later");
        }
        if !self.is_armed && view.now.since(self.noise) < QUIET {
            self.noise = view.now.mono;
            return Reply::Say("keys typed before the question was read were dropped".into());
        }
        self.is_armed = true;
        match key.code {
            KeyCode::Char('y') => self.answer("yes"),
            KeyCode::Char('n') => self.answer("no"),
            _ => Reply::Done,
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let server = view.store.backends.get(&self.cluster).and_then(|backend| backend.info.server.clone());
        let place = server.map(|server| server.to_string()).unwrap_or_default();
        let inside =
            dialog(Frame::new(theme, format!("IS {} PRODUCTION?", self.cluster)).info(place), area, 72, 8, buf);
        let key = |key: &'static str, words: &'static str| {
            Line::from(vec![Span::styled(format!("{key:5}"), theme.key), Span::styled(words, theme.text)])
        };
        let lines = [
            key("y", "yes: acts ask for the value that you must have read"),
            key("n", "no: a y is enough to confirm"),
            key("esc", "later: until then it counts as production"),
            Line::raw(""),
            Line::styled("Remembered for this cluster, whatever its context is called.", theme.dim),
        ];
        for (index, line) in lines.iter().enumerate() {
            if let Some(spot) = row(inside, index as u16) {
                put_line(buf, spot, line, theme.glyphs.ellipsis);
            }
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("y", "production"), ("n", "not"), ("esc", "later")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
