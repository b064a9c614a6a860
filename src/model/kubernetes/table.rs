//! Objects of any kind as the server prints them: its columns, its cells.

mod amount;
mod judge;
mod schedule;
mod since;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

pub use self::{
    amount::{Amount, Bounds, Share},
    judge::Judge,
    schedule::{due, is_due_within},
    since::{age_of_moment, seconds},
};
use super::resource::OwnerReference;
use crate::{model::Name, text::Clean};

/// What objects use, by namespace and name.
pub type Used = BTreeMap<(Name, Name), Amount>;

/// A list of objects as the server's own table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectTable {
    pub columns: Vec<TableColumn>,
    /// By namespace and name. Shared with the table before: what did not change is the same row.
    pub rows: Vec<Arc<TableRow>>,
    /// False while further pages are read.
    pub is_complete: bool,
    /// What is left out, and why.
    pub notes: Vec<Clean>,
    /// How often it is read, or how long a watch of it may be silent.
    pub every: Duration,
    /// Where it is measured.
    pub used: Option<Arc<Used>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumn {
    pub name: Name,
    /// Shown where there is room: kubectl prints it with `-o wide` only.
    pub is_wide: bool,
    pub kind: CellKind,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellKind {
    #[default]
    Printed,
    /// Time since something: it goes on between two answers.
    Since,
    /// How long something took: it goes on as long as the row says `Running`.
    Took,
    /// What is used, and how much that is of what may be.
    Cpu,
    CpuShare,
    Memory,
    MemoryShare,
    /// What may be.
    Requests,
    Limits,
}

impl CellKind {
    /// It says what is used.
    pub fn is_usage(self) -> bool {
        matches!(self, Self::Cpu | Self::CpuShare | Self::Memory | Self::MemoryShare)
    }

    /// The cell of what is used.
    pub fn usage(self, used: Option<Amount>, bounds: Option<&Bounds>) -> Cow<'static, str> {
        let words = used.and_then(|used| match self {
            Self::Cpu => Some(used.cpu()),
            Self::Memory => Some(used.memory()),
            _ => self.share(used, bounds?).map(|share| share.to_string()),
        });
        words.map_or(Cow::Borrowed(UNMEASURED), Cow::Owned)
    }

    fn share(self, used: Amount, bounds: &Bounds) -> Option<Share> {
        match self {
            Self::CpuShare => used.cpu_share(bounds),
            Self::MemoryShare => used.memory_share(bounds),
            _ => None,
        }
    }
}

/// A cell of what is used where that is not known: not measured is not zero.
pub const UNMEASURED: &str = "-";

/// One object of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRow {
    /// Empty: an object of the whole cluster.
    pub namespace: Name,
    pub name: Name,
    pub uid: Name,
    pub created: Option<Timestamp>,
    pub owner: Option<OwnerReference>,
    pub labels: Box<[(Name, Clean)]>,
    /// In the order of the server's columns, which are the first.
    pub cells: Box<[Clean]>,
    /// When the cells were printed, by the cluster's clock.
    pub printed: Option<Timestamp>,
    /// Of pods and nodes.
    pub bounds: Option<Box<Bounds>>,
}

impl TableRow {
    /// About how much memory it takes, beside what it shares with other rows.
    pub fn bytes(&self) -> usize {
        const OF_AN_ARC: usize = 16;
        let own = self.cells.iter().filter(|cell| cell.len() > MAX_SHARED_CELL).map(|cell| cell.len() + OF_AN_ARC);
        size_of::<Self>()
            + OF_AN_ARC
            + self.name.len()
            + self.uid.len()
            + self.owner.as_ref().map_or(0, |owner| owner.name.len())
            + 3 * OF_AN_ARC
            + size_of_val(&*self.labels)
            + size_of_val(&*self.cells)
            + self.bounds.as_ref().map_or(0, |_| size_of::<Bounds>())
            + own.sum::<usize>()
    }

    /// The same object in the same state, though printed at another time.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.cells == other.cells
            && self.uid == other.uid
            && self.labels == other.labels
            && self.owner == other.owner
            && self.created == other.created
            && self.bounds == other.bounds
    }

    fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// Longest cell that is kept once for all rows that have it.
pub const MAX_SHARED_CELL: usize = 48;

impl ObjectTable {
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Arc<TableRow>> {
        let at = self.rows.binary_search_by(|row| row.key().cmp(&(namespace, name))).ok()?;
        self.rows.get(at)
    }

    /// What stands in a column of a row at a moment by the cluster's clock: time goes on since it was printed.
    pub fn cell<'a>(&'a self, row: &'a TableRow, column: usize, now: Timestamp) -> Cow<'a, str> {
        let kind = self.columns.get(column).map(|column| column.kind).unwrap_or_default();
        let printed = row.cells.get(column).map_or("", |cell| cell.as_str());
        match kind {
            CellKind::Printed => since::gone_on_in_brackets(printed, row.printed, now),
            CellKind::Since => since::gone_on(printed, row.printed, now),
            CellKind::Took if self.is_running(row) => since::gone_on(printed, row.printed, now),
            CellKind::Took => Cow::Borrowed(printed),
            CellKind::Cpu | CellKind::CpuShare | CellKind::Memory | CellKind::MemoryShare => {
                kind.usage(self.used_by(row), row.bounds.as_deref())
            }
            CellKind::Requests => Cow::Owned(row.bounds.as_ref().map_or_else(String::new, |own| own.requests.words())),
            CellKind::Limits => Cow::Owned(row.bounds.as_ref().map_or_else(String::new, |own| own.limits.words())),
        }
    }

    /// Its status says `Running`.
    pub fn is_running(&self, row: &TableRow) -> bool {
        let status = self.columns.iter().position(|column| column.name == "Status");
        status.and_then(|status| row.cells.get(status)).is_some_and(|cell| cell == "Running")
    }

    /// What a row's object uses, where that is known.
    pub fn used_by(&self, row: &TableRow) -> Option<Amount> {
        self.used.as_ref()?.get(&(row.namespace.clone(), row.name.clone())).copied()
    }

    /// How much that is of what it may.
    pub fn share(&self, row: &TableRow, kind: CellKind) -> Option<Share> {
        kind.share(self.used_by(row)?, row.bounds.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, CellKind)], cells: &[&str]) -> ObjectTable {
        let column =
            |(name, kind): &(&str, CellKind)| TableColumn { name: (*name).into(), is_wide: false, kind: *kind };
        let row = TableRow {
            namespace: "shop".into(),
            name: "a".into(),
            cells: cells.iter().map(|cell| Clean::from(*cell)).collect(),
            printed: "2026-03-01T10:00:00Z".parse().ok(),
            ..TableRow::default()
        };
        ObjectTable {
            columns: columns.iter().map(column).collect(),
            rows: vec![Arc::new(row)],
            ..ObjectTable::default()
        }
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-03-01T{time}Z").parse().unwrap()
    }

    #[test]
    fn time_goes_on_in_cells_that_count_it() {
        use CellKind::{Printed, Since, Took};
        let job =
            [("Name", Printed), ("Status", Printed), ("Duration", Took), ("Last Seen", Since), ("Restarts", Printed)];
        let shown = |cells: &[&str]| {
            let table = table(&job, cells);
            (2..5).map(|column| table.cell(&table.rows[0], column, at("10:05:00")).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown(&["a", "Running", "90s", "3m10s", "4 (2m ago)"]), ["6m30s", "8m10s", "4 (7m ago)"]);
        assert_eq!(shown(&["a", "Complete", "90s", "<unknown>", "4"]), ["90s", "<unknown>", "4"]);
    }

    #[test]
    fn usage_stands_beside_what_may_be_used() {
        let columns = [
            ("Name", CellKind::Printed),
            ("CPU", CellKind::Cpu),
            ("CPU%", CellKind::CpuShare),
            ("Memory", CellKind::Memory),
            ("Mem%", CellKind::MemoryShare),
        ];
        let mut table = table(&columns, &["a"]);
        let shown = |table: &ObjectTable| {
            [1, 2, 3, 4].map(|column| table.cell(&table.rows[0], column, at("10:00:00")).into_owned()).join(" ")
        };
        assert_eq!(shown(&table), "- - - -", "not measured is not zero");
        let used = Amount { cpu_millis: 180, memory_bytes: 212 << 20 };
        table.used = Some(Arc::new([(("shop".into(), "a".into()), used)].into_iter().collect()));
        assert_eq!(shown(&table), "180m - 212Mi -");
        let bounds = |requests: u64, limits: u64| Bounds {
            requests: Amount { cpu_millis: requests, memory_bytes: requests << 20 },
            limits: Amount { cpu_millis: limits, memory_bytes: limits << 20 },
        };
        let mut bounded = |bounds: Bounds| {
            let row = TableRow { bounds: Some(Box::new(bounds)), ..(*table.rows[0]).clone() };
            table.rows[0] = Arc::new(row);
            shown(&table)
        };
        assert_eq!(bounded(bounds(100, 256)), "180m 70% 212Mi 82%");
        assert_eq!(bounded(bounds(100, 0)), "180m 180%r 212Mi 212%r", "of what is requested");
        assert_eq!(bounded(bounds(0, 0)), "180m - 212Mi -");
    }

    #[test]
    fn a_row_is_found_by_its_key() {
        let mut table = table(&[], &[]);
        let other = TableRow { name: "b".into(), ..(*table.rows[0]).clone() };
        table.rows.push(Arc::new(other));
        assert_eq!(table.find("shop", "b").map(|row| row.name.as_str()), Some("b"));
        assert!(table.find("till", "b").is_none());
    }
}
