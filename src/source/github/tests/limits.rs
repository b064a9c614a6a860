//! Conditional requests and the request budget.

use std::time::Duration;

use super::{
    super::Caller,
    client,
    fake::{Fake, Reply, Seen},
};
use crate::{
    source::{ErrorKind, Fact},
    time::Clock,
};

fn budget(remaining: &str) -> Vec<(&'static str, String)> {
    let reset: jiff::Timestamp = "2026-11-21T03:50:00Z".parse().unwrap();
    vec![
        ("x-ratelimit-limit", "5000".to_owned()),
        ("x-ratelimit-remaining", remaining.to_owned()),
        ("x-ratelimit-reset", reset.as_second().to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
    ]
}

fn with(status: u16, headers: &[(&'static str, String)], body: &str) -> Reply {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Reply::new(status, &headers, body)
}

#[tokio::test]
async fn an_unchanged_answer_is_asked_for_by_its_etag_and_kept() {
    let fake = Fake::start(|seen: &Seen| match seen.header("if-none-match") {
        Some("W/\"v1\"") => Reply::new(304, &[], ""),
        _ => Reply::new(200, &[("etag", "W/\"v1\""), ("link", "</x?page=2>; rel=\"next\"")], r#"{"a":1}"#),
    })
    .await;
    let (client, _) = client(&fake);
    let first = client.get("/x", "x", Caller::Poll).await.unwrap();
    let second = client.get("/x", "x", Caller::Poll).await.unwrap();
    assert!(first.is_new && !second.is_new);
    assert_eq!(first.body, second.body);
    assert_eq!(second.next.as_deref(), Some("/x?page=2"));
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn polls_stop_at_a_tenth_without_asking() {
    let fake = Fake::start(|_| with(200, &budget("400"), "{}")).await;
    let (client, clock) = client(&fake);
    client.get("/x", "x", Caller::Poll).await.unwrap();
    let error = client.get("/x", "x", Caller::Poll).await.err().unwrap().into_error();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_at, Some("2026-11-21T03:50:02Z".parse().unwrap()));
    assert!(error.says.contains("400 of 5000"), "{}", error.says);
    assert_eq!(fake.seen().len(), 1, "the second was not sent");
    client.get("/x", "x", Caller::Person).await.unwrap();
    clock.advance(Duration::from_hours(1));
    client.get("/x", "x", Caller::Poll).await.unwrap();
    let quotas = client.facts().into_iter().filter(|fact| matches!(fact, Fact::Quota(quota) if quota.remaining == 400));
    assert_eq!(quotas.count(), 1);
}

#[tokio::test]
async fn retry_after_is_obeyed_by_all_requests() {
    let fake = Fake::start(|_| with(429, &[("retry-after", "60".to_owned())], r#"{"message":"slow down"}"#)).await;
    let (client, clock) = client(&fake);
    let error = client.get("/x", "x", Caller::Person).await.err().unwrap().into_error();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_at, Some(clock.now().wall + Duration::from_mins(1)));
    assert!(client.get("/y", "y", Caller::Person).await.is_err());
    assert_eq!(fake.seen().len(), 1);
    clock.advance(Duration::from_secs(61));
    assert!(client.get("/y", "y", Caller::Person).await.is_err());
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn a_used_up_hour_comes_as_403() {
    let fake = Fake::start(|_| with(403, &budget("0"), r#"{"message":"API rate limit exceeded"}"#)).await;
    let (client, _) = client(&fake);
    let error = client.get("/x", "x", Caller::Person).await.err().unwrap().into_error();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_at, Some("2026-11-21T03:50:02Z".parse().unwrap()));
}

#[tokio::test]
async fn requests_go_one_after_another() {
    let fake = Fake::start(|_| Reply::new(200, &[], "{}")).await;
    let (client, _) = client(&fake);
    let asked = (0..8).map(|n| {
        let client = client.clone();
        async move { client.get(&format!("/x{n}"), "x", Caller::Poll).await.map(|_| ()) }
    });
    for answer in futures::future::join_all(asked).await {
        answer.unwrap();
    }
    assert_eq!(fake.most_at_once(), 1);
    let paths: Vec<String> = fake.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, (0..8).map(|n| format!("/x{n}")).collect::<Vec<_>>(), "in the order asked");
}

#[tokio::test]
async fn ten_repositories_stay_within_600_requests_an_hour() {
    use serde_json::json;

    use super::super::{DeployRule, PullRequestsSource, RunsSource};
    use crate::source::Source;

    let fake = Fake::start(|seen: &Seen| match (seen.method.as_str(), seen.header("if-none-match")) {
        ("POST", _) => {
            let mut data = json!({"viewer": {"login": "ana"}});
            for index in 0..10 {
                data[format!("r{index}")] = json!({"nameWithOwner": format!("acme/r{index}"), "open": {"nodes": []}});
            }
            Reply::json(&json!({ "data": data }))
        }
        (_, Some(_)) => Reply::new(304, &[], ""),
        _ => Reply::new(200, &[("etag", "\"1\"")], r#"{"workflow_runs":[]}"#),
    })
    .await;
    let (client, _) = client(&fake);
    let repositories: Vec<String> = (0..10).map(|index| format!("acme/r{index}")).collect();
    let mut pulls = PullRequestsSource::new(client.clone(), &repositories, None);
    let mut runs = RunsSource::new(client, &repositories, std::sync::Arc::new(DeployRule::default()), None);
    // A tenth of an hour, at the pace the sources themselves ask for.
    for (source, seconds) in [(&mut pulls as &mut dyn Source, 360), (&mut runs, 360)] {
        let mut passed = Duration::ZERO;
        while passed < Duration::from_secs(seconds) {
            source.next().await.unwrap();
            passed += source.cadence().expected();
        }
    }
    let counted = fake.seen().iter().filter(|seen| seen.header("if-none-match").is_none()).count();
    assert!(counted <= 60, "{counted} counted requests in a tenth of an hour");
}
