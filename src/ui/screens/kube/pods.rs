//! The pods pane: pods of one workload, grouped by version, trouble first.

use std::collections::BTreeMap;

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
        kubernetes::{ObjectKey, Pod, Workload, short_image},
    },
    store::Store,
    text::Clean,
    time::age_of,
};

/// Names that are measured for their column.
const LOOKED_AT: usize = 200;
/// Room beside the names from which on restarts say how long ago the last was.
const WITH_AGO: u16 = 76;

/// Pods under a head per version, the newest version first, the worst pod first.
pub(super) fn entries(view: &View<'_>, workload: &Workload) -> Vec<Entry<ObjectKey>> {
    let (store, now) = (view.store, view.store.time_of(&workload.key.cluster, view.now));
    let mut by_hash: BTreeMap<Option<Clean>, Vec<&Pod>> = BTreeMap::new();
    let (failed, pods): (Vec<&Pod>, Vec<&Pod>) = store.kube.pods_of(workload).into_iter().partition(|p| p.is_record());
    for pod in pods {
        by_hash.entry(pod.hash.clone()).or_default().push(pod);
    }
    let mut groups: Vec<(Option<Clean>, Vec<&Pod>)> = by_hash.into_iter().collect();
    let number = |hash: &Option<Clean>| revision_of(store, workload, hash.as_ref());
    groups.sort_by_key(|(hash, pods)| {
        (std::cmp::Reverse(number(hash)), pods.iter().map(|pod| std::cmp::Reverse(pod.created)).min())
    });
    let several = groups.len() > 1;
    let mut entries = Vec::new();
    for (index, (hash, mut pods)) in groups.into_iter().enumerate() {
        pods.sort_by_key(|pod| (pod.standing(now).0, std::cmp::Reverse(pod.restarts), &pod.key));
        let image = pods
            .first()
            .and_then(|pod| pod.containers.iter().find(|c| c.role == crate::model::kubernetes::ContainerRole::Main))
            .map_or("", |c| short_image(&c.image));
        let ready = pods.iter().filter(|pod| pod.is_ready).count();
        let revision = number(&hash).map(|number| format!(" rev {number}")).unwrap_or_default();
        let word = match (several, index) {
            (false, _) => "ALL",
            (true, 0) => "NEW",
            (true, _) => "OLD",
        };
        entries.push(Entry::Group(Clean::own(format!("{word}{revision} {image}   {ready} of {} ready", pods.len()))));
        entries.extend(pods.into_iter().map(|pod| Entry::Item(pod.key.clone())));
    }
    entries.extend(records::entries(failed));
    entries
}

fn revision_of(store: &Store, workload: &Workload, hash: Option<&Clean>) -> Option<i64> {
    if workload.key.kind.has_replica_sets() {
        store.kube.sets_of(workload).iter().find(|set| set.hash.as_ref() == hash).and_then(|set| set.revision)
    } else {
        (workload.update_hash.as_ref() == hash).then_some(workload.revision).flatten()
    }
}

/// As wide as what is in them: what is left is for why. Rather fewer columns than each of them cut.
fn columns(kube: &Kube, view: &View<'_>, room: u16) -> [Column<'static>; 8] {
    let pods = || kube.pods.items().take(LOOKED_AT).filter_map(|key| view.store.kube.pods.get(key));
    let widest = |of: fn(&Pod) -> u16| pods().map(|pod| of(pod)).max().unwrap_or(0);
    let pod = widest(|pod| width(&pod.key.name)).clamp(16, 44);
    let status = widest(|pod| width(&pod.status)).clamp(10, 16);
    let restarts = if room >= pod + WITH_AGO {
        Column::new("restarts", 14, 80).min(8)
    } else {
        Column::new("rs", widest(|pod| width(&pod.restarts.to_string())).max(2), 80).right()
    };
    [
        Column::new("", 2, 100),
        Column::new("pod", pod, 99).min(16).ends(),
        Column::new("ready", 5, 98).right(),
        Column::new("status", 16, 97).min(status),
        restarts,
        Column::new("why", 36, 70).min(widest(|pod| width(&pod.why)).clamp(8, 18)).grows(),
        Column::new("node", 10, 40).min(6),
        Column::new("age", 6, 60).right(),
    ]
}

pub(super) fn render(kube: &mut Kube, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let title = match &kube.shown {
        Some(key) => Line::from(vec![
            Span::raw("PODS of "),
            Span::raw(key.to_string()),
            Span::styled(format!("   {}", kube.pods.items().count()), theme.dim),
        ]),
        None => Line::raw("PODS"),
    };
    let cluster = kube.shown.as_ref().map(|key| key.cluster.clone());
    let fresh = fresh_line(view, &[Part::Pods, Part::ReplicaSets], cluster.as_ref());
    let inside = framed(view, title, Line::styled("by version", theme.dim), fresh, focused, area, buf);
    let columns = columns(kube, view, inside.width);
    let has_ago = inside.width >= columns[1].ideal + WITH_AGO;
    let workload = kube.workload(view);
    let note = kube.pods.new_above();
    kube.pods.height = usize::from(inside.height.saturating_sub(1));
    let (cursor, mut state) = (kube.pods.cursor(), kube.pods.table);
    let list = kube.pods.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty_words(view, &[Part::Pods], "no pods", ""))
        .render(inside, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.kube.pods.get(key) {
                Some(pod) => match workload.and_then(|workload| records::words(view, workload, pod)) {
                    Some(words) => Row::Wide(Line::styled(words, theme.dim)),
                    None => Row::item(cells(view, pod, has_ago)),
                },
                None => Row::Wide(Line::styled(key.name.to_string(), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (kube.pods.table, kube.pods.hits) = (state, hits);
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
