//! `midwatch logs TARGET...`: a merged tail of many pods to standard output.
//!
//! JSON, one object a line: `{at, cluster, namespace, pod, container, version, level, text, continues, note}`. `note` marks a
//! line of midwatch's own: a container restarted, a stream was cut; where it says how often its container wrote a line
//! again, it has that number as `repeats`. With `--previous` notes of what is read go to standard error. With
//! `--signatures` one object a message: `{signature, level, new, lines, versions, per_thousand}`, `versions` being lines by
//! version, `per_thousand` the same per 1,000 of its lines.
//! Text that looks like a credential is masked, and how often is said at the end.
//! Exit codes: 0 read, 2 no such target, 3 a log could not be read.

mod flags;
mod fold;
mod keep;
mod order;
mod out;
mod signatures;
mod tally;
mod targets;
mod template;

use std::{pin::Pin, process::ExitCode, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

pub use self::flags::Logs;
use self::{out::Out, tally::Tally, targets::new_tags};
use super::{Global, cockpit, pipe::closed, report, setup, status::UNREADABLE, target};
use crate::{
    model::BackendId,
    query::{LogQuery, Query},
    source::{AnswerSink, Answered, Reader},
    text::counted,
    time::Clock,
};

pub async fn run(logs: Logs, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    if let Some(wrong) = logs.wrong() {
        return Err(eyre!(wrong));
    }
    if let Some(most) = logs.too_many_streams() {
        report::aside(&format!("midwatch: --max-log-requests {most} is more than there are: 50 at a time"));
    }
    let (_, wired, mut reading) = setup::reading(&global, &clock, target::is_object).await?;
    reading.once(logs.within.duration()).await;
    let targets = match targets::resolve(&logs, &reading, &wired, &global, &clock).await {
        Ok(targets) => targets,
        Err(error) => {
            report::aside(&format!("midwatch: {}", error.says));
            return Ok(ExitCode::from(if error.is_unreadable { UNREADABLE } else { 2 }));
        }
    };
    // Times are the cluster's: a slow clock here must not lose the beginning.
    let queries: Vec<LogQuery> = (targets.iter())
        .map(|target| logs.query(target, reading.store.time_of(target.of.cluster(), clock.now())))
        .collect();
    let new_tags = new_tags(&targets, &reading);
    reading.stop().await;
    // Of batches that are bounded in bytes.
    let (to, answers) = mpsc::channel(16);
    let (mut tasks, mut readers) = (JoinSet::new(), Vec::new());
    for query in queries {
        let reader: Arc<dyn Reader> = reader(&wired.readers, query.target.cluster())?;
        let query = Query::Logs(query);
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to: to.clone() };
        readers.push((query.clone(), tasks.spawn(async move { reader.read(&query, sink).await })));
    }
    drop(to);
    let mut out = Out::new(&logs, &targets, new_tags);
    let code = pass_on(&mut out, answers, &logs, &readers).await?;
    tasks.shutdown().await;
    if out.masked > 0 {
        let masked = counted(out.masked as usize, if logs.signatures { "message" } else { "line" });
        report::aside(&format!("midwatch: what looks like a credential is masked in {masked}; --unmasked shows it"));
    }
    if let Some((lines, why)) = &out.unfit {
        let lines = counted(*lines as usize, "line");
        report::aside(&format!("midwatch: by the template {lines} could not be written and stand as they are: {why}"));
    }
    Ok(code)
}

fn reader(readers: &[Arc<dyn Reader>], cluster: &BackendId) -> Result<Arc<dyn Reader>> {
    readers
        .iter()
        .find(|reader| reader.backend() == cluster)
        .cloned()
        .ok_or_else(|| eyre!("logs of '{cluster}' cannot be read: it could not be opened"))
}

/// How writing went.
enum Written {
    All,
    /// Asked to end while a slow reader was waited for.
    Stopped,
    /// Nobody reads any more.
    Closed,
}

/// Once asked to end, a slow reader is waited for so long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Writes what comes until it ends, is interrupted, or nobody reads any more. While a slow reader is waited for no answer
/// is taken, which holds the reading back. A target whose pods cannot be read is given up after `--within`.
async fn pass_on(
    out: &mut Out,
    mut answers: mpsc::Receiver<Answered>,
    logs: &Logs,
    readers: &[(Query, AbortHandle)],
) -> Result<ExitCode> {
    let (stop, pipe, deadline) = (cockpit::stopped(), closed(), tokio::time::sleep(logs.within.duration()));
    tokio::pin!(stop, pipe, deadline);
    let mut tally = Tally::new(logs, readers);
    let mut is_stopped = false;
    loop {
        let answered = tokio::select! {
            biased;
            () = &mut stop => {
                is_stopped = true;
                break;
            }
            () = &mut pipe => return Ok(ExitCode::SUCCESS),
            () = &mut deadline, if !deadline.is_elapsed() => {
                if answers.is_empty() {
                    tally.give_up();
                }
                continue;
            }
            answered = answers.recv() => match answered {
                Some(answered) => answered,
                None => break,
            },
        };
        // One that failed may have recovered by what still waits here, while a slow reader was waited for.
        let lines = tally.take(answered, deadline.is_elapsed() && answers.is_empty());
        match write(out.text(&lines), stop.as_mut(), pipe.as_mut()).await? {
            Written::All => {}
            Written::Stopped => return Ok(tally.code()),
            Written::Closed => return Ok(ExitCode::SUCCESS),
        }
    }
    let text = out.text(&tally.rest()) + &out.end();
    if is_stopped {
        // Too slow a reader goes without them.
        if let Ok(written) = tokio::time::timeout(LAST_WORDS, print(text)).await {
            written?;
        }
    } else if let Written::Closed = write(text, stop.as_mut(), pipe.as_mut()).await? {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(tally.code())
}

async fn write(
    text: String,
    stop: Pin<&mut impl Future<Output = ()>>,
    pipe: Pin<&mut impl Future<Output = ()>>,
) -> std::io::Result<Written> {
    tokio::select! {
        biased;
        written = print(text) => written.map(|()| Written::All),
        () = stop => Ok(Written::Stopped),
        () = pipe => Ok(Written::Closed),
    }
}

/// Beside this task: standard output may be full for as long as its reader likes.
async fn print(text: String) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let printed = tokio::task::spawn_blocking(move || report::print(&text)).await;
    printed.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
