//! Template variables: their definitions, the order in which they depend on each other, and their values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    datasource::Datasources,
    interpolate::{Bound, Dialect, Scope, references},
    interval,
    pattern::Pattern,
};
use crate::model::metric::{ALL, Setting};

/// A variable as the dashboard has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub name: String,
    /// What people call it; empty: its name.
    pub label: String,
    /// 2: the dashboard does not show it.
    pub hide: i64,
    /// `query`, `custom`, `datasource`, …
    pub kind: String,
    pub query: Value,
    pub datasource: Value,
    pub regex: String,
    pub sort: i64,
    pub is_multi: bool,
    pub include_all: bool,
    pub all_value: Option<String>,
    /// The author's last choice.
    pub current: Vec<String>,
    /// Stored options, text and value.
    pub options: Vec<(String, String)>,
    pub auto_count: i64,
    pub auto_min: String,
    pub is_json: bool,
}

/// `None` without a name.
pub fn parse(json: &Value) -> Option<Definition> {
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let strings = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(plain).collect(),
        other => plain(other).into_iter().collect::<Vec<_>>(),
    };
    let of = |option: &Value| {
        let value = plain(&option["value"]).or_else(|| plain(&option["text"]))?;
        (value != ALL).then(|| (plain(&option["text"]).unwrap_or_else(|| value.clone()), value))
    };
    Some(Definition {
        name: json["name"].as_str().filter(|name| !name.is_empty())?.to_owned(),
        label: text("label"),
        hide: json["hide"].as_i64().unwrap_or(0),
        kind: text("type"),
        // Ad-hoc filters have no query, but filters.
        query: if text("type") == "adhoc" { json.clone() } else { json["query"].clone() },
        datasource: json["datasource"].clone(),
        regex: text("regex"),
        sort: json["sort"].as_i64().unwrap_or(0),
        is_multi: json["multi"].as_bool().unwrap_or(false),
        include_all: json["includeAll"].as_bool().unwrap_or(false),
        all_value: json["allValue"].as_str().filter(|value| !value.is_empty()).map(str::to_owned),
        current: strings(&json["current"]["value"]),
        options: json["options"].as_array().into_iter().flatten().filter_map(of).collect(),
        auto_count: json["auto_count"].as_i64().unwrap_or(30),
        auto_min: json["auto_min"].as_str().unwrap_or("10s").to_owned(),
        is_json: json["valuesFormat"].as_str() == Some("json"),
    })
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

impl Definition {
    /// Its query as text, whatever its form.
    pub fn query_text(&self) -> &str {
        self.query
            .as_str()
            .or_else(|| self.query["query"].as_str())
            .or_else(|| self.query["expr"].as_str())
            .unwrap_or_default()
    }

    fn depends_on(&self) -> BTreeSet<String> {
        let datasource = self.datasource["uid"].as_str().or(self.datasource.as_str()).unwrap_or_default();
        [self.query_text(), &self.regex, datasource].into_iter().flat_map(references).collect()
    }

    /// The options of the kinds that need nobody to be asked; `None`: a query.
    pub fn own_options(&self, datasources: &Datasources, scope: &Scope) -> Option<Vec<(String, String)>> {
        let query = self.query_text();
        let same = |value: &str| (value.to_owned(), value.to_owned());
        Some(match self.kind.as_str() {
            "query" => return None,
            "custom" if self.is_json => serde_json::from_str::<Vec<Value>>(query)
                .unwrap_or_default()
                .iter()
                .filter_map(|option| Some((plain(&option["text"])?, plain(&option["value"])?)))
                .collect(),
            "custom" => custom(query),
            "interval" => query.split(',').map(str::trim).filter(|item| !item.is_empty()).map(same).collect(),
            "constant" => vec![same(query)],
            "textbox" => vec![same(&scope.expand(query, Dialect::Glob))],
            "datasource" => {
                let wanted = Pattern::parse(scope.expand(&self.regex, Dialect::Glob).trim());
                let of_kind = datasources.0.iter().filter(|source| source.kind == query);
                of_kind
                    .filter(|source| wanted.as_ref().is_none_or(|wanted| wanted.is_match(&source.name)))
                    .map(|source| (source.name.clone(), source.uid.clone()))
                    .collect()
            }
            _ => self.options.clone(),
        })
    }

    /// How the user may set it.
    pub fn setting(&self) -> Setting {
        match self.kind.as_str() {
            "textbox" => Setting::Text,
            "constant" => Setting::Fixed,
            _ if self.is_multi => Setting::Many,
            _ => Setting::One,
        }
    }

    /// What of the user's choice is still offered: another choice may have changed the options. Whatever was typed, where
    /// anything may be typed or no option is known.
    fn still_offered(&self, set: &[&str], options: &[(String, String)]) -> Vec<String> {
        let is_free = options.is_empty() || matches!(self.setting(), Setting::Text) || self.kind == "interval";
        let is_all = |value: &str| self.include_all && matches!(value, ALL | "All");
        let is_offered = |value: &&&str| {
            is_free || is_all(value) || options.iter().any(|(text, known)| known == **value || text == **value)
        };
        let value_of = |value: &&str| {
            let by_text = options.iter().find(|(text, known)| text == value && known != value);
            by_text.map_or_else(|| (*value).to_owned(), |(_, known)| known.clone())
        };
        let most = if self.is_multi { usize::MAX } else { 1 };
        set.iter().filter(is_offered).map(value_of).take(most).collect()
    }

    /// Its value in use: what the user set, else the author's choice, either if it is still offered, else the first.
    pub fn bind(&self, options: &[(String, String)], set: &[&str], datasources: &Datasources, range: i64) -> Bound {
        let set = if self.setting() == Setting::Fixed { Vec::new() } else { self.still_offered(set, options) };
        let is_set = !set.is_empty();
        let chosen: Vec<String> = if is_set { set } else { self.current.clone() };
        let wants_all = |value: &String| value == ALL || (is_set && value == "All");
        if self.include_all && (chosen.iter().any(wants_all) || (chosen.is_empty() && !is_set)) {
            return Bound {
                values: options.iter().map(|(_, value)| value.clone()).collect(),
                texts: vec!["All".to_owned()],
                raw: self.all_value.clone(),
                is_multi: true,
            };
        }
        let values = self.offered(chosen, options, is_set, datasources);
        let values: Vec<String> = values.into_iter().map(|value| self.interval_value(value, range)).collect();
        let text = |value: &String| {
            options.iter().find(|(_, known)| known == value).map_or_else(|| value.clone(), |(text, _)| text.clone())
        };
        Bound {
            texts: values.iter().map(text).collect(),
            values,
            raw: None,
            is_multi: self.is_multi || self.include_all,
        }
    }

    fn offered(
        &self,
        chosen: Vec<String>,
        options: &[(String, String)],
        is_set: bool,
        datasources: &Datasources,
    ) -> Vec<String> {
        if is_set || matches!(self.kind.as_str(), "textbox" | "interval") && !chosen.is_empty() || options.is_empty() {
            return chosen;
        }
        let by_value = |value: &String| options.iter().any(|(_, known)| known == value);
        let kept: Vec<String> = chosen
            .into_iter()
            .filter_map(|value| match self.kind.as_str() {
                // Older files name the datasource, or say `default`.
                "datasource" => Some(datasources.find(&value)?.uid.clone()).filter(by_value),
                _ => Some(value).filter(by_value),
            })
            .collect();
        if !kept.is_empty() {
            return kept;
        }
        let default = datasources.default().map(|source| source.uid.clone()).filter(by_value);
        let first = options.first().map(|(_, value)| value.clone());
        default.filter(|_| self.kind == "datasource").or(first).into_iter().collect()
    }

    /// `$__auto` of an interval variable, by the range.
    fn interval_value(&self, value: String, range: i64) -> String {
        if self.kind != "interval" || !(value.starts_with("$__auto") || value == "auto") {
            return value;
        }
        let least = interval::parse(&self.auto_min).unwrap_or(10_000);
        interval::to_text(interval::interval(range, self.auto_count, least))
    }

    /// Regex, then no value twice, then sorted.
    pub fn refine(&self, found: Vec<String>, scope: &Scope) -> Vec<(String, String)> {
        let regex = Pattern::parse(scope.expand(&self.regex, Dialect::Glob).trim());
        let mut seen = BTreeSet::new();
        let mut options: Vec<(String, String)> = found
            .into_iter()
            .filter_map(|value| match &regex {
                Some(regex) => captured(regex, &value),
                None => Some((value.clone(), value)),
            })
            .filter(|(_, value)| seen.insert(value.clone()))
            .collect();
        sort(&mut options, self.sort);
        options
    }
}

fn captured(pattern: &Pattern, value: &str) -> Option<(String, String)> {
    let found = pattern.captures(value)?;
    let group = |name: &str| found.name(name).map(|part| part.as_str().to_owned());
    // Without a group the pattern only chooses.
    let first = found.get(1).map_or(value, |part| part.as_str()).to_owned();
    match (group("text"), group("value")) {
        (None, None) => Some((first.clone(), first)),
        (text, value) => {
            let value = value.or_else(|| text.clone())?;
            Some((text.unwrap_or_else(|| value.clone()), value))
        }
    }
}

/// `a,b`, `Label : value`, `\,` for a comma.
fn custom(query: &str) -> Vec<(String, String)> {
    query
        .replace("\\,", "\u{0}")
        .split(',')
        .map(|item| item.replace('\u{0}', ","))
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .map(|item| match item.split_once(" : ") {
            Some((text, value)) => (text.trim().to_owned(), value.trim().to_owned()),
            None => (item.clone(), item),
        })
        .collect()
}

/// 1 and 2 by alphabet, 3 and 4 by number, 5 and 6 without case, 7 and 8 natural; even is descending.
fn sort(options: &mut [(String, String)], order: i64) {
    let number = |text: &str| -> f64 {
        let digits: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(f64::INFINITY)
    };
    match order {
        1 | 2 => options.sort_by(|a, b| a.0.cmp(&b.0)),
        3 | 4 | 7 | 8 => options.sort_by(|a, b| number(&a.0).total_cmp(&number(&b.0)).then_with(|| a.0.cmp(&b.0))),
        5 | 6 => options.sort_by_key(|(text, _)| text.to_lowercase()),
        _ => return,
    }
    if order % 2 == 0 {
        options.reverse();
    }
}

/// Every variable after those it refers to. Those that go round in a circle are left out, and named.
pub fn in_order(definitions: &[Definition]) -> (Vec<&Definition>, Vec<String>) {
    let names: BTreeSet<&str> = definitions.iter().map(|definition| definition.name.as_str()).collect();
    let mut waiting: Vec<(&Definition, BTreeSet<String>)> = definitions
        .iter()
        .map(|definition| {
            let needs = definition.depends_on();
            (definition, needs.into_iter().filter(|name| names.contains(name.as_str())).collect())
        })
        .collect();
    let mut ordered: Vec<&Definition> = Vec::new();
    loop {
        let done: BTreeSet<&str> = ordered.iter().map(|definition| definition.name.as_str()).collect();
        let Some(at) = waiting.iter().position(|(_, needs)| needs.iter().all(|name| done.contains(name.as_str())))
        else {
            break;
        };
        ordered.push(waiting.remove(at).0);
    }
    (ordered, waiting.into_iter().map(|(definition, _)| definition.name.clone()).collect())
}

#[cfg(test)]
mod tests;
