//! Lines as dots in cells: 2 by 4 Braille dots a cell, or one point a cell.

use super::super::cells::put_text;
use super::scale::Scale;
use crate::ui::theme::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// One cell: its dots, whether a value lies in it (else only a stroke between two), and whose line it is.
#[derive(Debug, Clone, Copy, Default)]
struct Dots {
    bits: u8,
    point: bool,
    owner: usize,
}

/// Cells to draw lines into.
#[derive(Debug)]
pub(super) struct Plot {
    columns: u16,
    rows: u16,
    /// Dots a cell, across and down.
    dots: (u16, u16),
    cells: Vec<Dots>,
}

/// Braille bits by row and column of the dot: U+2800 and what follows.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// What a series is drawn with: where lines are not dotted, each by its own letter, so that they differ without colour.
pub(super) fn sample(glyphs: &Glyphs, dotted: bool, owner: usize) -> &'static str {
    const OTHERS: [&str; 7] = ["o", "x", "+", "#", "@", "%", "&"];
    match owner {
        _ if dotted => glyphs.bar_full,
        0 => glyphs.point,
        _ => OTHERS[(owner - 1) % OTHERS.len()],
    }
}

/// A value that can be drawn.
pub(super) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// The points within a range, and one on either side so that lines run to the edge.
pub(super) fn within(points: &[(i64, Option<f64>)], range: (i64, i64)) -> &[(i64, Option<f64>)] {
    let first = points.partition_point(|point| point.0 < range.0);
    let last = points.partition_point(|point| point.0 <= range.1);
    &points[first..last.max(first)]
}

/// The column of a moment among `columns`, if it is in range.
pub(super) fn column(at: i64, range: (i64, i64), columns: u16) -> Option<u16> {
    if columns == 0 || at < range.0 || at > range.1 {
        return None;
    }
    let part = (at - range.0) as f64 / (range.1 - range.0) as f64;
    Some((part * f64::from(columns - 1)).round() as u16)
}

/// Two neighbours further apart than this have a gap between them: two and a half times the usual step.
fn longest_step(points: &[(i64, Option<f64>)]) -> i64 {
    let mut steps: Vec<i64> = points.windows(2).take(64).map(|pair| pair[1].0 - pair[0].0).collect();
    if steps.len() < 2 {
        return i64::MAX;
    }
    let middle = steps.len() / 2;
    let (_, usual, _) = steps.select_nth_unstable(middle);
    usual.saturating_mul(5) / 2
}

impl Plot {
    pub(super) fn new(columns: u16, rows: u16, braille: bool) -> Self {
        let cells = vec![Dots::default(); usize::from(columns) * usize::from(rows)];
        Self { columns, rows, dots: if braille { (2, 4) } else { (1, 1) }, cells }
    }

    /// Draws one series. All points of one dot column become one stroke from the lowest to the highest, so that no spike
    /// is lost however many points there are.
    pub(super) fn line(&mut self, owner: usize, points: &[(i64, Option<f64>)], range: (i64, i64), scale: Scale) {
        let points = within(points, range);
        let longest = longest_step(points);
        let mut before: Option<(i64, i32, i32)> = None;
        for (at, value) in points {
            let Some((value, x)) = finite(*value).zip(column(*at, range, self.columns * self.dots.0)) else {
                before = None;
                continue;
            };
            let (x, y) = (i32::from(x), scale.dot(value, self.dots.1));
            match before {
                Some((time, from_x, from_y)) if at - time <= longest => self.stroke(owner, (from_x, from_y), (x, y)),
                _ => {}
            }
            self.set(owner, x, y, true);
            before = Some((*at, x, y));
        }
    }

    /// Bresenham's line.
    fn stroke(&mut self, owner: usize, from: (i32, i32), to: (i32, i32)) {
        let (across, down) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
        let (step_x, step_y) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
        let (mut x, mut y, mut error) = (from.0, from.1, across + down);
        while (x, y) != to {
            // Between two values of one row the ASCII line is a row of points, not of strokes.
            self.set(owner, x, y, y == from.1 || y == to.1);
            let twice = 2 * error;
            if twice >= down {
                error += down;
                x += step_x;
            }
            if twice <= across {
                error += across;
                y += step_y;
            }
        }
    }

    fn set(&mut self, owner: usize, x: i32, y: i32, point: bool) {
        let (x, y) = (x as u16, y as u16);
        let (column, row) = (x / self.dots.0, y / self.dots.1);
        if column >= self.columns || row >= self.rows {
            return;
        }
        let cell = &mut self.cells[usize::from(row) * usize::from(self.columns) + usize::from(column)];
        cell.bits |= BITS[usize::from(y % self.dots.1)][usize::from(x % self.dots.0)];
        cell.point |= point;
        cell.owner = owner;
    }

    /// A dotted line across, no lower than row `at`.
    pub(super) fn level(&mut self, owner: usize, value: f64, scale: Scale, at: u16) {
        let y = scale.dot(value, self.dots.1).min(i32::from((at + 1) * self.dots.1) - 1);
        for x in (0..self.columns * self.dots.0).step_by(usize::from(self.dots.0)) {
            self.set(owner, i32::from(x), y, true);
        }
    }

    /// Puts the lines over what is there already.
    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, glyphs: &Glyphs, style: impl Fn(usize) -> Style) {
        for (index, dots) in self.cells.iter().enumerate().filter(|(_, dots)| dots.bits != 0) {
            let (x, y) = (index as u16 % self.columns, index as u16 / self.columns);
            let spot = Rect { x: area.x + x, y: area.y + y, width: 1, height: 1 };
            let mut bytes = [0; 4];
            let braille = char::from_u32(0x2800 + u32::from(dots.bits)).unwrap_or(' ');
            let symbol = match (self.dots.1 > 1, dots.point) {
                (true, _) => braille.encode_utf8(&mut bytes),
                (false, true) => sample(glyphs, false, dots.owner),
                (false, false) => glyphs.stroke,
            };
            put_text(buf, spot, symbol, style(dots.owner));
        }
    }
}
