//! What the cockpit shows of pods equals what the API server prints for `kubectl get pods`, while a bad deploy crashes,
//! backs off and is waited for. The demo's server and our rows are two programs that know nothing of each other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use midwatch::{
    config::file::{Kubernetes, Timeouts},
    demo::serve::{Options, start},
    model::kubernetes::Pod,
    source::{
        Delta, Fact, Source,
        kubernetes::{
            Cluster, Scope, kubeconfig,
            rows::Rows,
            watch::{Watch, Watched},
        },
    },
    time::{Clock, SystemClock},
};

/// READY, STATUS and the number of RESTARTS by `namespace/name`.
type Columns = BTreeMap<String, (String, String, String)>;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async fn printed(http: &reqwest::Client, url: &str, token: &str) -> Columns {
    let answer = http
        .get(format!("{url}/api/v1/pods"))
        .bearer_auth(token)
        .header("accept", TABLE)
        .send()
        .await
        .expect("an answer");
    let table: serde_json::Value = answer.json().await.expect("a table");
    let row = |row: &serde_json::Value| {
        let (meta, text) = (&row["object"]["metadata"], |at: usize| match &row["cells"][at] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let restarts = text(3).split(' ').next().unwrap_or_default().to_owned();
        (format!("{}/{}", meta["namespace"].as_str().unwrap_or_default(), text(0)), (text(1), text(2), restarts))
    };
    table["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn shown(pods: &BTreeMap<String, Pod>) -> Columns {
    let columns =
        |pod: &Pod| (format!("{}/{}", pod.ready, pod.total), pod.status.to_string(), pod.restarts.to_string());
    pods.iter().map(|(name, pod)| (name.clone(), columns(pod))).collect()
}

fn apply(pods: &mut BTreeMap<String, Pod>, facts: Vec<Fact>) {
    for fact in facts {
        match fact {
            Fact::Pod(Delta::Put(pod)) => {
                pods.insert(format!("{}/{}", pod.key.namespace, pod.key.name), *pod);
            }
            Fact::Pod(Delta::Gone(key)) => {
                assert!(pods.remove(&format!("{}/{}", key.namespace, key.name)).is_some(), "{key:?} was not there");
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_shown_as_the_server_prints_them() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let at = "2026-11-21T03:14:00Z".parse().unwrap();
    let options = Options { at: Some(at), control: true, ..Options::new(Arc::new(move || at)) };
    let demo = start(options).await.unwrap();
    let loaded = kubeconfig::load(std::slice::from_ref(&demo.kubeconfig));
    assert!(loaded.troubles.is_empty(), "{:?}", loaded.troubles);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let wanted = Kubernetes::default();
    let cluster = Cluster::open(&wanted, &loaded, Timeouts::default(), Arc::default(), clock).await.unwrap();
    let mut watch = Watch::new(&cluster, Watched::Pods, Scope::All, Arc::new(Rows::new(cluster.id())));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (name, api, _) = &demo.clusters[0];
    assert_eq!(name, "prod-eu1");
    let control = demo.control.as_ref().unwrap();
    let (mut pods, mut statuses) = (BTreeMap::new(), std::collections::BTreeSet::new());
    for _ in 0..8 {
        let server = printed(&http, &api.url, &api.token).await;
        let caught_up = async {
            while shown(&pods) != server {
                apply(&mut pods, watch.next().await.unwrap());
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), caught_up).await.is_ok();
        assert!(in_time, "shown {:#?}\nprinted {server:#?}", shown(&pods));
        statuses.extend(server.into_values().map(|(_, status, _)| status));
        let advance = format!("{}/advance?seconds=37", control.url);
        assert!(http.post(advance).bearer_auth(&control.token).send().await.unwrap().status().is_success());
    }
    assert!(statuses.contains("CrashLoopBackOff"), "the story has some trouble: {statuses:?}");
}
