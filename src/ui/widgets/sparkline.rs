//! A trend in one line of text, beside its number: seven block levels, or `_.-~^`.

use crate::ui::theme::Theme;
use ratatui::style::Style;
use ratatui::text::Span;

/// The trend of `values`, oldest first, in at most `width` cells; a missing value is a blank. More values than cells
/// are joined by their highest, so that a spike stays. A flat line is drawn low.
pub fn sparkline(values: &[Option<f64>], width: u16, style: Style, theme: &Theme) -> Span<'static> {
    let levels = theme.glyphs.spark;
    let cells = usize::from(width).min(values.len());
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.iter().flatten().filter(|value| value.is_finite()) {
        (low, high) = (low.min(*value), high.max(*value));
    }
    let level = |value: f64| {
        // Noise below a fiftieth of the value is flat: else 0.02 % against 0.021 % looks like an outage.
        if high - low <= high.abs() * 0.02 {
            return theme.glyphs.spark_flat;
        }
        let part = (value - low) / (high - low);
        levels[((part * (levels.len() - 1) as f64).round() as usize).min(levels.len() - 1)]
    };
    let text: String = (0..cells)
        .map(|cell| {
            let bucket = &values[cell * values.len() / cells..(cell + 1) * values.len() / cells];
            let finite = bucket.iter().flatten().filter(|value| value.is_finite());
            finite.copied().reduce(f64::max).map_or(" ", level)
        })
        .collect();
    Span::styled(text, style)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, dark};
    use super::*;

    fn spark(values: &[f64], width: u16, theme: &Theme) -> String {
        let values: Vec<Option<f64>> = values.iter().map(|value| Some(*value)).collect();
        sparkline(&values, width, Style::new(), theme).content.into_owned()
    }

    #[test]
    fn levels_flat_lines_gaps_and_spikes() {
        assert_eq!(spark(&[0.0, 0.0, 5.0, 10.0, 15.0, 20.0], 6, &ascii()), "__.-~^");
        assert_eq!(spark(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 7, &dark()), "▁▂▃▄▅▆▇");
        assert_eq!(spark(&[3.0, 3.01, 3.0], 3, &ascii()), "---");
        assert_eq!(sparkline(&[Some(1.0), None, Some(f64::NAN), Some(2.0)], 9, Style::new(), &ascii()).content, "_  ^");
        let mut many = vec![1.0; 1000];
        many[500] = 50.0;
        assert_eq!(spark(&many, 5, &ascii()), "__^__");
        assert_eq!(spark(&many, 0, &ascii()), "");
        assert_eq!(spark(&[], 5, &ascii()), "");
    }
}
