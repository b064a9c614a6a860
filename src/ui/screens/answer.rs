//! What panes over the answer of one query share: the answer, how fresh it is, and what stands there instead of it.

use std::time::Duration;

use ratatui::text::{Line, Span};

use super::super::View;
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

/// Why the answer is not fresh: nothing while it is, or while it is asked for the first time.
pub fn stale_line(view: &View<'_>, query: &Query) -> Option<Line<'static>> {
    let slot = view.store.answers.get(query)?;
    let failure = slot.pulse.failure.as_ref();
    let age = slot.pulse.age(view.now).map(coarse);
    let words = match (slot.pulse.freshness(view.now, EXPECTED), failure) {
        (_, Some(failure)) if slot.value.is_none() => failure.error.says.to_string(),
        (_, Some(failure)) => format!("{} old: {}", age.unwrap_or_default(), failure.error.says),
        (Freshness::Stale { .. } | Freshness::Down { .. }, None) => format!("{} old", age.unwrap_or_default()),
        _ => return None,
    };
    Some(Line::from(vec![Span::raw("?? "), Span::raw(words)]).style(view.theme.stale))
}

/// What stands there while there is no answer: an error is never shown as an empty pane.
pub fn missing_words(view: &View<'_>, query: &Query) -> String {
    match view.store.answers.get(query).and_then(|slot| slot.pulse.failure.as_ref()) {
        Some(failure) => format!("?? {}", failure.error.says),
        None => "loading".to_owned(),
    }
}
