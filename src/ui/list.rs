//! A list whose selection is kept by identity: a refresh can never move a dangerous key onto another row.

use std::time::{Duration, Instant};

use ratatui::layout::Position;

use super::widgets::virtual_table::{TableHit, TableHits, TableState};
use crate::{
    command::{Command, Scope},
    text::Clean,
    time::Now,
};

/// Rows stay where they are for this long after a key, unless the cursor is on the first.
const QUIET: Duration = Duration::from_secs(5);

/// One line of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<K> {
    Item(K),
    /// Head of a group: cannot be selected.
    Group(Clean),
}

/// Entries, the selected one, and the order that waits until nobody reads.
#[derive(Clone, Debug)]
pub struct List<K> {
    entries: Vec<Entry<K>>,
    cursor: Option<usize>,
    waiting: Option<Vec<Entry<K>>>,
    last_key: Option<Instant>,
    /// The next rows are those of another filter: they show at once.
    is_refiltered: bool,
    /// What was selected when no row was left.
    missed: Option<K>,
    pub table: TableState,
    pub hits: TableHits,
    /// Height of the last drawing, for paging.
    pub height: usize,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            cursor: None,
            waiting: None,
            last_key: None,
            is_refiltered: false,
            missed: None,
            table: TableState::default(),
            hits: TableHits::default(),
            height: 10,
        }
    }
}

impl<K: Clone + Ord> List<K> {
    /// Takes the rows in their right order. They show at once if nobody is reading; else what is gone goes, and the rest
    /// waits.
    pub fn set(&mut self, entries: Vec<Entry<K>>, now: Now) {
        if entries == self.entries {
            (self.waiting, self.is_refiltered) = (None, false);
            return;
        }
        if self.may_move(now) {
            self.apply(entries);
            return;
        }
        let there: std::collections::BTreeSet<&K> = entries.iter().filter_map(item).collect();
        let selected = self.selected().cloned();
        let index = self.cursor;
        self.entries.retain(|entry| item(entry).is_none_or(|key| there.contains(key)));
        self.cursor = selected.and_then(|key| self.position(&key)).or(index);
        self.clamp();
        self.waiting = Some(entries);
    }

    /// Takes rows at once, though somebody reads: the person asked for it (a group was opened).
    pub fn show(&mut self, entries: Vec<Entry<K>>) {
        let selected = self.selected().cloned();
        self.entries = entries;
        self.waiting = None;
        self.cursor = selected.and_then(|key| self.position(&key)).or(self.cursor);
        self.clamp();
    }

    /// The next rows are those of another filter. They show at once, and the selected object stays where it is still
    /// there, also on the top row: who filters looks for an object.
    pub fn refilter(&mut self, now: Now) {
        (self.is_refiltered, self.waiting) = (true, None);
        self.last_key = Some(now.mono);
    }

    /// The selected object; without one, the object that was selected when no row was left.
    pub fn sought(&self) -> Option<&K> {
        self.selected().or(self.missed.as_ref())
    }

    /// Lets the waiting order in when nobody read for a while. True if something moved.
    pub fn settle(&mut self, now: Now) -> bool {
        if !self.may_move(now) {
            return false;
        }
        let Some(entries) = self.waiting.take() else { return false };
        self.apply(entries);
        true
    }

    /// Nobody reads, or another filter was asked for: the order may change.
    pub fn may_move(&self, now: Now) -> bool {
        if self.is_refiltered {
            return true;
        }
        let first = self.entries.iter().position(|entry| item(entry).is_some());
        let at_top = self.cursor.is_none() || self.cursor == first;
        at_top || self.last_key.is_none_or(|at| now.since(at) >= QUIET)
    }

    fn apply(&mut self, entries: Vec<Entry<K>>) {
        let first = self.entries.iter().position(|entry| item(entry).is_some());
        // On the top row one looks at whatever is worst, not at the object.
        let follows_top = self.last_key.is_none() && self.cursor == first;
        let goes_to_top = std::mem::take(&mut self.is_refiltered) || follows_top;
        let sought = self.sought().cloned();
        self.entries = entries;
        self.waiting = None;
        let kept = if follows_top { None } else { sought.as_ref().and_then(|key| self.position(key)) };
        self.cursor = kept.or(if goes_to_top { Some(0) } else { self.cursor });
        self.clamp();
        self.missed = if self.cursor.is_none() { sought } else { None };
    }

    /// The cursor onto an item, near where it was.
    fn clamp(&mut self) {
        let wanted = self.cursor.unwrap_or(0).min(self.entries.len().saturating_sub(1));
        let is_item = |index: &usize| self.entries.get(*index).is_some_and(|entry| item(entry).is_some());
        self.cursor = (wanted..self.entries.len()).find(is_item).or_else(|| (0..wanted).rev().find(is_item));
    }

    fn position(&self, key: &K) -> Option<usize> {
        self.entries.iter().position(|entry| item(entry) == Some(key))
    }

    pub fn entries(&self) -> &[Entry<K>] {
        &self.entries
    }

    /// Items, group heads left out.
    pub fn items(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().filter_map(item)
    }

    pub fn selected(&self) -> Option<&K> {
        self.entries.get(self.cursor?).and_then(item)
    }

    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// The selected object is meant, not the top row, whatever becomes worse meanwhile.
    pub fn hold(&mut self, now: Now) {
        self.last_key.get_or_insert(now.mono);
    }

    /// How many items stand above and below those that were drawn last.
    pub fn out_of_sight(&self) -> (usize, usize) {
        let Some(scroll) = self.hits.scroll else { return (0, 0) };
        let count = |entries: &[Entry<K>]| entries.iter().filter_map(item).count();
        let (above, rest) = self.entries.split_at(scroll.offset.min(self.entries.len()));
        (count(above), rest.get(scroll.visible..).map_or(0, count))
    }

    pub fn select(&mut self, key: &K) -> bool {
        let Some(index) = self.position(key) else { return false };
        self.cursor = Some(index);
        true
    }

    /// Selects the row at this index, if it is an item.
    pub fn select_row(&mut self, index: usize, now: Now) -> bool {
        if self.entries.get(index).is_none_or(|entry| item(entry).is_none()) {
            return false;
        }
        self.last_key = Some(now.mono);
        self.cursor = Some(index);
        true
    }

    /// What of this list lies under the mouse, if anything does; a row is selected.
    pub fn click(&mut self, at: Position, now: Now) -> Option<TableHit> {
        let hit = self.hits.at(at)?;
        if let TableHit::Row(row) = hit {
            self.select_row(row, now);
        }
        Some(hit)
    }

    /// Rows that wait above the cursor: "2 new above".
    pub fn new_above(&self) -> usize {
        let (Some(waiting), Some(selected)) = (&self.waiting, self.selected()) else { return 0 };
        let shown: std::collections::BTreeSet<&K> = self.items().collect();
        waiting.iter().filter_map(item).take_while(|key| *key != selected).filter(|key| !shown.contains(key)).count()
    }

    /// Moves by a movement command. False: it was none.
    pub fn navigate(&mut self, command: Command, now: Now) -> bool {
        let page = self.height.max(2) as isize - 1;
        match command {
            Command::Down => self.step(1),
            Command::Up => self.step(-1),
            Command::PageDown => self.step(page),
            Command::PageUp => self.step(-page),
            Command::HalfDown => self.step(page / 2 + 1),
            Command::HalfUp => self.step(-(page / 2 + 1)),
            Command::Top => {
                self.cursor = Some(0);
                self.clamp();
            }
            Command::Bottom => {
                self.cursor = Some(self.entries.len().saturating_sub(1));
                self.clamp();
            }
            Command::Right => self.table.scroll_x(8),
            Command::Left => self.table.scroll_x(-8),
            _ => {
                // Who acts on a row means its object, whatever becomes worse meanwhile.
                if command == Command::Actions || matches!(command.spec().scope, Scope::On(_)) {
                    self.last_key = Some(now.mono);
                }
                return false;
            }
        }
        self.last_key = Some(now.mono);
        true
    }

    /// Moves over items; group heads are jumped.
    fn step(&mut self, by: isize) {
        let items: Vec<usize> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| item(entry).is_some())
            .map(|(index, _)| index)
            .collect();
        let Some(last) = items.len().checked_sub(1) else { return };
        let at = self.cursor.and_then(|cursor| items.iter().position(|index| *index == cursor)).unwrap_or(0);
        self.cursor = Some(items[at.saturating_add_signed(by).min(last)]);
    }
}

fn item<K>(entry: &Entry<K>) -> Option<&K> {
    match entry {
        Entry::Item(key) => Some(key),
        Entry::Group(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock, TestClock};
    use jiff::Timestamp;

    fn items(keys: &[u32]) -> Vec<Entry<u32>> {
        keys.iter().copied().map(Entry::Item).collect()
    }

    #[test]
    fn the_selected_row_keeps_its_object_and_its_line() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut list = List::default();
        list.set(items(&[1, 2, 3]), clock.now());
        list.navigate(Command::Down, clock.now());
        assert_eq!(list.selected(), Some(&2));
        list.set(items(&[9, 8, 1, 2, 3]), clock.now());
        assert_eq!((list.selected(), list.cursor(), list.new_above()), (Some(&2), Some(1), 2));
        clock.advance(QUIET);
        assert!(list.settle(clock.now()));
        assert_eq!((list.selected(), list.cursor(), list.new_above()), (Some(&2), Some(3), 0));
    }

    #[test]
    fn on_the_top_row_the_list_moves_at_once() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut list = List::default();
        list.set(items(&[1, 2]), clock.now());
        list.set(items(&[7, 1, 2]), clock.now());
        assert_eq!(list.selected(), Some(&7), "nobody pressed a key: the worst row is selected");
    }

    #[test]
    fn what_was_acted_on_stays_selected_on_the_top_row_too() {
        for command in [Command::RollBack, Command::Describe, Command::Actions] {
            let clock = TestClock::at(Timestamp::UNIX_EPOCH);
            let mut list = List::default();
            list.set(items(&[1, 2]), clock.now());
            assert!(!list.navigate(command, clock.now()), "it moves nothing");
            list.set(items(&[7, 1, 2]), clock.now());
            assert_eq!((list.selected(), list.cursor()), (Some(&1), Some(1)), "{command:?}");
        }
    }

    #[test]
    fn a_filter_leaves_the_selected_object_selected_where_it_is_still_there() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut list = List::default();
        list.set(items(&[1, 2, 3, 4]), clock.now());
        let filter = |list: &mut List<u32>, keys: &[u32]| {
            list.refilter(clock.now());
            list.set(items(keys), clock.now());
            (list.items().count(), list.selected().copied())
        };
        assert_eq!(filter(&mut list, &[3, 4]), (2, Some(3)), "the old one is not there: the top row");
        assert_eq!(filter(&mut list, &[1, 2, 3, 4]), (4, Some(3)), "cleared: at once, though a key was pressed");
        assert_eq!(filter(&mut list, &[2, 3]), (2, Some(3)));
        assert_eq!(filter(&mut list, &[]), (0, None));
        assert_eq!(filter(&mut list, &[1, 2, 3, 4]), (4, Some(3)), "a filter that left nothing is no choice");
        list.set(items(&[9, 1, 2, 3, 4]), clock.now());
        assert_eq!((list.selected(), list.new_above()), (Some(&3), 1), "rows that came by themselves wait");
    }

    #[test]
    fn what_is_gone_goes_at_once_and_group_heads_are_jumped() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let mut list = List::default();
        let head = || Entry::Group(Clean::from("NEW"));
        list.set(vec![head(), Entry::Item(1), head(), Entry::Item(2), Entry::Item(3)], clock.now());
        assert_eq!(list.selected(), Some(&1));
        list.navigate(Command::Down, clock.now());
        assert_eq!(list.selected(), Some(&2));
        list.set(vec![head(), Entry::Item(1), head(), Entry::Item(3)], clock.now());
        assert_eq!(list.selected(), Some(&3));
        list.set(vec![], clock.now());
        assert_eq!(list.selected(), None);
    }
}
