//! Values of query variables, asked of the datasource (Prometheus) through Grafana; and all variables of a dashboard
//! bound in order.

use std::{collections::BTreeMap, time::Duration};

use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    Grafana,
    dashboard::Loaded,
    datasource::{Datasource, Datasources, Resolved},
    interpolate::{Bound, Dialect, Scope, Timing},
    interval,
    variable::{self, Definition},
};
use crate::{
    model::metric::{ALL, Variable},
    query::{Variables, VariablesQuery},
    source::SourceError,
    text::Clean,
};

/// How long an answer about label values is good.
const FRESH: Duration = Duration::from_mins(1);
/// Options kept of one variable.
const MAX_OPTIONS: usize = 1000;

/// All variables of a dashboard with their values.
pub struct BoundVariables {
    pub scope: Scope,
    pub variables: Vec<Variable>,
    /// What could not be resolved, in words.
    pub notes: Vec<Clean>,
}

impl Grafana {
    /// Binds every variable in the order of their references. `set`: what the user chose. A query that fails leaves the
    /// author's choice, and a note.
    pub(super) async fn bind(
        &self,
        loaded: &Loaded,
        datasources: &Datasources,
        set: &[(Clean, Clean)],
        range_seconds: u32,
    ) -> BoundVariables {
        let range = i64::from(range_seconds) * 1_000;
        let to = self.http.server_now().as_millisecond();
        let step = interval::interval(range, 500, interval::SCRAPE);
        let mut scope = Scope::default();
        scope.set_timing(Timing { from: to - range, to, step, scrape: interval::SCRAPE });
        scope.built_in.insert("__dashboard".to_owned(), loaded.model.title.to_string());
        for (input, plugin) in &loaded.inputs {
            if let Some(source) = datasources.of_kind(plugin) {
                scope.variables.insert(input.clone(), Bound::one(&source.uid));
            }
        }
        let (ordered, circle) = variable::in_order(&loaded.variables);
        let mut notes = Vec::new();
        if !circle.is_empty() {
            notes.push(Clean::line(&format!("variables refer to each other in a circle: {}", circle.join(", "))));
        }
        let mut options_of: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for definition in ordered {
            if definition.kind == "adhoc" {
                let filters = definition.query["filters"].as_array().is_some_and(|filters| !filters.is_empty());
                if filters {
                    notes.push(Clean::line(&format!("ad-hoc filters of '{}' are not applied", definition.name)));
                }
                continue;
            }
            let options = match definition.own_options(datasources, &scope) {
                Some(options) => options,
                None => self.asked(definition, datasources, &scope, (to - range, to), &mut notes).await,
            };
            let of_it = set.iter().filter(|(name, _)| *name == definition.name.as_str());
            let chosen: Vec<&str> = of_it.map(|(_, value)| value.as_str()).collect();
            let bound = definition.bind(&options, &chosen, datasources, range);
            scope.variables.insert(definition.name.clone(), bound);
            options_of.insert(&definition.name, options);
        }
        let shown = |definition: &Definition| {
            let options = options_of.get(definition.name.as_str()).map_or(&[][..], Vec::as_slice);
            Some(variable(definition, scope.variables.get(&definition.name)?, options))
        };
        let variables = loaded.variables.iter().filter_map(shown).collect();
        BoundVariables { scope, variables, notes }
    }

    /// What a dashboard's variables are and offer, given what the user set.
    pub async fn variables(&self, query: &VariablesQuery) -> Result<Variables, SourceError> {
        let loaded = self.dashboard(&query.dashboard.uid).await?;
        let datasources = self.datasources().await;
        let bound = self.bind(&loaded, &datasources, &query.variables, query.range_seconds).await;
        Ok(Variables { list: bound.variables, notes: bound.notes })
    }

    async fn asked(
        &self,
        definition: &Definition,
        datasources: &Datasources,
        scope: &Scope,
        range: (i64, i64),
        notes: &mut Vec<Clean>,
    ) -> Vec<(String, String)> {
        let mut note = |why: &str| {
            notes.push(Clean::line(&format!("variable '{}' keeps its stored value: {why}", definition.name)));
            definition.options.clone()
        };
        let source = match datasources.resolve(&definition.datasource, scope) {
            Resolved::Known(source) if source.kind == "prometheus" => source,
            Resolved::Known(source) => return note(&format!("values from '{}' are not asked for", source.kind)),
            Resolved::Unknown(name) => return note(&format!("its datasource '{name}' is not known")),
            _ => return note("its datasource has no values"),
        };
        let query = scope.expand(definition.query_text(), Dialect::Prometheus);
        let lookup = Lookup::parse(&query);
        match self.values(&source, &lookup, range).await {
            Ok(mut found) => {
                found.truncate(MAX_OPTIONS);
                definition.refine(found, scope)
            }
            Err(error) => note(&error.says),
        }
    }

    async fn values(
        &self,
        source: &Datasource,
        lookup: &Lookup,
        (from, to): (i64, i64),
    ) -> Result<Vec<String>, SourceError> {
        let timeless = lookup.path_and_query();
        let key = format!("{} {timeless}", source.uid);
        let now = self.clock.now();
        if let Some((at, values)) = self.looked_up.lock().expect("nobody panics while holding it").get(&key)
            && now.since(*at) < FRESH
        {
            return Ok(values.clone());
        }
        let times = match lookup {
            Lookup::Query(_) => format!("&time={}", to / 1_000),
            _ => format!("&start={}&end={}", from / 1_000, to / 1_000),
        };
        let separator = if timeless.ends_with('?') { times.trim_start_matches('&') } else { &times };
        let tail = format!("{timeless}{separator}");
        let _turn = self.gate.acquire().await;
        let resources = format!("/api/datasources/uid/{}/resources/{tail}", source.uid);
        let mut reply = self.http.send(Method::GET, &resources, None).await?;
        let mut path = resources;
        let is_json = |reply: &super::super::http::Reply| reply.status.is_success() && !reply.is_html();
        if !is_json(&reply) && reply.status != StatusCode::UNAUTHORIZED {
            // Some roles, and some old versions, have only the proxy.
            path = format!("/api/datasources/proxy/uid/{}/{tail}", source.uid);
            reply = self.http.send(Method::GET, &path, None).await?;
        }
        self.http.judge(&path, &reply)?;
        let body: Value = self.http.decode(&path, &reply)?;
        let values = lookup.read(&body["data"]);
        let mut looked_up = self.looked_up.lock().expect("nobody panics while holding it");
        looked_up.retain(|_, (at, _)| now.since(*at) < FRESH);
        looked_up.insert(key, (now.mono, values.clone()));
        Ok(values)
    }
}

/// A variable as people see it.
fn variable(definition: &Definition, bound: &Bound, options: &[(String, String)]) -> Variable {
    let all = || (Clean::own("All"), Clean::own(ALL));
    let is_all = definition.include_all && bound.texts == ["All"];
    let label = if definition.label.is_empty() { &definition.name } else { &definition.label };
    Variable {
        name: Clean::line(&definition.name),
        label: Clean::line(label),
        setting: definition.setting(),
        is_hidden: definition.hide == 2,
        value: Clean::line(&bound.texts.join(" + ")),
        chosen: if is_all { vec![all().1] } else { bound.values.iter().map(|value| Clean::line(value)).collect() },
        options: (definition.include_all.then(all).into_iter())
            .chain(options.iter().map(|(text, value)| (Clean::line(text), Clean::line(value))))
            .collect(),
    }
}

/// What a Prometheus variable asks for.
#[derive(Debug, PartialEq)]
enum Lookup {
    LabelNames(Option<String>),
    LabelValues { selector: Option<String>, label: String },
    Metrics(String),
    Query(String),
    Series(String),
}

impl Lookup {
    fn parse(query: &str) -> Self {
        let query = query.trim();
        let inside =
            |name: &str| query.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')').map(str::trim);
        if let Some(selector) = inside("label_names") {
            return Self::LabelNames((!selector.is_empty()).then(|| selector.to_owned()));
        }
        if let Some(arguments) = inside("label_values") {
            // The label is the last argument; commas inside braces belong to the selector.
            return match arguments.rsplit_once(',').filter(|(_, label)| !label.contains(['}', ')', '"'])) {
                Some((selector, label)) => Self::LabelValues {
                    selector: Some(selector.trim().to_owned()).filter(|selector| !selector.is_empty()),
                    label: label.trim().to_owned(),
                },
                None => Self::LabelValues { selector: None, label: arguments.to_owned() },
            };
        }
        if let Some(pattern) = inside("metrics") {
            return Self::Metrics(pattern.to_owned());
        }
        if let Some(promql) = inside("query_result") {
            return Self::Query(promql.to_owned());
        }
        Self::Series(query.to_owned())
    }

    fn path(&self) -> String {
        match self {
            Self::LabelNames(_) => "api/v1/labels".to_owned(),
            Self::LabelValues { label, .. } => {
                let label: String = url::form_urlencoded::byte_serialize(label.as_bytes()).collect();
                format!("api/v1/label/{label}/values")
            }
            Self::Metrics(_) => "api/v1/label/__name__/values".to_owned(),
            Self::Query(_) => "api/v1/query".to_owned(),
            Self::Series(_) => "api/v1/series".to_owned(),
        }
    }

    fn path_and_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.parameters() {
            query.append_pair(name, value);
        }
        format!("{}?{}", self.path(), query.finish())
    }

    fn parameters(&self) -> Vec<(&str, &str)> {
        match self {
            Self::LabelNames(Some(selector))
            | Self::LabelValues { selector: Some(selector), .. }
            | Self::Series(selector) => vec![("match[]", selector)],
            Self::Query(promql) => vec![("query", promql)],
            _ => Vec::new(),
        }
    }

    fn read(&self, data: &Value) -> Vec<String> {
        let strings = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        match self {
            Self::LabelNames(_) | Self::LabelValues { .. } => strings(data),
            Self::Metrics(pattern) => {
                let wanted = regex::Regex::new(pattern).ok();
                let names = strings(data).into_iter();
                names.filter(|name| wanted.as_ref().is_none_or(|wanted| wanted.is_match(name))).collect()
            }
            Self::Series(_) => data.as_array().into_iter().flatten().map(metric).collect(),
            Self::Query(_) => data["result"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| {
                    let (at, value) = (item["value"][0].as_f64()?, item["value"][1].as_str()?);
                    Some(format!("{} {value} {}", metric(&item["metric"]), (at * 1_000.0) as i64))
                })
                .collect(),
        }
    }
}

/// `name{label="value"}`
fn metric(labels: &Value) -> String {
    let name = labels["__name__"].as_str().unwrap_or_default();
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}=\"{}\"", value.as_str().unwrap_or_default()))
        .collect();
    format!("{name}{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_prometheus_variables_ask() {
        let values = |selector: Option<&str>, label: &str| Lookup::LabelValues {
            selector: selector.map(str::to_owned),
            label: label.to_owned(),
        };
        assert_eq!(Lookup::parse("label_values(job)"), values(None, "job"));
        assert_eq!(Lookup::parse("label_values(up, job)"), values(Some("up"), "job"));
        assert_eq!(
            Lookup::parse(r#"label_values(up{a=~"x|y",b="c"}, pod)"#),
            values(Some(r#"up{a=~"x|y",b="c"}"#), "pod")
        );
        assert_eq!(Lookup::parse("label_names()"), Lookup::LabelNames(None));
        assert_eq!(Lookup::parse("metrics(http_.*)"), Lookup::Metrics("http_.*".to_owned()));
        let result = Lookup::parse("query_result(topk(1, up))");
        assert_eq!(result, Lookup::Query("topk(1, up)".to_owned()));
        let data = json!({"result": [{"metric": {"__name__": "up", "job": "x"}, "value": [1.5, "1"]}]});
        assert_eq!(result.read(&data), [r#"up{job="x"} 1 1500"#]);
        assert_eq!(Lookup::parse("up{a=\"b\"}"), Lookup::Series("up{a=\"b\"}".to_owned()));
    }
}
