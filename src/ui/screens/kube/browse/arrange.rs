//! Rows filtered and put in order: few at once, many beside the screen, so that no key waits for them.

use std::{
    cmp::Reverse,
    sync::{
        Arc,
        mpsc::{self, TryRecvError},
    },
    thread,
};

use super::{
    super::super::{
        super::{filter::Filter, list::Entry},
        pane::mark_of,
    },
    order::Key,
    rows::{Column, Content, RowKey, Rows, Times},
};
use crate::{
    model::{BackendId, Level, kubernetes::table::TableRow},
    text::Clean,
};

/// So many rows are put in order in less time than a frame takes.
pub const FEW: usize = 5_000;

/// What is to be put in order, and how.
pub struct Wanted {
    pub rows: Arc<Rows>,
    pub times: Times,
    pub filter: Filter,
    /// By this column; `None`: what is wrong first.
    pub sort: Option<usize>,
    pub is_reversed: bool,
}

/// The rows that the filter keeps, in order.
pub struct Arranged {
    pub entries: Vec<Entry<RowKey>>,
    pub not_ok: usize,
    /// By the first of them, too.
    pub columns: Vec<Column>,
}

/// An order that is being worked out.
#[derive(Default)]
pub struct Arranging {
    under_way: Option<mpsc::Receiver<Arranged>>,
    /// Asked for meanwhile.
    next: Option<Wanted>,
    /// The one under way is by a filter or an order of before.
    is_outdated: bool,
}

impl Arranging {
    /// The order, if it is there at once; else it comes by [`Arranging::taken`].
    pub fn begin(&mut self, wanted: Wanted) -> Option<Arranged> {
        if self.under_way.is_some() {
            self.next = Some(wanted);
            return None;
        }
        if wanted.rows.len() <= FEW {
            return Some(wanted.arrange());
        }
        let (to, arranged) = mpsc::channel();
        let wanted = Arc::new(wanted);
        let work = wanted.clone();
        // Who asked may be gone when it is done.
        let started = thread::Builder::new().name("rows".to_owned()).spawn(move || drop(to.send(work.arrange())));
        match started {
            Ok(_) => self.under_way = Some(arranged),
            Err(_) => return Some(wanted.arrange()),
        }
        None
    }

    /// Another filter or order is asked for: what is under way is of no use any more.
    pub fn outdate(&mut self) {
        self.is_outdated = self.under_way.is_some();
    }

    /// What has been put in order since it was asked for, once. One of rows that have changed since is better than none:
    /// under steady changes there is always a newer one to come.
    pub fn taken(&mut self) -> Option<Arranged> {
        let arranged = match self.under_way.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            arranged => arranged.ok(),
        };
        self.under_way = None;
        let arranged = arranged.filter(|_| !std::mem::take(&mut self.is_outdated));
        self.next.take().and_then(|next| self.begin(next)).or(arranged)
    }

    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}

/// A row that is kept.
struct Kept<'a> {
    table: usize,
    row: &'a Arc<TableRow>,
    level: Level,
    /// How well it fits the filter.
    rank: u32,
}

impl Wanted {
    pub fn arrange(&self) -> Arranged {
        let rows = &*self.rows;
        let mut text = String::new();
        let mut kept: Vec<Kept<'_>> = rows
            .all()
            .filter_map(|(table, row)| {
                let level = rows.level(&self.times, table, row);
                let rank = self.rank(&rows.tables[table].cluster, row, level, &mut text)?;
                Some(Kept { table, row, level, rank })
            })
            .collect();
        self.sort(&mut kept);
        if self.is_reversed {
            kept.reverse();
        }
        let not_ok = kept.iter().filter(|kept| kept.level < Level::Ok).count();
        let key = |kept: Kept<'_>| {
            Entry::Item(RowKey { cluster: rows.tables[kept.table].cluster.clone(), row: kept.row.clone() })
        };
        let columns = rows.measured_by(&self.times, kept.iter().map(|kept| (kept.table, kept.row)));
        Arranged { entries: kept.into_iter().map(key).collect(), not_ok, columns }
    }

    fn sort(&self, kept: &mut [Kept<'_>]) {
        let rows = &*self.rows;
        let key = |kept: &Kept<'_>, column| rows.sort_key(&self.times, kept.table, kept.row, column);
        match self.sort.and_then(|index| Some((index, rows.columns.get(index)?.content))) {
            None => match rows.columns.iter().position(|column| column.title == "last seen") {
                Some(seen) => kept.sort_by_cached_key(|kept| (Reverse(kept.rank), kept.level, key(kept, seen))),
                None => kept.sort_by_key(|kept| (Reverse(kept.rank), kept.level)),
            },
            // The youngest have the smallest age.
            Some((_, Content::Age)) => kept.sort_by_key(|kept| Reverse(kept.row.created)),
            Some((_, Content::Name)) => kept.sort_by_cached_key(|kept| Key::of(&kept.row.name)),
            Some((_, Content::Namespace)) => kept.sort_by(|one, two| one.row.namespace.cmp(&two.row.namespace)),
            // So they stand already.
            Some((_, Content::Cluster)) => {}
            Some((column, Content::Cell)) => kept.sort_by_cached_key(|kept| key(kept, column)),
        }
    }

    /// How well a row fits the filter, as all that it shows; `None`: it does not.
    fn rank(&self, cluster: &BackendId, row: &TableRow, level: Level, text: &mut String) -> Option<u32> {
        if self.filter.is_all() {
            return Some(0);
        }
        text.clear();
        let own = [mark_of(level).text().trim_end(), &**cluster, row.namespace.as_str(), row.name.as_str()];
        for part in own.into_iter().chain(row.cells.iter().map(Clean::as_str)) {
            text.push_str(part);
            text.push(' ');
        }
        let text = text.trim_end();
        let label = |name: &str| row.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
        self.filter.keeps(text, label).then(|| self.filter.rank(&row.name, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::kubernetes::{
            resource::Resource,
            table::{ObjectTable, TableColumn},
        },
        query::{Answer, Query, TableQuery},
        source::Answered,
        time::Clock as _,
        ui::testing::{World, cluster, incident},
    };

    const ROWS: usize = FEW + 1;

    /// More rows than are put in order at once.
    fn wanted() -> Wanted {
        let mut world: World = incident();
        let resource = Resource::v1(("", "pods", "Pod"), true);
        let query = TableQuery { cluster: cluster(), resource: Arc::new(resource), namespaces: Vec::new() };
        let row = |number: usize| {
            let name = Clean::own(format!("web-{number}"));
            Arc::new(TableRow { cells: Box::new([name.clone()]), name, ..TableRow::default() })
        };
        let table = ObjectTable {
            columns: vec![TableColumn { name: "Name".into(), ..TableColumn::default() }],
            rows: (0..ROWS).map(row).collect(),
            ..ObjectTable::default()
        };
        let now = world.clock.now();
        let body = Ok(Answer::Table(Arc::new(table)));
        world.store.answer(Answered { query: Query::Table(query.clone()), generation: 0, at: now.wall, body }, now);
        let rows = Rows::gather(&world.view(), vec![query]);
        let times = rows.times(&world.view());
        Wanted { rows: Arc::new(rows), times, filter: Filter::parse(""), sort: None, is_reversed: false }
    }

    /// One that is done, and another that was asked for meanwhile.
    fn arranging() -> Arranging {
        let (to, done) = mpsc::channel();
        to.send(Arranged { entries: Vec::new(), not_ok: 7, columns: Vec::new() }).expect("it is listened to");
        Arranging { under_way: Some(done), next: Some(wanted()), is_outdated: false }
    }

    fn next(arranging: &mut Arranging) -> Arranged {
        while arranging.is_under_way() {
            if let Some(arranged) = arranging.taken() {
                return arranged;
            }
            thread::yield_now();
        }
        panic!("nothing is under way");
    }

    #[test]
    fn an_order_is_shown_though_the_rows_have_changed_meanwhile() {
        let mut arranging = arranging();
        assert_eq!(arranging.taken().map(|arranged| arranged.not_ok), Some(7));
        assert_eq!(next(&mut arranging).entries.len(), ROWS);
        assert!(arranging.taken().is_none(), "once");
    }

    #[test]
    fn an_order_by_the_filter_of_before_is_not_shown() {
        let mut arranging = arranging();
        arranging.outdate();
        assert!(arranging.taken().is_none());
        assert_eq!(next(&mut arranging).entries.len(), ROWS);
    }
}
