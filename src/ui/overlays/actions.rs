//! `x` Every verb for one object: its key, why it is not available, and the same as a command line to copy.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::{Line, Span},
};

use super::{
    availability::{is_for, why_not, why_not_own},
    equivalent,
    needed::rights_queries,
    object::name_of,
    object_acts::is_never_for,
    page::place,
};
use crate::{
    command::{COMMANDS, Command, CommandSpec, Scope, ScreenId},
    custom::fields::Values,
    query::Query,
    store::Changes,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{fit, put_line, row, width},
            dialog::{centred, dialog},
            frame::Frame,
            wrap::wrapped,
        },
    },
};

/// Most lines of the command that does the same.
const MOST_LINES: usize = 3;

/// What can be done with any object, beside its own verbs.
const ANY: [Command; 5] = [Command::Enter, Command::Why, Command::Copy, Command::CopyUrl, Command::Browse];

/// A command of the table, or one of the configuration's own by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Known(Command),
    Own(usize),
}

struct Verb {
    what: What,
    key: String,
    help: Clean,
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
            Some(Verb { what: What::Known(command), .. }) => {
                Reply::Many(vec![Reply::Close, Reply::RunOn(*command, self.target.clone())])
            }
            Some(Verb { what: What::Own(place), .. }) => {
                Reply::Many(vec![Reply::Close, Reply::Own(*place, Some(self.target.clone()))])
            }
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
            command => match self.verbs.iter().position(|verb| verb.what == What::Known(command)) {
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
        let is_first = self.verbs.is_empty();
        self.verbs = own_commands(&self.target, view);
        let own = own.filter(|spec| spec.id != Command::Mark && !is_never_for(spec.id, &self.target));
        // What is only looked on at comes after what is done.
        let (watch, own): (Vec<_>, Vec<_>) = own.partition(|spec| spec.id == Command::Watch);
        let known = own.into_iter().chain(watch).chain(any).map(|spec| Verb {
            what: What::Known(spec.id),
            key: view.keymap.shown(spec.id).unwrap_or_else(|| format!(":{}", spec.name)),
            help: help_on(spec, &self.target).into(),
            writes: spec.writes,
            why_not: why_not(spec, self.screen, Some(&self.target), view),
            line: equivalent::line(spec.id, &self.target, view),
        });
        // Those of the configuration stand first: they were made for these rows.
        self.verbs.extend(known);
        if is_first {
            // What can be done now is what Enter does.
            self.cursor = self.verbs.iter().position(|verb| verb.why_not.is_none()).unwrap_or(0);
        }
        self.cursor = self.cursor.min(self.verbs.len().saturating_sub(1));
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        rights_queries(&self.target, view)
    }

    fn selected(&self) -> Option<Target> {
        Some(self.target.clone())
    }

    fn copied(&self) -> Option<Clean> {
        self.chosen().and_then(|verb| verb.line.as_ref()).map(|line| Clean::own(line.clone()))
    }

    fn line(&self, _view: &View<'_>) -> Option<String> {
        self.chosen().and_then(|verb| verb.line.clone())
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
        let place = place(view, &self.target).unwrap_or_default();
        let title = format!("ACTIONS {}", name_of(view, &self.target));
        let height = self.verbs.len() as u16 + 6;
        let window = centred(area, 104, height);
        let inside = dialog(Frame::new(theme, title).info(place), area, window.width, height, buf);
        // Whoever copies the line is to have read it.
        let said = self.chosen().and_then(|verb| verb.line.as_deref()).map(|line| wrapped(line, inside.width));
        let said: Vec<String> = said.unwrap_or_default().into_iter().take(MOST_LINES).collect();
        let foot = said.len().max(1) as u16;
        self.list = Rect { height: inside.height.saturating_sub(2 + foot), ..inside };
        let visible = self.list.height.max(1);
        self.top = (self.cursor as u16).saturating_sub(visible - 1);
        let keys = self.verbs.iter().map(|verb| verb.key.chars().count()).max().unwrap_or(0);
        for (index, verb) in self.verbs.iter().enumerate().skip(usize::from(self.top)) {
            let Some(spot) = row(self.list, index as u16 - self.top) else { break };
            draw(verb, keys, index == self.cursor, view, spot, buf);
        }
        let verb = self.chosen()?;
        if let Some(spot) = row(inside, inside.height.saturating_sub(1 + foot)) {
            let copy = view.keymap.shown(Command::Copy).unwrap_or_default();
            let words = match &verb.line {
                Some(_) => format!("the same as a command ({copy} copies it)"),
                None => "no command line does the same".to_owned(),
            };
            put_line(buf, spot, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
        for (index, line) in said.into_iter().enumerate() {
            let Some(spot) = row(inside, inside.height.saturating_sub(foot) + index as u16) else { break };
            put_line(buf, spot, &Line::styled(line, theme.strong), theme.glyphs.ellipsis);
        }
        None
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("enter", "do it"), ("y", "copy the command"), ("j/k", "choose"), ("esc", "leave")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}

/// What a command does with this object: what help adds for runs is left out for others.
fn help_on(spec: &CommandSpec, target: &Target) -> &'static str {
    match target {
        Target::Run(_) => spec.help,
        _ => spec.help.split("; of a run: ").next().unwrap_or(spec.help),
    }
}

/// The configuration's own commands for this object.
fn own_commands(target: &Target, view: &View<'_>) -> Vec<Verb> {
    let values = Values { target, store: view.store, settings: view.settings };
    let of_kind = view.settings.commands.iter().enumerate().filter(|(_, own)| is_for(own, target, view));
    of_kind
        .map(|(place, own)| {
            let program = own.program(&values);
            let why_not = why_not_own(own, Some(target), view);
            Verb {
                what: What::Own(place),
                key: own.key.map_or_else(|| format!(":{}", own.name), |key| key.to_string()),
                help: if own.help == own.name {
                    own.help.clone()
                } else {
                    Clean::own(format!("{}: {}", own.name, own.help))
                },
                writes: own.writes,
                why_not: why_not.or_else(|| program.as_ref().err().map(ToString::to_string)),
                line: program.ok().map(|program| program.line().to_string()),
            }
        })
        .collect()
}

fn draw(verb: &Verb, keys: usize, is_chosen: bool, view: &View<'_>, spot: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let (key_style, style) = match verb.why_not {
        Some(_) => (theme.dim, theme.dim.add_modifier(Modifier::CROSSED_OUT)),
        None => (theme.key, if verb.writes { theme.strong } else { theme.text }),
    };
    let mut line = Line::from(vec![Span::styled(format!("{:keys$}  ", verb.key), key_style)]);
    match &verb.why_not {
        Some(why) => {
            let help = fit(&verb.help, spot.width * 2 / 5, theme.glyphs.ellipsis).into_owned();
            let pad = (spot.width * 2 / 5 + 2).saturating_sub(width(&help)).max(2);
            line.push_span(Span::styled(help, style));
            line.push_span(Span::raw(" ".repeat(usize::from(pad))));
            line.push_span(Span::styled(why.clone(), theme.stale));
        }
        None => line.push_span(Span::styled(verb.help.to_string(), style)),
    }
    put_line(buf, spot, &line, theme.glyphs.ellipsis);
    if is_chosen {
        buf.set_style(spot, theme.selection);
    }
}
