//! Jobs as they are read, and builds as they are followed, by a small Jenkins that answers as told.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::{
    action::Jobs as _,
    source::http::fake::{Asked, Behaviour, Fake, answer},
    time::SystemClock,
};

pub fn server(url: &str) -> Jenkins {
    let timeouts = Timeouts { connect: 1, idle: 1, answer: 1, ..Default::default() };
    let config = file::Jenkins {
        name: "ci".to_owned(),
        url: url.to_owned(),
        user: Some("ana".to_owned()),
        ..Default::default()
    };
    Jenkins::new(config, timeouts, Arc::new(SystemClock))
}

fn ours(body: &Value) -> Behaviour {
    let headers = vec![("content-type", "application/json".to_owned()), ("x-jenkins", "2.516".to_owned())];
    Behaviour::Answer { status: 200, headers, body: body.to_string() }
}

fn page(status: u16, headers: &[(&'static str, &str)], body: &str) -> Behaviour {
    let mut all = vec![("content-type", "text/html".to_owned())];
    all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Behaviour::Answer { status, headers: all, body: body.to_owned() }
}

async fn always(behave: impl Fn() -> Behaviour + Send + Sync + 'static) -> String {
    let fake = Fake::start(move |_: &Asked| behave()).await;
    server(&fake.url).job("deploy").await.expect_err("no answer").to_string()
}

#[tokio::test]
async fn a_job_is_read_with_what_it_asks_for_and_what_goes_on() {
    let job = json!({"buildable": true, "inQueue": true, "queueItem": {"id": 9, "why": "Waiting for an executor"},
        "property": [{}, null, {"parameterDefinitions": [{"name": "TAG", "type": "StringParameterDefinition"},
            {"name": "ENV", "choices": ["prod", "dev"]}]}],
        "lastBuild": {"number": 12, "building": true, "timestamp": 0}});
    let fake = Fake::start(move |asked: &Asked| {
        if asked.is("GET", "/ctx/job/shop/job/feature%252Fcart/api/json") {
            return ours(&job);
        }
        page(404, &[("x-jenkins", "2.516")], "Not Found")
    })
    .await;
    // The branch's name is encoded once more than Jenkins has it; a path prefix stays.
    let server = server(&format!("{}/ctx/", fake.url));
    let found = server.job("shop/feature%2Fcart").await.expect("read");
    assert!(found.is_buildable && found.url.ends_with("/ctx/job/shop/job/feature%252Fcart"), "{found:?}");
    let names: Vec<(&str, usize)> = found.parameters.iter().map(|one| (one.name.as_str(), one.choices.len())).collect();
    assert_eq!(names, [("TAG", 0), ("ENV", 2)]);
    let busy = found.busy.expect("it is");
    assert_eq!(busy, "its build #12 runs, a build of it waits in the queue (Waiting for an executor)");
    let gone = server.job("other").await.expect_err("there is none");
    assert!(gone.contains("has no job 'other', or 'ana' may not see it (Job/Read)"), "{gone}");
}

#[tokio::test]
async fn what_is_no_answer_of_jenkins_is_said_so() {
    let login = "<html><form><input type=\"password\"></form></html>";
    let says = always(move || page(200, &[], login)).await;
    assert!(says.contains("did not answer '/job/deploy/api/json' itself (200)"), "{says}");
    let says = always(|| page(302, &[("location", "https://sso.example.com/authorize")], "")).await;
    assert!(says.contains("itself (302): a login page or a proxy did"), "{says}");
    let says = always(|| page(401, &[("x-jenkins", "2.516")], "Invalid password")).await;
    assert!(says.contains("refused who we are (401)") && says.contains("`user` and `token`"), "{says}");
    let right = [("x-jenkins", "2.516"), ("x-required-permission", "hudson.model.Item.Read")];
    let says = always(move || page(403, &right, "no")).await;
    assert!(says.contains("does not allow '/job/deploy/api/json' (403): 'ana' lacks Job/Read"), "{says}");
}

#[tokio::test]
async fn who_we_are_is_asked_and_nobody_is_not_enough() {
    let nobody = json!({"name": "anonymous", "anonymous": true, "authenticated": true});
    for (login, wanted) in [
        (json!({"name": "ana", "anonymous": false, "authenticated": true}), Ok("2.516, as 'ana'")),
        (nobody, Err("takes us for nobody")),
    ] {
        let fake = Fake::start(move |_: &Asked| ours(&login)).await;
        match (server(&fake.url).check().await, wanted) {
            (Ok(says), Ok(wanted)) => assert_eq!(says, wanted),
            (Err(error), Err(words)) => assert!(error.says.contains(words), "{error}"),
            (got, wanted) => panic!("{got:?}, not {wanted:?}"),
        }
    }
}

/// What follows of item 7, where the queue has that of it, and the job those builds.
async fn followed(item: Option<Value>, builds: Value) -> Result<Build, Clean> {
    let fake = Fake::start(move |asked: &Asked| {
        let is_one = asked.is("GET", "/job/deploy/12/api/json");
        match &item {
            Some(item) if asked.is("GET", "/queue/item/7/api/json") => ours(item),
            _ if is_one => ours(&builds[0]),
            _ if asked.is("GET", "/job/deploy/api/json") => ours(&json!({"builds": builds})),
            _ => page(404, &[("x-jenkins", "2.516")], "Not Found"),
        }
    })
    .await;
    server(&fake.url).build("deploy", "7").await
}

#[tokio::test]
async fn a_build_is_followed_from_the_queue_to_its_end() {
    let build = |more: &Value| {
        let mut build = json!({"number": 12, "queueId": 7, "building": false, "result": null, "timestamp": 0});
        more.as_object().expect("fields").iter().for_each(|(name, value)| build[name] = value.clone());
        json!([build])
    };
    let left =
        || Some(json!({"id": 7, "cancelled": false, "executable": {"number": 12, "url": "http://elsewhere/x/12/"}}));
    let cases = [
        (
            Some(json!({"id": 7, "why": "Jenkins is about to shut down"})),
            json!([]),
            BuildStage::Queued,
            "queued: Jenkins is",
        ),
        (Some(json!({"id": 7, "cancelled": true})), json!([]), BuildStage::Failed, "cancelled in the queue"),
        (left(), build(&json!({"building": true})), BuildStage::Running, "build #12 runs"),
        // A result may stand there while it goes on.
        (left(), build(&json!({"building": true, "result": "FAILURE"})), BuildStage::Running, "build #12 runs"),
        (left(), build(&json!({"inProgress": true, "result": "SUCCESS"})), BuildStage::Running, "build #12 runs"),
        (left(), build(&json!({})), BuildStage::Running, "no result yet"),
        (left(), build(&json!({"result": "SUCCESS"})), BuildStage::Passed, "SUCCESS"),
        (left(), build(&json!({"result": "UNSTABLE"})), BuildStage::Passed, "UNSTABLE"),
        (left(), build(&json!({"result": "ABORTED"})), BuildStage::Failed, "ABORTED"),
        // Five minutes later the item is gone: the build knows which one it was.
        (None, build(&json!({"result": "SUCCESS"})), BuildStage::Passed, "build #12 ended"),
    ];
    for (item, builds, stage, words) in cases {
        let build = followed(item, builds).await.expect(words);
        assert_eq!(build.stage, stage, "{}", build.says);
        assert!(build.says.contains(words), "{}", build.says);
    }
    let other = followed(None, build(&json!({"queueId": 8}))).await.expect_err("another's");
    assert!(other.contains("knows no queue item 7 any more"), "{other}");
}

/// A command for the token may ask its owner.
#[tokio::test]
async fn the_token_is_read_once_for_all_looks_at_a_build_and_anew_where_it_is_refused() {
    let read = tempfile::NamedTempFile::new().expect("a file");
    let is_refused = Arc::new(AtomicBool::new(false));
    let refuses = is_refused.clone();
    let fake = Fake::start(move |_: &Asked| {
        if refuses.swap(false, Ordering::SeqCst) {
            return page(401, &[("x-jenkins", "2.516")], "Invalid password");
        }
        ours(&json!({"id": 7, "why": "Waiting for an executor"}))
    })
    .await;
    let mut server = server(&fake.url);
    let script = format!("echo read >> '{}'; echo secret", read.path().display());
    server.config.token = Some(file::Token::Command(vec!["sh".to_owned(), "-c".to_owned(), script]));
    let times = || std::fs::read_to_string(read.path()).expect("it is there").lines().count();
    for _ in 0..3 {
        assert_eq!(server.build("deploy", "7").await.expect("it waits").stage, BuildStage::Queued);
    }
    assert_eq!(times(), 1);
    is_refused.store(true, Ordering::SeqCst);
    server.build("deploy", "7").await.expect_err("refused");
    server.build("deploy", "7").await.expect("with the token as it is now");
    assert_eq!(times(), 2);
}

#[tokio::test]
async fn a_page_that_is_not_json_is_no_job() {
    let fake = Fake::start(|_: &Asked| answer(502, "text/html", "<html>Bad Gateway</html>")).await;
    let says = server(&fake.url).job("deploy").await.expect_err("no answer");
    assert!(says.contains("is not available behind its proxy (502)"), "{says}");
}
