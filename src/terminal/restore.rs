//! What is switched on when the terminal is entered, and switched off exactly once when it is left.

use super::writer::Tty;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

/// Whether the terminal is ours now.
static ENTERED: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(false);
static UI_THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);

/// What may be switched on beside what always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// Clicks and the wheel come to us; most terminals still select text with Shift held.
    pub mouse: bool,
}

impl Modes {
    /// Title kept, alternate screen, cleared, cursor hidden, bracketed paste, focus events.
    pub fn enter_bytes(self) -> Vec<u8> {
        let mut bytes = b"\x1b[22;2t\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?2004h\x1b[?1004h".to_vec();
        if self.mouse {
            bytes.extend_from_slice(Self::mouse_bytes(true));
        }
        bytes
    }

    /// The reverse, in reverse order; also ends a half-written frame, link or style.
    pub fn leave_bytes(self) -> Vec<u8> {
        let mut bytes = b"\x1b\\\x1b]8;;\x1b\\\x1b[0m".to_vec();
        if self.mouse {
            bytes.extend_from_slice(Self::mouse_bytes(false));
        }
        bytes.extend_from_slice(b"\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[?2026l\x1b[23;2t");
        bytes
    }

    /// Buttons, wheel and drags, in SGR form. Not every motion: that would send bytes for nothing.
    pub const fn mouse_bytes(on: bool) -> &'static [u8] {
        if on { b"\x1b[?1000h\x1b[?1002h\x1b[?1006h" } else { b"\x1b[?1006l\x1b[?1002l\x1b[?1000l" }
    }
}

/// Switches raw mode and the modes on.
pub(super) fn enter(modes: Modes) -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    MOUSE.store(modes.mouse, Ordering::SeqCst);
    ENTERED.store(true, Ordering::SeqCst);
    Tty.write_all(&modes.enter_bytes()).inspect_err(|_| restore())
}

pub(super) fn set_mouse(mouse: bool) {
    MOUSE.store(mouse, Ordering::SeqCst);
}

/// Gives the terminal back: from anywhere, any number of times, with effect only while it is ours. Errors are not
/// reported: there is nobody left to tell.
pub fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let modes = Modes { mouse: MOUSE.load(Ordering::SeqCst) };
        let _ = Tty.write_all(&modes.leave_bytes());
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Says that the calling thread draws the cockpit: only its panic ends it.
pub fn mark_ui_thread() {
    *UI_THREAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
}

fn on_ui_thread() -> bool {
    *UI_THREAD.lock().unwrap_or_else(PoisonError::into_inner) == Some(std::thread::current().id())
}

/// Wraps the panic hook that is installed now. A panic of the UI thread restores the terminal and is then reported as
/// before. One elsewhere is caught by its supervisor: while the cockpit is on the screen it goes to `elsewhere` only,
/// since printing would draw over it.
pub fn install_panic_hook(elsewhere: impl Fn(&PanicHookInfo<'_>) + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if on_ui_thread() {
            restore();
            before(info);
        } else if ENTERED.load(Ordering::SeqCst) {
            elsewhere(info);
        } else {
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every mode that is set is reset.
    #[test]
    fn leaving_undoes_entering() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (enter, leave) = (text(Modes { mouse: true }.enter_bytes()), text(Modes { mouse: true }.leave_bytes()));
        for mode in ["1049", "2004", "1004", "1000", "1002", "1006"] {
            assert!(enter.contains(&format!("\x1b[?{mode}h")), "{mode}");
            assert!(leave.contains(&format!("\x1b[?{mode}l")), "{mode}");
        }
        assert!(enter.contains("\x1b[?25l") && leave.contains("\x1b[?25h"));
        assert!(enter.contains("\x1b[22;2t") && leave.contains("\x1b[23;2t"));
        assert!(!text(Modes::default().leave_bytes()).contains("?1000"));
    }

    #[test]
    fn restoring_what_was_never_entered_writes_nothing() {
        restore();
        assert!(!ENTERED.load(Ordering::SeqCst));
    }
}
