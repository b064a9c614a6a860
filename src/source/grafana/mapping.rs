//! Value mappings: a value becomes a word, a colour, or both.

use serde_json::Value;

use super::{frame::Cell, pattern::Pattern};
use crate::{text::Clean, units};

/// One rule; the first that hits wins.
#[derive(Clone, Debug)]
pub struct Mapping {
    hits: Hits,
    shows: Shows,
}

/// What a value is shown as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shows {
    /// `None`: as it is.
    pub text: Option<Clean>,
    /// A colour's name or `#rrggbb`; `None`: the threshold's.
    pub color: Option<Clean>,
}

#[derive(Clone, Debug)]
enum Hits {
    /// A number, text, or truth written out.
    Value(String),
    /// Inclusive; open where `None`.
    Range {
        from: Option<f64>,
        to: Option<f64>,
    },
    /// Texts only; `None`: what no browser compiles hits nothing.
    Pattern(Option<Pattern>),
    Null,
    NaN,
    True,
    False,
    Empty,
}

/// `fieldConfig.defaults.mappings`, and the old panels' `valueMaps` and `rangeMaps`.
pub fn parse(list: &[Value]) -> Vec<Mapping> {
    list.iter().flat_map(of).collect()
}

fn of(mapping: &Value) -> Vec<Mapping> {
    let options = &mapping["options"];
    let result = &options["result"];
    match mapping["type"].as_str() {
        Some("value") => {
            let Some(options) = options.as_object() else { return Vec::new() };
            options.iter().flat_map(|(value, result)| rules(result, [Hits::Value(value.clone())])).collect()
        }
        Some("range") => {
            let (from, to) = (options["from"].as_f64(), options["to"].as_f64());
            rules(result, [Hits::Range { from, to }])
        }
        Some("regex") => {
            rules(result, [Hits::Pattern(Pattern::parse(options["pattern"].as_str().unwrap_or_default()))])
        }
        Some("special") => match options["match"].as_str() {
            Some("null") => rules(result, [Hits::Null]),
            Some("nan") => rules(result, [Hits::NaN]),
            Some("null+nan") => rules(result, [Hits::Null, Hits::NaN]),
            Some("true") => rules(result, [Hits::True]),
            Some("false") => rules(result, [Hits::False]),
            Some("empty") => rules(result, [Hits::Empty]),
            _ => Vec::new(),
        },
        Some(_) => Vec::new(),
        None => old(mapping).into_iter().collect(),
    }
}

fn rules<const N: usize>(result: &Value, hits: [Hits; N]) -> Vec<Mapping> {
    let shows = Shows { text: word(&result["text"]), color: word(&result["color"]) };
    hits.into_iter().map(|hits| Mapping { hits, shows: shows.clone() }).collect()
}

fn word(value: &Value) -> Option<Clean> {
    value.as_str().filter(|text| !text.is_empty()).map(Clean::line)
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
    let is_range = mapping["type"].as_i64() == Some(2) || (value.is_empty() && !mapping["from"].is_null());
    let hits = match value.as_str() {
        _ if is_range => Hits::Range { from: number("from"), to: number("to") },
        "" => return None,
        "null" => Hits::Null,
        _ => Hits::Value(value),
    };
    Some(Mapping { hits, shows: Shows { text: Some(text), color: None } })
}

/// What a value is shown as, if a rule hits; [`Cell::Null`]: no data.
pub fn apply(mappings: &[Mapping], value: &Cell) -> Option<Shows> {
    let mapping = mappings.iter().find(|mapping| mapping.hits.is_hit(value))?;
    let mut shows = mapping.shows.clone();
    // What a pattern caught may be put in.
    if let (Hits::Pattern(Some(pattern)), Some(text), Cell::Text(value)) = (&mapping.hits, &shows.text, value) {
        shows.text = Some(Clean::line(&pattern.replace(value, text)));
    }
    Some(shows)
}

impl Hits {
    fn is_hit(&self, value: &Cell) -> bool {
        match (self, value) {
            (Self::Value(wanted), Cell::Number(value)) => *wanted == units::plain(*value),
            (Self::Value(wanted), Cell::Text(value)) => wanted == value,
            (Self::Value(wanted), Cell::Bool(value)) => *wanted == value.to_string(),
            (Self::Range { from, to }, Cell::Number(_) | Cell::Text(_)) => value.parsed().is_some_and(|value| {
                value >= from.unwrap_or(f64::NEG_INFINITY) && value <= to.unwrap_or(f64::INFINITY)
            }),
            (Self::Pattern(Some(pattern)), Cell::Text(value)) => pattern.is_match(value),
            (Self::Null, Cell::Null) => true,
            (Self::NaN, Cell::Number(value)) => value.is_nan(),
            (Self::True, Cell::Bool(value)) => *value,
            (Self::False, Cell::Bool(value)) => !value,
            (Self::True, Cell::Text(value)) => value == "true",
            (Self::False, Cell::Text(value)) => value == "false",
            (Self::Empty, Cell::Text(value)) => value.is_empty(),
            _ => false,
        }
    }
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
            json!({"type": "range", "options": {"from": 7, "to": 9, "result": {"text": "later", "color": "green"}}}),
            json!({"type": "special", "options": {"match": "null+nan", "result": {"text": "N/A"}}}),
            json!({"type": "regex", "options": {"pattern": ".*", "result": {"text": "x"}}}),
            json!("nonsense"),
        ]);
        let shows = |value: Option<f64>| apply(&mappings, &value.into()).unwrap_or_default();
        let word = |value| shows(value).text.map(|text| text.to_string());
        let color = |value| shows(value).color.map(|color| color.to_string());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(word(Some(0.0)), some("DOWN"));
        assert_eq!(word(Some(1.0)), some("UP"));
        assert_eq!(word(Some(5.0)), some("few"));
        assert_eq!(word(Some(1e6)), some("many"));
        assert_eq!((word(Some(7.5)), color(Some(7.5))), (None, some("red")));
        assert_eq!((color(Some(0.0)), color(Some(1.0)), word(Some(9.0))), (some("red"), None, some("later")));
        assert_eq!(word(None), some("N/A"));
        assert_eq!(word(Some(f64::NAN)), some("N/A"));
    }

    #[test]
    fn texts_and_truths_too() {
        let mappings = parse(&[
            json!({"type": "value", "options": {"true": {"text": "on"}, "idle": {"text": "resting", "color": "blue"}}}),
            json!({"type": "regex", "options": {"pattern": "/^pod-(.*)$/", "result": {"text": "$1!", "color": "green"}}}),
            json!({"type": "regex", "options": {"pattern": "/(/", "result": {"text": "never"}}}),
            json!({"type": "special", "options": {"match": "empty", "result": {"text": "-"}}}),
            json!({"type": "special", "options": {"match": "false", "result": {"text": "off"}}}),
            json!({"type": "range", "options": {"from": 2, "to": 5, "result": {"text": "few"}}}),
        ]);
        let word = |value: Cell| apply(&mappings, &value).and_then(|shows| shows.text).map(|text| text.to_string());
        for (value, shown) in [
            (Cell::from("idle"), Some("resting")),
            (Cell::from("pod-a"), Some("a!")),
            (Cell::from(""), Some("-")),
            (Cell::Bool(true), Some("on")),
            (Cell::Bool(false), Some("off")),
            (Cell::from("3"), Some("few")),
            (Cell::from("other"), None),
        ] {
            assert_eq!(word(value.clone()).as_deref(), shown, "{value:?}");
        }
    }

    #[test]
    fn old_panels_too() {
        let mappings = parse(&[
            json!({"op": "=", "text": "N/A", "value": "null"}),
            json!({"id": 1, "type": 1, "text": "yes", "value": "1"}),
            json!({"id": 2, "type": 2, "text": "some", "from": "2", "to": "3", "value": ""}),
        ]);
        let word = |value| apply(&mappings, &Cell::from(value)).and_then(|shows| shows.text).expect("a word");
        assert_eq!([None, Some(1.0), Some(2.5)].map(word), ["N/A", "yes", "some"]);
    }
}
