//! Supervision of sources: cadence with jitter, deadline, back-off, cancellation and panics, so that a source is one
//! method and one backend's trouble is nobody else's.

use std::{hash::Hash, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{
    sync::{Notify, mpsc},
    time,
};
use tokio_util::sync::CancellationToken;

use super::{Cadence, ErrorKind, MAX_FACTS, Source, SourceError, Update};
use crate::{
    model::SourceId,
    time::{Clock, Now},
};

/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// How one source is run.
pub struct Supervision {
    pub updates: mpsc::Sender<Update>,
    pub stop: CancellationToken,
    /// Asks for a refresh now, back-off or not.
    pub refresh: Arc<Notify>,
    pub clock: Arc<dyn Clock>,
    /// Longest time one call of a polled source may take.
    pub deadline: Duration,
    pub generation: u64,
}

/// Runs `source` until `stop`. Every failure, panic and missed deadline becomes an update.
pub async fn supervise(mut source: Box<dyn Source>, with: Supervision) {
    let id = source.id();
    let mut failures = 0;
    loop {
        let result = tokio::select! {
            biased;
            () = with.stop.cancelled() => return,
            result = ask(&mut *source, with.deadline) => result,
        };
        let now = with.clock.now();
        let wait = match &result {
            Ok(_) => {
                failures = 0;
                match source.cadence() {
                    Cadence::Every(interval) => {
                        jittered(source.soon().map_or(interval, |soon| soon.min(interval)), &id, now)
                    }
                    Cadence::Pushed(_) => Duration::ZERO,
                }
            }
            Err(error) => {
                failures += 1;
                backoff(error, failures, source.cadence(), &id, now)
            }
        };
        if !send(&with, &id, result, now).await {
            return;
        }
        if wait.is_zero() {
            continue;
        }
        tokio::select! {
            biased;
            () = with.stop.cancelled() => return,
            () = with.refresh.notified() => {}
            () = time::sleep(wait) => {}
        }
    }
}

async fn ask(source: &mut dyn Source, deadline: Duration) -> Result<Vec<super::Fact>, SourceError> {
    // A pushed source watches its own silence; its heartbeat, with room, is the last resort here.
    let deadline = match source.cadence() {
        Cadence::Every(_) => deadline,
        Cadence::Pushed(heartbeat) => heartbeat * 4,
    };
    match time::timeout(deadline, AssertUnwindSafe(source.next()).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(SourceError::new(
            ErrorKind::Bug,
            format!("midwatch itself failed while reading this: {}; it starts again by itself", panic_words(&*panic)),
        )),
        Err(_) => Err(SourceError::new(ErrorKind::TimedOut, format!("no answer within {} s", deadline.as_secs()))),
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

/// Sends in pieces of at most [`MAX_FACTS`]. False: nobody listens any more.
async fn send(with: &Supervision, id: &SourceId, result: Result<Vec<super::Fact>, SourceError>, now: Now) -> bool {
    let update = |body| Update { from: id.clone(), at: now.wall, generation: with.generation, body };
    match result {
        Ok(mut facts) if facts.len() > MAX_FACTS => {
            while !facts.is_empty() {
                let rest = facts.split_off(facts.len().min(MAX_FACTS));
                if with.updates.send(update(Ok(std::mem::replace(&mut facts, rest)))).await.is_err() {
                    return false;
                }
            }
            true
        }
        body => with.updates.send(update(body)).await.is_ok(),
    }
}

/// How long to wait after the `failures`th failure in a row: the server's word if it gave one, else doubling from one
/// second (or the poll interval, if shorter) to a minute, with jitter.
fn backoff(error: &SourceError, failures: u32, cadence: Cadence, id: &SourceId, now: Now) -> Duration {
    let base = cadence.expected().min(Duration::from_secs(1));
    let own = jittered((base * 2u32.saturating_pow(failures.saturating_sub(1).min(10))).min(MAX_BACKOFF), id, now);
    match error.retry_at {
        // One second more, since clocks differ, and since what was asked beside it was refused a little later.
        Some(at) => {
            let left = Duration::try_from(at.duration_since(now.wall)).unwrap_or_default();
            own.max((left + Duration::from_secs(1)).min(Duration::from_hours(1)))
        }
        None => own,
    }
}

/// `wait` less up to a tenth, so that those who wait do not ask in step. Spread by name and time, no randomness needed.
pub(super) fn jittered(wait: Duration, of: &impl Hash, now: Now) -> Duration {
    use std::hash::Hasher as _;
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    of.hash(&mut hasher);
    now.wall.as_nanosecond().hash(&mut hasher);
    let share = (hasher.finish() % 1000) as f64 / 1000.0;
    wait.mul_f64(1.0 - share / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{BackendId, Part},
        source::Fact,
        time::TestClock,
    };
    use futures::future::BoxFuture;
    use jiff::Timestamp;

    type Step = Box<dyn FnMut() -> Result<Vec<Fact>, SourceError> + Send>;

    struct Script(std::collections::VecDeque<Step>);

    impl Source for Script {
        fn id(&self) -> SourceId {
            SourceId::new(&BackendId::new("b"), Part::Health)
        }
        fn cadence(&self) -> Cadence {
            Cadence::Every(Duration::from_millis(1))
        }
        fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
            match self.0.pop_front() {
                Some(mut step) => Box::pin(async move { step() }),
                None => Box::pin(futures::future::pending()),
            }
        }
    }

    fn supervision(updates: mpsc::Sender<Update>) -> Supervision {
        Supervision {
            updates,
            stop: CancellationToken::new(),
            refresh: Arc::new(Notify::new()),
            clock: Arc::new(TestClock::at(Timestamp::UNIX_EPOCH)),
            deadline: Duration::from_millis(50),
            generation: 7,
        }
    }

    #[tokio::test]
    async fn a_panic_becomes_an_update_and_the_source_goes_on() {
        let script = Script(
            [
                Box::new(|| -> Result<Vec<Fact>, SourceError> { panic!("boom") }) as Step,
                Box::new(|| Ok(vec![Fact::Silences(vec![])])),
            ]
            .into(),
        );
        let (to, mut updates) = mpsc::channel(8);
        let with = supervision(to);
        let stop = with.stop.clone();
        let task = tokio::spawn(supervise(Box::new(script), with));
        let first = updates.recv().await.expect("an update");
        let error = first.body.expect_err("it panicked");
        assert_eq!((error.kind, first.generation), (ErrorKind::Bug, 7));
        assert!(error.says.contains("boom"));
        assert!(updates.recv().await.expect("an update").body.is_ok());
        let third = updates.recv().await.expect("an update").body.expect_err("it hangs");
        assert_eq!(third.kind, ErrorKind::TimedOut);
        stop.cancel();
        task.await.expect("it ends");
    }

    #[tokio::test]
    async fn many_facts_come_in_pieces() {
        let script = Script([Box::new(|| Ok(vec![Fact::Silences(vec![]); MAX_FACTS * 2 + 1])) as Step].into());
        let (to, mut updates) = mpsc::channel(8);
        let task = tokio::spawn(supervise(Box::new(script), supervision(to)));
        let mut sizes = Vec::new();
        for _ in 0..3 {
            sizes.push(updates.recv().await.expect("an update").body.expect("facts").len());
        }
        assert_eq!(sizes, [MAX_FACTS, MAX_FACTS, 1]);
        task.abort();
    }

    #[test]
    fn backoff_doubles_to_a_minute_and_obeys_the_server() {
        let now = TestClock::at(Timestamp::UNIX_EPOCH).now();
        let id = SourceId::new(&BackendId::new("b"), Part::Health);
        let every = Cadence::Every(Duration::from_secs(30));
        let error = SourceError::new(ErrorKind::Unreachable, "refused");
        let waits: Vec<f64> = (1..=9).map(|n| backoff(&error, n, every, &id, now).as_secs_f64()).collect();
        for (wait, full) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]) {
            assert!((full * 0.9..=full).contains(wait), "{waits:?}");
        }
        let told = error.retry_at(Some("1970-01-01T00:02:00Z".parse().expect("valid")));
        assert_eq!(backoff(&told, 1, every, &id, now), Duration::from_secs(121));
        let later = TestClock::at("1970-01-01T00:00:00.005Z".parse().expect("valid")).now();
        assert_eq!(backoff(&told, 1, every, &id, later), Duration::from_millis(120_995), "a fraction is not cut off");
    }
}
