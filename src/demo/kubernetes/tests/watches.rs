//! WATCH.

use serde_json::{Value, json};

use super::{Served, serve, status};

/// A watch, read line by line.
struct Lines {
    response: reqwest::Response,
    rest: Vec<u8>,
}

impl Lines {
    async fn open(served: &Served, accept: &str, path: &str) -> Self {
        let response = served.request("GET", path).header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, rest: Vec::new() }
    }

    /// The next document, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            self.rest.extend(self.response.chunk().await.unwrap()?);
        }
    }
}

async fn version(served: &Served, path: &str) -> String {
    served.get(path).await.body["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

const CONFIGS: &str = "/api/v1/namespaces/production/configmaps";

#[tokio::test]
async fn changes_arrive_in_their_order() {
    let served = serve().await;
    let from = version(&served, CONFIGS).await;
    let path = format!("{CONFIGS}?watch=true&resourceVersion={from}&timeoutSeconds=60");
    let mut lines = Lines::open(&served, "application/json", &path).await;
    let set = |to: &str| served.cluster(|c, now| c.set_config(now, "production", "myapp-config", "K", to, "x"));
    set("1");
    let added = lines.next().await.unwrap();
    assert_eq!((added["type"].as_str(), added["object"]["kind"].as_str()), (Some("ADDED"), Some("ConfigMap")));
    set("2");
    let modified = lines.next().await.unwrap();
    assert_eq!((modified["type"].as_str(), modified["object"]["data"]["K"].as_str()), (Some("MODIFIED"), Some("2")));
    served.request("DELETE", &format!("{CONFIGS}/myapp-config")).send().await.unwrap();
    let deleted = lines.next().await.unwrap();
    assert_eq!(deleted["type"], "DELETED");
    let versions: Vec<u64> = [added, modified, deleted]
        .iter()
        .map(|l| l["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

#[tokio::test]
async fn without_a_version_the_present_state_comes_first() {
    let served = serve().await;
    let path = "/api/v1/namespaces/production/pods?watch=true&labelSelector=app%3Dpostgres&timeoutSeconds=60";
    let mut lines = Lines::open(&served, "application/json", path).await;
    for _ in 0..3 {
        assert_eq!(lines.next().await.unwrap()["type"], "ADDED");
    }
    let patch = json!({"metadata": {"labels": {"app": "other"}}});
    let pod = "/api/v1/namespaces/production/pods/postgres-0";
    served.send("PATCH", pod, "application/merge-patch+json", &patch).await;
    let line = lines.next().await.unwrap();
    assert_eq!(line["type"], "DELETED", "it has left the selector");
}

#[tokio::test]
async fn an_old_version_is_an_error_event() {
    let served = serve().await;
    let from = version(&served, CONFIGS).await;
    served.cluster(|c, _| c.store.compact());
    let path = format!("{CONFIGS}?watch=true&resourceVersion={from}");
    let mut lines = Lines::open(&served, "application/json", &path).await;
    let error = lines.next().await.unwrap();
    assert_eq!((error["type"].as_str(), error["object"]["code"].as_i64()), (Some("ERROR"), Some(410)));
    assert_eq!(error["object"]["reason"], "Expired");
    assert!(error["object"]["message"].as_str().unwrap().starts_with("too old resource version: "));
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn an_open_watch_ends_with_an_error_when_its_history_is_dropped() {
    let served = serve().await;
    let from = version(&served, CONFIGS).await;
    let path = format!("{CONFIGS}?watch=true&resourceVersion={from}");
    let mut lines = Lines::open(&served, "application/json", &path).await;
    served.cluster(|c, _| c.store.compact());
    assert_eq!(lines.next().await.unwrap()["object"]["code"], 410);
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn only_the_first_event_of_a_table_watch_has_columns() {
    let served = serve().await;
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let path = "/api/v1/namespaces/production/pods?watch=true&labelSelector=app%3Dpostgres";
    let mut lines = Lines::open(&served, accept, path).await;
    let first = lines.next().await.unwrap();
    assert_eq!(first["object"]["kind"], "Table");
    assert!(first["object"]["columnDefinitions"].is_array());
    assert!(lines.next().await.unwrap()["object"]["columnDefinitions"].is_null());
}

#[tokio::test]
async fn streaming_lists_are_refused_unless_served() {
    let served = serve().await;
    let path = format!(
        "{CONFIGS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let answer = served.get(&path).await;
    let (code, reason, message) = status(&answer);
    assert_eq!((code, reason), (422, "Invalid"));
    assert!(message.contains("sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"));

    let app = crate::demo::kubernetes::router_with_watch_list(served.world.clone(), 0, "t".to_owned());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let newer = Served { world: served.world.clone(), base, client: served.client.clone() };
    let path = path.replace("configmaps", "pods");
    let mut lines = Lines::open(&newer, "application/json", &path).await;
    for _ in 0..13 {
        assert_eq!(lines.next().await.unwrap()["type"], "ADDED");
    }
    let end = lines.next().await.unwrap();
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn a_watch_ends_at_its_timeout() {
    let served = serve().await;
    let from = version(&served, CONFIGS).await;
    let path = format!("{CONFIGS}?watch=true&resourceVersion={from}&timeoutSeconds=1");
    let mut lines = Lines::open(&served, "application/json", &path).await;
    assert!(lines.next().await.is_none());
}
