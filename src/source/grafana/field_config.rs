//! `fieldConfig`: what the panel says of every column, and of some.

use serde_json::{Map, Value};

use super::{
    frame::{Frame, Kind, Names},
    matcher::{Candidate, Matcher},
};
use crate::text::Clean;

/// A panel's defaults and overrides.
#[derive(Clone, Debug, Default)]
pub struct FieldConfig {
    pub defaults: Map<String, Value>,
    overrides: Vec<Override>,
}

#[derive(Clone, Debug)]
struct Override {
    matcher: Matcher,
    /// Path and value: `custom.axisPlacement`, `right`.
    properties: Vec<(String, Value)>,
}

impl FieldConfig {
    /// `fieldConfig` of a panel; what names nothing Grafana has goes to `notes`.
    pub fn parse(json: &Value, notes: &mut Vec<Clean>) -> Self {
        let mut overrides = Vec::new();
        for rule in json["overrides"].as_array().into_iter().flatten() {
            let properties: Vec<(String, Value)> = rule["properties"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|property| Some((property["id"].as_str()?.to_owned(), property["value"].clone())))
                .collect();
            match Matcher::parse(&rule["matcher"]) {
                _ if properties.is_empty() => {}
                Some(matcher) => overrides.push(Override { matcher, properties }),
                None => {
                    let id = rule["matcher"]["id"].as_str().unwrap_or("?");
                    notes.push(Clean::line(&format!("override '{id}' is not applied")));
                }
            }
        }
        Self { defaults: json["defaults"].as_object().cloned().unwrap_or_default(), overrides }
    }

    /// Gives every column what holds of it: its own, then the defaults, over both the overrides in their order.
    pub fn apply(&self, frames: &mut [Frame]) {
        let mut configs: Vec<Vec<Map<String, Value>>> = Vec::new();
        {
            let names = Names::of(frames);
            for (nth, frame) in frames.iter().enumerate() {
                let of = |at: usize| self.of(Candidate { frame, at, name: &names.name(nth, at) });
                configs.push((0..frame.fields.len()).map(of).collect());
            }
        }
        for (frame, configs) in frames.iter_mut().zip(configs) {
            for (field, config) in frame.fields.iter_mut().zip(configs) {
                field.config = config;
            }
        }
    }

    fn of(&self, candidate: Candidate<'_>) -> Map<String, Value> {
        let field = &candidate.frame.fields[candidate.at];
        let mut config = field.config.clone();
        fill(&mut config, &self.defaults, field.kind);
        for rule in self.overrides.iter().filter(|rule| rule.matcher.is_hit(candidate)) {
            for (path, value) in &rule.properties {
                set(&mut config, path, value);
            }
        }
        config
    }
}

/// What the column does not say itself; numbers' own properties are for numbers only.
fn fill(config: &mut Map<String, Value>, defaults: &Map<String, Value>, kind: Kind) {
    for (key, value) in defaults {
        let is_of_numbers = matches!(key.as_str(), "min" | "max" | "decimals");
        if is_of_numbers && kind != Kind::Number || value.is_null() {
            continue;
        }
        match (config.get_mut(key), value) {
            (Some(Value::Object(own)), Value::Object(defaults)) if key == "custom" => {
                for (key, value) in defaults {
                    own.entry(key).or_insert_with(|| value.clone());
                }
            }
            (Some(own), _) if !own.is_null() => {}
            _ => {
                config.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Sets `custom.lineWidth` and the like; null takes away, a list comes before the one that is there.
fn set(config: &mut Map<String, Value>, path: &str, value: &Value) {
    let Some((first, rest)) = path.split_once('.') else {
        match (value, config.get_mut(path)) {
            (Value::Null, _) => {
                config.remove(path);
            }
            (Value::Array(more), Some(Value::Array(own))) => {
                own.splice(0..0, more.iter().cloned());
            }
            _ => {
                config.insert(path.to_owned(), value.clone());
            }
        }
        return;
    };
    let inner = config.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        set(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::grafana::frame::{Cell, Field};

    fn frames() -> Vec<Frame> {
        let series = |pod: &str, ref_id: &str| Frame {
            ref_id: ref_id.to_owned(),
            fields: vec![
                Field::new("Time", Kind::Time, vec![Cell::Number(1.0)]),
                Field {
                    labels: [("pod".to_owned(), pod.to_owned())].into(),
                    ..Field::new("Value", Kind::Number, vec![Cell::Number(5.0)])
                },
            ],
            ..Frame::default()
        };
        vec![series("api", "A"), series("web", "B")]
    }

    fn units(overrides: Value) -> Vec<Option<String>> {
        let mut frames = frames();
        let mut notes = Vec::new();
        let config = json!({"defaults": {"unit": "short"}, "overrides": overrides});
        FieldConfig::parse(&config, &mut notes).apply(&mut frames);
        assert!(notes.is_empty(), "{notes:?}");
        frames.iter().map(|frame| frame.fields[1].text("unit").map(str::to_owned)).collect()
    }

    #[test]
    fn overrides_hit_by_every_matcher() {
        let bytes =
            |matcher: Value| units(json!([{"matcher": matcher, "properties": [{"id": "unit", "value": "bytes"}]}]));
        let of = |first: &str, second: &str| vec![Some(first.to_owned()), Some(second.to_owned())];
        for (matcher, first, second) in [
            (json!({"id": "byName", "options": "web"}), "short", "bytes"),
            (json!({"id": "byName", "options": "Value"}), "bytes", "bytes"),
            (json!({"id": "byRegexp", "options": "/^a/"}), "bytes", "short"),
            (json!({"id": "byRegexp", "options": "a"}), "short", "short"),
            (json!({"id": "byFrameRefID", "options": "B"}), "short", "bytes"),
            (json!({"id": "byNames", "options": {"mode": "exclude", "names": ["web"]}}), "bytes", "short"),
            (json!({"id": "byType", "options": "number"}), "bytes", "bytes"),
            (json!({"id": "byType", "options": "string"}), "short", "short"),
            (json!({"id": "numeric"}), "bytes", "bytes"),
            (json!({"id": "first"}), "short", "short"),
            (json!({"id": "byValue", "options": {"reducer": "last", "op": "gte", "value": 5}}), "bytes", "bytes"),
            (json!({"id": "byValue", "options": {"reducer": "allIsZero"}}), "short", "short"),
        ] {
            assert_eq!(bytes(matcher.clone()), of(first, second), "{matcher}");
        }
    }

    #[test]
    fn paths_lists_and_null() {
        let mut frames = frames();
        let mut notes = Vec::new();
        let rule = |properties: Value| json!({"matcher": {"id": "byName", "options": "web"}, "properties": properties});
        let config = json!({
            "defaults": {"unit": "short", "custom": {"lineWidth": 1}, "mappings": [{"type": "value"}]},
            "overrides": [
                rule(json!([{"id": "custom.axisPlacement", "value": "right"}, {"id": "mappings", "value": [{"type": "range"}]}])),
                rule(json!([{"id": "unit", "value": null}])),
                {"matcher": {"id": "byMoon"}, "properties": [{"id": "unit", "value": "s"}]},
            ],
        });
        FieldConfig::parse(&config, &mut notes).apply(&mut frames);
        let web = &frames[1].fields[1].config;
        assert_eq!(web["custom"], json!({"lineWidth": 1, "axisPlacement": "right"}));
        assert_eq!(web["mappings"], json!([{"type": "range"}, {"type": "value"}]));
        assert!(!web.contains_key("unit"));
        assert_eq!(notes, [Clean::own("override 'byMoon' is not applied")]);
        assert_eq!(frames[0].fields[1].config["custom"], json!({"lineWidth": 1}));
    }
}
