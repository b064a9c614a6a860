//! `x` Every verb for one object: its key, why it is not available, and the same as a command line to copy.

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::{Line, Span},
};

use super::{
    availability::{Availability, availability, availability_of_own, is_for},
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
        theme::Theme,
        widgets::{
            cells::{fit, put_line, put_right, row, width},
            dialog::{centred, dialog},
            frame::Frame,
            wrap::wrapped,
        },
    },
};

const NO_LINE: &str = "no command line does the same";

const STOP_FIRST: &str = "a pipeline is deploying: stop it first:";

/// Most lines of the command that does the same.
const MOST_LINES: usize = 3;

/// What can be done with any object, beside its own verbs. Its copy key is left out: in the menu it copies the line.
const ANY: [Command; 4] = [Command::Enter, Command::Why, Command::CopyUrl, Command::Browse];

/// Cells of the shortest word for a refused verb: its reason says what helps, and is the last to be cut.
const LEAST_HELP: u16 = 11;

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
    /// In a word, where its reason needs the room.
    hint: Clean,
    writes: bool,
    availability: Availability,
    /// `kubectl …`
    line: Option<String>,
    /// What has to be run before any line, where a deploy goes on.
    first: Option<String>,
}

impl Verb {
    /// What is said where no one line does the same.
    fn without_line(&self) -> String {
        match (self.what, &self.first) {
            (What::Known(Command::RollBack), Some(first)) => format!("{STOP_FIRST} {first}"),
            (What::Known(Command::RollBack), None) => {
                "no one line does the same: the plan has those that do (enter)".to_owned()
            }
            _ => NO_LINE.to_owned(),
        }
    }
}

/// The menu of an object.
pub struct Actions {
    screen: ScreenId,
    target: Target,
    /// When it is of interest: the line of its log reaches back to it, as the log does.
    at: Option<Timestamp>,
    verbs: Vec<Verb>,
    cursor: usize,
    top: u16,
    list: Rect,
}

impl Actions {
    pub fn new(screen: ScreenId, target: Target, at: Option<Timestamp>) -> Self {
        Self { screen, target, at, verbs: Vec::new(), cursor: 0, top: 0, list: Rect::ZERO }
    }

    fn chosen(&self) -> Option<&Verb> {
        self.verbs.get(self.cursor)
    }

    /// The verb's own key works in the menu as on the row, and as the menu shows it where the screen below means something
    /// else by it.
    fn at_key_of(&self, command: Command, view: &View<'_>) -> Option<usize> {
        let known = self.verbs.iter().position(|verb| verb.what == What::Known(command));
        known.or_else(|| {
            let keys = view.keymap.keys(command).iter().map(ToString::to_string);
            let mut keys = keys.filter(|_| matches!(command.spec().scope, Scope::Screen(_)));
            keys.find_map(|key| self.verbs.iter().position(|verb| verb.key == key))
        })
    }

    /// How many verbs are out of sight: `2 more ^  8 more v`.
    fn beyond(&self, visible: u16, theme: &Theme) -> String {
        let above = usize::from(self.top);
        let below = self.verbs.len().saturating_sub(above + usize::from(visible));
        let parts = [(above, theme.glyphs.up), (below, theme.glyphs.down)].into_iter().filter(|(count, _)| *count > 0);
        parts.map(|(count, way)| format!("{count} more {way}")).collect::<Vec<_>>().join("  ")
    }

    fn enter(&self) -> Reply {
        match self.chosen() {
            Some(Verb { availability: Availability::Refused(why), help, .. }) => {
                Reply::Say(Clean::own(format!("{help}: {why}")))
            }
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
    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
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
                    None => {
                        Reply::Say(Clean::own(self.chosen().map_or_else(|| NO_LINE.to_owned(), Verb::without_line)))
                    }
                };
            }
            command => match self.at_key_of(command, view) {
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
            hint: spec.hint.into(),
            writes: spec.writes,
            availability: availability(spec, self.screen, Some(&self.target), view),
            line: equivalent::line_at(spec.id, &self.target, self.at, view),
            first: (spec.id == Command::RollBack).then(|| equivalent::first_stopped(&self.target, view)).flatten(),
        });
        // Those of the configuration stand first: they were made for these rows.
        self.verbs.extend(known);
        if is_first {
            // What can be done now is what Enter does.
            self.cursor = self.verbs.iter().position(|verb| verb.availability == Availability::Free).unwrap_or(0);
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
        let said = self
            .chosen()
            .and_then(|verb| verb.line.as_deref().or(verb.first.as_deref()))
            .map(|line| wrapped(line, inside.width));
        let said: Vec<String> = said.unwrap_or_default().into_iter().take(MOST_LINES).collect();
        let foot = said.len().max(1) as u16;
        self.list = Rect { height: inside.height.saturating_sub(2 + foot), ..inside };
        let visible = self.list.height.max(1);
        let cursor = self.cursor as u16;
        let last_top = (self.verbs.len() as u16).saturating_sub(visible);
        self.top = self.top.min(cursor).max((cursor + 1).saturating_sub(visible)).min(last_top);
        let columns = Columns::of(&self.verbs, inside.width);
        for (index, verb) in self.verbs.iter().enumerate().skip(usize::from(self.top)) {
            let Some(spot) = row(self.list, index as u16 - self.top) else { break };
            draw(verb, columns, index == self.cursor, view, spot, buf);
        }
        if let Some(spot) = row(inside, self.list.height).filter(|_| self.list.height > 0) {
            let more = Line::styled(self.beyond(visible, theme), theme.dim);
            put_right(buf, spot, &more, theme.glyphs.ellipsis);
        }
        let verb = self.chosen()?;
        if let Some(spot) = row(inside, inside.height.saturating_sub(1 + foot)) {
            let copy = view.keymap.shown(Command::Copy).unwrap_or_default();
            let shows = if matches!(verb.availability, Availability::PlanOnly(_)) {
                "enter shows what would be done; "
            } else {
                ""
            };
            let words = match &verb.line {
                Some(_) => format!("{shows}the same as a command ({copy} copies it)"),
                None if verb.first.is_some() => format!("{shows}{STOP_FIRST}"),
                None => format!("{shows}{}", verb.without_line()),
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
            let availability = match (availability_of_own(own, Some(target), view), &program) {
                (Availability::Free, Err(error)) => Availability::Refused(error.to_string()),
                (availability, _) => availability,
            };
            Verb {
                what: What::Own(place),
                key: own.key.map_or_else(|| format!(":{}", own.name), |key| key.to_string()),
                help: if own.help == own.name {
                    own.help.clone()
                } else {
                    Clean::own(format!("{}: {}", own.name, own.help))
                },
                hint: own.name.clone(),
                writes: own.writes,
                availability,
                line: program.ok().map(|program| program.line().to_string()),
                first: None,
            }
        })
        .collect()
}

/// What the key, and what stands before a reason, take of a row: two fifths of it, less where a reason needs more.
#[derive(Clone, Copy)]
struct Columns {
    keys: usize,
    help: u16,
}

impl Columns {
    fn of(verbs: &[Verb], whole: u16) -> Self {
        let keys = verbs.iter().map(|verb| verb.key.chars().count()).max().unwrap_or(0);
        let longest =
            verbs.iter().filter_map(|verb| verb.availability.reason()).map(|why| width(&why)).max().unwrap_or(0);
        let left = whole.saturating_sub(keys as u16 + 4).saturating_sub(longest);
        let most = whole * 2 / 5;
        Self { keys, help: left.clamp(LEAST_HELP.min(most), most) }
    }
}

fn draw(verb: &Verb, columns: Columns, is_chosen: bool, view: &View<'_>, spot: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let Columns { keys, help: room } = columns;
    let (key_style, style) = if verb.availability.is_refused() {
        (theme.dim, theme.dim.add_modifier(Modifier::CROSSED_OUT))
    } else {
        (theme.key, if verb.writes { theme.strong } else { theme.text })
    };
    let mut line = Line::from(vec![Span::styled(format!("{:keys$}  ", verb.key), key_style)]);
    match verb.availability.reason() {
        Some(why) => {
            let help = if width(&verb.help) <= room { &verb.help } else { &verb.hint };
            let help = fit(help, room, theme.glyphs.ellipsis).into_owned();
            let pad = (room + 2).saturating_sub(width(&help)).max(2);
            line.push_span(Span::styled(help, style));
            line.push_span(Span::raw(" ".repeat(usize::from(pad))));
            line.push_span(Span::styled(why, theme.stale));
        }
        None => line.push_span(Span::styled(verb.help.to_string(), style)),
    }
    put_line(buf, spot, &line, theme.glyphs.ellipsis);
    if is_chosen {
        buf.set_style(spot, theme.selection);
    }
}
