//! Asks the terminal for its background before the event stream starts: OSC 11, fenced by DA1, which every terminal
//! answers. Whoever does not answer in time is handled by [`super::LateReply`].

use crate::ui::theme::{Background, background_of, parse_osc11};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// "What is your background", then "what are you".
pub const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

/// How long the first frame may wait for the answer.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// What the terminal said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub background: Option<Background>,
    /// The fence came back: nothing more will come. Otherwise arm a [`super::LateReply`].
    pub complete: bool,
    /// What somebody typed meanwhile, in order.
    pub typed: Vec<KeyEvent>,
}

/// Asks `out` and reads the answer from `tty`, which must be in raw mode and have no other reader. `now` is the clock.
/// Waits at most [`PATIENCE`], and once more as long if something arrives at the very end of it.
pub fn ask_background(tty: impl AsFd, mut out: impl Write, now: impl Fn() -> Instant) -> io::Result<Answer> {
    let before = tcgetattr(&tty)?;
    let mut waiting = before.clone();
    // A read returns what there is, or nothing after a tenth of a second.
    waiting.special_codes[SpecialCodeIndex::VMIN] = 0;
    waiting.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(&tty, OptionalActions::Now, &waiting)?;
    let asked = out.write_all(QUESTION).and_then(|()| out.flush());
    let read = asked.and_then(|()| read_answer(&tty, now() + PATIENCE, &now));
    tcsetattr(&tty, OptionalActions::Now, &before)?;
    Ok(understand(&read?))
}

fn read_answer(tty: impl AsFd, until: Instant, now: &impl Fn() -> Instant) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 256];
    while now() < until && fence(&bytes).is_none() && bytes.len() < 4096 {
        match rustix::io::read(&tty, &mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

/// Where the answer to DA1 lies: `ESC [ ? ... c`.
fn fence(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = bytes.windows(3).position(|window| window == b"\x1b[?")?;
    let rest = &bytes[start + 3..];
    let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';')?;
    (rest[end] == b'c').then_some(start..start + 3 + end + 1)
}

fn understand(bytes: &[u8]) -> Answer {
    let mut rest = bytes.to_vec();
    let fence = fence(&rest);
    let complete = fence.is_some();
    if let Some(range) = fence {
        rest.drain(range);
    }
    let background = parse_osc11(&rest).map(background_of);
    if let Some(start) = rest.windows(5).position(|window| window == b"\x1b]11;") {
        let length = rest[start + 2..].iter().position(|byte| matches!(byte, 0x07 | 0x1b)).unwrap_or(rest.len());
        let ended_by_st = rest.get(start + 2 + length) == Some(&0x1b);
        let end = (start + 2 + length + if ended_by_st { 2 } else { 1 }).min(rest.len());
        rest.drain(start..end);
    }
    Answer { background, complete, typed: keys(&rest) }
}

/// Plain keys out of raw bytes. Escape sequences are left out: half of one would be worse than none.
fn keys(bytes: &[u8]) -> Vec<KeyEvent> {
    let text = String::from_utf8_lossy(bytes);
    let typed = text.split('\x1b').next().unwrap_or_default().chars();
    typed
        .filter_map(|c| match c {
            '\r' => Some(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)),
            '\t' => Some(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)),
            '\x7f' => Some(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE)),
            c @ '\x01'..='\x1a' => {
                Some(KeyEvent::new(KeyCode::Char(char::from(c as u8 - 1 + b'a')), KeyModifiers::CONTROL))
            }
            c if c.is_control() || c == char::REPLACEMENT_CHARACTER => None,
            c => Some(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::fs::File;
    use std::io::Read as _;

    #[test]
    fn answers_and_typed_keys_are_told_apart() {
        let answer = understand(b"j\x1b]11;rgb:ffff/ffff/ffff\x1b\\k\x1b[?62;22c\r");
        assert_eq!(answer.background, Some(Background::Light));
        assert!(answer.complete);
        let codes: Vec<KeyCode> = answer.typed.iter().map(|key| key.code).collect();
        assert_eq!(codes, [KeyCode::Char('j'), KeyCode::Char('k'), KeyCode::Enter]);
        assert_eq!(understand(b"\x1b[?6c"), Answer { background: None, complete: true, typed: vec![] });
        assert_eq!(understand(b"\x1b]11;rgb:00/00"), Answer::default());
        assert_eq!(understand(b""), Answer::default());
        assert_eq!(understand(b"\x03").typed[0], KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    }

    /// A terminal of our own: what it is asked, and a file of the side that midwatch would have.
    fn pty() -> (File, File) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        // NOCTTY: it must not become the controlling terminal of the test.
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let ours = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        let mut raw = tcgetattr(&ours).unwrap();
        raw.make_raw();
        tcsetattr(&ours, OptionalActions::Now, &raw).unwrap();
        (File::from(terminal), ours)
    }

    /// The clock of these tests stands still: only the terminal's silence ends the waiting.
    #[allow(clippy::disallowed_methods, reason = "a moment to begin with, which the code under test only compares")]
    fn stopped() -> impl Fn() -> Instant {
        let moment = Instant::now();
        move || moment
    }

    #[test]
    fn a_terminal_that_answers() {
        let (mut terminal, ours) = pty();
        let answering = std::thread::spawn(move || {
            let mut asked = vec![0; QUESTION.len()];
            terminal.read_exact(&mut asked).unwrap();
            terminal.write_all(b"\x1b]11;rgb:0000/2b2b/3636\x07\x1b[?65;1c").unwrap();
            (asked, terminal)
        });
        let before = tcgetattr(&ours).unwrap();
        let answer = ask_background(&ours, &ours, stopped()).unwrap();
        assert_eq!(answer, Answer { background: Some(Background::Dark), complete: true, typed: vec![] });
        let (asked, _open) = answering.join().unwrap();
        assert_eq!(asked, QUESTION);
        let after = tcgetattr(&ours).unwrap();
        assert_eq!(after.special_codes[SpecialCodeIndex::VMIN], before.special_codes[SpecialCodeIndex::VMIN]);
    }

    #[test]
    fn a_terminal_that_says_nothing_costs_little() {
        let (_terminal, ours) = pty();
        assert_eq!(ask_background(&ours, &ours, stopped()).unwrap(), Answer::default());
    }
}
