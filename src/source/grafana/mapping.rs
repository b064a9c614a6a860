//! Value mappings: a number becomes a word.

use serde_json::Value;

use crate::{text::Clean, units};

/// One rule; the first that hits wins.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapping {
    Value {
        value: String,
        text: Clean,
    },
    /// Inclusive; open where `None`.
    Range {
        from: Option<f64>,
        to: Option<f64>,
        text: Clean,
    },
    Null(Clean),
    NaN(Clean),
}

/// `fieldConfig.defaults.mappings`, and the old panels' `valueMaps` and `rangeMaps`. Rules that only colour are left
/// out.
pub fn parse(list: &[Value]) -> Vec<Mapping> {
    list.iter().flat_map(of).collect()
}

fn of(mapping: &Value) -> Vec<Mapping> {
    let options = &mapping["options"];
    let text = |result: &Value| result["text"].as_str().map(Clean::line);
    match mapping["type"].as_str() {
        Some("value") => {
            let Some(options) = options.as_object() else { return Vec::new() };
            let of =
                |(value, result): (&String, &Value)| Some(Mapping::Value { value: value.clone(), text: text(result)? });
            options.iter().filter_map(of).collect()
        }
        Some("range") => {
            let (from, to) = (options["from"].as_f64(), options["to"].as_f64());
            text(&options["result"]).map(|text| Mapping::Range { from, to, text }).into_iter().collect()
        }
        Some("special") => {
            let Some(text) = text(&options["result"]) else { return Vec::new() };
            match options["match"].as_str() {
                Some("null") => vec![Mapping::Null(text)],
                Some("nan") => vec![Mapping::NaN(text)],
                Some("null+nan") => vec![Mapping::Null(text.clone()), Mapping::NaN(text)],
                _ => Vec::new(),
            }
        }
        Some(_) => Vec::new(),
        None => old(mapping).into_iter().collect(),
    }
}

/// Types 1 and 2 of before version 8, and `valueMaps` of singlestat.
fn old(mapping: &Value) -> Option<Mapping> {
    let text = Clean::line(mapping["text"].as_str()?);
    let number = |key: &str| mapping[key].as_f64().or_else(|| mapping[key].as_str()?.parse().ok());
    let value = match &mapping["value"] {
        Value::String(value) => value.clone(),
        Value::Number(value) => value.to_string(),
        _ => String::new(),
    };
    if mapping["type"].as_i64() == Some(2) || (value.is_empty() && !mapping["from"].is_null()) {
        return Some(Mapping::Range { from: number("from"), to: number("to"), text });
    }
    match value.as_str() {
        "" => None,
        "null" => Some(Mapping::Null(text)),
        _ => Some(Mapping::Value { value, text }),
    }
}

/// The word for a value, if there is one. `None` as value: no data.
pub fn apply(mappings: &[Mapping], value: Option<f64>) -> Option<&Clean> {
    mappings.iter().find_map(|mapping| match (mapping, value) {
        (Mapping::Value { value: wanted, text }, Some(value)) if *wanted == units::plain(value) => Some(text),
        (Mapping::Range { from, to, text }, Some(value))
            if value >= from.unwrap_or(f64::NEG_INFINITY) && value <= to.unwrap_or(f64::INFINITY) =>
        {
            Some(text)
        }
        (Mapping::Null(text), None) => Some(text),
        (Mapping::NaN(text), Some(value)) if value.is_nan() => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_become_words() {
        let mappings = parse(&[
            json!({"type": "value", "options": {"0": {"text": "DOWN", "color": "red", "index": 0}, "1": {"text": "UP"}}}),
            json!({"type": "range", "options": {"from": 2, "to": 5, "result": {"text": "few"}}}),
            json!({"type": "range", "options": {"from": 100, "to": null, "result": {"text": "many"}}}),
            json!({"type": "range", "options": {"from": 7, "to": 8, "result": {"color": "red"}}}),
            json!({"type": "special", "options": {"match": "null+nan", "result": {"text": "N/A"}}}),
            json!({"type": "regex", "options": {"pattern": ".*", "result": {"text": "x"}}}),
            json!("nonsense"),
        ]);
        let word = |value| apply(&mappings, value).map(Clean::as_str);
        assert_eq!(word(Some(0.0)), Some("DOWN"));
        assert_eq!(word(Some(1.0)), Some("UP"));
        assert_eq!(word(Some(5.0)), Some("few"));
        assert_eq!(word(Some(1e6)), Some("many"));
        assert_eq!(word(Some(7.5)), None);
        assert_eq!(word(None), Some("N/A"));
        assert_eq!(word(Some(f64::NAN)), Some("N/A"));
    }

    #[test]
    fn old_panels_too() {
        let mappings = parse(&[
            json!({"op": "=", "text": "N/A", "value": "null"}),
            json!({"id": 1, "type": 1, "text": "yes", "value": "1"}),
            json!({"id": 2, "type": 2, "text": "some", "from": "2", "to": "3", "value": ""}),
        ]);
        assert_eq!(apply(&mappings, None).unwrap(), "N/A");
        assert_eq!(apply(&mappings, Some(1.0)).unwrap(), "yes");
        assert_eq!(apply(&mappings, Some(2.5)).unwrap(), "some");
    }
}
