//! The footer: `key word` pairs, the most important as far as they fit.

use super::cells::{clip, put_text, width};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// One key and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint<'a> {
    pub key: &'a str,
    pub word: &'a str,
    /// The lowest goes first when there is little room.
    pub priority: u8,
    /// Whether it would do something now.
    pub enabled: bool,
}

/// Draws the hints that fit, in the order given, and returns each one's area and index.
pub fn hints(hints: &[Hint<'_>], area: Rect, theme: &Theme, buf: &mut Buffer) -> Vec<(Rect, usize)> {
    const GAP: u16 = 2;
    let area = clip(area, buf);
    if area.is_empty() {
        return Vec::new();
    }
    let taken = |hint: &Hint<'_>| width(hint.key) + if hint.word.is_empty() { 0 } else { 1 + width(hint.word) };
    let mut order: Vec<usize> = (0..hints.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(hints[*index].priority));
    let mut left = area.width + GAP;
    let mut shown: Vec<usize> = order
        .into_iter()
        .map_while(|index| {
            left = left.checked_sub(taken(&hints[index]) + GAP)?;
            Some(index)
        })
        .collect();
    shown.sort_unstable();
    let (mut x, mut areas) = (area.x, Vec::new());
    for index in shown {
        let hint = &hints[index];
        let spot = Rect { x, y: area.y, width: taken(hint), height: 1 };
        let off = if hint.enabled { Modifier::empty() } else { Modifier::CROSSED_OUT };
        let key_style = if hint.enabled { theme.key } else { theme.dim };
        let after = put_text(buf, spot, hint.key, key_style) + 1;
        let rest = Rect { x: x + after, width: spot.width.saturating_sub(after), ..spot };
        put_text(buf, rest, hint.word, theme.key_word.add_modifier(off));
        areas.push((spot, index));
        x += spot.width + GAP;
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    const HINTS: [Hint<'static>; 4] = [
        Hint { key: "a", word: "ack", priority: 9, enabled: true },
        Hint { key: "R", word: "roll back", priority: 8, enabled: true },
        Hint { key: "h", word: "handoff", priority: 1, enabled: false },
        Hint { key: "?", word: "help", priority: 10, enabled: true },
    ];

    #[test]
    fn the_important_ones_stay_in_their_order() {
        let draw = |width| drawn(width, 1, |area, buf| drop(hints(&HINTS, area, &ascii(), buf))).remove(0);
        assert_eq!(draw(60), "a ack  R roll back  h handoff  ? help");
        assert_eq!(draw(36), "a ack  R roll back  ? help");
        assert_eq!(draw(20), "a ack  ? help");
        assert_eq!(draw(6), "? help");
        assert_eq!(draw(5), "");
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| drop(hints(&HINTS, area, theme, buf)));
    }
}
