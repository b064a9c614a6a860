//! Follows one container of one pod: attaches, reads, goes on after a broken connection, and attaches again when the
//! container is a new instance.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::timeout,
};

use super::{
    Limits,
    lines::{Bounds, Lines},
    merge::Placed,
    pods::Instance,
    refusal::Refusal,
};
use crate::{
    model::{Name, kubernetes::ObjectKey},
    source::{
        ErrorKind,
        kubernetes::client::{Cluster, Opened},
    },
    text::Clean,
    time::Clock,
};

/// Room for lines on their way from all streams of a query to the merge, in KiB.
pub const ROOM: u32 = 16 * 1024;

/// What a stream reports.
#[derive(Debug)]
pub enum Report {
    /// With the room they take, given back when they are taken in.
    Lines(usize, Vec<Placed>, OwnedSemaphorePermit),
    /// The connection stands.
    Open(usize),
    /// What was logged before is read; from here on lines are new.
    CaughtUp(usize),
    Closed(usize),
    Trouble(usize, Option<Clean>),
    /// Nothing more will come.
    Ended(usize),
}

/// What is asked of the first attach.
#[derive(Clone, Debug, Default)]
pub struct First {
    pub previous: bool,
    pub follow: bool,
    pub since_seconds: Option<u32>,
    pub tail: Option<u32>,
}

/// One followed container.
pub struct Stream {
    pub number: usize,
    pub cluster: Cluster,
    pub pod: ObjectKey,
    pub container: Name,
    pub first: First,
    pub bounds: Bounds,
    /// When it was asked for at first.
    pub asked: OnceLock<Instant>,
    /// Its sender is dropped when the pod is gone.
    pub instance: watch::Receiver<Instance>,
    /// It has a connection of its own; else it waits for its turn on one of `turns`.
    pub is_followed: watch::Receiver<bool>,
    pub turns: Arc<Semaphore>,
    pub out: mpsc::Sender<Report>,
    pub room: Arc<Semaphore>,
    pub dropped: Arc<AtomicU64>,
    pub limits: Limits,
    pub clock: Arc<dyn Clock>,
}

/// Why reading of one connection stopped.
enum Stopped {
    Eof,
    /// All that is wanted was read.
    Over,
    Broken(String),
    Idle,
    /// A 200 whose body is an error.
    NotRetrieved,
    /// Nobody takes the lines any more.
    Unwanted,
}

/// How following one instance ended.
enum End {
    Instance,
    Pod,
    Unwanted,
}

mod request;
mod turns;

impl Stream {
    pub async fn run(mut self) {
        let mut reader = Lines::new(&self.pod, &self.container, self.bounds);
        let mut trouble = None;
        if self.first.previous || !self.first.follow {
            let Ok(_turn) = self.turns.clone().acquire_owned().await else { return };
            trouble = self.read_once(&mut reader).await;
        } else if turns::take(&mut self, &mut reader).await {
            self.follow(&mut reader).await;
        }
        match trouble {
            Some(says) => self.trouble(&says).await,
            None => self.report(Report::Trouble(self.number, None)).await,
        };
        self.report(Report::Ended(self.number)).await;
    }

    async fn report(&self, report: Report) -> bool {
        self.out.send(report).await.is_ok()
    }

    async fn trouble(&self, says: &str) -> bool {
        let line = Clean::line(&format!("pod '{}': {says}", self.pod.name));
        self.report(Report::Trouble(self.number, Some(line))).await
    }

    /// Gives back what was wrong, if the log could not be read whole.
    async fn read_once(&mut self, reader: &mut Lines) -> Option<String> {
        let mut instance = self.instance.borrow().clone();
        reader.attach(&self.pod, &self.container, &instance.version);
        let (note, is_trouble) = match self.connection(reader, &mut instance, None).await {
            Ok(Stopped::Broken(why)) => (Some(format!("the log is incomplete: {why}")), true),
            Ok(Stopped::Idle) => (Some("the log is incomplete: the server went silent".to_owned()), true),
            Ok(Stopped::NotRetrieved) => (Some(Refusal::NothingLeft.says(&self.container)), false),
            Ok(Stopped::Eof | Stopped::Over | Stopped::Unwanted) => (None, false),
            Err(refusal) => {
                let is_trouble = matches!(refusal, Refusal::Forbidden(_) | Refusal::Failed(_));
                (Some(refusal.says(&self.container)), is_trouble)
            }
        };
        reader.release();
        if let Some(note) = &note {
            reader.note(note, self.clock.now().wall);
        }
        self.flush(reader, true).await;
        note.filter(|_| is_trouble)
    }

    async fn follow(&mut self, reader: &mut Lines) {
        let mut finished: Option<String> = None;
        loop {
            let next = self.instance.wait_for(|now| now.id.is_some() && now.id != finished).await;
            let Ok(mut instance) = next.map(|now| now.clone()) else { return };
            reader.attach(&self.pod, &self.container, &instance.version);
            if finished.is_some() {
                // A new instance is read from its beginning.
                self.first = First { follow: true, ..First::default() };
                self.note_restart(reader, &instance);
                if !self.flush(reader, true).await {
                    return;
                }
            }
            match self.follow_instance(reader, &mut instance).await {
                End::Instance => finished = instance.id,
                End::Pod | End::Unwanted => return,
            }
        }
    }

    fn note_restart(&self, reader: &mut Lines, instance: &Instance) {
        let how = instance.last_end.as_deref().map_or(String::new(), |end| format!(" ({end})"));
        reader.note(&format!("container {} restarted{how}", self.container), self.clock.now().wall);
    }

    /// Until this instance has ended, or the pod is gone. `instance` becomes the next one where the log went over to it
    /// by itself.
    async fn follow_instance(&mut self, reader: &mut Lines, instance: &mut Instance) -> End {
        let mut failures: u32 = 0;
        loop {
            let since = reader.cursor.resume();
            let before = reader.cursor.last();
            let stopped = self.connection(reader, instance, since).await;
            if !self.report(Report::Closed(self.number)).await {
                return End::Unwanted;
            }
            if reader.cursor.last() != before {
                failures = 0;
            }
            match stopped {
                Ok(Stopped::Unwanted | Stopped::Over) => return End::Unwanted,
                Ok(Stopped::Eof | Stopped::NotRetrieved) => {
                    if let Some(end) = self.settled(instance).await {
                        return end;
                    }
                    // It still runs: the server closed, for its own reasons.
                }
                Ok(Stopped::Idle) => failures = 0,
                Ok(Stopped::Broken(why)) => {
                    failures += 1;
                    if failures > 2
                        && !self.trouble(&format!("the log of '{}' breaks off: {why}", self.container)).await
                    {
                        return End::Unwanted;
                    }
                }
                Err(refusal) => {
                    if !self.trouble(&refusal.says(&self.container)).await {
                        return End::Unwanted;
                    }
                    if let Some(end) = self.refused(&refusal, instance).await {
                        return end;
                    }
                    failures += 1;
                }
            }
            // Two tries at once, then seldom, as stern does.
            let pause = if failures <= 2 { self.limits.retry / 100 } else { self.limits.retry };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = self.instance.wait_for(|now| now.id != instance.id) => {
                    return if changed.is_ok() { End::Instance } else { End::Pod };
                }
            }
        }
    }

    /// After an end of the stream: has the instance ended too? `None`: by its status it still runs.
    async fn settled(&mut self, instance: &Instance) -> Option<End> {
        let ended = self.instance.wait_for(|now| now.id != instance.id || !now.running);
        match timeout(self.limits.eof_grace, ended).await {
            Ok(Ok(_)) => Some(End::Instance),
            Ok(Err(_)) => Some(End::Pod),
            Err(_) => None,
        }
    }

    /// Waits for what can change a refusal. `None`: try again after a pause.
    async fn refused(&mut self, refusal: &Refusal, instance: &Instance) -> Option<End> {
        match refusal {
            Refusal::PodGone => {
                // A pod of the same name may come; the watch says so, by another task.
                let _gone = self.instance.wait_for(|_| false).await;
                Some(End::Pod)
            }
            Refusal::NothingLeft | Refusal::NoPrevious | Refusal::NoSuchContainer(_) | Refusal::Waiting(_) => {
                self.instance.mark_unchanged();
                match self.instance.changed().await {
                    Err(_) => Some(End::Pod),
                    Ok(()) if self.instance.borrow().id != instance.id => Some(End::Instance),
                    Ok(()) => None,
                }
            }
            Refusal::Forbidden(_) | Refusal::Failed(_) => None,
        }
    }

    /// One request, read to its end.
    async fn connection(
        &self,
        reader: &mut Lines,
        instance: &mut Instance,
        since_time: Option<String>,
    ) -> Result<Stopped, Refusal> {
        reader.splitter.clear();
        let path = self.path(since_time.as_deref());
        self.asked.get_or_init(|| self.clock.now().mono);
        let opening = self.cluster.open_stream(&path, self.limits.quiet + self.limits.idle);
        let mut opening = std::pin::pin!(opening);
        // The API server sends its headers with the first byte, so a silent container looks unopened.
        let opened = if let Ok(opened) = timeout(self.limits.quiet, &mut opening).await {
            opened
        } else {
            if self.first.follow && !(self.report(Report::Open(self.number)).await && self.caught_up().await) {
                return Ok(Stopped::Unwanted);
            }
            match opening.await {
                Err(failure) if failure.error.kind == ErrorKind::TimedOut => return Ok(Stopped::Idle),
                opened => opened,
            }
        };
        let body = opened.map_err(|failure| Refusal::of(&failure))?;
        let fine =
            self.report(Report::Open(self.number)).await && self.report(Report::Trouble(self.number, None)).await;
        if !fine {
            return Ok(Stopped::Unwanted);
        }
        Ok(self.pump(reader, instance, body).await)
    }

    /// The next instance, when the status names one and the old one's log has had its time to end: then what is read is
    /// the new one's already. `noticed` keeps since when, over calls.
    async fn replaced(
        &self,
        status: &mut watch::Receiver<Instance>,
        instance: &Instance,
        noticed: &mut Option<Instant>,
    ) -> Instance {
        let next = status.wait_for(|now| now.id.is_some() && now.id != instance.id).await.map(|now| now.clone());
        match next {
            Ok(next) => {
                let now = self.clock.now();
                let waited = now.since(*noticed.get_or_insert(now.mono));
                tokio::time::sleep(self.limits.eof_grace.saturating_sub(waited)).await;
                *noticed = None;
                next
            }
            Err(_) => std::future::pending().await,
        }
    }

    async fn caught_up(&self) -> bool {
        self.report(Report::CaughtUp(self.number)).await
    }

    async fn pump(&self, reader: &mut Lines, instance: &mut Instance, mut body: Opened) -> Stopped {
        let begun = self.clock.now().wall;
        let mut live = false;
        let mut status = self.instance.clone();
        let mut noticed = None;
        loop {
            let patience = if live { self.limits.idle } else { self.limits.quiet };
            let read = tokio::select! {
                read = timeout(patience, body.chunk()) => read,
                next = self.replaced(&mut status, instance, &mut noticed) => {
                    *instance = next;
                    reader.attach(&self.pod, &self.container, &instance.version);
                    self.note_restart(reader, instance);
                    if !self.flush(reader, true).await {
                        return Stopped::Unwanted;
                    }
                    continue;
                }
            };
            match read {
                Err(_) if live => return Stopped::Idle,
                Err(_) => {
                    live = true;
                    if !self.caught_up().await {
                        return Stopped::Unwanted;
                    }
                    continue;
                }
                Ok(Err(failure)) => return Stopped::Broken(failure.error.says.to_string()),
                Ok(Ok(None)) => {
                    let retrieved = reader.finish(begun);
                    self.flush(reader, true).await;
                    return if retrieved { Stopped::Eof } else { Stopped::NotRetrieved };
                }
                Ok(Ok(Some(bytes))) => reader.push(&bytes, begun),
            }
            if !self.flush(reader, !live || reader.is_over).await {
                return Stopped::Unwanted;
            }
            if reader.is_over {
                return Stopped::Over;
            }
            if !live && reader.cursor.last().is_some_and(|last| last >= begun) {
                live = true;
                if !self.caught_up().await {
                    return Stopped::Unwanted;
                }
            }
        }
    }

    /// What was logged before the attach waits for the reader; new lines that come faster than they can be taken in are
    /// dropped and counted, so that what is on screen stays of now.
    async fn flush(&self, reader: &mut Lines, wait: bool) -> bool {
        if reader.is_held() || reader.ready.is_empty() {
            return true;
        }
        let lines = std::mem::take(&mut reader.ready);
        let bytes: usize = lines.iter().map(|placed| placed.line.cost()).sum();
        let needed = u32::try_from(bytes / 1024 + 1).unwrap_or(ROOM).min(ROOM);
        let room = self.room.clone();
        if wait {
            let Ok(room) = room.acquire_many_owned(needed).await else { return false };
            return self.report(Report::Lines(self.number, lines, room)).await;
        }
        let Ok(room) = room.try_acquire_many_owned(needed) else { return self.drop_lines(&lines) };
        match self.out.try_send(Report::Lines(self.number, lines, room)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(Report::Lines(_, lines, _))) => self.drop_lines(&lines),
            Err(_) => false,
        }
    }

    fn drop_lines(&self, lines: &[Placed]) -> bool {
        self.dropped.fetch_add(lines.len() as u64, Ordering::Relaxed);
        !self.out.is_closed()
    }
}
