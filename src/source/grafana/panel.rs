//! One panel of a dashboard in classic JSON: what is shown, and what must be asked.

use serde_json::Value;

use super::{interval, mapping, mapping::Mapping};
use crate::{
    model::metric::{DashboardKey, Panel, PanelKey, PanelKind, Threshold, Unit},
    text::Clean,
};

/// What reading a panel needs beyond its model.
#[derive(Clone, Debug, PartialEq)]
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
    pub calc: String,
    pub mappings: Vec<Mapping>,
    pub no_value: Option<Clean>,
    pub display_name: Option<String>,
    pub unit: Unit,
}

/// A row's children, and where they stand.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub row: Option<Clean>,
    pub is_collapsed: bool,
}

/// `None`: a row.
pub fn parse(panel: &Value, id: i64, dashboard: &DashboardKey, place: &Place) -> (Panel, Spec) {
    let kind = panel["type"].as_str().unwrap_or_default();
    let defaults = &panel["fieldConfig"]["defaults"];
    let unit = unit(panel, kind, defaults);
    let (thresholds, are_percentages) = thresholds(panel, kind, defaults);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time_from = text(&panel["timeFrom"]);
    let time_shift = text(&panel["timeShift"]);
    let axis = &panel["yaxes"][0];
    let model = Panel {
        key: PanelKey { dashboard: dashboard.clone(), id },
        title: title(panel, time_from.as_deref(), time_shift.as_deref()),
        kind: match kind {
            "timeseries" | "graph" => PanelKind::TimeSeries,
            "stat" | "singlestat" => PanelKind::Stat,
            "gauge" | "bargauge" => PanelKind::Gauge,
            other => PanelKind::Other(Clean::line(other)),
        },
        unit: unit.clone(),
        min: number(&defaults["min"]).or_else(|| number(&axis["min"])).or_else(|| number(&panel["gauge"]["minValue"])),
        max: number(&defaults["max"]).or_else(|| number(&axis["max"])).or_else(|| number(&panel["gauge"]["maxValue"])),
        thresholds,
        thresholds_are_percentages: are_percentages,
        row: place.row.clone(),
        is_collapsed: place.is_collapsed,
        notes: notes(panel),
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut mappings = mapping::parse(&list(&defaults["mappings"]));
    mappings.extend(mapping::parse(&list(&panel["valueMaps"])));
    mappings.extend(mapping::parse(&list(&panel["rangeMaps"])));
    let spec = Spec {
        datasource: panel["datasource"].clone(),
        targets: list(&panel["targets"]),
        interval: text(&panel["interval"]),
        max_data_points: panel["maxDataPoints"].as_i64().or_else(|| panel["maxDataPoints"].as_str()?.parse().ok()),
        range: time_from.as_deref().and_then(range),
        shift: time_shift.as_deref().and_then(interval::parse).unwrap_or(0),
        calc: calc(panel),
        mappings,
        no_value: text(&defaults["noValue"]).map(|text| Clean::line(&text)),
        display_name: text(&defaults["displayName"]),
        unit,
    };
    (model, spec)
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

fn unit(panel: &Value, kind: &str, defaults: &Value) -> Unit {
    let old = match kind {
        "graph" => (&panel["yaxes"][0]["format"], &panel["yaxes"][0]["decimals"]),
        _ => (&panel["format"], &panel["decimals"]),
    };
    let id = defaults["unit"].as_str().or_else(|| old.0.as_str()).unwrap_or_default();
    let decimals = defaults["decimals"].as_u64().or_else(|| old.1.as_u64());
    Unit { id: Clean::line(id), decimals: decimals.map(|decimals| decimals.min(20) as u8) }
}

/// A number, or a number in quotes as old files have it.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn thresholds(panel: &Value, kind: &str, defaults: &Value) -> (Vec<Threshold>, bool) {
    let config = &defaults["thresholds"];
    if let Some(steps) = config["steps"].as_array() {
        let of = |step: &Value| Threshold {
            value: number(&step["value"]),
            color: Clean::line(step["color"].as_str().unwrap_or_default()),
        };
        return (steps.iter().map(of).collect(), config["mode"].as_str() == Some("percentage"));
    }
    match kind {
        // "80,90" and one colour more than values.
        "singlestat" => {
            let values =
                panel["thresholds"].as_str().unwrap_or_default().split(',').filter_map(|v| v.trim().parse().ok());
            let mut colors =
                panel["colors"].as_array().into_iter().flatten().map(|c| Clean::line(c.as_str().unwrap_or_default()));
            let base = Threshold { value: None, color: colors.next().unwrap_or_else(|| Clean::own("green")) };
            let steps = values.map(|value| Threshold {
                value: Some(value),
                color: colors.next().unwrap_or_else(|| Clean::own("red")),
            });
            let steps: Vec<Threshold> = std::iter::once(base).chain(steps).collect();
            (if steps.len() > 1 { steps } else { Vec::new() }, false)
        }
        "graph" => {
            let of = |step: &Value| {
                let color = match step["colorMode"].as_str() {
                    Some("critical") => "red",
                    Some("warning") => "orange",
                    Some("ok") => "green",
                    _ => step["lineColor"].as_str().unwrap_or("red"),
                };
                Some(Threshold { value: Some(number(&step["value"])?), color: Clean::line(color) })
            };
            (panel["thresholds"].as_array().into_iter().flatten().filter_map(of).collect(), false)
        }
        _ => (Vec::new(), false),
    }
}

fn calc(panel: &Value) -> String {
    let calc = panel["options"]["reduceOptions"]["calcs"][0].as_str().or_else(|| panel["valueName"].as_str());
    match calc {
        Some("avg") => "mean",
        Some("current") | None => "lastNotNull",
        Some("total") => "sum",
        Some(other) => other,
    }
    .to_owned()
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
    let overrides = panel["fieldConfig"]["overrides"].as_array().into_iter().flatten();
    let named: Vec<&str> = overrides
        .filter(|rule| rule["properties"].as_array().is_some_and(|properties| !properties.is_empty()))
        .map(|rule| rule["matcher"]["options"].as_str().or(rule["matcher"]["id"].as_str()).unwrap_or("?"))
        .collect();
    if !named.is_empty() {
        notes.push(Clean::line(&format!("overrides are not applied: {}", named.join(", "))));
    }
    notes
}
