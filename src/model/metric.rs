//! Dashboards, panels, series and annotations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackendId, Name};
use crate::text::Clean;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DashboardKey {
    pub backend: BackendId,
    pub uid: Name,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PanelKey {
    pub dashboard: DashboardKey,
    pub id: i64,
}

/// How a panel's values are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PanelKind {
    TimeSeries,
    Stat,
    Gauge,
    /// A type midwatch does not draw: its name, for "open in browser".
    Other(Clean),
}

/// How a number is written: a Grafana unit id and decimals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    /// `percent`, `bytes`, `reqps`, …; empty: none.
    pub id: Clean,
    pub decimals: Option<u8>,
}

/// A threshold step: from `value` upwards (`None`: from minus infinity) the colour holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    pub value: Option<f64>,
    /// As the dashboard names it: `green`, `red`, `#FF0000`, `dark-orange`.
    pub color: Clean,
}

/// A panel's definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub key: PanelKey,
    pub title: Clean,
    pub kind: PanelKind,
    pub unit: Unit,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub thresholds: Vec<Threshold>,
    /// Threshold values are percent of min..max.
    pub thresholds_are_percentages: bool,
    /// Title of the row it stands in.
    pub row: Option<Clean>,
    /// Inside a collapsed row: not read until opened.
    pub is_collapsed: bool,
    /// What cannot be honoured, in words: "transformation 'merge' is not applied".
    pub notes: Vec<Clean>,
}

impl Panel {
    /// The limit shown beside the value: the lowest step above the base whose colour is not the base's.
    pub fn limit(&self) -> Option<f64> {
        if self.thresholds_are_percentages {
            let (min, max) = (self.min.unwrap_or(0.0), self.max.unwrap_or(100.0));
            return self
                .thresholds
                .iter()
                .find_map(|step| step.value)
                .map(|percent| min + (max - min) * percent / 100.0);
        }
        self.thresholds.iter().filter_map(|step| step.value).next_back()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    pub key: DashboardKey,
    pub title: Clean,
    pub url: Clean,
    /// In reading order.
    pub panels: Vec<Panel>,
    /// The dashboard's own default range, in seconds up to now.
    pub range_seconds: u32,
    pub variables: Vec<Variable>,
}

/// The value of a template variable that stands for every option, as Grafana writes it.
pub const ALL: &str = "$__all";

/// How a template variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// One of its options.
    One,
    /// Any number of its options.
    Many,
    /// Anything that is typed.
    Text,
    /// The dashboard's author has set it.
    Fixed,
}

/// A template variable and its value in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub name: Name,
    /// What people call it.
    pub label: Clean,
    pub setting: Setting,
    /// The dashboard does not show it.
    pub is_hidden: bool,
    /// The values in use, for the eye.
    pub value: Clean,
    /// The values in use; every one: [`ALL`].
    pub chosen: Vec<Clean>,
    /// Text and value of each; where every one may be meant, [`ALL`] is the first.
    pub options: Vec<(Clean, Clean)>,
}

/// Samples of one line, ascending in time; `None`: a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub name: Clean,
    /// Epoch milliseconds and value.
    pub points: Vec<(i64, Option<f64>)>,
}

impl Series {
    /// The newest value that is not a gap.
    pub fn last(&self) -> Option<(i64, f64)> {
        self.points.iter().rev().find_map(|(at, value)| value.map(|value| (*at, value)))
    }

    /// The value at or just before `at` (epoch milliseconds).
    pub fn at(&self, at: i64) -> Option<f64> {
        self.points[..self.points.partition_point(|(time, _)| *time <= at)].iter().rev().find_map(|(_, value)| *value)
    }
}

/// A panel's values over a range.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelData {
    pub key: PanelKey,
    /// The panel's title with the variables of its query.
    pub title: Clean,
    /// Epoch milliseconds, by the backend's clock.
    pub from: i64,
    pub to: i64,
    pub series: Vec<Series>,
    /// Series beyond what is kept.
    pub more_series: usize,
    /// The reduced value as the panel's own reducer gives it (stat, gauge); `None`: no data.
    pub value: Option<f64>,
    /// The value in the panel's unit, mappings applied.
    pub text: Clean,
    /// Per query that failed: what it said. Good data may stand beside it.
    pub failures: Vec<Clean>,
    pub notices: Vec<Clean>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    pub backend: BackendId,
    pub id: i64,
    pub time: Timestamp,
    pub end: Option<Timestamp>,
    pub text: Clean,
    pub tags: Box<[Name]>,
    pub dashboard: Option<Name>,
}
