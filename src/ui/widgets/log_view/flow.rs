//! A line's text broken into rows, with its finds painted. Looks at no more of a line than can be seen.

use super::super::cells::width;
use super::LogLine;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

/// How finds look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Styles {
    pub find: Style,
    pub current: Style,
}

/// The rows of one line.
#[derive(Debug)]
pub(super) struct Flow {
    pub rows: Vec<Line<'static>>,
}

/// Collects graphemes of one style into spans.
#[derive(Debug, Default)]
struct RowText {
    spans: Vec<Span<'static>>,
    used: u16,
}

impl RowText {
    fn push(&mut self, grapheme: &str, style: Style) {
        self.used += width(grapheme);
        match self.spans.last_mut() {
            Some(span) if span.style == style => span.content.to_mut().push_str(grapheme),
            _ => self.spans.push(Span::styled(grapheme.to_owned(), style)),
        }
    }

    fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// The body's graphemes with the style each is shown in.
fn painted<'l>(
    line: &'l LogLine<'_>,
    current: Option<usize>,
    styles: Styles,
) -> impl Iterator<Item = (&'l str, Style)> {
    let mut at = 0;
    line.body.spans.iter().flat_map(|span| span.content.graphemes(true).map(move |text| (text, span.style))).map(
        move |(text, style)| {
            let found = line.finds.iter().position(|find| find.contains(&at));
            at += text.len();
            let style = line.body.style.patch(style);
            match found {
                Some(found) if Some(found) == current => (text, style.patch(styles.current)),
                Some(_) => (text, style.patch(styles.find)),
                None => (text, style),
            }
        },
    )
}

impl Flow {
    /// One row: the body from cell `x` on. One grapheme more than fits is kept, so that it is seen to go on.
    pub(super) fn shifted(line: &LogLine<'_>, current: Option<usize>, styles: Styles, x: u16, room: u16) -> Self {
        let mut text = RowText::default();
        let mut skip = x;
        for (grapheme, style) in painted(line, current, styles) {
            let wide = width(grapheme);
            if skip > 0 {
                for _ in skip..wide {
                    text.push(" ", style);
                }
                skip = skip.saturating_sub(wide);
                continue;
            }
            text.push(grapheme, style);
            if text.used > room {
                break;
            }
        }
        Self { rows: vec![text.line()] }
    }

    /// As many rows as the body needs, broken at blanks where there are any, at most `most`.
    pub(super) fn wrapped(line: &LogLine<'_>, current: Option<usize>, styles: Styles, room: u16, most: u16) -> Self {
        let mut rows = Vec::new();
        let mut text = RowText::default();
        // Graphemes since the last blank: they move to the next row together.
        let mut word: Vec<(&str, Style)> = Vec::new();
        for (grapheme, style) in painted(line, current, styles) {
            if rows.len() >= usize::from(most) {
                return Self { rows };
            }
            word.push((grapheme, style));
            let word_width: u16 = word.iter().map(|part| width(part.0)).sum();
            if grapheme == " " || word_width >= room {
                place(&mut rows, &mut text, &mut word, room);
            }
        }
        place(&mut rows, &mut text, &mut word, room);
        rows.push(text.line());
        rows.truncate(usize::from(most.max(1)));
        Self { rows }
    }
}

fn place(rows: &mut Vec<Line<'static>>, text: &mut RowText, word: &mut Vec<(&str, Style)>, room: u16) {
    let word_width: u16 = word.iter().filter(|part| part.0 != " ").map(|part| width(part.0)).sum();
    if text.used > 0 && text.used + word_width > room {
        rows.push(std::mem::take(text).line());
    }
    for (grapheme, style) in word.drain(..) {
        if text.used + width(grapheme) > room {
            if grapheme == " " {
                continue;
            }
            rows.push(std::mem::take(text).line());
        }
        text.push(grapheme, style);
    }
}
