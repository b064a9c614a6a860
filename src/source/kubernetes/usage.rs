//! What nodes, pods and containers use now, by metrics.k8s.io where the cluster has it: a few samples a minute.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{
    StreamExt as _,
    future::join_all,
    stream::{self, BoxStream},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    client::{Cluster, segment},
    failure::Failure,
    rows::{parse_bytes, parse_millis},
};
use crate::{
    model::kubernetes::{
        resource::{Resource, ResourceKey},
        table::{Amount, CellKind, TableColumn, Used},
    },
    query::{Answer, TableQuery},
    source::AnswerSink,
    text::{Clean, memory_text},
};

const API: &str = "/apis/metrics.k8s.io";
/// A sample is used so long; servers take them every 15 s or less often.
const EVERY: Duration = Duration::from_secs(15);
/// Of many objects less often.
const PER_OBJECT: Duration = Duration::from_millis(1);
/// After so many failures in a row what was measured last is no news any more.
const KEPT_FOR: u32 = 3;
/// Where the API is missing or refused it is not asked again sooner.
const ABSENT: Duration = Duration::from_mins(2);

impl Amount {
    fn of(quantities: &Quantities) -> Self {
        let read = |text: &Option<String>, parse: fn(&str) -> Option<u64>| text.as_deref().and_then(parse).unwrap_or(0);
        Self { cpu_millis: read(&quantities.cpu, parse_millis), memory_bytes: read(&quantities.memory, parse_bytes) }
    }

    /// With its share of what there is.
    pub fn cpu_of(self, all: &str) -> String {
        format!("{}{}", self.cpu(), share(self.cpu_millis, parse_millis(all)))
    }

    pub fn memory_of(self, all: Option<u64>) -> String {
        format!("{}{}", memory_text(self.memory_bytes), share(self.memory_bytes, all))
    }
}

fn share(some: u64, all: Option<u64>) -> String {
    all.filter(|all| *all > 0).map_or_else(String::new, |all| format!(" ({} %)", some.saturating_mul(100) / all))
}

#[derive(Debug, Deserialize)]
struct Quantities {
    cpu: Option<String>,
    memory: Option<String>,
}

/// NodeMetrics, PodMetrics
#[derive(Debug, Deserialize)]
struct Metrics {
    metadata: Metadata,
    usage: Option<Quantities>,
    containers: Option<Vec<ContainerMetrics>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    name: String,
    usage: Quantities,
}

#[derive(Debug, Deserialize)]
struct List {
    items: Option<Vec<Metrics>>,
}

impl Metrics {
    fn used(&self) -> Amount {
        let own = self.usage.as_ref().map(Amount::of).unwrap_or_default();
        self.containers.iter().flatten().fold(own, |sum, container| sum.plus(Amount::of(&container.usage)))
    }
}

/// Most servers have `v1beta1`, the newest may have `v1` alone; both say the same.
async fn ask<T: DeserializeOwned>(cluster: &Cluster, path: &str) -> Result<T, Failure> {
    match cluster.get(&format!("{API}/v1beta1{path}")).await {
        Err(failure) if failure.is(404) => cluster.get(&format!("{API}/v1{path}")).await,
        answer => answer,
    }
}

/// By container; none where it is not known.
pub async fn of_pod(cluster: &Cluster, namespace: &str, pod: &str) -> BTreeMap<String, Amount> {
    let path = format!("/namespaces/{}/pods/{}", segment(namespace), segment(pod));
    let metrics = ask::<Metrics>(cluster, &path).await.ok();
    let containers = metrics.and_then(|metrics| metrics.containers).into_iter().flatten();
    containers.map(|container| (container.name, Amount::of(&container.usage))).collect()
}

/// Of a node, if it is one and its use is known.
pub async fn of_node(cluster: &Cluster, key: &ResourceKey) -> Option<Amount> {
    if measured(&key.resource) != Some("nodes") {
        return None;
    }
    let metrics = ask::<Metrics>(cluster, &format!("/nodes/{}", segment(&key.name))).await.ok()?;
    Some(metrics.used())
}

/// The name of a kind whose use is measured.
fn measured(resource: &Resource) -> Option<&'static str> {
    ["nodes", "pods"].into_iter().find(|plural| resource.group.is_empty() && resource.plural == *plural)
}

/// The columns of what is used, beside those of a kind that is measured.
pub fn columns(resource: &Resource) -> Vec<TableColumn> {
    let column = |name: &str, is_wide, kind| TableColumn { name: name.into(), is_wide, kind };
    let mut columns = vec![
        column("CPU", false, CellKind::Cpu),
        column("CPU%", false, CellKind::CpuShare),
        column("Memory", false, CellKind::Memory),
        column("Mem%", false, CellKind::MemoryShare),
    ];
    if measured(resource) == Some("pods") {
        columns.push(column("Requests", true, CellKind::Requests));
        columns.push(column("Limits", true, CellKind::Limits));
    }
    columns
}

/// What the objects of a table use, again and again; at first `None` where it is not measured.
pub fn of_table(cluster: &Cluster, asked: &TableQuery) -> BoxStream<'static, Option<Arc<Used>>> {
    let paths = match (measured(&asked.resource), asked.namespaces.as_slice()) {
        (None, _) => return stream::iter([None]).chain(stream::pending()).boxed(),
        (Some("pods"), names @ [_, ..]) => names.iter().map(|name| pods_of(name)).collect(),
        (Some(plural), _) => vec![format!("/{plural}")],
    };
    polled(cluster, paths)
}

/// What the pods of a namespace use, until nobody looks; nothing where it is not measured or may not be read.
pub async fn follow(cluster: &Cluster, namespace: &str, out: &AnswerSink) {
    let mut usage = polled(cluster, vec![pods_of(namespace)]);
    while let Some(used) = usage.next().await {
        if !out.send(Ok(Answer::Usage(used.unwrap_or_default()))).await {
            return;
        }
    }
}

fn pods_of(namespace: &str) -> String {
    format!("/namespaces/{}/pods", segment(namespace))
}

fn polled(cluster: &Cluster, paths: Vec<String>) -> BoxStream<'static, Option<Arc<Used>>> {
    let from = (cluster.clone(), paths, Known::default());
    stream::unfold(from, |(cluster, paths, mut known)| async move {
        tokio::time::sleep(known.rest).await;
        known.take(read(&cluster, &paths).await);
        Some((known.used.clone(), (cluster, paths, known)))
    })
    .boxed()
}

/// What was measured last, and when it is asked for again.
#[derive(Default)]
struct Known {
    used: Option<Arc<Used>>,
    /// Failures since.
    failed: u32,
    rest: Duration,
}

impl Known {
    fn take(&mut self, read: Result<Used, Failure>) {
        match read {
            Ok(used) => {
                let by_size = PER_OBJECT * u32::try_from(used.len()).unwrap_or(0);
                *self = Self { used: Some(Arc::new(used)), failed: 0, rest: EVERY.max(by_size).min(ABSENT) };
            }
            // It hiccups: what it said just now is still about so.
            Err(failure) if self.used.is_some() && self.failed < KEPT_FOR && !is_refused(&failure) => self.failed += 1,
            Err(_) => *self = Self { rest: ABSENT, ..Self::default() },
        }
    }
}

/// Not there, or not for us.
fn is_refused(failure: &Failure) -> bool {
    [401, 403, 404].into_iter().any(|code| failure.is(code))
}

async fn read(cluster: &Cluster, paths: &[String]) -> Result<Used, Failure> {
    let asked = paths.iter().map(|path| ask::<List>(cluster, path));
    let mut known = Used::new();
    for list in join_all(asked).await {
        for metrics in list?.items.into_iter().flatten() {
            let namespace = Clean::line(metrics.metadata.namespace.as_deref().unwrap_or_default());
            known.insert((namespace, Clean::line(&metrics.metadata.name)), metrics.used());
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::BackendId,
        query::{Query, UsageQuery},
        source::{
            ErrorKind,
            kubernetes::{
                failure::Reached,
                scripted::{Asked, json_answer, serve, status},
            },
        },
    };

    fn asked(plural: &str) -> TableQuery {
        let resource = Resource {
            group: "".into(),
            version: "v1".into(),
            plural: plural.into(),
            singular: "x".into(),
            kind: "X".into(),
            short_names: Box::new([]),
            is_namespaced: true,
        };
        TableQuery { cluster: BackendId::new("c"), resource: Arc::new(resource), namespaces: Vec::new() }
    }

    fn pod(containers: &Value) -> Value {
        json!({"items": [{"metadata": {"name": "a", "namespace": "shop"}, "containers": containers}]})
    }

    #[tokio::test]
    async fn pods_use_what_their_containers_use_and_the_server_is_asked_seldom() {
        let fake = serve(|_| {
            let usage = |cpu: &str, memory: &str| json!({"name": cpu, "usage": {"cpu": cpu, "memory": memory}});
            json_answer(200, &pod(&json!([usage("1500000n", "1024Ki"), usage("0.25", "100Mi")])))
        })
        .await;
        let mut usage = of_table(&fake.cluster, &asked("pods"));
        let used = usage.next().await.flatten().expect("measured");
        let key = ("shop".into(), "a".into());
        assert_eq!(*used, Used::from([(key, Amount { cpu_millis: 252, memory_bytes: 101 << 20 })]));
        let soon = tokio::time::timeout(Duration::from_millis(50), usage.next()).await;
        assert!(soon.is_err(), "it rests");
        assert_eq!(fake.asked().len(), 1);
        assert_eq!(fake.asked()[0].path, "/apis/metrics.k8s.io/v1beta1/pods");
        let names: Vec<_> = columns(&asked("pods").resource).into_iter().map(|column| column.name).collect();
        assert_eq!(names, ["CPU", "CPU%", "Memory", "Mem%", "Requests", "Limits"]);
    }

    #[tokio::test]
    async fn without_the_api_and_for_other_kinds_nothing_is_known() {
        let fake = serve(|_| status(404, "NotFound", "the server could not find the requested resource")).await;
        for plural in ["pods", "services"] {
            let mut usage = of_table(&fake.cluster, &asked(plural));
            assert_eq!(usage.next().await, Some(None));
            assert!(tokio::time::timeout(Duration::from_millis(50), usage.next()).await.is_err(), "{plural}");
        }
        assert_eq!(fake.asked().len(), 2, "each version once, not again soon, and of Services never");
    }

    #[tokio::test]
    async fn a_server_that_has_only_the_newer_version_is_understood() {
        let fake = serve(|asked: &Asked| match asked.path.as_str() {
            "/apis/metrics.k8s.io/v1/pods" => json_answer(200, &pod(&json!([]))),
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        })
        .await;
        let mut usage = of_table(&fake.cluster, &asked("pods"));
        assert_eq!(usage.next().await.flatten().expect("measured").len(), 1);
    }

    #[test]
    fn what_was_measured_last_stays_for_some_failures() {
        let mut known = Known::default();
        let failing =
            |code| Failure { code: Some(code), ..Failure::own(ErrorKind::Unexpected, Reached::Answered, "busy") };
        known.take(Err(failing(503)));
        assert_eq!((known.used.is_some(), known.rest), (false, ABSENT));
        known.take(Ok(Used::new()));
        for _ in 0..KEPT_FOR {
            known.take(Err(failing(503)));
            assert_eq!((known.used.is_some(), known.rest), (true, EVERY));
        }
        known.take(Err(failing(503)));
        assert_eq!((known.used.is_some(), known.rest), (false, ABSENT));
        known.take(Ok(Used::new()));
        known.take(Err(failing(403)));
        assert!(known.used.is_none(), "it may not be read any more");
    }

    #[tokio::test]
    async fn of_a_namespace_one_list_is_read_and_a_refusal_is_no_failure() {
        let fake = serve(|asked: &Asked| match asked.path.as_str() {
            "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods" => {
                let used = json!({"name": "app", "usage": {"cpu": "2", "memory": "1Gi"}});
                json_answer(200, &pod(&json!([used])))
            }
            _ => status(403, "Forbidden", "pods.metrics.k8s.io is forbidden"),
        })
        .await;
        let amount = Amount { cpu_millis: 2_000, memory_bytes: 1 << 30 };
        for (namespace, expected) in
            [("shop", Used::from([(("shop".into(), "a".into()), amount)])), ("vault", Used::new())]
        {
            let (to, mut answers) = tokio::sync::mpsc::channel(4);
            let asked = UsageQuery { cluster: BackendId::new("c"), namespace: namespace.into() };
            let clock = fake.cluster.clock().clone();
            let out = AnswerSink { query: Query::Usage(asked), generation: 1, clock, to };
            let followed = follow(&fake.cluster, namespace, &out);
            tokio::select! {
                () = followed => panic!("it goes on"),
                answered = answers.recv() => {
                    assert_eq!(answered.expect("an answer").body.unwrap(), Answer::Usage(Arc::new(expected)));
                }
            }
        }
        assert_eq!(fake.asked().len(), 2, "not one for each pod");
    }

    #[test]
    fn a_share_needs_a_whole() {
        let used = Amount { cpu_millis: 1_500, memory_bytes: 480 << 20 };
        assert_eq!((used.cpu_of("4"), used.cpu_of("")), ("1500m (37 %)".to_owned(), "1500m".to_owned()));
        assert_eq!(used.memory_of(Some(512 << 20)), "480Mi (93 %)");
    }
}
