//! What a backend inside the cluster is asked and answers: over the fake for the proxy, the demo for the forward.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;
use crate::{
    demo,
    source::kubernetes::{
        fake::{Answer, Fake},
        tests::on_demo::{self, served},
    },
};

#[tokio::test]
async fn the_proxy_passes_answers_on_and_tells_its_own_refusals_apart() {
    let fake = Fake::start(|call| {
        let path = call.path.strip_prefix("/api/v1/namespaces/mon/services/http:am:9093/proxy/am").unwrap();
        match path {
            "/api/v2/status" => Answer::Json(200, json!({"auth": call.authorization, "query": call.query})),
            "/api/v2/bad" => Answer::Json(400, json!("bad filter")),
            "/down" => {
                let mut status = crate::source::kubernetes::fake::status(
                    503,
                    "ServiceUnavailable",
                    "no endpoints available for service \"am\"",
                );
                status["apiVersion"] = json!("v1");
                Answer::Json(503, status)
            }
            _ => panic!("{path}"),
        }
    })
    .await;
    let cluster = fake.cluster("{token: api-token}").await;
    let place = Place::parse("mon/am:9093").unwrap();
    let proxy = transport(&cluster, &place, "/am/", false, false).unwrap();
    let ask = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer grafana");
        proxy.send(request.body(Bytes::new()).unwrap())
    };
    let answer = ask("GET", "/api/v2/status?a=b%20c").await.unwrap();
    let seen: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(seen, json!({"auth": "Bearer api-token", "query": "a=b%20c"}));
    assert_eq!(ask("GET", "/api/v2/bad").await.unwrap().status(), 400);
    let error = ask("GET", "/down").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.says.contains("'eu/mon/am:9093' does not answer") && error.says.contains("no endpoints"), "{error}");
    assert!(ask("POST", "/api/v2/silences").await.unwrap_err().says.contains("read-only"));
    assert_eq!(fake.calls().len(), 3, "it was not sent");
}

async fn ask(to: &dyn Transport, method: &str, path: &str, token: &str) -> Result<Response<Bytes>, SourceError> {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    to.send(request.body(Bytes::new()).unwrap()).await
}

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

/// The service proxy would have kept it: the same question without one is answered 401.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_the_server_by_a_forward_of_our_own() {
    let demo = served().await;
    let cluster = on_demo::cluster(&demo).await;
    let token = demo.grafana.token.clone();
    let proxy = transport(&cluster, &place("monitoring/grafana:3000"), "", false, false).unwrap();
    assert_eq!(ask(&*proxy, "GET", "/api/org", &token).await.unwrap().status(), 401, "the API server kept it");

    for named in ["monitoring/grafana:3000", "monitoring/grafana:web"] {
        let tunnel = transport(&cluster, &place(named), "", false, true).unwrap();
        assert_eq!(tunnel.server(), format!("prod-eu1/{named}"));
        let answer = ask(&*tunnel, "GET", "/api/org", &token).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(serde_json::from_slice::<Value>(answer.body()).unwrap()["name"], "Acme");
        assert_eq!(ask(&*tunnel, "GET", "/api/org", "wrong").await.unwrap().status(), 401, "an answer as any other");
        // More at once than connections, and more than one on each.
        let many = (0..24).map(|_| ask(&*tunnel, "GET", "/api/search?type=dash-db", &token));
        let bodies: Vec<Bytes> =
            futures::future::try_join_all(many).await.unwrap().into_iter().map(Response::into_body).collect();
        assert!(bodies[0].len() > 20 && bodies.iter().all(|body| *body == bodies[0]));
        let error = ask(&*tunnel, "POST", "/api/annotations", &token).await.unwrap_err();
        assert!(error.says.contains("read-only"), "{error}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forward_meets_is_said() {
    let demo = served().await;
    let cluster = on_demo::cluster(&demo).await;
    let says = async |named: &str| {
        let tunnel = transport(&cluster, &place(named), "", false, true).unwrap();
        ask(&*tunnel, "GET", "/api/org", "any").await.unwrap_err()
    };
    let error = says("monitoring/nosuch:80").await;
    assert!(error.says.contains("'prod-eu1/monitoring/nosuch:80' is not there"), "{error}");
    let error = says("monitoring/grafana:81").await;
    assert!(error.says.contains("no such port: it has 3000 web"), "{error}");

    let error = transport(&cluster, &place("monitoring/https:grafana:3000"), "", false, true).err().unwrap();
    assert!(error.says.contains("speaks TLS"), "{error}");
    demo.stop().await;
}

/// Grafana goes and comes: what was kept open is of no use any more, which harms no question.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_lost_is_made_anew() {
    let at = "2026-11-21T03:14:00Z".parse().unwrap();
    let options = demo::Options { at: Some(at), control: true, ..demo::Options::new(Arc::new(move || at)) };
    let demo = demo::start(options).await.unwrap();
    let cluster = on_demo::cluster(&demo).await;
    let tunnel = transport(&cluster, &place("monitoring/grafana:3000"), "", false, true).unwrap();
    let token = demo.grafana.token.clone();
    assert_eq!(ask(&*tunnel, "GET", "/api/org", &token).await.unwrap().status(), 200);
    let control = demo.control.as_ref().unwrap();
    let turn = async |mode: &str| {
        let url = format!("{}/backend/grafana/{mode}", control.url);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).bearer_auth(&control.token).send().await.unwrap();
        assert!(answer.status().is_success());
    };
    turn("down").await;
    let error = ask(&*tunnel, "GET", "/api/org", &token).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.says.contains("'prod-eu1/monitoring/grafana:3000'"), "{error}");
    assert!(error.says.contains("connection refused"), "the pod's own words: {error}");
    turn("up").await;
    let mut answer = ask(&*tunnel, "GET", "/api/org", &token).await;
    while answer.is_err() {
        // The port is bound again a moment later.
        tokio::task::yield_now().await;
        answer = ask(&*tunnel, "GET", "/api/org", &token).await;
    }
    assert_eq!(answer.unwrap().status(), 200);
    demo.stop().await;
}
