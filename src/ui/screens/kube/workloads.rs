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
                virtual_table::{Column, Row, Sort, VirtualTable},
            },
        },
        pane::{
            age, cluster_cell, cluster_width, empty_words, framed, fresh_line, is_read, level_style, mark, mark_of,
        },
        words::unmade,
    },
    Kube, SortBy,
};
use crate::{
    model::{
        BackendId, Level, Name, Part,
        code::Run,
        kubernetes::{RolloutState, Workload, WorkloadKey, short_image},
    },
    source::kubernetes::watch::NAME_ONE,
    store::{Store, slot::Failure},
    time::age_of,
};

/// Names that are measured for their column.
const LOOKED_AT: usize = 200;
/// Longer names share what is left over with the images.
const WIDEST_NAME: u16 = 30;
pub(super) const PARTS: [Part; 4] = [Part::Deployments, Part::StatefulSets, Part::DaemonSets, Part::Pods];

/// Workloads that the filter keeps, in order: trouble first, unless another column was chosen.
pub(super) fn sorted<'a>(store: &'a Store, filter: &Filter, sort: SortBy, is_reversed: bool) -> Vec<&'a Workload> {
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
        SortBy::Trouble => rows.sort_by_cached_key(|workload| {
            (Reverse(rank(workload)), store.kube.level_of(workload), missing(workload), &workload.key)
        }),
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
        .map(|workload| versions(view, workload, inside.width.saturating_sub(3)));
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
    let list = kube.workloads.entries();
    let hits = VirtualTable::new(theme, &columns, list.len())
        .cursor(cursor)
        .pinned(3)
        .focused(focused)
        .above((note > 0).then(|| format!("{note} new above")))
        .empty(empty)
        .render(table_area, buf, &mut state, |index| match &list[index] {
            Entry::Item(key) => match view.store.kube.workloads.get(key) {
                Some(workload) => Row::item(cells(view, workload, has_clusters)),
                None => Row::Wide(Line::styled(key.name.to_string(), theme.dim)),
            },
            Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
        });
    (kube.workloads.table, kube.workloads.hits) = (state, hits);
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
    let name = Column::new("name", longest.clamp(12, WIDEST_NAME), 99).min(12).sorted(direction(SortBy::Name));
    let mut columns = vec![
        Column::new("", 2, 100),
        Column::new("kind", 6, 60),
        if longest > WIDEST_NAME { name.grows() } else { name },
        Column::new("ready", 6, 98).right().sorted(direction(SortBy::Ready)),
        Column::new("updated", 7, 50).right(),
        Column::new("rev", 4, 70).right(),
        Column::new("image", 24, 80).min(10).grows().ends(),
        Column::new("namespace", 12, 55).min(10),
    ];
    if kube.has_clusters {
        columns.push(Column::new("cluster", clusters_width, 75).min(clusters_width.min(14)));
    }
    // Beside the clusters' names its head gives way, not its numbers.
    let restarts = Column::new("restarts", 8, 81).min(if kube.has_clusters { 5 } else { 8 });
    columns.extend([
        restarts.right().sorted(direction(SortBy::Restarts)),
        Column::new("since", 5, 66).right().sorted(direction(SortBy::Age)),
    ]);
    columns
}

fn cells<'a>(view: &View<'a>, workload: &'a Workload, several_clusters: bool) -> Vec<Line<'a>> {
    let theme = view.theme;
    let level = view.store.kube.level_of(workload);
    let style = level_style(theme, level);
    let key = &workload.key;
    let name_style = if level < Level::Ok { theme.strong } else { theme.text };
    let mut cells = vec![
        mark(theme, level),
        Line::styled(key.kind.short(), theme.dim),
        Line::styled(key.name.as_str(), name_style),
        Line::styled(format!("{}/{}", workload.ready, workload.desired), style),
        Line::styled(
            workload.updated.to_string(),
            if workload.updated < workload.desired { theme.progress } else { theme.dim },
        ),
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

/// The run that deploys this workload now.
fn deploying<'a>(view: &View<'a>, workload: &Workload) -> Option<&'a Run> {
    let repository = view.settings.service_of(&workload.key)?.repository.as_ref()?;
    let of_it = |run: &&Run| run.deploys && !run.state.is_finished() && run.key.repo.name == *repository;
    view.store.runs.values().filter(of_it).max_by_key(|run| run.started)
}

/// How much of a summary there is room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Ample,
    Little,
    /// Both clocks, and what they are about.
    Least,
}

/// `new rev 14 2/5 ready | old …`, and kubectl's words for the rollout; in fewer words where there is no room.
fn versions(view: &View<'_>, workload: &Workload, width: u16) -> Line<'static> {
    let theme = view.theme;
    let line = |room| {
        let name = vec![Span::styled(format!("{}  ", workload.key.name), theme.strong)];
        let (live, words) = (versions_up(view, workload, room), rollout_words(view, workload, room));
        let (deadline, pipeline) = (deadline(view, workload, room), pipeline(view, workload, room));
        let has_clocks = deadline.is_some() || pipeline.is_some();
        let clocks = [deadline, pipeline].into_iter().flatten().map(|words| vec![Span::styled(words, theme.wrong)]);
        let (mut spans, mut parts) = (name, vec![live]);
        match room {
            Room::Ample => parts.extend(std::iter::once(words).chain(clocks)),
            // The name stands in the row that is selected, and the versions say how far it is.
            Room::Least if has_clocks && workload.rollout.state == RolloutState::Progressing => {
                spans.clear();
                parts.extend(clocks);
            }
            // That it has failed is worth more than for how long anybody waits.
            _ if workload.rollout.state == RolloutState::Failed => parts.extend(std::iter::once(words).chain(clocks)),
            Room::Little | Room::Least => parts.extend(clocks.chain([words])),
        }
        parts.extend(unmade(view, workload).map(|why| vec![Span::styled(why, theme.wrong)]));
        for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            spans.extend((index > 0).then(|| Span::raw("   ")));
            spans.extend(part);
        }
        Line::from(spans)
    };
    let fits = |line: &Line<'_>| line.width() <= usize::from(width);
    [Room::Ample, Room::Little].map(line).into_iter().find(fits).unwrap_or_else(|| line(Room::Least))
}

/// `new rev 14 2/5 ready  |  old rev 13 4/4 ready`
fn versions_up(view: &View<'_>, workload: &Workload, room: Room) -> Vec<Span<'static>> {
    let theme = view.theme;
    let live: Vec<_> = view.store.kube.sets_of(workload).into_iter().filter(|set| set.replicas > 0).collect();
    if live.len() < 2 {
        return Vec::new();
    }
    let (bar, ready, rev) = match room {
        Room::Ample => ("  |  ", " ready", "rev "),
        Room::Little => (" | ", "", "rev "),
        Room::Least => (" | ", "", ""),
    };
    let spans = live.into_iter().enumerate().flat_map(|(index, set)| {
        let word = if index == 0 { "new" } else { "old" };
        let style = if set.ready < set.replicas { theme.wrong } else { theme.text };
        let revision = set.revision.map_or_else(String::new, |number| format!(" {rev}{number}"));
        [
            Span::styled(format!("{}{word}{revision} ", if index > 0 { bar } else { "" }), theme.dim),
            Span::styled(format!("{}/{}{ready}", set.ready, set.replicas), style),
        ]
    });
    spans.collect()
}

fn rollout_words(view: &View<'_>, workload: &Workload, room: Room) -> Vec<Span<'static>> {
    let style = match workload.rollout.state {
        RolloutState::Failed => view.theme.broken,
        RolloutState::Progressing => view.theme.progress,
        _ => view.theme.dim,
    };
    let words = &workload.rollout.words;
    let words = match room {
        Room::Ample => words.to_string(),
        Room::Least if words.ends_with("exceeded its progress deadline") => "deadline exceeded".to_owned(),
        Room::Little | Room::Least => in_short(words),
    };
    vec![Span::styled(words, style)]
}

/// When the Deployment gives up.
fn deadline(view: &View<'_>, workload: &Workload, room: Room) -> Option<String> {
    let (_, _, last) = workload.progressing.as_ref().filter(|_| workload.rollout.state == RolloutState::Progressing)?;
    let now = view.store.time_of(&workload.key.cluster, view.now);
    let left = crate::time::seconds_between(now, (*last)?) + i64::from(workload.progress_deadline);
    Some(match left {
        1.. => format!("deadline {}{}", filler("in ", room), crate::time::age(left)),
        _ => "past its deadline".to_owned(),
    })
}

/// For how long its pipeline has waited: by a clock of its own, so that it may give up before or after.
fn pipeline(view: &View<'_>, workload: &Workload, room: Room) -> Option<String> {
    let run = deploying(view, workload).filter(|_| workload.rollout.state != RolloutState::Done)?;
    let since = run.started.or(run.created).map(|at| age_of(at, view.store.time_of(&run.key.repo.host, view.now)));
    let since = since.map(|since| format!(" {}{since}", filler("for ", room))).unwrap_or_default();
    Some(format!("pipeline #{} waits{since}", run.number))
}

fn filler(word: &str, room: Room) -> &str {
    if room == Room::Ample { word } else { "" }
}

/// kubectl's words without the name and what every one of them says: `2 of 4 updated`.
fn in_short(words: &str) -> String {
    let told = words.split_once("to finish: ").map_or(words, |(_, told)| told);
    let told = told.rsplit_once("\" ").map_or(told, |(_, told)| told);
    let told = told.trim_end_matches("...").replace(" out of ", " of ").replace(" new replicas", " replicas");
    [" replicas", " pods", " have been", " are"].into_iter().fold(told, |told, filler| told.replace(filler, ""))
}
