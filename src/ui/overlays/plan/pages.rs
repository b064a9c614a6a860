//! How the plan dialog is drawn. A STOP never scrolls off; the field is always in sight.

use std::ops::Range;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{Page, PlanDialog, asking::asking, sent::sent};
use crate::{
    action::{
        CheckResult, Request, Risk,
        act::{Act, Outcome},
        confirm::{Field, Phase},
    },
    app::{acts::Acts, settings::Settings},
    text::Clean,
    ui::{
        View,
        theme::{Mark, Theme},
        widgets::{
            cells::{put_line, put_right, row, width},
            dialog::dialog,
            diff_view::diff_view,
            frame::Frame,
            wrap::wrapped,
        },
    },
};

/// Widest dialog.
const WIDEST: u16 = 116;

/// Lines of a page: what is always in sight above and below, and what scrolls between.
#[derive(Default)]
pub(super) struct Lines {
    pub top: Vec<Line<'static>>,
    pub middle: Vec<Line<'static>>,
    pub bottom: Vec<Line<'static>>,
    /// Cursor: line of `bottom`, column.
    pub cursor: Option<(usize, u16)>,
    /// Lines of `middle` that stay in sight until somebody scrolls.
    pub follow: Option<Range<usize>>,
    /// The line that sends: what stands right of it depends on what is in sight.
    pub confirm: Option<ConfirmLine>,
}

/// The line of the key or field that sends.
pub(super) struct ConfirmLine {
    /// Among `bottom`.
    pub line: usize,
    /// What stands beside it where all is in sight.
    pub beside: Option<Span<'static>>,
}

pub(super) fn render(of: &mut PlanDialog, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = view.theme;
    let outer = area.width.min(WIDEST);
    let inner = outer.saturating_sub(4);
    let act = of.act.and_then(|number| view.acts.by_number.get(&number));
    of.can_undo = act.is_some_and(|act| act.can_undo && act.outcome != Outcome::Running);
    let (frame, above) = frame(of, view, outer);
    let room = usize::from(area.height.saturating_sub(2)).saturating_sub(above.len());
    let lines = match of.page {
        Page::Plan => plan_page(of, act, view, inner, room),
        Page::Checks => checks_page(of, theme, inner),
        Page::Diff => Lines::default(),
    };
    let needed = (above.len() + lines.top.len() + lines.middle.len() + lines.bottom.len()) as u16 + 2;
    let height = if of.page == Page::Diff { area.height } else { needed.max(9).min(area.height) };
    let mut inside = dialog(frame, area, outer, height, buf);
    for line in above.iter().take(usize::from(inside.height)) {
        put_line(buf, inside, line, theme.glyphs.ellipsis);
        inside = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
    }
    if of.page == Page::Diff {
        let offset = of.offset;
        if let Some(scroll) = diff_view(&of.diff, offset, of.x, inside, theme, buf) {
            of.most = scroll.len.saturating_sub(scroll.visible);
        }
        return None;
    }
    place(of, &lines, inside, theme, buf)
}

/// Puts the lines: above and below fixed, the rest as far as scrolled.
fn place(of: &mut PlanDialog, lines: &Lines, inside: Rect, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    let height = usize::from(inside.height);
    let below = lines.bottom.len().min(height);
    let above = lines.top.len().min(height - below);
    let room = height - below - above;
    of.most = lines.middle.len().saturating_sub(room);
    if let Some(follow) = lines.follow.as_ref().filter(|_| of.is_following) {
        of.offset = follow.end.saturating_sub(room).min(follow.start);
    }
    of.offset = of.offset.min(of.most);
    let mut y = 0;
    let mut put = |line: &Line<'static>| {
        if let Some(spot) = row(inside, y) {
            put_line(buf, spot, line, theme.glyphs.ellipsis);
        }
        y += 1;
    };
    lines.top.iter().take(above).for_each(&mut put);
    let mut left = of.most - of.offset;
    let shown = lines.middle.iter().skip(of.offset).take(room);
    shown.for_each(&mut put);
    let first = inside.bottom() - below as u16;
    for (index, line) in lines.bottom.iter().take(below).enumerate() {
        let spot = Rect { y: first + index as u16, height: 1, ..inside };
        let used = put_line(buf, spot, line, theme.glyphs.ellipsis);
        let Some(confirm) = lines.confirm.as_ref().filter(|confirm| confirm.line == index) else { continue };
        let rest = Rect { x: spot.x + used, width: spot.width.saturating_sub(used), ..spot };
        // Who sends it knows that there is more to read.
        let more = format!("   {} more {}: down", left, if left == 1 { "line" } else { "lines" });
        if left > 0 && width(&more) <= rest.width {
            put_line(buf, rest, &Line::styled(more, theme.wrong), theme.glyphs.ellipsis);
            left = 0;
        } else if let Some(beside) = &confirm.beside {
            put_line(buf, rest, &Line::from(beside.clone()), theme.glyphs.ellipsis);
        }
    }
    if left > 0 {
        // In the lower border: on a line it would hide what is read.
        let style = if lines.confirm.is_some() { theme.wrong } else { theme.dim };
        let more = Line::styled(format!(" {} more {} ", left, theme.glyphs.down), style);
        put_right(buf, Rect { y: inside.bottom(), height: 1, ..inside }, &more, theme.glyphs.ellipsis);
    }
    let (line, column) = lines.cursor?;
    (line < below && column < inside.width).then(|| Position::new(inside.x + column, first + line as u16))
}

/// The frame; and as lines of their own above the page what its border has no room for: what it is about, and where.
fn frame<'a>(of: &PlanDialog, view: &'a View<'_>, outer: u16) -> (Frame<'a>, Vec<Line<'static>>) {
    let theme = view.theme;
    let (title, place, is_production) = if let Some(plan) = of.confirm.plan() {
        (plan.title.to_string(), plan.place.to_string(), plan.production)
    } else {
        let (place, is_production) = place_of(&of.request, view.acts, view.settings);
        (title_of(&of.request), place, is_production)
    };
    let mut info = match of.page {
        Page::Checks => vec![Span::raw("all checks   ")],
        Page::Diff => vec![Span::raw("what changes   ")],
        Page::Plan => Vec::new(),
    };
    let age = of.confirm.read_at().map(|at| view.now.since(at)).filter(|age| *age > super::REREAD * 2);
    if let Some(age) = age {
        info.push(Span::styled(format!("checks {} old   ", crate::time::coarse(age)), theme.stale));
    }
    let badge = Span::styled(" PRODUCTION ", theme.production);
    let mut above = Vec::new();
    // Beside both stand their blanks, the border's corners and a piece of it between them.
    let taken = info.iter().map(Span::width).sum::<usize>() + usize::from(width(&title) + width(&place)) + 9;
    if taken + if is_production { badge.width() + 1 } else { 0 } <= usize::from(outer) {
        info.push(Span::raw(place));
        if is_production {
            info.extend([Span::raw(" "), badge]);
        }
    } else {
        let inner = outer.saturating_sub(4);
        // The title stands in the border alone, or beside what is left of the info.
        let beside = match info.iter().map(Span::width).sum::<usize>() {
            0 => 0,
            wide => wide + 3,
        };
        if usize::from(width(&title)) + 2 + beside > usize::from(inner) {
            above.extend(wrapped(&title, inner).into_iter().map(|line| Line::styled(line, theme.strong)));
        }
        if is_production {
            above.extend(marked(badge, &place, theme.text, inner));
        } else {
            above.extend(wrapped(&place, inner).into_iter().map(Line::raw));
        }
    }
    let frame = Frame::new(theme, title).info(Line::from(info));
    let is_stopped = of.confirm.plan().is_some_and(|plan| plan.risk == Risk::Stopped);
    (if is_stopped { frame.border(theme.broken) } else { frame }, above)
}

fn title_of(request: &Request) -> String {
    match request {
        Request::RollBack { workload, .. } => format!("ROLL BACK {workload}"),
        Request::Restart { workload } => format!("RESTART {workload}"),
        Request::Limits { workload, .. } => format!("LIMITS OF {workload}"),
        Request::Resize { pod, .. } => format!("RESIZE pod/{}", pod.name),
        Request::Scale { workload, replicas } => format!("SCALE {workload} to {replicas}"),
        Request::Object { object, act } => format!("{} {}", act.verb().to_uppercase(), object.words()),
        Request::ResumeSync { workload } => format!("RESUME GITOPS OF {workload}"),
        Request::Review { pull_request, .. } => format!("REVIEW #{}", pull_request.number),
        Request::Comment { pull_request, .. } => format!("COMMENT ON #{}", pull_request.number),
        Request::Merge { pull_request, .. } => format!("MERGE #{}", pull_request.number),
        Request::Rerun { run, .. } => format!("RE-RUN {}", run.repo.name),
        Request::Cancel { run, .. } => format!("CANCEL {}", run.repo.name),
        Request::Acknowledge { .. } => "ACKNOWLEDGE".to_owned(),
        Request::Silence(_) | Request::Silences(_) => "SILENCE".to_owned(),
        Request::ExpireSilence { .. } => "EXPIRE SILENCE".to_owned(),
        Request::Undo { act } => format!("UNDO act {act}"),
        Request::Outside { .. } => "OUTSIDE".to_owned(),
    }
}

/// Where it would happen and whether that is production, as far as the request tells.
fn place_of(request: &Request, acts: &Acts, settings: &Settings) -> (String, bool) {
    let (cluster, namespace) = match request {
        Request::RollBack { workload, .. }
        | Request::Restart { workload }
        | Request::Limits { workload, .. }
        | Request::Scale { workload, .. }
        | Request::ResumeSync { workload } => (&workload.cluster, &workload.namespace),
        Request::Resize { pod, .. } => (&pod.cluster, &pod.namespace),
        Request::Object { object, .. } => (&object.cluster, &object.namespace),
        // Always of an earlier one: this ends.
        Request::Undo { act } => match acts.by_number.get(act) {
            Some(undone) if !matches!(undone.request, Request::Undo { act: other } if other >= *act) => {
                return place_of(&undone.request, acts, settings);
            }
            _ => return (String::new(), false),
        },
        _ => return (String::new(), false),
    };
    let place = if namespace.is_empty() { cluster.to_string() } else { format!("{cluster}/{namespace}") };
    (place, settings.is_production(cluster))
}

fn plan_page(of: &PlanDialog, act: Option<&Act>, view: &View<'_>, inner: u16, room: usize) -> Lines {
    let theme = view.theme;
    let mut lines = Lines::default();
    match (of.confirm.phase(), of.confirm.plan()) {
        (Phase::Refused(says), _) => {
            lines.top.push(Line::default());
            lines.top.extend(marked(theme.mark(Mark::Wrong), says, theme.strong, inner));
            lines.bottom =
                vec![Line::default(), Line::styled("r asks again   Esc leaves: nothing was sent", theme.dim)];
        }
        (Phase::Gathering, None) => {
            lines.top = vec![
                Line::default(),
                Line::from(vec![theme.mark(Mark::Progress), Span::raw(" asking for evidence, live")]),
            ];
            lines.bottom = vec![Line::styled("Esc leaves: nothing is sent", theme.dim)];
        }
        (Phase::Sent, Some(plan)) => sent(plan, act, view, inner, &mut lines),
        (_, Some(plan)) => {
            asking(of, plan, view, (inner, room), &mut lines);
        }
        (_, None) => {}
    }
    lines
}

fn checks_page(of: &PlanDialog, theme: &Theme, inner: u16) -> Lines {
    let mut lines = Lines::default();
    let Some(plan) = of.confirm.plan() else { return lines };
    for check in &plan.checks {
        let (word, says, style) = match &check.result {
            CheckResult::Stop(says) => ("STOP", says.clone(), theme.broken),
            CheckResult::Look(says) => ("LOOK", says.clone(), theme.wrong),
            CheckResult::Pending => ("~   ", Clean::from("pending"), theme.progress),
            CheckResult::NotChecked(says) => ("??  ", Clean::own(format!("not checked: {says}")), theme.stale),
            CheckResult::Ok(says) => ("ok  ", says.clone(), theme.ok),
        };
        let label = format!("{word} {:<3} {:<13} ", check.id, check.name);
        lines.middle.extend(labelled(&label, width(&label), &says, style, theme.text, inner));
    }
    lines.middle.push(Line::default());
    for line in &plan.equivalent {
        lines.middle.extend(labelled("p    ", 5, line, theme.key, theme.dim, inner));
    }
    lines
}

/// A label and its text, wrapped under itself.
pub(super) fn labelled(
    name: &str,
    column: u16,
    value: &str,
    name_style: Style,
    style: Style,
    inner: u16,
) -> Vec<Line<'static>> {
    let column = column.min(inner / 2);
    let label = format!("{name:<width$}", width = usize::from(column));
    let empty = " ".repeat(usize::from(column));
    wrapped(value, inner.saturating_sub(column))
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let head = if index == 0 { label.clone() } else { empty.clone() };
            Line::from(vec![Span::styled(head, name_style), Span::styled(line, style)])
        })
        .collect()
}

/// Spans of a line of [`marked`]: mark, blank, text.
pub(super) const SPANS: usize = 3;

/// A mark and its text, wrapped under itself.
pub(super) fn marked(mark: impl Into<Span<'static>>, text: &str, style: Style, inner: u16) -> Vec<Line<'static>> {
    let mark = mark.into();
    let column = width(&mark.content) + 1;
    wrapped(text, inner.saturating_sub(column))
        .into_iter()
        .enumerate()
        .map(|(index, line)| {
            let head = if index == 0 { mark.clone() } else { Span::raw(" ".repeat(usize::from(column - 1))) };
            Line::from(vec![head, Span::raw(" "), Span::styled(line, style)])
        })
        .collect()
}

pub(super) fn hints(of: &PlanDialog) -> Vec<(String, String)> {
    let hint = |key: &str, word: &str| (key.to_owned(), word.to_owned());
    let mut hints = Vec::new();
    match (of.page, of.confirm.phase(), of.confirm.plan()) {
        (Page::Checks | Page::Diff, _, _) => {
            let next = if of.page == Page::Checks && !of.diff.is_empty() { "what changes" } else { "the plan" };
            hints.extend([hint("tab", next), hint("p", "copy command"), hint("esc", "the plan")]);
        }
        (_, Phase::Asking, Some(plan)) => {
            if plan.blocked.is_none() {
                match plan.risk {
                    Risk::Quiet | Risk::Reversible => hints.push(hint("y", "send")),
                    Risk::Production => {
                        hints.push(hint(&format!("{} enter", plan.accepts.first().map_or("", |a| a)), "send"));
                    }
                    Risk::Stopped => hints.push(hint("name reason enter", "send")),
                }
            }
            // Where there is no room for all, the way out is there.
            hints.push(hint("esc", "leave"));
            if matches!(of.request, Request::Silence(_)) {
                hints.push(hint("e", "edit"));
            }
            if plan.choices.iter().filter(|choice| !choice.is_live).count() > 1 {
                hints.push(hint("left right", "other revision"));
            }
            let checks = if of.diff.is_empty() { "checks" } else { "checks, diff" };
            let has_reason = plan.risk == Risk::Stopped && plan.blocked.is_none();
            let is_next = has_reason && of.confirm.field() == Field::Value;
            hints.push(hint("tab", if is_next { "reason" } else { checks }));
            // Last, for the line that sends says it where it matters.
            if of.most > 0 {
                hints.push(hint("up down", "scroll"));
            }
        }
        (_, Phase::Sent, _) => {
            hints.push(hint("esc", "leave"));
            if of.can_undo {
                hints.push(hint("U", "undo plan"));
            }
            if of.most > 0 {
                hints.push(hint("j/k", "scroll"));
            }
        }
        (_, Phase::Refused(_), _) => hints.extend([hint("r", "ask again"), hint("esc", "leave")]),
        _ => hints.push(hint("esc", "leave")),
    }
    hints
}
