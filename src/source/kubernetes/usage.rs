//! What nodes, pods and containers use now, by metrics.k8s.io where the cluster has it: a few samples a minute.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde::Deserialize;

use super::{
    client::{Cluster, segment},
    failure::Failure,
    rows::{memory_text, parse_bytes, parse_millis},
};
use crate::{
    model::{
        Name,
        kubernetes::{
            resource::{Resource, ResourceKey},
            table::{ObjectTable, TableColumn},
        },
    },
    query::TableQuery,
    text::Clean,
};

const API: &str = "/apis/metrics.k8s.io/v1beta1";
/// A sample is used so long; servers take them every 15 s or less often.
const EVERY: Duration = Duration::from_secs(15);
/// Where the API is missing or refused it is not asked again sooner.
const ABSENT: Duration = Duration::from_mins(2);

/// What one of them uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

impl Used {
    fn of(quantities: &Quantities) -> Self {
        let read = |text: &Option<String>, parse: fn(&str) -> Option<u64>| text.as_deref().and_then(parse).unwrap_or(0);
        Self { cpu_millis: read(&quantities.cpu, parse_millis), memory_bytes: read(&quantities.memory, parse_bytes) }
    }

    fn plus(self, other: Self) -> Self {
        Self { cpu_millis: self.cpu_millis + other.cpu_millis, memory_bytes: self.memory_bytes + other.memory_bytes }
    }

    /// `180m`
    pub fn cpu(self) -> String {
        format!("{}m", self.cpu_millis)
    }

    /// `480Mi`, as `kubectl top` counts.
    fn memory(self) -> String {
        format!("{}Mi", self.memory_bytes >> 20)
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
    fn used(&self) -> Used {
        let own = self.usage.as_ref().map(Used::of).unwrap_or_default();
        self.containers.iter().flatten().fold(own, |sum, container| sum.plus(Used::of(&container.usage)))
    }
}

/// By container; none where it is not known.
pub async fn of_pod(cluster: &Cluster, namespace: &str, pod: &str) -> BTreeMap<String, Used> {
    let path = format!("{API}/namespaces/{}/pods/{}", segment(namespace), segment(pod));
    let metrics = cluster.get::<Metrics>(&path).await.ok();
    let containers = metrics.and_then(|metrics| metrics.containers).into_iter().flatten();
    containers.map(|container| (container.name, Used::of(&container.usage))).collect()
}

/// Of a node, if it is one and its use is known.
pub async fn of_node(cluster: &Cluster, key: &ResourceKey) -> Option<Used> {
    if measured(&key.resource) != Some("nodes") {
        return None;
    }
    let metrics = cluster.get::<Metrics>(&format!("{API}/nodes/{}", segment(&key.name))).await.ok()?;
    Some(metrics.used())
}

/// The name of a kind whose use is measured.
fn measured(resource: &Resource) -> Option<&'static str> {
    ["nodes", "pods"].into_iter().find(|plural| resource.group.is_empty() && resource.plural == *plural)
}

/// The use of what a table lists, beside its columns.
pub struct Usage {
    cluster: Cluster,
    paths: Vec<String>,
    next: Option<Instant>,
    known: BTreeMap<(Name, Name), Used>,
}

impl Usage {
    pub fn new(cluster: &Cluster, asked: &TableQuery) -> Self {
        let all = |plural: &str| vec![format!("{API}/{plural}")];
        let paths = match (measured(&asked.resource), asked.namespaces.as_slice()) {
            (None, _) => Vec::new(),
            (Some("pods"), names @ [_, ..]) => {
                names.iter().map(|name| format!("{API}/namespaces/{}/pods", segment(name))).collect()
            }
            (Some(plural), _) => all(plural),
        };
        Self { cluster: cluster.clone(), paths, next: None, known: BTreeMap::new() }
    }

    /// Adds the columns CPU and memory, where the cluster measures.
    pub async fn add(&mut self, table: &mut ObjectTable) {
        let now = self.cluster.clock().now().mono;
        if !self.paths.is_empty() && self.next.is_none_or(|next| next <= now) {
            let read = self.read().await;
            self.next = Some(now + if read.is_ok() { EVERY } else { ABSENT });
            self.known = read.unwrap_or_default();
        }
        if self.known.is_empty() {
            return;
        }
        for name in ["CPU", "Memory"] {
            table.columns.push(TableColumn { name: name.into(), is_wide: false });
        }
        for row in &mut table.rows {
            let used = self.known.get(&(row.namespace.clone(), row.name.clone()));
            let cells = match used {
                Some(used) => [used.cpu(), used.memory()],
                None => ["<none>".to_owned(), "<none>".to_owned()],
            };
            row.cells = row.cells.iter().cloned().chain(cells.map(Clean::own)).collect();
        }
    }

    async fn read(&self) -> Result<BTreeMap<(Name, Name), Used>, Failure> {
        let asked = self.paths.iter().map(|path| self.cluster.get::<List>(path));
        let mut known = BTreeMap::new();
        for list in join_all(asked).await {
            for metrics in list?.items.into_iter().flatten() {
                let namespace = Clean::line(metrics.metadata.namespace.as_deref().unwrap_or_default());
                known.insert((namespace, Clean::line(&metrics.metadata.name)), metrics.used());
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::{BackendId, kubernetes::table::TableRow},
        source::kubernetes::scripted::{json_answer, serve, status},
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

    fn table() -> ObjectTable {
        let row = |name: &str| TableRow {
            namespace: "shop".into(),
            name: name.into(),
            uid: "u".into(),
            created: None,
            owner: None,
            labels: Box::new([]),
            cells: Box::new([name.into()]),
        };
        ObjectTable {
            columns: vec![TableColumn { name: "Name".into(), is_wide: false }],
            rows: vec![row("a"), row("b")],
            ..ObjectTable::default()
        }
    }

    fn pod(containers: &Value) -> Value {
        json!({"items": [{"metadata": {"name": "a", "namespace": "shop"}, "containers": containers}]})
    }

    #[tokio::test]
    async fn pods_get_what_their_containers_use_and_the_server_is_asked_seldom() {
        let fake = serve(|_| {
            let usage = |cpu: &str, memory: &str| json!({"name": cpu, "usage": {"cpu": cpu, "memory": memory}});
            json_answer(200, &pod(&json!([usage("1500000n", "1024Ki"), usage("0.25", "100Mi")])))
        })
        .await;
        let mut usage = Usage::new(&fake.cluster, &asked("pods"));
        for _ in 0..3 {
            let mut table = table();
            usage.add(&mut table).await;
            assert_eq!(table.columns.len(), 3);
            assert_eq!(*table.rows[0].cells, ["a", "252m", "101Mi"].map(Clean::from));
            assert_eq!(*table.rows[1].cells, ["b", "<none>", "<none>"].map(Clean::from));
        }
        assert_eq!(fake.asked().len(), 1);
        assert_eq!(fake.asked()[0].path, "/apis/metrics.k8s.io/v1beta1/pods");
    }

    #[tokio::test]
    async fn without_the_api_and_for_other_kinds_a_table_stays_as_it_is() {
        let fake = serve(|_| status(404, "NotFound", "the server could not find the requested resource")).await;
        for plural in ["pods", "services"] {
            let mut usage = Usage::new(&fake.cluster, &asked(plural));
            let mut table = table();
            usage.add(&mut table).await;
            usage.add(&mut table).await;
            assert_eq!(table, self::table());
        }
        assert_eq!(fake.asked().len(), 1, "it is not asked again soon, and of Services never");
    }

    #[test]
    fn a_share_needs_a_whole() {
        let used = Used { cpu_millis: 1_500, memory_bytes: 480 << 20 };
        assert_eq!((used.cpu_of("4"), used.cpu_of("")), ("1500m (37 %)".to_owned(), "1500m".to_owned()));
        assert_eq!(used.memory_of(Some(512 << 20)), "480Mi (93 %)");
    }
}
