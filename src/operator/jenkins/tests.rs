//! What is sent to Jenkins, and what each answer means; against a small server that answers as told.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::{
    config::file,
    source::http::fake::{Asked, Behaviour, Fake},
    time::SystemClock,
};

const START: &str = "/job/team/job/deploy/buildWithParameters";

/// Status, headers and body of an answer, and what is said of it.
type Case = (u16, &'static [(&'static str, &'static str)], &'static str, &'static str);

fn ours(body: &Value) -> Behaviour {
    let headers = vec![("content-type", "application/json".to_owned()), ("x-jenkins", "2.516".to_owned())];
    Behaviour::Answer { status: 200, headers, body: body.to_string() }
}

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Behaviour {
    let mut all = vec![("content-type", "text/html".to_owned())];
    all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Behaviour::Answer { status, headers: all, body: body.to_owned() }
}

fn job() -> Value {
    json!({"buildable": true, "property": [{"parameterDefinitions": [{"name": "TAG"}]}], "builds": [built(11, 6, "410")]})
}

fn built(number: u64, item: u64, tag: &str) -> Value {
    json!({"number": number, "queueId": item, "actions": actions(tag)})
}

fn actions(tag: &str) -> Value {
    json!([{"causes": [{"userId": "Ana"}]}, {}, {"parameters": [{"name": "TAG", "value": tag}]}])
}

fn start() -> Write {
    let job = JenkinsJob { server: BackendId::new("ci"), name: "team/deploy".into() };
    Write::StartJob { job, parameters: BTreeMap::from([("TAG".to_owned(), "411 a&b".to_owned())]) }
}

/// A Jenkins that answers the start so, and everything else as it should be.
async fn jenkins(post: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> (Fake, JenkinsOperator) {
    with_job(job(), json!({"items": []}), post).await
}

async fn with_job(
    job: Value,
    queue: Value,
    post: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static,
) -> (Fake, JenkinsOperator) {
    let fake = Fake::start(move |asked: &Asked| match asked.path.split('?').next() {
        _ if asked.method == "POST" => post(asked),
        Some("/job/team/job/deploy/api/json") => ours(&job),
        Some("/queue/api/json") => ours(&queue),
        _ => post(asked),
    })
    .await;
    let operator = to(&fake);
    (fake, operator)
}

fn to(fake: &Fake) -> JenkinsOperator {
    let config = file::Jenkins {
        name: "ci".to_owned(),
        url: fake.url.clone(),
        user: Some("ana".to_owned()),
        ..Default::default()
    };
    let timeouts = file::Timeouts { connect: 1, idle: 1, answer: 1, ..Default::default() };
    JenkinsOperator::new(Arc::new(Jenkins::new(config, timeouts, Arc::new(SystemClock))))
}

fn posts(fake: &Fake) -> Vec<Asked> {
    fake.asked().into_iter().filter(|asked| asked.method == "POST").collect()
}

#[tokio::test]
async fn a_job_is_started_once_with_its_parameters_as_a_form() {
    // Jenkins takes itself for another host; what it answers a start with says not that it is Jenkins.
    let (fake, operator) =
        jenkins(|_| reply(201, &[("location", "http://wrong.example:8080/ctx/queue/item/41/")], "")).await;
    let done = operator.execute(&start()).await.expect("done");
    assert_eq!((&*done.says, done.reference.as_deref()), ("queued as item 41", Some("41")));
    let sent = posts(&fake);
    assert!(sent.len() == 1 && sent[0].is("POST", START), "{sent:?}");
    assert_eq!(sent[0].body, "TAG=411+a%26b");
    assert_eq!(sent[0].header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn every_answer_to_a_start_is_understood() {
    let item = [("location", "/queue/item/41/")];
    let (_fake, operator) = jenkins(move |_| reply(303, &item, "")).await;
    let done = operator.execute(&start()).await.expect("merged");
    assert!(done.says.contains("already with these parameters, as item 41"), "{}", done.says);
    let refused: [Case; 9] = [
        (302, &[("location", ".")], "", "queued nothing"),
        (302, &[("location", "https://sso.example.com/login")], "", "a login page or a proxy did"),
        (200, &[], "<html>log in <input type=\"password\"></html>", "a login page or a proxy did"),
        (400, &[("x-jenkins", "2")], "deploy is not parameterized", "a job with parameters?"),
        (401, &[("x-jenkins", "2")], "", "refused who we are (401)"),
        (403, &[("x-jenkins", "2"), ("x-required-permission", "hudson.model.Item.Build")], "", "'ana' lacks Job/Build"),
        (404, &[("x-jenkins", "2")], "", "has no job 'team/deploy' any more"),
        (405, &[], "", "takes no POST"),
        (409, &[("x-jenkins", "2")], "", "is disabled"),
    ];
    for (status, headers, body, words) in refused {
        let (fake, operator) = jenkins(move |_| reply(status, headers, body)).await;
        let error = operator.execute(&start()).await.expect_err(words);
        assert!(matches!(&error, ActionError::Refused(says) if says.contains(words)), "{status}: {error:?}");
        assert_eq!(posts(&fake).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_crumb_is_fetched_once_where_one_is_wanted() {
    const WANTED: &str = "<html>No valid crumb was included in the request</html>";
    let (fake, operator) = jenkins(|asked| match (asked.method.as_str(), asked.header("jenkins-crumb")) {
        ("GET", _) => Behaviour::Answer {
            status: 200,
            headers: vec![("x-jenkins", "2".to_owned()), ("set-cookie", "JSESSIONID=s1; Path=/; HttpOnly".to_owned())],
            body: json!({"crumb": "c1", "crumbRequestField": "Jenkins-Crumb"}).to_string(),
        },
        (_, Some("c1")) if asked.header("cookie") == Some("JSESSIONID=s1") => {
            reply(201, &[("location", "/queue/item/5/")], "")
        }
        _ => reply(403, &[], WANTED),
    })
    .await;
    operator.execute(&start()).await.expect("done with it");
    assert_eq!(posts(&fake).len(), 2, "the first was refused");
    let (fake, operator) = jenkins(|_| reply(403, &[], WANTED)).await;
    let error = operator.execute(&start()).await.expect_err("refused");
    assert!(matches!(&error, ActionError::Refused(says) if says.contains("set an API token as `token`")), "{error:?}");
    assert_eq!(posts(&fake).len(), 1);
}

#[tokio::test]
async fn what_moved_since_the_plan_is_not_sent() {
    for (change, words) in [
        (json!({"buildable": false}), "it is disabled"),
        (json!({"buildable": true, "property": []}), "it has no parameter 'TAG'"),
    ] {
        let (fake, operator) = with_job(change, json!({"items": []}), |_| reply(201, &[], "")).await;
        let error = operator.execute(&start()).await.expect_err(words);
        assert!(matches!(&error, ActionError::Refused(says) if says.contains(words)), "{error:?}");
        assert_eq!(posts(&fake).len(), 0);
    }
}

/// Of a start whose answer is lost: the build that came of it is found, and another's is not taken for it.
#[tokio::test]
async fn a_lost_answer_is_looked_for_and_nothing_is_sent_again() {
    let now = "2026-01-02T03:00:00Z".parse().expect("a time");
    for (tag, is_ours) in [("411 a&b", true), ("409", false)] {
        // Before the start there is build 11, after it build 12.
        let posted = Arc::new(AtomicUsize::new(0));
        let (of_job, of_post) = (posted.clone(), posted);
        let fake = Fake::start(move |asked: &Asked| {
            if asked.method == "POST" {
                of_post.fetch_add(1, Ordering::SeqCst);
                return Behaviour::HangUp;
            }
            if asked.is("GET", "/queue/api/json") {
                return ours(&json!({"items": []}));
            }
            let mut job = job();
            if of_job.load(Ordering::SeqCst) > 0 {
                job["builds"] = json!([built(12, 7, tag), built(11, 6, "411 a&b")]);
            }
            ours(&job)
        })
        .await;
        let operator = to(&fake);
        assert!(operator.look(&start(), now).await.is_none(), "it has sent nothing");
        let error = operator.execute(&start()).await.expect_err("lost");
        assert!(matches!(&error, ActionError::Unknown(says) if says.contains("it may have been started")), "{error:?}");
        let found = operator.look(&start(), now).await.expect("it tells").expect("it is read");
        match found {
            Found::InForce(done) => {
                assert!(is_ours && done.says.contains("build #12"), "{done:?}");
                assert_eq!(done.reference.as_deref(), Some("7"), "by which it is followed");
            }
            other => assert!(!is_ours && matches!(other, Found::Missing(_)), "{other:?}"),
        }
        assert_eq!(posts(&fake).len(), 1);
    }
}

/// The job was disabled since: the build is that of the start before.
#[tokio::test]
async fn what_an_earlier_start_made_is_not_taken_for_a_later_one() {
    let now = "2026-01-02T03:00:00Z".parse().expect("a time");
    let posted = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |asked: &Asked| {
        if asked.method == "POST" {
            posted.fetch_add(1, Ordering::SeqCst);
            return reply(201, &[("location", "/queue/item/7/")], "");
        }
        if asked.is("GET", "/queue/api/json") {
            return ours(&json!({"items": []}));
        }
        let mut job = job();
        if posted.load(Ordering::SeqCst) > 0 {
            job["buildable"] = json!(false);
            job["builds"] = json!([built(12, 7, "411 a&b"), built(11, 6, "410")]);
        }
        ours(&job)
    })
    .await;
    let operator = to(&fake);
    operator.execute(&start()).await.expect("queued");
    let first = operator.look(&start(), now).await.expect("it tells").expect("it is read");
    assert!(matches!(first, Found::InForce(_)), "{first:?}");
    operator.execute(&start()).await.expect_err("it is disabled");
    assert!(operator.look(&start(), now).await.is_none(), "nothing was sent since");
    assert_eq!(posts(&fake).len(), 1);
}

/// What waits in the queue counts as well, wherever Jenkins takes itself to be.
#[tokio::test]
async fn an_item_of_the_queue_is_known_by_its_jobs_path() {
    let item = |id: u64, url: &str| json!({"id": id, "task": {"url": url}, "actions": actions("411 a&b")});
    let ours = item(8, "http://wrong/ctx/job/team/job/deploy/");
    let queue = json!({"items": [ours, item(9, "http://wrong/job/x/job/team/job/deploy/")]});
    let (_fake, operator) = with_job(job(), queue, |_| reply(201, &[], "")).await;
    let http = operator.server.http().await.expect("ready");
    let started = operator.server.started(&http, "team/deploy").await.expect("read");
    assert_eq!(started.iter().map(|one| one.item).collect::<Vec<_>>(), [8, 6]);
    assert!(started[0].is_by("ana", &BTreeMap::from([("TAG".to_owned(), "411 a&b".to_owned())])));
}
