//! Lines of two sides in rows by time: what was logged in one second begins in one row, and a side is blank where only the
//! other goes on. Kept up with batches: only the seconds that came or went are laid out anew, also where an answer came
//! late and its lines belong further up.

use std::collections::VecDeque;

/// A line, by its number, and the second it was logged in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub line: u64,
    pub second: i64,
    pub side: usize,
    /// Lines that it stands for, as its side counts them.
    pub counted: u32,
}

/// Lines that stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    second: i64,
    pub lines: [Option<u64>; 2],
}

#[derive(Debug, Default)]
pub(super) struct Aligned {
    /// By line.
    cells: VecDeque<Cell>,
    /// By second, and on each side by line; within a second a side's lines come first, its blanks last.
    rows: VecDeque<Row>,
    /// What the cells of each side stand for.
    counted: [u64; 2],
}

impl Aligned {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Lines in the rows.
    pub(super) fn lines(&self) -> usize {
        self.cells.len()
    }

    /// What the lines of each side stand for together.
    pub(super) fn counted(&self) -> [u64; 2] {
        self.counted
    }

    pub(super) fn get(&self, row: usize) -> Option<[Option<u64>; 2]> {
        self.rows.get(row).map(|row| row.lines)
    }

    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.rows.clear();
        self.counted = [0; 2];
    }

    /// The line, or the next one after it.
    fn cell(&self, line: u64) -> Option<Cell> {
        let at = self.cells.partition_point(|cell| cell.line < line);
        self.cells.get(at).or(self.cells.back()).copied()
    }

    /// The second that a line stands at.
    pub(super) fn second(&self, line: u64) -> Option<i64> {
        self.cell(line).filter(|cell| cell.line == line).map(|cell| cell.second)
    }

    /// The row that has this line, or the next one after it.
    pub(super) fn position(&self, line: u64) -> usize {
        let Some(cell) = self.cell(line) else { return 0 };
        let key = |row: &Row| (row.second, row.lines[cell.side].unwrap_or(u64::MAX));
        self.rows.partition_point(|row| key(row) < (cell.second, cell.line))
    }

    /// Takes away the lines from `from` on; these, in the order of their numbers, come instead.
    pub(super) fn replace(&mut self, from: u64, fresh: &[Cell]) {
        let kept = self.cells.partition_point(|cell| cell.line < from);
        let gone = self.cells.range(kept..).map(|cell| cell.second);
        let Some(first) = gone.chain(fresh.iter().map(|cell| cell.second)).min() else { return };
        for cell in self.cells.drain(kept..) {
            self.counted[cell.side] -= u64::from(cell.counted);
        }
        for cell in fresh {
            self.counted[cell.side] += u64::from(cell.counted);
        }
        self.cells.extend(fresh);
        let tail = self.rows.split_off(self.rows.partition_point(|row| row.second < first));
        let mut cells = taken_apart(&tail, |line| line < from);
        cells.extend(fresh);
        self.rows.extend(laid_out(cells));
    }

    /// Takes away the lines before this one.
    pub(super) fn drop_before(&mut self, first: u64) {
        let gone = self.cells.partition_point(|cell| cell.line < first);
        let counted = &mut self.counted;
        let dropped = self.cells.drain(..gone).inspect(|cell| counted[cell.side] -= u64::from(cell.counted));
        let Some(last) = dropped.map(|cell| cell.second).max() else { return };
        let kept = self.rows.split_off(self.rows.partition_point(|row| row.second <= last));
        let head = std::mem::replace(&mut self.rows, kept);
        for row in laid_out(taken_apart(&head, |line| line >= first)).into_iter().rev() {
            self.rows.push_front(row);
        }
    }
}

/// The cells of these rows, to be laid out; they are counted already.
fn taken_apart(rows: &VecDeque<Row>, keeps: impl Fn(u64) -> bool) -> Vec<Cell> {
    let of = |side: usize| {
        rows.iter().filter_map(move |row| Some(Cell { line: row.lines[side]?, second: row.second, side, counted: 0 }))
    };
    // A side after the other: runs that the sort below finds in order.
    of(0).chain(of(1)).filter(|cell| keeps(cell.line)).collect()
}

fn laid_out(mut cells: Vec<Cell>) -> Vec<Row> {
    cells.sort_by_key(|cell| (cell.second, cell.side, cell.line));
    let mut rows: Vec<Row> = Vec::with_capacity(cells.len());
    for moment in cells.chunk_by(|one, other| one.second == other.second) {
        let start = rows.len();
        let mut filled = [start; 2];
        for cell in moment {
            let at = &mut filled[cell.side];
            if *at == rows.len() {
                rows.push(Row { second: cell.second, lines: [None; 2] });
            }
            rows[*at].lines[cell.side] = Some(cell.line);
            *at += 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(line: u64, second: i64, side: usize) -> Cell {
        Cell { line, second, side, counted: line as u32 % 3 }
    }

    fn rows(aligned: &Aligned) -> Vec<[Option<u64>; 2]> {
        (0..aligned.len()).filter_map(|row| aligned.get(row)).collect()
    }

    #[test]
    fn a_second_begins_in_one_row_on_both_sides() {
        let mut aligned = Aligned::default();
        aligned.replace(0, &[cell(0, 1, 0), cell(1, 1, 0), cell(2, 1, 1), cell(3, 2, 1), cell(4, 4, 0), cell(5, 4, 1)]);
        let expected = [[Some(0), Some(2)], [Some(1), None], [None, Some(3)], [Some(4), Some(5)]];
        assert_eq!(rows(&aligned), expected);
        assert_eq!((0..6).map(|line| aligned.position(line)).collect::<Vec<_>>(), [0, 1, 0, 2, 3, 3]);
        assert_eq!(aligned.position(99), 3, "the last, where no later one is");
        assert_eq!((aligned.second(3), aligned.second(99)), (Some(2), None));
    }

    #[test]
    fn a_line_that_comes_late_stands_at_its_time() {
        let mut aligned = Aligned::default();
        aligned.replace(0, &[cell(0, 1, 0), cell(1, 2, 0), cell(2, 9, 0)]);
        aligned.replace(3, &[cell(3, 2, 1), cell(4, 2, 1), cell(5, 8, 1)]);
        assert_eq!(
            rows(&aligned),
            [[Some(0), None], [Some(1), Some(3)], [None, Some(4)], [None, Some(5)], [Some(2), None]]
        );
    }

    #[test]
    fn what_was_dropped_leaves_no_blank_row() {
        let mut aligned = Aligned::default();
        aligned.replace(0, &[cell(0, 1, 0), cell(1, 1, 0), cell(2, 1, 1), cell(3, 2, 1)]);
        aligned.drop_before(2);
        assert_eq!(rows(&aligned), [[None, Some(2)], [None, Some(3)]]);
        aligned.drop_before(9);
        assert_eq!((aligned.len(), aligned.lines(), aligned.position(5)), (0, 0, 0));
    }

    proptest! {
        /// In batches, with lines taken back and dropped, the rows are those of all lines at once.
        #[test]
        fn batches_add_up(
            steps in prop::collection::vec((prop::collection::vec((0_i64..6, 0_usize..2), 0..8), 0_u64..4, 0_u64..4), 1..12)
        ) {
            let (mut aligned, mut all, mut next, mut first) = (Aligned::default(), Vec::new(), 0, 0);
            for (fresh, back, dropped) in steps {
                let from = next - back.min(next - first);
                all.retain(|cell: &Cell| cell.line < from);
                let fresh: Vec<Cell> =
                    fresh.into_iter().zip(from..).map(|((second, side), line)| cell(line, second, side)).collect();
                next = from + fresh.len() as u64;
                all.extend(&fresh);
                aligned.replace(from, &fresh);
                first = (first + dropped).min(next);
                all.retain(|cell| cell.line >= first);
                aligned.drop_before(first);
                prop_assert_eq!(aligned.rows.iter().copied().collect::<Vec<_>>(), laid_out(all.clone()));
                prop_assert_eq!(aligned.lines(), all.len());
                let counted = |side: usize| -> u64 {
                    all.iter().filter(|cell| cell.side == side).map(|cell| u64::from(cell.counted)).sum()
                };
                prop_assert_eq!(aligned.counted(), [counted(0), counted(1)]);
                for cell in &all {
                    let row = aligned.get(aligned.position(cell.line)).expect("a row");
                    prop_assert_eq!(row[cell.side], Some(cell.line));
                }
            }
        }
    }
}
