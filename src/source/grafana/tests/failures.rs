//! A Grafana that refuses, answers in part, or is out: what is there is kept, and the rest is said.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{model::alert::AlertState, source::ErrorKind};

#[tokio::test]
async fn good_data_beside_a_failed_query_is_kept() {
    for status in [400, 207] {
        let (_fake, grafana) = with_query(move |_| {
            answer(
                status,
                "application/json",
                &json!({"results": {
                "A": {"status": 200, "frames": [time_frame("a", &json!([1, 2])), {"schema": 5}]},
                "B": {"status": 500, "error": "context deadline exceeded"}}})
                .to_string(),
            )
        })
        .await;
        let data = grafana.panel(&panel_query(2)).await.unwrap();
        assert_eq!(data.series.len(), 1);
        let failures: Vec<_> = data.failures.iter().map(Clean::as_str).collect();
        assert_eq!(failures, ["A: a frame of an unexpected shape", "B: context deadline exceeded"]);
    }
}

#[tokio::test]
async fn whole_failures_are_errors_not_no_data() {
    for (status, body, kind, words) in [
        (200, r#"{"results":{}}"#, ErrorKind::Unexpected, "answered a query without any result"),
        (200, r#"{"results":"#, ErrorKind::Unexpected, "was cut off"),
        (200, "[]", ErrorKind::Unexpected, "without any result"),
        (
            400,
            r#"{"message":"bad request data"}"#,
            ErrorKind::Unexpected,
            "answered 400 for '/api/ds/query': bad request data",
        ),
        (404, r#"{"message":"Data source not found"}"#, ErrorKind::Unexpected, "Data source not found"),
        (403, r#"{"message":"no"}"#, ErrorKind::Auth, "does not allow '/api/ds/query' (403): no"),
        (502, "<html>Bad Gateway</html>", ErrorKind::Unreachable, "not available behind its proxy (502)"),
    ] {
        let (_fake, grafana) = with_query(move |_| answer(status, "application/json", body)).await;
        let error = grafana.panel(&panel_query(2)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}: {error}");
        assert!(error.says.contains(words), "{status}: {error}");
    }
}

#[tokio::test]
async fn a_panel_that_is_gone_is_said() {
    let (_fake, grafana) = with_query(|_| Behaviour::HangUp).await;
    let error = grafana.panel(&panel_query(99)).await.unwrap_err();
    assert_eq!(error.says.as_str(), "Grafana 'main' has no panel 99 in dashboard 'Shop' any more");
}

#[tokio::test]
async fn a_dashboard_that_cannot_be_read_does_not_take_the_others_along() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/dashboards/uid/new" => answer(406, "application/json", r#"{"message":"dashboard api version not supported"}"#),
        "/api/dashboards/uid/converted" => answer(406, "application/json", "{}"),
        "/apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards/converted" => {
            good(&json!({"spec": {"title": "Converted", "panels": [
                {"id": 1, "libraryPanel": {"uid": "lib1", "name": "L"}}, {"id": 2, "libraryPanel": {"uid": "lib2", "name": "M"}}]}}))
        }
        "/api/library-elements/lib1" => good(&json!({"result": {"model": {"type": "gauge", "title": "Shared"}}})),
        _ => usual(asked),
    })
    .await;
    let grafana = grafana(&fake.url, &["new", "shop", "converted", "gone"]);
    let dashboards = grafana.dashboards().await.unwrap();
    assert_eq!(dashboards.iter().map(|d| d.title.as_str()).collect::<Vec<_>>(), ["Shop", "Converted"]);
    let panels = &dashboards[1].panels;
    assert_eq!((panels[0].title.as_str(), &panels[0].kind), ("Shared", &PanelKind::Gauge));
    assert!(panels[1].title == "M" && panels[1].notes[0].contains("library panel 'lib2' is not readable"));
    let info = grafana.info().await.unwrap();
    let notes = info.notes.iter().map(Clean::as_str).collect::<Vec<_>>().join("\n");
    assert!(
        notes.contains("keeps dashboard 'new' in schema v2") && notes.contains("no dashboard 'gone' (404)"),
        "{notes}"
    );
    assert_eq!((info.version.unwrap().as_str(), info.identity.unwrap().as_str()), ("13.2.0", "org Main Org."));
}

#[tokio::test]
async fn a_refused_token_is_said_and_recovers() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    let fake = Fake::start(move |asked| {
        if asked.path == "/api/user" || asked.path == "/api/org" || asked.path.starts_with("/api/prometheus") {
            if count.fetch_add(1, Ordering::Relaxed) < 3 {
                return answer(401, "application/json", r#"{"message":"Invalid API key"}"#);
            }
            if asked.path.starts_with("/api/prometheus") {
                return good(&json!({"data": {"groups": [{"rules": [{"uid": "u", "alerts": [
                    {"labels": {"alertname": "Hi\u{1b}[2J"}, "state": "Alerting", "activeAt": "2026-11-21T02:00:00Z"}]}]}]}}));
            }
        }
        usual(asked)
    })
    .await;
    let grafana = grafana(&fake.url, &["shop"]);
    let error = grafana.info().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(
        error.says.contains("refused who we are (401) for '/api/user': Invalid API key: set the `token`"),
        "{error}"
    );
    assert_eq!(grafana.alerts().await.unwrap_err().kind, ErrorKind::Auth);
    let alerts = grafana.alerts().await.unwrap();
    assert_eq!((alerts[0].name.as_str(), &alerts[0].state), ("Hi", &AlertState::Firing));
    grafana.info().await.unwrap();
}

#[tokio::test]
async fn a_grafana_that_is_out_is_not_asked_for_one_dashboard_after_the_other() {
    let fake = Fake::start(|_| Behaviour::HangUp).await;
    let wanted: Vec<String> = (0..40).map(|n| format!("board-{n}")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let error = grafana(&fake.url, &wanted).dashboards().await.expect_err("it is out");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{}", error.says);
    let asked = fake.asked().iter().filter(|asked| asked.path.contains("/dashboards/uid/")).count();
    assert!((1..=8).contains(&asked), "{asked} dashboards were asked for");
}
