//! The messages of one version beside those of another.

use jiff::Timestamp;

use super::Signature;
use crate::model::log::LogLevel;

/// What a version is compared as. The old one stands to the left of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Old,
    New,
}

/// The versions of a log on two sides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sides {
    /// Of each version; `None`: there is no other to compare it with.
    pub(super) of: Vec<Option<Side>>,
    /// Lines that each side wrote; 0: there is nothing to compare with.
    pub new_lines: u64,
    pub old_lines: u64,
    /// Tags: `412`, `410+411`; empty where there is none.
    pub new: String,
    pub old: String,
}

impl Sides {
    /// Both have written.
    pub fn are_both(&self) -> bool {
        self.new_lines > 0 && self.old_lines > 0
    }

    /// However much each has written meanwhile.
    pub fn has_same_versions(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

/// The new version's messages beside the old's.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub rows: Vec<Compared<'a>>,
    /// Lines that each side wrote; 0: there is nothing to compare with.
    pub new_lines: u64,
    pub old_lines: u64,
    /// Tags: `412`, `410+411`; empty where there is none.
    pub new: String,
    pub old: String,
}

impl Comparison<'_> {
    /// Lines that say of themselves that they are errors, of the new side and of the old.
    pub fn errors(&self) -> (u64, u64) {
        let errors = self.rows.iter().filter(|row| row.signature.message.level >= Some(LogLevel::Error));
        errors.fold((0, 0), |(new, old), row| (new + row.new, old + row.old))
    }
}

/// One message on both sides.
#[derive(Debug)]
pub struct Compared<'a> {
    pub signature: &'a Signature,
    pub new: u64,
    pub old: u64,
    /// Of every version, compared or not.
    pub all: u64,
    pub first_new: Option<Timestamp>,
}

impl<'a> Compared<'a> {
    pub(super) fn of(signature: &'a Signature, side: &[Option<Side>]) -> Self {
        let mut row = Self { signature, new: 0, old: 0, all: 0, first_new: None };
        for count in &signature.counts {
            row.all += count.lines;
            match side.get(count.version).copied().flatten() {
                Some(Side::New) => {
                    row.new += count.lines;
                    row.first_new = Some(row.first_new.map_or(count.first, |first| first.min(count.first)));
                }
                Some(Side::Old) => row.old += count.lines,
                None => {}
            }
        }
        row
    }

    /// Written by the new version, never by an old one that was read as well.
    pub fn is_new(&self) -> bool {
        self.new > 0 && self.old == 0
    }

    pub(super) fn rank(&self, new_lines: u64, old_lines: u64) -> (bool, Option<LogLevel>, f64, u64) {
        let more = per_thousand(self.new, new_lines) - per_thousand(self.old, old_lines);
        (self.is_new(), self.signature.message.level, more, self.all)
    }
}

/// An error of the new version alone.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstError<'a> {
    pub text: &'a str,
    pub lines: u64,
    pub first: Timestamp,
    pub new: String,
    pub old: String,
}

/// Lines of a message per 1,000 lines of its version.
pub fn per_thousand(lines: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { lines as f64 * 1000.0 / of as f64 }
}

/// Per 1,000 lines, with as many places as say something; `never` is not `0`.
pub fn rate(lines: u64, of: u64) -> String {
    match (lines, per_thousand(lines, of)) {
        (0, _) => "never".to_owned(),
        (_, rate) if rate >= 10.0 => format!("{rate:.0}"),
        (_, rate) if rate >= 0.1 => format!("{rate:.1}"),
        _ => "< 0.1".to_owned(),
    }
}
