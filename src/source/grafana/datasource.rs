//! Datasources: what a panel's reference means.

use serde_json::{Value, json};

use super::interpolate::{Dialect, Scope};

#[derive(Clone, Debug, PartialEq)]
pub struct Datasource {
    pub uid: String,
    pub name: String,
    /// Plugin id: `prometheus`, `loki`.
    pub kind: String,
    pub is_default: bool,
    /// `jsonData.timeInterval`: how often it scrapes.
    pub time_interval: Option<String>,
}

impl Datasource {
    pub fn dialect(&self) -> Dialect {
        match self.kind.as_str() {
            "prometheus" | "loki" => Dialect::Prometheus,
            "elasticsearch" | "grafana-opensearch-datasource" => Dialect::Lucene,
            _ => Dialect::Glob,
        }
    }
}

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    Known(Datasource),
    /// Every target carries its own.
    Mixed,
    /// Another panel's result.
    Dashboard,
    /// Server-side maths over other queries.
    Expression,
    /// Grafana's own: annotations, test data, live.
    BuiltIn,
    /// Not in the list; sent as it is, the server may know it.
    Unknown(String),
}

/// All datasources the token may see.
#[derive(Clone, Debug, Default)]
pub struct Datasources(pub Vec<Datasource>);

impl Datasources {
    /// `GET /api/datasources`: a list; `GET /api/frontend/settings`: `{datasources: {name: …}, defaultDatasource}`.
    pub fn parse(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |name: &str, value: &Value, is_default: bool| Datasource {
            uid: text(&value["uid"]),
            name: name.to_owned(),
            kind: text(&value["type"]),
            is_default,
            time_interval: value["jsonData"]["timeInterval"].as_str().map(str::to_owned),
        };
        if let Some(list) = body.as_array() {
            let is_default = |value: &Value| value["isDefault"].as_bool().unwrap_or(false);
            return Self(list.iter().map(|value| of(&text(&value["name"]), value, is_default(value))).collect());
        }
        let default = text(&body["defaultDatasource"]);
        let known = body["datasources"].as_object().into_iter().flatten();
        Self(known.map(|(name, value)| of(name, value, *name == default)).collect())
    }

    pub fn default(&self) -> Option<&Datasource> {
        self.0.iter().find(|source| source.is_default)
    }

    /// The one of a plugin: the default, if it is of that plugin, else the first.
    pub fn of_kind(&self, kind: &str) -> Option<&Datasource> {
        self.default().filter(|source| source.kind == kind).or_else(|| self.0.iter().find(|source| source.kind == kind))
    }

    /// By uid, name, or `default`.
    pub fn find(&self, reference: &str) -> Option<&Datasource> {
        if reference == "default" {
            return self.default();
        }
        let by = |key: fn(&Datasource) -> &str| self.0.iter().find(|source| key(source) == reference);
        by(|source| &source.uid).or_else(|| by(|source| &source.name))
    }

    /// What `reference` means: a name, null, or `{type, uid}`, any of them through a variable.
    pub fn resolve(&self, reference: &Value, scope: &Scope) -> Resolved {
        let (uid, kind) = match reference {
            Value::String(name) => (name.as_str(), ""),
            Value::Object(_) => {
                (reference["uid"].as_str().unwrap_or_default(), reference["type"].as_str().unwrap_or_default())
            }
            _ => ("", ""),
        };
        match uid {
            "-- Mixed --" => return Resolved::Mixed,
            "-- Dashboard --" => return Resolved::Dashboard,
            "__expr__" | "-100" => return Resolved::Expression,
            "grafana" | "-- Grafana --" => return Resolved::BuiltIn,
            _ if kind == "__expr__" => return Resolved::Expression,
            _ => {}
        }
        let expanded = scope.expand(uid, Dialect::Plain);
        let found = match expanded.as_str() {
            "" if kind.is_empty() => self.default(),
            "" => self.of_kind(kind),
            // `${DS_PROMETHEUS}` of a file made for import: nobody bound it.
            unbound if unbound.starts_with('$') && !kind.is_empty() => self.of_kind(kind),
            name => self.find(name),
        };
        match found {
            Some(source) => Resolved::Known(source.clone()),
            None if self.0.is_empty() && !kind.is_empty() && !expanded.is_empty() && !expanded.starts_with('$') => {
                // The list may not be read, but the reference says enough.
                Resolved::Known(Datasource {
                    uid: expanded,
                    name: String::new(),
                    kind: kind.to_owned(),
                    is_default: false,
                    time_interval: None,
                })
            }
            None => Resolved::Unknown(if expanded.is_empty() { "the default one".to_owned() } else { expanded }),
        }
    }
}

/// As a query carries it.
pub fn reference(source: &Datasource) -> Value {
    json!({"type": source.kind, "uid": source.uid})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::grafana::interpolate::Bound;

    #[test]
    fn references_of_every_form() {
        let sources = Datasources::parse(&json!([
            {"uid": "prom-eu", "name": "Prometheus EU", "type": "prometheus", "isDefault": true,
             "jsonData": {"timeInterval": "30s"}},
            {"uid": "loki1", "name": "Loki", "type": "loki"},
        ]));
        let mut scope = Scope::default();
        scope.variables.insert("ds".to_owned(), Bound::one("prom-eu"));
        let uid = |reference: Value| match sources.resolve(&reference, &scope) {
            Resolved::Known(source) => source.uid,
            other => format!("{other:?}"),
        };
        assert_eq!(uid(Value::Null), "prom-eu");
        assert_eq!(uid(json!("Loki")), "loki1");
        assert_eq!(uid(json!("loki1")), "loki1");
        assert_eq!(uid(json!("default")), "prom-eu");
        assert_eq!(uid(json!("$ds")), "prom-eu");
        assert_eq!(uid(json!({"type": "prometheus", "uid": "${ds}"})), "prom-eu");
        assert_eq!(uid(json!({"type": "loki", "uid": "${DS_LOKI}"})), "loki1");
        assert_eq!(uid(json!({"type": "datasource", "uid": "-- Mixed --"})), "Mixed");
        assert_eq!(uid(json!({"type": "__expr__", "uid": "__expr__"})), "Expression");
        assert_eq!(uid(json!("gone")), "Unknown(\"gone\")");
        assert_eq!(sources.0[0].time_interval.as_deref(), Some("30s"));
    }

    #[test]
    fn the_front_ends_settings_are_a_list_too() {
        let sources = Datasources::parse(&json!({"defaultDatasource": "P",
            "datasources": {"P": {"uid": "u1", "type": "prometheus"}, "L": {"uid": "u2", "type": "loki"}}}));
        assert_eq!(sources.default().unwrap().uid, "u1");
    }
}
