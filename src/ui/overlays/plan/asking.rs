//! The plan as it is asked about: facts, what speaks against it, the steps.

use std::ops::Range;

use ratatui::text::{Line, Span};

use super::{
    PlanDialog,
    pages::{Lines, SPANS, labelled, marked},
    prompt::prompt,
};
use crate::{
    action::{
        CheckResult,
        plan::{Choice, Plan},
    },
    text::truncate,
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
        lines.top.push(choices(&plan.choices, plan.chosen, theme, view.is_narrow(), inner));
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

/// The revisions that it can go to, the chosen one in brackets. Where there is not room for all, the chosen one comes
/// first, then what its neighbours are called, then what is known of them, the nearest first.
fn choices(all: &[Choice], chosen: Option<i64>, theme: &Theme, is_narrow: bool, inner: u16) -> Line<'static> {
    let glyphs = theme.glyphs;
    let all: Vec<&Choice> = all.iter().filter(|choice| !choice.is_live).collect();
    let chosen = all.iter().position(|choice| Some(choice.revision) == chosen);
    let label = |(at, choice): (usize, &&Choice)| {
        if Some(at) == chosen { format!("[{}] ", choice.label) } else { format!(" {}  ", choice.label) }
    };
    let labels: Vec<String> = all.iter().enumerate().map(label).collect();
    let keys = format!("{} {} ", glyphs.left, glyphs.right);
    let room = inner.saturating_sub(width(&keys));
    let widths: Vec<u16> = labels.iter().map(|label| width(label)).collect();
    let needed = widths.iter().copied().fold(0, u16::saturating_add);
    // Ahead of what is shown and behind it.
    let cut = width(glyphs.ellipsis) + 1;
    let (shown, rest) = if needed <= room {
        (0..all.len(), room - needed)
    } else {
        in_sight(&widths, chosen.unwrap_or(0), room.saturating_sub(2 * cut))
    };
    let notes = if is_narrow { vec![String::new(); all.len()] } else { notes(&all, chosen, &shown, rest, theme) };
    let mut spans = vec![Span::styled(keys, theme.key)];
    if shown.start > 0 {
        spans.push(Span::styled(format!("{} ", glyphs.ellipsis), theme.dim));
    }
    for at in shown.clone() {
        let style = if Some(at) == chosen { theme.strong } else { theme.dim };
        // What is known of it stands close to it.
        let (name, note) = (&labels[at], &notes[at]);
        let name = if note.is_empty() { name.as_str() } else { &name[..name.len() - 1] };
        spans.extend([Span::styled(name.to_owned(), style), Span::styled(note.clone(), theme.dim)]);
    }
    if shown.end < all.len() {
        spans.push(Span::styled(glyphs.ellipsis, theme.dim));
    }
    Line::from(spans)
}

/// Which of these labels have room, the chosen one in any case, and the cells that are left.
fn in_sight(widths: &[u16], chosen: usize, room: u16) -> (Range<usize>, u16) {
    let (mut from, mut to) = (chosen, chosen + 1);
    let mut rest = room.saturating_sub(widths.get(chosen).copied().unwrap_or(0));
    loop {
        let older = widths.get(to).copied().filter(|next| *next <= rest);
        if let Some(next) = older {
            (rest, to) = (rest - next, to + 1);
        }
        let newer = from.checked_sub(1).map(|at| widths[at]).filter(|next| *next <= rest);
        if let Some(next) = newer {
            (rest, from) = (rest - next, from - 1);
        }
        if older.is_none() && newer.is_none() {
            return (from..to, rest);
        }
    }
}

/// What is known of each beside the chosen one, as far as there is room: of two that are as near the shorter first, and
/// the first that has no room for its end is the last.
fn notes(all: &[&Choice], chosen: Option<usize>, shown: &Range<usize>, room: u16, theme: &Theme) -> Vec<String> {
    /// A note that is cut to less says nothing.
    const LEAST: u16 = 12;
    let mut notes = vec![String::new(); all.len()];
    let mut order: Vec<usize> = shown.clone().filter(|at| Some(*at) != chosen).collect();
    order.sort_by_key(|at| (at.abs_diff(chosen.unwrap_or(0)), width(&all[*at].note)));
    let mut rest = room;
    for at in order {
        // Its brackets and a blank are three cells.
        let note = &all[at].note;
        let taken = width(note).saturating_add(3);
        if taken <= rest {
            notes[at] = format!("({note})  ");
            rest -= taken;
        } else {
            if rest >= LEAST {
                notes[at] = format!("({})  ", truncate(note, usize::from(rest - 3), theme.glyphs.ellipsis));
            }
            break;
        }
    }
    notes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{text::Clean, ui::testing::World};

    fn choice(revision: i64, note: &str) -> Choice {
        Choice {
            revision,
            label: Clean::own(format!("rev {revision} {}", revision + 398)),
            note: note.into(),
            is_live: revision == 15,
        }
    }

    #[test]
    fn the_chosen_revision_is_in_sight_whatever_is_known_of_its_neighbours() {
        let bad = "ran 21m, HighErrorRate fired 12m of it, PodOOMKilled fired 3m of it, 4 pods up, known bad";
        let all = [choice(15, "live"), choice(14, bad), choice(13, "ran 25h"), choice(12, "ran 46h")];
        let theme = World::live().theme;
        let shown = |chosen, is_narrow, inner| {
            let line = choices(&all, Some(chosen), &theme, is_narrow, inner);
            assert!(line.width() <= usize::from(inner), "{line} at {inner}");
            line.to_string().trim_end().to_owned()
        };
        assert_eq!(
            shown(13, false, 112),
            "< >  rev 14 412 (ran 21m, HighErrorRate fired 12m of it, PodOOMKilled fi~)  [rev 13 411]  rev 12 410 (ran 46h)"
        );
        assert_eq!(shown(13, false, 200), format!("< >  rev 14 412 ({bad})  [rev 13 411]  rev 12 410 (ran 46h)"));
        // Without room for a note its name is there; without room for that the chosen one is.
        assert_eq!(shown(13, true, 112), "< >  rev 14 412  [rev 13 411]  rev 12 410");
        assert_eq!(shown(12, true, 36), "< > ~  rev 13 411  [rev 12 410]");
        assert_eq!(shown(13, true, 24), "< > ~ [rev 13 411] ~");
    }
}
