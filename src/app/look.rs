//! The theme in force, and what it was chosen from.

use crate::ui::theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice};

/// What a theme is made of; `next` goes round.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub choice: ThemeChoice,
    pub background: Background,
    pub depth: ColourDepth,
    pub glyphs: GlyphSet,
}

impl Look {
    pub fn theme(self) -> Theme {
        Theme::new(self.choice, self.background, self.depth, self.glyphs)
    }

    /// The next theme of the round.
    pub fn next(self) -> Self {
        let round =
            [ThemeChoice::Auto, ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::Colourblind, ThemeChoice::None];
        let at = round.iter().position(|choice| *choice == self.choice).unwrap_or(0);
        Self { choice: round[(at + 1) % round.len()], ..self }
    }
}
