//! Follows one container of one pod: attaches, reads, goes on after a broken connection, and attaches again when the
//! container is a new instance.

use std::{
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::timeout,
};

use super::{
    Limits,
    lines::{Bounds, Lines},
    merge::Placed,
    pause::{Pace, pause},
    pods::Instance,
    refusal::Refusal,
};
use crate::{
    model::{Name, kubernetes::ObjectKey},
    source::{ErrorKind, kubernetes::client::Cluster},
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
    /// New lines wait for a slow reader.
    pub keeps_all: bool,
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
    /// Not answered for so long, it has nothing to deliver.
    pub unanswered: Duration,
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

/// It broke off, or the server is away or has too much to do: of what was logged before, lines may still come.
const fn has_failed(stopped: &Result<Stopped, Refusal>) -> bool {
    matches!(stopped, Ok(Stopped::Broken(_)) | Err(Refusal::Failed { .. }))
}

/// How following one instance ended.
enum End {
    Instance,
    Pod,
    Unwanted,
}

mod pump;
mod request;
mod turns;

impl Stream {
    pub async fn run(mut self) {
        let mut reader = Lines::new(&self.pod, &self.container, self.bounds);
        let mut trouble = None;
        if self.first.previous || !self.first.follow {
            let Ok(_turn) = self.turns.clone().acquire_owned().await else { return };
            trouble = self.read_once(&mut reader).await;
        } else {
            if self.instance.borrow().id.is_none() {
                // What starts only now is new from its first line on, whatever the status lags behind.
                self.first = First { follow: true, ..First::default() };
            }
            if turns::take(&mut self, &mut reader).await {
                self.follow(&mut reader).await;
            }
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
        reader.attach(&self.pod, &self.container, &instance);
        let (note, is_trouble) = match self.connection(reader, &mut instance, None).await {
            Ok(Stopped::Broken(why)) => (Some(format!("the log is incomplete: {why}")), true),
            Ok(Stopped::Idle) => (Some("the log is incomplete: the server went silent".to_owned()), true),
            Ok(Stopped::NotRetrieved) => (Some(Refusal::NothingLeft.says(&self.container)), false),
            Ok(Stopped::Eof | Stopped::Over | Stopped::Unwanted) => (None, false),
            Err(refusal) => {
                let is_trouble = matches!(refusal, Refusal::Forbidden(_) | Refusal::Failed { .. });
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
            reader.attach(&self.pod, &self.container, &instance);
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
        let mut pace = Pace::default();
        let mut is_second_look = false;
        loop {
            let since = reader.cursor.resume(self.first.is_ranged());
            let (before, begun) = (reader.cursor.last(), self.clock.now().mono);
            // What changes from here on may be newer than a refusal.
            self.instance.mark_unchanged();
            let stopped = self.connection(reader, instance, since).await;
            // What failed is asked for again at once; of anything else nothing more is waited for.
            let is_read = pace.failures >= 2 || !has_failed(&stopped);
            if !self.report(Report::Closed(self.number)).await || is_read && !self.caught_up().await {
                return End::Unwanted;
            }
            let has_new = reader.cursor.last() != before;
            let lasted = self.clock.now().since(begun);
            pace.ended(has_new, lasted, &self.limits);
            let mut retry_at = None;
            match stopped {
                Ok(Stopped::Unwanted | Stopped::Over) => return End::Unwanted,
                Ok(eof @ (Stopped::Eof | Stopped::NotRetrieved)) => {
                    // A server closes for its own reasons too. It is asked once more, at once: where the log has ended
                    // that brings nothing, and the status will say so.
                    let brought_nothing = !has_new && lasted < self.limits.eof_grace;
                    let is_end = matches!(eof, Stopped::NotRetrieved) || is_second_look && brought_nothing;
                    is_second_look = !is_end;
                    let grace = if is_end { self.limits.eof_grace } else { Duration::ZERO };
                    if let Some(end) = self.settled(instance, grace).await {
                        return end;
                    }
                }
                Ok(Stopped::Idle) => pace.failures = 0,
                Ok(Stopped::Broken(why)) => {
                    pace.failures += 1;
                    if pace.failures > 2
                        && !self.trouble(&format!("the log of '{}' breaks off: {why}", self.container)).await
                    {
                        return End::Unwanted;
                    }
                }
                Err(refusal) => {
                    // Right after an end it is part of that: the status will say what came of it.
                    let grace = self.limits.eof_grace;
                    if std::mem::take(&mut is_second_look)
                        && let Some(end) = self.settled(instance, grace).await
                    {
                        return end;
                    }
                    if !self.trouble(&refusal.says(&self.container)).await {
                        return End::Unwanted;
                    }
                    if let Some(end) = self.refused(&refusal, instance).await {
                        return end;
                    }
                    pace.failures += 1;
                    retry_at = refusal.retry_at();
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause(pace.rest(&self.limits), retry_at, &self.number, self.clock.now())) => {}
                changed = self.instance.wait_for(|now| now.id != instance.id) => {
                    return if changed.is_ok() { End::Instance } else { End::Pod };
                }
            }
        }
    }

    /// After an end of the stream: has the instance ended too? `None`: by its status it still runs, after so long.
    async fn settled(&mut self, instance: &Instance, grace: Duration) -> Option<End> {
        let ended = self.instance.wait_for(|now| now.id != instance.id || !now.running);
        match timeout(grace, ended).await {
            Ok(Ok(_)) => Some(End::Instance),
            Ok(Err(_)) => Some(End::Pod),
            Err(_) => None,
        }
    }

    /// Waits for what can change a refusal, unless it came while that was asked for. `None`: try again after a pause.
    async fn refused(&mut self, refusal: &Refusal, instance: &Instance) -> Option<End> {
        match refusal {
            Refusal::PodGone => {
                // A pod of the same name may come; the watch says so, by another task.
                let _gone = self.instance.wait_for(|_| false).await;
                Some(End::Pod)
            }
            Refusal::NothingLeft | Refusal::NoPrevious | Refusal::NoSuchContainer(_) | Refusal::Waiting(_) => {
                if self.instance.borrow().id != instance.id {
                    return Some(End::Instance);
                }
                match self.instance.changed().await {
                    Err(_) => Some(End::Pod),
                    Ok(()) if self.instance.borrow().id != instance.id => Some(End::Instance),
                    Ok(()) => None,
                }
            }
            Refusal::Forbidden(_) | Refusal::Failed { .. } => None,
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
        let opening = self.cluster.open_stream(&path, self.unanswered + self.limits.idle);
        let mut opening = std::pin::pin!(opening);
        // The API server sends its headers with the first byte, so a silent container looks unopened.
        let opened = if let Ok(opened) = timeout(self.unanswered, &mut opening).await {
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
}
