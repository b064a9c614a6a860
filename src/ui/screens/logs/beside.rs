//! Old and new version side by side: which side each line is of, and why there are no two.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::super::View,
    align::{Aligned, Cell},
    index::Index,
    tail::line_at,
};
use crate::{
    model::{
        kubernetes::{ObjectKey, tag_of},
        log::Origin,
    },
    query::{LogQuery, LogTarget},
    store::logs::{
        LogBuffer,
        signatures::{Side, Sides},
    },
    text::grouped,
};

/// Cells that two columns need, frame and all.
const LEAST: u16 = 60;
/// Rows that are laid out in no time, and more than a screen has.
const FEW: usize = 1_000;

#[derive(Debug)]
pub(super) struct Beside {
    pub rows: Aligned,
    /// The column with the cursor: 0 the old version, 1 the new one.
    pub focus: usize,
    /// There is room for two.
    is_wide: bool,
    sides: Sides,
    /// The side of each writer, and whether that is its own or its pod's.
    of: HashMap<Arc<Origin>, (Side, bool)>,
    /// Writers that `of` was worked out from.
    writers: usize,
    /// The index whose rows these are, and the line from which on they may have changed.
    epoch: u64,
    resets: u64,
    from: u64,
    /// The workload's tags are known: which version is the new one.
    is_known: bool,
    /// Rows of neither side.
    pub left_out: usize,
    /// Some lines are left out: how many of each side are shown is said.
    pub is_sifted: bool,
    /// Lines are still to be looked at, or to be laid out.
    is_partial: bool,
}

impl Default for Beside {
    fn default() -> Self {
        Self {
            rows: Aligned::default(),
            focus: 1,
            is_wide: true,
            sides: Sides::default(),
            of: HashMap::new(),
            writers: 0,
            epoch: 0,
            resets: 0,
            from: 0,
            is_known: false,
            left_out: 0,
            is_sifted: false,
            is_partial: false,
        }
    }
}

/// Tags that the workload is to run: those of the new version.
pub(super) fn new_tags<'a>(query: &LogQuery, view: &View<'a>) -> Option<Vec<&'a str>> {
    let LogTarget::Workload(key) = &query.target else { return None };
    let workload = view.store.kube.workloads.get(key)?;
    Some(workload.images.iter().map(|image| tag_of(image)).collect())
}

impl Beside {
    /// Looks at the rows that came, went or changed.
    pub(super) fn sync(&mut self, buffer: &LogBuffer, index: &Index, sides: Sides, is_known: bool) {
        self.is_known = is_known;
        let has_moved = self.assign(sides, buffer, index);
        // Many older rows are laid out when all are there: each slice of them would lay out all anew.
        let has_older = self.epoch != index.epoch() && (!index.is_sifting() || index.len() < FEW);
        if has_moved || has_older || self.resets != index.resets() {
            self.rows.clear();
            (self.from, self.epoch, self.resets) = (0, index.epoch(), index.resets());
        }
        if self.is_compared() {
            let fresh = self.cells(buffer, index);
            self.rows.replace(self.from, &fresh);
            self.rows.drop_before(buffer.first_line);
            self.from = index.unsettled();
            if self.epoch == index.epoch() {
                self.left_out = index.len().saturating_sub(self.rows.lines());
            }
        }
        self.is_partial = index.is_sifting() || self.epoch != index.epoch();
    }

    /// Which side each writer is on. A container without two versions (a sidecar) is on its pod's. True: one is on another
    /// than before.
    fn assign(&mut self, sides: Sides, buffer: &LogBuffer, index: &Index) -> bool {
        let writers = index.writers();
        let is_same =
            sides.has_same_versions(&self.sides) && writers.len() == self.writers && index.resets() == self.resets;
        self.sides = sides;
        if is_same {
            return false;
        }
        self.writers = writers.len();
        let own = |origin: &Origin| buffer.signatures.side(origin, &self.sides);
        let pods: HashMap<&ObjectKey, Side> =
            writers.iter().filter_map(|origin| Some((&origin.pod, own(origin)?))).collect();
        let side = |origin: &Arc<Origin>| {
            let its = own(origin);
            Some((origin.clone(), (its.or(pods.get(&origin.pod).copied())?, its.is_some())))
        };
        let of: HashMap<Arc<Origin>, (Side, bool)> = writers.iter().filter_map(side).collect();
        // A writer that had no side was left out; one that was not there yet has no rows.
        let has_moved = self.of.iter().any(|(origin, side)| of.get(origin) != Some(side))
            || of.keys().any(|origin| !self.of.contains_key(origin)) && self.left_out > 0;
        self.of = of;
        has_moved
    }

    /// Of the rows that may have changed, those that are of a side.
    fn cells(&self, buffer: &LogBuffer, index: &Index) -> Vec<Cell> {
        let start = index.position(self.from);
        let mut before = start.checked_sub(1).and_then(|at| {
            let last = index.get(at)?.last;
            Some((last, self.rows.second(last)?))
        });
        let is_by = |origin: &Arc<Origin>, line| line_at(buffer, line).is_some_and(|line| line.origin == *origin);
        let mut cells = Vec::new();
        for entry in index.range(start..index.len()) {
            let Some(line) = line_at(buffer, entry.last) else { continue };
            let Some(&(side, is_own)) = self.of.get(&line.origin) else { continue };
            let second = match before {
                // A trace is not torn apart where it runs into the next second.
                Some((last, second)) if line.continues && last + 1 == entry.last && is_by(&line.origin, last) => second,
                _ => line.at.as_second(),
            };
            before = Some((entry.last, second));
            // As the side's head counts them: without what continues a line, and without what stands with its pod.
            let counted = if is_own && !line.continues && !line.is_note { entry.count } else { 0 };
            cells.push(Cell { line: entry.last, second, side: side as usize, counted });
        }
        cells
    }

    fn is_compared(&self) -> bool {
        self.sides.are_both()
    }

    pub(super) fn fit(&mut self, width: u16) {
        self.is_wide = width >= LEAST;
    }

    /// Two columns are shown.
    pub(super) fn is_shown(&self) -> bool {
        self.is_wide && self.is_compared()
    }

    /// Lines of a row, that of the column with the cursor first.
    pub(super) fn lines(&self, row: usize) -> impl Iterator<Item = u64> {
        let lines = self.rows.get(row).unwrap_or_default();
        [lines[self.focus], lines[1 - self.focus]].into_iter().flatten()
    }

    /// Moves the cursor to the column of this line.
    pub(super) fn focus_on(&mut self, line: u64) {
        let lines = self.rows.get(self.rows.position(line)).unwrap_or_default();
        self.focus = lines.iter().position(|its| *its == Some(line)).unwrap_or(self.focus);
    }

    /// Tags of a column: `412`, `410+411`.
    pub(super) fn tags(&self, side: usize) -> &str {
        if side == Side::New as usize { &self.sides.new } else { &self.sides.old }
    }

    /// Of so many lines that are shown, those that neither column counts: what goes on from a line, a sidecar's and those
    /// of neither version. `None`: it is not known yet.
    pub(super) fn uncounted(&self, shown: u64) -> Option<u64> {
        let [old, new] = self.rows.counted();
        (!self.is_partial).then(|| shown.saturating_sub(old + new))
    }

    /// `OLD 411: 3 lines`, `OLD 411: 0 of 3 lines`; where that is too wide `OLD 411: 0/3`.
    pub(super) fn head(&self, side: usize, is_short: bool) -> String {
        let (word, lines) =
            if side == Side::New as usize { ("NEW", self.sides.new_lines) } else { ("OLD", self.sides.old_lines) };
        let unit = if lines == 1 { "line" } else { "lines" };
        let (tags, all, shown) = (self.tags(side), grouped(lines), grouped(self.rows.counted()[side]));
        let so_far = if self.is_partial { " so far" } else { "" };
        match (self.is_sifted, is_short) {
            (true, true) => format!("{word} {tags}: {shown}/{all}{so_far}"),
            (true, false) => format!("{word} {tags}: {shown} of {all} {unit}{so_far}"),
            (false, true) => format!("{word} {tags}: {all}"),
            (false, false) => format!("{word} {tags}: {all} {unit}"),
        }
    }

    /// Why there are no two columns.
    pub(super) fn missing(&self, buffer: &LogBuffer, query: &LogQuery, width: u16) -> Option<String> {
        if self.is_compared() {
            return (!self.is_wide).then(|| format!("side by side needs {LEAST} columns; here are {width}"));
        }
        if !self.is_known {
            return Some(format!("side by side: {} is not listed, so its new version is unknown", query.target));
        }
        let mut tags: Vec<&str> = buffer.signatures.versions().iter().map(|version| version.tag.as_str()).collect();
        tags.sort_unstable();
        tags.dedup();
        Some(match tags.as_slice() {
            [] => "side by side: no version has written yet".to_owned(),
            [only] => format!("side by side: only version {only} has written, nothing stands beside it"),
            _ => format!("side by side: no container wrote at two versions, one of them new ({})", tags.join(", ")),
        })
    }
}
