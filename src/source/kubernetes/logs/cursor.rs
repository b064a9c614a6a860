//! Where a stream stands, so that a broken one goes on without losing or repeating a line. `sinceTime` has the
//! granularity of a second: it is asked with the last second begun, and the lines already seen of it are skipped.
//! Where the first line came of a range (`tailLines`, `sinceSeconds`), those before it in its second were never sent, and
//! their number is not known: of that second all is skipped that is no later than the last line.

use jiff::Timestamp;

/// Position after the last line taken in.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    last: Option<Timestamp>,
    /// Lines seen of the second of `last`; `None`: a range began inside of it.
    seen: Option<u32>,
    skip: u32,
    /// The first line may not be the first of its second.
    is_ranged: bool,
}

impl Cursor {
    /// Begins a stream; what to ask for as `sinceTime`, `None` if nothing was read yet: then it `is_ranged` or whole.
    pub fn resume(&mut self, is_ranged: bool) -> Option<String> {
        self.is_ranged = is_ranged;
        // Nothing was seen yet: then nothing comes again, however its stamps stand to each other.
        self.skip = if self.last.is_some() { self.seen.unwrap_or(u32::MAX) } else { 0 };
        let second = Timestamp::from_second(self.last?.as_second()).expect("a second of a time stamp is one");
        Some(second.to_string())
    }

    /// What comes now was not seen before the break.
    pub fn is_past_break(&self) -> bool {
        self.skip == 0
    }

    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Takes a line in; false if it was seen before the break.
    pub fn take(&mut self, at: Timestamp) -> bool {
        let Some(last) = self.last else {
            self.last = Some(at);
            self.seen = (!self.is_ranged).then_some(1);
            return true;
        };
        if self.skip > 0 {
            // A file rotated in between has fewer lines of that second: what is later than the last is new for sure.
            if at <= last {
                self.skip -= u32::from(at.as_second() == last.as_second());
                return false;
            }
            self.skip = 0;
        }
        match at.as_second().cmp(&last.as_second()) {
            std::cmp::Ordering::Greater => self.seen = Some(1),
            std::cmp::Ordering::Equal => self.seen = self.seen.map(|seen| seen + 1),
            // stdout and stderr are stamped apart: `sinceTime` will not bring this one again, so it does not count.
            std::cmp::Ordering::Less => {}
        }
        self.last = Some(last.max(at));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanosecond(1_700_000_000_000_000_000 + i128::from(nanos)).unwrap()
    }

    proptest! {
        /// A server that answers from `sinceTime` on, at first perhaps with the newest lines only: after any breaks, all
        /// from the first one on once, in order.
        #[test]
        fn no_line_is_lost_or_repeated(
            mut stamps in prop::collection::vec((0_i64..40).prop_map(|tenths| tenths * 100_000_000), 1..60),
            breaks in prop::collection::vec(0_usize..60, 0..6),
            tail in prop::option::of(0_usize..60),
        ) {
            stamps.sort_unstable();
            if tail.is_some() {
                // Inside of a second that a range cuts, equal stamps are not told apart.
                stamps.dedup();
            }
            let log: Vec<(usize, Timestamp)> = stamps.iter().map(|nanos| at(*nanos)).enumerate().collect();
            let newest = tail.map_or(0, |tail| log.len().saturating_sub(tail));
            let mut cursor = Cursor::default();
            let mut got = Vec::new();
            for end in breaks.into_iter().chain([usize::MAX]) {
                let since: Option<Timestamp> = cursor.resume(tail.is_some()).map(|text| text.parse().unwrap());
                let from = if since.is_none() { newest } else { 0 };
                let answer = log[from..].iter().filter(|(_, at)| since.is_none_or(|since| *at >= since));
                got.extend(answer.take(end).filter(|(_, at)| cursor.take(*at)).map(|(index, _)| *index));
            }
            prop_assert_eq!(got, (newest..log.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn it_asks_for_the_second_begun_never_rounded_up() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.resume(false), None);
        cursor.take("2026-01-02T03:04:05.999999999Z".parse().unwrap());
        assert_eq!(cursor.resume(false).as_deref(), Some("2026-01-02T03:04:05Z"));
    }

    /// stdout and stderr are stamped apart, and some clocks tick slowly.
    #[test]
    fn at_first_no_line_is_taken_for_one_seen_before() {
        for is_ranged in [false, true] {
            let mut cursor = Cursor::default();
            cursor.resume(is_ranged);
            assert!([20, 20, 10, 20, 30].iter().all(|nanos| cursor.take(at(*nanos))), "{is_ranged}");
        }
    }

    #[test]
    fn after_a_rotation_what_is_later_is_not_skipped() {
        let mut cursor = Cursor::default();
        for nanos in [10, 20, 30] {
            cursor.take(at(nanos));
        }
        cursor.resume(false);
        // The file with 10 and 20 is gone.
        assert!(!cursor.take(at(30)));
        assert!(cursor.take(at(40)));
    }
}
