//! `midwatch show metrics`: the panels of dashboards, each read once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    cli::{
        report::time,
        rows::{Row, Section},
    },
    headless::{Reading, ask},
    model::{
        BackendId, Name,
        metric::{Dashboard, Item, Panel, PanelData, PanelKind, Scale, Series, Setting, Table, Variable},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    source::Reader,
    text::Clean,
    time::Clock,
    units,
};

/// What is asked of Grafana.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// A dashboard's uid, or a part of its title.
    pub only: Option<&'a str>,
    pub variables: &'a [(String, String)],
    pub within: Duration,
}

/// Every panel that Grafana draws as numbers, read once over the dashboard's own range. Fails where a variable is unknown
/// or does not offer the value: other numbers than those asked for would be worse than none.
pub(super) async fn read(
    reading: &Reading,
    readers: &[Arc<dyn Reader>],
    asked: Asked<'_>,
    clock: &Arc<dyn Clock>,
) -> Result<Section> {
    let within = asked.within;
    let readers: BTreeMap<&BackendId, &Arc<dyn Reader>> =
        readers.iter().map(|reader| (reader.backend(), reader)).collect();
    let wanted = |dashboard: &&Dashboard| {
        asked.only.is_none_or(|only| {
            dashboard.key.uid == *only || dashboard.title.to_lowercase().contains(&only.to_lowercase())
        })
    };
    let dashboards: Vec<&Dashboard> = reading.store.dashboards.values().filter(wanted).collect();
    if let (Some(only), true, false) = (asked.only, dashboards.is_empty(), reading.store.dashboards.is_empty()) {
        let known: Vec<String> = reading.store.dashboards.values().map(|one| format!("'{}'", one.title)).collect();
        return Err(eyre!(
            "no dashboard '{only}' is read: there is {}; others are read when they are starred or named in `dashboards`",
            known.join(", ")
        ));
    }
    let set: Vec<(Name, Clean)> =
        asked.variables.iter().map(|(name, value)| (Clean::line(name), Clean::line(value))).collect();
    if !set.is_empty() {
        for dashboard in &dashboards {
            let Some(reader) = readers.get(&dashboard.key.backend) else { continue };
            let query = Query::Variables(VariablesQuery {
                dashboard: dashboard.key.clone(),
                range_seconds: dashboard.range_seconds,
                variables: set.clone(),
            });
            if let Ok(Answer::Variables(found)) = ask(&***reader, &query, clock, within).await {
                takes(dashboard, &found.list, &set)?;
            }
        }
    }
    let set = &set;
    let asked = dashboards.into_iter().flat_map(|dashboard| {
        let drawn = |panel: &&Panel| !panel.is_collapsed && !matches!(panel.kind, PanelKind::Other(_));
        dashboard.panels.iter().filter(drawn).map(move |panel| (dashboard, panel))
    });
    let rows = asked.map(|(dashboard, panel)| {
        let reader = readers.get(&dashboard.key.backend).copied();
        async move {
            let query = Query::Panel(PanelQuery {
                panel: panel.key.clone(),
                range_seconds: dashboard.range_seconds,
                points: 200,
                variables: set.clone(),
            });
            let answer = match reader {
                Some(reader) => ask(&**reader, &query, clock, within).await.map_err(|error| error.says.to_string()),
                None => Err(format!("'{}' could not be opened", dashboard.key.backend)),
            };
            panel_row(dashboard, panel, answer)
        }
    });
    let rows = join_all(rows).await;
    Ok(Section { title: "panels", heads: &["DASHBOARD", "PANEL", "NOW", "LIMIT", "SAYS"], rows })
}

/// Whether the dashboard has these variables and their values, as far as it says which.
fn takes(dashboard: &Dashboard, known: &[Variable], set: &[(Name, Clean)]) -> Result<()> {
    let named =
        |list: Vec<&str>| list.into_iter().take(20).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    for (name, value) in set {
        let Some(variable) = known.iter().find(|variable| variable.name == *name) else {
            let names = named(known.iter().map(|variable| variable.name.as_str()).collect());
            let there = if names.is_empty() { "it has none".to_owned() } else { format!("there are {names}") };
            return Err(eyre!("dashboard '{}' has no variable '{name}': {there}", dashboard.title));
        };
        let is_offered = |(text, of): &(Clean, Clean)| text == value || of == value;
        let is_free =
            variable.setting == Setting::Text || variable.options.is_empty() || variable.chosen.contains(value);
        if variable.setting == Setting::Fixed {
            return Err(eyre!("variable '{name}' of dashboard '{}' is fixed by its author", dashboard.title));
        }
        if !is_free && !variable.options.iter().any(is_offered) {
            let values = named(variable.options.iter().map(|(text, _)| text.as_str()).collect());
            return Err(eyre!("variable '{name}' of dashboard '{}' offers no '{value}': {values}", dashboard.title));
        }
    }
    Ok(())
}

fn panel_row(dashboard: &Dashboard, panel: &Panel, answer: Result<Answer, String>) -> Row {
    let (data, error) = match answer {
        Ok(Answer::Panel(data)) => {
            let failures: Vec<String> = data.failures.iter().map(ToString::to_string).collect();
            (Some(data), failures.join("; "))
        }
        Ok(_) => (None, "it answered with something else".to_owned()),
        Err(error) => (None, error),
    };
    let items: Vec<Item<'_>> = data.iter().flat_map(|data| items(panel, data)).collect();
    let series: Vec<Value> = items.iter().map(item_json).collect();
    let first = items.first().filter(|item| item.now.is_some() || !item.text.is_empty());
    let (value, text) = (first.and_then(|item| item.now), first.map(units::shown));
    let title =
        data.as_ref().map(|data| &data.title).filter(|title| !title.is_empty()).unwrap_or(&panel.title).to_string();
    let limit = panel.limit().map(|limit| units::format(&panel.scale.unit, limit)).unwrap_or_default();
    let json = json!({
        "kind": "panel", "backend": dashboard.key.backend, "dashboard": dashboard.key.uid,
        "dashboard_title": dashboard.title, "id": panel.key.id, "title": title, "type": panel.kind.word(),
        "unit": panel.scale.unit.id, "decimals": panel.scale.unit.decimals, "value": value, "text": text,
        "limit": panel.limit(), "thresholds": thresholds(&panel.scale),
        "thresholds_are_percentages": panel.scale.thresholds_are_percentages, "series": series,
        "table": data.as_ref().and_then(|data| data.table.as_ref()).map(table_json), "notes": panel.notes,
        "error": Some(&error).filter(|error| !error.is_empty()),
    });
    let named = |item: &Item<'_>| format!("{} {}", item.name, units::shown(item));
    let now = match (items.as_slice(), data.as_ref().and_then(|data| data.table.as_ref())) {
        (_, Some(table)) => format!("{} rows", table.rows.len() + table.more_rows),
        ([item], _) => units::shown(item),
        (items, _) => items.iter().take(4).map(named).collect::<Vec<_>>().join(", "),
    };
    let now = if now.is_empty() && data.is_some() { "no data".to_owned() } else { now };
    Row { json, cells: vec![dashboard.title.to_string(), title, now, limit, error], is_quiet: false }
}

fn items<'a>(panel: &'a Panel, data: &'a PanelData) -> impl Iterator<Item = Item<'a>> {
    (0..panel.count(data)).filter_map(|index| panel.item(data, index))
}

fn thresholds(scale: &Scale) -> Vec<Value> {
    scale.thresholds.iter().map(|step| json!({"from": step.value, "color": step.color})).collect()
}

/// A number of the panel as the screen writes it, and what there is of the series behind it.
fn item_json(item: &Item<'_>) -> Value {
    let of = |calc: fn(&Series) -> Option<f64>| item.series.and_then(calc);
    let last = item.series.and_then(Series::last);
    let at = last.and_then(|(at, _)| jiff::Timestamp::from_millisecond(at).ok());
    json!({
        "name": item.name, "at": time(at), "value": item.now, "text": units::shown(item), "unit": item.scale.unit.id,
        "last": last.map(|(_, value)| value), "min": of(Series::min), "max": of(Series::max), "mean": of(Series::mean),
    })
}

fn table_json(table: &Table) -> Value {
    let columns: Vec<&Clean> = table.columns.iter().map(|column| &column.name).collect();
    let rows: Vec<Vec<&Clean>> = table.rows.iter().map(|row| row.iter().map(|cell| &cell.text).collect()).collect();
    json!({"columns": columns, "rows": rows, "more_rows": table.more_rows})
}
