//! The one thread that writes to the terminal. It takes whole frames and keeps only the newest while the line is slow:
//! what the terminal shows is compared with the newest frame when the line is free, so nothing in between is missed.

use super::paint::{Frame, Painter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages to the terminal (copy, notify, title) that may wait; more are dropped, the oldest first.
const MOST_RAW: usize = 64;

/// Standard output without a buffer and without a lock that a stuck thread could hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tty;

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(rustix::stdio::stdout(), bytes) {
                // Another program made the terminal non-blocking: wait for it as a blocking write would.
                Err(rustix::io::Errno::AGAIN) => std::thread::sleep(Duration::from_millis(2)),
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What waits for the thread.
#[derive(Debug, Default)]
struct Inbox {
    frame: Option<Frame>,
    raw: VecDeque<Vec<u8>>,
    /// A buffer to draw the next frame into.
    spare: Option<Buffer>,
    /// Draw everything with the next frame.
    forget: bool,
    paused: bool,
    stopping: bool,
    busy: bool,
    gone: bool,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    changed: Condvar,
    bytes: AtomicU64,
    frames: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, inbox: MutexGuard<'a, Inbox>) -> MutexGuard<'a, Inbox> {
        self.changed.wait(inbox).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` or for `most`; says whether it was done.
    fn wait_until(&self, most: Duration, done: impl Fn(&Inbox) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), most, |inbox| !done(inbox));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// Hands frames to the writing thread; never waits for the terminal.
#[derive(Debug)]
pub struct FrameWriter {
    shared: Arc<Shared>,
}

impl FrameWriter {
    /// Starts the thread on `out`. The receiver yields the error when writing fails (`EIO` and `EPIPE` mean that the
    /// terminal has hung up); after that frames are dropped. `links`: whether the terminal knows OSC 8.
    pub fn spawn(out: impl Write + Send + 'static, links: bool) -> io::Result<(Self, oneshot::Receiver<io::Error>)> {
        let shared = Arc::new(Shared::default());
        let (failed, gone) = oneshot::channel();
        let inside = Arc::clone(&shared);
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            // However this ends, nobody must wait for it.
            let _gone = Gone(&inside);
            if let Err(error) = write_frames(&inside, out, links) {
                let _ = failed.send(error);
            }
        })?;
        Ok((Self { shared }, gone))
    }

    /// An empty buffer for the next frame: a used one, if there is one.
    pub fn buffer(&self, area: Rect) -> Buffer {
        let Some(mut spare) = self.shared.lock().spare.take() else { return Buffer::empty(area) };
        spare.resize(area);
        spare.reset();
        spare
    }

    /// Hands over a finished frame, in place of one that is still waiting.
    pub fn submit(&self, frame: Frame) {
        let mut inbox = self.shared.lock();
        if inbox.gone {
            return;
        }
        let late = inbox.frame.replace(frame);
        inbox.spare = inbox.spare.take().or(late.map(|late| late.buffer));
        drop(inbox);
        self.shared.changed.notify_all();
    }

    /// Sends bytes as they are, between two frames: see [`super::osc`].
    pub fn raw(&self, bytes: Vec<u8>) {
        let mut inbox = self.shared.lock();
        if inbox.raw.len() >= MOST_RAW {
            inbox.raw.pop_front();
        }
        inbox.raw.push_back(bytes);
        drop(inbox);
        self.shared.changed.notify_all();
    }

    /// Draws everything with the next frame, also what is thought to be shown: after `ctrl-l` and a change of size.
    pub fn redraw(&self) {
        self.shared.lock().forget = true;
    }

    /// Stops writing, and waits until what is being written is out, at most for `most`. Returns whether it is.
    pub fn pause(&self, most: Duration) -> bool {
        self.shared.lock().paused = true;
        self.shared.wait_until(most, |inbox| !inbox.busy)
    }

    /// Writes again, and everything with the next frame.
    pub fn resume(&self) {
        let mut inbox = self.shared.lock();
        (inbox.paused, inbox.forget) = (false, true);
        drop(inbox);
        self.shared.changed.notify_all();
    }

    /// Writes what is waiting and ends the thread, waiting for that at most for `most`. A thread stuck in a dead line is
    /// left behind. Returns whether it ended.
    pub fn stop(&self, most: Duration) -> bool {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        self.shared.wait_until(most, |inbox| inbox.gone)
    }

    /// Bytes written since the start.
    pub fn bytes_written(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Frames that changed something on the terminal since the start.
    pub fn frames_written(&self) -> u64 {
        self.shared.frames.load(Ordering::Relaxed)
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

/// Says at its drop, also by a panic, that the thread has ended.
struct Gone<'a>(&'a Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut inbox = self.0.lock();
        (inbox.gone, inbox.busy) = (true, false);
        drop(inbox);
        self.0.changed.notify_all();
    }
}

fn write_frames(shared: &Shared, mut out: impl Write, links: bool) -> io::Result<()> {
    let mut painter = Painter::new(links);
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        let mut inbox = shared.lock();
        inbox.busy = false;
        shared.changed.notify_all();
        while !inbox.stopping && (inbox.paused || (inbox.frame.is_none() && inbox.raw.is_empty())) {
            inbox = shared.wait(inbox);
        }
        if inbox.paused || (inbox.frame.is_none() && inbox.raw.is_empty()) {
            return Ok(());
        }
        inbox.busy = true;
        let (frame, raw) = (inbox.frame.take(), std::mem::take(&mut inbox.raw));
        if std::mem::take(&mut inbox.forget) {
            painter.forget();
        }
        drop(inbox);

        bytes.clear();
        if let Some(frame) = frame {
            let used = painter.paint(frame, &mut bytes);
            shared.lock().spare.get_or_insert(used);
            shared.frames.fetch_add(u64::from(!bytes.is_empty()), Ordering::Relaxed);
        }
        bytes.extend(raw.into_iter().flatten());
        out.write_all(&bytes)?;
        out.flush()?;
        shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
