//! What is sent, and what is said when it fails; against a small Alertmanager that answers as told.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::AlertmanagerOperator;
use crate::{
    action::{ActionError, Done, Operator, Write},
    config::file,
    model::{
        BackendId,
        alert::{AlertState, Matcher, SilenceKey},
    },
    secret::Secret,
    source::{
        alertmanager::{Alertmanager, preview},
        http::fake::{Asked, Behaviour, Fake, answer, json as good},
        severity::Severities,
    },
    text::Clean,
    time::{Clock, SystemClock},
};

fn client(url: &str) -> Arc<Alertmanager> {
    let config = file::Alertmanager {
        name: "eu".to_owned(),
        url: url.to_owned(),
        user: Some("anna".to_owned()),
        tenant: Some("shop".to_owned()),
        ..Default::default()
    };
    let timeouts = file::Timeouts { connect: 1, idle: 1, answer: 1, ..Default::default() };
    let token = Some(Secret::new("hunter22"));
    Alertmanager::new(&config, token, Severities::default(), timeouts, Arc::new(SystemClock), None).unwrap()
}

async fn with_write(write: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> (Fake, AlertmanagerOperator) {
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/api/v2/status" => good(&json!({"versionInfo": {"version": "0.28.0"}, "cluster": {"status": "ready"}})),
        _ => write(asked),
    })
    .await;
    let operator = AlertmanagerOperator::new(client(&fake.url));
    (fake, operator)
}

fn silence(minutes: i64) -> Write {
    let now = SystemClock.now().wall;
    Write::CreateSilence {
        backend: BackendId::new("eu"),
        matchers: vec![Matcher::equal(&Clean::line("alertname"), &Clean::line("High"))],
        starts: now,
        ends: now + SignedDuration::from_mins(minutes),
        comment: "rolling back".to_owned(),
        created_by: "anna@host".to_owned(),
    }
}

fn expire() -> Write {
    Write::ExpireSilence { silence: SilenceKey { backend: BackendId::new("eu"), id: Clean::line("1b2c-3d") } }
}

#[tokio::test]
async fn a_silence_is_sent_whole() {
    let (fake, operator) = with_write(|_| good(&json!({"silenceID": "1b2c-3d"}))).await;
    let Done { says, reference } = operator.execute(&silence(15)).await.unwrap();
    assert_eq!(reference.unwrap().as_str(), "1b2c-3d");
    assert!(says.starts_with("silence 1b2c-3d until 20"), "{says}");
    let asked = fake.asked().pop().unwrap();
    assert!(asked.is("POST", "/api/v2/silences"));
    assert_eq!(asked.header("authorization"), Some("Basic YW5uYTpodW50ZXIyMg=="));
    assert_eq!(asked.header("x-scope-orgid"), Some("shop"));
    let body = asked.json();
    assert_eq!(body["matchers"], json!([{"name": "alertname", "value": "High", "isRegex": false, "isEqual": true}]));
    assert_eq!((&body["comment"], &body["createdBy"]), (&json!("rolling back"), &json!("anna@host")));
    let time = |key: &str| body[key].as_str().unwrap().parse::<Timestamp>().unwrap();
    let length = (time("endsAt") - time("startsAt")).get_seconds() / 60;
    assert!((14..=15).contains(&length), "the end stays where it was confirmed: {body}");
}

#[tokio::test]
async fn a_servers_clock_that_is_ahead_moves_both_ends() {
    let fake = Fake::start(|asked| Behaviour::Answer {
        status: 200,
        headers: vec![("date", "Fri, 31 Dec 2100 12:00:00 GMT".to_owned())],
        body: if asked.method == "POST" { r#"{"silenceID":"x"}"#.to_owned() } else { "{}".to_owned() },
    })
    .await;
    AlertmanagerOperator::new(client(&fake.url)).execute(&silence(15)).await.unwrap();
    let body = fake.asked().pop().unwrap().json();
    // In its past, which means at once.
    assert!(body["startsAt"].as_str().unwrap().starts_with("2100-12-31T11:59:5"), "{body}");
    let ends = body["endsAt"].as_str().unwrap();
    assert!(ends.starts_with("2100-12-31T12:15:0") || ends.starts_with("2100-12-31T12:14:5"), "{body}");
}

#[tokio::test]
async fn no_answer_to_a_write_is_unknown_and_none_before_it_is_not_sent() {
    for behave in [|| Behaviour::Silent, || Behaviour::CutOff, || Behaviour::HangUp, || answer(502, "text/plain", "")] {
        let (_fake, operator) = with_write(move |_| behave()).await;
        let error = operator.execute(&silence(15)).await.unwrap_err();
        assert!(
            matches!(&error, ActionError::Unknown(says) if says.contains("it may have happened; list its silences")),
            "{error:?}"
        );
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let operator = AlertmanagerOperator::new(client(&format!("http://127.0.0.1:{port}")));
    let error = operator.execute(&silence(15)).await.unwrap_err();
    assert!(matches!(&error, ActionError::NotSent(says) if says.contains("connection refused")), "{error:?}");
}

#[tokio::test]
async fn refusals_are_the_servers_words() {
    let bare = "\"silence invalid: at least one matcher must not match the empty string\"";
    for (status, kind, body, words) in [
        (400, "application/json", bare, "at least one matcher must not match"),
        (401, "text/plain", "no org id", "refused who we are (401) for '/api/v2/silences': no org id"),
        (200, "text/html", "<html>Please log in</html>", "login page"),
    ] {
        let (_fake, operator) = with_write(move |_| answer(status, kind, body)).await;
        let error = operator.execute(&silence(15)).await.unwrap_err();
        assert!(matches!(&error, ActionError::Refused(says) if says.contains(words)), "{error:?}");
    }
}

#[tokio::test]
async fn what_must_not_be_sent_is_not() {
    let (fake, operator) = with_write(|_| good(&json!({"silenceID": "x"}))).await;
    let mut no_matcher = silence(15);
    let mut no_comment = silence(15);
    if let (Write::CreateSilence { matchers, .. }, Write::CreateSilence { comment, .. }) =
        (&mut no_matcher, &mut no_comment)
    {
        matchers.clear();
        comment.clear();
    }
    let mut bad_id = expire();
    if let Write::ExpireSilence { silence } = &mut bad_id {
        silence.id = Clean::line("../status");
    }
    for write in [no_matcher, no_comment, silence(25 * 60), bad_id] {
        let error = operator.execute(&write).await.unwrap_err();
        assert!(matches!(error, ActionError::NotSent(_)), "{error:?}");
    }
    assert!(fake.asked().is_empty());
    assert!(matches!(operator.execute(&silence(-5)).await, Err(ActionError::NotSent(_))));
    assert!(fake.asked().iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn expiring_twice_is_no_failure() {
    let (fake, operator) = with_write(|_| answer(200, "application/json", "")).await;
    operator.execute(&expire()).await.unwrap();
    assert!(fake.asked().pop().unwrap().is("DELETE", "/api/v2/silence/1b2c-3d"));
    // As servers before 0.28 do.
    let (_fake, operator) = with_write(|asked| match asked.method.as_str() {
        "DELETE" => answer(500, "application/json", "\"silence 1b2c-3d already expired\""),
        _ => good(&json!({"status": {"state": "expired"}})),
    })
    .await;
    assert!(operator.execute(&expire()).await.unwrap().says.contains("already over"));
    let (_fake, operator) = with_write(|asked| match asked.method.as_str() {
        "DELETE" => answer(500, "application/json", "\"disk full\""),
        _ => good(&json!({"status": {"state": "active"}})),
    })
    .await;
    assert!(matches!(operator.execute(&expire()).await, Err(ActionError::Unknown(_))));
}

#[tokio::test]
async fn states_are_told_by_which_list_is_filled() {
    let alert = |name: &str, state: &str, list: &str| {
        json!({"fingerprint": name, "labels": {"alertname": name, "severity": "page"}, "annotations": {"summary": "a\u{1b}]0;x\u{7}b"},
            "startsAt": "2026-11-21T02:00:00Z", "status": {"state": state, list: ["x"], "inhibitedBy": null}, "receivers": [{"name": "r"}, {}]})
    };
    let list = json!([
        alert("Silenced", "suppressed", "silencedBy"),
        alert("Muted", "suppressed", "mutedBy"),
        alert("New", "unprocessed", "other"),
        {"labels": {}, "status": {"state": "active", "inhibitedBy": ["x"]}, "startsAt": "0001-01-01T00:00:00Z"},
        {},
    ]);
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/api/v2/alerts" => good(&list),
        "/api/v2/alerts/groups" => answer(404, "text/plain", "404 page not found"),
        "/api/v2/silences" => good(&json!([{"id": "a"}, {"id": "b", "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z", "status": {"state": "active"}, "matchers": [{"name": "x", "value": "y"}]}])),
        _ => answer(500, "text/plain", ""),
    })
    .await;
    let client = client(&fake.url);
    let alerts = client.alerts().await.unwrap();
    let of = |name: &str| alerts.iter().find(|alert| alert.name == name).unwrap();
    assert_eq!(of("Silenced").state, AlertState::Silenced);
    assert_eq!(of("Muted").state, AlertState::Muted);
    assert_eq!(of("New").state, AlertState::Firing);
    assert_eq!(of("New").summary().unwrap(), "ab");
    assert_eq!(of("New").receivers.len(), 1);
    assert_eq!((&of("(without a name)").state, of("(without a name)").starts), (&AlertState::Inhibited, None));
    assert!(client.groups().await.unwrap().is_empty());
    let silences = client.silences().await.unwrap();
    assert_eq!(silences.len(), 1);
    assert!(silences[0].matchers[0].is_equal, "absent means equal");

    let regex =
        Matcher { name: Clean::line("alertname"), value: Clean::line("S.*|New"), is_regex: true, is_equal: true };
    let names: Vec<_> = preview(&[regex], &alerts).iter().map(|alert| alert.name.as_str()).collect();
    assert_eq!(names, ["New", "Silenced"]);
    assert!(preview(&[], &alerts).is_empty());
}
