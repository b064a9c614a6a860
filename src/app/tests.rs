//! The App as a whole: keys and pastes in, effects and frames out.

mod drift;
mod endings;
mod first_minute;
mod gitops;
mod keys;
mod kinds;
mod kube;
mod marks;
mod moment;
mod objects;
mod outside;
mod production;
mod tell;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{App, Effect, Msg, look::Look};
use crate::{
    time::{Clock as _, TestClock},
    ui::{
        testing::World,
        theme::{Background, ColourDepth, GlyphSet, ThemeChoice},
        widgets::cells::rows_of,
    },
};

/// An App over a world's store, and its clock.
struct Desk {
    app: App,
    clock: TestClock,
}

impl Desk {
    fn new(world: World) -> Self {
        let look = Look {
            choice: ThemeChoice::None,
            background: Background::Dark,
            depth: ColourDepth::None,
            glyphs: GlyphSet::Ascii,
        };
        let mut app = App::new(world.settings, world.keymap, look);
        app.store = world.store;
        Self { app, clock: world.clock }
    }

    fn frame(&mut self, (width, height): (u16, u16)) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        self.app.draw(&mut buf, self.clock.now());
        rows_of(&buf).join("\n")
    }

    fn press(&mut self, code: KeyCode) -> Vec<Effect> {
        self.app.update(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), self.clock.now())
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars().flat_map(|key| self.press(KeyCode::Char(key))).collect()
    }

    /// A line of the palette.
    fn line(&mut self, line: &str) -> Vec<Effect> {
        self.keys(":");
        self.keys(line);
        self.press(KeyCode::Enter)
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
    }
}
