//! The lower part of the dialog: the field that confirms, and what is said beside it.

use ratatui::text::{Line, Span};

use super::{
    PlanDialog,
    pages::{ConfirmLine, Lines, marked},
};
use crate::{
    action::{
        CheckResult, Risk,
        confirm::{Field, Phase},
        plan::Plan,
    },
    text::Clean,
    ui::{
        theme::{Mark, Theme},
        widgets::{cells::width, wrap::wrapped},
    },
};

/// Beside the line that sends.
const ESCAPE: &str = "   Esc: nothing is sent";

pub(super) fn prompt(of: &PlanDialog, plan: &Plan, theme: &Theme, inner: u16, lines: &mut Lines) {
    lines.bottom.push(Line::default());
    let repeats = |said: &&Clean| plan.blocked.as_ref().is_some_and(|why| said.contains(why.as_str()));
    if let Some(said) = of.confirm.said().filter(|said| !repeats(said)) {
        lines.bottom.extend(wrapped(said, inner).into_iter().map(|line| Line::styled(line, theme.wrong)));
    }
    if *of.confirm.phase() == Phase::Rereading {
        lines
            .bottom
            .push(Line::from(vec![theme.mark(Mark::Progress), Span::raw(" reading it once more, then it is sent")]));
        return;
    }
    if *of.confirm.phase() == Phase::Gathering {
        lines.bottom.push(Line::from(vec![theme.mark(Mark::Progress), Span::raw(" asking for evidence, live")]));
        return;
    }
    if let Some(why) = &plan.blocked {
        let is_said = plan.stops().any(|check| matches!(&check.result, CheckResult::Stop(says) if says == why));
        let why = if is_said { &Clean::from("the STOP above says why") } else { why };
        lines.bottom.extend(marked(Span::styled("CANNOT BE SENT", theme.wrong), why, theme.text, inner));
        return;
    }
    match plan.risk {
        Risk::Quiet | Risk::Reversible => {
            lines.confirm =
                Some(ConfirmLine { line: lines.bottom.len(), beside: Some(Span::styled(ESCAPE, theme.dim)) });
            lines.bottom.push(Line::from(vec![Span::styled("y", theme.key), Span::raw(" sends it")]));
        }
        Risk::Production => {
            let (name, has_room) = asked(plan, inner, width(ESCAPE));
            let (line, column) = field(name, of.confirm.value(), true, inner, theme);
            let beside = has_room.then(|| Span::styled(ESCAPE, theme.dim));
            lines.confirm = Some(ConfirmLine { line: lines.bottom.len(), beside });
            lines.cursor = Some((lines.bottom.len(), column));
            lines.bottom.push(line);
        }
        Risk::Stopped => stopped(of, plan, theme, inner, lines),
    }
}

/// A name, and a reason. The name may be as long as a row: then its field has the next one.
fn stopped(of: &PlanDialog, plan: &Plan, theme: &Theme, inner: u16, lines: &mut Lines) {
    let is_value = of.confirm.field() == Field::Value;
    let name = plan.accepts.first().cloned().unwrap_or_default();
    let mut says = format!("a STOP stands: type {name} ");
    if width(&says) + width(&name) + FRAMED > inner {
        lines.bottom.push(Line::styled(std::mem::take(&mut says), theme.text));
    }
    let (first, column) = field(says, of.confirm.value(), is_value, inner, theme);
    let (second, other) = field("Tab, and why it is sent: ".to_owned(), of.confirm.reason(), !is_value, inner, theme);
    let at = lines.bottom.len();
    lines.cursor = Some(if is_value { (at, column) } else { (at + 1, other) });
    lines.confirm = Some(ConfirmLine { line: at, beside: None });
    lines.bottom.extend([first, second]);
}

/// Columns of a field without its text: brackets, spaces and the cursor.
const FRAMED: u16 = 5;

/// A field and the column of its cursor.
fn field(name: String, text: &str, is_active: bool, inner: u16, theme: &Theme) -> (Line<'static>, u16) {
    let before = width(&name) + 2;
    let style = if is_active { theme.input } else { theme.dim };
    let room = usize::from(inner.saturating_sub(before + 3));
    let tail: String = text.chars().rev().take(room).collect::<Vec<_>>().into_iter().rev().collect();
    let line = Line::from(vec![
        Span::styled(name, theme.text),
        Span::styled("[ ", theme.dim),
        Span::styled(format!("{tail}{}", if is_active { "_" } else { "" }), style),
        Span::styled(" ]", theme.dim),
    ]);
    (line, before + width(&tail))
}

/// `type 13 or 411, then Enter: `, with all that is accepted or, where that leaves too little room, the shortest of it; and
/// whether `beside` still fits after the field.
fn asked(plan: &Plan, inner: u16, beside: u16) -> (String, bool) {
    let words: Vec<&str> =
        plan.accepts.iter().filter(|accept| !accept.starts_with("sha256:")).map(Clean::as_str).collect();
    let says = |words: &[&str]| format!("type {}, then Enter: ", words.join(" or "));
    let fits = |says: &str, typed: &[&str], beside: u16| {
        let longest = typed.iter().map(|word| width(word)).max().unwrap_or(0);
        width(says) + longest + FRAMED + beside <= inner
    };
    let all = says(&words);
    if fits(&all, &words, beside) {
        return (all, true);
    }
    let shortest = words.iter().min_by_key(|word| width(word)).copied().into_iter().collect::<Vec<_>>();
    let one = says(&shortest);
    let has_room = fits(&one, &shortest, beside);
    (one, has_room)
}
