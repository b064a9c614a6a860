//! What stands before the message of a line: time, pod, version and level, in columns as wide as there is room.

use ratatui::text::{Line, Span};

use super::tail::Tail;
use crate::{
    model::log::{LogLevel, LogLine, Origin},
    query::{LogQuery, LogTarget},
    text::{steady, truncate},
    ui::theme::Theme,
};

/// Widths of the columns before the message; 0: left out.
#[derive(Debug)]
pub(super) struct Columns {
    time: usize,
    pod: usize,
    version: usize,
    level: usize,
    /// Pods by the end of their names.
    is_narrow: bool,
    has_containers: bool,
    /// What the column of pods is called; of a single pod it tells its containers.
    writer: &'static str,
}

/// Cells of `mm:ss`; the hours go first where there is little room.
const SHORT_TIME: usize = 5;
const FULL_TIME: usize = 8;
/// A column of two that is narrower than this has no room for pods and hours.
const TIGHT: u16 = 50;

pub(super) fn time_words(line: &LogLine, columns: &Columns) -> String {
    if columns.time == 0 {
        return String::new();
    }
    let at = line.at.to_zoned(jiff::tz::TimeZone::UTC);
    at.strftime(if columns.time == SHORT_TIME { "%M:%S" } else { "%H:%M:%S" }).to_string()
}

pub(super) fn head(line: &LogLine, tail: &Tail, columns: &Columns, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    let mut put = |text: &str, width: usize, style| {
        if width > 0 {
            let text = truncate(text, width, theme.glyphs.ellipsis);
            spans.push(Span::styled(format!("{text:<width$} "), style));
        }
    };
    if line.continues {
        // A trace reads as one: what its head says is not said again.
        let all = [columns.time, columns.pod, columns.version, columns.level];
        return Line::raw(" ".repeat((all.iter().map(|w| w + usize::from(*w > 0)).sum::<usize>()).saturating_sub(1)));
    }
    put(&time_words(line, columns), columns.time, theme.dim);
    let pod = pod_words(&line.origin, &tail.query, columns.has_containers, columns.is_narrow);
    put(&pod, columns.pod, theme.pods[steady(writer(&line.origin, &tail.query), theme.pods.len())]);
    put(&line.origin.version, columns.version, theme.dim);
    let style = match line.level {
        Some(LogLevel::Fatal | LogLevel::Error) => theme.broken,
        Some(LogLevel::Warn) => theme.wrong,
        _ => theme.dim,
    };
    put(line.level.map_or("", LogLevel::name), columns.level, style);
    // The view puts a gap behind the head itself.
    if let Some(last) = spans.last_mut() {
        let text = last.content.to_mut();
        text.pop();
    }
    Line::from(spans)
}

/// Whose colour a line has: its pod's, or its container's where there is but one pod.
fn writer<'a>(origin: &'a Origin, query: &LogQuery) -> &'a str {
    match query.target {
        LogTarget::Pod(_) => &origin.container,
        _ => &origin.pod.name,
    }
}

/// The pod's name without its workload's; its container too where there are several.
fn pod_words(origin: &Origin, query: &LogQuery, has_containers: bool, is_narrow: bool) -> String {
    let name = origin.pod.name.as_str();
    match &query.target {
        LogTarget::Pod(_) => origin.container.to_string(),
        LogTarget::Labels(_) => {
            if has_containers {
                format!("{name}/{}", origin.container)
            } else {
                name.to_owned()
            }
        }
        target => {
            let rest = name.strip_prefix(target.name().as_str()).and_then(|rest| rest.strip_prefix('-'));
            // A StatefulSet's number alone would say too little.
            let mut short = rest.filter(|rest| rest.len() > 2).unwrap_or(name);
            if is_narrow && let Some((_, last)) = short.rsplit_once('-').filter(|(_, last)| last.len() > 2) {
                // The version stands beside it; the end tells the pods apart.
                short = last;
            }
            if has_containers { format!("{short}/{}", origin.container) } else { short.to_owned() }
        }
    }
}

/// `has_hours`: minutes and seconds would not say when.
pub(super) fn columns(tail: &Tail, is_narrow: bool, has_hours: bool) -> Columns {
    let writers = tail.index.writers();
    let mut containers: Vec<&str> = writers.iter().map(|origin| origin.container.as_str()).collect();
    containers.sort_unstable();
    containers.dedup();
    let has_containers = containers.len() > 1;
    let is_pod = matches!(tail.query.target, LogTarget::Pod(_));
    let widest = |words: &dyn Fn(&Origin) -> usize, most: usize| {
        writers.iter().map(|origin| words(origin)).max().unwrap_or(0).min(most)
    };
    let (writer, least) = match (is_pod, has_containers) {
        (true, _) => ("container", "container".len()),
        (false, true) => ("pod/container", 3),
        (false, false) => ("pod", 3),
    };
    let pod = if is_pod && !has_containers {
        0
    } else {
        widest(
            &|origin| pod_words(origin, &tail.query, has_containers, is_narrow).len(),
            if is_narrow { 11 } else { 24 },
        )
        .max(least)
    };
    // Its head is `ver`.
    let version = if is_pod { 0 } else { widest(&|origin| origin.version.len(), if is_narrow { 4 } else { 12 }) };
    Columns {
        time: match (tail.timestamps, is_narrow && !has_hours) {
            (false, _) => 0,
            (true, true) => SHORT_TIME,
            (true, false) => FULL_TIME,
        },
        pod,
        version: if version == 0 { 0 } else { version.max(3) },
        level: 5,
        is_narrow,
        has_containers,
        writer,
    }
}

/// Of one of two columns: its head names the version, so that its lines need not, unless there are several.
pub(super) fn columns_of(tail: &Tail, tags: &str, width: u16, has_hours: bool) -> Columns {
    let is_tight = width < TIGHT;
    let columns = columns(tail, true, has_hours);
    Columns {
        time: if is_tight || columns.time == 0 { columns.time } else { FULL_TIME },
        pod: if is_tight { 0 } else { columns.pod },
        version: if tags.contains('+') { columns.version } else { 0 },
        ..columns
    }
}

/// `time  level message`; the last word is given.
pub(super) fn heads(columns: &Columns, message: &str) -> String {
    let time = if columns.time == SHORT_TIME { "mm:ss" } else { "time" };
    [(time, columns.time), (columns.writer, columns.pod), ("ver", columns.version), ("level", columns.level)]
        .iter()
        .filter(|(_, width)| *width > 0)
        .map(|(word, width)| format!("{:<width$} ", truncate(word, *width, "")))
        .chain([message.to_owned()])
        .collect()
}
