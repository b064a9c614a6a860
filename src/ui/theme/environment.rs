//! What the terminal can show, from its environment and from its own answer about its background.

use super::GlyphSet;

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColourDepth {
    /// `NO_COLOR`, or a terminal that knows none.
    None,
    Ansi16,
    Ansi256,
    True,
}

/// Whether the terminal's background is dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    #[default]
    Dark,
    Light,
}

/// The variables that say what a terminal can do, read once so that everything else is a function of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalEnv {
    pub no_color: Option<String>,
    pub colorterm: Option<String>,
    pub term: Option<String>,
    pub colorfgbg: Option<String>,
    pub lc_all: Option<String>,
    pub lc_ctype: Option<String>,
    pub lang: Option<String>,
    pub tmux: Option<String>,
}

impl TerminalEnv {
    /// Reads the process's environment; an empty variable counts as unset.
    pub fn from_process() -> Self {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            no_color: read("NO_COLOR"),
            colorterm: read("COLORTERM"),
            term: read("TERM"),
            colorfgbg: read("COLORFGBG"),
            lc_all: read("LC_ALL"),
            lc_ctype: read("LC_CTYPE"),
            lang: read("LANG"),
            tmux: read("TMUX"),
        }
    }

    fn term(&self) -> &str {
        self.term.as_deref().unwrap_or_default()
    }

    /// As many colours as the variables promise. `NO_COLOR` (see no-color.org) wins over all.
    pub fn depth(&self) -> ColourDepth {
        const TRUE_COLOUR: [&str; 6] = ["-direct", "kitty", "alacritty", "ghostty", "wezterm", "foot"];
        let term = self.term();
        if self.no_color.is_some() || term == "dumb" {
            return ColourDepth::None;
        }
        let promised = matches!(self.colorterm.as_deref(), Some("truecolor" | "24bit"));
        if term == "linux" {
            ColourDepth::Ansi16
        } else if promised || TRUE_COLOUR.iter().any(|name| term.contains(name)) {
            ColourDepth::True
        } else if term.contains("256color") {
            ColourDepth::Ansi256
        } else {
            ColourDepth::Ansi16
        }
    }

    /// ASCII unless the locale is UTF-8 (POSIX: `LC_ALL` over `LC_CTYPE` over `LANG`); `ascii` is the flag `--ascii`.
    pub fn glyphs(&self, ascii: bool) -> GlyphSet {
        let locale = self.lc_all.as_deref().or(self.lc_ctype.as_deref()).or(self.lang.as_deref());
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        if ascii || !utf8 || self.term() == "dumb" {
            GlyphSet::Ascii
        } else if self.term() == "linux" {
            GlyphSet::Console
        } else {
            GlyphSet::Unicode
        }
    }

    /// The background by `COLORFGBG` (rxvt, Konsole), where the terminal itself did not answer.
    pub fn background(&self) -> Option<Background> {
        let index: u8 = self.colorfgbg.as_deref()?.rsplit(';').next()?.parse().ok()?;
        Some(if matches!(index, 7 | 9..=15) { Background::Light } else { Background::Dark })
    }

    /// Whether OSC 8 links, OSC 52 copies and titles may be sent: not to the Linux console nor to a dumb terminal.
    pub fn understands_osc(&self) -> bool {
        !matches!(self.term(), "linux" | "dumb" | "")
    }
}

/// The colour in an answer to `OSC 11 ; ?`, as 8-bit red, green and blue. Accepts `rgb:` and `rgba:` with one to four
/// hexadecimal digits a part, ended by BEL or ST, anywhere in `bytes`.
pub fn parse_osc11(bytes: &[u8]) -> Option<[u8; 3]> {
    let start = bytes.windows(5).position(|window| window == b"\x1b]11;")? + 5;
    let rest = &bytes[start..];
    let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
    let body = std::str::from_utf8(&rest[..end]).ok()?;
    let body = body.strip_prefix("rgb:").or_else(|| body.strip_prefix("rgba:"))?;
    let mut parts = body.split('/').map(|part| {
        let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)? - 1;
        let value = u32::from_str_radix(part, 16).ok()?;
        (1..=4).contains(&part.len()).then(|| (value * 255 / most) as u8)
    });
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// Dark or light, by perceived brightness.
pub fn background_of([red, green, blue]: [u8; 3]) -> Background {
    let brightness = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if brightness > 127_500 { Background::Light } else { Background::Dark }
}
