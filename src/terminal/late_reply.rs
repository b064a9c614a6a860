//! Swallows the terminal's answer about its background when it comes after we stopped waiting for it.
//!
//! crossterm does not know OSC answers: it hands one over as the keys `Alt-]` `1` `1` `;` `r` `g` `b` and so on, which
//! would act on whatever is selected. This filter stands between the event stream and the key map until one answer has
//! come or the caller disarms it.

use crate::ui::theme::{Background, background_of, parse_osc11};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const BEGINNING: &str = "\x1b]11;rgb";

/// The filter. Keys go in by [`Self::feed`]; when nothing follows for some 30 ms, [`Self::flush`] gives back what was
/// held, since it was typed by a person.
#[derive(Debug, Default)]
pub struct LateReply {
    armed: bool,
    held: Vec<KeyEvent>,
    seen: String,
    background: Option<Background>,
}

impl LateReply {
    /// Waits for an answer.
    pub fn armed() -> Self {
        Self { armed: true, ..Self::default() }
    }

    /// Lets everything through: the answer came in time.
    pub fn disarmed() -> Self {
        Self::default()
    }

    /// Stops waiting. Call [`Self::flush`] first.
    pub fn disarm(&mut self) {
        self.armed = false;
    }

    /// Whether keys are held back: call [`Self::flush`] if no other follows soon.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// The background, once, when a late answer was complete.
    pub fn take_background(&mut self) -> Option<Background> {
        self.background.take()
    }

    /// Takes a key and returns those that may act now, in order.
    pub fn feed(&mut self, key: KeyEvent) -> Vec<KeyEvent> {
        if !self.armed {
            return vec![key];
        }
        self.held.push(key);
        let Some(text) = as_bytes(key) else { return self.flush() };
        self.seen.push_str(&text);
        if let Some(rgb) = parse_osc11(self.seen.as_bytes()).filter(|_| ended(&self.seen)) {
            self.background = Some(background_of(rgb));
            self.armed = false;
            self.held.clear();
            self.seen.clear();
            return Vec::new();
        }
        if may_become_answer(&self.seen) { Vec::new() } else { self.flush() }
    }

    /// Gives back what is held: it was no answer.
    pub fn flush(&mut self) -> Vec<KeyEvent> {
        self.seen.clear();
        std::mem::take(&mut self.held)
    }
}

/// The bytes that crossterm made this key of.
fn as_bytes(key: KeyEvent) -> Option<String> {
    match key.code {
        KeyCode::Esc if key.modifiers.is_empty() => Some("\x1b".to_owned()),
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => Some("\x07".to_owned()),
        KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c.to_string()),
        KeyCode::Char(c) if key.modifiers == KeyModifiers::ALT => Some(format!("\x1b{c}")),
        _ => None,
    }
}

fn ended(seen: &str) -> bool {
    seen.ends_with('\x07') || seen.ends_with("\x1b\\")
}

/// Whether this may be the beginning of an answer.
fn may_become_answer(seen: &str) -> bool {
    let Some(body) = seen.strip_prefix(BEGINNING) else { return BEGINNING.starts_with(seen) };
    let body = body.strip_suffix('\x1b').unwrap_or(body);
    let body = body.strip_prefix('a').unwrap_or(body);
    let digits = body.strip_prefix(':').unwrap_or("");
    (body.is_empty() || body.starts_with(':'))
        && digits.len() <= 19
        && digits.chars().all(|c| c.is_ascii_hexdigit() || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    /// What crossterm 0.29 makes of an answer that arrives in one piece.
    fn keys(answer: &str) -> Vec<KeyEvent> {
        let mut keys = Vec::new();
        let mut chars = answer.chars();
        while let Some(c) = chars.next() {
            keys.push(match c {
                '\x1b' => key(KeyCode::Char(chars.next().unwrap()), KeyModifiers::ALT),
                '\x07' => key(KeyCode::Char('g'), KeyModifiers::CONTROL),
                c if c.is_uppercase() => key(KeyCode::Char(c), KeyModifiers::SHIFT),
                c => key(KeyCode::Char(c), KeyModifiers::NONE),
            });
        }
        keys
    }

    #[test]
    fn a_late_answer_presses_no_key() {
        for (answer, background) in [
            ("\x1b]11;rgb:1e1e/1E1E/2e2e\x1b\\", Background::Dark),
            ("\x1b]11;rgb:ffff/ffff/ffff\x07", Background::Light),
            ("\x1b]11;rgba:ff/ff/ff/ff\x1b\\", Background::Light),
        ] {
            let mut filter = LateReply::armed();
            let through: Vec<KeyEvent> = keys(answer).into_iter().flat_map(|key| filter.feed(key)).collect();
            assert_eq!(through, [], "{answer:?}");
            assert_eq!(filter.take_background(), Some(background));
            // One answer only: what follows is typed.
            assert_eq!(filter.feed(keys("\x1b]")[0]), keys("\x1b]"));
        }
    }

    #[test]
    fn an_answer_torn_apart_after_its_escape() {
        let mut filter = LateReply::armed();
        let mut torn = vec![key(KeyCode::Esc, KeyModifiers::NONE)];
        torn.extend(keys("]11;rgb:00/00/00"));
        torn.push(key(KeyCode::Esc, KeyModifiers::NONE));
        torn.extend(keys("\\"));
        assert_eq!(torn.into_iter().flat_map(|key| filter.feed(key)).collect::<Vec<_>>(), []);
        assert_eq!(filter.take_background(), Some(Background::Dark));
    }

    #[test]
    fn what_people_type_is_lost_in_no_case() {
        for typed in ["jjk", "\x1b]", "\x1b]1", "\x1b]11;rgx", "\x1b]11;rgb:zz", "\x1bb"] {
            let mut filter = LateReply::armed();
            let mut through: Vec<KeyEvent> = keys(typed).into_iter().flat_map(|key| filter.feed(key)).collect();
            through.extend(filter.flush());
            assert_eq!(through, keys(typed), "{typed:?}");
            assert!(!filter.is_holding());
        }
        let mut filter = LateReply::armed();
        let up = key(KeyCode::Up, KeyModifiers::NONE);
        let escape = key(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(filter.feed(escape), []);
        assert_eq!(filter.feed(up), [escape, up]);
        assert_eq!(LateReply::disarmed().feed(escape), [escape]);
    }
}
