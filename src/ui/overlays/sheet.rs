//! Lines to be read: a cursor, find, scrolling both ways. What most overlays show.

pub use super::writer::{Writer, clock, clock_seconds, date, diff_lines};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use crate::{
    command::Command,
    text::Clean,
    ui::{
        View,
        target::Target,
        theme::Theme,
        widgets::{
            cells::{clear, put_line, put_right, put_text, row},
            log_view::{Anchor, LogHits, LogLine, LogView},
            text_input::TextInput,
        },
    },
};

/// One line: the head stays where it is, the body wraps or scrolls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetLine {
    pub head: Line<'static>,
    pub body: Line<'static>,
    /// What `y` copies instead of the line's own text.
    pub copy: Option<Clean>,
    /// The object the line is about: keys mean it while the cursor is here.
    pub target: Option<Target>,
}

impl SheetLine {
    /// The text that is searched and copied.
    fn text(&self) -> String {
        self.body.spans.iter().map(|span| span.content.as_ref()).collect()
    }
}

/// The state of a page of lines.
#[derive(Default)]
pub struct Sheet {
    lines: Vec<SheetLine>,
    cursor: usize,
    top: usize,
    x: u16,
    pub wrap: bool,
    height: usize,
    /// The find line while it is typed.
    typing: Option<TextInput>,
    needle: String,
    hits: LogHits,
}

impl Sheet {
    /// Long lines are wrapped.
    pub fn wrapped() -> Self {
        Self { wrap: true, ..Self::default() }
    }

    /// Other lines: the cursor stays where it is, as far as there are lines.
    pub fn set(&mut self, lines: Vec<SheetLine>) {
        self.lines = lines;
        self.cursor = self.cursor.min(self.lines.len().saturating_sub(1));
    }

    /// To the beginning: another page is shown.
    pub fn rewind(&mut self) {
        (self.cursor, self.top, self.x) = (0, 0, 0);
    }

    pub fn go(&mut self, line: usize) {
        self.cursor = line.min(self.lines.len().saturating_sub(1));
        // Some lines before it belong to what it says.
        self.top = self.cursor.saturating_sub(self.height / 3);
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// This line at the top.
    pub fn go_to_top(&mut self, line: usize) {
        self.cursor = line.min(self.lines.len().saturating_sub(1));
        self.top = self.cursor;
    }

    /// Something was searched for: `n` means the next of it.
    pub fn is_finding(&self) -> bool {
        !self.needle.is_empty()
    }

    /// All lines, to be saved.
    pub fn all_text(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + &line.text() + "\n")
    }

    pub fn owns_keys(&self) -> bool {
        self.typing.is_some()
    }

    /// A key of the find line.
    pub fn key(&mut self, key: KeyEvent) {
        let Some(input) = &mut self.typing else { return };
        match key.code {
            KeyCode::Esc => {
                self.typing = None;
                self.needle.clear();
                return;
            }
            KeyCode::Enter => {
                self.typing = None;
                return;
            }
            _ => {
                input.handle(key);
            }
        }
        self.needle = self.typing.as_ref().map(|input| input.text().to_owned()).unwrap_or_default();
        self.find(self.cursor, true);
    }

    pub fn paste(&mut self, text: &str) {
        if let Some(input) = &mut self.typing {
            input.insert(text);
            input.text().clone_into(&mut self.needle);
            self.find(self.cursor, true);
        }
    }

    /// A command that moves or finds. False: not one of these.
    pub fn run(&mut self, command: Command) -> bool {
        // Wrapped lines take more than a row each.
        let page = self.hits.lines.len().max(2) as isize;
        match command {
            Command::Down => self.step(1),
            Command::Up => self.step(-1),
            Command::PageDown => self.turn(page - 1),
            Command::PageUp => self.turn(1 - page),
            Command::HalfDown => self.turn(page / 2),
            Command::HalfUp => self.turn(-(page / 2)),
            Command::Top => self.rewind(),
            Command::Bottom => self.cursor = self.lines.len().saturating_sub(1),
            Command::Left => self.x = self.x.saturating_sub(8),
            Command::Right if !self.wrap => self.x = (self.x + 8).min(2_000),
            Command::Filter => self.typing = Some(TextInput::offered(&self.needle)),
            Command::NextMatch if !self.needle.is_empty() => self.find(self.cursor + 1, true),
            Command::PreviousMatch if !self.needle.is_empty() => self.find(self.cursor, false),
            Command::Back if !self.needle.is_empty() => self.needle.clear(),
            _ => return false,
        }
        true
    }

    pub fn scroll(&mut self, lines: i32) {
        self.step(lines as isize);
    }

    /// The cursor onto the line that was clicked.
    pub fn click(&mut self, at: Position) -> bool {
        match self.hits.at(at) {
            Some(number) => {
                self.cursor = (self.top + number).min(self.lines.len().saturating_sub(1));
                true
            }
            None => false,
        }
    }

    /// The line under the cursor.
    pub fn copied(&self) -> Option<Clean> {
        let line = self.lines.get(self.cursor)?;
        let text = line.copy.clone().unwrap_or_else(|| Clean::own(line.text().trim()));
        (!text.is_empty()).then_some(text)
    }

    /// The object of the line under the cursor.
    pub fn target(&self) -> Option<&Target> {
        self.lines.get(self.cursor)?.target.as_ref()
    }

    /// The window moves with the cursor, as far as there are lines.
    fn turn(&mut self, by: isize) {
        let last = self.lines.len().saturating_sub(self.hits.lines.len()).max(self.top);
        self.top = self.top.saturating_add_signed(by).min(last);
        self.step(by);
    }

    fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }

    /// To the next line (from `from` on) or the last one before it that has the needle; around the end.
    fn find(&mut self, from: usize, forward: bool) {
        let count = self.lines.len();
        if self.needle.is_empty() || count == 0 {
            return;
        }
        let found = (0..count)
            .map(|step| if forward { (from + step) % count } else { (from + 2 * count - 1 - step) % count })
            .find(|index| !self.finds(&self.lines[*index]).is_empty());
        if let Some(index) = found {
            self.cursor = index;
        }
    }

    /// Byte ranges of the needle in a line; lower case finds both.
    fn finds(&self, line: &SheetLine) -> Vec<std::ops::Range<usize>> {
        if self.needle.is_empty() {
            return Vec::new();
        }
        let is_exact = self.needle.chars().any(char::is_uppercase);
        let text = line.text();
        // Lower case of ASCII only: it keeps every byte where it is.
        let (text, needle) = if is_exact {
            (text, self.needle.clone())
        } else {
            (text.to_ascii_lowercase(), self.needle.to_ascii_lowercase())
        };
        text.match_indices(&needle).map(|(at, hit)| at..at + hit.len()).collect()
    }

    /// Draws the lines, with the find line at the bottom while it is typed or holds.
    pub fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let has_find = self.typing.is_some() || !self.needle.is_empty();
        let lines = Rect { height: area.height.saturating_sub(u16::from(has_find)), ..area };
        self.height = usize::from(lines.height);
        self.draw(theme, lines, buf);
        if !has_find {
            return None;
        }
        let spot = row(area, area.height.checked_sub(1)?)?;
        let used = put_text(buf, spot, "/", theme.key);
        let rest = Rect { x: spot.x + used, width: spot.width.saturating_sub(used), ..spot };
        if let Some(input) = &self.typing {
            return input.render(rest, "find", theme, buf);
        }
        put_line(buf, rest, &Line::styled(self.needle.clone(), theme.search_match), theme.glyphs.ellipsis);
        let found = self.lines.iter().filter(|line| !self.finds(line).is_empty()).count();
        let words = if found == 0 { "not found".to_owned() } else { format!("{found} lines") };
        put_right(buf, rest, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        None
    }

    fn draw(&mut self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        if self.cursor < self.top {
            self.top = self.cursor;
        }
        if self.cursor >= self.top + self.height.max(1) {
            self.top = self.cursor + 1 - self.height.max(1);
        }
        loop {
            let hits = {
                let lines = self.lines.iter().skip(self.top).map(|line| LogLine {
                    head: line.head.clone(),
                    body: line.body.clone(),
                    finds: self.finds(line),
                    ..LogLine::default()
                });
                LogView::new(theme, Anchor::Top)
                    .wrap(self.wrap)
                    .x(self.x)
                    .cursor(Some(self.cursor - self.top))
                    .render(area, buf, lines)
            };
            let is_seen = hits.lines.iter().any(|(_, number)| self.top + number == self.cursor);
            self.hits = hits;
            // Wrapped lines before it may push the cursor's line out.
            if is_seen || self.top >= self.cursor {
                break;
            }
            self.top += 1;
            clear(buf, area);
        }
    }
}
