//! Numbers of a panel: what it shows now, against its limit, against an hour ago.

use crate::{
    model::{
        Level,
        metric::{Panel, PanelData, PanelKind, Series},
    },
    units,
};

/// The panel's number now and before, and which series it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The series nearest to trouble.
    pub series: usize,
    pub now: Option<f64>,
    pub before: Option<f64>,
    /// `None`: the panel has no limit.
    pub level: Option<Level>,
}

/// Steps of a panel that mean something. Grafana gives every new panel "red above 80", whatever it shows, and draws it
/// nowhere: that is no limit.
fn steps(panel: &Panel) -> Vec<(Option<f64>, Level)> {
    let steps = &panel.thresholds;
    let is_default = panel.kind == PanelKind::TimeSeries
        && panel.unit.id != "percent"
        && steps.len() == 2
        && steps[0].value.is_none()
        && steps[1].value == Some(80.0);
    if is_default {
        return Vec::new();
    }
    let (min, max) = (panel.min.unwrap_or(0.0), panel.max.unwrap_or(100.0));
    let value = |value: f64| if panel.thresholds_are_percentages { min + (max - min) * value / 100.0 } else { value };
    steps.iter().map(|step| (step.value.map(value), meaning(&step.color))).collect()
}

/// What a threshold's colour means.
fn meaning(color: &str) -> Level {
    let color = color.to_ascii_lowercase();
    if let Some(rgb) = color.strip_prefix('#').and_then(|hex| u32::from_str_radix(hex.get(..6)?, 16).ok()) {
        let (red, green, blue) = (rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
        return match () {
            () if red > 150 && green < 110 && blue < 150 => Level::Broken,
            () if red > 150 && green >= 110 && blue < 120 => Level::Wrong,
            () => Level::Ok,
        };
    }
    if color.contains("red") {
        Level::Broken
    } else if color.contains("orange") || color.contains("yellow") {
        Level::Wrong
    } else {
        Level::Ok
    }
}

/// Whether low values are the bad ones: below its steps the panel is red.
pub(super) fn is_floor(panel: &Panel) -> bool {
    let steps = steps(panel);
    matches!((steps.first(), steps.last()), (Some(first), Some(last)) if steps.len() > 1 && first.1 < last.1)
}

/// The value that must not be passed.
pub(super) fn limit(panel: &Panel) -> Option<f64> {
    let steps = steps(panel);
    let worst = steps.iter().filter(|step| step.0.is_some()).min_by_key(|step| step.1)?;
    if is_floor(panel) {
        return steps.iter().find(|step| step.1 > steps[0].1).and_then(|step| step.0);
    }
    (worst.1 < Level::Ok).then_some(worst.0).flatten()
}

pub(super) fn level(panel: &Panel, value: f64) -> Option<Level> {
    let steps = steps(panel);
    if steps.iter().all(|step| step.0.is_none()) {
        return None;
    }
    let reached = steps.iter().rfind(|step| step.0.is_none_or(|from| value >= from));
    Some(reached.map_or(Level::Ok, |step| step.1))
}

/// `OVER`, `HIGH`, `UNDER`, `LOW`: which side of its limit.
pub(super) fn word(panel: &Panel, level: Level) -> &'static str {
    match (level, is_floor(panel)) {
        (Level::Broken, false) => "OVER",
        (Level::Broken, true) => "UNDER",
        (Level::Wrong, false) => "HIGH",
        (Level::Wrong, true) => "LOW",
        _ => "",
    }
}

/// Reads a panel's data. `back`: milliseconds from its end to compare with.
pub(super) fn read(panel: &Panel, data: &PanelData, back: i64) -> Reading {
    let is_floor = is_floor(panel);
    let lasts = data.series.iter().enumerate().filter_map(|(index, series)| Some((index, series.last()?.1)));
    let nearest = lasts.reduce(|best, next| {
        let is_worse = if is_floor { next.1 < best.1 } else { next.1 > best.1 };
        if is_worse { next } else { best }
    });
    let (series, last) = nearest.map_or((0, None), |(index, value)| (index, Some(value)));
    let reduced = data.value.filter(|_| panel.kind != PanelKind::TimeSeries);
    let now = reduced.or(last);
    Reading {
        series,
        now,
        before: data.series.get(series).and_then(|series| before(series, data.to - back)),
        level: now.and_then(|now| level(panel, now)),
    }
}

/// The value at a moment; the first one serves if the range begins just there.
fn before(series: &Series, at: i64) -> Option<f64> {
    series.at(at).or_else(|| {
        let step = match series.points.as_slice() {
            [first, second, ..] => second.0 - first.0,
            _ => return None,
        };
        let (time, value) = series.points.iter().find_map(|(time, value)| value.map(|value| (*time, value)))?;
        (time - at <= step * 2).then_some(value)
    })
}

/// A number in the panel's unit.
pub(super) fn text(panel: &Panel, value: f64) -> String {
    units::format(&panel.unit, value)
}

/// `x7.6`, `+4 %`, `-12 %`, `steady`.
pub(super) fn change(now: f64, before: f64) -> String {
    let difference = now - before;
    if before.abs() < f64::EPSILON {
        return if difference.abs() < f64::EPSILON { "steady".to_owned() } else { "from 0".to_owned() };
    }
    let times = now / before;
    let percent = difference / before.abs() * 100.0;
    match () {
        () if times >= 10.0 => format!("x{times:.0}"),
        () if times >= 2.0 => format!("x{times:.1}"),
        () if percent.abs() < 1.0 => "steady".to_owned(),
        () => format!("{percent:+.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::{DashboardKey, PanelKey, Threshold, Unit};

    fn panel(steps: &[(Option<f64>, &str)]) -> Panel {
        let dashboard = DashboardKey { backend: crate::model::BackendId::new("grafana"), uid: "d".into() };
        Panel {
            key: PanelKey { dashboard, id: 1 },
            title: "x".into(),
            kind: PanelKind::TimeSeries,
            unit: Unit::default(),
            min: None,
            max: Some(50.0),
            thresholds: steps
                .iter()
                .map(|(value, color)| Threshold { value: *value, color: (*color).into() })
                .collect(),
            thresholds_are_percentages: false,
            row: None,
            is_collapsed: false,
            notes: Vec::new(),
        }
    }

    #[test]
    fn limits_are_read_from_the_side_that_is_bad() {
        let over = panel(&[(None, "green"), (Some(3.0), "dark-orange"), (Some(5.0), "#F2495C")]);
        assert_eq!((limit(&over), is_floor(&over)), (Some(5.0), false));
        assert_eq!([2.0, 4.0, 31.0].map(|v| level(&over, v)), [Level::Ok, Level::Wrong, Level::Broken].map(Some));
        assert_eq!(word(&over, Level::Broken), "OVER");
        let under = panel(&[(None, "red"), (Some(10.0), "green")]);
        assert_eq!((limit(&under), is_floor(&under)), (Some(10.0), true));
        assert_eq!((level(&under, 8.0), word(&under, Level::Broken)), (Some(Level::Broken), "UNDER"));
        let mut percent = panel(&[(None, "green"), (Some(90.0), "red")]);
        percent.thresholds_are_percentages = true;
        assert_eq!((limit(&percent), level(&percent, 46.0)), (Some(45.0), Some(Level::Broken)));
    }

    #[test]
    fn what_grafana_gives_every_panel_is_no_limit() {
        let untouched = panel(&[(None, "green"), (Some(80.0), "red")]);
        assert_eq!((limit(&untouched), level(&untouched, 1480.0)), (None, None));
        assert_eq!(level(&panel(&[(None, "green")]), 3.0), None);
        assert_eq!(level(&panel(&[]), 3.0), None);
    }

    #[test]
    fn changes_are_written_out() {
        for (now, before, words) in [
            (31.0, 0.02, "x1550"),
            (910.0, 120.0, "x7.6"),
            (1480.0, 1500.0, "-1 %"),
            (1500.0, 1501.0, "steady"),
            (0.0, 0.0, "steady"),
            (3.0, 0.0, "from 0"),
            (8.0, 10.0, "-20 %"),
            (-3.0, -6.0, "+50 %"),
        ] {
            assert_eq!(change(now, before), words, "{now} after {before}");
        }
    }
}
