//! `x` Every verb for one object: its key, why it is not available, and the same as a command line to copy.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::{Line, Span},
};

use super::{availability::why_not, equivalent, object::name_of};
use crate::{
    command::{COMMANDS, Command, Scope, ScreenId},
    store::Changes,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{fit, put_line, row, width},
            dialog::{centred, dialog},
            frame::Frame,
        },
    },
};

/// What can be done with any object, beside its own verbs.
const ANY: [Command; 5] = [Command::Enter, Command::Why, Command::Copy, Command::CopyUrl, Command::Browse];

struct Verb {
    command: Command,
    key: String,
    help: &'static str,
    writes: bool,
    why_not: Option<String>,
    /// `kubectl …`
    line: Option<String>,
}

/// The menu of an object.
pub struct Actions {
    screen: ScreenId,
    target: Target,
    verbs: Vec<Verb>,
    cursor: usize,
    top: u16,
    list: Rect,
}

impl Actions {
    pub fn new(screen: ScreenId, target: Target) -> Self {
        Self { screen, target, verbs: Vec::new(), cursor: 0, top: 0, list: Rect::ZERO }
    }

    fn chosen(&self) -> Option<&Verb> {
        self.verbs.get(self.cursor)
    }

    fn enter(&self) -> Reply {
        match self.chosen() {
            Some(Verb { why_not: Some(why), help, .. }) => Reply::Say(Clean::own(format!("{help}: {why}"))),
            Some(verb) => Reply::Many(vec![Reply::Close, Reply::RunOn(verb.command, self.target.clone())]),
            None => Reply::Close,
        }
    }
}

impl Overlay for Actions {
    fn run(&mut self, command: Command, _view: &View<'_>) -> Reply {
        let last = self.verbs.len().saturating_sub(1);
        match command {
            Command::Down => self.cursor = (self.cursor + 1).min(last),
            Command::Up => self.cursor = self.cursor.saturating_sub(1),
            Command::Top | Command::PageUp | Command::HalfUp => self.cursor = 0,
            Command::Bottom | Command::PageDown | Command::HalfDown => self.cursor = last,
            Command::Enter => return self.enter(),
            Command::Actions => return Reply::Close,
            Command::Copy => {
                return match self.copied() {
                    Some(line) => Reply::Do(crate::app::Effect::Copy(line)),
                    None => Reply::Say("no command line does the same".into()),
                };
            }
            // The verb's own key works in the menu as on the row.
            command => match self.verbs.iter().position(|verb| verb.command == command) {
                Some(at) => {
                    self.cursor = at;
                    return self.enter();
                }
                None => return Reply::Ignored,
            },
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        let kind = self.target.kind();
        let own = COMMANDS.iter().filter(|spec| matches!(spec.scope, Scope::On(kinds) if kinds.contains(&kind)));
        let any = ANY.iter().map(|command| command.spec());
        self.verbs = own
            .filter(|spec| spec.id != Command::Mark)
            .chain(any)
            .map(|spec| Verb {
                command: spec.id,
                key: view.keymap.shown(spec.id).unwrap_or_else(|| format!(":{}", spec.name)),
                help: spec.help,
                writes: spec.writes,
                why_not: why_not(spec, self.screen, Some(&self.target), view),
                line: equivalent::line(spec.id, &self.target, view),
            })
            .collect();
        self.cursor = self.cursor.min(self.verbs.len().saturating_sub(1));
    }

    fn selected(&self) -> Option<Target> {
        Some(self.target.clone())
    }

    fn copied(&self) -> Option<Clean> {
        self.chosen().and_then(|verb| verb.line.as_ref()).map(|line| Clean::own(line.clone()))
    }

    fn click(&mut self, at: Position, _view: &View<'_>) -> Reply {
        if !self.list.contains(at) {
            return Reply::Ignored;
        }
        let index = usize::from(self.top + at.y - self.list.y);
        if index < self.verbs.len() {
            self.cursor = index;
        }
        Reply::Done
    }

    fn scroll(&mut self, lines: i32, _view: &View<'_>) -> Reply {
        self.cursor = self.cursor.saturating_add_signed(lines as isize).min(self.verbs.len().saturating_sub(1));
        Reply::Done
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let place = self.target.backend().map(ToString::to_string).unwrap_or_default();
        let title = format!("ACTIONS {}", name_of(view, &self.target));
        let height = self.verbs.len() as u16 + 6;
        let window = centred(area, 104, height);
        let inside = dialog(Frame::new(theme, title).info(place), area, window.width, height, buf);
        self.list = Rect { height: inside.height.saturating_sub(3), ..inside };
        let visible = self.list.height.max(1);
        self.top = (self.cursor as u16).saturating_sub(visible - 1);
        for (index, verb) in self.verbs.iter().enumerate().skip(usize::from(self.top)) {
            let Some(spot) = row(self.list, index as u16 - self.top) else { break };
            draw(verb, index == self.cursor, view, spot, buf);
        }
        let verb = self.chosen()?;
        if let Some(spot) = row(inside, inside.height.saturating_sub(2)) {
            let copy = view.keymap.shown(Command::Copy).unwrap_or_default();
            let words = match &verb.line {
                Some(_) => format!("the same as a command ({copy} copies it)"),
                None => "no command line does the same".to_owned(),
            };
            put_line(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
        if let (Some(line), Some(spot)) = (&verb.line, row(inside, inside.height.saturating_sub(1))) {
            put_line(buf, spot, &Line::styled(line.clone(), theme.strong), theme.glyphs.ellipsis);
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("enter", "do it"), ("y", "copy the command"), ("j/k", "choose"), ("esc", "leave")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}

fn draw(verb: &Verb, is_chosen: bool, view: &View<'_>, spot: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let (key_style, style) = match verb.why_not {
        Some(_) => (theme.dim, theme.dim.add_modifier(Modifier::CROSSED_OUT)),
        None => (theme.key, if verb.writes { theme.strong } else { theme.text }),
    };
    let mut line = Line::from(vec![Span::styled(format!("{:9}", verb.key), key_style)]);
    match &verb.why_not {
        Some(why) => {
            let help = fit(verb.help, spot.width * 2 / 5, theme.glyphs.ellipsis).into_owned();
            let pad = (spot.width * 2 / 5 + 2).saturating_sub(width(&help)).max(2);
            line.push_span(Span::styled(help, style));
            line.push_span(Span::raw(" ".repeat(usize::from(pad))));
            line.push_span(Span::styled(why.clone(), theme.stale));
        }
        None => line.push_span(Span::styled(verb.help, style)),
    }
    put_line(buf, spot, &line, theme.glyphs.ellipsis);
    if is_chosen {
        buf.set_style(spot, theme.selection);
    }
}
