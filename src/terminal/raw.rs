//! The terminal in raw mode while something else than the cockpit is on it: keys pass on as bytes, unread by us.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, watch};

use super::writer::Tty;

/// The modes of the terminal itself: echo, lines, signals.
#[derive(Debug)]
pub struct State {
    tty: OwnedFd,
    modes: Termios,
}

impl State {
    pub fn now() -> io::Result<Self> {
        let tty = tty()?;
        Ok(Self { modes: tcgetattr(&tty)?, tty })
    }

    /// As it was, whatever was done to it since.
    pub fn restore(&self) -> io::Result<()> {
        // What was typed for another program is not for us.
        Ok(tcsetattr(&self.tty, OptionalActions::Flush, &self.modes)?)
    }
}

/// Raw mode, until dropped: then the terminal is as it was, however it comes to that.
pub struct Raw {
    before: State,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Raw {
    /// Switches raw mode on. The receiver has every byte that is typed.
    pub fn enter() -> io::Result<(Self, mpsc::UnboundedReceiver<Bytes>)> {
        let before = State::now()?;
        let mut raw = before.modes.clone();
        raw.make_raw();
        // A read waits for a tenth of a second, so that its thread can be ended.
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 1;
        // Nor is what was typed before.
        tcsetattr(&before.tty, OptionalActions::Flush, &raw)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut made = Self { before, stop: stop.clone(), reader: None };
        let (to, keys) = mpsc::unbounded_channel();
        let from = made.before.tty.try_clone()?;
        let read = move || {
            let mut buffer = [0; 4096];
            while !stop.load(Ordering::SeqCst) {
                match rustix::io::read(&from, &mut buffer) {
                    Ok(0) | Err(rustix::io::Errno::INTR) => {}
                    Ok(count) if to.send(Bytes::copy_from_slice(&buffer[..count])).is_ok() => {}
                    _ => return,
                }
            }
        };
        made.reader = Some(std::thread::Builder::new().name("raw-keys".to_owned()).spawn(read)?);
        Ok((made, keys))
    }

    /// Writes what another program sent for the terminal, as it is.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut Tty, bytes)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // It would take the next key otherwise.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = self.before.restore();
    }
}

/// The terminal that is typed at.
fn tty() -> io::Result<OwnedFd> {
    let input = io::stdin();
    if io::IsTerminal::is_terminal(&input) {
        return input.as_fd().try_clone_to_owned();
    }
    Ok(std::fs::File::open("/dev/tty")?.into())
}

/// Columns and rows of the terminal, now and whenever they change.
pub fn sizes() -> io::Result<watch::Receiver<(u16, u16)>> {
    let mut changed = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?;
    let (to, sizes) = watch::channel(crossterm::terminal::size()?);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = to.closed() => return,
                change = changed.recv() => if change.is_none() { return },
            }
            if let Ok(size) = crossterm::terminal::size() {
                to.send_if_modified(|known| std::mem::replace(known, size) != size);
            }
        }
    });
    Ok(sizes)
}
