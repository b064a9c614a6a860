use super::gallery::{Screen, draw};
use super::testing::{ascii, dark, drawn, everywhere};
use super::virtual_table::{Column, Row, TableState, VirtualTable};
use crate::terminal::paint::{self, Painter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[test]
fn whole_screens_at_every_size() {
    everywhere(|theme, area, buf| {
        for screen in [Screen::Now, Screen::Kube, Screen::Plan] {
            draw(screen, theme, area, buf);
        }
    });
    for (width, height) in [(120, 35), (80, 24), (60, 16), (200, 60)] {
        for screen in [Screen::Now, Screen::Kube, Screen::Plan] {
            let rows = drawn(width, height, |area, buf| draw(screen, &ascii(), area, buf));
            assert!(rows.iter().all(|row| row.chars().all(|c| c.is_ascii() || "日本".contains(c))), "{rows:#?}");
            assert!(rows[0].contains("PRODUCTION"));
            assert!(rows[usize::from(height) - 1].contains("? help"));
            let boxed = drawn(width, height, |area, buf| draw(screen, &dark(), area, buf));
            assert!(boxed.iter().any(|row| row.contains('╭')));
        }
    }
}

/// A slow line carries some 10 KB/s: a whole screen, and one step of the cursor, have a bar in bytes.
#[test]
fn bytes_to_the_terminal_stay_below_the_bars() {
    let (theme, area) = (dark(), Rect::new(0, 0, 120, 35));
    let bytes = |painter: &mut Painter, buffer: Buffer| {
        let mut out = Vec::new();
        painter.paint(paint::Frame { buffer, ..paint::Frame::default() }, &mut out);
        out.len()
    };
    let mut painter = Painter::new(true);
    for screen in [Screen::Now, Screen::Kube, Screen::Plan] {
        let mut buffer = Buffer::empty(area);
        draw(screen, &theme, area, &mut buffer);
        painter.forget();
        let sent = bytes(&mut painter, buffer);
        assert!(sent < 20_000, "{screen:?}: {sent} bytes");
    }
    let columns = [Column::new("name", 20, 9).grows(), Column::new("why", 30, 8), Column::new("age", 5, 7)];
    let table = |cursor| {
        let mut buffer = Buffer::empty(area);
        VirtualTable::new(&theme, &columns, 30).cursor(Some(cursor)).render(
            area,
            &mut buffer,
            &mut TableState::default(),
            |index| Row::item(vec![format!("pod-{index}").into(), "CrashLoopBackOff".into(), "17m".into()]),
        );
        buffer
    };
    painter.forget();
    bytes(&mut painter, table(4));
    let sent = bytes(&mut painter, table(5));
    assert!(sent < 1_000, "{sent} bytes");
}
