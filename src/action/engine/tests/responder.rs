//! One who acts on a cluster of the demo's.

use super::*;
use crate::{
    action::engine::headless::{Headless, Ran, run_headless},
    model::kubernetes::WorkloadKey,
    operator::kubernetes::ClusterOperator,
    source::kubernetes::{Cluster, inspect::WorkloadInspector},
    time::SystemClock,
};

/// One responder: an engine with an audit of its own.
pub(super) struct Responder {
    pub engine: RealEngine,
    store: Store,
    pub settings: Settings,
    _directory: tempfile::TempDir,
}

impl Responder {
    pub fn new(name: &str, cluster: &Cluster) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (to, mut news) = mpsc::channel::<ActionEvent>(1_000);
        tokio::spawn(async move { while news.recv().await.is_some() {} });
        let (watch, poll, keep) = (Duration::ZERO, Duration::from_millis(50), Duration::from_millis(1));
        let pace = Pace { watch, poll, keep, ..Pace::default() };
        let identity = Identity { me: name.into(), login: format!("{name}@laptop").into() };
        let audit = Audit::new(directory.path().join("audit.jsonl"));
        let engine = RealEngine::new(audit, Arc::new(SystemClock), Arc::new(to), identity, pace);
        engine.add_inspector(Arc::new(WorkloadInspector::new(cluster.clone())));
        engine.add_operator(Arc::new(ClusterOperator::new(cluster.writer().expect("not read-only"))));
        let mut settings = settings();
        settings.me = name.into();
        Self { engine, store: store(Vec::new()), settings, _directory: directory }
    }

    pub async fn roll_back(&self, workload: &WorkloadKey, to: i64) -> Ran {
        let given = Given {
            confirm: Some(to.to_string()),
            name: Some(workload.name.to_string()),
            reason: Some("a race".to_owned()),
        };
        self.ask(Request::RollBack { workload: workload.clone(), to: Some(to) }, given).await
    }

    pub async fn ask(&self, request: Request, given: Given) -> Ran {
        run_headless(&self.engine, &Headless { request, given, dry_run: false }, &self.store, &self.settings).await
    }
}
