//! `?` The keys as they are now, from the live keymap and nothing else; what cannot be done now, and why.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    availability::{availability, is_for},
    object::name_of,
    sheet::{Sheet, SheetLine, Writer},
};
use crate::{
    command::{COMMANDS, Command, CommandSpec, Scope, ScreenId},
    custom::OwnCommand,
    keymap::Keymap,
    store::Changes,
    ui::{
        Overlay, Reply, View,
        target::Target,
        theme::{Mark, Theme},
        widgets::{cells::line_width, dialog::dialog, frame::Frame, wrap::wrapped},
    },
};

/// Commands that are one line of help together.
const TOGETHER: &[(&[Command], &str)] = &[
    (&[Command::Down, Command::Up], "next, previous row"),
    (&[Command::Top, Command::Bottom], "first, last row; in logs: follow live"),
    (&[Command::PageDown, Command::PageUp], "a page down, up"),
    (&[Command::HalfDown, Command::HalfUp], "half a page down, up"),
    (&[Command::Left, Command::Right], "scroll a long row, log or diff sideways"),
    (
        &[
            Command::ScreenNow,
            Command::ScreenTriage,
            Command::ScreenKube,
            Command::ScreenPipelines,
            Command::ScreenPrs,
            Command::ScreenMetrics,
            Command::ScreenLogs,
            Command::ScreenAudit,
        ],
        "screen Now, Triage, Kube, Pipelines, PRs, Metrics, Logs, Audit",
    ),
    (&[Command::NextPane, Command::PreviousPane], "next, previous pane; the tabs of a page"),
    (&[Command::NextMatch, Command::PreviousMatch], "next, previous match; in a job's log: error"),
    (&[Command::SortNext, Command::SortPrevious], "sort by the next, previous column"),
    (&[Command::CursorLeft, Command::CursorRight], "move the time cursor"),
    (&[Command::ZoomIn, Command::ZoomOut], "half, twice the time range"),
];

const GAP: usize = 3;

/// The page of keys.
pub struct Help {
    screen: ScreenId,
    target: Option<Target>,
    sheet: Sheet,
    /// The width it was laid out for.
    width: u16,
}

impl Help {
    pub fn new(screen: ScreenId, target: Option<Target>) -> Self {
        Self { screen, target, sheet: Sheet::default(), width: 0 }
    }

    fn lay_out(&mut self, view: &View<'_>, width: u16) {
        self.width = width;
        let object = self.target.as_ref().map(Target::kind);
        let own = own_rows(view, self.target.as_ref());
        let has_own_keys = COMMANDS.iter().any(|spec| spec.scope == Scope::Screen(self.screen));
        let columns = match (view.is_narrow(), object.is_some() || !own.is_empty() || has_own_keys) {
            (true, _) => 1,
            (false, true) => 3,
            // Nothing holds here alone.
            (false, false) => 2,
        };
        let column = (usize::from(width) - GAP * (columns - 1)) / columns;
        let theme = view.theme;
        let rows = |is_meant: &dyn Fn(&CommandSpec) -> bool| rows(view.keymap, columns > 1, is_meant);
        let everywhere = block(None, &rows(&|spec| spec.scope == Scope::Everywhere), theme, column);
        let is_of_object = |spec: &CommandSpec| match spec.scope {
            Scope::On(kinds) => object.is_some_and(|kind| kinds.contains(&kind)),
            _ => false,
        };
        // The screen may mean something else by the key: then it is no key of the object here.
        let is_its_key = |spec: &CommandSpec| {
            view.keymap.keys(spec.id).iter().any(|key| view.keymap.command(*key, self.screen, object) == Some(spec.id))
        };
        let mut on_object = rows(&|spec| is_of_object(spec) && is_its_key(spec));
        let hidden = COMMANDS.iter().filter(|spec| is_of_object(spec) && !is_its_key(spec));
        let hidden: Vec<String> = hidden.filter_map(|spec| view.keymap.shown(spec.id)).collect();
        if let Some(menu) = view.keymap.shown(Command::Actions).filter(|_| !hidden.is_empty()) {
            on_object.push((menu, format!("the rest of it: {}", hidden.join(" "))));
        }
        let mut here = Vec::new();
        if let Some(kind) = object {
            here.extend(block(Some(&format!("THIS {}", kind.word().to_uppercase())), &on_object, theme, column));
        }
        if !own.is_empty() {
            here.push(Line::raw(""));
            here.extend(block(Some("YOUR OWN"), &own, theme, column));
        }
        let on_screen = rows(&|spec| spec.scope == Scope::Screen(self.screen));
        if !on_screen.is_empty() {
            if !here.is_empty() {
                here.push(Line::raw(""));
            }
            let title = format!("THIS SCREEN, {}", self.screen.title().to_uppercase());
            here.extend(block(Some(&title), &on_screen, theme, column));
        }
        let mut writer = Writer::new(theme).label(4);
        marks(&mut writer, usize::from(width));
        writer.gap();
        if columns == 1 {
            for line in here {
                writer.body(line);
            }
            writer.heading("EVERYWHERE");
            for line in everywhere {
                writer.body(line);
            }
        } else {
            beside(&mut writer, everywhere, &here, column, theme);
        }
        self.rest(&mut writer, view, usize::from(width));
        self.sheet.set(writer.done());
    }

    fn rest(&self, writer: &mut Writer<'_>, view: &View<'_>, width: usize) {
        let theme = view.theme;
        let refused: Vec<(String, &'static str, String)> = COMMANDS
            .iter()
            .filter(|spec| !matches!(spec.scope, Scope::Screen(own) if own != self.screen))
            .filter_map(|spec| {
                // What belongs to other kinds of objects is no news while one is selected.
                let elsewhere = self.target.is_some()
                    && matches!(spec.scope, Scope::On(kinds) if !self.target.as_ref().is_some_and(|t| kinds.contains(&t.kind())));
                let why = availability(spec, self.screen, self.target.as_ref(), view).reason().filter(|_| !elsewhere)?;
                Some((view.keymap.shown(spec.id)?, spec.hint, why))
            })
            .collect();
        if !refused.is_empty() {
            writer.heading("NOT AVAILABLE RIGHT NOW");
            for (key, hint, why) in refused {
                writer.body(Line::from(vec![
                    Span::styled(format!("{key:>9} "), theme.dim),
                    Span::styled(format!("{hint:12}"), theme.text),
                    Span::styled(why, theme.stale),
                ]));
            }
        }
        let confirm = "Lower case never changes what runs. Capitals never act on one key: a plan comes first and asks for a \
                       value you must have read. Pasted text never runs keys.";
        writer.heading("BEFORE ANYTHING IS SENT");
        for line in wrapped(confirm, width as u16) {
            writer.text(line);
        }
        writer.heading("TRUST");
        let settings = view.settings;
        for (name, value) in [
            ("config", settings.config_path.as_str()),
            ("audit", settings.audit_path.as_str()),
            ("version", settings.version),
        ] {
            if !value.is_empty() {
                writer.body(Line::from(vec![
                    Span::styled(format!("{name:9}"), theme.dim),
                    Span::styled(value.to_owned(), theme.text),
                ]));
            }
        }
    }
}

fn marks(writer: &mut Writer<'_>, width: usize) {
    let theme = writer.theme;
    writer.heading("MARKS");
    let marks = [Mark::Broken, Mark::Wrong, Mark::Progress, Mark::Ok, Mark::NoData, Mark::Silenced, Mark::Acked];
    let per_row = (width / 28).max(1);
    for some in marks.chunks(per_row) {
        let mut spans = Vec::new();
        for mark in some {
            spans.push(theme.mark(*mark));
            spans.push(Span::styled(format!(" {:24} ", mark.word()), theme.text));
        }
        writer.body(Line::from(spans));
    }
}

/// Keys and meaning, in the order of the table. Commands without a key are left out: the palette has them.
/// `is_short`: the first clause of each; the palette has the rest.
fn rows(keymap: &Keymap, is_short: bool, is_meant: &dyn Fn(&CommandSpec) -> bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for spec in COMMANDS.iter().filter(|spec| is_meant(spec)) {
        if let Some((commands, help)) = TOGETHER.iter().find(|(commands, _)| commands.contains(&spec.id)) {
            let keys: Vec<String> = commands.iter().filter_map(|command| keymap.shown(*command)).collect();
            if commands.first() == Some(&spec.id) && !keys.is_empty() {
                rows.push((joined(&keys), if is_short { first_clause(help) } else { (*help).to_owned() }));
            }
            continue;
        }
        let keys: Vec<String> = keymap.keys(spec.id).iter().map(ToString::to_string).collect();
        if !keys.is_empty() {
            let help = if is_short { first_clause(spec.help) } else { spec.help.to_owned() };
            let write = if spec.writes && !is_short { " (writes)" } else { "" };
            rows.push((joined(&keys), format!("{help}{write}")));
        }
    }
    rows
}

/// The configuration's own commands that have a key; those for the selected object, else all.
fn own_rows(view: &View<'_>, target: Option<&Target>) -> Vec<(String, String)> {
    let is_meant = |own: &&OwnCommand| target.is_none_or(|target| is_for(own, target, view));
    let commands = view.settings.commands.iter().filter(is_meant);
    commands
        .filter_map(|own| {
            let write = if own.writes { " (writes)" } else { "" };
            Some((own.key?.to_string(), format!("{}{write}", own.name)))
        })
        .collect()
}

/// The beginning that says it, up to a colon or semicolon, where the whole would take several lines.
fn first_clause(help: &str) -> String {
    const SHORT: usize = 42;
    if help.len() <= SHORT {
        return help.to_owned();
    }
    help[..help.find([';', ':']).filter(|end| *end > 0).unwrap_or(help.len())].to_owned()
}

/// `1-8` for a run of digits, else `j k`.
fn joined(keys: &[String]) -> String {
    let digits: Vec<char> =
        keys.iter().filter_map(|key| key.chars().next().filter(|c| key.len() == 1 && c.is_ascii_digit())).collect();
    let is_run = digits.len() == keys.len()
        && digits.len() > 2
        && digits.windows(2).all(|pair| pair[1] as u32 == pair[0] as u32 + 1);
    match (is_run, digits.first(), digits.last()) {
        (true, Some(first), Some(last)) => format!("{first}-{last}"),
        _ => keys.join(" "),
    }
}

/// Rows of a column, wrapped: keys on the left, meaning on the right. Keys longer than their place have a line of their own.
fn block(title: Option<&str>, rows: &[(String, String)], theme: &Theme, width: usize) -> Vec<Line<'static>> {
    const KEYS: usize = 9;
    const WIDE_KEYS: usize = 15;
    let keys_width = if width > 60 { WIDE_KEYS } else { KEYS };
    let mut lines = Vec::new();
    if let Some(title) = title {
        lines.push(Line::styled(title.to_owned(), theme.strong.patch(theme.accent)));
    }
    for (keys, help) in rows {
        let mut head = keys.clone();
        if head.chars().count() >= keys_width {
            lines.push(Line::styled(std::mem::take(&mut head), theme.key));
        }
        for part in wrapped(help, width.saturating_sub(keys_width) as u16) {
            let key = format!("{:keys_width$}", std::mem::take(&mut head));
            lines.push(Line::from(vec![Span::styled(key, theme.key), Span::styled(part, theme.text)]));
        }
    }
    lines
}

/// Two columns of what holds everywhere, and on the right what holds here, if anything.
fn beside(
    writer: &mut Writer<'_>,
    everywhere: Vec<Line<'static>>,
    here: &[Line<'static>],
    width: usize,
    theme: &Theme,
) {
    let mut first = vec![Line::styled("EVERYWHERE", theme.strong.patch(theme.accent))];
    let half = everywhere.len().div_ceil(2);
    // A wrapped line stays with its key: the cut moves on to the next row that has one.
    let has_key = |index: usize| everywhere[index].spans.first().is_some_and(|span| !span.content.trim().is_empty());
    let is_alone = |index: usize| everywhere[index].spans.len() == 1;
    let begins = |index: &usize| has_key(*index) && !(*index > 0 && is_alone(index - 1));
    let cut = (half..everywhere.len()).find(begins).unwrap_or(everywhere.len());
    let mut second = vec![Line::raw("")];
    for (index, line) in everywhere.into_iter().enumerate() {
        if index < cut { first.push(line) } else { second.push(line) }
    }
    let most = first.len().max(second.len()).max(here.len());
    let last = if here.is_empty() { 1 } else { 2 };
    for index in 0..most {
        let mut spans = Vec::new();
        for (place, column) in [first.as_slice(), second.as_slice(), here].into_iter().enumerate() {
            let line = column.get(index).cloned().unwrap_or_default();
            let used = usize::from(line_width(&line));
            let style = line.style;
            spans.extend(line.spans.into_iter().map(|span| Span::styled(span.content, style.patch(span.style))));
            if place < last {
                spans.push(Span::styled(" ".repeat((width + GAP).saturating_sub(used)), Style::new()));
            }
        }
        writer.lines.push(SheetLine { body: Line::from(spans), ..SheetLine::default() });
    }
}

impl Overlay for Help {
    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, _view: &View<'_>) -> Reply {
        match command {
            Command::Help => Reply::Close,
            command if self.sheet.run(command) => Reply::Done,
            _ => Reply::Ignored,
        }
    }

    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if self.width > 0 && changes.any(Changes::BACKENDS | Changes::ACTS) {
            self.lay_out(view, self.width);
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let selected = self.target.as_ref().map(|target| format!("   selected: {}", name_of(view, target)));
        let title = format!("HELP   screen: {}{}", self.screen.title(), selected.unwrap_or_default());
        let width = area.width.saturating_sub(4);
        if width > 0 && width != self.width {
            self.lay_out(view, width);
        }
        let foot = format!("{}/{}", self.sheet.cursor() + 1, self.sheet.len().max(1));
        let frame = Frame::new(view.theme, title).info("/ find   esc close").foot(foot);
        let inside = dialog(frame, area, area.width, area.height, buf);
        if inside.is_empty() {
            return None;
        }
        self.sheet.render(view, inside, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("j/k", "scroll"), ("pagedown", "a page on"), ("/", "find"), ("n", "next"), ("esc", "close")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
