//! Styles as SGR sequences, only what changed since the last cell.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use std::io::Write as _;

const CODES: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// What ends an attribute. Bold and dim are ended together.
const ENDS: [(Modifier, u8); 7] = [
    (Modifier::BOLD.union(Modifier::DIM), 22),
    (Modifier::ITALIC, 23),
    (Modifier::UNDERLINED, 24),
    (Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK), 25),
    (Modifier::REVERSED, 27),
    (Modifier::HIDDEN, 28),
    (Modifier::CROSSED_OUT, 29),
];

/// The style the terminal writes in now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Default for Pen {
    fn default() -> Self {
        Self { fg: Color::Reset, bg: Color::Reset, underline: Color::Reset, modifier: Modifier::empty() }
    }
}

impl Pen {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }

    /// Changes the style to the cell's.
    pub(super) fn set(&mut self, cell: &Cell, out: &mut Vec<u8>) {
        if self.writes(cell) {
            return;
        }
        let wanted = Self::of(cell);
        let mut codes: Vec<u8> = Vec::with_capacity(48);
        if wanted == Self::default() {
            codes.extend_from_slice(b"0;");
            *self = Self::default();
        }
        // A reset would be shorter, but then both colours must be said again.
        for (modifiers, code) in ENDS {
            if (self.modifier - wanted.modifier).intersects(modifiers) {
                let _ = write!(codes, "{code};");
                self.modifier.remove(modifiers);
            }
        }
        for (modifier, code) in CODES {
            if (wanted.modifier - self.modifier).contains(modifier) {
                let _ = write!(codes, "{code};");
            }
        }
        if wanted.fg != self.fg {
            colour(wanted.fg, 30, &mut codes);
        }
        if wanted.bg != self.bg {
            colour(wanted.bg, 40, &mut codes);
        }
        if wanted.underline != self.underline {
            match wanted.underline {
                Color::Rgb(red, green, blue) => drop(write!(codes, "58;2;{red};{green};{blue};")),
                Color::Indexed(index) => drop(write!(codes, "58;5;{index};")),
                _ => codes.extend_from_slice(b"59;"),
            }
        }
        *self = wanted;
        codes.pop();
        let _ = write!(out, "\x1b[{}m", std::str::from_utf8(&codes).unwrap_or_default());
    }

    /// Whether a cell is written in this style as it is.
    pub(super) fn writes(&self, cell: &Cell) -> bool {
        let wanted = Self::of(cell);
        *self == wanted || (cell.symbol() == " " && self.blanks_as(&wanted))
    }

    /// Whether erased cells look like blanks in this style everywhere: terminals differ in the background they erase with.
    pub(super) fn erases(&self) -> bool {
        self.blanks_as(&Self::default())
    }

    /// A blank looks the same in both: its letters' colour and weight are not seen.
    fn blanks_as(&self, other: &Self) -> bool {
        const SEEN: Modifier =
            Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT).union(Modifier::HIDDEN);
        self.bg == other.bg && !(self.modifier | other.modifier).intersects(SEEN)
    }

    /// Back to the terminal's own style.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if *self != Self::default() {
            out.extend_from_slice(b"\x1b[0m");
            *self = Self::default();
        }
    }
}

/// Whether the terminal shows both alike.
pub(super) fn look_alike(one: &Cell, other: &Cell) -> bool {
    one == other || (one.symbol() == " " && other.symbol() == " " && Pen::of(one).blanks_as(&Pen::of(other)))
}

/// A colour's code with a semicolon behind it; `base` is 30 for text and 40 for background.
fn colour(colour: Color, base: u8, codes: &mut Vec<u8>) {
    let number = match colour {
        Color::Rgb(red, green, blue) => return drop(write!(codes, "{};2;{red};{green};{blue};", base + 8)),
        Color::Indexed(index) => return drop(write!(codes, "{};5;{index};", base + 8)),
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => base + 60,
        Color::LightRed => base + 61,
        Color::LightGreen => base + 62,
        Color::LightYellow => base + 63,
        Color::LightBlue => base + 64,
        Color::LightMagenta => base + 65,
        Color::LightCyan => base + 66,
        Color::White => base + 67,
    };
    let _ = write!(codes, "{number};");
}
