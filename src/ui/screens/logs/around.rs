//! What stands around the lines of a log: title, filters, rate, and why there is less than there should be.

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::{span, tail::Tail};
use crate::{
    query::{Containers, LogQuery, LogTarget},
    secret::mask,
    store::logs::LogBuffer,
    text::grouped,
    time::coarse,
    ui::{View, theme::Theme},
};

/// `deploy/myapp`, `myapp-6d5c9-k2x8q`
pub(super) fn target_words(query: &LogQuery) -> String {
    let previous = if query.previous { " (previous)" } else { "" };
    let containers = match container_words(&query.containers) {
        words if words.is_empty() => words,
        words => format!(" [{words}]"),
    };
    format!("{}{containers}{previous}", query.target)
}

/// `app`, `all containers`, `main and init`; empty: as it comes.
pub(super) fn container_words(containers: &Containers) -> String {
    if let Some(name) = &containers.named {
        return name.to_string();
    }
    if *containers == Containers::ALL {
        return "all containers".to_owned();
    }
    let sorts = [("main", containers.main), ("init", containers.init), ("ephemeral", containers.ephemeral)];
    sorts.iter().filter(|(_, is)| *is).map(|(word, _)| *word).collect::<Vec<_>>().join(" and ")
}

/// The filters, and how many lines they leave, which is never what is cut; `None`: there is none.
pub(super) fn chips(tail: &Tail, buffer: Option<&LogBuffer>, theme: &Theme) -> Option<[Line<'static>; 2]> {
    let sieve = &tail.sieve;
    let mut spans = Vec::new();
    for chip in sieve.chips() {
        spans.push(Span::styled(format!("[{}]", mask(&chip)), theme.accent));
        spans.push(Span::raw(" "));
    }
    if let Some(wrong) = sieve.wrong() {
        spans.push(Span::styled(format!("! {wrong} "), theme.wrong));
    }
    if spans.is_empty() {
        return None;
    }
    let mut counts = Line::default();
    if let Some(buffer) = buffer.filter(|_| sieve.is_active()) {
        let all = (buffer.lines.len() as u64).saturating_sub(tail.index.notes());
        let shown = tail.index.shown().min(all);
        let so_far = if tail.index.is_sifting() { " so far" } else { "" };
        let neither = match tail.columns().and_then(|beside| beside.uncounted(shown)) {
            None | Some(0) => String::new(),
            Some(neither) => format!(", {} in neither count", grouped(neither)),
        };
        let words = format!(" {} of {} lines{so_far}{neither}", grouped(shown), grouped(all));
        counts.push_span(Span::styled(words, theme.dim));
    }
    Some([Line::from(spans), counts])
}

/// What the open logs are called: those of one target are told apart by what is read of it, `deploy/myapp 30m`.
pub(super) fn names(open: &[&LogQuery]) -> Vec<String> {
    let words: Vec<String> = open.iter().map(|query| target_words(query)).collect();
    let name = |(query, own): (&&LogQuery, &String)| {
        let is_alone = words.iter().filter(|other| *other == own).count() == 1;
        let span = span::words(query);
        if is_alone { own.clone() } else { format!("{own} {}", span.strip_prefix("since ").unwrap_or(&span)) }
    };
    open.iter().zip(&words).map(name).collect()
}

pub(super) fn strip(open: &[String], current: usize, theme: &Theme) -> Line<'static> {
    let mut line = Line::default();
    for (index, name) in open.iter().enumerate() {
        let style = if index == current { theme.strong.patch(theme.accent) } else { theme.dim };
        let name = if index == current { format!("[{name}]") } else { format!(" {name} ") };
        line.push_span(Span::styled(name, style));
        line.push_span(Span::raw(" "));
    }
    line
}

/// Of a log that is read once: its streams are not open, they were read.
const fn is_over(tail: &Tail) -> bool {
    tail.query.previous || !tail.query.follow
}

/// The frame's title and what stands to the right of it, in a frame of this width. Where there is not room for all, which
/// part of the log is read comes before how many streams and lines there are, and words are left out whole.
pub(super) fn top(tail: &Tail, buffer: Option<&LogBuffer>, view: &View<'_>, width: u16) -> [Line<'static>; 2] {
    let theme = view.theme;
    let mut said = state(tail, buffer, theme);
    let span = if tail.query.previous { String::new() } else { span::words(&tail.query) };
    let whole = title(tail, buffer);
    let is_whole = cells_with(&said, &span) <= room_beside(&whole, width);
    let title = if is_whole { whole } else { Line::raw(format!("LOGS {}", target_words(&tail.query))) };
    let room = room_beside(&title, width);
    if let Some(words) = span::words_within(&tail.query, room.saturating_sub(cells_with(&said, ""))) {
        said.push(Span::styled(words, theme.dim));
    }
    for part in counts(tail, buffer, view) {
        if cells_with(&said, &part.content) <= room {
            said.push(part);
        }
    }
    let mut info = Line::default();
    for (index, part) in said.into_iter().enumerate() {
        if index > 0 {
            info.push_span(Span::raw(GAP));
        }
        info.push_span(part);
    }
    [title, info]
}

const GAP: &str = "  ";

/// Cells of these parts with one more behind them.
fn cells_with(parts: &[Span<'_>], next: &str) -> usize {
    parts.iter().map(|part| part.width() + GAP.len()).sum::<usize>() + Span::raw(next).width()
}

/// Cells that a frame has beside its title: corners, blanks and a piece of border go off it.
fn room_beside(title: &Line<'_>, width: u16) -> usize {
    usize::from(width).saturating_sub(title.width() + 9)
}

fn title(tail: &Tail, buffer: Option<&LogBuffer>) -> Line<'static> {
    let streams = match buffer {
        Some(buffer) if !matches!(tail.query.target, LogTarget::Pod(_)) && buffer.wanted > 0 => {
            format!("   {}", streams(buffer, !is_over(tail)))
        }
        _ => String::new(),
    };
    Line::raw(format!("LOGS {}{streams}", target_words(&tail.query)))
}

/// `13 streams`, `13 streams, 5 ended`, `8 of 13 streams`: what has ended is read as well.
fn streams(buffer: &LogBuffer, is_followed: bool) -> String {
    let (open, ended, wanted) = (buffer.open, buffer.ended, buffer.wanted);
    let is_read = open == wanted || (!is_followed && buffer.has_caught_up);
    let all = if wanted == 1 { "1 stream".to_owned() } else { format!("{wanted} streams") };
    match (is_read, ended) {
        (true, _) => all,
        (false, 0) => format!("{open} of {all}"),
        (false, ended) if open.saturating_add(ended) >= wanted => format!("{all}, {ended} ended"),
        (false, ended) => format!("{open} of {all}, {ended} ended"),
    }
}

/// Where one is in the log and what is shown of it.
fn state(tail: &Tail, buffer: Option<&LogBuffer>, theme: &Theme) -> Vec<Span<'static>> {
    let mut parts = Vec::new();
    let mut say = |text: String, style| parts.push(Span::styled(text, style));
    // What is lost is cut last.
    match buffer.map_or(0, |buffer| buffer.lines.dropped()) {
        0 => {}
        dropped => say(format!("{dropped} dropped"), theme.wrong),
    }
    match (tail.follow, tail.below()) {
        _ if !tail.query.follow => {}
        (true, _) => say("follow ON".to_owned(), theme.ok),
        (false, 0) => say("PAUSED".to_owned(), theme.wrong),
        (false, below) => say(format!("PAUSED {} below", grouped(below as u64)), theme.wrong),
    }
    // Where there is little room it is what one looks at: its text may be cut, the answer not.
    if !tail.find.is_empty() {
        let (word, style) = if tail.not_found { ("not found", theme.wrong) } else { ("find", theme.accent) };
        say(format!("{word}: {}", tail.find), style);
    }
    if let Some(least) = tail.sieve.least_beside_terms() {
        say(format!("level >= {}", least.name()), theme.accent);
    }
    parts
}

/// How much comes, and what else is said where there is room.
fn counts(tail: &Tail, buffer: Option<&LogBuffer>, view: &View<'_>) -> Vec<Span<'static>> {
    let theme = view.theme;
    let mut parts = Vec::new();
    let mut say = |text: String, style| parts.push(Span::styled(text, style));
    match buffer.filter(|_| !is_over(tail)).map_or(0, |buffer| tail.rate(buffer, view)) {
        0 => {}
        rate => say(rate_words(rate), theme.dim),
    }
    if tail.sieve.is_unfolded {
        say("unfolded".to_owned(), theme.accent);
    }
    match tail.columns().map_or(0, |beside| beside.left_out) {
        0 => {}
        left_out => say(format!("{left_out} of neither version"), theme.dim),
    }
    parts
}

/// `1 line/s`, `12 lines/s`
fn rate_words(rate: u32) -> String {
    format!("{rate} line{}/s", if rate == 1 { "" } else { "s" })
}

/// Why the log is not what it should be: the whole, the moment that was gone to, or one of its streams.
pub(super) fn foot(tail: &Tail, buffer: Option<&LogBuffer>, view: &View<'_>) -> Option<Line<'static>> {
    let buffer = buffer?;
    let theme = view.theme;
    if let Some(failure) = &buffer.pulse.failure {
        let age = buffer.pulse.age(view.now).map(|age| format!("{} old: ", coarse(age))).unwrap_or_default();
        return Some(Line::styled(format!("?? {age}{}", failure.error.says), theme.stale));
    }
    if let Some(words) = missed(tail, buffer) {
        return Some(Line::styled(format!("! {words}"), theme.wrong));
    }
    let more = buffer.troubles.len().saturating_sub(1);
    let more = if more > 0 { format!("  (and {more} more)") } else { String::new() };
    buffer.troubles.last().map(|trouble| Line::styled(format!("! {trouble}{more}"), theme.wrong))
}

/// `nothing of 01:25:00 is in this log: it begins at 09:14:38`, with the days where they differ.
fn missed(tail: &Tail, buffer: &LogBuffer) -> Option<String> {
    let (wanted, first) = (tail.missed?, buffer.lines.get(0)?.at);
    let day = |at: Timestamp| at.as_second().div_euclid(24 * 3600);
    let format = if day(wanted) == day(first) { "%H:%M:%S" } else { "%-d %b %H:%M:%S" };
    let (wanted, first) = (wanted.strftime(format), first.strftime(format));
    Some(format!("nothing of {wanted} is in this log: it begins at {first}"))
}

/// Why there is no line: an error is never shown as an empty list.
pub(super) fn empty(tail: &Tail, buffer: Option<&LogBuffer>) -> String {
    let Some(buffer) = buffer else { return "loading".to_owned() };
    if let Some(failure) = &buffer.pulse.failure {
        return format!("?? {}", failure.error.says);
    }
    if !buffer.lines.is_empty() && tail.index.is_sifting() {
        return format!("looking through {} lines", grouped(buffer.lines.len() as u64));
    }
    if !buffer.lines.is_empty() {
        return format!("none of {} lines is let through: v level, & filter", grouped(buffer.lines.len() as u64));
    }
    if let Some(trouble) = buffer.troubles.last() {
        return format!("! {trouble}");
    }
    match (tail.query.previous, buffer.has_caught_up) {
        (_, false) => "loading".to_owned(),
        (true, true) => "the previous container logged nothing".to_owned(),
        (false, true) => format!("nothing logged {}", span::words(&tail.query)),
    }
}
