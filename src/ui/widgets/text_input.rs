//! A line of text being typed. The cursor moves over what people see as one character.

use super::cells::{clip, put_grapheme, put_line, width};
use crate::ui::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

/// The text and where the cursor stands, in bytes, always between two graphemes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextInput {
    text: String,
    cursor: usize,
    /// The text was not typed: the first letter replaces it.
    is_offered: bool,
}

impl TextInput {
    /// Begins with `text`, the cursor behind it.
    pub fn new(text: &str) -> Self {
        let mut input = Self::default();
        input.insert(text);
        input
    }

    /// Begins with a text that may be taken as it is. The first letter typed replaces it; a key that moves or deletes, and a
    /// blank, which goes on behind it, begin to edit it.
    pub fn offered(text: &str) -> Self {
        Self { is_offered: !text.is_empty(), ..Self::new(text) }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.cursor = 0;
    }

    /// Inserts at the cursor, also what was pasted: line ends and tabs become blanks, other control characters go.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.is_offered) && !text.starts_with(' ') {
            self.clear();
        }
        let line: String = text
            .chars()
            .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        self.text.insert_str(self.cursor, &line);
        self.cursor += line.len();
        // What was typed may have joined what stands behind the cursor: a combining mark, an emoji's second half.
        self.cursor = self.boundary_at_or_after(self.cursor);
    }

    /// Applies one key. Returns whether it was one of this field's keys.
    pub fn handle(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let was_offered = self.is_offered;
        self.is_offered &= matches!(key.code, KeyCode::Char(_)) && !control && !alt;
        match key.code {
            KeyCode::Char(typed) if !control && !alt => self.insert(typed.encode_utf8(&mut [0; 4])),
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('b') if control => self.cursor = self.before(),
            KeyCode::Char('f') if control => self.cursor = self.after(),
            KeyCode::Char('h') if control => self.delete(self.before(), self.cursor),
            KeyCode::Char('d') if control => self.delete(self.cursor, self.after()),
            KeyCode::Char('u') if control => self.delete(0, self.cursor),
            KeyCode::Char('k') if control => self.delete(self.cursor, self.text.len()),
            KeyCode::Char('w') if control => self.delete(self.word_before(), self.cursor),
            KeyCode::Char('b') if alt => self.cursor = self.word_before(),
            KeyCode::Char('f') if alt => self.cursor = self.word_after(),
            KeyCode::Char('d') if alt => self.delete(self.cursor, self.word_after()),
            KeyCode::Backspace if control || alt => self.delete(self.word_before(), self.cursor),
            KeyCode::Backspace => self.delete(self.before(), self.cursor),
            KeyCode::Delete => self.delete(self.cursor, self.after()),
            KeyCode::Left if control || alt => self.cursor = self.word_before(),
            KeyCode::Right if control || alt => self.cursor = self.word_after(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => {
                self.is_offered = was_offered;
                return false;
            }
        }
        true
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = self.boundary_at_or_after(from);
    }

    fn boundary_at_or_after(&self, at: usize) -> usize {
        let mut starts = self.text.grapheme_indices(true).map(|(start, _)| start);
        starts.find(|start| *start >= at).unwrap_or(self.text.len())
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(start, _)| start)
    }

    fn after(&self) -> usize {
        self.cursor + self.text[self.cursor..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        self.text[..self.cursor].unicode_word_indices().next_back().map_or(0, |(start, _)| start)
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.cursor..];
        rest.unicode_word_indices().next().map_or(self.text.len(), |(start, word)| self.cursor + start + word.len())
    }

    /// Draws the field over the first row of `area`, scrolled so that the cursor is seen, and returns the cursor's cell.
    /// `hint` stands there while nothing is typed.
    pub fn render(&self, area: Rect, hint: &str, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
        let mut area = clip(area, buf);
        area.height = area.height.min(1);
        if area.is_empty() {
            return None;
        }
        buf.set_style(area, theme.input);
        if self.text.is_empty() {
            put_line(buf, area, &Line::styled(hint, theme.input.patch(theme.placeholder)), theme.glyphs.ellipsis);
            return Some(area.as_position());
        }
        // Drop graphemes from the left until the cursor, and one cell for it, fits.
        let mut ahead = width(&self.text[..self.cursor]);
        let mut start = 0;
        for (at, grapheme) in self.text[..self.cursor].grapheme_indices(true) {
            if ahead < area.width {
                break;
            }
            ahead = ahead.saturating_sub(width(grapheme));
            start = at + grapheme.len();
        }
        let mut x = area.x;
        for grapheme in self.text[start..].graphemes(true) {
            let taken = put_grapheme(buf, x, area.y, area.right(), grapheme, theme.input);
            if taken == 0 && width(grapheme) > 0 {
                break;
            }
            x += taken;
        }
        Some(Position { x: (area.x + ahead).min(area.right() - 1), y: area.y })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    fn press(input: &mut TextInput, keys: &[(KeyCode, KeyModifiers)]) {
        for (code, modifiers) in keys {
            assert!(input.handle(KeyEvent::new(*code, *modifiers)), "{code:?}");
        }
    }

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

    #[test]
    fn the_cursor_moves_over_what_people_see() {
        let mut input = TextInput::new("ae\u{301}日👩‍💻");
        press(&mut input, &[(KeyCode::Backspace, NONE), (KeyCode::Left, NONE), (KeyCode::Backspace, NONE)]);
        assert_eq!(input.text(), "a日");
        press(&mut input, &[(KeyCode::Char('x'), NONE), (KeyCode::End, NONE), (KeyCode::Char('!'), NONE)]);
        assert_eq!(input.text(), "ax日!");
        press(&mut input, &[(KeyCode::Home, NONE), (KeyCode::Delete, NONE), (KeyCode::Char('k'), CONTROL)]);
        assert!(input.is_empty());
        press(&mut input, &[(KeyCode::Backspace, NONE), (KeyCode::Delete, NONE), (KeyCode::Left, NONE)]);
    }

    #[test]
    fn the_first_letter_replaces_what_was_offered_and_any_other_key_edits_it() {
        let after = |keys: &[(KeyCode, KeyModifiers)]| {
            let mut input = TextInput::offered("cart");
            press(&mut input, keys);
            input.text().to_owned()
        };
        let typed = |key| (KeyCode::Char(key), NONE);
        assert_eq!(after(&[typed('w'), typed('e'), typed('b')]), "web");
        assert_eq!(after(&[typed(' '), typed('x')]), "cart x");
        for (edits, expected) in [
            ((KeyCode::Backspace, NONE), "carx"),
            ((KeyCode::Left, NONE), "carxt"),
            ((KeyCode::Home, NONE), "xcart"),
            ((KeyCode::End, NONE), "cartx"),
            ((KeyCode::Char('e'), CONTROL), "cartx"),
        ] {
            assert_eq!(after(&[edits, typed('x')]), expected);
        }
        let mut input = TextInput::offered("cart");
        assert!(!input.handle(KeyEvent::new(KeyCode::Tab, NONE)));
        input.insert("web");
        assert_eq!(input.text(), "web", "what is pasted replaces it as well");
    }

    #[test]
    fn words_and_pastes() {
        let mut input = TextInput::new("level:ERROR and\n service\x1b[31m");
        assert_eq!(input.text(), "level:ERROR and  service[31m");
        press(&mut input, &[(KeyCode::Char('w'), CONTROL), (KeyCode::Char('w'), CONTROL)]);
        assert_eq!(input.text(), "level:ERROR and  ");
        press(&mut input, &[(KeyCode::Left, CONTROL), (KeyCode::Char('u'), CONTROL)]);
        assert_eq!(input.text(), "and  ");
        assert!(!input.handle(KeyEvent::new(KeyCode::Enter, NONE)));
        assert!(!input.handle(KeyEvent::new(KeyCode::Tab, NONE)));
    }

    #[test]
    fn it_scrolls_so_that_the_cursor_is_seen() {
        let draw = |input: &TextInput| {
            let mut at = None;
            let rows = drawn(6, 1, |area, buf| at = input.render(area, "find", &ascii(), buf));
            (rows[0].clone(), at.unwrap().x)
        };
        let mut input = TextInput::new("");
        assert_eq!(draw(&input), ("find".into(), 0));
        input.insert("abcdef日本");
        assert_eq!(draw(&input), ("f日本".into(), 5));
        press(&mut input, &[(KeyCode::Home, NONE)]);
        assert_eq!(draw(&input), ("abcdef".into(), 0));
    }

    #[test]
    fn any_size_is_safe() {
        let input = TextInput::new("日本 typed");
        everywhere(|theme, area, buf| {
            let at = input.render(area, "hint", theme, buf);
            assert!(at.is_none_or(|at| area.contains(at)));
        });
    }
}
