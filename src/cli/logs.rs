//! `midwatch logs TARGET...`: a merged tail of many pods to standard output.
//!
//! JSON, one object a line: `{at, cluster, namespace, pod, container, version, level, text, continues, note}`. `note` marks a
//! line of midwatch's own: a container restarted, a stream was cut; where it says how often the line before was written
//! again, it has that number as `repeats`. With `--signatures` one object a message: `{signature, level, new, lines,
//! versions, per_thousand}`, `versions` being lines by version, `per_thousand` the same per 1,000 of its lines.
//! Text that looks like a credential is masked, and how often is said at the end.
//! Exit codes: 0 read, 2 no such target, 3 a log could not be read.

mod flags;
mod fold;
mod keep;
mod order;
mod out;
mod signatures;
mod targets;
mod template;

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use color_eyre::{Result, eyre::eyre};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

pub use self::flags::Logs;
use self::{order::Order, out::Out, targets::new_tags};
use super::{Global, cockpit, pipe::closed, report, setup, status::UNREADABLE, target};
use crate::{
    model::BackendId,
    query::{Answer, LogQuery, LogTarget, Query},
    source::{AnswerSink, Answered, Reader},
    text::{Clean, counted},
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
    let (to, answers) = mpsc::channel(64);
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
        let lines = if out.masked == 1 { "line" } else { "lines" };
        report::aside(&format!(
            "midwatch: what looks like a credential is masked in {} {lines}; --unmasked shows it",
            out.masked
        ));
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

fn is_of_labels(query: &Query) -> bool {
    matches!(query, Query::Logs(LogQuery { target: LogTarget::Labels(_), .. }))
}

/// Writes what comes until it ends, is interrupted, or nobody reads any more. What is not followed is put in order first,
/// unless one stream is all there is; a target whose pods cannot be read is given up after `--within`.
async fn pass_on(
    out: &mut Out,
    mut answers: mpsc::Receiver<Answered>,
    logs: &Logs,
    readers: &[(Query, AbortHandle)],
) -> Result<ExitCode> {
    let (stop, pipe, deadline) = (cockpit::stopped(), closed(), tokio::time::sleep(logs.within.duration()));
    tokio::pin!(stop, pipe, deadline);
    let mut failed = false;
    let mut failing: Vec<Query> = Vec::new();
    let mut told: BTreeSet<Clean> = BTreeSet::new();
    // Labels are looked for in every cluster and namespace that is read: that some have no such pod is no failure.
    let (mut is_found, mut not_found): (bool, BTreeSet<Clean>) = (false, BTreeSet::new());
    let mut order = Order::default();
    let mut is_one = readers.len() == 1;
    loop {
        let answered = tokio::select! {
            biased;
            () = &mut stop => break,
            () = &mut pipe => return Ok(ExitCode::SUCCESS),
            () = &mut deadline, if !deadline.is_elapsed() => {
                give_up(readers, &failing, logs);
                continue;
            }
            answered = answers.recv() => match answered {
                Some(answered) => answered,
                None => break,
            },
        };
        match answered.body {
            Ok(Answer::Logs(batch)) => {
                failing.retain(|query| *query != answered.query);
                is_found |= batch.wanted > 0;
                if batch.wanted == 0 && is_of_labels(&answered.query) {
                    not_found.extend(batch.troubles);
                    continue;
                }
                for trouble in batch.troubles {
                    if told.insert(trouble.clone()) {
                        failed = true;
                        report::aside(&format!("midwatch: {trouble}"));
                    }
                }
                if batch.dropped > 0 {
                    report::aside(&format!("midwatch: {} lines came too fast and were dropped", batch.dropped));
                }
                is_one &= batch.wanted <= 1;
                let lines = if logs.follow || is_one { batch.lines } else { order.push(batch.lines) };
                out.write(&lines)?;
            }
            Ok(_) => {}
            Err(error) => {
                if told.insert(error.says.clone()) {
                    report::aside(&format!("midwatch: {}", error.says));
                }
                failing.push(answered.query);
                if deadline.is_elapsed() {
                    give_up(readers, &failing, logs);
                }
            }
        }
    }
    failed |= !failing.is_empty();
    out.write(&order.end())?;
    out.end()?;
    if !is_found && !not_found.is_empty() {
        failed = true;
        for trouble in &not_found {
            report::aside(&format!("midwatch: {trouble}"));
        }
    }
    // A followed log goes on after trouble with one stream; its end is the user's.
    Ok(if failed && !logs.follow && !logs.ignore_errors { ExitCode::from(UNREADABLE) } else { ExitCode::SUCCESS })
}

/// Those that fail are not waited for any longer. A log that is followed is the user's to end.
fn give_up(readers: &[(Query, AbortHandle)], failing: &[Query], logs: &Logs) {
    if !logs.follow {
        readers.iter().filter(|(query, _)| failing.contains(query)).for_each(|(_, task)| task.abort());
    }
}
