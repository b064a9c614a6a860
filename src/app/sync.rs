//! What follows from changed data: rows that are sorted, filtered and grouped anew, and what stands around the screens. In a
//! very large world this takes longer than a key may wait, so it rests in proportion to what it took.

use std::time::{Duration, Instant};

use super::App;
use crate::{command::ScreenId, model::Level, store::Changes, time::Now, ui::screens};

/// Below this a frame with new data is as good as one without.
const CHEAP: Duration = Duration::from_millis(4);
/// Data frames take at most a fifth of the time.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// What was worked out of the data, and what waits to be.
pub(super) struct Sync {
    changes: Changes,
    screen: Option<ScreenId>,
    /// Time alone can change what needs me.
    is_old: bool,
    has_worked: bool,
    rests_until: Option<Instant>,
    pub summary: Summary,
}

/// What the title and the tabs say of all screens.
#[derive(Default)]
pub(super) struct Summary {
    pub needs: usize,
    pub badges: [Option<(String, Level)>; 8],
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            changes: Changes::ALL,
            screen: None,
            is_old: true,
            has_worked: false,
            rests_until: None,
            summary: Summary::default(),
        }
    }
}

impl Sync {
    pub fn time_passed(&mut self) {
        self.is_old = true;
    }
}

impl App {
    pub(super) fn changed(&mut self, changes: Changes) {
        if !changes.is_empty() {
            self.sync.changes |= changes;
            self.sync.is_old = true;
            self.dirty |= !self.is_frozen;
        }
    }

    /// Brings the screen's rows up to what the store holds, unless that rests.
    pub(super) fn synchronise(&mut self, now: Now) {
        let is_same = self.sync.screen.replace(self.screen) == Some(self.screen);
        if is_same && self.sync.rests_until.is_some_and(|until| now.mono < until) {
            self.dirty |= !self.sync.changes.is_empty() && !self.is_frozen;
            return;
        }
        self.sync.has_worked = !self.sync.changes.is_empty() || !is_same;
        if std::mem::take(&mut self.sync.is_old) {
            self.sync.has_worked = true;
            let view = self.view(now);
            self.sync.summary = Summary { needs: screens::needs(&view).len(), badges: screens::badges(&view) };
        }
        if !self.is_frozen {
            self.rebuild(now);
        }
    }

    fn rebuild(&mut self, now: Now) {
        let changes = std::mem::take(&mut self.sync.changes);
        let screen = self.screen;
        let stale = self.screens.take_stale(screen, changes);
        let (screens, overlays, view) = self.parts(now);
        if !stale.is_empty() {
            screens.get_mut(screen).sync(&view, stale);
        }
        if !changes.is_empty() {
            for overlay in overlays {
                overlay.sync(&view, changes);
            }
        }
    }

    /// The last frame took so long; `now` is its end. The next one with new data waits in proportion, keys do not.
    pub fn drew(&mut self, took: Duration, now: Now) {
        if std::mem::take(&mut self.sync.has_worked) {
            let rest = (took * REST).min(LONGEST_REST);
            self.sync.rests_until = (took > CHEAP).then(|| now.mono + rest);
        }
    }

    /// When data alone may cause the next frame, at the earliest.
    pub fn next_frame(&self, earliest: Instant) -> Instant {
        self.sync.rests_until.map_or(earliest, |until| until.max(earliest))
    }
}
