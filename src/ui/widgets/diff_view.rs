//! Lines of a difference: signed, so that colour is not needed, with the changed words marked.

use super::cells::{clip, put_line, put_text, row, width};
use super::frame::Scroll;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use similar::{ChangeTag, DiffTag, TextDiff};
use unicode_segmentation::UnicodeSegmentation;

/// What a line of a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffKind {
    Same,
    Add,
    Remove,
    /// `@@ -1,3 +1,4 @@`
    Hunk,
    /// The names of the files, modes, and whatever else stands between hunks.
    Head,
}

/// One line of a difference, without its sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub kind: DiffKind,
    /// The line in pieces; `true`: this piece is what changed within it.
    pub pieces: Vec<(bool, String)>,
}

impl DiffLine {
    fn whole(kind: DiffKind, text: &str) -> Self {
        Self { kind, pieces: vec![(false, text.to_owned())] }
    }

    /// The line's text, without its sign.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.1.as_str()).collect()
    }
}

/// Reads a unified difference, as GitHub and `git diff` give it.
pub fn parse_unified(text: &str) -> Vec<DiffLine> {
    let mut in_hunk = false;
    text.lines()
        .map(|line| {
            if line.starts_with("@@") {
                in_hunk = true;
                return DiffLine::whole(DiffKind::Hunk, line);
            }
            if line.starts_with("diff --git ") {
                in_hunk = false;
            }
            match line.chars().next() {
                Some('+') if in_hunk => DiffLine::whole(DiffKind::Add, &line[1..]),
                Some('-') if in_hunk => DiffLine::whole(DiffKind::Remove, &line[1..]),
                Some(' ') if in_hunk => DiffLine::whole(DiffKind::Same, &line[1..]),
                None if in_hunk => DiffLine::whole(DiffKind::Same, ""),
                _ => DiffLine::whole(DiffKind::Head, line),
            }
        })
        .collect()
}

/// The difference of two texts with `context` unchanged lines around each change; empty if they are equal.
pub fn between(old: &str, new: &str, context: usize) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(context) {
        if !lines.is_empty() {
            lines.push(DiffLine::whole(DiffKind::Hunk, ""));
        }
        for op in &group {
            let start = lines.len();
            for change in diff.iter_changes(op) {
                let kind = match change.tag() {
                    ChangeTag::Equal => DiffKind::Same,
                    ChangeTag::Insert => DiffKind::Add,
                    ChangeTag::Delete => DiffKind::Remove,
                };
                lines.push(DiffLine::whole(kind, change.value().trim_end_matches(['\n', '\r'])));
            }
            if op.tag() == DiffTag::Replace && op.old_range().len() == op.new_range().len() {
                let (removed, added) = lines[start..].split_at_mut(op.old_range().len());
                removed.iter_mut().zip(added).for_each(|(old, new)| mark_words(old, new));
            }
        }
    }
    lines
}

/// Marks the words that differ, unless so much does that marks would only be noise.
fn mark_words(old: &mut DiffLine, new: &mut DiffLine) {
    let (before, after) = (old.text(), new.text());
    let diff = TextDiff::from_words(&before, &after);
    if diff.ratio() < 0.5 {
        return;
    }
    let pieces = |skip: ChangeTag| {
        let changes = diff.iter_all_changes().filter(|change| change.tag() != skip);
        changes.map(|change| (change.tag() != ChangeTag::Equal, change.value().to_owned())).collect()
    };
    (old.pieces, new.pieces) = (pieces(ChangeTag::Insert), pieces(ChangeTag::Delete));
}

/// Draws the lines from `offset` on, scrolled `x` cells sideways; the sign stays. Returns what a scrollbar needs.
pub fn diff_view(
    lines: &[DiffLine],
    offset: usize,
    x: u16,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) -> Option<Scroll> {
    let area = clip(area, buf);
    if area.is_empty() {
        return None;
    }
    let offset = offset.min(lines.len().saturating_sub(usize::from(area.height)));
    for (index, line) in lines.iter().skip(offset).take(usize::from(area.height)).enumerate() {
        let Some(spot) = row(area, index as u16) else { break };
        let (sign, style) = match line.kind {
            DiffKind::Same => (" ", theme.text),
            DiffKind::Add => ("+", theme.diff_add),
            DiffKind::Remove => ("-", theme.diff_remove),
            DiffKind::Hunk => ("", theme.diff_hunk),
            DiffKind::Head => ("", theme.strong),
        };
        if line.kind == DiffKind::Hunk && line.pieces.iter().all(|piece| piece.1.is_empty()) {
            put_text(buf, spot, &theme.glyphs.rule.repeat(usize::from(spot.width)), theme.border);
            continue;
        }
        let left = put_text(buf, spot, sign, style);
        let rest = Rect { x: spot.x + left, width: spot.width - left, ..spot };
        let spans: Vec<Span<'_>> = line
            .pieces
            .iter()
            .map(|(changed, text)| {
                Span::styled(text.as_str(), if *changed { style.patch(theme.diff_word) } else { style })
            })
            .collect();
        put_line(buf, rest, &shifted(&Line::from(spans), x), theme.glyphs.ellipsis);
    }
    Some(Scroll { len: lines.len(), offset, visible: usize::from(area.height) })
}

/// The line without its first `cells` cells; half of a wide character becomes a blank.
pub fn shifted(line: &Line<'_>, cells: u16) -> Line<'static> {
    let mut skip = usize::from(cells);
    let mut spans = Vec::new();
    for span in &line.spans {
        let mut text = String::new();
        for grapheme in span.content.graphemes(true) {
            let wide = usize::from(width(grapheme));
            if skip == 0 {
                text.push_str(grapheme);
            } else if wide > skip {
                text.push_str(&" ".repeat(wide - skip));
                skip = 0;
            } else {
                skip -= wide;
            }
        }
        spans.push(Span::styled(text, span.style));
    }
    Line::from(spans).style(Style::new().patch(line.style))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ascii, dark, drawn, everywhere};
    use super::*;

    use DiffKind::{Add, Head, Hunk, Remove, Same};

    const PATCH: &str = "diff --git a/cm.yaml b/cm.yaml\n--- a/cm.yaml\n+++ b/cm.yaml\n@@ -1,2 +1,2 @@\n kind: ConfigMap\n-issuer: a\n+issuer: b\n--- yaml\n";

    #[test]
    fn signs_are_kept_and_file_names_are_no_changes() {
        let lines = parse_unified(PATCH);
        let kinds: Vec<DiffKind> = lines.iter().map(|line| line.kind).collect();
        assert_eq!(kinds, [Head, Head, Head, Hunk, Same, Remove, Add, Remove]);
        let rows = drawn(20, 4, |area, buf| {
            let scroll = diff_view(&lines, 99, 0, area, &ascii(), buf);
            assert_eq!(scroll, Some(Scroll { len: 8, offset: 4, visible: 4 }));
        });
        assert_eq!(rows, [" kind: ConfigMap", "-issuer: a", "+issuer: b", "--- yaml"]);
        let rows = drawn(20, 1, |area, buf| {
            diff_view(&lines[5..6], 0, 8, area, &ascii(), buf);
        });
        assert_eq!(rows, ["-a"]);
    }

    #[test]
    fn two_texts_show_the_changed_words() {
        assert_eq!(between("a\nb\n", "a\nb\n", 3), []);
        let lines = between("cpu: 1\nmemory: 1Gi\n", "cpu: 1\nmemory: 512Mi\n", 1);
        let texts: Vec<String> = lines.iter().map(DiffLine::text).collect();
        assert_eq!(texts, ["cpu: 1", "memory: 1Gi", "memory: 512Mi"]);
        assert!(lines[2].pieces.iter().any(|(changed, text)| *changed && text == "512Mi"), "{lines:?}");
        let theme = dark();
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 3));
        diff_view(&lines, 0, 0, buf.area, &theme, &mut buf);
        assert_eq!(Some(buf[(0, 1)].fg), theme.diff_remove.fg);
        assert_eq!(Some(buf[(0, 2)].fg), theme.diff_add.fg);
    }

    #[test]
    fn any_size_is_safe() {
        let lines = parse_unified(PATCH);
        everywhere(|theme, area, buf| {
            diff_view(&lines, 2, 3, area, theme, buf);
        });
        assert_eq!(shifted(&"日本".into(), 1).to_string(), " 本");
    }
}
