//! `midwatch logs TARGET...`: a merged tail of many pods to standard output.
//!
//! JSON, one object a line: `{at, cluster, namespace, pod, container, version, level, text, continues, note}`. `note` marks a
//! line of midwatch's own: a container restarted, a stream was cut.
//! Text that looks like a credential is masked, and how often is said at the end.
//! Exit codes: 0 read, 2 no such target, 3 a log could not be read.

mod keep;
mod out;
mod targets;
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
    query::{Answer, Containers, LogQuery, LogTarget, Query},
    source::{AnswerSink, Answered, Reader},
    text::Clean,
    time::Clock,
};

#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// deploy/NAME, sts/NAME, ds/NAME, pod/NAME, or NAME of either; KIND/NAME of any kind that has pods: job/NAME,
    /// cj/NAME (its newest Job), svc/NAME
    #[arg(required_unless_present = "selector", value_name = "TARGET")]
    targets: Vec<String>,
    /// The pods with these labels: app=web,tier!=cache
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// The container of this name; where no container of a pod is called so, those whose names match it as an expression
    #[arg(short, long, value_name = "NAME", value_parser = expression)]
    container: Option<String>,
    /// Every container: main, init and ephemeral ones
    #[arg(long, conflicts_with = "container")]
    all_containers: bool,
    /// Init containers too; without it only one that holds its pod up
    #[arg(long, conflicts_with = "container", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    init_containers: bool,
    /// Ephemeral containers too
    #[arg(long, conflicts_with = "container", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, value_name = "BOOL")]
    ephemeral_containers: bool,
    /// Connections at a time; when there are more containers, some of them share a few in turn [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=50))]
    max_log_requests: Option<u16>,
    /// The containers' previous instances
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,
    /// Lines of at most this long ago: 30s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<u32>,
    /// Lines written at this time or later: 2026-03-14T03:00:00Z
    #[arg(long, value_name = "RFC3339", conflicts_with = "since")]
    since_time: Option<Timestamp>,
    /// No lines written later than this: a time, or how long ago
    #[arg(long, value_name = "RFC3339|TIME", value_parser = until, conflicts_with = "follow")]
    until: Option<Until>,
    /// Newest lines of each container, -1 for all [default: 100, or all with --since]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = tail)]
    tail: Option<Tail>,
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
    /// As json; a line that is a JSON object itself stands in it as one
    Extjson,
    /// As extjson, indented
    Ppextjson,
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

/// `--tail`; `None`: all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tail(Option<u32>);

fn tail(text: &str) -> Result<Tail, String> {
    let wrong = || format!("'{text}' is no number of lines: write 100, or -1 for all");
    Ok(Tail(if text == "-1" { None } else { Some(text.parse().map_err(|_| wrong())?) }))
}

/// `--until`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Until {
    At(Timestamp),
    /// Seconds before now.
    Ago(u32),
}

fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(at) => Ok(Until::At(at)),
        Err(_) => seconds(text).map(Until::Ago),
    }
}

fn expression(text: &str) -> Result<String, String> {
    Regex::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

impl Logs {
    /// `now`: what `--since-time` is counted back from; a second more, since seconds are whole.
    fn query(&self, target: &LogTarget, now: Timestamp) -> LogQuery {
        let since = self.since.or_else(|| {
            let seconds = now.as_second().saturating_sub(self.since_time?.as_second()).saturating_add(1);
            Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
        });
        let tail = self.tail.map_or(if since.is_none() { Some(100) } else { None }, |tail| tail.0);
        LogQuery {
            target: target.clone(),
            containers: Containers {
                named: self.container.as_deref().map(Clean::line),
                main: self.all_containers,
                init: self.all_containers || self.init_containers,
                ephemeral: self.all_containers || self.ephemeral_containers,
            },
            most_streams: self.max_log_requests,
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
    let targets = match targets::resolve(&logs, &reading, &wired, &global, &clock).await {
        Ok(targets) => targets,
        Err(error) => {
            report::aside(&format!("midwatch: {}", error.says));
            return Ok(ExitCode::from(if error.is_unreadable { UNREADABLE } else { 2 }));
        }
    };
    // Times are the cluster's: a slow clock here must not lose the beginning.
    let queries: Vec<LogQuery> = (targets.iter())
        .map(|target| logs.query(target, reading.store.time_of(target.cluster(), clock.now())))
        .collect();
    reading.stop().await;
    let (to, answers) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for query in queries {
        let reader: Arc<dyn Reader> = reader(&wired.readers, query.target.cluster())?;
        let query = Query::Logs(query);
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to: to.clone() };
        tasks.spawn(async move { reader.read(&query, sink).await });
    }
    drop(to);
    let mut out = Out::new(&logs, &targets, clock.now().wall);
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

fn is_of_labels(query: &Query) -> bool {
    matches!(query, Query::Logs(LogQuery { target: LogTarget::Labels(_), .. }))
}

/// Writes what comes until it ends, is interrupted, or nobody reads any more. What is not followed is sorted over all
/// targets first.
async fn pass_on(out: &mut Out, mut answers: mpsc::Receiver<Answered>, is_followed: bool) -> Result<ExitCode> {
    let (stop, pipe) = (cockpit::stopped(), closed());
    tokio::pin!(stop, pipe);
    let mut failed = false;
    let mut told: BTreeSet<Clean> = BTreeSet::new();
    // Labels are looked for in every cluster and namespace that is read: that some have no such pod is no failure.
    let (mut is_found, mut not_found): (bool, BTreeSet<Clean>) = (false, BTreeSet::new());
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
    if !is_found && !not_found.is_empty() {
        failed = true;
        for trouble in &not_found {
            report::aside(&format!("midwatch: {trouble}"));
        }
    }
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
        assert_eq!((tail("-1"), tail("20")), (Ok(Tail(None)), Ok(Tail(Some(20)))));
        assert!(tail("-2").is_err() && tail("x").is_err());
        assert_eq!(until("5m"), Ok(Until::Ago(300)));
        assert_eq!(until("2026-03-14T03:00:00Z"), Ok(Until::At("2026-03-14T03:00:00Z".parse().unwrap())));
        assert!(until("yesterday").is_err());
    }
}
