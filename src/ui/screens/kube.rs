//! Screen Kube: workloads with trouble first, the selected one's pods by version, its last log lines and events; or, in
//! their place, the objects of any kind.

mod acting;
mod browse;
mod pods;
mod records;
mod side;
mod summary;
mod workloads;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
};

use self::browse::Browse;
use super::super::{
    Reply, Screen, View, filter::Filter, kinds, list::List, overlays, target::Target, undo::Undo,
    widgets::virtual_table::TableHit,
};
use super::pane::worst_pod;
use crate::{
    command::{Command, ScreenId},
    model::{
        Level,
        kubernetes::{ObjectKey, Workload, WorkloadKey},
    },
    query::{LogQuery, ObjectRef, Query},
    store::Changes,
    text::Clean,
    time::Now,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    Workloads,
    Pods,
}

/// Column the workloads are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortBy {
    #[default]
    Trouble,
    Name,
    Ready,
    Restarts,
    Age,
}

const SORTS: [SortBy; 5] = [SortBy::Trouble, SortBy::Name, SortBy::Ready, SortBy::Restarts, SortBy::Age];

/// State of the screen.
#[derive(Default)]
pub struct Kube {
    workloads: List<WorkloadKey>,
    pods: List<ObjectKey>,
    /// Of the pods listed, those that stand for others that have failed alike.
    records: pods::Records,
    /// What happened around the workload: worked out once, not in every frame.
    events: Vec<side::Alike>,
    /// The pod that is worst of those listed, if one is bad.
    worst: Option<ObjectKey>,
    /// The workload whose pods are listed.
    shown: Option<WorkloadKey>,
    pane: Pane,
    filter: String,
    sort: SortBy,
    is_reversed: bool,
    undo: Undo<(SortBy, bool)>,
    not_ok: usize,
    /// What the pods listed use, where that is known.
    usage: Option<pods::Usage>,
    /// More than one cluster is open: whose a row is must be said, whatever the others have.
    has_clusters: bool,
    /// A kind that is looked at in the place of all this.
    browse: Option<Browse>,
}

impl Kube {
    /// Shows the objects of a kind.
    pub fn browse(&mut self, kind: &str, object: Option<ObjectKey>) {
        self.browse = Some(Browse::new(kind, object));
    }

    /// Back to the workloads. False: they are shown already.
    pub fn leave(&mut self) -> bool {
        self.browse.take().is_some()
    }

    /// Whether there is another pane than the one that is looked at.
    pub fn has_panes(&self) -> bool {
        self.browse.is_none()
    }

    /// The workload the lower panes are about.
    fn workload<'a>(&self, view: &View<'a>) -> Option<&'a Workload> {
        view.store.kube.workloads.get(self.workloads.selected()?).map(|workload| &**workload)
    }

    fn sync_pods(&mut self, view: &View<'_>) {
        let workload = self.workload(view);
        let key = workload.map(|workload| workload.key.clone());
        if key != self.shown {
            self.pods = List::default();
            self.shown = key;
        }
        let (entries, records) = workload.map(|workload| pods::entries(view, workload)).unwrap_or_default();
        self.pods.set(entries, view.now);
        self.records = records;
        let worst = workload.and_then(|workload| worst_pod(view, workload));
        self.worst = worst.map(|(pod, _)| pod.key.clone());
        self.events = workload.map(|workload| side::around(view, workload)).unwrap_or_default();
        self.usage = pods::Usage::of(self, view);
    }

    fn resort(&mut self, by: isize, view: &View<'_>) {
        let at = SORTS.iter().position(|sort| *sort == self.sort).unwrap_or(0) as isize + by;
        self.undo.changed((self.sort, self.is_reversed));
        if at < 0 || at >= SORTS.len() as isize {
            self.is_reversed = !self.is_reversed;
        } else {
            (self.sort, self.is_reversed) = (SORTS[at as usize], false);
        }
        self.reorder(view);
    }

    fn reorder(&mut self, view: &View<'_>) {
        self.workloads = List::default();
        self.sync(view, Changes::KUBE);
    }

    /// The order before is back. False: there is none to take back.
    fn undo_sort(&mut self, view: &View<'_>) -> bool {
        let Some(was) = self.undo.take() else { return false };
        (self.sort, self.is_reversed) = was;
        self.reorder(view);
        true
    }

    /// The object whose log lines are shown below: the pod under its pane's cursor, which is the worst until it is moved.
    /// That cursor is seen from the other pane, too.
    fn log_of(&self, view: &View<'_>) -> Option<LogQuery> {
        let pod = self.pods.selected()?;
        view.store.kube.pods.get(pod)?;
        Some(LogQuery { tail: Some(20), ..LogQuery::of(ObjectRef::Pod(pod.clone())) })
    }

    fn focused(&mut self) -> &mut dyn Navigate {
        match self.pane {
            Pane::Workloads => &mut self.workloads,
            Pane::Pods => &mut self.pods,
        }
    }
}

/// What both lists have in common for keys.
trait Navigate {
    fn navigate(&mut self, command: Command, now: Now) -> bool;
}

impl<K: Clone + Ord> Navigate for List<K> {
    fn navigate(&mut self, command: Command, now: Now) -> bool {
        Self::navigate(self, command, now)
    }
}

impl Screen for Kube {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if let Some(browse) = &mut self.browse {
            browse.sync(view, changes);
        }
        if !changes.any(Changes::KUBE | Changes::ACTS) {
            if changes.any(Changes::ANSWERS) && !pods::Usage::is_newest(self.usage.as_ref(), self, view) {
                self.usage = pods::Usage::of(self, view);
            }
            return;
        }
        let filter = Filter::parse(&self.filter);
        let acting = acting::acting(view);
        let rows = workloads::sorted(view.store, &acting, &filter, self.sort, self.is_reversed);
        let is_bad = |workload: &&&Workload| acting::level(view.store, &acting, workload) < Level::Ok;
        self.not_ok = rows.iter().filter(is_bad).count();
        self.has_clusters = kinds::clusters(view).nth(1).is_some();
        let entries = workloads::entries(&rows);
        // Who acts on a workload looks at it, not at whatever is worst.
        if self.workloads.selected().is_some_and(|key| acting.contains(key)) {
            self.workloads.hold(view.now);
        }
        self.workloads.set(entries, view.now);
        self.sync_pods(view);
    }

    fn settle(&mut self, now: Now) -> bool {
        let moved = self.workloads.settle(now) | self.pods.settle(now);
        self.browse.as_mut().is_some_and(|browse| browse.settle(now)) || moved
    }

    fn selected(&self, view: &View<'_>) -> Option<Target> {
        if let Some(browse) = &self.browse {
            return browse.selected(view);
        }
        match self.pane {
            Pane::Pods => self.pods.selected().cloned().map(Target::Pod),
            Pane::Workloads => self.workload(view).map(|workload| Target::Workload(workload.key.clone())),
        }
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        match &mut self.browse {
            // The filter and the zoom are taken back before.
            Some(browse) if command == Command::Back && (!browse.filter().is_empty() || view.zoomed) => {
                return Reply::Ignored;
            }
            Some(_) if command == Command::Back => {
                self.browse = None;
                return Reply::Done;
            }
            Some(browse) => return browse.run(command, view),
            None => {}
        }
        if self.pane == Pane::Pods {
            self.workloads.hold(view.now);
        }
        if self.focused().navigate(command, view.now) {
            if self.pane == Pane::Workloads {
                self.sync_pods(view);
            }
            return Reply::Done;
        }
        match (command, self.pane) {
            (Command::Enter, Pane::Workloads) if workloads::wants_namespace(view) => {
                Reply::Push(overlays::palette_with(ScreenId::Kube, "ns "))
            }
            (Command::NextPane | Command::PreviousPane | Command::Enter, Pane::Workloads) => {
                if self.pods.selected().is_some() {
                    self.pane = Pane::Pods;
                }
                Reply::Done
            }
            (Command::NextPane | Command::PreviousPane | Command::Back, Pane::Pods) => {
                self.pane = Pane::Workloads;
                Reply::Done
            }
            (Command::Enter, Pane::Pods) => Reply::Run(Command::Describe),
            (Command::SortNext, _) => {
                self.resort(1, view);
                Reply::Done
            }
            (Command::SortPrevious, _) => {
                self.resort(-1, view);
                Reply::Done
            }
            (Command::UndoLocal, _) if self.undo_sort(view) => Reply::Done,
            _ => Reply::Ignored,
        }
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        if let Some(browse) = &self.browse {
            return browse.wanted(view);
        }
        let is_alone = view.is_narrow() || view.zoomed;
        let usage = pods::usage_query(self).filter(|_| !is_alone || self.pane == Pane::Pods);
        let log = if is_alone { None } else { self.log_of(view) };
        log.map(Query::Logs).into_iter().chain(usage).collect()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        let workload = match target {
            Target::Workload(key) => key.clone(),
            Target::Pod(key) => match view.store.kube.pods.get(key).and_then(|pod| view.store.kube.workload_of(pod)) {
                Some(workload) => workload.key.clone(),
                None => return false,
            },
            Target::Object(key) => {
                if !self.browse.as_mut().is_some_and(|browse| browse.reveal(key, view)) {
                    let object = ObjectKey {
                        cluster: key.cluster.clone(),
                        namespace: key.namespace.clone(),
                        name: key.name.clone(),
                    };
                    self.browse(&key.resource.qualified(), Some(object));
                    self.sync(view, Changes::ANSWERS);
                }
                return true;
            }
            _ => return false,
        };
        self.browse = None;
        if !self.workloads.select(&workload) {
            self.set_filter("", view);
            self.workloads.select(&workload);
        }
        self.workloads.hold(view.now);
        self.sync_pods(view);
        self.pane = Pane::Workloads;
        if let Target::Pod(key) = target
            && self.pods.select(key)
        {
            self.pane = Pane::Pods;
        }
        true
    }

    fn is_arranging(&self) -> bool {
        self.browse.as_ref().is_some_and(Browse::is_arranging)
    }

    fn filter(&self) -> String {
        self.browse.as_ref().map_or(&*self.filter, Browse::filter).to_owned()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        if let Some(browse) = &mut self.browse {
            return browse.set_filter(text, view);
        }
        text.clone_into(&mut self.filter);
        self.undo.filtered(text);
        self.workloads.refilter(view.now);
        self.sync(view, Changes::KUBE);
        // What fits best is what was meant.
        if Filter::parse(text).is_fuzzy() && self.workloads.navigate(Command::Top, view.now) {
            self.sync_pods(view);
        }
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        if let Some(browse) = &mut self.browse {
            return browse.click(at, view);
        }
        match (self.workloads.click(at, view.now), self.pods.click(at, view.now)) {
            (Some(TableHit::Row(_)), _) => {
                self.pane = Pane::Workloads;
                self.sync_pods(view);
            }
            (_, Some(TableHit::Row(_))) => {
                self.pane = Pane::Pods;
                self.workloads.hold(view.now);
            }
            (Some(TableHit::Head(_)), _) => self.resort(1, view),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn face(&self) -> String {
        self.browse.as_ref().map(|browse| browse.word().to_owned()).unwrap_or_default()
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        if let Some(browse) = &self.browse {
            return browse.copied();
        }
        match self.selected(view)? {
            Target::Pod(key) => Some(key.name),
            Target::Workload(key) => Some(key.name),
            _ => None,
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        (self.workloads.hits, self.pods.hits) = Default::default();
        if let Some(browse) = &mut self.browse {
            return browse.render(view, area, buf);
        }
        if view.is_narrow() || view.zoomed {
            return match self.pane {
                Pane::Workloads => workloads::render(self, view, area, buf, true),
                Pane::Pods => pods::render(self, view, area, buf, true),
            };
        }
        let notes = workloads::empty_scopes(view).len();
        let wanted = ((self.workloads.entries().len() + notes) as u16 + 4).min(area.height * 2 / 5).max(6);
        let [top, middle, bottom] =
            Layout::vertical([Constraint::Length(wanted), Constraint::Min(6), Constraint::Length(8)]).areas(area);
        workloads::render(self, view, top, buf, self.pane == Pane::Workloads);
        pods::render(self, view, middle, buf, self.pane == Pane::Pods);
        let [left, right] = Layout::horizontal([Constraint::Percentage(52), Constraint::Min(0)]).areas(bottom);
        side::log(self.log_of(view).as_ref(), view, left, buf);
        side::events(self.workload(view), &self.events, view, right, buf);
    }
}
