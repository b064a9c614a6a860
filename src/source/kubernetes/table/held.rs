//! The rows of a table as they are now, within bounds.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
    sync::Arc,
    time::Duration,
};

use super::{Limits, collection::Told};
use crate::{
    model::{
        Name,
        kubernetes::table::{ObjectTable, TableColumn, TableRow},
    },
    source::kubernetes::watch::Step,
    text::Clean,
};

/// By namespace and name.
type ByKey = BTreeMap<(Name, Name), Arc<TableRow>>;

pub struct Held {
    limits: Limits,
    pub columns: Vec<TableColumn>,
    rows: ByKey,
    /// Those of the list before, while a new one is read: a row that says the same stays the same.
    before: ByKey,
    /// About what the rows take.
    bytes: usize,
    /// What was read for them.
    read: usize,
    /// Objects that the server has beyond these, by lane, where it said.
    left: Vec<Option<u64>>,
    is_cut: bool,
}

impl Held {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            columns: Vec::new(),
            rows: ByKey::new(),
            before: ByKey::new(),
            bytes: 0,
            read: 0,
            left: Vec::new(),
            is_cut: false,
        }
    }

    /// A new list of so many lanes.
    pub fn begin(&mut self, lanes: usize) {
        if self.before.is_empty() {
            self.before = mem::take(&mut self.rows);
        }
        self.rows.clear();
        (self.bytes, self.read, self.is_cut) = (0, 0, false);
        self.left = vec![None; lanes];
    }

    /// The list is read: what was in the one before only is gone.
    pub fn end(&mut self) {
        self.before.clear();
    }

    pub fn take(&mut self, lane: usize, step: Step<Told>) {
        self.read += step.bytes;
        if let Some(left) = self.left.get_mut(lane).filter(|_| step.bytes > 0) {
            *left = step.left;
        }
        for told in step.facts {
            match told {
                Told::Columns(columns) => self.columns = columns,
                Told::Row(row) => self.put(*row),
                Told::Gone(namespace, name) => {
                    if let Some(gone) = self.rows.remove(&(namespace, name)) {
                        self.bytes -= gone.bytes();
                    }
                }
            }
        }
    }

    fn put(&mut self, row: TableRow) {
        let key = (row.namespace.clone(), row.name.clone());
        let known = self.before.get(&key).filter(|known| known.says_the_same(&row)).cloned();
        match self.rows.entry(key) {
            Entry::Occupied(mut place) => {
                if !place.get().says_the_same(&row) {
                    self.bytes = self.bytes + row.bytes() - place.get().bytes();
                    place.insert(Arc::new(row));
                }
            }
            Entry::Vacant(place) => {
                self.bytes += row.bytes();
                place.insert(known.unwrap_or_else(|| Arc::new(row)));
            }
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes that were read for the list.
    pub fn read_bytes(&self) -> usize {
        self.read
    }

    pub fn is_full(&self) -> bool {
        self.rows.len() > self.limits.rows || self.bytes > self.limits.bytes
    }

    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Back within the bounds.
    pub fn cut(&mut self) {
        self.is_cut = true;
        while self.is_full() {
            let Some((_, last)) = self.rows.pop_last() else { return };
            self.bytes -= last.bytes();
            for left in &mut self.left {
                *left = left.map(|left| left + 1);
            }
        }
    }

    /// As it is shown; not marked as complete.
    pub fn table(&self, every: Duration) -> ObjectTable {
        let mut table = ObjectTable {
            columns: self.columns.clone(),
            rows: self.rows.values().cloned().collect(),
            every,
            ..ObjectTable::default()
        };
        if self.is_cut {
            let kept = self.rows.len();
            let left = match self.left.as_slice() {
                [Some(left)] => Some(left),
                _ => None,
            };
            let all = left.map_or_else(|| "more".to_owned(), |left| (kept as u64 + left).to_string());
            table.notes.push(Clean::own(format!("the first {kept} of {all}: choose a namespace with :ns")));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::{super::LIMITS, *};

    fn row(number: usize, cell: &str) -> Told {
        let labels = (0..6).map(|label| (Clean::own(format!("label-{label}")), Clean::own("value"))).collect();
        Told::Row(Box::new(TableRow {
            namespace: "production".into(),
            name: Clean::own(format!("myapp-frontend-7d8b9c6f5d-{number:06}")),
            uid: Clean::own(format!("6a1f0c2e-0000-4000-8000-{number:012}")),
            labels,
            cells: std::iter::repeat_n(Clean::from(cell), 9).collect(),
            bounds: Some(Box::default()),
            ..TableRow::default()
        }))
    }

    fn step(facts: Vec<Told>) -> Step<Told> {
        Step { facts, bytes: 1, ..Step::default() }
    }

    #[test]
    fn a_hundred_thousand_pods_fit_and_what_does_not_is_cut_and_said() {
        let mut held = Held::new(LIMITS);
        held.begin(1);
        held.take(0, step((0..100_000).map(|number| row(number, "Running")).collect()));
        assert!(!held.is_full() && held.bytes < 100 << 20, "{} bytes", held.bytes);
        let mut held = Held::new(Limits { bytes: held.bytes / 2, ..LIMITS });
        held.begin(1);
        held.take(0, Step { left: Some(7), ..step((0..100_000).map(|number| row(number, "Running")).collect()) });
        assert!(held.is_full());
        held.cut();
        assert!(!held.is_full() && held.len() > 49_000, "{}", held.len());
        let note = format!("the first {} of 100007: choose a namespace with :ns", held.len());
        assert_eq!(held.table(LIMITS.every).notes, [Clean::own(note)]);
    }

    #[test]
    fn a_row_that_says_the_same_stays_the_same_and_its_bytes_are_counted_once() {
        let mut held = Held::new(LIMITS);
        held.begin(1);
        held.take(0, step(vec![row(1, "Running"), row(2, "Running")]));
        held.end();
        let (before, bytes) = (held.table(LIMITS.every), held.bytes);
        held.begin(1);
        held.take(0, step(vec![row(1, "Running"), row(2, "Failed")]));
        held.end();
        let after = held.table(LIMITS.every);
        assert!(Arc::ptr_eq(&before.rows[0], &after.rows[0]) && !Arc::ptr_eq(&before.rows[1], &after.rows[1]));
        assert_eq!(held.bytes, bytes);
        held.take(0, step(vec![row(2, "Running"), Told::Gone("production".into(), before.rows[0].name.clone())]));
        assert_eq!((held.len(), held.bytes), (1, bytes / 2));
    }
}
