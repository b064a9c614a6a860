//! What colour the terminal is, asked once at the start.

use std::sync::Arc;

use crate::{
    terminal::{LateReply, Session, query},
    time::Clock,
    ui::theme::{Background, TerminalEnv, ThemeChoice},
};

/// The terminal's background: asked for at most 100 ms; a late answer is swallowed. The first frame does not wait for it.
pub fn ask(
    session: &Session,
    terminal: &TerminalEnv,
    choice: ThemeChoice,
    clock: &Arc<dyn Clock>,
) -> (Background, LateReply, Vec<crossterm::event::KeyEvent>) {
    let known = terminal.background();
    let is_asked = matches!(choice, ThemeChoice::Auto | ThemeChoice::Colourblind) && terminal.understands_osc();
    if !is_asked {
        return (known.unwrap_or_default(), LateReply::disarmed(), Vec::new());
    }
    let writer = Asking(session);
    match query::ask_background(std::io::stdin(), writer, || clock.now().mono) {
        Ok(answer) => {
            let late = if answer.complete { LateReply::disarmed() } else { LateReply::armed() };
            (answer.background.or(known).unwrap_or_default(), late, answer.typed)
        }
        Err(_) => (known.unwrap_or_default(), LateReply::armed(), Vec::new()),
    }
}

/// Puts a question behind the frame that is on its way.
struct Asking<'a>(&'a Session);

impl std::io::Write for Asking<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.writer().raw(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
