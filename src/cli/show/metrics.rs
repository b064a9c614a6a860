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
        metric::{Dashboard, Panel, PanelKind, Setting, Variable},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    source::Reader,
    text::Clean,
    time::Clock,
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
    let stamp = |millis: i64| time(jiff::Timestamp::from_millisecond(millis).ok());
    let series: Vec<Value> = data
        .iter()
        .flat_map(|data| &data.series)
        .map(|series| {
            let last = series.last();
            json!({"name": series.name, "at": last.map(|(at, _)| stamp(at)), "value": last.map(|(_, value)| value)})
        })
        .collect();
    let value = data.as_ref().and_then(|data| data.value);
    let text = data.as_ref().map(|data| data.text.clone());
    let title =
        data.as_ref().map(|data| &data.title).filter(|title| !title.is_empty()).unwrap_or(&panel.title).to_string();
    let json = json!({
        "kind": "panel", "backend": dashboard.key.backend, "dashboard": dashboard.key.uid,
        "dashboard_title": dashboard.title, "id": panel.key.id, "title": title, "unit": panel.unit.id,
        "value": value, "text": text, "limit": panel.limit(), "series": series,
        "error": Some(&error).filter(|error| !error.is_empty()),
    });
    let lines = data.iter().flat_map(|data| &data.series).filter_map(|series| {
        let (_, value) = series.last()?;
        Some(format!("{} {}", series.name, crate::units::format(&panel.unit, value)))
    });
    let now = match (&data, value) {
        (Some(data), Some(_)) if data.series.len() < 2 => data.text.to_string(),
        (Some(_), _) => lines.take(4).collect::<Vec<_>>().join(", "),
        (None, _) => String::new(),
    };
    let now = if now.is_empty() { "no data".to_owned() } else { now };
    let limit = panel.limit().map(|limit| crate::units::format(&panel.unit, limit)).unwrap_or_default();
    Row { json, cells: vec![dashboard.title.to_string(), title, now, limit, error], is_quiet: false }
}
