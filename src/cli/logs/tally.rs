//! What answers say beside their lines: troubles, what was not found, what failed. It makes the exit code.

use std::{collections::BTreeSet, process::ExitCode};

use tokio::task::AbortHandle;

use super::{Logs, order::Order, report};
use crate::{
    cli::status::UNREADABLE,
    model::log::LogLine,
    query::{Answer, LogBatch, LogQuery, LogTarget, Query},
    source::Answered,
    text::Clean,
};

/// What was heard so far.
pub(super) struct Tally<'a> {
    logs: &'a Logs,
    readers: &'a [(Query, AbortHandle)],
    has_failed: bool,
    failing: Vec<Query>,
    told: BTreeSet<Clean>,
    /// Labels are looked for in every cluster and namespace that is read: that some have no such pod is no failure.
    is_found: bool,
    not_found: BTreeSet<Clean>,
    /// Queries that were answered.
    answered: Vec<Query>,
    order: Order,
    /// One stream is all there is.
    is_one: bool,
}

impl<'a> Tally<'a> {
    pub(super) fn new(logs: &'a Logs, readers: &'a [(Query, AbortHandle)]) -> Self {
        Self {
            logs,
            readers,
            has_failed: false,
            failing: Vec::new(),
            told: BTreeSet::new(),
            is_found: false,
            not_found: BTreeSet::new(),
            answered: Vec::new(),
            order: Order::default(),
            is_one: readers.len() == 1,
        }
    }

    /// Takes an answer in; the lines that are to be written now. What is not followed is put in order first, unless one
    /// stream is all there is. `is_late`: it is the last word for now, and what fails by it is not waited for any longer.
    pub(super) fn take(&mut self, answered: Answered, is_late: bool) -> Vec<LogLine> {
        let lines = match answered.body {
            Ok(Answer::Logs(batch)) => self.batch(&answered.query, batch),
            Ok(_) => Vec::new(),
            Err(error) => {
                if self.told.insert(error.says.clone()) {
                    report::aside(&format!("midwatch: {}", error.says));
                }
                self.failing.push(answered.query);
                Vec::new()
            }
        };
        if is_late {
            self.give_up();
        }
        lines
    }

    fn batch(&mut self, query: &Query, batch: LogBatch) -> Vec<LogLine> {
        self.failing.retain(|other| other != query);
        self.is_found |= batch.wanted > 0;
        if batch.wanted == 0 && is_of_labels(query) {
            // The last lines of pods that have gone may come with it all the same.
            self.not_found.extend(batch.troubles);
        } else {
            self.tell(batch.troubles);
        }
        if !self.answered.contains(query) {
            self.answered.push(query.clone());
        }
        if self.logs.follow && !self.is_found && self.answered.len() >= self.readers.len() {
            // Of a log that is followed there is no end to say it at.
            self.tell(self.not_found.iter().cloned().collect());
        }
        self.is_one &= batch.wanted <= 1;
        if self.logs.follow || self.is_one { batch.lines } else { self.order.push(batch.lines) }
    }

    fn tell(&mut self, troubles: Vec<Clean>) {
        for trouble in troubles {
            if self.told.insert(trouble.clone()) {
                self.has_failed = true;
                report::aside(&format!("midwatch: {trouble}"));
            }
        }
    }

    /// Those that fail are not waited for any longer. A log that is followed is the user's to end.
    pub(super) fn give_up(&self) {
        if !self.logs.follow {
            let failing = self.readers.iter().filter(|(query, _)| self.failing.contains(query));
            failing.for_each(|(_, task)| task.abort());
        }
    }

    /// Lines that were kept back to be put in order.
    pub(super) fn rest(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.order).end()
    }

    /// At the end; says what was found nowhere.
    pub(super) fn code(mut self) -> ExitCode {
        self.has_failed |= !self.failing.is_empty();
        if !self.is_found && !self.not_found.is_empty() {
            self.has_failed = true;
            for trouble in self.not_found.difference(&self.told) {
                report::aside(&format!("midwatch: {trouble}"));
            }
        }
        // A followed log goes on after trouble with one stream; its end is the user's.
        let is_failure = self.has_failed && !self.logs.follow && !self.logs.ignore_errors;
        if is_failure { ExitCode::from(UNREADABLE) } else { ExitCode::SUCCESS }
    }
}

fn is_of_labels(query: &Query) -> bool {
    matches!(query, Query::Logs(LogQuery { target: LogTarget::Labels(_), .. }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;

    use super::*;
    use crate::{
        model::{BackendId, log::Origin},
        query::LabelKey,
        source::{ErrorKind, SourceError},
        ui::testing,
    };

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        logs: Logs,
    }

    fn labelled(flags: &[&str]) -> (Logs, Query) {
        let Line { logs } = Line::parse_from([&["logs", "-l", "app=web"], flags].concat());
        let labels = LabelKey { cluster: BackendId::new("c"), namespace: "shop".into(), selector: "app=web".into() };
        (logs, Query::Logs(LogQuery::of(LogTarget::Labels(labels))))
    }

    fn answer(query: &Query, batch: LogBatch) -> Answered {
        Answered { query: query.clone(), generation: 0, at: testing::at("03:00"), body: Ok(Answer::Logs(batch)) }
    }

    fn nobody() -> LogBatch {
        LogBatch { troubles: vec!["no pod has the labels 'app=web'".into()], ..LogBatch::default() }
    }

    #[test]
    fn the_last_lines_of_pods_that_are_gone_are_written() {
        let (logs, query) = labelled(&["-f"]);
        let line = LogLine {
            origin: Arc::new(Origin::new(testing::object("p"), "app".into(), "1".into())),
            at: testing::at("03:00"),
            level: None,
            text: "bye".into(),
            continues: false,
            is_note: false,
        };
        let mut tally = Tally::new(&logs, &[]);
        for (lines, batch) in [(Vec::new(), LogBatch { wanted: 1, ..LogBatch::default() }), (vec![line], nobody())] {
            let batch = LogBatch { lines: lines.clone(), ..batch };
            assert_eq!(tally.take(answer(&query, batch), false), lines);
        }
        assert!(tally.told.is_empty(), "some were found");
    }

    /// It may be followed for hours.
    #[test]
    fn whoever_follows_what_is_not_there_is_told() {
        for (flags, is_told) in [(&["-f"][..], true), (&[], false)] {
            let (logs, query) = labelled(flags);
            let mut tally = Tally::new(&logs, &[]);
            tally.take(answer(&query, nobody()), false);
            assert_eq!(!tally.told.is_empty(), is_told, "{flags:?}");
        }
    }
    /// What one that failed says next may wait behind other answers, for as long as the reader of all is slow.
    #[tokio::test]
    async fn what_fails_is_given_up_by_its_last_word() {
        let (logs, query) = labelled(&[]);
        let task = tokio::spawn(std::future::pending::<()>());
        let readers = [(query.clone(), task.abort_handle())];
        let mut tally = Tally::new(&logs, &readers);
        let fails = || Answered {
            body: Err(SourceError::new(ErrorKind::Unreachable, "it does not answer")),
            ..answer(&query, nobody())
        };
        tally.take(fails(), false);
        tally.take(answer(&query, nobody()), true);
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "it answers again");
        tally.take(fails(), false);
        let other = Query::Logs(LogQuery::of(LogTarget::Pod(testing::object("p"))));
        tally.take(answer(&other, nobody()), true);
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
}
