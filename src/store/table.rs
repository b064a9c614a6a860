//! A watched set of rows, kept whole across re-lists.

use std::collections::BTreeMap;

use crate::{model::SourceId, source::Delta};

/// Rows by key. During a re-list the old rows stay; what the new list did not bring is dropped at its end.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: BTreeMap<K, Row<V>>,
    /// Number of the newest list of each source.
    lists: BTreeMap<SourceId, u32>,
}

#[derive(Clone, Debug)]
struct Row<V> {
    value: V,
    from: SourceId,
    list: u32,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), lists: BTreeMap::new() }
    }
}

/// What applying a delta did.
#[derive(Debug, PartialEq)]
pub enum Applied<K, V> {
    Nothing,
    Put { key: K, old: Option<V> },
    Gone(Vec<(K, V)>),
}

impl<K: Ord + Clone, V: PartialEq> Table<K, V> {
    /// Applies one change that `from` reported.
    pub fn apply(&mut self, from: &SourceId, delta: Delta<K, V>, key_of: impl Fn(&V) -> K) -> Applied<K, V> {
        let list = self.lists.entry(from.clone()).or_default();
        match delta {
            Delta::Reset => {
                *list += 1;
                Applied::Nothing
            }
            Delta::Put(value) => {
                let key = key_of(&value);
                let list = *list;
                if let Some(row) = self.rows.get_mut(&key) {
                    row.list = list;
                    if row.value == value {
                        return Applied::Nothing;
                    }
                    row.from = from.clone();
                    let old = std::mem::replace(&mut row.value, value);
                    return Applied::Put { key, old: Some(old) };
                }
                self.rows.insert(key.clone(), Row { value, from: from.clone(), list });
                Applied::Put { key, old: None }
            }
            Delta::Gone(key) => match self.rows.remove(&key) {
                Some(row) => Applied::Gone(vec![(key, row.value)]),
                None => Applied::Nothing,
            },
            Delta::Synced => {
                let list = *list;
                let gone: Vec<K> = self
                    .rows
                    .iter()
                    .filter(|(_, row)| row.list != list && row.from == *from)
                    .map(|(key, _)| key.clone())
                    .collect();
                self.take(gone)
            }
        }
    }

    /// What is known of a row changed, not by its source. The row as it was, if it differs.
    pub fn replace(&mut self, key: &K, value: V) -> Option<V> {
        let row = self.rows.get_mut(key).filter(|row| row.value != value)?;
        Some(std::mem::replace(&mut row.value, value))
    }

    /// Drops everything that `is_gone` says no longer belongs here (a cluster or namespace was left).
    pub fn drop_sources(&mut self, is_gone: impl Fn(&SourceId) -> bool) -> Vec<(K, V)> {
        let gone: Vec<K> = self.rows.iter().filter(|(_, row)| is_gone(&row.from)).map(|(key, _)| key.clone()).collect();
        self.lists.retain(|source, _| !is_gone(source));
        match self.take(gone) {
            Applied::Gone(rows) => rows,
            _ => Vec::new(),
        }
    }

    fn take(&mut self, keys: Vec<K>) -> Applied<K, V> {
        let gone: Vec<(K, V)> =
            keys.into_iter().filter_map(|key| self.rows.remove(&key).map(|row| (key, row.value))).collect();
        if gone.is_empty() { Applied::Nothing } else { Applied::Gone(gone) }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key).map(|row| &row.value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, row)| (key, &row.value))
    }

    /// Values whose keys lie between two, both included.
    pub fn between(&self, first: &K, last: &K) -> impl Iterator<Item = &V> {
        self.rows.range(first..=last).map(|(_, row)| &row.value)
    }

    /// Values from this key on.
    pub fn starting_at(&self, first: &K) -> impl Iterator<Item = &V> {
        self.rows.range(first..).map(|(_, row)| &row.value)
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values().map(|row| &row.value)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BackendId, Part};

    #[test]
    fn a_relist_keeps_old_rows_until_it_ends() {
        let from = SourceId::new(&BackendId::new("c"), Part::Pods);
        let other = SourceId::new(&BackendId::new("d"), Part::Pods);
        let mut table = Table::<u32, u32>::default();
        let key = |value: &u32| *value / 10;
        table.apply(&other, Delta::Put(90), key);
        for delta in [Delta::Reset, Delta::Put(10), Delta::Put(20), Delta::Synced] {
            table.apply(&from, delta, key);
        }
        table.apply(&from, Delta::Reset, key);
        table.apply(&from, Delta::Put(10), key);
        assert_eq!(table.len(), 3, "the old row stays while the list is read");
        assert_eq!(table.apply(&from, Delta::Synced, key), Applied::Gone(vec![(2, 20)]));
        assert_eq!(table.values().copied().collect::<Vec<_>>(), [10, 90], "another source's rows stay");
    }

    #[test]
    fn an_equal_row_is_no_change() {
        let from = SourceId::new(&BackendId::new("c"), Part::Pods);
        let mut table = Table::<u32, u32>::default();
        assert_eq!(table.apply(&from, Delta::Put(10), |v| *v), Applied::Put { key: 10, old: None });
        assert_eq!(table.apply(&from, Delta::Put(10), |v| *v), Applied::Nothing);
    }
}
