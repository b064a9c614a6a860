//! `midwatch logs TARGET...`: a merged tail of many pods to standard output.
//!
//! JSON, one object a line: `{at, cluster, namespace, pod, container, version, level, text, continues, note}`. `note` marks a
//! line of midwatch's own: a container restarted, a stream was cut.
//! Text that looks like a credential is masked, and how often is said at the end.
//! Exit codes: 0 read, 2 no such target, 3 a log could not be read.

mod keep;
mod out;
mod template;

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use color_eyre::{Result, eyre::eyre};
use jiff::Timestamp;
use regex::Regex;
use tokio::{sync::mpsc, task::JoinSet};

use self::{keep::Keep, out::Out, template::Template};
use super::{Global, cockpit, pipe::closed, report, setup, status::UNREADABLE, target};
use crate::{
    model::{BackendId, log::LogLine},
    query::{Answer, LogQuery, ObjectRef, Query},
    source::{AnswerSink, Answered, Reader},
    text::Clean,
    time::Clock,
};

#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// deploy/NAME, sts/NAME, ds/NAME, pod/NAME, or NAME of either
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,
    /// This container only
    #[arg(short, long, value_name = "NAME")]
    container: Option<String>,
    /// The containers' previous instances
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,
    /// Lines of at most this long ago: 30s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<u32>,
    /// Lines written at this time or later: 2026-03-14T03:00:00Z
    #[arg(long, value_name = "RFC3339", conflicts_with = "since")]
    since_time: Option<Timestamp>,
    /// Newest lines of each container [default: 100, or all with --since]
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Go on with new lines; pods that come later too
    #[arg(short, long, overrides_with = "no_follow")]
    follow: bool,
    /// End when what was logged so far is read: the default, for those who come from stern
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,
    /// Begin each line with its time
    #[arg(short, long)]
    timestamps: bool,
    /// How a line is written
    #[arg(short, long, value_enum, default_value_t = Form::Default, value_name = "FORM")]
    output: Form,
    /// The same as --output json
    #[arg(long, conflicts_with_all = ["output", "template"])]
    json: bool,
    /// A line's form, in stern's words: '{{.PodName}} {{.Message}}'; also .ContainerName .Namespace .Cluster .Version .Level .Time
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "output")]
    template: Option<Template>,
    /// Only lines that match this expression, or one of several
    #[arg(short, long, value_name = "REGEX")]
    include: Vec<Regex>,
    /// No lines that match this expression, nor any of several
    #[arg(short, long, value_name = "REGEX")]
    exclude: Vec<Regex>,
    /// No lines of containers whose name matches this expression
    #[arg(short = 'E', long, value_name = "REGEX")]
    exclude_container: Vec<Regex>,
    /// Mark what matches this expression, where there is colour
    #[arg(short = 'H', long, value_name = "REGEX")]
    highlight: Vec<Regex>,
    /// Colours: auto is for terminals that have them
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    color: When,
    /// Write what looks like a credential as it is
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    within: setup::Within,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Pod and container before each line, where several can speak
    Default,
    /// The line alone
    Raw,
    /// One JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// `90`, `30s`, `5m`, `2h`, `1d`
fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}' is no time: write 30s, 5m, 2h or 1d");
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

impl Logs {
    /// `now`: what `--since-time` is counted back from; a second more, since seconds are whole.
    fn query(&self, object: &ObjectRef, now: Timestamp) -> LogQuery {
        let since = self.since.or_else(|| {
            let seconds = now.as_second().saturating_sub(self.since_time?.as_second()).saturating_add(1);
            Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
        });
        let tail = self.tail.or(if since.is_none() { Some(100) } else { None });
        LogQuery {
            target: object.clone(),
            container: self.container.as_deref().map(Clean::line),
            previous: self.previous,
            since_seconds: since,
            tail,
            follow: self.follow,
        }
    }
}

pub async fn run(logs: Logs, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let (_, wired, mut reading) = setup::reading(&global, &clock, target::is_object).await?;
    reading.once(logs.within.duration()).await;
    let mut objects: Vec<ObjectRef> = Vec::new();
    for text in &logs.targets {
        let object = match target::resolve(&reading, text, &global) {
            Ok(object) => object,
            Err(error) => {
                report::aside(&format!("midwatch: {}", error.says));
                return Ok(ExitCode::from(if error.is_unreadable { UNREADABLE } else { 2 }));
            }
        };
        if !objects.contains(&object) {
            objects.push(object);
        }
    }
    reading.stop().await;
    let (to, answers) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for object in &objects {
        let reader: Arc<dyn Reader> = reader(&wired.readers, object.cluster())?;
        let query = Query::Logs(logs.query(object, clock.now().wall));
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to: to.clone() };
        tasks.spawn(async move { reader.read(&query, sink).await });
    }
    drop(to);
    let mut out = Out::new(&logs, &objects);
    let code = pass_on(&mut out, answers, logs.follow).await?;
    tasks.shutdown().await;
    if out.masked > 0 {
        let lines = if out.masked == 1 { "line" } else { "lines" };
        report::aside(&format!(
            "midwatch: what looks like a credential is masked in {} {lines}; --unmasked shows it",
            out.masked
        ));
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

/// Writes what comes until it ends, is interrupted, or nobody reads any more. What is not followed is sorted over all
/// targets first.
async fn pass_on(out: &mut Out, mut answers: mpsc::Receiver<Answered>, is_followed: bool) -> Result<ExitCode> {
    let (stop, pipe) = (cockpit::stopped(), closed());
    tokio::pin!(stop, pipe);
    let mut failed = false;
    let mut told: BTreeSet<Clean> = BTreeSet::new();
    let mut whole: Vec<LogLine> = Vec::new();
    loop {
        let answered = tokio::select! {
            biased;
            () = &mut stop => break,
            () = &mut pipe => return Ok(ExitCode::SUCCESS),
            answered = answers.recv() => match answered {
                Some(answered) => answered,
                None => break,
            },
        };
        match answered.body {
            Ok(Answer::Logs(batch)) => {
                for trouble in batch.troubles {
                    if told.insert(trouble.clone()) {
                        failed = true;
                        report::aside(&format!("midwatch: {trouble}"));
                    }
                }
                if batch.dropped > 0 {
                    report::aside(&format!("midwatch: {} lines came too fast and were dropped", batch.dropped));
                }
                if is_followed {
                    out.write(&batch.lines)?;
                } else {
                    whole.extend(batch.lines);
                }
            }
            Ok(_) => {}
            Err(error) => {
                failed = true;
                report::aside(&format!("midwatch: {}", error.says));
            }
        }
    }
    // Stable: what continues a line stays behind it.
    whole.sort_by_key(|line| line.at);
    out.write(&whole)?;
    // A followed log goes on after trouble with one stream; its end is the user's.
    Ok(if failed && !is_followed { ExitCode::from(UNREADABLE) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kubectls() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("2h"), Ok(7_200));
        for wrong in ["", "0s", "m", "5 m", "-3s", "99999999d", "é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
