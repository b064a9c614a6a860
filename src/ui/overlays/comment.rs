//! A text for a pull request: a comment, or a review that asks for changes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget as _,
};
use tui_textarea::{TextArea, WrapMode};

use crate::{
    action::{Request, Verdict},
    model::{Name, code::PullRequestKey},
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
        },
    },
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Focus {
    Text,
    Send,
}

/// The form. Its text is never thrown away by one key.
pub struct Comment {
    pull_request: PullRequestKey,
    head_sha: Name,
    title: String,
    verdict: Option<Verdict>,
    text: TextArea<'static>,
    focus: Focus,
    /// Esc was pressed once on a text.
    is_leaving: bool,
    asked: Option<Request>,
}

impl Comment {
    pub fn new(pull_request: PullRequestKey, head_sha: Name, title: String, verdict: Option<Verdict>) -> Self {
        let mut text = TextArea::default();
        text.set_cursor_line_style(Style::new());
        text.set_wrap_mode(WrapMode::WordOrGlyph);
        Self { pull_request, head_sha, title, verdict, text, focus: Focus::Text, is_leaving: false, asked: None }
    }

    fn body(&self) -> String {
        self.text.lines().join("\n").trim().to_owned()
    }

    fn send(&mut self) -> Reply {
        let body = self.body();
        if body.is_empty() && self.verdict != Some(Verdict::Approve) {
            return Reply::Say("write something first".into());
        }
        let pull_request = self.pull_request.clone();
        let request = match self.verdict {
            None => Request::Comment { pull_request, body },
            Some(verdict) => Request::Review { pull_request, head_sha: self.head_sha.clone(), verdict, body },
        };
        self.asked = Some(request.clone());
        Reply::Ask(request)
    }

    fn leaving(&mut self, key: KeyEvent) -> Reply {
        if matches!(key.code, KeyCode::Char('y' | 'Y')) {
            return Reply::Close;
        }
        self.is_leaving = false;
        Reply::Done
    }

    fn heading(&self) -> String {
        let what = match self.verdict {
            None => "COMMENT ON",
            Some(Verdict::Approve) => "APPROVE",
            Some(Verdict::RequestChanges) => "REQUEST CHANGES OF",
        };
        format!("{what} #{} {}", self.pull_request.number, self.title)
    }
}

impl Overlay for Comment {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        if self.is_leaving {
            return self.leaving(key);
        }
        match (key.code, self.focus) {
            (KeyCode::Esc, _) if self.body().is_empty() => return Reply::Close,
            (KeyCode::Esc, _) => self.is_leaving = true,
            (KeyCode::Tab | KeyCode::BackTab, Focus::Text) => self.focus = Focus::Send,
            (KeyCode::Tab | KeyCode::BackTab, Focus::Send) => self.focus = Focus::Text,
            (KeyCode::Enter, Focus::Send) => return self.send(),
            (KeyCode::Enter, Focus::Text) if !key.modifiers.contains(KeyModifiers::ALT) => self.text.insert_newline(),
            (_, Focus::Text) => {
                self.text.input(key);
            }
            (_, Focus::Send) => {}
        }
        Reply::Done
    }

    fn asked(&self) -> Option<&Request> {
        self.asked.as_ref()
    }

    fn paste(&mut self, text: &str) {
        if self.focus == Focus::Text && !self.is_leaving {
            self.text.insert_str(text);
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let place = self.pull_request.repo.name.to_string();
        let height = (area.height * 3 / 5).max(10);
        let inside = dialog(Frame::new(theme, self.heading()).info(place), area, 96, height, buf);
        if inside.height < 4 {
            return None;
        }
        let field = Rect { height: inside.height - 2, ..inside };
        self.text.set_style(theme.input);
        let is_typing = self.focus == Focus::Text && !self.is_leaving;
        // The terminal's own cursor stands where one types.
        self.text.set_cursor_style(theme.input);
        self.text.render(field, buf);
        let cursor = self.text.screen_cursor();
        let (top, left) = self.text.scroll_offset();
        let at = Position {
            x: (field.x + (cursor.col as u16).saturating_sub(left)).min(field.right().saturating_sub(1)),
            y: (field.y + (cursor.row as u16).saturating_sub(top)).min(field.bottom().saturating_sub(1)),
        };
        if let Some(spot) = row(inside, inside.height - 1) {
            let line = if self.is_leaving {
                Line::from(vec![
                    Span::styled("Throw this text away?  ", theme.wrong),
                    Span::styled("y", theme.key),
                    Span::styled(" throw away   ", theme.key_word),
                    Span::styled("any other key", theme.key),
                    Span::styled(" go on writing", theme.key_word),
                ])
            } else {
                let style = if self.focus == Focus::Send { theme.selection } else { theme.text };
                let head = self.head_sha.chars().take(10).collect::<String>();
                let about = if self.verdict.is_some() { format!("   at head {head}") } else { String::new() };
                Line::from(vec![Span::styled("[ Send ]", style), Span::styled(about, theme.dim)])
            };
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
        }
        is_typing.then_some(at)
    }

    fn hints(&self) -> Vec<(String, String)> {
        let enter = if self.focus == Focus::Text { "new line" } else { "its plan" };
        [("tab", "to the button and back"), ("enter", enter), ("esc", "leave")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
