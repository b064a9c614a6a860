//! The objects of any kind in the place of the workloads: the server's own table, of all clusters that serve the kind.

mod arrange;
mod draw;
mod heads;
mod known;
mod order;
mod rows;

use std::sync::Arc;

use ratatui::layout::Position;

use self::{
    arrange::{Arranged, Arranging, FEW, Wanted},
    rows::{Column, RowKey, Rows},
};
use super::super::super::{
    Reply, View,
    filter::Filter,
    kinds::{self, Meaning},
    list::List,
    target::Target,
    undo::Undo,
    widgets::virtual_table::TableHit,
};
use crate::{
    command::Command,
    model::{
        Name,
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind, resource::ResourceKey},
    },
    query::{Query, TableQuery},
    store::Changes,
    text::Clean,
    time::Now,
};

/// One kind, looked at.
pub struct Browse {
    /// As it was asked for: each cluster says what it means.
    word: String,
    list: List<RowKey>,
    rows: Arc<Rows>,
    /// Theirs, by the rows that stand first.
    columns: Vec<Column>,
    arranging: Arranging,
    /// An order of very many rows, until nobody reads.
    waiting: Option<Arranged>,
    /// The next order begins at the top: it was asked for.
    is_anew: bool,
    filter: String,
    /// By this column; `None`: what is wrong first.
    sort: Option<usize>,
    is_reversed: bool,
    undo: Undo<(Option<usize>, bool)>,
    not_ok: usize,
    /// To be selected as soon as it is there.
    wanted: Option<ObjectKey>,
    /// What it was opened for: its namespace is looked at too, until others are chosen.
    opened_for: Option<ObjectKey>,
    /// The namespaces that were looked at then.
    scope: Option<Vec<Name>>,
}

impl Browse {
    pub fn new(word: &str, wanted: Option<ObjectKey>) -> Self {
        Self {
            word: word.to_owned(),
            list: List::default(),
            rows: Arc::default(),
            columns: Vec::new(),
            arranging: Arranging::default(),
            waiting: None,
            is_anew: false,
            filter: String::new(),
            sort: None,
            is_reversed: false,
            undo: Undo::default(),
            not_ok: 0,
            opened_for: wanted.clone(),
            scope: None,
            wanted,
        }
    }

    /// The kind, as it was asked for.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The tables that make it up: of every cluster that serves the kind.
    fn tables(&self, view: &View<'_>) -> Vec<TableQuery> {
        kinds::clusters(view)
            .filter_map(|cluster| {
                let Meaning::Kind(resource) = kinds::meaning(view, cluster, &self.word) else { return None };
                let namespaces = if resource.is_namespaced { view.settings.namespaces.get(cluster) } else { None };
                let mut namespaces = namespaces.cloned().unwrap_or_default();
                // What applies a workload lives elsewhere.
                let object = self.opened_for.as_ref().filter(|object| object.cluster == *cluster);
                if let Some(ObjectKey { namespace, .. }) = object
                    && !namespaces.is_empty()
                    && !namespace.is_empty()
                    && !namespaces.contains(namespace)
                {
                    namespaces.push(namespace.clone());
                }
                Some(TableQuery { cluster: cluster.clone(), resource: resource.clone(), namespaces })
            })
            .collect()
    }

    pub fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let kinds = kinds::clusters(view).map(|cluster| Query::Resources(cluster.clone()));
        kinds.chain(self.tables(view).into_iter().map(Query::Table)).collect()
    }

    pub fn sync(&mut self, view: &View<'_>, changes: Changes) {
        self.follow_scope(view);
        let tables = self.tables(view);
        if !changes.any(Changes::ANSWERS | Changes::KUBE) && tables == self.rows.tables {
            return;
        }
        if !self.rows.are_of(view, &tables) {
            self.rows = Arc::new(Rows::gather(view, tables));
            // Until the rows are in order: very many would jump with each change.
            self.columns = self.rows.as_wide_as(&self.columns);
            self.arrange(view);
        }
    }

    /// Whoever chooses namespaces means these alone.
    fn follow_scope(&mut self, view: &View<'_>) {
        let Some(object) = &self.opened_for else { return };
        let now = view.settings.namespaces.get(&object.cluster).cloned().unwrap_or_default();
        if *self.scope.get_or_insert_with(|| now.clone()) != now {
            self.opened_for = None;
        }
    }

    fn arrange(&mut self, view: &View<'_>) {
        let wanted = Wanted {
            times: self.rows.times(view),
            rows: self.rows.clone(),
            filter: Filter::parse(&self.filter),
            sort: self.sort,
            is_reversed: self.is_reversed,
        };
        if let Some(arranged) = self.arranging.begin(wanted) {
            self.take(arranged, view.now);
        }
    }

    /// An order is there. One of very many rows waits as a whole while somebody reads: it is not gone through for what
    /// has gone, which is drawn as such.
    fn take(&mut self, arranged: Arranged, now: Now) {
        if std::mem::take(&mut self.is_anew) {
            self.list = List::default();
        } else if arranged.entries.len() > FEW && !self.list.may_move(now) {
            self.waiting = Some(arranged);
            return;
        }
        self.waiting = None;
        self.not_ok = arranged.not_ok;
        // The order may be of rows of before.
        if names(&arranged.columns).eq(names(&self.rows.columns)) {
            self.columns = arranged.columns;
        }
        self.list.set(arranged.entries, now);
        if let Some(wanted) = self.wanted.take()
            && !self.select(&wanted)
        {
            self.wanted = Some(wanted);
        }
    }

    /// Takes what was put in order beside the screen. True if something moved.
    fn take_arranged(&mut self, now: Now) -> bool {
        let has_settled = self.waiting.is_some() && self.list.may_move(now);
        let arranged = self.arranging.taken().or_else(|| self.waiting.take_if(|_| has_settled));
        let is_there = arranged.is_some();
        if let Some(arranged) = arranged {
            self.take(arranged, now);
        }
        is_there
    }

    /// Rows are being put in order.
    pub fn is_arranging(&self) -> bool {
        self.arranging.is_under_way()
    }

    /// The namespace counts only where the object has one, owners are named without; and where it is known.
    fn select(&mut self, wanted: &ObjectKey) -> bool {
        let is_it = |key: &&RowKey| {
            key.cluster == wanted.cluster
                && key.row.name == wanted.name
                && (key.row.namespace == wanted.namespace
                    || key.row.namespace.is_empty()
                    || wanted.namespace.is_empty())
        };
        let Some(key) = self.list.items().find(is_it).cloned() else { return false };
        self.list.select(&key)
    }

    pub fn selected(&self, view: &View<'_>) -> Option<Target> {
        let key = &self.list.selected()?.object();
        let resource = &self.rows.table_of(&key.cluster)?.resource;
        let target = match (resource.group.as_str(), resource.plural.as_str()) {
            ("", "pods") => Target::Pod(key.clone()),
            (group, plural) if WorkloadKind::parse(plural).is_some_and(|kind| kind.group() == group) => {
                Target::Workload(WorkloadKey {
                    cluster: key.cluster.clone(),
                    namespace: key.namespace.clone(),
                    kind: WorkloadKind::parse(plural)?,
                    name: key.name.clone(),
                })
            }
            _ => Target::Object(ResourceKey {
                cluster: key.cluster.clone(),
                resource: resource.clone(),
                namespace: key.namespace.clone(),
                name: key.name.clone(),
            }),
        };
        // What the watches know has its own pages; what they do not (another namespace) is an object like others.
        let is_known = match &target {
            Target::Pod(key) => view.store.kube.pods.get(key).is_some(),
            Target::Workload(key) => view.store.kube.workloads.get(key).is_some(),
            _ => true,
        };
        Some(if is_known {
            target
        } else {
            Target::Object(ResourceKey {
                cluster: key.cluster.clone(),
                resource: resource.clone(),
                namespace: key.namespace.clone(),
                name: key.name.clone(),
            })
        })
    }

    /// Whether this kind is what an object is of; if so, it is selected now or when it comes.
    pub fn reveal(&mut self, object: &ResourceKey, view: &View<'_>) -> bool {
        let is_ours = kinds::meaning(view, &object.cluster, &self.word) == Meaning::Kind(&object.resource);
        if is_ours {
            let key = key_of(object);
            if !self.select(&key) {
                self.filter.clear();
                self.undo.filtered("");
                self.wanted = Some(key);
                self.anew(view);
            }
        }
        is_ours
    }

    /// `None`: the command is not for it. `Back` is the screen's.
    pub fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        if self.list.navigate(command, view.now) {
            self.wanted = None;
            return Reply::Done;
        }
        match command {
            Command::Enter => return self.enter(),
            Command::NextPane | Command::PreviousPane => {}
            Command::SortNext => self.resort(1, view),
            Command::SortPrevious => self.resort(-1, view),
            Command::UndoLocal => {
                let Some(was) = self.undo.take() else { return Reply::Ignored };
                (self.sort, self.is_reversed) = was;
                self.anew(view);
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    /// Its page; of a namespace what is in it, as nobody lists them for their own sake.
    fn enter(&self) -> Reply {
        let is_namespace = self
            .rows
            .tables
            .first()
            .is_some_and(|table| (&*table.resource.group, &*table.resource.plural) == ("", "namespaces"));
        match self.list.selected().filter(|_| is_namespace) {
            Some(key) => Reply::Line(format!("ns {}", key.row.name)),
            None => Reply::Run(Command::Describe),
        }
    }

    /// Over "what is wrong" and the columns shown, in their order; beyond an end it is turned round.
    fn resort(&mut self, by: isize, view: &View<'_>) {
        let places = self.rows.shown(view);
        let at = places.iter().position(|sort| *sort == self.sort).unwrap_or(0) as isize + by;
        match usize::try_from(at).ok().and_then(|at| places.get(at)) {
            Some(sort) => self.sort_by(*sort, view),
            None => self.sort_by(self.sort, view),
        }
    }

    /// By the same column again: turned round.
    fn sort_by(&mut self, sort: Option<usize>, view: &View<'_>) {
        self.undo.changed((self.sort, self.is_reversed));
        self.is_reversed = sort == self.sort && !self.is_reversed;
        self.sort = sort;
        self.anew(view);
    }

    fn anew(&mut self, view: &View<'_>) {
        self.is_anew = true;
        self.arranging.outdate();
        self.arrange(view);
    }

    pub fn settle(&mut self, now: Now) -> bool {
        self.take_arranged(now) | self.list.settle(now)
    }

    pub fn filter(&self) -> &str {
        &self.filter
    }

    pub fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.undo.filtered(text);
        self.list.refilter(view.now);
        // It was put in order for the old filter.
        self.waiting = None;
        self.arranging.outdate();
        // What fits best is what was meant.
        self.is_anew |= Filter::parse(text).is_fuzzy();
        self.arrange(view);
    }

    pub fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match self.list.click(at, view.now) {
            Some(TableHit::Row(_)) => {}
            Some(TableHit::Head(place)) => {
                let Some(head) = self.rows.shown(view).get(place).copied() else { return Reply::Done };
                self.sort_by(head, view);
            }
            None => return Reply::Ignored,
        }
        Reply::Done
    }

    pub fn copied(&self) -> Option<Clean> {
        self.list.selected().map(|key| key.row.name.clone())
    }

    fn sort_name(&self) -> String {
        let name = match self.sort.and_then(|index| self.rows.columns.get(index)) {
            None if Filter::parse(&self.filter).is_fuzzy() => "best match".to_owned(),
            None => "trouble".to_owned(),
            Some(Column { title, .. }) => title.clone(),
        };
        if self.is_reversed { format!("{name}, reversed") } else { name }
    }
}

fn names(columns: &[Column]) -> impl Iterator<Item = &Name> {
    columns.iter().map(|column| &column.name)
}

fn key_of(object: &ResourceKey) -> ObjectKey {
    let name: Name = object.name.clone();
    ObjectKey { cluster: object.cluster.clone(), namespace: object.namespace.clone(), name }
}
