//! Screen Audit: what was done with midwatch, newest first, and the selected act step by step.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
    text::{Line, Span},
};

use super::{
    super::{
        Reply, Screen, View,
        filter::Filter,
        list::{Entry, List},
        target::Target,
        widgets::{
            cells::{self, put_line, row},
            virtual_table::{Column, Row, TableHit, TableHits, VirtualTable},
            wrap::wrapped,
        },
    },
    pane, words,
};
use crate::{
    action::{
        Request,
        act::{Act, Outcome, Unseen},
    },
    command::Command,
    query::Query,
    store::Changes,
    text::Clean,
    time::{Now, seconds_between},
};

/// Acts whose words decide how wide the columns are: those that are mostly seen.
const NEWEST: usize = 100;

/// State of the screen.
#[derive(Default)]
pub struct Audit {
    /// By number, the newest first.
    acts: List<std::cmp::Reverse<u64>>,
    /// The detail has the keys: it scrolls.
    in_detail: bool,
    scroll: usize,
    filter: String,
}

impl Audit {
    fn act<'a>(&self, view: &View<'a>) -> Option<&'a Act> {
        view.acts.by_number.get(&self.acts.selected()?.0)
    }

    fn scrolled(&mut self, command: Command) -> bool {
        let page = 8;
        self.scroll = match command {
            Command::Down => self.scroll + 1,
            Command::Up => self.scroll.saturating_sub(1),
            Command::PageDown | Command::HalfDown => self.scroll + page,
            Command::PageUp | Command::HalfUp => self.scroll.saturating_sub(page),
            Command::Top => 0,
            Command::Bottom => usize::MAX,
            _ => return false,
        };
        true
    }

    fn render_list(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let focused = !self.in_detail;
        let title = match self.acts.items().count() {
            0 => "ACTS".to_owned(),
            count => format!("ACTS {count}"),
        };
        let info = if self.filter.is_empty() {
            Line::styled(view.settings.audit_path.to_string(), theme.dim)
        } else {
            Line::raw(format!("filter {}", self.filter))
        };
        let inside = pane::framed(view, title, info, None, focused, area, buf);
        let most = if area.width < 100 { widest(view) } else { [u16::MAX; 5] };
        let column = |title, width: u16, most: u16, priority| Column::new(title, width.min(most), priority);
        let columns = [
            Column::new("", 2, 100),
            Column::new("act", 5, 90).right(),
            column("when", 12, most[0], 95).min(5),
            column("who", 12, most[1], 80).min(5),
            column("what", 34, most[2], 99).min(14).grows(),
            column("where", 26, most[3], 70).min(10),
            column("outcome", 12, most[4], 96).min(7),
        ];
        let empty = match (self.filter.is_empty(), view.settings.read_only.as_ref()) {
            (false, _) => format!("nothing matches '{}'; esc shows all", self.filter),
            (true, Some(why)) => format!("nothing was done; read-only: {why}"),
            (true, None) => "nothing was done with midwatch yet".to_owned(),
        };
        self.acts.height = usize::from(inside.height.saturating_sub(1));
        let (cursor, mut state) = (self.acts.cursor(), self.acts.table);
        let entries = self.acts.entries();
        let hits = VirtualTable::new(theme, &columns, entries.len())
            .cursor(cursor)
            .focused(focused)
            .empty(empty)
            .render(inside, buf, &mut state, |index| match &entries[index] {
                Entry::Item(number) => match view.acts.by_number.get(&number.0) {
                    Some(act) => Row::item(cells(view, act)),
                    None => Row::Wide(Line::styled(format!("act {:04} is gone", number.0), theme.dim)),
                },
                Entry::Group(text) => Row::Wide(Line::styled(text.to_string(), theme.stale)),
            });
        (self.acts.table, self.acts.hits) = (state, hits);
    }

    fn render_detail(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let act = self.act(view);
        let title = act.map_or_else(String::new, |act| format!("ACT {:04}   {}", act.number, act.title));
        let inside = pane::framed(view, title, Line::default(), None, self.in_detail, area, buf);
        let lines = act.map(|act| detail(view, act, inside.width)).unwrap_or_default();
        self.scroll = self.scroll.min(lines.len().saturating_sub(usize::from(inside.height)));
        for (index, line) in lines.iter().skip(self.scroll).enumerate() {
            let Some(spot) = row(inside, index as u16) else { break };
            put_line(buf, spot, line, theme.glyphs.ellipsis);
        }
    }
}

/// What the newest acts need of when, who, what, where and outcome: with little room, none takes more than that from the
/// others.
fn widest(view: &View<'_>) -> [u16; 5] {
    view.acts.newest().take(NEWEST).fold([0; 5], |most, act| {
        let when = words::day_clock(act.started, view.now.wall);
        let texts = [&*when, &*act.actor, &*act.title, &*act.place, act.word()];
        std::array::from_fn(|at| cells::width(texts[at]).max(most[at]))
    })
}

fn cells(view: &View<'_>, act: &Act) -> Vec<Line<'static>> {
    let theme = view.theme;
    let mark = words::outcome_mark(act);
    let what = if act.outcome == Outcome::Done && act.unseen.is_none() { theme.text } else { theme.strong };
    vec![
        Line::from(theme.mark(mark)),
        Line::styled(format!("{:04}", act.number), theme.dim),
        Line::styled(words::day_clock(act.started, view.now.wall), theme.dim),
        Line::styled(act.actor.to_string(), if act.is_mine { theme.text } else { theme.dim }),
        Line::styled(act.title.to_string(), what),
        Line::styled(act.place.to_string(), theme.dim),
        Line::styled(act.word(), theme.mark_style(mark)),
    ]
}

/// All there is to say of an act, in lines of at most `width` cells.
fn detail(view: &View<'_>, act: &Act, width: u16) -> Vec<Line<'static>> {
    let theme = view.theme;
    let field = |name: &str, value: String| {
        Line::from(vec![Span::styled(format!("{name:<9}"), theme.dim), Span::styled(value, theme.text)])
    };
    let second = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %H:%M:%SZ").to_string();
    let lasted = act.ended.map(|ended| crate::time::age(seconds_between(act.started, ended).max(0)));
    // What was refused may have sent nothing; what is watched, or was, has no end that was seen.
    let (begun, took) = match (act.outcome, act.unseen, lasted) {
        (_, Some(Unseen::Watching | Unseen::Unwatched), _) => ("sent", String::new()),
        (Outcome::Refused, _, Some(lasted)) => ("begun", format!(", refused after {lasted}")),
        (Outcome::Refused, ..) => ("begun", String::new()),
        (_, _, Some(lasted)) => ("sent", format!(", took {lasted}")),
        (_, _, None) => ("sent", String::new()),
    };
    let by = if act.is_mine { "" } else { ", by another midwatch or an earlier one" };
    let mut lines = vec![
        field(begun, format!("{}{took}   {}{by}", second(act.started), act.actor)),
        field("where", act.place.to_string()),
    ];
    if let Some(reason) = &act.reason {
        lines.push(field("reason", reason.to_string()));
    }
    if let Request::Silence(draft) = &act.request {
        let all: Vec<String> = draft.matchers.iter().map(ToString::to_string).collect();
        let mut matchers = wrapped(&all.join(" "), width.saturating_sub(9)).into_iter();
        lines.extend(matchers.next().map(|first| field("matchers", first)));
        lines.extend(matchers.map(|more| field("", more)));
    }
    for (number, (what, state)) in act.numbered_steps() {
        let (mark, says) = words::step_words(state);
        let mut line = Line::from(vec![
            theme.mark(mark),
            Span::styled(format!(" {number:>2}  "), theme.dim),
            Span::styled(what.to_string(), theme.text),
        ]);
        if line.width() + 3 + usize::from(cells::width(says)) <= usize::from(width) {
            line.push_span(Span::styled(format!("   {says}"), theme.mark_style(mark)));
            lines.push(line);
            continue;
        }
        lines.push(line);
        let under = wrapped(says, width.saturating_sub(8));
        lines.extend(under.into_iter().map(|text| Line::styled(format!("        {text}"), theme.mark_style(mark))));
    }
    if act.outcome == Outcome::Unknown {
        let says = match view.keymap.shown(Command::UndoAct) {
            Some(key) => format!("It may have happened: {key} reads it again, and says what became of it."),
            None => "It may have happened: look at the object itself before you try again.".to_owned(),
        };
        lines.push(Line::styled(says, theme.stale));
    }
    if act.can_undo {
        let mut hint = Line::default();
        hint.spans.extend(words::key_hint(view, Command::UndoAct, "undo: a plan"));
        lines.push(hint);
    }
    lines
}

impl Screen for Audit {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if !changes.any(Changes::ACTS) {
            return;
        }
        let filter = Filter::parse(&self.filter);
        let keeps = |act: &&Act| {
            let reason = act.reason.as_deref().unwrap_or_default();
            let word = act.word();
            let text = format!("{:04} {} {} {} {word} {reason}", act.number, act.actor, act.title, act.place);
            filter.keeps(&text, |_| None)
        };
        let mut entries: Vec<Entry<_>> = Vec::new();
        if filter.is_all() {
            let left = view.acts.unfinished.iter();
            entries.extend(left.map(|words| Entry::Group(Clean::own(format!("?? left unfinished: {words}")))));
        }
        entries.extend(view.acts.newest().filter(keeps).map(|act| Entry::Item(std::cmp::Reverse(act.number))));
        self.acts.set(entries, view.now);
    }

    fn settle(&mut self, now: Now) -> bool {
        self.acts.settle(now)
    }

    fn selected(&self, view: &View<'_>) -> Option<Target> {
        self.act(view).map(|act| Target::Act(act.number))
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        if self.in_detail {
            if self.scrolled(command) {
                return Reply::Done;
            }
        } else if self.acts.navigate(command, view.now) {
            self.scroll = 0;
            return Reply::Done;
        }
        match command {
            Command::NextPane | Command::PreviousPane => self.in_detail = !self.in_detail,
            Command::Enter if !self.in_detail && self.act(view).is_some() => self.in_detail = true,
            // What it does further in: the act is read again, as with U.
            Command::Enter if let Some(act) = self.act(view).filter(|act| act.outcome == Outcome::Unknown) => {
                return Reply::Ask(Request::Undo { act: act.number });
            }
            Command::Back if self.in_detail => self.in_detail = false,
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        Vec::new()
    }

    fn reveal(&mut self, target: &Target, view: &View<'_>) -> bool {
        let Target::Act(number) = target else { return false };
        if !self.filter.is_empty() {
            self.set_filter("", view);
        }
        self.scroll = 0;
        self.acts.select(&std::cmp::Reverse(*number))
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.filter);
        self.acts.refilter(view.now);
        self.sync(view, Changes::ACTS);
    }

    fn click(&mut self, at: Position, view: &View<'_>) -> Reply {
        match self.acts.hits.at(at) {
            Some(TableHit::Row(row)) if self.acts.select_row(row, view.now) => {
                (self.in_detail, self.scroll) = (false, 0);
                Reply::Done
            }
            _ => Reply::Ignored,
        }
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        let act = self.act(view)?;
        let lines: Vec<String> =
            detail(view, act, u16::MAX).iter().map(|line| line.to_string().trim_end().to_owned()).collect();
        Some(Clean::block(&format!("{}\n{}", act.title, lines.join("\n"))))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        self.acts.hits = TableHits::default();
        if view.zoomed || self.act(view).is_none() {
            return if self.in_detail && self.act(view).is_some() {
                self.render_detail(view, area, buf);
            } else {
                self.render_list(view, area, buf);
            };
        }
        // Border and air on both sides.
        let inner = area.width.saturating_sub(4);
        let wanted = self.act(view).map_or(0, |act| detail(view, act, inner).len() as u16 + 2);
        let below = wanted.clamp(6, (area.height / 2).max(6));
        let [first, second] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
        self.render_list(view, first, buf);
        self.render_detail(view, second, buf);
    }
}

#[cfg(test)]
mod tests;
