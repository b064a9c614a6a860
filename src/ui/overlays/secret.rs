//! `v` The keys of a Secret, and one value at a time: masked until asked for, forgotten with the page.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use super::{
    evidence::{answer, no_answer},
    sheet::{Sheet, SheetLine, Writer},
};
use crate::{
    app::Effect,
    command::Command,
    model::{
        Name,
        kubernetes::{
            resource::ResourceKey,
            secret::{Revealed, SecretKey},
        },
    },
    query::{Answer, Query},
    store::Changes,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        widgets::{dialog::dialog, frame::Frame},
    },
};

/// Stands for a value, whatever its length.
const MASKED: &str = "********";
/// Most lines of a value that are shown; copying takes all.
const MAX_LINES: usize = 200;

pub struct SecretPage {
    object: ResourceKey,
    /// Its lines are neither searched nor copied as others are: they hold the value.
    sheet: Sheet,
    /// The key of each line.
    keys: Vec<Option<Name>>,
    /// The one whose value is shown.
    shown: Option<Name>,
}

impl SecretPage {
    pub fn new(object: ResourceKey) -> Self {
        Self { object, sheet: Sheet::wrapped(), keys: Vec::new(), shown: None }
    }

    fn value_query(&self) -> Option<Query> {
        let key = self.shown.clone()?;
        Some(Query::SecretValue(SecretKey { object: self.object.clone(), key }))
    }

    fn value<'a>(&self, view: &View<'a>) -> Option<&'a Revealed> {
        match answer(view, &self.value_query()?) {
            Ok(Answer::SecretValue(value)) => Some(value),
            _ => None,
        }
    }

    fn key_here(&self) -> Option<&Name> {
        self.keys.get(self.sheet.cursor())?.as_ref()
    }

    /// To the next key or the one before, past the lines of the value shown; one that is longer than the page is read line
    /// by line. False: there is no such key.
    fn step(&mut self, is_forward: bool) -> bool {
        let at = self.sheet.cursor();
        let mut heads = (0..self.keys.len()).filter(|line| *line == 0 || self.keys[*line] != self.keys[*line - 1]);
        let next = if is_forward { heads.find(|line| *line > at) } else { heads.rfind(|line| *line < at) };
        match next {
            Some(line) if line.abs_diff(at) < self.sheet.height() => {
                self.sheet.select(line);
                true
            }
            _ => false,
        }
    }

    fn fill(&mut self, view: &View<'_>) {
        let theme = view.theme;
        let mut writer = Writer::new(theme);
        self.keys.clear();
        match answer(view, &Query::SecretKeys(self.object.clone())) {
            Ok(Answer::SecretKeys(keys)) if keys.is_empty() => {
                writer.styled("it has no keys", theme.dim);
            }
            Ok(Answer::SecretKeys(keys)) => {
                let width = keys.iter().map(|(name, _)| name.width()).max().unwrap_or(0).min(40) + 2;
                for (name, size) in keys {
                    let is_shown = self.shown.as_ref() == Some(name);
                    let rest = if is_shown { String::new() } else { format!("   {MASKED}") };
                    let words = format!("{}{size:>7} bytes{rest}", pad(name, width));
                    writer.styled(words, if is_shown { theme.strong } else { theme.text });
                    self.keys.push(Some(name.clone()));
                    if is_shown {
                        self.write_value(&mut writer, view);
                        self.keys.resize(writer.lines.len(), Some(name.clone()));
                    }
                }
            }
            Ok(_) => {}
            Err(error) => no_answer(&mut writer, error),
        }
        self.keys.resize(writer.lines.len(), None);
        self.sheet.set(writer.done());
    }

    fn write_value(&self, writer: &mut Writer<'_>, view: &View<'_>) {
        let Some(query) = self.value_query() else { return };
        let mut line = |text: &str, style| {
            let body = Line::styled(text.to_owned(), style);
            writer.lines.push(SheetLine { head: Line::raw("  "), body, ..SheetLine::default() });
        };
        match answer(view, &query) {
            Ok(Answer::SecretValue(Revealed::Text(secret))) => {
                let text = Clean::block(secret.expose());
                let count = text.lines().count();
                if count == 0 {
                    line("it is empty", view.theme.dim);
                }
                for one in text.lines().take(MAX_LINES) {
                    line(one, view.theme.accent);
                }
                if count > MAX_LINES {
                    line(&format!("and {} lines more: copied they are whole", count - MAX_LINES), view.theme.dim);
                }
            }
            Ok(Answer::SecretValue(Revealed::Binary(size))) => {
                line(&format!("no text: {size} bytes"), view.theme.dim);
            }
            Ok(_) => {}
            Err(error) => no_answer(writer, error),
        }
    }

    /// Only of what is seen: nothing secret goes to the clipboard by surprise.
    fn copy(&self, view: &View<'_>) -> Reply {
        if self.shown.is_none() || self.key_here() != self.shown.as_ref() {
            return Reply::Say("its value is masked: enter shows it, then y copies it".into());
        }
        match self.value(view) {
            Some(Revealed::Text(secret)) => Reply::Do(Effect::CopySecret(Clean::block(secret.expose()))),
            Some(Revealed::Binary(_)) => Reply::Say("it is no text: nothing is copied".into()),
            None => Reply::Say("its value is not there yet".into()),
        }
    }
}

fn pad(name: &Clean, width: usize) -> String {
    format!("{name}{}", " ".repeat(width.saturating_sub(name.width())))
}

impl Overlay for SecretPage {
    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        match command {
            Command::Enter | Command::Reveal => {
                let here = self.key_here().cloned();
                self.shown = here.clone().filter(|here| self.shown.as_ref() != Some(here));
                self.fill(view);
                // The lines of the value shown before are gone.
                if let Some(line) = self.keys.iter().position(|key| key.is_some() && *key == here) {
                    self.sheet.select(line);
                }
                Reply::Done
            }
            Command::Down | Command::Up if self.step(command == Command::Down) => Reply::Done,
            Command::Copy => self.copy(view),
            // finding would keep what was looked for
            Command::Filter | Command::NextMatch | Command::PreviousMatch => Reply::Done,
            command if self.sheet.run(command) => Reply::Done,
            _ => Reply::Ignored,
        }
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        self.fill(view);
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        std::iter::once(Query::SecretKeys(self.object.clone())).chain(self.value_query()).collect()
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        if self.sheet.click(at) { Reply::Done } else { Reply::Ignored }
    }

    fn scroll(&mut self, lines: i32, _view: &View<'_>) -> Reply {
        self.sheet.scroll(lines);
        Reply::Done
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let prod = if view.settings.is_production(&self.object.cluster) { "PROD " } else { "" };
        let place = format!("{prod}{}/{}", self.object.cluster, self.object.namespace);
        let frame = Frame::new(view.theme, format!("VALUES {}", self.object)).info(place);
        let inside = dialog(frame, area, area.width, area.height, buf);
        self.sheet.render(view, inside, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("enter", "show or mask"), ("y", "copy what is shown"), ("j/k", "choose"), ("esc", "leave and forget")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
