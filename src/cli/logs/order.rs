//! Lines of a log that is read once, by their times. What does not fit goes out early: the oldest half of what is held.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use crate::model::log::{LogLine, Origin};

/// Bytes held, about.
const MOST: usize = 64 * 1024 * 1024;

/// Where a line stands: its time, and its container's number, so that no other one's line of that time comes between. A
/// stack trace stays at the time of its head.
type Place = (Timestamp, usize);

#[derive(Debug)]
pub(super) struct Order {
    held: Vec<(Place, LogLine)>,
    /// Of each container, the last line that continues no other.
    heads: HashMap<Arc<Origin>, Place>,
    bytes: usize,
    most: usize,
}

impl Default for Order {
    fn default() -> Self {
        Self { held: Vec::new(), heads: HashMap::new(), bytes: 0, most: MOST }
    }
}

impl Order {
    /// Takes lines in; what is to be written now.
    pub(super) fn push(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        for line in lines {
            self.bytes += line.cost();
            let place = self.place(&line);
            self.held.push((place, line));
        }
        if self.bytes <= self.most {
            return Vec::new();
        }
        self.sort();
        let newer = self.held.split_off(self.held.len().div_ceil(2));
        let older = lines_of(std::mem::replace(&mut self.held, newer));
        self.bytes -= older.iter().map(LogLine::cost).sum::<usize>();
        older
    }

    pub(super) fn end(mut self) -> Vec<LogLine> {
        self.sort();
        lines_of(self.held)
    }

    fn place(&mut self, line: &LogLine) -> Place {
        let number = self.heads.len();
        let head = self.heads.entry(line.origin.clone()).or_insert((line.at, number));
        if !line.continues {
            head.0 = line.at;
        }
        *head
    }

    /// Stable: what continues a line stays behind it.
    fn sort(&mut self) {
        self.held.sort_by_key(|(place, _)| *place);
    }
}

fn lines_of(held: Vec<(Place, LogLine)>) -> Vec<LogLine> {
    held.into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    fn line(pod: &str, at: Timestamp, text: &str) -> LogLine {
        let origin = Origin::new(testing::object(pod), "app".into(), "1".into());
        let continues = text.starts_with(' ');
        LogLine { origin: Arc::new(origin), at, level: None, text: text.into(), continues, is_note: false }
    }

    #[test]
    fn lines_come_out_by_time_in_bounded_room() {
        let line = |second: i64| line("p", Timestamp::from_second(second).unwrap(), "x");
        let cost = line(0).cost();
        let mut order = Order { most: 10 * cost, ..Order::default() };
        let mut out = Vec::new();
        // Two pods, the second of which is a little behind.
        for second in 0..100 {
            out.extend(order.push(vec![line(second), line((second - 3).max(0))]));
            assert!(order.bytes <= 10 * cost && order.held.len() <= 10);
        }
        assert!(out.len() > 100, "it does not wait for the end");
        out.extend(order.end());
        assert!(out.len() == 200 && out.is_sorted_by_key(|line| line.at));
    }

    #[test]
    fn no_other_pods_line_comes_into_a_trace() {
        let at = |micros: i64| Timestamp::from_microsecond(1_000_000 + micros).unwrap();
        let mut order = Order::default();
        for line in [
            line("a", at(0), "boom"),
            line("b", at(0), "at the same time"),
            line("a", at(1_000), "  at x"),
            line("b", at(1_500), "later"),
            line("a", at(2_000), "  at y"),
        ] {
            assert!(order.push(vec![line]).is_empty());
        }
        let texts: Vec<String> = order.end().iter().map(|line| line.text.to_string()).collect();
        assert_eq!(texts, ["boom", "  at x", "  at y", "at the same time", "later"]);
    }
}
