//! Colours by role, for dark and light backgrounds. Nothing outside `theme` may see them.

use super::ColourDepth;
use ratatui::style::Color;

/// One colour: exact, and the nearest of the sixteen that every terminal has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub rgb: [u8; 3],
    pub ansi: Color,
}

impl Ink {
    const fn new(rgb: [u8; 3], ansi: Color) -> Self {
        Self { rgb, ansi }
    }

    /// The colour in as many colours as the terminal has.
    pub fn at(self, depth: ColourDepth) -> Color {
        let [red, green, blue] = self.rgb;
        match depth {
            ColourDepth::True => Color::Rgb(red, green, blue),
            ColourDepth::Ansi256 => Color::Indexed(nearest_256([red, green, blue])),
            ColourDepth::Ansi16 => self.ansi,
            ColourDepth::None => Color::Reset,
        }
    }
}

/// The nearest colour of the 6x6x6 cube and the grey ramp. The first sixteen are the user's own and not used.
fn nearest_256(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance =
        |other: [u8; 3]| -> i32 { rgb.iter().zip(other).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum() };
    let step = |value: u8| (0..6).min_by_key(|i| STEPS[usize::from(*i)].abs_diff(value)).unwrap_or(0_u8);
    let [red, green, blue] = rgb.map(step);
    let cube = [red, green, blue].map(|i| STEPS[usize::from(i)]);
    let mean = rgb.iter().map(|part| u16::from(*part)).sum::<u16>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    if distance([8 + 10 * grey; 3]) < distance(cube) { 232 + grey } else { 16 + 36 * red + 6 * green + blue }
}

/// Every colour of one theme.
#[derive(Debug)]
pub(super) struct Palette {
    pub dim: Ink,
    pub border: Ink,
    pub accent: Ink,
    pub broken: Ink,
    pub wrong: Ink,
    pub progress: Ink,
    pub ok: Ink,
    pub stale: Ink,
    pub add: Ink,
    pub remove: Ink,
    /// Text on a filled badge or match.
    pub on_badge: Ink,
    pub production: Ink,
    pub harmless: Ink,
    pub found: Ink,
    pub found_current: Ink,
    pub selection: Ink,
    pub selection_quiet: Ink,
    pub series: [Ink; 8],
}

const fn ink(rgb: [u8; 3], ansi: Color) -> Ink {
    Ink::new(rgb, ansi)
}

pub(super) const DARK: Palette = Palette {
    dim: ink([0x98, 0x9f, 0xad], Color::Gray),
    border: ink([0x4f, 0x56, 0x66], Color::DarkGray),
    accent: ink([0x7a, 0xb0, 0xff], Color::LightBlue),
    broken: ink([0xff, 0x6e, 0x6a], Color::LightRed),
    wrong: ink([0xe8, 0xb6, 0x5a], Color::LightYellow),
    progress: ink([0x62, 0xc4, 0xd6], Color::LightCyan),
    ok: ink([0x8f, 0xc9, 0x7b], Color::LightGreen),
    stale: ink([0xcb, 0xa0, 0xf2], Color::LightMagenta),
    add: ink([0x8f, 0xc9, 0x7b], Color::LightGreen),
    remove: ink([0xff, 0x7e, 0x7a], Color::LightRed),
    on_badge: ink([0x10, 0x12, 0x16], Color::Black),
    production: ink([0xff, 0x6e, 0x6a], Color::LightRed),
    harmless: ink([0x62, 0xc4, 0xd6], Color::LightCyan),
    found: ink([0xe8, 0xb6, 0x5a], Color::Yellow),
    found_current: ink([0xff, 0xdd, 0x8f], Color::LightYellow),
    selection: ink([0x2c, 0x3a, 0x58], Color::Blue),
    selection_quiet: ink([0x2b, 0x2f, 0x38], Color::DarkGray),
    series: [
        ink([0x6f, 0xb3, 0xf5], Color::LightBlue),
        ink([0xe8, 0xb6, 0x5a], Color::LightYellow),
        ink([0x8f, 0xc9, 0x7b], Color::LightGreen),
        ink([0xcb, 0x8f, 0xe8], Color::LightMagenta),
        ink([0x62, 0xc4, 0xd6], Color::LightCyan),
        ink([0xf0, 0x8a, 0x7c], Color::LightRed),
        ink([0xd6, 0x9d, 0x6c], Color::Yellow),
        ink([0xb4, 0xbb, 0xc8], Color::Gray),
    ],
};

pub(super) const LIGHT: Palette = Palette {
    dim: ink([0x5a, 0x61, 0x6e], Color::DarkGray),
    border: ink([0xa8, 0xae, 0xb9], Color::Gray),
    accent: ink([0x1a, 0x57, 0xb8], Color::Blue),
    broken: ink([0xbf, 0x16, 0x1e], Color::Red),
    wrong: ink([0x85, 0x55, 0x00], Color::Yellow),
    progress: ink([0x00, 0x66, 0x75], Color::Cyan),
    ok: ink([0x2b, 0x6b, 0x12], Color::Green),
    stale: ink([0x76, 0x3a, 0xa8], Color::Magenta),
    add: ink([0x2b, 0x6b, 0x12], Color::Green),
    remove: ink([0xbf, 0x16, 0x1e], Color::Red),
    on_badge: ink([0xff, 0xff, 0xff], Color::White),
    production: ink([0xbf, 0x16, 0x1e], Color::Red),
    harmless: ink([0x00, 0x66, 0x75], Color::Cyan),
    found: ink([0x85, 0x55, 0x00], Color::Magenta),
    found_current: ink([0x1a, 0x57, 0xb8], Color::Blue),
    selection: ink([0xd3, 0xe3, 0xff], Color::LightBlue),
    selection_quiet: ink([0xe6, 0xe9, 0xee], Color::Gray),
    series: [
        ink([0x1a, 0x57, 0xb8], Color::Blue),
        ink([0x93, 0x58, 0x00], Color::Yellow),
        ink([0x2b, 0x6b, 0x12], Color::Green),
        ink([0x86, 0x2c, 0xab], Color::Magenta),
        ink([0x00, 0x66, 0x75], Color::Cyan),
        ink([0xb0, 0x2a, 0x20], Color::Red),
        ink([0x9a, 0x48, 0x00], Color::LightRed),
        ink([0x5a, 0x61, 0x6e], Color::DarkGray),
    ],
};

/// Okabe and Ito's colours, lifted for a dark background: orange is bad, blue is good.
pub(super) const COLOURBLIND_DARK: Palette = Palette {
    broken: ink([0xff, 0x9a, 0x3d], Color::LightYellow),
    wrong: ink([0xf2, 0xe2, 0x6b], Color::Yellow),
    progress: ink([0xb5, 0xd4, 0xe8], Color::LightCyan),
    ok: ink([0x5c, 0xb4, 0xf0], Color::LightBlue),
    stale: ink([0xd9, 0x9c, 0xc4], Color::LightMagenta),
    add: ink([0x5c, 0xb4, 0xf0], Color::LightBlue),
    remove: ink([0xff, 0x9a, 0x3d], Color::LightYellow),
    production: ink([0xff, 0x9a, 0x3d], Color::LightYellow),
    harmless: ink([0x5c, 0xb4, 0xf0], Color::LightBlue),
    series: [
        ink([0x5c, 0xb4, 0xf0], Color::LightBlue),
        ink([0xff, 0x9a, 0x3d], Color::LightYellow),
        ink([0xf2, 0xe2, 0x6b], Color::Yellow),
        ink([0xd9, 0x9c, 0xc4], Color::LightMagenta),
        ink([0x4c, 0xc9, 0xa5], Color::LightGreen),
        ink([0xb5, 0xd4, 0xe8], Color::LightCyan),
        ink([0xee, 0x85, 0x58], Color::LightRed),
        ink([0xb4, 0xbb, 0xc8], Color::Gray),
    ],
    ..DARK
};

pub(super) const COLOURBLIND_LIGHT: Palette = Palette {
    broken: ink([0xa8, 0x43, 0x00], Color::Red),
    wrong: ink([0x74, 0x5c, 0x00], Color::Yellow),
    progress: ink([0x3d, 0x5c, 0x85], Color::Cyan),
    ok: ink([0x00, 0x57, 0x9c], Color::Blue),
    stale: ink([0x8f, 0x3a, 0x72], Color::Magenta),
    add: ink([0x00, 0x57, 0x9c], Color::Blue),
    remove: ink([0xa8, 0x43, 0x00], Color::Red),
    production: ink([0xa8, 0x43, 0x00], Color::Red),
    harmless: ink([0x00, 0x57, 0x9c], Color::Blue),
    series: [
        ink([0x00, 0x57, 0x9c], Color::Blue),
        ink([0xa8, 0x43, 0x00], Color::Red),
        ink([0x74, 0x5c, 0x00], Color::Yellow),
        ink([0x8f, 0x3a, 0x72], Color::Magenta),
        ink([0x00, 0x6b, 0x50], Color::Green),
        ink([0x3d, 0x5c, 0x85], Color::Cyan),
        ink([0x8a, 0x2f, 0x10], Color::LightRed),
        ink([0x5a, 0x61, 0x6e], Color::DarkGray),
    ],
    ..LIGHT
};
