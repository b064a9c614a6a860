//! The line of screens: `[1 Now]  2 Triage 6   3 Kube !!`, shorter where there is less room.

use super::cells::{clip, put_line, put_right, width};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// One screen.
#[derive(Debug, Clone)]
pub struct Tab<'a> {
    /// The key that leads there.
    pub key: &'a str,
    pub title: &'a str,
    /// Three or four letters.
    pub short: &'a str,
    /// What waits there: `6`, `!!`.
    pub badge: Option<Span<'a>>,
}

/// How much of each tab is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Roomy,
    Full,
    Short,
    /// Only the selected one has a name.
    Keys,
}

/// Draws the tabs from the left, and at the right end the first of `right` that fits. For its last one the tabs get
/// shorter, unless it is empty: then it may be left out. Returns each tab's area and index.
pub fn tabs(
    tabs: &[Tab<'_>],
    selected: usize,
    right: &[Line<'_>],
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) -> Vec<(Rect, usize)> {
    let area = clip(area, buf);
    if area.is_empty() {
        return Vec::new();
    }
    let forms = [Form::Roomy, Form::Full, Form::Short, Form::Keys];
    let total = |form| {
        tabs.iter().map(|tab| cells(tab, form) + gap(form)).fold(0, u16::saturating_add).saturating_sub(gap(form))
    };
    let form_of = |form: Form, index: usize| if form == Form::Keys && index == selected { Form::Short } else { form };
    let beside = |form: Form| {
        let taken = tabs.iter().enumerate().map(|(index, tab)| cells(tab, form_of(form, index)) + gap(form));
        let left = usize::from(area.width.saturating_sub(taken.fold(0, u16::saturating_add)));
        right.iter().find(|line| line.width() == 0 || line.width() < left)
    };
    let fitting: Vec<Form> = forms.into_iter().filter(|form| total(*form) <= area.width).collect();
    let with_right = fitting.iter().find(|form| beside(**form).is_some());
    let form = with_right.or_else(|| fitting.first()).copied().unwrap_or(Form::Keys);
    let (mut x, mut hits) = (area.x, Vec::new());
    for (index, tab) in tabs.iter().enumerate() {
        let form = form_of(form, index);
        let spot = Rect { x, y: area.y, width: cells(tab, form).min(area.right().saturating_sub(x)), height: 1 };
        if spot.width == 0 {
            break;
        }
        put_line(buf, spot, &words(tab, form, index == selected, theme), theme.glyphs.ellipsis);
        hits.push((spot, index));
        x = x.saturating_add(cells(tab, form) + gap(form));
    }
    let left = area.right().saturating_sub(x);
    if let Some(right) = beside(form).filter(|right| right.width() > 0) {
        put_right(buf, Rect { x, width: left, height: 1, ..area }, right, theme.glyphs.ellipsis);
    }
    hits
}

const fn gap(form: Form) -> u16 {
    if matches!(form, Form::Roomy) { 1 } else { 0 }
}

fn name<'a>(tab: &Tab<'a>, form: Form) -> &'a str {
    match form {
        Form::Roomy | Form::Full => tab.title,
        Form::Short => tab.short,
        Form::Keys => "",
    }
}

/// Cells of one tab, brackets or blanks around it counted.
fn cells(tab: &Tab<'_>, form: Form) -> u16 {
    let name = name(tab, form);
    let badge = tab.badge.as_ref().map_or(0, |badge| 1 + width(&badge.content));
    2 + width(tab.key) + if name.is_empty() { 0 } else { 1 + width(name) } + badge
}

fn words<'a>(tab: &Tab<'a>, form: Form, selected: bool, theme: &Theme) -> Line<'a> {
    let (open, close) = if selected { ("[", "]") } else { (" ", " ") };
    let text = if selected { theme.strong } else { theme.text };
    let edge = theme.accent.patch(theme.strong);
    let mut line = Line::from(vec![Span::styled(open, edge)]);
    line.push_span(Span::styled(tab.key, if selected { edge } else { theme.dim }));
    let name = name(tab, form);
    if !name.is_empty() {
        line.push_span(Span::styled(format!(" {name}"), text));
    }
    if let Some(badge) = &tab.badge {
        // A key beside a count would be two keys.
        line.push_span(if name.is_empty() { ":" } else { " " });
        line.push_span(badge.clone());
    }
    line.push_span(Span::styled(close, edge));
    line
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, drawn, everywhere};
    use super::*;

    fn screens() -> Vec<Tab<'static>> {
        [("1", "Now", "Now"), ("2", "Triage", "Tri"), ("3", "Kube", "Kube"), ("4", "Pipelines", "Pipe")]
            .into_iter()
            .zip([None, Some("6"), Some("!!"), None])
            .map(|((key, title, short), badge)| Tab { key, title, short, badge: badge.map(Span::raw) })
            .collect()
    }

    #[test]
    fn it_gets_shorter_where_there_is_less_room() {
        let theme = ascii();
        let draw = |width, selected| {
            let right = ["gh 24s".into(), Line::default()];
            drawn(width, 1, |area, buf| drop(tabs(&screens(), selected, &right, area, &theme, buf))).remove(0)
        };
        assert_eq!(draw(60, 0), "[1 Now]  2 Triage 6   3 Kube !!   4 Pipelines         gh 24s");
        assert_eq!(draw(46, 1), " 1 Now  [2 Triage 6]  3 Kube !!   4 Pipelines");
        assert_eq!(draw(43, 1), " 1 Now [2 Triage 6] 3 Kube !!  4 Pipelines");
        assert_eq!(draw(38, 2), " 1 Now  2 Tri 6 [3 Kube !!] 4 Pipe");
        assert_eq!(draw(26, 2), " 1  2:6 [3 Kube !!] 4");
        assert_eq!(draw(5, 2), " 1  ~");
    }

    #[test]
    fn what_must_be_seen_beside_them_makes_them_shorter() {
        let theme = ascii();
        let right: [Line<'_>; 2] = ["1 forward failed".into(), "fwd !! 1".into()];
        let draw = |width| drawn(width, 1, |area, buf| drop(tabs(&screens(), 0, &right, area, &theme, buf))).remove(0);
        assert_eq!(draw(64), "[1 Now]  2 Triage 6   3 Kube !!   4 Pipelines   1 forward failed");
        assert_eq!(draw(56), "[1 Now]  2 Triage 6   3 Kube !!   4 Pipelines   fwd !! 1");
        assert_eq!(draw(55), "[1 Now] 2 Triage 6  3 Kube !!  4 Pipelines     fwd !! 1");
        assert_eq!(draw(47), "[1 Now] 2 Tri 6  3 Kube !!  4 Pipe     fwd !! 1");
        assert_eq!(draw(12), "[1 Now] 2:6");
    }

    #[test]
    fn each_tab_can_be_clicked() {
        drawn(60, 1, |area, buf| {
            let hits = tabs(&screens(), 0, &[], area, &ascii(), buf);
            assert_eq!(hits.len(), 4);
            assert_eq!(hits[1], (Rect::new(8, 0, 12, 1), 1));
        });
    }

    #[test]
    fn any_size_is_safe() {
        everywhere(|theme, area, buf| drop(tabs(&screens(), 1, &["right".into()], area, theme, buf)));
    }
}
