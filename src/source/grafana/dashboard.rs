//! A dashboard in classic JSON: rows unfolded, panels in reading order, variables as they are written.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    interval,
    panel::{self, Place, Spec},
    variable,
};
use crate::{
    model::{
        BackendId,
        metric::{Dashboard, DashboardKey, Panel},
    },
    text::Clean,
};

/// Range of a dashboard that does not say, in seconds; Grafana's own default.
const DEFAULT_RANGE: u32 = 6 * 3600;

/// A dashboard as read, before its variables are resolved.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub model: Dashboard,
    pub specs: BTreeMap<i64, Spec>,
    pub variables: Vec<variable::Definition>,
    /// Its own refresh, if it has one.
    pub refresh: Option<Duration>,
    /// `${DS_X}` of an export to the plugin it wants.
    pub inputs: BTreeMap<String, String>,
    /// Library panels that came as a reference only: their uid, and where to put them.
    pub libraries: Vec<(i64, String)>,
}

/// `dashboard` of `GET /api/dashboards/uid/:uid`, or `spec` of the new API's v1.
pub fn parse(json: &Value, uid: &str, backend: &BackendId, server: &str) -> Loaded {
    let key = DashboardKey { backend: backend.clone(), uid: Clean::line(uid) };
    let mut loaded = Loaded {
        model: Dashboard {
            title: Clean::line(json["title"].as_str().unwrap_or(uid)),
            url: Clean::line(&format!("{server}/d/{uid}")),
            panels: Vec::new(),
            range_seconds: json["time"]["from"]
                .as_str()
                .and_then(|from| range(from, &json["time"]["to"]))
                .unwrap_or(DEFAULT_RANGE),
            variables: Vec::new(),
            key,
        },
        specs: BTreeMap::new(),
        variables: json["templating"]["list"].as_array().into_iter().flatten().filter_map(variable::parse).collect(),
        refresh: json["refresh"]
            .as_str()
            .and_then(interval::parse)
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Duration::from_millis),
        inputs: json["__inputs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|input| Some((input["name"].as_str()?.to_owned(), input["pluginId"].as_str()?.to_owned())))
            .collect(),
        libraries: Vec::new(),
    };
    add_panels(&mut loaded, json);
    loaded
}

fn range(from: &str, to: &Value) -> Option<u32> {
    interval::range_of(from).or_else(|| {
        let (from, to) = (from.parse::<jiff::Timestamp>().ok()?, to.as_str()?.parse::<jiff::Timestamp>().ok()?);
        u32::try_from(to.as_second() - from.as_second()).ok()
    })
}

fn add_panels(loaded: &mut Loaded, json: &Value) {
    let mut place = Place::default();
    for panel in in_reading_order(&json["panels"]) {
        if panel["type"].as_str() == Some("row") {
            place = Place {
                row: Some(Clean::line(panel["title"].as_str().unwrap_or_default())),
                is_collapsed: panel["collapsed"].as_bool().unwrap_or(false),
            };
            for child in in_reading_order(&panel["panels"]) {
                add(loaded, child, &place);
            }
            // What follows a collapsed row stands under it, but is not folded into it.
            place.is_collapsed = false;
        } else {
            add(loaded, panel, &place);
        }
    }
    // Before schema 15: rows that hold their panels.
    for row in json["rows"].as_array().into_iter().flatten() {
        let place = Place {
            row: row["title"].as_str().filter(|title| !title.is_empty()).map(Clean::line),
            is_collapsed: row["collapse"].as_bool().unwrap_or(false),
        };
        for panel in row["panels"].as_array().into_iter().flatten() {
            add(loaded, panel, &place);
        }
    }
}

fn in_reading_order(panels: &Value) -> Vec<&Value> {
    let mut panels: Vec<&Value> = panels.as_array().into_iter().flatten().filter(|panel| panel.is_object()).collect();
    let at = |panel: &Value, key: &str| panel["gridPos"][key].as_i64().unwrap_or(0);
    panels.sort_by_key(|panel| (at(panel, "y"), at(panel, "x")));
    panels
}

fn add(loaded: &mut Loaded, panel: &Value, place: &Place) {
    // Without an id, or with one that is taken, a number of our own that no file uses.
    let own = -1 - loaded.specs.len() as i64;
    let id = panel["id"].as_i64().filter(|id| !loaded.specs.contains_key(id)).unwrap_or(own);
    let (mut model, spec) = panel::parse(panel, id, &loaded.model.key, place);
    if panel["type"].as_str().is_none()
        && let Some(uid) = panel["libraryPanel"]["uid"].as_str()
    {
        loaded.libraries.push((id, uid.to_owned()));
        if model.title.is_empty() {
            model.title = Clean::line(panel["libraryPanel"]["name"].as_str().unwrap_or(uid));
        }
    }
    loaded.specs.insert(id, spec);
    loaded.model.panels.push(model);
}

impl Loaded {
    /// Puts the model of a library panel in its place; what the dashboard itself says about id and row stays.
    pub fn set_library(&mut self, id: i64, json: &Value) {
        let Some(at) = self.panel_index(id) else { return };
        let old = &self.model.panels[at];
        let place = Place { row: old.row.clone(), is_collapsed: old.is_collapsed };
        let title = old.title.clone();
        let (mut model, spec) = panel::parse(json, id, &self.model.key, &place);
        if model.title.is_empty() {
            model.title = title;
        }
        self.model.panels[at] = model;
        self.specs.insert(id, spec);
    }

    pub fn note(&mut self, id: i64, note: &str) {
        if let Some(at) = self.panel_index(id) {
            self.model.panels[at].notes.push(Clean::line(note));
        }
    }

    fn panel_index(&self, id: i64) -> Option<usize> {
        self.model.panels.iter().position(|panel: &Panel| panel.key.id == id)
    }
}
