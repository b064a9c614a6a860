//! How often each version of a container wrote each message: what is new in a version shows at once.

mod compared;

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use jiff::Timestamp;

pub use self::compared::{Compared, Comparison, FirstError, Side, Sides, per_thousand, rate};
use super::signature::signature;
use crate::model::{
    Name,
    log::{LogLevel, LogLine, Origin},
};

/// What a table row costs beside its text, about, in bytes: with what an old and a new version wrote of it.
const ROW: usize = 256;
/// Counts that are in a row's cost.
const COUNTS_OF_ROW: usize = 2;
/// Versions told apart; more are counted as the last.
const MOST_VERSIONS: usize = 64;

/// A container at one version, and how much it wrote: counts of unequal groups compare only by rate.
#[derive(Clone, Debug)]
pub struct Version {
    pub container: Name,
    pub tag: Name,
    pub lines: u64,
}

/// How often a version wrote a message, and when by the nodes' clocks.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// Index of the version.
    pub version: usize,
    pub lines: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// What is written, and at which level: `request` as an error is not the `request` of every day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub level: Option<LogLevel>,
    /// Its signature.
    pub text: Arc<str>,
}

/// One message, and who wrote it.
#[derive(Clone, Debug)]
pub struct Signature {
    pub message: Message,
    pub counts: Vec<Count>,
}

/// The numbers of one text, by level; `NONE`: never written at it.
type Numbers = [u32; 7];
const NONE: u32 = u32::MAX;

fn slot(level: Option<LogLevel>) -> usize {
    level.map_or(0, |level| level as usize + 1)
}

/// All messages of one log since it was opened, also of lines that are kept no more. Bounded in bytes: what finds no room
/// is counted.
#[derive(Clone, Debug)]
pub struct Signatures {
    by_text: HashMap<Arc<str>, Numbers>,
    all: Vec<Signature>,
    versions: Vec<Version>,
    bytes: usize,
    max_bytes: usize,
    uncounted: u64,
    scratch: String,
}

impl Signatures {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            by_text: HashMap::new(),
            all: Vec::new(),
            versions: Vec::new(),
            bytes: 0,
            max_bytes,
            uncounted: 0,
            scratch: String::new(),
        }
    }

    /// Counts a line. Its signature's number; `None`: it has none (a note, a line that goes on), or no room was left.
    pub fn take_in(&mut self, line: &LogLine) -> Option<u32> {
        if line.continues || line.is_note {
            return None;
        }
        let version = self.version(line);
        self.versions[version].lines += 1;
        signature(&line.text, &mut self.scratch);
        let number = match self.numbered(&self.scratch, line.level) {
            Some(number) => number,
            None => self.add(line.level)?,
        };
        let known = &mut self.all[number as usize];
        if let Some(count) = known.counts.iter_mut().find(|count| count.version == version) {
            count.lines += 1;
            (count.first, count.last) = (count.first.min(line.at), count.last.max(line.at));
        } else {
            let cost = if known.counts.len() < COUNTS_OF_ROW { 0 } else { size_of::<Count>() };
            if self.bytes + cost > self.max_bytes {
                self.uncounted += 1;
                return Some(number);
            }
            self.bytes += cost;
            // No more than is counted.
            known.counts.reserve_exact(1);
            known.counts.push(Count { version, lines: 1, first: line.at, last: line.at });
        }
        Some(number)
    }

    fn numbered(&self, text: &str, level: Option<LogLevel>) -> Option<u32> {
        self.by_text.get(text).map(|numbers| numbers[slot(level)]).filter(|number| *number != NONE)
    }

    fn add(&mut self, level: Option<LogLevel>) -> Option<u32> {
        let cost = self.scratch.len() + ROW;
        if self.bytes + cost > self.max_bytes {
            self.uncounted += 1;
            return None;
        }
        self.bytes += cost;
        let number = u32::try_from(self.all.len()).ok()?;
        let known = self.by_text.get_key_value(self.scratch.as_str()).map(|(text, _)| text.clone());
        let text = known.unwrap_or_else(|| self.scratch.as_str().into());
        self.by_text.entry(text.clone()).or_insert([NONE; 7])[slot(level)] = number;
        self.all.push(Signature { message: Message { level, text }, counts: Vec::new() });
        Some(number)
    }

    fn version(&mut self, line: &LogLine) -> usize {
        let origin = &line.origin;
        let is_its = |known: &Version| known.tag == origin.version && known.container == origin.container;
        if let Some(at) = self.versions.iter().position(is_its) {
            return at;
        }
        if self.versions.len() < MOST_VERSIONS {
            self.versions.push(Version { container: origin.container.clone(), tag: origin.version.clone(), lines: 0 });
        }
        self.versions.len() - 1
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The number of a message: that of its lines.
    pub fn number(&self, message: &Message) -> Option<u32> {
        self.numbered(&message.text, message.level)
    }

    /// Lines by version's tag, whatever the container.
    pub fn lines_of(&self, tag: &str) -> u64 {
        self.versions.iter().filter(|version| *version.tag == *tag).map(|version| version.lines).sum()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lines whose message, or whose version's count of it, found no room in the table.
    pub fn uncounted(&self) -> u64 {
        self.uncounted
    }

    /// Every message, a new version's lines against the others'. `new_tags`: the tags that the workload is to run. New
    /// messages come first, then by level, then by how much oftener they come.
    pub fn compared(&self, new_tags: &[&str]) -> Comparison<'_> {
        let mut comparison = self.unsorted(new_tags);
        let (new, old) = (comparison.new_lines, comparison.old_lines);
        comparison.rows.sort_by(|a, b| b.rank(new, old).partial_cmp(&a.rank(new, old)).unwrap_or(Ordering::Equal));
        comparison
    }

    fn unsorted(&self, new_tags: &[&str]) -> Comparison<'_> {
        let sides = self.sides(new_tags);
        let rows = self.all.iter().map(|signature| Compared::of(signature, &sides.of)).collect();
        Comparison { rows, new_lines: sides.new_lines, old_lines: sides.old_lines, new: sides.new, old: sides.old }
    }

    /// Which versions stand against which. A container that has the same version everywhere (a sidecar) has no old one to
    /// compare with.
    pub fn sides(&self, new_tags: &[&str]) -> Sides {
        let is_new: Vec<bool> = self.versions.iter().map(|version| new_tags.contains(&version.tag.as_str())).collect();
        let has_both = |container: &Name| {
            let of = |wanted: bool| {
                self.versions
                    .iter()
                    .zip(&is_new)
                    .any(|(version, new)| *new == wanted && version.container == *container)
            };
            of(true) && of(false)
        };
        let of: Vec<Option<Side>> = self
            .versions
            .iter()
            .zip(&is_new)
            .map(|(version, new)| match (has_both(&version.container), new) {
                (false, _) => None,
                (true, true) => Some(Side::New),
                (true, false) => Some(Side::Old),
            })
            .collect();
        let on = |wanted: Side| {
            self.versions.iter().zip(&of).filter(move |(_, side)| **side == Some(wanted)).map(|(version, _)| version)
        };
        let tags = |wanted: Side| {
            let mut tags: Vec<&str> = on(wanted).map(|version| version.tag.as_str()).collect();
            tags.sort_unstable();
            tags.dedup();
            tags.join("+")
        };
        let total = |wanted: Side| on(wanted).map(|version| version.lines).sum();
        let (new_lines, old_lines) = (total(Side::New), total(Side::Old));
        Sides { new_lines, old_lines, new: tags(Side::New), old: tags(Side::Old), of }
    }

    /// The side of who wrote a line; `None`: that container has no two versions.
    pub fn side(&self, origin: &Origin, sides: &Sides) -> Option<Side> {
        let at = self
            .versions
            .iter()
            .position(|known| known.tag == origin.version && known.container == origin.container)?;
        sides.of.get(at).copied().flatten()
    }

    /// Whether the new side alone wrote this message.
    pub fn is_new(&self, number: u32, sides: &Sides) -> bool {
        self.all.get(number as usize).is_some_and(|signature| Compared::of(signature, &sides.of).is_new())
    }

    /// The first error that the version wanted wrote and no other version of its container ever did, at no level; `None`,
    /// too, while no other version was read.
    pub fn first_new_error(&self, new_tags: &[&str]) -> Option<FirstError<'_>> {
        let comparison = self.unsorted(new_tags);
        let is_old = |number: &u32| comparison.rows.get(*number as usize).is_some_and(|row| row.old > 0);
        let row = comparison
            .rows
            .iter()
            .filter(|row| row.is_new() && row.signature.message.level >= Some(LogLevel::Error))
            .filter(|row| !self.by_text.get(&row.signature.message.text).is_some_and(|all| all.iter().any(is_old)))
            .min_by_key(|row| row.first_new)?;
        Some(FirstError {
            text: &row.signature.message.text,
            lines: row.new,
            first: row.first_new?,
            new: comparison.new.clone(),
            old: comparison.old.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    fn line(container: &str, tag: &str, level: LogLevel, second: i64, text: &str) -> LogLine {
        LogLine {
            origin: Arc::new(Origin::new(testing::object("p"), container.into(), tag.into())),
            at: Timestamp::from_second(second).unwrap(),
            level: Some(level),
            text: text.into(),
            continues: false,
            is_note: false,
        }
    }

    fn taken(lines: &[LogLine]) -> Signatures {
        let mut signatures = Signatures::new(1 << 20);
        for line in lines {
            signatures.take_in(line);
        }
        signatures
    }

    #[test]
    fn the_new_versions_own_errors_come_first() {
        use LogLevel::{Error, Info};
        let signatures = taken(&[
            line("app", "411", Info, 1, "GET /a 200"),
            line("app", "411", Error, 2, "timeout after 3s"),
            line("app", "412", Info, 3, "GET /a 500"),
            line("app", "412", Error, 4, "timeout after 9s"),
            line("app", "412", Error, 6, "verify failed for 17"),
            line("app", "412", Error, 5, "verify failed for 18"),
            line("app", "412", Info, 7, "using key 1"),
            line("proxy", "1.16", Error, 1, "no route"),
        ]);
        let comparison = signatures.compared(&["412", "1.16"]);
        let texts: Vec<&str> = comparison.rows.iter().map(|row| &*row.signature.message.text).collect();
        assert_eq!(texts, ["verify failed for <*>", "using key <*>", "no route", "timeout after <*>", "GET /a <*>"]);
        assert_eq!((comparison.new.as_str(), comparison.new_lines), ("412", 5), "the sidecar is no new version");
        assert_eq!((comparison.old.as_str(), comparison.old_lines), ("411", 2));
        let first = signatures.first_new_error(&["412", "1.16"]).unwrap();
        assert_eq!((first.text, first.lines, first.first.as_second()), ("verify failed for <*>", 2, 5));
    }

    #[test]
    fn the_same_words_at_another_level_are_another_message() {
        use LogLevel::{Error, Info};
        let signatures = taken(&[
            line("app", "411", Info, 1, "request status=200"),
            line("app", "412", Error, 2, "request status=500"),
            line("app", "412", Info, 3, "request status=200"),
            line("app", "412", Error, 4, "verify failed"),
        ]);
        let comparison = signatures.compared(&["412"]);
        let rows: Vec<_> = comparison
            .rows
            .iter()
            .map(|row| (row.signature.message.level, &*row.signature.message.text, row.new, row.old, row.is_new()))
            .collect();
        assert_eq!(
            rows,
            [
                (Some(Error), "request status=<*>", 1, 0, true),
                (Some(Error), "verify failed", 1, 0, true),
                (Some(Info), "request status=<*>", 1, 1, false),
            ]
        );
        let number = |at: usize| signatures.number(&comparison.rows[at].signature.message);
        assert!(number(0).is_some() && number(0) != number(2));
        // What the old version says of every request explains nothing.
        assert_eq!(signatures.first_new_error(&["412"]).map(|error| error.text), Some("verify failed"));
    }

    #[test]
    fn without_an_old_version_nothing_is_called_new() {
        let signatures = taken(&[line("app", "412", LogLevel::Error, 1, "boom")]);
        assert!(signatures.first_new_error(&["412"]).is_none());
        assert!(!signatures.compared(&["412"]).rows[0].is_new());
        assert!(signatures.compared(&[]).rows.iter().all(|row| row.all == 1));
    }

    #[test]
    fn memory_is_bounded_and_the_rest_is_counted() {
        let mut signatures = Signatures::new(10 * (ROW + 8));
        for word in 0..1000_u32 {
            let name: String = word.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            signatures.take_in(&line("app", "1", LogLevel::Info, 1, &name));
        }
        assert!(signatures.bytes() <= 10 * (ROW + 8) && signatures.len() >= 10, "{}", signatures.len());
        assert_eq!(signatures.uncounted() + signatures.len() as u64, 1000);
        assert_eq!(signatures.versions()[0].lines, 1000);
    }

    #[test]
    fn the_counts_of_many_versions_are_in_the_bytes() {
        let max = 64 * 1024;
        let mut signatures = Signatures::new(max);
        for word in ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"].map(|word| word.repeat(3)) {
            for more in ["one", "two", "three", "four"] {
                for tag in 0..MOST_VERSIONS {
                    let text = format!("{word} {more}");
                    signatures.take_in(&line("app", &tag.to_string(), LogLevel::Info, 1, &text));
                }
            }
        }
        let held = |known: &Signature| {
            known.message.text.len() + size_of::<Signature>() + known.counts.capacity() * size_of::<Count>()
        };
        let held: usize = signatures.all.iter().map(held).sum();
        assert!(held <= signatures.bytes() && signatures.bytes() <= max, "{held} of {}", signatures.bytes());
        assert!(signatures.uncounted() > 0);
    }
}
