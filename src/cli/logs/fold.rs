//! `--fold`: of equal lines of a container one after another the first, and how many followed, said when the container
//! writes another one. What others write meanwhile is no end of it: of many pods hardly two lines are neighbours.

use std::{collections::HashMap, sync::Arc};

use crate::{
    model::log::{LogLine, Origin},
    text::Clean,
};

/// Containers whose last line is remembered; pods come and go for as long as a log is followed.
const MOST: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Fold {
    lasts: HashMap<Arc<Origin>, Last>,
    /// Who wrote the line that was written out last.
    newest: Option<Arc<Origin>>,
}

/// The line that a container wrote last.
#[derive(Debug)]
struct Last {
    line: LogLine,
    repeats: u64,
}

impl Last {
    /// What is to be said of it, and how often it came again. `is_right_above`: no other line was written out since.
    fn note(self, is_right_above: bool) -> Option<(LogLine, u64)> {
        let Self { line, repeats } = self;
        if repeats == 0 {
            return None;
        }
        let times = if repeats == 1 { "time" } else { "times" };
        let text = if is_right_above {
            format!("last message repeated {repeats} {times}")
        } else {
            // As syslog has it: which one it was could not be seen.
            format!("message repeated {repeats} {times}: [{}]", line.text)
        };
        let note = LogLine { text: Clean::own(text), level: None, continues: false, is_note: true, ..line };
        Some((note, repeats))
    }
}

impl Fold {
    /// The line says the same as the one that its container wrote before. A trace is never folded.
    pub(super) fn is_repeat(&mut self, line: &LogLine) -> bool {
        let Some(Last { line: last, repeats }) = self.lasts.get_mut(&line.origin) else { return false };
        let is_plain = !(line.continues || line.is_note || last.continues || last.is_note);
        let is_same = is_plain && last.text == line.text;
        if is_same {
            last.at = line.at;
            *repeats += 1;
        }
        is_same
    }

    /// Another line begins: what is to be said of the one that its container wrote before.
    pub(super) fn begin(&mut self, line: &LogLine) -> Vec<(LogLine, u64)> {
        let is_right_above = self.newest.as_ref() == Some(&line.origin);
        let before = self.lasts.remove(&line.origin).and_then(|last| last.note(is_right_above));
        let mut said: Vec<(LogLine, u64)> = before.into_iter().collect();
        if self.lasts.len() >= MOST {
            said.extend(self.end());
        }
        self.lasts.insert(line.origin.clone(), Last { line: line.clone(), repeats: 0 });
        self.newest = Some(line.origin.clone());
        said
    }

    /// What is to be said of each container's last line, by time.
    pub(super) fn end(&mut self) -> Vec<(LogLine, u64)> {
        let newest = self.newest.take();
        let mut lasts: Vec<Last> = self.lasts.drain().map(|(_, last)| last).filter(|last| last.repeats > 0).collect();
        lasts.sort_by_cached_key(|last| (last.line.at, last.line.origin.pod.name.clone()));
        let notes = lasts.into_iter().enumerate().filter_map(|(at, last)| {
            let is_right_above = at == 0 && newest.as_ref() == Some(&last.line.origin);
            last.note(is_right_above)
        });
        notes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    fn line(pod: &str, text: &str) -> LogLine {
        LogLine {
            origin: Arc::new(Origin::new(testing::object(pod), "app".into(), "1".into())),
            at: testing::at("03:00"),
            level: None,
            text: text.into(),
            continues: text.starts_with(' '),
            is_note: false,
        }
    }

    /// What is written of these lines.
    fn written(lines: &[(&str, &str)]) -> Vec<String> {
        let mut fold = Fold::default();
        let mut written = Vec::new();
        let said = |notes: Vec<(LogLine, u64)>| {
            notes.into_iter().map(|(note, repeats)| {
                assert!(note.is_note && note.text.contains(&format!("repeated {repeats} time")));
                format!("{} -- {}", note.origin.pod.name, note.text)
            })
        };
        for (pod, text) in lines {
            let line = line(pod, text);
            if !fold.is_repeat(&line) {
                written.extend(said(fold.begin(&line)));
                written.push(format!("{pod} {text}"));
            }
        }
        written.extend(said(fold.end()));
        assert!(fold.end().is_empty());
        written
    }

    #[test]
    fn equal_lines_of_one_container_are_counted_and_traces_are_not() {
        let lines = [("a", "x"), ("a", "x"), ("a", "x"), ("a", " at y"), ("a", " at y"), ("a", "z"), ("a", "z")];
        let expected = [
            "a x",
            "a -- last message repeated 2 times",
            "a  at y",
            "a  at y",
            "a z",
            "a -- last message repeated 1 time",
        ];
        assert_eq!(written(&lines), expected);
    }

    #[test]
    fn lines_of_others_between_equal_ones_end_nothing() {
        let lines = [
            ("a", "x"),
            ("b", "x"),
            ("a", "x"),
            ("b", "x"),
            ("a", "x"),
            ("a", "y"),
            ("c", "x"),
            ("a", "y"),
            ("b", "x"),
        ];
        let expected = [
            "a x",
            "b x",
            "a -- message repeated 2 times: [x]",
            "a y",
            "c x",
            "a -- message repeated 1 time: [y]",
            "b -- message repeated 2 times: [x]",
        ];
        assert_eq!(written(&lines), expected);
    }
}
