//! From the bytes of one container to lines: stamped, cleaned, joined, and each only once.

use std::sync::Arc;

use jiff::Timestamp;

use super::{cursor::Cursor, merge::Placed, pods::Instance, refusal::NOT_RETRIEVED, split::Splitter};
use crate::{
    model::{
        Name,
        kubernetes::ObjectKey,
        log::{LogLine, Origin},
    },
    secret::MASK,
    source::kubernetes::log_line::{self, Joiner, PrivateKey},
    text::Clean,
};

/// What a container's log is cut to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    pub until: Option<Timestamp>,
    pub most_bytes: Option<u64>,
    /// So many of the newest lines; the log must be read to its end to know them.
    pub newest: Option<usize>,
    /// Private keys are left in it.
    pub has_keys: bool,
    /// Tabs are left in it.
    pub has_tabs: bool,
}

/// Turns the bytes of one container into lines.
pub struct Lines {
    origin: Arc<Origin>,
    /// The instance whose lines come.
    instance: Option<String>,
    pub splitter: Splitter,
    joiner: Joiner,
    key: PrivateKey,
    pub cursor: Cursor,
    /// Stamp of the last line that had one: lines without inherit it.
    stamp: Option<Timestamp>,
    order: Option<Timestamp>,
    bounds: Bounds,
    /// All that is wanted was read.
    pub is_over: bool,
    /// Lines that wait to be handed on.
    pub ready: Vec<Placed>,
}

impl Lines {
    pub fn new(pod: &ObjectKey, container: &Name, bounds: Bounds) -> Self {
        let origin = Origin::new(pod.clone(), container.clone(), Name::default());
        Self {
            origin: Arc::new(origin),
            instance: None,
            splitter: Splitter::default(),
            joiner: Joiner::default(),
            key: PrivateKey::default(),
            cursor: Cursor::default(),
            stamp: None,
            order: None,
            bounds,
            is_over: false,
            ready: Vec::new(),
        }
    }

    /// Lines of this instance come: of a new one, or once more of the same.
    pub fn attach(&mut self, pod: &ObjectKey, container: &Name, instance: &Instance) {
        let (version, details) = (instance.version.clone(), instance.details.clone());
        self.origin = Arc::new(Origin { pod: pod.clone(), container: container.clone(), version, details });
        if instance.id.is_none() || self.instance != instance.id {
            self.instance.clone_from(&instance.id);
            self.joiner.restart();
            self.key = PrivateKey::default();
        }
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
        self.is_over |= self.bounds.until.is_some_and(|until| stamp.is_some_and(|at| at > until));
        // A line without a stamp is the server's own: it says nothing of where the log stands.
        let is_new = stamp.map_or(self.cursor.is_past_break(), |at| self.cursor.take(at));
        if self.is_over || !is_new {
            return;
        }
        let text = String::from_utf8_lossy(self.cut(text));
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let clean = Clean::log_line(text, over, self.bounds.has_tabs);
        let (clean, level, continues) = match self.key.next(&clean) {
            // A key is one entry, and its lines are masked where the others are known.
            Some(before) if before.len() < clean.len() && !self.bounds.has_keys => {
                (Clean::own(format!("{before}{MASK}")), None, true)
            }
            Some(_) => (clean, None, true),
            None => {
                // A level is told by what the line looks like on a screen.
                let spaced = clean.contains('\t').then(|| clean.replace('\t', "    "));
                let (level, continues) = self.joiner.next(spaced.as_deref().unwrap_or(&clean));
                (clean, level, continues)
            }
        };
        let order = match self.order {
            Some(order) if continues || order > at => order,
            _ => at,
        };
        self.order = Some(order);
        let line = LogLine { origin: self.origin.clone(), at, level, text: clean, continues, is_note: false };
        self.ready.push(Placed { order, line });
    }

    /// As much of a line as may still be read.
    fn cut<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some(left) = self.bounds.most_bytes else { return text };
        let kept = text.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // Its line break counts too.
        let left = left.saturating_sub(text.len() as u64 + 1);
        self.bounds.most_bytes = Some(left);
        self.is_over = left == 0;
        &text[..kept]
    }

    /// Lines are kept back until the log was read, since only the newest are wanted.
    pub fn is_held(&mut self) -> bool {
        let Some(newest) = self.bounds.newest else { return false };
        if self.ready.len() >= 2 * newest {
            self.ready.drain(..self.ready.len() - newest);
        }
        true
    }

    /// The log was read: what was kept back may go.
    pub fn release(&mut self) {
        if let Some(newest) = self.bounds.newest.take() {
            self.ready.drain(..self.ready.len().saturating_sub(newest));
        }
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
        let mut lines = Lines::new(&pod, &"app".into(), Bounds::default());
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
    fn what_the_server_says_itself_moves_no_cursor_and_ends_no_log() {
        let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "n".into(), name: "p".into() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let bounds = Bounds { until: Some(at("2026-01-02T03:04:06Z")), ..Bounds::default() };
        let mut lines = Lines::new(&pod, &"app".into(), bounds);
        assert_eq!(lines.cursor.resume(false), None);
        // Our clock is ahead of the node's.
        let now = at("2026-01-02T03:09:00Z");
        lines.push(b"failed to create fsnotify watcher: too many open files\n", now);
        assert_eq!((lines.cursor.last(), lines.is_over), (None, false));
        lines.push(b"2026-01-02T03:04:05Z a\nrpc error\n", now);
        assert_eq!(lines.ready.len(), 3);
        assert_eq!(lines.cursor.resume(false).as_deref(), Some("2026-01-02T03:04:05Z"));
        // Of two lines of that moment one was read.
        lines.push(b"2026-01-02T03:04:05Z a\n2026-01-02T03:04:05Z b\n", now);
        assert_eq!(lines.ready.last().map(|placed| placed.line.text.to_string()).as_deref(), Some("b"));
    }

    #[test]
    fn a_private_key_is_one_entry_and_masked_line_by_line() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let log = ["a", "-----BEGIN PRIVATE KEY-----", body, body, "kA==", "-----END PRIVATE KEY-----", body];
        let bytes = log.map(|line| format!("2026-01-02T03:04:05Z {line}\n")).concat();
        let lines = lines_of(bytes.as_bytes());
        let texts: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
        assert_eq!(texts, [log[0], log[1], MASK, MASK, MASK, log[5], body]);
        let continues: Vec<bool> = lines.iter().map(|line| line.continues).collect();
        assert_eq!(continues, [false, false, true, true, true, true, false]);
        let (pod, bounds) = (lines[0].origin.pod.clone(), Bounds { has_keys: true, ..Bounds::default() });
        let mut unmasked = Lines::new(&pod, &"app".into(), bounds);
        unmasked.push(bytes.as_bytes(), Timestamp::UNIX_EPOCH);
        assert!(unmasked.ready.iter().map(|placed| &*placed.line.text).eq(log));
    }

    /// Streams above the cap are read in turns.
    #[test]
    fn a_private_key_that_goes_on_in_the_next_turn_stays_masked() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "n".into(), name: "p".into() };
        let mut lines = Lines::new(&pod, &"app".into(), Bounds::default());
        let instance = |id: &str| Instance { id: Some(id.to_owned()), ..Instance::default() };
        for (id, text) in [("1", "-----BEGIN PRIVATE KEY-----"), ("1", body), ("2", body)] {
            lines.attach(&pod, &"app".into(), &instance(id));
            lines.push(format!("2026-01-02T03:04:05Z {text}\n").as_bytes(), Timestamp::UNIX_EPOCH);
        }
        let texts: Vec<&str> = lines.ready.iter().map(|placed| &*placed.line.text).collect();
        assert_eq!(texts, ["-----BEGIN PRIVATE KEY-----", MASK, body]);
    }

    #[test]
    fn a_huge_line_says_what_is_cut_off() {
        let mut bytes = b"2026-01-02T03:04:05.000000001Z ".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 100_000));
        let lines = lines_of(&bytes);
        let cut = 100_000 - crate::text::MAX_LINE_BYTES;
        assert!(lines[0].text.ends_with(&format!("x … (+{cut} bytes)")) && lines[0].text.len() < 20_000);
    }

    #[test]
    fn tabs_stay_where_they_are_wanted_and_levels_are_the_same() {
        let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "n".into(), name: "p".into() };
        let read = |has_tabs| {
            let mut lines = Lines::new(&pod, &"app".into(), Bounds { has_tabs, ..Bounds::default() });
            lines.push(b"2026-01-02T03:04:05Z a\tERROR\tb\n2026-01-02T03:04:05Z \tat c\n", Timestamp::UNIX_EPOCH);
            lines.ready.into_iter().map(|placed| placed.line).collect::<Vec<LogLine>>()
        };
        let texts = |lines: &[LogLine]| lines.iter().map(|line| line.text.to_string()).collect::<Vec<_>>();
        let (tabbed, spaced) = (read(true), read(false));
        assert_eq!(texts(&tabbed), ["a\tERROR\tb", "\tat c"]);
        assert_eq!(texts(&spaced), ["a    ERROR    b", "    at c"]);
        let told = |lines: &[LogLine]| lines.iter().map(|line| (line.level, line.continues)).collect::<Vec<_>>();
        assert_eq!(told(&tabbed), told(&spaced));
    }
}
