use super::gallery::{Screen, draw};
use super::testing::{ascii, dark, drawn, everywhere};

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
