//! Dashboards as classic JSON, schema version 42.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::DATASOURCE;
use crate::demo::scenario::{DashboardSpec, PanelSpec, VariableSpec, VariableTable};

fn slug(title: &str) -> String {
    title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

fn url(dashboard: &DashboardSpec) -> String {
    format!("/d/{}/{}", dashboard.uid, slug(&dashboard.title))
}

/// An item of `/api/search`.
pub(super) fn found(dashboard: &DashboardSpec) -> Value {
    let mut item = json!({
        "uid": dashboard.uid, "title": dashboard.title, "uri": format!("db/{}", slug(&dashboard.title)),
        "url": url(dashboard), "slug": "", "type": "dash-db", "tags": dashboard.tags, "isStarred": dashboard.starred,
        "sortMeta": 0, "isDeleted": false,
    });
    if let Some(folder) = &dashboard.folder {
        let uid = slug(folder);
        item["folderUid"] = json!(uid);
        item["folderTitle"] = json!(folder);
        item["folderUrl"] = json!(format!("/dashboards/f/{uid}/{uid}"));
    }
    item
}

/// The answer of `/api/dashboards/uid/:uid`.
pub(super) fn shown(dashboard: &DashboardSpec, start: Timestamp) -> Value {
    let updated = start.saturating_sub(SignedDuration::from_hours(24 * 30)).unwrap_or(start);
    let folder = dashboard.folder.as_deref();
    json!({
        "dashboard": {
            "id": null, "uid": dashboard.uid, "title": dashboard.title, "tags": dashboard.tags, "timezone": "browser",
            "schemaVersion": 42, "version": 7, "editable": true, "graphTooltip": 1, "fiscalYearStartMonth": 0,
            "time": {"from": "now-1h", "to": "now"}, "refresh": "15s", "timepicker": {}, "weekStart": "", "links": [],
            "preload": false,
            "annotations": {"list": [
                {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": true, "hide": true,
                 "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"},
                {"datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": true, "iconColor": "blue",
                 "name": "deploys", "target": {"limit": 100, "matchAny": false, "tags": ["deploy"], "type": "tags"}},
            ]},
            "templating": {"list": variables(dashboard)},
            "panels": dashboard.panel.iter().map(panel).collect::<Vec<_>>(),
        },
        "meta": {
            "type": "db", "canSave": false, "canEdit": false, "canAdmin": false, "canStar": true, "canDelete": false,
            "isStarred": dashboard.starred, "slug": slug(&dashboard.title), "url": url(dashboard), "expires": "0001-01-01T00:00:00Z",
            "created": format!("{updated:.0}"), "updated": format!("{updated:.0}"), "createdBy": "alice", "updatedBy": "bob",
            "version": 7, "hasAcl": false, "isFolder": false, "folderId": 0,
            "folderUid": folder.map(slug).unwrap_or_default(), "folderTitle": folder.unwrap_or("General"),
            "folderUrl": "", "provisioned": false, "provisionedExternalId": "", "apiVersion": "v1",
        },
    })
}

fn variables(dashboard: &DashboardSpec) -> Vec<Value> {
    let datasource = json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "", "hide": 0,
        "multi": false, "includeAll": false, "refresh": 1, "options": [],
        "current": {"text": "Prometheus", "value": DATASOURCE},
    });
    let own = dashboard.variables.iter().map(|(name, variable)| match variable {
        VariableSpec::Values(values) => listed(name, values),
        VariableSpec::Table(table) => asked(name, table),
    });
    std::iter::once(datasource).chain(own).collect()
}

/// A variable whose values stand in the dashboard.
fn listed(name: &str, values: &[String]) -> Value {
    let first = values.first().map_or("", String::as_str);
    let options: Vec<_> =
        values.iter().map(|value| json!({"text": value, "value": value, "selected": value == first})).collect();
    json!({
        "name": name, "type": if name == "interval" { "interval" } else { "custom" }, "query": values.join(","),
        "hide": 0, "multi": false, "includeAll": false, "skipUrlSync": false, "options": options,
        "current": {"text": first, "value": first},
    })
}

/// A variable whose values are asked of Prometheus.
fn asked(name: &str, table: &VariableTable) -> Value {
    let one = json!(table.value);
    let current = if table.multi { json!([one]) } else { one };
    json!({
        "name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": table.query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1},
        "definition": table.query, "regex": "", "sort": 1, "refresh": 2, "hide": 0, "multi": table.multi,
        "includeAll": table.multi, "skipUrlSync": false, "options": [], "current": {"text": current, "value": current},
    })
}

fn panel(panel: &PanelSpec) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let targets: Vec<_> = panel
        .query
        .iter()
        .zip('A'..)
        .map(|(query, letter)| {
            json!({
                "refId": letter.to_string(), "datasource": source, "editorMode": "code", "expr": query.expr,
                "legendFormat": query.legend.as_deref().unwrap_or("__auto"), "range": !query.instant,
                "instant": query.instant,
            })
        })
        .collect();
    let mut steps = vec![json!({"color": panel.base_color, "value": null})];
    steps.extend(panel.thresholds.iter().map(|(value, color)| json!({"color": color, "value": value})));
    let mappings = panel.mappings.iter().enumerate().map(|(index, rule)| {
        let result = json!({"text": rule.text, "color": rule.color, "index": index});
        json!({"type": "range", "options": {"from": rule.from, "to": rule.to, "result": result}})
    });
    let mut defaults = json!({
        "color": {"mode": if panel.kind == "timeseries" { "palette-classic" } else { "thresholds" }},
        "mappings": mappings.collect::<Vec<_>>(), "thresholds": {"mode": "absolute", "steps": steps},
    });
    let set = [
        ("unit", panel.unit.as_ref().map(|unit| json!(unit))),
        ("decimals", panel.decimals.map(|n| json!(n))),
        ("min", panel.min.map(|n| json!(n))),
        ("max", panel.max.map(|n| json!(n))),
    ];
    for (key, value) in set {
        if let Some(value) = value {
            defaults[key] = value;
        }
    }
    if panel.kind == "timeseries" {
        defaults["custom"] = json!({
            "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 10, "spanNulls": false,
            "stacking": {"group": "A", "mode": "none"}, "thresholdsStyle": {"mode": "line"}, "axisPlacement": "auto",
            "scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": false, "tooltip": false, "viz": false},
        });
    }
    let [x, y, w, h] = panel.grid;
    json!({
        "id": panel.id, "title": panel.title, "type": panel.kind, "gridPos": {"x": x, "y": y, "w": w, "h": h},
        "datasource": source, "targets": targets, "pluginVersion": "13.2.0",
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options(&panel.kind),
    })
}

fn options(kind: &str) -> Value {
    let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match kind {
        "timeseries" => json!({
            "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        "stat" => json!({
            "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
            "reduceOptions": reduce, "textMode": "auto", "wideLayout": true,
        }),
        "gauge" => json!({
            "orientation": "auto", "reduceOptions": reduce, "showThresholdLabels": false, "showThresholdMarkers": true,
        }),
        "bargauge" => json!({
            "displayMode": "basic", "orientation": "horizontal", "reduceOptions": reduce, "showUnfilled": true,
            "valueMode": "color",
        }),
        _ => json!({}),
    }
}
