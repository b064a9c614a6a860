//! `l` on a run: the failed job's log at its first error; `n` and `N` go from error to error.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use super::{
    equivalent,
    evidence::{answer, jobs, no_answer},
    sheet::{Sheet, SheetLine, Writer},
};
use crate::{
    command::Command,
    model::code::{Job, JobKey, JobLog, RunKey},
    query::{Answer, Query},
    store::Changes,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{dialog::dialog, frame::Frame},
    },
};

/// The log of one of a run's jobs.
pub struct JobLogPage {
    run: RunKey,
    /// The job that is shown, once it is known which.
    job: Option<JobKey>,
    jobs: Vec<Job>,
    sheet: Sheet,
    errors: Vec<usize>,
    /// What the sheet holds: the job, and how many lines.
    loaded: Option<(JobKey, usize)>,
}

impl JobLogPage {
    pub fn new(run: RunKey, job: Option<JobKey>) -> Self {
        Self { run, job, jobs: Vec::new(), sheet: Sheet::default(), errors: Vec::new(), loaded: None }
    }

    fn fill(&mut self, view: &View<'_>) {
        let found = answer(view, &Query::Jobs(self.run.clone()));
        if let Ok(Answer::Jobs(list)) = &found {
            self.jobs.clone_from(list);
        }
        if self.job.is_none() {
            let failed = self.jobs.iter().find(|job| job.state.is_bad());
            let going = || self.jobs.iter().find(|job| !job.state.is_finished());
            self.job = failed.or_else(going).or(self.jobs.first()).map(|job| job.key.clone());
        }
        let mut writer = Writer::new(view.theme);
        let Some(key) = self.job.clone() else {
            match found {
                Ok(_) => {
                    writer.styled("this run has no jobs yet", view.theme.dim);
                }
                Err(error) => no_answer(&mut writer, error),
            }
            return self.sheet.set(writer.done());
        };
        if let Some(job) = self.jobs.iter().find(|job| job.key == key)
            && !job.state.is_finished()
        {
            writer.styled("its log can be read when the job has ended; until then, its steps:", view.theme.dim);
            writer.gap();
            jobs(&mut writer, view, std::slice::from_ref(job), true);
            self.loaded = None;
            return self.sheet.set(writer.done());
        }
        match answer(view, &Query::JobLog(key.clone())) {
            Ok(Answer::JobLog(log)) => {
                let now = Some((key, log.lines.len()));
                if self.loaded != now {
                    self.loaded = now;
                    self.load(view, log);
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.loaded = None;
                no_answer(&mut writer, error);
                self.sheet.set(writer.done());
            }
        }
    }

    fn load(&mut self, view: &View<'_>, log: &JobLog) {
        let theme = view.theme;
        let mut lines = Vec::with_capacity(log.lines.len() + 1);
        if log.dropped_bytes > 0 {
            let words = format!("{} bytes before this are left out: too long", log.dropped_bytes);
            lines.push(SheetLine { body: Line::styled(words, theme.dim), ..SheetLine::default() });
        }
        let shift = lines.len();
        self.errors = log.errors.iter().map(|line| line + shift).collect();
        let mut errors = log.errors.iter().peekable();
        for (index, text) in log.lines.iter().enumerate() {
            while errors.next_if(|error| **error < index).is_some() {}
            let is_error = errors.peek().is_some_and(|error| **error == index);
            let style = if is_error {
                theme.broken
            } else if text.starts_with("##[group]") || text.starts_with("##[section]") {
                theme.strong
            } else if text.starts_with("##[warning]") {
                theme.wrong
            } else if text.starts_with("##[") {
                theme.dim
            } else {
                theme.text
            };
            lines.push(SheetLine {
                head: Line::styled(format!("{:>6}", index + 1), theme.dim),
                body: Line::styled(text.to_string(), style),
                ..SheetLine::default()
            });
        }
        let last = lines.len().saturating_sub(1);
        self.sheet.set(lines);
        self.sheet.rewind();
        self.sheet.go(self.errors.first().copied().unwrap_or(last));
    }

    fn jump_to_error(&mut self, forward: bool) -> Reply {
        let at = self.sheet.cursor();
        let next = if forward {
            self.errors.iter().find(|line| **line > at)
        } else {
            self.errors.iter().rev().find(|line| **line < at)
        };
        match next.or(if forward { self.errors.first() } else { self.errors.last() }) {
            Some(line) => {
                self.sheet.go(*line);
                Reply::Done
            }
            None => Reply::Say("no line of this log is marked as an error".into()),
        }
    }

    fn other_job(&mut self, by: isize, view: &View<'_>) {
        let count = self.jobs.len() as isize;
        if count == 0 {
            return;
        }
        let at = self.jobs.iter().position(|job| Some(&job.key) == self.job.as_ref()).unwrap_or(0) as isize;
        self.job = Some(self.jobs[((at + by + count) % count) as usize].key.clone());
        (self.loaded, self.errors) = (None, Vec::new());
        self.sheet.rewind();
        self.fill(view);
    }

    fn title(&self, view: &View<'_>) -> String {
        let run = view.store.runs.get(&self.run);
        let run = run.map_or_else(|| format!("run {}", self.run.id), |run| format!("{} #{}", run.workflow, run.number));
        match self.jobs.iter().find(|job| Some(&job.key) == self.job.as_ref()) {
            Some(job) => format!("LOG {run} / {}   {}", job.name, job.state),
            None => format!("LOG {run}"),
        }
    }
}

impl Overlay for JobLogPage {
    fn line(&self, view: &View<'_>) -> Option<String> {
        let target = match &self.job {
            Some(job) => Target::Job(job.clone()),
            None => Target::Run(self.run.clone()),
        };
        equivalent::line(Command::Logs, &target, view)
    }

    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        match command {
            Command::NextMatch if !self.sheet.is_finding() => return self.jump_to_error(true),
            Command::PreviousMatch if !self.sheet.is_finding() => return self.jump_to_error(false),
            Command::NextPane => self.other_job(1, view),
            Command::PreviousPane => self.other_job(-1, view),
            // `w` is the wrapping of every log viewer; on a run elsewhere it is "tell me".
            Command::Wrap | Command::Watch => self.sheet.wrap = !self.sheet.wrap,
            Command::Save => {
                let name = format!("{}-{}.log", self.run.id, self.job.as_ref().map_or(0, |job| job.id));
                let content = crate::app::Saved::Text(self.sheet.all_text());
                return Reply::Do(crate::app::Effect::Save { name, content });
            }
            Command::Logs => return Reply::Close,
            Command::Enter => {}
            command if self.sheet.run(command) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::ANSWERS) {
            self.fill(view);
        }
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        let mut wanted = vec![Query::Jobs(self.run.clone())];
        let is_going = |key: &JobKey| self.jobs.iter().any(|job| job.key == *key && !job.state.is_finished());
        wanted.extend(self.job.iter().filter(|key| !is_going(key)).cloned().map(Query::JobLog));
        wanted
    }

    fn selected(&self) -> Option<Target> {
        Some(Target::Run(self.run.clone()))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let at =
            self.errors.iter().position(|line| *line >= self.sheet.cursor()).map_or(self.errors.len(), |at| at + 1);
        let info = match self.errors.len() {
            0 => format!("line {} of {}", self.sheet.cursor() + 1, self.sheet.len()),
            count => format!("error {at} of {count}   line {} of {}", self.sheet.cursor() + 1, self.sheet.len()),
        };
        let foot = if self.jobs.len() > 1 { "n N error   tab other job   w wrap" } else { "n N error   w wrap" };
        let frame = Frame::new(view.theme, self.title(view)).info(info).foot(foot);
        let inside = dialog(frame, area, area.width, area.height, buf);
        self.sheet.render(view, inside, buf)
    }
}
