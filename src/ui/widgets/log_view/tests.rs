use super::super::testing::{ascii, dark, drawn, everywhere};
use super::*;
use ratatui::text::Span;

fn line(time: &'static str, text: &'static str) -> LogLine<'static> {
    LogLine { head: time.into(), body: text.into(), ..LogLine::default() }
}

const TEXTS: [&str; 4] = [
    "starting myapp 412",
    "db: waiting for a connection (50/50)",
    "FATAL no DB connection",
    "日本語日本語日本語日本語日本語",
];

fn lines() -> Vec<LogLine<'static>> {
    TEXTS.into_iter().zip(["03:01", "03:02", "03:03", "03:04"]).map(|(text, time)| line(time, text)).collect()
}

#[test]
fn from_the_top_and_from_the_newest() {
    let theme = ascii();
    let draw = |anchor, height, lines: Vec<LogLine<'static>>| {
        drawn(26, height, |area, buf| drop(LogView::new(&theme, anchor).render(area, buf, lines)))
    };
    assert_eq!(draw(Anchor::Top, 2, lines()), ["03:01 starting myapp 412", "03:02 db: waiting for a c~"]);
    let newest: Vec<LogLine<'static>> = lines().into_iter().take(3).rev().collect();
    assert_eq!(draw(Anchor::Bottom, 2, newest.clone()), ["03:02 db: waiting for a c~", "03:03 FATAL no DB connect~"]);
    // Fewer lines than rows: they stand at the top, in order.
    assert_eq!(draw(Anchor::Bottom, 5, newest)[0], "03:01 starting myapp 412");
}

#[test]
fn wrapping_breaks_at_blanks_and_hangs_below_the_body() {
    let theme = ascii();
    let mut hits = LogHits::default();
    let rows = drawn(24, 8, |area, buf| {
        hits = LogView::new(&theme, Anchor::Top).wrap(true).render(area, buf, lines());
    });
    assert_eq!(
        rows,
        [
            "03:01 starting myapp 412",
            "03:02 db: waiting for a",
            "    \\ connection (50/50)",
            "03:03 FATAL no DB",
            "    \\ connection",
            "03:04 日本語日本語日本語",
            "    \\ 日本語日本語",
            "",
        ]
    );
    assert_eq!(hits.at(Position::new(3, 4)), Some(2));
    assert_eq!(hits.at(Position::new(3, 7)), None);
    assert!(hits.is_everything(Rect::new(0, 0, 24, 8)));
    let rows = drawn(24, 1, |area, buf| {
        drop(LogView::new(&theme, Anchor::Bottom).wrap(true).render(area, buf, lines().into_iter().rev()));
    });
    assert_eq!(rows, ["    \\ 日本語日本語"]);
}

#[test]
fn sideways_the_head_and_the_tail_stay() {
    let theme = ascii();
    let counted = LogLine { tail: "x412 NEW".into(), ..line("03:02", TEXTS[1]) };
    let rows = drawn(40, 2, |area, buf| {
        drop(LogView::new(&theme, Anchor::Top).x(4).render(area, buf, [counted, line("03:04", "日本語日本語")]));
    });
    assert_eq!(rows, ["03:02 waiting for a connectio~  x412 NEW", "03:04 語日本語"]);
}

#[test]
fn finds_are_painted_over_spans() {
    let theme = dark();
    let body = Line::from(vec![Span::styled("err", theme.broken), Span::raw("or: issuer")]);
    let found = LogLine { body, finds: vec![1..5, 7..10], ..LogLine::default() };
    let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
    LogView::new(&theme, Anchor::Top).current_find(Some((0, 1))).render(buf.area, &mut buf, [found]);
    let background = |x| Some(buf[(x, 0)].bg).filter(|bg| *bg != ratatui::style::Color::Reset);
    assert_eq!(
        [background(0), background(1), background(4), background(5)],
        [None, theme.search_match.bg, theme.search_match.bg, None]
    );
    assert_eq!(background(8), theme.search_current.bg);
}

#[test]
fn a_find_keeps_its_colours_on_the_row_under_the_cursor() {
    let theme = dark();
    let found = LogLine { body: "issuer".into(), finds: std::iter::once(0..3).collect(), ..LogLine::default() };
    let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
    LogView::new(&theme, Anchor::Top).cursor(Some(0)).current_find(Some((0, 0))).render(buf.area, &mut buf, [found]);
    let colours = |x| (Some(buf[(x, 0)].fg), Some(buf[(x, 0)].bg));
    assert_eq!(colours(0), (theme.search_current.fg, theme.search_current.bg));
    assert_eq!(colours(3).1, theme.selection.bg);
    assert_eq!(colours(19).1, theme.selection.bg, "up to the end of the row");
}

#[test]
fn a_huge_line_costs_no_more_than_the_window() {
    let theme = ascii();
    let huge = "x".repeat(20_000_000);
    let lines = || (0..1_000_000_usize).map(|_| LogLine { body: huge.as_str().into(), ..LogLine::default() });
    for wrap in [false, true] {
        for anchor in [Anchor::Top, Anchor::Bottom] {
            drawn(80, 24, |area, buf| drop(LogView::new(&theme, anchor).wrap(wrap).render(area, buf, lines())));
        }
    }
}

#[test]
fn any_size_is_safe() {
    everywhere(|theme, area, buf| {
        for (wrap, anchor) in [(true, Anchor::Top), (false, Anchor::Bottom), (true, Anchor::Bottom)] {
            LogView::new(theme, anchor).wrap(wrap).x(3).cursor(Some(1)).render(area, buf, lines());
        }
    });
}
