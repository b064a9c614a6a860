//! What panes over the answer of one query share: the answer, how fresh it is, and what stands there instead of it.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    super::{
        View,
        widgets::cells::{put_line, row},
    },
    pane::framed,
};
use crate::{
    query::{Answer, Query},
    store::slot::Freshness,
    time::coarse,
};

/// Answers are asked for anew about this often.
const EXPECTED: Duration = Duration::from_secs(15);

/// The answer, if there is one.
pub fn answer<'a>(view: &View<'a>, query: &Query) -> Option<&'a Answer> {
    view.store.answers.get(query)?.value.as_ref()
}

/// That the answer is not fresh, in few words: nothing while it is, or while it is asked for the first time.
pub fn stale_line(view: &View<'_>, query: &Query) -> Option<Line<'static>> {
    let slot = view.store.answers.get(query)?;
    let age = slot.pulse.age(view.now).map(coarse).filter(|age| age != "now");
    let words = match (slot.pulse.freshness(view.now, EXPECTED), age, &slot.pulse.failure) {
        (Freshness::Loading | Freshness::Live, ..) => return None,
        (_, Some(age), _) => format!("?? {age} old"),
        (_, None, Some(_)) => "?? failing".to_owned(),
        (_, None, None) => return None,
    };
    Some(Line::styled(words, view.theme.stale))
}

/// A framed pane about an answer: why it is not fresh stands in its first line, above the old data. Returns the area left.
pub fn framed_answer<'a>(
    view: &View<'a>,
    title: impl Into<Line<'a>>,
    info: impl Into<Line<'a>>,
    query: Option<&Query>,
    focused: bool,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let fresh = query.and_then(|query| stale_line(view, query));
    let inside = framed(view, title, info, fresh, focused, area, buf);
    let slot = query.and_then(|query| view.store.answers.get(query)).filter(|slot| slot.value.is_some());
    let (Some(failure), Some(spot)) = (slot.and_then(|slot| slot.pulse.failure.as_ref()), row(inside, 0)) else {
        return inside;
    };
    let words = Line::styled(format!("?? {}", failure.error.says), view.theme.stale);
    put_line(buf, spot, &words, view.theme.glyphs.ellipsis);
    Rect { y: inside.y + 1, height: inside.height - 1, ..inside }
}

/// What stands there while there is no answer: an error is never shown as an empty pane.
pub fn missing_words(view: &View<'_>, query: &Query) -> String {
    match view.store.answers.get(query).and_then(|slot| slot.pulse.failure.as_ref()) {
        Some(failure) => format!("?? {}", failure.error.says),
        None => "loading".to_owned(),
    }
}
