//! Colours by role, for dark and light backgrounds. Nothing outside `theme` may see them.

use super::ColourDepth;
use ratatui::style::Color;

/// One colour: exact, and the nearest of the sixteen that every terminal has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub rgb: u32,
    pub ansi: Color,
}

impl Ink {
    const fn new(rgb: u32, ansi: Color) -> Self {
        Self { rgb, ansi }
    }

    pub const fn parts(self) -> [u8; 3] {
        let [_, red, green, blue] = self.rgb.to_be_bytes();
        [red, green, blue]
    }

    /// The colour in as many colours as the terminal has.
    pub fn at(self, depth: ColourDepth) -> Color {
        let [red, green, blue] = self.parts();
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

const fn ink(rgb: u32, ansi: Color) -> Ink {
    Ink::new(rgb, ansi)
}

pub(super) const DARK: Palette = Palette {
    dim: ink(0x98_9f_ad, Color::Gray),
    border: ink(0x4f_56_66, Color::DarkGray),
    accent: ink(0x7a_b0_ff, Color::LightBlue),
    broken: ink(0xff_6e_6a, Color::LightRed),
    wrong: ink(0xe8_b6_5a, Color::LightYellow),
    progress: ink(0x62_c4_d6, Color::LightCyan),
    ok: ink(0x8f_c9_7b, Color::LightGreen),
    stale: ink(0xcb_a0_f2, Color::LightMagenta),
    add: ink(0x8f_c9_7b, Color::LightGreen),
    remove: ink(0xff_7e_7a, Color::LightRed),
    on_badge: ink(0x10_12_16, Color::Black),
    production: ink(0xff_6e_6a, Color::LightRed),
    harmless: ink(0x62_c4_d6, Color::LightCyan),
    found: ink(0xe8_b6_5a, Color::Yellow),
    found_current: ink(0xff_dd_8f, Color::LightYellow),
    selection: ink(0x2c_3a_58, Color::Blue),
    selection_quiet: ink(0x2b_2f_38, Color::DarkGray),
    series: [
        ink(0x6f_b3_f5, Color::LightBlue),
        ink(0xe8_b6_5a, Color::LightYellow),
        ink(0x8f_c9_7b, Color::LightGreen),
        ink(0xcb_8f_e8, Color::LightMagenta),
        ink(0x62_c4_d6, Color::LightCyan),
        ink(0xf0_8a_7c, Color::LightRed),
        ink(0xd6_9d_6c, Color::Yellow),
        ink(0xb4_bb_c8, Color::Gray),
    ],
};

pub(super) const LIGHT: Palette = Palette {
    dim: ink(0x5a_61_6e, Color::DarkGray),
    border: ink(0xa8_ae_b9, Color::Gray),
    accent: ink(0x1a_57_b8, Color::Blue),
    broken: ink(0xbf_16_1e, Color::Red),
    wrong: ink(0x85_55_00, Color::Yellow),
    progress: ink(0x00_66_75, Color::Cyan),
    ok: ink(0x2b_6b_12, Color::Green),
    stale: ink(0x76_3a_a8, Color::Magenta),
    add: ink(0x2b_6b_12, Color::Green),
    remove: ink(0xbf_16_1e, Color::Red),
    on_badge: ink(0xff_ff_ff, Color::White),
    production: ink(0xbf_16_1e, Color::Red),
    harmless: ink(0x00_66_75, Color::Cyan),
    found: ink(0x85_55_00, Color::Magenta),
    found_current: ink(0x1a_57_b8, Color::Blue),
    selection: ink(0xd3_e3_ff, Color::LightBlue),
    selection_quiet: ink(0xe6_e9_ee, Color::Gray),
    series: [
        ink(0x1a_57_b8, Color::Blue),
        ink(0x93_58_00, Color::Yellow),
        ink(0x2b_6b_12, Color::Green),
        ink(0x86_2c_ab, Color::Magenta),
        ink(0x00_66_75, Color::Cyan),
        ink(0xb0_2a_20, Color::Red),
        ink(0x9a_48_00, Color::LightRed),
        ink(0x5a_61_6e, Color::DarkGray),
    ],
};

/// Okabe and Ito's colours, lifted for a dark background: orange is bad, blue is good.
pub(super) const COLOURBLIND_DARK: Palette = Palette {
    broken: ink(0xff_9a_3d, Color::LightYellow),
    wrong: ink(0xf2_e2_6b, Color::Yellow),
    progress: ink(0xb5_d4_e8, Color::LightCyan),
    ok: ink(0x5c_b4_f0, Color::LightBlue),
    stale: ink(0xd9_9c_c4, Color::LightMagenta),
    add: ink(0x5c_b4_f0, Color::LightBlue),
    remove: ink(0xff_9a_3d, Color::LightYellow),
    production: ink(0xff_9a_3d, Color::LightYellow),
    harmless: ink(0x5c_b4_f0, Color::LightBlue),
    series: [
        ink(0x5c_b4_f0, Color::LightBlue),
        ink(0xff_9a_3d, Color::LightYellow),
        ink(0xf2_e2_6b, Color::Yellow),
        ink(0xd9_9c_c4, Color::LightMagenta),
        ink(0x4c_c9_a5, Color::LightGreen),
        ink(0xb5_d4_e8, Color::LightCyan),
        ink(0xee_85_58, Color::LightRed),
        ink(0xb4_bb_c8, Color::Gray),
    ],
    ..DARK
};

pub(super) const COLOURBLIND_LIGHT: Palette = Palette {
    broken: ink(0xa8_43_00, Color::Red),
    wrong: ink(0x74_5c_00, Color::Yellow),
    progress: ink(0x3d_5c_85, Color::Cyan),
    ok: ink(0x00_57_9c, Color::Blue),
    stale: ink(0x8f_3a_72, Color::Magenta),
    add: ink(0x00_57_9c, Color::Blue),
    remove: ink(0xa8_43_00, Color::Red),
    production: ink(0xa8_43_00, Color::Red),
    harmless: ink(0x00_57_9c, Color::Blue),
    series: [
        ink(0x00_57_9c, Color::Blue),
        ink(0xa8_43_00, Color::Red),
        ink(0x74_5c_00, Color::Yellow),
        ink(0x8f_3a_72, Color::Magenta),
        ink(0x00_6b_50, Color::Green),
        ink(0x3d_5c_85, Color::Cyan),
        ink(0x8a_2f_10, Color::LightRed),
        ink(0x5a_61_6e, Color::DarkGray),
    ],
    ..LIGHT
};
