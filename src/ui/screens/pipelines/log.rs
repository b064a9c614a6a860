//! The log of a job, at its first error.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};
use regex::Regex;

use crate::{
    command::Command,
    model::code::{Job, JobKey, JobLog},
    query::{Answer, Query},
    secret::mask,
    text::Clean,
    ui::{
        View,
        screens::answer::{answer, framed_answer, missing_words},
        widgets::{
            cells::{put_centred, row},
            frame::{Scroll, scrollbar},
            log_view::{Anchor, LogLine, LogView},
        },
    },
};

/// Lines shown above an error: what led to it.
const LEAD: usize = 4;

/// Where one reads in the log of a job.
#[derive(Debug, Default)]
pub(super) struct LogPane {
    /// The job whose log this is about.
    pub job: Option<JobKey>,
    top: usize,
    /// The line `n` went to.
    at: Option<usize>,
    /// Its first error was shown once.
    is_placed: bool,
    x: u16,
    pub find: String,
    needle: Option<Regex>,
    height: usize,
}

impl LogPane {
    /// Another job: from its first error.
    pub(super) fn show(&mut self, job: Option<JobKey>) {
        if self.job != job {
            *self = Self { job, height: self.height, ..Self::default() };
        }
    }

    pub(super) fn log<'a>(&self, view: &View<'a>) -> Option<&'a JobLog> {
        match answer(view, &Query::JobLog(self.job.clone()?))? {
            Answer::JobLog(log) => Some(log),
            _ => None,
        }
    }

    /// Once the log is there: to its first error, else to its end.
    pub(super) fn place(&mut self, view: &View<'_>) {
        let Some(log) = self.log(view).filter(|_| !self.is_placed) else { return };
        self.is_placed = true;
        match log.errors.first() {
            Some(error) => self.go(*error),
            None => self.top = log.lines.len().saturating_sub(self.height.max(1)),
        }
    }

    fn go(&mut self, line: usize) {
        self.at = Some(line);
        self.top = line.saturating_sub(LEAD);
    }

    pub(super) fn set_find(&mut self, text: &str, view: &View<'_>) {
        text.clone_into(&mut self.find);
        self.needle = super::super::logs::needle(text);
        if self.needle.is_some() {
            let from = self.at.unwrap_or(self.top).wrapping_sub(1);
            self.at = Some(from);
            self.step(true, view);
        }
    }

    /// `n`, `N`: the next hit of the find, else the next error. False: there is none.
    pub(super) fn step(&mut self, forward: bool, view: &View<'_>) -> bool {
        let Some(log) = self.log(view).filter(|log| !log.lines.is_empty()) else { return false };
        let at = self.at.unwrap_or(self.top);
        let next = match &self.needle {
            Some(needle) => {
                let len = log.lines.len();
                let step = |by: usize| if forward { at.wrapping_add(by) % len } else { (at.min(len) + len - by) % len };
                (1..=len).map(step).find(|line| needle.is_match(&log.lines[*line]))
            }
            None if forward => log.errors.iter().find(|error| **error > at).or(log.errors.first()).copied(),
            None => log.errors.iter().rev().find(|error| **error < at).or(log.errors.last()).copied(),
        };
        next.inspect(|line| self.go(*line)).is_some()
    }

    pub(super) fn navigate(&mut self, command: Command, view: &View<'_>) -> bool {
        let len = self.log(view).map_or(0, |log| log.lines.len());
        let last = len.saturating_sub(self.height.max(1));
        let page = self.height.max(2) - 1;
        self.top = match command {
            Command::Down => self.top + 1,
            Command::Up => self.top.saturating_sub(1),
            Command::PageDown => self.top + page,
            Command::PageUp => self.top.saturating_sub(page),
            Command::HalfDown => self.top + page / 2 + 1,
            Command::HalfUp => self.top.saturating_sub(page / 2 + 1),
            Command::Top => 0,
            Command::Bottom => last,
            Command::Right => {
                self.x = self.x.saturating_add(16);
                return true;
            }
            Command::Left => {
                self.x = self.x.saturating_sub(16);
                return true;
            }
            _ => return false,
        }
        .min(last);
        true
    }

    /// The line that `n` went to, or the first one shown.
    pub(super) fn copied(&self, view: &View<'_>) -> Option<Clean> {
        let log = self.log(view)?;
        Some(Clean::own(mask(log.lines.get(self.at.unwrap_or(self.top))?)))
    }

    pub(super) fn render(&mut self, job: Option<&Job>, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
        let theme = view.theme;
        let title = job.map_or_else(|| "LOG".to_owned(), |job| format!("LOG {}", job.name));
        let query = self.job.clone().map(Query::JobLog);
        let log = self.log(view);
        let info = log.map(|log| self.info(log)).unwrap_or_default();
        let inside = framed_answer(view, title, Line::styled(info, theme.dim), None, focused, area, buf);
        self.height = usize::from(inside.height);
        self.place(view);
        let Some(log) = log.filter(|log| !log.lines.is_empty()) else {
            let words = match (job, &query) {
                (Some(job), _) if !job.state.is_finished() => {
                    format!("{}: its log can be read when it has ended", job.state)
                }
                (_, Some(query)) if log.is_none() => missing_words(view, query),
                (Some(_), Some(_)) => "the job logged nothing".to_owned(),
                _ => String::new(),
            };
            let spot = row(inside, inside.height / 3).unwrap_or_default();
            return put_centred(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        };
        let top = self.top.min(log.lines.len() - 1);
        let lines = (top..log.lines.len()).map(|at| self.line(log, at, view));
        let current = self.at.and_then(|at| at.checked_sub(top));
        LogView::new(theme, Anchor::Top)
            .x(self.x)
            .cursor(current)
            .current_find(current.map(|at| (at, 0)))
            .render(inside, buf, lines);
        scrollbar(area, Scroll { len: log.lines.len(), offset: top, visible: self.height }, theme, buf);
    }

    fn info(&self, log: &JobLog) -> String {
        let at = self.at.and_then(|at| log.errors.iter().position(|error| *error == at));
        let errors = match (log.errors.len(), at) {
            (0, _) => "no error line".to_owned(),
            (all, Some(at)) => format!("error {} of {all}", at + 1),
            (1, None) => "1 error".to_owned(),
            (all, None) => format!("{all} errors"),
        };
        let find = if self.find.is_empty() { String::new() } else { format!("find: {}   ", self.find) };
        let dropped = match log.dropped_bytes {
            0 => String::new(),
            bytes => format!("   first {} KiB left out", bytes / 1024),
        };
        format!("{find}{errors}{dropped}")
    }

    fn line(&self, log: &JobLog, at: usize, view: &View<'_>) -> LogLine<'static> {
        let theme = view.theme;
        let text = mask(&log.lines[at]);
        let style = if log.errors.binary_search(&at).is_ok() {
            theme.broken
        } else if text.contains("##[group]") || text.contains("##[endgroup]") {
            theme.dim
        } else if text.contains("##[warning]") {
            theme.wrong
        } else {
            theme.text
        };
        let finds = self.needle.as_ref().map(|needle| needle.find_iter(&text).map(|hit| hit.range()).collect());
        LogLine { body: Line::styled(text, style), finds: finds.unwrap_or_default(), ..LogLine::default() }
    }
}
