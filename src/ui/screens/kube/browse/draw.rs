//! The table of a kind, drawn.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::super::super::{
    super::{
        View,
        kinds::{self, Meaning},
        list::Entry,
        widgets::{
            cells::{line_width, put_centred, put_line, row, width},
            freshness::{Fresh, freshness},
            virtual_table::{Column as Head, Row, Sort, VirtualTable},
            wrap::wrapped,
        },
    },
    pane::{cluster_cell, framed, level_style, mark},
};
use super::{
    Browse,
    rows::{Column, Content, RowKey, Times, is_blank},
};
use crate::{
    model::{
        Level,
        kubernetes::table::{CellKind, UNMEASURED},
    },
    query::{Answer, Query},
    source::{ErrorKind, SourceError},
    store::slot::{Freshness, Slot},
    time::coarse,
};

/// Widest cell at first; what is longer takes what is left over.
const WIDEST: u16 = 44;

/// Of what a row is marked for, on a small screen: `Paused: CanaryPauseStep`.
const WIDEST_JUDGED: u16 = 24;

/// Of an event's object.
const WIDEST_OBJECT: u16 = 32;

/// Of one on a small screen, where the message needs the room.
const WIDEST_OBJECT_NARROW: u16 = 26;

/// When an event was last seen, on a small screen.
const WIDEST_SEEN: u16 = 5;

/// An age is whole: `9m59s`, `2y123d`.
const WHOLE_AGE: u16 = 6;

/// What a title tells.
#[derive(Clone, Copy)]
struct Title {
    has_group: bool,
    has_cluster: bool,
    has_namespace: bool,
    back: &'static str,
}

const BACK: &str = "   esc workloads";
const BACK_SHORT: &str = "   esc back";

/// From all of it to the least.
const TITLES: [Title; 7] = [
    Title { has_group: true, has_cluster: true, has_namespace: true, back: BACK },
    Title { has_group: false, has_cluster: true, has_namespace: true, back: BACK },
    Title { has_group: false, has_cluster: true, has_namespace: true, back: BACK_SHORT },
    Title { has_group: false, has_cluster: true, has_namespace: false, back: BACK_SHORT },
    Title { has_group: false, has_cluster: false, has_namespace: true, back: BACK },
    Title { has_group: false, has_cluster: false, has_namespace: false, back: BACK },
    Title { has_group: false, has_cluster: false, has_namespace: false, back: BACK_SHORT },
];

impl Browse {
    pub fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        self.take_arranged(view.now);
        let filter = if self.filter.is_empty() { String::new() } else { format!("filter {}   ", self.filter) };
        let under_way = if self.is_arranging() { "sorting   " } else { "" };
        let info = Line::styled(format!("{under_way}{filter}sort {}", self.sort_name()), theme.dim);
        // The frame's corners, what stands around a title, and the information beside it.
        let room = area.width.saturating_sub(9 + line_width(&info));
        let inside = framed(view, self.title(view, room), info, self.fresh_line(view), true, area, buf);
        let notes = self.notes(view);
        let table = Rect { height: inside.height.saturating_sub(notes.len().min(2) as u16), ..inside };
        for (index, note) in notes.iter().take(2).enumerate() {
            if let Some(spot) = row(inside, table.height + index as u16) {
                put_line(buf, spot, &Line::styled(format!("   {note}"), theme.stale), theme.glyphs.ellipsis);
            }
        }
        if self.list.entries().is_empty() {
            return self.draw_empty(view, table, buf);
        }
        self.draw_table(view, table, buf);
    }

    /// The kind, and what all its rows have in common. Where there is no room the group goes first, which nobody looks for,
    /// and then whose they are, which the header says; nothing is cut.
    fn title<'a>(&self, view: &View<'a>, room: u16) -> Line<'a> {
        let mut title = Line::default();
        for told in TITLES {
            title = Line::from(self.titled(view, told));
            if line_width(&title) <= room {
                break;
            }
        }
        title
    }

    fn titled<'a>(&self, view: &View<'a>, told: Title) -> Vec<Span<'a>> {
        let theme = view.theme;
        let resource = self.rows.tables.first().map(|table| &table.resource);
        let kind = resource.map_or(&*self.word, |resource| resource.plural.as_str());
        let mut spans = vec![Span::raw(format!("{}{}", kind.to_uppercase(), self.count(view)))];
        if self.not_ok > 0 {
            spans.push(Span::styled(format!("   {} not ok", self.not_ok), theme.wrong));
        }
        // What their rows leave out.
        if self.rows.says_common_above(view)
            && let Some((table, row)) = self.rows.all().next()
        {
            let common = self.rows.columns.iter().filter(|column| column.is_common);
            let said = common.filter_map(|column| match column.content {
                Content::Namespace if told.has_namespace => Some(row.namespace.to_string()),
                Content::Cluster if told.has_cluster => {
                    Some(cluster_cell(view, &self.rows.tables.get(table)?.cluster).to_string())
                }
                _ => None,
            });
            spans.extend(said.map(|said| Span::styled(format!("   {said}"), theme.dim)));
        }
        if let Some(resource) = resource.filter(|resource| told.has_group && !resource.group.is_empty()) {
            spans.push(Span::styled(format!("   {}/{}", resource.group, resource.version), theme.dim));
        }
        spans.push(Span::styled(told.back, theme.dim));
        spans
    }

    /// ` 12 of 40`; of what could not be read ` ??`, which is not none.
    fn count(&self, view: &View<'_>) -> String {
        let shown = self.list.items().count();
        let slots = self.slots(view);
        if shown == 0 && slots.iter().all(|slot| slot.value.is_none()) {
            let has_failed = slots.iter().any(|slot| slot.pulse.failure.is_some());
            let is_unknown = has_failed || kinds::why_none(view, &self.word).is_some();
            return if is_unknown { " ??".to_owned() } else { String::new() };
        }
        let of = if self.filter.is_empty() { String::new() } else { format!(" of {}", self.rows.len()) };
        format!(" {shown}{of}")
    }

    fn slots<'a>(&self, view: &View<'a>) -> Vec<&'a Slot<Answer>> {
        let queries = self.rows.tables.iter().map(|table| Query::Table(table.clone()));
        queries.filter_map(|query| view.store.answers.get(&query)).collect()
    }

    /// Why the rows are not fresh: nothing while all are.
    fn fresh_line(&self, view: &View<'_>) -> Option<Line<'static>> {
        for (table, slot) in self.rows.tables.iter().zip(self.slots(view)) {
            let every = match &slot.value {
                Some(Answer::Table(table)) => table.every,
                _ => continue,
            };
            let why = slot.pulse.failure.as_ref().map_or_else(
                || format!("{} silent", table.cluster),
                |failure| format!("{}: {}", table.cluster, failure.error.says),
            );
            if let Freshness::Stale { age } | Freshness::Down { age: Some(age), .. } =
                slot.pulse.freshness(view.now, every)
            {
                let age = coarse(age);
                let words = freshness(Fresh::Stale { age: &age, why: &why }, view.theme)?.to_string();
                return Some(Line::styled(words, view.theme.stale));
            }
        }
        None
    }

    /// What is left out, and clusters that have not answered.
    fn notes(&self, view: &View<'_>) -> Vec<String> {
        let several = kinds::clusters(view).count() > 1;
        // Alone, why there is nothing stands in the middle.
        let has_rows = !self.list.entries().is_empty();
        let mut notes = Vec::new();
        for cluster in kinds::clusters(view) {
            match kinds::meaning(view, cluster, &self.word) {
                Meaning::Failed(error) if has_rows => notes.push(format!("?? {cluster}: {}", in_short(error))),
                Meaning::Loading if has_rows || several => notes.push(format!("{cluster}: loading what it serves")),
                _ => {}
            }
        }
        notes.extend(self.rows.refusals());
        for table in &self.rows.tables {
            let Some(slot) = view.store.answers.get(&Query::Table(table.clone())) else { continue };
            let place = if several { format!("{}: ", table.cluster) } else { String::new() };
            match (&slot.value, &slot.pulse.failure) {
                (Some(Answer::Table(table)), _) => {
                    notes.extend(table.notes.iter().map(|note| format!("{place}{note}")));
                    if !table.is_complete {
                        notes.push(format!("{place}more is being read"));
                    }
                }
                (_, Some(failure)) if several && has_rows => {
                    notes.push(format!("?? {place}{}", in_short(&failure.error)));
                }
                _ => {}
            }
        }
        notes
    }

    /// An error is never shown as an empty list, and a refusal is said as one.
    fn empty_words(&self, view: &View<'_>) -> String {
        if self.rows.tables.is_empty() {
            return kinds::why_none(view, &self.word).unwrap_or_else(|| "loading what the cluster serves".to_owned());
        }
        let failures: Vec<_> = self.slots(view).iter().filter_map(|slot| slot.pulse.failure.as_ref()).collect();
        let has_all = self.slots(view).iter().filter(|slot| slot.value.is_some()).count() == self.rows.tables.len();
        match failures.first() {
            Some(failure) if failure.error.kind == ErrorKind::Auth => format!("denied: {}", failure.error.says),
            Some(failure) => format!("?? {}", failure.error.says),
            None if !has_all => "loading".to_owned(),
            None if self.is_arranging() => "sorting".to_owned(),
            None if !self.filter.is_empty() => format!("nothing matches '{}'; esc shows all", self.filter),
            None => {
                let table = &self.rows.tables[0];
                let place = match (table.resource.is_namespaced, table.namespaces.as_slice()) {
                    (false, _) | (true, []) => String::new(),
                    (true, [only]) => format!(" in namespace '{only}'"),
                    (true, _) => " in these namespaces".to_owned(),
                };
                format!("no {}{place}", table.resource.plural)
            }
        }
    }

    fn draw_empty(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let words = self.empty_words(view);
        let lines = wrapped(&words, area.width.saturating_sub(6).min(90));
        for (index, line) in lines.into_iter().enumerate() {
            let Some(spot) = row(area, area.height / 3 + index as u16) else { break };
            put_centred(buf, spot, &Line::styled(line, view.theme.dim), view.theme.glyphs.ellipsis);
        }
    }

    fn draw_table(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let shown = self.rows.shown(view);
        let heads: Vec<Head<'_>> = shown.iter().map(|place| self.head(view, *place)).collect();
        let above = self.list.new_above();
        let (cursor, mut state) = (self.list.cursor(), self.list.table);
        let (list, times) = (self.list.entries(), self.rows.times(view));
        let hits = VirtualTable::new(view.theme, &heads, list.len())
            .cursor(cursor)
            .pinned(2)
            .fills()
            .above((above > 0).then(|| format!("{above} new above")))
            .render(area, buf, &mut state, |index| match &list[index] {
                Entry::Item(key) => self.draw_row(view, key, &shown, &times),
                Entry::Group(name) => Row::Group(Line::raw(name.to_string())),
            });
        (self.list.table, self.list.hits) = (state, hits);
        self.list.height = usize::from(area.height.saturating_sub(1));
    }

    fn head(&self, view: &View<'_>, place: Option<usize>) -> Head<'_> {
        let Some((index, column)) = place.and_then(|index| Some((index, self.columns.get(index)?))) else {
            return Head::new("", 2, 100);
        };
        let (are_events, are_pods) = (self.rows.are_events(), self.rows.are_pods());
        let is_object = are_events && column.title == "object";
        let is_short = self.is_seen_in_short(view, column);
        let title = if is_short { "seen" } else { &*column.title };
        // Rather left out than cut to pieces.
        let (priority, least) = match column.content {
            _ if column.is_wide => (20 - (index as u8).min(19), 10),
            _ if column.is_blank => (10, 12),
            // What a row is marked for is what it is looked at for.
            Content::Cell if column.is_judged && !are_events => (98, WIDEST_JUDGED),
            // How a pod is comes before whose it is.
            Content::Cell if are_pods && matches!(&*column.title, "ready" | "status" | "restarts") => {
                (98, if view.is_narrow() { 12 } else { 16 })
            }
            // On a small screen there is no room for both, and whose it is must be known.
            Content::Cluster if are_pods && view.is_narrow() => (98, 9),
            Content::Age if are_pods => (97, WHOLE_AGE),
            Content::Cluster if are_pods => (96, 14),
            Content::Namespace if are_pods => (95, 11),
            // What nobody is woken for.
            Content::Cell if matches!(title, "timezone" | "suspend" | "minpods") => (63, 7),
            Content::Age if self.rows.are_autoscalers() => (62, WHOLE_AGE),
            // On a small screen of what it is comes first, then what it says.
            Content::Cell if is_object && view.is_narrow() => (99, 18),
            Content::Cell if are_events && view.is_narrow() => match title {
                "message" => (97, 11),
                "reason" => (96, if view.size.0 < 80 { 9 } else { 12 }),
                _ => (96, WHOLE_AGE),
            },
            // Of an autoscaler its bounds and how far it is say more than whom it scales, which is called so too.
            Content::Cell if column.title == "reference" && view.is_narrow() => (75, 12),
            // People come for the ports.
            Content::Cell if column.title == "cluster-ip" => (60, 12),
            // Rather whole than beside what pods use: their names differ at their ends.
            Content::Name if are_pods && view.is_narrow() => (99, 22),
            Content::Name => (99, (view.size.0 / 4).max(if are_pods { 24 } else { 26 })),
            Content::Cluster if !are_events => (97, 14),
            // On a small screen what is wrong with it comes first.
            Content::Namespace if !are_events => (if view.is_narrow() { 93 } else { 96 }, 11),
            Content::Cluster => (75, 14),
            Content::Namespace => (72, 11),
            Content::Cell if column.kind.is_usage() => match column.kind {
                CellKind::MemoryShare => (74, 4),
                CellKind::CpuShare => (73, 4),
                CellKind::Memory => (71, 8),
                _ => (70, 8),
            },
            Content::Age => (94, WHOLE_AGE),
            // The message has the room before it.
            Content::Cell if is_object => (80, 16),
            Content::Cell if column.width > WIDEST => (98 - (index as u8).min(30), 20),
            // On a small screen the whole name comes before whole words.
            Content::Cell => (98 - (index as u8).min(30), if view.is_narrow() { 12 } else { 16 }),
        };
        let ideal = column.width.max(width(title).min(12)).min(if is_short { WIDEST_SEEN } else { WIDEST });
        let mut head = Head::new(title, ideal, priority).min(least.min(ideal.max(1)));
        if column.is_number || column.kind.is_usage() || column.content == Content::Age {
            head = head.right();
        }
        if is_object {
            // Pods of one template differ at their ends, and begin with whose they are.
            let widest = if view.is_narrow() { WIDEST_OBJECT_NARROW } else { WIDEST_OBJECT };
            head = Head { ideal: ideal.min(widest), ..head.ends() };
        } else if column.content == Content::Cluster {
            head = head.ends();
        } else if column.width > WIDEST {
            head = head.grows();
        }
        let direction = if self.is_reversed { Sort::Descending } else { Sort::Ascending };
        head.sorted((self.sort == Some(index)).then_some(direction))
    }

    /// On a small screen how often it was seen gives way to what the event says: `4m1s` of `4m1s (x3 over 12m)`.
    fn is_seen_in_short(&self, view: &View<'_>, column: &Column) -> bool {
        self.rows.are_events() && view.is_narrow() && column.title == "last seen"
    }

    fn draw_row(&self, view: &View<'_>, key: &RowKey, shown: &[Option<usize>], times: &Times) -> Row<'static> {
        let theme = view.theme;
        let Some((table, row)) = self.rows.current(key) else {
            return Row::Wide(Line::styled(key.row.name.to_string(), theme.dim));
        };
        let level = self.rows.level(times, table, row);
        let cells = shown.iter().map(|place| {
            let Some((index, column)) = place.and_then(|index| Some((index, self.rows.columns.get(index)?))) else {
                return mark(theme, level);
            };
            let mut text = self.rows.cell(times, table, row, index).into_owned();
            if self.is_seen_in_short(view, column)
                && let Some(end) = text.find(" (")
            {
                text.truncate(end);
            }
            // Else its last bracket is cut off: 12 cells are sure on a small screen.
            if view.is_narrow() && self.rows.are_pods() && column.title == "restarts" && width(&text) > 12 {
                text = text.replace(" ago)", ")");
            }
            let style = match column.content {
                Content::Name if level < Level::Ok => theme.strong,
                Content::Name => theme.text,
                Content::Cluster => return cluster_cell(view, &key.cluster),
                Content::Namespace | Content::Age => theme.dim,
                Content::Cell => match self.rows.level_of(times, table, row, index) {
                    Level::Ok if is_blank(&text) || matches!(&*text, "<unknown>" | UNMEASURED) => theme.dim,
                    level => level_style(theme, level),
                },
            };
            Line::styled(text, style)
        });
        Row::item(cells.collect())
    }
}

/// `jo may not list nodes (403)`, of what the server says of a refusal at length; the rest in its own words.
fn in_short(error: &SourceError) -> String {
    let short = || {
        let (_, said) = error.says.split_once("User \"")?;
        let (user, said) = said.split_once("\" cannot ")?;
        let (verb, said) = said.split_once(" resource \"")?;
        let (what, said) = said.split_once('"')?;
        let space = said.split_once("in the namespace \"").and_then(|(_, space)| space.split('"').next());
        let space = space.map(|space| format!(" in '{space}'")).unwrap_or_default();
        Some(format!("{user} may not {verb} {what}{space} (403)"))
    };
    (error.kind == ErrorKind::Auth).then(short).flatten().unwrap_or_else(|| error.says.to_string())
}
