//! The pods pane: pods of one workload, grouped by version, trouble first.

use std::{collections::BTreeMap, sync::Arc};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    super::{
        super::{
            View,
            list::Entry,
            widgets::{
                cells::width,
                frame::beyond,
                virtual_table::{Column, Row, VirtualTable},
            },
        },
        pane::{age, empty_words, framed, fresh_line, level_style, mark},
    },
    Kube, records,
};
use crate::{
    model::{
        Level, Part,
        kubernetes::{
            ObjectKey, Pod, Workload, WorkloadKind, short_image,
            table::{Amount, CellKind, Used},
        },
    },
    query::{Answer, Query, UsageQuery},
    store::Store,
    text::Clean,
    time::age_of,
};

/// Names that are measured for their column.
const LOOKED_AT: usize = 200;
/// What stands before the first column, and between two.
const GUTTER: u16 = 3;
const GAP: u16 = 2;
/// Where the columns of what is used stand.
const BEFORE_WHY: usize = 5;
/// Width that the reasons like to have.
const WHY: u16 = 36;
/// Room beside the names from which on restarts say how long ago the last was.
const WITH_AGO: u16 = 76;

/// How many records the newest of them stands for.
pub(super) type Records = BTreeMap<ObjectKey, usize>;

/// The hash of a version, and its pods.
type Version<'a> = (Option<Clean>, Vec<&'a Pod>);

/// Pods under a head per version, the one that is wanted first and then the newest, the worst pod first; below them the
/// records.
pub(super) fn entries(view: &View<'_>, workload: &Workload) -> (Vec<Entry<ObjectKey>>, Records) {
    let (store, now) = (view.store, view.store.time_of(&workload.key.cluster, view.now));
    let mut by_hash: BTreeMap<Option<Clean>, Vec<&Pod>> = BTreeMap::new();
    let (failed, pods): (Vec<&Pod>, Vec<&Pod>) = store.kube.pods_of(workload).into_iter().partition(|p| p.is_record());
    for pod in pods {
        by_hash.entry(pod.hash.clone()).or_default().push(pod);
    }
    let mut groups: Vec<Version<'_>> = by_hash.into_iter().collect();
    let number = |hash: &Option<Clean>| revision_of(store, workload, hash.as_ref());
    groups.sort_by_key(|(hash, pods)| {
        (std::cmp::Reverse(number(hash)), pods.iter().map(|pod| std::cmp::Reverse(pod.created)).min())
    });
    let several = groups.len() > 1;
    let live = live_of(store, workload, &groups);
    let mut groups: Vec<(bool, Version<'_>)> =
        groups.into_iter().enumerate().map(|(index, group)| (live == Some(index), group)).collect();
    groups.sort_by_key(|(is_live, _)| !is_live);
    let mut entries = Vec::new();
    for (is_live, (hash, mut pods)) in groups {
        // Each is judged once: there may be very many.
        pods.sort_by_cached_key(|pod| (pod.standing(now).0, std::cmp::Reverse(pod.restarts), &pod.key));
        let image = pods
            .first()
            .and_then(|pod| pod.containers.iter().find(|c| c.role == crate::model::kubernetes::ContainerRole::Main))
            .map_or("", |c| short_image(&c.image));
        let revision = number(&hash).map(|number| format!(" rev {number}")).unwrap_or_default();
        let word = match (is_live, several) {
            (true, false) => "ALL",
            (true, true) => "NEW",
            // One that is alone as well: of the version wanted no pod is there.
            (false, _) => "OLD",
        };
        entries.push(Entry::Group(Clean::own(format!("{word}{revision} {image}   {}", readiness(&pods)))));
        entries.extend(pods.into_iter().map(|pod| Entry::Item(pod.key.clone())));
    }
    let records = records::counted(failed);
    entries.extend(records.iter().map(|(newest, _)| Entry::Item(newest.clone())));
    (entries, records.into_iter().collect())
}

/// Which of the versions, the newest first, is the one that is wanted now; `None`: it has no pods yet.
fn live_of(store: &Store, workload: &Workload, versions: &[Version<'_>]) -> Option<usize> {
    if let Some(live) = store.kube.live_hash(workload) {
        return versions.iter().position(|(hash, _)| hash.as_ref() == Some(live));
    }
    let is_counted =
        workload.key.kind == WorkloadKind::DaemonSet && workload.observed_generation >= workload.generation;
    match workload.updated as usize {
        // Nothing but its controller's count tells which of a DaemonSet's pods are of its version.
        0 if is_counted && workload.replicas > 0 => None,
        updated if is_counted => versions.iter().position(|(_, pods)| pods.len() == updated).or(Some(0)),
        _ => Some(0),
    }
}

/// `8 of 8 ready, 2 terminating`: what goes is no replica any more, as ReplicaSets and kubectl count.
fn readiness(pods: &[&Pod]) -> String {
    let (going, staying): (Vec<&Pod>, Vec<&Pod>) = pods.iter().copied().partition(|pod| pod.deleting_since.is_some());
    let ready = staying.iter().filter(|pod| pod.is_ready).count();
    match (staying.len(), going.len()) {
        (all, 0) => format!("{ready} of {all} ready"),
        (0, going) => format!("{going} terminating"),
        (all, going) => format!("{ready} of {all} ready, {going} terminating"),
    }
}

fn revision_of(store: &Store, workload: &Workload, hash: Option<&Clean>) -> Option<i64> {
    if workload.key.kind.has_replica_sets() {
        store.kube.sets_of(workload).iter().find(|set| set.hash.as_ref() == hash).and_then(|set| set.revision)
    } else {
        (workload.update_hash.as_ref() == hash).then_some(workload.revision).flatten()
    }
}

/// What the pods listed use, and all of them together.
pub(super) struct Usage {
    used: Arc<Used>,
    sum: Amount,
}

impl Usage {
    /// None where nothing of it is measured.
    pub(super) fn of(kube: &Kube, view: &View<'_>) -> Option<Self> {
        let used = read(kube, view)?;
        let each = kube.pods.items().filter_map(|key| used_by(used, key));
        let sum = each.reduce(Amount::plus)?;
        Some(Self { used: used.clone(), sum })
    }

    /// Whether it is of the newest answer.
    pub(super) fn is_newest(known: Option<&Self>, kube: &Kube, view: &View<'_>) -> bool {
        match (known, read(kube, view)) {
            (Some(known), Some(used)) => Arc::ptr_eq(&known.used, used),
            (known, used) => known.is_none() && used.is_none(),
        }
    }
}

/// What is asked for while the pods are on the screen.
pub(super) fn usage_query(kube: &Kube) -> Option<Query> {
    let pod = kube.pods.items().next()?;
    Some(Query::Usage(UsageQuery { cluster: pod.cluster.clone(), namespace: pod.namespace.clone() }))
}

fn read<'a>(kube: &Kube, view: &View<'a>) -> Option<&'a Arc<Used>> {
    match view.store.answers.get(&usage_query(kube)?)?.value.as_ref()? {
        Answer::Usage(used) => Some(used),
        _ => None,
    }
}

fn used_by(used: &Used, pod: &ObjectKey) -> Option<Amount> {
    used.get(&(pod.namespace.clone(), pod.name.clone())).copied()
}

type UsageColumn = (CellKind, Column<'static>);
static SHARES: [UsageColumn; 2] = [
    (CellKind::CpuShare, Column::new("cpu%", 5, 47).right()),
    (CellKind::MemoryShare, Column::new("mem%", 5, 48).right()),
];
static ALL: [UsageColumn; 4] = [
    (CellKind::Cpu, Column::new("cpu", 6, 45).right()),
    (CellKind::CpuShare, Column::new("cpu%", 5, 47).right()),
    (CellKind::Memory, Column::new("memory", 7, 46).right()),
    (CellKind::MemoryShare, Column::new("mem%", 5, 48).right()),
];

/// The columns of what is used that have room beside all the others at their full width: they take nothing from them.
fn usage_columns(others: &[Column<'_>], width: u16) -> &'static [UsageColumn] {
    let others: u16 = others.iter().map(|column| GAP + column.ideal).sum();
    let fits = |usage: &[UsageColumn]| {
        let usage: u16 = usage.iter().map(|(_, column)| GAP + column.ideal).sum();
        // The first stands behind the gutter, not behind a gap.
        GUTTER + others + usage <= width + GAP
    };
    if fits(&ALL) {
        &ALL
    } else if fits(&SHARES) {
        &SHARES
    } else {
        &[]
    }
}

/// What the cells of the pods need, measured once per frame.
#[derive(Default)]
struct Needs {
    pod: u16,
    status: u16,
    restarts: u16,
    why: u16,
}

impl Needs {
    fn of(kube: &Kube, view: &View<'_>) -> Self {
        let pods = kube.pods.items().take(LOOKED_AT).filter_map(|key| view.store.kube.pods.get(key));
        let why = |pod: &Pod| width(&pod.standing(view.store.time_of(&pod.key.cluster, view.now)).1);
        pods.fold(Self::default(), |needs, pod| Self {
            pod: needs.pod.max(width(&pod.key.name)),
            status: needs.status.max(width(&pod.status)),
            restarts: needs.restarts.max(width(&pod.restarts.to_string())),
            why: needs.why.max(why(pod)),
        })
    }

    /// As wide as what is in them: what is left is for why, which likes to have as much. Rather fewer columns than each of
    /// them cut.
    fn columns(&self, room: u16, why: u16) -> Vec<Column<'static>> {
        let pod = self.pod.clamp(16, 44);
        let restarts = if room >= pod + WITH_AGO {
            Column::new("restarts", 14, 80).min(8)
        } else {
            Column::new("rs", self.restarts.max(2), 80).right()
        };
        vec![
            Column::new("", 2, 100),
            Column::new("pod", pod, 99).min(16).ends(),
            Column::new("ready", 5, 98).right(),
            Column::new("status", 16, 97).min(self.status.clamp(10, 16)),
            restarts,
            Column::new("why", why, 70).min(self.why.clamp(8, 18).min(why)).grows(),
            Column::new("node", 10, 40).min(6),
            Column::new("age", 6, 60).right(),
        ]
    }

    /// The columns, and what those before why say of what is used: none where it would take room from the others.
    fn columns_with_usage(&self, room: u16) -> (Vec<Column<'static>>, Vec<CellKind>) {
        let mut columns = self.columns(room, self.why.clamp(8, WHY));
        let usage = usage_columns(&columns, room);
        if usage.is_empty() {
            return (self.columns(room, WHY), Vec::new());
        }
        columns.splice(BEFORE_WHY..BEFORE_WHY, usage.iter().map(|(_, column)| *column));
        (columns, usage.iter().map(|(kind, _)| *kind).collect())
    }
}

pub(super) fn render(kube: &mut Kube, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let title = match &kube.shown {
        Some(key) => {
            let used = kube.usage.as_ref().map(|usage| usage.sum);
            let used = used.map(|sum| format!("   {} cpu  {} memory", sum.cpu(), sum.memory())).unwrap_or_default();
            Line::from(vec![
                Span::raw("PODS of "),
                Span::raw(key.to_string()),
                Span::styled(format!("   {}{used}", kube.pods.items().count()), theme.dim),
            ])
        }
        None => Line::raw("PODS"),
    };
    let cluster = kube.shown.as_ref().map(|key| key.cluster.clone());
    let fresh = fresh_line(view, &[Part::Pods, Part::ReplicaSets], cluster.as_ref());
    let inside = framed(view, title, Line::styled("by version", theme.dim), fresh, focused, area, buf);
    let needs = Needs::of(kube, view);
    let (columns, kinds) = match kube.usage {
        Some(_) => needs.columns_with_usage(inside.width),
        None => (needs.columns(inside.width, WHY), Vec::new()),
    };
    let used = kube.usage.as_ref().map(|usage| usage.used.clone());
    let has_ago = inside.width >= columns[1].ideal + WITH_AGO;
    let note = kube.pods.new_above();
    kube.pods.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (kube.pods.cursor(), kube.pods.table);
    let (list, records) = (kube.pods.entries(), &kube.records);
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .pinned(2)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty_words(view, &[Part::Pods], "no pods", ""))
        .render(inside, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.kube.pods.get(key) {
                Some(pod) => {
                    if let Some(words) = records.get(key).and_then(|count| records::words(view, *count, pod)) {
                        return Row::Wide(Line::styled(words, theme.dim));
                    }
                    let used = used.as_ref().and_then(|used| used_by(used, key));
                    let usage = kinds.iter().map(|kind| Line::raw(kind.usage(used, Some(&pod.bounds))));
                    let mut cells = cells(view, pod, has_ago);
                    cells.splice(BEFORE_WHY..BEFORE_WHY, usage);
                    Row::item(cells)
                }
                None => Row::Wide(Line::styled(key.name.to_string(), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (kube.pods.table, kube.pods.hits) = (state, hits);
    beyond(area, kube.pods.out_of_sight(), theme, buf);
}

fn cells<'a>(view: &View<'a>, pod: &'a Pod, has_ago: bool) -> Vec<Line<'a>> {
    let theme = view.theme;
    let now = view.store.time_of(&pod.key.cluster, view.now);
    let (level, why) = pod.standing(now);
    let style = level_style(theme, level);
    let restarts = match pod.last_restart.filter(|_| has_ago && pod.restarts > 0) {
        Some(last) => format!("{} ({} ago)", pod.restarts, age_of(last, now)),
        None => pod.restarts.to_string(),
    };
    vec![
        mark(theme, level),
        Line::styled(pod.key.name.as_str(), if level < Level::Ok { theme.strong } else { theme.text }),
        Line::styled(format!("{}/{}", pod.ready, pod.total), style),
        Line::styled(pod.status.as_str(), style),
        Line::styled(restarts, if pod.restarts > 0 { theme.text } else { theme.dim }),
        Line::styled(why, theme.text),
        Line::styled(pod.node.as_deref().unwrap_or("-"), theme.dim),
        Line::styled(age(view, &pod.key.cluster, pod.created), theme.dim),
    ]
}
