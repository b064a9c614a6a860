//! `:` every command by name, with its key; words with arguments; what is known of the arguments.

mod values;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::{Line, Span},
};

use super::availability::{Availability, availability, availability_of_own};
use crate::{
    app::line::{LINES, spellings},
    command::{COMMANDS, CommandSpec, ScreenId},
    model::kubernetes::resource::Resource,
    query::Query,
    store::Changes,
    ui::{
        Overlay, Reply, View,
        kinds::{self, Meaning},
        target::Target,
        widgets::{
            cells::{fit, put_line, put_right, put_text, row, width},
            dialog::centred,
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
        },
    },
};

/// Score of a name that begins with what was typed.
const BY_NAME: u32 = 100_000;

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// What stands in the field when it is completed.
    line: String,
    /// As listed: `ns NAME`.
    name: String,
    key: String,
    help: String,
    availability: Availability,
    /// It was refused when it was tried last: it may be tried again.
    is_denied: bool,
    /// More must be typed before it can be run.
    needs_more: bool,
    /// Other names that mean it as well.
    also: Vec<String>,
    /// Where several are called what was typed, the highest is meant: words (`ns`), then Kubernetes' own kinds (`events`).
    precedence: u32,
}

/// The palette.
pub struct Palette {
    screen: ScreenId,
    target: Option<Target>,
    input: TextInput,
    all: Vec<Entry>,
    shown: Vec<Entry>,
    cursor: usize,
    /// No name is or begins with what was typed: what is shown is only like it.
    is_guess: bool,
    matcher: Matcher,
}

impl Palette {
    pub fn new(screen: ScreenId, target: Option<Target>) -> Self {
        Self {
            screen,
            target,
            input: TextInput::default(),
            all: Vec::new(),
            shown: Vec::new(),
            cursor: 0,
            is_guess: false,
            matcher: Matcher::new(Config::DEFAULT),
        }
    }

    fn gather(&mut self, view: &View<'_>) {
        let mut specs: Vec<&CommandSpec> = COMMANDS.iter().collect();
        // What the footer would rather show comes first; movement, which fingers know, last.
        specs.sort_by_key(|spec| std::cmp::Reverse(spec.weight));
        let commands = specs.into_iter().map(|spec| Entry {
            line: spec.name.to_owned(),
            name: spec.name.to_owned(),
            key: view.keymap.shown(spec.id).unwrap_or_default(),
            help: spec.help.to_owned(),
            availability: availability(spec, self.screen, self.target.as_ref(), view),
            needs_more: false,
            also: Vec::new(),
            is_denied: false,
            precedence: 0,
        });
        // A kind that is known stands for the word of its name.
        let kinds = kinds_of(view);
        let words = LINES.iter().filter(|(name, _)| kinds.iter().all(|kind| kind.name != *name)).map(|(name, help)| {
            let (word, needs_more) = name.split_once(' ').map_or((*name, false), |(word, _)| (word, true));
            Entry {
                line: if needs_more { format!("{word} ") } else { word.to_owned() },
                name: (*name).to_owned(),
                key: String::new(),
                help: (*help).to_owned(),
                availability: Availability::Free,
                needs_more,
                also: spellings(word).iter().map(ToString::to_string).collect(),
                is_denied: false,
                precedence: 2,
            }
        });
        let own = view.settings.commands.iter().map(|own| Entry {
            line: own.name.to_string(),
            name: own.name.to_string(),
            key: own.key.map(|key| key.to_string()).unwrap_or_default(),
            help: own.help.to_string(),
            availability: availability_of_own(own, self.target.as_ref(), view),
            needs_more: false,
            also: Vec::new(),
            precedence: 1,
            is_denied: false,
        });
        self.all = words.chain(own).chain(commands).chain(kinds.iter().cloned()).collect();
        // Who went down to a row stays there while more comes in.
        let chosen = self.shown.get(self.cursor).filter(|_| self.cursor > 0).map(|entry| entry.line.clone());
        self.filter(view);
        if let Some(at) = chosen.and_then(|line| self.shown.iter().position(|entry| entry.line == line)) {
            self.cursor = at;
        }
    }

    fn filter(&mut self, view: &View<'_>) {
        let text = self.input.text().trim_start().trim_start_matches(':').to_owned();
        let chosen = self.shown.get(self.cursor).map(|entry| entry.line.clone());
        self.shown = match text.split_once(' ') {
            Some((word, rest)) => {
                let values = self.arguments(word, rest.trim(), view);
                // A blank behind a word that takes nothing.
                let is_word = values.is_empty() && rest.trim().is_empty();
                if is_word { self.ranked(self.all.clone(), word) } else { values }
            }
            None => self.ranked(self.all.clone(), &text),
        };
        self.cursor = if text.is_empty() {
            chosen.and_then(|line| self.shown.iter().position(|entry| entry.line == line)).unwrap_or(0)
        } else {
            0
        };
    }

    /// The values known for a word's argument.
    fn arguments(&mut self, word: &str, rest: &str, view: &View<'_>) -> Vec<Entry> {
        if word == "kind" {
            return self.ranked(kinds_of(view), rest);
        }
        let entries = values::of(word, view)
            .into_iter()
            .map(|(value, help)| Entry {
                line: format!("{word} {value}"),
                help,
                name: value,
                key: String::new(),
                availability: Availability::Free,
                needs_more: false,
                also: Vec::new(),
                is_denied: false,
                precedence: 0,
            })
            .collect();
        self.ranked(entries, rest)
    }

    /// Those that match, the best first; a match of the name before a match of the words.
    fn ranked(&mut self, entries: Vec<Entry>, text: &str) -> Vec<Entry> {
        self.is_guess = false;
        if text.is_empty() {
            return entries;
        }
        let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
        let lower = text.to_lowercase();
        let mut letters = Vec::new();
        let mut found: Vec<(u32, Entry)> = entries
            .into_iter()
            .filter_map(|entry| {
                let own = entry.name.split(' ').next().unwrap_or("");
                let names = || std::iter::once(own).chain(entry.also.iter().map(String::as_str));
                let exact = if names().any(|word| word == lower) { 1_000_000 + entry.precedence } else { 0 };
                let prefix = if names().any(|word| word.starts_with(&lower)) { BY_NAME } else { 0 };
                let score = |name: &str| pattern.score(Utf32Str::new(name, &mut letters), &mut self.matcher);
                let best = std::iter::once(entry.name.as_str()).chain(names()).filter_map(score).max();
                let by_name = best.map(|score| 1_000 + score + exact + prefix);
                let by_help = || entry.help.to_lowercase().contains(&lower).then_some(1);
                Some((by_name.or_else(by_help)?, entry))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.is_guess = found.first().is_some_and(|(score, _)| *score < BY_NAME);
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    fn enter(&mut self, view: &View<'_>) -> Reply {
        let typed = self.input.text().trim().trim_start_matches(':').to_owned();
        let has_argument = typed.contains(' ');
        let Some(entry) = self.shown.get(self.cursor) else {
            return if typed.is_empty() { Reply::Close } else { Reply::Many(vec![Reply::Close, Reply::Line(typed)]) };
        };
        // `ns shop`: what was typed is meant, not what is like it.
        if has_argument && self.cursor == 0 && entry.name != typed.rsplit(' ').next().unwrap_or("") {
            return Reply::Many(vec![Reply::Close, Reply::Line(typed)]);
        }
        let meaning = kinds::anywhere(view, &typed);
        // Where the command is for no such row, the kind of that name is meant; before the kinds are read it is as after.
        let is_read = matches!(meaning, Some(Meaning::Kind(_)));
        let is_kind = if is_read { entry.availability.is_refused() } else { kinds::is_usual(&typed) };
        if self.cursor == 0 && is_kind {
            return Reply::Many(vec![Reply::Close, Reply::Line(format!("kind {typed}"))]);
        }
        if self.cursor == 0 && self.is_guess && meaning == Some(Meaning::Loading) {
            return Reply::Many(vec![Reply::Close, Reply::Line(typed)]);
        }
        if entry.needs_more {
            self.complete(view);
            return Reply::Done;
        }
        match entry.availability.refusal() {
            Some(why) => Reply::Say(crate::text::Clean::own(format!("'{}': {why}", entry.name))),
            None => Reply::Many(vec![Reply::Close, Reply::Line(entry.line.clone())]),
        }
    }

    fn complete(&mut self, view: &View<'_>) {
        if let Some(entry) = self.shown.get(self.cursor) {
            self.input = TextInput::new(&entry.line);
            self.filter(view);
        }
    }
}

impl Overlay for Palette {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let last = self.shown.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Reply::Close,
            KeyCode::Enter => return self.enter(view),
            KeyCode::Tab => self.complete(view),
            KeyCode::Down => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::PageDown => self.cursor = (self.cursor + 10).min(last),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(10),
            KeyCode::Char('n') if control => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Char('p') if control => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Backspace if self.input.is_empty() => return Reply::Close,
            _ => {
                if self.input.handle(key) {
                    self.filter(view);
                }
            }
        }
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        self.input.insert(text);
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        self.gather(view);
    }

    fn wanted(&self, view: &View<'_>) -> Vec<Query> {
        let kinds = kinds::clusters(view).map(|cluster| Query::Resources(cluster.clone()));
        let typed = self.input.text().trim_start().trim_start_matches(':');
        let is_about = matches!(typed.split(' ').next(), Some("ns" | "namespace"));
        let names = kinds::clusters(view).filter(|_| is_about);
        kinds.chain(names.filter_map(|cluster| kinds::namespaces_query(view, cluster))).collect()
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let window = centred(area, 100, area.height.saturating_sub(2).min(26));
        let count = format!("{} of {}", self.shown.len(), self.all.len());
        let inside = dialog(Frame::new(theme, "COMMAND").info(count), area, window.width, window.height, buf);
        let field = row(inside, 0)?;
        let used = put_text(buf, field, ":", theme.key);
        let rest = Rect { x: field.x + used, width: field.width.saturating_sub(used), ..field };
        let at = self.input.render(rest, "a command, a screen, a kind of object, or :ns, :ctx, :theme", theme, buf);
        let list = Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside };
        if self.shown.is_empty() {
            let near = crate::keymap::Keymap::nearest(self.input.text().trim());
            let words = near.map_or_else(
                || "no command is called that".to_owned(),
                |near| format!("no command is called that: did you mean '{near}'?"),
            );
            put_line(buf, list, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
        let height = usize::from(list.height).max(1);
        let top = self.cursor.saturating_sub(height - 1);
        let in_sight = || self.shown.iter().enumerate().skip(top).take(height);
        let names = in_sight().map(|(_, entry)| width(&entry.name)).max().unwrap_or(0).clamp(20, 28);
        for (index, entry) in in_sight() {
            let Some(spot) = row(list, (index - top) as u16) else { break };
            draw(entry, index == self.cursor, names, view, spot, buf);
        }
        at
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("enter", "run"), ("tab", "complete"), ("up/down", "choose"), ("esc", "leave")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}

/// The kinds of object that the clusters serve.
fn kinds_of(view: &View<'_>) -> Vec<Entry> {
    let known = kinds::known(view);
    let is_alone = |of: &Resource| known.values().filter(|other| other.plural == of.plural).count() == 1;
    let entry = |(qualified, resource): (&String, &&std::sync::Arc<Resource>)| {
        let qualified = qualified.clone();
        let short: Vec<&str> = resource.short_names.iter().map(crate::text::Clean::as_str).collect();
        let version = if resource.group.is_empty() {
            resource.version.to_string()
        } else {
            format!("{}/{}", resource.group, resource.version)
        };
        let refusal = kinds::refusal(view, resource);
        let names = [resource.singular.to_lowercase(), resource.plural.to_string(), qualified.clone()];
        Entry {
            line: format!("kind {qualified}"),
            key: short.join(" "),
            help: match refusal {
                Some(error) => format!("denied: {}", error.says),
                None => format!("kind {} ({version})", resource.kind),
            },
            is_denied: refusal.is_some(),
            availability: Availability::Free,
            needs_more: false,
            also: names.into_iter().chain(short.iter().map(ToString::to_string)).collect(),
            name: if is_alone(resource) { resource.plural.to_string() } else { qualified },
            precedence: u32::from(resource.group.is_empty()),
        }
    };
    known.iter().map(entry).collect()
}

/// `names`: width of the column of names.
fn draw(entry: &Entry, is_chosen: bool, names: u16, view: &View<'_>, spot: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let is_refused = entry.availability.is_refused();
    let quiet = is_refused || entry.is_denied;
    let style = match (is_refused, entry.is_denied) {
        (true, _) => theme.dim.add_modifier(Modifier::CROSSED_OUT),
        (false, true) => theme.dim,
        (false, false) => theme.text,
    };
    let name = fit(&entry.name, names, theme.glyphs.ellipsis).into_owned();
    let pad = " ".repeat(usize::from((names + 1).saturating_sub(width(&name))));
    let line = Line::from(vec![
        Span::styled(name, style),
        Span::raw(pad),
        // Short names of a kind may be longer than the column.
        Span::styled(format!("{:10} ", entry.key), if quiet { theme.dim } else { theme.key }),
        Span::styled(entry.help.clone(), if quiet { theme.dim } else { theme.text }),
    ]);
    let mut left = spot;
    if let Some(why) = entry.availability.reason() {
        let why = fit(&why, spot.width.saturating_sub(32), theme.glyphs.ellipsis).into_owned();
        left.width = spot.width.saturating_sub(width(&why) + 2);
        put_right(buf, spot, &Line::styled(why, theme.stale), theme.glyphs.ellipsis);
    }
    put_line(buf, left, &line, theme.glyphs.ellipsis);
    if is_chosen {
        buf.set_style(spot, theme.selection);
    }
}
