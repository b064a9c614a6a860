//! The terminal: entering and leaving it, stepping aside for a shell or a child, and the one thread that writes to it.
//!
//! Everything sent goes through [`FrameWriter`], so that a slow line never holds the cockpit. What was entered is left
//! exactly once, however the program ends: by [`Session::leave`], by its drop, or by the panic hook.

pub mod late_reply;
pub mod osc;
pub mod paint;
pub mod query;
#[cfg(unix)]
pub mod raw;
pub mod restore;
pub mod writer;

pub use late_reply::LateReply;
pub use paint::{Frame, Link};
pub use restore::{Modes, install_panic_hook, mark_ui_thread, restore};
pub use writer::{FrameWriter, Tty};

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Whether a child has the terminal: keys that stop a program are then meant for it, not for us.
static LENT: AtomicBool = AtomicBool::new(false);

/// What another program may have left switched on: styles, modes of keys and cursor, the mouse, pasting.
const AFTER_OTHERS: &[u8] = b"\x1b\\\x1b[!p\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1004l";

/// Whether the terminal was given to a child.
pub fn is_lent() -> bool {
    LENT.load(Ordering::SeqCst)
}

/// How long the writer may take to finish a frame before the terminal is handed over or left.
const HAND_OVER: Duration = Duration::from_millis(500);

/// The terminal while the cockpit has it.
#[derive(Debug)]
pub struct Session {
    writer: FrameWriter,
    modes: Modes,
    /// How the terminal was when it was given to a child, who may leave it otherwise.
    #[cfg(unix)]
    lent: Option<raw::State>,
}

impl Session {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, focus events, and the mouse if asked. The
    /// receiver yields once writing to the terminal has failed, which means that it is gone.
    pub fn enter(modes: Modes, links: bool) -> io::Result<(Self, oneshot::Receiver<io::Error>)> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "midwatch needs a terminal, and its output is not one: use 'midwatch status' or 'midwatch show'",
            ));
        }
        restore::enter(modes)?;
        let (writer, gone) = FrameWriter::spawn(Tty, links)?;
        let session = Self {
            writer,
            modes,
            #[cfg(unix)]
            lent: None,
        };
        Ok((session, gone))
    }

    /// Where frames go.
    pub const fn writer(&self) -> &FrameWriter {
        &self.writer
    }

    /// Takes the mouse, or leaves it to the terminal so that text can be selected with it.
    pub fn set_mouse(&mut self, mouse: bool) {
        if self.modes.mouse != mouse {
            self.modes.mouse = mouse;
            restore::set_mouse(mouse);
            self.writer.raw(Modes::mouse_bytes(mouse).to_vec());
        }
    }

    pub const fn mouse(&self) -> bool {
        self.modes.mouse
    }

    /// Gives the terminal to a child (an editor, a shell, a login). Drop the event stream first: it would eat keys.
    pub fn release(&mut self) -> io::Result<()> {
        self.writer.pause(HAND_OVER);
        restore();
        #[cfg(unix)]
        {
            self.lent = raw::State::now().ok();
        }
        LENT.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Takes the terminal back after [`Self::release`] and draws everything anew with the next frame, also what is
    /// already on its way.
    pub fn reclaim(&mut self) -> io::Result<()> {
        LENT.store(false, Ordering::SeqCst);
        #[cfg(unix)]
        if let Some(before) = self.lent.take() {
            before.restore()?;
        }
        Tty.write_all(AFTER_OTHERS)?;
        restore::enter(self.modes)?;
        self.writer.resume();
        Ok(())
    }

    /// Stops the process as Ctrl-Z does and returns when the shell brings it back. The terminal may have another size.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.release()?;
        #[cfg(unix)]
        {
            rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
            // The stop reaches this thread a moment later: do not take the terminal back before it.
            std::thread::sleep(Duration::from_millis(50));
        }
        self.reclaim()
    }

    /// Writes what is still waiting, for at most half a second, and gives the terminal back. Does nothing the second
    /// time.
    pub fn leave(&mut self) {
        self.writer.stop(HAND_OVER);
        restore();
    }

    /// Writes directly, before the first frame: questions to the terminal.
    pub fn ask(&self, bytes: &[u8]) -> io::Result<()> {
        Tty.write_all(bytes)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave();
    }
}
