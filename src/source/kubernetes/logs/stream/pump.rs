//! One connection, read to its end: bytes to lines, and lines on their way.

use std::{sync::atomic::Ordering, time::Instant};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{Instance, Lines, Placed, ROOM, Report, Stopped, Stream};
use crate::source::kubernetes::client::Opened;

impl Stream {
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

    pub(super) async fn caught_up(&self) -> bool {
        self.report(Report::CaughtUp(self.number)).await
    }

    pub(super) async fn pump(&self, reader: &mut Lines, instance: &mut Instance, mut body: Opened) -> Stopped {
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
                    reader.attach(&self.pod, &self.container, instance);
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
            let is_held_back = self.keeps_all || !(live && self.first.follow) || reader.is_over;
            let before = self.clock.now().mono;
            if !self.flush(reader, is_held_back).await {
                return Stopped::Unwanted;
            }
            if let Some(noticed) = &mut noticed {
                // Meanwhile the old instance's lines could not come.
                *noticed += self.clock.now().since(before);
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

    /// What was logged before the attach waits for the reader, as all does of a log that is not followed or is to be kept
    /// whole: then no byte is read meanwhile, and the server waits too. Other new lines that come faster than they can be
    /// taken in are dropped and counted, so that what is on screen stays of now.
    pub(super) async fn flush(&self, reader: &mut Lines, wait: bool) -> bool {
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
