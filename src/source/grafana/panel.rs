//! One panel of a dashboard in classic JSON: what is shown, and what must be asked.

use serde_json::Value;

use super::{display::Display, field_config::FieldConfig, frame::Kind, interval, legacy, reduced::ReduceOptions};
use crate::{
    model::metric::{DashboardKey, Panel, PanelKey, PanelKind},
    text::Clean,
};

/// What reading a panel needs beyond its model.
#[derive(Clone, Debug)]
pub struct Spec {
    pub datasource: Value,
    pub targets: Vec<Value>,
    /// Panel's own smallest interval, as written.
    pub interval: Option<String>,
    pub max_data_points: Option<i64>,
    /// `timeFrom`, in seconds: this range instead of the dashboard's.
    pub range: Option<u32>,
    /// `timeShift`, ms back.
    pub shift: i64,
    pub fields: FieldConfig,
    pub reduce: ReduceOptions,
    /// Which frame a table shows.
    pub frame: usize,
}

/// A row's children, and where they stand.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub row: Option<Clean>,
    pub is_collapsed: bool,
}

pub fn parse(panel: &Value, id: i64, dashboard: &DashboardKey, place: &Place) -> (Panel, Spec) {
    let panel = &*legacy::migrated(panel);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time_from = text(&panel["timeFrom"]);
    let time_shift = text(&panel["timeShift"]);
    let mut notes = notes(panel);
    let fields = FieldConfig::parse(&panel["fieldConfig"], &mut notes);
    let model = Panel {
        key: PanelKey { dashboard: dashboard.clone(), id },
        title: title(panel, time_from.as_deref(), time_shift.as_deref()),
        kind: kind(panel["type"].as_str().unwrap_or_default()),
        scale: Display::from(&fields.defaults, Kind::Number).scale,
        row: place.row.clone(),
        is_collapsed: place.is_collapsed,
        notes,
    };
    let spec = Spec {
        datasource: panel["datasource"].clone(),
        targets: panel["targets"].as_array().cloned().unwrap_or_default(),
        interval: text(&panel["interval"]),
        max_data_points: panel["maxDataPoints"].as_i64().or_else(|| panel["maxDataPoints"].as_str()?.parse().ok()),
        range: time_from.as_deref().and_then(range),
        shift: time_shift.as_deref().and_then(interval::parse).unwrap_or(0),
        fields,
        reduce: ReduceOptions::parse(&panel["options"], "lastNotNull"),
        frame: panel["options"]["frameIndex"].as_u64().unwrap_or(0) as usize,
    };
    (model, spec)
}

fn kind(id: &str) -> PanelKind {
    match id {
        "timeseries" => PanelKind::TimeSeries,
        "stat" => PanelKind::Stat,
        "gauge" | "bargauge" => PanelKind::Gauge,
        "table" => PanelKind::Table,
        other => PanelKind::Other(Clean::line(other)),
    }
}

fn range(time_from: &str) -> Option<u32> {
    interval::range_of(time_from).or_else(|| interval::parse(time_from).and_then(|ms| u32::try_from(ms / 1_000).ok()))
}

fn title(panel: &Value, time_from: Option<&str>, time_shift: Option<&str>) -> Clean {
    let mut title = panel["title"].as_str().unwrap_or_default().to_owned();
    if let Some(from) = time_from {
        title.extend([" (last ", from.trim_start_matches("now-"), ")"]);
    }
    if let Some(shift) = time_shift {
        title.extend([" (shifted by -", shift, ")"]);
    }
    Clean::line(title.trim())
}

fn notes(panel: &Value) -> Vec<Clean> {
    let mut notes = Vec::new();
    if let Some(variable) = panel["repeat"].as_str().filter(|variable| !variable.is_empty()) {
        notes.push(Clean::line(&format!("repeated for each '{variable}': shown once, for all")));
    }
    for step in panel["transformations"].as_array().into_iter().flatten() {
        if step["disabled"].as_bool() != Some(true) {
            let id = step["id"].as_str().unwrap_or("?");
            notes.push(Clean::line(&format!("transformation '{id}' is not applied")));
        }
    }
    notes
}
