//! `v` on Metrics: a dashboard's template variables; of the chosen one, its values. A choice is asked anew at once, and
//! what depends on it offers something else.

mod picking;
#[cfg(test)]
mod tests;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use self::picking::{Picked, Picking};
use crate::{
    model::metric::{Setting, Variable},
    query::{Answer, Query, Variables, VariablesQuery},
    store::Changes,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        screens::answer::answer,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// The dialog.
pub struct VariablesDialog {
    /// With what was chosen so far.
    query: VariablesQuery,
    title: String,
    found: Variables,
    cursor: usize,
    picking: Option<Picking>,
    /// Where the variables were drawn.
    list: Rect,
}

impl VariablesDialog {
    pub fn new(query: VariablesQuery) -> Self {
        Self {
            query,
            title: String::new(),
            found: Variables { list: Vec::new(), notes: Vec::new() },
            cursor: 0,
            picking: None,
            list: Rect::ZERO,
        }
    }

    fn pick(&mut self) -> Reply {
        let Some(variable) = self.found.list.get(self.cursor) else { return Reply::Done };
        if variable.setting == Setting::Fixed {
            return Reply::Say(Clean::own(format!("'{}' is fixed by the dashboard", variable.label)));
        }
        if variable.setting != Setting::Text && variable.options.is_empty() {
            return Reply::Say(Clean::own(format!("'{}' offers no value now", variable.label)));
        }
        self.picking = Some(Picking::new(variable));
        Reply::Done
    }

    /// These values in place of what was chosen for the variable; none: the dashboard's own again.
    fn choose(&mut self, variable: &Variable, values: Vec<Clean>) -> Reply {
        self.query.variables.retain(|(name, _)| *name != variable.name);
        self.query.variables.extend(values.into_iter().map(|value| (variable.name.clone(), value)));
        self.query.variables.sort();
        Reply::Variables(self.query.dashboard.clone(), self.query.variables.clone())
    }

    fn list_key(&mut self, key: KeyEvent) -> Reply {
        let last = self.found.list.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q' | 'v') => return Reply::Close,
            KeyCode::Enter | KeyCode::Right => return self.pick(),
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Home | KeyCode::Char('g') => self.cursor = 0,
            KeyCode::End | KeyCode::Char('G') => self.cursor = last,
            KeyCode::Char('u') => {
                if let Some(variable) = self.found.list.get(self.cursor).cloned() {
                    return self.choose(&variable, Vec::new());
                }
            }
            _ => {}
        }
        Reply::Done
    }

    fn line(&self, index: usize, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        let variable = &self.found.list[index];
        let is_chosen = self.query.variables.iter().any(|(name, _)| *name == variable.name);
        let note = match (variable.setting, variable.options.len()) {
            (Setting::Fixed, _) => "fixed".to_owned(),
            (Setting::Text, _) => "any text".to_owned(),
            (_, 1) => "1 value".to_owned(),
            (Setting::Many, count) => format!("any of {count}"),
            (Setting::One, count) => format!("one of {count}"),
        };
        Line::from(vec![
            Span::styled(format!(" {:16} ", variable.label.as_str()), theme.text),
            Span::styled(
                format!("{:36} ", variable.value.as_str()),
                if is_chosen { theme.accent } else { theme.strong },
            ),
            Span::styled(note, theme.dim),
        ])
    }
}

impl Overlay for VariablesDialog {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        let Some(picking) = &mut self.picking else { return self.list_key(key) };
        match picking.key(key) {
            Picked::Nothing => Reply::Done,
            Picked::Left => {
                self.picking = None;
                Reply::Done
            }
            Picked::Values(values) => {
                let variable = picking.variable().clone();
                self.picking = None;
                self.choose(&variable, values)
            }
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(picking) = &mut self.picking {
            picking.paste(text);
        }
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        let dashboard = view.store.dashboards.get(&self.query.dashboard);
        self.title = dashboard.map(|dashboard| dashboard.title.to_string()).unwrap_or_default();
        match answer(view, &Query::Variables(self.query.clone())) {
            Some(Answer::Variables(found)) => self.found.clone_from(found),
            // Until the answer is there, what was known before.
            _ if self.found.list.is_empty() => {
                self.found.list = dashboard.map(|dashboard| dashboard.variables.clone()).unwrap_or_default();
            }
            _ => {}
        }
        self.found.list.retain(|variable| !variable.is_hidden);
        if let Some(picking) = &mut self.picking
            && let Some(variable) = self.found.list.iter().find(|one| one.name == picking.variable().name)
        {
            picking.refresh(variable);
        }
        self.cursor = self.cursor.min(self.found.list.len().saturating_sub(1));
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        vec![Query::Variables(self.query.clone())]
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        if let Some(picking) = &mut self.picking {
            picking.click(at);
        } else if self.list.contains(at) {
            let index = usize::from(at.y - self.list.y);
            self.cursor = index.min(self.found.list.len().saturating_sub(1));
        }
        Reply::Done
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        if let Some(picking) = &mut self.picking {
            return picking.render(view, area, buf);
        }
        let theme = view.theme;
        let title = format!("VARIABLES of {}", self.title);
        let notes = self.found.notes.iter().take(3);
        let height = (self.found.list.len() + notes.len()) as u16 + 2;
        let inside = dialog(Frame::new(theme, title.as_str()), area, 78, height, buf);
        // The selected one stays in sight.
        let room = usize::from(inside.height).saturating_sub(notes.len()).max(1);
        let first = (self.cursor + 1).saturating_sub(room);
        self.list = Rect { height: room as u16, ..inside }.intersection(inside);
        for (line, index) in (first..self.found.list.len()).take(room).enumerate() {
            let Some(spot) = row(inside, line as u16) else { break };
            put_line(buf, spot, &self.line(index, view), theme.glyphs.ellipsis);
            if index == self.cursor {
                buf.set_style(spot, theme.selection);
            }
        }
        for (line, note) in notes.enumerate() {
            let Some(spot) = row(inside, (self.found.list.len().min(room) + line) as u16) else { break };
            put_line(buf, spot, &Line::styled(format!(" ?? {note}"), theme.stale), theme.glyphs.ellipsis);
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        let hints: &[(&str, &str)] = match &self.picking {
            Some(picking) => picking.hints(),
            None => &[("j/k", "choose"), ("enter", "its values"), ("u", "the dashboard's own"), ("esc", "done")],
        };
        hints.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
    }
}
