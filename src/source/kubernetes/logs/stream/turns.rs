//! Streams above the cap: each reads what was logged since its last turn, on a connection that it shares with others.

use std::time::Duration;

use super::{First, Instance, Lines, Report, Stream, pause};

/// Takes turns until the stream has a connection of its own. False: the pod is gone, or nobody looks any more.
pub(super) async fn take(stream: &mut Stream, reader: &mut Lines) -> bool {
    let asked = std::mem::take(&mut stream.first);
    let mut read: Option<Instance> = None;
    stream.first = First { follow: false, ..asked.clone() };
    loop {
        let turns = stream.turns.clone();
        let rest = tokio::select! {
            biased;
            is_there = async { stream.is_followed.wait_for(|followed| *followed).await.is_ok() } => {
                if !is_there {
                    return false;
                }
                break;
            }
            // In the order in which they asked: everyone is heard.
            turn = turns.acquire_owned() => {
                let Ok(_turn) = turn else { return false };
                match once(stream, reader, &mut read).await {
                    Some(rest) if !reader.is_over => rest,
                    _ => return false,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stream.is_followed.changed() => {}
        }
    }
    // What was not read yet is asked for as at first; else the cursor says where to go on.
    stream.first = First { follow: true, ..asked };
    true
}

/// One turn; how long to rest until the next. `None`: nobody looks any more.
async fn once(stream: &mut Stream, reader: &mut Lines, read: &mut Option<Instance>) -> Option<Duration> {
    let mut retry_at = None;
    let mut instance = stream.instance.borrow().clone();
    if instance.id.is_some() {
        reader.attach(&stream.pod, &stream.container, &instance);
        if read.as_ref().is_some_and(|read| read.id != instance.id) {
            stream.note_restart(reader, &instance);
        }
        let since = reader.cursor.resume(stream.first.is_ranged());
        let refusal = stream.connection(reader, &mut instance, since).await.err();
        *read = Some(instance);
        if let Some(refusal) = refusal {
            retry_at = refusal.retry_at();
            if !stream.trouble(&refusal.says(&stream.container)).await {
                return None;
            }
        }
        if !stream.flush(reader, true).await || !stream.report(Report::Closed(stream.number)).await {
            return None;
        }
    }
    let rest = pause(stream.limits.turn, retry_at, &stream.number, stream.clock.now());
    stream.caught_up().await.then_some(rest)
}
