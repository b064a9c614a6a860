//! `midwatch logs TARGET...`: a merged tail of many pods to standard output.
//!
//! JSON, one object a line: `{at, cluster, namespace, pod, container, version, level, text, continues, note}`. `note` marks a
//! line of midwatch's own: a container restarted, a stream was cut.
//! Exit codes: 0 read, 2 no such target, 3 a log could not be read.

use std::{collections::BTreeSet, fmt::Write as _, io::IsTerminal as _, process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::{
    Result,
    eyre::{WrapErr as _, eyre},
};
use crossterm::style::{Color, Stylize as _};
use regex::Regex;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use super::{Global, cockpit, pipe::closed, report, setup, status::UNREADABLE, target};
use crate::{
    model::{BackendId, Name, log::LogLine},
    query::{Answer, LogQuery, ObjectRef, Query},
    source::{AnswerSink, Answered, Reader},
    text::Clean,
    time::Clock,
    ui::theme::{ColourDepth, TerminalEnv},
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
    /// Newest lines of each container [default: 100, or all with --since]
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Go on with new lines; pods that come later too
    #[arg(short, long)]
    follow: bool,
    /// Begin each line with its time
    #[arg(long)]
    timestamps: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Only lines that match this expression
    #[arg(long, value_name = "REGEX")]
    include: Option<String>,
    /// No lines that match this expression
    #[arg(long, value_name = "REGEX")]
    exclude: Option<String>,
    #[command(flatten)]
    within: setup::Within,
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
    fn query(&self, object: &ObjectRef) -> LogQuery {
        let tail = self.tail.or(if self.since.is_none() { Some(100) } else { None });
        LogQuery {
            target: object.clone(),
            container: self.container.as_deref().map(Clean::line),
            previous: self.previous,
            since_seconds: self.since,
            tail,
            follow: self.follow,
        }
    }
}

pub async fn run(logs: Logs, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let keep = Keep::new(&logs)?;
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
    let names = Prefix::of(&objects);
    let (to, answers) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for object in &objects {
        let reader: Arc<dyn Reader> = reader(&wired.readers, object.cluster())?;
        let query = Query::Logs(logs.query(object));
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: clock.clone(), to: to.clone() };
        tasks.spawn(async move { reader.read(&query, sink).await });
    }
    drop(to);
    let out = Out { keep, names, timestamps: logs.timestamps, json: logs.json };
    let code = pass_on(&out, answers, logs.follow).await?;
    tasks.shutdown().await;
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
async fn pass_on(out: &Out, mut answers: mpsc::Receiver<Answered>, is_followed: bool) -> Result<ExitCode> {
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

/// Which lines are kept.
struct Keep {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Keep {
    fn new(logs: &Logs) -> Result<Self> {
        let regex = |name: &str, text: &Option<String>| {
            text.as_deref().map(Regex::new).transpose().wrap_err_with(|| format!("--{name} is no regular expression"))
        };
        Ok(Self { include: regex("include", &logs.include)?, exclude: regex("exclude", &logs.exclude)? })
    }

    fn keeps(&self, text: &str) -> bool {
        self.include.as_ref().is_none_or(|regex| regex.is_match(text))
            && !self.exclude.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// What stands before each line: nothing where only one pod can speak.
struct Prefix {
    pods: bool,
    clusters: bool,
    /// Only to a terminal that has colours; the name stands there all the same.
    is_coloured: bool,
}

impl Prefix {
    fn of(objects: &[ObjectRef]) -> Self {
        let clusters: BTreeSet<&BackendId> = objects.iter().map(ObjectRef::cluster).collect();
        let is_one = matches!(objects, [ObjectRef::Pod(_)]);
        let env = TerminalEnv::from_process();
        let is_coloured = std::io::stdout().is_terminal() && env.depth() != ColourDepth::None;
        Self { pods: !is_one, clusters: clusters.len() > 1, is_coloured }
    }
}

/// One of the terminal's own colours, the same for a pod each time.
fn colour(pod: &str) -> Color {
    const COLOURS: [Color; 6] =
        [Color::DarkCyan, Color::DarkGreen, Color::DarkYellow, Color::DarkBlue, Color::DarkMagenta, Color::DarkRed];
    let sum: usize = pod.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

struct Out {
    keep: Keep,
    names: Prefix,
    timestamps: bool,
    json: bool,
}

impl Out {
    fn write(&self, lines: &[LogLine]) -> std::io::Result<()> {
        let mut text = String::new();
        // A line that goes on (a stack trace) is kept or left out with the line it belongs to.
        let mut keeps = true;
        for line in lines {
            if !line.continues {
                keeps = line.is_note || self.keep.keeps(&line.text);
            }
            if keeps {
                text.push_str(&if self.json { json_line(line) } else { self.line(line) });
                text.push('\n');
            }
        }
        if text.is_empty() { Ok(()) } else { report::print(&text) }
    }

    fn line(&self, line: &LogLine) -> String {
        let mut text = String::new();
        if self.timestamps {
            text.push_str(&line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string());
        }
        let origin = &line.origin;
        if self.names.clusters {
            let _ = write!(text, "{}/", origin.pod.cluster);
        }
        if self.names.pods || self.names.clusters {
            let container: &Name = &origin.container;
            let name = format!("{}/{container}", origin.pod.name);
            let _ = if self.names.is_coloured {
                write!(text, "{}  ", name.with(colour(&origin.pod.name)))
            } else {
                write!(text, "{name}  ")
            };
        }
        if line.is_note {
            text.push_str("-- ");
        }
        text.push_str(&line.text);
        text
    }
}

fn json_line(line: &LogLine) -> String {
    let origin = &line.origin;
    json!({
        "at": line.at.to_string(), "cluster": origin.pod.cluster, "namespace": origin.pod.namespace,
        "pod": origin.pod.name, "container": origin.container, "version": origin.version,
        "level": line.level.map(crate::model::log::LogLevel::name), "text": line.text, "continues": line.continues,
        "note": line.is_note,
    })
    .to_string()
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
