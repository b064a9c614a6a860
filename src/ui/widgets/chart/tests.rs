use super::super::testing::{ascii, dark, drawn, everywhere};
use super::*;

fn percent(value: f64) -> String {
    format!("{value:.0}")
}

fn minute(at: i64) -> String {
    format!("{:02}:{:02}", 2 + at / 3_600_000, at / 60_000 % 60)
}

/// One point a minute for an hour, rising from minute 45.
fn errors() -> Vec<(i64, Option<f64>)> {
    (0..=60).map(|m| (m * 60_000, Some(if m < 45 { 0.02 } else { ((m - 45) * 3) as f64 }.min(31.0)))).collect()
}

#[test]
fn ascii_form_has_limit_marker_and_times() {
    let (theme, points) = (ascii(), errors());
    let rows = drawn(50, 8, |area, buf| {
        Chart::new(&theme, (0, 3_600_000), &percent, &minute)
            .series(Series { name: "err", points: &points, style: None })
            .limit(Limit { value: 5.0, label: "limit" })
            .markers([Marker { at: 43 * 60_000, label: "02:43 dep" }])
            .render(area, buf);
    });
    assert_eq!(
        rows,
        [
            "40|                                 :",
            "  |                                 :         ****",
            "  |                                 :       **",
            "20|                                 :     **",
            "  |                                 :    *",
            " 5|---------------------------------:--**- limit -",
            " 0|************************************",
            "   02:00                02:30       ^02:43 dep",
        ]
    );
}

#[test]
fn braille_form() {
    let (theme, points) = (dark(), errors());
    let rows = drawn(40, 5, |area, buf| {
        Chart::new(&theme, (0, 3_600_000), &percent, &minute)
            .series(Series { name: "err", points: &points, style: None })
            .limit(Limit { value: 5.0, label: "limit" })
            .markers([Marker { at: 43 * 60_000, label: "02:43 deploy" }])
            .render(area, buf);
    });
    assert_eq!(
        rows,
        [
            "45│                          ┊",
            "30│                          ┊     ⡠⠤⠒⠒⠒",
            "15│⡀ limit 5 ⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀┊⡀⡀⡠⠤⠊⡀⡀⡀⡀⡀",
            " 0│⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠢⠊",
            "   02:00         02:43 deploy▴     03:00",
        ]
    );
}

#[test]
fn gaps_stay_open_and_spikes_are_kept() {
    let theme = ascii();
    let mut points: Vec<(i64, Option<f64>)> = (0..10_000).map(|at| (at, Some(1.0))).collect();
    points[2_500].1 = Some(9.0);
    for point in &mut points[6_000..8_000] {
        point.1 = if point.0 % 2 == 0 { None } else { Some(f64::NAN) };
    }
    let rows = drawn(23, 3, |area, buf| {
        Chart::new(&theme, (0, 9_999), &percent, &|_| String::new())
            .series(Series { name: "", points: &points, style: None })
            .render(area, buf);
    });
    assert_eq!(rows, ["10|     *", " 0|************   *****", "",]);
    // Prometheus leaves points out where there is no data: a long step is a gap too.
    points.retain(|point| finite_number(point.1));
    let left_out = drawn(23, 3, |area, buf| {
        Chart::new(&theme, (0, 9_999), &percent, &|_| String::new())
            .series(Series { name: "", points: &points, style: None })
            .render(area, buf);
    });
    assert_eq!(left_out, rows);
}

fn finite_number(value: Option<f64>) -> bool {
    plot::finite(value).is_some()
}

#[test]
fn a_limit_far_above_is_words_and_no_data_says_so() {
    let (theme, points) = (ascii(), errors());
    let rows = drawn(30, 4, |area, buf| {
        Chart::new(&theme, (0, 3_600_000), &percent, &minute)
            .series(Series { name: "err", points: &points[..40], style: None })
            .limit(Limit { value: 500.0, label: "limit" })
            .render(area, buf);
    });
    assert!(rows[0].ends_with("limit 500 ^"), "{rows:?}");
    let rows = drawn(30, 3, |area, buf| {
        Chart::new(&theme, (0, 3_600_000), &percent, &minute).empty("Grafana: 503 for 4m").render(area, buf);
    });
    assert_eq!(rows, ["", "     Grafana: 503 for 4m", ""]);
}

#[test]
fn several_series_have_a_legend_and_a_cursor_has_its_time() {
    let (theme, points) = (ascii(), errors());
    let flat: Vec<(i64, Option<f64>)> = points.iter().map(|point| (point.0, Some(10.0))).collect();
    let rows = drawn(40, 7, |area, buf| {
        Chart::new(&theme, (0, 3_600_000), &percent, &minute)
            .series(Series { name: "new", points: &points, style: None })
            .series(Series { name: "old", points: &flat, style: None })
            .cursor(Some(600_000))
            .render(area, buf);
    });
    assert_eq!(
        rows,
        [
            "   * new  o old",
            "40|      |",
            "  |      |                         *****",
            "20|      |                        **",
            "  |ooooooooooooooooooooooooooooooooooooo",
            " 0|*****************************",
            "       02:10       02:30           03:00",
        ]
    );
}

#[test]
fn any_size_is_safe() {
    let points = errors();
    everywhere(|theme, area, buf| {
        for range in [(0, 3_600_000), (9, 9), (-5, i64::MAX / 4)] {
            Chart::new(theme, range, &percent, &minute)
                .series(Series { name: "a", points: &points, style: None })
                .series(Series { name: "b", points: &[], style: None })
                .limit(Limit { value: 5.0, label: "limit" })
                .limit(Limit { value: f64::NAN, label: "limit" })
                .markers([Marker { at: 5, label: "x" }])
                .cursor(Some(100_000))
                .render(area, buf);
        }
    });
}

/// 412 fails, 411 does not: the limit is nearer to zero than to the next row.
fn by_version(theme: &Theme, height: u16) -> Vec<String> {
    let new: Vec<(i64, Option<f64>)> = errors().into_iter().map(|(at, value)| (at, value.map(|v| v * 2.5))).collect();
    let old: Vec<(i64, Option<f64>)> = new.iter().map(|point| (point.0, Some(0.02))).collect();
    drawn(40, height, |area, buf| {
        Chart::new(theme, (0, 3_600_000), &percent, &minute)
            .series(Series { name: "412", points: &new, style: None })
            .series(Series { name: "411", points: &old, style: None })
            .limit(Limit { value: 5.0, label: "limit" })
            .render(area, buf);
    })
}

#[test]
fn what_is_near_zero_does_not_lie_on_the_limit() {
    let rows = by_version(&dark(), 7);
    let row = |number: &str| rows.iter().position(|row| row.trim_start().starts_with(number));
    assert!(row("5│⡀ limit").is_some_and(|limit| Some(limit + 1) == row("0│")), "{rows:#?}");
}

#[test]
fn without_colour_each_line_has_its_own_sign() {
    let rows = by_version(&super::super::testing::plain(), 7);
    assert!(rows[0].contains("• 412  o 411"), "{rows:#?}");
    assert!(rows[5].contains("0│ooooo") && rows.concat().contains("•••"), "{rows:#?}");
}
