//! A question with a few answers: which merge method, which jobs, which workload. The answer leads to a plan.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    action::Request,
    model::Level,
    query::Query,
    store::Changes,
    ui::{
        Overlay, Reply, View,
        screens::pane::{level_style, mark_of},
        theme::Mark,
        widgets::{
            cells::{put_line, row, width},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// One answer, and what follows from it.
pub struct Answer {
    pub label: String,
    pub note: String,
    pub then: Box<dyn Fn(&View<'_>) -> Reply>,
}

impl Answer {
    /// It leads to a plan.
    pub fn asking(label: impl Into<String>, note: impl Into<String>, request: Request) -> Self {
        let then = Box::new(move |_: &View<'_>| Reply::Ask(request.clone()));
        Self { label: label.into(), note: note.into(), then }
    }
}

/// What the dialog says and offers, by what is known now.
#[derive(Default)]
pub struct Question {
    pub title: String,
    /// Where it happens.
    pub place: String,
    /// What must be known to answer; a level marks what speaks against it.
    pub facts: Vec<(Option<Level>, String)>,
    pub answers: Vec<Answer>,
    /// What Enter leads to, if not to a plan.
    pub leads_to: Option<&'static str>,
}

/// Columns of the dialog, where its words need no more.
const WIDTH: u16 = 92;

type Ask = Box<dyn Fn(&View<'_>) -> Question>;

/// The dialog.
pub struct Choice {
    ask: Ask,
    wanted: Vec<Query>,
    question: Question,
    /// Nothing is chosen until a key chooses it, where a wrong one would hurt.
    cursor: Option<usize>,
    /// Where the answers were drawn.
    list: Rect,
}

impl Choice {
    pub fn new(preselected: bool, wanted: Vec<Query>, ask: impl Fn(&View<'_>) -> Question + 'static) -> Self {
        Self {
            ask: Box::new(ask),
            wanted,
            question: Question::default(),
            cursor: preselected.then_some(0),
            list: Rect::ZERO,
        }
    }

    fn choose(&mut self, index: usize) {
        if index < self.question.answers.len() {
            self.cursor = Some(index);
        }
    }

    fn enter(&self, view: &View<'_>) -> Reply {
        match self.cursor.and_then(|index| self.question.answers.get(index)) {
            Some(answer) => Reply::Many(vec![Reply::Close, (answer.then)(view)]),
            None if self.question.answers.is_empty() => Reply::Done,
            None => Reply::Say("choose one first: j and k, or its number".into()),
        }
    }
}

impl Overlay for Choice {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        let last = self.question.answers.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Reply::Close,
            KeyCode::Enter => return self.enter(view),
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => {
                self.choose(self.cursor.map_or(0, |at| (at + 1).min(last)));
            }
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => {
                self.choose(self.cursor.map_or(0, |at| at.saturating_sub(1)));
            }
            KeyCode::Char(digit @ '1'..='9') => self.choose(digit as usize - '1' as usize),
            _ => {}
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        self.question = (self.ask)(view);
        self.cursor = self.cursor.filter(|index| *index < self.question.answers.len());
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        self.wanted.clone()
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        if self.list.contains(at) {
            self.choose(usize::from(at.y - self.list.y));
        }
        Reply::Done
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let question = &self.question;
        let count = (question.facts.len() + question.answers.len()) as u16;
        let frame = Frame::new(theme, question.title.as_str()).info(question.place.as_str());
        let labels = question.answers.iter().map(|answer| width(&answer.label)).max().unwrap_or(0);
        let facts = question.facts.iter().map(|(_, fact)| width(fact) + 2);
        let answers = question.answers.iter().map(|answer| width(&answer.note) + labels + 6);
        // With the frame and its air; what would be cut takes the columns that are free.
        let wanted = facts.chain(answers).max().unwrap_or(0).saturating_add(4);
        let inside = dialog(frame, area, wanted.max(WIDTH), count + 4, buf);
        let mut y = 0;
        for (level, fact) in &question.facts {
            let Some(spot) = row(inside, y) else { break };
            let mark = theme.mark(level.map_or(Mark::Blank, mark_of));
            let style = level.map_or(theme.text, |level| level_style(theme, level));
            let line = Line::from(vec![mark, Span::raw(" "), Span::styled(fact.as_str(), style)]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            y += 1;
        }
        y += 1;
        self.list = Rect { y: inside.y + y.min(inside.height), height: inside.height.saturating_sub(y), ..inside };
        for (index, answer) in question.answers.iter().enumerate() {
            let Some(spot) = row(self.list, index as u16) else { break };
            let line = Line::from(vec![
                Span::styled(format!("{}  ", index + 1), theme.key),
                Span::styled(answer.label.as_str(), theme.strong),
                Span::raw(" ".repeat(usize::from(labels - width(&answer.label) + 3))),
                Span::styled(answer.note.as_str(), theme.dim),
            ]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            if self.cursor == Some(index) {
                buf.set_style(spot, theme.selection);
            }
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        let (enter, esc) = match self.question.leads_to {
            Some(words) => (words, "leave"),
            None => ("its plan", "nothing is sent"),
        };
        [("j/k", "choose"), ("enter", enter), ("esc", esc)]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
