//! The only colours. Everything drawn asks a [`Theme`] for a role ("broken", "dim"), never for a colour.
//!
//! Text and background stay the terminal's own, so that midwatch fits whatever scheme somebody works in;
//! colour is spent on meaning only, and every meaning also has a mark or a word.

mod environment;
mod glyphs;
mod palette;

pub use environment::{Background, ColourDepth, TerminalEnv, background_of, parse_osc11};
pub use glyphs::{GlyphSet, Glyphs, Lines};

use palette::{Ink, Palette};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

/// What somebody asked for by `--theme` or in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeChoice {
    /// Dark or light, by what the terminal says of its background.
    #[default]
    Auto,
    Dark,
    Light,
    /// Blue and orange in place of green and red, on dark or light as the terminal is.
    Colourblind,
    /// Bold, dim, reverse and underline only. `NO_COLOR` means this.
    None,
}

/// A theme name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no theme is called '{0}': use one of auto, dark, light, colourblind, none")]
pub struct UnknownTheme(pub String);

impl std::str::FromStr for ThemeChoice {
    type Err = UnknownTheme;

    fn from_str(name: &str) -> Result<Self, UnknownTheme> {
        Ok(match name {
            "auto" => Self::Auto,
            "dark" => Self::Dark,
            "light" => Self::Light,
            "colourblind" | "colorblind" | "colour-blind" => Self::Colourblind,
            "none" | "mono" | "no-color" => Self::None,
            other => return Err(UnknownTheme(other.to_owned())),
        })
    }
}

/// The marks of the product: colour is never the only sign. Always two cells wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// `!!` broken now, act.
    Broken,
    /// `!` wrong, not urgent.
    Wrong,
    /// `??` no fresh data.
    NoData,
    /// `~` in progress.
    Progress,
    /// `ac` acknowledged.
    Acked,
    /// `zz` silenced.
    Silenced,
    /// `ok` fine.
    Ok,
    /// `*` new since the last look.
    New,
    /// `**` part of this incident.
    Incident,
    /// Two blanks, where a row has nothing to say.
    Blank,
}

impl Mark {
    /// The mark, padded to two cells.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Broken => "!!",
            Self::Wrong => "! ",
            Self::NoData => "??",
            Self::Progress => "~ ",
            Self::Acked => "ac",
            Self::Silenced => "zz",
            Self::Ok => "ok",
            Self::New => "* ",
            Self::Incident => "**",
            Self::Blank => "  ",
        }
    }

    /// The mark's meaning in words, for help, plain output and screen readers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken now",
            Self::Wrong => "wrong, not urgent",
            Self::NoData => "no fresh data",
            Self::Progress => "in progress",
            Self::Acked => "acknowledged",
            Self::Silenced => "silenced",
            Self::Ok => "fine",
            Self::New => "new since your last look",
            Self::Incident => "part of this incident",
            Self::Blank => "",
        }
    }
}

/// Styles by meaning, and the glyphs to draw with. Build it once; rebuild when the background becomes known.
#[derive(Debug, Clone)]
pub struct Theme {
    pub background: Background,
    pub depth: ColourDepth,
    pub glyphs: &'static Glyphs,
    /// Ordinary text: the terminal's own colour.
    pub text: Style,
    /// Text that matters less: column heads, ages, units.
    pub dim: Style,
    /// Text that matters more, without a meaning of its own.
    pub strong: Style,
    pub title: Style,
    /// The title of a pane that is not focused.
    pub title_quiet: Style,
    pub border: Style,
    pub border_focused: Style,
    pub accent: Style,
    /// The row under the cursor in the focused pane: patch it over the row.
    pub selection: Style,
    /// The row under the cursor in a pane that is not focused.
    pub selection_quiet: Style,
    pub broken: Style,
    pub wrong: Style,
    pub progress: Style,
    pub ok: Style,
    /// `??`: what is shown is older than it should be.
    pub stale: Style,
    pub silenced: Style,
    pub acked: Style,
    pub new: Style,
    pub incident: Style,
    /// The word that marks production, everywhere.
    pub production: Style,
    /// The word that marks a cluster that is not production, and DEMO.
    pub harmless: Style,
    pub link: Style,
    /// Eight lines of a chart that can be told apart.
    pub series: [Style; 8],
    /// Pods of a log, told apart in none of the colours that its levels have.
    pub pods: [Style; 8],
    pub limit: Style,
    /// A deploy or another change, drawn as a column of a chart.
    pub marker: Style,
    pub diff_add: Style,
    pub diff_remove: Style,
    pub diff_hunk: Style,
    /// The changed words inside a changed line: patch it over the line.
    pub diff_word: Style,
    pub search_match: Style,
    pub search_current: Style,
    pub key: Style,
    pub key_word: Style,
    /// A text field.
    pub input: Style,
    pub placeholder: Style,
}

impl Theme {
    /// Builds the theme for a choice on a background, in as many colours as the terminal has.
    pub fn new(choice: ThemeChoice, background: Background, depth: ColourDepth, glyphs: GlyphSet) -> Self {
        let (background, palette) = match (choice, background) {
            (ThemeChoice::None, _) => return Self::plain(background, glyphs),
            (ThemeChoice::Dark, _) => (Background::Dark, &palette::DARK),
            (ThemeChoice::Light, _) => (Background::Light, &palette::LIGHT),
            (ThemeChoice::Auto, Background::Dark) => (background, &palette::DARK),
            (ThemeChoice::Auto, Background::Light) => (background, &palette::LIGHT),
            (ThemeChoice::Colourblind, Background::Dark) => (background, &palette::COLOURBLIND_DARK),
            (ThemeChoice::Colourblind, Background::Light) => (background, &palette::COLOURBLIND_LIGHT),
        };
        if depth == ColourDepth::None {
            return Self::plain(background, glyphs);
        }
        Self::coloured(palette, background, depth, glyphs)
    }

    fn coloured(palette: &Palette, background: Background, depth: ColourDepth, glyphs: GlyphSet) -> Self {
        let ink = |ink: Ink| Style::new().fg(ink.at(depth));
        let few = depth == ColourDepth::Ansi16;
        // Sixteen colours have no grey that is legible on every scheme, and no quiet background: use attributes.
        let grey = |colour: Ink| if few { Style::new().add_modifier(Modifier::DIM) } else { ink(colour) };
        let behind = |colour: Ink, instead: Modifier| {
            if few { Style::new().add_modifier(instead) } else { Style::new().bg(colour.at(depth)) }
        };
        let text = Style::new();
        let dim = grey(palette.dim);
        let strong = text.add_modifier(Modifier::BOLD);
        let accent = ink(palette.accent);
        let broken = ink(palette.broken).add_modifier(Modifier::BOLD);
        let pods = [0, 3, 4, 7].map(|at: usize| ink(palette.series[at]));
        let [blue, purple, cyan, gray] = pods;
        let [bold_blue, bold_purple, bold_cyan, bold_gray] = pods.map(|pod| pod.add_modifier(Modifier::BOLD));
        let on = |fore: Ink, back: Ink| Style::new().fg(fore.at(depth)).bg(back.at(depth));
        Self {
            background,
            depth,
            glyphs: glyphs.get(),
            text,
            dim,
            strong,
            title: strong,
            title_quiet: strong,
            border: grey(palette.border),
            border_focused: accent,
            accent,
            // Dim words on a reversed row are hard to read: they are the row's main ones as long as it is selected.
            selection: behind(palette.selection, Modifier::REVERSED).remove_modifier(Modifier::DIM),
            selection_quiet: behind(palette.selection_quiet, Modifier::UNDERLINED),
            broken,
            wrong: ink(palette.wrong),
            progress: ink(palette.progress),
            ok: ink(palette.ok),
            stale: ink(palette.stale),
            silenced: dim,
            acked: ink(palette.progress),
            new: accent.add_modifier(Modifier::BOLD),
            incident: broken,
            production: on(palette.on_badge, palette.production).add_modifier(Modifier::BOLD),
            harmless: on(palette.on_badge, palette.harmless).add_modifier(Modifier::BOLD),
            link: accent.add_modifier(Modifier::UNDERLINED),
            series: palette.series.map(ink),
            pods: [blue, purple, cyan, gray, bold_blue, bold_purple, bold_cyan, bold_gray],
            limit: ink(palette.broken),
            marker: ink(palette.wrong),
            diff_add: ink(palette.add),
            diff_remove: ink(palette.remove),
            diff_hunk: ink(palette.progress),
            diff_word: Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            search_match: on(palette.on_badge, palette.found),
            search_current: on(palette.on_badge, palette.found_current).add_modifier(Modifier::BOLD),
            key: accent.add_modifier(Modifier::BOLD),
            key_word: dim,
            input: behind(palette.selection_quiet, Modifier::UNDERLINED),
            placeholder: dim,
        }
    }

    fn plain(background: Background, glyphs: GlyphSet) -> Self {
        let text = Style::new();
        let with = |modifier| text.add_modifier(modifier);
        let (bold, dim, under, reverse) =
            (with(Modifier::BOLD), with(Modifier::DIM), with(Modifier::UNDERLINED), with(Modifier::REVERSED));
        Self {
            background,
            depth: ColourDepth::None,
            glyphs: glyphs.get(),
            text,
            dim,
            strong: bold,
            title: bold,
            title_quiet: text,
            border: dim,
            border_focused: bold,
            accent: bold,
            selection: reverse.remove_modifier(Modifier::DIM),
            selection_quiet: under,
            broken: bold,
            wrong: text,
            progress: text,
            ok: text,
            stale: bold,
            silenced: dim,
            acked: dim,
            new: bold,
            incident: bold,
            production: with(Modifier::BOLD | Modifier::REVERSED),
            harmless: bold,
            link: under,
            series: [bold, text, dim, under, bold, text, dim, under],
            // Bold, dim and underlined mean something; their names tell them apart.
            pods: [text; 8],
            limit: text,
            marker: dim,
            diff_add: bold,
            diff_remove: text,
            diff_hunk: dim,
            diff_word: under,
            search_match: under,
            search_current: with(Modifier::BOLD | Modifier::REVERSED),
            key: bold,
            key_word: dim,
            input: under,
            placeholder: dim,
        }
    }

    /// The style of a mark, and of the words that belong to it.
    pub const fn mark_style(&self, mark: Mark) -> Style {
        match mark {
            Mark::Broken => self.broken,
            Mark::Wrong => self.wrong,
            Mark::NoData => self.stale,
            Mark::Progress => self.progress,
            Mark::Acked => self.acked,
            Mark::Silenced => self.silenced,
            Mark::Ok => self.ok,
            Mark::New => self.new,
            Mark::Incident => self.incident,
            Mark::Blank => self.text,
        }
    }

    /// The mark as a span, two cells wide.
    pub fn mark(&self, mark: Mark) -> Span<'static> {
        Span::styled(mark.text(), self.mark_style(mark))
    }

    /// The style for a colour somebody else named, such as a Grafana threshold: `green`, `semi-dark-red`, `#f2495c`.
    /// Foreign colours become our roles by hue, so that they stay legible on every background and without colour.
    pub fn named(&self, colour: &str) -> Style {
        let colour = colour.trim().to_ascii_lowercase();
        if let Some(hex) = colour.strip_prefix('#') {
            return u32::from_str_radix(hex.get(..6).unwrap_or("x"), 16).map_or(self.text, |rgb| self.by_hue(rgb));
        }
        for (word, style) in [
            ("green", self.ok),
            ("yellow", self.wrong),
            ("orange", self.wrong),
            ("red", self.broken),
            ("blue", self.progress),
            ("purple", self.stale),
        ] {
            if colour.contains(word) {
                return style;
            }
        }
        self.text
    }

    fn by_hue(&self, rgb: u32) -> Style {
        let [_, red, green, blue] = rgb.to_be_bytes().map(i32::from);
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        if most - least < 40 {
            return self.text;
        }
        if most == blue {
            return if red > green + 20 { self.stale } else { self.progress };
        }
        if most == green {
            return if red > most - (most - least) / 3 { self.wrong } else { self.ok };
        }
        if green - least > (most - least) / 3 { self.wrong } else { self.broken }
    }

    /// Whether anything is told by colour at all.
    pub fn has_colour(&self) -> bool {
        self.depth != ColourDepth::None
    }
}

#[cfg(test)]
mod tests;
