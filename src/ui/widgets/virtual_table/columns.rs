//! Which columns fit, where, and how wide.

use super::super::cells::width;

/// Cells between two columns.
const GAP: u16 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    #[default]
    Left,
    /// Numbers.
    Right,
    /// Left-aligned, and cut so that both its ends stay.
    Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Ascending,
    Descending,
}

/// One column: how narrow it may get, how wide it likes to be, and how long it stays when there is little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    pub title: &'a str,
    /// Below this it is left out.
    pub min: u16,
    pub ideal: u16,
    /// Takes what is left over.
    pub grows: bool,
    /// Its cells may go on into what the next column leaves free, where that stands at the right.
    pub spills: bool,
    /// The lowest goes first.
    pub priority: u8,
    pub align: Align,
    pub sort: Option<Sort>,
}

impl<'a> Column<'a> {
    /// A column of one width, left-aligned.
    pub const fn new(title: &'a str, width: u16, priority: u8) -> Self {
        Self { title, min: width, ideal: width, grows: false, spills: false, priority, align: Align::Left, sort: None }
    }

    /// It may shrink down to `min`.
    #[must_use]
    pub const fn min(mut self, min: u16) -> Self {
        self.min = min;
        self
    }

    #[must_use]
    pub const fn grows(mut self) -> Self {
        self.grows = true;
        self
    }

    /// A cell with no room for its end takes what the cell at its right, a right-aligned one, leaves free.
    #[must_use]
    pub const fn spills(mut self) -> Self {
        self.spills = true;
        self
    }

    #[must_use]
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// Where it is too narrow both ends of its cells' last part stay, and what stands before that is whole.
    #[must_use]
    pub const fn ends(mut self) -> Self {
        self.align = Align::Ends;
        self
    }

    #[must_use]
    pub const fn sorted(mut self, sort: Option<Sort>) -> Self {
        self.sort = sort;
        self
    }

    /// At least as wide as its head, with room for the arrow of a sorted one.
    fn widest(&self) -> u16 {
        self.ideal.max(self.min).max(width(self.title) + u16::from(self.sort.is_some()))
    }
}

/// A column that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its index among the table's columns.
    pub column: usize,
    pub x: u16,
    pub width: u16,
}

/// The width at which every column has its ideal width.
pub(super) fn full_width(columns: &[Column<'_>]) -> u16 {
    let gaps = GAP.saturating_mul(columns.len().saturating_sub(1) as u16);
    columns.iter().fold(gaps, |sum, column| sum.saturating_add(column.widest()))
}

/// Places the columns in `room` cells: the least important are left out until the rest fits, the rest grows towards its
/// ideal by importance, and what is left over goes to those that grow.
pub fn place(columns: &[Column<'_>], room: u16) -> Vec<Placed> {
    spread(columns, fitting(columns, room), room)
}

/// As [`place`]; where the others have their ideal width and leave room over, narrow ones that were left out come back.
pub fn place_all(columns: &[Column<'_>], room: u16) -> Vec<Placed> {
    let mut kept = fitting(columns, room);
    let mut left: Vec<usize> = (0..columns.len()).filter(|index| !kept.contains(index)).collect();
    left.sort_by_key(|index| std::cmp::Reverse(columns[*index].priority));
    let ideals = kept.iter().map(|index| usize::from(columns[*index].widest())).sum::<usize>();
    let mut spare = usize::from(room).saturating_sub(ideals + usize::from(GAP) * kept.len().saturating_sub(1));
    for index in left {
        let least = usize::from(columns[index].min + GAP);
        if least <= spare {
            spare = spare.saturating_sub(usize::from(columns[index].widest() + GAP));
            kept.push(index);
        }
    }
    kept.sort_unstable();
    spread(columns, kept, room)
}

fn needed(columns: &[Column<'_>], kept: &[usize]) -> usize {
    kept.iter().map(|index| usize::from(columns[*index].min)).sum::<usize>()
        + usize::from(GAP) * kept.len().saturating_sub(1)
}

/// Those that fit at their least width.
fn fitting(columns: &[Column<'_>], room: u16) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    while kept.len() > 1 && needed(columns, &kept) > usize::from(room) {
        let least = (0..kept.len()).rev().min_by_key(|at| columns[kept[*at]].priority).unwrap_or(0);
        kept.remove(least);
    }
    kept
}

fn spread(columns: &[Column<'_>], kept: Vec<usize>, room: u16) -> Vec<Placed> {
    let mut widths: Vec<u16> = kept.iter().map(|i| columns[*i].min.min(room)).collect();
    let mut spare = usize::from(room).saturating_sub(needed(columns, &kept)) as u16;
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(columns[kept[*at]].priority));
    for at in order {
        let more = columns[kept[at]].widest().saturating_sub(widths[at]).min(spare);
        widths[at] += more;
        spare -= more;
    }
    let growing: Vec<usize> = (0..kept.len()).filter(|at| columns[kept[*at]].grows).collect();
    for (nth, at) in growing.iter().enumerate() {
        let share = spare / (growing.len() - nth) as u16;
        widths[*at] += share;
        spare -= share;
    }
    let mut x = 0;
    kept.into_iter()
        .zip(widths)
        .map(|(column, width)| {
            let placed = Placed { column, x, width };
            x += width + GAP;
            placed
        })
        .collect()
}
