//! The plan as it is asked about: facts, what speaks against it, the steps.

use ratatui::text::{Line, Span};

use super::{
    PlanDialog,
    pages::{Lines, SPANS, labelled, marked},
    prompt::prompt,
};
use crate::{
    action::{CheckResult, plan::Plan},
    ui::{
        View,
        theme::Theme,
        widgets::{cells::width, wrap::wrapped},
    },
};

/// The plan as it is asked about, in so many columns and rows.
pub(super) fn asking(of: &PlanDialog, plan: &Plan, view: &View<'_>, (inner, room): (u16, usize), lines: &mut Lines) {
    let theme = view.theme;
    // In line with the marks of the checks, which have four cells.
    let column = plan.facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0).max(4) + 1;
    for (name, value) in &plan.facts {
        lines.top.extend(labelled(name, column, value, theme.dim, theme.text, inner));
    }
    if plan.choices.iter().filter(|choice| !choice.is_live).count() > 1 {
        lines.top.push(choices(plan, theme, view.is_narrow()));
    }
    let stops: Vec<_> = plan.stops().collect();
    for check in &stops {
        if let CheckResult::Stop(says) = &check.result {
            let text = format!("{}: {says}", check.name);
            lines.top.extend(marked(Span::styled("STOP", theme.broken), &text, theme.strong, inner));
        }
    }
    prompt(of, plan, theme, inner, lines);
    let undo =
        if plan.undo.is_empty() { Vec::new() } else { labelled("undo", 5, &plan.undo, theme.dim, theme.dim, inner) };
    let mut done = steps(plan, theme, view.is_narrow(), inner);
    let looks = looks(plan, theme, inner);
    let mut names = names(plan, theme, inner);
    let all = looks.len() + undo.len() + rows(&names) + lines.top.len() + lines.bottom.len();
    // A blank row above the steps and one above the field, unless they cost a reason its end.
    let is_roomy = all + done.len() < room;
    if !is_roomy && lines.bottom.first().is_some_and(|line| line.width() == 0) {
        lines.bottom.remove(0);
        lines.cursor = lines.cursor.map(|(line, column)| (line.saturating_sub(1), column));
        if let Some(confirm) = &mut lines.confirm {
            confirm.line = confirm.line.saturating_sub(1);
        }
    }
    let fixed = looks.len() + undo.len() + lines.top.len() + lines.bottom.len();
    shorten(&mut names, room.saturating_sub(fixed + done.len()), theme);
    if view.is_narrow() && fixed + done.len() + rows(&names) > room {
        done = packed(plan, theme, inner);
    }
    lines.middle.extend(looks);
    if is_roomy {
        lines.middle.push(Line::default());
    }
    // What will be done is read before the names of what is well: those are what is below where not all is in sight.
    lines.middle.extend(done);
    lines.middle.extend(undo);
    lines.middle.extend(names.into_iter().flatten());
}

/// The lines of one text.
type Text = Vec<Line<'static>>;

fn rows(texts: &[Text]) -> usize {
    texts.iter().map(Vec::len).sum()
}

/// The names lose their ends where there is no room, for Tab shows them. A reason never does: then what is below scrolls.
fn shorten(names: &mut [Text], room: usize, theme: &Theme) {
    while rows(names) > room {
        let long = names.iter_mut().filter(|text| text.len() > 1);
        let Some(longest) = long.max_by_key(|text| text.len()) else { break };
        longest.pop();
        if let Some(last) = longest.last_mut() {
            last.spans.truncate(SPANS);
            last.push_span(Span::styled(format!(" {}", theme.glyphs.ellipsis), theme.dim));
        }
    }
}

/// What speaks against it, and what is not known yet.
fn looks(plan: &Plan, theme: &Theme, inner: u16) -> Text {
    let mut lines = Vec::new();
    for check in &plan.checks {
        if let CheckResult::Look(says) = &check.result {
            let text = format!("{}: {says}", check.name);
            lines.extend(marked(Span::styled("LOOK", theme.wrong), &text, theme.text, inner));
        }
    }
    for check in plan.checks.iter().filter(|check| check.result == CheckResult::Pending) {
        lines.extend(marked(Span::styled("~   ", theme.progress), &check.name, theme.text, inner));
    }
    lines
}

/// In a word, what does not speak against it, and what was not asked.
fn names(plan: &Plan, theme: &Theme, inner: u16) -> Vec<Text> {
    let names = |wanted: &dyn Fn(&CheckResult) -> bool| -> String {
        let all: Vec<&str> =
            plan.checks.iter().filter(|check| wanted(&check.result)).map(|check| check.name.as_str()).collect();
        all.join(", ")
    };
    let mut texts = Vec::new();
    let ok = names(&|result| matches!(result, CheckResult::Ok(_)));
    if !ok.is_empty() {
        texts.push(marked(Span::styled("ok  ", theme.ok), &ok, theme.dim, inner));
    }
    let not = names(&|result| matches!(result, CheckResult::NotChecked(_)));
    if !not.is_empty() {
        texts.push(marked(Span::styled("??  ", theme.stale), &format!("not checked: {not}"), theme.dim, inner));
    }
    texts
}

fn choices(plan: &Plan, theme: &Theme, is_narrow: bool) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{} {} ", theme.glyphs.left, theme.glyphs.right), theme.key)];
    for choice in plan.choices.iter().filter(|choice| !choice.is_live) {
        let is_chosen = Some(choice.revision) == plan.chosen;
        let text = if is_chosen { format!("[{}]", choice.label) } else { format!(" {} ", choice.label) };
        spans.push(Span::styled(text, if is_chosen { theme.strong } else { theme.dim }));
        if !is_chosen && !is_narrow {
            spans.push(Span::styled(format!("({}) ", choice.note), theme.dim));
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// The steps, each on lines of its own.
fn steps(plan: &Plan, theme: &Theme, is_narrow: bool, inner: u16) -> Text {
    let mark = |number: usize| if is_narrow { number.to_string() } else { format!("{number:>2}  ") };
    plan.numbered_steps()
        .flat_map(|(number, step)| marked(Span::styled(mark(number), theme.dim), &step.says, theme.text, inner))
        .collect()
}

/// The steps where rows are few: those that fit beside each other share one, and none begins amid another's.
fn packed(plan: &Plan, theme: &Theme, inner: u16) -> Text {
    let mut rows: Vec<String> = Vec::new();
    let mut is_open = false;
    for (number, step) in plan.numbered_steps() {
        let text = format!("{number} {}", step.says);
        if let Some(last) = rows.last_mut().filter(|last| is_open && width(last) + 2 + width(&text) <= inner) {
            last.push_str("  ");
            last.push_str(&text);
            continue;
        }
        let lines = wrapped(&text, inner);
        is_open = lines.len() == 1;
        rows.extend(lines);
    }
    rows.into_iter().map(|row| Line::styled(row, theme.text)).collect()
}
