//! A program in a pseudo-terminal and what its screen shows.

use std::{
    io::{Read as _, Write as _},
    num::NonZeroU16,
    process::Child,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use pty_process::blocking::{Command, open};

/// Longest wait for a text. Generous: it gates nothing but hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running program.
pub struct Terminal {
    seen: Arc<Seen>,
    pty: Arc<pty_process::blocking::Pty>,
    child: Child,
    home: tempfile::TempDir,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything that was ever written, for modes that must be reset.
    raw: Vec<u8>,
    is_closed: bool,
}

impl Terminal {
    pub fn start(args: &[&str], size: (u16, u16)) -> Self {
        Self::start_with(args, &[], size)
    }

    /// With these environment variables besides the usual ones.
    pub fn start_with(args: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Self {
        let (pty, pts) = open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(size.1, size.0)).expect("resized");
        let home = tempfile::tempdir().expect("a home");
        let child = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("LANG", "C.UTF-8")
            .env("RUST_BACKTRACE", "0")
            .envs(env.iter().copied())
            .current_dir(home.path())
            .spawn(pts)
            .expect("it starts");
        let pty = Arc::new(pty);
        let seen = Arc::new(Seen {
            state: Mutex::new(State { parser: parser(size), raw: Vec::new(), is_closed: false }),
            changed: Condvar::new(),
        });
        std::thread::spawn({
            let (seen, pty) = (seen.clone(), pty.clone());
            move || read(&seen, &pty)
        });
        Self { seen, pty, child, home }
    }

    /// Types; `\r` is Enter, `\u{1b}` Esc. Key by key, as a person would, since a burst is discarded by dialogs.
    pub fn keys(&mut self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("typed");
    }

    /// Pastes, bracketed as terminals do.
    #[allow(dead_code)] // as above
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    }

    /// Types key by key, each only when the screen has settled on the one before: dialogs discard a burst.
    pub fn type_slowly(&mut self, keys: &str) {
        for key in keys.chars() {
            self.settled();
            self.keys(&key.to_string());
        }
    }

    /// Waits until nothing was written for longer than a dialog's guard against typing ahead; a screen that never rests
    /// (a log that flows) is typed at all the same.
    pub fn settled(&self) {
        let mut state = self.seen.lock();
        for _ in 0..20 {
            let (next, waited) =
                self.seen.changed.wait_timeout(state, Duration::from_millis(450)).expect("not poisoned");
            state = next;
            if waited.timed_out() {
                return;
            }
        }
    }

    /// How many bytes were written to the terminal so far.
    #[allow(dead_code)] // for the bench, which shares this file
    pub fn written(&self) -> usize {
        self.seen.lock().raw.len()
    }

    #[allow(dead_code)] // as above
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that was ever written to the terminal.
    pub fn all_output(&self) -> String {
        let state = self.closed();
        String::from_utf8_lossy(&state.raw).into_owned()
    }

    /// Every file that was left in the home.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("readable").flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    let content = std::fs::read(entry.path()).expect("readable");
                    found.push((entry.path().display().to_string(), String::from_utf8_lossy(&content).into_owned()));
                }
            }
        }
        found
    }

    /// Waits until the screen shows `text`.
    pub fn wait(&self, text: &str) {
        self.until(&format!("'{text}' to come"), |screen| screen.contains(text));
    }

    /// Waits until the screen shows `text` no more.
    pub fn gone(&self, text: &str) {
        self.until(&format!("'{text}' to go"), |screen| !screen.contains(text));
    }

    pub fn until(&self, what: &str, found: impl Fn(&str) -> bool) {
        let mut state = self.seen.lock();
        #[allow(clippy::disallowed_methods)] // a test's patience is real time
        let now = Instant::now;
        let until = now() + PATIENCE;
        while !found(&state.parser.screen().contents()) {
            let screen = state.parser.screen().contents();
            assert!(!state.is_closed, "the program ended while waiting for {what}:\n{screen}");
            let left = until.saturating_duration_since(now());
            assert!(!left.is_zero(), "waited in vain for {what}; the last screen:\n{screen}");
            state = self.seen.changed.wait_timeout(state, left).expect("not poisoned").0;
        }
    }

    pub fn screen(&self) -> String {
        self.seen.lock().parser.screen().contents()
    }

    /// The first whole frame that shows what is looked for, with its colours.
    #[allow(dead_code)] // for the pictures, which share this file
    pub fn look<T>(&self, what: &str, found: impl Fn(&str) -> bool, draw: impl FnOnce(&vt100::Screen) -> T) -> T {
        loop {
            self.until(what, &found);
            let state = self.seen.lock();
            let screen = state.parser.screen();
            if state.is_between_frames() && found(&screen.contents()) {
                return draw(screen);
            }
            drop(self.seen.changed.wait_timeout(state, Duration::from_millis(20)).expect("not poisoned"));
        }
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.seen.lock().parser = parser(size);
        self.pty.resize(pty_process::Size::new(size.1, size.0)).expect("resized");
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("sent");
    }

    /// Waits for the end, which must have this exit code.
    pub fn ended(&mut self, code: i32) {
        drop(self.closed());
        let status = self.child.wait().expect("waited");
        assert_eq!(status.code(), Some(code), "last screen:\n{}", self.screen());
    }

    /// Whether what is typed is shown, and taken line by line.
    #[allow(dead_code)] // as above
    pub fn is_cooked(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};
        let modes = tcgetattr(&*self.pty).expect("a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// What was seen, once the terminal is closed: the program has ended.
    fn closed(&self) -> MutexGuard<'_, State> {
        let open = self.seen.changed.wait_timeout_while(self.seen.lock(), PATIENCE, |state| !state.is_closed);
        let (state, waited) = open.expect("not poisoned");
        assert!(!waited.timed_out(), "the terminal is still open: the program has not ended");
        state
    }

    /// Every mode that was set is reset: alternate screen, mouse, paste, cursor.
    pub fn assert_restored(&self) {
        let state = self.closed();
        let raw = String::from_utf8_lossy(&state.raw).into_owned();
        for mode in ["1049", "2004", "1000", "1006"] {
            let (on, off) = (raw.rfind(&format!("\u{1b}[?{mode}h")), raw.rfind(&format!("\u{1b}[?{mode}l")));
            assert!(on.is_none() || off > on, "mode {mode} was left on");
        }
        assert!(raw.rfind("\u{1b}[?25h") > raw.rfind("\u{1b}[?25l"), "the cursor was left hidden");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl State {
    /// Frames stand between the marks of synchronised output; what was read so far may end within one.
    fn is_between_frames(&self) -> bool {
        let mark = |end: u8| {
            let mark = [b"\x1b[?2026".as_slice(), &[end]].concat();
            self.raw.windows(mark.len()).rposition(|bytes| bytes == mark)
        };
        mark(b'l') >= mark(b'h')
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

fn parser(size: (u16, u16)) -> vt100::Parser {
    let cells = |count: u16| NonZeroU16::new(count).expect("at least one cell");
    vt100::Parser::new(cells(size.1), cells(size.0), 0)
}

/// Feeds the screen parser and answers what a terminal is asked.
fn read(seen: &Seen, pty: &pty_process::blocking::Pty) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = (&*pty).read(&mut buffer).unwrap_or(0);
        let mut state = seen.lock();
        if count == 0 {
            state.is_closed = true;
            seen.changed.notify_all();
            return;
        }
        let bytes = &buffer[..count];
        state.parser.process(bytes);
        state.raw.extend_from_slice(bytes);
        drop(state);
        seen.changed.notify_all();
        let text = String::from_utf8_lossy(bytes);
        if text.contains("\u{1b}]11;?") {
            let _ = (&*pty).write_all(b"\x1b]11;rgb:1010/1010/1818\x1b\\");
        }
        if text.contains("\u{1b}[c") {
            let _ = (&*pty).write_all(b"\x1b[?62;22c");
        }
    }
}
