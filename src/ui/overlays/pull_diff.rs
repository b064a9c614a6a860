//! `d` on a pull request: all changed files as one difference, `n` and `N` from file to file.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{
    equivalent,
    evidence::{answer, no_answer},
    sheet::{Sheet, Writer, diff_lines},
};
use crate::{
    command::Command,
    model::code::PullRequestKey,
    query::{Answer, Query},
    store::Changes,
    text::truncate,
    ui::{
        Overlay, Reply, View,
        target::Target,
        theme::Theme,
        widgets::{
            cells::{put_line, put_text, row},
            dialog::dialog,
            diff_view::parse_unified,
            frame::Frame,
        },
    },
};

/// Width of the list of files.
const FILES: u16 = 34;

struct File {
    path: String,
    mark: char,
    additions: u32,
    deletions: u32,
    /// Its first line in the sheet.
    line: usize,
}

/// The difference of a pull request.
pub struct PullDiff {
    key: PullRequestKey,
    files: Vec<File>,
    sheet: Sheet,
    head: String,
}

impl PullDiff {
    pub fn new(key: PullRequestKey) -> Self {
        Self { key, files: Vec::new(), sheet: Sheet::default(), head: String::new() }
    }

    fn fill(&mut self, view: &View<'_>) {
        let theme = view.theme;
        let mut writer = Writer::new(theme);
        match answer(view, &Query::PullRequest(self.key.clone())) {
            Ok(Answer::PullRequest(detail)) => {
                self.head = detail.head_sha.chars().take(10).collect();
                self.files.clear();
                for file in &detail.files {
                    if !writer.lines.is_empty() {
                        writer.gap();
                    }
                    self.files.push(File {
                        path: file.path.to_string(),
                        mark: file.mark,
                        additions: file.additions,
                        deletions: file.deletions,
                        line: writer.lines.len(),
                    });
                    writer.body(Line::from(vec![
                        Span::styled(format!("{} {}", file.mark, file.path), theme.strong.patch(theme.accent)),
                        Span::styled(format!("   +{} -{}", file.additions, file.deletions), theme.dim),
                    ]));
                    match &file.patch {
                        Some(patch) => writer.lines.extend(diff_lines(theme, &parse_unified(patch))),
                        None => {
                            writer.styled("no text to compare: a binary or too large file, or only renamed", theme.dim);
                        }
                    }
                }
                if detail.files.is_empty() {
                    writer.styled("no file differs", theme.dim);
                }
                if detail.files_truncated {
                    writer
                        .gap()
                        .styled("there are more files than the server lists: see the rest in the browser", theme.wrong);
                }
            }
            Ok(_) => {}
            Err(error) => no_answer(&mut writer, error),
        }
        self.sheet.set(writer.done());
    }

    /// The file the cursor is in.
    fn current(&self) -> usize {
        self.files.partition_point(|file| file.line <= self.sheet.cursor()).saturating_sub(1)
    }

    fn jump_to_file(&mut self, by: isize) {
        let last = self.files.len().saturating_sub(1);
        let at = self.current();
        // Back first goes to the beginning of this file.
        let is_inside = self.files.get(at).is_some_and(|file| self.sheet.cursor() > file.line);
        let to = if by < 0 && is_inside { at } else { at.saturating_add_signed(by).min(last) };
        if let Some(file) = self.files.get(to) {
            self.sheet.go_to_top(file.line);
        }
    }

    fn list(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let current = self.current();
        let top = current.saturating_sub(usize::from(area.height / 2));
        for (index, file) in self.files.iter().enumerate().skip(top) {
            let Some(spot) = row(area, (index - top) as u16) else { break };
            let size = format!(" +{} -{}", file.additions, file.deletions);
            let room = usize::from(spot.width).saturating_sub(size.len() + 2);
            // The end of a path says more than its beginning.
            let path = if file.path.chars().count() > room {
                let skip = file.path.chars().count() + 1 - room.max(1);
                format!("{}{}", theme.glyphs.ellipsis, file.path.chars().skip(skip).collect::<String>())
            } else {
                file.path.clone()
            };
            let path = truncate(&path, room, "");
            let line = Line::from(vec![
                Span::styled(format!("{} ", file.mark), theme.dim),
                Span::styled(format!("{path:room$}"), theme.text),
                Span::styled(size, theme.dim),
            ]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            if index == current {
                buf.set_style(spot, theme.selection_quiet);
            }
        }
    }
}

impl Overlay for PullDiff {
    fn line(&self, view: &View<'_>) -> Option<String> {
        equivalent::line(Command::DiffPr, &Target::PullRequest(self.key.clone()), view)
    }

    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, _view: &View<'_>) -> Reply {
        match command {
            Command::NextMatch if !self.sheet.is_finding() => self.jump_to_file(1),
            Command::PreviousMatch if !self.sheet.is_finding() => self.jump_to_file(-1),
            Command::NextPane => self.jump_to_file(1),
            Command::PreviousPane => self.jump_to_file(-1),
            Command::DiffPr => return Reply::Close,
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
        vec![Query::PullRequest(self.key.clone())]
    }

    fn selected(&self) -> Option<Target> {
        Some(Target::PullRequest(self.key.clone()))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let pr = view.store.pull_requests.get(&self.key);
        let title = pr.map_or_else(
            || format!("DIFF #{}", self.key.number),
            |pr| format!("DIFF #{} {}", self.key.number, pr.title),
        );
        let info = format!("{} at {}", self.key.repo.name, self.head);
        let foot = match self.files.len() {
            0 => String::new(),
            count => format!("file {} of {count}   n N next, previous", self.current() + 1),
        };
        let inside = dialog(Frame::new(theme, title).info(info).foot(foot), area, area.width, area.height, buf);
        if view.is_narrow() || inside.width < FILES * 3 || self.files.len() < 2 {
            return self.sheet.render(view, inside, buf);
        }
        self.list(theme, Rect { width: FILES, ..inside }, buf);
        for y in 0..inside.height {
            if let Some(spot) = row(Rect { x: inside.x + FILES + 1, width: 1, ..inside }, y) {
                put_text(buf, spot, theme.glyphs.lines.vertical, theme.border);
            }
        }
        let left = FILES + 3;
        self.sheet.render(view, Rect { x: inside.x + left, width: inside.width - left, ..inside }, buf)
    }
}
