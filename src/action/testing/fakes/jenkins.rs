//! A fake Jenkins.

use std::sync::{Arc, Mutex};

use futures::{FutureExt as _, future::BoxFuture};

use crate::{
    action::{
        ActionError, Done, Jobs, Operator, Write,
        jobs::{Build, BuildStage, JobInspection, Parameter},
    },
    model::BackendId,
    text::Clean,
};

/// A Jenkins with one job. Starting it may do something to the cluster.
#[derive(Clone)]
pub struct FakeJenkins {
    pub job: Result<JobInspection, Clean>,
    /// How its build stands at each look; the last stays.
    pub builds: Arc<Mutex<Vec<(BuildStage, &'static str)>>>,
    pub sent: Arc<Mutex<Vec<Write>>>,
    pub hook: Arc<dyn Fn() + Send + Sync>,
}

/// A job `deploy` that takes a `TAG`.
pub fn deploy() -> JobInspection {
    JobInspection {
        url: "https://ci.example.com/job/deploy".into(),
        user: "ana".into(),
        is_buildable: true,
        parameters: vec![Parameter { name: "TAG".into(), choices: Vec::new() }],
        busy: None,
    }
}

impl FakeJenkins {
    pub fn new(builds: &[(BuildStage, &'static str)], hook: impl Fn() + Send + Sync + 'static) -> Self {
        let builds = Arc::new(Mutex::new(builds.to_vec()));
        Self { job: Ok(deploy()), builds, sent: Arc::default(), hook: Arc::new(hook) }
    }

    fn id() -> &'static BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(|| BackendId::new("ci"));
        &ID
    }
}

impl Jobs for FakeJenkins {
    fn backend(&self) -> &BackendId {
        Self::id()
    }

    fn job<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<JobInspection, Clean>> {
        std::future::ready(self.job.clone()).boxed()
    }

    fn build<'a>(&'a self, name: &'a str, item: &'a str) -> BoxFuture<'a, Result<Build, Clean>> {
        assert_eq!((name, item), ("deploy", "41"), "the one that was started");
        let mut builds = self.builds.lock().expect("unpoisoned");
        let (stage, says) = if builds.len() > 1 { builds.remove(0) } else { builds[0] };
        std::future::ready(Ok(Build { says: says.into(), stage })).boxed()
    }
}

impl Operator for FakeJenkins {
    fn backend(&self) -> &BackendId {
        Self::id()
    }

    fn rehearse<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async { None }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            self.sent.lock().expect("unpoisoned").push(write.clone());
            (self.hook)();
            Ok(Done { says: "queued as item 41".into(), reference: Some("41".into()) })
        }
        .boxed()
    }
}
