//! How old a pane is, for its title: nothing while it is fresh, `?? 4m: why` when it is not.

use crate::ui::theme::{Mark, Theme};
use ratatui::text::{Line, Span};

/// How fresh a pane is, already in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh<'a> {
    /// As new as it should be: nothing is said.
    Live,
    /// Asked for the first time.
    Loading,
    /// A little late: its age in coarse steps.
    Late { age: &'a str },
    /// Older than it may be: `??`, its age, and why.
    Stale { age: &'a str, why: &'a str },
    /// Never answered: `??` and why.
    Never { why: &'a str },
}

/// The words for a pane's title, or `None` while it is fresh.
pub fn freshness<'a>(fresh: Fresh<'a>, theme: &Theme) -> Option<Line<'a>> {
    let unknown = |words: Vec<Span<'a>>| {
        let mut spans = vec![Span::styled(Mark::NoData.text(), theme.mark_style(Mark::NoData)), " ".into()];
        spans.extend(words);
        Some(Line::from(spans).style(theme.stale))
    };
    match fresh {
        Fresh::Live => None,
        Fresh::Loading => Some(Line::styled("loading", theme.dim)),
        Fresh::Late { age } => Some(Line::styled(format!("{age} old"), theme.dim)),
        Fresh::Stale { age, why: "" } => unknown(vec![age.into()]),
        Fresh::Stale { age, why } => unknown(vec![age.into(), ": ".into(), why.into()]),
        Fresh::Never { why } => unknown(vec![why.into()]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ascii;
    use super::*;

    #[test]
    fn only_trouble_is_said() {
        let theme = ascii();
        let say = |fresh| freshness(fresh, &theme).map(|line| line.to_string());
        assert_eq!(say(Fresh::Live), None);
        assert_eq!(say(Fresh::Late { age: "40s" }).unwrap(), "40s old");
        assert_eq!(say(Fresh::Stale { age: "4m", why: "503 from ELK" }).unwrap(), "?? 4m: 503 from ELK");
        assert_eq!(say(Fresh::Never { why: "no route to host" }).unwrap(), "?? no route to host");
    }
}
