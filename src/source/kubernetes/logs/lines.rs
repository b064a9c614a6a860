//! From the bytes of one container to lines: stamped, cleaned, joined, and each only once.

use std::sync::Arc;

use jiff::Timestamp;

use super::{cursor::Cursor, merge::Placed, refusal::NOT_RETRIEVED, split::Splitter};
use crate::{
    model::{
        Name,
        kubernetes::ObjectKey,
        log::{LogLine, Origin},
    },
    source::kubernetes::log_line::{self, Joiner},
    text::Clean,
};

/// Turns the bytes of one container into lines.
pub struct Lines {
    origin: Arc<Origin>,
    pub splitter: Splitter,
    joiner: Joiner,
    pub cursor: Cursor,
    /// Stamp of the last line that had one: lines without inherit it.
    stamp: Option<Timestamp>,
    order: Option<Timestamp>,
    /// Lines that wait to be handed on.
    pub ready: Vec<Placed>,
}

impl Lines {
    pub fn new(pod: &ObjectKey, container: &Name) -> Self {
        let origin = Origin { pod: pod.clone(), container: container.clone(), version: Name::default() };
        Self {
            origin: Arc::new(origin),
            splitter: Splitter::default(),
            joiner: Joiner::default(),
            cursor: Cursor::default(),
            stamp: None,
            order: None,
            ready: Vec::new(),
        }
    }

    /// A new instance begins.
    pub fn attach(&mut self, pod: &ObjectKey, container: &Name, version: &Name) {
        self.origin = Arc::new(Origin { pod: pod.clone(), container: container.clone(), version: version.clone() });
        self.joiner.restart();
        // The cursor stays: if the status lagged behind, some of the new instance's lines were read already.
    }

    pub fn push(&mut self, bytes: &[u8], now: Timestamp) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(bytes, |line, over| self.line(line, over, now));
        self.splitter = splitter;
    }

    /// At a clean end; false if all there was is the server's word that it could not read the log.
    pub fn finish(&mut self, now: Timestamp) -> bool {
        let mut retrieved = true;
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.finish(|line, over| {
            // The server's own errors have no stamp.
            if line.starts_with(NOT_RETRIEVED.as_bytes()) {
                retrieved = false;
            } else {
                self.line(line, over, now);
            }
        });
        self.splitter = splitter;
        retrieved
    }

    fn line(&mut self, line: &[u8], over: usize, now: Timestamp) {
        let (stamp, text) = log_line::split_stamp(line);
        self.stamp = stamp.or(self.stamp);
        let at = self.stamp.unwrap_or(now);
        if !self.cursor.take(at) {
            return;
        }
        let text = String::from_utf8_lossy(text);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let clean = match over {
            0 => Clean::line(text),
            _ => Clean::own(format!("{} … (+{over} bytes)", Clean::line(text))),
        };
        let (level, continues) = self.joiner.next(&clean);
        let order = match self.order {
            Some(order) if continues || order > at => order,
            _ => at,
        };
        self.order = Some(order);
        let line = LogLine { origin: self.origin.clone(), at, level, text: clean, continues, is_note: false };
        self.ready.push(Placed { order, line });
    }

    /// A word of our own.
    pub fn note(&mut self, says: &str, now: Timestamp) {
        // Right after the last line, whose clock is the node's.
        let at = self.stamp.unwrap_or(now);
        let order = self.order.map_or(at, |order| order.max(at));
        let line = LogLine {
            origin: self.origin.clone(),
            at,
            level: None,
            text: Clean::line(says),
            continues: false,
            is_note: true,
        };
        self.ready.push(Placed { order, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BackendId;

    fn lines_of(bytes: &[u8]) -> Vec<LogLine> {
        let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "n".into(), name: "p".into() };
        let mut lines = Lines::new(&pod, &"app".into());
        lines.push(bytes, Timestamp::UNIX_EPOCH);
        lines.finish(Timestamp::UNIX_EPOCH);
        lines.ready.into_iter().map(|placed| placed.line).collect()
    }

    #[test]
    fn bytes_that_are_no_text_and_escapes_do_no_harm() {
        let mut bytes = b"2026-01-02T03:04:05.000000001Z \xff\xfe ok\n".to_vec();
        bytes.extend(b"2026-01-02T03:04:05.000000002Z \x1b[31mred\x1b[0m 10%\r99%\r\n");
        let lines = lines_of(&bytes);
        let texts: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
        assert_eq!(texts, ["\u{fffd}\u{fffd} ok", "99%"]);
    }

    #[test]
    fn a_line_without_a_stamp_inherits_the_one_before() {
        let lines = lines_of(b"2026-01-02T03:04:05.000000001Z a\nrpc error: code = NotFound\n");
        assert_eq!(lines[1].at, lines[0].at);
    }

    #[test]
    fn a_huge_line_says_what_is_cut_off() {
        let mut bytes = b"2026-01-02T03:04:05.000000001Z ".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 100_000));
        let lines = lines_of(&bytes);
        assert!(lines[0].text.ends_with(" bytes)") && lines[0].text.len() < 20_000);
    }
}
