//! The first start without a configuration: what was found, what was not, and the key that mends it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    app::Effect,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        theme::Mark,
        widgets::{
            cells::{put_line, row, width},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// What was looked for, whether it was found, and what it is or what to do.
pub struct FirstMinute {
    found: Vec<(Clean, bool, Clean)>,
}

impl FirstMinute {
    pub fn new(found: &[(Clean, bool, Clean)]) -> Self {
        Self { found: found.to_vec() }
    }
}

impl Overlay for FirstMinute {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => Reply::Close,
            KeyCode::Char('w') => Reply::Many(vec![Reply::Close, Reply::Do(Effect::WriteConfig)]),
            KeyCode::Char('d') => Reply::Say("leave with ctrl-c and run `midwatch demo`: a world of its own".into()),
            KeyCode::Char('c') => Reply::Do(Effect::Copy("midwatch demo".into())),
            _ => Reply::Done,
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let name = self.found.iter().map(|(what, ..)| width(what)).max().unwrap_or(0).min(24);
        let mut lines = Vec::new();
        for (what, is_found, words) in &self.found {
            let (mark, style) = if *is_found { (Mark::Ok, theme.text) } else { (Mark::NoData, theme.dim) };
            let pad = " ".repeat(usize::from((name + 2).saturating_sub(width(what))));
            lines.push(Line::from(vec![
                theme.mark(mark),
                Span::styled(format!(" {what}{pad}"), theme.strong),
                Span::styled(words.to_string(), style),
            ]));
        }
        lines.push(Line::raw(""));
        let config = view.settings.config_path.as_str();
        let writing = view.keymap.shown(crate::command::Command::EnableWriting);
        let mut keys = vec![
            ("w", format!("write what was found as '{config}'")),
            ("d", "try it without any backend: `midwatch demo`".to_owned()),
        ];
        if view.settings.read_only.is_some()
            && let Some(key) = &writing
        {
            keys.push((
                key.as_str(),
                "later, on any screen: leave read-only mode; until then nothing can be changed".to_owned(),
            ));
        }
        keys.push(("enter", "go on".to_owned()));
        for (key, words) in keys {
            lines.push(Line::from(vec![Span::styled(format!("{key:6}"), theme.key), Span::styled(words, theme.text)]));
        }
        let inside = dialog(Frame::new(theme, "WHAT WAS FOUND"), area, 100, lines.len() as u16 + 2, buf);
        for (index, line) in lines.iter().enumerate() {
            if let Some(spot) = row(inside, index as u16) {
                put_line(buf, spot, line, theme.glyphs.ellipsis);
            }
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("w", "write the configuration"), ("d", "demo"), ("enter", "go on")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
