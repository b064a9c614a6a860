//! The pane of lines: head columns, body with finds, notes as rules, and why it is not fresh.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use regex::Regex;

use super::{
    Logs,
    around::{chips, empty, foot, info, strip, target_words, title},
    index::Entry,
    tail::{Tail, Window, line_at},
};
use crate::{
    model::log::{LogLevel, LogLine, Origin},
    query::{LogQuery, LogTarget},
    secret::mask,
    source::kubernetes::log_line::readable,
    store::logs::LogBuffer,
    text::truncate,
    ui::{
        View,
        theme::Theme,
        widgets::{
            cells::{clear, put_centred, put_line, row},
            frame::{Frame, Scroll, scrollbar},
            log_view::{Anchor, LogHits, LogLine as Shown, LogView},
        },
    },
};

/// Widths of the columns before the message; 0: left out.
struct Columns {
    time: usize,
    pod: usize,
    version: usize,
    level: usize,
    is_narrow: bool,
    has_containers: bool,
}

/// Cells that a note's rule needs at least beside its words.
const RULE: usize = 3;

pub(super) fn render(logs: &mut Logs, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let open: Vec<String> = logs.tails.iter().map(|tail| target_words(&tail.query)).collect();
    let current = logs.current;
    let Some(tail) = logs.tails.get_mut(current) else {
        let inside = Frame::new(theme, "LOGS").focused(true).render(area, buf);
        let spot = row(inside, inside.height / 3).unwrap_or_default();
        let words = Line::styled("no log is open: l on a pod, workload or alert opens one", theme.dim);
        return put_centred(buf, spot, &words, theme.glyphs.ellipsis);
    };
    let buffer = tail.buffer(view);
    let mut frame = Frame::new(theme, title(tail, buffer)).info(info(tail, buffer, view)).focused(tail.has_keys());
    if let Some(foot) = foot(buffer, view) {
        frame = frame.foot(foot);
    }
    let inside = frame.render(area, buf);
    let mut rest = inside;
    if open.len() > 1
        && let Some(spot) = row(inside, 0)
    {
        put_line(buf, spot, &strip(&open, current, theme), theme.glyphs.ellipsis);
        rest = below(rest);
    }
    if let Some(chips) = chips(tail, buffer, theme)
        && let Some(spot) = row(rest, 0).filter(|_| rest.height > 3)
    {
        put_line(buf, spot, &chips, theme.glyphs.ellipsis);
        rest = below(rest);
    }
    let columns = columns(tail, view.is_narrow());
    if let Some(spot) = row(rest, 0).filter(|_| rest.height > 3) {
        put_line(buf, spot, &Line::styled(heads(&columns), theme.dim), theme.glyphs.ellipsis);
        rest = below(rest);
    }
    logs.hits = LogHits::default();
    logs.first_shown = 0;
    tail.height = usize::from(rest.height);
    let Some(buffer) = buffer.filter(|_| tail.index.len() > 0) else {
        let spot = row(rest, rest.height / 3).unwrap_or_default();
        return put_centred(buf, spot, &Line::styled(empty(tail, buffer), theme.dim), theme.glyphs.ellipsis);
    };
    let drawn = draw(tail, buffer, &columns, view, rest, buf);
    let shown = drawn.hits.lines.len();
    scrollbar(area, Scroll { len: tail.index.len(), offset: drawn.first, visible: shown }, theme, buf);
    (logs.hits, logs.first_shown) = (drawn.hits, drawn.first);
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// What was drawn: areas from the top, and the position of the first row.
struct Drawn {
    hits: LogHits,
    first: usize,
}

/// Draws the window; if the cursor has left it, again with the cursor at the edge where it left.
fn draw(
    tail: &mut Tail,
    buffer: &LogBuffer,
    columns: &Columns,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Drawn {
    let newest = tail.index.last().map_or(0, |entry| entry.last);
    let oldest = tail.index.get(0).map_or(0, |entry| entry.last);
    if tail.follow {
        tail.window = Window::Bottom(newest);
    }
    let cursor = tail.position().unwrap_or(0);
    let mut drawn = draw_window(tail, buffer, columns, view, area, buf);
    for _ in 0..2 {
        let (first, shown) = (drawn.first, drawn.hits.lines.len());
        let has_room = drawn.hits.is_everything(area);
        let window = if cursor < first {
            Window::Top(tail.cursor)
        } else if cursor >= first + shown.max(1) {
            Window::Bottom(tail.cursor)
        } else if has_room && first > 0 {
            Window::Bottom(newest)
        } else if has_room && first + shown < tail.index.len() {
            Window::Top(oldest)
        } else {
            break;
        };
        if window == tail.window {
            break;
        }
        tail.window = window;
        clear(buf, area.intersection(*buf.area()));
        drawn = draw_window(tail, buffer, columns, view, area, buf);
    }
    drawn
}

fn draw_window(
    tail: &Tail,
    buffer: &LogBuffer,
    columns: &Columns,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Drawn {
    let len = tail.index.len();
    let cursor = tail.position().unwrap_or(0);
    let make = |entry: Entry| shown(tail, buffer, columns, view, entry, area.width);
    let (anchor, edge) = match tail.window {
        Window::Top(line) => (Anchor::Top, tail.index.position(line).min(len - 1)),
        Window::Bottom(line) => (Anchor::Bottom, tail.index.position(line).min(len - 1)),
    };
    let at = match anchor {
        Anchor::Top => cursor.checked_sub(edge),
        Anchor::Bottom => edge.checked_sub(cursor),
    };
    let widget = LogView::new(view.theme, anchor)
        .wrap(tail.wrap)
        .x(tail.x)
        .cursor(at.filter(|_| !tail.follow))
        .current_find(at.filter(|_| !tail.follow).map(|at| (at, 0)));
    let hits = match anchor {
        Anchor::Top => widget.render(area, buf, tail.index.range(edge..len).map(make)),
        Anchor::Bottom => widget.render(area, buf, tail.index.range(0..edge + 1).rev().map(make)),
    };
    let first = match anchor {
        Anchor::Top => edge,
        Anchor::Bottom => (edge + 1).saturating_sub(hits.lines.len()),
    };
    Drawn { hits, first }
}

/// One row, in words and styles.
fn shown(
    tail: &Tail,
    buffer: &LogBuffer,
    columns: &Columns,
    view: &View<'_>,
    entry: Entry,
    width: u16,
) -> Shown<'static> {
    let theme = view.theme;
    let Some(line) = line_at(buffer, entry.last) else { return Shown::default() };
    if line.is_note {
        return note(line, columns, theme, width);
    }
    let body = if line.continues { Line::raw(mask(&line.text)) } else { message(line, theme) };
    let finds = tail.needle.as_ref().or(tail.sieve.highlight()).map(|needle| finds(needle, &body)).unwrap_or_default();
    let tail_words =
        if entry.count > 1 { Line::styled(format!("x{}", entry.count), theme.strong) } else { Line::default() };
    Shown { head: head(line, tail, columns, theme), body, tail: tail_words, finds }
}

/// The message and, quieter, the fields of a structured line. Secrets are masked after it was taken apart.
fn message(line: &LogLine, theme: &Theme) -> Line<'static> {
    let parts = readable(&line.text);
    let style = match line.level {
        Some(LogLevel::Trace | LogLevel::Debug) => theme.dim,
        _ => theme.text,
    };
    if parts.fields.is_empty() {
        return Line::styled(mask(&parts.message), style);
    }
    let fields: String = parts.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    Line::from(vec![Span::styled(mask(&parts.message), style), Span::styled(format!(" {}", mask(&fields)), theme.dim)])
}

fn finds(needle: &Regex, body: &Line<'_>) -> Vec<std::ops::Range<usize>> {
    let text: String = body.spans.iter().map(|span| span.content.as_ref()).collect();
    needle.find_iter(&text).map(|found| found.range()).collect()
}

/// A word of midwatch's own between the lines: `-- container restarted ------`.
fn note(line: &LogLine, columns: &Columns, theme: &Theme, width: u16) -> Shown<'static> {
    let rule = theme.glyphs.rule;
    let time = time_words(line, columns);
    let words = format!("{rule}{rule} {time}{}{} ", if time.is_empty() { "" } else { " " }, mask(&line.text));
    let left = usize::from(width).saturating_sub(unicode_width::UnicodeWidthStr::width(words.as_str())).max(RULE);
    Shown { body: Line::styled(format!("{words}{}", rule.repeat(left)), theme.dim), ..Shown::default() }
}

fn time_words(line: &LogLine, columns: &Columns) -> String {
    if columns.time == 0 {
        return String::new();
    }
    let at = line.at.to_zoned(jiff::tz::TimeZone::UTC);
    at.strftime(if columns.is_narrow { "%M:%S" } else { "%H:%M:%S" }).to_string()
}

fn head(line: &LogLine, tail: &Tail, columns: &Columns, theme: &Theme) -> Line<'static> {
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
    let number = tail.index.writers().get(&line.origin).copied().unwrap_or(0);
    let pod = pod_words(&line.origin, &tail.query, columns.has_containers, columns.is_narrow);
    put(&pod, columns.pod, theme.series[number % theme.series.len()]);
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

fn columns(tail: &Tail, is_narrow: bool) -> Columns {
    let writers = tail.index.writers();
    let mut containers: Vec<&str> = writers.keys().map(|origin| origin.container.as_str()).collect();
    containers.sort_unstable();
    containers.dedup();
    let has_containers = containers.len() > 1;
    let is_pod = matches!(tail.query.target, LogTarget::Pod(_));
    let widest = |words: &dyn Fn(&Origin) -> usize, most: usize| {
        writers.keys().map(|origin| words(origin)).max().unwrap_or(0).min(most)
    };
    let pod = if is_pod && !has_containers {
        0
    } else {
        widest(
            &|origin| pod_words(origin, &tail.query, has_containers, is_narrow).len(),
            if is_narrow { 11 } else { 24 },
        )
        .max(3)
    };
    Columns {
        time: match (tail.timestamps, is_narrow) {
            (false, _) => 0,
            (true, true) => 5,
            (true, false) => 8,
        },
        pod,
        version: if is_pod { 0 } else { widest(&|origin| origin.version.len(), if is_narrow { 4 } else { 12 }) },
        level: 5,
        is_narrow,
        has_containers,
    }
}

fn heads(columns: &Columns) -> String {
    let pod = if columns.has_containers { "pod/container" } else { "pod" };
    [("time", columns.time), (pod, columns.pod), ("ver", columns.version), ("level", columns.level)]
        .iter()
        .filter(|(_, width)| *width > 0)
        .map(|(word, width)| format!("{:<width$} ", truncate(word, *width, "")))
        .chain(["message".to_owned()])
        .collect()
}
