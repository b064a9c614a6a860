//! Template variables put into text: `$name`, `[[name:format]]`, `${name.path:format}`.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;

use super::interval;

/// What a variable stands for when several values, or none in particular, are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// Values in use; with All, every option.
    pub values: Vec<String>,
    /// Their texts, for `:text`.
    pub texts: Vec<String>,
    /// Inserted raw in place of the values: `allValue`, while All is chosen.
    pub raw: Option<String>,
    /// It may hold several: then even one value is escaped as part of a regex.
    pub is_multi: bool,
}

impl Bound {
    pub fn one(value: &str) -> Self {
        Self { values: vec![value.to_owned()], texts: vec![value.to_owned()], ..Self::default() }
    }
}

/// How values are written where the text does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Prometheus and Loki: regex-escaped if it can hold several, else only quotes.
    Prometheus,
    Lucene,
    /// `{a,b}`
    #[default]
    Glob,
    /// `a,b`, for names and addresses.
    Plain,
    /// `A + B`, for titles.
    Text,
}

/// Everything a text's variables may mean.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub variables: BTreeMap<String, Bound>,
    /// `__interval`, `__range_s`, …
    pub built_in: BTreeMap<String, String>,
}

/// A query's time range and step, ms.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub from: i64,
    pub to: i64,
    pub step: i64,
    pub scrape: i64,
}

impl Scope {
    /// The built-in variables of a query.
    pub fn set_timing(&mut self, timing: Timing) {
        let Timing { from, to, step, scrape } = timing;
        let range = to - from;
        let seconds = (range + 500) / 1_000;
        let rate = interval::to_text(interval::rate_interval(step, scrape));
        self.built_in.extend(
            [
                ("__interval", interval::to_text(step)),
                ("__interval_ms", step.to_string()),
                ("__rate_interval", rate),
                ("__rate_interval_ms", interval::rate_interval(step, scrape).to_string()),
                ("__range", format!("{seconds}s")),
                ("__range_s", seconds.to_string()),
                ("__range_ms", range.to_string()),
                ("__from", from.to_string()),
                ("__to", to.to_string()),
                ("__timezone", "utc".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
    }

    /// `text` with what is known put in; unknown names stay as written (`$1` of `label_replace`).
    pub fn expand(&self, text: &str, dialect: Dialect) -> String {
        if !text.contains(['$', '[']) {
            return text.to_owned();
        }
        REFERENCE
            .replace_all(text, |found: &Captures<'_>| {
                let part = |at: usize| found.get(at).map(|part| part.as_str());
                let name = part(1).or(part(2)).or(part(4)).unwrap_or_default();
                let format = part(3).or(part(6));
                self.value(name, format, dialect).unwrap_or_else(|| found[0].to_owned())
            })
            .into_owned()
    }

    /// Every string inside expanded; keys and the names of queries and datasources are not.
    pub fn expand_all(&self, value: &mut Value, dialect: Dialect) {
        match value {
            Value::String(text) => *text = self.expand(text, dialect),
            Value::Array(list) => list.iter_mut().for_each(|item| self.expand_all(item, dialect)),
            Value::Object(map) => {
                for (key, item) in map {
                    if key != "refId" && key != "datasource" {
                        self.expand_all(item, dialect);
                    }
                }
            }
            _ => {}
        }
    }

    fn value(&self, name: &str, format: Option<&str>, dialect: Dialect) -> Option<String> {
        if let Some(bound) = self.variables.get(name) {
            return Some(match (&bound.raw, format) {
                (Some(raw), None | Some("raw")) if dialect != Dialect::Text => {
                    // `allValue` may itself hold variables; its own name would go round for ever.
                    let mut others = self.clone();
                    others.variables.remove(name);
                    others.expand(raw, dialect)
                }
                _ => written(name, bound, format, dialect),
            });
        }
        let value = self.built_in.get(name)?;
        match format {
            Some(format) if name == "__from" || name == "__to" => Some(date(value, format)),
            _ => Some(value.clone()),
        }
    }
}

/// Names of variables that `text` refers to.
pub fn references(text: &str) -> Vec<String> {
    REFERENCE
        .captures_iter(text)
        .filter_map(|found| [1, 2, 4].iter().find_map(|at| found.get(*at)).map(|name| name.as_str().to_owned()))
        .collect()
}

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
        .expect("the pattern is a constant, tested")
});

fn written(name: &str, bound: &Bound, format: Option<&str>, dialect: Dialect) -> String {
    let values = &bound.values;
    let format = format.unwrap_or(match dialect {
        Dialect::Prometheus if bound.is_multi => "prometheus",
        Dialect::Prometheus => "quotes",
        Dialect::Lucene => "lucene",
        Dialect::Glob => "glob",
        Dialect::Plain => "csv",
        Dialect::Text => "text",
    });
    let each = |f: &dyn Fn(&str) -> String| values.iter().map(|value| f(value)).collect::<Vec<_>>();
    let group = |escaped: Vec<String>| match escaped.as_slice() {
        [one] => one.clone(),
        many => format!("({})", many.join("|")),
    };
    match format {
        "raw" | "csv" => values.join(","),
        "pipe" => values.join("|"),
        "regex" => group(each(&|value| escape(value, r"\/^$*+?.()|[]{}", r"\"))),
        "prometheus" => group(each(&|value| escape(value, r"\^$*+?.()|[]{}'", r"\\").replace('"', "\\\""))),
        "quotes" => each(&|value| value.replace('\\', r"\\").replace('"', "\\\"")).join(","),
        "json" => serde_json::to_string(values).unwrap_or_default(),
        "singlequote" => each(&|value| format!("'{}'", value.replace('\'', r"\'"))).join(","),
        "doublequote" => each(&|value| format!("\"{}\"", value.replace('"', "\\\""))).join(","),
        "sqlstring" => each(&|value| format!("'{}'", value.replace('\'', "''"))).join(","),
        "text" => bound.texts.join(" + "),
        "distributed" => values
            .iter()
            .enumerate()
            .map(|(at, value)| if at == 0 { value.clone() } else { format!("{name}={value}") })
            .collect::<Vec<_>>()
            .join(","),
        "lucene" => match values.as_slice() {
            [] => "__empty__".to_owned(),
            [one] => escape(one, LUCENE, r"\"),
            many => {
                let quoted: Vec<_> = many.iter().map(|value| format!("\"{}\"", escape(value, LUCENE, r"\"))).collect();
                format!("({})", quoted.join(" OR "))
            }
        },
        "percentencode" | "uriencode" => {
            let joined = if values.len() == 1 { values[0].clone() } else { format!("{{{}}}", values.join(",")) };
            url::form_urlencoded::byte_serialize(joined.as_bytes()).collect::<String>().replace('+', "%20")
        }
        "queryparam" => each(&|value| {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("var-{name}={value}")
        })
        .join("&"),
        _ => match format.strip_prefix("join:") {
            Some(separator) => values.join(separator),
            None if values.len() == 1 => values[0].clone(),
            None => format!("{{{}}}", values.join(",")),
        },
    }
}

const LUCENE: &str = r#"+-=&|><!(){}[]^"~*?:\/"#;

fn escape(text: &str, special: &str, with: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            escaped.push_str(with);
        }
        escaped.push(c);
    }
    escaped
}

fn date(ms: &str, format: &str) -> String {
    let time = ms.parse().ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    match (time, format) {
        (Some(time), "date:seconds") => time.as_second().to_string(),
        (Some(time), "date" | "date:iso") => time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        _ => ms.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        let several = |values: &[&str]| Bound {
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            texts: values.iter().map(|value| value.to_uppercase()).collect(),
            raw: None,
            is_multi: true,
        };
        scope.variables.insert("pod".to_owned(), several(&["api.1", "web+2"]));
        scope.variables.insert("ns".to_owned(), several(&["shop.eu"]));
        scope.variables.insert("job".to_owned(), Bound::one("a\"b.c"));
        scope.variables.insert("all".to_owned(), Bound { raw: Some(".*".to_owned()), ..several(&["a", "b"]) });
        scope.set_timing(Timing { from: 1_790_000_000_000, to: 1_790_003_600_000, step: 20_000, scrape: 15_000 });
        scope
    }

    #[test]
    fn prometheus_gets_regexes_and_quotes() {
        let expand = |text| scope().expand(text, Dialect::Prometheus);
        assert_eq!(expand(r#"up{pod=~"$pod"}"#), r#"up{pod=~"(api\\.1|web\\+2)"}"#);
        assert_eq!(expand(r#"up{ns=~"[[ns]]"}"#), r#"up{ns=~"shop\\.eu"}"#);
        assert_eq!(expand(r#"up{job="${job}"}"#), r#"up{job="a\"b.c"}"#);
        assert_eq!(expand(r#"up{x=~"$all"}"#), r#"up{x=~".*"}"#);
        assert_eq!(expand("rate(x[$__rate_interval]) $__interval_ms ${__range}"), "rate(x[1m]) 20000 3600s");
        assert_eq!(
            expand(r#"label_replace(up, "a", "$1", "b", "(.*)")"#),
            r#"label_replace(up, "a", "$1", "b", "(.*)")"#
        );
        assert_eq!(expand("$unknown ${unknown:csv} [[unknown]]"), "$unknown ${unknown:csv} [[unknown]]");
    }

    #[test]
    fn formats_that_are_asked_for() {
        let expand = |text| scope().expand(text, Dialect::Glob);
        for (text, expanded) in [
            ("$pod", "{api.1,web+2}"),
            ("$ns", "shop.eu"),
            ("${pod:csv}", "api.1,web+2"),
            ("${pod:pipe}", "api.1|web+2"),
            ("${pod:regex}", r"(api\.1|web\+2)"),
            ("[[pod:json]]", r#"["api.1","web+2"]"#),
            ("${pod:singlequote}", "'api.1','web+2'"),
            ("${pod:distributed}", "api.1,pod=web+2"),
            ("${pod:lucene}", r#"("api.1" OR "web\+2")"#),
            ("${pod:percentencode}", "%7Bapi.1%2Cweb%2B2%7D"),
            ("${pod:queryparam}", "var-pod=api.1&var-pod=web%2B2"),
            ("${pod:text}", "API.1 + WEB+2"),
            ("${pod:join: or }", "api.1 or web+2"),
            ("${pod:nonsense}", "{api.1,web+2}"),
            ("${__from:date:seconds}", "1790000000"),
            ("${__from:date:iso}", "2026-09-21T14:13:20.000Z"),
        ] {
            assert_eq!(expand(text), expanded, "{text}");
        }
    }
}
