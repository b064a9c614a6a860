//! A bounded buffer that keeps the newest items.

use std::{collections::VecDeque, ops::Range};

/// Keeps the newest items within `max_bytes` and counts the rest; `window` is what rendering uses.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    max_bytes: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    pub fn new(max_bytes: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, max_bytes, dropped: 0 }
    }

    /// Adds an item that costs `bytes`; the oldest make room. How many were dropped for it.
    pub fn push(&mut self, item: T, bytes: usize) -> usize {
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        let mut gone = 0;
        while self.bytes > self.max_bytes && self.items.len() > 1 {
            if let Some((_, cost)) = self.items.pop_front() {
                self.bytes -= cost;
                gone += 1;
            }
        }
        self.dropped += gone as u64;
        gone
    }

    /// Items counted as dropped before they came here.
    pub fn count_dropped(&mut self, more: u64) {
        self.dropped += more;
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index).map(|(item, _)| item)
    }

    /// The items at these indices; what lies outside is left out.
    pub fn window(&self, rows: Range<usize>) -> impl Iterator<Item = &T> {
        let end = rows.end.min(self.items.len());
        self.items.range(rows.start.min(end)..end).map(|(item, _)| item)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().map(|(item, _)| item)
    }

    pub fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
        self.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_stay_bounded_and_nothing_is_lost_uncounted(costs in proptest::collection::vec(1usize..50, 0..200)) {
            let mut ring = Ring::new(200);
            for (index, cost) in costs.iter().enumerate() {
                ring.push(index, *cost);
                prop_assert!(ring.bytes() <= 200);
            }
            prop_assert_eq!(ring.len() as u64 + ring.dropped(), costs.len() as u64);
            if let Some(last) = ring.iter().next_back() {
                prop_assert_eq!(*last, costs.len() - 1);
            }
        }
    }
}
