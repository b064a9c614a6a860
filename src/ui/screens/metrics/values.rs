//! Numbers of a panel: what it shows now, against its limit, against an hour ago.

use crate::model::{
    Level,
    metric::{Item, Panel, PanelData, PanelKind, Scale, Series},
};

/// The panel's number now and before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The number nearest to trouble, among all the panel shows.
    pub index: usize,
    pub now: Option<f64>,
    pub before: Option<f64>,
    /// `None`: the panel has no limit.
    pub level: Option<Level>,
    /// The level is a mapping's: no limit was passed.
    pub is_mapped: bool,
}

/// What is read from one of a panel's numbers.
pub(super) trait Judged {
    /// What the colour of a mapping says: it stands above the steps.
    fn mapped(&self) -> Option<Level>;
    fn level(&self) -> Option<Level>;
    fn steps(&self) -> Steps;
    /// How full its bar is, of 1; NaN: nothing to say.
    fn part(&self) -> f64;
}

impl Judged for Item<'_> {
    fn mapped(&self) -> Option<Level> {
        self.color.map(meaning)
    }

    fn level(&self) -> Option<Level> {
        self.mapped().or_else(|| self.steps().level(self.now?))
    }

    fn steps(&self) -> Steps {
        Steps::of(self.scale, self.is_line)
    }

    fn part(&self) -> f64 {
        let (min, max) = ends(self.scale);
        let now = self.now.unwrap_or(f64::NAN);
        if max > min { (now - min) / (max - min) } else { f64::NAN }
    }
}

/// Where a bar begins and ends.
pub(super) fn ends(scale: &Scale) -> (f64, f64) {
    (scale.min.unwrap_or(0.0), scale.max.unwrap_or(100.0))
}

/// Steps that mean something, each with what holds from there upwards.
pub(super) struct Steps(Vec<(Option<f64>, Level)>);

impl Steps {
    /// Grafana gives every new panel "red above 80", whatever it shows, and draws it nowhere on an axis of time: that is no
    /// limit.
    fn of(scale: &Scale, is_line: bool) -> Self {
        let steps = &scale.thresholds;
        let is_default = is_line
            && scale.unit.id != "percent"
            && steps.len() == 2
            && steps[0].value.is_none()
            && steps[1].value == Some(80.0);
        if is_default {
            return Self(Vec::new());
        }
        let (min, max) = ends(scale);
        let value =
            |value: f64| if scale.thresholds_are_percentages { min + (max - min) * value / 100.0 } else { value };
        Self(steps.iter().map(|step| (step.value.map(value), meaning(&step.color))).collect())
    }

    /// Whether low values are the bad ones: below its steps the panel is red.
    pub fn is_floor(&self) -> bool {
        let steps = &self.0;
        matches!((steps.first(), steps.last()), (Some(first), Some(last)) if steps.len() > 1 && first.1 < last.1)
    }

    /// The value that must not be passed.
    pub fn limit(&self) -> Option<f64> {
        let steps = &self.0;
        let worst = steps.iter().filter(|step| step.0.is_some()).min_by_key(|step| step.1)?;
        if self.is_floor() {
            return steps.iter().find(|step| step.1 > steps[0].1).and_then(|step| step.0);
        }
        (worst.1 < Level::Ok).then_some(worst.0).flatten()
    }

    pub fn level(&self, value: f64) -> Option<Level> {
        if self.0.iter().all(|step| step.0.is_none()) {
            return None;
        }
        let reached = self.0.iter().rfind(|step| step.0.is_none_or(|from| value >= from));
        Some(reached.map_or(Level::Ok, |step| step.1))
    }

    /// `OVER`, `HIGH`, `UNDER`, `LOW`: which side of its limit.
    pub fn word(&self, level: Level) -> &'static str {
        match (level, self.is_floor()) {
            (Level::Broken, false) => "OVER",
            (Level::Broken, true) => "UNDER",
            (Level::Wrong, false) => "HIGH",
            (Level::Wrong, true) => "LOW",
            _ => "",
        }
    }
}

/// The steps of a panel without a number.
pub(super) fn steps(panel: &Panel) -> Steps {
    Steps::of(&panel.scale, panel.kind == PanelKind::TimeSeries)
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

/// Reads a panel's data. `back`: milliseconds from its end to compare with.
pub(super) fn read(panel: &Panel, data: &PanelData, back: i64) -> Reading {
    let index = worst_first(panel, data).first().copied().unwrap_or(0);
    let Some(item) = panel.item(data, index) else { return Reading::default() };
    Reading {
        index,
        now: item.now,
        before: item.series.and_then(|series| before(series, data.to - back)),
        level: item.level(),
        is_mapped: item.mapped().is_some(),
    }
}

/// The panel's numbers, those nearest to trouble first.
pub(super) fn worst_first(panel: &Panel, data: &PanelData) -> Vec<usize> {
    let of = |index: usize| {
        let item = panel.item(data, index)?;
        let level = if item.is_line { Level::Ok } else { item.level().unwrap_or(Level::Ok) };
        let size = item.now.map_or(f64::INFINITY, |now| if item.steps().is_floor() { now } else { -now });
        Some((level, size, index))
    };
    let mut order: Vec<(Level, f64, usize)> = (0..panel.count(data)).filter_map(of).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    order.into_iter().map(|(_, _, index)| index).collect()
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
    use crate::model::metric::Threshold;

    fn steps(steps: &[(Option<f64>, &str)], max: Option<f64>, are_percentages: bool) -> Steps {
        let thresholds =
            steps.iter().map(|(value, color)| Threshold { value: *value, color: (*color).into() }).collect();
        let scale = Scale { max, thresholds, thresholds_are_percentages: are_percentages, ..Scale::default() };
        Steps::of(&scale, true)
    }

    #[test]
    fn limits_are_read_from_the_side_that_is_bad() {
        let over = steps(&[(None, "green"), (Some(3.0), "dark-orange"), (Some(5.0), "#F2495C")], None, false);
        assert_eq!((over.limit(), over.is_floor()), (Some(5.0), false));
        assert_eq!([2.0, 4.0, 31.0].map(|v| over.level(v)), [Level::Ok, Level::Wrong, Level::Broken].map(Some));
        assert_eq!(over.word(Level::Broken), "OVER");
        let under = steps(&[(None, "red"), (Some(10.0), "green")], None, false);
        assert_eq!((under.limit(), under.is_floor()), (Some(10.0), true));
        assert_eq!((under.level(8.0), under.word(Level::Broken)), (Some(Level::Broken), "UNDER"));
        let percent = steps(&[(None, "green"), (Some(90.0), "red")], Some(50.0), true);
        assert_eq!((percent.limit(), percent.level(46.0)), (Some(45.0), Some(Level::Broken)));
    }

    #[test]
    fn what_grafana_gives_every_panel_is_no_limit() {
        let untouched = steps(&[(None, "green"), (Some(80.0), "red")], None, false);
        assert_eq!((untouched.limit(), untouched.level(1480.0)), (None, None));
        assert_eq!(steps(&[(None, "green")], None, false).level(3.0), None);
        assert_eq!(steps(&[], None, false).level(3.0), None);
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
