//! From what the queries answered to what a panel shows.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ask::Results,
    display::Display,
    frame::{Frame, Kind},
    panel::Spec,
    reduced::Reducing,
    series::{self, Line},
    table, tabular,
};
use crate::{
    model::metric::{Panel, PanelData, PanelKind, Scale, Series},
    text::Clean,
};

/// Series kept of one panel.
const MAX_SERIES: usize = 50;

/// A query whose answer is drawn.
pub struct Drawn {
    pub ref_id: String,
    /// Its series are one table.
    pub is_table: bool,
}

/// The frames of all queries in the panel's order; what failed is written down in `data`.
pub fn frames(drawn: &[Drawn], results: &BTreeMap<String, Results>, data: &mut PanelData) -> Vec<Frame> {
    let is_alone = drawn.iter().filter(|drawn| drawn.is_table).count() < 2;
    let mut all = Vec::new();
    for Drawn { ref_id, is_table } in drawn {
        let Some(result) = results.get(ref_id) else {
            data.failures.push(Clean::line(&format!("{ref_id}: no answer")));
            continue;
        };
        let mut frames = Vec::new();
        for frame in result.frames.iter().flatten() {
            match Frame::parse(frame, ref_id) {
                Ok((frame, notices)) => {
                    frames.extend(frame);
                    data.notices.extend(notices.iter().map(|notice| Clean::line(notice)));
                }
                Err(_) => data.failures.push(Clean::line(&format!("{ref_id}: a frame of an unexpected shape"))),
            }
        }
        if *is_table {
            all.push(tabular::table(ref_id, &frames, is_alone));
        } else {
            all.extend(frames);
        }
    }
    all
}

/// Puts into `data` what the panel makes of the frames.
pub fn draw(panel: &Panel, spec: &Spec, mut frames: Vec<Frame>, data: &mut PanelData) {
    spec.fields.apply(&mut frames);
    let range = range(&frames);
    if panel.kind == PanelKind::Table {
        data.table = table::table(&frames, spec.frame, range);
        return;
    }
    let mut lines = series::lines(&frames, data.to);
    if panel.kind == PanelKind::TimeSeries {
        lines.retain(|line| !line.points.is_empty() && !is_hidden(line));
    }
    if matches!(panel.kind, PanelKind::Stat | PanelKind::Gauge) {
        let reducing = Reducing {
            options: &spec.reduce,
            defaults: &spec.fields.defaults,
            scale: &panel.scale,
            range: range.filter(|_| panel.kind == PanelKind::Gauge || panel.scale.thresholds_are_percentages),
            lines: &lines,
        };
        data.reduced = reducing.all(&frames);
        data.more_series = data.reduced.len().saturating_sub(MAX_SERIES);
        data.reduced.truncate(MAX_SERIES);
    }
    if data.reduced.is_empty() {
        data.more_series = lines.len().saturating_sub(MAX_SERIES);
    }
    data.series = lines.into_iter().take(MAX_SERIES).map(|line| series_of(line, &panel.scale)).collect();
}

/// `custom.hideFrom.viz`: kept in the data, for other panels and transformations.
fn is_hidden(line: &Line) -> bool {
    line.field.config.get("custom").is_some_and(|custom| custom["hideFrom"]["viz"].as_bool() == Some(true))
}

fn series_of(line: Line, of_panel: &Scale) -> Series {
    let custom = line.field.config.get("custom").cloned().unwrap_or_default();
    let scale = Display::of(&line.field, None).scale;
    let sign = if custom["transform"].as_str() == Some("negative-Y") { -1.0 } else { 1.0 };
    // A line breaks where there is no finite value.
    let value = |value: Option<f64>| value.filter(|value| value.is_finite()).map(|value| value * sign);
    Series {
        name: Clean::line(&line.name),
        points: line.points.into_iter().map(|(at, number)| (at, value(number))).collect(),
        scale: (scale != *of_panel).then(|| Arc::new(scale)),
        is_right: custom["axisPlacement"].as_str() == Some("right"),
    }
}

/// Least and largest of all numbers.
pub fn range(frames: &[Frame]) -> Option<(f64, f64)> {
    let fields = frames.iter().flat_map(|frame| &frame.fields).filter(|field| field.kind == Kind::Number);
    let numbers = fields.flat_map(|field| field.values.iter().filter_map(super::frame::Cell::number));
    numbers.filter(|number| !number.is_nan()).fold(None, |range, number| match range {
        None => Some((number, number)),
        Some((min, max)) => Some((number.min(min), number.max(max))),
    })
}
