//! One panel's data: its queries built as the web page builds them, sent once for all who look, judged per query.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Grafana, Shared,
    dashboard::Loaded,
    datasource::{self, Datasource, Datasources, Resolved},
    drawing::{self, Drawn},
    interpolate::{Dialect, Scope, Timing},
    interval,
    panel::Spec,
};
use crate::{
    model::metric::{Panel, PanelData},
    query::PanelQuery,
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// An answer this young is shared by all who ask the same.
const SHARED_FOR: Duration = Duration::from_secs(5);
/// How many "-- Dashboard --" references are followed.
const MAX_HOPS: usize = 3;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response {
    results: Option<BTreeMap<String, Results>>,
}

/// What came of one query.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Results {
    pub status: Option<u16>,
    pub error: Option<String>,
    pub frames: Option<Vec<Value>>,
}

/// A request, and what is known before it is sent.
#[derive(Default)]
struct Plan {
    queries: Vec<Value>,
    /// In the panel's order; hidden ones are asked for expressions only.
    drawn: Vec<Drawn>,
    failures: Vec<Clean>,
    notices: Vec<Clean>,
    title: Clean,
}

impl Grafana {
    /// A panel's values now.
    pub async fn panel(&self, query: &PanelQuery) -> Result<PanelData, SourceError> {
        let uid = &query.panel.dashboard.uid;
        let loaded = self.dashboard(uid).await?;
        let spec = followed(&loaded, query.panel.id).ok_or_else(|| {
            let what = format!("has no panel {} in dashboard '{}' any more", query.panel.id, loaded.model.title);
            self.http.error(ErrorKind::Unexpected, &what)
        })?;
        let datasources = self.datasources().await;
        let range_seconds = spec.range.unwrap_or(query.range_seconds).max(1);
        let bound = self.bind(&loaded, &datasources, &query.variables, range_seconds).await;
        let to = self.http.server_now().as_millisecond() - spec.shift;
        let from = to - i64::from(range_seconds) * 1_000;
        let points = spec.max_data_points.filter(|points| *points > 0).unwrap_or(i64::from(query.points.max(1)));
        let mut plan = plan(&spec, &datasources, &bound.scope, (from, to), points);
        plan.notices.extend(bound.notes);
        let Some(panel) = loaded.model.panels.iter().find(|panel| panel.key == query.panel) else {
            return Err(self.http.error(ErrorKind::Unexpected, "lost a panel of a dashboard"));
        };
        plan.title = Clean::line(&bound.scope.expand(&panel.title, Dialect::Text));
        if plan.queries.is_empty() {
            return Ok(data(panel, &spec, (from, to), &BTreeMap::new(), plan));
        }
        let (from, to, results) = self.ask(std::mem::take(&mut plan.queries), from, to).await?;
        Ok(data(panel, &spec, (from, to), &results, plan))
    }

    /// Sends the queries, or takes the answer that somebody else just got to the same ones.
    async fn ask(
        &self,
        queries: Vec<Value>,
        from: i64,
        to: i64,
    ) -> Result<(i64, i64, Arc<BTreeMap<String, Results>>), SourceError> {
        let key = format!("{} {}", to - from, serde_json::to_string(&queries).unwrap_or_default());
        let slot = {
            let now = self.clock.now();
            let mut shared = self.shared.lock().expect("nobody panics while holding it");
            // What nobody waits for and is old is forgotten.
            shared.retain(|_, slot| {
                Arc::strong_count(slot) > 1
                    || slot.try_lock().is_ok_and(|slot| {
                        slot.as_ref().is_some_and(|shared: &Shared| now.since(shared.at) < SHARED_FOR)
                    })
            });
            shared.entry(key).or_default().clone()
        };
        let mut slot = slot.lock().await;
        if let Some(shared) = slot.as_ref()
            && self.clock.now().since(shared.at) < SHARED_FOR
        {
            return Ok((shared.from, shared.to, shared.results.clone()));
        }
        *slot = None;
        let _turn = self.gate.acquire().await;
        let kind = queries[0]["datasource"]["type"].as_str().unwrap_or_default();
        let path = format!("/api/ds/query?ds_type={kind}");
        let body = json!({"from": from.to_string(), "to": to.to_string(), "queries": queries});
        let reply = self.http.send(Method::POST, &path, Some(self.http.encode(&body)?)).await?;
        // 400 and 207 are the statuses of good data beside a failed query: the body decides.
        let judged = self.http.judge(&path, &reply);
        let response: Response = match self.http.decode(&path, &reply) {
            Ok(response) => response,
            Err(unreadable) => return Err(judged.err().unwrap_or(unreadable)),
        };
        let Some(results) = response.results.filter(|results| !results.is_empty()).map(Arc::new) else {
            judged?;
            return Err(self.http.error(ErrorKind::Unexpected, "answered a query without any result"));
        };
        *slot = Some(Shared { at: self.clock.now().mono, from, to, results: results.clone() });
        Ok((from, to, results))
    }
}

/// The panel's own queries, or those of the panel whose result it reuses.
fn followed(loaded: &Loaded, id: i64) -> Option<Spec> {
    let own = loaded.specs.get(&id)?;
    let mut spec = own.clone();
    for _ in 0..MAX_HOPS {
        if spec.datasource["uid"].as_str() != Some("-- Dashboard --") {
            break;
        }
        let other = loaded.specs.get(&spec.targets.first()?["panelId"].as_i64()?)?;
        spec.datasource = other.datasource.clone();
        spec.targets.clone_from(&other.targets);
    }
    Some(spec)
}

fn plan(spec: &Spec, datasources: &Datasources, scope: &Scope, (from, to): (i64, i64), points: i64) -> Plan {
    let mut plan = Plan::default();
    let is_hidden = |target: &Value| target["hide"].as_bool().unwrap_or(false);
    let resolve = |target: &Value| match datasources.resolve(&spec.datasource, scope) {
        // A panel's own datasource is only a default for its targets.
        panel if target["datasource"].is_null() => panel,
        _ => datasources.resolve(&target["datasource"], scope),
    };
    let computes = spec.targets.iter().any(|target| !is_hidden(target) && resolve(target) == Resolved::Expression);
    for (nth, target) in spec.targets.iter().enumerate() {
        let letter = char::from(b'A' + (nth % 26) as u8).to_string();
        let ref_id = target["refId"].as_str().map_or(letter, str::to_owned);
        if is_hidden(target) && !computes {
            continue;
        }
        let mut fail = |why: &str| plan.failures.push(Clean::line(&format!("{ref_id}: {why}")));
        let query = match resolve(target) {
            Resolved::Known(source) => {
                let own = spec.interval.as_deref().map(|text| scope.expand(text, Dialect::Plain));
                query(target, &source, scope, &Request { ref_id: &ref_id, from, to, points, least: own.as_deref() })
            }
            Resolved::Expression => {
                let mut query = target.clone();
                scope.expand_expressions(&mut query);
                query["refId"] = json!(ref_id);
                query["datasource"] = json!({"type": "__expr__", "uid": "__expr__"});
                query
            }
            Resolved::Unknown(name) => {
                fail(&format!("its datasource '{name}' is not known"));
                continue;
            }
            Resolved::BuiltIn => {
                fail("Grafana's own data is not read");
                continue;
            }
            Resolved::Mixed | Resolved::Dashboard => {
                fail("it names no datasource");
                continue;
            }
        };
        if !is_hidden(target) {
            let is_table = target["format"].as_str() == Some("table")
                && query["datasource"]["type"].as_str() == Some("prometheus");
            plan.drawn.push(Drawn { ref_id, is_table });
        }
        plan.queries.push(query);
    }
    if spec.targets.is_empty() {
        plan.notices.push(Clean::own("this panel asks for nothing"));
    }
    plan
}

impl Scope {
    /// Only the dashboard's variables: `$A` in an expression is a query, unless a variable has that very name.
    fn expand_expressions(&self, query: &mut Value) {
        self.expand_all(query, Dialect::Plain);
    }
}

struct Request<'a> {
    ref_id: &'a str,
    from: i64,
    to: i64,
    points: i64,
    /// The panel's own smallest interval.
    least: Option<&'a str>,
}

/// The target as stored, variables put in, with the step the web page would ask for.
fn query(target: &Value, source: &Datasource, scope: &Scope, request: &Request<'_>) -> Value {
    let dialect = source.dialect();
    let range = request.to - request.from;
    let is_prometheus = source.kind == "prometheus";
    let of_source = source.time_interval.as_deref().and_then(interval::parse);
    let least = request.least.and_then(interval::parse).or(of_source).unwrap_or(if is_prometheus {
        interval::SCRAPE
    } else {
        1
    });
    let interval_ms = interval::interval(range, request.points, least);
    let min_step = target["interval"].as_str().and_then(|text| interval::parse(&scope.expand(text, Dialect::Plain)));
    let factor = target["intervalFactor"].as_i64().unwrap_or(1);
    let step = if is_prometheus { interval::step(interval_ms, min_step, range, factor) } else { interval_ms };
    let scrape = min_step.or(of_source).unwrap_or(interval::SCRAPE);
    let mut scope = scope.clone();
    scope.set_timing(Timing { from: request.from, to: request.to, step, scrape });
    let mut query = target.clone();
    if !query.is_object() {
        query = json!({});
    }
    scope.expand_all(&mut query, dialect);
    query["refId"] = json!(request.ref_id);
    query["datasource"] = datasource::reference(source);
    query["intervalMs"] = json!(interval_ms);
    query["maxDataPoints"] = json!(request.points);
    if is_prometheus {
        query["exemplar"] = json!(false);
        query["utcOffsetSec"] = json!(0);
        // Files of before version 9 say neither; a range is what they meant.
        if query["instant"].as_bool() != Some(true) && query["range"].is_null() {
            query["range"] = json!(true);
        }
    }
    query
}

fn data(
    panel: &Panel,
    spec: &Spec,
    (from, to): (i64, i64),
    results: &BTreeMap<String, Results>,
    plan: Plan,
) -> PanelData {
    let mut data = PanelData {
        key: panel.key.clone(),
        title: plan.title,
        from,
        to,
        series: Vec::new(),
        more_series: 0,
        reduced: Vec::new(),
        table: None,
        failures: plan.failures,
        notices: plan.notices,
    };
    let frames = drawing::frames(&plan.drawn, results, &mut data);
    drawing::draw(panel, spec, frames, &mut data);
    // A hidden query may fail too, and an expression with it.
    for (ref_id, result) in results {
        let failed = result
            .error
            .clone()
            .filter(|error| !error.is_empty())
            .or_else(|| result.status.filter(|status| *status >= 400).map(|status| format!("answered {status}")));
        if let Some(error) = failed {
            data.failures.push(Clean::line(&format!("{ref_id}: {error}")));
        }
    }
    data.notices.dedup();
    data
}
