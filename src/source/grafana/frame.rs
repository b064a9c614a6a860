//! Data frames: columns of equal length, as a datasource answers them and transformations change them. Numbers, names and
//! kinds are those of Grafana's own `DataFrame` (`@grafana/data`).

mod name;
mod wire;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use name::{Names, field_name};

/// A table of columns. Whatever a panel draws begins as a list of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    pub ref_id: String,
    /// Empty: none.
    pub name: String,
    /// `meta.type`: `timeseries-multi`, `table`, `numeric-long`, …; empty: not said.
    pub kind: String,
    pub fields: Vec<Field>,
}

/// One column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub labels: BTreeMap<String, String>,
    /// `unit`, `displayName`, `thresholds`, …: the datasource's, a transformation's, later the panel's too.
    pub config: Map<String, Value>,
    pub values: Vec<Cell>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Epoch milliseconds.
    Time,
    Number,
    String,
    Boolean,
    /// Objects, lists, and what nobody named.
    #[default]
    Other,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    #[default]
    Null,
    /// A number, also NaN and infinite, or a moment in epoch milliseconds.
    Number(f64),
    Text(String),
    Bool(bool),
    Json(Value),
}

impl Kind {
    /// Grafana's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Number => "number",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Other => "other",
        }
    }

    pub fn of(word: &str) -> Self {
        match word {
            "time" => Self::Time,
            "number" => Self::Number,
            // What an enum's numbers stand for is put in where it is read.
            "string" | "enum" => Self::String,
            "boolean" => Self::Boolean,
            _ => Self::Other,
        }
    }
}

impl Frame {
    /// Rows.
    pub fn len(&self) -> usize {
        self.fields.iter().map(|field| field.values.len()).max().unwrap_or(0)
    }

    /// The column that is the axis: the first of times.
    pub fn time(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.kind == Kind::Time)
    }
}

impl Field {
    pub fn new(name: &str, kind: Kind, values: Vec<Cell>) -> Self {
        Self { name: name.to_owned(), kind, values, ..Self::default() }
    }

    /// A word of its configuration; empty is none.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Numbers for a reducer: yes is 1, no is 0, and what is no number is a gap.
    pub fn numbers(&self) -> Vec<Option<f64>> {
        self.values.iter().map(Cell::number).collect()
    }
}

impl Cell {
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(truth) => Some(f64::from(u8::from(*truth))),
            _ => None,
        }
    }

    /// A number, also one that is written as text.
    pub fn parsed(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            other => other.number(),
        }
    }

    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

#[cfg(test)]
pub mod fixtures {
    //! Frames as the fixtures of Grafana's own package have them.

    use serde_json::Value;

    use super::{Cell, Field, Frame, Kind};

    /// Numbers that JSON has no word for are strings there.
    pub fn cell(value: &Value, kind: Kind) -> Cell {
        match value {
            Value::String(text)
                if kind != Kind::String && matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") =>
            {
                Cell::Number(text.parse().expect("its word"))
            }
            Value::String(text) => Cell::Text(text.clone()),
            Value::Number(number) => Cell::Number(number.as_f64().expect("a number")),
            Value::Bool(truth) => Cell::Bool(*truth),
            Value::Null => Cell::Null,
            other => Cell::Json(other.clone()),
        }
    }

    pub fn frames(list: &Value) -> Vec<Frame> {
        list.as_array().expect("frames").iter().map(frame).collect()
    }

    fn frame(json: &Value) -> Frame {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |field: &Value| {
            let kind = Kind::of(field["type"].as_str().expect("a type"));
            let labels = field["labels"].as_object().into_iter().flatten();
            Field {
                name: text(&field["name"]),
                kind,
                labels: labels.map(|(label, value)| (label.clone(), text(value))).collect(),
                config: field["config"].as_object().cloned().unwrap_or_default(),
                values: field["values"].as_array().expect("values").iter().map(|value| cell(value, kind)).collect(),
            }
        };
        Frame {
            ref_id: text(&json["refId"]),
            name: text(&json["name"]),
            kind: String::new(),
            fields: json["fields"].as_array().expect("fields").iter().map(of).collect(),
        }
    }
}
