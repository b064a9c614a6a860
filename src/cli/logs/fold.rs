//! `--fold`: of equal lines one after another the first, and how many followed, said when another line comes.

use crate::{model::log::LogLine, text::Clean};

#[derive(Debug, Default)]
pub(super) struct Fold {
    last: Option<LogLine>,
    repeats: u64,
}

impl Fold {
    /// The line says the same as the one before, of the same container. A trace is never folded.
    pub(super) fn is_repeat(&mut self, line: &LogLine) -> bool {
        let Some(last) = &mut self.last else { return false };
        let is_plain = !(line.continues || line.is_note || last.continues || last.is_note);
        let is_same = is_plain && last.text == line.text && last.origin == line.origin;
        if is_same {
            last.at = line.at;
            self.repeats += 1;
        }
        is_same
    }

    /// Another line begins: what is to be said of the one before.
    pub(super) fn begin(&mut self, line: &LogLine) -> Option<(LogLine, u64)> {
        let said = self.end();
        self.last = Some(line.clone());
        said
    }

    /// What is to be said of the last line, and how often it came again.
    pub(super) fn end(&mut self) -> Option<(LogLine, u64)> {
        let last = self.last.take()?;
        let repeats = std::mem::take(&mut self.repeats);
        let times = if repeats == 1 { "time" } else { "times" };
        let text = Clean::own(format!("last message repeated {repeats} {times}"));
        (repeats > 0).then_some((LogLine { text, level: None, continues: false, is_note: true, ..last }, repeats))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{model::log::Origin, ui::testing};

    #[test]
    fn equal_neighbours_of_one_container_are_counted_and_traces_are_not() {
        let line = |pod: &str, text: &str| LogLine {
            origin: Arc::new(Origin::new(testing::object(pod), "app".into(), "1".into())),
            at: testing::at("03:00"),
            level: None,
            text: text.into(),
            continues: text.starts_with(' '),
            is_note: false,
        };
        let mut fold = Fold::default();
        let mut written = Vec::new();
        for (pod, text) in [
            ("a", "x"),
            ("a", "x"),
            ("a", "x"),
            ("b", "x"),
            ("a", "x"),
            ("a", "x"),
            ("a", " at y"),
            ("a", " at y"),
            ("a", "z"),
            ("a", "z"),
        ] {
            let line = line(pod, text);
            if !fold.is_repeat(&line) {
                written.extend(fold.begin(&line).map(|(note, _)| note.text.to_string()));
                written.push(format!("{pod} {text}"));
            }
        }
        let end = fold.end().unwrap();
        assert!(end.0.is_note && end.1 == 1 && fold.end().is_none());
        assert_eq!(
            written,
            [
                "a x",
                "last message repeated 2 times",
                "b x",
                "a x",
                "last message repeated 1 time",
                "a  at y",
                "a  at y",
                "a z"
            ]
        );
    }
}
