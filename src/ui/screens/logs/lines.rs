//! The pane of lines: head columns, body with finds, notes as rules, and why it is not fresh.

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Logs,
    around::{chips, empty, foot, names, strip, top},
    head::{Columns, columns, columns_of, head, heads, time_words},
    index::Entry,
    span::passes_an_hour,
    tail::{Tail, Window, line_at},
};
use crate::{
    model::log::{LogLevel, LogLine},
    secret::mask,
    source::kubernetes::log_line::{readable_with, without_level, without_stamp},
    store::logs::LogBuffer,
    ui::{
        View,
        theme::Theme,
        widgets::{
            cells::{clear, line_width, put_centred, put_line, put_text, row, width},
            frame::{Frame, Scroll, scrollbar},
            log_view::{Anchor, LogHits, LogLine as Shown, LogView},
        },
    },
};

/// Cells that a note's rule needs at least beside its words.
const RULE: usize = 3;
/// Cells between two columns: a line with air on both sides.
const GAP: u16 = 3;

/// What the rows are drawn in.
enum Layout {
    One(Columns),
    /// The old version to the left of the new one.
    Two([Columns; 2]),
}

pub(super) fn render(logs: &mut Logs, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let open = names(&logs.open_logs().collect::<Vec<_>>());
    let current = logs.current;
    let Some(tail) = logs.tails.get_mut(current) else {
        let inside = Frame::new(theme, "LOGS").focused(true).render(area, buf);
        let spot = row(inside, inside.height / 3).unwrap_or_default();
        let words = Line::styled("no log is open: l on a pod, workload or alert opens one", theme.dim);
        return put_centred(buf, spot, &words, theme.glyphs.ellipsis);
    };
    let buffer = tail.buffer(view);
    if let Some(beside) = &mut tail.beside {
        beside.fit(area.width);
    }
    let [title, info] = top(tail, buffer, view, area.width);
    let mut frame = Frame::new(theme, title).info(info).focused(tail.has_keys());
    if !tail.find.is_empty() {
        frame = frame.keeps_info();
    }
    if let Some(foot) = foot(tail, buffer, view) {
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
    if let Some([filters, counts]) = chips(tail, buffer, theme)
        && let Some(spot) = row(rest, 0).filter(|_| rest.height > 3)
    {
        let room = Rect { width: spot.width.saturating_sub(line_width(&counts)), ..spot };
        let taken = put_line(buf, room, &filters, theme.glyphs.ellipsis);
        let behind = Rect { x: spot.x + taken, width: spot.width - taken, ..spot };
        put_line(buf, behind, &counts, theme.glyphs.ellipsis);
        rest = below(rest);
    }
    if let Some(why) = buffer.and_then(|buffer| tail.beside.as_ref()?.missing(buffer, &tail.query, area.width))
        && let Some(spot) = row(rest, 0).filter(|_| rest.height > 3)
    {
        put_line(buf, spot, &Line::styled(why, theme.dim), theme.glyphs.ellipsis);
        rest = below(rest);
    }
    let (layout, whole) = (layout(tail, view, rest), rest);
    logs.divider = None;
    if let Layout::Two(_) = layout {
        logs.divider = Some(divide(rest, theme, buf));
    }
    if let Some(spot) = row(rest, 0).filter(|_| rest.height > 3 || logs.divider.is_some()) {
        put_heads(tail, &layout, theme, spot, buf);
        rest = below(rest);
    }
    logs.hits = LogHits::default();
    logs.first_shown = 0;
    tail.height = usize::from(rest.height);
    let Some(buffer) = buffer.filter(|_| tail.len() > 0) else {
        let spot = row(rest, rest.height / 3).unwrap_or_default();
        return put_centred(buf, spot, &Line::styled(empty(tail, buffer), theme.dim), theme.glyphs.ellipsis);
    };
    let drawn = draw(tail, buffer, &layout, view, rest, buf);
    let shown = drawn.hits.lines.len();
    if logs.divider.is_some() {
        // The rows were drawn over it.
        divide(whole, theme, buf);
    }
    scrollbar(area, Scroll { len: tail.len(), offset: drawn.first, visible: shown }, theme, buf);
    (logs.hits, logs.first_shown) = (drawn.hits, drawn.first);
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn layout(tail: &Tail, view: &View<'_>, area: Rect) -> Layout {
    let now = view.store.time_of(tail.query.target.cluster(), view.now);
    let has_hours = passes_an_hour(&tail.query, tail.buffer(view), now);
    let Some(beside) = tail.columns() else { return Layout::One(columns(tail, view.is_narrow(), has_hours)) };
    let halves = halves(area);
    Layout::Two([0, 1].map(|side| columns_of(tail, beside.tags(side), halves[side].width, has_hours)))
}

fn halves(area: Rect) -> [Rect; 2] {
    let left = area.width.saturating_sub(GAP) / 2;
    let right = area.width.saturating_sub(left + GAP);
    [Rect { width: left, ..area }, Rect { x: area.right() - right, width: right, ..area }]
}

/// The line between two columns; where it stands.
fn divide(area: Rect, theme: &Theme, buf: &mut Buffer) -> u16 {
    let x = halves(area)[1].x.saturating_sub(2);
    for y in area.top()..area.bottom() {
        put_text(buf, Rect { x, y, width: 1, height: 1 }, theme.glyphs.lines.vertical, theme.dim);
    }
    x
}

fn put_heads(tail: &Tail, layout: &Layout, theme: &Theme, area: Rect, buf: &mut Buffer) {
    match (layout, tail.columns()) {
        (Layout::Two(columns), Some(beside)) => {
            for (side, spot) in halves(area).into_iter().enumerate() {
                let style = if side == beside.focus { theme.strong } else { theme.dim };
                let whole = heads(&columns[side], &beside.head(side, false));
                let fits = width(&whole) <= spot.width;
                let words = if fits { whole } else { heads(&columns[side], &beside.head(side, true)) };
                put_line(buf, spot, &Line::styled(words, style), theme.glyphs.ellipsis);
            }
        }
        (Layout::One(columns) | Layout::Two([columns, _]), _) => {
            put_line(buf, area, &Line::styled(heads(columns, "message"), theme.dim), theme.glyphs.ellipsis);
        }
    }
}

/// What was drawn: areas from the top, and the position of the first row.
struct Drawn {
    hits: LogHits,
    first: usize,
}

/// Draws the window; if the cursor has left it, again with the cursor at the edge where it left.
fn draw(tail: &mut Tail, buffer: &LogBuffer, layout: &Layout, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Drawn {
    let newest = tail.line_of(tail.len().saturating_sub(1)).unwrap_or(0);
    let oldest = tail.line_of(0).unwrap_or(0);
    if tail.follow {
        tail.window = Window::Bottom(newest);
    }
    let cursor = tail.position().unwrap_or(0);
    let mut drawn = draw_window(tail, buffer, layout, view, area, buf);
    for _ in 0..2 {
        let (first, shown) = (drawn.first, drawn.hits.lines.len());
        let has_room = drawn.hits.is_everything(area);
        let window = if cursor < first {
            Window::Top(tail.cursor)
        } else if cursor >= first + shown.max(1) {
            Window::Bottom(tail.cursor)
        } else if has_room && first > 0 {
            Window::Bottom(newest)
        } else if has_room && first + shown < tail.len() {
            Window::Top(oldest)
        } else {
            break;
        };
        if window == tail.window {
            break;
        }
        tail.window = window;
        clear(buf, area.intersection(*buf.area()));
        drawn = draw_window(tail, buffer, layout, view, area, buf);
    }
    drawn
}

fn draw_window(
    tail: &Tail,
    buffer: &LogBuffer,
    layout: &Layout,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Drawn {
    let len = tail.len();
    let cursor = tail.position().unwrap_or(0);
    let (anchor, edge) = match tail.window {
        Window::Top(line) => (Anchor::Top, tail.row_of(line).min(len - 1)),
        Window::Bottom(line) => (Anchor::Bottom, tail.row_of(line).min(len - 1)),
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
    let rows: Box<dyn Iterator<Item = usize>> = match anchor {
        Anchor::Top => Box::new(edge..len),
        Anchor::Bottom => Box::new((0..=edge).rev()),
    };
    let make = |row: usize, entry: Option<Entry>, columns: &Columns, width: u16| Shown {
        above: new_day(tail, buffer, view, row).map(|day| rule(&day, view.theme, width)).unwrap_or_default(),
        ..entry.map(|entry| shown(tail, buffer, columns, view, entry, width)).unwrap_or_default()
    };
    let hits = match (layout, tail.columns()) {
        (Layout::Two(columns), Some(beside)) => {
            let halves = halves(area);
            let pair = |row: usize| {
                let lines = beside.rows.get(row).unwrap_or_default();
                [0, 1].map(|side| make(row, tail.entry(lines[side]), &columns[side], halves[side].width))
            };
            widget.column(beside.focus).render_beside(halves, buf, rows.map(pair))
        }
        (Layout::One(columns) | Layout::Two([columns, _]), _) => {
            widget.render(area, buf, rows.map(|row| make(row, tail.index.get(row), columns, area.width)))
        }
    };
    let first = match anchor {
        Anchor::Top => edge,
        Anchor::Bottom => (edge + 1).saturating_sub(hits.lines.len()),
    };
    Drawn { hits, first }
}

/// The day that begins with this row: times have no date. The first row's, if it is not today.
fn new_day(tail: &Tail, buffer: &LogBuffer, view: &View<'_>, row: usize) -> Option<String> {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let of = |row: usize| Some(day(line_at(buffer, tail.line_of(row)?)?.at));
    let own = of(row).filter(|_| tail.timestamps)?;
    let before = match row.checked_sub(1) {
        Some(before) => of(before)?,
        None => day(view.store.time_of(tail.query.target.cluster(), view.now)),
    };
    (own != before).then(|| own.to_string())
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
        return note(line, entry.count, columns, theme, width);
    }
    let body = if line.continues { Line::raw(mask(&line.text)) } else { message(line, view) };
    let finds = finds(tail, &body);
    let mut tail_words = Line::default();
    if entry.count > 1 {
        tail_words.push_span(Span::styled(format!("x{}", entry.count), theme.strong));
    }
    if tail.is_new(buffer, entry.last) {
        tail_words.push_span(Span::raw(if entry.count > 1 { " " } else { "" }));
        tail_words.push_span(Span::styled("NEW", theme.new));
    }
    Shown { head: head(line, tail, columns, theme), body, tail: tail_words, finds, ..Shown::default() }
}

/// The message and, quieter, the fields of a structured line. Secrets are masked after it was taken apart.
fn message(line: &LogLine, view: &View<'_>) -> Line<'static> {
    let theme = view.theme;
    let parts = readable_with(&line.text, &view.settings.ui.log_fields);
    let style = match line.level {
        Some(LogLevel::Trace | LogLevel::Debug) => theme.dim,
        _ => theme.text,
    };
    // The columns say the time and the level.
    let text = without_stamp(&parts.message, line.at);
    let message = mask(line.level.map_or(text, |level| without_level(text, level)));
    if parts.fields.is_empty() {
        return Line::styled(message, style);
    }
    let fields: String = parts.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    Line::from(vec![Span::styled(message, style), Span::styled(format!(" {}", mask(&fields)), theme.dim)])
}

/// What is looked for; else what the filter found.
fn finds(tail: &Tail, body: &Line<'_>) -> Vec<std::ops::Range<usize>> {
    if tail.needle.is_none() && !tail.sieve.is_active() {
        return Vec::new();
    }
    let text: String = body.spans.iter().map(|span| span.content.as_ref()).collect();
    match &tail.needle {
        Some(needle) => needle.find_iter(&text).map(|found| found.range()).collect(),
        None => tail.sieve.finds(&text),
    }
}

/// A word of midwatch's own between the lines, of one pod or of several: `-- container restarted ------`.
fn note(line: &LogLine, pods: u32, columns: &Columns, theme: &Theme, width: u16) -> Shown<'static> {
    let time = time_words(line, columns);
    let whose = if pods > 1 { format!("{pods} pods: ") } else { String::new() };
    let words = format!("{time}{}{whose}{}", if time.is_empty() { "" } else { " " }, mask(&line.text));
    Shown { body: rule(&words, theme, width), ..Shown::default() }
}

/// Words in a line across: `-- words ------`.
fn rule(words: &str, theme: &Theme, width: u16) -> Line<'static> {
    let rule = theme.glyphs.rule;
    let words = format!("{rule}{rule} {words} ");
    let left = usize::from(width).saturating_sub(unicode_width::UnicodeWidthStr::width(words.as_str())).max(RULE);
    Line::styled(format!("{words}{}", rule.repeat(left)), theme.dim)
}
