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
            cells::{line_width, put_centred, put_line, row},
            freshness::{Fresh, freshness},
            virtual_table::{Column as Head, Row, VirtualTable},
            wrap::wrapped,
        },
    },
    pane::{cluster_cell, framed, level_style, mark},
};
use super::{
    Browse,
    rows::{Content, RowKey, Times, is_blank},
};
use crate::{
    model::{Level, kubernetes::table::UNMEASURED},
    query::{Answer, Query},
    source::{ErrorKind, SourceError},
    store::slot::{Freshness, Slot},
    time::coarse,
};

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
            // Else its last bracket is cut off.
            if view.is_narrow() && self.rows.are_pods() && column.title == "restarts" {
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
