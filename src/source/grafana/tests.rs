//! Against a small Grafana that answers as told.

mod failures;
mod on_demo;

use std::sync::Arc;

use serde_json::{Value, json};

use super::Grafana;
use crate::{
    config::file,
    model::{
        BackendId, Part,
        metric::{DashboardKey, PanelKey, PanelKind, Setting},
    },
    query::{Answer, PanelQuery, Query, VariablesQuery},
    secret::Secret,
    source::{
        AnswerSink, Fact, Reader,
        http::fake::{Asked, Behaviour, Fake, answer, json as good},
        severity::Severities,
    },
    text::Clean,
    time::SystemClock,
};

fn grafana(url: &str, dashboards: &[&str]) -> Arc<Grafana> {
    let config = file::Grafana {
        name: "main".to_owned(),
        url: url.to_owned(),
        dashboards: dashboards.iter().map(|uid| (*uid).to_owned()).collect(),
        ..Default::default()
    };
    let token = Some(Secret::new("glsa_x"));
    Grafana::new(&config, token, Severities::default(), file::Timeouts::default(), Arc::new(SystemClock), None).unwrap()
}

fn panel_query(id: i64) -> PanelQuery {
    let dashboard = DashboardKey { backend: BackendId::new("main"), uid: Clean::line("shop") };
    PanelQuery { panel: PanelKey { dashboard, id }, range_seconds: 3_600, points: 180, variables: Vec::new() }
}

fn shop() -> Value {
    let prometheus = json!({"type": "prometheus", "uid": "${ds}"});
    json!({"meta": {"url": "/d/shop/shop"}, "dashboard": {
    "title": "Shop", "time": {"from": "now-3h", "to": "now"}, "refresh": "1m", "schemaVersion": "39",
    "templating": {"list": [
        {"name": "pod", "type": "query", "datasource": prometheus, "multi": true, "includeAll": true,
         "query": {"query": "label_values(up{job=\"$job\"}, pod)", "refId": "x"}, "current": {"value": ["$__all"]}},
        {"name": "job", "type": "custom", "query": "web,api", "current": {"value": "api"}},
        {"name": "ds", "type": "datasource", "query": "prometheus", "current": {"value": "default"}},
    ]},
    "panels": [
        {"id": 3, "type": "row", "title": "Inside $job", "collapsed": true, "gridPos": {"y": 20}, "panels": [
            {"id": 4, "type": "table", "title": "Deep", "targets": [], "transformations": [{"id": "merge"}]}]},
        {"id": 2, "type": "stat", "title": "State", "gridPos": {"x": 12, "y": 0}, "datasource": "Prom",
         "fieldConfig": {"defaults": {"unit": "percentunit", "decimals": null, "noValue": "none",
            "thresholds": {"mode": "absolute", "steps": [{"value": null, "color": "green"}, {"value": 0.05, "color": "red"}]},
            "mappings": [{"type": "value", "options": {"1": {"text": "ALL", "color": "red"}}},
                {"type": "range", "options": {"from": 2, "to": 3, "result": {"color": "orange"}}}]},
          "overrides": [{"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "unit", "value": "s"}]}]},
         "options": {"reduceOptions": {"calcs": ["max"]}},
         "targets": [{"refId": "A", "expr": "errors", "instant": true}]},
        {"id": 1, "type": "timeseries", "title": "Rate of $pod", "gridPos": {"x": 0, "y": 0}, "datasource": null,
         "targets": [
            {"refId": "A", "datasource": prometheus, "expr": "sum by (pod) (rate(http{pod=~\"$pod\"}[$__rate_interval]))",
             "legendFormat": "{{pod}}"},
            {"refId": "B", "datasource": prometheus, "expr": "x", "hide": true},
            {"refId": "C", "datasource": {"uid": "gone"}, "expr": "y"}]},
        {"id": 5, "type": "singlestat", "title": "Old", "gridPos": {"y": 30}, "format": "ms", "thresholds": "80,90",
         "colors": ["green", "orange", "red"], "valueName": "avg", "repeat": "pod", "timeFrom": "24h"},
        "nonsense", {"id": "seven"}
    ]}})
}

fn time_frame(name: &str, values: &Value) -> Value {
    json!({"schema": {"refId": "A", "fields": [
        {"name": "Time", "type": "time", "config": {"interval": 20000}},
        {"name": "Value", "type": "number", "labels": {"pod": name}, "config": {"displayNameFromDS": name}}]},
        "data": {"values": [[1_790_000_000_000_i64, 1_790_000_020_000_i64], values]}})
}

/// What a healthy Grafana answers to everything but queries.
fn usual(asked: &Asked) -> Behaviour {
    match asked.path.split('?').next().unwrap() {
        "/api/dashboards/uid/shop" => good(&shop()),
        "/api/datasources" => good(&json!([
            {"uid": "p1", "name": "Prom", "type": "prometheus", "isDefault": true, "jsonData": {"timeInterval": "30s"}},
            {"uid": "l1", "name": "Loki", "type": "loki"}])),
        "/api/datasources/uid/p1/resources/api/v1/label/pod/values" => {
            assert!(asked.path.contains("match%5B%5D=up%7Bjob%3D%22api%22%7D"), "{}", asked.path);
            good(&json!({"status": "success", "data": ["api.1", "api.2"]}))
        }
        "/api/health" => good(&json!({"database": "ok", "version": "13.2.0"})),
        "/api/user" => answer(404, "application/json", r#"{"message":"user not found"}"#),
        "/api/org" => good(&json!({"id": 1, "name": "Main Org."})),
        "/api/search" => good(&json!([{"uid": "shop", "title": "Shop"}])),
        _ => answer(404, "application/json", r#"{"message":"Not found"}"#),
    }
}

async fn with_query(query: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> (Fake, Arc<Grafana>) {
    let fake =
        Fake::start(move |asked| if asked.is("POST", "/api/ds/query") { query(asked) } else { usual(asked) }).await;
    let grafana = grafana(&fake.url, &["shop"]);
    (fake, grafana)
}

#[tokio::test]
async fn a_dashboard_is_read_in_reading_order_with_its_variables() {
    let fake = Fake::start(usual).await;
    // None is named: the starred ones.
    let dashboards = grafana(&fake.url, &[]).dashboards().await.unwrap();
    let shop = &dashboards[0];
    assert_eq!((shop.title.as_str(), shop.range_seconds), ("Shop", 3 * 3600));
    assert_eq!(shop.url.as_str(), format!("{}/d/shop", fake.url));
    let titles: Vec<_> = shop.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, ["Rate of All", "", "State", "Deep", "Old (last 24h)"], "what is no panel is left out");
    let of = |title: &str| shop.panels.iter().find(|panel| panel.title.starts_with(title)).unwrap();
    assert_eq!((of("Deep").row.as_ref().unwrap().as_str(), of("Deep").is_collapsed), ("Inside api", true));
    assert!(!of("Old").is_collapsed);
    assert_eq!(of("Deep").kind, PanelKind::Table);
    assert_eq!(of("Deep").notes[0].as_str(), "transformation 'merge' is not applied");
    assert_eq!(of("State").kind, PanelKind::Stat);
    assert_eq!((of("State").scale.unit.id.as_str(), of("State").scale.unit.decimals), ("percentunit", None));
    assert_eq!(of("State").limit(), Some(0.05));
    assert_eq!(of("Old").scale.unit.id.as_str(), "ms");
    assert_eq!(
        of("Old").scale.thresholds.iter().map(|step| step.value).collect::<Vec<_>>(),
        [None, Some(80.0), Some(90.0)]
    );
    assert!(of("Old").notes[0].contains("repeated for each 'pod'"));
    let variables: Vec<_> =
        shop.variables.iter().map(|v| (v.name.as_str(), v.value.as_str(), v.options.len())).collect();
    assert_eq!(variables, [("pod", "All", 3), ("job", "api", 2), ("ds", "Prom", 1)]);
}

#[tokio::test]
async fn a_panel_asks_what_the_web_page_asks() {
    let (fake, grafana) =
        with_query(|_| good(&json!({"results": {"A": {"frames": [time_frame("a", &json!([1, 2]))]}}}))).await;
    let data = grafana.panel(&panel_query(1)).await.unwrap();
    assert_eq!(data.series[0].name.as_str(), "a");
    assert_eq!(data.series[0].points[1], (1_790_000_020_000, Some(2.0)));
    assert_eq!(data.failures, [Clean::own("C: its datasource 'gone' is not known")]);
    let asked = fake.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
    let body = asked.json();
    let (from, to): (i64, i64) =
        (body["from"].as_str().unwrap().parse().unwrap(), body["to"].as_str().unwrap().parse().unwrap());
    assert_eq!((to - from, data.from, data.to), (3_600_000, from, to));
    assert_eq!(body["queries"].as_array().unwrap().len(), 1, "hidden and unknown ones are not sent");
    let query = &body["queries"][0];
    assert_eq!(query["expr"], json!(r#"sum by (pod) (rate(http{pod=~"(api\\.1|api\\.2)"}[2m]))"#));
    assert_eq!(query["datasource"], json!({"type": "prometheus", "uid": "p1"}));
    assert_eq!((&query["intervalMs"], &query["maxDataPoints"]), (&json!(30_000), &json!(180)));
    assert_eq!((&query["range"], &query["legendFormat"]), (&json!(true), &json!("{{pod}}")));

    let set = PanelQuery { variables: vec![(Clean::own("pod"), Clean::own("api.2"))], ..panel_query(1) };
    grafana.panel(&set).await.unwrap();
    let asked = fake.asked().into_iter().rfind(|asked| asked.method == "POST").unwrap();
    assert!(asked.json()["queries"][0]["expr"].as_str().unwrap().contains(r#"pod=~"api\\.2""#));
}

/// `pod` depends on `job`: another job has other pods, and a pod chosen before that it does not have is dropped.
#[tokio::test]
async fn a_choice_changes_what_its_dependants_offer() {
    let fake = Fake::start(|asked| {
        if asked.is("POST", "/api/ds/query") {
            return good(&json!({"results": {"A": {"frames": [time_frame("a", &json!([1, 2]))]}}}));
        }
        if asked.path.contains("/label/pod/values") {
            let pods =
                if asked.path.contains("%22web%22") { json!(["web.1", "web.2"]) } else { json!(["api.1", "api.2"]) };
            return good(&json!({"status": "success", "data": pods}));
        }
        usual(asked)
    })
    .await;
    let grafana = grafana(&fake.url, &["shop"]);
    let set = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| (Clean::own(*n), Clean::own(*v))).collect::<Vec<_>>();
    let dashboard = panel_query(1).panel.dashboard;
    let offered = async |variables: Vec<(Clean, Clean)>| {
        let query = VariablesQuery { dashboard: dashboard.clone(), range_seconds: 3_600, variables };
        let found = grafana.variables(&query).await.unwrap();
        let pod = found.list.into_iter().find(|variable| variable.name == "pod").unwrap();
        assert_eq!(pod.setting, Setting::Many);
        let options = pod.options.iter().map(|(text, _)| text.to_string()).collect::<Vec<_>>().join(" ");
        (options, pod.value.to_string(), pod.chosen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    let is = |options: &str, value: &str, chosen: &str| (options.to_owned(), value.to_owned(), chosen.to_owned());
    assert_eq!(offered(Vec::new()).await, is("All api.1 api.2", "All", "$__all"));
    assert_eq!(offered(set(&[("job", "web")])).await, is("All web.1 web.2", "All", "$__all"));
    let two = set(&[("pod", "web.1"), ("pod", "web.2"), ("job", "web")]);
    assert_eq!(offered(two.clone()).await, is("All web.1 web.2", "web.1 + web.2", "web.1 web.2"));
    assert_eq!(offered(set(&[("pod", "api.1"), ("job", "web")])).await.1, "All", "web has no such pod");
    let data = grafana.panel(&PanelQuery { variables: two, ..panel_query(1) }).await.unwrap();
    assert_eq!(data.title.as_str(), "Rate of web.1 + web.2");
    let asked = fake.asked().into_iter().rfind(|asked| asked.method == "POST").unwrap();
    assert!(asked.json()["queries"][0]["expr"].as_str().unwrap().contains(r#"pod=~"(web\\.1|web\\.2)""#));
}

#[tokio::test]
async fn identical_questions_are_asked_once() {
    let (fake, grafana) =
        with_query(|_| good(&json!({"results": {"A": {"frames": [time_frame("a", &json!([1, 2]))]}}}))).await;
    grafana.dashboards().await.unwrap();
    let query = panel_query(2);
    let (one, two, three) = tokio::join!(grafana.panel(&query), grafana.panel(&query), grafana.panel(&query));
    assert_eq!((one.clone().unwrap(), one.unwrap()), (two.unwrap(), three.unwrap()));
    assert_eq!(fake.asked().iter().filter(|asked| asked.method == "POST").count(), 1);
}

#[tokio::test]
async fn values_are_reduced_and_written_as_the_panel_says() {
    for (values, value, text, color) in [
        (json!([0.02, 0.125]), Some(0.125), "12.5%", None),
        (json!([0.5, 1]), Some(1.0), "ALL", Some("red")),
        (json!([0.5, 2]), Some(2.0), "200%", Some("orange")),
        (json!([null, null]), None, "none", None),
    ] {
        let frames = json!({"results": {"A": {"frames": [time_frame("a", &values)]}}});
        let (_fake, grafana) = with_query(move |_| good(&frames)).await;
        let data = grafana.panel(&panel_query(2)).await.unwrap();
        let [reduced] = data.reduced.as_slice() else { panic!("one series: {:?}", data.reduced) };
        assert_eq!((reduced.value, reduced.text.as_str(), reduced.color.as_deref()), (value, text, color), "{values}");
    }
    let (_fake, grafana) = with_query(|_| good(&json!({"results": {"A": {"frames": []}}}))).await;
    let data = grafana.panel(&panel_query(2)).await.unwrap();
    assert_eq!((data.value(), data.text(), data.series.len()), (None, "none", 0));
}

#[tokio::test]
async fn each_series_is_reduced_by_itself() {
    let frames =
        [time_frame("a", &json!([0.5, 0.25])), time_frame("b", &json!([1, null])), time_frame("c", &json!([]))];
    let body = json!({"results": {"A": {"frames": frames}}});
    let (_fake, grafana) = with_query(move |_| good(&body)).await;
    let data = grafana.panel(&panel_query(2)).await.unwrap();
    let texts: Vec<_> = data.reduced.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["50%", "ALL", "none"]);
}

#[tokio::test]
async fn many_series_are_capped_and_counted() {
    let frames: Vec<Value> = (0..75).map(|n| time_frame(&format!("pod-{n}"), &json!([n, n]))).collect();
    let body = json!({"results": {"A": {"frames": frames}}});
    let (_fake, grafana) = with_query(move |_| good(&body)).await;
    let data = grafana.panel(&panel_query(2)).await.unwrap();
    assert_eq!((data.series.len(), data.more_series), (50, 25));
}

#[tokio::test]
async fn the_reader_answers_until_nobody_looks() {
    let (_fake, grafana) =
        with_query(|_| good(&json!({"results": {"A": {"frames": [time_frame("a", &json!([1, 2]))]}}}))).await;
    let query = Query::Panel(panel_query(2));
    let (to, mut answers) = tokio::sync::mpsc::channel(1);
    let sink = AnswerSink { query: query.clone(), generation: 7, clock: Arc::new(SystemClock), to };
    let reading = grafana.read(&query, sink);
    tokio::pin!(reading);
    let answered = tokio::select! {
        () = &mut reading => panic!("it goes on while somebody looks"),
        answered = answers.recv() => answered.unwrap(),
    };
    assert_eq!(answered.generation, 7);
    assert!(matches!(answered.body, Ok(Answer::Panel(data)) if data.text() == "200%"));
}

#[tokio::test]
async fn sources_report_facts_and_missing_rights_are_notes() {
    let fake = Fake::start(|asked| match asked.path.split('?').next().unwrap() {
        "/api/annotations" => good(&json!([
            {"id": 2, "time": 1_790_000_000_000_i64, "timeEnd": 1_790_000_060_000_i64, "text": "deploy\nv2", "tags": ["deploy"], "dashboardUID": "shop"},
            {"id": 1, "time": 1_780_000_000_000_i64, "timeEnd": 1_780_000_000_000_i64, "text": "", "alertName": "High", "newState": "Alerting"},
            {"id": 3}])),
        "/api/prometheus/grafana/api/v1/rules" => answer(403, "application/json", "{}"),
        _ => usual(asked),
    })
    .await;
    let grafana = grafana(&fake.url, &["shop"]);
    let mut sources = grafana.sources();
    assert_eq!(
        sources.iter().map(|s| s.id().part).collect::<Vec<_>>(),
        [Part::Health, Part::Dashboards, Part::Annotations, Part::Alerts]
    );
    let annotations = sources[2].next().await.unwrap();
    let [Fact::Annotations(list)] = annotations.as_slice() else { panic!("{annotations:?}") };
    assert_eq!(
        list.iter().map(|a| (a.id, a.text.as_str())).collect::<Vec<_>>(),
        [(1, "High: alerting"), (2, "deploy\nv2")]
    );
    assert!(list[0].end.is_none() && list[1].end.is_some());
    assert_eq!(sources[3].next().await.unwrap(), [Fact::Alerts { list: Vec::new(), groups: Vec::new() }]);
    let health = sources[0].next().await.unwrap();
    assert!(
        matches!(&health[..], [Fact::Info(info)] if info.notes[0].contains("its token may not (403)")),
        "{health:?}"
    );
}
