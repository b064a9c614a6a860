//! The workloads pane.

use std::{cmp::Reverse, collections::BTreeSet};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    super::{
        super::{
            View,
            filter::Filter,
            kinds,
            list::Entry,
            widgets::{
                cells::{put_line, row, width},
                frame::beyond,
                virtual_table::{Column, Row, Sort, VirtualTable},
            },
        },
        pane::{
            age, cluster_cell, cluster_width, empty_words, framed, fresh_line, is_read, level_style, mark, mark_of,
        },
    },
    Kube, SortBy,
    acting::{self, Acting},
    summary,
};
use crate::{
    model::{
        BackendId, Level, Name, Part,
        kubernetes::{Workload, WorkloadKey, short_image},
    },
    source::kubernetes::watch::NAME_ONE,
    store::{Store, slot::Failure},
};

/// Names that are measured for their column.
const LOOKED_AT: usize = 200;
/// A name of this width is whole, whatever else has no room.
const WHOLE_NAME: u16 = 18;
/// Longer names share what is left over with the images.
const WIDEST_NAME: u16 = 30;
pub(super) const PARTS: [Part; 4] = [Part::Deployments, Part::StatefulSets, Part::DaemonSets, Part::Pods];

/// Workloads that the filter keeps, in order: what is acted on and then trouble first, unless another column was chosen.
pub(super) fn sorted<'a>(
    store: &'a Store,
    acting: &Acting<'_>,
    filter: &Filter,
    sort: SortBy,
    is_reversed: bool,
) -> Vec<&'a Workload> {
    let mut rows: Vec<&Workload> = store
        .kube
        .workloads
        .values()
        .map(|workload| &**workload)
        .filter(|workload| {
            if filter.is_all() {
                return true;
            }
            filter.keeps(&text_of(store, workload), |name| match name {
                "app" => workload.app.as_deref(),
                _ => workload.selector.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str()),
            })
        })
        .collect();
    let rank = |workload: &Workload| {
        if filter.is_fuzzy() { filter.rank(&workload.key.name, &text_of(store, workload)) } else { 0 }
    };
    match sort {
        SortBy::Trouble => {
            rows.sort_by_cached_key(|workload| {
                let level = store.kube.level_of(workload);
                let is_acted_on = acting.contains(&workload.key);
                (Reverse(rank(workload)), !is_acted_on, level, missing(workload), &workload.key)
            });
        }
        SortBy::Name => rows.sort_by_key(|workload| &workload.key.name),
        SortBy::Ready => rows.sort_by_key(|workload| (missing(workload), workload.ready, &workload.key)),
        SortBy::Restarts => {
            rows.sort_by_cached_key(|workload| (Reverse(store.kube.restarts_of(workload)), &workload.key));
        }
        // The youngest version has the smallest age.
        SortBy::Age => {
            rows.sort_by_cached_key(|workload| (Reverse(store.kube.version_since(workload)), &workload.key));
        }
    }
    if is_reversed {
        rows.reverse();
    }
    rows
}

/// What a row shows, as the filter reads it.
fn text_of(store: &Store, workload: &Workload) -> String {
    let key = &workload.key;
    let image = workload.images.first().map_or("", |image| image);
    let mark = mark_of(store.kube.level_of(workload)).text().trim_end();
    format!("{mark} {} {} {} {} {image}", key.cluster, key.namespace, key.kind.short(), key.name)
}

/// More missing pods come first.
fn missing(workload: &Workload) -> Reverse<u32> {
    Reverse(workload.desired.saturating_sub(workload.ready))
}

pub(super) fn entries(rows: &[&Workload]) -> Vec<Entry<WorkloadKey>> {
    rows.iter().map(|workload| Entry::Item(workload.key.clone())).collect()
}

pub(super) fn render(kube: &mut Kube, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let total = kube.workloads.items().count();
    let notes = empty_scopes(view);
    let trouble = match kube.not_ok {
        0 if !kube.filter.is_empty() || !notes.is_empty() => Span::raw(""),
        0 => Span::styled("   all ok", theme.dim),
        bad => Span::styled(format!("   {bad} not ok"), theme.wrong),
    };
    // Nothing was read: that is not "none, all ok".
    let title = if total == 0 && kube.filter.is_empty() && !is_read(view, &PARTS) {
        Line::raw("WORKLOADS")
    } else {
        let all = view.store.kube.workloads.len();
        let of = if kube.filter.is_empty() { String::new() } else { format!(" of {all}") };
        let only = Span::styled(narrowed(view), theme.stale);
        Line::from(vec![Span::raw(format!("WORKLOADS {total}{of}")), trouble, only])
    };
    let filter = if kube.filter.is_empty() { String::new() } else { format!("filter {}   ", kube.filter) };
    let info = Line::styled(format!("{filter}sort {}", sort_name(kube)), theme.dim);
    let inside = framed(view, title, info, fresh_line(view, &PARTS, None), focused, area, buf);
    // Its head and two rows have room in any case.
    let summary = kube
        .workload(view)
        .filter(|_| inside.height > 3)
        .map(|workload| summary::line(view, workload, kube.worst.as_ref(), inside.width.saturating_sub(3)));
    let below = notes.len() as u16 + u16::from(summary.is_some());
    let table_area = Rect { height: inside.height.saturating_sub(below), ..inside };
    for (index, note) in notes.into_iter().enumerate() {
        let Some(spot) = row(inside, table_area.height + index as u16) else { break };
        put_line(buf, spot, &Line::styled(format!("   {note}"), theme.stale), theme.glyphs.ellipsis);
    }
    let has_clusters = kube.has_clusters;
    let clusters_width = kinds::clusters(view).map(|cluster| cluster_width(view, cluster)).max().unwrap_or(0);
    let columns = columns(kube, clusters_width);
    let empty = empty_words(view, &PARTS, "no workloads in these namespaces", &kube.filter);
    let note = kube.workloads.new_above();
    kube.workloads.height = usize::from(table_area.height.saturating_sub(1));
    let (cursor, mut state) = (kube.workloads.cursor(), kube.workloads.table);
    let (list, acting) = (kube.workloads.entries(), acting::acting(view));
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .pinned(3)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty)
        .render(table_area, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.kube.workloads.get(key) {
                Some(workload) => Row::item(cells(view, &acting, workload, has_clusters)),
                None => Row::Wide(Line::styled(key.name.to_string(), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (kube.workloads.table, kube.workloads.hits) = (state, hits);
    beyond(area, kube.workloads.out_of_sight(), theme, buf);
    if let (Some(summary), Some(line)) = (summary, inside.height.checked_sub(1).and_then(|last| row(inside, last))) {
        put_line(
            buf,
            Rect { x: line.x + 3, width: line.width.saturating_sub(3), ..line },
            &summary,
            theme.glyphs.ellipsis,
        );
    }
}

/// `   only production`: no more of a cluster may be read; of which, where several are open.
fn narrowed(view: &View<'_>) -> String {
    let several = kinds::clusters(view).nth(1).is_some();
    let words = kinds::clusters(view).filter_map(|cluster| {
        let coverages = view.store.coverages(cluster);
        let own =
            coverages.iter().filter(|(it, parts)| !it.is_failure && parts.iter().any(|part| PARTS.contains(part)));
        let names: BTreeSet<&str> = own.flat_map(|(it, _)| &it.read).map(Name::as_str).collect();
        let shown = match names.len() {
            0 => return None,
            1..=3 => names.into_iter().collect::<Vec<_>>().join(", "),
            many => format!("{many} namespaces"),
        };
        let place = if several { format!("{cluster} ") } else { String::new() };
        Some(format!("   {place}only {shown}"))
    });
    words.collect()
}

/// Clusters that have no workload in the namespaces that are watched: there is nothing that could be ok. And those of which
/// something is not read that was asked for.
pub(super) fn empty_scopes(view: &View<'_>) -> Vec<String> {
    let note = |cluster: &BackendId| {
        let names = view.settings.namespaces.get(cluster).filter(|names| !names.is_empty())?;
        let mut own = view.store.sources.iter().filter(|(id, _)| id.backend == *cluster && PARTS.contains(&id.part));
        let is_empty = !view.store.kube.has_workloads(cluster) && own.any(|(_, state)| state.has_synced);
        is_empty.then(|| format!("{cluster}: no workloads in '{}'", names.join("', '")))
    };
    let left_out = |cluster: &BackendId| {
        let coverages = view.store.coverages(cluster).into_iter();
        let own = coverages.filter(|(it, parts)| it.is_failure && parts.iter().any(|part| PARTS.contains(part)));
        own.map(|(it, _)| format!("{cluster}: {}", it.says)).collect::<Vec<_>>()
    };
    let asked = wants_namespace(view).then(|| "enter asks for a namespace that you may read (:ns NAME)".to_owned());
    kinds::clusters(view).filter_map(note).chain(kinds::clusters(view).flat_map(left_out)).chain(asked).collect()
}

/// No workload can be read until somebody names a namespace.
pub(super) fn wants_namespace(view: &View<'_>) -> bool {
    let own = || view.store.sources.iter().filter(|(id, _)| PARTS.contains(&id.part)).map(|(_, state)| state);
    // What it says knows more than its kind: a login that has ended is mended otherwise.
    let says_so = |failure: &Failure| failure.error.says.contains(NAME_ONE);
    !own().any(|state| state.has_synced) && own().any(|state| state.pulse.failure.as_ref().is_some_and(says_so))
}

fn sort_name(kube: &Kube) -> String {
    let name = match kube.sort {
        SortBy::Trouble if Filter::parse(&kube.filter).is_fuzzy() => "best match",
        SortBy::Trouble => "trouble",
        SortBy::Name => "name",
        SortBy::Ready => "ready",
        SortBy::Restarts => "restarts",
        SortBy::Age => "since",
    };
    if kube.is_reversed { format!("{name}, reversed") } else { name.to_owned() }
}

fn columns(kube: &Kube, clusters_width: u16) -> Vec<Column<'static>> {
    let direction =
        |by: SortBy| (kube.sort == by).then_some(if kube.is_reversed { Sort::Descending } else { Sort::Ascending });
    // As wide as the names: what is left is for the images.
    let longest = kube.workloads.items().take(LOOKED_AT).map(|key| width(&key.name)).max().unwrap_or(0);
    let least = longest.clamp(12, WHOLE_NAME);
    let name = Column::new("name", longest.clamp(12, WIDEST_NAME), 99).min(least).sorted(direction(SortBy::Name));
    let spaces = kube.workloads.items().take(LOOKED_AT).map(|key| width(&key.namespace)).max().unwrap_or(0);
    // Of an image its tag, and what its name begins with: beside the clusters' names rather than how old it is.
    let (image, rev) = if kube.has_clusters { (12, 64) } else { (10, 70) };
    let mut columns = vec![
        Column::new("", 2, 100),
        Column::new("kind", 6, 60),
        if longest > WIDEST_NAME { name.grows() } else { name },
        Column::new("ready", 6, 98).right().sorted(direction(SortBy::Ready)),
        Column::new("updated", 7, 50).right(),
        Column::new("rev", 4, rev).right(),
        Column::new("image", 24, 80).min(image).grows().ends(),
        Column::new("namespace", spaces.clamp(12, 20), 55).min(spaces.clamp(10, 14)),
    ];
    if kube.has_clusters {
        // Clusters of one purpose differ at their ends.
        columns.push(Column::new("cluster", clusters_width, 75).min(clusters_width.min(14)).ends());
    }
    columns.extend([
        Column::new("restarts", 8, 81).right().sorted(direction(SortBy::Restarts)),
        Column::new("since", 5, 66).right().sorted(direction(SortBy::Age)),
    ]);
    columns
}

fn cells<'a>(view: &View<'a>, acting: &Acting<'_>, workload: &'a Workload, several_clusters: bool) -> Vec<Line<'a>> {
    let theme = view.theme;
    let level = acting::level(view.store, acting, workload);
    let style = level_style(theme, level);
    let key = &workload.key;
    let name_style = if level < Level::Ok { theme.strong } else { theme.text };
    let mut cells = vec![
        mark(theme, level),
        Line::styled(key.kind.short(), theme.dim),
        Line::styled(key.name.as_str(), name_style),
        Line::styled(format!("{}/{}", workload.ready, workload.desired), style),
        match workload.pods_to_delete() {
            0 => Line::styled(
                workload.updated.to_string(),
                if workload.updated < workload.desired { theme.progress } else { theme.dim },
            ),
            // Nothing replaces them by itself.
            old => Line::styled(format!("{old} old"), theme.progress),
        },
        Line::styled(workload.revision.map_or_else(|| "-".to_owned(), |revision| revision.to_string()), theme.dim),
        Line::raw(workload.images.first().map_or("-", |image| short_image(image))),
        Line::styled(key.namespace.as_str(), theme.dim),
    ];
    if several_clusters {
        cells.push(cluster_cell(view, &key.cluster));
    }
    let restarts = view.store.kube.restarts_of(workload);
    cells.push(Line::styled(restarts.to_string(), if restarts > 0 { theme.text } else { theme.dim }));
    cells.push(Line::styled(age(view, &key.cluster, view.store.kube.version_since(workload)), theme.dim));
    cells
}
