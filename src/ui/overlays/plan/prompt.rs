//! The lower part of the dialog: the field that confirms, and what is said beside it.

use ratatui::text::{Line, Span};

use super::{
    PlanDialog,
    pages::{Lines, marked},
};
use crate::{
    action::{
        Risk,
        confirm::{Field, Phase},
        plan::Plan,
    },
    text::Clean,
    ui::{
        theme::{Mark, Theme},
        widgets::{cells::width, wrap::wrapped},
    },
};

pub(super) fn prompt(of: &PlanDialog, plan: &Plan, theme: &Theme, inner: u16, lines: &mut Lines) {
    lines.bottom.push(Line::default());
    if let Some(said) = of.confirm.said() {
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
        lines.bottom.extend(marked(Span::styled("NOT SENT", theme.wrong), why, theme.text, inner));
        return;
    }
    let field = |name: String, text: &str, is_active: bool| {
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
    };
    let is_value = of.confirm.field() == Field::Value;
    match plan.risk {
        Risk::Quiet | Risk::Reversible => {
            lines.bottom.push(Line::from(vec![
                Span::styled("y", theme.key),
                Span::raw(" sends it   "),
                Span::styled("Esc: nothing is sent", theme.dim),
            ]));
        }
        Risk::Production => {
            let (mut line, column) = field(format!("type {}, then Enter: ", expected(plan)), of.confirm.value(), true);
            line.spans.push(Span::styled("   Esc: nothing is sent", theme.dim));
            lines.cursor = Some((lines.bottom.len(), column));
            lines.bottom.push(line);
        }
        Risk::Stopped => {
            let name = plan.accepts.first().cloned().unwrap_or_default();
            let (first, column) = field(format!("a STOP stands: type {name} "), of.confirm.value(), is_value);
            let (second, other) = field("Tab, and why it is sent: ".to_owned(), of.confirm.reason(), !is_value);
            let at = lines.bottom.len();
            lines.cursor = Some(if is_value { (at, column) } else { (at + 1, other) });
            lines.bottom.extend([first, second]);
        }
    }
}

/// `13 or 411`
fn expected(plan: &Plan) -> String {
    let words: Vec<&str> =
        plan.accepts.iter().filter(|accept| !accept.starts_with("sha256:")).map(Clean::as_str).collect();
    words.join(" or ")
}
