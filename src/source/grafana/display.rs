//! How one column's values are written and judged, from what its `config` says.

use serde_json::{Map, Value};

use super::{
    frame::{Cell, Field, Kind},
    mapping::{self, Mapping},
    reduce::reduce,
};
use crate::{
    model::metric::{Scale, Threshold, Unit},
    text::Clean,
    units,
};

/// Grafana's own words of no value.
pub const NO_DATA: &str = "no data";

/// Of one column.
#[derive(Clone, Debug, Default)]
pub struct Display {
    pub scale: Scale,
    kind: Kind,
    mappings: Vec<Mapping>,
    no_value: Option<Clean>,
}

/// A value as it is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    pub text: Clean,
    /// A mapping's.
    pub color: Option<Clean>,
}

impl Display {
    /// `range`: least and largest of all numbers, for a column that does not say where its scale ends.
    pub fn of(field: &Field, range: Option<(f64, f64)>) -> Self {
        let mut display = Self::from(&field.config, field.kind);
        if let Some((min, max)) = range {
            display.scale.min = display.scale.min.or(Some(min));
            display.scale.max = display.scale.max.or(Some(max));
        }
        display
    }

    /// Of a panel's defaults.
    pub fn from(config: &Map<String, Value>, kind: Kind) -> Self {
        let list = |key: &str| config.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let text = |key: &str| config.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        Self {
            scale: scale(config),
            kind,
            mappings: mapping::parse(list("mappings")),
            no_value: text("noValue").map(Clean::line),
        }
    }

    /// What the page writes in this place.
    pub fn shown(&self, cell: &Cell) -> Shown {
        let mapped = mapping::apply(&self.mappings, cell).unwrap_or_default();
        let text = mapped.text.unwrap_or_else(|| self.text(cell));
        Shown { text, color: mapped.color }
    }

    fn text(&self, cell: &Cell) -> Clean {
        let none = || self.no_value.clone().unwrap_or_default();
        match cell {
            Cell::Null => none(),
            Cell::Number(number) => self.number(*number),
            Cell::Bool(truth) => Clean::own(truth.to_string()),
            Cell::Text(text) if text.is_empty() => none(),
            // A number in a text gets the column's unit, if it has one.
            Cell::Text(text) => match text.trim().parse::<f64>() {
                Ok(number) if self.has_numbers() && number.is_finite() => self.number(number),
                _ => Clean::line(text),
            },
            Cell::Json(json) => Clean::line(&json.to_string()),
        }
    }

    fn number(&self, number: f64) -> Clean {
        let unit = &self.scale.unit;
        if number.is_nan() {
            return Clean::own("NaN");
        }
        if self.kind == Kind::Time && !unit.id.starts_with("dateTime") && !unit.id.starts_with("time:") {
            let unit = Unit { id: Clean::own("dateTimeAsIso"), decimals: None };
            return Clean::own(units::format(&unit, number));
        }
        // The unit of the dashboard may say anything.
        Clean::line(&units::format(unit, number))
    }

    /// A column of words is one of numbers only where a unit says so.
    fn has_numbers(&self) -> bool {
        let unit = self.scale.unit.id.as_str();
        unit != "string" && (self.kind != Kind::String || !unit.is_empty())
    }

    /// One number for many values; no value at all is said in words.
    pub fn reduced(&self, calc: &str, field: &Field) -> (Option<f64>, Shown) {
        let cell = match (field.kind, calc) {
            // A word is not computed with, but the last one is one.
            (
                Kind::String | Kind::Boolean | Kind::Other,
                "last" | "lastNotNull" | "current" | "first" | "firstNotNull",
            ) => end(&field.values, calc),
            _ => Cell::from(reduce(calc, &field.numbers())),
        };
        let mut shown = self.shown(&cell);
        if cell.is_null() && shown.text.is_empty() {
            shown.text = Clean::own(NO_DATA);
        }
        (cell.number().filter(|number| !number.is_nan()), shown)
    }

    /// What stands where there is nothing to reduce.
    pub fn nothing(&self) -> Shown {
        self.reduced("lastNotNull", &Field::default()).1
    }

    /// The colour of a value: a mapping's, else that of the highest step it reaches.
    pub fn color(&self, cell: &Cell, shown: &Shown) -> Option<Clean> {
        shown.color.clone().or_else(|| {
            let scale = &self.scale;
            // What is no number is below every step.
            let number = cell.parsed().filter(|number| !number.is_nan()).unwrap_or(f64::NEG_INFINITY);
            let (min, max) = (scale.min.unwrap_or(0.0), scale.max.unwrap_or(100.0));
            let reached = if scale.thresholds_are_percentages { (number - min) / (max - min) * 100.0 } else { number };
            let step = scale.thresholds.iter().rfind(|step| step.value.is_none_or(|value| reached >= value));
            step.map(|step| step.color.clone())
        })
    }
}

/// The first or last value; `NotNull`: of those that are there.
fn end(values: &[Cell], calc: &str) -> Cell {
    let is_there = |cell: &&Cell| !cell.is_null();
    match calc {
        "first" => values.first(),
        "firstNotNull" => values.iter().find(is_there),
        "last" => values.last(),
        _ => values.iter().rfind(is_there),
    }
    .cloned()
    .unwrap_or_default()
}

fn scale(config: &Map<String, Value>) -> Scale {
    let null = Value::Null;
    let value = |key: &str| config.get(key).unwrap_or(&null);
    let thresholds = value("thresholds");
    let steps = thresholds["steps"].as_array().into_iter().flatten();
    Scale {
        unit: Unit {
            id: Clean::line(value("unit").as_str().unwrap_or_default()),
            decimals: value("decimals").as_u64().map(|decimals| decimals.min(20) as u8),
        },
        min: number(value("min")),
        max: number(value("max")),
        thresholds: steps
            .map(|step| Threshold {
                value: number(&step["value"]),
                color: Clean::line(step["color"].as_str().unwrap_or_default()),
            })
            .collect(),
        thresholds_are_percentages: thresholds["mode"].as_str() == Some("percentage"),
    }
}

/// A number, or a number in quotes as old files have it.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}
