//! A bar of a part of a whole: use against its limit, stages done.

use crate::ui::theme::Theme;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A bar `width` cells wide for `part` of 1, in the style of the highest of `thresholds` (from part, style) it reached.
/// A part that is not nothing shows at least one cell, and only a whole fills the last.
pub fn gauge(part: f64, width: u16, thresholds: &[(f64, Style)], theme: &Theme) -> Line<'static> {
    let reached = thresholds.iter().filter(|(from, _)| part >= *from).max_by(|a, b| a.0.total_cmp(&b.0));
    let style = reached.map_or(theme.text, |(_, style)| *style);
    let room = width.saturating_sub((theme.glyphs.bar_ends.0.len() + theme.glyphs.bar_ends.1.len()) as u16);
    let full = if part.is_nan() { 0.0 } else { (part.clamp(0.0, 1.0) * f64::from(room)).round() } as u16;
    let full = match part {
        part if part > 0.0 && full == 0 => room.min(1),
        part if part < 1.0 && full == room => room.saturating_sub(1),
        _ => full,
    };
    bar(&[(full, style)], room, theme)
}

/// A bar of pieces one after another, the rest empty: `[###x....]` in the styles given.
pub fn bar(pieces: &[(u16, Style)], room: u16, theme: &Theme) -> Line<'static> {
    let glyphs = theme.glyphs;
    let mut line = Line::default();
    let mut left = room;
    line.push_span(Span::styled(glyphs.bar_ends.0, theme.dim));
    for (cells, style) in pieces {
        let cells = (*cells).min(left);
        left -= cells;
        line.push_span(Span::styled(glyphs.bar_full.repeat(usize::from(cells)), *style));
    }
    line.push_span(Span::styled(glyphs.bar_empty.repeat(usize::from(left)), theme.border));
    line.push_span(Span::styled(glyphs.bar_ends.1, theme.dim));
    line
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, dark};
    use super::*;

    #[test]
    fn a_little_shows_and_only_a_whole_is_full() {
        let theme = ascii();
        let draw = |part, width| gauge(part, width, &[], &theme).to_string();
        assert_eq!(draw(0.0, 8), "[......]");
        assert_eq!(draw(0.001, 8), "[#.....]");
        assert_eq!(draw(0.5, 8), "[###...]");
        assert_eq!(draw(0.999, 8), "[#####.]");
        assert_eq!(draw(1.7, 8), "[######]");
        assert_eq!(draw(f64::NAN, 4), "[..]");
        assert_eq!(draw(0.5, 0), "[]");
        assert_eq!(gauge(0.5, 4, &[], &dark()).to_string(), "━━──");
    }

    #[test]
    fn thresholds_give_the_style() {
        let theme = dark();
        let thresholds = [(0.0, theme.ok), (0.9, theme.broken), (0.8, theme.wrong)];
        let style = |part| gauge(part, 10, &thresholds, &theme).spans[1].style;
        assert_eq!([style(0.1), style(0.85), style(0.95)], [theme.ok, theme.wrong, theme.broken]);
    }
}
