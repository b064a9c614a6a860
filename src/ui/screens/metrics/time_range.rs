//! The time in sight: how long it is, and the moment looked at in it.

use jiff::Timestamp;

use super::Metrics;
use crate::ui::View;

/// Ranges that `t` goes through, in seconds.
const RANGES: [u32; 4] = [900, 3_600, 21_600, 86_400];
const SHORTEST: u32 = 60;
const LONGEST: u32 = 7 * 86_400;
/// The time cursor moves by this part of the range.
const STEPS: i64 = 60;

/// `15m`, `1h`, `2d`
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        s if s >= 172_800 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s >= 3600 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => crate::time::age(s),
    }
}

impl Metrics {
    /// Seconds up to now.
    pub(super) fn range(&self, view: &View<'_>) -> u32 {
        let own = || self.dashboard(view).map_or(3_600, |dashboard| dashboard.range_seconds);
        self.range.unwrap_or_else(own).clamp(SHORTEST, LONGEST)
    }

    /// Milliseconds back that values are compared with: an hour, or the whole range if that is shorter.
    pub(super) fn back(&self, view: &View<'_>) -> i64 {
        i64::from(self.range(view).min(3_600)) * 1_000
    }

    /// To the next of the usual ranges, around the end.
    pub(super) fn next_range(&mut self, view: &View<'_>) {
        let now = self.range(view);
        let next = RANGES.iter().find(|range| **range > now).unwrap_or(&RANGES[0]);
        self.set_range(*next, view);
    }

    /// First and last millisecond in sight.
    pub(super) fn bounds(&self, view: &View<'_>) -> (i64, i64) {
        let now = self.board.as_ref().map_or(view.now.wall, |board| view.store.time_of(&board.backend, view.now));
        let to = now.as_millisecond();
        (to - i64::from(self.range(view)) * 1_000, to)
    }

    pub(super) fn move_cursor(&mut self, steps: i64, view: &View<'_>) {
        let (from, to) = self.bounds(view);
        let at = self.cursor.unwrap_or(to) + steps * ((to - from) / STEPS);
        self.cursor = (at < to).then_some(at.max(from));
    }

    /// Puts the time cursor there, in a range that holds it.
    pub fn show_time(&mut self, at: Timestamp, view: &View<'_>) {
        let at = at.as_millisecond();
        let (from, to) = self.bounds(view);
        if at < from {
            let range = RANGES.iter().copied().find(|range| to - i64::from(*range) * 1_000 < at);
            self.set_range(range.unwrap_or(LONGEST), view);
        }
        let (from, to) = self.bounds(view);
        self.cursor = (at < to).then_some(at.max(from));
    }

    /// To the next marker in sight, around the end. False: there is none.
    pub(super) fn next_marker(&mut self, view: &View<'_>) -> bool {
        let (from, to) = self.bounds(view);
        let in_sight = || self.markers.iter().map(|marker| marker.at).filter(|at| (from..=to).contains(at));
        let next = in_sight().find(|at| self.cursor.is_some_and(|cursor| *at > cursor)).or_else(|| in_sight().next());
        let found = next.is_some();
        self.cursor = next.or(self.cursor);
        found
    }

    pub(super) fn set_range(&mut self, range: u32, view: &View<'_>) {
        self.range = Some(range.clamp(SHORTEST, LONGEST));
        let (from, _) = self.bounds(view);
        self.cursor = self.cursor.filter(|at| *at >= from);
    }
}
