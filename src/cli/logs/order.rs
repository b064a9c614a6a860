//! Lines of a log that is read once, by their times. What does not fit goes out early: the oldest half of what is held.

use crate::model::log::LogLine;

/// Bytes held, about.
const MOST: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Order {
    held: Vec<LogLine>,
    bytes: usize,
    most: usize,
}

impl Default for Order {
    fn default() -> Self {
        Self { held: Vec::new(), bytes: 0, most: MOST }
    }
}

impl Order {
    /// Takes lines in; what is to be written now.
    pub(super) fn push(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        self.bytes += lines.iter().map(LogLine::cost).sum::<usize>();
        self.held.extend(lines);
        if self.bytes <= self.most {
            return Vec::new();
        }
        self.sort();
        let newer = self.held.split_off(self.held.len().div_ceil(2));
        let older = std::mem::replace(&mut self.held, newer);
        self.bytes -= older.iter().map(LogLine::cost).sum::<usize>();
        older
    }

    pub(super) fn end(mut self) -> Vec<LogLine> {
        self.sort();
        self.held
    }

    /// Stable: what continues a line stays behind it.
    fn sort(&mut self) {
        self.held.sort_by_key(|line| line.at);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::{model::log::Origin, ui::testing};

    #[test]
    fn lines_come_out_by_time_in_bounded_room() {
        let origin = Arc::new(Origin { pod: testing::object("p"), container: "app".into(), version: "1".into() });
        let line = |second: i64| LogLine {
            origin: origin.clone(),
            at: Timestamp::from_second(second).unwrap(),
            level: None,
            text: "x".into(),
            continues: false,
            is_note: false,
        };
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
}
