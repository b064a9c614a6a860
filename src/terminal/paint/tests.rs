use super::*;
use ratatui::style::{Color, Style};
use std::num::NonZeroU16;

fn frame(rows: &[&str]) -> Frame {
    Frame { buffer: Buffer::with_lines(rows.iter().copied()), ..Frame::default() }
}

fn screen() -> vt100::Parser {
    let size = |n| NonZeroU16::new(n).unwrap();
    vt100::Parser::new(size(6), size(20), 0)
}

/// What each cell shows; a blank that was written and one that was cleared look the same.
fn cells(seen: &vt100::Parser) -> Vec<String> {
    let all = (0..6).flat_map(|y| (0..20).map(move |x| (y, x)));
    all.map(|(y, x)| {
        let cell = seen.screen().cell(y, x).unwrap();
        let text = if cell.contents().is_empty() { " " } else { cell.contents() };
        // The colour of a blank's text cannot be seen.
        let colour = if text == " " && !cell.inverse() { vt100::Color::Default } else { cell.fgcolor() };
        let bold = cell.bold() && text != " ";
        format!("{y},{x} {text} {colour:?} {:?} {bold} {}", cell.bgcolor(), cell.inverse())
    })
    .collect()
}

fn paint(painter: &mut Painter, frame: Frame) -> Vec<u8> {
    let mut out = Vec::new();
    painter.paint(frame, &mut out);
    out
}

#[test]
fn only_what_changed_is_written_and_nothing_for_nothing() {
    let mut painter = Painter::new(true);
    let first = paint(&mut painter, frame(&["one two three", "four"]));
    assert!(String::from_utf8_lossy(&first).contains("\x1b[2J"));
    assert_eq!(paint(&mut painter, frame(&["one two three", "four"])), b"");
    let second = paint(&mut painter, frame(&["one TWO three", "four"]));
    assert_eq!(second, b"\x1b[?2026h\x1b[1;5HTWO\x1b[?2026l");
    painter.forget();
    assert!(String::from_utf8_lossy(&paint(&mut painter, frame(&["one TWO three", "four"]))).contains("\x1b[2J"));
}

#[test]
fn short_ways_are_written_over_and_long_blanks_erased() {
    let mut painter = Painter::new(true);
    paint(&mut painter, frame(&["abcdefg", "a line that goes away", "x"]));
    let out = paint(&mut painter, frame(&["AbcdEfg", "                     ", "y"]));
    assert_eq!(out, b"\x1b[?2026h\x1b[1;1HAbcdE\x1b[2;1H\x1b[21X\x1b[3;1Hy\x1b[?2026l");
}

/// Whatever frames follow each other, the terminal ends with the last one, as if it had been drawn alone.
#[test]
fn any_sequence_ends_with_the_last_frame() {
    let wide = ["日本語 ok", "a日本", "e\u{301}tude", "🚀 go", "plain", "", "mixed 日 b"];
    let colours = [Color::Reset, Color::Rgb(1, 2, 3), Color::Indexed(200), Color::LightRed];
    let mut painter = Painter::new(true);
    let mut seen = screen();
    let mut state = 7_u64;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for round in 0..200 {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 6));
        for y in 0..6 {
            let style = Style::new().fg(colours[random(4)]).bg(colours[random(4)]);
            let style = style.add_modifier([Modifier::empty(), Modifier::BOLD, Modifier::REVERSED][random(3)]);
            buffer.set_string(random(12) as u16, y, wide[random(wide.len())], style);
        }
        let url = ["https://a.example/x", "https://b.example/y"][random(2)].to_owned();
        let links = vec![Link { area: Rect::new(random(9) as u16, random(6) as u16, 5, 1), url }];
        let cursor = (random(2) == 0).then(|| Position::new(random(20) as u16, random(6) as u16));
        let next = Frame { buffer, cursor, links };
        seen.process(&paint(&mut painter, next.clone()));
        let mut alone = screen();
        alone.process(&paint(&mut Painter::new(true), next));
        assert_eq!(cells(&seen), cells(&alone), "round {round}");
        assert_eq!(seen.screen().hide_cursor(), alone.screen().hide_cursor());
    }
}

#[test]
fn a_new_size_clears() {
    let mut painter = Painter::new(true);
    paint(&mut painter, frame(&["one", "two"]));
    let out = paint(&mut painter, frame(&["one"]));
    assert!(String::from_utf8_lossy(&out).contains("\x1b[2J"));
}

#[test]
fn links_open_and_close_and_go() {
    let link = |url: &str| Link { area: Rect::new(4, 0, 3, 1), url: url.to_owned() };
    let mut painter = Painter::new(true);
    let out = paint(&mut painter, Frame { links: vec![link("https://ci/412")], ..frame(&["see 412 now"]) });
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(";https://ci/412\x1b\\412\x1b]8;;\x1b\\"), "{text:?}");
    // The link alone changes: its cells are written again, the others are not.
    let out = paint(&mut painter, frame(&["see 412 now"]));
    assert_eq!(out, b"\x1b[?2026h\x1b[1;5H412\x1b[?2026l");
    for evil in ["javascript:alert(1)", "https://a\x1b\\b", "https://a b", "file:///etc/passwd"] {
        let out = paint(&mut Painter::new(true), Frame { links: vec![link(evil)], ..frame(&["see 412 now"]) });
        assert!(!out.windows(4).any(|window| window == b"\x1b]8;"), "{evil}");
    }
    let out = paint(&mut Painter::new(false), Frame { links: vec![link("https://ci/412")], ..frame(&["see 412"]) });
    assert!(!out.windows(4).any(|window| window == b"\x1b]8;"));
}

#[test]
fn control_characters_in_cells_never_reach_the_terminal() {
    let mut evil = frame(&["abc"]);
    evil.buffer[(1, 0)].set_symbol("\x1b]0;evil\x07");
    let out = paint(&mut Painter::new(true), evil);
    assert!(!out.windows(4).any(|window| window == b"evil"));
}

#[test]
fn a_cursor_alone_is_a_few_bytes() {
    let mut painter = Painter::new(true);
    let at = |x| Frame { cursor: Some(Position::new(x, 0)), ..frame(&["type 13"]) };
    assert!(String::from_utf8(paint(&mut painter, at(1))).unwrap().contains("\x1b[?25h"));
    assert_eq!(paint(&mut painter, at(1)), b"");
    assert_eq!(paint(&mut painter, at(2)), b"\x1b[?2026h\x1b[1;3H\x1b[?2026l");
    assert_eq!(paint(&mut painter, frame(&["type 13"])), b"\x1b[?2026h\x1b[?25l\x1b[?2026l");
}
