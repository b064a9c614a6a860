//! Any kind of object, read from the demo's servers: what discovery and tables say equals what `kubectl` prints, and of
//! Secrets nothing but their keys is read. Without `kubectl` its part says so and passes, unless
//! `MIDWATCH_WITNESSES=required`.
#![expect(clippy::unwrap_used, reason = "a test's own helpers; clippy knows only test functions")]

use std::{process::Stdio, sync::Arc, time::Duration};

use jiff::SignedDuration;
use midwatch::{
    config::file::{Kubernetes, Timeouts},
    demo::serve::{Options, Served, start},
    headless::ask,
    model::kubernetes::{
        resource::{Resource, ResourceKey, Resources},
        table::ObjectTable,
    },
    query::{Answer, PageLine, Query, TableQuery},
    source::{
        Reader as _, SourceError,
        kubernetes::{Cluster, kubeconfig, reader::ClusterReader},
    },
    time::{Clock, SystemClock},
};
use tokio::process::Command;

/// The world, whose time stands still, as one user sees it.
struct Desk {
    demo: Served,
    reader: ClusterReader,
    clock: Arc<dyn Clock>,
}

impl Desk {
    async fn open(context: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let at = SystemClock.now().wall;
        let demo = start(Options::new(Arc::new(move || at))).await.unwrap();
        let loaded = kubeconfig::load(std::slice::from_ref(&demo.kubeconfig));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let wanted = Kubernetes { name: "c".to_owned(), context: Some(context.to_owned()), ..Kubernetes::default() };
        let cluster = Cluster::open(&wanted, &loaded, Timeouts::default(), Arc::default(), clock.clone()).await;
        Self { demo, reader: ClusterReader::new(cluster.unwrap()), clock }
    }

    async fn ask(&self, query: Query) -> Result<Answer, SourceError> {
        ask(&self.reader, &query, &self.clock, Duration::from_secs(30)).await
    }

    async fn kinds(&self) -> Arc<Resources> {
        let answer = self.ask(Query::Resources(self.reader.backend().clone())).await.unwrap();
        let Answer::Resources(resources) = answer else { panic!("{answer:?}") };
        resources
    }

    async fn table(&self, resource: &Arc<Resource>) -> Result<ObjectTable, SourceError> {
        let cluster = self.reader.backend().clone();
        let answer = self.ask(Query::Table(TableQuery { cluster, resource: resource.clone(), namespaces: Vec::new() }));
        match answer.await? {
            Answer::Table(table) => Ok(Arc::unwrap_or_clone(table)),
            other => panic!("{other:?}"),
        }
    }

    async fn page(&self, query: Query) -> String {
        let answer = self.ask(query).await.unwrap();
        let Answer::Page(lines) = answer else { panic!("{answer:?}") };
        let text = lines.into_iter().map(|line| match line {
            PageLine::Heading(text) | PageLine::Text(text) => text.to_string(),
            PageLine::Field(name, value, _) => format!("{name}: {value}"),
        });
        text.collect::<Vec<_>>().join("\n")
    }

    fn key(&self, resource: &Arc<Resource>, namespace: &str, name: &str) -> ResourceKey {
        ResourceKey {
            cluster: self.reader.backend().clone(),
            resource: resource.clone(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    async fn kubectl(&self, home: &std::path::Path, words: &[&str]) -> String {
        let mut command = Command::new("kubectl");
        command.args(words).env("KUBECONFIG", &self.demo.kubeconfig).env("HOME", home).env("KUBECACHEDIR", home);
        command.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "kubectl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Without its blanks: columns are as wide as their cells, and an empty cell leaves none.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect()
}

/// What `kubectl get -A` prints, or the same with `-o wide`, squeezed. Columns that only we have are named.
fn printed(resource: &Resource, table: &ObjectTable, own: &[&str], wide: bool) -> Vec<String> {
    let shown: Vec<usize> = (table.columns.iter().enumerate())
        .filter(|(_, column)| (wide || !column.is_wide) && !own.contains(&column.name.as_str()))
        .map(|(index, _)| index)
        .collect();
    let namespace = |text: &str| if resource.is_namespaced { text.to_owned() } else { String::new() };
    let head = shown.iter().map(|index| table.columns[*index].name.to_uppercase()).collect::<Vec<_>>().join(" ");
    let rows = table.rows.iter().map(|row| {
        let cells = shown.iter().map(|index| row.cells[*index].as_str()).collect::<Vec<_>>().join(" ");
        squeezed(&format!("{} {cells}", namespace(&row.namespace)))
    });
    std::iter::once(squeezed(&format!("{} {head}", namespace("NAMESPACE")))).chain(rows).collect()
}

/// Says so.
#[expect(clippy::print_stdout, reason = "what was not compared is said")]
async fn is_without_kubectl() -> bool {
    let is_absent = Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).status().await.is_err();
    if is_absent {
        assert_ne!(std::env::var("MIDWATCH_WITNESSES").as_deref(), Ok("required"), "witness absent: kubectl");
        println!("witness absent: kubectl");
    }
    is_absent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_has_the_rows_that_kubectl_prints() {
    if is_without_kubectl().await {
        return;
    }
    let desk = Desk::open("prod-eu1").await;
    let home = tempfile::tempdir().unwrap();
    let kinds = desk.kinds().await;
    assert!(kinds.troubles.is_empty(), "{:?}", kinds.troubles);
    let names = desk.kubectl(home.path(), &["api-resources", "--verbs=list", "-o", "name"]).await;
    let mut theirs: Vec<&str> = names.lines().collect();
    let mut ours: Vec<String> = kinds.list.iter().map(|resource| resource.qualified()).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    for resource in &kinds.list {
        // metrics.k8s.io has no tables here, and what kubectl makes of that is no answer of the server's.
        if resource.group == "metrics.k8s.io" {
            continue;
        }
        let name = resource.qualified();
        let text = desk.kubectl(home.path(), &["get", &name, "-A"]).await;
        let table = desk.table(resource).await.unwrap();
        let usage = ["nodes", "pods"].contains(&name.as_str());
        // What is used, and the state of nodes and of Argo's and Flux's objects, which their own columns do not tell.
        let own = ["CPU", "CPU%", "Memory", "Mem%", "State"];
        let lines: Vec<String> = text.lines().map(squeezed).collect();
        if !table.rows.is_empty() {
            assert_eq!(printed(resource, &table, &own, false), lines, "{name}");
        }
        assert!(!usage || table.columns.iter().any(|column| column.name == "CPU"), "{name} is measured");
    }
}

/// Of both styles: counted up with a first and a last time, and with the time of a series.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_counted_and_aged_as_kubectl_says() {
    if is_without_kubectl().await {
        return;
    }
    let ago = |seconds| (SystemClock.now().wall - SignedDuration::from_secs(seconds)).to_string();
    let event = serde_json::json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Preempting",
        "metadata": {"name": "new-style.1", "namespace": "production"}, "message": "by nobody", "action": "Binding",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "production", "name": "postgres-0"},
        "reportingComponent": "default-scheduler", "reportingInstance": "scheduler-1", "eventTime": ago(2430),
        "series": {"count": 5, "lastObservedTime": ago(330)}});
    let desk = Desk::open("prod-eu1").await;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("event.json");
    std::fs::write(&path, event.to_string()).unwrap();
    desk.kubectl(home.path(), &["create", "-f", path.to_str().unwrap()]).await;
    let kinds = desk.kinds().await;
    let resource = kinds.resolve("events").unwrap();
    let text = desk.kubectl(home.path(), &["get", "events", "-A", "-o", "wide"]).await;
    let table = desk.table(resource).await.unwrap();
    let lines: Vec<String> = text.lines().map(squeezed).collect();
    assert_eq!(printed(resource, &table, &[], true), lines);
    let new = table.rows.iter().find(|row| row.name == *"new-style.1").expect("it is there");
    let cell = |name: &str| new.cells[table.columns.iter().position(|column| column.name == *name).unwrap()].as_str();
    assert_eq!((cell("Last Seen"), cell("First Seen"), cell("Count")), ("5m30s", "40m", "5"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_what_the_objects_are_and_no_value_of_a_secret() {
    let desk = Desk::open("prod-eu1").await;
    let kinds = desk.kinds().await;
    let kind = |word: &str| kinds.resolve(word).unwrap();
    let secret = desk.key(kind("secret"), "production", "postgres-credentials");
    let page = desk.page(Query::DescribeAny(secret.clone())).await;
    assert!(page.contains("password: 17 bytes") && page.contains("type: Opaque"), "{page}");
    let yaml = desk.page(Query::YamlAny(secret)).await;
    assert!(yaml.contains("password: 17 bytes") && yaml.contains("kind: Secret"), "{yaml}");
    let config = desk.page(Query::DescribeAny(desk.key(kind("cm"), "production", "myapp-settings"))).await;
    assert!(config.contains("features.yaml") && config.contains("jwt_login: true"), "{config}");
    let node = desk.page(Query::DescribeAny(desk.key(kind("no"), "", "node-4"))).await;
    assert!(node.contains("taint: node.kubernetes.io/memory-pressure:NoSchedule"), "{node}");
    assert!(node.contains("used of") && node.contains("MemoryPressure"), "{node}");
    assert!(node.contains("KubeletHasInsufficientMemory"), "its events: {node}");
    let job = desk.table(kind("jobs")).await.unwrap();
    let owned = job.rows.iter().find(|row| row.owner.is_some()).expect("of a CronJob");
    let page = desk.page(Query::DescribeAny(desk.key(kind("jobs"), &owned.namespace, &owned.name))).await;
    assert!(page.contains("owner: cronjob/") && page.contains("completions: "), "{page}");
    // The demo answers what the pages of these ask besides, as kubectl would ask it.
    let service = desk.page(Query::DescribeAny(desk.key(kind("svc"), "production", "web"))).await;
    assert!(service.contains("ready: pod/web-") && !service.contains("not known"), "{service}");
    let ingress = desk.page(Query::DescribeAny(desk.key(kind("ing"), "production", "shop"))).await;
    assert!(ingress.contains("shop.acme.example/ -> service/web:8080   ") && ingress.contains(" ready"), "{ingress}");
    let claim = desk.page(Query::DescribeAny(desk.key(kind("pvc"), "production", "restore-scratch"))).await;
    assert!(claim.contains("asks: 200Gi RWO") && claim.contains("no StorageClass 'archive'"), "{claim}");
    let cron = desk.page(Query::DescribeAny(desk.key(kind("cronjobs"), "production", "vacuum"))).await;
    assert!(cron.contains("next run: none: it is suspended") && cron.contains("job: vacuum-"), "{cron}");
    let application = desk.page(Query::DescribeAny(desk.key(kind("applications"), "argocd", "search"))).await;
    assert!(application.contains("policy: auto-sync with self-heal"), "{application}");
    let rollout = desk.page(Query::DescribeAny(desk.key(kind("rollouts"), "production", "recommendations"))).await;
    assert!(rollout.contains("up-to-date: 1"), "{rollout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narrow_rights_give_what_they_allow_and_a_refusal_in_words() {
    // Reads all but Secrets.
    let desk = Desk::open("prod-eu1-rita").await;
    let kinds = desk.kinds().await;
    let refused = desk.table(kinds.resolve("secrets").unwrap()).await.unwrap_err();
    assert!(refused.says.contains("(403)") && refused.says.contains("secrets is forbidden"), "{refused}");
    assert!(!desk.table(kinds.resolve("svc").unwrap()).await.unwrap().rows.is_empty());
    // Has one namespace, and nothing of the cluster's.
    let desk = Desk::open("prod-eu1-nils").await;
    let kinds = desk.kinds().await;
    let table = desk.table(kinds.resolve("svc").unwrap()).await.unwrap();
    assert!(table.rows.iter().all(|row| row.namespace == "production") && !table.rows.is_empty());
    assert!(table.notes[0].contains("narrow rights: only of 'production'"), "{:?}", table.notes);
    assert!(desk.table(kinds.resolve("nodes").unwrap()).await.unwrap_err().says.contains("(403)"));
}
