//! The values of one variable: filtered while one types, one or several chosen; or a text.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    model::metric::{ALL, Setting, Variable},
    text::Clean,
    ui::{
        View,
        filter::Filter,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
        },
    },
};

/// What came of a key.
pub enum Picked {
    Nothing,
    Left,
    Values(Vec<Clean>),
}

pub struct Picking {
    variable: Variable,
    input: TextInput,
    /// Options that the text leaves.
    shown: Vec<usize>,
    cursor: usize,
    marked: Vec<Clean>,
    /// Whether marks were set by hand: else Enter means the row under the cursor.
    has_marked: bool,
    /// First row in sight, and where the rows were drawn.
    first: usize,
    list: Rect,
}

impl Picking {
    pub fn new(variable: &Variable) -> Self {
        let is_text = variable.setting == Setting::Text;
        let mut picking = Self {
            input: if is_text { TextInput::offered(&variable.value) } else { TextInput::default() },
            shown: (0..variable.options.len()).collect(),
            cursor: 0,
            marked: variable.chosen.clone(),
            has_marked: false,
            first: 0,
            list: Rect::ZERO,
            variable: variable.clone(),
        };
        let chosen = |index: &usize| picking.marked.contains(&picking.variable.options[*index].1);
        picking.cursor = picking.shown.iter().position(chosen).unwrap_or(0);
        picking
    }

    /// It offers something else now.
    pub fn refresh(&mut self, variable: &Variable) {
        if self.variable.options != variable.options {
            let selected = self.value().cloned();
            self.variable.options.clone_from(&variable.options);
            self.marked.retain(|marked| variable.options.iter().any(|(_, value)| value == marked));
            self.filter(selected.as_ref());
        }
    }

    pub const fn variable(&self) -> &Variable {
        &self.variable
    }

    pub fn key(&mut self, key: KeyEvent) -> Picked {
        let last = self.shown.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Picked::Left,
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab if self.variable.setting == Setting::Many => {
                self.toggle();
                self.cursor = (self.cursor + 1).min(last);
            }
            KeyCode::Down => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::PageDown => self.cursor = (self.cursor + 10).min(last),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(10),
            _ => {
                self.input.handle(key);
                self.refilter();
            }
        }
        Picked::Nothing
    }

    pub fn paste(&mut self, text: &str) {
        self.input.insert(text);
        self.refilter();
    }

    pub fn click(&mut self, at: Position) {
        if self.list.contains(at) {
            let index = self.first + usize::from(at.y - self.list.y);
            self.cursor = index.min(self.shown.len().saturating_sub(1));
        }
    }

    fn refilter(&mut self) {
        let selected = self.value().cloned();
        self.filter(selected.as_ref());
    }

    /// The cursor stays on the value it was on, where that is still there.
    fn filter(&mut self, selected: Option<&Clean>) {
        let text = self.input.text().trim();
        let filter = if text.is_empty() { Filter::All } else { Filter::Fuzzy(text.to_owned()) };
        let options = &self.variable.options;
        self.shown = (0..options.len()).filter(|index| filter.keeps(&options[*index].0, |_| None)).collect();
        let is_selected = |index: &usize| selected == Some(&options[*index].1);
        self.cursor = self.shown.iter().position(is_selected).unwrap_or(0);
    }

    fn value(&self) -> Option<&Clean> {
        self.shown.get(self.cursor).map(|index| &self.variable.options[*index].1)
    }

    /// All and single ones exclude each other.
    fn toggle(&mut self) {
        let Some(value) = self.value().cloned() else { return };
        self.has_marked = true;
        if self.marked.contains(&value) {
            self.marked.retain(|marked| *marked != value);
        } else if value == ALL {
            self.marked = vec![value];
        } else {
            self.marked.retain(|marked| *marked != ALL);
            self.marked.push(value);
        }
    }

    fn enter(&self) -> Picked {
        match self.variable.setting {
            Setting::Text => Picked::Values(vec![Clean::line(self.input.text())]),
            Setting::Many if self.has_marked && !self.marked.is_empty() => Picked::Values(self.marked.clone()),
            _ => self.value().map_or(Picked::Nothing, |value| Picked::Values(vec![value.clone()])),
        }
    }

    pub fn hints(&self) -> &'static [(&'static str, &'static str)] {
        match self.variable.setting {
            Setting::Text => &[("enter", "ask with it"), ("esc", "back")],
            Setting::Many => {
                &[("type", "filter"), ("tab", "mark"), ("enter", "take the marked, or this one"), ("esc", "back")]
            }
            Setting::One | Setting::Fixed => &[("type", "filter"), ("enter", "take it"), ("esc", "back")],
        }
    }

    pub fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let is_text = self.variable.setting == Setting::Text;
        let count = format!("{} of {}", self.shown.len(), self.variable.options.len());
        let rows = if is_text { 0 } else { self.variable.options.len() as u16 };
        let title = self.variable.label.to_uppercase();
        let frame = Frame::new(theme, title.as_str()).info(if is_text { "" } else { count.as_str() });
        let inside = dialog(frame, area, 64, rows.saturating_add(3).min(24), buf);
        let field = row(inside, 0)?;
        let cursor = self.input.render(field, if is_text { "a text" } else { "filter" }, theme, buf);
        if is_text {
            return cursor;
        }
        self.list = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        let room = usize::from(self.list.height).max(1);
        self.first = self.first.min(self.cursor).max((self.cursor + 1).saturating_sub(room));
        for (line, at) in (self.first..self.shown.len()).take(room).enumerate() {
            let Some(spot) = row(self.list, line as u16) else { break };
            let (text, value) = &self.variable.options[self.shown[at]];
            let mark = if self.marked.contains(value) { "* " } else { "  " };
            let spans = vec![Span::styled(mark, theme.accent), Span::styled(text.as_str(), theme.text)];
            put_line(buf, spot, &Line::from(spans), theme.glyphs.ellipsis);
            if at == self.cursor {
                buf.set_style(spot, theme.selection);
            }
        }
        if self.shown.is_empty()
            && let Some(spot) = row(self.list, 0)
        {
            put_line(buf, spot, &Line::styled("  nothing like that", theme.dim), theme.glyphs.ellipsis);
        }
        cursor
    }
}
