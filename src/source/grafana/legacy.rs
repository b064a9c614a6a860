//! Panels of before Grafana 8 (`graph`, `singlestat`, `table-old`), in the words of today's: their settings as a
//! `fieldConfig` and `options`.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// The panel as today's Grafana would store it; itself, if it does.
pub fn migrated(panel: &Value) -> Cow<'_, Value> {
    let (kind, config) = match panel["type"].as_str() {
        Some("graph") => ("timeseries", graph(panel)),
        Some("singlestat") if panel["gauge"]["show"].as_bool() == Some(true) => ("gauge", single(panel)),
        Some("singlestat") => ("stat", single(panel)),
        Some("table-old") => ("table", old_table(panel)),
        // Files of before version 7 have styles in a panel that is called the same today.
        Some("table") if panel["styles"].is_array() => ("table", old_table(panel)),
        _ => return Cow::Borrowed(panel),
    };
    let mut panel = panel.clone();
    panel["type"] = json!(kind);
    if panel["transformations"].is_null()
        && let Some(transformations) = transformations(&panel)
    {
        panel["transformations"] = transformations;
    }
    if panel["fieldConfig"]["defaults"].as_object().is_none_or(Map::is_empty) {
        panel["fieldConfig"] = config;
    }
    if panel["options"]["reduceOptions"].is_null()
        && let Some(calc) = panel["valueName"].as_str()
    {
        panel["options"]["reduceOptions"] = json!({"calcs": [calc_of(calc)]});
    }
    Cow::Owned(panel)
}

fn calc_of(name: &str) -> &str {
    match name {
        "avg" => "mean",
        "current" => "lastNotNull",
        "total" => "sum",
        other => other,
    }
}

fn graph(panel: &Value) -> Value {
    let axis = &panel["yaxes"][0];
    let mut defaults = json!({"custom": {}});
    put(&mut defaults, "unit", &axis["format"]);
    put(&mut defaults, "decimals", &panel["decimals"]);
    put(&mut defaults, "decimals", &axis["decimals"]);
    put(&mut defaults, "min", &axis["min"]);
    put(&mut defaults, "max", &axis["max"]);
    let null_mode = panel["nullPointMode"].as_str();
    defaults["custom"]["spanNulls"] = json!(null_mode == Some("connected"));
    let base = axis["logBase"].as_f64().unwrap_or(1.0);
    if base > 1.0 {
        defaults["custom"]["scaleDistribution"] = json!({"type": "log", "log": base});
    }
    if panel["stack"].as_bool() == Some(true) {
        let mode = if panel["percentage"].as_bool() == Some(true) { "percent" } else { "normal" };
        defaults["custom"]["stacking"] = json!({"mode": mode, "group": "A"});
    }
    if panel["bars"].as_bool() == Some(true) {
        defaults["custom"]["drawStyle"] = json!("bars");
    } else if panel["points"].as_bool() == Some(true) && panel["lines"].as_bool() == Some(false) {
        defaults["custom"]["drawStyle"] = json!("points");
    }
    let steps = graph_steps(&panel["thresholds"]);
    if steps.len() > 1 {
        defaults["thresholds"] = json!({"mode": "absolute", "steps": steps});
        defaults["custom"]["thresholdsStyle"] = json!({"mode": "line"});
    }
    json!({"defaults": defaults, "overrides": series_overrides(panel)})
}

/// `{value, op, colorMode}`, where below the first everything is in order.
fn graph_steps(thresholds: &Value) -> Vec<Value> {
    let mut steps: Vec<(f64, Value)> = Vec::new();
    let mut base = json!("green");
    for step in thresholds.as_array().into_iter().flatten() {
        let Some(value) = number(&step["value"]) else { continue };
        let color = match step["colorMode"].as_str() {
            Some("critical") => json!("red"),
            Some("warning") => json!("orange"),
            Some("ok") => json!("green"),
            _ => json!(step["lineColor"].as_str().unwrap_or("red")),
        };
        if step["op"].as_str() == Some("lt") {
            base = color;
            steps.push((value, json!("green")));
        } else {
            steps.push((value, color));
        }
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let base = json!({"value": null, "color": base});
    std::iter::once(base)
        .chain(steps.into_iter().map(|(value, color)| json!({"value": value, "color": color})))
        .collect()
}

fn series_overrides(panel: &Value) -> Vec<Value> {
    let right = &panel["yaxes"][1];
    let of = |series: &Value| {
        let alias = series["alias"].as_str()?;
        let id = if alias.starts_with('/') { "byRegexp" } else { "byName" };
        let mut properties = Vec::new();
        if series["yaxis"].as_i64() == Some(2) {
            properties.push(json!({"id": "custom.axisPlacement", "value": "right"}));
            for (key, value) in [("unit", &right["format"]), ("min", &right["min"]), ("max", &right["max"])] {
                if !is_unset(value) {
                    properties.push(json!({"id": key, "value": value}));
                }
            }
        }
        if series["transform"].as_str() == Some("negative-Y") {
            properties.push(json!({"id": "custom.transform", "value": "negative-Y"}));
        }
        if series["hiddenSeries"].as_bool() == Some(true) {
            properties.push(json!({"id": "custom.hideFrom", "value": {"viz": true}}));
        }
        if series["stack"].as_bool() == Some(false) {
            properties.push(json!({"id": "custom.stacking", "value": {"mode": "none"}}));
        }
        (!properties.is_empty()).then(|| json!({"matcher": {"id": id, "options": alias}, "properties": properties}))
    };
    panel["seriesOverrides"].as_array().into_iter().flatten().filter_map(of).collect()
}

fn single(panel: &Value) -> Value {
    let mut defaults = json!({});
    put(&mut defaults, "unit", &panel["format"]);
    put(&mut defaults, "decimals", &panel["decimals"]);
    put(&mut defaults, "noValue", &panel["nullText"]);
    if panel["gauge"]["show"].as_bool() == Some(true) {
        put(&mut defaults, "min", &panel["gauge"]["minValue"]);
        put(&mut defaults, "max", &panel["gauge"]["maxValue"]);
    }
    let list = |key: &str| panel[key].as_array().cloned().unwrap_or_default();
    let mappings = if panel["mappingType"].as_i64() == Some(2) { list("rangeMaps") } else { list("valueMaps") };
    defaults["mappings"] = json!(mappings);
    let steps = coloured_steps(panel["thresholds"].as_str().unwrap_or_default(), &panel["colors"]);
    if steps.len() > 1 {
        defaults["thresholds"] = json!({"mode": "absolute", "steps": steps});
    }
    json!({"defaults": defaults, "overrides": []})
}

/// "80,90" and one colour more than values.
fn coloured_steps(values: &str, colors: &Value) -> Vec<Value> {
    let values = values.split(',').filter_map(|value| value.trim().parse::<f64>().ok());
    let mut colors = colors.as_array().cloned().unwrap_or_default().into_iter();
    let base = json!({"value": null, "color": colors.next().unwrap_or_else(|| json!("green"))});
    let steps = values.map(|value| json!({"value": value, "color": colors.next().unwrap_or_else(|| json!("red"))}));
    std::iter::once(base).chain(steps).collect()
}

/// `styles[]`: the last one is usually `/.*/`, and the first that fits a column holds.
fn old_table(panel: &Value) -> Value {
    let styles = panel["styles"].as_array().into_iter().flatten();
    let mut overrides: Vec<Value> = styles.filter_map(style).collect();
    overrides.reverse();
    json!({"defaults": {"custom": {}}, "overrides": overrides})
}

fn style(style: &Value) -> Option<Value> {
    let pattern = style["pattern"].as_str()?;
    let id = if pattern.starts_with('/') { "byRegexp" } else { "byName" };
    let mut properties = Vec::new();
    if let Some(alias) = style["alias"].as_str().filter(|alias| !alias.is_empty()) {
        properties.push(json!({"id": "displayName", "value": alias}));
    }
    match style["type"].as_str() {
        Some("hidden") => properties.push(json!({"id": "custom.hidden", "value": true})),
        Some("number") => {
            for (key, from) in [("unit", "unit"), ("decimals", "decimals")] {
                if !is_unset(&style[from]) {
                    properties.push(json!({"id": key, "value": style[from]}));
                }
            }
        }
        Some("date") => properties.push(json!({"id": "unit", "value": "dateTimeAsIso"})),
        _ => {}
    }
    let thresholds: Vec<&str> =
        style["thresholds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_coloured = matches!(style["colorMode"].as_str(), Some("cell" | "row" | "value"));
    if is_coloured && !thresholds.is_empty() {
        let steps = coloured_steps(&thresholds.join(","), &style["colors"]);
        properties.push(json!({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}}));
        properties.push(json!({"id": "custom.cellOptions", "value": {"type": "color-text"}}));
    }
    let list = |key: &str| style[key].as_array().cloned().unwrap_or_default();
    let mappings: Vec<Value> = list("valueMaps").into_iter().chain(list("rangeMaps")).collect();
    if !mappings.is_empty() {
        properties.push(json!({"id": "mappings", "value": mappings}));
    }
    (!properties.is_empty()).then(|| json!({"matcher": {"id": id, "options": pattern}, "properties": properties}))
}

/// What the old table's `transform` did before transformations were.
fn transformations(panel: &Value) -> Option<Value> {
    let columns = panel["columns"].as_array().into_iter().flatten();
    match panel["transform"].as_str()? {
        "timeseries_to_columns" => Some(json!([{"id": "seriesToColumns", "options": {"byField": "Time"}}])),
        "timeseries_to_rows" => Some(json!([{"id": "seriesToRows", "options": {}}])),
        "timeseries_aggregations" => {
            let calcs: Vec<&str> = columns.filter_map(|column| column["value"].as_str()).map(calc_of).collect();
            Some(json!([{"id": "reduce", "options": {"reducers": calcs, "includeTimeField": false}}]))
        }
        "table" => Some(json!([{"id": "merge", "options": {}}])),
        _ => None,
    }
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn put(target: &mut Value, key: &str, value: &Value) {
    if !is_unset(value) {
        target[key] = match key {
            // A number in quotes as old files have it.
            "min" | "max" | "decimals" => number(value).map_or(Value::Null, |number| json!(number)),
            _ => value.clone(),
        };
        if key == "decimals" {
            target[key] = number(value).map_or(Value::Null, |number| json!(number.max(0.0) as u64));
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    super::display::number(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_today(panel: Value) -> Value {
        migrated(&panel).into_owned()
    }

    #[test]
    fn a_graph_keeps_its_axes_limits_and_overrides() {
        let panel = of_today(json!({
            "type": "graph", "stack": true, "nullPointMode": "connected", "bars": true,
            "yaxes": [{"format": "s", "decimals": 2, "min": "0", "logBase": 10}, {"format": "percent", "max": 100}],
            "thresholds": [{"value": 80, "op": "gt", "colorMode": "critical"}, {"value": 50, "op": "gt", "colorMode": "warning"}],
            "seriesOverrides": [{"alias": "/^cpu/", "yaxis": 2}, {"alias": "rx", "transform": "negative-Y"}, {"alias": "x", "color": "#fff"}],
        }));
        assert_eq!(panel["type"], "timeseries");
        let defaults = &panel["fieldConfig"]["defaults"];
        assert_eq!((&defaults["unit"], &defaults["decimals"], &defaults["min"]), (&json!("s"), &json!(2), &json!(0.0)));
        let custom = &defaults["custom"];
        assert_eq!(custom["stacking"]["mode"], "normal");
        assert_eq!((&custom["drawStyle"], &custom["spanNulls"]), (&json!("bars"), &json!(true)));
        assert_eq!(custom["scaleDistribution"], json!({"type": "log", "log": 10.0}));
        let steps = defaults["thresholds"]["steps"].as_array().expect("steps");
        let colors: Vec<&Value> = steps.iter().map(|step| &step["color"]).collect();
        assert_eq!(colors, ["green", "orange", "red"]);
        let overrides = panel["fieldConfig"]["overrides"].as_array().expect("overrides");
        assert_eq!(overrides.len(), 2, "a colour alone says nothing here: {overrides:?}");
        assert_eq!(overrides[0]["matcher"], json!({"id": "byRegexp", "options": "/^cpu/"}));
        assert_eq!(overrides[0]["properties"][1], json!({"id": "unit", "value": "percent"}));
        assert_eq!(overrides[1]["properties"][0]["value"], "negative-Y");
    }

    #[test]
    fn a_single_stat_keeps_its_words_and_colours() {
        let panel = of_today(json!({
            "type": "singlestat", "format": "percent", "valueName": "avg", "thresholds": "70,90", "nullText": "none",
            "colors": ["#299c46", "rgba(237, 129, 40, 0.89)", "#d44a3a"], "gauge": {"show": true, "minValue": 0, "maxValue": 50},
            "valueMaps": [{"op": "=", "text": "N/A", "value": "null"}], "mappingType": 1,
        }));
        let defaults = &panel["fieldConfig"]["defaults"];
        assert_eq!((&panel["type"], &defaults["max"]), (&json!("gauge"), &json!(50.0)));
        assert_eq!(panel["options"]["reduceOptions"]["calcs"], json!(["mean"]));
        assert_eq!(defaults["thresholds"]["steps"][2], json!({"value": 90.0, "color": "#d44a3a"}));
        assert_eq!((&defaults["noValue"], &defaults["mappings"][0]["text"]), (&json!("none"), &json!("N/A")));
        assert_eq!(of_today(json!({"type": "singlestat"}))["type"], "stat");
    }

    #[test]
    fn an_old_table_keeps_styles_and_its_transform() {
        let panel = of_today(json!({
            "type": "table", "transform": "timeseries_aggregations", "columns": [{"text": "Avg", "value": "avg"}],
            "styles": [
                {"pattern": "Time", "type": "hidden"},
                {"pattern": "/.*/", "type": "number", "unit": "bytes", "decimals": 2, "alias": "", "colorMode": "cell",
                 "thresholds": ["10", "20"], "colors": ["green", "orange", "red"]},
            ],
        }));
        assert_eq!(panel["type"], "table");
        assert_eq!(
            panel["transformations"],
            json!([{"id": "reduce", "options": {"reducers": ["mean"], "includeTimeField": false}}])
        );
        let overrides = panel["fieldConfig"]["overrides"].as_array().expect("overrides");
        let hidden = overrides.last().expect("the first style wins over the later ones");
        assert_eq!(hidden["properties"], json!([{"id": "custom.hidden", "value": true}]));
        assert_eq!(overrides[0]["properties"][2]["value"]["steps"][2], json!({"value": 20.0, "color": "red"}));
    }

    #[test]
    fn todays_panels_stay_as_they_are() {
        for panel in [json!({"type": "timeseries", "fieldConfig": {"defaults": {"unit": "s"}}}), json!({}), json!("x")]
        {
            assert_eq!(*migrated(&panel), panel);
        }
    }
}
