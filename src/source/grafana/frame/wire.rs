//! Frames as `POST /api/ds/query` answers them: column-major, with what JSON has no number for beside the values.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Cell, Field, Frame, Kind};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    schema: Schema,
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Schema {
    ref_id: Option<String>,
    name: Option<String>,
    meta: Option<Meta>,
    fields: Option<Vec<Column>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    #[serde(rename = "type")]
    kind: Option<String>,
    data_topic: Option<String>,
    custom: Option<Value>,
    notices: Option<Vec<Notice>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Notice {
    text: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Column {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    config: Option<Map<String, Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    values: Option<Vec<Vec<Value>>>,
    entities: Option<Vec<Option<Entities>>>,
    enums: Option<Vec<Option<Vec<String>>>>,
}

/// Rows whose number JSON cannot hold.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Entities {
    #[serde(rename = "NaN")]
    nan: Vec<usize>,
    #[serde(rename = "Inf")]
    inf: Vec<usize>,
    #[serde(rename = "NegInf")]
    neg_inf: Vec<usize>,
}

impl Frame {
    /// The frame, and what the datasource wants to be known about it. `None`: annotations or exemplars, which stand beside
    /// the data.
    ///
    /// # Errors
    /// It is no frame.
    pub fn parse(json: &Value, ref_id: &str) -> Result<(Option<Self>, Vec<String>), serde_json::Error> {
        let wire = Wire::deserialize(json)?;
        let meta = wire.schema.meta.unwrap_or_default();
        let notices: Vec<String> = meta.notices.into_iter().flatten().filter_map(|notice| notice.text).collect();
        let is_beside = meta.data_topic.as_deref() == Some("annotations")
            || meta.custom.as_ref().is_some_and(|custom| custom["resultType"].as_str() == Some("exemplar"));
        if is_beside {
            return Ok((None, notices));
        }
        let mut columns = wire.data.values.unwrap_or_default().into_iter();
        let entities = wire.data.entities.unwrap_or_default();
        let enums = wire.data.enums.unwrap_or_default();
        let schema = wire.schema.fields.unwrap_or_default();
        let fields = schema.into_iter().enumerate().map(|(at, column)| {
            let words = enums.get(at).and_then(Option::as_deref);
            let mut field = column.field(columns.next().unwrap_or_default(), words);
            if let Some(Some(entities)) = entities.get(at) {
                entities.put(&mut field.values);
            }
            field
        });
        let frame = Self {
            ref_id: wire.schema.ref_id.filter(|own| !own.is_empty()).unwrap_or_else(|| ref_id.to_owned()),
            name: wire.schema.name.unwrap_or_default(),
            kind: meta.kind.unwrap_or_default(),
            fields: fields.collect(),
        };
        Ok((Some(frame), notices))
    }
}

impl Column {
    fn field(self, values: Vec<Value>, words: Option<&[String]>) -> Field {
        let kind = Kind::of(self.kind.as_deref().unwrap_or_default());
        Field {
            name: self.name.unwrap_or_default(),
            kind,
            labels: self.labels.unwrap_or_default(),
            config: self.config.unwrap_or_default(),
            values: values.into_iter().map(|value| cell(value, words)).collect(),
        }
    }
}

fn cell(value: Value, words: Option<&[String]>) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Bool(truth),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            match words.and_then(|words| words.get(number as usize)) {
                Some(word) => Cell::Text(word.clone()),
                None => Cell::Number(number),
            }
        }
        Value::String(text) => Cell::Text(text),
        other => Cell::Json(other),
    }
}

impl Entities {
    fn put(&self, values: &mut [Cell]) {
        for (rows, number) in [(&self.nan, f64::NAN), (&self.inf, f64::INFINITY), (&self.neg_inf, f64::NEG_INFINITY)] {
            for row in rows {
                if let Some(cell) = values.get_mut(*row) {
                    *cell = Cell::Number(number);
                }
            }
        }
    }
}
