//! The first start without a configuration: what was found, what was not, the key that mends it, and a line that takes
//! any address or token.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    app::Effect,
    command::{Command, Scope, ScreenId},
    keymap::Key,
    secret::Secret,
    text::{Clean, truncate},
    ui::{
        Overlay, Reply, View, overlays,
        theme::Mark,
        widgets::{
            cells::{clear, put_line, row, width},
            text_input::TextInput,
            wrap::wrapped,
        },
    },
};

/// What was looked for and not found, where nothing was.
const LOOKED_FOR: &str =
    "a kubeconfig, a GitHub login (GH_TOKEN, GITHUB_TOKEN, gh), GRAFANA_URL, ALERTMANAGER_URL, PROMETHEUS_URL";

/// The page. What it shows stands in the settings.
#[derive(Default)]
pub struct FirstMinute {
    /// Nobody asked for it.
    is_unasked: bool,
    field: TextInput,
    is_typing: bool,
}

impl FirstMinute {
    pub fn at_start() -> Self {
        Self { is_unasked: true, ..Self::default() }
    }

    /// The field's text, which leaves it at once: it may be a token.
    fn taken(&mut self) -> Reply {
        let text = Secret::new(self.field.text());
        self.field.clear();
        self.is_typing = false;
        if text.is_empty() { Reply::Done } else { Reply::Do(Effect::Connect(text)) }
    }

    fn key_in_field(&mut self, key: KeyEvent) -> Reply {
        match key.code {
            KeyCode::Enter => return self.taken(),
            KeyCode::Esc | KeyCode::Tab => {
                self.field.clear();
                self.is_typing = false;
            }
            _ => {
                self.field.handle(key);
            }
        }
        Reply::Done
    }
}

impl Overlay for FirstMinute {
    fn owns_keys(&self) -> bool {
        true
    }

    fn steps_aside(&self) -> bool {
        self.is_unasked && !self.is_typing
    }

    fn pasted(&mut self, text: &str) -> Reply {
        let text = Secret::new(text);
        if self.is_typing {
            self.field.insert(text.expose());
            return Reply::Done;
        }
        Reply::Do(Effect::Connect(text))
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        if self.is_typing {
            return self.key_in_field(key);
        }
        let is_nothing = view.settings.backends.is_empty();
        match key.code {
            KeyCode::Tab => {
                self.is_typing = true;
                Reply::Done
            }
            KeyCode::Char('w') => Reply::Do(Effect::WriteConfig),
            KeyCode::Char('d') => Reply::Do(Effect::StartDemo),
            KeyCode::Char('q') if is_nothing => Reply::Push(overlays::quit()),
            // There is nothing below it to go on to.
            KeyCode::Esc | KeyCode::Enter if is_nothing => Reply::Done,
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => Reply::Close,
            _ if view.keymap.keys(Command::Login).contains(&Key::of(key)) => Reply::Run(Command::Login),
            _ => match view.keymap.command(Key::of(key), ScreenId::Now, None) {
                Some(command) if command.spec().scope == Scope::Everywhere => Reply::Run(command),
                _ => Reply::Done,
            },
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        clear(buf, area);
        let inside = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area };
        let theme = view.theme;
        let is_nothing = view.settings.backends.is_empty() && !view.settings.found.is_empty();
        let mut lines = vec![Line::raw("")];
        if is_nothing {
            lines.extend(nothing(view, inside.width));
        } else {
            lines.extend(what_was_found(view, inside.width));
            lines.push(Line::raw(""));
            lines.extend(keys(view));
        }
        lines.push(Line::raw(""));
        // The line that takes a paste is always seen.
        let height = area.height.saturating_sub(2);
        let at = (lines.len() as u16).min(height);
        for (index, line) in lines.iter().take(usize::from(at)).enumerate() {
            if let Some(spot) = row(inside, index as u16) {
                put_line(buf, spot, line, theme.glyphs.ellipsis);
            }
        }
        let cursor = row(inside, at).and_then(|spot| self.render_field(view, spot, buf));
        if let (Some(says), Some(spot)) = (&view.settings.pasted, row(inside, at + 1)) {
            put_line(buf, spot, &Line::styled(says.as_str(), theme.strong), theme.glyphs.ellipsis);
        }
        cursor
    }

    fn hints(&self) -> Vec<(String, String)> {
        let own: &[(&str, &str)] = if self.is_typing {
            &[("enter", "ask what it is"), ("esc", "leave the field")]
        } else {
            &[("tab", "type an address or token"), ("w", "write the configuration"), ("d", "demo"), ("enter", "go on")]
        };
        own.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
    }
}

impl FirstMinute {
    /// A token that is typed is not shown, once it can be seen to be one.
    fn render_field(&self, view: &View<'_>, spot: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let ahead = put_line(buf, spot, &Line::styled("> ", theme.key), "");
        let spot = Rect { x: spot.x + ahead, width: spot.width.saturating_sub(ahead), ..spot };
        if !self.is_typing {
            put_line(buf, spot, &Line::styled("paste an address or a token (tab: type it)", theme.dim), "");
            return None;
        }
        let text = self.field.text();
        let is_shown = text.is_empty() || "https://".starts_with(text) || text.starts_with("http");
        if is_shown {
            return self.field.render(spot, "https://..., ghp_..., github_pat_..., glsa_...", theme, buf);
        }
        TextInput::new(&"*".repeat(text.chars().count())).render(spot, "", theme, buf)
    }
}

/// Three lines, cut where the screen ends.
fn nothing(view: &View<'_>, columns: u16) -> Vec<Line<'static>> {
    let theme = view.theme;
    let mut lines = Vec::new();
    let looked = format!("Looked for {LOOKED_FOR}: found none of them.");
    lines.extend(wrapped(&looked, columns).into_iter().map(|text| Line::styled(text, theme.text)));
    lines.push(Line::from(vec![
        Span::styled("d", theme.key),
        Span::styled("  starts the demo: a practice world, with an incident in it.", theme.text),
    ]));
    let paste = "Paste any URL or token here: it is asked what it is, and read for this session. w writes it down.";
    lines.extend(wrapped(paste, columns).into_iter().map(|text| Line::styled(text, theme.text)));
    lines
}

/// A remedy is shown whole; a list of a hundred contexts is not.
fn what_was_found(view: &View<'_>, columns: u16) -> Vec<Line<'static>> {
    const MOST_LINES: usize = 3;
    let theme = view.theme;
    let found = &view.settings.found;
    if found.is_empty() {
        return vec![Line::styled(
            "looking for a kubeconfig, a GitHub login and the addresses in the environment",
            theme.dim,
        )];
    }
    let name = found.iter().map(|(what, ..)| width(what)).max().unwrap_or(0).min(24);
    let lines = |(what, is_found, words): &(Clean, bool, Clean)| {
        let (mark, style) = if *is_found { (Mark::Ok, theme.text) } else { (Mark::NoData, theme.dim) };
        let pad = " ".repeat(usize::from((name + 2).saturating_sub(width(what))));
        let room = columns.saturating_sub(name + 5);
        let mut words = wrapped(words, room);
        if words.len() > MOST_LINES {
            let rest = words.split_off(MOST_LINES - 1).join(" ");
            words.push(truncate(&rest, usize::from(room), theme.glyphs.ellipsis));
        }
        let first = [theme.mark(mark), Span::styled(format!(" {what}{pad}"), theme.strong)];
        let rest = [Span::raw(" ".repeat(usize::from(name) + 5))];
        let heads = std::iter::once(first.to_vec()).chain(std::iter::repeat(rest.to_vec()));
        let whole = |(head, words)| Line::from([head, vec![Span::styled(words, style)]].concat());
        heads.zip(words).map(whole).collect::<Vec<Line<'static>>>()
    };
    let head = Line::styled("WHAT WAS FOUND, without a configuration", theme.strong);
    std::iter::once(head).chain(found.iter().flat_map(lines)).collect()
}

fn keys(view: &View<'_>) -> Vec<Line<'static>> {
    let theme = view.theme;
    let config = truncate(&view.settings.config_path, 60, theme.glyphs.ellipsis);
    let mut keys = vec![("w".to_owned(), format!("write what was found as {config}"))];
    let writing = view.keymap.shown(Command::EnableWriting);
    if view.settings.may_enable_writing
        && view.settings.read_only.is_some()
        && let Some(key) = writing
    {
        keys.push((key, "leave read-only mode; until then nothing can be changed".to_owned()));
    }
    keys.push(("d".to_owned(), "the demo: a practice world that needs none of this".to_owned()));
    keys.push(("enter".to_owned(), "go on; the first row of trouble comes to the front by itself".to_owned()));
    keys.into_iter()
        .map(|(key, words)| {
            Line::from(vec![Span::styled(format!("{key:7}"), theme.key), Span::styled(words, theme.text)])
        })
        .collect()
}
