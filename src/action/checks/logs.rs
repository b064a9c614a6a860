//! B2 by the logs that are read now: which of both versions writes the errors. Pods that are ready and answer with errors are
//! told apart by nothing else.

use serde_json::Value;

use super::Subject;
use crate::{
    action::template,
    model::kubernetes::{Revision, tag_of},
    secret::mask,
    store::logs::signatures::{per_thousand, rate},
    text::truncate,
};

/// Lines that each version must have written, for their errors to be compared.
const LEAST: u64 = 100;
/// Errors per 1,000 lines from which on a version is in trouble: below, they are those of every day.
const TROUBLE: f64 = 10.0;
/// Errors from which on a rate tells anything: one that is written each minute is among 100 lines, too.
const ERRORS: u64 = 20;
/// Rates that differ by no more than this are alike.
const ALIKE: f64 = 2.0;
/// Columns of a message that are shown.
const SHOWN: usize = 60;

/// What the logs tell, in words.
pub(super) enum Told {
    /// Both write about as many errors, and the live version none of its own.
    Alike(String),
    /// The live version writes more.
    Own(String),
    /// About as many or few, and one that only the live version writes.
    New(String),
}

impl Subject<'_> {
    /// `None`: no log is read in which both have written enough, or it tells nothing.
    pub(super) fn told_by_logs(&self, live: &Revision, target: &Revision) -> Option<Told> {
        let (new, old) = (tags(&live.template, &target.template), tags(&target.template, &live.template));
        let logs = self.make.store.logs_of(&self.inspection.workload.key);
        let compared = logs.map(|log| (log, log.signatures.compared(&new)));
        let (log, compared) = compared
            .filter(|(_, compared)| compared.old.split('+').any(|tag| old.contains(&tag)))
            .max_by_key(|(_, compared)| compared.new_lines.min(compared.old_lines))?;
        let (new_lines, old_lines) = (compared.new_lines, compared.old_lines);
        if new_lines.min(old_lines) < LEAST {
            return None;
        }
        let (new_errors, old_errors) = compared.errors();
        let (here, there) = (per_thousand(new_errors, new_lines), per_thousand(old_errors, old_lines));
        let first = log.signatures.first_new_error(&new);
        let alone = first.map(|error| {
            let text = truncate(&mask(error.text), SHOWN, "...");
            format!("{} alone writes '{text}', {} times", error.new, error.lines)
        });
        let rates = format!(
            "errors per 1,000 lines: {} {}, {} {}",
            compared.new,
            rate(new_errors, new_lines),
            compared.old,
            rate(old_errors, old_lines)
        );
        match alone {
            alone if new_errors >= ERRORS && here >= TROUBLE && here > there * ALIKE => {
                Some(Told::Own(alone.map_or_else(|| rates.clone(), |alone| format!("{rates}; {alone}"))))
            }
            Some(alone) => Some(Told::New(alone)),
            None if new_errors.min(old_errors) >= ERRORS && here.min(there) >= TROUBLE && there <= here * ALIKE => {
                Some(Told::Alike(rates))
            }
            None => None,
        }
    }
}

/// Tags of the images that another template does not run.
fn tags<'a>(of: &'a Value, beside: &Value) -> Vec<&'a str> {
    template::new_images(of, beside).into_iter().map(tag_of).collect()
}
