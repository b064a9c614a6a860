//! One who acts on a cluster of the demo's.

use super::*;
use crate::{
    action::engine::headless::{Headless, Ran, run_headless},
    model::kubernetes::{WorkloadKey, WorkloadKind},
    operator::{argocd::ArgoCdOperator, kubernetes::ClusterOperator},
    source::{
        argocd::ArgoCd,
        kubernetes::{Cluster, inspect::WorkloadInspector},
    },
    time::SystemClock,
};

/// Two services, a database of three, an agent on each node. Of every version `slow` never gets ready, `bad` crashes.
pub(super) const STORY: &str = r#"
name = "sets"
viewer = "ana"
history = "1m"

[[cluster]]
name = "prod-eu1"
production = true
nodes = 3
namespaces = ["production"]

[[service]]
name = "payments"
cluster = "prod-eu1"
namespace = "production"
replicas = 2
image = "registry.acme.example/payments"
version = [{ tag = "1" }]

[[service]]
name = "checkout"
cluster = "prod-eu1"
namespace = "production"
replicas = 2
image = "registry.acme.example/checkout"
version = [{ tag = "1" }]

[[service]]
name = "ledger"
cluster = "prod-eu1"
namespace = "production"
kind = "StatefulSet"
replicas = 3
image = "registry.acme.example/ledger"
revision = 2
deployed = [{ version = "1", age = "9d" }, { version = "2", age = "2d" }]
version = [
  { tag = "1", ready_after = "2s" }, { tag = "2", ready_after = "2s" }, { tag = "3", ready_after = "2s" },
  { tag = "slow", ready_after = "9h" }, { tag = "bad", crash = { after = "2s" } },
]

[[service]]
name = "agent"
cluster = "prod-eu1"
namespace = "production"
kind = "DaemonSet"
image = "registry.acme.example/agent"
revision = 2
deployed = [{ version = "1", age = "9d" }, { version = "2", age = "2d" }]
version = [
  { tag = "1", ready_after = "2s" }, { tag = "2", ready_after = "2s" }, { tag = "3", ready_after = "2s" },
  { tag = "bad", crash = { after = "2s" } },
]
"#;

pub(super) fn in_production(kind: WorkloadKind, name: &str) -> WorkloadKey {
    WorkloadKey { cluster: cluster(), namespace: "production".into(), kind, name: name.into() }
}

/// One responder: an engine with an audit of its own.
pub(super) struct Responder {
    pub engine: RealEngine,
    store: Store,
    pub settings: Settings,
    directory: Arc<tempfile::TempDir>,
}

impl Responder {
    /// Whoever does not look whether it arrives.
    pub fn new(name: &str, cluster: &Cluster) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        Self::with(name, cluster, directory, Duration::ZERO).writing(cluster)
    }

    /// One who changes nothing of the cluster.
    pub fn reading(name: &str, cluster: &Cluster) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        Self::with(name, cluster, directory, Duration::ZERO)
    }

    /// The same person with the same audit, who looks for so long whether it arrives.
    pub fn watching(&self, cluster: &Cluster, watch: Duration) -> Self {
        Self::with(&self.settings.me, cluster, self.directory.clone(), watch).writing(cluster)
    }

    fn writing(self, cluster: &Cluster) -> Self {
        let operator = ClusterOperator::new(cluster.writer().expect("not read-only"));
        self.engine.add_operator(Arc::new(operator));
        self
    }

    fn with(name: &str, cluster: &Cluster, directory: Arc<tempfile::TempDir>, watch: Duration) -> Self {
        let (to, mut news) = mpsc::channel::<ActionEvent>(1_000);
        tokio::spawn(async move { while news.recv().await.is_some() {} });
        let (poll, keep) = (Duration::from_millis(50), Duration::from_millis(1));
        let pace = Pace { poll, watch, keep, ..Pace::default() };
        let identity = Identity { me: name.into(), login: format!("{name}@laptop").into() };
        let audit = Audit::new(directory.path().join("audit.jsonl"));
        let engine = RealEngine::new(audit, Arc::new(SystemClock), Arc::new(to), identity, pace);
        engine.add_inspector(Arc::new(WorkloadInspector::new(cluster.clone())));
        let mut settings = settings();
        settings.me = name.into();
        Self { engine, store: store(Vec::new()), settings, directory }
    }

    /// Has Argo CD's own server speak for applications, and carry out what is done to them.
    pub fn through(self, argocd: &Arc<ArgoCd>) -> Self {
        self.engine.add_applications(argocd.clone());
        self.engine.add_operator(Arc::new(ArgoCdOperator::new(argocd.clone())));
        self
    }

    pub async fn roll_back(&self, workload: &WorkloadKey, to: i64) -> Ran {
        let given = Given {
            confirm: Some(to.to_string()),
            name: Some(workload.name.to_string()),
            reason: Some("a race".to_owned()),
        };
        self.ask(Request::RollBack { workload: workload.clone(), to: Some(to), alert: None }, given).await
    }

    /// Confirms with what the plan asks for.
    pub async fn act(&self, request: Request) -> Ran {
        let looked = self.run(request.clone(), Given::default(), true).await;
        let Some(plan) = &looked.plan else { return looked };
        let accept = plan.accepts.first().map(ToString::to_string);
        let given = Given { confirm: accept.clone(), name: accept, reason: Some("the test wants it".to_owned()) };
        self.ask(request, given).await
    }

    pub async fn ask(&self, request: Request, given: Given) -> Ran {
        self.run(request, given, false).await
    }

    async fn run(&self, request: Request, given: Given, dry_run: bool) -> Ran {
        run_headless(&self.engine, &Headless { request, given, dry_run }, &self.store, &self.settings).await
    }

    /// What the audit says of an act, record by record.
    pub fn audited(&self, number: u64) -> Vec<&'static str> {
        let records = self.engine.0.audit.read().expect("readable");
        let entries = records.iter().filter(|record| record.number == number).map(|record| match &record.entry {
            Entry::Begun(_) => "begun",
            Entry::Step { .. } => "step",
            Entry::Intended { .. } => "intended",
            Entry::Outcome { result: audit::StepResult::Done, .. } => "done",
            Entry::Ended { outcome: Outcome::Done } => "ended",
            Entry::Watched { met: true, .. } => "arrived",
            Entry::Watched { met: false, .. } => "not there",
            _ => "?",
        });
        entries.collect()
    }
}
