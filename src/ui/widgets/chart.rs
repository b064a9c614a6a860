//! A line chart of a time range: equal steps, a limit as a line, changes as columns, gaps left open.
//!
//! Braille where the terminal has it, `*` `-` `:` where not. Pure: points in, cells out.

mod axis;
mod plot;
mod scale;

use super::cells::{clip, put_centred, put_line, put_right, put_text, row, width};
use crate::ui::theme::Theme;
use axis::Label;
use plot::Plot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
pub use scale::Scale;

/// One line: points by time, oldest first, in milliseconds since the epoch. `None` and NaN leave a gap.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    pub name: &'a str,
    pub points: &'a [(i64, Option<f64>)],
    /// Its own style; else the palette's by position.
    pub style: Option<Style>,
}

/// A horizontal line with a word at its end.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    pub value: f64,
    pub label: &'a str,
}

/// A column where something changed, with words below it.
#[derive(Debug, Clone, Copy)]
pub struct Marker<'a> {
    /// Milliseconds since the epoch.
    pub at: i64,
    pub label: &'a str,
}

/// A chart about to be drawn.
#[derive(Clone)]
pub struct Chart<'a> {
    theme: &'a Theme,
    range: (i64, i64),
    series: Vec<Series<'a>>,
    limits: Vec<Limit<'a>>,
    markers: Vec<Marker<'a>>,
    cursor: Option<i64>,
    from_zero: bool,
    reach: Option<f64>,
    empty: Line<'a>,
    value: &'a dyn Fn(f64) -> String,
    time: &'a dyn Fn(i64) -> String,
}

impl<'a> Chart<'a> {
    /// `range`: first and last millisecond shown. `value` words a number for the y axis, `time` a moment for the x axis.
    pub fn new(
        theme: &'a Theme,
        range: (i64, i64),
        value: &'a dyn Fn(f64) -> String,
        time: &'a dyn Fn(i64) -> String,
    ) -> Self {
        Self {
            theme,
            range,
            series: Vec::new(),
            limits: Vec::new(),
            markers: Vec::new(),
            cursor: None,
            from_zero: true,
            reach: None,
            empty: Line::from("no data"),
            value,
            time,
        }
    }

    #[must_use]
    pub fn series(mut self, series: Series<'a>) -> Self {
        self.series.push(series);
        self
    }

    #[must_use]
    pub fn limit(mut self, limit: Limit<'a>) -> Self {
        self.limits.push(limit);
        self
    }

    #[must_use]
    pub fn markers(mut self, markers: impl IntoIterator<Item = Marker<'a>>) -> Self {
        self.markers.extend(markers);
        self
    }

    /// The moment of the time cursor that charts, timeline and logs share.
    #[must_use]
    pub const fn cursor(mut self, at: Option<i64>) -> Self {
        self.cursor = at;
        self
    }

    /// Whether the y axis begins at zero for values that are never negative. Default: it does.
    #[must_use]
    pub const fn from_zero(mut self, from_zero: bool) -> Self {
        self.from_zero = from_zero;
        self
    }

    /// How far up the y axis reaches at least: values far below their limit then lie low, as they should.
    #[must_use]
    pub const fn reach(mut self, top: Option<f64>) -> Self {
        self.reach = top;
        self
    }

    /// What stands there when no point lies in the range. Say why.
    #[must_use]
    pub fn empty(mut self, text: impl Into<Line<'a>>) -> Self {
        self.empty = text.into();
        self
    }

    /// Draws the chart over the whole of `area`.
    pub fn render(&self, area: Rect, buf: &mut Buffer) {
        let area = clip(area, buf);
        if area.is_empty() || self.range.1 <= self.range.0 {
            return;
        }
        let Some(scale) = self.scale(area.height) else {
            let line = self.empty.clone().patch_style(self.theme.dim);
            return put_centred(buf, row(area, area.height / 2).unwrap_or_default(), &line, self.theme.glyphs.ellipsis);
        };
        let feet = u16::from(area.height >= 3);
        let legend = u16::from(self.series.len() > 1 && area.height >= 6);
        let rows = area.height - feet - legend;
        let scale = scale.for_rows(rows);
        let labels = self.y_labels(scale);
        let room = labels.iter().map(|label| width(&label.1)).max().unwrap_or(0);
        // Too narrow for numbers: the line alone.
        let left = if area.width >= room + 1 + 6 { room + 1 } else { 0 };
        let plot_area = Rect { x: area.x + left, y: area.y + legend, width: area.width - left, height: rows };
        if legend == 1 {
            self.draw_legend(Rect { x: plot_area.x, width: plot_area.width, height: 1, ..area }, buf);
        }
        if left > 0 {
            self.draw_y_axis(Rect { x: area.x, width: left, ..plot_area }, &labels, buf);
        }
        self.draw_plot(plot_area, scale, buf);
        if feet == 1 {
            self.draw_x_axis(Rect { y: area.bottom() - 1, height: 1, ..plot_area }, buf);
        }
    }

    /// The y axis for the values in range, or `None` if there are none.
    fn scale(&self, rows: u16) -> Option<Scale> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for series in &self.series {
            for value in plot::within(series.points, self.range).iter().filter_map(|point| plot::finite(point.1)) {
                (low, high) = (low.min(value), high.max(value));
            }
        }
        if low > high {
            return None;
        }
        if self.from_zero && low > 0.0 {
            low = 0.0;
        }
        high = self.reach.filter(|top| top.is_finite()).map_or(high, |top| high.max(top));
        for limit in self.limits.iter().filter(|limit| limit.value.is_finite()) {
            // A limit far above would press the line flat against the axis: then it is only said in words.
            if limit.value <= high * 4.0 || high <= 0.0 {
                (low, high) = (low.min(limit.value), high.max(limit.value));
            }
        }
        Some(Scale::new(low, high, rows))
    }

    /// Rows with a number, and whether it is a limit's.
    fn y_labels(&self, scale: Scale) -> Vec<(u16, String, Style)> {
        let mut labels: Vec<(u16, String, Style)> =
            scale.ticks().map(|(row, value)| (row, (self.value)(value), self.theme.dim)).collect();
        // A formatter that rounds may give two ticks the same words.
        labels.dedup_by(|next, kept| next.1 == kept.1);
        for limit in &self.limits {
            if let Some((row, true)) = Self::limit_row(limit, scale) {
                labels.retain(|label| label.0 != row);
                labels.push((row, (self.value)(limit.value), self.theme.limit));
            }
        }
        labels
    }

    /// The row of a limit, and whether its number stands on the axis. The limit leaves the bottom row to the values near
    /// zero, which would else seem to lie on it.
    fn limit_row(limit: &Limit<'_>, scale: Scale) -> Option<(u16, bool)> {
        let (row, near) = scale.limit(limit.value)?;
        let lifted = row.checked_sub(1).filter(|_| row + 1 == scale.rows && limit.value > scale.bottom);
        Some(lifted.map_or((row, near), |above| (above, scale.ticks().all(|tick| tick.0 != above))))
    }

    /// Whether lines are dots. Lines that no colour tells apart are letters.
    fn is_dotted(&self) -> bool {
        self.theme.glyphs.braille && (self.theme.has_colour() || self.series.len() < 2)
    }

    fn draw_y_axis(&self, area: Rect, labels: &[(u16, String, Style)], buf: &mut Buffer) {
        for y in area.y..area.bottom() {
            put_text(
                buf,
                Rect { x: area.right() - 1, y, width: 1, height: 1 },
                self.theme.glyphs.axis,
                self.theme.border,
            );
        }
        for (at, text, style) in labels {
            let Some(spot) = row(area, *at) else { continue };
            let spot = Rect { width: area.width - 1, ..spot };
            put_right(buf, spot, &Line::styled(text.as_str(), *style), self.theme.glyphs.ellipsis);
        }
    }

    fn draw_plot(&self, area: Rect, scale: Scale, buf: &mut Buffer) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        let column = |at: i64| plot::column(at, self.range, area.width);
        let mut dotted = Plot::new(area.width, area.height, true);
        for (limit, at) in self.limits.iter().filter_map(|limit| Some((limit, Self::limit_row(limit, scale)?.0))) {
            if glyphs.braille {
                dotted.level(0, limit.value, scale, at);
            } else if let Some(spot) = row(area, at) {
                put_text(buf, spot, &glyphs.limit.repeat(usize::from(spot.width)), theme.limit);
            }
        }
        if glyphs.braille {
            dotted.draw(area, buf, glyphs, |_| theme.limit);
        }
        let columns = self.markers.iter().map(|marker| (marker.at, glyphs.marker, theme.marker));
        let cursor = self.cursor.map(|at| (at, glyphs.time_cursor, theme.accent));
        for (x, glyph, style) in
            columns.chain(cursor).filter_map(|(at, glyph, style)| Some((column(at)?, glyph, style)))
        {
            for y in area.y..area.bottom() {
                put_text(buf, Rect { x: area.x + x, y, width: 1, height: 1 }, glyph, style);
            }
        }
        let mut plot = Plot::new(area.width, area.height, self.is_dotted());
        for (index, series) in self.series.iter().enumerate() {
            plot.line(index, series.points, self.range, scale);
        }
        plot.draw(area, buf, glyphs, |index| self.style(index));
        for limit in &self.limits {
            let number = (self.value)(limit.value);
            match Self::limit_row(limit, scale).and_then(|(at, near)| Some((row(area, at)?, near))) {
                Some((spot, true)) => self.word_limit(spot, limit.label, buf),
                Some((spot, false)) => self.word_limit(spot, &format!("{} {number}", limit.label), buf),
                None => {
                    let words = format!("{} {number} {}", limit.label, glyphs.up);
                    put_right(buf, area, &Line::styled(words, theme.limit), glyphs.ellipsis);
                }
            }
        }
    }

    /// Writes the limit's word into its line where the chart left it free: at the right end, else at the left.
    fn word_limit(&self, spot: Rect, label: &str, buf: &mut Buffer) {
        let taken = width(label) + 2;
        if spot.width < taken + 4 {
            return;
        }
        let (limit, glyphs) = (self.theme.limit, self.theme.glyphs);
        // One left dot a cell, at any of the four heights.
        let dotted = ["\u{2801}", "\u{2802}", "\u{2804}", "\u{2840}"];
        let line = |symbol: &str| if glyphs.braille { dotted.contains(&symbol) } else { symbol == glyphs.limit };
        let free = |x: u16| (x..x + taken).all(|x| line(buf[(x, spot.y)].symbol()));
        let Some(x) = [spot.right() - taken - 1, spot.x + 1].into_iter().find(|x| free(*x)) else { return };
        put_text(buf, Rect { x, width: taken, ..spot }, &format!(" {label} "), limit);
    }

    fn draw_x_axis(&self, area: Rect, buf: &mut Buffer) {
        let theme = self.theme;
        let (first, last) = self.range;
        let mut labels = Vec::new();
        if let Some(at) = self.cursor {
            labels.push(Label::under(at, (self.time)(at), theme.accent));
        }
        for marker in &self.markers {
            labels.push(Label::pointing(marker.at, marker.label, theme.marker));
        }
        labels.push(Label::first((self.time)(first), theme.dim));
        labels.push(Label::last(last, (self.time)(last), theme.dim));
        labels.push(Label::under(first.midpoint(last), (self.time)(first.midpoint(last)), theme.dim));
        axis::draw(area, buf, &labels, self.range, theme.glyphs);
    }

    fn draw_legend(&self, area: Rect, buf: &mut Buffer) {
        let mut line = Line::default();
        for (index, series) in self.series.iter().enumerate() {
            line.push_span(Span::styled(plot::sample(self.theme.glyphs, self.is_dotted(), index), self.style(index)));
            line.push_span(Span::styled(format!(" {}  ", series.name), self.theme.dim));
        }
        put_line(buf, area, &line, self.theme.glyphs.ellipsis);
    }

    fn style(&self, index: usize) -> Style {
        let own = self.series.get(index).and_then(|series| series.style);
        own.unwrap_or(self.theme.series[index % self.theme.series.len()])
    }
}

#[cfg(test)]
mod tests;
