//! The whole demo, over its own wires.

use reqwest::{Client, Method, Response, StatusCode};

use super::*;

const START: &str = "2026-11-21T03:14:00Z";

/// The default story with a clock that stands still: time moves only by the control server.
async fn served() -> Served {
    rustls::crypto::ring::default_provider().install_default().ok();
    let at: Timestamp = START.parse().unwrap();
    let wall: Wall = Arc::new(move || at);
    start(Options { at: Some(at), control: true, ..Options::new(wall) }).await.unwrap()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn ask(at: &Endpoint, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let mut request = client().request(method, format!("{}{path}", at.url)).bearer_auth(&at.token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn get(at: &Endpoint, path: &str) -> Value {
    ask(at, Method::GET, path, None).await.1
}

fn names(alerts: &Value) -> Vec<&str> {
    let mut names: Vec<_> =
        alerts.as_array().unwrap().iter().map(|a| a["labels"]["alertname"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

fn rollout(state: &Value) -> Value {
    let wanted = |r: &&Value| r["name"] == "myapp" && r["cluster"] == "prod-eu1";
    state["rollouts"].as_array().unwrap().iter().find(wanted).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_breaks_and_mends() {
    let demo = served().await;
    let control = demo.control.clone().unwrap();
    let state = get(&control, "/state").await;
    let stalled = rollout(&state);
    assert_eq!(stalled["image"], "registry.acme.example/myapp:412", "{stalled}");
    assert_eq!((&stalled["revision"], &stalled["available"]), (&json!(14), &json!(8)), "{stalled}");
    assert_eq!(stalled["deadline_exceeded"], false);
    let firing = names(&get(&demo.alertmanager, "/api/v2/alerts?silenced=false").await).join(" ");
    assert_eq!(firing, "HighErrorRate HighLatency PodOOMKilled Watchdog", "{state:#}");
    // Over the start plus a while the deadline passes.
    let later = ask(&control, Method::POST, "/advance?seconds=120", None).await.1;
    assert_eq!(rollout(&later)["deadline_exceeded"], true, "{:#}", rollout(&later));
    // Mend it: back to what ran before.
    {
        let mut world = lock(&demo.world);
        let now = world.now;
        let production = &mut world.clusters[0];
        assert!(production.undo(now, "production", "myapp", "kubectl"));
    }
    let mended = ask(&control, Method::POST, "/advance?seconds=100", None).await.1;
    let back = rollout(&mended);
    assert_eq!((&back["image"], &back["available"]), (&json!("registry.acme.example/myapp:411"), &json!(10)), "{back}");
    ask(&control, Method::POST, "/advance?seconds=80", None).await;
    let left = names(&get(&demo.alertmanager, "/api/v2/alerts?silenced=false").await).join(" ");
    assert!(!left.contains("HighErrorRate"), "{left}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grafana_answers_in_frames() {
    let demo = served().await;
    assert_eq!(client().get(format!("{}/api/org", demo.grafana.url)).send().await.unwrap().status(), 401);
    let found = get(&demo.grafana, "/api/search?starred=true").await;
    let uids: Vec<_> = found.as_array().unwrap().iter().map(|d| d["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, ["myapp-overview", "postgres"]);
    let dashboard = get(&demo.grafana, "/api/dashboards/uid/myapp-overview").await;
    let panels = dashboard["dashboard"]["panels"].as_array().unwrap();
    for panel in panels {
        let expr = panel["targets"][0]["expr"].as_str().unwrap().replace("$namespace", "production");
        let query = json!({
            "refId": "A", "datasource": {"type": "prometheus", "uid": "prom-eu1"}, "expr": expr, "range": true,
            "intervalMs": 15000, "maxDataPoints": 240,
        });
        let body = json!({"from": "now-1h", "to": "now", "queries": [query]});
        let (status, answer) = ask(&demo.grafana, Method::POST, "/api/ds/query", Some(body)).await;
        assert_eq!(status, 200, "{answer:#}");
        let frame = &answer["results"]["A"]["frames"][0];
        let values = frame["data"]["values"][1].as_array().unwrap();
        let fewest = if panel["title"] == "error rate by version" { 60 } else { 230 };
        assert!(values.len() > fewest, "{}: {} points", panel["title"], values.len());
        assert!(frame["schema"]["meta"]["executedQueryString"].as_str().unwrap().contains("Step: 15s"));
        if panel["title"] == "error rate" {
            let (first, last) = (values[0].as_f64().unwrap(), values[values.len() - 1].as_f64().unwrap());
            assert!(first < 0.1 && (20.0..45.0).contains(&last), "{first} {last}");
        }
    }
    let bad = json!({"from": "now-1h", "to": "now", "queries": [
        {"refId": "A", "datasource": {"uid": "prom-eu1"}, "expr": "sum(nobody)"},
        {"refId": "B", "datasource": {"uid": "prom-eu1"}, "expr": "up{service=\"web\"}", "instant": true},
    ]});
    let (status, answer) = ask(&demo.grafana, Method::POST, "/api/ds/query", Some(bad)).await;
    assert_eq!(status, 400);
    assert!(answer["results"]["A"]["error"].as_str().unwrap().contains("sum(nobody)"));
    assert_eq!(answer["results"]["B"]["status"], 200);
    let unknown = json!({"from": "now-1h", "to": "now", "queries": [{"refId": "A", "datasource": {"uid": "x"}}]});
    assert_eq!(ask(&demo.grafana, Method::POST, "/api/ds/query", Some(unknown)).await.0, 404);
    let notes = get(&demo.grafana, "/api/annotations?tags=deploy").await;
    let texts: Vec<_> = notes.as_array().unwrap().iter().map(|a| a["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["deploy payments 88", "deploy myapp 411", "deploy myapp 410"]);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_suppresses_and_ends() {
    let demo = served().await;
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "HighErrorRate", "isRegex": false, "isEqual": true}],
        "startsAt": START, "endsAt": "2026-11-21T03:29:00Z", "createdBy": "ana", "comment": "looking",
    });
    let (status, made) = ask(&demo.alertmanager, Method::POST, "/api/v2/silences", Some(silence)).await;
    assert_eq!(status, 200, "{made}");
    let id = made["silenceID"].as_str().unwrap();
    let path = "/api/v2/alerts?filter=alertname%3D%22HighErrorRate%22";
    let alerts = get(&demo.alertmanager, path).await;
    assert_eq!(
        (&alerts[0]["status"]["state"], &alerts[0]["status"]["silencedBy"][0]),
        (&json!("suppressed"), &json!(id))
    );
    assert_eq!(alerts[0]["receivers"][0]["name"], "pagerduty");
    assert_eq!(ask(&demo.alertmanager, Method::DELETE, &format!("/api/v2/silence/{id}"), None).await.0, 200);
    assert_eq!(get(&demo.alertmanager, path).await[0]["status"]["state"], "active");
    assert_eq!(get(&demo.alertmanager, &format!("/api/v2/silence/{id}")).await["status"]["state"], "expired");
    let (status, text) = ask(&demo.alertmanager, Method::POST, "/api/v2/silences", Some(json!({"matchers": []}))).await;
    assert!(status == 400 && text.is_string(), "{status} {text}");
    let groups = get(&demo.alertmanager, "/api/v2/alerts/groups?receiver=pagerduty").await;
    assert_eq!(groups[0]["labels"]["alertname"], "HighErrorRate");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_serve_prints() {
    let demo = served().await;
    let line = demo.to_json();
    let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "alertmanager",
        "argocd",
        "clusters",
        "config",
        "control",
        "github",
        "grafana",
        "hints",
        "jenkins",
        "kubeconfig",
        "prometheus",
        "registry",
        "schema",
        "seed",
        "speed",
        "started",
        "users",
    ];
    assert_eq!(keys, wanted);
    assert!(!line.to_string().contains('\n'));
    let config: toml::Table = std::fs::read_to_string(&demo.config).unwrap().parse().unwrap();
    assert_eq!(config["me"].as_str(), Some("ana"));
    assert_eq!(config["kubernetes"].as_array().unwrap().len(), 2);
    let services: Vec<_> = config["service"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(services, ["myapp", "postgres", "payments", "search", "web", "checkout", "myapp-staging"]);
    assert_eq!(config["service"][0]["workload"].as_str(), Some("prod-eu1/production/deployment/myapp"));
    assert_eq!(config["service"][0]["panels"][0].as_str(), Some("grafana/myapp-overview/1"));
    let kubeconfig = std::fs::read_to_string(&demo.kubeconfig).unwrap();
    assert!(kubeconfig.contains("current-context: prod-eu1") && kubeconfig.contains("namespace: production"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&demo.config), mode(demo.config.parent().unwrap())), (0o600, 0o700));
    }
    let folder = demo.config.parent().unwrap().to_owned();
    let pods = get(&demo.clusters[0].1, "/api/v1/namespaces/production/pods").await;
    assert!(pods["items"].as_array().unwrap().len() > 30);
    let pulls = get(&demo.github, "/repos/acme/myapp/pulls").await;
    assert_eq!(pulls.as_array().map(Vec::len), None, "a User-Agent is asked for: {pulls}");
    demo.stop().await;
    assert!(!folder.exists());
}

/// What `found` makes of an answer, once it makes something of it: a mode that is set cuts connections and binds the port
/// beside whoever set it.
async fn once<T>(url: &str, found: impl Fn(reqwest::Result<Response>) -> Option<T>) -> T {
    let asked = async {
        loop {
            // A client of its own has no connection that is being cut.
            if let Some(found) = found(client().get(url).timeout(Duration::from_secs(1)).send().await) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_break_and_come_back() {
    let demo = served().await;
    let control = demo.control.clone().unwrap();
    let set = async |mode: &str| ask(&control, Method::POST, &format!("/backend/alertmanager/{mode}"), None).await;
    let url = format!("{}/-/ready", demo.alertmanager.url);
    let kept = client();
    let date = kept.get(&url).send().await.unwrap().headers()["date"].clone();
    assert_eq!(date, "Sat, 21 Nov 2026 03:14:00 GMT");
    set("down").await;
    let error = kept.get(&url).send().await.unwrap_err();
    // It may break on the connection that was kept, or on a new one.
    assert!(error.is_connect() || error.is_request(), "{error:?}");
    set("error500").await;
    assert_eq!(once(&url, Result::ok).await.status(), 500);
    set("html").await;
    assert!(once(&url, Result::ok).await.text().await.unwrap().contains("Sign in"));
    set("hang").await;
    once(&url, |answer| answer.err().filter(reqwest::Error::is_timeout)).await;
    set("up").await;
    assert_eq!(once(&url, Result::ok).await.text().await.unwrap(), "OK");
    let (status, text) = set("sideways").await;
    assert_eq!(status, 400, "{text}");
    let stranger = Endpoint { token: "x".to_owned(), ..control.clone() };
    assert_eq!(ask(&stranger, Method::GET, "/state", None).await.0, 401);
    demo.stop().await;
}

/// The default story with less calm before it.
fn short() -> Scenario {
    let history = crate::demo::scenario::Span::seconds(1800.0);
    Scenario { history, ..Scenario::load("default").unwrap() }
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let shown = |seed| {
        let at: Timestamp = START.parse().unwrap();
        let world = World::new(short(), seed, at);
        format!("{:?} {:?}", world.clusters[0].pods(), world.telemetry.alerts.changes)
    };
    assert_eq!(shown(3), shown(3));
    assert_ne!(shown(3), shown(4));
}

#[test]
fn the_story_goes_the_same_way_with_any_seed() {
    for seed in [2, 412] {
        let at: Timestamp = START.parse().unwrap();
        let world = World::new(short(), seed, at);
        let pods = world.clusters[0].pods();
        let bad: Vec<_> = pods.iter().filter(|p| p.workload == "myapp" && p.image.ends_with(":412")).collect();
        let ready = bad.iter().filter(|p| p.ready).count();
        assert!(ready >= 3 && bad.len() - ready >= 3, "seed {seed}: {ready} of {}", bad.len());
        let fired = world.telemetry.alerts.rule("HighErrorRate", "myapp").unwrap().state.as_str();
        assert_eq!(fired, "firing", "seed {seed}");
    }
}

#[test]
fn a_large_fleet_is_cheap_to_step() {
    let mut scenario = Scenario::load("default").unwrap();
    assert!(scenario.scale_to(3_000));
    let world = World::new(scenario, 1, START.parse().unwrap());
    assert!(world.clusters[0].pods().len() >= 2_950);
}

#[test]
fn a_rollback_beside_a_running_deploy_is_undone_by_its_hook() {
    let at: Timestamp = START.parse().unwrap();
    let mut world = World::new(short(), 1487, at);
    let image = |world: &World| world.clusters[0].image("production", "myapp").unwrap();
    assert!(world.clusters[0].undo(at, "production", "myapp", "kubectl"));
    world.advance(at + jiff::SignedDuration::from_mins(5));
    assert!(image(&world).ends_with(":411"));
    assert_eq!(world.telemetry.alerts.rule("HighErrorRate", "myapp").unwrap().state.as_str(), "inactive");
    // The runner answers again, its smoke test finds 411, its hook undoes what is live: the mend.
    world.advance(at + jiff::SignedDuration::from_mins(30));
    assert!(image(&world).ends_with(":412"));
    world.advance(at + jiff::SignedDuration::from_mins(45));
    assert_eq!(world.telemetry.alerts.rule("HighErrorRate", "myapp").unwrap().state.as_str(), "firing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_demo_left_is_swept_and_what_is_held_stays() {
    let within = tempfile::tempdir().unwrap();
    let make = async || {
        let options =
            Options { folder: Some(within.path().to_owned()), ..Options::new(Arc::new(|| START.parse().unwrap())) };
        start(options).await.unwrap()
    };
    let left = within.path().join("midwatch-demo-1-0");
    let strange = within.path().join("midwatch-demo-mine");
    for folder in [&left, &strange] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(left.join("lock"), "").unwrap();
    std::fs::write(left.join("github-token"), "ghp_x").unwrap();
    let (one, two) = (make().await, make().await);
    assert!(!left.exists() && strange.exists());
    assert_ne!(one.config.parent(), two.config.parent());
    assert!(one.config.exists() && two.config.exists(), "two demos at once");
    one.stop().await;
    assert!(two.config.exists());
    two.stop().await;
    assert_eq!(std::fs::read_dir(within.path()).unwrap().count(), 1, "only what is not ours");
}
