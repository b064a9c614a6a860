//! The terminal, taken before anything else is done, and what is drawn on it.

use std::{path::PathBuf, sync::Arc};

use color_eyre::Result;
use tokio::sync::oneshot;

use super::background;
use crate::{
    app::{App, look::Look, settings::Settings},
    cli::crash,
    config::file::Ui,
    keymap::Keymap,
    runtime,
    terminal::{LateReply, Modes, Session, install_panic_hook, mark_ui_thread},
    time::Clock,
    ui::theme::{Background, TerminalEnv, ThemeChoice},
};

/// The terminal and how the cockpit looks on it.
pub struct Stage {
    pub session: Session,
    /// Yields when the terminal is gone.
    pub gone: oneshot::Receiver<std::io::Error>,
    terminal: TerminalEnv,
    choice: ThemeChoice,
    pub look: Look,
}

impl Stage {
    /// Takes the terminal. A crash leaves its report in `state`.
    pub fn enter(ui: &Ui, state: PathBuf, clock: &Arc<dyn Clock>) -> Result<Self> {
        mark_ui_thread();
        crash::install(state, clock.clone());
        install_panic_hook(|_| {});
        let terminal = TerminalEnv::from_process();
        let choice = ui.theme.parse::<ThemeChoice>().unwrap_or_default();
        let (session, gone) = Session::enter(Modes { mouse: ui.mouse }, terminal.understands_osc())?;
        let shown = if terminal.no_color.is_some() && choice == ThemeChoice::Auto { ThemeChoice::None } else { choice };
        let background = terminal.background().unwrap_or_default();
        let look = Look { choice: shown, background, depth: terminal.depth(), glyphs: terminal.glyphs(ui.ascii) };
        Ok(Self { session, gone, terminal, choice, look })
    }

    /// A frame of one line, while what the cockpit needs is still made. Keys typed meanwhile stay with the terminal.
    pub fn curtain(&mut self, mut settings: Settings, words: &'static str, clock: &Arc<dyn Clock>) -> Result<()> {
        settings.curtain = Some(words.into());
        let mut app = App::new(settings, Keymap::default(), self.look);
        self.paint(&mut app, clock)
    }

    pub fn paint(&mut self, app: &mut App, clock: &Arc<dyn Clock>) -> Result<()> {
        Ok(runtime::paint(app, &mut self.session, clock.now())?)
    }

    /// Asks the terminal for its background, behind the frame that is on its way.
    pub fn background(&self, clock: &Arc<dyn Clock>) -> (Background, LateReply, Vec<crossterm::event::KeyEvent>) {
        background::ask(&self.session, &self.terminal, self.choice, clock)
    }
}
