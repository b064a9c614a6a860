//! Dashboards, panels, series and annotations.

use std::sync::Arc;

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
    Table,
    /// A type midwatch does not draw: its name, for "open in browser".
    Other(Clean),
}

impl PanelKind {
    /// Grafana's id of the type.
    pub fn word(&self) -> &str {
        match self {
            Self::TimeSeries => "timeseries",
            Self::Stat => "stat",
            Self::Gauge => "gauge",
            Self::Table => "table",
            Self::Other(kind) => kind,
        }
    }
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

/// How the numbers of a panel, or of one of its series, are written and judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    pub unit: Unit,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub thresholds: Vec<Threshold>,
    /// Threshold values are percent of min..max.
    pub thresholds_are_percentages: bool,
}

/// A panel's definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub key: PanelKey,
    pub title: Clean,
    pub kind: PanelKind,
    /// What holds of every series that does not say otherwise.
    pub scale: Scale,
    /// Title of the row it stands in.
    pub row: Option<Clean>,
    /// Inside a collapsed row: not read until opened.
    pub is_collapsed: bool,
    /// What cannot be honoured, in words: "transformation 'merge' is not applied".
    pub notes: Vec<Clean>,
}

impl Panel {
    /// How many numbers it shows.
    pub fn count(&self, data: &PanelData) -> usize {
        if self.is_reduced(data) { data.reduced.len() } else { data.series.len() }
    }

    /// One of its numbers.
    pub fn item<'a>(&'a self, data: &'a PanelData, index: usize) -> Option<Item<'a>> {
        if self.is_reduced(data) {
            let reduced = data.reduced.get(index)?;
            return Some(Item {
                name: &reduced.name,
                now: reduced.value,
                text: &reduced.text,
                color: reduced.color.as_deref(),
                scale: reduced.scale.as_deref().unwrap_or(&self.scale),
                series: reduced.series.and_then(|series| data.series.get(series)),
                is_line: false,
            });
        }
        let series = data.series.get(index)?;
        Some(Item {
            name: &series.name,
            now: series.last().map(|last| last.1),
            text: "",
            color: None,
            scale: series.scale.as_deref().unwrap_or(&self.scale),
            series: Some(series),
            is_line: self.kind == PanelKind::TimeSeries,
        })
    }

    fn is_reduced(&self, data: &PanelData) -> bool {
        self.kind != PanelKind::TimeSeries && !data.reduced.is_empty()
    }

    /// The limit shown beside the value.
    pub fn limit(&self) -> Option<f64> {
        self.scale.limit()
    }
}

/// One of the numbers a panel shows: a series, or what it made of one.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub name: &'a str,
    /// `None`: no data.
    pub now: Option<f64>,
    /// As the panel writes it; empty: its number in its unit.
    pub text: &'a str,
    /// The colour a mapping gives it.
    pub color: Option<&'a str>,
    pub scale: &'a Scale,
    pub series: Option<&'a Series>,
    /// It stands on an axis of time.
    pub is_line: bool,
}

impl Scale {
    /// The highest step; of percentages the lowest above the base.
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
    /// `None`: the panel's.
    pub scale: Option<Arc<Scale>>,
    /// Its numbers stand on the right: they are of another kind than the others'.
    pub is_right: bool,
}

impl Series {
    /// The newest value that is not a gap.
    pub fn last(&self) -> Option<(i64, f64)> {
        self.points.iter().rev().find_map(|(at, value)| value.map(|value| (*at, value)))
    }

    pub fn min(&self) -> Option<f64> {
        self.finite().reduce(f64::min)
    }

    pub fn max(&self) -> Option<f64> {
        self.finite().reduce(f64::max)
    }

    /// Of the samples there are: gaps count for nothing.
    pub fn mean(&self) -> Option<f64> {
        let count = self.finite().count();
        (count > 0).then(|| self.finite().sum::<f64>() / count as f64)
    }

    fn finite(&self) -> impl Iterator<Item = f64> {
        self.points.iter().filter_map(|point| point.1).filter(|value| value.is_finite())
    }

    /// The value at or just before `at` (epoch milliseconds).
    pub fn at(&self, at: i64) -> Option<f64> {
        self.points[..self.points.partition_point(|(time, _)| *time <= at)].iter().rev().find_map(|(_, value)| *value)
    }
}

/// One of the numbers of a panel that has no axis of time (stat, gauge, pie chart).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reduced {
    pub name: Clean,
    /// `None`: no data.
    pub value: Option<f64>,
    /// The value in its unit, mappings applied.
    pub text: Clean,
    /// The colour a mapping gives the value, in place of the thresholds'.
    pub color: Option<Clean>,
    /// Which of the series it was made of.
    pub series: Option<usize>,
    /// `None`: the panel's.
    pub scale: Option<Arc<Scale>>,
}

/// Rows and columns of a panel, as they are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<TableColumn>,
    pub rows: Vec<Vec<TableCell>>,
    /// Rows beyond what is kept.
    pub more_rows: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableColumn {
    pub name: Clean,
    /// Numbers stand to the right.
    pub is_number: bool,
    /// Cells are judged by mappings and thresholds.
    pub is_coloured: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCell {
    pub text: Clean,
    /// For sorting.
    pub number: Option<f64>,
    /// A colour's name or `#rrggbb`.
    pub color: Option<Clean>,
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
    /// What the panel shows in place of series, where it does; of no data one, with what the panel says of none.
    pub reduced: Vec<Reduced>,
    pub table: Option<Table>,
    /// Per query that failed: what it said. Good data may stand beside it.
    pub failures: Vec<Clean>,
    pub notices: Vec<Clean>,
}

impl PanelData {
    /// The first of its numbers.
    pub fn value(&self) -> Option<f64> {
        self.reduced.first().and_then(|first| first.value)
    }

    /// The first of its numbers as the panel writes it; empty where it says nothing.
    pub fn text(&self) -> &str {
        self.reduced.first().map_or("", |first| &first.text)
    }
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
