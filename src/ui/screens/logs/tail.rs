//! One open log: which lines are shown, where the window stands, what is looked for.

use jiff::Timestamp;
use regex::Regex;

use super::{
    super::super::View,
    beside::{Beside, new_tags},
    find::Place,
    index::{Entry, Index},
    sieve::Sieve,
    versions::Versions,
};
use crate::{
    command::Command,
    model::log::{LogLevel, LogLine},
    query::LogQuery,
    store::logs::{LogBuffer, signatures::Sides},
};

/// Where the window stands while it is not at the newest line: the line at its top or its bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Window {
    Top(u64),
    Bottom(u64),
}

#[derive(Debug)]
pub(super) struct Tail {
    pub query: LogQuery,
    pub index: Index,
    pub sieve: Sieve,
    /// At the newest line; moving pauses it.
    pub follow: bool,
    /// The line under the cursor while paused, by its number.
    pub cursor: u64,
    pub window: Window,
    pub x: u16,
    pub wrap: bool,
    pub timestamps: bool,
    pub find: String,
    pub needle: Option<Regex>,
    /// The last look found nothing.
    pub not_found: bool,
    /// Where one stood when the look began, until one moves.
    pub sought_from: Option<Place>,
    /// A moment to go to, as soon as what was logged before is read, unless one moves meanwhile.
    pub wanted: Option<Timestamp>,
    /// The moment that was gone to, of which nothing is kept, until one moves.
    pub missed: Option<Timestamp>,
    /// The pane of messages by version, while it is open.
    pub versions: Option<Versions>,
    /// Old and new version side by side, while that is wanted.
    pub beside: Option<Beside>,
    /// Old and new version, as far as they have written.
    sides: Sides,
    /// Rows of the last drawing, for paging.
    pub height: usize,
    /// Lines were looked at since the last drawing.
    has_sifted: bool,
}

/// Seconds that the rate is taken over.
const RATE_OVER: i64 = 5;

const LEVELS: [Option<LogLevel>; 4] = [None, Some(LogLevel::Info), Some(LogLevel::Warn), Some(LogLevel::Error)];

impl Tail {
    pub(super) fn new(query: LogQuery) -> Self {
        Self {
            query,
            index: Index::default(),
            sieve: Sieve::default(),
            follow: true,
            cursor: 0,
            window: Window::Bottom(u64::MAX),
            x: 0,
            wrap: false,
            timestamps: true,
            find: String::new(),
            needle: None,
            not_found: false,
            sought_from: None,
            wanted: None,
            missed: None,
            versions: None,
            beside: None,
            sides: Sides::default(),
            height: 20,
            has_sifted: false,
        }
    }

    pub(super) fn buffer<'a>(&self, view: &View<'a>) -> Option<&'a LogBuffer> {
        view.store.logs.get(&self.query)
    }

    pub(super) fn sync(&mut self, view: &View<'_>) {
        let Some(buffer) = self.buffer(view) else { return self.index.stop() };
        if self.follow && self.index.is_far_behind(buffer) {
            self.index.reset(None);
        }
        self.index.sync(buffer, &self.sieve);
        self.has_sifted = true;
        let tags = new_tags(&self.query, view);
        self.sides = buffer.signatures.sides(tags.as_deref().unwrap_or_default());
        if let Some(beside) = &mut self.beside {
            beside.sync(buffer, &self.index, self.sides.clone(), tags.is_some());
            beside.is_sifted = self.sieve.is_active();
        }
        if let Some(versions) = &mut self.versions {
            versions.sync(buffer, &self.query, view);
        }
        let is_there = buffer.has_caught_up && !self.index.is_sifting();
        if let Some(at) = self.wanted.take_if(|_| is_there) {
            self.go_to(at, buffer);
        }
    }

    /// The keys move in the lines, not in the pane beside them.
    pub(super) fn has_keys(&self) -> bool {
        self.versions.as_ref().is_none_or(|versions| !versions.is_focused)
    }

    /// Looks at everything again: another level or filter. What is on the screen comes first.
    pub(super) fn resift(&mut self, view: &View<'_>) {
        self.index.reset((!self.follow).then_some(self.cursor));
        self.sync(view);
    }

    /// About to be drawn: a step on, where lines are still to be looked at and none was since the last time.
    pub(super) fn go_on_sifting(&mut self, view: &View<'_>) {
        if !std::mem::take(&mut self.has_sifted) && self.index.is_sifting() {
            self.sync(view);
            self.has_sifted = false;
        }
    }

    /// Looks at all that is left: what is asked for may be anywhere.
    pub(super) fn finish_sifting(&mut self, view: &View<'_>) {
        let Some(buffer) = self.buffer(view).filter(|_| self.index.is_sifting()) else { return };
        while self.index.is_sifting() {
            self.index.sync(buffer, &self.sieve);
        }
        // What is worked out from the rows: once, not for each slice.
        self.sync(view);
    }

    pub(super) fn next_level(&mut self, view: &View<'_>) {
        let at = LEVELS.iter().position(|level| *level == self.sieve.least).unwrap_or(0);
        self.sieve.least = LEVELS[(at + 1) % LEVELS.len()];
        self.resift(view);
    }

    /// Whether the line says what the old version, which was read as well, never did.
    pub(super) fn is_new(&self, buffer: &LogBuffer, line: u64) -> bool {
        self.sides.are_both()
            && buffer.signature(line).is_some_and(|number| buffer.signatures.is_new(number, &self.sides))
    }

    /// The two columns, while they are shown.
    pub(super) fn columns(&self) -> Option<&Beside> {
        self.beside.as_ref().filter(|beside| beside.is_shown())
    }

    /// Rows, as they are shown.
    pub(super) fn len(&self) -> usize {
        self.columns().map_or(self.index.len(), |columns| columns.rows.len())
    }

    /// The row that shows this line, or the next one after it.
    pub(super) fn row_of(&self, line: u64) -> usize {
        self.columns().map_or_else(|| self.index.position(line), |columns| columns.rows.position(line))
    }

    /// The lines of a row; that of the column with the cursor first.
    pub(super) fn lines_of(&self, row: usize) -> impl Iterator<Item = u64> {
        let columns = self.columns();
        let single = columns.is_none().then(|| self.index.get(row)).flatten().map(|entry| entry.last);
        columns.into_iter().flat_map(move |columns| columns.lines(row)).chain(single)
    }

    /// The row of the index that shows this line.
    pub(super) fn entry(&self, line: Option<u64>) -> Option<Entry> {
        let line = line?;
        self.index.get(self.index.position(line)).filter(|entry| entry.last == line)
    }

    /// The line that stands for a row.
    pub(super) fn line_of(&self, row: usize) -> Option<u64> {
        self.lines_of(row).next()
    }

    /// Position of the row under the cursor.
    pub(super) fn position(&self) -> Option<usize> {
        let last = self.len().checked_sub(1)?;
        Some(if self.follow { last } else { self.row_of(self.cursor).min(last) })
    }

    /// The line under the cursor.
    pub(super) fn line<'a>(&self, view: &View<'a>) -> Option<&'a LogLine> {
        line_at(self.buffer(view)?, self.line_of(self.position()?)?)
    }

    /// The cursor goes to the other column of its row.
    pub(super) fn focus(&mut self, side: usize) {
        let row = self.position();
        if let Some(beside) = &mut self.beside {
            beside.focus = side;
        }
        if let Some(line) = row.and_then(|row| self.line_of(row)) {
            self.cursor = line;
        }
    }

    /// Puts the cursor on a row; the window goes where it must when it is drawn.
    pub(super) fn go(&mut self, position: usize) {
        let Some(line) = self.line_of(position) else { return };
        if self.follow {
            // The window stays where it is until the cursor leaves it.
            self.window = Window::Bottom(self.line_of(self.len() - 1).unwrap_or(line));
        }
        self.follow = false;
        self.cursor = line;
        (self.sought_from, self.wanted, self.missed) = (None, None, None);
    }

    /// Follows it at its newest line.
    pub(super) fn go_to_newest(&mut self) {
        self.follow = true;
        (self.sought_from, self.wanted, self.missed) = (None, None, None);
    }

    /// Puts the cursor on the first row of that moment or later; at the newest line if there is none. A log that begins
    /// later does not show that moment, which would look as if it did.
    fn go_to(&mut self, at: Timestamp, buffer: &LogBuffer) {
        let is_before =
            |row: usize| self.line_of(row).and_then(|line| line_at(buffer, line)).is_some_and(|line| line.at < at);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            (low, high) = if is_before(middle) { (middle + 1, high) } else { (low, middle) };
        }
        if low < self.len() {
            self.go(low);
        } else {
            self.go_to_newest();
        }
        let is_later = |line: &LogLine| line.at.as_second() > at.as_second();
        self.missed = buffer.lines.get(0).is_some_and(is_later).then_some(at);
    }

    /// Moves by a movement command. False: it was none.
    pub(super) fn navigate(&mut self, command: Command) -> bool {
        let page = self.height.max(2) - 1;
        let Some(at) = self.position() else {
            return matches!(command, Command::Down | Command::Up | Command::Top | Command::Bottom);
        };
        let last = self.len() - 1;
        let down = |by: usize| (at + by).min(last);
        let to = match command {
            // Below the newest line there is nothing to pause for.
            Command::Down | Command::PageDown | Command::HalfDown if self.follow => return true,
            Command::Down => down(1),
            Command::Up => at.saturating_sub(1),
            Command::PageDown => down(page),
            Command::PageUp => at.saturating_sub(page),
            Command::HalfDown => down(page / 2 + 1),
            Command::HalfUp => at.saturating_sub(page / 2 + 1),
            Command::Top => 0,
            Command::Bottom => {
                self.go_to_newest();
                return true;
            }
            Command::Right => {
                self.x = self.x.saturating_add(16);
                return true;
            }
            Command::Left => {
                self.x = self.x.saturating_sub(16);
                return true;
            }
            _ => return false,
        };
        self.go(to);
        true
    }

    pub(super) fn toggle_follow(&mut self) {
        match self.position() {
            Some(at) if self.follow => self.go(at),
            _ => self.go_to_newest(),
        }
    }

    /// Rows that came below the cursor's while paused.
    pub(super) fn below(&self) -> usize {
        self.position().map_or(0, |at| self.len() - 1 - at)
    }

    /// Lines a second over the last five that were logged, by the nodes' own clock: what is read at once when a log is
    /// opened was not logged at once.
    pub(super) fn rate(&self, buffer: &LogBuffer, view: &View<'_>) -> u32 {
        let lines = &buffer.lines;
        let Some(newest) = lines.len().checked_sub(1).and_then(|last| lines.get(last)).map(|line| line.at) else {
            return 0;
        };
        let now = view.store.time_of(self.query.target.cluster(), view.now);
        if now.as_second() - newest.as_second() > RATE_OVER {
            return 0;
        }
        let from = newest.as_second() - RATE_OVER;
        let (mut low, mut high) = (0, lines.len());
        while low < high {
            let middle = low.midpoint(high);
            let is_before = lines.get(middle).is_some_and(|line| line.at.as_second() <= from);
            (low, high) = if is_before { (middle + 1, high) } else { (low, middle) };
        }
        u32::try_from((lines.len() - low) / RATE_OVER as usize).unwrap_or(u32::MAX)
    }

    /// All lines that are shown, folded ones too.
    pub(super) fn shown(&self, view: &View<'_>) -> Vec<LogLine> {
        let Some(buffer) = self.buffer(view) else { return Vec::new() };
        let mut lines = Vec::new();
        for entry in self.index.range(0..self.index.len()) {
            let Some(shown) = line_at(buffer, entry.last) else { continue };
            let all = (entry.first..=entry.last).filter_map(|at| line_at(buffer, at));
            // Between them may stand what is left out: another pod's line, and be it the same.
            lines.extend(all.filter(|line| line.text == shown.text && line.origin == shown.origin).cloned());
        }
        lines
    }
}

pub(super) fn line_at(buffer: &LogBuffer, line: u64) -> Option<&LogLine> {
    buffer.lines.get(usize::try_from(line.checked_sub(buffer.first_line)?).ok()?)
}
