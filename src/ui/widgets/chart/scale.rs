//! The y axis: round numbers at equal steps.

/// A linear axis over rows of cells: the bottom row's middle is `bottom`, each row is worth `per_row`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub bottom: f64,
    pub per_row: f64,
    pub rows: u16,
    /// A number stands on every so many rows.
    every: u16,
    range: (f64, f64),
}

impl Scale {
    /// An axis that holds `low` to `high` with as little room left over as round steps allow.
    pub fn new(low: f64, high: f64, rows: u16) -> Self {
        let rows = rows.max(1);
        let high = if high > low { high } else { low + if low == 0.0 { 1.0 } else { low.abs() } };
        // Numbers on every so many rows, the likeable first: it wins where several leave equally little over.
        let spacings: &[u16] = match rows {
            0..=4 => &[1],
            5..=6 => &[2, 1],
            7..=12 => &[2, 3],
            13..=24 => &[3, 4, 2],
            _ => &[4, 5, 6],
        };
        let mut best = Self::spaced(low, high, rows, spacings[0]);
        for every in &spacings[1..] {
            let other = Self::spaced(low, high, rows, *every);
            if other.per_row < best.per_row * 0.95 {
                best = other;
            }
        }
        best
    }

    fn spaced(low: f64, high: f64, rows: u16, every: u16) -> Self {
        let steps = f64::from(rows.saturating_sub(1).max(1)) / f64::from(every);
        let mut step = round_up((high - low) / steps);
        // The bottom is a round number too, which may cost a part of a step at the top.
        loop {
            let bottom = (low / step).floor() * step;
            if bottom + step * steps >= high - step * 1e-9 {
                return Self { bottom, per_row: step / f64::from(every), rows, every, range: (low, high) };
            }
            step = round_up(step * 1.01);
        }
    }

    /// The same values on another number of rows.
    #[must_use]
    pub fn for_rows(self, rows: u16) -> Self {
        Self::new(self.range.0, self.range.1, rows)
    }

    /// Rows from the top that carry a number, with the number.
    pub fn ticks(self) -> impl Iterator<Item = (u16, f64)> {
        (0..self.rows).step_by(usize::from(self.every)).map(move |up| {
            // Rounded well below a step, so that 0.6 is not 0.6000000000000001.
            let digits = (3.0 - self.per_row.log10().floor()).clamp(0.0, 18.0) as i32;
            let value = self.bottom + f64::from(up) * self.per_row;
            (self.rows - 1 - up, (value * 10_f64.powi(digits)).round() / 10_f64.powi(digits))
        })
    }

    /// The row of a value, from the top, if it is on the axis.
    pub fn row(self, value: f64) -> Option<u16> {
        let up = ((value - self.bottom) / self.per_row).round();
        (up >= 0.0 && up < f64::from(self.rows)).then(|| self.rows - 1 - up as u16)
    }

    /// The row of a limit, and whether the number may stand on the axis there: it is near the row's middle.
    pub fn limit(self, value: f64) -> Option<(u16, bool)> {
        let row = self.row(value)?;
        let near = ((value - self.bottom) / self.per_row - f64::from(self.rows - 1 - row)).abs() <= 0.3;
        Some((row, near))
    }

    /// The dot of a value, from the top, where each row has `dots` of them; clamped to the axis.
    pub fn dot(self, value: f64, dots: u16) -> i32 {
        let dots = f64::from(dots);
        let down = f64::from(self.rows) - 0.5 - (value - self.bottom) / self.per_row;
        (down * dots - 0.5).round().clamp(0.0, f64::from(self.rows) * dots - 1.0) as i32
    }
}

/// The smallest of 1, 1.5, 2, 2.5, 3, 4, 5 times a power of ten that is not less than `value`.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let of = value / power;
    let nice =
        [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0].into_iter().find(|nice| of <= nice * (1.0 + 1e-9)).unwrap_or(10.0);
    nice * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(low: f64, high: f64, rows: u16) -> Vec<f64> {
        let mut ticks: Vec<f64> = Scale::new(low, high, rows).ticks().map(|tick| tick.1).collect();
        ticks.reverse();
        ticks
    }

    #[test]
    fn steps_are_round_and_equal() {
        assert_eq!(numbers(0.0, 31.0, 3), [40.0, 20.0, 0.0]);
        assert_eq!(numbers(0.0, 31.0, 7), [40.0, 20.0, 0.0]);
        assert_eq!(numbers(0.0, 1480.0, 9), [1600.0, 1200.0, 800.0, 400.0, 0.0]);
        assert_eq!(numbers(-3.0, 4.0, 5), [4.0, 0.0, -4.0]);
        assert_eq!(numbers(7.0, 7.0, 3).len(), 3);
        assert_eq!(numbers(0.0, 0.0, 3), [1.0, 0.5, 0.0]);
        assert_eq!(numbers(0.0, 0.31, 4), [0.45, 0.3, 0.15, 0.0]);
    }

    #[test]
    fn every_value_is_on_the_axis() {
        for (low, high) in [(0.0, 31.0), (995.0, 1003.0), (-1e9, 1e12), (1e-9, 2e-9), (5.0, 5.0)] {
            for rows in 2..60 {
                let scale = Scale::new(low, high, rows);
                assert!(scale.row(low).is_some(), "{low} of {low}..{high} on {rows}");
                assert!(scale.row(high).is_some(), "{high} of {low}..{high} on {rows}: {scale:?}");
                assert!((0..i32::from(rows) * 4).contains(&scale.dot(f64::MAX, 4)));
            }
        }
    }
}
