//! Screen Logs: the open log tails, one shown; followed, filtered, searched, saved.

mod align;
mod around;
mod beside;
mod containers;
mod find;
mod head;
mod index;
mod lines;
mod panes;
mod record;
mod rows;
mod sieve;
mod span;
mod tail;
#[cfg(test)]
mod tests;
mod versions;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::super::{Reply, Screen, View, overlays, target::Target, widgets::log_view::LogHits};
use crate::{
    app::{Effect, Saved},
    command::Command,
    query::{Containers, LogQuery, LogTarget, ObjectRef, Query},
    secret::mask,
    store::Changes,
    text::Clean,
    time::Now,
};

pub(super) use self::sieve::needle;
pub use self::span::{ago, opened};
use self::{
    beside::Beside,
    tail::{Tail, line_at},
    versions::Versions,
};

/// Logs that stay open; the one shown longest ago makes room.
const MOST: usize = 8;

/// What the filter line changes: `/` looks for a text, `&` shows only the lines with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Typing {
    #[default]
    Find,
    Filter,
}

fn is_same_but_containers(one: &LogQuery, other: &LogQuery) -> bool {
    LogQuery { containers: other.containers.clone(), ..one.clone() } == *other
}

/// State of the screen.
#[derive(Debug, Default)]
pub struct Logs {
    tails: Vec<Tail>,
    current: usize,
    typing: Typing,
    /// `&` was pressed: the filter line that opens now is its.
    is_opening_filter: bool,
    hits: LogHits,
    /// Position of the first row drawn.
    first_shown: usize,
    /// Where the line between two columns was drawn.
    divider: Option<u16>,
}

impl Logs {
    /// Opens a log and shows it; one that is open is shown again, at its newest line.
    pub fn open(&mut self, query: LogQuery) {
        if let Some(at) = self.tails.iter().position(|tail| tail.query == query) {
            self.tails[at].go_to_newest();
            self.current = at;
        } else if self.tail().is_some_and(|tail| is_same_but_containers(&tail.query, &query)) {
            self.replace(query);
        } else {
            if self.tails.len() >= MOST {
                self.tails.remove(usize::from(self.current == 0));
            }
            self.tails.push(Tail::new(query));
            self.current = self.tails.len() - 1;
        }
    }

    /// The logs that are read, shown or not.
    pub fn open_logs(&self) -> impl Iterator<Item = &LogQuery> {
        self.tails.iter().map(|tail| &tail.query)
    }

    /// The log shown is read anew, otherwise; how it is shown stays.
    fn replace(&mut self, query: LogQuery) {
        let Some(tail) = self.tails.get_mut(self.current) else { return };
        let mut fresh = Tail::new(query);
        (fresh.sieve, fresh.wrap, fresh.timestamps) = (tail.sieve.clone(), tail.wrap, tail.timestamps);
        fresh.beside = tail.beside.as_ref().map(|_| Beside::default());
        (fresh.find, fresh.needle) = (std::mem::take(&mut tail.find), tail.needle.take());
        let twin = self.tails.iter().position(|tail| tail.query == fresh.query);
        self.tails[self.current] = fresh;
        if let Some(twin) = twin.filter(|twin| *twin != self.current) {
            self.tails.remove(twin);
            self.current -= usize::from(twin < self.current);
        }
    }

    /// Closes the log shown: its tail stops. False: there was none, or no other is left to show.
    fn close(&mut self) -> bool {
        if self.current >= self.tails.len() {
            return false;
        }
        self.tails.remove(self.current);
        self.current = self.current.min(self.tails.len().saturating_sub(1));
        !self.tails.is_empty()
    }

    fn switch(&mut self, forward: bool, view: &View<'_>) {
        let len = self.tails.len().max(1);
        self.current = (self.current + if forward { 1 } else { len - 1 }) % len;
        if let Some(tail) = self.tails.get_mut(self.current) {
            tail.sync(view);
        }
    }

    fn tail(&self) -> Option<&Tail> {
        self.tails.get(self.current)
    }

    fn tail_mut(&mut self) -> Option<&mut Tail> {
        self.tails.get_mut(self.current)
    }

    fn previous(&self, view: &View<'_>) -> Option<Reply> {
        let tail = self.tail()?;
        let (pod, container) = match (tail.line(view), &tail.query.target) {
            (Some(line), _) => (line.origin.pod.clone(), Some(line.origin.container.clone())),
            (None, LogTarget::Pod(pod)) => (pod.clone(), tail.query.containers.named.clone()),
            _ => return None,
        };
        Some(Reply::OpenLog(LogQuery {
            containers: container.filter(|name| !name.is_empty()).map(Containers::named).unwrap_or_default(),
            previous: true,
            tail: Some(2_000),
            follow: false,
            ..LogQuery::of(ObjectRef::Pod(pod))
        }))
    }

    /// The log shown as a command line, filters and all; `None`: no program shows the same.
    pub fn line(&self, view: &View<'_>) -> Option<String> {
        let tail = self.tail()?;
        let offered = tail.buffer(view).map(|buffer| buffer.containers.as_slice()).unwrap_or_default();
        overlays::log(&tail.query, offered, &tail.sieve.flags()?, view.settings)
    }

    fn save(&self, view: &View<'_>) -> Reply {
        let Some(tail) = self.tail().filter(|tail| tail.index.len() > 0) else {
            return Reply::Say("there is no line to save".into());
        };
        let time = view.now.wall.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H%M%S").to_string();
        let name = format!("{}-{time}.log", tail.query.target.name());
        Reply::Do(Effect::Save { name, content: Saved::Log(tail.shown(view)) })
    }

    /// The line under the cursor with its head and the lines that continue it, in full. Other pods' lines may stand
    /// between them: those that came late.
    fn expand(&self, view: &View<'_>) -> Option<Reply> {
        let tail = self.tail()?;
        let buffer = tail.buffer(view)?;
        let at = tail.line_of(tail.position()?)?;
        let origin = &line_at(buffer, at)?.origin;
        let is_head = |at: &u64| line_at(buffer, *at).is_some_and(|line| line.origin == *origin && !line.continues);
        // Its head may be kept no more.
        let head = (buffer.first_line..=at).rev().find(is_head).unwrap_or(at);
        let own = (head + 1..).map_while(|next| line_at(buffer, next)).filter(|line| line.origin == *origin);
        let mut lines = vec![line_at(buffer, head)?];
        lines.extend(own.take_while(|line| line.continues));
        Some(Reply::Push(Box::new(record::Record::new(&lines, view)?)))
    }

    fn back(&mut self, view: &View<'_>) -> Reply {
        let Some(tail) = self.tails.get_mut(self.current).filter(|_| !view.zoomed) else { return Reply::Ignored };
        if tail.versions.as_ref().is_some_and(|versions| versions.is_focused) {
            tail.versions = None;
        } else if !tail.find.is_empty() {
            tail.set_find("", view);
        } else if tail.sieve.message.take().is_some() {
            tail.resift(view);
        } else if !tail.sieve.text().is_empty() {
            tail.sieve.set_text("");
            tail.resift(view);
        } else {
            return Reply::Ignored;
        }
        Reply::Done
    }
}

impl Screen for Logs {
    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::LOGS)
            && let Some(tail) = self.tails.get_mut(self.current)
        {
            tail.sync(view);
        }
    }

    fn selected(&self, view: &View<'_>) -> Option<Target> {
        let tail = self.tail()?;
        Some(match (tail.line(view), &tail.query.target) {
            (Some(line), _) => Target::Pod(line.origin.pod.clone()),
            (None, LogTarget::Pod(pod)) => Target::Pod(pod.clone()),
            (None, LogTarget::Workload(workload)) => Target::Workload(workload.clone()),
            (None, LogTarget::Object(object)) => Target::Object(object.clone()),
            (None, LogTarget::Labels(_)) => return None,
        })
    }

    fn moment(&self, view: &View<'_>) -> Option<jiff::Timestamp> {
        Some(self.tail()?.line(view)?.at)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        let is_opening_filter = std::mem::take(&mut self.is_opening_filter);
        if let Some(reply) = self.run_panes(command, view) {
            return reply;
        }
        if let (Command::Top | Command::Save, Some(tail)) = (command, self.tails.get_mut(self.current)) {
            tail.finish_sifting(view);
        }
        if self.tails.get_mut(self.current).is_some_and(|tail| tail.navigate(command)) {
            return Reply::Done;
        }
        match command {
            Command::NextPane | Command::PreviousPane => self.switch(command == Command::NextPane, view),
            Command::Leave if self.close() => return Reply::Say("closed; its tail stopped".into()),
            Command::Back => return self.back(view),
            Command::Filter => {
                self.typing = if is_opening_filter { Typing::Filter } else { Typing::Find };
                let Some(tail) = self.tail_mut() else { return Reply::Say("no log is open".into()) };
                tail.begin_find();
                return Reply::Ignored;
            }
            Command::LogFilter => {
                self.is_opening_filter = true;
                return Reply::Run(Command::Filter);
            }
            Command::CompareVersions => return self.toggle_versions(view),
            Command::SideBySide => return self.toggle_beside(view),
            Command::Since => return self.next_start(),
            Command::Containers => {
                return match self.tail() {
                    Some(tail) => Reply::Push(containers::choice(tail.query.clone())),
                    None => Reply::Say("no log is open".into()),
                };
            }
            Command::Save => return self.save(view),
            Command::Enter => return self.expand(view).unwrap_or(Reply::Done),
            Command::PreviousLogs => return self.previous(view).unwrap_or(Reply::Ignored),
            _ => {
                let Some(tail) = self.tails.get_mut(self.current) else { return Reply::Ignored };
                match command {
                    Command::Follow => tail.toggle_follow(),
                    Command::Wrap => tail.wrap = !tail.wrap,
                    Command::Timestamps => tail.timestamps = !tail.timestamps,
                    Command::LogLevel => tail.next_level(view),
                    Command::FoldRepeats => {
                        tail.sieve.is_unfolded = !tail.sieve.is_unfolded;
                        tail.resift(view);
                    }
                    Command::NextMatch | Command::PreviousMatch => {
                        let says = tail.find_next(command == Command::NextMatch, view);
                        return says.map_or(Reply::Done, |says| Reply::Say(says.into()));
                    }
                    _ => return Reply::Ignored,
                }
            }
        }
        Reply::Done
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        self.open_logs().cloned().map(Query::Logs).collect()
    }

    fn reveal(&mut self, target: &Target, _view: &View<'_>) -> bool {
        let is_meant = |query: &LogQuery| match (&query.target, target) {
            (LogTarget::Pod(pod), Target::Pod(key)) => pod == key,
            (LogTarget::Workload(workload), Target::Workload(key)) => workload == key,
            (LogTarget::Object(object), Target::Object(key)) => object == key,
            _ => false,
        };
        let Some(at) = self.tails.iter().position(|tail| is_meant(&tail.query)) else { return false };
        self.current = at;
        true
    }

    fn face(&self) -> String {
        let panes = self.tail().map(|tail| (tail.beside.is_some(), tail.versions.is_some()));
        format!("{} {panes:?}", self.current)
    }

    fn filter(&self) -> String {
        let Some(tail) = self.tail() else { return String::new() };
        match self.typing {
            Typing::Find => tail.find.clone(),
            Typing::Filter => tail.sieve.text().to_owned(),
        }
    }

    fn filter_words(&self) -> (&'static str, &'static str) {
        match self.typing {
            Typing::Find => ("/", "text to find"),
            Typing::Filter => ("&", "words  !not  /regex/  level>=warn  pod=x  ver=x  status=500"),
        }
    }

    fn set_filter(&mut self, text: &str, view: &View<'_>) {
        let Some(tail) = self.tails.get_mut(self.current) else { return };
        match self.typing {
            Typing::Find => tail.set_find(text, view),
            Typing::Filter => {
                tail.sieve.set_text(text);
                tail.resift(view);
            }
        }
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        // The areas run from the top, whatever end the lines were taken from.
        let Some(index) = self.hits.lines.iter().position(|(area, _)| area.contains(at)) else { return Reply::Ignored };
        let position = self.first_shown + index;
        if let Some(tail) = self.tails.get_mut(self.current) {
            tail.go(position);
            if let Some(divider) = self.divider {
                tail.focus(usize::from(at.x > divider));
            }
        }
        Reply::Done
    }

    fn copied(&self, view: &View<'_>) -> Option<Clean> {
        let tail = self.tail()?;
        let picked = tail.versions.as_ref().filter(|versions| versions.is_focused).and_then(Versions::picked);
        Some(Clean::own(match picked {
            Some(message) => mask(&message.text),
            None => mask(&tail.line(view)?.text),
        }))
    }

    fn settle(&mut self, _now: Now) -> bool {
        false
    }

    fn is_arranging(&self) -> bool {
        self.tail().is_some_and(|tail| tail.index.is_sifting())
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        if let Some(tail) = self.tails.get_mut(self.current) {
            tail.go_on_sifting(view);
        }
        let tail = self.tails.get(self.current);
        let rows = tail.and_then(|tail| tail.versions.as_ref()).map(|versions| versions.height(view, area));
        let rows = rows.unwrap_or(0).min(area.height);
        let above = Rect { height: area.height - rows, ..area };
        let below = Rect { y: area.y + above.height, height: rows, ..area };
        if above.height > 0 {
            lines::render(self, view, above, buf);
        }
        if let Some(tail) = self.tails.get_mut(self.current)
            && let Some(versions) = &mut tail.versions
        {
            versions.render(view, below, buf);
        }
    }
}
