//! Servers that answer badly or not at all: each failure has its kind and its words, and the next request works.

use super::{
    super::Caller,
    TOKEN, client, client_with,
    fake::{Fake, Reply},
};
use crate::source::{ErrorKind, SourceError};

async fn fail(reply: impl Fn() -> Reply + Send + Sync + 'static) -> SourceError {
    let fake = Fake::start(move |_| reply()).await;
    let (client, _) = client_with(&fake, |settings| settings.body_cap = 1024 * 1024);
    client.read::<serde_json::Value>("/repos/acme/api", "'acme/api'", Caller::Person).await.unwrap_err().into_error()
}

#[tokio::test]
async fn every_request_introduces_itself() {
    let fake = Fake::start(|_| Reply::new(200, &[], "{}")).await;
    let (client, _) = client(&fake);
    client.read::<serde_json::Value>("/repos/acme/api", "x", Caller::Person).await.unwrap();
    let seen = &fake.seen()[0];
    assert_eq!(seen.path, "/repos/acme/api");
    assert_eq!(seen.header("user-agent"), Some(concat!("midwatch/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.header("x-github-api-version"), Some("2022-11-28"));
    assert_eq!(seen.header("accept"), Some("application/vnd.github+json"));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
}

#[tokio::test]
async fn a_dead_server_is_unreachable() {
    let fake = Fake::start(|_| Reply::hang()).await;
    let (client, _) = client(&fake);
    drop(fake);
    // The listener closes when its task is gone.
    let error = loop {
        tokio::task::yield_now().await;
        let error = client.get("/x", "x", Caller::Person).await.err().unwrap().into_error();
        if error.kind != ErrorKind::TimedOut {
            break error;
        }
    };
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.says.to_lowercase().contains("refused"), "{}", error.says);
}

#[tokio::test]
async fn silence_before_and_during_the_body_times_out() {
    assert_eq!(fail(Reply::hang).await.kind, ErrorKind::TimedOut);
    let whole = Reply::new(200, &[], r#"{"name":"api"}"#);
    let keep = whole.len() - 5;
    let error = fail(move || whole.clone().cut(keep, true)).await;
    assert_eq!(error.kind, ErrorKind::TimedOut, "{}", error.says);
    assert!(error.says.contains("went silent"), "{}", error.says);
}

#[tokio::test]
async fn cut_off_answers_say_so() {
    let whole = Reply::new(200, &[], r#"{"name":"api"}"#);
    let keep = whole.len() - 5;
    let error = fail(move || whole.clone().cut(keep, false)).await;
    assert_eq!(error.kind, ErrorKind::Unexpected, "{}", error.says);
    assert!(error.says.contains("broke off"), "{}", error.says);
    let error = fail(|| Reply::new(200, &[], r#"{"name":"a"#)).await;
    assert!(error.says.contains("it is cut off"), "{}", error.says);
}

#[tokio::test]
async fn a_huge_answer_is_given_up() {
    let error = fail(|| Reply::new(200, &[], vec![b' '; 1024 * 1024 + 1])).await;
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert!(error.says.contains("longer than 1 MiB"), "{}", error.says);
}

#[tokio::test]
async fn web_pages_are_no_data() {
    let page = || Reply::new(200, &[("content-type", "text/html")], "<html>Log in</html>");
    let error = fail(page).await;
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.says.contains("web page (HTTP 200)"), "{}", error.says);
    let error = fail(|| Reply::new(502, &[("content-type", "text/html")], "<html>Unicorn</html>")).await;
    assert_eq!(error.kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn refusals_have_their_kind() {
    for (status, kind) in [
        (401, ErrorKind::Auth),
        (403, ErrorKind::Auth),
        (404, ErrorKind::Unexpected),
        (410, ErrorKind::Unexpected),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unexpected),
    ] {
        let error = fail(move || Reply::new(status, &[], r#"{"message":"no","status":"x"}"#)).await;
        assert_eq!(error.kind, kind, "{status}: {}", error.says);
        assert!(!error.says.contains(TOKEN));
    }
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_said() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/repos/acme/old" => Reply::new(301, &[("location", "/repositories/7")], "{}"),
        _ => Reply::json(&serde_json::json!({"id": 7})),
    })
    .await;
    let (client, _) = client(&fake);
    let found: serde_json::Value = client.read("/repos/acme/old", "'acme/old'", Caller::Person).await.unwrap();
    assert_eq!(found["id"], 7);
    assert!(fake.seen().iter().all(|seen| seen.header("authorization").is_some()));
    assert!(format!("{:?}", client.facts()).contains("renamed"));
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let other = Fake::start(|_| Reply::new(200, &[], "{}")).await;
    let location = format!("{}/login", other.url);
    let fake = Fake::start(move |_| Reply::new(302, &[("location", &location)], "")).await;
    let (client, _) = client(&fake);
    let error = client.get("/user", "the user", Caller::Person).await.err().unwrap().into_error();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.says.contains("redirects"), "{}", error.says);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn the_servers_clock_is_learned() {
    let fake = Fake::start(|_| Reply::new(200, &[("date", "Sat, 21 Nov 2026 03:15:22 GMT")], "{}")).await;
    let (client, _) = client(&fake);
    client.get("/x", "x", Caller::Person).await.unwrap();
    // `Date` is cut to whole seconds: its middle is the best guess.
    let shown = "2026-11-21T03:15:22.5Z".parse::<jiff::Timestamp>().unwrap();
    assert!(client.server_now().duration_since(shown).abs() < jiff::SignedDuration::from_millis(100), "{shown}");
}
