//! The server over a real connection.

use std::sync::{Arc, Mutex, Once};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::router;
use crate::demo::{
    code::Code,
    scenario::Scenario,
    story::Story,
    telemetry::Telemetry,
    world::{Shared, World, lock},
};

const TOKEN: &str = "ghp_demo";

pub(crate) fn start() -> Timestamp {
    "2026-11-21T03:14:22Z".parse().unwrap()
}

/// A world without clusters, played to the start.
fn world() -> Shared {
    let scenario = Arc::new(Scenario::load("default").unwrap());
    let begin = scenario.history.before(start());
    let code = Code::new(&scenario, start(), 1);
    let story = Story::new(scenario.clone(), 1, start());
    let telemetry = Telemetry::new(&scenario, 1, start());
    let jenkins = crate::demo::jenkins::builds::Jenkins::new(&scenario);
    let mut world = World { now: begin, story, clusters: Vec::new(), code, jenkins, telemetry };
    while world.now < start() {
        step(&mut world, 1);
    }
    Arc::new(Mutex::new(world))
}

/// Steps the code host alone.
fn step(world: &mut World, seconds: i64) {
    for _ in 0..seconds {
        world.now += SignedDuration::from_secs(1);
        world.code.step(world.now, &world.story, &mut world.clusters);
    }
}

struct Client {
    http: reqwest::Client,
    base: String,
    world: Shared,
}

impl Client {
    async fn new() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let world = world();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = router(world.clone(), TOKEN.into());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = reqwest::Client::builder()
            .user_agent("test")
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { http, base, world }
    }

    fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.http.request(method.parse().unwrap(), url).bearer_auth(TOKEN)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(method, path).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn graphql(&self, query: &str, variables: &Value) -> Value {
        self.send("POST", "/graphql", &json!({ "query": query, "variables": variables })).await.1
    }

    fn pass(&self, seconds: i64) {
        step(&mut lock(&self.world), seconds);
    }
}

#[tokio::test]
async fn refuses_a_wrong_token_as_github_does() {
    let client = Client::new().await;
    let answer = client.http.get(format!("{}/user", client.base)).bearer_auth("no").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.unwrap()["message"], "Bad credentials");
}

#[tokio::test]
async fn an_unchanged_answer_is_304_and_free() {
    let client = Client::new().await;
    let first = client.ask("GET", "/repos/acme/myapp/pulls").send().await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let left = first.headers()["x-ratelimit-remaining"].clone();
    assert!(tag.starts_with("W/\""));
    let again = client.ask("GET", "/repos/acme/myapp/pulls").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["x-ratelimit-remaining"]), (304, &left));
    let (status, _) = client.send("POST", "/repos/acme/myapp/issues/1490/comments", &json!({ "body": "hm" })).await;
    assert_eq!(status, 201);
    let changed = client.ask("GET", "/repos/acme/myapp/pulls").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200);
}

#[tokio::test]
async fn pages_are_linked() {
    let client = Client::new().await;
    let path = "/repos/acme/myapp/actions/runs?per_page=2";
    let mut next = Some(path.to_owned());
    let (mut seen, mut total) = (0, 0);
    while let Some(url) = next {
        let answer = client.ask("GET", &url).send().await.unwrap();
        let link = answer.headers().get("link").map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
        let body: Value = answer.json().await.unwrap();
        seen += body["workflow_runs"].as_array().unwrap().len();
        total = body["total_count"].as_u64().unwrap() as usize;
        let to_next = link.split(", ").find(|l| l.ends_with("rel=\"next\""));
        next = to_next.map(|l| l[1..l.find('>').unwrap()].to_owned());
    }
    assert!(total > 2);
    assert_eq!(seen, total);
}

#[tokio::test]
async fn merging_is_guarded_by_the_head_and_by_the_rules() {
    let client = Client::new().await;
    let head = client.get("/repos/acme/myapp/pulls/1479").await;
    assert_eq!((&head["mergeable_state"], &head["user"]["login"]), (&json!("unknown"), &json!("renovate[bot]")));
    client.pass(3);
    let head = client.get("/repos/acme/myapp/pulls/1479").await;
    assert_eq!((&head["mergeable"], &head["mergeable_state"]), (&json!(true), &json!("clean")));
    let merge = "/repos/acme/myapp/pulls/1479/merge";
    let (status, body) = client.send("PUT", merge, &json!({ "sha": "0".repeat(40), "merge_method": "squash" })).await;
    assert_eq!(
        (status, body["message"].as_str().unwrap()),
        (409, "Head branch was modified. Review and try the merge again.")
    );
    let (status, body) = client.send("PUT", merge, &json!({ "merge_method": "rebase" })).await;
    assert_eq!((status, body["message"].as_str().unwrap()), (405, "Rebase merges are not allowed on this repository."));
    let (status, body) =
        client.send("PUT", "/repos/acme/myapp/pulls/1490/merge", &json!({ "merge_method": "squash" })).await;
    assert_eq!(status, 405);
    assert!(body["message"].as_str().unwrap().starts_with("At least 1 approving review"));
    let sent = json!({ "sha": head["head"]["sha"], "merge_method": "squash" });
    let (status, body) = client.send("PUT", merge, &sent).await;
    assert_eq!((status, &body["merged"]), (200, &json!(true)));
    let (status, _) = client.send("PUT", merge, &sent).await;
    assert_eq!(status, 405);
    let by_commit = client.get(&format!("/repos/acme/myapp/commits/{}/pulls", body["sha"].as_str().unwrap())).await;
    assert_eq!(by_commit[0]["number"], 1479);
    let runs = client.get(&format!("/repos/acme/myapp/actions/runs?head_sha={}", body["sha"].as_str().unwrap())).await;
    assert!(runs["total_count"].as_u64().unwrap() > 0, "a merge sets off the push workflows");
}

#[tokio::test]
async fn nobody_approves_their_own_pull_request() {
    let client = Client::new().await;
    let (status, body) =
        client.send("POST", "/repos/acme/payments/pulls/305/reviews", &json!({ "event": "APPROVE" })).await;
    assert_eq!((status, &body["errors"]), (422, &json!(["Can not approve your own pull request"])));
    let (status, body) =
        client.send("POST", "/repos/acme/myapp/pulls/1490/reviews", &json!({ "event": "APPROVE" })).await;
    assert_eq!((status, &body["state"]), (200, &json!("APPROVED")));
    let left = client.get("/repos/acme/myapp/pulls/1490/requested_reviewers").await;
    assert_eq!(left["users"], json!([]));
}

#[tokio::test]
async fn a_log_is_behind_a_redirect_that_takes_no_token_and_dies_in_a_minute() {
    let client = Client::new().await;
    let runs = client.get("/repos/acme/search/actions/runs?status=failure").await;
    let id = runs["workflow_runs"][0]["id"].as_u64().unwrap();
    let jobs = client.get(&format!("/repos/acme/search/actions/runs/{id}/jobs")).await;
    let failed = jobs["jobs"].as_array().unwrap().iter().find(|j| j["conclusion"] == "failure").unwrap();
    let path = format!("/repos/acme/search/actions/jobs/{}/logs", failed["id"]);
    let answer = client.ask("GET", &path).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(client.ask("GET", &place).send().await.unwrap().status(), 400);
    let text = client.http.get(&place).send().await.unwrap().text().await.unwrap();
    let line = regex::Regex::new(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z --- FAIL: TestKeyIsStable").unwrap();
    assert!(line.is_match(&text), "{text}");
    assert!(text.contains("##[error]Process completed with exit code 1."));
    client.pass(62);
    assert_eq!(client.http.get(&place).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_running_job_has_no_log_and_can_be_cancelled_once() {
    let client = Client::new().await;
    let runs = client.get("/repos/acme/myapp/actions/workflows/ci.yml/runs?status=in_progress").await;
    let id = runs["workflow_runs"][0]["id"].as_u64().unwrap();
    let jobs = client.get(&format!("/repos/acme/myapp/actions/runs/{id}/jobs")).await;
    let busy = jobs["jobs"].as_array().unwrap().iter().find(|j| j["status"] == "in_progress").unwrap();
    let logs = client.ask("GET", &format!("/repos/acme/myapp/actions/jobs/{}/logs", busy["id"])).send().await.unwrap();
    assert_eq!(logs.status(), 404);
    let run = format!("/repos/acme/myapp/actions/runs/{id}");
    let (status, _) = client.send("POST", &format!("{run}/rerun"), &json!({})).await;
    assert_eq!(status, 403);
    let (status, _) = client.send("POST", &format!("{run}/cancel"), &Value::Null).await;
    assert_eq!(status, 202);
    assert_eq!(client.get(&run).await["status"], "in_progress");
    client.pass(6);
    let ended = client.get(&run).await;
    assert_eq!((&ended["status"], &ended["conclusion"]), (&json!("completed"), &json!("cancelled")));
    let (status, body) = client.send("POST", &format!("{run}/cancel"), &Value::Null).await;
    assert_eq!((status, body["message"].as_str().unwrap()), (409, "Cannot cancel a workflow run that is completed."));
    let (status, _) = client.send("POST", &format!("{run}/rerun-failed-jobs"), &json!({})).await;
    assert_eq!(status, 201);
    client.pass(1);
    assert_eq!(client.get(&run).await["run_attempt"], 2);
}

const LIST: &str = "query($n:Int!){ rateLimit{cost remaining resetAt nodeCount}
 r0: repository(owner:\"acme\",name:\"myapp\"){ ...R } r1: repository(owner:\"acme\",name:\"gone\"){ ...R } }
fragment R on Repository{ nameWithOwner isArchived mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
 autoMergeAllowed viewerPermission
 pullRequests(states:OPEN,first:$n,orderBy:{field:UPDATED_AT,direction:DESC}){ totalCount
  pageInfo{hasNextPage endCursor} nodes{ id number title url isDraft createdAt updatedAt
   author{login __typename} headRefName headRefOid baseRefName isCrossRepository headRepository{nameWithOwner}
   additions deletions changedFiles mergeable mergeStateStatus reviewDecision viewerDidAuthor
   isInMergeQueue mergeQueueEntry{position state estimatedTimeToMerge} autoMergeRequest{mergeMethod enabledAt}
   labels(first:10){nodes{name color}}
   reviewRequests(first:10){nodes{asCodeOwner requestedReviewer{__typename ...on User{login} ...on Team{slug}
      ...on Bot{login} ...on Mannequin{login}}}}
   statusCheckRollup{ state contexts{ checkRunCount statusContextCount checkRunCountsByState{state count}
      statusContextCountsByState{state count} } } } } }";

#[tokio::test]
async fn graphql_answers_the_good_aliases_and_names_the_missing_one() {
    let client = Client::new().await;
    let body = client.graphql(LIST, &json!({ "n": 2 })).await;
    let pulls = &body["data"]["r0"]["pullRequests"];
    assert_eq!(pulls["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(pulls["pageInfo"]["hasNextPage"], true);
    assert_eq!(pulls["nodes"][0]["number"], 1490);
    assert_eq!(pulls["nodes"][0]["statusCheckRollup"]["state"], "PENDING");
    assert_eq!(pulls["nodes"][0]["reviewRequests"]["nodes"][0]["requestedReviewer"]["login"], "ana");
    assert_eq!(body["data"]["r1"], Value::Null);
    assert_eq!((&body["errors"][0]["type"], &body["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["r1"])));
}

#[tokio::test]
async fn graphql_refuses_what_the_schema_does_not_have() {
    let client = Client::new().await;
    let body = client.graphql("{ viewer { login nonsense } }", &Value::Null).await;
    assert_eq!(body["errors"][0]["message"], "Field 'nonsense' doesn't exist on type 'User'");
    assert!(body.get("data").is_none());
    let body = client.graphql(LIST, &json!({})).await;
    assert_eq!(body["errors"][0]["message"], "Variable $n of type Int! was provided invalid value");
    let open = "{ repository(owner:\"acme\",name:\"myapp\"){ pullRequests{ nodes{number} } } }";
    let body = client.graphql(open, &Value::Null).await;
    assert_eq!(body["errors"][0]["type"], "MISSING_PAGINATION_BOUNDARIES");
}

#[tokio::test]
async fn the_review_queue_is_searched_for() {
    let client = Client::new().await;
    let query = "query($q:String!){ search(type:ISSUE, first:50, query:$q){ issueCount nodes{ __typename ...on PullRequest{number} } } }";
    let asked = client.graphql(query, &json!({ "q": "is:open is:pr archived:false review-requested:@me" })).await;
    assert_eq!(asked["data"]["search"]["nodes"], json!([{ "__typename": "PullRequest", "number": 1490 }]));
    let mine = client.graphql(query, &json!({ "q": "is:open is:pr author:@me" })).await;
    assert_eq!(mine["data"]["search"]["nodes"][0]["number"], 305);
}
