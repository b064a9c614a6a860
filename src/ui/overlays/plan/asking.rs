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
    let mut done = steps(plan, theme, view.is_narrow(), inner);
    if !plan.undo.is_empty() {
        done.extend(labelled("undo", 5, &plan.undo, theme.dim, theme.dim, inner));
    }
    let mut looks = looks(plan, theme, inner);
    let taken = lines.top.len() + done.len() + lines.bottom.len();
    // A blank row above the steps and one above the field, unless they cost a reason its end.
    let is_roomy = looks.iter().map(|text| text.lines.len()).sum::<usize>() + taken < room;
    if !is_roomy && lines.bottom.first().is_some_and(|line| line.width() == 0) {
        lines.bottom.remove(0);
        lines.cursor = lines.cursor.map(|(line, column)| (line.saturating_sub(1), column));
    }
    let taken = lines.top.len() + done.len() + lines.bottom.len();
    shorten(&mut looks, room.saturating_sub(taken), theme);
    // Where not all is in sight, what will be done is read before the names of what is well.
    let is_cut = looks.iter().map(|text| text.lines.len()).sum::<usize>() + taken > room;
    let (names, looks): (Vec<Text>, Vec<Text>) = looks.into_iter().partition(|text| is_cut && text.is_names);
    lines.middle.extend(looks.into_iter().flat_map(|text| text.lines));
    if is_roomy {
        lines.middle.push(Line::default());
    }
    lines.middle.extend(done);
    lines.middle.extend(names.into_iter().flat_map(|text| text.lines));
}

/// One check's words, or the names of many that say nothing against it.
struct Text {
    lines: Vec<Line<'static>>,
    is_names: bool,
}

/// The names lose their ends where there is no room, for Tab shows them. A reason never does: then what is below scrolls.
fn shorten(texts: &mut [Text], room: usize, theme: &Theme) {
    while texts.iter().map(|text| text.lines.len()).sum::<usize>() > room {
        let names = texts.iter_mut().filter(|text| text.is_names && text.lines.len() > 1);
        let Some(longest) = names.max_by_key(|text| text.lines.len()) else { break };
        longest.lines.pop();
        if let Some(last) = longest.lines.last_mut() {
            last.spans.truncate(SPANS);
            last.push_span(Span::styled(format!(" {}", theme.glyphs.ellipsis), theme.dim));
        }
    }
}

/// What speaks against it, and then in a word what does not: each a text of one or more lines.
fn looks(plan: &Plan, theme: &Theme, inner: u16) -> Vec<Text> {
    let mut texts = Vec::new();
    let names = |wanted: &dyn Fn(&CheckResult) -> bool| -> String {
        let all: Vec<&str> =
            plan.checks.iter().filter(|check| wanted(&check.result)).map(|check| check.name.as_str()).collect();
        all.join(", ")
    };
    for check in &plan.checks {
        if let CheckResult::Look(says) = &check.result {
            let text = format!("{}: {says}", check.name);
            texts.push(Text {
                lines: marked(Span::styled("LOOK", theme.wrong), &text, theme.text, inner),
                is_names: false,
            });
        }
    }
    for check in plan.checks.iter().filter(|check| check.result == CheckResult::Pending) {
        texts.push(Text {
            lines: marked(Span::styled("~   ", theme.progress), &check.name, theme.text, inner),
            is_names: false,
        });
    }
    let ok = names(&|result| matches!(result, CheckResult::Ok(_)));
    if !ok.is_empty() {
        texts.push(Text { lines: marked(Span::styled("ok  ", theme.ok), &ok, theme.dim, inner), is_names: true });
    }
    let not = names(&|result| matches!(result, CheckResult::NotChecked(_)));
    if !not.is_empty() {
        texts.push(Text {
            lines: marked(Span::styled("??  ", theme.stale), &format!("not checked: {not}"), theme.dim, inner),
            is_names: true,
        });
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

fn steps(plan: &Plan, theme: &Theme, is_narrow: bool, inner: u16) -> Vec<Line<'static>> {
    if is_narrow {
        let all: Vec<String> = plan
            .numbered_steps()
            .map(|(number, step)| {
                let text = format!("{number} {}", step.says);
                if width(&text) <= inner { text.replace(' ', "\u{a0}") } else { text }
            })
            .collect();
        // Steps stay whole where they fit.
        return wrapped(&all.join("  "), inner)
            .into_iter()
            .map(|line| Line::styled(line.replace('\u{a0}', " "), theme.text))
            .collect();
    }
    plan.numbered_steps()
        .flat_map(|(number, step)| {
            marked(Span::styled(format!("{number:>2}  "), theme.dim), &step.says, theme.text, inner)
        })
        .collect()
}
