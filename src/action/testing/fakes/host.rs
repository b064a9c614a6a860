//! A fake code host.

use std::sync::{Arc, Mutex};

use futures::{FutureExt as _, future::BoxFuture};

use crate::{
    action::{ActionError, Done, Inspection, Inspector, Operator, Request, RunInspection, Write, testing::host},
    model::{BackendId, code::RunState},
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// A code host whose runs are all alike. Cancelling one, or starting a workflow, may do something to the cluster.
#[derive(Clone)]
pub struct FakeHost {
    pub run: Arc<Mutex<RunInspection>>,
    pub sent: Arc<Mutex<Vec<Write>>>,
    pub hook: Arc<dyn Fn() + Send + Sync>,
}

impl FakeHost {
    pub fn new(run: RunInspection, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self { run: Arc::new(Mutex::new(run)), sent: Arc::default(), hook: Arc::new(hook) }
    }
}

impl Inspector for FakeHost {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(host);
        &ID
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            match request {
                Request::Cancel { run, .. } | Request::Rerun { run, .. } => {
                    let mut found = self.run.lock().expect("unpoisoned").clone();
                    found.run.key = run.clone();
                    Ok(Inspection::Run(Box::new(found)))
                }
                _ => Err(SourceError::new(ErrorKind::Bug, "not of this fake")),
            }
        }
        .boxed()
    }
}

impl Operator for FakeHost {
    fn backend(&self) -> &BackendId {
        Inspector::backend(self)
    }

    fn rehearse<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async { None }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            self.sent.lock().expect("unpoisoned").push(write.clone());
            if matches!(write, Write::CancelRun { .. }) {
                self.run.lock().expect("unpoisoned").run.state = RunState::Cancelled;
            }
            if matches!(write, Write::CancelRun { .. } | Write::DispatchWorkflow { .. }) {
                (self.hook)();
            }
            Ok(Done { says: "done by the fake".into(), reference: Some("silence-1".into()) })
        }
        .boxed()
    }
}
