//! Which columns an override or a transformation means: `fieldConfig.overrides[].matcher`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    frame::{Field, Frame, Kind},
    pattern::Pattern,
    reduce::reduce,
};

/// `None` of [`Matcher::parse`]: one Grafana does not have.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Column or displayed name.
    Names {
        names: BTreeSet<String>,
        excludes: bool,
    },
    Pattern(Option<Pattern>),
    PatternOrNames(Option<Pattern>, BTreeSet<String>),
    Query(String),
    Kinds(Vec<String>),
    First,
    FirstTime,
    Value {
        calc: String,
        op: String,
        wanted: Value,
    },
}

/// A column, and what a matcher must know of it.
#[derive(Clone, Copy)]
pub struct Candidate<'f> {
    pub frame: &'f Frame,
    pub at: usize,
    /// As it is displayed.
    pub name: &'f str,
}

impl Candidate<'_> {
    fn field(&self) -> &Field {
        &self.frame.fields[self.at]
    }
}

impl Matcher {
    /// `{id, options}`
    pub fn parse(matcher: &Value) -> Option<Self> {
        let options = &matcher["options"];
        let text = || options.as_str().unwrap_or_default().to_owned();
        Some(match matcher["id"].as_str()? {
            "byName" => Self::Names { names: BTreeSet::from([text()]), excludes: false },
            "byNames" => {
                Self::Names { names: names(&options["names"]), excludes: options["mode"].as_str() == Some("exclude") }
            }
            "byRegexp" => Self::Pattern(Pattern::parse(&text())),
            "byRegexpOrNames" => Self::PatternOrNames(
                Pattern::parse(options["pattern"].as_str().unwrap_or_default()),
                names(&options["names"]),
            ),
            "byFrameRefID" => Self::Query(text()),
            "byType" => Self::Kinds(vec![text()]),
            "byTypes" => Self::Kinds(names(options).into_iter().collect()),
            "numeric" => Self::Kinds(vec!["number".to_owned()]),
            "time" => Self::Kinds(vec!["time".to_owned()]),
            "first" => Self::First,
            "firstTimeField" => Self::FirstTime,
            "byValue" => Self::Value {
                calc: options["reducer"].as_str().unwrap_or_default().to_owned(),
                op: options["op"].as_str().unwrap_or("eq").to_owned(),
                wanted: options["value"].clone(),
            },
            _ => return None,
        })
    }

    pub fn is_hit(&self, candidate: Candidate<'_>) -> bool {
        let field = candidate.field();
        match self {
            Self::Names { names, excludes } => is_named(names, candidate) != *excludes,
            Self::Pattern(pattern) => pattern.as_ref().is_some_and(|pattern| pattern.is_match(candidate.name)),
            Self::PatternOrNames(pattern, names) => {
                is_named(names, candidate) || pattern.as_ref().is_some_and(|pattern| pattern.is_match(candidate.name))
            }
            Self::Query(ref_id) => candidate.frame.ref_id == *ref_id,
            Self::Kinds(kinds) => kinds.iter().any(|kind| kind == field.kind.word()),
            Self::First => candidate.at == 0,
            Self::FirstTime => {
                candidate.frame.fields.iter().position(|field| field.kind == Kind::Time) == Some(candidate.at)
            }
            Self::Value { calc, op, wanted } => {
                let value = reduce(calc, &field.numbers());
                match calc.as_str() {
                    "" => false,
                    "allIsNull" | "allIsZero" => value == Some(1.0),
                    _ => compare(value, op, wanted),
                }
            }
        }
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn is_named(names: &BTreeSet<String>, candidate: Candidate<'_>) -> bool {
    let field = candidate.field();
    names.contains(&field.name)
        || names.contains(candidate.name)
        // `Value` was the name before the metric's own stood there, `Time` that of any column of times.
        || names.contains("Value") && field.labels.get("__name__") == Some(&field.name)
        || (names.contains("Time") || names.contains("time")) && !names.contains("Value") && field.kind == Kind::Time
}

/// As the page compares: nothing equals only nothing, and what is no number is smaller and larger than none.
pub fn compare(left: Option<f64>, op: &str, right: &Value) -> bool {
    let wanted = match right {
        Value::String(text) => text.trim().parse().ok(),
        _ => right.as_f64(),
    };
    let (Some(left), Some(wanted)) = (left, wanted) else {
        let is_same = left.is_none() && right.is_null();
        return match op {
            "eq" | "gte" | "lte" => is_same,
            "neq" => !is_same,
            _ => false,
        };
    };
    match op {
        "eq" => left.partial_cmp(&wanted).is_some_and(std::cmp::Ordering::is_eq),
        "neq" => !left.partial_cmp(&wanted).is_some_and(std::cmp::Ordering::is_eq),
        "gt" => left > wanted,
        "gte" => left >= wanted,
        "lt" => left < wanted,
        "lte" => left <= wanted,
        _ => false,
    }
}
