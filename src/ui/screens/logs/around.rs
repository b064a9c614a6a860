//! What stands around the lines of a log: title, filters, rate, and why there is less than there should be.

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

pub(super) fn title(tail: &Tail, buffer: Option<&LogBuffer>) -> Line<'static> {
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

pub(super) fn info(tail: &Tail, buffer: Option<&LogBuffer>, view: &View<'_>) -> Line<'static> {
    let theme = view.theme;
    let mut words: Vec<Span<'static>> = Vec::new();
    let mut say = |text: String, style| {
        if !words.is_empty() {
            words.push(Span::raw("  "));
        }
        words.push(Span::styled(text, style));
    };
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
    if !tail.query.previous {
        say(span::words(&tail.query), theme.dim);
    }
    Line::from(words)
}

/// `1 line/s`, `12 lines/s`
fn rate_words(rate: u32) -> String {
    format!("{rate} line{}/s", if rate == 1 { "" } else { "s" })
}

/// Why the log is not what it should be: the whole, or one of its streams.
pub(super) fn foot(buffer: Option<&LogBuffer>, view: &View<'_>) -> Option<Line<'static>> {
    let buffer = buffer?;
    let theme = view.theme;
    if let Some(failure) = &buffer.pulse.failure {
        let age = buffer.pulse.age(view.now).map(|age| format!("{} old: ", coarse(age))).unwrap_or_default();
        return Some(Line::styled(format!("?? {age}{}", failure.error.says), theme.stale));
    }
    let more = buffer.troubles.len().saturating_sub(1);
    let more = if more > 0 { format!("  (and {more} more)") } else { String::new() };
    buffer.troubles.last().map(|trouble| Line::styled(format!("! {trouble}{more}"), theme.wrong))
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
