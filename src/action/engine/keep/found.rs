//! What the answers to one query have for a file.

use std::time::Duration;

use super::{Kept, csv};
use crate::{
    model::log::NEVER_RESTARTED,
    query::{Answer, LogBatch, PageLine},
    secret::mask,
    text::Clean,
};

/// What was read so far.
#[derive(Default)]
pub(super) struct Found {
    text: String,
    /// Something of it was read: what only says why not is none.
    has_content: bool,
    /// Words in place of lines, of logs without any.
    notes: Vec<Clean>,
    /// What could not be read, as of the last answer.
    troubles: Vec<Clean>,
}

impl Found {
    pub(super) fn fail(&mut self, why: Clean) {
        self.push(&format!("could not be read: {why}"));
        self.troubles = vec![why];
    }

    pub(super) fn take(&mut self, answer: &Answer) {
        self.troubles.clear();
        match answer {
            Answer::Logs(batch) => self.take_lines(batch),
            Answer::Page(lines) => {
                for line in lines {
                    match line {
                        PageLine::Heading(heading) => self.push(&format!("== {heading}")),
                        PageLine::Field(name, value, _) => self.push(&format!("{name}: {value}")),
                        PageLine::Text(text) => self.push(text),
                    }
                }
                self.has_content |= !lines.is_empty();
            }
            Answer::Panel(data) => {
                csv::append(data, &mut self.text);
                let has_points =
                    data.series.iter().any(|series| series.points.iter().any(|(_, value)| value.is_some()));
                // Of one query that failed, others have values.
                if has_points || data.failures.is_empty() {
                    self.has_content = true;
                } else {
                    self.troubles.extend(data.failures.iter().map(|why| Clean::line(&mask(why))));
                }
            }
            _ => {}
        }
    }

    /// A stream that fails is no failure of the query: it leaves a note in place of its lines.
    fn take_lines(&mut self, batch: &LogBatch) {
        for line in &batch.lines {
            self.push(&line.text);
            if line.is_note {
                self.notes.push(line.text.clone());
            } else {
                self.has_content = true;
            }
        }
        self.troubles.clone_from(&batch.troubles);
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(&mask(line));
        self.text.push('\n');
    }

    /// The text, else what became of it. `late`: it was not all read within that time.
    pub(super) fn kept(self, is_previous: bool, late: Option<Duration>) -> Result<String, Kept> {
        if self.has_content {
            return Ok(self.text);
        }
        if let Some(why) = self.troubles.into_iter().next() {
            return Err(Kept::Lost(why));
        }
        if let Some(within) = late {
            return Err(Kept::Lost(say!("no answer within {} s", within.as_secs_f32())));
        }
        if !is_previous || self.notes.is_empty() {
            return Err(Kept::Empty);
        }
        // A log that once was, and is no more, is evidence lost.
        let other = self.notes.into_iter().find(|note| !note.ends_with(NEVER_RESTARTED));
        Err(other.map_or(Kept::NotThere, Kept::Lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        BackendId,
        metric::{DashboardKey, PanelData, PanelKey, Series},
    };

    fn panel(values: &[Option<f64>], failures: &[&str]) -> Answer {
        let dashboard = DashboardKey { backend: BackendId::new("grafana"), uid: "board".into() };
        let points = values.iter().map(|value| (0, *value)).collect();
        Answer::Panel(Box::new(PanelData {
            key: PanelKey { dashboard, id: 4 },
            title: "Errors".into(),
            from: 0,
            to: 0,
            series: vec![Series { name: "5xx".into(), points, ..Series::default() }],
            more_series: 0,
            reduced: Vec::new(),
            table: None,
            failures: failures.iter().map(|says| Clean::line(says)).collect(),
            notices: Vec::new(),
        }))
    }

    #[test]
    fn a_panel_whose_queries_failed_is_kept_only_with_values() {
        let kept = |answer: &Answer| {
            let mut found = Found::default();
            found.take(answer);
            found.kept(false, None)
        };
        let Err(Kept::Lost(why)) = kept(&panel(&[None], &["A: no such metric", "B: too many"])) else {
            panic!("it has no value")
        };
        assert_eq!(why, "A: no such metric");
        let text = kept(&panel(&[Some(1.0)], &["B: too many"])).unwrap_or_default();
        assert!(text.ends_with("# could not be read: B: too many\n"), "{text}");
        assert!(kept(&panel(&[], &[])).is_ok(), "it is known to have none");
    }

    #[test]
    fn pods_that_are_found_at_the_second_try_are_no_failure() {
        let mut found = Found::default();
        found.fail("503".into());
        found.take(&Answer::Logs(LogBatch::default()));
        assert!(matches!(found.kept(false, None), Err(Kept::Empty)));
    }
}
