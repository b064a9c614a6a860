//! Which series an expression means. The expressions of the scenario's own panels and rules are known by their text;
//! besides them, a plain selector (`name{label="value"}`), `vector(1)` and numbers are understood.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::demo::{
    scenario::{Metric, QuerySpec, Scenario, ServiceSpec, Span},
    telemetry::{Key, silences::Matcher},
    world::World,
};

/// Seconds over which rates are measured.
const MEASURED: i64 = 60;

/// How old a sample may be to stand for a moment. Shorter than Prometheus' five minutes, as if stale markers were seen.
const LOOKBACK: i64 = 15;

/// The moments asked for, both ends inclusive.
#[derive(Clone, Copy, Debug)]
pub(in crate::demo) struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
    pub step: SignedDuration,
}

impl Range {
    /// As Prometheus' data source makes it: both ends floored to the step.
    pub(in crate::demo) fn aligned(from: Timestamp, to: Timestamp, step: SignedDuration) -> Self {
        let step_ms = step.as_millis().max(1) as i64;
        let floor = |at: Timestamp| {
            Timestamp::from_millisecond(at.as_millisecond().div_euclid(step_ms) * step_ms).unwrap_or(at)
        };
        Self { from: floor(from), to: floor(to), step }
    }

    fn moments(self) -> impl Iterator<Item = Timestamp> {
        let mut next = Some(self.from);
        std::iter::from_fn(move || {
            let at = next.filter(|at| *at <= self.to)?;
            next = at.checked_add(self.step).ok();
            Some(at)
        })
        .take(11_001)
    }
}

/// One series of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::demo) struct Found {
    pub labels: BTreeMap<String, String>,
    pub points: Vec<(Timestamp, f64)>,
}

/// Evaluates an expression; the error is Prometheus' kind of text.
pub(in crate::demo) fn evaluate(world: &World, expr: &str, range: Range) -> Result<Vec<Found>, String> {
    let text = squeezed(expr);
    if text.is_empty() {
        return Err("bad_data: invalid parameter \"query\": 1:1: parse error: no expression found in input".to_owned());
    }
    let specs = world.story.scenario.dashboard.iter().flat_map(|d| &d.panel).flat_map(|p| &p.query);
    for spec in specs {
        if let Some(bound) = bound(&spec.expr, &text) {
            return Ok(answer(world, spec, &bound, range, window(expr)));
        }
    }
    for rule in &world.telemetry.alerts.rules {
        if squeezed(&rule.expr) == text && rule.spec.metric != Metric::Always {
            return Ok(rule
                .service
                .map(|service| whole(world, service, rule.spec.metric, range))
                .into_iter()
                .collect());
        }
    }
    if let Some(number) = constant(&text) {
        let points = range.moments().map(|at| (at, number)).collect();
        return Ok(vec![Found { labels: BTreeMap::new(), points }]);
    }
    selector(world, expr, range)
}

/// Without blanks, and with every window the same.
fn squeezed(expr: &str) -> String {
    let mut text: String = expr.chars().filter(|c| !c.is_whitespace()).collect();
    let mut from = 0;
    while let Some(open) = text[from..].find('[').map(|at| at + from) {
        let Some(close) = text[open..].find(']').map(|at| at + open) else { break };
        text.replace_range(open..=close, "[]");
        from = open + 2;
    }
    text
}

/// The window that things are reckoned over, in seconds: of `rate(x[5m])` 300. Measured here over a minute.
fn window(expr: &str) -> i64 {
    let inside = expr.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inside, _)| inside);
    Span::parse(inside).map_or(MEASURED, |span| span.as_secs() as i64)
}

/// The values that a panel's variables have in this text, if it is that panel's expression.
fn bound(pattern: &str, text: &str) -> Option<BTreeMap<String, String>> {
    let mut regex = "^".to_owned();
    let mut names: Vec<String> = Vec::new();
    let pattern = squeezed(pattern);
    let mut rest = pattern.as_str();
    while let Some(place) = rest.find('$') {
        regex += &regex::escape(&rest[..place]);
        rest = &rest[place + 1..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        names.push(rest[..end].to_owned());
        regex += "([^\"]*)";
        rest = &rest[end..];
    }
    regex += &regex::escape(rest);
    regex += "$";
    if names.is_empty() {
        return (pattern == text).then(BTreeMap::new);
    }
    let found = Regex::new(&regex).ok()?.captures(text)?;
    Some(names.into_iter().zip(found.iter().skip(1).map(|m| m.map_or("", |m| m.as_str()).to_owned())).collect())
}

fn answer(world: &World, spec: &QuerySpec, bound: &BTreeMap<String, String>, range: Range, window: i64) -> Vec<Found> {
    let scenario = &world.story.scenario;
    let namespace = bound.get("namespace");
    let is_of = |service: &&ServiceSpec| namespace.is_none_or(|namespace| *namespace == service.namespace);
    let services = match spec.service.strip_prefix('$') {
        Some(name) => bound.get(name).map(|value| chosen(scenario, value)).unwrap_or_default(),
        None => scenario.service(&spec.service).into_iter().collect(),
    };
    let index = |service: &ServiceSpec| scenario.service.iter().position(|s| std::ptr::eq(s, service));
    let mut found = Vec::new();
    for index in services.into_iter().filter(is_of).filter_map(index) {
        match spec.by {
            Some(_) => found.extend(parts(world, index, spec.metric, range)),
            None => found.push(whole(world, index, spec.metric, range)),
        }
    }
    found.retain(|found| !found.points.is_empty());
    if window > MEASURED {
        for one in &mut found {
            smooth(&mut one.points, window);
        }
    }
    found
}

/// The services that a variable's value means: one, or several as a regular expression has them (`(search|web)`).
fn chosen<'a>(scenario: &'a Scenario, value: &str) -> Vec<&'a ServiceSpec> {
    let several = value.trim_start_matches('(').trim_end_matches(')').replace('\\', "");
    several.split('|').filter_map(|path| scenario.service(path)).collect()
}

/// Means over the window that ends at each point, as far as there are points.
fn smooth(points: &mut [(Timestamp, f64)], window: i64) {
    let measured = points.to_vec();
    for (at, value) in points {
        let since = at.as_second() - (window - MEASURED);
        let within: Vec<f64> = (measured.iter())
            .filter(|(time, _)| time.as_second() >= since && time <= at)
            .map(|(_, value)| *value)
            .collect();
        *value = within.iter().sum::<f64>() / within.len().max(1) as f64;
    }
}

fn whole(world: &World, service: usize, metric: Metric, range: Range) -> Found {
    let spec = &world.story.scenario.service[service];
    let labels = BTreeMap::from([("service".to_owned(), spec.name.clone())]);
    Found { labels, points: points(world, &Key { service, metric, part: None }, range) }
}

fn parts(world: &World, service: usize, metric: Metric, range: Range) -> Vec<Found> {
    let parts: Vec<_> = world.telemetry.series.parts(service, metric).cloned().collect();
    parts
        .into_iter()
        .map(|part| {
            let labels = BTreeMap::from([
                ("version".to_owned(), part.version.clone()),
                ("pod_template_hash".to_owned(), part.hash.clone()),
            ]);
            Found { labels, points: points(world, &Key { service, metric, part: Some(part) }, range) }
        })
        .collect()
}

fn points(world: &World, key: &Key, range: Range) -> Vec<(Timestamp, f64)> {
    let value = |at| world.telemetry.series.at(key, at, LOOKBACK);
    range.moments().filter(|at| *at <= world.now).filter_map(|at| Some((at, value(at)?))).collect()
}

fn constant(text: &str) -> Option<f64> {
    let inner = text.strip_prefix("vector(").and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    inner.split('+').map(|number| number.parse::<f64>().ok()).sum()
}

fn selector(world: &World, expr: &str, range: Range) -> Result<Vec<Found>, String> {
    matching(world, expr, range)
        .ok_or_else(|| format!("execution: the demo world does not know the expression '{}'", expr.trim()))
}

/// The series of `name{label="value",...}`, of which name or braces may be left out; `None`: it is no selector.
pub(super) fn matching(world: &World, expr: &str, range: Range) -> Option<Vec<Found>> {
    let expr = expr.trim();
    let (name, matchers) = match expr.split_once('{') {
        None => (expr, ""),
        Some((name, rest)) => (name.trim(), rest.strip_suffix('}')?),
    };
    let split = matchers.split(',').filter(|text| !text.trim().is_empty());
    let mut matchers: Vec<_> = split.map(Matcher::parse).collect::<Result<_, _>>().ok()?;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':') {
        return None;
    }
    if !name.is_empty() {
        matchers.push(Matcher::new("__name__".to_owned(), name.to_owned(), false, true).ok()?);
    } else if matchers.is_empty() {
        return None;
    }
    let mut found = alerts(world, &matchers, range);
    // A name that nothing exports is no error: it has no series.
    for (metric, name) in Metric::NAMES {
        for (index, service) in world.story.scenario.service.iter().enumerate() {
            let labels = BTreeMap::from([
                ("__name__".to_owned(), name.to_owned()),
                ("cluster".to_owned(), service.cluster.clone()),
                ("namespace".to_owned(), service.namespace.clone()),
                ("service".to_owned(), service.name.clone()),
            ]);
            if matchers.iter().all(|matcher| matcher.matches(&labels)) {
                let series = whole(world, index, metric, range);
                found.extend((!series.points.is_empty()).then_some(Found { labels, ..series }));
            }
        }
    }
    Some(found)
}

/// `ALERTS{...}`: 1 while a rule is pending or firing.
fn alerts(world: &World, matchers: &[Matcher], range: Range) -> Vec<Found> {
    let alerts = &world.telemetry.alerts;
    let mut found = Vec::new();
    for (index, rule) in alerts.rules.iter().enumerate().filter(|(_, rule)| !rule.spec.grafana) {
        for state in ["pending", "firing"] {
            let mut labels = rule.labels.clone();
            labels.insert("__name__".to_owned(), "ALERTS".to_owned());
            labels.insert("alertstate".to_owned(), state.to_owned());
            if !matchers.iter().all(|matcher| matcher.matches(&labels)) {
                continue;
            }
            let moments = range.moments().filter(|at| *at <= world.now && alerts.state_at(index, *at) == state);
            let points: Vec<_> = moments.map(|at| (at, 1.0)).collect();
            if !points.is_empty() {
                found.push(Found { labels, points });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panels_expression_is_known_whatever_its_window_and_blanks() {
        let pattern = r#"sum(rate(x{service="$service",namespace="$namespace"}[$__rate_interval]))"#;
        let asked = r#"sum( rate(x{service="web",namespace="production"}[1m]) )"#;
        let bound = bound(pattern, &squeezed(asked)).unwrap();
        assert_eq!((bound["service"].as_str(), bound["namespace"].as_str()), ("web", "production"));
        assert!(super::bound(pattern, "sum(y)").is_none());
    }

    #[test]
    fn a_longer_window_smooths() {
        assert_eq!([window("rate(x[5m])"), window("rate(x[1m])"), window("x")], [300, 60, 60]);
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut points: Vec<_> = (0..6).map(|minute| (at(minute), if minute < 5 { 0.0 } else { 50.0 })).collect();
        smooth(&mut points, 300);
        assert_eq!(points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [0.0, 0.0, 0.0, 0.0, 0.0, 10.0]);
    }

    #[test]
    fn a_value_may_mean_several_services() {
        let scenario = Scenario::load("default").unwrap();
        let names = |value: &str| chosen(&scenario, value).iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names("web"), names("(search|web)")),
            (vec!["web".to_owned()], vec!["search".to_owned(), "web".to_owned()])
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(["1+1", "vector(1)", "x"].map(constant), [Some(2.0), Some(1.0), None]);
    }
}
